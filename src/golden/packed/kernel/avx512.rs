//! The inner loops for AVX-512 with VPOPCNTDQ and VNNI: 16 channels a vector, 8 windows at a time.
//!
//! A tap word of a window is broadcast against the words of 32 channels, so no sum across lanes is ever
//! needed, and each load serves several counts.

use std::arch::x86_64::*;

use super::{Before, Cursor, LANES, Maps, Signs, Window, Work};

/// Windows that share each load of weights: 16 sums, their weights and one tap word fill the registers.
const TILE: usize = 8;

/// See [`super::signs`].
///
/// # Safety
/// The processor has the instructions, and [`super::signs`] has asserted the bounds.
#[target_feature(enable = "avx512f,avx512bw,avx512vnni,avx512vpopcntdq")]
pub(super) unsafe fn signs(work: Work, before: Option<Before>, signs: &mut Signs) {
    // SAFETY: the caller's; there are counts before for every window.
    unsafe {
        match before {
            None if signs.of_one_step() => all(work, OneStep(signs)),
            None => all(work, Steps { signs, before: None }),
            Some(Before { counts, scale }) => {
                all(work, Steps { signs, before: Some((counts.as_ptr(), scale)) });
            }
        }
    }
}

/// See [`super::counts`].
///
/// # Safety
/// The processor has the instructions, and [`super::counts`] has asserted the bounds.
#[target_feature(enable = "avx512f,avx512bw,avx512vnni,avx512vpopcntdq")]
pub(super) unsafe fn counts(work: Work, scale: Option<i32>, out: &mut [i32]) {
    // SAFETY: the caller's; `out` has room for 32 counts a window.
    unsafe {
        match scale {
            None => all(work, Counts(out.as_mut_ptr())),
            Some(scale) => all(work, Added(out.as_mut_ptr(), scale)),
        }
    }
}

/// Where the counts of a tile go.
trait Sink {
    /// Takes the counts of P windows, each with its image.
    ///
    /// # Safety
    /// The processor has the instructions, bounds have been asserted, and windows come in their order.
    unsafe fn take<const P: usize>(&mut self, places: &[(usize, Window); P], sums: [[__m512i; 2]; P]);
}

/// Bits, one limit a channel.
struct OneStep<'a, 'b>(&'a mut Signs<'b>);

/// Bits of several limits, or of counts that are added (times the scale) to those before. Steps on by 32 counts a window.
struct Steps<'a, 'b> {
    signs: &'a mut Signs<'b>,
    before: Option<(*const i32, i32)>,
}

/// The counts themselves. Steps on by 32 a window.
struct Counts(*mut i32);

/// So many times the counts, added to what is there. Steps on by 32 a window.
struct Added(*mut i32, i32);

impl Sink for OneStep<'_, '_> {
    #[target_feature(enable = "avx512f,avx512bw,avx512vnni,avx512vpopcntdq")]
    #[inline]
    unsafe fn take<const P: usize>(&mut self, places: &[(usize, Window); P], sums: [[__m512i; 2]; P]) {
        let signs = &mut *self.0;
        for (&(image, window), sum) in places.iter().zip(sums) {
            let target = image * signs.out_stride + window.target as usize + signs.column;
            // SAFETY: limits and targets were asserted for the last window of the last image.
            unsafe {
                let bits = met(sum, signs.limits.as_ptr().add(window.class as usize * LANES));
                *signs.out.get_unchecked_mut(target) |= bits ^ signs.flip;
            }
        }
    }
}

impl Sink for Steps<'_, '_> {
    #[target_feature(enable = "avx512f,avx512bw,avx512vnni,avx512vpopcntdq")]
    #[inline]
    unsafe fn take<const P: usize>(&mut self, places: &[(usize, Window); P], sums: [[__m512i; 2]; P]) {
        let signs = &mut *self.signs;
        for (&(image, window), mut sum) in places.iter().zip(sums) {
            // SAFETY: limits, targets and counts before were asserted for the last window of the last image.
            unsafe {
                if let Some((counts, scale)) = &mut self.before {
                    sum = added(*counts, *scale, sum);
                    *counts = counts.add(LANES);
                }
                let mut limits = signs.limits.as_ptr().add(window.class as usize * signs.steps * LANES);
                let mut target = image * signs.out_stride + window.target as usize + signs.column;
                for _ in 0..signs.steps {
                    *signs.out.get_unchecked_mut(target) |= met(sum, limits) ^ signs.flip;
                    limits = limits.add(LANES);
                    target += signs.step_stride;
                }
            }
        }
    }
}

