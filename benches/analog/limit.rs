//! The most row additions that this processor does by look-up: the two instructions of the inner loop on
//! registers, and nothing else.

use bincim::golden::analog::InstructionSet;

/// Passes over the 16 sums in one timed call, about 0.1 ms.
const PASSES: usize = 20_000;

/// Vectors of one look-up.
const VECTORS: usize = 32;

/// 10^9 multiply-adds a second of the best of `calls` calls, with as many rows a look-up as `set` has; `None` without
/// the instructions.
pub fn gmacs(set: InstructionSet, calls: usize) -> Option<f64> {
    #[cfg(target_arch = "x86_64")]
    if let Some(rows) = set.rows_of_look_up() {
        assert!(set.available());
        let (tables, indices) = std::hint::black_box(([[3i16; 32]; 5], [[5i16; 32]; 4]));
        let mut best = f64::INFINITY;
        for _ in 0..calls {
            // SAFETY: the processor has the instructions of `set`.
            let call = || unsafe {
                std::hint::black_box(match rows {
                    6 => look_ups::<6>(&tables, &indices),
                    _ => look_ups::<5>(&tables, &indices),
                })
            };
            best = best.min(super::seconds(call));
        }
        return Some((16 * PASSES * rows * VECTORS) as f64 / best / 1e9);
    }
    let _ = (set, calls, PASSES, VECTORS);
    None
}

/// Look-ups of G rows: in one table, or in two.
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx512bw")]
fn look_ups<const G: usize>(tables: &[[i16; 32]; 5], indices: &[[i16; 32]; 4]) -> i16 {
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
            let (index, table) = (indices[at % 4], tables[at / 4]);
            let partial = match G {
                6 => _mm512_permutex2var_epi16(table, index, tables[at / 4 + 1]),
                _ => _mm512_permutexvar_epi16(index, table),
            };
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
