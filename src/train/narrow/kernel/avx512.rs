//! The inner loops for AVX-512 with VNNI: 16 columns a vector, some rows and vectors a tile.

use super::{Bytes, Finish, LANES, Left, Rounding, Sums};
use std::arch::x86_64::*;

/// See [`super::product`]. A tile has as many sums as leave registers for its weights and one tap.
///
/// # Safety
/// The processor has the instructions, and [`super::product`] has asserted the bounds.
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512vnni")]
pub unsafe fn product(left: Left, panel: &[i32], sums: &mut Sums, first: bool) {
    // SAFETY: the caller's; the vectors are those of the panel.
    unsafe {
        match sums.width / LANES {
            1 => tiles::<12, 1>(left, panel, sums, first),
            2 => tiles::<8, 2>(left, panel, sums, first),
            3 => tiles::<8, 3>(left, panel, sums, first),
            _ => tiles::<6, 4>(left, panel, sums, first),
        }
    }
}

/// All rows, `P` a tile; the last tile repeats its last row and keeps only what it has.
///
/// # Safety
/// As [`product`]; the panel has `V` vectors a step.
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512vnni")]
unsafe fn tiles<const P: usize, const V: usize>(left: Left, panel: &[i32], sums: &mut Sums, first: bool) {
    for (tile, starts) in left.starts.chunks(P).enumerate() {
        let rows: [u32; P] = std::array::from_fn(|p| starts[p.min(starts.len() - 1)]);
        // SAFETY: sums of every row of the tile were asserted to have room.
        unsafe {
            let at = sums.values.as_mut_ptr().add(tile * P * sums.stride);
            let mut made = [[_mm512_setzero_si512(); V]; P];
            if !first {
                for (p, made) in made.iter_mut().enumerate().take(starts.len()) {
                    *made = std::array::from_fn(|v| {
                        _mm512_loadu_si512(at.add(p * sums.stride + v * LANES).cast())
                    });
                }
            }
            let made = sum(left, rows, panel, made);
            for (p, made) in made.into_iter().enumerate().take(starts.len()) {
                for (v, made) in made.into_iter().enumerate() {
                    _mm512_storeu_si512(at.add(p * sums.stride + v * LANES).cast(), made);
                }
            }
        }
    }
}

/// The sums of `P` rows with `V` vectors of columns, added to `sums`.
///
/// # Safety
/// As [`tiles`]; `starts` are such of the left factor.
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512vnni")]
#[inline]
unsafe fn sum<const P: usize, const V: usize>(
    left: Left,
    starts: [u32; P],
    panel: &[i32],
    mut sums: [[__m512i; V]; P],
) -> [[__m512i; V]; P] {
    let mut words = panel.as_ptr().cast::<__m512i>();
    // SAFETY: every start and step were asserted to leave four bytes; the panel has `V` vectors a step.
    unsafe {
        let rows = starts.map(|start| left.bytes.as_ptr().add(start as usize));
        for &step in left.steps {
            let columns: [__m512i; V] = std::array::from_fn(|v| _mm512_loadu_si512(words.add(v)));
            words = words.add(V);
            for p in 0..P {
                let taps = _mm512_set1_epi32(rows[p].add(step as usize).cast::<i32>().read_unaligned());
                for v in 0..V {
                    sums[p][v] = _mm512_dpbusd_epi32(sums[p][v], taps, columns[v]);
                }
            }
        }
    }
    sums
}

/// Which of 16 columns from `from` on are below `columns`.
fn mask(columns: usize, from: usize) -> __mmask16 {
    match columns - from {
        left if left >= LANES => !0,
        left => (1 << left) - 1,
    }
}

