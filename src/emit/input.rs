//! Input unit: from stream beats to the row vectors of the first layer.

use super::facts::bits;
use super::library::stream::InputStream;
use super::library::{Head, core, memories, stream};
use super::program::literal;
use super::view::View;
use super::{NamedText, file};
use crate::design::{Design, InputKind};
use askama::Template;

/// The files of this family.
pub(super) fn modules(design: &Design, view: &View) -> Vec<NamedText> {
    let unit = unit(design, view);
    let module = match &design.input.kind {
        InputKind::Vector { .. } => {
            let vector_lines = vector_lines(view, &unit);
            file("input_unit", &InputVector { v: view, i: &unit, vector_lines })
        }
        InputKind::Window { .. } => {
            let window = InputWindow {
                v: view,
                i: &unit,
                writer_regs: writer_registers(view, &unit),
                pass_cases: pass_cases(view, &unit),
                window_rows: window_rows(view, &unit),
            };
            file("input_unit", &window)
        }
    };
    vec![module]
}

#[derive(Template)]
#[template(path = "rtl/input_vector.v", syntax = "verilog", escape = "none")]
struct InputVector<'a> {
    v: &'a View,
    i: &'a Unit,
    vector_lines: Vec<String>,
}

#[derive(Template)]
#[template(path = "rtl/input_window.v", syntax = "verilog", escape = "none")]
struct InputWindow<'a> {
    v: &'a View,
    i: &'a Unit,
    writer_regs: Vec<Register>,
    pass_cases: Vec<String>,
    window_rows: Vec<String>,
}

struct Register {
    name: &'static str,
    reset: String,
    restart: String,
}

/// What only the input unit asks; the numbers of the other kind stay 0.
#[derive(Default)]
struct Unit {
    stream: InputStream,
    frames: Head,
    memory: Head,
    pass_width: usize,
    input_memory_width: usize,
    input_word: usize,

    // Vector.
    word_beats: usize,
    word_beat_width: usize,
    last_word_beats: usize,
    fills: bool,
    input_words: usize,
    input_index_width: usize,
    vector_write_address: String,
    vector_read_address: String,
    row_of_word: String,

    // Window.
    kernel_columns: usize,
    column_stride: usize,
    pixel_bits: usize,
    pixel_beats: usize,
    pixel_beat_width: usize,
    padded_rows: usize,
    padded_columns: usize,
    padded_row_width: usize,
    padded_column_width: usize,
    padded_note: String,
    input_pads: bool,
    inside_expr: String,
    pad_literal: String,
    due_width: usize,
    frame_address: String,
    next_frame_address: String,
    following_frame: String,
    read_base: String,
    walk_extended: String,
    window_bits: usize,
    rotate: Head,
    taps_per_pass: usize,
    columns_literal: String,
}

/// `name` with zeros above it.
fn extend(name: &str, from: usize, to: usize) -> String {
    match to - from {
        0 => name.to_string(),
        more => format!("{{{more}'d0, {name}}}"),
    }
}

