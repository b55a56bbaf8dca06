//! The specification: which rows count, and how much, as functions of the inputs.
//!
//! Counts by partial sums, row by row, and uses no adder: nothing here is built as the tree is.

use super::bdd::{Bdd, Ref, TooLarge};
use std::collections::{BTreeMap, BTreeSet};

/// One row: its first variable, which is followed by its weight's and, where there is one, its enable's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Row {
    pub variable: usize,
    pub enable: bool,
    /// The weight arrives inverted.
    pub inverted: bool,
    /// The row counts 2^shift.
    pub shift: usize,
}

/// What the rows, in the order of their variables, count together: `width` bits, lowest first.
pub fn count(bdd: &mut Bdd, rows: &[Row], width: usize) -> Result<Vec<Ref>, TooLarge> {
    (0..width).map(|bit| bit_of_count(bdd, rows, bit)).collect()
}

/// One bit of the count; it depends on partial sums modulo twice its weight alone.
fn bit_of_count(bdd: &mut Bdd, rows: &[Row], bit: usize) -> Result<Ref, TooLarge> {
    let modulus = 2usize << bit;
    let after = |sum: usize, row: &Row| (sum + (1 << row.shift)) % modulus;
    let mut reached = vec![BTreeSet::from([0])];
    for row in rows {
        let sums = &reached[reached.len() - 1];
        reached.push(sums.iter().flat_map(|&sum| [sum, after(sum, row)]).collect());
    }
    let last = reached.pop().unwrap_or_default();
    let mut below: BTreeMap<usize, Ref> =
        last.into_iter().map(|sum| (sum, Ref::constant(sum >> bit & 1 == 1))).collect();
    for (row, sums) in rows.iter().zip(reached).rev() {
        let mut level = BTreeMap::new();
        for sum in sums {
            level.insert(sum, if_counted(bdd, row, below[&after(sum, row)], below[&sum])?);
        }
        below = level;
    }
    Ok(below[&0])
}

/// `counted` where the row counts, else `not`.
fn if_counted(bdd: &mut Bdd, row: &Row, counted: Ref, not: Ref) -> Result<Ref, TooLarge> {
    let counted = match row.enable {
        true => bdd.node(row.variable + 2, not, counted)?,
        false => counted,
    };
    let (equal, different) = if row.inverted { (not, counted) } else { (counted, not) };
    let low = bdd.node(row.variable + 1, equal, different)?;
    let high = bdd.node(row.variable + 1, different, equal)?;
    bdd.node(row.variable, low, high)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_that_equal_their_weights_count_what_they_weigh() {
        let row = |index: usize, inverted, shift| Row { variable: 3 * index, enable: true, inverted, shift };
        let rows = [row(0, false, 2), row(1, true, 0), row(2, false, 0), row(3, true, 1)];
        let mut bdd = Bdd::new(10_000);
        let sum = count(&mut bdd, &rows, 4).unwrap();
        for pattern in 0..1usize << 12 {
            let bit = |index: usize| pattern >> index & 1 == 1;
            let hit = |row: &Row| {
                (bit(row.variable) == bit(row.variable + 1)) != row.inverted && bit(row.variable + 2)
            };
            let want: usize = rows.iter().filter(|row| hit(row)).map(|row| 1 << row.shift).sum();
            assert_eq!(bdd.number(&sum, &(0..12).map(|index| (index, bit(index))).collect()), want);
        }
    }
}
