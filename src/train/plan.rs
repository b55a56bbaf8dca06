//! A recipe with every shape resolved, or all that is wrong with it.
//!
//! Does arithmetic on sizes only; whether a machine can run the network is asked of the finished network.

use super::bayes::{self, BayesPlan, Draws};
use super::model::Moment;
use super::narrow;
use super::recipe::{
    AugmentRecipe, Code, Kind, LayerRecipe, PadWith, Products, Recipe, Ste, SupportsRecipe, TrainRecipe,
};
use super::shortcut::{self, PlanShortcut};
use super::supports::LEAST_SCALE;
use crate::network::{PadValue, Shape};

/// Most channels of a layer and most pixels of a side.
const MOST: usize = 1 << 16;
/// Most weights of a layer, and most values of a map.
const MOST_VALUES: usize = 1 << 26;
/// Largest kernel that the hardware has.
const KERNEL: usize = 7;
/// Largest pooling window; its places are counted in 8 bits.
const POOL: usize = 15;

/// One thing that is wrong: where, what, and what would be right.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{place}: {what}")]
pub struct Problem {
    /// Key or layer.
    pub place: String,
    pub what: String,
}

/// A recipe in which every shape is a number.
#[derive(Debug, Clone, PartialEq)]
pub struct Plan {
    pub name: String,
    pub input: Shape,
    pub code: Code,
    /// At least one; the last alone has no sign.
    pub layers: Vec<PlanLayer>,
    pub train: TrainRecipe,
    pub augment: AugmentRecipe,
    pub supports: Option<SupportsRecipe>,
    /// Weights that are drawn.
    pub bayes: Option<BayesPlan>,
}

/// One layer. A dense layer is a kernel that covers the whole map.
#[derive(Debug, Clone, PartialEq)]
pub struct PlanLayer {
    pub name: String,
    pub kind: Kind,
    pub input: Shape,
    /// Rows and columns.
    pub kernel: (usize, usize),
    pub stride: usize,
    /// Pixels on each side.
    pub pad: usize,
    pub pad_value: PadValue,
    /// Shape of the sums.
    pub conv: Shape,
    /// Side and step of the pooling window; 1 for none.
    pub pool: usize,
    pub output: Shape,
    pub ste: Ste,
    pub shortcut: Option<PlanShortcut>,
    /// A later layer adds the sums, so that they are pooled before their normalisation.
    pub keeps: bool,
}

impl PlanLayer {
    /// Inputs of one sum.
    pub fn fan_in(&self) -> usize {
        self.kernel.0 * self.kernel.1 * self.input.c
    }

    /// The layer as its normalisation sees it: sums that are kept are pooled already.
    pub fn normalised(&self) -> PlanLayer {
        match self.keeps {
            true => PlanLayer { conv: self.output, pool: 1, ..self.clone() },
            false => self.clone(),
        }
    }
}

impl Plan {
    /// Number of classes.
    pub fn classes(&self) -> usize {
        self.layers.last().map_or(0, |last| last.output.c)
    }

    /// Whether the products of a layer are computed in integers of 8 bits.
    pub fn is_narrow(&self, layer: &PlanLayer) -> bool {
        self.train.products == Products::Narrow && layer.kind != Kind::Scores && narrow::suits(layer)
    }

    /// How the weights of layer `index` are drawn; `None` where they are not.
    pub fn drawn(&self, index: usize) -> Option<&BayesPlan> {
        self.bayes.as_ref().filter(|bayes| bayes.drawn[index])
    }

    /// What drawn weights are at a moment of the training.
    pub fn draws(&self, moment: Moment) -> Draws {
        let rounded = self.bayes.as_ref().is_some_and(|bayes| moment.progress >= bayes.rounded);
        Draws::Step { step: moment.step, rounded }
    }

    /// Numbers of supports, below all of them, that are to serve as well.
    pub fn fewer_supports(&self) -> usize {
        self.supports
            .as_ref()
            .filter(|supports| supports.any_planes)
            .map_or(0, |supports| supports.scales.len())
    }

    /// What an input element of code 1 is worth: pixels run from -1 to just below 1.
    pub fn unit(&self) -> f32 {
        self.code.unit()
    }

