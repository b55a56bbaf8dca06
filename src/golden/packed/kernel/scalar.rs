//! The inner loops without vectors: one channel after the other, 64 bits at a time.
//!
//! The same source serves two builds: one for any processor and one that may use POPCNT.

use super::{Cursor, LANES, Maps, Signs, Windows, Work};

/// See [`super::signs`].
pub(super) fn signs(work: Work, signs: &mut Signs) {
    sign_all(work, signs);
}

/// See [`super::counts`].
pub(super) fn counts(work: Work, out: &mut [i32]) {
    count_all(work, out);
}

/// See [`super::signs`].
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "popcnt")]
pub(super) fn signs_popcnt(work: Work, signs: &mut Signs) {
    sign_all(work, signs);
}

/// See [`super::counts`].
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "popcnt")]
pub(super) fn counts_popcnt(work: Work, out: &mut [i32]) {
    count_all(work, out);
}

#[inline(always)]
fn sign_all(work: Work, signs: &mut Signs) {
    let mut cursor = Cursor::new(&work);
    while cursor.left > 0 {
        let (image, window) = cursor.next(work.windows);
        let limits = &signs.limits[window.class as usize * LANES..][..LANES];
        let mut bits = 0;
        for (lane, &limit) in limits.iter().enumerate() {
            let count = count(&work, image * work.image_stride + window.start as usize, lane);
            bits |= u32::from(count <= limit) << lane;
        }
        signs.out[image * signs.out_stride + window.target as usize + signs.column] |= bits ^ signs.flip;
    }
}

#[inline(always)]
fn count_all(work: Work, out: &mut [i32]) {
    let mut cursor = Cursor::new(&work);
    let mut out = out.chunks_exact_mut(LANES);
    while cursor.left > 0 {
        let (image, window) = cursor.next(work.windows);
        let start = image * work.image_stride + window.start as usize;
        for (lane, out) in out.next().into_iter().flatten().enumerate() {
            *out = count(&work, start, lane);
        }
    }
}

/// The count of channel `lane` for the window that starts at element `start`.
#[inline(always)]
fn count(work: &Work, start: usize, lane: usize) -> i32 {
    let weights = &work.weights[lane * work.windows.words()..][..work.windows.words()];
    match work.maps {
        Maps::Bits(map) => differing(work.windows, &map[start..], weights),
        Maps::Values(map) => products(work.windows, &map[start..], weights),
    }
}

#[inline(always)]
fn differing(windows: &Windows, map: &[u32], weights: &[u32]) -> i32 {
    let mut count = 0;
    for row in 0..windows.rows {
        let taps = map[row * windows.row_stride..][..windows.row_words].chunks_exact(2);
        let weights = weights[row * windows.row_words..][..windows.row_words].chunks_exact(2);
        for (&tap, &weight) in taps.remainder().iter().zip(weights.remainder()) {
            count += (tap ^ weight).count_ones();
        }
        let word = |pair: &[u32]| u64::from(pair[0]) | u64::from(pair[1]) << 32;
        for (taps, weights) in taps.zip(weights) {
            count += (word(taps) ^ word(weights)).count_ones();
        }
    }
    count as i32
}

#[inline(always)]
fn products(windows: &Windows, map: &[i16], weights: &[u32]) -> i32 {
    let mut sum = 0;
    for row in 0..windows.rows {
        let taps = map[row * windows.row_stride..][..windows.row_words * 2].chunks_exact(2);
        for (taps, &weights) in taps.zip(&weights[row * windows.row_words..]) {
            sum += i32::from(taps[0]) * i32::from(weights as i16);
            sum += i32::from(taps[1]) * i32::from((weights >> 16) as i16);
        }
    }
    sum
}
