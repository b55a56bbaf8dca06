//! The walk over a layer's pixels, and the table of what the sequencer and the walk are told of each layer.

use super::facts::{Loops, bits, is_input, skips};
use super::program::{self, Field, Table};
use super::view::{View, input_columns, input_kernel_rows};
use super::{NamedText, gather};
use crate::design::width::index as index_width;
use crate::design::{Design, LayerDesign, Step};

/// The files of this family.
pub(super) fn modules(design: &Design, view: &View) -> Vec<NamedText> {
    let table = walk_table(design, view, design);
    let mut files = Vec::new();
    if !table.fields.is_empty() {
        files.push(program::module(design, &table));
    }
    if view.has_map {
        files.extend(
            gather::tables(design, view, design).iter().map(|(_, table)| program::module(design, table)),
        );
    }
    files
}

/// Key of the tables that have one entry a layer.
pub(super) fn layer_key(view: &View) -> Vec<(&'static str, usize)> {
    if view.many_layers { vec![("layer_i", view.layer_width)] } else { Vec::new() }
}

/// Entries of a table with one entry a layer.
pub(super) fn layer_entries(design: &Design) -> Vec<(Vec<usize>, String)> {
    design.layers.iter().enumerate().map(|(index, layer)| (vec![index], comment(layer))).collect()
}

/// The layer in a comment.
pub(super) fn comment(layer: &LayerDesign) -> String {
    format!("layer '{}'", layer.name.comment())
}

/// What the walk of a design's windows can do.
pub(super) struct Walk {
    /// Bits of an address, and of the window's row and column where some window reaches over an edge.
    pub address: usize,
    pub coordinate: usize,
    /// Most banks in which a map lies, or the input.
    pub banks: usize,
    /// Most rows and columns of a pooling window, most windows in a row where someone counts them.
    pub window: (usize, usize),
    pub columns: usize,
    /// Some map has windows below its first row.
    pub rows: bool,
    /// Some layer has more than one pixel; some block of several pixels comes again.
    pub moves: bool,
    pub returns: bool,
    /// Banks of the map and what a turn of them is worth in addresses, where that is the same for all layers.
    pub all_banks: Option<usize>,
    pub all_turn: Option<usize>,
}

impl Walk {
    pub fn new(design: &Design, view: &View) -> Walk {
        let layers = &design.layers;
        let most = |f: fn(&LayerDesign) -> usize| layers.iter().map(f).max().unwrap_or(1);
        let any = |f: fn(&LayerDesign) -> bool| layers.iter().any(f);
        let rows = view.loadable || any(|layer| layer.walk.pooled.0 > 1 && layer.vectors > 1);
        let input_banks = if view.is_window { view.kernel_rows } else { 1 };
        let both = view.rotates && view.is_window;
        Walk {
            address: view.walk_width,
            coordinate: if view.pads { view.coordinate_width } else { 1 },
            banks: view.walk_banks,
            window: (most(|layer| layer.walk.window.0), most(|layer| layer.walk.window.1)),
            // Where columns are left out of what is kept, rows have an end though there is one only.
            columns: if rows || view.stride_width > 0 { most(|layer| layer.walk.pooled.1) } else { 1 },
            rows,
            moves: view.loadable || any(|layer| layer.vectors > 1),
            returns: view.loadable
                || any(|layer| {
                    layer.passes * layer.planes.len() * layer.map_scales.len() > 1 && layer.block > 1
                }),
            all_banks: match view.loadable {
                true => (view.walk_banks == 1).then_some(1),
                false => (!both || input_banks == view.banks).then_some(view.walk_banks),
            },
            all_turn: match (both || view.loadable && view.is_window, view.is_window) {
                (true, _) => None,
                (false, true) => Some(view.input_columns),
                (false, false) => Some(1),
            },
        }
    }

