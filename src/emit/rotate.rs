//! Rotations of words: between the banks of the activation memory and the slots of a vector.

use super::facts::bits;
use super::{NamedText, file};
use askama::Template;

#[derive(Template)]
#[template(path = "rtl/rotate.v", syntax = "verilog", escape = "none")]
struct Rotate {
    module: &'static str,
    description: String,
    slots: usize,
    amount_width: usize,
    stages: Vec<Stage>,
    last: usize,
}

struct Stage {
    index: usize,
    amount: usize,
    from: String,
    low: usize,
}

/// A rotation of `slots` words. Down: output s is input (s + amount) mod slots; else the way back.
pub(super) fn rotate(module: &'static str, slots: usize, down: bool) -> NamedText {
    let amount_width = bits(slots - 1);
    let stages = (0..amount_width)
        .map(|index| Stage {
            index,
            amount: 1 << index,
            from: if index == 0 { "data_i".into() } else { format!("by_{}", 1 << (index - 1)) },
            low: if down { 1 << index } else { slots - (1 << index) },
        })
        .collect();
    let what = match down {
        true => "word s of the output is word (s + amount)",
        false => "word s of the input becomes word (s + amount)",
    };
    file(
        module,
        &Rotate {
            module,
            description: format!("Rotation of {slots} words: {what} mod {slots}."),
            slots,
            amount_width,
            stages,
            last: 1 << (amount_width - 1),
        },
    )
}
