//! The inner loops for AVX-512 with VPOPCNTDQ and VNNI: 16 channels a vector, 8 windows at a time.
//!
//! A tap word of a window is broadcast against the words of 32 channels, so no sum across lanes is ever
//! needed, and each load serves several counts.

use std::arch::x86_64::*;

use super::{Cursor, LANES, Maps, Signs, Work};

/// Windows that share each load of weights: 16 sums, their weights and one tap word fill the registers.
const TILE: usize = 8;

/// See [`super::signs`].
///
/// # Safety
/// The processor has the instructions, and [`super::signs`] has asserted the bounds.
#[target_feature(enable = "avx512f,avx512bw,avx512vnni,avx512vpopcntdq")]
pub(super) unsafe fn signs(work: Work, signs: &mut Signs) {
    let mut cursor = Cursor::new(&work);
    // SAFETY: the caller's.
    unsafe {
        while cursor.left >= TILE {
            sign_tile::<TILE>(&work, &mut cursor, signs);
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
#[target_feature(enable = "avx512f,avx512bw,avx512vnni,avx512vpopcntdq")]
pub(super) unsafe fn counts(work: Work, out: &mut [i32]) {
    let mut cursor = Cursor::new(&work);
    let mut out = out.as_mut_ptr();
    // SAFETY: the caller's; `out` has room for 32 counts a window.
    unsafe {
        while cursor.left >= TILE {
            out = count_tile::<TILE>(&work, &mut cursor, out);
        }
        while cursor.left >= 1 {
            out = count_tile::<1>(&work, &mut cursor, out);
        }
    }
}

#[target_feature(enable = "avx512f,avx512bw,avx512vnni,avx512vpopcntdq")]
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
        let sums: [[__m512i; 2]; P] = sum(work, pixels);
        for p in 0..P {
            let limit = signs.limits.as_ptr().add(limits[p]).cast::<__m512i>();
            let low = _mm512_cmple_epi32_mask(sums[p][0], _mm512_loadu_si512(limit));
            let high = _mm512_cmple_epi32_mask(sums[p][1], _mm512_loadu_si512(limit.add(1)));
            let bits = u32::from(low) | u32::from(high) << 16;
            *signs.out.get_unchecked_mut(targets[p]) |= bits ^ signs.flip;
        }
    }
}

#[target_feature(enable = "avx512f,avx512bw,avx512vnni,avx512vpopcntdq")]
#[inline]
unsafe fn count_tile<const P: usize>(work: &Work, cursor: &mut Cursor, out: *mut i32) -> *mut i32 {
    let pixels = std::array::from_fn(|_| {
        let (image, window) = cursor.next(work.windows);
        image * work.image_stride + window.start as usize
    });
    // SAFETY: the caller gives room for P more windows.
    unsafe {
        let sums: [[__m512i; 2]; P] = sum(work, pixels);
        for (p, sum) in sums.iter().enumerate() {
            let out = out.add(p * LANES).cast::<__m512i>();
            _mm512_storeu_si512(out, sum[0]);
            _mm512_storeu_si512(out.add(1), sum[1]);
        }
        out.add(P * LANES)
    }
}

/// The counts of the windows that start at `pixels` (elements of the maps).
#[target_feature(enable = "avx512f,avx512bw,avx512vnni,avx512vpopcntdq")]
#[inline]
unsafe fn sum<const P: usize>(work: &Work, pixels: [usize; P]) -> [[__m512i; 2]; P] {
    // SAFETY: every start is one of a checked window.
    unsafe {
        match work.maps {
            Maps::Bits(map) => {
                let pixels = pixels.map(|start| map.as_ptr().add(start).cast::<u8>());
                sum_words::<P, true>(work, pixels, 4)
            }
            Maps::Values(map) => {
                let pixels = pixels.map(|start| map.as_ptr().add(start).cast::<u8>());
                sum_words::<P, false>(work, pixels, 2)
            }
        }
    }
}

/// As `sum`, for maps whose elements have `element` bytes.
#[target_feature(enable = "avx512f,avx512bw,avx512vnni,avx512vpopcntdq")]
#[inline]
unsafe fn sum_words<const P: usize, const BINARY: bool>(
    work: &Work,
    pixels: [*const u8; P],
    element: usize,
) -> [[__m512i; 2]; P] {
    let windows = work.windows;
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
    sums
}