    /// Code of every pixel value.
    pub fn pixel_codes(&self) -> Vec<i8> {
        (0..=255u8)
            .map(|pixel| match self.code {
                Code::Int8 => (i16::from(pixel) - 128) as i8,
                Code::Bipolar => [-1, 1][usize::from(pixel >= 128)],
            })
            .collect()
    }
}

/// Resolves `recipe`; `name` is the network's name where the recipe gives none.
///
/// # Errors
/// Everything that is wrong.
pub fn plan(recipe: &Recipe, name: &str) -> Result<Plan, Vec<Problem>> {
    let mut problems = Vec::new();
    numbers(recipe, &mut problems);
    supports(recipe, &mut problems);
    let input = Shape { c: recipe.input.channels, h: recipe.input.rows, w: recipe.input.columns };
    let mut layers: Vec<PlanLayer> = Vec::new();
    let mut map = input;
    for (index, layer) in recipe.layer.iter().enumerate() {
        let name = layer.name.clone().unwrap_or_else(|| default_name(&recipe.layer, index));
        let place = format!("layer {} ('{name}')", index + 1);
        let mut say = |what: String| problems.push(Problem { place: place.clone(), what });
        let good =
            !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '-');
        if !good {
            say("its name may hold letters, digits, _ and - only".into());
        }
        if layers.iter().any(|other| other.name == name) {
            say("another layer has this name".into());
        }
        let last = index + 1 == recipe.layer.len();
        if last != (layer.kind == Kind::Scores) {
            say(match last {
                true => "the last layer needs kind = \"scores\"".into(),
                false => "only the last layer may have kind = \"scores\"".into(),
            });
        }
        match resolve(layer, name, map, index == 0, recipe, &mut say) {
            Some(resolved) => {
                map = resolved.output;
                layers.push(resolved);
            }
            // Later layers have no map to read.
            None => break,
        }
    }
    shortcut::resolve(recipe, &mut layers, &mut problems);
    let bayes = bayes::resolve(recipe, &layers, &mut problems);
    if recipe.layer.is_empty() {
        problems.push(Problem { place: "layer".into(), what: "give at least one [[layer]]".into() });
    }
    if !problems.is_empty() {
        return Err(problems);
    }
    Ok(Plan {
        name: recipe.name.clone().unwrap_or_else(|| name.into()),
        input,
        code: recipe.input.code,
        layers,
        train: recipe.train.clone(),
        augment: recipe.augment.clone(),
        supports: recipe.supports.clone(),
        bayes,
    })
}

/// "conv2" for the second convolution.
fn default_name(layers: &[LayerRecipe], index: usize) -> String {
    let kind = layers[index].kind;
    let number = layers[..=index].iter().filter(|layer| layer.kind == kind).count();
    match kind {
        Kind::Conv => format!("conv{number}"),
        Kind::Dense => format!("dense{number}"),
        Kind::Scores => "scores".into(),
    }
}

