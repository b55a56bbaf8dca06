//! Tap and pad programs: which word each slot takes in each pass, and where the map ends.

use super::edge::Edge;
use super::facts::{bits, is_input, layer_taps, taps};
use super::gather::edges;
use super::program::{Field, Table};
use super::view::View;
use super::walk::{comment, layer_entries, layer_key};
use crate::design::{Design, LayerDesign, PadValue, Shape, SlotTap};

/// Which fields the slots need.
pub(super) struct Taps {
    /// All slots of an entry have the same offset.
    pub uniform: bool,
    pub offset_max: i64,
    pub unused: bool,
    pub padded_kernel: (usize, usize),
    pub plus_partial: bool,
    pub driven_partial: bool,
}

impl Taps {
    pub fn new(design: &Design, view: &View) -> Taps {
        let used = |slots: &[Option<SlotTap>]| slots.iter().flatten().copied().collect::<Vec<_>>();
        let partial = |slots: &[Option<SlotTap>]| used(slots).iter().any(|tap| tap.channels < design.word);
        let plus = |layer: &LayerDesign| matches!(layer.padding, Some((_, PadValue::Plus)));
        let kernel = |pads: bool, pick: fn(&SlotTap) -> usize| {
            taps(design)
                .filter(|(layer, _)| pads && layer.padding.is_some())
                .flat_map(|(_, slots)| used(slots))
                .map(|tap| pick(&tap) + 1)
                .max()
                .unwrap_or(1)
        };
        Taps {
            uniform: !view.loadable
                && taps(design).all(|(_, slots)| used(slots).windows(2).all(|w| w[0].offset == w[1].offset)),
            offset_max: taps(design)
                .flat_map(|(_, slots)| used(slots))
                .map(|tap| tap.offset)
                .max()
                .unwrap_or(0),
            unused: view.loadable || taps(design).any(|(_, slots)| slots.contains(&None)),
            padded_kernel: (kernel(view.pads_rows, |tap| tap.ky), kernel(view.pads_columns, |tap| tap.kx)),
            plus_partial: taps(design).any(|(layer, slots)| plus(layer) && partial(slots)),
            driven_partial: view.counts_driven
                && !view.masks_rows
                && taps(design).any(|(_, slots)| partial(slots)),
        }
    }

    fn partial(&self) -> bool {
        self.plus_partial || self.driven_partial
    }

    pub fn exists(&self) -> bool {
        self.offset_max > 0 || self.unused || self.partial() || self.padded_kernel != (1, 1)
    }
}

/// Bits of the number of channels in an incomplete word.
pub(super) fn channel_count_width(design: &Design, view: &View) -> usize {
    bits(design.word - 1).clamp(1, view.driven_width)
}

