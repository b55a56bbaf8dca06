//! Memory images: one line of hexadecimal digits an address.

use super::NamedText;
use super::result::flip_layers;
use crate::design::{Design, LayerDesign};

/// `weights.hex` and `thresholds.hex`.
pub(super) fn images(design: &Design) -> Vec<NamedText> {
    vec![
        NamedText { name: "weights.hex".into(), text: weights(design) },
        NamedText { name: "thresholds.hex".into(), text: thresholds(design) },
    ]
}

/// Words in the order of use: bit `lane * weight_rows + r`, stored as the popcount tree wants the row.
fn weights(design: &Design) -> String {
    let inverted = design.tree.inverted_rows();
    let height = design.weight_rows;
    let mut text = String::new();
    for layer in &design.layers {
        for tile in 0..layer.groups * layer.passes {
            let (address, words) = tile_words(layer, tile);
            for word in 0..words {
                let bits = (0..design.weight_rows * design.lanes).map(|bit| {
                    design.weights.get(address + word, bit) ^ inverted[word * height + bit % height]
                });
                push_line(&mut text, &bits.collect::<Vec<bool>>());
            }
        }
    }
    text
}

/// First word and number of words of a layer's tile, counted group by group.
fn tile_words(layer: &LayerDesign, tile: usize) -> (usize, usize) {
    let (group, pass) = (tile / layer.passes, tile % layer.passes);
    let group_words = (layer.passes - 1) * layer.words + layer.last_words;
    let words = if pass + 1 == layer.passes { layer.last_words } else { layer.words };
    (layer.weight_base + group * group_words + pass * layer.words, words)
}

/// One line a group: lane 0 in the low bits; an entry is the threshold, and above it the flip where any exists.
fn thresholds(design: &Design) -> String {
    let width = design.widths.threshold;
    let (before, after) = flip_layers(design);
    let mut text = String::new();
    for group in &design.thresholds {
        let mut bits = Vec::new();
        for threshold in group {
            bits.extend((0..width).map(|bit| threshold.value >> bit & 1 == 1));
            if before || after {
                bits.push(threshold.flip);
            }
        }
        push_line(&mut text, &bits);
    }
    text
}

/// Bit 0 is the last digit's lowest bit.
fn push_line(text: &mut String, bits: &[bool]) {
    for digit in bits.chunks(4).rev() {
        let value = digit.iter().rev().fold(0, |value, bit| value * 2 + u32::from(*bit));
        text.push(char::from_digit(value, 16).expect("four bits are one digit"));
    }
    text.push('\n');
}
