//! The parts of a tree one by one: a leaf counts its rows, a node adds its operands, for all inputs.

use super::bdd::{Bdd, Ref, TooLarge};
use super::count::{Row, count};
use super::netlist::{Evaluation, Netlist, Signal, Trouble};
use crate::design::tree::layout::{Leaf, Node, Value};
use std::collections::HashMap;

/// Nodes of the diagrams of one part.
const LIMIT: usize = 1 << 20;

/// A leaf against the rows that count; `inverted` says which weights arrive inverted.
///
/// Errors: rows and weights for which it counts something else, or what is not understood.
pub fn leaf(
    netlist: &Netlist,
    name: &str,
    leaf: &Leaf,
    inverted: &[bool],
    enable: bool,
) -> Result<(), Trouble> {
    let mut bdd = Bdd::new(LIMIT);
    let row = |index: usize| Row { variable: 3 * index, enable, inverted: inverted[index], shift: 0 };
    let rows: Vec<Row> = (0..leaf.rows).map(row).collect();
    let inputs = row_inputs(&mut bdd, &rows, &(0..leaf.rows).collect::<Vec<_>>())?;
    let got = part(netlist, name, &mut bdd, inputs, "count_o", leaf.value)?;
    let want = count(&mut bdd, &rows, leaf.value.width() + 1)?;
    let wrong = bdd.differ(&got, &want)?;
    let Some(values) = bdd.example(wrong) else { return Ok(()) };
    Err(Trouble::Wrong(format!(
        "{name} counts {} where {} rows count: {}",
        bdd.number(&got, &values),
        bdd.number(&want, &values),
        row_values(&rows, &values)
    )))
}

/// A node against the sum of its operands, weighted and not, for all operands in their ranges.
///
/// Errors: operands for which it gives something else, or what is not understood.
pub fn node(netlist: &Netlist, name: &str, node: &Node) -> Result<(), Trouble> {
    let ways: &[bool] = if node.shift > 0 { &[false, true] } else { &[false] };
    ways.iter().try_for_each(|&weighted| node_one_way(netlist, name, node, weighted))
}

fn node_one_way(netlist: &Netlist, name: &str, node: &Node, weighted: bool) -> Result<(), Trouble> {
    let mut bdd = Bdd::new(LIMIT);
    let shift = |operand: usize| if weighted { operand * node.shift } else { 0 };
    // Bits of one significance are neighbours among the variables, as in every adder.
    let mut order = Vec::new();
    let mut from = 0;
    for (operand, value) in node.operands.iter().enumerate() {
        for bit in 0..value.width() {
            let significance = if value.spare { bit.saturating_sub(1) } else { bit };
            order.push((significance + shift(operand), operand, from + bit));
        }
        from += value.width();
    }
    order.sort_unstable();
    let mut inputs = HashMap::new();
    let mut values = vec![Ref::FALSE; from];
    for (variable, &(_, _, at)) in order.iter().enumerate() {
        values[at] = bdd.variable(variable)?;
        inputs.insert(("values_i", at), Signal::input(values[at]));
    }
    inputs.insert(("weighted_i", 0), Signal::input(Ref::constant(weighted)));
    let got = part(netlist, name, &mut bdd, inputs, "sum_o", node.value)?;

    let (mut want, mut in_range) = (Vec::new(), Ref::TRUE);
    let mut operands = Vec::new();
    let mut rest = &values[..];
    for (operand, value) in node.operands.iter().enumerate() {
        let (bits, behind) = rest.split_at(value.width());
        let number = number(&mut bdd, bits, *value)?;
        let fits = bdd.at_most(&number, value.max)?;
        in_range = bdd.and(in_range, fits)?;
        let shifted = [vec![Ref::FALSE; shift(operand)], number.clone()].concat();
        want = bdd.sum(&want, &shifted)?;
        operands.push(number);
        rest = behind;
    }
    let differ = bdd.differ(&got, &want)?;
    let wrong = bdd.and(in_range, differ)?;
    let Some(example) = bdd.example(wrong) else { return Ok(()) };
    let terms: Vec<String> = operands.iter().map(|number| bdd.number(number, &example).to_string()).collect();
    Err(Trouble::Wrong(format!(
        "{name} gives {} where {} is the sum: operands {}{}",
        bdd.number(&got, &example),
        bdd.number(&want, &example),
        terms.join(", "),
        if weighted { " with weighted_i" } else { "" }
    )))
}

/// The number that the combinational module gives on a port.
fn part<'a>(
    netlist: &'a Netlist,
    name: &str,
    bdd: &mut Bdd,
    inputs: HashMap<(&'a str, usize), Signal>,
    port: &str,
    value: Value,
) -> Result<Vec<Ref>, Trouble> {
    let signals = Evaluation::new(netlist, name, inputs, "clk_i")?.output(bdd, port)?;
    if signals.len() != value.width() {
        return Err(Trouble::Unclear(format!("{port} of {name} has {} bits", signals.len())));
    }
    if signals.iter().any(|signal| signal.delay.unwrap_or(0) > 0) {
        return Err(Trouble::Unclear(format!("{name} has registers inside")));
    }
    let bits: Vec<Ref> = signals.iter().map(|signal| signal.function).collect();
    Ok(number(bdd, &bits, value)?)
}

/// The number that stands in the bits of a value.
fn number(bdd: &mut Bdd, bits: &[Ref], value: Value) -> Result<Vec<Ref>, TooLarge> {
    match value.spare {
        true => bdd.sum(&bits[1..], &bits[..1]),
        false => Ok(bits.to_vec()),
    }
}

/// The inputs of `rows`, whose places in the ports are `places`.
pub fn row_inputs<'a>(
    bdd: &mut Bdd,
    rows: &[Row],
    places: &[usize],
) -> Result<HashMap<(&'a str, usize), Signal>, TooLarge> {
    let mut inputs = HashMap::new();
    for (row, &place) in rows.iter().zip(places) {
        inputs.insert(("row_i", place), Signal::input(bdd.variable(row.variable)?));
        inputs.insert(("weight_i", place), Signal::input(bdd.variable(row.variable + 1)?));
        if row.enable {
            inputs.insert(("enable_i", place), Signal::input(bdd.variable(row.variable + 2)?));
        }
    }
    Ok(inputs)
}

/// The values of the ports in hexadecimal, for a message; `rows` are in the order of the ports.
pub fn row_values(rows: &[Row], values: &HashMap<usize, bool>) -> String {
    let word = |offset: usize| {
        let bit = |row: &Row| u32::from(values.get(&(row.variable + offset)).copied().unwrap_or(false));
        let digits = rows.chunks(4).rev().map(|four| {
            char::from_digit(four.iter().rev().fold(0, |digit, row| 2 * digit + bit(row)), 16).unwrap_or('?')
        });
        format!("{}'h{}", rows.len(), digits.collect::<String>())
    };
    let enable = match rows.first().is_some_and(|row| row.enable) {
        true => format!(", enable_i {}", word(2)),
        false => String::new(),
    };
    format!("row_i {}, weight_i {}{enable}", word(0), word(1))
}
