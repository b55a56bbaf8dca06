//! The measured cases: weights and vectors from a stated generator, and what they must give exactly.

use bincim::bits::BitMatrix;
use bincim::network::*;

/// One layer and the vectors that go through it.
pub struct Case {
    pub name: &'static str,
    pub inputs: usize,
    pub outputs: usize,
    pub vectors: usize,
    /// +1 or -1; index `output * inputs + input`.
    weights: Vec<i16>,
    /// +1 or -1; index `vector * inputs + input`.
    inputs_of: Vec<i16>,
    /// Exact dot products; index `vector * outputs + output`.
    exact: Vec<i64>,
}

/// 1000 vectors through a dense layer of 1024 x 1024.
pub fn fc1024() -> Case {
    let case = Case::new("FC1024", 1024, 1024, signs(1, 1024 * 1024), signs(2, 1000 * 1024));
    case.check(-39196, 1_047_581_128);
    case
}

/// The 1024 windows of a 3 x 3 convolution of 128 channels to 128, padded with -1.
pub fn conv128() -> Case {
    let image = signs(4, 128 * 32 * 32);
    let pixel = |channel: usize, y: usize, x: usize| match (y.checked_sub(1), x.checked_sub(1)) {
        (Some(y), Some(x)) if y < 32 && x < 32 => image[(channel * 32 + y) * 32 + x],
        _ => -1,
    };
    let window = |at: usize| {
        let (y, x) = (at / 32, at % 32);
        (0..1152).map(move |k| pixel(k / 9, y + k % 9 / 3, x + k % 3))
    };
    let windows = (0..1024).flat_map(window).collect();
    let case = Case::new("CONV128", 1152, 128, signs(3, 128 * 1152), windows);
    case.check(-12072, 151_472_224);
    case
}

/// Any signs.
pub fn random(inputs: usize, outputs: usize, vectors: usize) -> Case {
    Case::new("random", inputs, outputs, signs(5, inputs * outputs), signs(6, vectors * inputs))
}

/// Bit 0 of splitmix64 of `seed + (index + 1) * 0x9E3779B97F4A7C15` as a sign.
fn signs(seed: u64, count: usize) -> Vec<i16> {
    let sign = |index: u64| {
        let mut z = seed.wrapping_add((index + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15));
        z = (z ^ z >> 30).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ z >> 27).wrapping_mul(0x94D0_49BB_1331_11EB);
        if (z ^ z >> 31) & 1 == 1 { 1 } else { -1 }
    };
    (0..count as u64).map(sign).collect()
}

impl Case {
    fn new(
        name: &'static str,
        inputs: usize,
        outputs: usize,
        weights: Vec<i16>,
        inputs_of: Vec<i16>,
    ) -> Case {
        let dot = |a: &[i16], b: &[i16]| a.iter().zip(b).map(|(a, b)| i64::from(a * b)).sum();
        let exact =
            inputs_of.chunks(inputs).flat_map(|x| weights.chunks(inputs).map(move |w| dot(x, w))).collect();
        Case { name, inputs, outputs, vectors: inputs_of.len() / inputs, weights, inputs_of, exact }
    }

    /// Panics unless sum and sum of squares of the exact products are the known ones.
    fn check(&self, sum: i64, squares: i64) {
        let actual = (self.exact.iter().sum::<i64>(), self.exact.iter().map(|y| y * y).sum::<i64>());
        assert_eq!(actual, (sum, squares), "{}: another generator", self.name);
    }

    /// A dense layer whose sums are the scores.
    pub fn network(&self) -> Network {
        let layer = Layer {
            name: self.name.into(),
            op: "dense",
            reads: Reads::Input,
            input: Shape::vector(self.inputs),
            kernel: (1, 1),
            stride: (1, 1),
            padding: Padding::NONE,
            planes: vec![Plane::binary(BitMatrix::from_fn(self.outputs, self.inputs, |output, input| {
                self.weights[output * self.inputs + input] > 0
            }))],
            conv: Shape::vector(self.outputs),
            sum_pixels: false,
            pool: None,
            requant: None,
            shortcut: Shortcut::NONE,
            flips: None,
            fewer: Vec::new(),
            activation: Activation::Scores,
            output: Shape::vector(self.outputs),
        };
        Network {
            name: self.name.into(),
            input: Input {
                name: "input".into(),
                shape: Shape::vector(self.inputs),
                code: InputCode::Bipolar,
                pixel_values: vec![0; 256],
                pixel_rule: "none".into(),
            },
            layers: vec![layer],
            output: Output {
                name: "output".into(),
                decision: Decision::Argmax,
                scale: vec![1.0; self.outputs],
                bias: vec![0.0; self.outputs],
                top_k: None,
            },
        }
    }

    /// All vectors, one after the other.
    pub fn images(&self) -> Vec<i16> {
        self.inputs_of.clone()
    }

    /// Root mean square difference from the exact products, in counts; scores are in 1/64 counts.
    pub fn error(&self, scores: &[i32]) -> f64 {
        let squares = scores
            .iter()
            .zip(&self.exact)
            .map(|(score, exact)| (f64::from(*score) / 64.0 - *exact as f64).powi(2));
        (squares.sum::<f64>() / self.exact.len() as f64).sqrt()
    }
}
