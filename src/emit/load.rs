//! Loadable machines: the memories that a program fills, and the words of a network's program.

use super::facts::bits;
use super::image;
use super::library::{core, stream};
use super::program::{self, Field, Table};
use super::result::{has_table, write_table};
use super::view::{View, input_last_taps};
use super::walk::{layer_entries, layer_key, load_table, walk_table};
use super::{NamedText, gather};
use crate::design::{Design, InputForm};

/// What begins a program: "BCMP", the first letter lowest.
const MAGIC: u32 = u32::from_le_bytes(*b"BCMP");

/// A memory that the program loader writes; its place in the list is its number.
#[derive(Debug, Clone)]
pub(super) struct Memory {
    pub name: &'static str,
    /// Bits of a word, and words.
    pub width: usize,
    pub depth: usize,
}

impl Memory {
    /// Bits of an address.
    pub fn address(&self) -> usize {
        bits(self.depth - 1).max(1)
    }

    /// Beats of the program's stream that make a word.
    pub fn beats(&self) -> usize {
        self.width.div_ceil(32)
    }

    fn of_table(name: &'static str, table: &Table, depth: usize) -> Memory {
        Memory { name, width: table.fields.iter().map(|field| field.width).sum(), depth }
    }
}

/// Every table of a machine, by instance, with what `of` is told in it; the network's own comes last.
pub(super) fn tables(machine: &Design, view: &View, of: &Design) -> Vec<(&'static str, Table)> {
    let mut tables = vec![
        ("walk_program", walk_table(machine, view, of)),
        ("load_program", load_table(machine, view, of)),
        ("layer_program", layer_table(machine, view, of)),
    ];
    tables.extend(gather::tables(machine, view, of));
    if has_table(view) {
        tables.push(("write_program", write_table(machine, view, of)));
    }
    tables.push(("network_program", network_table(machine, view, of)));
    tables.retain(|(_, table)| !table.fields.is_empty());
    tables
}

/// The tables that only loadable machines have, as modules; none where the network is fixed.
pub(super) fn modules(machine: &Design, view: &View) -> Vec<NamedText> {
    if !view.loadable {
        return Vec::new();
    }
    let tables = [layer_table(machine, view, machine), network_table(machine, view, machine)];
    let there = tables.iter().filter(|table| !table.fields.is_empty());
    there.map(|table| program::module(machine, table)).collect()
}

/// What is asked of the layer whose sums leave the array.
pub(super) fn layer_table(machine: &Design, view: &View, of: &Design) -> Table {
    let mut fields = Vec::new();
    let mut add = |exists: bool, name: &str, value: fn(&crate::design::LayerDesign) -> bool| {
        if exists {
            fields.push(Field::new(name, 1, "", of.layers.iter().map(|layer| i64::from(value(layer)))));
        }
    };
    add(view.mixed_register, "in_register", |layer| layer.in_register);
    add(core::mixed_flip(machine), "flip_after_pool", |layer| layer.flip_after_pool);
    Table {
        module: "layer_program",
        description: "Layer program: where a layer's sums are kept and its bits turned.".into(),
        inputs: layer_key(view),
        entries: layer_entries(of),
        fields,
    }
}

/// What the fields that an input unit is told begin with.
pub(super) fn input_prefix(form: usize) -> String {
    format!("input{form}")
}

