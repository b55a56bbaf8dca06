//! The inner loops without vectors: one channel after the other, 64 bits at a time.
//!
//! The same source serves two builds: one for any processor and one that may use POPCNT.

use super::{Before, Cursor, LANES, Maps, Signs, Work};

/// See [`super::signs`].
pub(super) fn signs(work: Work, before: Option<Before>, signs: &mut Signs) {
    sign_all(work, before, signs);
}

/// See [`super::counts`].
pub(super) fn counts(work: Work, scale: Option<i32>, out: &mut [i32]) {
    count_all(work, scale, out);
}

/// See [`super::signs`].
///
/// # Safety
/// The processor has the instructions.
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "popcnt")]
pub(super) fn signs_popcnt(work: Work, before: Option<Before>, signs: &mut Signs) {
    sign_all(work, before, signs);
}

/// See [`super::counts`].
///
/// # Safety
/// The processor has the instructions.
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "popcnt")]
pub(super) fn counts_popcnt(work: Work, scale: Option<i32>, out: &mut [i32]) {
    count_all(work, scale, out);
}

#[inline(always)]
fn sign_all(work: Work, before: Option<Before>, signs: &mut Signs) {
    if before.is_some() || !signs.of_one_step() {
        return step_all(work, before, signs);
    }
    let mut cursor = Cursor::new(&work);
    let mut taps = Vec::with_capacity(work.windows.words());
    while cursor.left > 0 {
        let (image, window) = cursor.next(work.windows);
        gather(&work, image * work.image_stride + window.start as usize, &mut taps);
        let limits = &signs.limits[window.class as usize * LANES..][..LANES];
        let mut bits = 0;
        for (lane, (&limit, weights)) in limits.iter().zip(lanes(&work)).enumerate() {
            bits |= u32::from(count(&work, &taps, weights) <= limit) << lane;
        }
        signs.out[image * signs.out_stride + window.target as usize + signs.column] |= bits ^ signs.flip;
    }
}

/// [`sign_all`] of counts that go on from others, or meet several limits.
#[inline(always)]
fn step_all(work: Work, before: Option<Before>, signs: &mut Signs) {
    let mut cursor = Cursor::new(&work);
    let mut taps = Vec::with_capacity(work.windows.words());
    let mut earlier = before.map(|before| before.counts.chunks_exact(LANES));
    let scale = before.map_or(1, |before| before.scale);
    while cursor.left > 0 {
        let (image, window) = cursor.next(work.windows);
        gather(&work, image * work.image_stride + window.start as usize, &mut taps);
        let mut counts = [0; LANES];
        if let Some(earlier) = earlier.as_mut().and_then(Iterator::next) {
            counts.copy_from_slice(earlier);
        }
        for (sum, weights) in counts.iter_mut().zip(lanes(&work)) {
            *sum += scale * count(&work, &taps, weights);
        }
        let target = image * signs.out_stride + window.target as usize + signs.column;
        let limits = &signs.limits[window.class as usize * signs.steps * LANES..];
        for (step, limits) in limits.chunks_exact(LANES).take(signs.steps).enumerate() {
            let met = counts.iter().zip(limits).enumerate();
            let bits = met.fold(0, |bits, (lane, (count, limit))| bits | u32::from(count <= limit) << lane);
            signs.out[target + step * signs.step_stride] |= bits ^ signs.flip;
        }
    }
}

#[inline(always)]
fn count_all(work: Work, scale: Option<i32>, out: &mut [i32]) {
    let mut cursor = Cursor::new(&work);
    let mut taps = Vec::with_capacity(work.windows.words());
    let mut out = out.chunks_exact_mut(LANES);
    while cursor.left > 0 {
        let (image, window) = cursor.next(work.windows);
        gather(&work, image * work.image_stride + window.start as usize, &mut taps);
        for (out, weights) in out.next().into_iter().flatten().zip(lanes(&work)) {
            let count = count(&work, &taps, weights);
            *out = scale.map_or(count, |scale| *out + scale * count);
        }
    }
}

/// The weights of each channel.
#[inline(always)]
fn lanes<'a>(work: &Work<'a>) -> impl Iterator<Item = &'a [u32]> {
    work.weights.chunks_exact(work.windows.words())
}

/// Brings the tap words of the window that starts at element `start` together.
#[inline(always)]
fn gather(work: &Work, start: usize, taps: &mut Vec<u32>) {
    let windows = work.windows;
    taps.clear();
    for row in 0..windows.rows {
        let at = start + row * windows.row_stride;
        match work.maps {
            Maps::Bits(map) => taps.extend_from_slice(&map[at..at + windows.row_words]),
            Maps::Values(map) => {
                let (pairs, _) = map[at..at + windows.row_words * 2].as_chunks::<2>();
                taps.extend(pairs.iter().map(|pair| u32::from(pair[0] as u16) | (pair[1] as u32) << 16));
            }
        }
    }
}

#[inline(always)]
fn count(work: &Work, taps: &[u32], weights: &[u32]) -> i32 {
    match work.maps {
        Maps::Bits(_) => differing(taps, weights),
        Maps::Values(_) => products(taps, weights),
    }
}

#[inline(always)]
fn differing(taps: &[u32], weights: &[u32]) -> i32 {
    let ((taps, tap), (weights, weight)) = (taps.as_chunks::<2>(), weights.as_chunks::<2>());
    // Each pair is one 64-bit load.
    let word = |pair: &[u32; 2]| u64::from(pair[0]) | u64::from(pair[1]) << 32;
    let mut count = 0;
    for (taps, weights) in taps.iter().zip(weights) {
        count += (word(taps) ^ word(weights)).count_ones();
    }
    for (tap, weight) in tap.iter().zip(weight) {
        count += (tap ^ weight).count_ones();
    }
    count as i32
}

#[inline(always)]
fn products(taps: &[u32], weights: &[u32]) -> i32 {
    let mut sum = 0;
    for (&taps, &weights) in taps.iter().zip(weights) {
        sum += i32::from(taps as i16) * i32::from(weights as i16);
        sum += i32::from((taps >> 16) as i16) * i32::from((weights >> 16) as i16);
    }
    sum
}
