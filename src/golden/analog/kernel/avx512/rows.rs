//! Images to words of bits, sums to bits and to rows of scores.

use std::arch::x86_64::*;

use super::super::{Bit, Rows, STRIP, Strip};
use crate::golden::analog::maps::LANES;

/// See [`super::super::at_least`].
///
/// # Safety
/// The processor has the instructions, and there are 32 sums a word.
#[target_feature(enable = "avx512f,avx512bw")]
pub unsafe fn at_least(sums: &[i16], threshold: i16, words: &mut [u32]) {
    let threshold = _mm512_set1_epi16(threshold);
    for (index, word) in words.iter_mut().enumerate() {
        // SAFETY: the caller's.
        let sums = unsafe { _mm512_loadu_si512(sums.as_ptr().add(index * LANES).cast()) };
        *word = _mm512_cmpge_epi16_mask(sums, threshold);
    }
}

/// Columns that are turned together, and those whose rows are written in one go: memory takes long stretches of a row much
/// faster than single lines of many.
const TURNED: usize = 16;
const WRITTEN: usize = 128;

/// See [`super::super::scores`].
///
/// # Safety
/// The processor has the instructions, and [`super::super::scores`] has asserted the bounds.
#[target_feature(enable = "avx512f,avx512bw")]
pub unsafe fn scores(sums: &[i16], stride: usize, shift: usize, subtrahends: &[i32], scores: &mut Rows) {
    let whole = subtrahends.len() / TURNED * TURNED;
    let mut turned = [[0i16; WRITTEN]; LANES];
    let count = _mm_cvtsi64_si128(shift as i64);
    for first in (0..whole).step_by(WRITTEN) {
        let length = WRITTEN.min(whole - first);
        // SAFETY: there are sums, subtrahends and scores of every column up to `whole`.
        unsafe {
            for column in (0..length).step_by(TURNED) {
                turn(sums.as_ptr().add((first + column) * stride), stride, &mut turned, column);
            }
            for (lane, sums) in turned.iter().enumerate().take(scores.count) {
                let to = scores.scores.as_mut_ptr().add(lane * scores.stride + first);
                for at in (0..length).step_by(TURNED) {
                    let sums = _mm256_loadu_si256(sums.as_ptr().add(at).cast());
                    let wide = _mm512_sll_epi32(_mm512_cvtepi16_epi32(sums), count);
                    let subtrahends = _mm512_loadu_si512(subtrahends.as_ptr().add(first + at).cast());
                    _mm512_storeu_si512(to.add(at).cast(), _mm512_sub_epi32(wide, subtrahends));
                }
            }
        }
    }
    if whole < subtrahends.len() {
        let mut rest =
            Rows { scores: &mut scores.scores[whole..], stride: scores.stride, count: scores.count };
        rest.plain(&sums[whole * stride..], stride, shift, &subtrahends[whole..]);
    }
}

/// Sixteen columns of 32 sums, `stride` apart, become columns `at` and on of 32 rows: in three rounds of interleaving within
/// every 128 bits, which leave eight columns of a row together, and a fourth that joins both halves of the row.
///
/// # Safety
/// The processor has the instructions, and the sums are there.
#[target_feature(enable = "avx512f,avx512bw")]
#[inline]
unsafe fn turn(sums: *const i16, stride: usize, rows: &mut [[i16; WRITTEN]; LANES], at: usize) {
    // Number i: in every 128 bits g, eight columns of row 8 g + i.
    let eight = |first: usize| -> [__m512i; 8] {
        // SAFETY: the caller's.
        let c: [__m512i; 8] = std::array::from_fn(|column| unsafe {
            _mm512_loadu_si512(sums.add((first + column) * stride).cast())
        });
        let low: [__m512i; 4] = std::array::from_fn(|i| _mm512_unpacklo_epi16(c[2 * i], c[2 * i + 1]));
        let high: [__m512i; 4] = std::array::from_fn(|i| _mm512_unpackhi_epi16(c[2 * i], c[2 * i + 1]));
        let fours = [low, high].map(|pairs| {
            [
                [_mm512_unpacklo_epi32(pairs[0], pairs[1]), _mm512_unpacklo_epi32(pairs[2], pairs[3])],
                [_mm512_unpackhi_epi32(pairs[0], pairs[1]), _mm512_unpackhi_epi32(pairs[2], pairs[3])],
            ]
        });
        std::array::from_fn(|i| {
            let [left, right] = fours[i / 4][i / 2 % 2];
            if i % 2 == 0 { _mm512_unpacklo_epi64(left, right) } else { _mm512_unpackhi_epi64(left, right) }
        })
    };
    let (left, right) = (eight(0), eight(TURNED / 2));
    let first = _mm512_setr_epi64(0, 1, 8, 9, 2, 3, 10, 11);
    let second = _mm512_setr_epi64(4, 5, 12, 13, 6, 7, 14, 15);
    for (i, (left, right)) in left.into_iter().zip(right).enumerate() {
        for (half, places) in [first, second].into_iter().enumerate() {
            let pair = _mm512_permutex2var_epi64(left, places, right);
            let pair = [_mm512_castsi512_si256(pair), _mm512_extracti64x4_epi64::<1>(pair)];
            for (odd, row) in pair.into_iter().enumerate() {
                let to = &mut rows[8 * (2 * half + odd) + i][at..at + TURNED];
                // SAFETY: the 32 bytes of a vector.
                unsafe { _mm256_storeu_si256(to.as_mut_ptr().cast(), row) };
            }
        }
    }
}

