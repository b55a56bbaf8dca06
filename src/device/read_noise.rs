//! Noise of a column in every read: one normal deviate a read, rounded to the voltage's unit. Unit: counts.
//!
//! Where every driven cell adds an independent Gaussian current of standard deviation `s` in each read, the column
//! adds `sum of x_r n_r` with drives `x_r` of -1 or +1. A Gaussian is symmetric, so `x_r n_r` has the law of `n_r`
//! whatever the drives are; a sum of independent Gaussians is Gaussian with the sum of the variances. One deviate
//! of `s sqrt(driven rows)` a column and read therefore has exactly the law of one deviate a cell, at a
//! `rows`-th of the work, and reads of different columns, arrays and times stay independent.
//!
//! The deviate is the inverse distribution function of 32 bits, hence at most 6.4 standard deviations.

use super::random::{Kind, normal, philox};
use crate::variation::{ReadNoise, ReadPlace};

/// Upper bits of a random number that find its place in the table.
const GUIDE_BITS: u32 = 12;

/// Gaussian noise of one standard deviation in all columns.
#[derive(Debug, Clone)]
pub struct ColumnNoise {
    key: [u32; 2],
    /// Largest noise in units.
    bound: i16,
    /// Element n: smallest random number whose noise is above `n - bound`.
    first: Vec<u32>,
    /// For every value of the upper bits: how many elements of `first` are at or below the smallest such number.
    guide: Vec<u32>,
}

impl ColumnNoise {
    /// Noise of standard deviation `sigma` counts (0 to 1000) in units of `2^-fraction_bits` counts, held to 16 bits.
    pub fn new(sigma: f64, fraction_bits: u32, seed: u64) -> ColumnNoise {
        let unit = sigma * f64::from(1u32 << fraction_bits);
        // Symmetric, as the deviates are.
        let bound = noise(unit, u32::MAX).min(i32::from(i16::MAX));
        let first: Vec<u32> = (-bound + 1..=bound).map(|least| first_at_least(unit, least)).collect();
        let guide = (0..1u32 << GUIDE_BITS)
            .map(|upper| first.partition_point(|&first| first <= upper << (32 - GUIDE_BITS)) as u32)
            .collect();
        ColumnNoise { key: [seed as u32, (seed >> 32) as u32], bound: bound as i16, first, guide }
    }

    /// The noise of a random number.
    #[inline]
    fn look_up(&self, number: u32) -> i16 {
        let mut above = self.guide[(number >> (32 - GUIDE_BITS)) as usize] as usize;
        while self.first.get(above).is_some_and(|&first| first <= number) {
            above += 1;
        }
        (above as i32 - i32::from(self.bound)) as i16
    }
}

impl ReadNoise for ColumnNoise {
    fn bound(&self) -> i32 {
        i32::from(self.bound)
    }

    /// # Panics
    /// Beyond 256 layers or 65536 reads of a vector.
    fn fill(&self, place: ReadPlace, noise: &mut [i16; 32]) {
        assert!(place.layer < 1 << 8 && place.read < 1 << 16, "a place has a counter of its own");
        let first = (Kind::Read as u32) << 24 | (place.layer as u32) << 16 | place.read as u32;
        for (four, noise) in noise.chunks_exact_mut(4).enumerate() {
            let image = (place.image / 4 + four) as u32;
            let counter = [first, image, place.channel as u32, place.vector as u32];
            for (noise, number) in noise.iter_mut().zip(philox(counter, self.key)) {
                *noise = self.look_up(number);
            }
        }
    }
}

/// Noise of a random number: a deviate of standard deviation `unit`, rounded half to even.
fn noise(unit: f64, number: u32) -> i32 {
    let uniform = (f64::from(number) + 0.5) * (1.0 / (1u64 << 32) as f64);
    (unit * normal(uniform)).round_ties_even() as i32
}

