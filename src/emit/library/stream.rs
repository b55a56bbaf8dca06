//! What a design sets in its streams: the input, its frames, and the buffer of the results.

use super::super::program::literal;
use super::Head;
use crate::design::width::index as index_width;
use crate::design::{Design, InputCode, InputForm, InputKind, InputUnit as Unit};

/// What a network says to a unit: a port without its `_i`.
pub(in super::super) struct Constant {
    pub name: &'static str,
    /// As an expression.
    pub text: String,
    /// Value and bits of its parts, the lowest first.
    pub parts: Vec<(i64, usize)>,
}

impl Constant {
    fn new(name: &'static str, width: usize, value: usize) -> Constant {
        Constant { name, text: literal(width, value as i64), parts: vec![(value as i64, width)] }
    }

    /// An index below `count`.
    fn index(name: &'static str, count: usize, index: usize) -> Constant {
        Constant::new(name, index_width(count), index)
    }

    pub fn width(&self) -> usize {
        self.parts.iter().map(|part| part.1).sum()
    }
}

/// An input unit, and what the network says to it.
pub(in super::super) struct InputUnit {
    /// `bincim_input_window` or `bincim_input_vector`.
    pub head: Head,
    pub constants: Vec<Constant>,
}

/// The input unit of one form of a design, and what a network of that form says to it; zeros where `of` is none. `driven`
/// bits of the number of driven rows, of which the last pass has `last_driven`.
pub(in super::super) fn input(
    design: &Design,
    form: &InputForm,
    of: Option<&Design>,
    driven: usize,
    last_driven: usize,
) -> InputUnit {
    let unit = &form.unit;
    let own = of.map_or(unit, |of| &of.input);
    let last = match own.kind {
        InputKind::Vector { length, .. } => length - (own.beats - 1) * unit.elements,
        InputKind::Window { .. } => unit.elements,
    };
    let present = match unit.elements - last {
        0 => format!("{{{last}{{1'b1}}}}"),
        missing => format!("{{{missing}'d0, {{{last}{{1'b1}}}}}}"),
    };
    let present = Constant {
        name: "last_present",
        text: present,
        parts: (0..unit.elements).map(|element| (i64::from(element < last), 1)).collect(),
    };
    let signed = matches!(own.code, InputCode::Signed { .. });
    let signed =
        Constant { text: format!("1'b{}", u8::from(signed)), ..Constant::new("signed", 1, signed.into()) };
    let mut constants = vec![Constant::index("last_beat", unit.beats, own.beats - 1), present, signed];
    let module = match unit.kind {
        InputKind::Vector { .. } => "bincim_input_vector",
        InputKind::Window { .. } => "bincim_input_window",
    };
    let head = Head::new(module)
        .with("Elements", unit.elements)
        .with("ElementBits", unit.element_bits)
        .with("Planes", form.planes)
        .with("StreamWidth", unit.stream_bits)
        .with("Beats", unit.beats)
        .with("Frames", unit.frames);
    let head = match (&unit.kind, &own.kind) {
        (InputKind::Vector { words, .. }, InputKind::Vector { words: own_words, .. }) => {
            let word_beats = form.plane_rows / unit.elements;
            let last_beats = own.beats - (own_words - 1) * word_beats;
            constants.push(Constant::index("last_word", *words, own_words - 1));
            constants.push(Constant::index("last_word_beats", word_beats, last_beats % word_beats));
            head.with("Words", *words)
                .with("WordBeats", word_beats)
                .with("Fills", (design.loadable() || last_beats < word_beats).into())
        }
        _ => window(form, own, head, &mut constants),
    };
    let driven_port =
        |name, rows: usize| Constant::new(name, driven.max(1), if driven > 0 { rows } else { 0 });
    constants.push(driven_port("pass_driven", form.plane_rows));
    constants.push(driven_port("last_pass_driven", last_driven));
    if of.is_none() {
        constants.iter_mut().flat_map(|constant| &mut constant.parts).for_each(|part| part.0 = 0);
    }
    InputUnit { head: head.with("VectorBits", design.vector_bits()).with("Driven", driven), constants }
}

/// The part of a window's input unit that a vector's has not.
fn window(form: &InputForm, own: &Unit, head: Head, constants: &mut Vec<Constant>) -> Head {
    let (
        InputKind::Window { kernel, stride, channels, padded, before, map, depth, taps_per_pass, .. },
        InputKind::Window {
            stride: own_stride,
            padded: own_padded,
            before: own_before,
            map: own_map,
            pad_code,
            columns,
            ..
        },
    ) = (&form.unit.kind, &own.kind)
    else {
        return head;
    };
    let due = kernel.1.max(stride.1);
    let passes = form.passes;
    let row = |name, row: usize| Constant::index(name, padded.0, row);
    let column = |name, column: usize| Constant::index(name, padded.1, column);
    constants.extend([
        row("last_row", own_padded.0 - 1),
        column("last_column", own_padded.1 - 1),
        row("map_first_row", own_before.0),
        row("map_last_row", own_before.0 + own_map.0 - 1),
        column("map_first_column", own_before.1),
        column("map_last_column", own_before.1 + own_map.1 - 1),
        // Every channel of a padding pixel has the same code.
        Constant {
            name: "pad_pixel",
            text: format!("{{{channels}{{{}'d{pad_code}}}}}", form.planes),
            parts: vec![(*pad_code as i64, form.planes); *channels],
        },
        Constant::index("first_due", due, kernel.1 - 1),
        Constant::index("next_due", due, own_stride.1 - 1),
        // Where a bank has one row of windows there is no next one: the number only has to fit.
        Constant::new("columns", index_width(*depth), columns % (1 << index_width(*depth))),
    ]);
    head.with("Channels", *channels)
        .with("KernelRows", kernel.0)
        .with("KernelColumns", kernel.1)
        .with("Stride", stride.1)
        .with("Rows", padded.0)
        .with("Columns", padded.1)
        .with("PadTop", (before.0 > 0).into())
        .with("PadBottom", (before.0 + map.0 < padded.0).into())
        .with("PadLeft", (before.1 > 0).into())
        .with("PadRight", (before.1 + map.1 < padded.1).into())
        .with("Depth", *depth)
        .with("Passes", passes)
        .with("PassTaps", if passes > 1 { *taps_per_pass } else { kernel.0 * kernel.1 * channels })
        .with("PlaneRows", form.plane_rows)
}

/// A score buffer, and what the network says to it.
pub(in super::super) struct ScoreBuffer {
    /// `bincim_score_buffer`.
    pub head: Head,
    pub constants: [Constant; 4],
}

/// The score buffer of a design, and what `of` says to it.
pub(in super::super) fn scores(design: &Design, of: &Design) -> ScoreBuffer {
    let (output, own) = (&design.output, &of.output);
    let (groups, pixels) = (output.groups, output.pixels);
    let (lanes, classes) = (score_lanes(design), own.scores / own.pixels);
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
        constants: [
            Constant::index("last_group", groups, own.groups - 1),
            Constant::index("last_pixel", pixels, own.pixels - 1),
            Constant::index("last_lane", lanes, classes - (own.groups - 1) * design.lanes - 1),
            Constant::index("last_word", groups * pixels, own.groups * own.pixels - 1),
        ],
    }
}

/// Lanes that ever give a result.
pub(in super::super) fn score_lanes(design: &Design) -> usize {
    design.lanes.min(design.output.scores / design.output.pixels)
}