fn unit(design: &Design, view: &View) -> Unit {
    let frames = view.frames;
    let pass_width = bits(view.input_passes - 1);
    match design.input.kind {
        InputKind::Vector { words, .. } => {
            let word = view.planes * view.plane_rows;
            let word_beats = view.plane_rows / view.elements;
            let last_word_beats = view.beats - (words - 1) * word_beats;
            let depth = frames * words;
            let width = bits(depth - 1).max(1);
            let index = bits(words - 1);
            let address = |frame: &str, name: &str| match (words > 1, frames > 1) {
                (true, true) => {
                    let name = extend(name, index, width);
                    format!("{frame} ? {name} + {width}'d{words} : {name}")
                }
                (true, false) => name.to_string(),
                (false, true) => frame.to_string(),
                (false, false) => "1'b0".to_string(),
            };
            Unit {
                stream: stream::input(design),
                frames: stream::frames(design),
                pass_width,
                input_memory_width: width,
                memory: memories::ram(word, depth),
                input_word: word,
                word_beats,
                word_beat_width: bits(word_beats - 1),
                last_word_beats,
                fills: last_word_beats < word_beats,
                input_words: words,
                input_index_width: index,
                vector_write_address: address("write_frame", "word_index_q"),
                vector_read_address: address("read_frame", "pass_i"),
                row_of_word: extend("read_word", word, view.vector_bits),
                ..Unit::default()
            }
        }
        InputKind::Window {
            kernel,
            stride,
            channels,
            padded,
            before,
            map,
            pad_code,
            columns,
            depth,
            word_bits,
            taps_per_pass,
        } => {
            let width = bits(frames * depth - 1).max(1);
            let pixel_bits = channels * view.planes;
            let pixel_beats = channels / view.elements;
            let frame = |first: usize, second: usize| match frames {
                1 => format!("{width}'d0"),
                _ => format!("write_frame ? {width}'d{first} : {width}'d{second}"),
            };
            let row_width = bits(padded.0 - 1);
            let column_width = bits(padded.1 - 1);
            let mut inside = Vec::new();
            let mut sides = |name: &str, width: usize, before: usize, size: usize, padded: usize| {
                if before > 0 {
                    inside.push(format!("({name}_q >= {width}'d{before})"));
                }
                if before + size < padded {
                    inside.push(format!("({name}_q < {width}'d{})", before + size));
                }
            };
            sides("row", row_width, before.0, map.0, padded.0);
            sides("column", column_width, before.1, map.1, padded.1);
            // Every channel of a padding pixel has the same code.
            let pad_literal = format!("{{{channels}{{{}'d{pad_code}}}}}", view.planes);
            let wrapped = |base: usize| match view.kernel_rows {
                1 => literal(width, base as i64),
                // A place beyond the memory is never asked for; its literal only has to fit.
                _ => format!(
                    "(wrapped[bank] ? {} : {})",
                    literal(width, (base + columns) as i64),
                    literal(width, base as i64)
                ),
            };
            Unit {
                stream: stream::input(design),
                frames: stream::frames(design),
                pass_width,
                input_memory_width: width,
                memory: memories::ram(word_bits, frames * depth),
                input_word: word_bits,
                kernel_columns: kernel.1,
                column_stride: stride.1,
                pixel_bits,
                pixel_beats,
                pixel_beat_width: bits(pixel_beats - 1),
                padded_rows: padded.0,
                padded_columns: padded.1,
                padded_row_width: row_width,
                padded_column_width: column_width,
                padded_note: match inside.is_empty() {
                    true => String::new(),
                    false => format!(", padding included (code {pad_code})"),
                },
                input_pads: !inside.is_empty(),
                inside_expr: inside.join(" & "),
                pad_literal,
                due_width: bits((kernel.1 - 1).max(stride.1 - 1)),
                frame_address: frame(depth, 0),
                next_frame_address: frame(0, depth),
                following_frame: match frames {
                    1 => format!("{width}'d0"),
                    _ => "next_frame_address".into(),
                },
                read_base: match frames {
                    1 => wrapped(0),
                    _ => format!("read_frame ?\n          {} :\n          {}", wrapped(depth), wrapped(0)),
                },
                walk_extended: extend("walk_address_i", view.input_walk_width, width),
                window_bits: kernel.0 * word_bits,
                rotate: core::rotate(kernel.0, word_bits),
                taps_per_pass,
                columns_literal: literal(width, columns as i64),
                ..Unit::default()
            }
        }
    }
}

