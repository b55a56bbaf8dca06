//! What a design sets in the parts of its engine.

use super::Head;
use crate::design::Design;

/// Where the words of a rotation go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in super::super) enum Turn {
    /// Word `s` of the output is word `(s + amount) mod slots` of the input.
    Down,
    /// The way back.
    Up,
}

/// `bincim_rotate`: a rotation of `slots` words, 2 or more.
pub(in super::super) fn rotate(slots: usize, width: usize, turn: Turn) -> Head {
    let head = Head::new("bincim_rotate").with("Slots", slots).with("Width", width);
    match turn {
        Turn::Down => head,
        Turn::Up => head.with("Up", 1),
    }
}

/// `bincim_shortcut`, where some layer adds the sums that another one kept.
pub(in super::super) fn shortcut(design: &Design) -> Head {
    Head::new("bincim_shortcut")
        .with("Lanes", design.lanes)
        .with("Width", design.widths.accumulator)
        .with("Depth", design.shortcut_depth)
        .with("Signed", design.signed_sums().into())
        .with("Pools", shortcut_pools(design).into())
}

/// Whether a layer whose sums are kept pools.
pub(in super::super) fn shortcut_pools(design: &Design) -> bool {
    design.layers.iter().any(|layer| layer.shortcut.keeps && layer.walk.window != (1, 1))
}
