//! Proof obligations as Verilog: module `proof` raises `differ` where something is not as specified.

use std::fmt::Write as _;

use bincim::design::tree::TreePlan;
use bincim::design::tree::layout::{Leaf, Node};
use bincim::emit::NamedText;
use bincim::emit::popcount::{self, PartShape};

/// The tree, and its specification as `popcount_model`.
pub fn modules(plan: &TreePlan) -> Vec<NamedText> {
    let mut files = popcount::modules(plan, "popcount");
    files.push(popcount::specification(plan, "popcount_model"));
    files
}

/// A proof that a whole tree equals its specification.
pub fn whole_proof(plan: &TreePlan) -> Vec<NamedText> {
    let mut files = modules(plan);
    files.push(whole_proof_top(plan));
    files
}

pub fn whole_proof_top(plan: &TreePlan) -> NamedText {
    let top = plan.rows - 1;
    let mut ports = ".clk_i(clk_i), .row_i(row_i), .weight_i(weight_i)".to_string();
    if plan.groups > 1 {
        ports += ", .weighted_i(weighted_i)";
    }
    if plan.enable {
        ports += ", .enable_i(enable_i)";
    }
    let text = format!(
        "module proof (input clk_i, weighted_i, input [{top}:0] row_i, enable_i, weight_i, output differ);
  wire [{width}:0] tree, model;
  popcount_tree u_tree ({ports}, .count_o(tree));
  popcount_model u_model ({ports}, .count_o(model));
  assign differ = tree != model;
endmodule
",
        width = plan.count_width() - 1
    );
    NamedText { name: "proof.v".into(), text }
}

/// A proof that a part computes what the layout says, for all values in range.
pub fn proof_of_part(plan: &TreePlan, name: &str, part: &PartShape) -> NamedText {
    let text = match part {
        PartShape::Leaf(leaf) => leaf_proof(plan, name, leaf),
        PartShape::Node(node) => node_proof(name, node),
    };
    NamedText { name: "proof.v".into(), text }
}

fn leaf_proof(plan: &TreePlan, name: &str, leaf: &Leaf) -> String {
    let rows = leaf.rows;
    let summed = leaf.summed_rows();
    let inverted = inverted(plan, leaf);
    let enable = if plan.enable { (", .enable_i(enable_i)", " & enable_i") } else { ("", "") };
    let sum: Vec<String> = (0..summed).map(|row| format!("hit[{row}]")).collect();
    let sum = if sum.is_empty() { "1'b0".to_string() } else { sum.join(" + ") };
    let width = leaf.value.width();
    let mut want = format!("want == {}", if leaf.value.spare { "(count >> 1)" } else { "count" });
    if leaf.value.spare {
        let _ = write!(want, " && count[0] == hit[{}]", rows - 1);
    }
    format!(
        "module proof (input [{0}:0] row_i, enable_i, weight_i, output differ);
  wire [{1}:0] count;
  wire [{0}:0] hit = ~(row_i ^ weight_i ^ {rows}'b{inverted}){2};
  wire [31:0] want = {sum};
  {name} u_part (.row_i(row_i), .weight_i(weight_i){3}, .count_o(count));
  assign differ = !({want});
endmodule
",
        rows - 1,
        width - 1,
        enable.1,
        enable.0,
    )
}

/// The rows of a leaf whose weights arrive inverted, last row first.
fn inverted(plan: &TreePlan, leaf: &Leaf) -> String {
    let rows = plan.inverted_rows()[leaf.first..leaf.first + leaf.rows].to_vec();
    rows.iter().rev().map(|&bit| if bit { '1' } else { '0' }).collect()
}

fn node_proof(name: &str, node: &Node) -> String {
    let total: usize = node.operands.iter().map(|value| value.width()).sum();
    let mut from = 0;
    let mut terms = Vec::new();
    let mut ranges = Vec::new();
    for (k, value) in node.operands.iter().enumerate() {
        let slice = format!("values_i[{}:{from}]", from + value.width() - 1);
        let number = match value.spare {
            true => format!("(({slice} >> 1) + values_i[{from}])"),
            false => slice,
        };
        ranges.push(format!("({number} + 32'd0) <= {}", value.max));
        terms.push(match node.shift {
            0 => number,
            shift => format!("(({number} + 32'd0) << (weighted_i ? {} : 0))", k * shift),
        });
        from += value.width();
    }
    let weighted = if node.shift > 0 { ".weighted_i(weighted_i), " } else { "" };
    let got = if node.value.spare { "(sum >> 1) + sum[0]" } else { "sum" };
    format!(
        "module proof (input weighted_i, input [{}:0] values_i, output differ);
  wire [{}:0] sum;
  wire [31:0] want = {};
  wire [31:0] got = {got};
  {name} u_part ({weighted}.values_i(values_i), .sum_o(sum));
  assign differ = {} && got != want;
endmodule
",
        total - 1,
        node.value.width() - 1,
        terms.join(" + "),
        ranges.join(" && "),
    )
}
