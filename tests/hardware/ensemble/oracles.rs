//! Draws against what probability theory says of them: numbers that nobody's code made.

use bincim::arch::{ArchFile, ReadoutKind, Sharing};
use bincim::design::{self, Design};
use bincim::device::{self, Physics};
use bincim::golden::ensemble::{self, Drawing};
use bincim::metrics;
use bincim::network::*;
use std::collections::BTreeMap;

/// Dense layers of `sizes`, signs and codes from a stated pattern, thresholds 0.
fn dense(sizes: &[usize], bits: usize) -> Network {
    let mixed = |index: usize| (index as u64 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 29;
    let number = |layer: usize, place: usize| mixed(1000 * layer + place);
    let sign = |layer: usize, o: usize, column: usize| number(layer, o * sizes[layer] + column) & 1 == 1;
    let mut network = random::dense(sizes, sign, |_, _| 0);
    for (index, layer) in network.layers.iter_mut().enumerate() {
        let code = |at| (number(index, at) >> 1) as u8 % (1 << (bits - 1));
        layer.flips = Some(Flips { bits, codes: (0..layer.fan_in() * layer.conv.c).map(code).collect() });
    }
    assert_eq!(validate(&network), []);
    network
}

/// On an array of 8 rows and `lanes` columns.
fn design(network: &Network, lanes: usize) -> Design {
    let mut arch = ArchFile::default().with("generic", 8, lanes, 8, 8, 8);
    arch.ensemble.samples = SAMPLES;
    design::build(network, &arch).expect("a design")
}

const SAMPLES: usize = 50;

/// Images whose samples are looked at: 100,000 samples.
const IMAGES: usize = 2000;

fn image(network: &Network) -> Vec<i16> {
    (0..network.input.shape.c).map(|at| if at % 3 == 0 { -1 } else { 1 }).collect()
}

/// Scores of every sample of [`IMAGES`] equal images, each with a seed of its own.
fn scores(design: &Design, seed: u32) -> Vec<i32> {
    let drawing = Drawing { samples: SAMPLES, seed, same: false, flips: true };
    let images = image(&design.network).repeat(IMAGES);
    ensemble::prepare(design, drawing).samples_of_elements(0, &images)
}

/// Pearson's sum of counts against a law, cells of few expected counts together, and its degrees of freedom.
fn pearson(counts: &BTreeMap<Vec<i32>, f64>, law: &BTreeMap<Vec<i32>, f64>) -> (f64, f64) {
    let all: f64 = counts.values().sum();
    assert!(counts.keys().all(|key| law.get(key).is_some_and(|p| *p > 0.0)), "what cannot be came");
    let (mut sum, mut cells, mut rest) = (0.0, 0.0, (0.0, 0.0));
    for (key, p) in law {
        let (got, expected) = (counts.get(key).copied().unwrap_or(0.0), p * all);
        if expected < 10.0 {
            rest = (rest.0 + got, rest.1 + expected);
            continue;
        }
        sum += (got - expected).powi(2) / expected;
        cells += 1.0;
    }
    if rest.1 > 1.0 {
        sum += (rest.0 - rest.1).powi(2) / rest.1;
        cells += 1.0;
    }
    (sum, cells - 1.0)
}

fn assert_fits(counts: &BTreeMap<Vec<i32>, f64>, law: &BTreeMap<Vec<i32>, f64>, what: &str) {
    let (sum, freedom) = pearson(counts, law);
    println!("{what}: Pearson's sum {sum:.1} on {freedom} degrees of freedom");
    assert!(sum < freedom + 5.0 * (2.0 * freedom).sqrt(), "{what}: {sum} on {freedom}");
}

/// Probability that a weight is turned round.
fn flip(layer: &Layer, channel: usize, column: usize) -> f64 {
    let flips = layer.flips.as_ref().expect("codes");
    f64::from(flips.codes[channel * layer.fan_in() + column]) / f64::from(1u32 << flips.bits)
}

/// A column's sum is Poisson-binomial; sums of two columns, which share their rows' noise, do not correlate. Their squares do
/// a little, since four cells of two rows and two columns are not independent.
#[test]
fn sums_of_columns_are_poisson_binomial_and_do_not_correlate() {
    let network = dense(&[21, 4], 4);
    let design = design(&network, 4);
    let scores = scores(&design, 11);
    let layer = &network.layers[0];
    let input = image(&network);
    let mut moments = Vec::new();
    for channel in 0..4 {
        let mut law = BTreeMap::from([(vec![0], 1.0)]);
        for (column, &x) in input.iter().enumerate() {
            let p = flip(layer, channel, column);
            let product = layer.weight(channel, column) * i32::from(x);
            let mut next = BTreeMap::new();
            for (sum, q) in &law {
                *next.entry(vec![sum[0] + product]).or_insert(0.0) += q * (1.0 - p);
                *next.entry(vec![sum[0] - product]).or_insert(0.0) += q * p;
            }
            law = next;
        }
        let mut counts = BTreeMap::new();
        scores[channel..].iter().step_by(4).for_each(|&sum| *counts.entry(vec![sum]).or_insert(0.0) += 1.0);
        assert_fits(&counts, &law, &format!("column {channel}"));
        let mean: f64 = law.iter().map(|(sum, p)| p * f64::from(sum[0])).sum();
        moments.push(mean);
    }
    let of = |a: usize, b: usize, power: i32| {
        let centred = |at: usize| (f64::from(scores[at]) - moments[at % 4]).powi(power);
        let pairs = || (0..scores.len() / 4).map(|s| (centred(4 * s + a), centred(4 * s + b)));
        let count = (scores.len() / 4) as f64;
        let (ma, mb) = (pairs().map(|p| p.0).sum::<f64>() / count, pairs().map(|p| p.1).sum::<f64>() / count);
        let cov = |f: fn((f64, f64), f64, f64) -> f64| pairs().map(|p| f(p, ma, mb)).sum::<f64>() / count;
        let both = cov(|p, ma, mb| (p.0 - ma) * (p.1 - mb));
        both / (cov(|p, ma, _| (p.0 - ma).powi(2)) * cov(|p, _, mb| (p.1 - mb).powi(2))).sqrt()
    };
    for (a, b) in [(0, 1), (0, 2), (0, 3), (1, 2), (1, 3), (2, 3)] {
        let (sums, squares) = (of(a, b, 1), of(a, b, 2));
        println!("columns {a} and {b}: sums correlate by {sums:.4}, squares by {squares:.4}");
        // Five standard errors of 100,000 samples.
        assert!(sums.abs() < 5.0 / (1e5f64).sqrt(), "{a} {b}: {sums}");
        assert!(squares.abs() < 0.05, "{a} {b}: {squares}");
    }
}

/// Sums of two columns, or of one with itself, covary as the cells do that share a number, `4 (min(f, g) - f g)` where both are
/// flipped below their codes: on either machine, for each way of sharing.
#[test]
fn columns_covary_as_their_cells_share_numbers() {
    let network = dense(&[21, 4], 4);
    let (layer, input) = (&network.layers[0], image(&network));
    for (kind, noise) in [ReadoutKind::Popcount, ReadoutKind::Sample]
        .into_iter()
        .flat_map(|kind| Sharing::ALL.map(|noise| (kind, noise)))
    {
        let mut arch = ArchFile::default().with("generic", 8, 4, 8, 8, 8);
        (arch.ensemble.samples, arch.ensemble.noise, arch.readout.kind) = (SAMPLES, noise, kind);
        let design = design::build(&network, &arch).expect("a design");
        let drawing = Drawing { samples: SAMPLES, seed: 23, same: false, flips: true };
        let images = input.repeat(IMAGES);
        let scores = match kind {
            ReadoutKind::Sample => {
                let chip = device::chip(&Physics::default(), 0, 0, &design.sites());
                ensemble::prepare_chip(&design, &chip, drawing).samples_of_elements(0, &images)
            }
            _ => ensemble::prepare(&design, drawing).samples_of_elements(0, &images),
        };
        let count = (scores.len() / 4) as f64;
        let mean = |a: usize| scores[a..].iter().step_by(4).map(|&sum| f64::from(sum)).sum::<f64>() / count;
        let means: Vec<f64> = (0..4).map(mean).collect();
        let cov = |a: usize, b: usize| {
            let product = |sums: &[i32]| (f64::from(sums[a]) - means[a]) * (f64::from(sums[b]) - means[b]);
            scores.chunks(4).map(product).sum::<f64>() / count
        };
        let law = |a: usize, b: usize| {
            let cells = (0..21).flat_map(|i| (0..21).map(move |k| (i, k)));
            let shared = cells.filter(|&(i, k)| {
                let same = match noise {
                    Sharing::Crossed => a == b && i == k,
                    Sharing::Rows => i == k,
                    Sharing::Columns => a == b,
                };
                // Words of eight rows are drawn apart.
                same && i / 8 == k / 8
            });
            let product = |(i, k): (usize, usize)| {
                let (f, g) = (flip(layer, a, i), flip(layer, b, k));
                let sign =
                    layer.weight(a, i) * i32::from(input[i]) * layer.weight(b, k) * i32::from(input[k]);
                4.0 * f64::from(sign) * (f.min(g) - f * g)
            };
            shared.map(product).sum::<f64>()
        };
        for (a, b) in [(0, 0), (1, 1), (2, 2), (3, 3), (0, 1), (0, 3), (1, 2), (2, 3)] {
            let (found, expected) = (cov(a, b), law(a, b));
            let error = ((law(a, a) * law(b, b) + expected * expected) / count).sqrt();
            println!(
                "{kind:?}, {noise:?}, columns {a} and {b}: {found:.3}, expected {expected:.3} +- {error:.3}"
            );
            assert!(
                (found - expected).abs() < 5.0 * error,
                "{kind:?}, {noise:?}, {a} {b}: {found} {expected}"
            );
        }
    }
}

/// Scores of 4-3-2 for one choice of all weights: bit `n` of `turned` turns weight `n` round.
fn toy(network: &Network, turned: usize) -> Vec<i32> {
    let mut map: Vec<i32> = image(network).iter().map(|&x| i32::from(x)).collect();
    let mut place = 0;
    for layer in &network.layers {
        let mut sums = Vec::new();
        for channel in 0..layer.conv.c {
            let mut sum = 0;
            for (column, x) in map.iter().enumerate() {
                let weight = layer.weight(channel, column);
                sum += x * if turned >> place & 1 == 1 { -weight } else { weight };
                place += 1;
            }
            sums.push(sum);
        }
        map = match layer.activation {
            Activation::Scores | Activation::Kept => sums,
            Activation::Sign { .. } => sums.iter().map(|&sum| if sum >= 0 { 1 } else { -1 }).collect(),
        };
    }
    map
}

/// All 2^18 weights of a toy network: with a column a word, all weights are independent.
#[test]
fn a_toy_networks_scores_follow_the_exact_law() {
    let network = dense(&[4, 3, 2], 3);
    let mut chances = Vec::new();
    for layer in &network.layers {
        let cells = (0..layer.conv.c).flat_map(|o| (0..layer.fan_in()).map(move |column| (o, column)));
        chances.extend(cells.map(|(channel, column)| flip(layer, channel, column)));
    }
    assert_eq!(chances.len(), 18);
    let mut law = BTreeMap::new();
    for turned in 0..1usize << 18 {
        let of = |(place, p): (usize, &f64)| if turned >> place & 1 == 1 { *p } else { 1.0 - p };
        let p: f64 = chances.iter().enumerate().map(of).product();
        if p > 0.0 {
            *law.entry(toy(&network, turned)).or_insert(0.0) += p;
        }
    }
    let mut counts = BTreeMap::new();
    let scores = scores(&design(&network, 1), 3);
    scores.chunks(2).for_each(|pair| *counts.entry(pair.to_vec()).or_insert(0.0) += 1.0);
    assert_fits(&counts, &law, "4-3-2");
}

/// The mean of each weight over many samples is `1 - 2 code / 2^bits` of its sign.
#[test]
fn weights_have_the_means_of_their_codes() {
    let network = dense(&[13, 6, 3], 5);
    let design = design(&network, 4);
    let count = 2000;
    let drawn = ensemble::networks(&design, 77, count);
    let mut worst = 0f64;
    for (index, layer) in network.layers.iter().enumerate() {
        for channel in 0..layer.conv.c {
            for column in 0..layer.fan_in() {
                let mean =
                    (1.0 - 2.0 * flip(layer, channel, column)) * f64::from(layer.weight(channel, column));
                let weight = |network: &Network| network.layers[index].weight(channel, column);
                let got = f64::from(drawn.iter().map(weight).sum::<i32>()) / count as f64;
                let error = ((1.0 - mean * mean) / count as f64).sqrt();
                match error > 0.0 {
                    true => worst = worst.max((got - mean).abs() / error),
                    false => assert_eq!(got, mean),
                }
            }
        }
    }
    println!("farthest mean: {worst:.2} standard errors");
    assert!(worst < 5.0, "{worst}");
}

/// The mean of probabilities costs no more than the samples do; information lies between 0 and the entropy; and the mean of
/// samples varies as much less as there are samples.
#[test]
fn ensembles_keep_the_inequalities() {
    let network = dense(&[21, 9, 4], 4);
    let scores = scores(&design(&network, 4), 5);
    let images = scores.chunks(SAMPLES * 4);
    for (index, image) in images.clone().take(300).enumerate() {
        let logits =
            |sample: &[i32]| sample.iter().map(|&score| 0.5 * f64::from(score)).collect::<Vec<f64>>();
        let samples: Vec<Vec<f64>> =
            image.chunks(4).map(|sample| metrics::softmax(&logits(sample), 1.0)).collect();
        let all = metrics::mixture(&samples);
        let label = index % 4;
        let cost = samples.iter().map(|p| -p[label].ln()).sum::<f64>() / SAMPLES as f64;
        assert!(-all.probabilities[label].ln() <= cost + 1e-12);
        assert!((0.0..=metrics::entropy(&all.probabilities) + 1e-12).contains(&all.information));
    }
    let variance = |values: &[f64]| {
        let mean = values.iter().sum::<f64>() / values.len() as f64;
        values.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / (values.len() - 1) as f64
    };
    let first = |image: &[i32]| f64::from(image[0]);
    let mean = |image: &[i32]| image.iter().step_by(4).map(|&s| f64::from(s)).sum::<f64>() / SAMPLES as f64;
    let one = variance(&images.clone().map(first).collect::<Vec<f64>>());
    let all = variance(&images.map(mean).collect::<Vec<f64>>());
    let ratio = one / all / SAMPLES as f64;
    println!("variance of one sample over {SAMPLES} x that of the mean: {ratio:.3}");
    // Both variances are known to 3.2 % of 2,000 images.
    assert!((ratio - 1.0).abs() < 5.0 * 0.045, "{ratio}");
}
