//! Analog arrays: the reader, the emulated columns, their converters and the chip's memories.

use super::facts::{bits, plural};
use super::program::{self, Field, Table};
use super::view::View;
use super::walk::{comment, layer_key};
use super::{NamedText, file};
use crate::design::noise::{Noise, SITES, STEPS};
use crate::design::{Analog, Design, LayerReadout, Reference};
use askama::Template;

/// Numbers of the templates of this family.
#[derive(Debug)]
pub(super) struct AnalogView {
    pub row_step: usize,
    pub row_step_s: &'static str,
    pub planes: usize,
    pub plane_width: usize,
    pub plane_last: String,
    /// The first layer reads at another pace than the others.
    pub two_speeds: bool,
    pub step_width: usize,
    pub step_last: String,
    pub read_last: String,
    /// Some conversion takes longer than its read.
    pub pauses: bool,
    pub word_width: usize,
    pub array_width: usize,
    /// A table says where each group's arrays begin: some may not be read.
    pub counts_groups: bool,
    pub cell_address_width: usize,
    pub cell_width: usize,
    pub cells_width: usize,
    /// Bits of the words of cells and offsets with what a reference has in them.
    pub cell_word: usize,
    pub offset_word: usize,
    pub voltage_width: usize,
    pub fraction_bits: u32,
    pub value_fraction_bits: u32,
    pub sense: bool,
    pub converter: &'static str,
    pub edges: usize,
    pub edges_s: &'static str,
    pub edges_per_cycle: usize,
    pub edges_width: usize,
    pub conversion: usize,
    /// Converters of an array, columns of each, and cycles of one column's conversion.
    pub converters: usize,
    pub share: usize,
    pub turn_width: usize,
    pub edge_steps: usize,
    pub edge_step_width: usize,
    pub edge_address_width: usize,
    pub code_width: usize,
    /// Layers differ in what a code stands for.
    pub value_layers: bool,
    pub reference: Option<ReferenceView>,
}

/// Numbers of the digital reference.
#[derive(Debug)]
pub(super) struct ReferenceView {
    pub drive_width: usize,
    /// Bits of a drive's product with a share: those of a count, and the fraction behind it.
    pub product_width: usize,
    pub fraction: u32,
    pub half: i64,
    /// Arrays differ in what a row takes away.
    pub several: bool,
    pub share: i64,
    pub share_width: usize,
    /// The unit of a share in words, where it is finer than that of a value.
    pub share_unit: String,
}

impl ReferenceView {
    fn new(reference: &Reference, count_width: usize) -> ReferenceView {
        let only = reference.only_share();
        ReferenceView {
            drive_width: reference.drive_width,
            product_width: count_width + reference.fraction as usize,
            fraction: reference.fraction,
            half: (1 << reference.fraction) >> 1,
            several: only.is_none(),
            share: only.unwrap_or(0),
            share_width: reference.share_width(),
            share_unit: match reference.fraction {
                0 => String::new(),
                fraction => format!(", in 2^-{fraction} units"),
            },
        }
    }
}

