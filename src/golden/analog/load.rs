//! The tables of one chip.

use std::sync::OnceLock;

use super::kernel::{Cells, InstructionSet, Tables, Tiles};
use super::maps::LANES;
use super::plan::{LayerPlan, Plan, Read};
use crate::design::Threshold;
use crate::variation::{ArrayDraw, Chip, ReadNoise};

/// Bytes of maps that a batch may fill, and most words of images in a batch.
const BATCH_BYTES: usize = 2 << 20;
const MOST_BLOCKS: usize = 32;

/// A plan with one chip in its arrays.
#[derive(Debug)]
pub struct Loaded<'a> {
    pub(super) set: InstructionSet,
    pub(super) plan: &'a Plan,
    pub(super) noise: Option<&'a dyn ReadNoise>,
    /// `[layer][read]`.
    pub(super) layers: Vec<Vec<LoadedRead<'a>>>,
    /// `[layer][read]`: the columns whose values are taken away from the others', one a group; empty without such columns.
    pub(super) references: Vec<Vec<LoadedRead<'a>>>,
    /// `[layer][channel]`: the chip's own, or the design's.
    pub(super) thresholds: Vec<Vec<Threshold>>,
}

/// One read's columns: all output channels of the layer, or the references of all groups.
#[derive(Debug)]
pub(super) struct LoadedRead<'a> {
    pub read: &'a Read,
    /// Number of the first column among the layer's: the references follow the channels.
    pub first: usize,
    columns: Vec<Column<'a>>,
    edges: usize,
    /// Voltage of a column whose sources all carry -1, in 2^-F counts; index `class * columns + column`.
    base: Vec<i32>,
    /// Every voltage that any vector can give lies in `i16::MIN ..= i16::MAX - 1`.
    pub narrow: bool,
    /// Of what rows add to voltages when their bits turn from 0 to 1: the largest size, and whether all are even.
    pub largest: i32,
    pub even: bool,
    cells: OnceLock<Cells>,
    tables: OnceLock<Tables>,
    tiles: OnceLock<Tiles>,
}

/// See [`LoadedRead::reach`].
struct Reach {
    /// Every voltage fits in 16 bits, with one number above them left for "never".
    fits: bool,
    largest: i32,
    even: bool,
}

/// A column of an array.
#[derive(Debug, Clone, Copy)]
struct Column<'a> {
    draw: &'a ArrayDraw,
    index: usize,
    /// A bit 0 leaves its row undriven.
    unipolar: bool,
}

impl Column<'_> {
    /// What a driven row of bit 0 takes from the voltage.
    fn minus(&self, row: usize) -> i32 {
        if self.unipolar { 0 } else { self.draw.minus[self.index * self.draw.rows + row].into() }
    }

    /// What a row adds to the voltage when its bit turns from 0 to 1.
    fn difference(&self, row: usize) -> i32 {
        i32::from(self.draw.plus[self.index * self.draw.rows + row]) + self.minus(row)
    }

    fn edges(&self, count: usize) -> Vec<i32> {
        let mut edges = self.draw.edges[self.index * count..][..count].to_vec();
        edges.sort_unstable();
        edges
    }
}

impl<'a> Loaded<'a> {
    /// Puts `chip` into the arrays, for the fastest instruction set of this processor. The tables that
    /// [`Loaded::run_from`] needs are made when it first needs them.
    ///
    /// # Panics
    /// Where the chip was drawn for other arrays.
    pub fn new(plan: &'a Plan, chip: &'a Chip) -> Loaded<'a> {
        Loaded::new_for(plan, chip, InstructionSet::best())
    }

    /// [`Loaded::new`] for `set`. Panics if this processor has not its instructions.
    pub fn new_for(plan: &'a Plan, chip: &'a Chip, set: InstructionSet) -> Loaded<'a> {
        Loaded::noisy(plan, chip, set, None)
    }

    /// [`Loaded::new_for`] with columns that add `noise` to their voltage in every read. Images count from the
    /// first of each run.
    pub fn noisy(
        plan: &'a Plan,
        chip: &'a Chip,
        set: InstructionSet,
        noise: Option<&'a dyn ReadNoise>,
    ) -> Loaded<'a> {
        assert!(set.available(), "{set} on a processor without it");
        assert_eq!(chip.arrays.len(), plan.arrays, "the chip has other arrays than the design");
        let bound = noise.map_or(0, |noise| noise.bound());
        let reads = |layer: &'a LayerPlan| {
            let channels = |read| LoadedRead::new(plan, read, channels(plan, layer, read, chip), 0, bound);
            layer.reads.iter().map(channels).collect()
        };
        let layers = plan.layers.iter().map(reads).collect();
        let referring = |layer: &'a LayerPlan| {
            let of_read =
                |read| LoadedRead::new(plan, read, references(plan, layer, read, chip), layer.columns, bound);
            if plan.reference_column { layer.reads.iter().map(of_read).collect() } else { Vec::new() }
        };
        let references = plan.layers.iter().map(referring).collect();
        let of_layer = |layer: &LayerPlan| {
            let own = |(channel, &threshold): (usize, &Threshold)| Threshold {
                value: chip
                    .threshold(layer.entry + channel / plan.lanes, channel % plan.lanes)
                    .unwrap_or(threshold.value),
                ..threshold
            };
            layer.thresholds.iter().enumerate().map(own).collect()
        };
        let thresholds = plan.layers.iter().map(of_layer).collect();
        Loaded { set, plan, noise, layers, references, thresholds }
    }

    /// Images that go through the layers together.
    pub(super) fn batch(&self) -> usize {
        let words: usize = self.plan.maps.iter().map(|map| map.blank.len()).sum();
        LANES * (BATCH_BYTES / (4 * words).max(1)).clamp(1, MOST_BLOCKS)
    }
}

