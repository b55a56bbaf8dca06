//! Data sets in.