impl AnalogView {
    /// `None` with the popcount readout.
    pub fn new(design: &Design) -> Option<AnalogView> {
        let analog = design.analog.as_ref()?;
        let layers: Vec<&LayerReadout> = design.layers.iter().filter_map(|l| l.readout.as_ref()).collect();
        let most = |f: fn(&LayerReadout) -> usize| layers.iter().map(|l| f(l)).max().unwrap_or(1);
        let planes = most(|l| l.reads);
        let pace = |l: &LayerReadout| (l.reads, l.read_words, l.interval);
        let two_speeds = layers.iter().any(|l| pace(l) != pace(layers[0]));
        let step_width = bits(most(|l| l.interval) - 1);
        let plane_width = bits(planes - 1);
        // Layer 0 is the only one that may differ.
        let other = layers[layers.len() - 1];
        let choose = |width: usize, f: fn(&LayerReadout) -> usize| match f(layers[0]) == f(other) {
            true => format!("{width}'d{}", f(other) - 1),
            false => format!("(weighted_i ? {width}'d{} : {width}'d{})", f(layers[0]) - 1, f(other) - 1),
        };
        let array_width = bits(analog.arrays - 1).max(1);
        let word_width = bits(analog.words - 1);
        let edge_step_width = bits(analog.edge_steps - 1);
        let turn_width = bits(analog.share - 1);
        let converters = design.lanes / analog.share;
        Some(AnalogView {
            row_step: analog.row_step,
            row_step_s: plural(analog.row_step),
            planes,
            plane_width,
            plane_last: choose(plane_width, |l| l.reads),
            two_speeds,
            step_width,
            step_last: choose(step_width, |l| l.interval),
            read_last: choose(step_width, |l| l.read_words),
            pauses: layers.iter().any(|l| l.interval > l.read_words),
            word_width,
            array_width,
            counts_groups: design.planes_of_weights() > 1 && design.groups() > 1,
            cell_address_width: array_width + word_width,
            cell_width: analog.cell_width,
            cells_width: design.lanes * analog.row_step * 2 * analog.cell_width,
            cell_word: analog.cell_word(design.lanes),
            offset_word: analog.offset_word(design.lanes),
            voltage_width: analog.voltage_width,
            fraction_bits: analog.fraction_bits,
            value_fraction_bits: analog.value_fraction_bits,
            sense: analog.sense,
            converter: converter(analog),
            edges: analog.edges,
            edges_s: plural(analog.edges),
            edges_per_cycle: analog.edges_per_cycle,
            edges_width: converters * analog.edges_per_cycle * analog.voltage_width,
            conversion: analog.conversion,
            converters,
            share: analog.share,
            turn_width,
            edge_steps: analog.edge_steps,
            edge_step_width,
            edge_address_width: array_width + turn_width + edge_step_width,
            code_width: analog.code_width,
            value_layers: layers.iter().any(|l| l.values != layers[0].values),
            reference: analog
                .reference
                .as_ref()
                .map(|reference| ReferenceView::new(reference, design.widths.count)),
        })
    }
}

/// Module of the columns' readout.
pub(super) fn converter(analog: &Analog) -> &'static str {
    if analog.sense { "sense_amp" } else { "column_adc" }
}

#[derive(Template)]
#[template(path = "rtl/array_reader.v", syntax = "verilog", escape = "none")]
struct ArrayReader<'a> {
    v: &'a View,
    a: &'a AnalogView,
}

#[derive(Template)]
#[template(path = "rtl/cim_array_analog.v", syntax = "verilog", escape = "none")]
struct CimArray<'a> {
    v: &'a View,
    a: &'a AnalogView,
}

#[derive(Template)]
#[template(path = "rtl/column_adc.v", syntax = "verilog", escape = "none")]
struct ColumnAdc<'a> {
    v: &'a View,
    a: &'a AnalogView,
}

#[derive(Template)]
#[template(path = "rtl/code_value.v", syntax = "verilog", escape = "none")]
struct CodeValue<'a> {
    v: &'a View,
    a: &'a AnalogView,
}

#[derive(Template)]
#[template(path = "rtl/drive_reference.v", syntax = "verilog", escape = "none")]
struct DriveReference<'a> {
    v: &'a View,
    a: &'a AnalogView,
    r: &'a ReferenceView,
}

#[derive(Template)]
#[template(path = "rtl/column_noise.v", syntax = "verilog", escape = "none")]
struct ColumnNoise<'a> {
    v: &'a View,
    a: &'a AnalogView,
    n: NoiseView,
}

/// Numbers of the generators of noise.
struct NoiseView {
    gain: usize,
    steps: usize,
    cycles: usize,
    cycles_s: &'static str,
    left_width: usize,
    /// Cells before each of one cycle's steps.
    unrolled: Vec<String>,
    sites: String,
    /// Ones that are counted in one cycle, and the same as six bits.
    count_width: usize,
    count: String,
    count_extended: String,
    /// Bits of a lane's noise, two's complement.
    width: usize,
    /// `deviate` times the gain.
    product: String,
    /// The highest lane first.
    rules: String,
}