/// What is the same in all layers of a network: its ends.
pub(super) fn network_table(machine: &Design, view: &View, of: &Design) -> Table {
    let one = |name: String, width: usize, value: i64| Field::new(name, width, "", std::iter::once(value));
    let groups: usize = of.layers.iter().map(|layer| layer.groups).sum();
    let mut fields = vec![
        one("last_layer".into(), view.layer_width.max(1), of.layers.len() as i64 - 1),
        one("layers".into(), 10, of.layers.len() as i64),
        one("last_group".into(), machine.widths.threshold_address, groups as i64 - 1),
    ];
    let forms = machine.input_forms();
    let own = InputForm::of(of);
    // The machine's own table says nothing of any network.
    let chosen = match of.capacity {
        None => forms.iter().position(|form| form.takes(&own)),
        Some(_) => None,
    };
    if forms.len() > 1 {
        fields.push(one("form".into(), bits(forms.len() - 1), chosen.unwrap_or(0) as i64));
    }
    if view.asks_weighted() {
        fields.push(one("weighted".into(), 1, i64::from(of.layers[0].weighted)));
    }
    let driven = if view.input_counts { view.driven_width } else { 0 };
    let mut constants = Vec::new();
    for (number, form) in forms.iter().enumerate() {
        let there = (chosen == Some(number)).then_some(of);
        let unit = stream::input(machine, form, there, driven, input_last_taps(of));
        constants.extend(unit.constants.into_iter().map(|constant| (input_prefix(number), constant)));
    }
    let scores = stream::scores(machine, of);
    constants.extend(scores.constants.into_iter().map(|constant| ("score".to_string(), constant)));
    for (prefix, constant) in constants {
        let parts = constant.parts.iter().map(|part| part.0).collect();
        let width = constant.width();
        fields.push(Field::slots(format!("{prefix}_{}", constant.name), width, "", std::iter::once(parts)));
    }
    Table {
        module: "network_program",
        description: "Network program: the ends of the network that is loaded.".into(),
        inputs: Vec::new(),
        entries: vec![(Vec::new(), String::new())],
        fields,
    }
}

/// Words of a table: one for every value of its inputs.
pub(super) fn depth(machine: &Design, table: &Table) -> usize {
    let keys: usize = table.inputs.iter().map(|input| input.1).sum();
    match table.inputs.first() {
        Some(("layer_i", width)) => machine.layer_count() << (keys - width),
        _ => 1 << keys,
    }
}

/// The memories of a machine, in order: its tables, the thresholds, the weights.
pub(super) fn memories(machine: &Design, view: &View) -> Vec<Memory> {
    let tables = tables(machine, view, machine);
    let mut all: Vec<Memory> =
        tables.iter().map(|(name, table)| Memory::of_table(name, table, depth(machine, table))).collect();
    let entry = machine.steps() * machine.widths.threshold + usize::from(core::has_flips(machine));
    all.push(Memory { name: "thresholds", width: machine.lanes * entry, depth: machine.thresholds.len() });
    all.push(Memory { name: "weights", width: machine.weights.columns(), depth: machine.weights.rows() });
    all
}

/// Of each memory of a loadable machine, in order: its words, and the beats of a program that make one.
pub(super) fn memory_sizes(machine: &Design) -> Vec<(usize, usize)> {
    memories(machine, &View::new(machine)).iter().map(|memory| (memory.depth, memory.beats())).collect()
}

/// The beats of the program of `of`, one of the networks that `machine` holds, for the machine of that number.
pub fn program(machine: &Design, of: &Design, number: u32) -> Vec<u32> {
    let view = View::new(machine);
    let tables = tables(machine, &view, of);
    let mut beats = vec![MAGIC, number];
    for (index, memory) in memories(machine, &view).iter().enumerate() {
        let words = match memory.name {
            "thresholds" => vec![(0, image::threshold_words(machine, of, None))],
            "weights" => vec![(0, image::weight_words(of))],
            // The tables come first, in one order for all networks.
            _ => table_words(&tables[index].1),
        };
        for (address, words) in words {
            block(&mut beats, index, memory, address, &words);
        }
    }
    beats
}

/// The entries of a table, in blocks of neighbours: their first address, and their words.
fn table_words(table: &Table) -> Vec<(usize, Vec<Vec<bool>>)> {
    let mut blocks: Vec<(usize, Vec<Vec<bool>>)> = Vec::new();
    for (entry, (key, _)) in table.entries.iter().enumerate() {
        let address =
            key.iter().zip(&table.inputs).fold(0, |address, (value, input)| address << input.1 | value);
        let mut word = Vec::new();
        for field in &table.fields {
            let values = &field.values[entry];
            let each = field.width / values.len();
            values.iter().for_each(|value| word.extend((0..each).map(|bit| value >> bit.min(63) & 1 == 1)));
        }
        match blocks.last_mut() {
            Some((first, words)) if *first + words.len() == address => words.push(word),
            _ => blocks.push((address, vec![word])),
        }
    }
    blocks
}

