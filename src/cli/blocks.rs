//! The units of a machine and their sizes, for the block diagram.

use crate::design::{Analog, Design};
use crate::report::{BlockView, Place};

/// The blocks of `design`.
pub fn blocks(design: &Design) -> Vec<BlockView> {
    let shape = design.network.input.shape;
    let frames = |count: usize| if count == 1 { "one frame".into() } else { format!("{count} frames") };
    let mut all = vec![
        block(
            Place::Input,
            "Input unit",
            [
                format!("{} x {} x {}, {} a beat", shape.h, shape.w, shape.c, design.input.elements),
                frames(design.input.frames),
            ],
        ),
        block(
            Place::Rows,
            "Row vector",
            [format!("{} rows", design.rows), format!("{} words of {}", design.banks, design.word)],
        ),
        array(design),
        block(
            Place::Sums,
            "Accumulators",
            [
                format!("{} sums of {} bits", design.lanes, design.widths.accumulator),
                match design.accumulator_depth {
                    0 => "in their registers".into(),
                    depth => format!("memory of {depth} pixels"),
                },
            ],
        ),
        block(
            Place::Thresholds,
            "Thresholds",
            [format!("{} words", design.thresholds.len()), format!("of {} lanes", design.lanes)],
        ),
        block(
            Place::Scores,
            "Score buffer",
            [
                format!("{} a frame", design.output.scores),
                format!("{} bits a beat", design.output.stream_bits),
            ],
        ),
        weights(design),
        block(
            Place::Sequencer,
            "Sequencer",
            [
                format!("{} layers", design.layers.len()),
                format!("{} cycles a frame", crate::report::thousands(design.cycles)),
            ],
        ),
        block(Place::Registers, "Registers", ["AXI4-Lite".into(), String::new()]),
    ];
    if design.map_depth > 0 {
        let words = format!("{} banks of {} words", design.banks, design.map_depth);
        let word = match design.map_bits() {
            1 => format!("of {} bits", design.word),
            planes => format!("of {} x {planes} bits", design.word),
        };
        all.push(block(Place::Map, "Activation memory", [words, word]));
    }
    if let Some(state) = &design.state {
        let kept = match state.depth {
            0 => "sums of fixed point".into(),
            depth => format!("{depth} words of {} bits", design.lanes * state.bits),
        };
        let sums = format!("{} sums of {} bits", design.lanes, design.widths.total);
        all.push(block(Place::State, "State unit", [kept, sums]));
    }
    all
}

fn block(place: Place, title: &str, lines: [String; 2]) -> BlockView {
    BlockView {
        place,
        title: title.into(),
        lines: lines.into_iter().filter(|line| !line.is_empty()).collect(),
    }
}

fn array(design: &Design) -> BlockView {
    let size = format!("{} x {}", design.rows, design.lanes);
    match &design.analog {
        None => block(
            Place::Array,
            "XNOR array",
            [format!("{size} cells"), format!("popcount trees, {} cycles", design.tree.latency())],
        ),
        Some(analog) => block(
            Place::Array,
            "Analog arrays",
            [format!("{} of {size}", analog.arrays), readout(design, analog)],
        ),
    }
}

fn readout(design: &Design, analog: &Analog) -> String {
    if analog.draws {
        return "drawn as they are read".into();
    }
    let converters = analog.converters(design.lanes);
    match analog.sense {
        true => format!("{converters} sense amplifiers"),
        false => format!("{converters} converters, {} codes", analog.edges + 1),
    }
}

fn weights(design: &Design) -> BlockView {
    let words = crate::report::thousands(design.weights.rows() as u64);
    match (&design.analog, &design.ensemble) {
        (Some(_), _) => block(Place::Weights, "Cells of a chip", ["weights stay put".into(), String::new()]),
        (None, None) => block(
            Place::Weights,
            "Weight memory",
            [format!("{words} words"), format!("of {} rows x {}", design.weight_rows, design.lanes)],
        ),
        (None, Some(ensemble)) => block(
            Place::Weights,
            "Weights, drawn",
            [
                format!("{words} words, {} x {}", design.weight_rows, design.lanes),
                format!("{} bits a draw, {} samples", ensemble.bits, ensemble.samples),
            ],
        ),
    }
}
