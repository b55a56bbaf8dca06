//! Gradients of drawn weights against differences in double precision, and the law of the draws.

use super::super::plan::{Plan, plan};
use super::super::recipe::Recipe;
use super::super::{adam::Parameter, conv};
use super::step::by_lambda;
use super::*;
use crate::network::{PadValue, random};

/// Two layers: a convolution as `how` says, drawn, and scores that are not.
fn planned(how: &str) -> Plan {
    let text = format!(
        "[input]\nchannels = 5\nrows = 6\ncolumns = 4\ncode = \"bipolar\"\n\
         [[layer]]\nkind = \"dense\"\noutputs = 50\n\
         [[layer]]\n{how}\n[[layer]]\nkind = \"scores\"\noutputs = 2\n\
         [bayes]\nlayers = [2]\n"
    );
    // A first layer of a map, so that a convolution padded with 0 can be the second one.
    let text = match how.contains("conv") {
        true => text
            .replace("kind = \"dense\"\noutputs = 50", "kind = \"conv\"\noutputs = 5\nkernel = 3\npad = 1"),
        false => text,
    };
    let recipe: Recipe = toml::from_str(&text).expect("a training file");
    plan(&recipe, "test").unwrap_or_else(|problems| panic!("{problems:?}"))
}

fn numbers(count: usize, salt: u32) -> Vec<f32> {
    let mixed = |i: usize| {
        let x = (i as u32).wrapping_mul(2_654_435_761).wrapping_add(salt.wrapping_mul(40_503));
        (x ^ x >> 15).wrapping_mul(2_246_822_519) >> 16
    };
    (0..count).map(|i| mixed(i) as f32 / 32_768.0 - 1.0).collect()
}

const IMAGES: usize = 5;

/// The sum of a batch's noisy sums, each times its slope, in f64.
fn objective(plan: &Plan, maps: &[i8], lambdas: &[f64], deviates: &[f32], slopes: &[f32]) -> f64 {
    let layer = &plan.layers[1];
    let (input, conv) = (layer.input, layer.conv);
    let mut total = 0.0;
    for (at, (deviate, slope)) in deviates.iter().zip(slopes).enumerate() {
        let (image, place) = (at / conv.elements(), at % conv.elements());
        let (o, x, y) = (place % conv.c, place / conv.c % conv.w, place / conv.c / conv.w);
        let (mut mean, mut variance) = (0.0, 0.0);
        for tap in 0..layer.fan_in() {
            let (c, kx, ky) = (tap % input.c, tap / input.c % layer.kernel.1, tap / input.c / layer.kernel.1);
            let (row, column) = (y * layer.stride + ky, x * layer.stride + kx);
            let at = |at: usize, size: usize| at.checked_sub(layer.pad).filter(|&at| at < size);
            let value = match at(row, input.h).zip(at(column, input.w)) {
                Some((row, column)) => {
                    f64::from(maps[image * input.elements() + (row * input.w + column) * input.c + c])
                }
                None => f64::from(conv::pad_level(layer)),
            };
            let m = lambdas[tap * conv.c + o].tanh();
            mean += value * m;
            variance += value * value * (1.0 - m * m);
        }
        total += f64::from(*slope) * (mean + variance.sqrt() * f64::from(*deviate));
    }
    total
}

