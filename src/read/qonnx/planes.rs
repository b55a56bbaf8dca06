//! Weights of a few levels as planes of -1 and +1.
//!
//! Three forms are taken apart, the first that fits: one value with two signs; addends (a base and its supports),
//! each one value with two signs or 0, their ratios fractions of whole numbers up to 255; whole multiples of one unit, by the fewest planes that give all of them.
//! All are exact up to the rounding of the file's own numbers, which may differ by one part in a million.

use crate::bits::BitMatrix;
use crate::network::{Layer, Mask, Plane};
use std::collections::BTreeSet;

/// How far a weight may lie from a whole multiple of its unit, as a part of the weight.
const TOLERANCE: f64 = 1e-6;
/// Largest multiple of a unit.
const MOST_LEVEL: f64 = Plane::MOST_SCALE as f64;
/// Most sizes of weights in one layer; more come from weights that are not quantised.
const MOST_SIZES: usize = 256;

/// The weights of a layer: `weight(o, k) = unit[o] * sum of scale * sign`.
pub struct Decomposition {
    pub planes: Vec<Plane>,
    /// One entry an output channel.
    pub unit: Vec<f64>,
}

/// A layer's weights in the order of the graph.
pub struct Weights<'a> {
    pub outputs: usize,
    pub inputs: usize,
    /// Column of the planes' matrices that input `k` takes.
    pub column: &'a dyn Fn(usize) -> usize,
    /// Value of (output, input).
    pub value: &'a dyn Fn(usize, usize) -> f64,
    /// Values of the addends whose sum it is; empty where it is no sum.
    pub addends: Vec<Box<dyn Fn(usize, usize) -> f64 + 'a>>,
}