/// The layer behind `map`; `None` where its shapes cannot be.
fn resolve(
    layer: &LayerRecipe,
    name: String,
    map: Shape,
    first: bool,
    recipe: &Recipe,
    say: &mut impl FnMut(String),
) -> Option<PlanLayer> {
    let mut sound = true;
    let mut fault = |what: String| {
        say(what);
        sound = false;
    };
    if !(1..=MOST).contains(&layer.outputs) {
        fault(format!("outputs = {}: give 1 to {MOST}", layer.outputs));
    }
    if layer.kind == Kind::Scores && layer.outputs > 256 {
        fault(format!("outputs = {}: labels have 8 bits, at most 256 classes", layer.outputs));
    }
    if layer.kind != Kind::Conv {
        for (key, given) in [
            ("kernel", layer.kernel.is_some()),
            ("stride", layer.stride.is_some()),
            ("pad", layer.pad.is_some()),
            ("pad_value", layer.pad_value.is_some()),
            ("pool", layer.pool.is_some()),
        ] {
            if given {
                fault(format!("{key} belongs to kind = \"conv\" only; remove it"));
            }
        }
    }
    if layer.kind == Kind::Scores && layer.ste.is_some() {
        fault("ste: the scores have no sign; remove it".into());
    }
    let (kernel, stride, pad) = match layer.kind {
        Kind::Conv => {
            let side = layer.kernel.unwrap_or_else(|| {
                fault("a convolution needs kernel, such as kernel = 3".into());
                1
            });
            ((side, side), layer.stride.unwrap_or(1), layer.pad.unwrap_or(0))
        }
        Kind::Dense | Kind::Scores => ((map.h, map.w), 1, 0),
    };
    let pool = layer.pool.unwrap_or(1);
    if layer.kind == Kind::Conv && !(1..=KERNEL).contains(&kernel.0) {
        fault(format!("kernel = {}: give 1 to {KERNEL}", kernel.0));
    }
    if !(1..=MOST).contains(&stride) {
        fault(format!("stride = {stride}: give at least 1"));
    }
    if !(1..=POOL).contains(&pool) {
        fault(format!("pool = {pool}: give 1 to {POOL}"));
    }
    if pad > 0 && pad >= kernel.0 {
        fault(format!("pad = {pad}: give less than the kernel's {}", kernel.0));
    }
    let multi_bit = first && recipe.input.code == Code::Int8;
    let pad_value = match (layer.pad_value, multi_bit) {
        (_, _) if pad == 0 => PadValue::Zero,
        (None | Some(PadWith::Zero), true) => PadValue::Zero,
        (Some(_), true) => {
            fault("pad_value: the image's pixels are integers, pad it with \"zero\"".into());
            PadValue::Zero
        }
        (Some(PadWith::Zero), false) => PadValue::Zero,
        (Some(PadWith::Plus), false) => PadValue::Plus,
        (None | Some(PadWith::Minus), false) => PadValue::Minus,
    };
    if !sound {
        return None;
    }
    let size = |n: usize, k: usize, step: usize| n.checked_sub(k).map_or(0, |free| free / step + 1);
    let conv = Shape {
        c: layer.outputs,
        h: size(map.h + 2 * pad, kernel.0, stride),
        w: size(map.w + 2 * pad, kernel.1, stride),
    };
    let output = Shape { c: conv.c, h: size(conv.h, pool, pool), w: size(conv.w, pool, pool) };
    if conv.elements() == 0 {
        say(format!(
            "its kernel of {} does not fit the map of {map}; pad it, or take fewer layers",
            kernel.0
        ));
        return None;
    }
    if output.elements() == 0 {
        say(format!("its pool of {pool} does not fit the map of {conv}; pool less, or pad"));
        return None;
    }
    let weights = kernel.0 * kernel.1 * map.c;
    if weights.saturating_mul(layer.outputs) > MOST_VALUES || conv.elements() > MOST_VALUES {
        say(format!("more than {MOST_VALUES} weights or sums; take fewer outputs"));
        return None;
    }
    let ste = layer.ste.unwrap_or(recipe.train.ste);
    Some(PlanLayer {
        name,
        kind: layer.kind,
        input: map,
        kernel,
        stride,
        pad,
        pad_value,
        conv,
        pool,
        output,
        ste,
        shortcut: None,
        keeps: false,
    })
}

