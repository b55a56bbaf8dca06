//! The most XNOR-popcount operations this processor does: a loop over data that stay in the first-level
//! cache, with the same three instructions a vector as the engine and nothing else.

use std::time::{Duration, Instant};

/// Words of the loop's data: 16 KiB.
const WORDS: usize = 4096;

/// Passes over the data in one timed call, about 0.1 ms.
const PASSES: u32 = 1000;

/// 10^9 operations a second (two a bit) of the best call within `time`.
pub fn gops(time: Duration) -> f64 {
    let data: Vec<u32> = (0..WORDS as u32 + 16).map(|i| i.wrapping_mul(0x9e37_79b9)).collect();
    let start = data.as_ptr().align_offset(64);
    let data = &data[start..start + WORDS];
    let begin = Instant::now();
    let mut best = f64::INFINITY;
    while begin.elapsed() < time {
        let begin = Instant::now();
        std::hint::black_box(count(std::hint::black_box(data)));
        best = best.min(begin.elapsed().as_secs_f64());
    }
    2.0 * (WORDS * 32) as f64 * f64::from(PASSES) / best / 1e9
}

#[cfg(target_arch = "x86_64")]
fn count(data: &[u32]) -> i64 {
    if std::is_x86_feature_detected!("avx512f") && std::is_x86_feature_detected!("avx512vpopcntdq") {
        // SAFETY: the processor has the instructions.
        return unsafe { count_avx512(data) };
    }
    if std::is_x86_feature_detected!("popcnt") {
        // SAFETY: the processor has the instruction.
        return unsafe { count_popcnt(data) };
    }
    count_plain(data)
}

#[cfg(not(target_arch = "x86_64"))]
fn count(data: &[u32]) -> i64 {
    count_plain(data)
}

/// [`count_plain`] with wide vectors.
///
/// # Safety
/// The processor has the instructions.
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx512vpopcntdq")]
fn count_avx512(data: &[u32]) -> i64 {
    use std::arch::x86_64::*;
    let mut sums = [_mm512_setzero_si512(); 16];
    for pass in 0..PASSES {
        let tap = _mm512_set1_epi32(std::hint::black_box(pass) as i32);
        for vectors in data.chunks_exact(16 * 16) {
            for (sum, vector) in sums.iter_mut().zip(vectors.chunks_exact(16)) {
                // SAFETY: a chunk holds the 64 bytes of a vector.
                let weights = unsafe { _mm512_loadu_si512(vector.as_ptr().cast()) };
                *sum = _mm512_add_epi32(*sum, _mm512_popcnt_epi32(_mm512_xor_si512(weights, tap)));
            }
        }
    }
    sums.into_iter().map(|sum| i64::from(_mm512_reduce_add_epi32(sum))).sum()
}

/// [`count_plain`] with the instruction that counts.
///
/// # Safety
/// The processor has the instructions.
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "popcnt")]
fn count_popcnt(data: &[u32]) -> i64 {
    count_plain(data)
}

#[inline(always)]
fn count_plain(data: &[u32]) -> i64 {
    let mut sum = 0;
    for pass in 0..PASSES {
        let tap = std::hint::black_box(u64::from(pass));
        for pair in data.chunks_exact(2) {
            let word = u64::from(pair[0]) | u64::from(pair[1]) << 32;
            sum += i64::from((word ^ tap).count_ones());
        }
    }
    sum
}
