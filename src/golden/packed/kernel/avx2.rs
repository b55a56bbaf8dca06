//! The inner loops for AVX2: 8 channels a vector, population count by a table of nibbles.
//!
//! Bit counts are gathered in bytes for as long as they fit, then widened into the 32-bit sums.

use std::arch::x86_64::*;

use super::{Before, Cursor, LANES, Maps, Signs, Work};

/// Vectors that hold one value for each of the 32 channels.
const VECTORS: usize = LANES / 8;

/// Tap words whose byte counts (8 at most each) fit into a byte.
const WORDS_PER_BYTE_SUM: usize = 255 / 8;

/// See [`super::signs`].
///
/// # Safety
/// The processor has the instructions, and [`super::signs`] has asserted the bounds.
#[target_feature(enable = "avx2")]
pub(super) unsafe fn signs(work: Work, before: Option<Before>, signs: &mut Signs) {
    let mut cursor = Cursor::new(&work);
    // SAFETY: the caller's.
    unsafe {
        if before.is_some() || !signs.of_one_step() {
            let scale = before.map_or(1, |before| before.scale);
            let mut before = before.map(|before| before.counts.as_ptr());
            while cursor.left >= 2 {
                step_tile::<2>(&work, &mut cursor, &mut before, scale, signs);
            }
            while cursor.left >= 1 {
                step_tile::<1>(&work, &mut cursor, &mut before, scale, signs);
            }
            return;
        }
        while cursor.left >= 2 {
            sign_tile::<2>(&work, &mut cursor, signs);
        }
        while cursor.left >= 1 {
            sign_tile::<1>(&work, &mut cursor, signs);
        }
    }
}

/// See [`super::counts`].
///
/// # Safety
/// The processor has the instructions, and [`super::counts`] has asserted the bounds.
#[target_feature(enable = "avx2")]
pub(super) unsafe fn counts(work: Work, scale: Option<i32>, out: &mut [i32]) {
    let mut cursor = Cursor::new(&work);
    let mut out = out.as_mut_ptr();
    // SAFETY: the caller's; `out` has room for 32 counts a window.
    unsafe {
        while cursor.left >= 2 {
            count_tile::<2>(&work, &mut cursor, scale, &mut out);
        }
        while cursor.left >= 1 {
            count_tile::<1>(&work, &mut cursor, scale, &mut out);
        }
    }
}

/// Counts of the next P windows; steps `out` on.
///
/// # Safety
/// As [`counts`]; the cursor has P windows left.
#[target_feature(enable = "avx2")]
#[inline]
unsafe fn count_tile<const P: usize>(
    work: &Work,
    cursor: &mut Cursor,
    scale: Option<i32>,
    out: &mut *mut i32,
) {
    let pixels = std::array::from_fn(|_| {
        let (image, window) = cursor.next(work.windows);
        image * work.image_stride + window.start as usize
    });
    // SAFETY: the caller's.
    unsafe {
        let sums: [[__m256i; VECTORS]; P] = sum(work, pixels);
        for mut sum in sums {
            if let Some(scale) = scale {
                sum = added(*out, scale, sum);
            }
            for (vector, counts) in sum.into_iter().enumerate() {
                _mm256_storeu_si256(out.cast::<__m256i>().add(vector), counts);
            }
            *out = out.add(LANES);
        }
    }
}

/// `scale` times the counts of a window, added to the 32 at `counts`.
///
/// # Safety
/// The processor has the instructions, and there are 32 counts.
#[target_feature(enable = "avx2")]
#[inline]
unsafe fn added(counts: *const i32, scale: i32, mut sum: [__m256i; VECTORS]) -> [__m256i; VECTORS] {
    let scale = _mm256_set1_epi32(scale);
    for (vector, sum) in sum.iter_mut().enumerate() {
        // SAFETY: the caller's.
        let before = unsafe { _mm256_loadu_si256(counts.cast::<__m256i>().add(vector)) };
        *sum = _mm256_add_epi32(before, _mm256_mullo_epi32(scale, *sum));
    }
    sum
}