/// See [`super::super::take`].
///
/// # Safety
/// The processor has the instructions, and [`super::super::take`] has asserted the bounds.
#[target_feature(enable = "avx512f,avx512bw")]
pub unsafe fn take(bit: Bit, elements: &[i16], image: usize, strips: &mut [Strip]) {
    let (whole, rest) = elements.as_chunks::<STRIP>();
    let mut words = strips.iter_mut().map(|strip| &mut strip[image]);
    for (values, word) in whole.iter().zip(&mut words) {
        // SAFETY: the 64 bytes of a vector.
        *word = bits(bit, unsafe { _mm512_loadu_si512(values.as_ptr().cast()) });
    }
    if let Some(word) = words.next() {
        // SAFETY: lanes outside the image are not read.
        let values = unsafe { _mm512_maskz_loadu_epi16(u32::MAX >> (STRIP - rest.len()), rest.as_ptr()) };
        *word = bits(bit, values);
    }
}

/// `bit` of every lane.
///
/// # Safety
/// The processor has the instructions.
#[target_feature(enable = "avx512f,avx512bw")]
#[inline]
fn bits(bit: Bit, values: __m512i) -> u32 {
    match bit {
        Bit::Sign => _mm512_cmpgt_epi16_mask(values, _mm512_setzero_si512()),
        Bit::Distance { lowest, place } => {
            let distance = _mm512_sub_epi16(values, _mm512_set1_epi16(lowest));
            _mm512_test_epi16_mask(distance, _mm512_set1_epi16(1 << place))
        }
    }
}

/// See [`super::super::transpose`]: rows and columns change places in blocks of 16, then in those of 8 inside each, and so
/// on.
///
/// # Safety
/// The processor has the instructions.
#[target_feature(enable = "avx512f,avx512bw")]
pub unsafe fn transpose(strip: &Strip) -> Strip {
    // SAFETY: a strip holds two vectors.
    let (upper, lower) = unsafe {
        (_mm512_loadu_si512(strip.as_ptr().cast()), _mm512_loadu_si512(strip.as_ptr().add(16).cast()))
    };
    let left = _mm512_set1_epi32(0xFFFF);
    let upper_left = select(left, upper, _mm512_slli_epi32::<16>(lower));
    let mut halves = [upper_left, select(left, _mm512_srli_epi32::<16>(upper), lower)];
    for round in &ROUNDS {
        // SAFETY: 64 bytes each.
        let [partner, turn, kept] = [round.partner, round.turn, round.kept]
            .map(|lanes| unsafe { _mm512_loadu_si512(lanes.as_ptr().cast()) });
        for half in &mut halves {
            let moved = _mm512_rolv_epi32(_mm512_permutexvar_epi32(partner, *half), turn);
            *half = select(kept, *half, moved);
        }
    }
    let mut words = [0; STRIP];
    // SAFETY: a strip holds two vectors.
    unsafe {
        _mm512_storeu_si512(words.as_mut_ptr().cast(), halves[0]);
        _mm512_storeu_si512(words.as_mut_ptr().add(16).cast(), halves[1]);
    }
    words
}

/// Bits of `a` where `which` has ones, elsewhere those of `b`.
///
/// # Safety
/// The processor has the instructions.
#[target_feature(enable = "avx512f,avx512bw")]
#[inline]
fn select(which: __m512i, a: __m512i, b: __m512i) -> __m512i {
    _mm512_ternarylogic_epi32::<0xCA>(which, a, b)
}

/// What 16 rows exchange in one round.
struct Round {
    /// The row that each exchanges bits with.
    partner: [u32; 16],
    /// How far the partner's bits turn to the left.
    turn: [u32; 16],
    /// Bits that a row keeps.
    kept: [u32; 16],
}

/// Blocks of 8, 4, 2 and 1.
const ROUNDS: [Round; 4] = {
    let mut rounds = [const { Round { partner: [0; 16], turn: [0; 16], kept: [0; 16] } }; 4];
    let left = [0x00FF_00FF, 0x0F0F_0F0F, 0x3333_3333, 0x5555_5555];
    let mut at = 0;
    while at < 4 * 16 {
        let (round, row, block) = (at / 16, at % 16, 8 >> (at / 16));
        let above = row & block == 0;
        rounds[round].partner[row] = (row ^ block) as u32;
        rounds[round].turn[row] = (if above { block } else { 32 - block }) as u32;
        rounds[round].kept[row] = if above { left[round] } else { !left[round] };
        at += 1;
    }
    rounds
};
