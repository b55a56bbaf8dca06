//! The top of the tree: stages of leafs and nodes, and the registers between them.

use std::fmt::Write;

use askama::Template;

use super::{model, part, ports};
use crate::design::tree::layout::{Layout, Leaf, Node, PartShape, Value, layout};
use crate::design::tree::{TreePlan, TreeStyle};
use crate::emit::NamedText;

#[derive(Template)]
#[template(path = "popcount/popcount_tree.v", syntax = "verilog")]
struct Top {
    style: &'static str,
    contract: String,
    ports: String,
    body: String,
}

#[derive(Template)]
#[template(path = "popcount/popcount_carry.v", syntax = "verilog")]
struct CarryCells;

#[derive(Template)]
#[template(path = "popcount/popcount_shift_add.v", syntax = "verilog")]
struct ShiftAdder;

#[derive(Template)]
#[template(path = "popcount/popcount_full_add.v", syntax = "verilog")]
struct FullAdder;

/// Name of the tree's module where all its names begin with `stem`.
pub fn top(stem: &str) -> String {
    format!("{stem}_tree")
}

/// The parts of the tree, each with the name of its module, which begins with `stem`.
pub fn parts(plan: &TreePlan, stem: &str) -> Vec<(String, PartShape)> {
    let mut parts = Vec::new();
    body(plan, &layout(plan), &mut parts);
    parts.into_iter().map(|(name, shape)| (renamed(&name, stem), shape)).collect()
}

/// The templates call every module `popcount_...`.
fn renamed(text: &str, stem: &str) -> String {
    text.replace("popcount_", &format!("{stem}_"))
}

/// The Verilog files of the tree: the top, its parts, and the adders that they are made of. Their names begin with `stem`;
/// designs of several stems stand in one simulation.
///
/// Ports: `clk_i`, `weighted_i` (more than one plane), `row_i`, `enable_i` (where planned),
/// `weight_i` as stored (inverted where `TreePlan::inverted_rows` says), `count_o`.
/// Expects a plan that passes `TreePlan::validate`.
pub fn modules(plan: &TreePlan, stem: &str) -> Vec<NamedText> {
    let layout = layout(plan);
    let mut parts = Vec::new();
    let body = body(plan, &layout, &mut parts);
    let top = Top {
        style: describe(plan.style),
        contract: model::contract(plan),
        ports: ports::declarations(plan),
        body,
    };
    let mut files = vec![NamedText { name: "popcount_tree.v".into(), text: top.to_string() + "\n" }];
    files.extend(parts.iter().map(|(name, shape)| match shape {
        PartShape::Leaf(leaf) => part::leaf(plan, leaf, name),
        PartShape::Node(node) => part::node(plan, node, name),
    }));
    files.extend(cells(plan));
    let renamed =
        |file: NamedText| NamedText { name: renamed(&file.name, stem), text: renamed(&file.text, stem) };
    files.into_iter().map(renamed).collect()
}

/// The modules that the parts of a style are made of.
fn cells(plan: &TreePlan) -> Vec<NamedText> {
    let file = |name: &str, text: String| NamedText { name: name.to_string(), text: text + "\n" };
    match plan.style {
        TreeStyle::Ccu2c => {
            let mut cells = vec![file("popcount_carry.v", CarryCells.to_string())];
            if plan.groups > 1 {
                cells.push(file("popcount_shift_add.v", ShiftAdder.to_string()));
            }
            cells
        }
        TreeStyle::Lut6 => vec![file("popcount_full_add.v", FullAdder.to_string())],
        TreeStyle::Flat | TreeStyle::Compress32 | TreeStyle::CarryIn => Vec::new(),
    }
}

fn describe(style: TreeStyle) -> &'static str {
    match style {
        TreeStyle::Flat => "written as loops and sums",
        TreeStyle::Compress32 => "made of full adders",
        TreeStyle::CarryIn => "made of ripple adders that take a row as carry-in",
        TreeStyle::Ccu2c => "made of ECP5 carry cells",
        TreeStyle::Lut6 => "made of Xilinx 7 slices",
    }
}

