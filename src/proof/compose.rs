//! A tree of proved parts: every row must reach the count once, with its weight, after the right number of cycles.
//!
//! Each part's output is a number with a known sum of rows behind it. What an operand of a node is has to be such a
//! number as a whole, in the range for which the node is proved.

use super::netlist::{Bit, Driver, Module, Netlist, Trouble};
use crate::design::tree::TreePlan;
use crate::design::tree::layout::{PartShape, Value};
use std::collections::HashMap;

/// A sum of rows that stands in the output of a part.
#[derive(Debug, Clone)]
struct Number {
    value: Value,
    /// Registers between the inputs and the part.
    delay: usize,
    /// Rows with the power of two that each counts when weighted.
    rows: Vec<(usize, usize)>,
}

/// Where a bit comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Origin<'a> {
    Input(&'a str, usize),
    Part(&'a str, usize),
}

struct Tree<'a> {
    plan: &'a TreePlan,
    module: &'a Module,
    drivers: HashMap<u32, Driver<'a>>,
    shapes: HashMap<&'a str, &'a PartShape>,
    inverted: Vec<bool>,
    known: HashMap<&'a str, Number>,
}

/// Checks the tree whose `parts` are proved; the number of instances.
///
/// Errors: a row that does not count as planned, or a structure that is no tree of these parts.
pub fn compose(
    netlist: &Netlist,
    top: &str,
    plan: &TreePlan,
    parts: &[(String, PartShape)],
) -> Result<usize, Trouble> {
    let module = netlist.module(top)?;
    let mut tree = Tree {
        plan,
        module,
        drivers: module.drivers(netlist),
        shapes: parts.iter().map(|(name, shape)| (name.as_str(), shape)).collect(),
        inverted: plan.inverted_rows(),
        known: HashMap::new(),
    };
    let bits = tree.port("count_o")?;
    let count = tree.number(&bits, "count_o")?;
    if count.value.spare || bits.len() != plan.count_width() {
        return Err(Trouble::Unclear("count_o is no whole count".into()));
    }
    if count.delay != plan.latency() {
        return Err(Trouble::Wrong(format!(
            "count_o comes {} cycles after its rows, not {}",
            count.delay,
            plan.latency()
        )));
    }
    every_row_once(plan, count.rows)?;
    Ok(tree.known.len())
}

/// The power of two that each row counts when weighted.
pub fn shifts(plan: &TreePlan) -> Vec<usize> {
    let mut shifts = vec![0; plan.rows];
    for (plane, ranges) in plan.planes().iter().enumerate() {
        for &(first, length) in ranges {
            shifts[first..first + length].fill(plane);
        }
    }
    shifts
}

fn every_row_once(plan: &TreePlan, rows: Vec<(usize, usize)>) -> Result<(), Trouble> {
    let mut times = vec![Vec::new(); plan.rows];
    for (row, shift) in rows {
        times[row].push(shift);
    }
    for (row, (got, want)) in times.iter().zip(shifts(plan)).enumerate() {
        let problem = match got[..] {
            [shift] if shift == want => continue,
            [shift] => format!("row {row} counts 2^{shift} when weighted_i, not 2^{want}"),
            [] => format!("row {row} does not count"),
            _ => format!("row {row} counts {} times", got.len()),
        };
        return Err(Trouble::Wrong(problem));
    }
    Ok(())
}

impl<'a> Tree<'a> {
    fn port(&self, name: &str) -> Result<Vec<Bit>, Trouble> {
        let port = self.module.ports.get(name);
        Ok(port.ok_or_else(|| Trouble::Wrong(format!("the tree has no port {name}")))?.bits.clone())
    }

    /// What drives a bit, and the registers on the way.
    fn origin(&self, bit: &Bit) -> Result<(Origin<'a>, usize), Trouble> {
        let mut at = bit.clone();
        let mut registers = 0;
        for _ in 0..=self.drivers.len() {
            let Bit::Net(net) = at else {
                return Err(Trouble::Unclear(format!("{} is constant", self.module.name(bit))));
            };
            let unclear = |what: &str| Trouble::Unclear(format!("{} {what}", self.module.name(&at)));
            let (name, index) = match self.drivers.get(&net) {
                None => return Err(unclear("is never driven")),
                Some(Driver::Input(port, index)) => return Ok((Origin::Input(port, *index), registers)),
                Some(Driver::Cell(name, _, index)) => (*name, *index),
            };
            let cell = &self.module.cells[name];
            let pin = |name: &str| cell.connections.get(name).and_then(|bits| bits.first()).cloned();
            let next = match cell.kind.as_str() {
                "$_BUF_" => pin("A"),
                "$_DFF_P_" => {
                    let clock = pin("C").ok_or_else(|| unclear("has no clock"))?;
                    if self.origin(&clock)? != (Origin::Input("clk_i", 0), 0) {
                        return Err(unclear("is not clocked by clk_i"));
                    }
                    registers += 1;
                    pin("D")
                }
                kind if self.shapes.contains_key(kind) => return Ok((Origin::Part(name, index), registers)),
                kind => return Err(unclear(&format!("is driven by a {kind}, which is no part of the tree"))),
            };
            at = next.ok_or_else(|| unclear("is driven by an open cell"))?;
        }
        Err(Trouble::Wrong(format!("{} feeds back into itself", self.module.name(bit))))
    }

