//! The array, and the weights that fill it.

use super::program;
use super::view::View;
use super::walk::load_table;
use super::{NamedText, file};
use crate::design::Design;
use askama::Template;

/// The files of this family; none where analog arrays hold the weights.
pub(super) fn modules(design: &Design, view: &View) -> Vec<NamedText> {
    if design.analog.is_some() {
        return Vec::new();
    }
    let mut files = vec![file(&design.module("cim_array"), &CimArray::new(design, view))];
    let table = load_table(design, view, design);
    if !table.fields.is_empty() {
        files.push(program::module(design, &table));
    }
    files
}

#[derive(Template)]
#[template(path = "top/cim_array.v", syntax = "verilog", escape = "none")]
struct CimArray<'a> {
    v: &'a View,
    idle: String,
    /// A segment's wires, and what its copies are of.
    weighted: &'static str,
    enable: &'static str,
    weighted_i: &'static str,
    enable_i: &'static str,
}

impl CimArray<'_> {
    fn new<'a>(design: &Design, v: &'a View) -> CimArray<'a> {
        let choose = |there: bool, one, other| if there { one } else { other };
        let weighted = v.planes > 1;
        CimArray {
            v,
            idle: idle_literal(&idle_cells(design)),
            weighted: choose(weighted, "weighted", "unused_weighted"),
            enable: choose(v.row_enable, "enable", "unused_enable"),
            weighted_i: choose(weighted, "weighted_i", "1'b0"),
            enable_i: choose(v.row_enable, "enable_i", "{ROWS{1'b1}}"),
        }
    }
}

/// Cells as they are stored where the weight is +1, the highest row first.
fn idle_cells(design: &Design) -> String {
    design.tree.inverted_rows().iter().rev().map(|inverted| if *inverted { '0' } else { '1' }).collect()
}

/// The same as a literal of ROWS bits, broken where it is long.
fn idle_literal(cells: &str) -> String {
    let rows = cells.len();
    if !cells.contains('0') {
        return "{ROWS{1'b1}}".into();
    }
    let padded = format!("{}{cells}", "0".repeat(rows.next_multiple_of(4) - rows));
    let digits: String = padded
        .as_bytes()
        .chunks(4)
        .map(|four| {
            let value = four.iter().fold(0, |value, bit| value * 2 + u32::from(bit - b'0'));
            char::from_digit(value, 16).expect("four bits are one digit")
        })
        .collect();
    if digits.len() <= 64 {
        return format!("{rows}'h{digits}");
    }
    // Whole digits from the right, so that only the first piece may have an odd width.
    let mut pieces = Vec::new();
    let mut rest = digits.as_str();
    let mut left = rows;
    while !rest.is_empty() {
        let take = match rest.len() % 16 {
            0 => 16,
            odd => odd,
        };
        let (piece, after) = rest.split_at(take);
        let width = left - after.len() * 4;
        pieces.push(format!("{width}'h{piece}"));
        left -= width;
        rest = after;
    }
    format!("{{{}}}", super::wrapped(&pieces, 8, 7))
}