    /// Steps that some layer takes.
    fn strides(&self) -> Vec<(Stride, &'static str)> {
        let all = [
            (true, Stride::Origin, "origin"),
            (self.moves && self.window.1 > 1, Stride::WindowColumn, "step_window_column"),
            (self.moves && self.window.0 > 1, Stride::WindowRow, "step_window_row"),
            (self.moves, Stride::Column, "step_column"),
            (self.moves && self.rows, Stride::Row, "step_row"),
        ];
        all.into_iter().filter(|entry| entry.0).map(|(_, stride, name)| (stride, name)).collect()
    }
}

/// The origin and the four steps of a walk.
#[derive(Clone, Copy)]
enum Stride {
    Origin,
    WindowColumn,
    WindowRow,
    Column,
    Row,
}

fn step(layer: &LayerDesign, stride: Stride) -> Step {
    match stride {
        Stride::Origin => layer.walk.origin,
        Stride::WindowColumn => layer.walk.step_window_column,
        Stride::WindowRow => layer.walk.step_window_row,
        Stride::Column => layer.walk.step_column,
        Stride::Row => layer.walk.step_row,
    }
}

fn pixel_step(layer: &LayerDesign, stride: Stride) -> (i64, i64) {
    match stride {
        Stride::Origin => layer.walk.origin_pixel,
        Stride::WindowColumn => layer.walk.pixel_steps[0],
        Stride::WindowRow => layer.walk.pixel_steps[1],
        Stride::Column => layer.walk.pixel_steps[2],
        Stride::Row => layer.walk.pixel_steps[3],
    }
}

