//! Cells that are drawn as they are read: the probability with which each reads as +1.

use crate::variation::{ArrayDraw, DRAW_HALF, Site};

/// The array at `site`, whose cells are turned round with the probabilities `flips / 256`; none where they are empty.
pub fn array(site: &Site, flips: &[u8]) -> ArrayDraw {
    let cell = |(place, &weight): (usize, &i8)| {
        let flip = flips.get(place).map_or(0, |&flip| i16::from(flip));
        i16::from(weight) * (DRAW_HALF - flip)
    };
    let plus = site.weights.iter().enumerate().map(cell).collect();
    ArrayDraw { rows: site.rows, columns: site.columns, plus, ..ArrayDraw::default() }
}
