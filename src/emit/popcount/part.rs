//! The combinational parts of the tree: leafs that count rows, nodes that add counts.

use std::fmt::Write;

use askama::Template;

use super::adders::{self, Adders, Bit, concatenation};
use super::chain;
use crate::design::tree::layout::{Leaf, Node, Value};
use crate::design::tree::ripple::{Number, Ripple, Source, ripple, ripple_numbers};
use crate::design::tree::{TreePlan, TreeStyle, bit_width};
use crate::emit::NamedText;

#[derive(Template)]
#[template(path = "popcount/popcount_part.v", syntax = "verilog")]
struct Part {
    name: String,
    what: String,
    contract: String,
    ports: String,
    body: String,
}

impl Part {
    fn file(self) -> NamedText {
        NamedText { name: format!("{}.v", self.name), text: self.to_string() + "\n" }
    }
}

/// A leaf: the count of its rows.
pub fn leaf(plan: &TreePlan, leaf: &Leaf, name: &str) -> NamedText {
    let rows = leaf.rows;
    let mut contract = format!("//   count_o   rows that count, 0 to {rows}\n");
    if leaf.value.spare {
        let width = leaf.value.width();
        contract = match width {
            1 => "//   count_o   whether the one row counts\n".to_string(),
            _ => format!(
                "//   count_o[{}:1] + count_o[0]   rows that count, 0 to {rows}; bit 0 is the last \
                 row,\n//                            left to be the carry-in of a later adder\n",
                width - 1
            ),
        };
    }
    let range = format!("[{}:0]", rows - 1);
    let count = format!("[{}:0]", leaf.value.width() - 1);
    let mut ports = vec![("input ", range.clone(), "row_i")];
    if plan.enable {
        ports.push(("input ", range.clone(), "enable_i"));
    }
    ports.push(("input ", range.clone(), "weight_i"));
    ports.push(("output", count, "count_o"));
    let folds = plan.folds_xnor();
    if plan.style == TreeStyle::Ccu2c && folds && rows > 1 {
        contract += "// Weights of rows that are second operands below arrive inverted.\n";
    }
    let mut body = String::new();
    let bits: Vec<Bit> = if folds {
        (0..rows).map(|i| Bit::Xnor(format!("row_i[{i}]"), format!("weight_i[{i}]"))).collect()
    } else {
        let enable = if plan.enable { " & enable_i" } else { "" };
        let _ = writeln!(body, "  wire {range} hit = ~(row_i ^ weight_i){enable};\n");
        (0..rows).map(|i| Bit::Wire(format!("hit[{i}]"))).collect()
    };
    if plan.style == TreeStyle::Flat {
        body += &flat_count(rows, leaf.value.width());
    } else {
        let summed = leaf.summed_rows();
        let mut outputs = Vec::new();
        if summed > 0 {
            let network = ripple(&vec![0; summed], bit_width(summed), plan.row_order());
            let adders = print(plan.style, &network, &bits[..summed]);
            body += &separated(&adders.text);
            outputs = adders.outputs;
        }
        if leaf.value.spare {
            outputs.insert(0, spare(&bits[summed]));
        }
        outputs.reverse();
        let _ = write!(body, "  assign count_o = {};", concatenation(&outputs, 19));
    }
    let contract = format!("{}// Combinational.", contract);
    let what = format!("counts {rows} row{}.", if rows == 1 { "" } else { "s" });
    Part { name: name.to_string(), what, contract, ports: declarations(&ports), body }.file()
}

/// A node: the sum of its operands.
pub fn node(plan: &TreePlan, node: &Node, name: &str) -> NamedText {
    let total: usize = node.operands.iter().map(|value| value.width()).sum();
    let out = node.value.width();
    let mut ports = Vec::new();
    if node.shift > 0 {
        ports.push(("input ", String::new(), "weighted_i"));
    }
    ports.push(("input ", format!("[{}:0]", total - 1), "values_i"));
    ports.push(("output", format!("[{}:0]", out - 1), "sum_o"));
    let mut contract = String::new();
    let mut body = String::new();
    let mut bits = Vec::new();
    let mut numbers = Vec::new();
    let mut spares = Vec::new();
    let mut from = 0;
    for (k, &value) in node.operands.iter().enumerate() {
        let width = value.width();
        let slice = format!("values_i[{}:{from}]", from + width - 1);
        let _ = writeln!(contract, "//   {slice:16} {}", describe(k, value, node.shift));
        let shift = if plan.style == TreeStyle::Ccu2c { 0 } else { k * node.shift };
        let _ = match shift {
            0 => writeln!(body, "  wire [{}:0] value{k} = {slice};", width - 1),
            _ => writeln!(
                body,
                "  wire [{}:0] value{k} = weighted_i ? {{{slice}, {shift}'d0}} : {{{shift}'d0, {slice}}};",
                width + shift - 1
            ),
        };
        let wide = Value { max: value.max << shift, ..value };
        let mut inputs: Vec<Source> = (bits.len()..bits.len() + wide.width()).map(Source::Input).collect();
        bits.extend((0..wide.width()).map(|bit| Bit::Wire(format!("value{k}[{bit}]"))));
        if value.spare {
            spares.push(inputs.remove(0));
        }
        numbers.push(Number { bits: inputs, max: wide.max - usize::from(value.spare) });
        from += width;
    }
    if node.value.spare {
        let _ =
            writeln!(contract, "//   sum_o[{}:1] + sum_o[0]   their sum, 0 to {}", out - 1, node.value.max);
    } else {
        let _ = writeln!(contract, "//   sum_o            their sum, 0 to {}", node.value.max);
    }
    body.push('\n');
    if plan.style == TreeStyle::Flat {
        let terms: Vec<String> = node
            .operands
            .iter()
            .enumerate()
            .map(|(k, value)| match out - (value.width() + k * node.shift) {
                0 => format!("value{k}"),
                pad => format!("{{{pad}'d0, value{k}}}"),
            })
            .collect();
        let _ = write!(body, "  assign sum_o = {};", terms.join(" + "));
    } else if plan.style == TreeStyle::Ccu2c && node.shift > 0 {
        body += &shift_adders(node);
    } else {
        let kept = usize::from(node.value.spare);
        spares.drain(..kept);
        let network = ripple_numbers(numbers, spares, out - kept);
        let adders = print(plan.style, &network, &bits);
        body += &separated(&adders.text);
        let mut outputs = adders.outputs;
        if node.value.spare {
            outputs.insert(0, "value0[0]".to_string());
        }
        outputs.reverse();
        let _ = write!(body, "  assign sum_o = {};", concatenation(&outputs, 17));
    }
    let what =
        format!("adds {} counts{}.", node.operands.len(), if node.shift > 0 { " of planes" } else { "" });
    let contract = contract + "// Combinational.";
    Part { name: name.to_string(), what, contract, ports: declarations(&ports), body }.file()
}

