//! What a design sets in its analog arrays: reader, emulated columns, converters.

use super::super::wrapped;
use super::Head;
use crate::design::noise::Noise;
use crate::design::{Analog, Design, Ensemble, LayerReadout, Reference};

/// Most of something of any layer's reads.
pub(in super::super) fn most(design: &Design, of: fn(&LayerReadout) -> usize) -> usize {
    design.layers.iter().filter_map(|layer| layer.readout.as_ref()).map(of).max().unwrap_or(1)
}

/// Most reads of a vector.
pub(in super::super) fn reads(design: &Design) -> usize {
    most(design, |layer| layer.reads)
}

/// Whether it is told where a group's arrays begin: those of planes of weights that do not run are passed over.
pub(in super::super) fn first_arrays(design: &Design) -> bool {
    design.planes_of_weights() > 1 && design.groups() > 1
}

/// Whether rows may be left undriven: on the padding of a map, or by bits 0 of the input.
pub(in super::super) fn row_enable(design: &Design) -> bool {
    design.row_enable || unipolar(design)
}

/// Whether bits 0 of the input leave their rows undriven.
pub(in super::super) fn unipolar(design: &Design) -> bool {
    design.layers[0].readout.as_ref().is_some_and(|readout| readout.unipolar)
}

/// `bincim_array_reader`; `passes`: a group may have several arrays.
pub(in super::super) fn reader(design: &Design, analog: &Analog, passes: bool) -> Head {
    let pauses = design.layers.iter().filter_map(|l| l.readout.as_ref()).any(|l| l.interval > l.read_words);
    Head::new("bincim_array_reader")
        .with("Rows", design.rows)
        .with("Step", analog.row_step)
        .with("Arrays", analog.arrays)
        .with("Reads", reads(design))
        .with("Interval", most(design, |layer| layer.interval))
        .with("Pauses", pauses.into())
        .with("Serial", design.serial_input().into())
        .with("Passes", passes.into())
        .with("FirstArrays", first_arrays(design).into())
        .with("RowEnable", design.row_enable.into())
        .with("Unipolar", unipolar(design).into())
}

/// `bincim_array_analog`.
pub(in super::super) fn array(design: &Design, analog: &Analog) -> Head {
    Head::new("bincim_array_analog")
        .with("Lanes", analog.columns(design.lanes))
        .with("Step", analog.row_step)
        .with("Cell", analog.cell_width)
        .with("Voltage", analog.voltage_width)
        .with("RowEnable", row_enable(design).into())
}

/// `bincim_array_draw`.
pub(in super::super) fn drawn_array(design: &Design, analog: &Analog, ensemble: &Ensemble) -> Head {
    Head::new("bincim_array_draw")
        .with("Lanes", design.lanes)
        .with("Step", analog.row_step)
        .with("Bits", ensemble.bits)
        .with("Count", design.widths.count)
        .with("Reads", reads(design))
        .with("RowEnable", row_enable(design).into())
}

/// `bincim_draw_turn`.
pub(in super::super) fn draw_turn(design: &Design) -> Head {
    Head::new("bincim_draw_turn").with("Layers", design.layers.len())
}

/// `bincim_column_noise`.
pub(in super::super) fn noise(design: &Design, analog: &Analog, noise: &Noise) -> Head {
    let rules: Vec<String> = noise.rules.iter().rev().map(|rules| format!("32'h{rules:08X}")).collect();
    Head::new("bincim_column_noise")
        .with("Lanes", design.lanes)
        .with("Voltage", analog.voltage_width)
        .with("Gain", noise.gain)
        .with("Steps", noise.steps_per_cycle)
        .with_value("Rules", format!("{{{}}}", wrapped(&rules, 14, 14)))
}

/// `bincim_drive_reference`, and its share where all arrays have one, as the port's constant.
pub(in super::super) fn reference(
    design: &Design,
    analog: &Analog,
    reference: &Reference,
) -> (Head, Option<String>) {
    // The product's width takes any share.
    let product = design.widths.count + reference.fraction as usize;
    let only = reference.only_share().map(|share| format!("{product}'d{share}"));
    let head = Head::new("bincim_drive_reference")
        .with("Step", analog.row_step)
        .with("Drive", reference.drive_width)
        .with("Share", if only.is_some() { product } else { reference.share_width() })
        .with("Fraction", reference.fraction as usize)
        .with("Count", design.widths.count)
        .with("RowEnable", row_enable(design).into());
    (head, only)
}

/// `bincim_column_adc`.
pub(in super::super) fn converters(design: &Design, analog: &Analog) -> Head {
    Head::new("bincim_column_adc")
        .with("Lanes", analog.converters(design.lanes))
        .with("Share", analog.share)
        .with("Edges", analog.edges_per_cycle)
        .with("Steps", analog.edge_steps)
        .with("Voltage", analog.voltage_width)
        .with("Code", analog.code_width)
        .with("Arrays", analog.arrays)
        .with("Reads", reads(design))
}

/// Layers whose codes stand for values of their own; 1: all layers have the same.
pub(in super::super) fn value_layers(design: &Design) -> usize {
    let mut values = design.layers.iter().filter_map(|layer| layer.readout.as_ref()).map(|l| &l.values);
    let first = values.next();
    if values.all(|values| Some(values) == first) { 1 } else { design.layers.len() }
}

/// `bincim_code_value`.
pub(in super::super) fn code_value(design: &Design, analog: &Analog) -> Head {
    Head::new("bincim_code_value")
        .with("Lanes", design.lanes)
        .with("Code", analog.code_width)
        .with("Count", design.widths.count)
        .with("Reads", reads(design))
        .with("Layers", value_layers(design))
        .with("Reference", analog.reference.is_some().into())
        .with("Column", analog.reference_column.into())
        .with_text("InitFile", &design.image("values"))
}
