//! What a design sets in its streams: the input, its frames, and the buffer of the results.

use super::super::program::literal;
use super::Head;
use crate::design::width::index as index_width;
use crate::design::{Design, InputCode, InputKind};

/// `index` as a literal of the port of an index below `count`.
fn index(count: usize, index: usize) -> String {
    format!("{}'d{index}", index_width(count))
}

/// An input unit, and what the network says to it: ports without their `_i`, and constants.
pub(in super::super) struct InputUnit {
    /// `bincim_input_window` or `bincim_input_vector`.
    pub head: Head,
    pub constants: Vec<(&'static str, String)>,
}

/// The input unit of a design; `driven` bits of the number of driven rows, of which the last pass has `last_driven`.
pub(in super::super) fn input(design: &Design, driven: usize, last_driven: usize) -> InputUnit {
    let input = &design.input;
    let last = match input.kind {
        InputKind::Vector { length, .. } => length - (input.beats - 1) * input.elements,
        InputKind::Window { .. } => input.elements,
    };
    let present = match input.elements - last {
        0 => format!("{{{last}{{1'b1}}}}"),
        missing => format!("{{{missing}'d0, {{{last}{{1'b1}}}}}}"),
    };
    let signed = if matches!(input.code, InputCode::Signed { .. }) { "1'b1" } else { "1'b0" };
    let mut constants = vec![
        ("last_beat", index(input.beats, input.beats - 1)),
        ("last_present", present),
        ("signed", signed.into()),
    ];
    let module = match input.kind {
        InputKind::Vector { .. } => "bincim_input_vector",
        InputKind::Window { .. } => "bincim_input_window",
    };
    let head = Head::new(module)
        .with("Elements", input.elements)
        .with("ElementBits", input.element_bits)
        .with("Planes", design.planes)
        .with("StreamWidth", input.stream_bits)
        .with("Beats", input.beats)
        .with("Frames", input.frames);
    let head = match input.kind {
        InputKind::Vector { words, .. } => {
            let word_beats = design.plane_rows / input.elements;
            let last_beats = input.beats - (words - 1) * word_beats;
            constants.push(("last_word", index(words, words - 1)));
            constants.push(("last_word_beats", index(word_beats, last_beats % word_beats)));
            head.with("Words", words)
                .with("WordBeats", word_beats)
                .with("Fills", (last_beats < word_beats).into())
        }
        InputKind::Window { .. } => window(design, head, &mut constants),
    };
    let driven_port = |rows: usize| literal(driven.max(1), if driven > 0 { rows as i64 } else { 0 });
    constants.push(("pass_driven", driven_port(design.plane_rows)));
    constants.push(("last_pass_driven", driven_port(last_driven)));
    InputUnit { head: head.with("VectorBits", design.vector_bits()).with("Driven", driven), constants }
}

/// The part of a window's input unit that a vector's has not.
fn window(design: &Design, head: Head, constants: &mut Vec<(&'static str, String)>) -> Head {
    let InputKind::Window {
        kernel,
        stride,
        channels,
        padded,
        before,
        map,
        pad_code,
        columns,
        depth,
        taps_per_pass,
        ..
    } = design.input.kind
    else {
        return head;
    };
    let due = kernel.1.max(stride.1);
    let passes = design.layers[0].passes;
    constants.extend([
        ("last_row", index(padded.0, padded.0 - 1)),
        ("last_column", index(padded.1, padded.1 - 1)),
        ("map_first_row", index(padded.0, before.0)),
        ("map_last_row", index(padded.0, before.0 + map.0 - 1)),
        ("map_first_column", index(padded.1, before.1)),
        ("map_last_column", index(padded.1, before.1 + map.1 - 1)),
        // Every channel of a padding pixel has the same code.
        ("pad_pixel", format!("{{{channels}{{{}'d{pad_code}}}}}", design.planes)),
        ("first_due", index(due, kernel.1 - 1)),
        ("next_due", index(due, stride.1 - 1)),
        // Where a bank has one row of windows there is no next one: the number only has to fit.
        ("columns", literal(index_width(depth), columns as i64)),
    ]);
    head.with("Channels", channels)
        .with("KernelRows", kernel.0)
        .with("KernelColumns", kernel.1)
        .with("Stride", stride.1)
        .with("Rows", padded.0)
        .with("Columns", padded.1)
        .with("PadTop", (before.0 > 0).into())
        .with("PadBottom", (before.0 + map.0 < padded.0).into())
        .with("PadLeft", (before.1 > 0).into())
        .with("PadRight", (before.1 + map.1 < padded.1).into())
        .with("Depth", depth)
        .with("Passes", passes)
        .with("PassTaps", if passes > 1 { taps_per_pass } else { kernel.0 * kernel.1 * channels })
        .with("PlaneRows", design.plane_rows)
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
    let summed = design.ensemble.as_ref().map_or(design.widths.score, |ensemble| ensemble.score_width);
    ScoreBuffer {
        head: Head::new("bincim_score_buffer")
            .with("Lanes", lanes)
            .with("Width", if gives_scores { summed } else { 1 })
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
