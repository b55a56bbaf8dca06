//! The port list that the tree and its specification share.

use crate::design::tree::TreePlan;

/// The port declarations, one a line, without the closing parenthesis.
pub fn declarations(plan: &TreePlan) -> String {
    let rows = format!("[{}:0]", plan.rows - 1);
    let mut ports = vec![("input", String::new(), "clk_i")];
    if plan.groups > 1 {
        ports.push(("input", String::new(), "weighted_i"));
    }
    ports.push(("input", rows.clone(), "row_i"));
    if plan.enable {
        ports.push(("input", rows.clone(), "enable_i"));
    }
    ports.push(("input", rows, "weight_i"));
    ports.push(("output", format!("[{}:0]", plan.count_width() - 1), "count_o"));
    let widest = ports.iter().map(|(_, range, _)| range.len()).max().unwrap_or(0);
    let lines: Vec<String> =
        ports.iter().map(|(way, range, name)| format!("  {way:6} wire {range:widest$} {name}")).collect();
    lines.join(",\n")
}
