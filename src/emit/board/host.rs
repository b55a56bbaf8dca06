//! `host/` of a design: a Python driver of the board, and the record of what it speaks with.

use super::{BoardTop, NamedText};
use crate::design::{Decision, Design, InputCode};
use crate::variation::{Chip, Correction};
use serde::{Deserialize, Serialize};

/// `host/board.json`: what a host must know of the board and the design in it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Record {
    /// Network, device and board.
    pub design: String,
    pub device: String,
    pub board: String,
    /// Rate of the serial line, bits a second; what turns it into USB, and the most that it holds.
    pub baud: u32,
    pub converter: String,
    pub most_baud: u32,
    /// Whether the line reaches the registers.
    pub registers: bool,
    /// Clock of the accelerator, hertz, and cycles between frames.
    pub clock_hz: u64,
    pub interval: u64,
    pub frame: Frame,
    pub result: Outcome,
}

/// How an image becomes a frame.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Frame {
    pub bytes: usize,
    /// Channels, rows, columns; elements go row by row, channel innermost.
    pub shape: [usize; 3],
    /// Elements of a beat, bytes of a beat, bits of an element: 8, or 1 that is set where the value is above 0.
    pub elements: usize,
    pub beat_bytes: usize,
    pub element_bits: usize,
    /// Elements are -1 and +1, and go as 0 and 1.
    pub bipolar: bool,
    /// Value of every pixel 0 to 255, for all channels or for each.
    pub codes: Vec<Vec<i16>>,
}

/// How a result becomes scores and a class.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Outcome {
    pub bytes: usize,
    /// Bytes of a score, two's complement.
    pub score_bytes: usize,
    /// Output pixels; scores come pixel by pixel, class innermost.
    pub pixels: usize,
    /// Scores are bits, which stand for -1 and +1.
    pub bits: bool,
    /// `argmax` or `sign` of `scale * score / samples + bias`, or `highest_bit`.
    pub rule: String,
    pub scale: Vec<f64>,
    pub bias: Vec<f64>,
    /// Samples of a frame, whose scores are added, behind a reset.
    pub samples: usize,
    /// What becomes of the sums first: the chip's correction.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub correction: Option<Correction>,
}

/// The record of `design` with `chip` on the board of `top`, which carries `device`.
pub fn record(design: &Design, chip: Option<&Chip>, top: &BoardTop, device: &str) -> Record {
    let (input, output, network) = (&design.input, &design.output, &design.network);
    let shape = network.input.shape;
    let classes = output.scores / output.pixels;
    let filled = |values: &[f64], missing| -> Vec<f64> {
        (0..classes * output.pixels).map(|class| values.get(class).copied().unwrap_or(missing)).collect()
    };
    let rule = match network.output.decision {
        _ if output.scores == 1 => "sign",
        Decision::Argmax => "argmax",
        Decision::Sign => "sign",
        Decision::HighestBit => "highest_bit",
    };
    Record {
        design: design.name.terminal(),
        device: device.into(),
        board: top.title.clone(),
        baud: top.line.baud as u32,
        converter: top.line.converter.clone(),
        most_baud: top.line.most_baud as u32,
        registers: top.line.registers,
        clock_hz: top.core_hz(),
        interval: design.interval(),
        frame: Frame {
            bytes: top.s_bytes * top.frame_beats,
            shape: [shape.c, shape.h, shape.w],
            elements: input.elements,
            beat_bytes: top.s_bytes,
            element_bits: input.element_bits,
            bipolar: input.code == InputCode::Bipolar,
            codes: network.input.pixel_values.chunks(256).map(<[i16]>::to_vec).collect(),
        },
        result: Outcome {
            bytes: top.m_bytes * top.result_beats,
            score_bytes: top.m_bytes,
            pixels: output.pixels,
            bits: design.layers.last().is_some_and(|last| !last.scores),
            rule: rule.into(),
            scale: filled(&network.output.scale, 1.0),
            bias: filled(&network.output.bias, 0.0),
            samples: design.samples(),
            correction: chip.and_then(|chip| chip.correction.clone()),
        },
    }
}

/// The files of `host/`.
pub fn files(design: &Design, chip: Option<&Chip>, top: &BoardTop, device: &str) -> Vec<NamedText> {
    let record = serde_json::to_string(&record(design, chip, top, device)).expect("plain values") + "\n";
    let driver = include_str!("../../../templates/host/bincim_board.py");
    vec![
        NamedText { name: "board.json".into(), text: record },
        NamedText { name: "bincim_board.py".into(), text: driver.into() },
    ]
}
