//! Proves that a popcount tree, as Yosys reads its text, counts what its plan says: for all inputs, and in the right
//! cycle.
//!
//! Each part is compared with its specification by decision diagrams over all of its inputs; the tree is then a sum of
//! parts, and every row has to be in it once, with its weight. A tree of another structure is compared as a whole,
//! where its diagrams stay small enough. Nothing here reads or writes a file.

pub mod bdd;
mod compose;
mod count;
pub mod netlist;
mod parts;

use crate::design::tree::TreePlan;
use crate::design::tree::layout::PartShape;
use bdd::{Bdd, Ref};
use count::{Row, count};
use netlist::{Evaluation, Netlist, Signal, Trouble};

/// Nodes of the diagrams of a whole tree.
const WHOLE_LIMIT: usize = 2 << 20;

/// What is known of a tree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// It counts as specified; how that was found.
    Proved(String),
    /// It does not; where, or for which inputs.
    Wrong(String),
    /// Neither could be shown; why.
    Undecided(String),
}

/// Compares the module `top` of `netlist` (gates of Yosys, modules not flattened) with `plan`; `parts` names
/// the modules that it is made of.
pub fn tree(netlist: &Netlist, top: &str, plan: &TreePlan, parts: &[(String, PartShape)]) -> Outcome {
    let by_parts =
        parts_are_right(netlist, plan, parts).and_then(|()| compose::compose(netlist, top, plan, parts));
    let problem = match by_parts {
        Ok(instances) => {
            let kinds = parts.len();
            return Outcome::Proved(format!(
                "{kinds} kinds of parts for all inputs, {instances} instances of them as one sum of {} rows",
                plan.rows
            ));
        }
        Err(problem) => problem,
    };
    match (whole(netlist, top, plan), problem) {
        (Ok(()), _) => Outcome::Proved(format!("as a whole, for all inputs of its {} rows", plan.rows)),
        (Err(Trouble::Wrong(found)), Trouble::Wrong(problem)) if found != problem => {
            Outcome::Wrong(format!("{problem}; {found}"))
        }
        (Err(Trouble::Wrong(found)), _) => Outcome::Wrong(found),
        (Err(Trouble::Unclear(_)), Trouble::Wrong(problem)) => Outcome::Wrong(problem),
        (Err(Trouble::Unclear(found)), Trouble::Unclear(problem)) => {
            Outcome::Undecided(format!("{problem}; as a whole, {found}"))
        }
    }
}

fn parts_are_right(netlist: &Netlist, plan: &TreePlan, parts: &[(String, PartShape)]) -> Result<(), Trouble> {
    let inverted = plan.inverted_rows();
    for (name, shape) in parts {
        match shape {
            PartShape::Leaf(leaf) => {
                let own = &inverted[leaf.first..leaf.first + leaf.rows];
                parts::leaf(netlist, name, leaf, own, plan.enable)?;
            }
            PartShape::Node(node) => parts::node(netlist, name, node)?,
        }
    }
    Ok(())
}

/// The tree without regard to its parts.
fn whole(netlist: &Netlist, top: &str, plan: &TreePlan) -> Result<(), Trouble> {
    let mut bdd = Bdd::new(WHOLE_LIMIT);
    let (inverted, shifts) = (plan.inverted_rows(), compose::shifts(plan));
    // The heaviest plane first: fewest partial sums.
    let mut places: Vec<usize> = (0..plan.rows).collect();
    places.sort_by_key(|&row| (std::cmp::Reverse(shifts[row]), row));
    let row = |(at, &place): (usize, &usize)| Row {
        variable: 2 + 3 * at,
        enable: plan.enable,
        inverted: inverted[place],
        shift: shifts[place],
    };
    let weighted: Vec<Row> = places.iter().enumerate().map(row).collect();
    let plain: Vec<Row> = weighted.iter().map(|row| Row { shift: 0, ..*row }).collect();
    let mut inputs = parts::row_inputs(&mut bdd, &weighted, &places)?;
    inputs.insert(("clk_i", 0), Signal::input(bdd.variable(0)?));
    let choice = bdd.variable(1)?;
    inputs.insert(("weighted_i", 0), Signal::input(choice));

    let signals = Evaluation::new(netlist, top, inputs, "clk_i")?.output(&mut bdd, "count_o")?;
    if signals.len() != plan.count_width() {
        return Err(Trouble::Wrong(format!(
            "count_o has {} bits, not {}",
            signals.len(),
            plan.count_width()
        )));
    }
    let late = signals.iter().find_map(|signal| signal.delay.filter(|&delay| delay != plan.latency()));
    let got: Vec<Ref> = signals.iter().map(|signal| signal.function).collect();
    let mut want = count(&mut bdd, &plain, plan.count_width())?;
    if plan.groups > 1 {
        let heavy = count(&mut bdd, &weighted, plan.count_width())?;
        want = want
            .iter()
            .zip(heavy)
            .map(|(&plain, heavy)| bdd.choose(choice, heavy, plain))
            .collect::<Result<_, _>>()?;
    }
    let wrong = bdd.differ(&got, &want)?;
    if let Some(values) = bdd.example(wrong) {
        let mut in_order = weighted.clone();
        for (row, &place) in weighted.iter().zip(&places) {
            in_order[place] = *row;
        }
        let weighted = match plan.groups > 1 {
            true => format!(", weighted_i {}", u8::from(values.get(&1).copied().unwrap_or(false))),
            false => String::new(),
        };
        return Err(Trouble::Wrong(format!(
            "the tree counts {}, its specification {}: {}{weighted}",
            bdd.number(&got, &values),
            bdd.number(&want, &values),
            parts::row_values(&in_order, &values)
        )));
    }
    match late {
        Some(delay) => Err(Trouble::Wrong(format!(
            "a bit of count_o comes {delay} cycles after its rows, not {}",
            plan.latency()
        ))),
        None => Ok(()),
    }
}
