//! Every instruction set against the definition.

use super::*;

/// Numbers as good as drawn.
struct Numbers(u32);

impl Numbers {
    fn next(&mut self) -> u32 {
        self.0 = self.0.wrapping_add(1);
        plain::chance(self.0, 77)
    }

    fn below(&mut self, end: usize) -> usize {
        self.next() as usize % end
    }

    fn bytes(&mut self, count: usize) -> Vec<u8> {
        (0..count).map(|_| self.next() as u8).collect()
    }

    fn words(&mut self, count: usize) -> Vec<i32> {
        (0..count).map(|_| i32::from_le_bytes(std::array::from_fn(|_| self.next() as u8))).collect()
    }
}

fn sets() -> impl Iterator<Item = InstructionSet> {
    InstructionSet::ALL.into_iter().filter(|set| set.available())
}

#[test]
fn products_follow_the_definition() {
    let mut numbers = Numbers(0);
    for round in 0..60 {
        let (rows, steps) = (1 + numbers.below(27), numbers.below(40));
        let width = LANES * (1 + round % VECTORS);
        // Not a byte more than the last row's last step takes.
        let length = 4 + numbers.below(300);
        let bytes = numbers.bytes(length);
        let half = (length - 4) / 2;
        let mut places =
            |count: usize| -> Vec<u32> { (0..count).map(|_| numbers.below(half + 1) as u32).collect() };
        let (mut starts, mut offsets) = (places(rows), places(steps));
        starts[rows - 1] = half as u32;
        if let Some(last) = offsets.last_mut() {
            *last = (length - 4 - half) as u32;
        }
        let panel = numbers.words(steps * width);
        let stride = width + LANES * (round % 3);
        let before = numbers.words((rows - 1) * stride + width);
        for first in [true, false] {
            let mut expected = before.clone();
            for m in 0..rows {
                for n in 0..width {
                    let products = (0..4 * steps).map(|i| {
                        let byte = bytes[(starts[m] + offsets[i / 4]) as usize + i % 4];
                        let column = panel[i / 4 * width + n].to_le_bytes()[i % 4] as i8;
                        i32::from(byte) * i32::from(column)
                    });
                    let sum =
                        products.fold(if first { 0 } else { before[m * stride + n] }, i32::wrapping_add);
                    expected[m * stride + n] = sum;
                }
            }
            for set in sets() {
                let mut found = before.clone();
                let left = Left { bytes: &bytes, starts: &starts, steps: &offsets };
                product(set, left, &panel, &mut Sums { values: &mut found, width, stride }, first);
                assert_eq!(found, expected, "{set:?} {rows} x {width}, {steps} steps");
            }
        }
    }
}

#[test]
fn offsets_are_what_bytes_are_too_large_by() {
    let panel = Numbers(5).words(7 * 32);
    for set in sets() {
        let mut found = vec![0; 32];
        offsets(set, &panel, &mut found, true);
        offsets(set, &panel, &mut found, false);
        for (n, &found) in found.iter().enumerate() {
            let column = panel.iter().skip(n).step_by(32).flat_map(|word| word.to_le_bytes());
            assert_eq!(found, 2 * 128 * column.map(|byte| i32::from(byte as i8)).sum::<i32>());
        }
    }
}

#[test]
fn numbers_are_made_of_sums() {
    let mut numbers = Numbers(9);
    for (rows, columns) in [(1, 1usize), (3, 16), (5, 17), (2, 63), (7, 64)] {
        let (stride, out_stride) = (columns.next_multiple_of(LANES), columns + 3);
        let values = numbers.words((rows - 1) * stride + columns);
        let sums: Vec<i32> = values.iter().map(|value| value >> 8).collect();
        let offsets = numbers.words(stride);
        let scales: Vec<f32> = (0..columns).map(|_| numbers.next() as f32 / 1e9).collect();
        let before: Vec<f32> =
            (0..(rows - 1) * out_stride + columns).map(|_| numbers.next() as f32 / 1e6).collect();
        for add in [true, false] {
            let mut expected = before.clone();
            for (m, n) in (0..rows * columns).map(|i| (i / columns, i % columns)) {
                let value = sums[m * stride + n].wrapping_sub(offsets[n]) as f32 * scales[n];
                let at = m * out_stride + n;
                expected[at] = if add { before[at] + value } else { value };
            }
            for set in sets() {
                let mut found = before.clone();
                let mut sums = sums.clone();
                let sums = Sums { values: &mut sums, width: stride.min(64), stride };
                let how = Finish { offsets: &offsets, scales: &scales, add };
                finish(set, &sums, rows, &how, &mut found, out_stride);
                assert_eq!(found, expected, "{set:?} {rows} x {columns}");
            }
        }
    }
}

