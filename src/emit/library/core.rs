//! What a design sets in the parts of its engine.

use super::Head;

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