impl Weights<'_> {
    /// The planes, or the first output channel whose weights have none.
    pub fn decompose(&self) -> Result<Decomposition, usize> {
        if let Some(binary) = self.binary() {
            return Ok(binary);
        }
        if let Some(sum) = self.supports() {
            return Ok(sum);
        }
        self.multiples()
    }

    fn matrix(&self, positive: impl Fn(usize, usize) -> bool) -> BitMatrix {
        let mut matrix = BitMatrix::zeros(self.outputs, self.inputs);
        for o in 0..self.outputs {
            for k in 0..self.inputs {
                if positive(o, k) {
                    matrix.set(o, (self.column)(k), true);
                }
            }
        }
        matrix
    }

    /// One size of weight in each channel.
    fn binary(&self) -> Option<Decomposition> {
        let mut unit = Vec::with_capacity(self.outputs);
        for o in 0..self.outputs {
            let size = (self.value)(o, 0).abs();
            let one = size > 0.0 && size.is_finite();
            if !one || (1..self.inputs).any(|k| (self.value)(o, k).abs() != size) {
                return None;
            }
            unit.push(size);
        }
        let weights = self.matrix(|o, k| (self.value)(o, k) > 0.0);
        Some(Decomposition { planes: vec![Plane::binary(weights)], unit })
    }

    /// A base and supports, each of one size in a channel; the ratios of the sizes are the same in all channels.
    fn supports(&self) -> Option<Decomposition> {
        let mut sizes = Vec::new();
        for addend in &self.addends {
            let of_channel = |o: usize| (0..self.inputs).map(|k| addend(o, k).abs()).fold(0.0, f64::max);
            sizes.push((0..self.outputs).map(of_channel).collect::<Vec<f64>>());
        }
        let largest = |list: &Vec<f64>| list.iter().copied().fold(0.0, f64::max);
        let mut order: Vec<usize> = (0..self.addends.len()).filter(|&a| largest(&sizes[a]) > 0.0).collect();
        order.sort_by(|&a, &b| largest(&sizes[b]).total_cmp(&largest(&sizes[a])));
        let base = &sizes[*order.first()?];
        if order.len() > Layer::MOST_PLANES || base.iter().any(|&size| size == 0.0 || !size.is_finite()) {
            return None;
        }
        let mut ratios = Vec::new();
        for &a in &order {
            let mut ratio = None;
            for (size, base) in sizes[a].iter().zip(base).filter(|(size, _)| **size > 0.0) {
                let own = size / base;
                if !near(own, *ratio.get_or_insert(own)) {
                    return None;
                }
            }
            ratios.push(ratio?);
        }
        // The smallest scale of the base that makes all scales whole.
        let whole = |base: &f64| {
            ratios.iter().all(|ratio| ratio * base >= 0.5 && near(ratio * base, (ratio * base).round()))
        };
        let base_scale = (1..=Plane::MOST_SCALE).map(f64::from).find(whole)?;
        let mut planes = Vec::new();
        for (&a, ratio) in order.iter().zip(&ratios) {
            planes.push(self.addend(a, &sizes[a], (ratio * base_scale).round() as i32)?);
        }
        if planes[0].mask.is_some() {
            return None;
        }
        let unit = base.iter().map(|size| size / f64::from(planes[0].scale)).collect();
        Some(Decomposition { planes, unit })
    }

    /// One addend as a plane; its zeros are whole taps and whole channels.
    fn addend(&self, index: usize, sizes: &[f64], scale: i32) -> Option<Plane> {
        let value = &self.addends[index];
        let channels: Vec<bool> = sizes.iter().map(|&size| size > 0.0).collect();
        let first = channels.iter().position(|&kept| kept)?;
        let kept: Vec<bool> = (0..self.inputs).map(|k| value(first, k) != 0.0).collect();
        let fits = |o: usize, k: usize| match channels[o] && kept[k] {
            true => near(value(o, k).abs(), sizes[o]),
            false => value(o, k) == 0.0,
        };
        if !(0..self.outputs).all(|o| (0..self.inputs).all(|k| fits(o, k))) {
            return None;
        }
        let whole = channels.iter().chain(&kept).all(|&kept| kept);
        let mut taps = vec![true; self.inputs];
        kept.iter().enumerate().for_each(|(k, &kept)| taps[(self.column)(k)] = kept);
        let weights = self.matrix(|o, k| value(o, k) > 0.0);
        Some(Plane { weights, scale, mask: (!whole).then_some(Mask { taps, channels }), levels: None })
    }

    /// Whole multiples of one unit, or of one unit a channel.
    fn multiples(&self) -> Result<Decomposition, usize> {
        let units = match unit(self.sizes(0..self.outputs)) {
            Some(unit) => vec![unit; self.outputs],
            None => (0..self.outputs)
                .map(|o| unit(self.sizes(o..o + 1)).ok_or(o))
                .collect::<Result<Vec<f64>, usize>>()?,
        };
        let level = |o: usize, k: usize| ((self.value)(o, k) / units[o]).round() as i32;
        let mut levels = BTreeSet::new();
        for o in 0..self.outputs {
            levels.extend((0..self.inputs).map(|k| level(o, k)));
        }
        let (scales, twice) = scales(&levels).ok_or(0usize)?;
        let factor = if twice { 2 } else { 1 };
        let signs = signs(&levels, &scales, factor);
        let (lowest, spread) = (-MOST_LEVEL as i32, 2 * MOST_LEVEL as usize + 1);
        let mut table = vec![0u32; spread];
        signs.iter().for_each(|(level, signs)| table[(level - lowest) as usize] = *signs);
        let planes = scales
            .iter()
            .enumerate()
            .map(|(p, &scale)| {
                let weights = self.matrix(|o, k| table[(level(o, k) - lowest) as usize] >> p & 1 == 1);
                Plane { weights, scale, mask: None, levels: None }
            })
            .collect();
        Ok(Decomposition { planes, unit: units.iter().map(|unit| unit / f64::from(factor)).collect() })
    }

    /// The different sizes of the weights of some channels that are not 0; `None`: too many, or not finite.
    fn sizes(&self, channels: std::ops::Range<usize>) -> Option<Vec<f64>> {
        let mut sizes: BTreeSet<u64> = BTreeSet::new();
        for o in channels {
            for k in 0..self.inputs {
                let size = (self.value)(o, k).abs();
                if size != 0.0 {
                    sizes.insert(size.to_bits());
                }
                if sizes.len() > MOST_SIZES || !size.is_finite() {
                    return None;
                }
            }
        }
        Some(sizes.into_iter().map(f64::from_bits).collect())
    }
}

fn near(value: f64, wanted: f64) -> bool {
    (value - wanted).abs() <= TOLERANCE * wanted.abs()
}

/// The largest number that all `sizes` (rising) are whole multiples of; 1 where all weights are 0.
fn unit(sizes: Option<Vec<f64>>) -> Option<f64> {
    let sizes = sizes?;
    let Some(&smallest) = sizes.first() else { return Some(1.0) };
    (1..=Plane::MOST_SCALE).map(|part| smallest / f64::from(part)).find(|unit| {
        sizes.iter().all(|size| {
            let multiple = (size / unit).round();
            multiple <= MOST_LEVEL && near(size / unit, multiple)
        })
    })
}

