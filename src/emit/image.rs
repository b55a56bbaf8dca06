//! Memory images: one line of hexadecimal digits an address.

use super::NamedText;
use super::library::analog::value_layers;
use super::library::core::has_flips;
use crate::design::{Analog, Design, Ensemble, Scales, Threshold};
use crate::variation::{ArrayDraw, Chip, DRAW_HALF};

/// Every memory: `weights` (popcount readout only), `flips` (where weights are drawn), `thresholds`, `scales` (where sums
/// become numbers of fixed point), `values` (analog arrays), and what a chip holds: `cell`, `offset` and `edge`.
///
/// # Panics
/// Where the chip was drawn for another design.
pub fn images(design: &Design, chip: Option<&Chip>) -> Vec<NamedText> {
    let mut files = vec![NamedText {
        name: design.image("thresholds"),
        text: lines(&threshold_words(design, design, chip)),
    }];
    files
        .extend(design.scales().map(|table| NamedText { name: design.image("scales"), text: scales(table) }));
    match &design.analog {
        Some(analog) => {
            if analog.draws {
                let cells =
                    |chip| NamedText { name: design.image("cell"), text: drawn(design, analog, chip) };
                files.extend(chip.map(cells));
                return files;
            }
            files.push(NamedText { name: design.image("values"), text: values(design, analog) });
            files.extend(chip.into_iter().flat_map(|chip| arrays(design, analog, chip)));
        }
        None => {
            files.insert(0, NamedText { name: design.image("weights"), text: lines(&weight_words(design)) })
        }
    }
    if let Some(ensemble) = &design.ensemble {
        files.insert(1, NamedText { name: design.image("flips"), text: flips(ensemble) });
    }
    files
}

/// What the codes stand for, two's complement: one line a code, layer by layer where layers differ.
fn values(design: &Design, analog: &Analog) -> String {
    let mut text = String::new();
    for layer in &design.layers[..value_layers(design)] {
        let Some(readout) = &layer.readout else { continue };
        for code in 0..1 << analog.code_width {
            // A converter never gives the codes behind its last one.
            let value = readout.values.get(code).or(readout.values.last()).copied().unwrap_or(0);
            let mut line = Line::default();
            line.push(value, design.widths.count);
            line.end(&mut text);
        }
    }
    text
}

/// What the arrays of a chip hold whose cells are drawn as they are read: the signs of a word, bit `lane * row_step + row`,
/// above them each bit of the codes in the same order, above these which rows hold cells. Where there is none: +1, and
/// code 0.
fn drawn(design: &Design, analog: &Analog, chip: &Chip) -> String {
    assert_eq!(chip.arrays.len(), analog.arrays, "the chip has other arrays than the design");
    let mut text = String::new();
    let empty = ArrayDraw::default();
    let lone = if chip.arrays.len() == 1 { Some(&empty) } else { None };
    for array in chip.arrays.iter().chain(lone) {
        for word in 0..analog.words.next_power_of_two() {
            let rows = || (word * analog.row_step)..((word + 1) * analog.row_step);
            let there = |column, row| column < array.columns && row < array.rows;
            let cell = |column: usize, row: usize| match there(column, row) {
                true => i64::from(array.plus[column * array.rows + row]),
                false => 0,
            };
            let code = |cell: i64| if cell == 0 { 0 } else { i64::from(DRAW_HALF) - cell.abs() };
            let mut line = Line::default();
            let mut each = |value: &dyn Fn(i64) -> i64| {
                for column in 0..design.lanes {
                    rows().for_each(|row| line.push(value(cell(column, row)), 1));
                }
            };
            each(&|cell| (cell >= 0).into());
            (0..analog.cell_width - 1).for_each(|bit| each(&|cell| code(cell) >> bit));
            rows().for_each(|row| line.push((cell(0, row) != 0).into(), 1));
            line.end(&mut text);
        }
    }
    text
}

