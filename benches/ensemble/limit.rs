//! The most three-input logic operations on bits this processor does: a loop on registers and nothing else.

use std::time::{Duration, Instant};

/// Operations of one timed call on each of 16 registers, about 0.1 ms.
const PASSES: u32 = 10_000;

/// 10^9 bits a second that pass one operation, of the best call within `time`; 0 where the processor has no AVX-512.
pub fn gigabits(time: Duration) -> f64 {
    let begin = Instant::now();
    let mut best = 0f64;
    while begin.elapsed() < time {
        let begin = Instant::now();
        let bits = call();
        best = best.max(bits / begin.elapsed().as_secs_f64());
    }
    best / 1e9
}

#[cfg(target_arch = "x86_64")]
fn call() -> f64 {
    if std::is_x86_feature_detected!("avx512f") {
        // SAFETY: the processor has the instructions.
        return unsafe { avx512() };
    }
    0.0
}

#[cfg(not(target_arch = "x86_64"))]
fn call() -> f64 {
    0.0
}

/// Bits that passed one operation.
///
/// # Safety
/// The processor has the instructions.
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f")]
fn avx512() -> f64 {
    use std::arch::x86_64::*;
    let mut sums: [__m512i; 16] =
        std::array::from_fn(|at| _mm512_set1_epi64(std::hint::black_box(at as i64)));
    let other = _mm512_set1_epi64(std::hint::black_box(0x5555));
    for pass in 0..PASSES {
        let tap = _mm512_set1_epi32(std::hint::black_box(pass) as i32);
        for sum in &mut sums {
            // The majority of three.
            *sum = _mm512_ternarylogic_epi64::<0xe8>(*sum, tap, other);
            *sum = _mm512_ternarylogic_epi64::<0x96>(*sum, tap, other);
        }
    }
    std::hint::black_box(sums);
    f64::from(PASSES) * 2.0 * 16.0 * 512.0
}
