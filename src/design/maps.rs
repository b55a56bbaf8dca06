//! The regions of the maps between layers in the activation memory.

use super::walk::Region;
use crate::arch::Arch;
use crate::mapping::Pitch;
use crate::network::Network;

/// Regions and first bank words, one a layer; none where a layer leaves no map.
pub(super) struct MapMemory {
    pub regions: Vec<Option<Region>>,
    pub bases: Vec<usize>,
    /// Words of each bank.
    pub depth: usize,
}

/// Layers from the one that writes a map to the last one that reads it, or that runs while it must stay.
struct Life {
    from: usize,
    to: usize,
}

impl MapMemory {
    /// Each map has a region from the layer that writes it to the last one that reads it.
    ///
    /// They are placed in order, a map at the lowest place where the bottom is free, else at the highest: without branches
    /// even maps lie at the bottom and odd ones end at the top. The map that all samples of a frame begin with stays.
    pub fn new(network: &Network, arch: &Arch) -> MapMemory {
        let layers = &network.layers;
        let region = |index: usize| {
            let pitch = Pitch::of(network, arch, index)?;
            Some(Region::new(layers[index].output, pitch, arch.banks()))
        };
        let regions: Vec<Option<Region>> = (0..layers.len()).map(region).collect();
        let kept = network.first_drawn().and_then(|first| first.checked_sub(1));
        let life = |index: usize| {
            let last = (0..layers.len()).rev().find(|&reader| layers[reader].reads.layer() == Some(index));
            let to = if kept == Some(index) { layers.len() } else { last.unwrap_or(index) };
            Life { from: index, to }
        };
        let lives: Vec<Life> = (0..layers.len()).map(life).collect();
        let size = |index: usize| regions[index].map_or(0, |region: Region| region.size);
        let alive = |layer: usize| {
            let there = (0..layers.len()).filter(|&map| (lives[map].from..=lives[map].to).contains(&layer));
            there.map(size).sum()
        };
        let least: usize = (0..layers.len()).map(alive).max().unwrap_or(0);
        let sizes: Vec<usize> = (0..layers.len()).map(size).collect();
        let placed = (least..).find_map(|depth| Some((place(&sizes, &lives, depth)?, depth)));
        let (bases, depth) = placed.expect("all maps beside one another fit");
        MapMemory { regions, bases, depth }
    }
}

/// First words of maps of `sizes` in a memory of `depth` words, where that is found.
fn place(sizes: &[usize], lives: &[Life], depth: usize) -> Option<Vec<usize>> {
    let mut bases: Vec<usize> = Vec::new();
    for (index, &size) in sizes.iter().enumerate() {
        // Of the maps that stand there while this one does.
        let beside = (0..index).filter(|&other| sizes[other] > 0 && lives[other].to >= lives[index].from);
        let taken: Vec<(usize, usize)> =
            beside.map(|other| (bases[other], bases[other] + sizes[other])).collect();
        let free = |&base: &usize| taken.iter().all(|&(from, to)| base + size <= from || to <= base);
        let lowest = || std::iter::once(0).chain(taken.iter().map(|&(_, to)| to)).filter(free).min();
        let tops = || std::iter::once(depth).chain(taken.iter().map(|&(from, _)| from));
        let highest = || tops().filter_map(|top| top.checked_sub(size)).filter(free).max();
        let base = match free(&0) {
            true => Some(0),
            false => highest().or_else(lowest),
        };
        bases.push(base.filter(|base| base + size <= depth)?);
    }
    Some(bases)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn maps_that_stand_at_a_time_do_not_meet() {
        let life = |from, to| Life { from, to };
        // A sequence: bottom and top in turn.
        let lives = [life(0, 1), life(1, 2), life(2, 3)];
        assert_eq!(place(&[3, 5, 2], &lives, 8), Some(vec![0, 3, 0]));
        // The first map is read by the last layer; the second one ends in between.
        let lives = [life(0, 3), life(1, 2), life(2, 3)];
        assert_eq!(place(&[3, 5, 2], &lives, 10), Some(vec![0, 5, 3]));
        assert_eq!(place(&[3, 5, 2], &lives, 9), None);
    }
}