impl<'a> LoadedRead<'a> {
    fn new(
        plan: &'a Plan,
        read: &'a Read,
        columns: Vec<Column<'a>>,
        first: usize,
        noise: i32,
    ) -> LoadedRead<'a> {
        let base: Vec<i32> = read
            .driven
            .iter()
            .flat_map(|driven| columns.iter().map(move |column| base(column, driven)))
            .collect();
        let mut loaded = LoadedRead {
            read,
            first,
            columns,
            edges: plan.edges,
            base,
            narrow: true,
            largest: 0,
            even: true,
            cells: OnceLock::new(),
            tables: OnceLock::new(),
            tiles: OnceLock::new(),
        };
        for column in 0..loaded.columns.len() {
            let reach = loaded.reach(column, noise);
            loaded.narrow &= reach.fits;
            loaded.even &= reach.even;
            loaded.largest = loaded.largest.max(reach.largest);
        }
        loaded
    }

    /// How far the voltages of a column go, up to `noise` off.
    fn reach(&self, column: usize, noise: i32) -> Reach {
        let (mut below, mut above) = (-noise, noise);
        let (mut largest, mut ones) = (0, 0);
        for &row in &self.read.rows {
            let difference = self.columns[column].difference(row);
            below += difference.min(0);
            above += difference.max(0);
            largest = largest.max(difference.abs());
            ones |= difference;
        }
        let mut bases = self.base[column..].iter().step_by(self.columns.len());
        let fits = |base| base + below >= i32::from(i16::MIN) && base + above < i32::from(i16::MAX);
        Reach { fits: bases.all(fits), largest, even: ones & 1 == 0 }
    }

    /// What the column kernels read.
    pub fn cells(&self) -> &Cells {
        self.cells.get_or_init(|| Cells::new(self))
    }

    /// What the look-up kernel reads, with `group` rows a look-up, always the same number; only where `narrow`.
    pub fn tables(&self, group: usize) -> &Tables {
        self.tables.get_or_init(|| Tables::new(self, group))
    }

    /// What the matrix kernel reads; only where they [fit](Tiles::fit).
    pub fn tiles(&self) -> &Tiles {
        self.tiles.get_or_init(|| Tiles::new(self))
    }

    pub fn column_count(&self) -> usize {
        self.columns.len()
    }

    pub fn class_count(&self) -> usize {
        self.read.driven.len()
    }

    pub fn edge_count(&self) -> usize {
        self.edges
    }

    pub fn base(&self, class: usize, column: usize) -> i32 {
        self.base[class * self.columns.len() + column]
    }

    /// What every source adds to the voltage of `column` when its bit turns from 0 to 1, in the order of the
    /// read's rows; wrapped to 16 bits.
    pub fn differences(&self, column: usize, to: &mut [i16]) {
        let column = &self.columns[column];
        for (to, &row) in to.iter_mut().zip(&self.read.rows) {
            *to = column.difference(row) as i16;
        }
    }

    /// One of them as it is.
    pub fn difference(&self, column: usize, n: usize) -> i32 {
        self.columns[column].difference(self.read.rows[n])
    }

    /// The edges of `column`, rising.
    pub fn edges(&self, column: usize) -> Vec<i32> {
        self.columns[column].edges(self.edges)
    }
}

/// The columns of all output channels in one read.
fn channels<'a>(plan: &'a Plan, layer: &LayerPlan, read: &Read, chip: &'a Chip) -> Vec<Column<'a>> {
    let unipolar = read.unipolar;
    let column = |channel: usize| {
        let (group, index) = (channel / plan.lanes, channel % plan.lanes);
        let Some(draw) = array(plan, layer, read, chip, group) else {
            return Column { draw: &plan.blank, index: 0, unipolar };
        };
        Column { draw, index, unipolar }
    };
    (0..layer.columns).map(column).collect()
}

/// The reference columns of all groups in one read: the last ones of their arrays.
fn references<'a>(plan: &'a Plan, layer: &LayerPlan, read: &Read, chip: &'a Chip) -> Vec<Column<'a>> {
    let unipolar = read.unipolar;
    let column = |group: usize| {
        let Some(draw) = array(plan, layer, read, chip, group) else {
            return Column { draw: &plan.blank, index: 0, unipolar };
        };
        Column { draw, index: draw.columns - 1, unipolar }
    };
    (0..read.arrays.len()).map(column).collect()
}

/// The array of a group; none where a mask leaves the tile out.
fn array<'a>(
    plan: &Plan,
    layer: &LayerPlan,
    read: &Read,
    chip: &'a Chip,
    group: usize,
) -> Option<&'a ArrayDraw> {
    let draw = &chip.arrays[read.arrays[group]?];
    let real = plan.lanes.min(layer.columns - group * plan.lanes) + usize::from(plan.reference_column);
    assert_eq!((draw.rows, draw.columns), (plan.rows, real), "an array of another size");
    assert_eq!(draw.plus.len(), plan.rows * real, "cells of another array");
    assert_eq!(draw.minus.len(), plan.rows * real, "cells of another array");
    assert_eq!(draw.edges.len(), plan.edges * real, "edges of another converter");
    Some(draw)
}

fn base(column: &Column, driven: &[usize]) -> i32 {
    column.draw.offset[column.index] - driven.iter().map(|&row| column.minus(row)).sum::<i32>()
}