/// How beats fill a word of the vector form.
fn vector_lines(view: &View, unit: &Unit) -> Vec<String> {
    let (elements, planes, size) = (view.elements, view.planes, view.plane_rows);
    let rest = size - elements;
    let filling = if unit.fills { " & !filling" } else { "" };
    let mut lines: Vec<String> = vec![
        "genvar plane, element;".into(),
        "generate".into(),
        format!("  for (plane = 0; plane < {planes}; plane = plane + 1) begin : gen_plane"),
        format!("    wire [{}:0] arrived;", elements - 1),
        format!("    for (element = 0; element < {elements}; element = element + 1) begin : gen_element"),
        format!("      assign arrived[element] = codes[element*{planes} + plane]{filling};"),
        "    end".into(),
    ];
    if rest == 0 {
        lines.push(format!("    assign word[plane*{size} +: {size}] = arrived;"));
    } else {
        lines.extend([
            format!("    assign word[plane*{size} +: {size}] = {{arrived, word_q[plane*{rest} +: {rest}]}};"),
            String::new(),
            "    always @(posedge clk_i) begin".into(),
            format!("      if (shift) word_q[plane*{rest} +: {rest}] <="),
            format!("          word[plane*{size} + {elements} +: {rest}];"),
            "    end".into(),
        ]);
    }
    lines.extend(["  end".into(), "endgenerate".into()]);
    lines
}

/// The writer's registers that a reset or a dropped frame sets back.
fn writer_registers(view: &View, unit: &Unit) -> Vec<Register> {
    let zero =
        |name, width: usize| Register { name, reset: format!("{width}'d0"), restart: format!("{width}'d0") };
    let memory = unit.input_memory_width;
    let place = |name| Register { name, reset: format!("{memory}'d0"), restart: "frame_address".into() };
    let mut registers = Vec::new();
    if unit.padded_rows > 1 {
        registers.push(zero("row", unit.padded_row_width));
    }
    if unit.padded_columns > 1 {
        registers.push(zero("column", unit.padded_column_width));
    }
    if unit.pixel_beats > 1 {
        registers.push(zero("part", unit.pixel_beat_width));
    }
    if unit.due_width > 0 {
        let first = format!("{}'d{}", unit.due_width, unit.kernel_columns - 1);
        registers.push(Register { name: "due", reset: first.clone(), restart: first });
    }
    registers.push(place("address"));
    if view.kernel_rows > 1 {
        registers.push(place("row_address"));
        registers.push(zero("bank", view.kernel_row_width));
    }
    registers
}

fn pass_cases(view: &View, unit: &Unit) -> Vec<String> {
    let step = unit.taps_per_pass * view.planes;
    (0..view.input_passes)
        .map(|pass| {
            let low = pass * step;
            let high = (low + step).min(unit.window_bits);
            let taps = extend(&format!("window[{}:{low}]", high - 1), high - low, step);
            match pass + 1 == view.input_passes {
                true => format!("default: taps = {taps};"),
                false => format!("{}'d{pass}: taps = {taps};", unit.pass_width),
            }
        })
        .collect()
}

/// From taps to rows: plane by plane.
fn window_rows(view: &View, unit: &Unit) -> Vec<String> {
    let (planes, size, rows) = (view.planes, view.plane_rows, view.vector_bits);
    let taps = match view.input_passes {
        1 => unit.window_bits / planes,
        _ => unit.taps_per_pass,
    };
    if planes == 1 {
        return vec![format!("assign row_o = {};", extend("taps", taps, rows))];
    }
    let mut lines = vec![
        "genvar plane, tap;".to_string(),
        "generate".into(),
        format!("  for (plane = 0; plane < {planes}; plane = plane + 1) begin : gen_plane"),
        format!("    for (tap = 0; tap < {taps}; tap = tap + 1) begin : gen_tap"),
        format!("      assign row_o[plane*{size} + tap] = taps[tap*{planes} + plane];"),
        "    end".into(),
    ];
    if taps < size {
        let idle = size - taps;
        lines.push(format!("    assign row_o[plane*{size} + {taps} +: {idle}] = {idle}'d0;"));
    }
    lines.extend(["  end".into(), "endgenerate".into()]);
    if planes * size < rows {
        let idle = rows - planes * size;
        lines.push(format!("assign row_o[{}:{}] = {idle}'d0;", rows - 1, planes * size));
    }
    lines
}
