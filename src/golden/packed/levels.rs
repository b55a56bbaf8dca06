//! Thresholds of a channel, and the planes of bits that they make.

use super::maps::BitMap;
use crate::network::{Activation, Layer, Padding, plane_bits};

/// How bits of several steps become planes.
#[derive(Debug)]
pub(super) struct Steps {
    /// One plane a step, behind pooling, where the kernel compares; none where levels are written one by one.
    pub map: Option<BitMap>,
    /// Of each plane of the output: the steps whose bits differ from those of the step before it in the plane, so that the
    /// plane's bit is whether an odd number of them is met.
    pub turns: Vec<Vec<usize>>,
    /// Bits of the planes where 0, 1 ... steps are met.
    pub code: Vec<Vec<bool>>,
}

impl Steps {
    pub fn new(layer: &Layer, compared: bool) -> Option<Steps> {
        let steps = layer.steps();
        let code: Vec<Vec<bool>> = (0..=steps).map(|met| plane_bits(steps, met)).collect();
        let turns = |plane: usize| (0..steps).filter(|&s| code[s][plane] != code[s + 1][plane]).collect();
        let turns = (0..code[0].len()).map(turns).collect();
        let map = compared.then(|| BitMap::new(layer.output, Padding::NONE, steps));
        (steps > 1).then_some(Steps { map, turns, code })
    }
}

/// Thresholds and flips of a layer whose accumulators are in memory.
#[derive(Debug)]
pub(super) struct Levels {
    /// Thresholds of one channel after the other, each channel's rising.
    threshold: Vec<i32>,
    pub flip: Vec<bool>,
}

impl Levels {
    /// Those of `activation`, where it has some.
    pub fn new(activation: &Activation) -> Option<Levels> {
        let Activation::Sign { threshold, flip } = activation else { return None };
        let of_channel = |c: usize| {
            let mut own: Vec<i32> = threshold.iter().skip(c).step_by(flip.len()).copied().collect();
            own.sort_unstable();
            own
        };
        Some(Levels { threshold: (0..flip.len()).flat_map(of_channel).collect(), flip: flip.clone() })
    }

    /// Sets the bits of a pixel of `map`, whose first word of plane 0 is the first of `out`.
    pub fn write(&self, values: &[i32], steps: Option<&Steps>, map: &BitMap, out: &mut [u32]) {
        let lists = self.threshold.chunks_exact(self.threshold.len() / self.flip.len());
        for (c, ((&value, list), &flip)) in values.iter().zip(lists).zip(&self.flip).enumerate() {
            let reached = list.partition_point(|&threshold| value >= threshold);
            let met = if flip { list.len() - reached } else { reached };
            let mut set = |plane: usize, bit: bool| {
                out[plane * map.blank.len() + c / 32] |= u32::from(bit) << (c % 32);
            };
            match steps {
                Some(steps) => steps.code[met].iter().enumerate().for_each(|(plane, &bit)| set(plane, bit)),
                None => set(0, met > 0),
            }
        }
    }
}