/// See [`super::finish`].
///
/// # Safety
/// The processor has the instructions, and [`super::finish`] has asserted the bounds.
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512vnni")]
pub unsafe fn finish(sums: &Sums, rows: usize, how: &Finish, out: &mut [f32], stride: usize) {
    let columns = how.scales.len();
    for from in (0..columns).step_by(LANES) {
        let mask = mask(columns, from);
        // SAFETY: rows and columns were asserted to lie inside, and the mask leaves out what is beyond.
        unsafe {
            let offset = _mm512_maskz_loadu_epi32(mask, how.offsets.as_ptr().add(from));
            let scale = _mm512_maskz_loadu_ps(mask, how.scales.as_ptr().add(from));
            for m in 0..rows {
                let sum = _mm512_maskz_loadu_epi32(mask, sums.values.as_ptr().add(m * sums.stride + from));
                let mut value = _mm512_mul_ps(_mm512_cvtepi32_ps(_mm512_sub_epi32(sum, offset)), scale);
                let at = out.as_mut_ptr().add(m * stride + from);
                if how.add {
                    value = _mm512_add_ps(_mm512_maskz_loadu_ps(mask, at), value);
                }
                _mm512_mask_storeu_ps(at, mask, value);
            }
        }
    }
}

/// 16 numbers of [`super::plain::chance`] from `index` on, from 0 to below 1.
///
/// # Safety
/// The processor has the instructions.
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512vnni")]
#[inline]
unsafe fn chances(index: u32, key: u32) -> __m512 {
    let lanes = _mm512_set_epi32(15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0);
    let mut x = _mm512_add_epi32(lanes, _mm512_set1_epi32(index.wrapping_add(key) as i32));
    x = _mm512_xor_si512(x, _mm512_srli_epi32::<16>(x));
    x = _mm512_mullo_epi32(x, _mm512_set1_epi32(0x7feb_352d));
    x = _mm512_xor_si512(x, _mm512_srli_epi32::<15>(x));
    x = _mm512_mullo_epi32(x, _mm512_set1_epi32(0x846c_a68b_u32 as i32));
    x = _mm512_xor_si512(x, _mm512_srli_epi32::<16>(x));
    _mm512_mul_ps(_mm512_cvtepi32_ps(_mm512_srli_epi32::<8>(x)), _mm512_set1_ps(1.0 / 16_777_216.0))
}

/// See [`super::quantise`].
///
/// # Safety
/// The processor has the instructions, and [`super::quantise`] has asserted the bounds.
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512vnni")]
pub unsafe fn quantise(line: &[f32], how: &Rounding, index: u32, to: &mut Bytes) {
    let columns = how.inverse.len();
    let pixels = line.len() / columns;
    let (low, high) = (_mm512_set1_ps(-127.0), _mm512_set1_ps(127.0));
    for from in (0..columns).step_by(LANES) {
        let mask = mask(columns, from);
        let panel = from / to.width * to.panel_words + from % to.width;
        // SAFETY: pixels, columns, map and words were asserted to lie inside, and the mask leaves out what is beyond.
        unsafe {
            let inverse = _mm512_maskz_loadu_ps(mask, how.inverse.as_ptr().add(from));
            for group in 0..pixels.div_ceil(4) {
                let mut word = _mm512_setzero_si512();
                for x in 4 * group..pixels.min(4 * group + 4) {
                    let at = x * columns + from;
                    let value = _mm512_maskz_loadu_ps(mask, line.as_ptr().add(at));
                    let chance = chances(index.wrapping_add(at as u32), how.key);
                    let moved = _mm512_add_ps(_mm512_mul_ps(value, inverse), chance);
                    let down = _mm512_roundscale_ps::<{ _MM_FROUND_TO_NEG_INF | _MM_FROUND_NO_EXC }>(moved);
                    // What is no number becomes 0, as a cast makes it.
                    let number = _mm512_cmp_ps_mask::<_CMP_ORD_Q>(down, down) & mask;
                    let held = _mm512_min_ps(_mm512_max_ps(down, low), high);
                    let rounded = _mm512_maskz_cvtps_epi32(number, held);
                    let byte = _mm512_and_si512(rounded, _mm512_set1_epi32(255));
                    let shift = _mm512_set1_epi32((x % 4 * 8) as i32);
                    word = _mm512_or_si512(word, _mm512_sllv_epi32(byte, shift));
                    let above = _mm512_cvtepi32_epi8(_mm512_xor_si512(byte, _mm512_set1_epi32(128)));
                    _mm_mask_storeu_epi8(to.map.as_mut_ptr().add(x * to.step + from).cast(), mask, above);
                }
                _mm512_mask_storeu_epi32(to.words.as_mut_ptr().add(panel + group * to.width), mask, word);
            }
        }
    }
}
