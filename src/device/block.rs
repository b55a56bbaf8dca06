//! Random numbers of many rows at once: the bits of [`Stream::pair`] and [`Stream::normals`], several rows an instruction.
//!
//! Every operation is one of the scalar path, in the same order on each lane; nothing is fused or approximated, so the
//! results are equal in every bit, whatever the processor. The few deviates beyond 0.425 of the probability scale are
//! gathered and go through the logarithm together, those of the far tail (1 in 10^10) through the scalar path. `unsafe`
//! only says that the processor has the instructions.

use super::random::{CENTRE, Kind, MIDDLE, Stream, normal, polynomial};

/// Rows of one round.
const ROWS: usize = 64;

/// Lanes of one loop: eight numbers of 64 bits.
const LANES: usize = 8;

/// [`Stream::pair`] of (`column`, row) for all `rows`.
pub fn pairs(stream: &Stream, kind: Kind, column: usize, rows: &[u32]) -> Vec<[u64; 2]> {
    let mut out = vec![[0; 2]; rows.len()];
    let start = stream.counter(kind, column, 0);
    for (rows, out) in rows.chunks(ROWS).zip(out.chunks_mut(ROWS)) {
        let mut bits = [[0; ROWS]; 2];
        dispatch(Work::Pairs, &start, stream.key, rows, &mut bits, &mut [[0.0; ROWS]; 2]);
        for (row, out) in out.iter_mut().enumerate() {
            *out = [bits[0][row], bits[1][row]];
        }
    }
    out
}

/// [`Stream::normals`] of (`column`, row) for all `rows`.
pub fn normals(stream: &Stream, kind: Kind, column: usize, rows: &[u32]) -> Vec<[f64; 2]> {
    let mut out = vec![[0.0; 2]; rows.len()];
    let start = stream.counter(kind, column, 0);
    for (rows, out) in rows.chunks(ROWS).zip(out.chunks_mut(ROWS)) {
        let mut deviates = [[0.0; ROWS]; 2];
        dispatch(Work::Normals, &start, stream.key, rows, &mut [[0; ROWS]; 2], &mut deviates);
        for (row, out) in out.iter_mut().enumerate() {
            *out = [deviates[0][row], deviates[1][row]];
        }
    }
    out
}

/// What is to be made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Work {
    Pairs,
    Normals,
}

/// One round on the widest instructions there are.
fn dispatch(
    work: Work,
    start: &[u32; 4],
    key: [u32; 2],
    rows: &[u32],
    bits: &mut [[u64; ROWS]; 2],
    deviates: &mut [[f64; ROWS]; 2],
) {
    #[cfg(target_arch = "x86_64")]
    {
        if std::is_x86_feature_detected!("avx512dq") && std::is_x86_feature_detected!("avx512vl") {
            // SAFETY: the processor has the instructions.
            return unsafe { avx512(work, start, key, rows, bits, deviates) };
        }
        if std::is_x86_feature_detected!("avx2") {
            // SAFETY: the processor has the instructions.
            return unsafe { avx2(work, start, key, rows, bits, deviates) };
        }
    }
    plain(work, start, key, rows, bits, deviates);
}

/// [`plain`] with wide vectors.
///
/// # Safety
/// The processor has the instructions.
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx512dq,avx512vl")]
fn avx512(
    work: Work,
    start: &[u32; 4],
    key: [u32; 2],
    rows: &[u32],
    bits: &mut [[u64; ROWS]; 2],
    deviates: &mut [[f64; ROWS]; 2],
) {
    plain(work, start, key, rows, bits, deviates);
}

/// [`plain`] with vectors.
///
/// # Safety
/// The processor has the instructions.
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2")]
fn avx2(
    work: Work,
    start: &[u32; 4],
    key: [u32; 2],
    rows: &[u32],
    bits: &mut [[u64; ROWS]; 2],
    deviates: &mut [[f64; ROWS]; 2],
) {
    plain(work, start, key, rows, bits, deviates);
}

/// The work itself; compiled into each of its callers for their instructions.
#[inline(always)]
fn plain(
    work: Work,
    start: &[u32; 4],
    key: [u32; 2],
    rows: &[u32],
    bits: &mut [[u64; ROWS]; 2],
    deviates: &mut [[f64; ROWS]; 2],
) {
    let mut padded = [0u64; ROWS];
    padded.iter_mut().zip(rows).for_each(|(to, row)| *to = u64::from(*row));
    let [low, high] = bits;
    let groups = rows.len().div_ceil(LANES);
    let places = padded.as_chunks::<LANES>().0.iter().zip(low.as_chunks_mut::<LANES>().0);
    for ((rows, low), high) in places.zip(high.as_chunks_mut::<LANES>().0).take(groups) {
        philox(start, key, rows, low, high);
    }
    if work == Work::Pairs {
        return;
    }
    for (bits, deviates) in [low, high].into_iter().zip(deviates) {
        deviate(bits, rows.len(), deviates);
    }
}