/// Equal things one after the other: how many, and the first of them.
struct Group<T> {
    count: usize,
    item: T,
}

/// One stage on its way to text.
struct Stage {
    /// Instances.
    text: String,
    /// Width of all its values together.
    width: usize,
}

/// The stages, joined by registers where the tree is pipelined.
fn body(plan: &TreePlan, layout: &Layout, parts: &mut Vec<(String, PartShape)>) -> String {
    let mut stages = vec![leaf_stage(plan, &layout.leafs, parts)];
    for (index, nodes) in layout.stages.iter().enumerate() {
        stages.push(node_stage(plan, nodes, index + 2, parts));
    }
    let last = stages.len();
    let weighted_stages = layout.stages.len() - layout.plane_stages;
    let mut text = String::new();
    if plan.pipelined && weighted_stages > 0 {
        text += &weighted_delay(layout.plane_stages + 1, last - 1);
    }
    for (index, stage) in stages.iter().enumerate() {
        let number = index + 1;
        let range = format!("[{}:0]", stage.width - 1);
        let registered = plan.pipelined || number == last;
        let title = match index {
            0 => format!("Stage 1: {} leafs.", layout.leafs.len()),
            _ if number > layout.plane_stages + 1 => format!("Stage {number}: across planes."),
            _ => format!("Stage {number}: four counts to one."),
        };
        let _ = writeln!(text, "  // {title}");
        let _ = writeln!(text, "  wire {range} stage{number}_d;");
        if registered {
            let _ = writeln!(text, "  reg  {range} stage{number}_q;");
        }
        let _ = writeln!(text, "\n{}", stage.text);
        if registered {
            let _ = writeln!(
                text,
                "  always @(posedge clk_i) begin\n    stage{number}_q <= stage{number}_d;\n  end\n"
            );
        }
    }
    let _ = write!(text, "  assign count_o = stage{last}_q;");
    if text.contains("  generate\n") {
        text.insert_str(0, "  genvar g;\n\n");
    }
    text
}

/// `weighted_i` for each stage across planes: the value that came with the rows it now adds.
fn weighted_delay(first: usize, last: usize) -> String {
    let mut text =
        format!("  // weighted_i on its way with the rows.\n  reg [{}:0] weighted_q;\n\n", last - 1);
    let next = if last == 1 {
        "weighted_i".to_string()
    } else {
        format!("{{weighted_q[{}:0], weighted_i}}", last - 2)
    };
    let _ = writeln!(text, "  always @(posedge clk_i) begin\n    weighted_q <= {next};\n  end\n");
    debug_assert!(first <= last);
    text
}

fn leaf_stage(plan: &TreePlan, leafs: &[Leaf], parts: &mut Vec<(String, PartShape)>) -> Stage {
    let shape = |leaf: &Leaf| (leaf.rows, leaf.value);
    let mut shapes: Vec<(usize, Value)> = Vec::new();
    let mut text = String::new();
    let mut offset = 0;
    for group in groups(leafs, |a, b, n| shape(a) == shape(b) && b.first == a.first + n * a.rows) {
        let leaf = group.item;
        let kind = position(&mut shapes, shape(leaf), |name| {
            parts.push((format!("popcount_leaf_{name}"), PartShape::Leaf(*leaf)));
        });
        let width = leaf.value.width();
        let mut connections = vec![("row_i", slice("row_i", leaf.first, leaf.rows, group.count))];
        if plan.enable {
            connections.push(("enable_i", slice("enable_i", leaf.first, leaf.rows, group.count)));
        }
        connections.push(("weight_i", slice("weight_i", leaf.first, leaf.rows, group.count)));
        connections.push(("count_o", slice("stage1_d", offset, width, group.count)));
        text += &instances(&format!("leaf_{kind}"), leaf.first, group.count, &connections);
        offset += width * group.count;
    }
    Stage { text, width: offset }
}