#[test]
fn gradients_through_mean_and_deviation_are_differences() {
    for how in [
        "kind = \"dense\"\noutputs = 7",
        "kind = \"conv\"\noutputs = 4\nkernel = 3",
        "kind = \"conv\"\noutputs = 3\nkernel = 3\npad = 1\npad_value = \"plus\"",
        "kind = \"conv\"\noutputs = 3\nkernel = 3\npad = 2\npad_value = \"zero\"",
        "kind = \"conv\"\noutputs = 4\nkernel = 2\nstride = 2\npad = 1\npad_value = \"zero\"",
    ] {
        let plan = planned(how);
        let (layer, bayes) = (&plan.layers[1], plan.drawn(1).expect("drawn"));
        let draws = Draws::Step { step: 3, rounded: false };
        let mut lambdas = Parameter::new(numbers(layer.fan_in() * layer.conv.c, 2), false);
        lambdas.value.iter_mut().for_each(|lambda| *lambda *= 2.0);
        let maps: Vec<i8> = numbers(IMAGES * layer.input.elements(), 3)
            .into_iter()
            .map(|x| if x < 0.0 { -1 } else { 1 })
            .collect();
        let slopes = numbers(IMAGES * layer.conv.elements(), 4);
        let means = bayes.weights(&plan, 1, &lambdas.value, draws);
        let noise = bayes.noise(&plan, 1, &means, draws, IMAGES).expect("noise");
        let wide: Vec<f64> = lambdas.value.iter().map(|&lambda| lambda.into()).collect();
        let value = |lambdas: &[f64]| objective(&plan, &maps, lambdas, &noise.deviates, &slopes);
        // The sums themselves.
        let mut sums = vec![0.0; slopes.len()];
        conv::forward(layer, conv::Maps { codes: &maps, unit: 1.0 }, &means, &mut sums);
        noise.add(&mut sums);
        let found: f64 = sums.iter().zip(&slopes).map(|(sum, slope)| f64::from(sum * slope)).sum();
        assert!((found - value(&wide)).abs() < 1e-4 * found.abs().max(10.0), "{how}: {found}");
        // Their gradient.
        let width = layer.conv.w * layer.conv.c;
        let row = |image: usize, y: usize, row: &mut [f32]| {
            row.copy_from_slice(&slopes[image * layer.conv.elements() + y * width..][..width]);
        };
        let maps_of = conv::Maps { codes: &maps, unit: 1.0 };
        conv::Backward { layer, maps: maps_of, weights: &means, row }.run(&mut lambdas.gradient, None);
        noise.correct(layer, &means, row, &mut lambdas.gradient);
        by_lambda(0.0, &mut lambdas);
        for at in (0..wide.len()).step_by(3) {
            let moved = |by: f64| {
                let mut moved = wide.clone();
                moved[at] += by;
                value(&moved)
            };
            let expected = (moved(1e-5) - moved(-1e-5)) / 2e-5;
            let off = (f64::from(lambdas.gradient[at]) - expected).abs();
            assert!(off < 2e-5 * expected.abs().max(1.0), "{how} {at}: {} {expected}", lambdas.gradient[at]);
        }
    }
}

#[test]
fn the_divergence_from_even_chances_pulls_as_it_changes() {
    let lambdas: Vec<f32> = (-40..=40).map(|i| i as f32 / 8.0).collect();
    let mut parameter = Parameter::new(lambdas.clone(), false);
    by_lambda(0.7, &mut parameter);
    let divergence = |lambda: f64| {
        let p = 1.0 / (1.0 + (-2.0 * lambda).exp());
        p * (2.0 * p).ln() + (1.0 - p) * (2.0 * (1.0 - p)).ln()
    };
    for (&lambda, &found) in lambdas.iter().zip(&parameter.gradient) {
        let wide = f64::from(lambda);
        let expected = 0.7 * (divergence(wide + 1e-5) - divergence(wide - 1e-5)) / 2e-5;
        assert!((f64::from(found) - expected).abs() < 1e-6, "{lambda}: {found} {expected}");
    }
}

#[test]
fn chances_are_those_of_the_mean() {
    for i in -200..=200 {
        let lambda = i as f32 / 20.0;
        let m = f64::from(lambda).tanh();
        assert!((flip(lambda) - (1.0 - m.abs()) / 2.0).abs() < 1e-15, "{lambda}");
        assert!((variance(lambda) - (1.0 - m * m)).abs() < 1e-15, "{lambda}");
    }
    // The mean leaves nothing of it in f64; the variance must stay.
    assert!((variance(20.0) / (4.0 * (-40f64).exp()) - 1.0).abs() < 1e-12);
    assert_eq!([code(4, 0.0), code(4, -0.0), code(2, 0.1), code(4, 9.0), code(8, 0.0)], [7, 7, 1, 0, 127]);
    assert_eq!(code(4, -0.8), code(4, 0.8));
}

