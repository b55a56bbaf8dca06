//! Which text is simulated: the one that is synthesised, always first and mostly alone, or the tree's specification in
//! its place, which simulates large arrays some ten times faster.

use crate::design::Design;
use serde::Serialize;

/// What stands for the popcount tree in a simulation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Text {
    /// The files that are synthesised, with models of device cells.
    Shipped,
    /// The specification of `verif/model/`, for further images of a large array.
    Model,
}

/// Cells of the array times cycles that the shipped text simulates in about two minutes of one processor.
const SHIPPED_WORK: u64 = 8_000_000_000;
/// Cells of an array from which Verilator compiles the tree once and not once a lane.
const BLOCK_CELLS: usize = 1024;

/// How many of `images` images run on the shipped text; the rest run on the model.
///
/// A second model is worth its building only where it takes most of the images.
pub fn shipped_images(design: &Design, images: usize) -> usize {
    if design.analog.is_some() {
        return images;
    }
    let work = (design.rows * design.lanes) as u64 * design.cycles.max(1);
    let most = (SHIPPED_WORK / work.max(1)).max(4) as usize;
    if images <= 2 * most { images } else { most }
}

/// Whether the tree is compiled as a block of its own.
pub fn in_blocks(design: &Design) -> bool {
    design.analog.is_none() && design.rows * design.lanes > BLOCK_CELLS
}
