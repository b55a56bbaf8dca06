//! Activations of several levels: the planes of bits in which the steps' thresholds are written, as a table.

use super::NamedText;
use super::program::{self, Field, Table};
use super::view::View;
use super::walk::{layer_entries, layer_key};
use crate::design::{Design, LayerDesign};

/// The file of this family; none where all activations are bits.
pub(super) fn modules(design: &Design, view: &View) -> Vec<NamedText> {
    if view.steps == 1 { Vec::new() } else { vec![program::module(design, &table(design, view))] }
}

fn table(design: &Design, view: &View) -> Table {
    let toggles = design.layers.iter().map(|layer| toggles(layer, view));
    Table {
        module: "level_program",
        description: "Level program: the steps at which the bit of each plane of a map changes.".into(),
        inputs: layer_key(view),
        entries: layer_entries(design),
        fields: vec![Field::slots("toggle", view.map_bits * view.steps, "", toggles)],
    }
}

/// Plane after plane, step after step: whether the plane's bit of as many met thresholds differs from that of one fewer.
fn toggles(layer: &LayerDesign, view: &View) -> Vec<i64> {
    let bit = |met: usize, plane: usize| layer.code[met].get(plane).copied().unwrap_or(false);
    let changes = |plane: usize, step: usize| step < layer.steps && bit(step, plane) != bit(step + 1, plane);
    (0..view.map_bits * view.steps)
        .map(|place| i64::from(changes(place / view.steps, place % view.steps)))
        .collect()
}
