//! Training images to a batch of input codes: order, random shift, mirror and warp.
//!
//! Each random number is a function of (seed, epoch, image), so no batch depends on another.

use super::plan::Plan;
use super::warp::{self, Warp};
use crate::network::Shape;
use rand::Rng;
use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng;
use rayon::prelude::*;

/// Labelled images; pixels are (image, channel, row, column).
#[derive(Debug, Clone, Copy)]
pub struct Samples<'a> {
    pub pixels: &'a [u8],
    pub labels: &'a [u8],
}

/// What a random stream is for; part of its key, so that uses never share numbers.
#[derive(Clone, Copy)]
pub enum Use {
    Weights = 1,
    Order = 2,
    Augment = 3,
    Holdout = 4,
    Supports = 5,
    Planes = 6,
    Rounding = 7,
    Draws = 8,
}

/// Stream `number` of `seed` for one use.
pub fn random(seed: u64, purpose: Use, number: u64) -> ChaCha8Rng {
    let mut key = [0; 32];
    key[..8].copy_from_slice(&seed.to_le_bytes());
    key[8] = purpose as u8;
    key[16..].copy_from_slice(b"bincim train v1\0");
    let mut generator = ChaCha8Rng::from_seed(key);
    generator.set_stream(number);
    generator
}

/// The order of `count` images in `epoch`.
pub fn order(seed: u64, epoch: u64, count: usize) -> Vec<u32> {
    let mut order: Vec<u32> = (0..count as u32).collect();
    order.shuffle(&mut random(seed, Use::Order, epoch));
    order
}

/// Cuts `count` images into those to train on and those to test on, of which there is a `share`; both rising.
pub fn holdout(seed: u64, count: usize, share: f64) -> (Vec<usize>, Vec<usize>) {
    let apart = ((count as f64 * share).round() as usize).clamp(usize::from(count > 1), count);
    let mut order: Vec<usize> = (0..count).collect();
    order.shuffle(&mut random(seed, Use::Holdout, 0));
    let mut kept = order.split_off(apart);
    kept.sort();
    order.sort();
    (kept, order)
}

/// Codes (image, row, column, channel) of the images `chosen`; augmented where an epoch is given.
pub fn batch(plan: &Plan, samples: &Samples, chosen: &[u32], epoch: Option<u64>) -> Vec<i8> {
    let (shape, augment) = (plan.input, &plan.augment);
    let table = plan.pixel_codes();
    let mut codes = vec![0; chosen.len() * shape.elements()];
    codes.par_chunks_mut(shape.elements()).zip(chosen).for_each(|(codes, &image)| {
        let pixels = &samples.pixels[image as usize * shape.elements()..][..shape.elements()];
        let (mut down, mut right, mut mirror) = (0i32, 0i32, false);
        let mut warped = None;
        if let Some(epoch) = epoch {
            let most = augment.shift as i32;
            let mut random = random(plan.train.seed, Use::Augment, epoch << 32 | u64::from(image));
            // All are always drawn, so that switching one off leaves the others.
            (down, right) = (random.random_range(-most..=most), random.random_range(-most..=most));
            mirror = random.random::<bool>() && augment.flip;
            let mut within = |most: f64| most * (2.0 * random.random::<f64>() - 1.0);
            let turn = within(augment.rotate).to_radians();
            let sizes = [1.0 + within(augment.scale), 1.0 + within(augment.scale)];
            let moves = (augment.elastic > 0.0).then(|| warp::elastic(shape, augment.elastic, &mut random));
            if augment.rotate > 0.0 || augment.scale > 0.0 || moves.is_some() {
                warped = Some(Warp { turn, sizes, moves }.of(shape, pixels, augment.fill));
            }
        }
        let pixels = warped.as_deref().unwrap_or(pixels);
        place(shape, pixels, &table, (down, right, mirror), augment.fill, codes);
    });
    codes
}

/// Writes one image's codes, moved and mirrored.
fn place(
    shape: Shape,
    pixels: &[u8],
    table: &[i8],
    (down, right, mirror): (i32, i32, bool),
    fill: u8,
    codes: &mut [i8],
) {
    let from = |at: usize, by: i32, size: usize| at.checked_add_signed(-by as isize).filter(|&at| at < size);
    for (pixel, codes) in codes.chunks_exact_mut(shape.c).enumerate() {
        let (y, x) = (pixel / shape.w, pixel % shape.w);
        let x = if mirror { shape.w - 1 - x } else { x };
        let source = from(y, down, shape.h).zip(from(x, right, shape.w));
        for (c, code) in codes.iter_mut().enumerate() {
            let value = source.map_or(fill, |(y, x)| pixels[(c * shape.h + y) * shape.w + x]);
            *code = table[usize::from(value)];
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moved_image_brings_in_the_fill() {
        let shape = Shape { c: 2, h: 2, w: 3 };
        let pixels: Vec<u8> = (1..=12).collect();
        let table: Vec<i8> = (0..=255u8).map(|p| p as i8).collect();
        let placed = |how| {
            let mut codes = vec![0; 12];
            place(shape, &pixels, &table, how, 99, &mut codes);
            codes
        };
        assert_eq!(placed((0, 0, false)), [1, 7, 2, 8, 3, 9, 4, 10, 5, 11, 6, 12]);
        assert_eq!(placed((0, 0, true)), [3, 9, 2, 8, 1, 7, 6, 12, 5, 11, 4, 10]);
        assert_eq!(placed((1, -1, false)), [99, 99, 99, 99, 99, 99, 2, 8, 3, 9, 99, 99]);
    }

    #[test]
    fn orders_are_permutations_and_differ() {
        let (a, b) = (order(1, 0, 50), order(1, 1, 50));
        assert_ne!(a, b);
        assert_eq!(a, order(1, 0, 50));
        for mut order in [a, b] {
            order.sort();
            assert_eq!(order, (0..50).collect::<Vec<u32>>());
        }
    }
}