/// Sums and differences of `scales`: entry `i` says whether `i - (sum of scales)` is one.
fn reach(scales: &[i32]) -> Vec<bool> {
    let mut reached = vec![true];
    for &scale in scales {
        let mut next = vec![false; reached.len() + 2 * scale as usize];
        for (index, _) in reached.iter().enumerate().filter(|(_, reached)| **reached) {
            next[index] = true;
            next[index + 2 * scale as usize] = true;
        }
        reached = next;
    }
    reached
}

fn reaches(reached: &[bool], level: i32) -> bool {
    let index = level + (reached.len() / 2) as i32;
    usize::try_from(index).is_ok_and(|index| reached.get(index).copied().unwrap_or(false))
}

/// The fewest powers of two, falling, whose sums and differences are all `levels`, or all of them twice (the bool):
/// sums of a few odd numbers are all even or all odd.
fn scales(levels: &BTreeSet<i32>) -> Option<(Vec<i32>, bool)> {
    let odd = levels.iter().filter(|level| *level % 2 != 0).count();
    let twice = odd != 0 && odd != levels.len();
    let factor = if twice { 2 } else { 1 };
    let wanted: BTreeSet<i32> = levels.iter().map(|level| level.abs() * factor).collect();
    let most = *wanted.last()?;
    // As many planes as there are signs to tell the levels apart, at least.
    let different = wanted.iter().map(|&level| if level == 0 { 1 } else { 2 }).sum::<usize>();
    let fewest = (usize::BITS - (different - 1).leading_zeros()).max(1) as usize;
    for count in fewest..=Layer::MOST_PLANES {
        let mut best: Option<Vec<i32>> = None;
        each_choice(count, 128, most, &mut Vec::new(), &mut |scales| {
            let sum: i32 = scales.iter().sum();
            let smaller = best.as_ref().is_none_or(|best| sum < best.iter().sum());
            if smaller && sum >= most && (sum - most) % 2 == 0 {
                let reached = reach(scales);
                if wanted.iter().all(|&level| reaches(&reached, level)) {
                    best = Some(scales.to_vec());
                }
            }
        });
        if let Some(best) = best {
            return Some((best, twice));
        }
    }
    None
}

/// Calls `take` with every falling list of `count` powers of two up to `largest` whose sum stays near `most`.
fn each_choice(count: usize, largest: i32, most: i32, chosen: &mut Vec<i32>, take: &mut dyn FnMut(&[i32])) {
    if chosen.len() == count {
        return take(chosen);
    }
    let mut scale = largest;
    while scale >= 1 {
        let sum = chosen.iter().sum::<i32>() + scale;
        // The rest can neither shrink the sum nor reach more than this scale each.
        let rest = (count - chosen.len() - 1) as i32;
        if sum + rest <= 2 * most.max(1) && sum + rest * scale >= most {
            chosen.push(scale);
            each_choice(count, scale, most, chosen, take);
            chosen.pop();
        }
        scale /= 2;
    }
}