/// What the analog arrays of a chip hold.
fn arrays(design: &Design, analog: &Analog, chip: &Chip) -> [NamedText; 3] {
    assert_eq!(chip.arrays.len(), analog.arrays, "the chip has other arrays than the design");
    let (mut cell, mut offset, mut edge) = (String::new(), String::new(), String::new());
    let words = analog.words.next_power_of_two();
    let steps = analog.edge_steps.next_power_of_two();
    let turns = analog.share.next_power_of_two();
    let empty = ArrayDraw::default();
    let lone = if chip.arrays.len() == 1 { Some(&empty) } else { None };
    for (number, array) in chip.arrays.iter().chain(lone).enumerate() {
        let channels = array.columns - usize::from(analog.reference_column && array.columns > 0);
        // The reference has the last place, whatever channels there are.
        let place = |column: usize| if column < design.lanes { column } else { channels };
        let there = |column: usize| column < channels || column == design.lanes && array.columns > channels;
        for word in 0..words {
            let mut line = Line::default();
            for column in 0..analog.columns(design.lanes) {
                for row in word * analog.row_step..(word + 1) * analog.row_step {
                    let there = there(column) && row < array.rows;
                    let at = place(column) * array.rows + row;
                    line.push(if there { array.plus[at].into() } else { 0 }, analog.cell_width);
                    line.push(if there { array.minus[at].into() } else { 0 }, analog.cell_width);
                }
            }
            if let Some(reference) = &analog.reference {
                let rows = word * analog.row_step..(word + 1) * analog.row_step;
                rows.for_each(|row| {
                    line.push((row < array.rows && reference.rows.get(number, row)).into(), 1)
                });
            }
            line.end(&mut cell);
        }
        let mut line = Line::default();
        for column in 0..analog.columns(design.lanes) {
            let value = if there(column) { array.offset[place(column)].into() } else { 0 };
            line.push(value, analog.voltage_width);
        }
        if let Some(reference) = &analog.reference {
            line.push(reference.shares.get(number).copied().unwrap_or(0), reference.share_width());
        }
        line.end(&mut offset);
        // An edge that no voltage reaches.
        let never = (1i64 << (analog.voltage_width - 1)) - 1;
        for (turn, step) in (0..turns).flat_map(|turn| (0..steps).map(move |step| (turn, step))) {
            let mut line = Line::default();
            for lane in 0..analog.converters(design.lanes) {
                let column = lane * analog.share + turn;
                for index in step * analog.edges_per_cycle..(step + 1) * analog.edges_per_cycle {
                    let there = turn < analog.share && there(column) && index < analog.edges;
                    let value =
                        if there { array.edges[place(column) * analog.edges + index].into() } else { never };
                    line.push(value, analog.voltage_width);
                }
            }
            line.end(&mut edge);
        }
    }
    [("cell", cell), ("offset", offset), ("edge", edge)]
        .map(|(name, text)| NamedText { name: design.image(name), text })
}

/// Two's complement numbers side by side, the first in the low bits.
#[derive(Default)]
struct Line {
    bits: Vec<bool>,
}

impl Line {
    fn push(&mut self, value: i64, width: usize) {
        self.bits.extend((0..width).map(|bit| value >> bit & 1 == 1));
    }

    fn end(self, text: &mut String) {
        push_line(text, &self.bits);
    }
}

/// Words in the order of use: bit `lane * weight_rows + r`, stored as the popcount tree wants the row.
pub(super) fn weight_words(design: &Design) -> Vec<Vec<bool>> {
    let inverted = design.tree.inverted_rows();
    let height = design.weight_rows;
    let mut all = Vec::new();
    for layer in &design.layers {
        let mut address = layer.weight_base;
        let tiles = (0..layer.groups).flat_map(|group| layer.tiles(group, layer.planes.len()));
        for (_, pass) in tiles {
            let words = layer.tile_words(pass);
            for word in 0..words {
                let bits = (0..design.weight_rows * design.lanes).map(|bit| {
                    design.weights.get(address + word, bit) ^ inverted[word * height + bit % height]
                });
                all.push(bits.collect());
            }
            address += words;
        }
    }
    all
}

/// A line a word.
fn lines(words: &[Vec<bool>]) -> String {
    let mut text = String::new();
    words.iter().for_each(|word| push_line(&mut text, word));
    text
}

/// Flip codes, a line a word; bit `k` of all codes before bit `k + 1`.
fn flips(ensemble: &Ensemble) -> String {
    let codes = &ensemble.codes;
    let mut text = String::new();
    for word in 0..codes.rows() {
        let bits: Vec<bool> = (0..codes.columns()).map(|bit| codes.get(word, bit)).collect();
        push_line(&mut text, &bits);
    }
    text
}

/// One word a group: lane 0 in the low bits; an entry is its thresholds, step 0 in the low bits, and above them the flip
/// where `machine`, which holds the design, has any.
pub(super) fn threshold_words(machine: &Design, design: &Design, chip: Option<&Chip>) -> Vec<Vec<bool>> {
    let width = machine.widths.threshold;
    let flips = has_flips(machine);
    let word = |(entry, group): (usize, &Vec<Threshold>)| {
        let mut bits = Vec::new();
        for lane in 0..design.lanes {
            for threshold in group.iter().skip(lane).step_by(design.lanes) {
                // The thresholds of a chip are those of analog arrays, which decide bits.
                let own = chip.and_then(|chip| chip.threshold(entry, lane));
                let value = own.unwrap_or(threshold.value);
                bits.extend((0..width).map(|bit| value >> bit & 1 == 1));
            }
            if flips {
                bits.push(group[lane].flip);
            }
        }
        bits
    };
    design.thresholds.iter().enumerate().map(word).collect()
}

/// One line a group: lane 0 in the low bits; an entry is its offset, and above it its multiplier.
fn scales(table: &Scales) -> String {
    let mut text = String::new();
    for group in &table.entries {
        let mut line = Line::default();
        for scale in group {
            line.push(scale.offset, table.offset);
            line.push(scale.multiplier, table.multiplier);
        }
        line.end(&mut text);
    }
    text
}

/// Bit 0 is the last digit's lowest bit.
fn push_line(text: &mut String, bits: &[bool]) {
    for digit in bits.chunks(4).rev() {
        let value = digit.iter().rev().fold(0, |value, bit| value * 2 + u32::from(*bit));
        text.push(char::from_digit(value, 16).expect("four bits are one digit"));
    }
    text.push('\n');
}