fn node_stage(plan: &TreePlan, nodes: &[Node], number: usize, parts: &mut Vec<(String, PartShape)>) -> Stage {
    let before = match plan.pipelined {
        true => format!("stage{}_q", number - 1),
        false => format!("stage{}_d", number - 1),
    };
    let after = format!("stage{number}_d");
    let shape = |node: &Node| (node.operands.clone(), node.value);
    let mut shapes = Vec::new();
    let mut text = String::new();
    let mut from = 0;
    let mut offset = 0;
    for group in groups(nodes, |a, b, _| shape(a) == shape(b)) {
        let node = group.item;
        let taken: usize = node.operands.iter().map(|value| value.width()).sum();
        let width = node.value.width();
        let input = slice(&before, from, taken, group.count);
        let output = slice(&after, offset, width, group.count);
        if node.operands.len() == 1 {
            let whole = slice(&before, from, taken * group.count, 1);
            let _ = writeln!(text, "  assign {} = {whole};\n", slice(&after, offset, width * group.count, 1));
        } else {
            let kind = position(&mut shapes, shape(node), |name| {
                parts.push((format!("popcount_sum{number}_{name}"), PartShape::Node(node.clone())));
            });
            let mut connections = Vec::new();
            if node.shift > 0 {
                let weighted = match plan.pipelined {
                    true => format!("weighted_q[{}]", number - 2),
                    false => "weighted_i".to_string(),
                };
                connections.push(("weighted_i", weighted));
            }
            connections.push(("values_i", input));
            connections.push(("sum_o", output));
            text += &instances(&format!("sum{number}_{kind}"), offset, group.count, &connections);
        }
        from += taken * group.count;
        offset += width * group.count;
    }
    Stage { text, width: offset }
}

/// Splits a list into groups; `same(first, candidate, index in group)` says whether one continues.
fn groups<T>(items: &[T], same: impl Fn(&T, &T, usize) -> bool) -> Vec<Group<&T>> {
    let mut groups: Vec<Group<&T>> = Vec::new();
    for item in items {
        match groups.last_mut() {
            Some(group) if same(group.item, item, group.count) => group.count += 1,
            _ => groups.push(Group { count: 1, item }),
        }
    }
    groups
}

/// The letter of a shape; a new shape is announced under its letter.
fn position<S: PartialEq>(shapes: &mut Vec<S>, shape: S, new: impl FnOnce(&str)) -> String {
    let index = shapes.iter().position(|known| *known == shape).unwrap_or(shapes.len());
    let letter = |index: usize| char::from(b'a' + u8::try_from(index % 26).unwrap_or(0)).to_string();
    let name = if index < 26 { letter(index) } else { letter(index / 26 - 1) + &letter(index) };
    if index == shapes.len() {
        shapes.push(shape);
        new(&name);
    }
    name
}

/// A part of a vector; for several instances, the part of instance `g`.
fn slice(name: &str, first: usize, width: usize, count: usize) -> String {
    match (count, first) {
        (1, _) => format!("{name}[{}:{first}]", first + width - 1),
        (_, 0) => format!("{name}[{width}*g +: {width}]"),
        _ => format!("{name}[{first} + {width}*g +: {width}]"),
    }
}

/// One instance, or a generate loop over several.
fn instances(part: &str, tag: usize, count: usize, connections: &[(&str, String)]) -> String {
    let widest = connections.iter().map(|(port, _)| port.len()).max().unwrap_or(0);
    let lines: Vec<String> =
        connections.iter().map(|(port, wire)| format!("  .{port:widest$} ({wire})")).collect();
    if count == 1 {
        let body = lines.join(",\n").replace("\n", "\n  ");
        return format!("  popcount_{part} u_{part}_{tag} (\n  {body}\n  );\n\n");
    }
    let body = lines.join(",\n").replace("\n", "\n      ");
    format!(
        "  generate\n    for (g = 0; g < {count}; g = g + 1) begin : gen_{part}_{tag}\n      \
         popcount_{part} u_part (\n      {body}\n      );\n    end\n  endgenerate\n\n"
    )
}