impl NoiseView {
    fn new(noise: &Noise) -> NoiseView {
        let cycles = STEPS / noise.steps_per_cycle;
        let rules: Vec<String> = noise.rules.iter().rev().map(|rules| format!("32'h{rules:08X}")).collect();
        let count_width = bits(SITES.len() * noise.steps_per_cycle);
        let counted: Vec<String> = (0..noise.steps_per_cycle)
            .flat_map(|steps| {
                SITES.map(|site| format!("{{{}'d0, {}[{site}]}}", count_width - 1, state(steps)))
            })
            .collect();
        NoiseView {
            sites: SITES.map(|site| site.to_string()).join(", "),
            count_width,
            count: super::wrapped_by(&counted, " +", 10, 10),
            count_extended: if count_width < 6 {
                format!("{{{}'d0, count}}", 6 - count_width)
            } else {
                "count".into()
            },
            gain: noise.gain,
            steps: STEPS,
            cycles,
            cycles_s: if cycles == 1 { "" } else { "s" },
            left_width: bits(cycles),
            unrolled: (0..noise.steps_per_cycle).map(state).collect(),
            width: (bits(noise.most()) + 1).max(7),
            product: product(noise.gain),
            rules: super::wrapped(&rules, 7, 7),
        }
    }
}

/// Cells after some of a cycle's steps.
fn state(steps: usize) -> String {
    if steps == 0 { "cells_q".into() } else { format!("state_{steps}") }
}

/// `deviate` times `gain` by shifts, additions and subtractions: of its digits -1, 0 and 1 no two that are not 0
/// stand side by side.
fn product(gain: usize) -> String {
    let mut terms = Vec::new();
    let (mut rest, mut shift) = (gain as i64, 0);
    while rest != 0 {
        if rest & 1 == 1 {
            let digit = 2 - (rest & 3);
            let term = if shift == 0 { "deviate".into() } else { format!("(deviate << {shift})") };
            terms.push((digit, term));
            rest -= digit;
        }
        rest >>= 1;
        shift += 1;
    }
    // The highest digit of a number above 0 is 1.
    let Some((_, mut text)) = terms.pop() else { return "0".into() };
    for (digit, term) in terms.iter().rev() {
        text += if *digit > 0 { " + " } else { " - " };
        text += term;
    }
    text
}

/// The files of this family; none with the popcount readout.
pub(super) fn modules(design: &Design, view: &View) -> Vec<NamedText> {
    let (Some(analog), Some(a)) = (&design.analog, &view.analog) else { return Vec::new() };
    let mut files = vec![
        file("array_reader", &ArrayReader { v: view, a }),
        file("cim_array", &CimArray { v: view, a }),
        file(converter(analog), &ColumnAdc { v: view, a }),
        file("code_value", &CodeValue { v: view, a }),
        values(design, view, a),
    ];
    files.extend(a.reference.as_ref().map(|r| file("drive_reference", &DriveReference { v: view, a, r })));
    files.extend(analog.noise.as_ref().map(|noise| {
        let n = NoiseView::new(noise);
        file("column_noise", &ColumnNoise { v: view, a, n })
    }));
    files
}

fn analog_fraction(design: &Design) -> u32 {
    design.analog.as_ref().map_or(0, |analog| analog.value_fraction_bits)
}

/// The table of what codes stand for.
fn values(design: &Design, view: &View, a: &AnalogView) -> NamedText {
    let layers: Vec<&LayerReadout> = design.layers.iter().filter_map(|l| l.readout.as_ref()).collect();
    let shown = if a.value_layers { layers.len() } else { 1 };
    let mut entries = Vec::new();
    let mut values = Vec::new();
    for (layer, readout) in layers.iter().enumerate().take(shown) {
        for (code, value) in readout.values.iter().enumerate() {
            let mut key = if a.value_layers { vec![layer] } else { Vec::new() };
            key.push(code);
            let counts = *value as f64 / f64::from(1u32 << analog_fraction(design));
            let comment = match a.value_layers {
                true => format!("{}: {counts} counts", comment(&design.layers[layer])),
                false => format!("{counts} counts"),
            };
            entries.push((key, comment));
            values.push(*value);
        }
    }
    let mut inputs = if a.value_layers { layer_key(view) } else { Vec::new() };
    inputs.push(("code_i", a.code_width));
    program::module(&Table {
        module: "value_program",
        description: "What a code stands for, two's complement.".into(),
        inputs,
        entries,
        fields: vec![Field::new("value", view.count_width, "", values.into_iter())],
    })
}
