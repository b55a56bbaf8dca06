//! The record of a training file: the network's layers and how they are trained, with every default.
//!
//! Knows no file; what cannot be is said by [`super::plan`].

pub use super::bayes::recipe::{BayesRecipe, LayerName, Rule};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A network and its training.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Recipe {
    /// Name of the network; the output file's name if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The images, and how a pixel becomes a number.
    pub input: InputRecipe,
    /// The layers, from the image to the scores.
    #[schemars(length(min = 1))]
    pub layer: Vec<LayerRecipe>,
    /// The schedule.
    #[serde(default)]
    pub train: TrainRecipe,
    /// What happens to a training image before each use.
    #[serde(default)]
    pub augment: AugmentRecipe,
    /// Train on drawn chips of a machine with analog arrays.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub variation: Option<VariationRecipe>,
    /// Further planes of weights.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub supports: Option<SupportsRecipe>,
    /// Weights that are drawn anew for each sample of an ensemble.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bayes: Option<BayesRecipe>,
}

/// `[supports]`: weights `w_0 + sum a_k s_k` (Supported-BinaryNet), all of them signs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SupportsRecipe {
    /// Sizes `a_k`, falling from at most 1, each a power of two (0.5, 0.25 ...) or a code of the row DAC; 1 to 3 of
    /// them.
    #[schemars(length(min = 1, max = 3), inner(range(min = 0.015625, max = 1.0)))]
    pub scales: Vec<f64>,
    /// Bits of the row DAC that drives a support's rows, 1 to 7: sizes are multiples of 1/2^bits of the base's full
    /// scale. Powers of two if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 7))]
    pub dac_bits: Option<u32>,
    /// Every number of planes is to serve at run time: each has thresholds of its own, and each step draws how many
    /// planes it runs.
    #[serde(default)]
    pub any_planes: bool,
    /// Learn the sizes of each layer, from `scales` on, and move them to sizes that there are at `snap`.
    #[serde(default)]
    pub learn_scales: bool,
    /// When learnt sizes are moved, a share of the epochs.
    #[serde(default = "half")]
    #[schemars(extend("minimum" = 0, "exclusiveMaximum" = 1))]
    pub snap: f64,
    /// Keep the signs of the base as `--start` gives them; normalisation and supports alone are trained.
    #[serde(default)]
    pub frozen: bool,
    /// Share of the supports (with `drop_per = "cycle"`: of their passes) that is left out in the end, least ones first.
    #[serde(default)]
    #[schemars(range(min = 0.0, max = 1.0))]
    pub drop: f64,
    /// What is least.
    #[serde(default)]
    pub drop_by: DropBy,
    /// What their worth is divided by, and what `drop` counts.
    #[serde(default)]
    pub drop_per: DropPer,
    /// Neighbouring taps that are left out together, for all outputs; the rows of the array, for the machine to skip
    /// whole passes.
    #[serde(default = "drop_taps")]
    #[schemars(range(min = 1, max = 65_536))]
    pub drop_taps: usize,
    /// When so many are left out, a share of the epochs; training goes on without them.
    #[serde(default = "half")]
    #[schemars(extend("minimum" = 0, "exclusiveMaximum" = 1))]
    pub drop_at: f64,
    /// When the first are left out, a share of the epochs up to `drop_at`, which it is if absent; in between the share
    /// grows evenly, and each epoch ranks those that are left.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("minimum" = 0, "exclusiveMaximum" = 1))]
    pub drop_from: Option<f64>,
}

impl SupportsRecipe {
    /// Most supports of a layer.
    pub const MOST: usize = 3;

    /// The size that there is nearest to `size`: a DAC code, or a power of two.
    pub fn nearest(&self, size: f64) -> f64 {
        match self.dac_bits {
            Some(bits) => {
                let codes = f64::from(1u32 << bits);
                (size * codes).round().clamp(1.0, codes) / codes
            }
            None => size.log2().round().exp2(),
        }
    }
}

fn half() -> f64 {
    0.5
}

fn drop_taps() -> usize {
    64
}

