//! Ripple adders on one chain of ECP5 carry cells: where one adder ends, the next one starts.

use std::fmt::Write;

use super::adders::{Adders, Bit, concatenation, finish};
use crate::design::tree::ripple::{Ripple, Run, Source};

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
    let mut text =
        String::from("  // Each slot adds two operands to the carry, or ends it and starts another.\n");
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
            Slot::Add(first, second) => ("add", operand(Some(*first), false), operand(*second, true)),
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
    let adds: String =
        chain.slots.iter().rev().map(|slot| if matches!(slot, Slot::Add(..)) { '1' } else { '0' }).collect();
    let _ = write!(
        text,
        "\n  popcount_carry #(\n    .SLOTS ({count}),\n    .ADDS  ({})\n  ) u_carry (\n    \
         .ops_i ({}),\n    .sum_o (sum)\n  );\n",
        mask(&adds),
        concatenation(&names, 11)
    );
    let used: Vec<usize> = chain.used(ripple);
    let unused: Vec<String> =
        (0..count).rev().filter(|slot| !used.contains(slot)).map(|slot| format!("sum[{slot}]")).collect();
    if !unused.is_empty() {
        let _ = writeln!(text, "\n  wire unused_sum = &{};", concatenation(&unused, 22));
    }
    finish(ripple, text, name)
}

/// A mask of binary digits, in pieces of 32 where it is long.
fn mask(digits: &str) -> String {
    if digits.len() <= 64 {
        return format!("{}'b{digits}", digits.len());
    }
    let (first, rest) = digits.split_at(digits.len() % 32);
    let starts = (0..rest.len()).step_by(32);
    let mut pieces: Vec<String> = starts.map(|at| format!("32'b{}", &rest[at..at + 32])).collect();
    if !first.is_empty() {
        pieces.insert(0, format!("{}'b{first}", first.len()));
    }
    format!("{{{}}}", pieces.join(",\n             "))
}

/// One slot of a carry chain.
enum Slot {
    /// Ends the running carry, whose value is the slot's sum, and starts a new one.
    Start(Option<Source>),
    /// Adds two bits to the running carry.
    Add(Source, Option<Source>),
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
        let mut chain = Chain { slots: Vec::new(), adds: Vec::new(), carries: Vec::new() };
        for run in &ripple.runs {
            let skip = chain.slots.is_empty() && run.carry_in.is_none();
            if !skip {
                while !chain.fits(run) {
                    chain.slots.push(Slot::Start(None));
                }
                chain.slots.push(Slot::Start(run.carry_in));
            }
            chain.adds.push(chain.slots.len());
            chain.slots.extend(run.adds.iter().map(|&(first, second)| Slot::Add(first, second)));
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
        let inner = sources.into_iter().filter(|source| !matches!(source, Source::Input(_)));
        inner.map(|source| self.slot_of(source)).collect()
    }
}
