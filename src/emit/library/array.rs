//! What a design sets in its array.

use super::Head;
use crate::design::Design;

/// `bincim_row_driver`.
pub(in super::super) fn row_driver(design: &Design) -> Head {
    Head::new("bincim_row_driver")
        .with("Words", design.banks)
        .with("Word", design.word)
        .with("Planes", design.vector_bits() / design.rows)
        .with("RowEnable", design.row_enable.into())
}
