//! Narrow products of layers: exact where they are exact, within stated bounds of single precision elsewhere, and the same
//! for every instruction set and number of threads.

use super::super::conv::{self, Backward as Wide};
use super::super::plan::{PlanLayer, plan};
use super::*;

fn numbers(count: usize, salt: u32) -> Vec<f32> {
    let mixed = |i: usize| {
        let x = (i as u32).wrapping_mul(2_654_435_761).wrapping_add(salt.wrapping_mul(40_503));
        (x ^ x >> 15).wrapping_mul(2_246_822_519) >> 16
    };
    (0..count).map(|i| mixed(i) as f32 / 32_768.0 - 1.0).collect()
}

/// The first layer of a network that reads `inputs` x `h` x `w` elements of `code`.
fn layer(code: &str, (inputs, h, w): (usize, usize, usize), how: &str) -> PlanLayer {
    let text = format!(
        "[input]\nchannels = {inputs}\nrows = {h}\ncolumns = {w}\ncode = \"{code}\"\n\
         [[layer]]\n{how}\n[[layer]]\nkind = \"scores\"\noutputs = 2\n"
    );
    plan(&toml::from_str(&text).expect("a training file"), "test").expect("a plan").layers.remove(0)
}

/// Layers and whether their maps are pixels.
fn layers() -> Vec<(PlanLayer, bool)> {
    let conv = |more: &str| format!("kind = \"conv\"\n{more}");
    [
        ("bipolar", (8, 6, 7), conv("outputs = 5\nkernel = 3")),
        ("bipolar", (24, 5, 4), conv("outputs = 70\nkernel = 3\npad = 1")),
        ("bipolar", (16, 7, 5), conv("outputs = 33\nkernel = 2\npad = 1\npad_value = \"plus\"")),
        ("bipolar", (13, 6, 6), conv("outputs = 4\nkernel = 5\npad = 3\npad_value = \"zero\"")),
        ("bipolar", (8, 8, 9), conv("outputs = 5\nkernel = 3\nstride = 2\npad = 1")),
        ("bipolar", (2, 7, 6), conv("outputs = 7\nkernel = 3\nstride = 3")),
        ("bipolar", (9, 16, 24), conv("outputs = 12\nkernel = 3\npad = 1")),
        ("bipolar", (20, 1, 9), conv("outputs = 12\nkernel = 1")),
        ("int8", (3, 12, 11), conv("outputs = 130\nkernel = 3\npad = 1")),
        ("bipolar", (50, 2, 3), "kind = \"dense\"\noutputs = 67".into()),
        ("int8", (1, 5, 5), "kind = \"dense\"\noutputs = 9".into()),
    ]
    .map(|(code, shape, how)| (layer(code, shape, &how), code == "int8"))
    .into()
}

/// Codes of `batch` maps.
fn codes(layer: &PlanLayer, pixels: bool, batch: usize) -> (Vec<i8>, f32) {
    let values = numbers(batch * layer.input.elements(), 1);
    match pixels {
        true => (values.iter().map(|x| (x * 127.9).floor() as i8).collect(), 1.0 / 128.0),
        false => (values.iter().map(|&x| if x < 0.0 { -1 } else { 1 }).collect(), 1.0),
    }
}

fn signs(latent: &[f32]) -> Vec<f32> {
    latent.iter().map(|&w| if w >= 0.0 { 1.0 } else { -1.0 }).collect()
}

fn sets() -> impl Iterator<Item = InstructionSet> {
    InstructionSet::ALL.into_iter().filter(|set| set.available())
}

/// Gradients of weights and maps in single precision, and narrow ones by `set`.
struct Case {
    layer: PlanLayer,
    codes: Vec<i8>,
    unit: f32,
    latent: Vec<f32>,
    slopes: Vec<f32>,
    bounds: Vec<f32>,
}

impl Case {
    fn new(layer: PlanLayer, pixels: bool, batch: usize, slopes: impl Fn(usize, f32) -> f32) -> Case {
        let (codes, unit) = codes(&layer, pixels, batch);
        let mut latent = numbers(layer.fan_in() * layer.conv.c, 2);
        latent[0] = -0.0;
        let drawn = numbers(batch * layer.conv.elements(), 3);
        let slopes: Vec<f32> =
            drawn.into_iter().enumerate().map(|(i, x)| slopes(i % layer.conv.c, x)).collect();
        let most =
            |c: usize| slopes.iter().skip(c).step_by(layer.conv.c).fold(0.0, |m: f32, x| m.max(x.abs()));
        let bounds = (0..layer.conv.c).map(most).collect();
        Case { layer, codes, unit, latent, slopes, bounds }
    }

    fn maps(&self) -> Maps<'_> {
        Maps { codes: &self.codes, unit: self.unit }
    }

    fn row(&self, image: usize, y: usize, row: &mut [f32]) {
        let width = self.layer.conv.w * self.layer.conv.c;
        row.copy_from_slice(&self.slopes[image * self.layer.conv.elements() + y * width..][..width]);
    }

    fn wide(&self) -> (Vec<f32>, Vec<f32>) {
        let mut made = (vec![0.0; self.latent.len()], vec![0.0; self.codes.len()]);
        let row = |image: usize, y: usize, row: &mut [f32]| self.row(image, y, row);
        let wide = Wide { layer: &self.layer, maps: self.maps(), weights: &signs(&self.latent), row };
        wide.run(&mut made.0, Some(&mut made.1));
        made
    }

    fn narrow(&self, set: InstructionSet, key: u32) -> (Vec<f32>, Vec<f32>) {
        let mut made = (vec![7.0; self.latent.len()], vec![7.0; self.codes.len()]);
        let row = |image: usize, y: usize, row: &mut [f32]| self.row(image, y, row);
        let narrow = Backward {
            layer: &self.layer,
            maps: self.maps(),
            latent: &self.latent,
            row,
            bounds: &self.bounds,
            key,
        };
        narrow.run_on(set, &mut made.0, Some(&mut made.1));
        made
    }
}

