//! From the words of a map to what every block looks up.

use std::arch::x86_64::*;

use super::super::Panel;
use super::super::tables::{BLOCKS, MOST_ROWS, Tables};
use crate::golden::analog::maps::LANES;

/// See [`super::super::index`].
///
/// # Safety
/// The processor has the instructions, and [`super::super::index`] has asserted the bounds.
#[target_feature(enable = "avx512f,avx512bw")]
pub unsafe fn index(tables: &Tables, panel: &Panel, indices: &mut [u16]) {
    let turns = std::is_x86_feature_detected!("gfni")
        && std::is_x86_feature_detected!("avx512vl")
        && std::is_x86_feature_detected!("avx512vbmi");
    // SAFETY: the caller's, and the processor has the instructions that `turns` stands for.
    unsafe {
        match (tables.group, turns) {
            (MOST_ROWS, true) => turning::<MOST_ROWS>(tables, panel, indices),
            (MOST_ROWS, false) => adding::<MOST_ROWS>(tables, panel, indices),
            (_, true) => turning::<5>(tables, panel, indices),
            (_, false) => adding::<5>(tables, panel, indices),
        }
    }
}

/// [`index`] of groups of G rows, with a matrix of bits turned at once where a group's words follow each other.
///
/// # Safety
/// As [`index`], and the processor has these instructions.
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512vbmi,gfni")]
unsafe fn turning<const G: usize>(tables: &Tables, panel: &Panel, indices: &mut [u16]) {
    // SAFETY: the caller's; a list of bytes holds a vector.
    unsafe {
        let bytes = _mm256_loadu_si256(BYTES.as_ptr().cast());
        // Row b of an identity picks bit b of each of the eight rows that a matrix has.
        let identity = _mm256_set1_epi64x(i64::from_le_bytes([1, 2, 4, 8, 16, 32, 64, 128u8]));
        for_each::<G>(tables, panel, indices, |words, run, map| {
            if !run {
                return sum(words, map);
            }
            let words = _mm256_maskz_loadu_epi32(u8::MAX >> (8 - G), map.add(words[0]).cast());
            let matrices = _mm256_permutexvar_epi8(bytes, words);
            _mm512_cvtepu8_epi16(_mm256_gf2p8affine_epi64_epi8::<0>(identity, matrices))
        });
    }
}

/// Where the matrix of every eight lanes finds its rows among the bytes of eight words: the last word's first.
const BYTES: [u8; 32] = {
    let mut bytes = [0; 32];
    let mut at = 0;
    while at < 32 {
        bytes[at] = (4 * (7 - at % 8) + at / 8) as u8;
        at += 1;
    }
    bytes
};

/// [`index`] of groups of G rows.
///
/// # Safety
/// As [`index`].
#[target_feature(enable = "avx512f,avx512bw")]
unsafe fn adding<const G: usize>(tables: &Tables, panel: &Panel, indices: &mut [u16]) {
    // SAFETY: the caller's.
    unsafe { for_each::<G>(tables, panel, indices, |words, _, map| sum(words, map)) }
}

/// The bits of a group's words as one number a lane.
///
/// # Safety
/// The words lie in the map.
#[target_feature(enable = "avx512f,avx512bw")]
#[inline]
unsafe fn sum<const G: usize>(words: &[usize; G], map: *const u32) -> __m512i {
    let mut index = _mm512_setzero_si512();
    for (bit, &word) in words.iter().enumerate() {
        // SAFETY: the caller's.
        let lanes = unsafe { *map.add(word) };
        index = _mm512_mask_add_epi16(index, lanes, index, _mm512_set1_epi16(1 << bit));
    }
    index
}

/// Stores what `of` makes of every group's words, whether they follow each other, and the window's place in the map.
///
/// # Safety
/// As [`index`].
#[inline(always)]
unsafe fn for_each<const G: usize>(
    tables: &Tables,
    panel: &Panel,
    indices: &mut [u16],
    of: impl Fn(&[usize; G], bool, *const u32) -> __m512i,
) {
    for (at, block) in panel.blocks.iter().enumerate() {
        let mut out = indices[(at / BLOCKS * tables.groups * BLOCKS + at % BLOCKS) * LANES..].as_mut_ptr();
        // SAFETY: origin and largest word were asserted to lie in the maps, and `indices` has room for every group of all
        // quads of blocks.
        unsafe {
            let map = panel.maps.as_ptr().add(block.origin);
            for (words, &run) in tables.words.as_chunks::<G>().0.iter().zip(&tables.runs) {
                out.cast::<__m512i>().write_unaligned(of(words, run, map));
                out = out.wrapping_add(BLOCKS * LANES);
            }
        }
    }
}
