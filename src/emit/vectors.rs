//! Vector files: what goes into the accelerator and everything that must come out, as bytes for the C++
//! harness and as hexadecimal text for the Verilog bench.
//!
//! Computes no expected value: those come in as plain numbers. Never writes to disk.

use crate::design::{Design, InputCode, InputKind, InputUnit, Shape};

/// What the registers tell a frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Settings {
    /// Most planes of weights that a layer runs; the same in all frames of the hexadecimal files.
    pub planes: usize,
    /// Samples, where weights are drawn; the same in all frames of the hexadecimal files.
    pub samples: usize,
    /// Register MODE: [`Settings::NO_FLIPS`], [`Settings::SAME_SEED`].
    pub mode: u32,
}

impl Settings {
    /// No weight is turned round.
    pub const NO_FLIPS: u32 = 1;
    /// The next frame has the same seed.
    pub const SAME_SEED: u32 = 2;

    /// All planes and samples that there are.
    pub fn all(design: &Design) -> Settings {
        Settings { planes: design.planes_of_weights(), samples: design.samples(), mode: 0 }
    }
}

/// One image and what the accelerator must show for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Frame {
    /// Element values in channel, row, column order, inside the input code's range.
    pub image: Vec<i16>,
    /// Of each run of a layer ([`Design::runs`]): final sums by group, vector, lane; `lanes` of them each time.
    pub sums: Vec<Vec<i64>>,
    /// Of each run: result bits by group, pooled pixel, lane; empty for a layer of scores.
    pub bits: Vec<Vec<bool>>,
    /// In the order of the result stream.
    pub scores: Vec<i64>,
    /// Of each run.
    pub cycles: Vec<u64>,
    pub settings: Settings,
}

/// The bytes of a frame's beats: `beats` times `stream_bits / 8`, least significant byte first. Places of the
/// last beat behind the last element hold a pattern of ones and zeros, which the accelerator must not see.
pub fn beats(input: &InputUnit, map: Shape, image: &[i16]) -> Vec<u8> {
    let bytes = input.stream_bits / 8;
    let mut out = vec![0; input.beats * bytes];
    let used = map.elements() - (input.beats - 1) * input.elements;
    let last = out.len() - bytes;
    for bit in used * input.element_bits..input.stream_bits {
        // Neither all equal nor a period of two, and not the same in every frame.
        let one = (bit * 5 + image.iter().filter(|&&value| value > 0).count()) % 7 < 4;
        out[last + bit / 8] |= u8::from(one) << (bit % 8);
    }
    for pixel in 0..map.pixels() {
        for channel in 0..map.c {
            let value = image[channel * map.pixels() + pixel];
            let element = pixel * map.c + channel;
            let beat = &mut out[element / input.elements * bytes..][..bytes];
            let place = element % input.elements;
            match input.code {
                InputCode::Bipolar if input.element_bits == 1 => {
                    beat[place / 8] |= u8::from(value > 0) << (place % 8);
                }
                InputCode::Bipolar => beat[place] = u8::from(value > 0),
                _ => beat[place] = value as u8,
            }
        }
    }
    out
}

/// Events of the two taps in one group of a layer: (sums, bits).
pub(super) fn events(design: &Design, layer: usize) -> (usize, usize) {
    let layer = &design.layers[layer];
    let pixels = layer.walk.pooled.0 * layer.walk.pooled.1;
    match (layer.sum_pixels, layer.scores || layer.silent) {
        (true, no_bits) => (1, usize::from(!no_bits)),
        (false, true) => (layer.vectors, 0),
        (false, false) => (layer.vectors, pixels),
    }
}

/// Output channels of layer `layer` that `group` holds.
fn used_lanes(design: &Design, layer: usize, group: usize) -> usize {
    design.lanes.min(design.network.layers[layer].conv.c - group * design.lanes)
}

const MAGIC: u64 = u64::from_le_bytes(*b"BCMTRACE");
const VERSION: u64 = 7;
const HEADER_FIELDS: usize = 37;

/// What a frame carries: an image of the user's, or one that the run adds behind an image.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    User,
    /// Every element has the least value, the most.
    Least,
    Most,
    /// All but a few elements have the value nearest to 0.
    Sparse,
    /// Every element has the least value or the most.
    Extremes,
}