#[test]
fn sums_are_those_of_single_precision() {
    for (layer, pixels) in layers() {
        for batch in [1, 5, 8] {
            let (codes, unit) = codes(&layer, pixels, batch);
            let mut latent = numbers(layer.fan_in() * layer.conv.c, 2);
            latent[0] = -0.0;
            let maps = Maps { codes: &codes, unit };
            let mut expected = vec![0.0; batch * layer.conv.elements()];
            conv::forward(&layer, maps, &signs(&latent), &mut expected);
            for set in sets() {
                let mut found = vec![9.0; expected.len()];
                forward_on(set, &layer, maps, &latent, &mut found);
                assert_eq!(found, expected, "{set:?} {layer:?}");
            }
        }
    }
}

/// Gradients that are whole numbers of their scales are not rounded, so all products are exact.
#[test]
fn gradients_that_need_no_rounding_are_exact() {
    for (layer, pixels) in layers() {
        // Of channel c: whole numbers up to 127, times a power of two.
        let slope = |c: usize, x: f32| {
            let scale = (c % 5) as f32;
            (x * 127.0).round().clamp(-127.0, 127.0) / scale.exp2()
        };
        for batch in [2, 5] {
            let mut case = Case::new(layer.clone(), pixels, batch, slope);
            case.bounds = (0..case.layer.conv.c).map(|c| 127.0 / ((c % 5) as f32).exp2()).collect();
            let expected = case.wide();
            for set in sets() {
                let found = case.narrow(set, 5);
                for (what, expected, found) in
                    [("weight", &expected.0, &found.0), ("map", &expected.1, &found.1)]
                {
                    for (at, (e, f)) in expected.iter().zip(found).enumerate() {
                        assert!(
                            (e - f).abs() <= 1e-5 * e.abs().max(1.0),
                            "{set:?} {what} {at}: {f} {e} {layer:?}"
                        );
                    }
                }
            }
        }
    }
}

/// Each rounding is off by less than 1/127 of its output's bound (1/64 more where that is far below the largest), right on
/// average, and independent of the others: a sum of n of them is off by some sqrt(n).
#[test]
fn rounded_gradients_stay_near_those_of_single_precision() {
    for (layer, pixels) in layers() {
        let case = Case::new(layer.clone(), pixels, 12, |c, x| x * x * x * (1.0 + c as f32));
        let expected = case.wide();
        let scales = Scales::new(&case.bounds);
        for (own, bound) in scales.own.iter().zip(&case.bounds) {
            let largest = case.bounds.iter().copied().fold(0.0, f32::max);
            assert!(own * 127.0 >= bound * 0.9999, "no number is held");
            assert!(
                *own <= 2.0 * bound / 127.0 || *own <= 1.01 * largest / 127.0 / 64.0,
                "none is coarser than need be"
            );
        }
        let found = case.narrow(InstructionSet::best(), 11);
        // Six standard deviations, of which one rounding has at most half a step.
        let positions = (12 * layer.conv.pixels()) as f32;
        let mut squares = (0.0f64, 0.0f64);
        for (at, (e, f)) in expected.0.iter().zip(&found.0).enumerate() {
            let step = scales.own[at % layer.conv.c];
            assert!((e - f).abs() < 3.0 * step * positions.sqrt() + 1e-5, "weight {at}: {f} {e} {layer:?}");
            squares.0 += f64::from(e - f).powi(2);
            squares.1 += f64::from(*e).powi(2);
        }
        let places = (layer.kernel.0 * layer.kernel.1) as f32;
        let step = scales.own.iter().map(|s| s * s).sum::<f32>().sqrt();
        for (at, (e, f)) in expected.1.iter().zip(&found.1).enumerate() {
            assert!((e - f).abs() < 3.0 * step * places.sqrt() + 1e-5, "map {at}: {f} {e} {layer:?}");
        }
        assert!(squares.0 < 0.03f64.powi(2) * squares.1, "{squares:?} {layer:?}");
        assert_ne!(found, case.narrow(InstructionSet::best(), 12), "other chances, other roundings");
    }
}

#[test]
fn sets_and_threads_change_nothing() {
    for (layer, pixels) in layers() {
        let case = Case::new(layer, pixels, 6, |c, x| x / (1.0 + c as f32));
        let best = InstructionSet::best();
        let expected = case.narrow(best, 3);
        assert!(sets().all(|set| set == best || case.narrow(set, 3) == expected), "{:?}", case.layer);
        for threads in [1, 2, 3] {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("threads");
            assert!(pool.install(|| case.narrow(best, 3)) == expected, "{threads} threads {:?}", case.layer);
        }
    }
}

/// More positions of pixels than one sum of 32 bits holds are added up in parts.
#[test]
fn many_positions_of_pixels_do_not_overflow() {
    let layer = layer("int8", (1, 64, 64), "kind = \"conv\"\noutputs = 2\nkernel = 1");
    let batch = 40;
    let mut case = Case::new(layer, true, batch, |_, _| 1.0);
    case.codes.fill(-128);
    let found = case.narrow(InstructionSet::best(), 1);
    let expected = -(batch as f32) * 64.0 * 64.0;
    assert!(found.0.iter().all(|f| (f - expected).abs() < 1e-4 * expected.abs()), "{:?} {expected}", found.0);
}
