//! The Debian packages.
