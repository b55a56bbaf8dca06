//! What the machine could do at best: products a second of one thread that multiplies numbers in registers.

use std::time::{Duration, Instant};

/// Billions of products a second in single precision and of bytes, on `threads` threads; 0 where the processor has no
/// such instructions.
pub fn measure(threads: usize) -> (f64, f64) {
    let each = |one: fn() -> f64| {
        let handles: Vec<_> = (0..threads).map(|_| std::thread::spawn(one)).collect();
        handles.into_iter().map(|handle| handle.join().expect("a limit")).sum()
    };
    (each(wide), each(narrow))
}

/// The best of many short loops of `count` products each.
fn best(count: usize, mut run: impl FnMut()) -> f64 {
    let begin = Instant::now();
    let mut least = f64::INFINITY;
    while begin.elapsed() < Duration::from_millis(150) {
        let start = Instant::now();
        run();
        least = least.min(start.elapsed().as_secs_f64());
    }
    count as f64 / least / 1e9
}

#[cfg(target_arch = "x86_64")]
mod loops {
    use std::arch::x86_64::*;
    use std::hint::black_box;

    pub const TURNS: usize = 20_000;
    /// Chains of sums that hide the instruction's latency.
    pub const CHAINS: usize = 20;

    /// # Safety
    /// The processor has AVX-512.
    #[target_feature(enable = "avx512f")]
    pub unsafe fn wide() {
        let (a, b) = (black_box(_mm512_set1_ps(0.5)), black_box(_mm512_set1_ps(0.25)));
        // Sums that the compiler must take to differ.
        let mut sums = black_box([_mm512_setzero_ps(); CHAINS]);
        for _ in 0..TURNS {
            sums = sums.map(|sum| _mm512_fmadd_ps(a, b, sum));
        }
        black_box(sums);
    }

    /// # Safety
    /// The processor has AVX-512 with VNNI.
    #[target_feature(enable = "avx512f,avx512vnni")]
    pub unsafe fn narrow() {
        let (a, b) = (black_box(_mm512_set1_epi32(0x0102_0304)), black_box(_mm512_set1_epi32(0x01ff_01ff)));
        let mut sums = black_box([_mm512_setzero_si512(); CHAINS]);
        for _ in 0..TURNS {
            sums = sums.map(|sum| _mm512_dpbusd_epi32(sum, a, b));
        }
        black_box(sums);
    }
}

fn wide() -> f64 {
    #[cfg(target_arch = "x86_64")]
    if std::is_x86_feature_detected!("avx512f") {
        // SAFETY: the processor has the instructions.
        return best(loops::TURNS * loops::CHAINS * 16, || unsafe { loops::wide() });
    }
    0.0
}

fn narrow() -> f64 {
    #[cfg(target_arch = "x86_64")]
    if std::is_x86_feature_detected!("avx512f") && std::is_x86_feature_detected!("avx512vnni") {
        // SAFETY: the processor has the instructions.
        return best(loops::TURNS * loops::CHAINS * 64, || unsafe { loops::narrow() });
    }
    0.0
}
