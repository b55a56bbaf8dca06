//! The inner loops for AVX-512 with VPOPCNTDQ and VNNI: 16 channels a vector, 8 windows at a time.
//!
//! A tap word of a window is broadcast against the words of 32 channels, so no sum across lanes is ever
//! needed, and each load serves several counts.

use std::arch::x86_64::*;

use super::{Cursor, LANES, Maps, Signs, Window, Work};

/// Windows that share each load of weights: 16 sums, their weights and one tap word fill the registers.
const TILE: usize = 8;

/// See [`super::signs`].
///
/// # Safety
/// The processor has the instructions, and [`super::signs`] has asserted the bounds.
#[target_feature(enable = "avx512f,avx512bw,avx512vnni,avx512vpopcntdq")]
pub(super) unsafe fn signs(work: Work, signs: &mut Signs) {
    // SAFETY: the caller's.
    unsafe { all(work, Sink::Signs(signs)) }
}

/// See [`super::counts`].
///
/// # Safety
/// The processor has the instructions, and [`super::counts`] has asserted the bounds.
#[target_feature(enable = "avx512f,avx512bw,avx512vnni,avx512vpopcntdq")]
pub(super) unsafe fn counts(work: Work, out: &mut [i32]) {
    // SAFETY: the caller's; `out` has room for 32 counts a window.
    unsafe { all(work, Sink::Counts(out.as_mut_ptr())) }
}

/// Where the counts of a tile go.
enum Sink<'a, 'b> {
    Signs(&'a mut Signs<'b>),
    /// Steps on by 32 counts a window.
    Counts(*mut i32),
}

/// All windows.
///
/// # Safety
/// The processor has the instructions, bounds have been asserted, and there is room for the counts of every window.
#[target_feature(enable = "avx512f,avx512bw,avx512vnni,avx512vpopcntdq")]
unsafe fn all(work: Work, mut sink: Sink) {
    // SAFETY: the caller's.
    unsafe {
        match work.maps {
            Maps::Bits(map) => all_tiles::<true>(&work, map.as_ptr().cast(), 4, &mut sink),
            Maps::Values(map) => all_tiles::<false>(&work, map.as_ptr().cast(), 2, &mut sink),
        }
    }
}

/// All windows against the maps at `base`, whose elements have `element` bytes.
///
/// # Safety
/// As [`all`]; `base` is the first element of the maps.
#[target_feature(enable = "avx512f,avx512bw,avx512vnni,avx512vpopcntdq")]
unsafe fn all_tiles<const BINARY: bool>(work: &Work, base: *const u8, element: usize, sink: &mut Sink) {
    let mut cursor = Cursor::new(work);
    // SAFETY: the caller's.
    unsafe {
        while cursor.left >= TILE {
            tile::<TILE, BINARY>(work, base, element, &mut cursor, sink);
        }
        while cursor.left >= 2 {
            tile::<2, BINARY>(work, base, element, &mut cursor, sink);
        }
        while cursor.left >= 1 {
            tile::<1, BINARY>(work, base, element, &mut cursor, sink);
        }
    }
}

/// The next P windows. One function from the first load to the last store, so that the sums never leave
/// the registers.
///
/// # Safety
/// As [`all_tiles`]; the cursor has P windows left.
#[target_feature(enable = "avx512f,avx512bw,avx512vnni,avx512vpopcntdq")]
#[inline]
unsafe fn tile<const P: usize, const BINARY: bool>(
    work: &Work,
    base: *const u8,
    element: usize,
    cursor: &mut Cursor,
    sink: &mut Sink,
) {
    let windows = work.windows;
    let places: [(usize, Window); P] = std::array::from_fn(|_| cursor.next(windows));
    // SAFETY: every start is one of a checked window.
    let pixels = places.map(|(image, window)| unsafe {
        base.add((image * work.image_stride + window.start as usize) * element)
    });
    let mut weights = work.weights.as_ptr().cast::<__m512i>();
    let mut sums = [[_mm512_setzero_si512(); 2]; P];
    for row in 0..windows.rows {
        let start = row * windows.row_stride * element;
        for word in 0..windows.row_words {
            let at = start + word * 4;
            // SAFETY: `at` lies within a checked window, and a block has 32 weights a tap word.
            unsafe {
                let w = [_mm512_loadu_si512(weights), _mm512_loadu_si512(weights.add(1))];
                weights = weights.add(2);
                for p in 0..P {
                    let tap = _mm512_set1_epi32(pixels[p].add(at).cast::<i32>().read_unaligned());
                    for half in 0..2 {
                        sums[p][half] = match BINARY {
                            true => _mm512_add_epi32(
                                sums[p][half],
                                _mm512_popcnt_epi32(_mm512_xor_si512(w[half], tap)),
                            ),
                            false => _mm512_dpwssd_epi32(sums[p][half], w[half], tap),
                        };
                    }
                }
            }
        }
    }
    match sink {
        Sink::Signs(signs) => {
            for (&(image, window), sum) in places.iter().zip(sums) {
                let target = image * signs.out_stride + window.target as usize + signs.column;
                // SAFETY: limits and targets were asserted for the last window of the last image.
                unsafe {
                    let limit = signs.limits.as_ptr().add(window.class as usize * LANES).cast::<__m512i>();
                    let low = _mm512_cmple_epi32_mask(sum[0], _mm512_loadu_si512(limit));
                    let high = _mm512_cmple_epi32_mask(sum[1], _mm512_loadu_si512(limit.add(1)));
                    let bits = u32::from(low) | u32::from(high) << 16;
                    *signs.out.get_unchecked_mut(target) |= bits ^ signs.flip;
                }
            }
        }
        Sink::Counts(out) => {
            for sum in sums {
                // SAFETY: the caller gives room for every window of every image.
                unsafe {
                    _mm512_storeu_si512(out.cast(), sum[0]);
                    _mm512_storeu_si512(out.add(16).cast(), sum[1]);
                    *out = out.add(LANES);
                }
            }
        }
    }
}