/// One block: what it says of itself, its words, and the sum that checks them.
fn block(beats: &mut Vec<u32>, index: usize, memory: &Memory, address: usize, words: &[Vec<bool>]) {
    let begin = beats.len();
    beats.extend([(index as u32) << 24 | (words.len() as u32 - 1), address as u32]);
    for word in words {
        let beat = |bits: &[bool]| bits.iter().rev().fold(0u32, |beat, bit| beat << 1 | u32::from(*bit));
        beats.extend(word.chunks(32).map(beat));
        debug_assert_eq!(word.len(), memory.width, "a word of {}", memory.name);
    }
    let bytes: Vec<u8> = beats[begin..].iter().flat_map(|beat| beat.to_le_bytes()).collect();
    beats.push(crc32fast::hash(&bytes));
}

/// Number of a machine: what its Verilog is, but for the number itself.
pub(super) fn number(files: &[NamedText]) -> u32 {
    let mut hash = crc32fast::Hasher::new();
    for file in files {
        hash.update(file.name.as_bytes());
        hash.update(file.text.as_bytes());
    }
    hash.finalize()
}

/// Parameters in which two machines' Verilog differs, a line each.
pub(super) fn differences(machine: &[NamedText], larger: &[NamedText]) -> Vec<String> {
    let mut lines = Vec::new();
    let mut others = false;
    for file in larger {
        let own = machine.iter().find(|own| own.name == file.name).map_or("", |own| own.text.as_str());
        others |= code(own) != code(&file.text);
        if own == file.text {
            continue;
        }
        let own = parameters(own);
        for (name, value) in parameters(&file.text) {
            match own.iter().find(|(own, _)| *own == name) {
                // What the loader is told follows from the memories.
                _ if name.starts_with("loader") => {}
                Some((_, here)) if *here == value => {}
                Some((_, here)) => lines.push(format!("{name} is {here}, needed is {value}")),
                None => lines.push(format!("{name} is not there, needed is {value}")),
            }
        }
    }
    if lines.is_empty() && others {
        lines.push("it has other parts, or narrower numbers, than are needed".into());
    }
    lines
}

/// The lines of a text that are no comments.
fn code(text: &str) -> Vec<&str> {
    text.lines().filter(|line| !line.trim_start().starts_with("//")).collect()
}

/// Parameters of the instances in a module's text: `unit, parameter`, and the value.
fn parameters(text: &str) -> Vec<(String, String)> {
    let mut found: Vec<(String, String)> = Vec::new();
    let mut open: Vec<(&str, &str)> = Vec::new();
    for line in text.lines().map(str::trim) {
        if let Some((name, value)) = line.strip_prefix('.').and_then(|rest| rest.split_once('(')) {
            open.push((name, value.trim_end_matches(',').trim_end_matches(')')));
        } else if let Some(unit) = line.strip_prefix(") u_").and_then(|rest| rest.strip_suffix(" (")) {
            let unit = unit.replace('_', " ");
            found.extend(open.drain(..).map(|(name, value)| (format!("{unit}, {name}"), value.to_string())));
        } else {
            open.clear();
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_that_differ_are_named_with_both_values() {
        let text = |groups: usize, comment: &str| NamedText {
            name: "top.v".into(),
            text: format!(
                "// {comment}\n  bincim_walk #(\n      .Groups({groups}),\n      .Rows(1)\n  ) u_walk (\n      .clk_i(clk_i)\n  );\n"
            ),
        };
        assert_eq!(differences(&[text(4, "a")], &[text(4, "b")]), [""; 0]);
        assert_eq!(differences(&[text(4, "a")], &[text(9, "a")]), ["walk, Groups is 4, needed is 9"]);
    }
}