/// For every level, bit `p` of its entry is the sign of plane `p`.
fn signs(levels: &BTreeSet<i32>, scales: &[i32], factor: i32) -> Vec<(i32, u32)> {
    let rest: Vec<Vec<bool>> = (0..scales.len()).map(|p| reach(&scales[p + 1..])).collect();
    let of = |level: i32| {
        let mut left = level * factor;
        let mut signs = 0;
        for (p, &scale) in scales.iter().enumerate() {
            // Of two ways, the one that leaves less to the planes behind.
            let plus = reaches(&rest[p], left - scale);
            let minus = reaches(&rest[p], left + scale);
            let up = plus && (!minus || left >= 0);
            signs |= u32::from(up) << p;
            left -= if up { scale } else { -scale };
        }
        debug_assert_eq!(left, 0);
        signs
    };
    levels.iter().map(|&level| (level, of(level))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(values: &[Vec<f64>], addends: &[Vec<Vec<f64>>]) -> Result<Decomposition, usize> {
        let weights = Weights {
            outputs: values.len(),
            inputs: values[0].len(),
            column: &|k| k,
            value: &|o, k| values[o][k],
            addends: addends
                .iter()
                .map(|addend| Box::new(|o: usize, k: usize| addend[o][k]) as Box<dyn Fn(usize, usize) -> f64>)
                .collect(),
        };
        weights.decompose()
    }

    /// The planes give the values back; their scales.
    fn checked(values: &[Vec<f64>], addends: &[Vec<Vec<f64>>]) -> Vec<i32> {
        let made = of(values, addends).unwrap_or_else(|o| panic!("channel {o}"));
        for (o, row) in values.iter().enumerate() {
            for (k, &value) in row.iter().enumerate() {
                let sum: i32 = made.planes.iter().map(|p| p.scale * p.value(o, k)).sum();
                assert!((f64::from(sum) * made.unit[o] - value).abs() < 1e-9, "{o} {k}");
            }
        }
        made.planes.iter().map(|plane| plane.scale).collect()
    }

    #[test]
    fn quantised_weights_take_the_fewest_planes() {
        let levels = |from: i32, to: i32| vec![(from..=to).map(|level| f64::from(level) * 0.3).collect()];
        assert_eq!(checked(&levels(-1, 1), &[]), [1, 1]);
        assert_eq!(checked(&levels(-2, 1), &[]), [2, 1, 1]);
        assert_eq!(checked(&levels(-3, 3), &[]), [2, 2, 1, 1]);
        assert_eq!(checked(&levels(-4, 3), &[]), [4, 2, 1, 1]);
        assert_eq!(checked(&levels(-7, 7), &[]).len(), 5);
        assert_eq!(checked(&levels(-8, 7), &[]), [8, 4, 2, 1, 1]);
        assert_eq!(checked(&levels(-128, 127), &[]), [128, 64, 32, 16, 8, 4, 2, 1, 1]);
        assert_eq!(checked(&[vec![3.0, -1.0, 1.0, -3.0]], &[]), [2, 1]);
        assert_eq!(checked(&[vec![1.25, -0.75, 0.75, -1.25]], &[]), [4, 1]);
        assert_eq!(checked(&[vec![0.0, 0.0]], &[]), [1, 1]);
    }

    #[test]
    fn channels_may_have_units_of_their_own() {
        let rows: Vec<Vec<f64>> = (1..=200)
            .map(|o| [-3, 0, 1, 2].iter().map(|&n| f64::from(n) * (f64::from(o)).sqrt()).collect())
            .collect();
        assert_eq!(checked(&rows, &[]), [2, 2, 1, 1]);
        assert_eq!(checked(&[vec![0.5, -0.5], vec![3.0, 3.0]], &[]), [1]);
    }

    #[test]
    fn addends_are_a_base_and_supports_with_masks() {
        let base = vec![vec![1.0, -1.0, 1.0], vec![-1.0, -1.0, 1.0]];
        let support = vec![vec![0.25, 0.0, -0.25], vec![0.0, 0.0, 0.0]];
        let sum = |a: &[Vec<f64>], b: &[Vec<f64>]| -> Vec<Vec<f64>> {
            a.iter().zip(b).map(|(a, b)| a.iter().zip(b).map(|(a, b)| a + b).collect()).collect()
        };
        let values = sum(&base, &support);
        assert_eq!(checked(&values, &[support.clone(), base.clone()]), [4, 1]);
        let made = of(&values, &[support, base.clone()]).unwrap_or_else(|o| panic!("channel {o}"));
        let mask = Mask { taps: vec![true, false, true], channels: vec![true, false] };
        assert_eq!(made.planes[1].mask, Some(mask));
        // Zeros that are no whole rows and channels are levels of their own.
        let odd = vec![vec![0.25, 0.0, -0.25], vec![0.25, 0.25, 0.0]];
        assert_eq!(checked(&sum(&base, &odd), &[base.clone(), odd]), [8, 1, 1]);
        let third = vec![vec![1.0 / 3.0; 3], vec![-1.0 / 3.0; 3]];
        assert_eq!(checked(&sum(&base, &third), &[base.clone(), third]), [3, 1]);
        // Ratios that are fractions: the base counts what they have in common.
        for (ratio, scales) in [(0.75, [4, 3]), (0.6, [5, 3]), (2.0 / 3.0, [3, 2]), (7.0 / 255.0, [255, 7])] {
            let other = vec![vec![ratio, -ratio, ratio], vec![ratio, ratio, ratio]];
            assert_eq!(checked(&sum(&base, &other), &[other, base.clone()]), scales);
        }
    }

    #[test]
    fn weights_that_are_not_quantised_are_refused() {
        let rough: Vec<f64> = (1..=40).map(|i| f64::from(i).sqrt()).collect();
        assert_eq!(of(&[vec![1.0; 40], rough], &[]).err(), Some(1));
        assert_eq!(of(&[vec![1.0, f64::NAN]], &[]).err(), Some(0));
        assert_eq!(of(&[vec![1.0, 256.0]], &[]).err(), Some(0));
    }
}
