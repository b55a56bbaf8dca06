//! What several emitters ask of a design or a number.

use crate::design::{Design, LayerDesign, PlaneDesign, SlotTap, Source};

/// Bits of `0 ..= largest`; 0 for 0.
pub(super) fn bits(largest: usize) -> usize {
    (usize::BITS - largest.leading_zeros()) as usize
}

/// Plural ending.
pub(super) fn plural(count: usize) -> &'static str {
    if count == 1 { "" } else { "s" }
}

/// Whether a layer reads the input unit.
pub(super) fn is_input(layer: &LayerDesign) -> bool {
    matches!(layer.source, Source::Input)
}

/// Slots of the passes of a layer; none where it reads the input unit.
pub(super) fn layer_taps(layer: &LayerDesign) -> &[Vec<Option<SlotTap>>] {
    match &layer.source {
        Source::Map { taps, .. } => taps,
        Source::Input => &[],
    }
}

/// Slots of all passes of all layers that read the activation memory.
pub(super) fn taps(design: &Design) -> impl Iterator<Item = (&LayerDesign, &Vec<Option<SlotTap>>)> {
    design.layers.iter().flat_map(|layer| layer_taps(layer).iter().map(move |pass| (layer, pass)))
}

/// Whether a layer's results take another step at the end of a row. A map of one column has row steps only,
/// one whose rows lie close together column steps only.
pub(super) fn steps_rows(layer: &LayerDesign) -> bool {
    let (rows, columns) = layer.walk.pooled;
    let differs = layer.write.as_ref().is_some_and(|write| write.step_row != write.step_column);
    !layer.sum_pixels && rows > 1 && columns > 1 && differs
}

/// Whether a layer's vectors do not all start in bank 0.
pub(super) fn turns(layer: &LayerDesign) -> bool {
    let walk = &layer.walk;
    let steps = [&walk.step_window_column, &walk.step_window_row, &walk.step_column, &walk.step_row];
    walk.origin.bank != 0 || layer.vectors > 1 && steps.iter().any(|step| step.bank != 0)
}

/// Whether some tiles are left out.
pub(super) fn skips(design: &Design) -> bool {
    let kept = |plane: &PlaneDesign| plane.tiles.passes.iter().chain(&plane.tiles.groups).all(|kept| *kept);
    !design.layers.iter().flat_map(|layer| &layer.planes).all(kept)
}

/// Most rounds of each loop in any layer.
#[derive(Debug, Clone, Copy)]
pub(super) struct Loops {
    pub groups: usize,
    pub blocks: usize,
    pub passes: usize,
    pub planes: usize,
    /// Pixels of a block.
    pub pixels: usize,
    /// Words of weights of a tile.
    pub words: usize,
}

impl Loops {
    pub fn new(design: &Design) -> Loops {
        let most = |f: fn(&LayerDesign) -> usize| design.layers.iter().map(f).max().unwrap_or(1);
        Loops {
            groups: most(|layer| layer.groups),
            blocks: most(|layer| layer.blocks),
            passes: most(|layer| layer.passes),
            planes: design.planes_of_weights(),
            pixels: most(|layer| layer.block),
            words: most(|layer| layer.words.max(layer.last_words)),
        }
    }
}
