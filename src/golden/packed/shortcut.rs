//! Accumulators that bypass layers: added, kept, pooled and compared with thresholds one by one.

use super::kernel::LANES;
use super::maps::BitMap;
use super::plan::{LayerPlan, ResultPlan};
use crate::golden::aligned::Aligned;
use crate::network::{Requant, Shape, Shortcut};

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
        let ResultPlan::Shortcut { base, factor, conv, .. } = &plan.result else { return };
        self.own.resize(images * conv.elements(), 0);
        let windows = plan.windows.classes();
        let channels = block * LANES..conv.c.min((block + 1) * LANES);
        let own = self.own.chunks_exact_mut(conv.c).zip(counts.chunks_exact(LANES));
        for ((own, counts), class) in own.zip(windows.iter().cycle()) {
            let base = &base[class * conv.c..][channels.clone()];
            let accumulators = base.iter().zip(counts).map(|(base, count)| base - factor * count);
            own[channels.clone()].iter_mut().zip(accumulators).for_each(|(own, sum)| *own = sum);
        }
    }

    /// Adds what was kept, makes numbers of fixed point, keeps the result where the layer says so, and writes the bits of
    /// `images` images to `out`, where there are some; how many numbers were beyond their bits.
    pub(super) fn finish(
        &mut self,
        plan: &LayerPlan,
        images: usize,
        out: Option<(&BitMap, &mut Aligned<u32>)>,
    ) -> u64 {
        let ResultPlan::Shortcut { conv, sum_pixels, output, pool, shortcut, requant, levels, .. } =
            &plan.result
        else {
            return 0;
        };
        let before = if *sum_pixels { Shape::vector(conv.c) } else { *conv };
        if *sum_pixels {
            self.add_pixels(*conv);
        }
        let none = Vec::new();
        let kept = if shortcut.adds { &self.map } else { &none };
        let beyond = match requant {
            Some(requant) => {
                fixed(&mut self.own, requant, before.c, kept, images * before.pixels(), shortcut)
            }
            None => {
                self.own.iter_mut().zip(kept).for_each(|(own, kept)| *own += kept);
                0
            }
        };
        let turned = |c: usize| !pool.before_sign && levels.as_ref().is_some_and(|levels| levels.flip[c]);
        let turned: Vec<bool> = (0..before.c).map(turned).collect();
        let mut pooled = Vec::with_capacity(images * output.elements());
        for own in self.own.chunks_exact(before.elements()) {
            for (y, x) in (0..output.h).flat_map(|y| (0..output.w).map(move |x| (y, x))) {
                let from = pooled.len();
                // Where bits are pooled that are turned, one is 1 as soon as the smallest value is below the threshold.
                pooled.extend(turned.iter().map(|turned| if *turned { i32::MAX } else { i32::MIN }));
                let extreme = &mut pooled[from..];
                for pixel in window(before, (y * pool.stride.0, x * pool.stride.1), pool.kernel) {
                    let values = &own[pixel * before.c..][..before.c];
                    for ((extreme, &value), turned) in extreme.iter_mut().zip(values).zip(&turned) {
                        *extreme = if *turned { value.min(*extreme) } else { value.max(*extreme) };
                    }
                }
            }
        }
        if let (Some(levels), Some((map, out))) = (levels, out) {
            let of_images = pooled.chunks_exact(output.elements()).zip(out.chunks_exact_mut(map.words()));
            for (pooled, out) in of_images {
                for (values, word) in pooled.chunks_exact(before.c).zip(map.pixels()) {
                    levels.write(values, plan.steps.as_ref(), map, &mut out[word..]);
                }
            }
        }
        if shortcut.keeps {
            self.map = match shortcut.stride {
                (1, 1) => pooled,
                stride => taken(&pooled, *output, stride),
            };
        }
        beyond
    }

    /// Adds the pixels of each channel of maps of `conv` into one.
    fn add_pixels(&mut self, conv: Shape) {
        let sums = self
            .own
            .chunks_exact(conv.elements())
            .flat_map(|own| (0..conv.c).map(move |c| own.iter().skip(c).step_by(conv.c).sum::<i32>()));
        self.own = sums.collect();
    }
}

/// Makes numbers of fixed point of the sums of `pixels` pixels of `channels` channels, with what was `kept` for some of them;
/// how many were beyond their bits.
fn fixed(
    own: &mut [i32],
    requant: &Requant,
    channels: usize,
    kept: &[i32],
    pixels: usize,
    shortcut: &Shortcut,
) -> u64 {
    let added = kept.len() / pixels;
    let mut beyond = 0;
    for (pixel, own) in own.chunks_exact_mut(channels).enumerate() {
        let kept = &kept[pixel * added..][..added];
        for (c, own) in own.iter_mut().enumerate() {
            let kept =
                c.checked_sub(shortcut.first).and_then(|at| kept.get(at)).map_or(0, |&kept| kept.into());
            let exact = requant.exact(c, i64::from(*own), kept);
            let held = requant.clamp(exact);
            // What a rectifier holds back is not beyond.
            beyond += u64::from(exact > held || exact < held && !requant.rectified);
            *own = held as i32;
        }
    }
    beyond
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