/// Numbers of the recipe that cannot be.
fn numbers(recipe: &Recipe, problems: &mut Vec<Problem>) {
    let (train, input) = (&recipe.train, &recipe.input);
    let mut say = |bad: bool, key: &str, value: String, right: &str| {
        if bad {
            problems.push(Problem { place: key.into(), what: format!("{value}: give {right}") });
        }
    };
    for (key, value) in
        [("input.channels", input.channels), ("input.rows", input.rows), ("input.columns", input.columns)]
    {
        say(!(1..=4096).contains(&value), key, value.to_string(), "1 to 4096");
    }
    let elements = input.channels.saturating_mul(input.rows).saturating_mul(input.columns);
    say(elements > 1 << 24, "input", format!("{elements} elements"), "at most 16,777,216");
    say(!(1..=100_000).contains(&train.epochs), "train.epochs", train.epochs.to_string(), "1 to 100000");
    say(!(2..=65_536).contains(&train.batch), "train.batch", train.batch.to_string(), "2 to 65536");
    say(
        !(1..=train.batch.max(1)).contains(&train.chips),
        "train.chips",
        train.chips.to_string(),
        "1 to train.batch",
    );
    let mut within = |key: &str, value: f64, low: f64, high: f64, right: &str| {
        say(!(value >= low && value <= high), key, value.to_string(), right);
    };
    within("train.rate", train.rate, 1e-9, 1.0, "a step above 0 and up to 1, such as 0.005");
    within("train.rate_end", train.rate_end, 0.0, 1.0, "a fraction of the rate, 0 to 1");
    within("train.warmup", train.warmup, 0.0, train.epochs as f64, "epochs, 0 up to train.epochs");
    within("train.label_smoothing", train.label_smoothing, 0.0, 0.9, "a share of 0 to 0.9");
    within("train.spread", train.spread, 1e-6, 1.0, "a weight above 0 and up to 1");
    within("train.holdout", train.holdout, 0.0, 0.9, "a share of 0 to 0.9");
    within("augment.rotate", recipe.augment.rotate, 0.0, 180.0, "degrees, 0 to 180");
    within("augment.scale", recipe.augment.scale, 0.0, 0.9, "a relative change, 0 to 0.9");
    within("augment.elastic", recipe.augment.elastic, 0.0, 20.0, "pixels, 0 to 20");
    let least = train.batch.min(1 << 16);
    say(train.measured < least, "train.measured", train.measured.to_string(), "at least train.batch");
    let side = input.rows.min(input.columns);
    let shift = recipe.augment.shift;
    say(shift >= side.max(1), "augment.shift", shift.to_string(), "less than the image's side");
}

/// What cannot be of `[supports]`.
fn supports(recipe: &Recipe, problems: &mut Vec<Problem>) {
    let Some(supports) = &recipe.supports else { return };
    if recipe.train.products == Products::Narrow {
        let what = "narrow: weights with [supports] are no signs; give \"f32\"".into();
        problems.push(Problem { place: "train.products".into(), what });
    }
    let mut say = |bad: bool, key: &str, value: String, right: &str| {
        if bad {
            problems
                .push(Problem { place: format!("supports.{key}"), what: format!("{value}: give {right}") });
        }
    };
    let scales = &supports.scales;
    say(
        supports.dac_bits.is_some_and(|bits| !(1..=7).contains(&bits)),
        "dac_bits",
        format!("{:?}", supports.dac_bits.unwrap_or(0)),
        "1 to 7 bits",
    );
    let fits = |scale: &f64| {
        (f64::from(LEAST_SCALE)..=1.0).contains(scale)
            && (supports.dac_bits.is_some_and(|bits| bits > 7) || supports.nearest(*scale) == *scale)
    };
    let sizes = match supports.dac_bits {
        Some(bits) => format!("multiples of 1/{} from 1 down to 1/64, falling", 1u64 << bits.min(7)),
        None => "powers of two from 1 down to 1/64, falling, such as [0.5, 0.25]".into(),
    };
    say(
        !(1..=SupportsRecipe::MOST).contains(&scales.len()),
        "scales",
        format!("{} sizes", scales.len()),
        "1 to 3 of them, such as [0.5]",
    );
    say(
        !scales.iter().all(fits) || !scales.is_sorted_by(|a, b| a >= b),
        "scales",
        format!("{scales:?}"),
        &sizes,
    );
    for (key, value) in [("snap", supports.snap), ("drop_at", supports.drop_at)] {
        say(!(0.0..1.0).contains(&value), key, value.to_string(), "a share of the epochs, 0 up to below 1");
    }
    let from = supports.drop_from.unwrap_or(supports.drop_at);
    say(!(0.0..=supports.drop_at).contains(&from), "drop_from", from.to_string(), "a share of 0 to drop_at");
    say(!(0.0..=1.0).contains(&supports.drop), "drop", supports.drop.to_string(), "a share of 0 to 1");
    say(
        !(1..=MOST).contains(&supports.drop_taps),
        "drop_taps",
        supports.drop_taps.to_string(),
        "the rows of the array, such as 64",
    );
}
