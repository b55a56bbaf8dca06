//! Accumulators that bypass layers: added, kept, pooled and compared with thresholds one by one.

use super::kernel::LANES;
use super::maps::BitMap;
use super::plan::{LayerPlan, ResultPlan};
use crate::network::{Requant, Shape};

/// Accumulators of a batch of images between the layers that keep them and those that add them.
#[derive(Debug, Default)]
pub(super) struct Kept {
    /// Of every image, row, column, channel; as the last layer that kept left them.
    map: Vec<i32>,
    /// The same of the layer that runs, before it pools.
    own: Vec<i32>,
}

impl Kept {
    /// Takes the counts of one block of channels of `images` images (image, window, lane).
    pub(super) fn take(&mut self, plan: &LayerPlan, block: usize, images: usize, counts: &[i32]) {
        let ResultPlan::Shortcut { base, factor, conv, requant, .. } = &plan.result else { return };
        self.own.resize(images * conv.elements(), 0);
        let windows = plan.windows.classes();
        let channels = block * LANES..conv.c.min((block + 1) * LANES);
        let own = self.own.chunks_exact_mut(conv.c).zip(counts.chunks_exact(LANES));
        for ((own, counts), class) in own.zip(windows.iter().cycle()) {
            let base = &base[class * conv.c..][channels.clone()];
            let accumulators = base.iter().zip(counts).map(|(base, count)| base - factor * count);
            let own = &mut own[channels.clone()];
            match requant {
                None => own.iter_mut().zip(accumulators).for_each(|(own, sum)| *own = sum),
                Some(requant) => {
                    let sums = channels.clone().zip(accumulators);
                    let addends = sums.map(|(c, sum)| requant.addend(c, i64::from(sum)) as i32);
                    own.iter_mut().zip(addends).for_each(|(own, addend)| *own = addend);
                }
            }
        }
    }

    /// Adds what was kept, holds numbers of fixed point to their bits, keeps the result where the layer says so, and writes
    /// the bits of `images` images to `out`; how many numbers were beyond their bits.
    pub(super) fn finish(&mut self, plan: &LayerPlan, images: usize, map: &BitMap, out: &mut [u32]) -> u64 {
        let ResultPlan::Shortcut { conv, pool, shortcut, requant, levels, .. } = &plan.result else {
            return 0;
        };
        if shortcut.adds {
            self.add(images * conv.pixels(), conv.c, shortcut.first);
        }
        let mut beyond = 0;
        if let Some((low, high)) = requant.as_ref().map(Requant::limits) {
            for own in &mut self.own {
                let held = (*own).clamp(low as i32, high as i32);
                beyond += u64::from(held != *own);
                *own = held;
            }
        }
        let flip = &levels.flip;
        let turns = |flip: &bool| *flip && !pool.before_sign;
        let shape = map.shape;
        let mut pooled = Vec::with_capacity(images * shape.elements());
        for (image, own) in self.own.chunks_exact(conv.elements()).enumerate() {
            let out = &mut out[image * map.words()..][..map.words()];
            for (y, x) in (0..shape.h).flat_map(|y| (0..shape.w).map(move |x| (y, x))) {
                let from = pooled.len();
                // Where bits are pooled that are turned, one is 1 as soon as the smallest value is below the threshold.
                pooled.extend(flip.iter().map(|flip| if turns(flip) { i32::MAX } else { i32::MIN }));
                let extreme = &mut pooled[from..];
                for pixel in window(*conv, (y * pool.stride.0, x * pool.stride.1), pool.kernel) {
                    let values = &own[pixel * conv.c..][..conv.c];
                    for ((extreme, &value), flip) in extreme.iter_mut().zip(values).zip(flip) {
                        *extreme = if turns(flip) { value.min(*extreme) } else { value.max(*extreme) };
                    }
                }
                levels.write(extreme, plan.steps.as_ref(), map, &mut out[map.word(y, x)..]);
            }
        }
        if shortcut.keeps {
            self.map = match shortcut.stride {
                (1, 1) => pooled,
                stride => taken(&pooled, shape, stride),
            };
        }
        beyond
    }

    /// Adds what was kept to each of `pixels` pixels of `channels` channels, from channel `first` on.
    fn add(&mut self, pixels: usize, channels: usize, first: usize) {
        let own = self.own.chunks_exact_mut(channels).zip(self.map.chunks_exact(self.map.len() / pixels));
        for (own, kept) in own {
            own[first..].iter_mut().zip(kept).for_each(|(own, kept)| *own += kept);
        }
    }
}

/// Every so many rows and columns of maps of `shape`.
fn taken(maps: &[i32], shape: Shape, stride: (usize, usize)) -> Vec<i32> {
    let rows = maps.chunks_exact(shape.w * shape.c);
    let of_image = rows.enumerate().filter(|(row, _)| (row % shape.h).is_multiple_of(stride.0));
    of_image.flat_map(|(_, row)| row.chunks_exact(shape.c).step_by(stride.1).flatten().copied()).collect()
}

/// The pixels of the window at (row, column) of a map.
fn window(map: Shape, at: (usize, usize), size: (usize, usize)) -> impl Iterator<Item = usize> {
    (0..size.0).flat_map(move |ky| (0..size.1).map(move |kx| (at.0 + ky) * map.w + at.1 + kx))
}
