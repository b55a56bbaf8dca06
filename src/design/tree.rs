//! The popcount tree of one column lane: its register plan, widths and number formats.
//!
//! Everything here is a number. Latency depends on rows, planes and `pipelined` alone, so that the
//! body of one style may stand in for the body of any other. Widths hold the largest reachable
//! count and nothing more.

use serde::{Deserialize, Serialize};
use thiserror::Error;

pub mod layout;
pub mod ripple;

use ripple::{Order, Source};

/// Rows that one leaf of a pipelined tree counts before its first register.
const PIPELINED_LEAF_ROWS: usize = 8;

/// Rows of a leaf with no register behind it, on devices whose cells gain from long chains.
const WIDE_LEAF_ROWS: usize = 64;

/// Operands that one node adds between two registers.
const NODE_OPERANDS: usize = 4;

/// Most planes of a weighted count; 2^(planes - 1) is the largest weight.
pub const MAX_GROUPS: usize = 16;

/// How the tree is written for a target; every style gives the same integers at the same cycle.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TreeStyle {
    /// Loops and sums that any tool reads; the mapper chooses the cells.
    Flat,
    /// Full adders (3:2 counters) in plain logic, one ripple adder at the end of each node.
    Compress32,
    /// Full adders at the leaf, then ripple adders that take a row as their carry-in.
    CarryIn,
    /// ECP5 carry cells (CCU2C), both XNORs of a full adder inside the cell.
    Ccu2c,
    /// Xilinx 7 slices: full adders of three XNORs in two LUT6, six-to-three counters on CARRY4.
    Lut6,
}

impl TreeStyle {
    /// Every style, in the order in which they are listed.
    pub const ALL: [TreeStyle; 5] =
        [TreeStyle::Flat, TreeStyle::Compress32, TreeStyle::CarryIn, TreeStyle::Ccu2c, TreeStyle::Lut6];

    /// The style with the fewest cells on a device family; an unknown family gets `Flat`.
    pub fn for_family(family: &str) -> TreeStyle {
        match family {
            "ice40" | "gowin" => TreeStyle::CarryIn,
            "ecp5" => TreeStyle::Ccu2c,
            "xilinx7" => TreeStyle::Lut6,
            _ => TreeStyle::Flat,
        }
    }

    /// Whether one row of a leaf waits as the carry-in of a later adder.
    pub fn takes_carry_in(self) -> bool {
        self != TreeStyle::Flat
    }

    /// The name used in files and tables.
    pub fn name(self) -> &'static str {
        match self {
            TreeStyle::Flat => "flat",
            TreeStyle::Compress32 => "compress32",
            TreeStyle::CarryIn => "carry_in",
            TreeStyle::Ccu2c => "ccu2c",
            TreeStyle::Lut6 => "lut6",
        }
    }
}

/// What one popcount tree has to count, and how it is to be built.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TreePlan {
    /// Row bits, and as many weight bits; at least 1.
    pub rows: usize,
    /// Planes that lie side by side in the rows, 1..=16, at most `rows`; 1 means a plain count.
    pub groups: usize,
    /// Whether a row can be left out of the count (`enable_i`).
    pub enable: bool,
    /// How the tree is written.
    pub style: TreeStyle,
    /// Whether registers stand inside the tree; if not, only the count is registered.
    pub pipelined: bool,
}

/// A plan that no tree can be built from.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum TreeError {
    /// There is nothing to count.
    #[error("tree-rows: a popcount tree needs at least 1 row, got {rows}")]
    Rows {
        /// The rows asked for.
        rows: usize,
    },
    /// A plane would be empty, or its weight too large.
    #[error("tree-groups: {groups} planes in {rows} rows; use 1 to {} planes", MAX_GROUPS.min(*rows))]
    Groups {
        /// The planes asked for.
        groups: usize,
        /// The rows they would share.
        rows: usize,
    },
}

impl TreePlan {
    /// Checks that a tree can be built; every other method expects a plan that passes.
    pub fn validate(&self) -> Result<(), TreeError> {
        let TreePlan { rows, groups, .. } = *self;
        if rows == 0 {
            return Err(TreeError::Rows { rows });
        }
        if groups == 0 || groups > MAX_GROUPS.min(rows) {
            return Err(TreeError::Groups { groups, rows });
        }
        Ok(())
    }

    /// Rows of one plane: `rows / groups`, rounded down.
    pub fn rows_per_group(&self) -> usize {
        self.rows / self.groups
    }

    /// The row ranges `(first, length)` of each plane.
    ///
    /// Plane g holds rows `g * rows_per_group` onward. Rows left over at the end belong to no
    /// plane and count with weight 1, so they stand as a second range of plane 0.
    pub fn planes(&self) -> Vec<Vec<(usize, usize)>> {
        let size = self.rows_per_group();
        let mut planes: Vec<_> = (0..self.groups).map(|g| vec![(g * size, size)]).collect();
        let covered = size * self.groups;
        if covered < self.rows {
            planes[0].push((covered, self.rows - covered));
        }
        planes
    }

