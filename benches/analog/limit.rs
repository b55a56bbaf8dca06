//! The most row additions that this processor does by look-up: the two instructions of the inner loop on
//! registers, and nothing else.

/// Passes over the 16 sums in one timed call, about 0.1 ms.
const PASSES: usize = 20_000;

/// Rows times vectors of one look-up: five rows of 32 vectors.
const ADDITIONS: usize = 5 * 32;

/// 10^9 multiply-adds a second of the best of `calls` calls; `None` without the instructions.
pub fn gmacs(calls: usize) -> Option<f64> {
    #[cfg(target_arch = "x86_64")]
    if std::is_x86_feature_detected!("avx512f") && std::is_x86_feature_detected!("avx512bw") {
        let (tables, indices) = std::hint::black_box(([[3i16; 32]; 4], [[5i16; 32]; 4]));
        let mut best = f64::INFINITY;
        for _ in 0..calls {
            // SAFETY: the processor has the instructions.
            let call = || std::hint::black_box(unsafe { look_ups(&tables, &indices) });
            best = best.min(super::seconds(call));
        }
        return Some((16 * PASSES * ADDITIONS) as f64 / best / 1e9);
    }
    let _ = (calls, PASSES, ADDITIONS);
    None
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx512bw")]
fn look_ups(tables: &[[i16; 32]; 4], indices: &[[i16; 32]; 4]) -> i16 {
    use std::arch::x86_64::*;
    // SAFETY: every row holds the 64 bytes of a vector.
    let load = |from: &[i16; 32]| unsafe { _mm512_loadu_si512(from.as_ptr().cast()) };
    let (tables, mut indices) = (tables.each_ref().map(load), indices.each_ref().map(load));
    let mut sums = [_mm512_setzero_si512(); 16];
    for _ in 0..PASSES {
        for index in &mut indices {
            // SAFETY: no instruction; the compiler may not take the look-ups out of the loop.
            unsafe { std::arch::asm!("/* {0} */", inout(zmm_reg) * index, options(nomem, nostack)) };
        }
        for (at, sum) in sums.iter_mut().enumerate() {
            let partial = _mm512_permutexvar_epi16(indices[at % 4], tables[at / 4]);
            *sum = _mm512_add_epi16(*sum, partial);
        }
    }
    let mut out = [0i16; 32];
    for sum in sums {
        // SAFETY: `out` holds the 64 bytes of a vector.
        unsafe { _mm512_storeu_si512(out.as_mut_ptr().cast(), _mm512_add_epi16(sum, load(&out))) };
    }
    out.into_iter().fold(0, |all, one| all ^ one)
}
