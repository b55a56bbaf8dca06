//! The table `[bayes]` with every number resolved, or all that is wrong with it.

use super::super::plan::{PlanLayer, Problem};
use super::super::recipe::{Code, Products, Recipe};
use super::super::sign::sign;
use super::recipe::{BayesRecipe, LayerName, Rule};
use crate::network::{Flips, PadValue};

/// `[bayes]` in which everything is a number.
#[derive(Debug, Clone, PartialEq)]
pub struct BayesPlan {
    pub rule: Rule,
    pub kl: f64,
    pub rate: f64,
    pub bits: usize,
    pub spread: f64,
    pub rounded: f64,
    pub samples: usize,
    /// One entry a layer: its weights are drawn.
    pub drawn: Vec<bool>,
}

impl BayesPlan {
    /// A weight's lambda at the start; `place` is a random number from -1 to 1.
    pub fn start(&self, place: f32) -> f32 {
        let spread = self.spread as f32;
        match self.rule {
            Rule::Reparametrised => spread * place,
            Rule::Bayesbinn => self.of_sign(place),
        }
    }

    /// Lambda of a weight of which the start gives no more than the sign of `value`.
    pub fn of_sign(&self, value: f32) -> f32 {
        self.spread as f32 * f32::from(sign(value))
    }
}

/// Resolves `[bayes]` of `recipe` for `layers`; what is wrong goes to `problems`.
pub fn resolve(recipe: &Recipe, layers: &[PlanLayer], problems: &mut Vec<Problem>) -> Option<BayesPlan> {
    let bayes = recipe.bayes.as_ref()?;
    let binn = bayes.rule == Rule::Bayesbinn;
    let of_rule = |given: Option<f64>, reparametrised: f64, bayesbinn: f64| {
        given.unwrap_or(if binn { bayesbinn } else { reparametrised })
    };
    let mut plan = BayesPlan {
        rule: bayes.rule,
        kl: of_rule(bayes.kl, 0.01, 1.0),
        rate: of_rule(bayes.rate, 0.03, 1e-4),
        bits: bayes.bits,
        spread: of_rule(bayes.spread, 1.5, 10.0),
        rounded: bayes.rounded,
        samples: bayes.samples,
        drawn: Vec::new(),
    };
    numbers(&plan, problems);
    others(recipe, problems);
    // Layers behind one that cannot be are unknown; it is named already.
    if layers.len() == recipe.layer.len() {
        plan.drawn = drawn(recipe, bayes, layers, problems);
    }
    Some(plan)
}

fn numbers(plan: &BayesPlan, problems: &mut Vec<Problem>) {
    let mut within = |key: &str, value: f64, (low, high): (f64, f64), right: &str| {
        if !(value >= low && value <= high) {
            problems.push(Problem { place: format!("bayes.{key}"), what: format!("{value}: give {right}") });
        }
    };
    within("kl", plan.kl, (0.0, 100.0), "a weight of the prior of 0 to 100, such as 0.01");
    within("rate", plan.rate, (1e-12, 1.0), "a step above 0 and up to 1, such as 0.03");
    within("spread", plan.spread, (1e-3, 20.0), "a size above 0 and up to 20, such as 1.5");
    within("rounded", plan.rounded, (0.0, 1.0), "a share of the epochs, 0 to 1");
    within("samples", plan.samples as f64, (1.0, 256.0), "1 to 256 networks");
    let bits = (*Flips::BITS.start() as f64, *Flips::BITS.end() as f64);
    within("bits", plan.bits as f64, bits, "2 to 8 bits");
}

/// Tables and keys that do not go with drawn weights.
fn others(recipe: &Recipe, problems: &mut Vec<Problem>) {
    let mut say = |there: bool, place: String, what: &str| {
        if there {
            problems.push(Problem { place, what: format!("{what} with [bayes]; remove one of the two") });
        }
    };
    say(recipe.supports.is_some(), "supports".into(), "weights of several planes are not drawn:");
    say(recipe.variation.is_some(), "variation".into(), "drawn weights are not trained on drawn chips:");
    let narrow = recipe.train.products == Products::Narrow;
    say(narrow, "train.products".into(), "\"narrow\" products need weights that are signs, not");
    for (index, layer) in recipe.layer.iter().enumerate() {
        let there = layer.shortcut.is_some();
        say(there, format!("layer {}: shortcut", index + 1), "shortcuts do not run");
    }
}

/// Which layers are drawn.
fn drawn(
    recipe: &Recipe,
    bayes: &BayesRecipe,
    layers: &[PlanLayer],
    problems: &mut Vec<Problem>,
) -> Vec<bool> {
    let mut say = |what: String| problems.push(Problem { place: "bayes.layers".into(), what });
    let not_first = not_first(recipe, layers);
    let Some(named) = &bayes.layers else {
        let drawn: Vec<bool> = (0..layers.len()).map(|index| index > 0 || not_first.is_none()).collect();
        if !drawn.contains(&true) {
            say("there is no layer whose weights can be drawn; take a second layer, or code = \"bipolar\""
                .into());
        }
        return drawn;
    };
    if named.is_empty() {
        say("name the layers to draw, or remove the key for all that can be, or [bayes] for none".into());
    }
    let mut drawn = vec![false; layers.len()];
    for name in named {
        let found = match name {
            LayerName::Number(number) => number.checked_sub(1).filter(|&index| index < layers.len()),
            LayerName::Name(name) => layers.iter().position(|layer| layer.name == *name),
        };
        match found {
            None => {
                let known: Vec<&str> = layers.iter().map(|layer| layer.name.as_str()).collect();
                say(format!(
                    "{name} is no layer: give a number from 1 to {}, or one of {}",
                    layers.len(),
                    known.join(", ")
                ));
            }
            Some(index) if drawn[index] => say(format!("{name} is named twice")),
            Some(0) if not_first.is_some() => say(format!("{name}: {}", not_first.unwrap_or_default())),
            Some(index) => drawn[index] = true,
        }
    }
    drawn
}

/// Why the first layer cannot be drawn.
fn not_first(recipe: &Recipe, layers: &[PlanLayer]) -> Option<&'static str> {
    let first = layers.first()?;
    if recipe.input.code == Code::Int8 {
        return Some(
            "the machine repeats the first layer's weights for each bit of a pixel, and would draw the copies apart; leave \
             it out, or set input.code = \"bipolar\"",
        );
    }
    (first.pad > 0 && first.pad_value == PadValue::Zero).then_some(
        "bits padded with 0 take two bits each in the machine, whose copies would be drawn apart; pad it with \"minus\" or \
         \"plus\", or leave it out",
    )
}