/// A frame of the C++ harness, and what it runs with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    pub frame: Frame,
    /// Number in the data set of the image that it carries, or that it follows.
    pub image: usize,
    pub kind: Kind,
    /// What the register SEED holds as it starts; unused where there is none.
    pub seed: u32,
}

/// What a vector file says of the run as a whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Run<'a> {
    /// Number of the first image in its data set.
    pub first: usize,
    /// Planes that every frame runs; none where each frame has settings of its own.
    pub planes: Option<usize>,
    /// Beats of the network's program; none where the network is fixed.
    pub program: &'a [u32],
}

/// The vector file of the C++ harness, little-endian.
///
/// 37 fields of 64 bits: magic, version, records, images among them, first image, layers, lanes, bits of a sum,
/// sums signed, beats, bytes of a beat, scores, bytes of a score, whether scores are complete as the last layer ends and
/// not one cycle later, input frames, sums of a record, bits of a record, planes there are, planes that every frame runs
/// (0: each its own), whether there is a register SEED, cycles behind a reset in which the first tile is loaded (0: a
/// frame does not wait for it), steps of the input unit in a frame, most samples (0: no weight is drawn), first drawn
/// layer (that many as there are layers: none), planes of bits of an event, beats of the
/// program; then the byte offsets of layers, names, steps, intervals, records, beats, sums, bits, scores, program, and the
/// length.
/// A layer is 11 such fields: groups, sum events and bit events of a group, channels, window rows and columns,
/// pooled rows and columns, pooling stride rows and columns, sum over pixels. Names end in a zero
/// byte. A step is one byte: 1 takes a beat, 0 adds padding. An interval is the least number of cycles from the start
/// of a frame that runs 1, 2 ... planes, or samples where weights are drawn, to the next start. A record is image, kind,
/// planes, seed, samples, mode and the cycles of each run of a layer, as many as a frame of all samples has. Sums are
/// 32-bit, bits one byte, plane after plane of an event, scores 64-bit; lanes without a channel are left out, runs of fewer
/// samples and planes that a layer does not have filled up with 0.
pub fn bytes(design: &Design, records: &[Record], run: Run) -> Vec<u8> {
    let layers = layer_table(design);
    let names: Vec<u8> = design
        .layers
        .iter()
        .flat_map(|layer| layer.name.comment().into_bytes().into_iter().chain([0]))
        .collect();
    let steps = input_steps(design);
    let counts = 1..=design.planes_of_weights().max(design.samples());
    let intervals: Vec<u64> = counts.map(|count| design.frame_with(count, count).interval).collect();
    let all_runs = design.runs(design.samples());
    let mut table: Vec<u64> = Vec::new();
    let mut stimuli = Vec::new();
    let mut sums = Vec::new();
    let mut bits = Vec::new();
    let mut scores = Vec::new();
    for Record { frame, image, kind, seed } in records {
        let settings = frame.settings;
        table.extend([*image as u64, *kind as u64, settings.planes as u64, u64::from(*seed)]);
        table.extend([settings.samples as u64, u64::from(settings.mode)]);
        table.extend((0..all_runs.len()).map(|run| frame.cycles.get(run).copied().unwrap_or(0)));
        stimuli.extend(beats(&design.input, design.network.input.shape, &frame.image));
        for (run, &layer) in all_runs.iter().enumerate() {
            let (sum_events, bit_events) = events(design, layer);
            let (of_sums, of_bits) = (frame.sums.get(run), frame.bits.get(run));
            each_used(design, layer, sum_events, |at| {
                sums.extend(of_sums.map_or(0, |sums| sums[at] as i32).to_le_bytes())
            });
            for_events(design, layer, bit_events, |at, used| {
                let planes = of_bits.map(|bits| planes_of(design, layer, bits, at));
                for plane in 0..design.map_bits() {
                    let of_plane = planes.as_ref().and_then(|planes| planes.get(plane));
                    bits.extend((0..used).map(|lane| u8::from(of_plane.is_some_and(|bits| bits[lane]))));
                }
            });
        }
        scores.extend(frame.scores.iter().flat_map(|score| score.to_le_bytes()));
    }
    let words = |numbers: &[u64]| -> Vec<u8> { numbers.iter().flat_map(|n| n.to_le_bytes()).collect() };
    let per_record = |length: usize| (length / records.len().max(1)) as u64;
    let (record_sums, record_bits) = (per_record(sums.len() / 4), per_record(bits.len()));
    let step_count = steps.len() as u64;
    let program = run.program.iter().flat_map(|beat| beat.to_le_bytes()).collect();
    let sections = [
        words(&layers),
        names,
        steps,
        words(&intervals),
        words(&table),
        stimuli,
        sums,
        bits,
        scores,
        program,
    ];
    let mut header = vec![
        MAGIC,
        VERSION,
        records.len() as u64,
        records.iter().filter(|record| record.kind == Kind::User).count() as u64,
        run.first as u64,
        design.layers.len() as u64,
        design.lanes as u64,
        design.widths.total as u64,
        u64::from(design.signed_totals()),
        design.input.beats as u64,
        (design.input.stream_bits / 8) as u64,
        design.output.scores as u64,
        (design.output.stream_bits / 8) as u64,
        u64::from(design.layers.last().is_some_and(|last| last.scores) && design.ensemble.is_none()),
        design.input.frames as u64,
        record_sums,
        record_bits,
        design.planes_of_weights() as u64,
        run.planes.unwrap_or(0) as u64,
        u64::from(design.has_seed()),
        first_tile(design) as u64,
        step_count,
        design.ensemble.as_ref().map_or(0, |ensemble| ensemble.samples as u64),
        design.first_drawn() as u64,
        design.map_bits() as u64,
        run.program.len() as u64,
    ];
    let mut at = HEADER_FIELDS * 8;
    for section in &sections {
        header.push(at as u64);
        at += section.len().next_multiple_of(8);
    }
    header.push(at as u64);
    let mut out = words(&header);
    for section in sections {
        out.extend(section);
        out.resize(out.len().next_multiple_of(8), 0);
    }
    out
}

