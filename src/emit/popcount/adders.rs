//! Ripple adders as Verilog: vector sums, full adders bit by bit, or one chain of ECP5 carry cells.

use std::fmt::Write;

use crate::design::tree::ripple::{Ripple, Run, Source};

/// An input bit of the adders.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Bit {
    /// A wire.
    Wire(String),
    /// XNOR of two wires, for a cell that takes it in.
    Xnor(String, String),
}

impl Bit {
    /// The bit as an expression.
    fn expression(&self) -> String {
        match self {
            Bit::Wire(wire) => wire.clone(),
            Bit::Xnor(row, weight) => format!("~({row} ^ {weight})"),
        }
    }
}

/// Adders as text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Adders {
    /// Declarations and instances, two spaces in, ending in a line feed; may be empty.
    pub text: String,
    /// The expression of each bit of the sum.
    pub outputs: Vec<String>,
}

/// The function that `bitwise` and `vectors` call.
const FULL_ADD: &str = "  function [1:0] full_add;
    input a, b, c;
    full_add = {(a & b) | (c & (a ^ b)), a ^ b ^ c};
  endfunction

";

/// Every run as full adders, one wire pair each.
pub fn bitwise(ripple: &Ripple, inputs: &[Bit]) -> Adders {
    let name = |source: Source| match source {
        Source::Input(i) => inputs[i].expression(),
        Source::Sum(run, k) => format!("add{run}_{k}[0]"),
        Source::Carry(run) => format!("add{run}_{}[1]", ripple.runs[run].adds.len() - 1),
    };
    let mut text = String::new();
    for (number, run) in ripple.runs.iter().enumerate() {
        for (k, &(first, second)) in run.adds.iter().enumerate() {
            let carry = match k {
                0 => run.carry_in.map(name),
                _ => Some(format!("add{number}_{}[1]", k - 1)),
            };
            let last = k + 1 == run.adds.len() && !run.carry_out;
            let wire = format!("add{number}_{k}");
            text += &full_adder(&wire, &name(first), second.map(name), carry, last);
        }
    }
    finish(ripple, text, name)
}

/// Every run as full adders of `popcount_full_add`; one of three XNORs, or without a carry, as logic.
pub fn lut_pairs(ripple: &Ripple, inputs: &[Bit]) -> Adders {
    let name = |source: Source| match source {
        Source::Input(i) => inputs[i].expression(),
        Source::Sum(run, k) => format!("add{run}_{k}[0]"),
        Source::Carry(run) => format!("add{run}_{}[1]", ripple.runs[run].adds.len() - 1),
    };
    let pair = |source: Source| match source {
        Source::Input(i) => match &inputs[i] {
            Bit::Xnor(row, weight) => (row.clone(), weight.clone(), true),
            Bit::Wire(wire) => (wire.clone(), "1'b1".to_string(), false),
        },
        other => (name(other), "1'b1".to_string(), false),
    };
    let mut text = String::new();
    for (number, run) in ripple.runs.iter().enumerate() {
        for (k, &(first, second)) in run.adds.iter().enumerate() {
            let wire = format!("add{number}_{k}");
            let running = (k > 0).then(|| {
                (
                    format!("add{number}_{}[1]", k - 1),
                    "1'b1".to_string(),
                    false,
                )
            });
            let mut bits: Vec<(String, String, bool)> = running
                .into_iter()
                .chain(run.carry_in.filter(|_| k == 0).map(pair))
                .collect();
            bits.push(pair(first));
            bits.extend(second.map(pair));
            let last = k + 1 == run.adds.len() && !run.carry_out;
            let plain = |bit: &(String, String, bool)| match bit {
                (row, weight, true) => format!("~({row} ^ {weight})"),
                (wire, _, false) => wire.clone(),
            };
            let folded = bits.iter().filter(|bit| bit.2).count();
            if last || folded > 2 {
                let mut words: Vec<String> = bits.iter().map(plain).collect();
                let first = words.remove(0);
                let carry = (words.len() > 1).then(|| words.remove(1));
                text += &full_adder(&wire, &first, words.pop(), carry, last);
                continue;
            }
            // The adder's first operand is a plain wire: bring one there.
            bits.sort_by_key(|bit| bit.2);
            let none = ("1'b0".to_string(), "1'b1".to_string(), false);
            if bits[0].2 {
                bits.insert(0, none.clone());
            }
            bits.resize(3, none);
            let _ = write!(
                text,
                "  wire [1:0] {wire};
  popcount_full_add u_{wire} (
    .a_i        ({}),
    .b_i        ({}),
    .b_weight_i ({}),
    .c_i        ({}),
    .c_weight_i ({}),
    .sum_o      ({wire}[0]),
    .carry_o    ({wire}[1])
  );
",
                bits[0].0, bits[1].0, bits[1].1, bits[2].0, bits[2].1
            );
        }
    }
    finish(ripple, text, name)
}

