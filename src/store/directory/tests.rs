//! How directory.toml is read and written.