/// What the input unit does in the steps of one frame: 1 where it takes a beat, 0 where it adds padding.
fn input_steps(design: &Design) -> Vec<u8> {
    match design.input.kind {
        InputKind::Vector { .. } => {
            let mut steps = vec![1; design.input.beats];
            steps.resize(design.filling_cycles() as usize, 0);
            steps
        }
        InputKind::Window { channels, padded, before, map, .. } => {
            let beats = channels / design.input.elements;
            let inside = |at: usize, before: usize, size: usize| (before..before + size).contains(&at);
            let pixels = (0..padded.0).flat_map(|row| (0..padded.1).map(move |column| (row, column)));
            pixels
                .flat_map(|(row, column)| {
                    let on_map = inside(row, before.0, map.0) && inside(column, before.1, map.1);
                    std::iter::repeat_n(u8::from(on_map), if on_map { beats } else { 1 })
                })
                .collect()
        }
    }
}

/// Cycles behind a reset in which a frame's first tile comes to stand in the shadow; 0 where frames do not wait for it.
fn first_tile(design: &Design) -> usize {
    let first = &design.layers[0];
    let words = first.tiles(0, 1).next().map_or(0, |(_, pass)| first.tile_words(pass));
    // The first word stands in the memory's register after one cycle, in the sampler's after two.
    match (&design.analog, &design.ensemble) {
        (Some(_), _) => 0,
        (_, Some(ensemble)) if ensemble.first == 0 => 0,
        (_, ensemble) => words + 1 + usize::from(ensemble.is_some()),
    }
}

fn layer_table(design: &Design) -> Vec<u64> {
    let mut table = Vec::new();
    for (index, layer) in design.layers.iter().enumerate() {
        let (sums, bits) = events(design, index);
        let stride = design.network.layers[index].pool.map_or((1, 1), |pool| pool.stride);
        let (window, pooled) = (layer.walk.window, layer.walk.pooled);
        let numbers = [
            layer.groups,
            sums,
            bits,
            design.network.layers[index].conv.c,
            window.0,
            window.1,
            pooled.0,
            pooled.1,
            stride.0,
            stride.1,
            usize::from(layer.sum_pixels),
        ];
        table.extend(numbers.map(|number| number as u64));
    }
    table
}