/// Philox4x32-10 of eight rows: [`super::random::philox`] with 32-bit numbers in 64-bit lanes.
#[inline(always)]
fn philox(
    start: &[u32; 4],
    mut key: [u32; 2],
    rows: &[u64; LANES],
    low: &mut [u64; LANES],
    high: &mut [u64; LANES],
) {
    const WORD: u64 = 0xffff_ffff;
    let [mut a, mut b, mut c] = [start[0], start[1], start[2]].map(|word| [u64::from(word); LANES]);
    let mut d = *rows;
    for _ in 0..10 {
        let keys = key.map(u64::from);
        for lane in 0..LANES {
            let left = (a[lane] & WORD) * 0xd251_1f53;
            let right = (c[lane] & WORD) * 0xcd9e_8d57;
            a[lane] = right >> 32 ^ b[lane] ^ keys[0];
            b[lane] = right & WORD;
            c[lane] = left >> 32 ^ d[lane] ^ keys[1];
            d[lane] = left & WORD;
        }
        key = [key[0].wrapping_add(0x9e37_79b9), key[1].wrapping_add(0xbb67_ae85)];
    }
    for lane in 0..LANES {
        low[lane] = b[lane] << 32 | a[lane];
        high[lane] = d[lane] << 32 | c[lane];
    }
}

/// The first `count` deviates of these bits: [`normal`] of [`super::random::uniform`].
#[inline(always)]
fn deviate(bits: &[u64; ROWS], count: usize, deviates: &mut [f64; ROWS]) {
    let mut p = [0.0; ROWS];
    for at in 0..ROWS {
        // A number from 1 on whose fraction is the upper 52 bits; the subtraction and the addition are exact.
        p[at] = f64::from_bits(bits[at] >> 12 | 1023 << 52) - 1.0 + 0.5 / (1u64 << 52) as f64;
        let q = p[at] - 0.5;
        let r = 0.180625 - q * q;
        deviates[at] = q * polynomial(&CENTRE.0, r) / polynomial(&CENTRE.1, r);
    }
    // Places beyond the centre, and on which side.
    let (mut places, mut tails, mut beyond) = ([0usize; ROWS], [0.5; ROWS], 0);
    for (at, &p) in p.iter().enumerate().take(count) {
        let q = p - 0.5;
        places[beyond] = at;
        tails[beyond] = if q < 0.0 { p } else { 1.0 - p };
        beyond += usize::from(q.abs() > 0.425);
    }
    let mut values = [0.0; ROWS];
    let mut far = [0.0; ROWS];
    let groups = tails.as_chunks::<LANES>().0.iter().zip(values.as_chunks_mut::<LANES>().0);
    for ((tails, values), far) in groups.zip(far.as_chunks_mut::<LANES>().0).take(beyond.div_ceil(LANES)) {
        for lane in 0..LANES {
            let r = (-log(tails[lane])).sqrt();
            values[lane] = polynomial(&MIDDLE.0, r - 1.6) / polynomial(&MIDDLE.1, r - 1.6);
            far[lane] = r;
        }
    }
    for n in 0..beyond {
        let at = places[n];
        deviates[at] = if far[n] <= 5.0 { values[n].copysign(p[at] - 0.5) } else { normal(p[at]) };
    }
}

/// `libm::log` of a normal number above 0 and below 1: the same operations without the cases that are not met. Source:
/// FreeBSD's `e_log.c` (Sun Microsystems, 1993, freely granted), which the `libm` crate follows.
#[inline(always)]
fn log(x: f64) -> f64 {
    // Into [sqrt(2)/2, sqrt(2)]: as integers, the upper half moves by the difference from 1 to sqrt(2)/2.
    let bits = x.to_bits();
    let upper = (bits >> 32) + (0x3ff0_0000 - 0x3fe6_a09e);
    // 1023 less the exponent; the sum below 2^31 makes it a number by its bits.
    let exponent = f64::from_bits((upper >> 20) | 0x4330_0000_0000_0000) - 4_503_599_627_370_496.0 - 1023.0;
    let reduced = ((upper & 0x000f_ffff) + 0x3fe6_a09e) << 32 | bits & 0xffff_ffff;
    let f = f64::from_bits(reduced) - 1.0;
    let hfsq = 0.5 * f * f;
    let s = f / (2.0 + f);
    let z = s * s;
    let w = z * z;
    let t1 = w * (LG[1] + w * (LG[3] + w * LG[5]));
    let t2 = z * (LG[0] + w * (LG[2] + w * (LG[4] + w * LG[6])));
    let r = t2 + t1;
    s * (hfsq + r) + exponent * LN2_LO - hfsq + f + exponent * LN2_HI
}