pub(super) fn tap_table(view: &View, need: &Taps, keys: (bool, bool), of: &Design) -> Table {
    let (tap_layer, tap_pass) = keys;
    let banks = view.banks;
    let mut inputs = Vec::new();
    if tap_layer {
        inputs.push(("layer_i", view.layer_width));
    }
    if tap_pass {
        inputs.push(("pass_i", view.pass_width));
    }
    let entries = of
        .layers
        .iter()
        .enumerate()
        .filter(|(_, layer)| !is_input(layer))
        .flat_map(|(index, layer)| (0..layer.passes).map(move |pass| (index, layer, pass)))
        .map(|(index, layer, pass)| {
            let key = [(tap_layer, index), (tap_pass, pass)];
            let key = key.into_iter().filter(|part| part.0).map(|part| part.1).collect();
            (key, format!("{}, pass {pass}", comment(layer)))
        })
        .collect();
    let slot_values = |f: &dyn Fn(&SlotTap) -> i64| -> Vec<Vec<i64>> {
        taps(of).map(|(_, slots)| slots.iter().map(|tap| tap.as_ref().map_or(0, f)).collect()).collect()
    };
    let mut fields = Vec::new();
    let offset_width = bits(need.offset_max as usize).min(view.map_width);
    if offset_width > 0 && need.uniform {
        let values = taps(of).map(|(_, slots)| slots.iter().flatten().next().map_or(0, |tap| tap.offset));
        fields.push(Field::new("offset", offset_width, "", values));
    } else if offset_width > 0 {
        let values = slot_values(&|tap| tap.offset).into_iter();
        fields.push(Field::slots(
            "offset",
            banks * offset_width,
            "one a slot, slot 0 in the low bits",
            values,
        ));
    }
    let mut add = |exists: bool, name, width: usize, comment, f: &dyn Fn(&SlotTap) -> i64| {
        if exists {
            fields.push(Field::slots(name, banks * width, comment, slot_values(f).into_iter()));
        }
    };
    let (ky, kx) = (bits(need.padded_kernel.0 - 1), bits(need.padded_kernel.1 - 1));
    add(need.unused, "used", 1, "", &|_| 1);
    // Only layers with padding ask for the place in the kernel; others may have larger kernels.
    add(ky > 0, "kernel_row", ky, "", &|tap| (tap.ky as i64) % (1 << ky));
    add(kx > 0, "kernel_column", kx, "", &|tap| (tap.kx as i64) % (1 << kx));
    add(need.partial(), "partial", 1, "the last, incomplete word of a pixel", &|tap| {
        i64::from(tap.channels < of.word)
    });
    Table {
        module: "tap_program",
        description: "Tap program: where each slot of the row vector comes from in each pass.".into(),
        inputs,
        entries,
        fields,
    }
}

pub(super) fn pad_table(design: &Design, view: &View, need: &Taps, of: &Design) -> Table {
    let layers = &of.layers;
    let kinds: Vec<PadValue> =
        design.layers.iter().filter_map(|layer| layer.padding).map(|(_, value)| value).collect();
    let is = |layer: &LayerDesign, value: PadValue| matches!(layer.padding, Some((_, v)) if v == value);
    let coordinate = view.coordinate_width;
    let mut fields = Vec::new();
    if view.pads {
        fields.push(Field::new("padded", 1, "", layers.iter().map(|l| i64::from(l.padding.is_some()))));
    }
    let (rows, columns) = edges(design, view);
    let beyond = |edges: &[Edge]| edges.iter().any(|edge| edge.beyond);
    let mut limit = |exists: bool, name, value: fn(Shape) -> usize| {
        if exists {
            let values = layers.iter().map(|l| l.padding.map_or(0, |(map, _)| value(map) as i64));
            fields.push(Field::new(name, coordinate, "", values));
        }
    };
    limit(beyond(&rows), "map_rows", |map| map.h);
    limit(beyond(&columns), "map_columns", |map| map.w);
    if view.plus_pads && kinds.iter().any(|kind| *kind != PadValue::Plus) {
        let values = layers.iter().map(|l| i64::from(is(l, PadValue::Plus)));
        fields.push(Field::new("plus_padding", 1, "", values));
    }
    if view.row_enable && kinds.iter().any(|kind| *kind != PadValue::Zero) {
        let values = layers.iter().map(|l| i64::from(is(l, PadValue::Zero)));
        fields.push(Field::new("zero_padding", 1, "", values));
    }
    // Channels of the last word of a pixel where it is incomplete.
    let rest = |layer: &LayerDesign| {
        let chunk = layer_taps(layer).iter().flatten().flatten().map(|tap| tap.channels);
        chunk.filter(|channels| *channels < design.word).min().unwrap_or(0)
    };
    if need.driven_partial {
        let width = channel_count_width(design, view);
        fields.push(Field::new(
            "last_channels",
            width,
            "channels of an incomplete word",
            layers.iter().map(|l| rest(l) as i64),
        ));
    }
    if need.plus_partial {
        let mask = |layer| (0..design.word).map(|c| i64::from(c < rest(layer))).collect();
        fields.push(Field::slots("channel_mask", design.word, "", layers.iter().map(mask)));
    }
    Table {
        module: "pad_program",
        description: "Pad program: the map's size and padding of each layer.".into(),
        inputs: layer_key(view),
        entries: layer_entries(of),
        fields,
    }
}