/// Signs of the next P windows, whose counts go on from those `before` (steps it on), or meet several limits.
///
/// # Safety
/// As [`signs`]; the cursor has P windows left, and so many counts lie before.
#[target_feature(enable = "avx2")]
#[inline]
unsafe fn step_tile<const P: usize>(
    work: &Work,
    cursor: &mut Cursor,
    before: &mut Option<*const i32>,
    scale: i32,
    signs: &mut Signs,
) {
    let mut limits = [0; P];
    let mut targets = [0; P];
    let pixels = std::array::from_fn(|p| {
        let (image, window) = cursor.next(work.windows);
        limits[p] = window.class as usize * signs.steps * LANES;
        targets[p] = image * signs.out_stride + window.target as usize + signs.column;
        image * work.image_stride + window.start as usize
    });
    // SAFETY: limits, targets and counts before were asserted for the last window of the last image.
    unsafe {
        let sums: [[__m256i; VECTORS]; P] = sum(work, pixels);
        for (p, mut sum) in sums.into_iter().enumerate() {
            if let Some(counts) = before {
                sum = added(*counts, scale, sum);
                *counts = counts.add(LANES);
            }
            for step in 0..signs.steps {
                let limit = signs.limits.as_ptr().add(limits[p] + step * LANES).cast::<__m256i>();
                let target = targets[p] + step * signs.step_stride;
                *signs.out.get_unchecked_mut(target) |= met(sum, limit) ^ signs.flip;
            }
        }
    }
}

/// One bit a channel: the count is at most the limit.
///
/// # Safety
/// The processor has the instructions, and there are 32 limits.
#[target_feature(enable = "avx2")]
#[inline]
unsafe fn met(sum: [__m256i; VECTORS], limit: *const __m256i) -> u32 {
    let mut above = 0;
    for (vector, counts) in sum.into_iter().enumerate() {
        // SAFETY: the caller's.
        let greater = _mm256_cmpgt_epi32(counts, unsafe { _mm256_loadu_si256(limit.add(vector)) });
        above |= (_mm256_movemask_ps(_mm256_castsi256_ps(greater)) as u32) << (8 * vector);
    }
    !above
}

/// Signs of the next P windows.
///
/// # Safety
/// As [`signs`]; the cursor has P windows left.
#[target_feature(enable = "avx2")]
#[inline]
unsafe fn sign_tile<const P: usize>(work: &Work, cursor: &mut Cursor, signs: &mut Signs) {
    let mut limits = [0; P];
    let mut targets = [0; P];
    let pixels = std::array::from_fn(|p| {
        let (image, window) = cursor.next(work.windows);
        limits[p] = window.class as usize * LANES;
        targets[p] = image * signs.out_stride + window.target as usize + signs.column;
        image * work.image_stride + window.start as usize
    });
    // SAFETY: limits and targets were asserted for the last window of the last image.
    unsafe {
        let sums: [[__m256i; VECTORS]; P] = sum(work, pixels);
        for p in 0..P {
            let limit = signs.limits.as_ptr().add(limits[p]).cast::<__m256i>();
            *signs.out.get_unchecked_mut(targets[p]) |= met(sums[p], limit) ^ signs.flip;
        }
    }
}

/// The counts of the windows that start at `pixels` (elements of the maps).
///
/// # Safety
/// The processor has the instructions; each start is that of a window whose bounds have been asserted.
#[target_feature(enable = "avx2")]
#[inline]
unsafe fn sum<const P: usize>(work: &Work, pixels: [usize; P]) -> [[__m256i; VECTORS]; P] {
    // SAFETY: every start is one of a checked window.
    unsafe {
        match work.maps {
            Maps::Bits(map) => sum_bits(work, pixels.map(|start| map.as_ptr().add(start))),
            Maps::Values(map) => sum_values(work, pixels.map(|start| map.as_ptr().add(start))),
        }
    }
}

