//! Ripple adders as Verilog: vector sums, full adders bit by bit, or full adders of one LUT each.
//!
//! The integers are those of the `Ripple`; only the cells differ.

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
    pub fn expression(&self) -> String {
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
            let running = (k > 0).then(|| (format!("add{number}_{}[1]", k - 1), "1'b1".to_string(), false));
            let mut bits: Vec<(String, String, bool)> =
                running.into_iter().chain(run.carry_in.filter(|_| k == 0).map(pair)).collect();
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
fn full_adder(wire: &str, first: &str, second: Option<String>, carry: Option<String>, last: bool) -> String {
    let mut bits = vec![first.to_string()];
    bits.extend(second);
    bits.extend(carry);
    if last {
        return format!("  wire [0:0] {wire} = {};\n", bits.join(" ^ "));
    }
    bits.resize(3, "1'b0".to_string());
    let line = format!("  wire [1:0] {wire} = full_add({});\n", bits.join(", "));
    if line.len() <= 100 {
        return line;
    }
    format!("  wire [1:0] {wire} =\n      full_add({});\n", bits.join(",\n               "))
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

/// `{a, b, ...}`, broken into lines where it is too long; neighbouring bits become a slice.
pub fn concatenation(parts: &[String], indent: usize) -> String {
    let parts = slices(parts);
    if let [part] = &parts[..] {
        return part.clone();
    }
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

/// Joins `name[k], name[k-1], ...` to `name[k:j]`.
fn slices(parts: &[String]) -> Vec<String> {
    let mut joined: Vec<String> = Vec::new();
    let mut at = 0;
    while at < parts.len() {
        let mut end = at + 1;
        if let Some((name, high)) = bit_of(&parts[at]) {
            let next = |end: usize| parts.get(end).and_then(|part| bit_of(part));
            while next(end).is_some_and(|(other, index)| other == name && index + end - at == high) {
                end += 1;
            }
            if end > at + 1 {
                joined.push(format!("{name}[{high}:{}]", high + 1 + at - end));
                at = end;
                continue;
            }
        }
        joined.push(parts[at].clone());
        at = end;
    }
    joined
}

/// Name and index of `name[index]`.
fn bit_of(part: &str) -> Option<(String, usize)> {
    let (name, rest) = part.split_once('[')?;
    let index = rest.strip_suffix(']')?.parse().ok()?;
    Some((name.to_string(), index))
}

/// Adds the helper function where it is called, and names the outputs.
pub(super) fn finish(ripple: &Ripple, text: String, name: impl Fn(Source) -> String) -> Adders {
    let text = if text.contains("full_add(") { FULL_ADD.to_string() + &text } else { text };
    let zero = |source: &Option<Source>| source.map_or("1'b0".to_string(), &name);
    Adders { text, outputs: ripple.outputs.iter().map(zero).collect() }
}