/// Every weight of a layer is turned as often as its chance says, each by itself.
#[test]
fn draws_follow_their_chances() {
    let plan = planned("kind = \"dense\"\noutputs = 7");
    let bayes = plan.drawn(1).expect("drawn");
    let lambdas: Vec<f32> = numbers(350, 9).iter().map(|x| 1.5 * x).collect();
    const DRAWS: u64 = 2000;
    for rounded in [false, true] {
        let mut turned = vec![0u32; lambdas.len()];
        let mut together = 0u32;
        for number in 0..DRAWS {
            let drawn = match rounded {
                true => bayes.weights(&plan, 1, &lambdas, Draws::Sample(number)),
                false => bayes.drawn(Stream::new(1, Purpose::Step, number, 1), &lambdas, false),
            };
            let is_turned: Vec<bool> =
                drawn.iter().zip(&lambdas).map(|(w, lambda)| w * lambda < 0.0).collect();
            turned.iter_mut().zip(&is_turned).for_each(|(count, turned)| *count += u32::from(*turned));
            together += is_turned.windows(2).filter(|pair| pair[0] && pair[1]).count() as u32;
        }
        let chance =
            |lambda: f32| if rounded { of_code(bayes.bits, code(bayes.bits, lambda)) } else { flip(lambda) };
        for (&lambda, &count) in lambdas.iter().zip(&turned) {
            let (p, n) = (chance(lambda), DRAWS as f64);
            let off = (f64::from(count) - n * p).abs();
            assert!(
                off <= 5.0 * (n * p * (1.0 - p)).sqrt(),
                "{rounded} {lambda}: {count} of {n}, chance {p}"
            );
        }
        let pairs: f64 = lambdas.windows(2).map(|pair| chance(pair[0]) * chance(pair[1])).sum();
        let expected = pairs * DRAWS as f64;
        assert!((f64::from(together) - expected).abs() < 6.0 * expected.sqrt(), "{together} {expected}");
    }
}

/// The network that is drawn for the ensemble turns weights by their codes, and changes nothing else.
#[test]
fn drawn_networks_follow_their_codes() {
    let limits = random::Limits { channels: 12, side: 4, layers: 3, ..Default::default() };
    let network = random::with_flips(random::network(5, &limits), 3, 5);
    let layers = || network.layers.iter().enumerate().filter_map(|(i, l)| Some((i, l, l.flips.as_ref()?)));
    assert!(layers().count() > 0);
    let mut turned: Vec<Vec<u32>> = network.layers.iter().map(|l| vec![0; l.conv.c * l.fan_in()]).collect();
    const DRAWS: u64 = 800;
    for sample in 0..DRAWS {
        let drawn = measure::drawn(&network, 1, sample);
        let mut whole = drawn.clone();
        for (index, layer, _) in layers() {
            let (here, there) = (&layer.planes[0].weights, &drawn.layers[index].planes[0].weights);
            for (place, count) in turned[index].iter_mut().enumerate() {
                let (row, column) = (place / layer.fan_in(), place % layer.fan_in());
                *count += u32::from(here.get(row, column) != there.get(row, column));
            }
            whole.layers[index].planes = layer.planes.clone();
        }
        assert_eq!(whole, network.mode());
    }
    for (index, _, flips) in layers() {
        for (&code, &count) in flips.codes.iter().zip(&turned[index]) {
            let (p, n) = (of_code(flips.bits, code), DRAWS as f64);
            let off = (f64::from(count) - n * p).abs();
            assert!(off <= 5.0 * (n * p * (1.0 - p)).sqrt(), "code {code}: {count} of {n}");
        }
    }
}

/// Borders that are not driven have no noise, and the variance of a sum is that of its own weights.
#[test]
fn deviations_count_driven_taps() {
    let plan = planned("kind = \"conv\"\noutputs = 3\nkernel = 3\npad = 1\npad_value = \"zero\"");
    let (layer, bayes) = (&plan.layers[1], plan.drawn(1).expect("drawn"));
    assert_eq!(layer.pad_value, PadValue::Zero);
    let means = vec![0.6; layer.fan_in() * layer.conv.c];
    let draws = Draws::Step { step: 0, rounded: false };
    let noise = bayes.noise(&plan, 1, &means, draws, 2).expect("noise");
    let taps = |at: usize| (f64::from(noise.deviations[at * layer.conv.c]).powi(2) / 0.64).round() as usize;
    assert_eq!([taps(0), taps(1), taps(layer.conv.w + 1)], [5 * 4, 5 * 6, 5 * 9]);
    let (a, b) = noise.deviates.split_at(layer.conv.elements());
    assert!(a != b && a[0] != a[1]);
    assert!(bayes.noise(&plan, 1, &means, Draws::Mode, 2).is_none());
}