/// Calls `take` with the index of every value that has a channel, in order.
fn each_used(design: &Design, layer: usize, events: usize, mut take: impl FnMut(usize)) {
    for group in 0..design.layers[layer].groups {
        for event in 0..events {
            for lane in 0..used_lanes(design, layer, group) {
                take((group * events + event) * design.lanes + lane);
            }
        }
    }
}

/// Names of the files that [`hex`] makes.
pub const HEX_FILES: [&str; 5] = ["stimulus.hex", "sums.hex", "bits.hex", "scores.hex", "cycles.hex"];

/// The hexadecimal files of the Verilog bench, as (name, text): one word a line.
///
/// `stimulus.hex`: beats; `sums.hex`: one word an event, lane 0 lowest, lanes without a channel 0;
/// `bits.hex`: likewise, plane above plane; `scores.hex`: one word a score; `cycles.hex`: one 32-bit word a layer, its last run.
pub fn hex(design: &Design, frames: &[Frame]) -> Vec<(String, String)> {
    let mut stimulus = String::new();
    let mut sums = String::new();
    let mut bits = String::new();
    let mut scores = String::new();
    for frame in frames {
        let beats = beats(&design.input, design.network.input.shape, &frame.image);
        for beat in beats.chunks(design.input.stream_bits / 8) {
            line(&mut stimulus, beat.iter().map(|&byte| (u64::from(byte), 8)));
        }
        for (run, layer) in design.runs(frame.settings.samples).into_iter().enumerate() {
            let (sum_events, bit_events) = events(design, layer);
            for_events(design, layer, sum_events, |at, used| {
                let lanes = &frame.sums[run][at..at + used];
                line(&mut sums, lanes.iter().map(|&sum| (sum as u64, design.widths.total)));
            });
            for_events(design, layer, bit_events, |at, used| {
                let planes = planes_of(design, layer, &frame.bits[run], at);
                let bit = |place: usize| {
                    let (plane, lane) = (place / design.lanes, place % design.lanes);
                    lane < used && planes.get(plane).is_some_and(|bits| bits[lane])
                };
                let places = 0..design.map_bits() * design.lanes;
                line(&mut bits, places.map(|place| (u64::from(bit(place)), 1)));
            });
        }
        for &score in &frame.scores {
            line(&mut scores, [(score as u64, design.output.stream_bits)].into_iter());
        }
    }
    let mut cycles = String::new();
    if let Some(frame) = frames.first() {
        let last = frame.settings.samples - 1;
        let of_layers = (0..design.layers.len()).map(|layer| frame.cycles[design.run_of(layer, last)]);
        of_layers.for_each(|cycles_of| line(&mut cycles, [(cycles_of, 32)].into_iter()));
    }
    // A memory needs at least one word.
    if bits.is_empty() {
        line(&mut bits, [(0, 1)].into_iter());
    }
    let texts = [stimulus, sums, bits, scores, cycles];
    HEX_FILES.iter().zip(texts).map(|(name, text)| (name.to_string(), text)).collect()
}

/// Calls `take` for every event of a layer with the index of its first lane and the lanes it uses.
fn for_events(design: &Design, layer: usize, events: usize, mut take: impl FnMut(usize, usize)) {
    for group in 0..design.layers[layer].groups {
        for event in 0..events {
            take((group * events + event) * design.lanes, used_lanes(design, layer, group));
        }
    }
}

/// The lanes of each plane that a layer writes, of the event whose first lane would be `at` with one plane.
fn planes_of<'a>(design: &Design, layer: usize, bits: &'a [bool], at: usize) -> Vec<&'a [bool]> {
    let planes = design.layers[layer].code[0].len();
    bits[at * planes..(at + design.lanes) * planes].chunks(design.lanes).collect()
}

/// Appends one word, given as (value, bits) fields from the least significant one on.
fn line(text: &mut String, fields: impl Iterator<Item = (u64, usize)>) {
    let mut digits: Vec<u8> = Vec::new();
    let mut bit = 0;
    for (value, width) in fields {
        for i in 0..width {
            if bit % 4 == 0 {
                digits.push(0);
            }
            let last = digits.len() - 1;
            digits[last] |= ((value >> i & 1) as u8) << (bit % 4);
            bit += 1;
        }
    }
    text.extend(digits.iter().rev().map(|&digit| char::from_digit(u32::from(digit), 16).unwrap_or('x')));
    text.push('\n');
}