impl Sink for Counts {
    #[target_feature(enable = "avx512f,avx512bw,avx512vnni,avx512vpopcntdq")]
    #[inline]
    unsafe fn take<const P: usize>(&mut self, _: &[(usize, Window); P], sums: [[__m512i; 2]; P]) {
        for sum in sums {
            // SAFETY: the caller gives room for every window of every image.
            unsafe {
                store(self.0, sum);
                self.0 = self.0.add(LANES);
            }
        }
    }
}

impl Sink for Added {
    #[target_feature(enable = "avx512f,avx512bw,avx512vnni,avx512vpopcntdq")]
    #[inline]
    unsafe fn take<const P: usize>(&mut self, _: &[(usize, Window); P], sums: [[__m512i; 2]; P]) {
        for sum in sums {
            // SAFETY: the caller gives room for every window of every image.
            unsafe {
                store(self.0, added(self.0, self.1, sum));
                self.0 = self.0.add(LANES);
            }
        }
    }
}

/// One bit a channel: the count is at most the limit.
///
/// # Safety
/// The processor has the instructions, and there are 32 limits.
#[target_feature(enable = "avx512f,avx512bw,avx512vnni,avx512vpopcntdq")]
#[inline]
unsafe fn met(sum: [__m512i; 2], limits: *const i32) -> u32 {
    // SAFETY: the caller's.
    let limit = unsafe { [_mm512_loadu_si512(limits.cast()), _mm512_loadu_si512(limits.add(16).cast())] };
    let (low, high) = (_mm512_cmple_epi32_mask(sum[0], limit[0]), _mm512_cmple_epi32_mask(sum[1], limit[1]));
    u32::from(low) | u32::from(high) << 16
}

/// `scale` times the counts of a window, added to the 32 at `counts`.
///
/// # Safety
/// The processor has the instructions, and there are 32 counts.
#[target_feature(enable = "avx512f,avx512bw,avx512vnni,avx512vpopcntdq")]
#[inline]
unsafe fn added(counts: *const i32, scale: i32, sum: [__m512i; 2]) -> [__m512i; 2] {
    let scale = _mm512_set1_epi32(scale);
    // SAFETY: the caller's.
    let before = unsafe { [_mm512_loadu_si512(counts.cast()), _mm512_loadu_si512(counts.add(16).cast())] };
    [
        _mm512_add_epi32(before[0], _mm512_mullo_epi32(scale, sum[0])),
        _mm512_add_epi32(before[1], _mm512_mullo_epi32(scale, sum[1])),
    ]
}

/// # Safety
/// The processor has the instructions, and there is room for 32 counts.
#[target_feature(enable = "avx512f,avx512bw,avx512vnni,avx512vpopcntdq")]
#[inline]
unsafe fn store(out: *mut i32, sum: [__m512i; 2]) {
    // SAFETY: the caller's.
    unsafe {
        _mm512_storeu_si512(out.cast(), sum[0]);
        _mm512_storeu_si512(out.add(16).cast(), sum[1]);
    }
}

/// All windows.
///
/// # Safety
/// The processor has the instructions, bounds have been asserted, and there is room for the counts of every window.
#[target_feature(enable = "avx512f,avx512bw,avx512vnni,avx512vpopcntdq")]
unsafe fn all(work: Work, mut sink: impl Sink) {
    // SAFETY: the caller's.
    unsafe {
        match work.maps {
            Maps::Bits(map) => all_tiles::<true, _>(&work, map.as_ptr().cast(), 4, &mut sink),
            Maps::Values(map) => all_tiles::<false, _>(&work, map.as_ptr().cast(), 2, &mut sink),
        }
    }
}

/// All windows against the maps at `base`, whose elements have `element` bytes.
///
/// # Safety
/// As [`all`]; `base` is the first element of the maps.
#[target_feature(enable = "avx512f,avx512bw,avx512vnni,avx512vpopcntdq")]
unsafe fn all_tiles<const BINARY: bool, S: Sink>(work: &Work, base: *const u8, element: usize, sink: &mut S) {
    let mut cursor = Cursor::new(work);
    // SAFETY: the caller's.
    unsafe {
        while cursor.left >= TILE {
            tile::<TILE, BINARY, S>(work, base, element, &mut cursor, sink);
        }
        while cursor.left >= 2 {
            tile::<2, BINARY, S>(work, base, element, &mut cursor, sink);
        }
        while cursor.left >= 1 {
            tile::<1, BINARY, S>(work, base, element, &mut cursor, sink);
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
unsafe fn tile<const P: usize, const BINARY: bool, S: Sink>(
    work: &Work,
    base: *const u8,
    element: usize,
    cursor: &mut Cursor,
    sink: &mut S,
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
    // SAFETY: the caller's.
    unsafe { sink.take(&places, sums) }
}