/// Runs of several weights as vector sums with the carry-in below the lowest bit.
pub fn vectors(ripple: &Ripple, inputs: &[Bit]) -> Adders {
    let name = |source: Source| match source {
        Source::Input(i) => inputs[i].expression(),
        Source::Sum(run, k) if ripple.runs[run].adds.len() == 1 => format!("add{run}[{k}]"),
        Source::Sum(run, k) => format!("add{run}[{}]", k + 1),
        Source::Carry(run) => match ripple.runs[run].adds.len() {
            1 => format!("add{run}[1]"),
            bits => format!("add{run}[{}]", bits + 1),
        },
    };
    let mut text = String::new();
    for (number, run) in ripple.runs.iter().enumerate() {
        let wire = format!("add{number}");
        if let [(first, second)] = run.adds[..] {
            let carry = run.carry_in.map(name);
            text += &full_adder(&wire, &name(first), second.map(name), carry, !run.carry_out);
        } else {
            text += &vector_sum(&wire, run, &name);
        }
    }
    finish(ripple, text, name)
}

/// One full adder, or what is left of it where bits are missing.
fn full_adder(
    wire: &str,
    first: &str,
    second: Option<String>,
    carry: Option<String>,
    last: bool,
) -> String {
    let mut bits = vec![first.to_string()];
    bits.extend(second);
    bits.extend(carry);
    if last {
        return format!("  wire [0:0] {wire} = {};\n", bits.join(" ^ "));
    }
    bits.resize(3, "1'b0".to_string());
    format!("  wire [1:0] {wire} = full_add({});\n", bits.join(", "))
}

/// `{carry out, a, 1} + {0, b, carry in}`: the lowest position makes the carry.
fn vector_sum(wire: &str, run: &Run, name: &impl Fn(Source) -> String) -> String {
    let top = run.adds.len() + usize::from(run.carry_out);
    let mut first: Vec<String> = run.adds.iter().rev().map(|add| name(add.0)).collect();
    let zero = |source: Option<Source>| source.map_or("1'b0".to_string(), name);
    let mut second: Vec<String> = run.adds.iter().rev().map(|add| zero(add.1)).collect();
    if run.carry_out {
        first.insert(0, "1'b0".to_string());
        second.insert(0, "1'b0".to_string());
    }
    first.push("1'b1".to_string());
    second.push(zero(run.carry_in));
    format!(
        "  wire [{top}:0] {wire} =\n      {}\n      + {};\n  wire unused_{wire} = {wire}[0];\n",
        concatenation(&first, 6),
        concatenation(&second, 8)
    )
}

/// `{a, b, ...}`, broken into lines where it is too long.
pub fn concatenation(parts: &[String], indent: usize) -> String {
    let mut lines = vec!["{".to_string()];
    for (index, part) in parts.iter().enumerate() {
        let last = lines.last_mut().expect("starts with one line");
        let comma = if index + 1 < parts.len() { "," } else { "}" };
        let gap = if index == 0 { "" } else { " " };
        if indent + last.len() + gap.len() + part.len() + 2 > 98 {
            lines.push(format!("{}{part}{comma}", " ".repeat(indent + 1)));
        } else {
            let _ = write!(last, "{gap}{part}{comma}");
        }
    }
    lines.join("\n")
}

/// Adds the helper function where it is called, and names the outputs.
fn finish(ripple: &Ripple, text: String, name: impl Fn(Source) -> String) -> Adders {
    let text = if text.contains("full_add(") {
        FULL_ADD.to_string() + &text
    } else {
        text
    };
    let zero = |source: &Option<Source>| source.map_or("1'b0".to_string(), &name);
    Adders {
        text,
        outputs: ripple.outputs.iter().map(zero).collect(),
    }
}

/// One slot of a carry chain.
enum Slot {
    /// Ends the running carry, whose value is the slot's sum, and starts a new one.
    Start(Option<Source>),
    /// Adds two bits to the running carry.
    Add(Source, Option<Source>),
}

