//! The definition of the inner loops.

use super::{Bytes, Finish, Left, Rounding, Sums};

pub fn product(left: Left, panel: &[i32], sums: &mut Sums, first: bool) {
    for (m, &start) in left.starts.iter().enumerate() {
        let sums = &mut sums.values[m * sums.stride..][..sums.width];
        if first {
            sums.fill(0);
        }
        for (&step, words) in left.steps.iter().zip(panel.chunks_exact(sums.len())) {
            let taps: [u8; 4] = std::array::from_fn(|j| left.bytes[(start + step) as usize + j]);
            for (sum, word) in sums.iter_mut().zip(words) {
                let products = word.to_le_bytes().into_iter().zip(taps);
                let four: i32 = products.map(|(b, a)| i32::from(b as i8) * i32::from(a)).sum();
                *sum = sum.wrapping_add(four);
            }
        }
    }
}

pub fn finish(sums: &Sums, rows: usize, how: &Finish, out: &mut [f32], stride: usize) {
    for m in 0..rows {
        let columns = how.offsets.iter().zip(how.scales);
        let places = out[m * stride..].iter_mut().zip(&sums.values[m * sums.stride..]);
        for ((out, sum), (&offset, scale)) in places.zip(columns) {
            let value = sum.wrapping_sub(offset) as f32 * scale;
            *out = if how.add { *out + value } else { value };
        }
    }
}

/// A number of 24 bits, as good as drawn, for every index.
pub fn chance(index: u32, key: u32) -> u32 {
    // Wellons' mixer of 32 bits, whose outputs are near to independent of one another.
    let mut x = index.wrapping_add(key);
    x = (x ^ x >> 16).wrapping_mul(0x7feb_352d);
    x = (x ^ x >> 15).wrapping_mul(0x846c_a68b);
    (x ^ x >> 16) >> 8
}

fn round(value: f32, inverse: f32, chance: u32) -> i8 {
    let moved = value * inverse + chance as f32 * (1.0 / 16_777_216.0);
    // The cast holds what is beyond 32 bits, and makes 0 of what is no number: its scale is none either.
    (moved.floor() as i32).clamp(-127, 127) as i8
}

pub fn quantise(line: &[f32], how: &Rounding, index: u32, to: &mut Bytes) {
    let columns = how.inverse.len();
    for (group, pixels) in line.chunks(4 * columns).enumerate() {
        for n in 0..columns {
            let mut word = [0u8; 4];
            for (j, pixel) in pixels.chunks_exact(columns).enumerate() {
                let x = 4 * group + j;
                let chance = chance(index.wrapping_add((x * columns + n) as u32), how.key);
                let rounded = round(pixel[n], how.inverse[n], chance);
                word[j] = rounded as u8;
                to.map[x * to.step + n] = rounded as u8 ^ 128;
            }
            let panel = n / to.width * to.panel_words;
            to.words[panel + group * to.width + n % to.width] = i32::from_le_bytes(word);
        }
    }
}