    /// The number in `bits`, which must be the whole output of one part; its delay is that of the bits.
    fn number(&mut self, bits: &[Bit], place: &str) -> Result<Number, Trouble> {
        let mut whole = None;
        for (index, bit) in bits.iter().enumerate() {
            match (self.origin(bit)?, whole) {
                ((Origin::Part(cell, at), registers), None) if at == index => whole = Some((cell, registers)),
                ((Origin::Part(cell, at), registers), Some(of)) if at == index && of == (cell, registers) => {
                }
                ((Origin::Part(cell, _), _), Some((of, _))) if cell == of => {
                    return Err(Trouble::Unclear(format!(
                        "{place} has the bits of {cell} in another order or cycle"
                    )));
                }
                _ => return Err(Trouble::Unclear(format!("{place} is not the output of one part"))),
            }
        }
        let Some((cell, registers)) = whole else {
            return Err(Trouble::Unclear(format!("{place} has no bits")));
        };
        let number = self.output(cell)?;
        if number.value.width() != bits.len() {
            return Err(Trouble::Unclear(format!("{place} is a part of the output of {cell}")));
        }
        Ok(Number { delay: number.delay + registers, ..number })
    }

    /// The number that an instance gives.
    fn output(&mut self, cell: &'a str) -> Result<Number, Trouble> {
        if let Some(number) = self.known.get(cell) {
            return Ok(number.clone());
        }
        let kind = self.module.cells[cell].kind.as_str();
        let number = match self.shapes[kind] {
            PartShape::Leaf(leaf) => {
                let own = &self.inverted[leaf.first..leaf.first + leaf.rows].to_vec();
                let (rows, delay) = self.leaf_rows(cell, own)?;
                Number { value: leaf.value, delay, rows: rows.into_iter().map(|row| (row, 0)).collect() }
            }
            PartShape::Node(node) => {
                let values = self.pins(cell, "values_i")?;
                let mut rest = &values[..];
                let (mut rows, mut delay) = (Vec::new(), None);
                for (index, operand) in node.operands.iter().enumerate() {
                    let place = format!("operand {index} of {cell}");
                    if rest.len() < operand.width() {
                        return Err(Trouble::Unclear(format!("{place} is missing")));
                    }
                    let (bits, behind) = rest.split_at(operand.width());
                    let number = self.number(bits, &place)?;
                    if number.value.spare != operand.spare || number.value.max > operand.max {
                        return Err(Trouble::Unclear(format!(
                            "{place} is beyond the range that it is proved for"
                        )));
                    }
                    if *delay.get_or_insert(number.delay) != number.delay {
                        return Err(Trouble::Wrong(format!(
                            "{place} comes in another cycle than the one before"
                        )));
                    }
                    let shift = index * node.shift;
                    rows.extend(number.rows.iter().map(|&(row, before)| (row, before + shift)));
                    rest = behind;
                }
                let delay = delay.unwrap_or(0);
                if node.shift > 0 {
                    self.weighted(cell, delay)?;
                }
                Number { value: node.value, delay, rows }
            }
        };
        self.known.insert(cell, number.clone());
        Ok(number)
    }

    fn pins(&self, cell: &str, port: &str) -> Result<Vec<Bit>, Trouble> {
        let pins = self.module.cells[cell].connections.get(port);
        pins.cloned().ok_or_else(|| Trouble::Wrong(format!("{port} of {cell} is open")))
    }

    /// The rows of a leaf, each with its own weight (and enable), and the registers before them.
    fn leaf_rows(&self, cell: &str, inverted: &[bool]) -> Result<(Vec<usize>, usize), Trouble> {
        let ports: &[&str] =
            if self.plan.enable { &["row_i", "weight_i", "enable_i"] } else { &["row_i", "weight_i"] };
        let mut pins = Vec::new();
        for port in ports {
            pins.push((*port, self.pins(cell, port)?));
        }
        let mut rows = Vec::new();
        let mut delay = None;
        for (index, &inverted) in inverted.iter().enumerate() {
            let mut row = None;
            for (port, bits) in &pins {
                let bit =
                    bits.get(index).ok_or_else(|| Trouble::Unclear(format!("{port} of {cell} is short")))?;
                let (origin, registers) = self.origin(bit)?;
                let Origin::Input(from, at) = origin else {
                    return Err(Trouble::Unclear(format!(
                        "{port}[{index}] of {cell} is no input of the tree"
                    )));
                };
                if from != *port || *row.get_or_insert(at) != at {
                    return Err(Trouble::Wrong(format!(
                        "{port}[{index}] of {cell} is {from}[{at}], and row_i[{index}] there is of row {}",
                        row.unwrap_or(at)
                    )));
                }
                if *delay.get_or_insert(registers) != registers {
                    return Err(Trouble::Wrong(format!("{port}[{index}] of {cell} comes in another cycle")));
                }
            }
            let row = row.unwrap_or(0);
            if self.inverted[row] != inverted {
                return Err(Trouble::Wrong(format!(
                    "{cell} takes the weight of row {row} for inverted, or not"
                )));
            }
            rows.push(row);
        }
        Ok((rows, delay.unwrap_or(0)))
    }

    /// `weighted_i` of a node must come with the rows.
    fn weighted(&self, cell: &str, delay: usize) -> Result<(), Trouble> {
        let pins = self.pins(cell, "weighted_i")?;
        match self.origin(pins.first().unwrap_or(&Bit::Constant("x".into())))? {
            (Origin::Input("weighted_i", 0), registers) if registers == delay => Ok(()),
            (Origin::Input("weighted_i", 0), registers) => Err(Trouble::Wrong(format!(
                "weighted_i of {cell} is {registers} cycles old and its rows {delay}"
            ))),
            _ => Err(Trouble::Unclear(format!("weighted_i of {cell} is not that of the tree"))),
        }
    }
}
