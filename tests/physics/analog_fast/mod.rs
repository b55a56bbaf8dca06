//! The fast executor of analog arrays against the golden machine; `tests/guarded.rs` runs the same suite behind guard
//! pages.

mod suite;