/// How groups of supports are ranked.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum DropBy {
    /// By the mean size of their latent weights.
    #[default]
    Magnitude,
    /// By how much the loss of a thousand images rises without them, for each weight.
    Loss,
    /// By the mean square, over batches, of that rise to first order (gradient times weight), for each weight.
    Gradient,
}

/// What groups of supports cost.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum DropPer {
    /// Their weights.
    #[default]
    Weight,
    /// The cycles of the passes of an array of `drop_taps` rows. Where each bit of an integer input takes a row, groups of a
    /// layer on such an input are as much smaller as it has bits; where the bits drive one row in turn, its passes take as many
    /// reads.
    Cycle,
}

/// `[variation]`: the machine whose chips the network is trained on, a fresh one each step.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct VariationRecipe {
    /// Architecture file with an analog readout and a table `[variation]`, relative to this file.
    pub arch: String,
}

/// `[input]`: the images, and how a pixel becomes a number.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct InputRecipe {
    /// Channels of an image, 1 to 4096.
    #[schemars(range(min = 1, max = 4096))]
    pub channels: usize,
    /// Rows of an image, 1 to 4096.
    #[schemars(range(min = 1, max = 4096))]
    pub rows: usize,
    /// Columns of an image, 1 to 4096.
    #[schemars(range(min = 1, max = 4096))]
    pub columns: usize,
    /// What the first layer reads.
    #[serde(default)]
    pub code: Code,
}

/// What the first layer reads.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Code {
    /// Pixel p is the integer p - 128 (eight bit planes).
    #[default]
    Int8,
    /// Pixel p is +1 from 128 on, else -1 (one bit).
    Bipolar,
}

impl Code {
    /// Bits of an element.
    pub fn bits(self) -> usize {
        match self {
            Code::Int8 => 8,
            Code::Bipolar => 1,
        }
    }

    /// What an input element of code 1 is worth: pixels run from -1 to just below 1.
    pub fn unit(self) -> f32 {
        match self {
            Code::Int8 => 1.0 / 128.0,
            Code::Bipolar => 1.0,
        }
    }
}

/// `[[layer]]`: one layer with its batch normalisation, sign and pooling.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LayerRecipe {
    /// What the layer is.
    pub kind: Kind,
    /// Output channels; of the scores, the number of classes.
    #[schemars(range(min = 1, max = 65_536))]
    pub outputs: usize,
    /// Name in the model and in reports; kind and number if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Rows and columns of a convolution's kernel, 1 to 7.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 7))]
    pub kernel: Option<usize>,
    /// Step of a convolution, 1 if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 65_536))]
    pub stride: Option<usize>,
    /// Pixels added on each side of a convolution's map, none if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(max = 6))]
    pub pad: Option<usize>,
    /// What the added pixels hold: -1 if absent, and 0 for the image.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pad_value: Option<PadWith>,
    /// Side and step of the maximum over bits behind a convolution, none if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 15))]
    pub pool: Option<usize>,
    /// Name of an earlier layer whose sums (behind its pooling, before normalisation and sign, with what it added itself)
    /// are added to this layer's own, as in Bi-Real Net. Both have one shape, this layer has no pooling, and no layer
    /// between the two is named by a shortcut.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shortcut: Option<String>,
    /// What a sum of this layer counts beside the shortcut, a power of two. If absent, the one that brings the size of
    /// its sums, scale * sqrt(inputs of a sum), nearest to that of the sums that the named layer makes itself:
    /// its own scale (1 without shortcut; 0.5 where it reads 8-bit pixels) * sqrt(inputs of a sum), as far as the planes
    /// of weights can count it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("exclusiveMinimum" = 0))]
    pub scale: Option<f64>,
    /// Gradient of this layer's sign, if not that of `[train]`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ste: Option<Ste>,
}

/// What a layer is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// Convolution, batch normalisation, sign.
    Conv,
    /// All inputs to every output, batch normalisation, sign.
    Dense,
    /// The last layer: all inputs to every class, the sums are the scores.
    Scores,
}