/// What one line of pixels becomes.
fn rounded(set: InstructionSet, line: &[f32], inverse: &[f32], index: u32) -> (Vec<u8>, Vec<i32>) {
    let (columns, pixels) = (inverse.len(), line.len() / inverse.len());
    let (step, width) = (columns + 1, if columns > 32 { 48 } else { 16 });
    let panel_words = pixels.div_ceil(4) * width;
    let mut map = vec![7; (pixels - 1) * step + columns];
    let mut words = vec![0; panel_words * columns.div_ceil(width)];
    let mut to = Bytes { map: &mut map, step, words: &mut words, panel_words, width };
    quantise(set, line, &Rounding { inverse, key: 99 }, index, &mut to);
    (map, words)
}

#[test]
fn roundings_are_the_same_for_every_set() {
    let mut numbers = Numbers(20);
    for (pixels, columns) in [(1, 1), (4, 16), (7, 5), (9, 40), (6, 64), (3, 129)] {
        let inverse: Vec<f32> = (0..columns).map(|_| numbers.next() as f32 / 1e6).collect();
        let mut line: Vec<f32> = (0..pixels * columns).map(|_| (numbers.next() as f32 - 8e6) / 2e6).collect();
        for (at, odd) in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY, 1e30, -0.0].into_iter().enumerate() {
            let entry = numbers.below(line.len());
            line[entry] = if at % 2 == 0 || columns > 1 { odd } else { 0.5 };
        }
        let index = u32::MAX - 40;
        let (map, words) = rounded(InstructionSet::Plain, &line, &inverse, index);
        for (x, n) in (0..pixels * columns).map(|i| (i / columns, i % columns)) {
            let (value, byte) = (line[x * columns + n] * inverse[n], map[x * (columns + 1) + n] as i32 - 128);
            let expected = if value.is_nan() { 0.0 } else { value.clamp(-127.0, 127.0) };
            assert!((byte as f32 - expected).abs() < 1.0, "{value} became {byte}");
            let width = if columns > 32 { 48 } else { 16 };
            let word = words[n / width * pixels.div_ceil(4) * width + x / 4 * width + n % width];
            assert_eq!(i32::from(word.to_le_bytes()[x % 4] as i8), byte);
        }
        for set in sets() {
            assert_eq!(rounded(set, &line, &inverse, index), (map.clone(), words.clone()), "{set:?}");
        }
    }
}

/// By chance, so that the mean is the number itself.
#[test]
fn roundings_are_right_on_average() {
    let values = [0.25f32, -0.25, 0.0, 3.75, -100.1, 126.9];
    let count = 40_000;
    let line: Vec<f32> = (0..count * values.len()).map(|i| values[i % values.len()]).collect();
    let (map, _) = rounded(InstructionSet::best(), &line, &[1.0; 6], 12345);
    for (n, value) in values.into_iter().enumerate() {
        let total: i64 = (0..count).map(|x| i64::from(map[x * 7 + n]) - 128).sum();
        // Six standard deviations of the mean of `count` draws.
        let off = total as f64 / count as f64 - f64::from(value);
        assert!(off.abs() < 6.0 * 0.5 / (count as f64).sqrt(), "{value}: {off}");
    }
}

#[test]
#[should_panic(expected = "a row beyond its bytes")]
fn rows_beyond_their_bytes_are_caught() {
    let mut values = vec![0; 16];
    let left = Left { bytes: &[0; 8], starts: &[1], steps: &[0, 4] };
    let mut sums = Sums { values: &mut values, width: 16, stride: 16 };
    product(InstructionSet::best(), left, &[0; 32], &mut sums, true);
}