/// Smallest random number whose noise is at least `least`; noise rises with the number.
fn first_at_least(unit: f64, least: i32) -> u32 {
    let (mut low, mut high) = (0, u32::MAX);
    while low < high {
        let middle = low + (high - low) / 2;
        if noise(unit, middle) >= least { high = middle } else { low = middle + 1 }
    }
    low
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_the_rounded_deviate() {
        for (sigma, fraction_bits) in [(0.0, 6), (0.01, 6), (0.8, 6), (3.0, 10), (0.37, 0)] {
            let table = ColumnNoise::new(sigma, fraction_bits, 0);
            let unit = sigma * f64::from(1u32 << fraction_bits);
            let spread = (0..100_000u32).map(|i| i.wrapping_mul(0x9e37_79b9));
            for number in spread.chain([0, 1, u32::MAX - 1, u32::MAX]).chain(table.first.iter().copied()) {
                assert_eq!(i32::from(table.look_up(number)), noise(unit, number), "{sigma}: {number}");
            }
        }
    }

    #[test]
    fn noise_beyond_16_bits_is_held() {
        let table = ColumnNoise::new(1000.0, 6, 0);
        assert_eq!(table.bound(), i32::from(i16::MAX));
        assert_eq!((table.look_up(0), table.look_up(u32::MAX)), (-i16::MAX, i16::MAX));
    }

    /// Second and fourth moment of 32,000 reads with one draw a column, and with one draw a cell under random
    /// drives: both within four standard errors of the Gaussian's.
    #[test]
    fn one_draw_a_column_has_the_law_of_one_draw_a_cell() {
        const READS: usize = 32_000;
        let (rows, cell) = (64, 0.1);
        let sigma = cell * f64::from(rows).sqrt();
        let fraction_bits = 10;
        let table = ColumnNoise::new(sigma, fraction_bits, 7);
        let mut column = Vec::new();
        for vector in 0..READS / 32 {
            let mut noise = [0; 32];
            table.fill(ReadPlace { layer: 1, read: 2, channel: 3, vector, image: 64 }, &mut noise);
            column.extend(noise.map(|noise| f64::from(noise) / f64::from(1u32 << fraction_bits)));
        }
        let by_cell = (0..READS as u32).map(|read| {
            let draw = |row| {
                let [a, b, drive, _] = philox([read, row, 0, 0], [1, 2]);
                let uniform = (f64::from(a) + f64::from(b) / 4_294_967_296.0 + 1e-9) / 4_294_967_296.0;
                cell * normal(uniform) * if drive & 1 == 1 { 1.0 } else { -1.0 }
            };
            (0..rows).map(draw).sum::<f64>()
        });
        for reads in [column, by_cell.collect()] {
            let moment = |power| reads.iter().map(|x| (x / sigma).powi(power)).sum::<f64>() / READS as f64;
            // Var(x^2) = 2 and Var(x^4) = 96 of a standard normal deviate.
            assert!((moment(2) - 1.0).abs() < 4.0 * (2.0 / READS as f64).sqrt(), "{}", moment(2));
            assert!((moment(4) - 3.0).abs() < 4.0 * (96.0 / READS as f64).sqrt(), "{}", moment(4));
            assert!(moment(1).abs() < 4.0 / (READS as f64).sqrt(), "{}", moment(1));
        }
    }

    #[test]
    fn every_place_has_noise_of_its_own() {
        let table = ColumnNoise::new(5.0, 10, 7);
        let place = ReadPlace { layer: 1, read: 2, channel: 3, vector: 4, image: 32 };
        let fill = |place| {
            let mut noise = [0; 32];
            table.fill(place, &mut noise);
            noise
        };
        assert_eq!(fill(place), fill(place));
        for other in [
            ReadPlace { layer: 2, ..place },
            ReadPlace { read: 3, ..place },
            ReadPlace { channel: 4, ..place },
            ReadPlace { vector: 5, ..place },
            ReadPlace { image: 64, ..place },
        ] {
            assert_ne!(fill(place), fill(other), "{other:?}");
        }
    }
}