/// Logarithm of 2 in two parts, and the polynomial's coefficients.
const LN2_HI: f64 = 6.931_471_803_691_238e-1;
const LN2_LO: f64 = 1.908_214_929_270_587_7e-10;
const LG: [f64; 7] = [
    6.666_666_666_666_735e-1,
    3.999_999_999_940_942e-1,
    2.857_142_874_366_239e-1,
    2.222_219_843_214_978_4e-1,
    1.818_357_216_161_805e-1,
    1.531_383_769_920_937_3e-1,
    1.479_819_860_511_658_6e-1,
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::device::random::uniform;

    /// Every instruction set of this processor on a million rows, against one number at a time.
    #[test]
    fn many_at_once_are_one_at_a_time() {
        let stream = Stream::new(0x0123_4567_89ab_cdef, 3, 14);
        let all: Vec<u32> = (0..1_000_000).collect();
        let odd: Vec<u32> = (0..1000).map(|n: u32| n.wrapping_mul(0x9e37_79b9)).collect();
        for (kind, column, rows) in
            [(Kind::Gaussian, 5, &all[..]), (Kind::Read, 70_000, &odd), (Kind::Stuck, 0, &all[..3])]
        {
            let (fast, bits) = (normals(&stream, kind, column, rows), pairs(&stream, kind, column, rows));
            assert_eq!((fast.len(), bits.len()), (rows.len(), rows.len()));
            for ((&row, fast), bits) in rows.iter().zip(&fast).zip(&bits) {
                assert_eq!(*bits, stream.pair(kind, column, row as usize), "row {row}");
                let slow = stream.normals(kind, column, row as usize);
                assert_eq!(fast.map(f64::to_bits), slow.map(f64::to_bits), "row {row}");
            }
        }
    }

    type Path<'a> = &'a dyn Fn(&mut [[u64; ROWS]; 2], &mut [[f64; ROWS]; 2]);

    /// All three paths of the same numbers, and the far tails that a million rows do not meet.
    #[test]
    fn every_instruction_set_gives_the_same_bits() {
        let special = [0, u64::MAX, 1 << 63, (1 << 63) - 1, 1 << 12, 1 << 20, u64::MAX << 13, u64::MAX << 33];
        let spread = (0..56u64).map(|n| n.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> (n % 40));
        let bits: Vec<u64> = special.into_iter().chain(spread).collect();
        let bits: [u64; ROWS] = bits.try_into().expect("a round");
        let mut deviates = [0.0; ROWS];
        deviate(&bits, ROWS, &mut deviates);
        for (bits, deviate) in bits.iter().zip(deviates) {
            assert_eq!(deviate.to_bits(), normal(uniform(*bits)).to_bits(), "{bits:x}");
        }
        let (start, key, rows) =
            ([1, 2, 3, 0], [4, 5], std::array::from_fn::<u32, ROWS, _>(|row| row as u32 * 77));
        let run = |f: Path| {
            let (mut bits, mut deviates) = ([[0; ROWS]; 2], [[0.0; ROWS]; 2]);
            f(&mut bits, &mut deviates);
            (bits, deviates.map(|d| d.map(f64::to_bits)))
        };
        let expected = run(&|b, d| plain(Work::Normals, &start, key, &rows, b, d));
        #[cfg(target_arch = "x86_64")]
        {
            if std::is_x86_feature_detected!("avx2") {
                // SAFETY: the processor has the instructions.
                assert!(run(&|b, d| unsafe { avx2(Work::Normals, &start, key, &rows, b, d) }) == expected);
            }
            if std::is_x86_feature_detected!("avx512dq") && std::is_x86_feature_detected!("avx512vl") {
                // SAFETY: the processor has the instructions.
                assert!(run(&|b, d| unsafe { avx512(Work::Normals, &start, key, &rows, b, d) }) == expected);
            }
        }
        assert!(run(&|b, d| dispatch(Work::Normals, &start, key, &rows, b, d)) == expected);
    }

    #[test]
    fn the_logarithm_is_that_of_libm() {
        let mut bits = 0x9e37_79b9_7f4a_7c15u64;
        for n in 0..1_000_000u64 {
            bits = bits.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(n);
            let x = uniform(bits) * if n % 3 == 0 { 1e-9 } else { 1.0 };
            assert_eq!(log(x).to_bits(), libm::log(x).to_bits(), "{x}");
        }
    }
}