/// [`sum`] of maps of bits.
///
/// # Safety
/// As [`sum`]; `pixels` point into the maps.
#[target_feature(enable = "avx2")]
#[inline]
unsafe fn sum_bits<const P: usize>(work: &Work, pixels: [*const u32; P]) -> [[__m256i; VECTORS]; P] {
    let windows = work.windows;
    let table = _mm256_broadcastsi128_si256(_mm_setr_epi8(0, 1, 1, 2, 1, 2, 2, 3, 1, 2, 2, 3, 2, 3, 3, 4));
    let nibble = _mm256_set1_epi8(15);
    let ones = (_mm256_set1_epi8(1), _mm256_set1_epi16(1));
    let mut weights = work.weights.as_ptr().cast::<__m256i>();
    let mut sums = [[_mm256_setzero_si256(); VECTORS]; P];
    for row in 0..windows.rows {
        let mut at = row * windows.row_stride;
        let end = at + windows.row_words;
        while at < end {
            let stop = end.min(at + WORDS_PER_BYTE_SUM);
            let mut bytes = [[_mm256_setzero_si256(); VECTORS]; P];
            while at < stop {
                for p in 0..P {
                    // SAFETY: `at` lies within a checked window.
                    let tap = unsafe { _mm256_set1_epi32(pixels[p].add(at).read() as i32) };
                    for (v, bytes) in bytes[p].iter_mut().enumerate() {
                        // SAFETY: a block has 32 weights a tap word.
                        let weight = unsafe { _mm256_loadu_si256(weights.add(v)) };
                        let differing = _mm256_xor_si256(weight, tap);
                        let low = _mm256_and_si256(differing, nibble);
                        let high = _mm256_and_si256(_mm256_srli_epi16::<4>(differing), nibble);
                        let low = _mm256_shuffle_epi8(table, low);
                        let high = _mm256_shuffle_epi8(table, high);
                        *bytes = _mm256_add_epi8(*bytes, _mm256_add_epi8(low, high));
                    }
                }
                // SAFETY: stays within the weights or ends one past them.
                weights = unsafe { weights.add(VECTORS) };
                at += 1;
            }
            for p in 0..P {
                for v in 0..VECTORS {
                    // Bytes are unsigned in the first operand; pairs stay below 2 * 248.
                    let pairs = _mm256_maddubs_epi16(bytes[p][v], ones.0);
                    sums[p][v] = _mm256_add_epi32(sums[p][v], _mm256_madd_epi16(pairs, ones.1));
                }
            }
        }
    }
    sums
}

/// [`sum`] of maps of values.
///
/// # Safety
/// As [`sum`]; `pixels` point into the maps.
#[target_feature(enable = "avx2")]
#[inline]
unsafe fn sum_values<const P: usize>(work: &Work, pixels: [*const i16; P]) -> [[__m256i; VECTORS]; P] {
    let windows = work.windows;
    let mut weights = work.weights.as_ptr().cast::<__m256i>();
    let mut sums = [[_mm256_setzero_si256(); VECTORS]; P];
    for row in 0..windows.rows {
        for word in 0..windows.row_words {
            let at = row * windows.row_stride + word * 2;
            // SAFETY: `at` lies within a checked window, and a block has 32 weights a tap word.
            unsafe {
                for p in 0..P {
                    let tap = _mm256_set1_epi32(pixels[p].add(at).cast::<i32>().read_unaligned());
                    for (v, sum) in sums[p].iter_mut().enumerate() {
                        let weight = _mm256_loadu_si256(weights.add(v));
                        *sum = _mm256_add_epi32(*sum, _mm256_madd_epi16(weight, tap));
                    }
                }
                weights = weights.add(VECTORS);
            }
        }
    }
    sums
}
