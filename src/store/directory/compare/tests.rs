//! What one pass does, and what no sequence of passes can do.