/// Planes added in pairs, then the pairs, each second operand shifted inside the carry cells.
fn shift_adders(node: &Node) -> String {
    let mut text = String::new();
    let mut level: Vec<(String, usize)> =
        node.operands.iter().enumerate().map(|(k, value)| (format!("value{k}"), value.max)).collect();
    let mut shift = node.shift;
    let mut number = 0;
    while level.len() > 1 {
        let mut next = Vec::new();
        for pair in level.chunks(2) {
            let [(first, first_max), (second, second_max)] = pair else {
                next.extend(pair.iter().cloned());
                continue;
            };
            let width = bit_width(*first_max.max(second_max));
            let max = first_max + (second_max << shift);
            let wide = |name: &str, max: usize| match width - bit_width(max) {
                0 => name.to_string(),
                pad => format!("{{{pad}'d0, {name}}}"),
            };
            let sum = format!("pair{number}");
            let _ = write!(
                text,
                "  wire [{}:0] {sum};

  popcount_shift_add #(
    .WIDTH ({width}),
    .SHIFT ({shift}),
    .SUM   ({})
  ) u_{sum} (
    .weighted_i (weighted_i),
    .a_i        ({}),
    .b_i        ({}),
    .sum_o      ({sum})
  );

",
                bit_width(max) - 1,
                bit_width(max),
                wide(first, *first_max),
                wide(second, *second_max),
            );
            next.push((sum, max));
            number += 1;
        }
        level = next;
        shift *= 2;
    }
    text + &format!("  assign sum_o = {};", level[0].0)
}

/// The adders in the words of a style.
fn print(style: TreeStyle, network: &Ripple, bits: &[Bit]) -> Adders {
    match style {
        TreeStyle::Ccu2c => chain::carry_cells(network, bits),
        TreeStyle::Lut6 => adders::lut_pairs(network, bits),
        TreeStyle::Compress32 => adders::bitwise(network, bits),
        _ => adders::vectors(network, bits),
    }
}

/// The row that is left for a later carry-in.
fn spare(bit: &Bit) -> String {
    match bit {
        Bit::Wire(wire) => wire.clone(),
        Bit::Xnor(row, weight) => format!("~({row} ^ {weight})"),
    }
}

fn describe(k: usize, value: Value, shift: usize) -> String {
    let range = format!("0 to {}", value.max);
    let form = if value.spare && value.width() > 1 { ", bit 0 apart" } else { "" };
    match k * shift {
        0 => format!("{range}{form}"),
        shift => format!("{range}, times 2^{shift} when weighted_i"),
    }
}

fn flat_count(rows: usize, width: usize) -> String {
    let pad = match width - 1 {
        0 => "hit[row]".to_string(),
        pad => format!("{{{pad}'d0, hit[row]}}"),
    };
    format!(
        "  reg [{}:0] count;
  integer row;

  always @* begin
    count = {width}'d0;
    for (row = 0; row < {rows}; row = row + 1) begin
      count = count + {pad};
    end
  end

  assign count_o = count;",
        width - 1
    )
}

fn separated(text: &str) -> String {
    if text.is_empty() { String::new() } else { format!("{text}\n") }
}

fn declarations(ports: &[(&str, String, &str)]) -> String {
    let widest = ports.iter().map(|(_, range, _)| range.len()).max().unwrap_or(0);
    let lines: Vec<String> =
        ports.iter().map(|(way, range, name)| format!("  {way} wire {range:widest$} {name}")).collect();
    lines.join(",\n")
}
