//! Why a network cannot become a design.

use super::{InputCode, PadValue};

/// Why a network cannot become a design on this machine.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DesignError {
    #[error("layer '{layer}' pads with {value:?}, which the input's code ({code:?}) does not hold")]
    PadOutsideInput { layer: String, value: PadValue, code: InputCode },
    #[error(
        "layer '{layer}' gives scores from a {bits}-bit input; at least one binary layer must follow the first"
    )]
    ScoresFromInteger { layer: String, bits: usize },
    #[error("the {planes} planes of the input do not fit in {rows} rows")]
    TooFewRows { planes: usize, rows: usize },
    #[error("layer '{layer}' has a last map of {elements} scores; at most 65536 are supported")]
    TooManyScores { layer: String, elements: usize },
    #[error("layer '{layer}' has scores of {bits} bits; at most 32 are supported")]
    WideScores { layer: String, bits: usize },
    #[error(
        "readout.range has {ranges} entries, the network {layers} layers; `bincim calibrate` finds one a layer"
    )]
    OtherLayers { ranges: usize, layers: usize },
    #[error("planes.layers has {numbers} numbers, the network {layers} layers")]
    OtherPlanes { numbers: usize, layers: usize },
    #[error("planes.layers asks for {asked} planes of weights in layer '{layer}', which has {planes}")]
    TooManyPlanes { layer: String, asked: usize, planes: usize },
    #[error(
        "readout.cell_bits = {bits}: the cells of layer '{layer}' hold up to {most} counts, which take {needed} bits"
    )]
    NarrowCell { layer: String, most: i32, bits: u32, needed: usize },
    #[error(
        "layer '{layer}' has a threshold for each number of planes, and sense amplifiers that decide by one"
    )]
    SenseThresholds { layer: String },
    #[error("layer '{layer}' has a plane of weights of scale {scale}")]
    Scale { layer: String, scale: i32 },
    #[error(
        "layer '{layer}' has activations of {levels} levels, each but one a channel on analog arrays; at most {most}"
    )]
    AnalogLevels { layer: String, levels: usize, most: usize },
    #[error("layer '{layer}' has a state of {bits} bits, which analog arrays do not run")]
    AnalogState { layer: String, bits: u32 },
    #[error(
        "layer '{layer}' reads a map from before the last layer, which neither analog arrays nor drawn weights do"
    )]
    Branch { layer: String },
    #[error(
        "layer '{layer}' adds a shortcut to channels from the middle on, and the last layer adds one, too"
    )]
    LastShortcut { layer: String },
    #[error("layer '{layer}': {why} (the network has flip codes)")]
    Flips { layer: String, why: &'static str },
    #[error("the network {network} has {what}, which a loadable machine does not take")]
    NotLoadable { network: String, what: String },
    #[error("readout.rows_per_cycle = {step}: a bit plane of the input has {rows} rows")]
    StepAcrossPlanes { step: usize, rows: usize },
}

impl DesignError {
    /// What to do about it.
    pub fn help(&self) -> &'static str {
        match self {
            DesignError::PadOutsideInput { .. } => {
                "pad a one-bit input with -1 or +1, an unsigned one with 0 or +1, or quantise the input to signed codes"
            }
            DesignError::Flips { .. } => {
                "take the popcount readout or readout.kind = \"sample\", few enough weights.rows_per_cycle or \
                 readout.rows_per_cycle, and a network of plain binary layers that ends in scores, with flip codes from its second layer on where the input is no -1 and +1"
            }
            DesignError::ScoresFromInteger { .. } => "add a binary layer, or binarise the input",
            DesignError::SenseThresholds { .. } => {
                "set readout.kind to \"adc\", or planes.layers to one plane for every layer"
            }
            DesignError::AnalogLevels { .. } => {
                "quantise activations to 4 bits at most, or take the popcount readout"
            }
            DesignError::AnalogState { .. } => "take the popcount readout",
            DesignError::Branch { .. } => "take the popcount readout, and a network without flip codes",
            DesignError::LastShortcut { .. } => {
                "the machine moves such channels to the front, which the outputs cannot follow: end with a layer without shortcut"
            }
            DesignError::TooFewRows { .. } => "set array.rows to at least the number of input bits",
            DesignError::Scale { .. } => {
                "the machine scales planes by 1 to 255: train supports whose ratios are fractions of such numbers"
            }
            DesignError::StepAcrossPlanes { .. } => {
                "set it to 0, or to a divisor of array.rows that fits in a plane, or readout.input_bits to \"serial\""
            }
            DesignError::NotLoadable { .. } => {
                "make a machine of its own for it, or a fixed one (program.load = \"fixed\")"
            }
            DesignError::OtherLayers { .. } => {
                "give one number a layer; `bincim calibrate` finds them for this network"
            }
            DesignError::OtherPlanes { .. } => {
                "give one number a layer, in their order, or leave the key out: all planes run"
            }
            DesignError::TooManyPlanes { .. } => "`bincim check` shows the planes of each layer",
            DesignError::NarrowCell { .. } => {
                "take more readout.cell_bits (one more than needed leaves room for errors, 16 at most), fewer \
                 readout.fraction_bits, or fewer array.weight_bits_per_cell"
            }
            DesignError::WideScores { .. } => {
                "lower readout.value_fraction_bits, or take smaller scales of the weights' planes"
            }
            DesignError::TooManyScores { .. } => "end the network in a dense layer or a global pooling",
        }
    }
}