/// Where a window stands: name, bits (0: it is not asked) and the part of a step that moves it.
type Dimension = (&'static str, usize, fn(&LayerDesign, Stride) -> i64);

fn dimensions(view: &View) -> [Dimension; 4] {
    let there = |exists: bool, width: usize| if exists { width } else { 0 };
    [
        ("address", there(view.has_walk, view.walk_width), |layer, stride| step(layer, stride).address),
        ("bank", view.walk_bank_width, |layer, stride| step(layer, stride).bank as i64),
        ("map_row", there(view.pads_rows, view.coordinate_width), |layer, stride| {
            pixel_step(layer, stride).0
        }),
        ("map_column", there(view.pads_columns, view.coordinate_width), |layer, stride| {
            pixel_step(layer, stride).1
        }),
    ]
}

/// Inputs of `bincim_walk` that say its origin and steps, without their `_i`, and their bits.
pub(super) fn step_ports(walk: &Walk) -> Vec<(String, usize)> {
    let widths = [
        ("address", walk.address),
        ("bank", index_width(walk.banks)),
        ("map_row", walk.coordinate),
        ("map_column", walk.coordinate),
    ];
    let strides = ["origin", "step_window_column", "step_window_row", "step_column", "step_row"];
    let named = |(name, width): (&str, usize)| strides.map(|stride| (format!("{stride}_{name}"), width));
    widths.into_iter().flat_map(named).collect()
}

/// What the sequencer and the walk are told of each layer; a field that would be the same everywhere is left out.
pub(super) fn walk_table(design: &Design, view: &View, of: &Design) -> Table {
    let layers = &of.layers;
    let walk = Walk::new(design, view);
    let mut fields = Vec::new();
    let mut add = |exists: bool, name: &str, width, comment, value: &dyn Fn(&LayerDesign) -> i64| {
        if exists {
            fields.push(Field::new(name, width, comment, layers.iter().map(value)));
        }
    };
    let v = view;
    let (loops, skips) = (Loops::new(design), skips(design));
    let (groups, blocks) = (bits(loops.groups - 1), bits(loops.blocks - 1));
    let (passes, planes) = (bits(loops.passes - 1), bits(loops.planes - 1));
    let pixels = bits(loops.pixels - 1);
    add(groups > 0, "last_group", groups, "", &|l| l.groups as i64 - 1);
    add(blocks > 0, "last_block", blocks, "", &|l| l.blocks as i64 - 1);
    add(passes > 0 && !skips, "last_pass", passes, "", &|l| l.passes as i64 - 1);
    add(planes > 0 && !skips, "layer_last_plane", planes, "", &|l| l.planes.len() as i64 - 1);
    add(v.bit_width > 0, "last_bit", v.bit_width, "of the map", &|l| l.map_scales.len() as i64 - 1);
    add(pixels > 0, "last_pixel", pixels, "of a block", &|l| l.block as i64 - 1);
    let uneven = view.loadable || design.layers.iter().any(|layer| layer.block != layer.last_block);
    add(uneven && pixels > 0, "last_block_last_pixel", pixels, "", &|l| l.last_block as i64 - 1);
    let one_sum = view.loadable || design.layers.iter().any(|layer| layer.sum_pixels);
    add(one_sum, "one_sum", 1, "of all pixels", &|l| i64::from(l.sum_pixels));
    if v.has_walk {
        let (rows, columns) = (bits(walk.window.0 - 1), bits(walk.window.1 - 1));
        add(columns > 0, "last_window_column", columns, "", &|l| l.walk.window.1 as i64 - 1);
        add(rows > 0, "last_window_row", rows, "", &|l| l.walk.window.0 as i64 - 1);
        let columns = bits(walk.columns - 1);
        add(columns > 0, "last_column", columns, "", &|l| l.walk.pooled.1 as i64 - 1);
        add(walk.all_banks.is_none(), "banks", v.walk_bank_width + 1, "", &|l| {
            if is_input(l) { input_kernel_rows(of).max(1) as i64 } else { v.banks as i64 }
        });
        add(walk.all_turn.is_none(), "turn", v.walk_width, "addresses", &|l| {
            if is_input(l) { input_columns(of) as i64 } else { 1 }
        });
    }
    for (name, width, part) in dimensions(view).into_iter().filter(|dimension| dimension.1 > 0) {
        for (stride, prefix) in walk.strides() {
            add(true, &format!("{prefix}_{name}"), width, "", &|l| part(l, stride));
        }
    }
    Table {
        module: "walk_program",
        description: "Walk program: the sequencer's and the walk's constants of each layer.".into(),
        inputs: layer_key(view),
        entries: layer_entries(of),
        fields,
    }
}

/// What the weight loader is told of each layer, in the words of the sequencer.
pub(super) fn load_table(design: &Design, view: &View, of: &Design) -> Table {
    let layers = &of.layers;
    let (loops, skips) = (Loops::new(design), skips(design));
    let (groups, blocks) = (bits(loops.groups - 1), bits(loops.blocks - 1));
    let (passes, planes) = (bits(loops.passes - 1), bits(loops.planes - 1));
    let words = bits(loops.words - 1);
    let uneven = view.loadable || uneven_tiles(design);
    let mut fields = Vec::new();
    let mut add = |exists: bool, name: &str, width, comment, value: fn(&LayerDesign) -> usize| {
        if exists {
            let values = layers.iter().map(|layer| value(layer) as i64);
            fields.push(Field::new(name, width, comment, values));
        }
    };
    add(groups > 0, "last_group", groups, "", |l| l.groups - 1);
    add(blocks > 0, "last_block", blocks, "", |l| l.blocks - 1);
    add(passes > 0 && (!skips || words > 0 && uneven), "last_pass", passes, "", |l| l.passes - 1);
    add(planes > 0 && !skips, "layer_last_plane", planes, "", |l| l.planes.len() - 1);
    let address = view.weight_address_width;
    add(planes > 0 && !skips, "group_words", address, "words of a group", |l| l.group_words(0));
    add(words > 0 && uneven, "last_word", words, "of a tile", |l| l.words - 1);
    add(words > 0, "last_pass_last_word", words, "of a tile of the last pass", |l| l.last_words - 1);
    Table {
        module: "load_program",
        description: "Load program: the weight loader's constants of each layer.".into(),
        inputs: layer_key(view),
        entries: layer_entries(of),
        fields,
    }
}

/// Whether a tile of the last pass may have another number of words.
fn uneven_tiles(design: &Design) -> bool {
    let layers = &design.layers;
    layers.iter().any(|layer| layer.passes == 1 || layer.words != layer.last_words)
        && layers.iter().any(|layer| layer.passes > 1)
}