/// All runs on one chain of `popcount_carry`: where one run ends, the next one starts.
pub fn carry_cells(ripple: &Ripple, inputs: &[Bit]) -> Adders {
    if ripple.runs.is_empty() {
        let plain = |source: Source| match source {
            Source::Input(i) => inputs[i].expression(),
            _ => unreachable!("no run, so no sum"),
        };
        return finish(ripple, String::new(), plain);
    }
    let chain = Chain::new(ripple);
    let name = |source: Source| match source {
        Source::Input(i) => inputs[i].expression(),
        other => format!("sum[{}]", chain.slot_of(other)),
    };
    let count = chain.slots.len();
    let mut text = format!("  // Operands of each slot, first and second; slot 0 is the lowest.\n");
    let operand = |source: Option<Source>, second: bool| match (source, second) {
        (Some(Source::Input(i)), _) => match &inputs[i] {
            Bit::Xnor(row, weight) => format!("{row}, {weight}"),
            Bit::Wire(wire) => format!("{wire}, {}", if second { "1'b0" } else { "1'b1" }),
        },
        (Some(source), false) => format!("{}, 1'b1", name(source)),
        (Some(source), true) => format!("{}, 1'b0", name(source)),
        (None, false) => "1'b0, 1'b1".to_string(),
        (None, true) => "1'b0, 1'b0".to_string(),
    };
    let _ = writeln!(text, "  wire [{}:0] sum;", count - 1);
    for (index, slot) in chain.slots.iter().enumerate() {
        let (kind, first, second) = match slot {
            Slot::Start(bit) => ("start", operand(*bit, false), "2'b01".to_string()),
            Slot::Add(first, second) => {
                ("add", operand(Some(*first), false), operand(*second, true))
            }
        };
        let _ = writeln!(text, "  wire [3:0] {kind}{index} = {{{first}, {second}}};");
    }
    let names: Vec<String> = chain
        .slots
        .iter()
        .enumerate()
        .rev()
        .map(|(index, slot)| match slot {
            Slot::Start(_) => format!("start{index}"),
            Slot::Add(..) => format!("add{index}"),
        })
        .collect();
    let adds: String = chain
        .slots
        .iter()
        .rev()
        .map(|slot| {
            if matches!(slot, Slot::Add(..)) {
                '1'
            } else {
                '0'
            }
        })
        .collect();
    let _ = write!(
        text,
        "\n  popcount_carry #(\n    .SLOTS ({count}),\n    .ADDS  ({count}'b{adds})\n  ) u_carry (\n    \
         .ops_i ({}),\n    .sum_o (sum)\n  );\n",
        concatenation(&names, 11)
    );
    let used: Vec<usize> = chain.used(ripple);
    let unused: Vec<String> = (0..count)
        .rev()
        .filter(|slot| !used.contains(slot))
        .map(|slot| format!("sum[{slot}]"))
        .collect();
    if !unused.is_empty() {
        let _ = writeln!(
            text,
            "\n  wire unused_sum = &{};",
            concatenation(&unused, 22)
        );
    }
    finish(ripple, text, name)
}

/// Runs laid on slots.
struct Chain {
    slots: Vec<Slot>,
    /// First add slot of each run.
    adds: Vec<usize>,
    /// Slot whose sum is the carry that leaves each run.
    carries: Vec<usize>,
}

impl Chain {
    /// Lays the runs one after the other; both slots of a cell never depend on each other.
    fn new(ripple: &Ripple) -> Chain {
        let mut chain = Chain {
            slots: Vec::new(),
            adds: Vec::new(),
            carries: Vec::new(),
        };
        for run in &ripple.runs {
            let skip = chain.slots.is_empty() && run.carry_in.is_none();
            if !skip {
                while !chain.fits(run) {
                    chain.slots.push(Slot::Start(None));
                }
                chain.slots.push(Slot::Start(run.carry_in));
            }
            chain.adds.push(chain.slots.len());
            chain.slots.extend(
                run.adds
                    .iter()
                    .map(|&(first, second)| Slot::Add(first, second)),
            );
            chain.carries.push(chain.slots.len());
        }
        let carry_out = ripple.runs.last().is_some_and(|run| run.carry_out);
        if carry_out || chain.slots.len() % 2 == 1 {
            chain.slots.push(Slot::Start(None));
        }
        if chain.slots.len() % 2 == 1 {
            chain.slots.push(Slot::Start(None));
        }
        chain
    }

    /// Whether a run whose start comes next would use no sum of its own cells.
    fn fits(&self, run: &Run) -> bool {
        let start = self.slots.len();
        let earlier = |source: Option<Source>, slot: usize| match source {
            None | Some(Source::Input(_)) => true,
            Some(source) => self.slot_of(source) / 2 < slot / 2,
        };
        earlier(run.carry_in, start)
            && run.adds.iter().enumerate().all(|(k, &(first, second))| {
                earlier(Some(first), start + 1 + k) && earlier(second, start + 1 + k)
            })
    }

    /// The slot whose sum output is this bit.
    fn slot_of(&self, source: Source) -> usize {
        match source {
            Source::Sum(run, k) => self.adds[run] + k,
            Source::Carry(run) => self.carries[run],
            Source::Input(_) => unreachable!("an input is no sum"),
        }
    }

    /// The slots whose sum is used.
    fn used(&self, ripple: &Ripple) -> Vec<usize> {
        let mut sources: Vec<Source> = ripple.outputs.iter().flatten().copied().collect();
        for run in &ripple.runs {
            sources.extend(run.carry_in);
            for &(first, second) in &run.adds {
                sources.push(first);
                sources.extend(second);
            }
        }
        let inner = sources
            .into_iter()
            .filter(|source| !matches!(source, Source::Input(_)));
        inner.map(|source| self.slot_of(source)).collect()
    }
}