/// Content of padding.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum PadWith {
    /// -1.
    Minus,
    /// +1.
    Plus,
    /// 0: the tap adds nothing.
    Zero,
}

/// The straight-through estimator: what stands for the derivative of sign(y).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Ste {
    /// 1 where |y| <= 1, else 0 (BinaryNet).
    #[default]
    Clipped,
    /// 2 - 2|y| where |y| <= 1, else 0 (Bi-Real Net).
    Polynomial,
    /// |y|^(1/o - 1) / o where |y| <= 1.5, held below |y| = 0.1; o grows from 1 to 3 (ReSTE).
    Reste,
}

/// In what the products of a layer are computed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Products {
    /// Single precision.
    #[default]
    F32,
    /// Integers of 8 bits, in all layers but the scores. The sums are the same; gradients of sums are rounded to bytes,
    /// up or down by chance.
    Narrow,
}

/// `[train]`: the schedule.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct TrainRecipe {
    /// Passes over the training images.
    #[schemars(range(min = 1, max = 100_000))]
    pub epochs: usize,
    /// Images of one step.
    #[schemars(range(min = 2, max = 65_536))]
    pub batch: usize,
    /// Adam's largest step; it falls along half a cosine.
    #[schemars(extend("exclusiveMinimum" = 0, "maximum" = 1))]
    pub rate: f64,
    /// The step at the end, a fraction of `rate`.
    #[schemars(range(min = 0.0, max = 1.0))]
    pub rate_end: f64,
    /// Epochs in which the step grows from 0 to `rate`.
    #[schemars(range(min = 0.0))]
    pub warmup: f64,
    /// Share of the target that goes to all classes alike.
    #[schemars(range(min = 0.0, max = 0.9))]
    pub label_smoothing: f64,
    /// Largest latent weight at the start, above 0 and up to 1.
    #[schemars(extend("exclusiveMinimum" = 0, "maximum" = 1))]
    pub spread: f64,
    /// Gradient of the signs.
    pub ste: Ste,
    /// In what products are computed: "narrow" is faster with AVX-512 VNNI, slower without, and not for `[supports]`.
    pub products: Products,
    /// Seed of weights, order and augmentation.
    pub seed: u64,
    /// Training images that the final normalisation statistics are measured on.
    #[schemars(range(min = 2))]
    pub measured: usize,
    /// Share of the training images kept apart to test on, for data without a test part.
    #[schemars(range(min = 0.0, max = 0.9))]
    pub holdout: f64,
    /// Chips that the images of a step are shared out among, with `[variation]`: of one chip alone a batch's own
    /// statistics would take out the errors that its columns have in common.
    #[schemars(range(min = 1))]
    pub chips: usize,
}

impl Default for TrainRecipe {
    fn default() -> TrainRecipe {
        TrainRecipe {
            epochs: 20,
            batch: 100,
            rate: 0.005,
            rate_end: 0.0,
            warmup: 0.0,
            label_smoothing: 0.0,
            spread: 0.3,
            ste: Ste::Clipped,
            products: Products::F32,
            seed: 1,
            measured: 10_000,
            holdout: 0.0,
            chips: 4,
        }
    }
}

/// `[augment]`: what happens to a training image before each use.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct AugmentRecipe {
    /// Most pixels of a random shift in each direction.
    pub shift: usize,
    /// Most degrees of a random turn about the image's middle, 0 to 180.
    #[schemars(range(min = 0.0, max = 180.0))]
    pub rotate: f64,
    /// Most relative change of a random size, one for rows and one for columns, 0 to 0.9.
    #[schemars(range(min = 0.0, max = 0.9))]
    pub scale: f64,
    /// Standard deviation of elastic movements, in pixels, 0 to 20: each pixel moves its own way, neighbours alike.
    #[schemars(range(min = 0.0, max = 20.0))]
    pub elastic: f64,
    /// Pixel value that comes in from outside, 0 to 255.
    pub fill: u8,
    /// Mirror half of the images left to right.
    pub flip: bool,
}
