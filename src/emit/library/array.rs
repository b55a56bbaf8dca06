//! What a design sets in its array.

use super::super::facts::Loops;
use super::Head;
use crate::design::{Design, Ensemble};

/// `bincim_row_driver`.
pub(in super::super) fn row_driver(design: &Design) -> Head {
    Head::new("bincim_row_driver")
        .with("Words", design.banks)
        .with("Word", design.word)
        .with("Planes", design.vector_bits() / design.rows)
        .with("RowEnable", design.row_enable.into())
}

/// `bincim_weight_noise`, where weights are drawn.
pub(in super::super) fn weight_noise(design: &Design, ensemble: &Ensemble) -> Head {
    // Two octal digits a place; six noise bits a line, the last one first.
    let places = |taps: &[u8; 3]| taps.iter().rev().map(|tap| format!("{tap:02o}")).collect::<String>();
    let words: Vec<String> = ensemble.taps.iter().rev().map(|taps| format!("18'o{}", places(taps))).collect();
    let lines: Vec<String> = words.chunks(6).map(|words| words.join(", ")).collect();
    Head::new("bincim_weight_noise")
        .with("Bits", ensemble.taps.len())
        .with_value("Taps", format!("{{\n        {}\n      }}", lines.join(",\n        ")))
        // Cells that are drawn as they are read never come again.
        .with("Blocks", (Loops::new(design).blocks > 1 && design.analog.is_none()).into())
}

/// `bincim_weight_sampler`.
pub(in super::super) fn weight_sampler(design: &Design, ensemble: &Ensemble) -> Head {
    Head::new("bincim_weight_sampler")
        .with("Rows", design.weight_rows)
        .with("Lanes", design.lanes)
        .with("Bits", ensemble.bits)
}
