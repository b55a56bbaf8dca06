//! Memories of sums.

use super::view::View;
use askama::Template;

/// A memory that holds the sums of all lanes in each entry.
#[derive(Template)]
#[template(path = "rtl/sum_memory.v", syntax = "verilog", escape = "none")]
pub(super) struct SumMemory<'a> {
    pub v: &'a View,
    pub module: &'static str,
    pub description: String,
    /// Why an entry is never read while it is written.
    pub order: &'static str,
    pub depth: usize,
    pub address_width: usize,
}
