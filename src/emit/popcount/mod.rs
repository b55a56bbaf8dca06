//! The popcount tree of one column lane as Verilog: the tree for the target and its specification.
//!
//! The specification (`popcount_model`) stands in for the tree wherever `SYNTHESIS` is not defined;
//! both have the same ports, the same integers and the same latency.

mod adders;
mod chain;
mod model;
mod part;
mod ports;
mod tree;

pub use tree::{PartShape, parts};

use super::NamedText;
use crate::design::tree::TreePlan;

/// The Verilog files of the tree; the top is `popcount_tree`.
///
/// Ports: `clk_i`, `weighted_i` (more than one plane), `row_i`, `enable_i` (where planned),
/// `weight_i` as stored (inverted where `TreePlan::inverted_rows` says), `count_o`.
/// Expects a plan that passes `TreePlan::validate`.
pub fn modules(plan: &TreePlan) -> Vec<NamedText> {
    let mut files = tree::modules(plan);
    files.push(model::module(plan, "popcount_model"));
    files
}
