//! What a design sets in its streams: the input, its frames, and the buffer of the results.

use super::super::facts::index_width;
use super::Head;
use crate::design::{Design, InputCode, InputKind};

/// `index` as a literal of the port of an index below `count`.
fn index(count: usize, index: usize) -> String {
    format!("{}'d{index}", index_width(count))
}

/// An input stream, and what the network says to it.
#[derive(Default)]
pub(in super::super) struct InputStream {
    /// `bincim_input_stream`.
    pub head: Head,
    /// Number of a frame's last beat.
    pub last_beat: String,
    /// One bit an element that the last beat has.
    pub last_present: String,
    /// Elements are two's complement.
    pub signed: &'static str,
}

pub(in super::super) fn input(design: &Design) -> InputStream {
    let input = &design.input;
    let last = match input.kind {
        InputKind::Vector { length, .. } => length - (input.beats - 1) * input.elements,
        InputKind::Window { .. } => input.elements,
    };
    InputStream {
        head: Head::new("bincim_input_stream")
            .with("Elements", input.elements)
            .with("ElementBits", input.element_bits)
            .with("Planes", design.planes)
            .with("StreamWidth", input.stream_bits)
            .with("Beats", input.beats),
        last_beat: index(input.beats, input.beats - 1),
        last_present: match input.elements - last {
            0 => format!("{{{last}{{1'b1}}}}"),
            missing => format!("{{{missing}'d0, {{{last}{{1'b1}}}}}}"),
        },
        signed: if matches!(input.code, InputCode::Signed { .. }) { "1'b1" } else { "1'b0" },
    }
}

/// `bincim_input_frames`.
pub(in super::super) fn frames(design: &Design) -> Head {
    Head::new("bincim_input_frames").with("Frames", design.input.frames)
}

/// A score buffer, and what the network says to it.
pub(in super::super) struct ScoreBuffer {
    /// `bincim_score_buffer`.
    pub head: Head,
    pub last_group: String,
    pub last_pixel: String,
    pub last_lane: String,
    pub last_word: String,
}

pub(in super::super) fn scores(design: &Design) -> ScoreBuffer {
    let output = &design.output;
    let (groups, pixels) = (output.groups, output.pixels);
    let (lanes, classes) = (score_lanes(design), output.scores / pixels);
    let gives_scores = design.layers[design.layers.len() - 1].scores;
    ScoreBuffer {
        head: Head::new("bincim_score_buffer")
            .with("Lanes", lanes)
            .with("Width", if gives_scores { design.widths.score } else { 1 })
            .with("Signed", gives_scores.into())
            .with("StreamWidth", output.stream_bits)
            .with("Groups", groups)
            .with("Pixels", pixels),
        last_group: index(groups, groups - 1),
        last_pixel: index(pixels, pixels - 1),
        last_lane: index(lanes, classes - (groups - 1) * design.lanes - 1),
        last_word: index(groups * pixels, groups * pixels - 1),
    }
}

/// Lanes that ever give a result.
pub(in super::super) fn score_lanes(design: &Design) -> usize {
    design.lanes.min(design.output.scores / design.output.pixels)
}
