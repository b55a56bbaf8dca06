//! Which rows go to which leaf, and which sums to which node, with the range of every value.
//!
//! Within a plane, values are added four to one until one is left; then the planes are added four
//! to one, each shifted by its weight when a weighted count is asked for.

use super::{NODE_OPERANDS, TreePlan, bit_width, levels};

/// How a number stands in its bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Value {
    /// Largest number.
    pub max: usize,
    /// Whether bit 0 is one row of its own: number = bits[..1] + bit 0, for a later carry-in.
    pub spare: bool,
}

impl Value {
    /// Bits of the number, the spare row included.
    pub fn width(self) -> usize {
        match (self.spare, self.max) {
            (true, 0 | 1) => 1,
            (true, max) => bit_width(max - 1) + 1,
            (false, max) => bit_width(max),
        }
    }
}

/// Rows counted together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Leaf {
    /// First row.
    pub first: usize,
    /// Number of rows, at least 1; the last of them is the spare one where the value has it.
    pub rows: usize,
    /// The count.
    pub value: Value,
}

impl Leaf {
    /// Rows that the leaf itself adds: all but the spare one.
    pub fn summed_rows(&self) -> usize {
        self.rows - usize::from(self.value.spare)
    }
}

/// Values added together.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Node {
    /// First operand, an index into the values of the stage before.
    pub first: usize,
    /// The operands, 1 to 4 of them.
    pub operands: Vec<Value>,
    /// Left shift of operand k when weighted: `k * shift`; 0 where planes are not concerned.
    pub shift: usize,
    /// The sum, weighted where that is larger.
    pub value: Value,
}

/// What a part of the tree computes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PartShape {
    /// Counts rows.
    Leaf(Leaf),
    /// Adds counts.
    Node(Node),
}

/// The whole tree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Layout {
    /// The leafs, in the order of their planes.
    pub leafs: Vec<Leaf>,
    /// The nodes of each further stage; the last stage has one node, which gives the count.
    pub stages: Vec<Vec<Node>>,
    /// How many of the stages add within planes; the rest add planes.
    pub plane_stages: usize,
}

/// Lays the tree out.
pub fn layout(plan: &TreePlan) -> Layout {
    let spares = plan.style.takes_carry_in();
    let plane_stages = plan.plane_stages();
    let planes: Vec<Vec<Leaf>> = plan.planes().iter().map(|rows| leafs(plan, rows, plane_stages)).collect();
    let mut values: Vec<Vec<Value>> =
        planes.iter().map(|leafs| leafs.iter().map(|leaf| leaf.value).collect()).collect();
    let mut stages = Vec::new();
    for _ in 0..plane_stages {
        let mut first = 0;
        let mut stage = Vec::new();
        for plane in &mut values {
            let nodes: Vec<Node> = plane
                .chunks(NODE_OPERANDS)
                .enumerate()
                .map(|(index, operands)| {
                    let max = operands.iter().map(|value| value.max).sum();
                    let value = Value { max, spare: spares && index > 0 };
                    let operands = operands.to_vec();
                    first += operands.len();
                    Node { first: first - operands.len(), operands, shift: 0, value }
                })
                .collect();
            *plane = nodes.iter().map(|node| node.value).collect();
            stage.extend(nodes);
        }
        stages.push(stage);
    }
    let mut shift = 1;
    let mut sums: Vec<Value> = values.concat();
    while sums.len() > 1 {
        let stage: Vec<Node> = sums
            .chunks(NODE_OPERANDS)
            .enumerate()
            .map(|(index, operands)| {
                let max = operands.iter().enumerate().map(|(k, value)| value.max << (k * shift)).sum();
                let value = Value { max, spare: false };
                Node { first: index * NODE_OPERANDS, operands: operands.to_vec(), shift, value }
            })
            .collect();
        sums = stage.iter().map(|node| node.value).collect();
        stages.push(stage);
        shift *= NODE_OPERANDS;
    }
    Layout { leafs: planes.concat(), stages, plane_stages }
}

/// The leafs of one plane; the first of them keeps no spare row, so that none is left at the end.
///
/// Without a spare row it is quick with one row less, and takes it only where one leaf more would
/// cost a stage.
fn leafs(plan: &TreePlan, ranges: &[(usize, usize)], plane_stages: usize) -> Vec<Leaf> {
    let most = plan.leaf_rows();
    if plan.pipelined && plan.style.takes_carry_in() {
        let quick = cut(plan, ranges, most - 1);
        if levels(quick.len()) <= plane_stages {
            return quick;
        }
    }
    cut(plan, ranges, most)
}

/// Cuts row ranges into leafs; the first has at most `first_rows` rows.
fn cut(plan: &TreePlan, ranges: &[(usize, usize)], first_rows: usize) -> Vec<Leaf> {
    let mut leafs: Vec<Leaf> = Vec::new();
    for &(from, length) in ranges {
        let end = from + length;
        let mut first = from;
        while first < end {
            let spare = plan.style.takes_carry_in() && !leafs.is_empty();
            let most = if leafs.is_empty() { first_rows } else { plan.leaf_rows() };
            let rows = most.min(end - first);
            leafs.push(Leaf { first, rows, value: Value { max: rows, spare } });
            first += rows;
        }
    }
    leafs
}

#[cfg(test)]
mod tests {
    use super::super::TreeStyle;
    use super::*;

    #[test]
    fn every_row_is_in_one_leaf_and_stages_give_the_latency_and_the_width() {
        for style in TreeStyle::ALL {
            for rows in [1, 7, 8, 9, 64, 100, 255, 256, 576, 577, 1152] {
                for groups in [1, 2, 3, 8] {
                    let plan = TreePlan { rows, groups, enable: false, style, pipelined: true };
                    if plan.validate().is_err() {
                        continue;
                    }
                    let layout = layout(&plan);
                    let mut covered: Vec<usize> =
                        layout.leafs.iter().flat_map(|l| l.first..l.first + l.rows).collect();
                    covered.sort_unstable();
                    assert_eq!(covered, (0..rows).collect::<Vec<_>>());
                    assert_eq!(layout.stages.len() + 1, plan.latency());
                    let last = layout.stages.last().map_or(layout.leafs[0].value, |s| s[0].value);
                    assert_eq!((last.max, last.spare), (plan.count_max(), false));
                }
            }
        }
    }
}