    /// The largest count that can be reached, weighted or not.
    pub fn count_max(&self) -> usize {
        let left = self.rows - self.rows_per_group() * self.groups;
        self.rows_per_group() * ((1 << self.groups) - 1) + left
    }

    /// Bits of `count_o`.
    pub fn count_width(&self) -> usize {
        bit_width(self.count_max())
    }

    /// Register stages from the row and weight registers to the registered count, at least 1.
    ///
    /// One after the leafs, then one for every 4:1 step within a plane and across planes.
    pub fn latency(&self) -> usize {
        if !self.pipelined {
            return 1;
        }
        1 + self.plane_stages() + levels(self.groups)
    }

    /// Stages that add within planes, registered or not.
    pub(crate) fn plane_stages(&self) -> usize {
        let most = self.leaf_rows();
        let leafs = |plane: &Vec<(usize, usize)>| -> usize {
            plane.iter().map(|(_, length)| length.div_ceil(most)).sum()
        };
        levels(self.planes().iter().map(leafs).max().unwrap_or(1))
    }

    /// Most rows of one leaf.
    pub fn leaf_rows(&self) -> usize {
        match (self.pipelined, self.style) {
            (false, TreeStyle::Ccu2c | TreeStyle::Lut6) => WIDE_LEAF_ROWS,
            _ => PIPELINED_LEAF_ROWS,
        }
    }

    /// Whether the XNOR of a row is part of the cell that adds it, not a gate before it.
    pub fn folds_xnor(&self) -> bool {
        matches!(self.style, TreeStyle::Ccu2c | TreeStyle::Lut6) && !self.enable
    }

    /// In which order the rows of a leaf are added.
    pub fn row_order(&self) -> Order {
        if self.style == TreeStyle::Lut6 && !self.enable { Order::Serial } else { Order::Balanced }
    }

    /// Rows whose weight is stored inverted in the array's cells, one entry a row.
    ///
    /// The second operand of a CCU2C adder: the cell's generate output sees the first operand
    /// only, with the second one's inputs at 0, where its bit must read 0.
    pub fn inverted_rows(&self) -> Vec<bool> {
        let mut inverted = vec![false; self.rows];
        if self.style != TreeStyle::Ccu2c || !self.folds_xnor() {
            return inverted;
        }
        for leaf in layout::layout(self).leafs {
            let summed = leaf.summed_rows();
            let adders = ripple::ripple(&vec![0; summed], bit_width(summed), self.row_order());
            for (_, second) in adders.runs.iter().flat_map(|run| &run.adds) {
                if let Some(Source::Input(row)) = second {
                    inverted[leaf.first + row] = true;
                }
            }
        }
        inverted
    }
}

/// Bits that hold every value of 0..=max; 1 for max = 0.
pub fn bit_width(max: usize) -> usize {
    (usize::BITS - max.leading_zeros()).max(1) as usize
}

/// Steps of at most `NODE_OPERANDS` to 1 that bring `values` to a single one.
fn levels(values: usize) -> usize {
    let mut left = values;
    let mut steps = 0;
    while left > 1 {
        left = left.div_ceil(NODE_OPERANDS);
        steps += 1;
    }
    steps
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plan(rows: usize, groups: usize) -> TreePlan {
        TreePlan { rows, groups, enable: false, style: TreeStyle::Flat, pipelined: true }
    }

    #[test]
    fn latency_follows_the_register_plan() {
        let cases = [(8, 1, 1), (64, 1, 3), (64, 8, 3), (256, 1, 4), (256, 8, 4), (576, 1, 5), (576, 8, 5)];
        for (rows, groups, stages) in cases {
            assert_eq!(plan(rows, groups).latency(), stages, "{rows} rows, {groups} planes");
            let flat = TreePlan { pipelined: false, ..plan(rows, groups) };
            assert_eq!(flat.latency(), 1);
        }
    }

    #[test]
    fn width_holds_the_largest_count_exactly() {
        assert_eq!(plan(255, 1).count_width(), 8);
        assert_eq!(plan(256, 1).count_width(), 9);
        assert_eq!(plan(576, 8).count_max(), 72 * 255);
        assert_eq!(plan(577, 8).count_max(), 72 * 255 + 1);
        assert_eq!(plan(576, 8).count_width(), 15);
    }

    #[test]
    fn plans_that_cannot_be_built_are_refused() {
        assert_eq!(plan(0, 1).validate(), Err(TreeError::Rows { rows: 0 }));
        assert_eq!(plan(4, 5).validate(), Err(TreeError::Groups { groups: 5, rows: 4 }));
        assert_eq!(plan(64, 0).validate(), Err(TreeError::Groups { groups: 0, rows: 64 }));
        assert_eq!(plan(64, 8).validate(), Ok(()));
    }
}
