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

/// The named connections of an instance with the same ports, one a line.
pub fn connections(plan: &TreePlan) -> String {
    let mut names = vec!["clk_i"];
    if plan.groups > 1 {
        names.push("weighted_i");
    }
    names.push("row_i");
    if plan.enable {
        names.push("enable_i");
    }
    names.extend(["weight_i", "count_o"]);
    let widest = names.iter().map(|name| name.len()).max().unwrap_or(0);
    let lines: Vec<String> = names.iter().map(|name| format!("    .{name:widest$} ({name})")).collect();
    lines.join(",\n")
}
