//! The record of the table `[bayes]`.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// `[bayes]`: weights that are drawn anew for each sample of an ensemble; what is trained are their chances.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct BayesRecipe {
    /// How the chances are trained.
    pub rule: Rule,
    /// Weight of the prior, under which both signs of a weight are alike: 0.01 if absent, and 1 with rule "bayesbinn". 1 is the
    /// whole divergence of a weight's chances from it, which ruins a network of many weights and few images.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0.0, max = 100.0))]
    pub kl: Option<f64>,
    /// Largest step of the chances' numbers lambda (m = tanh(lambda) is a weight's mean); it falls as train.rate does. 0.03 if
    /// absent (of Adam), and 0.0001 with rule "bayesbinn".
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("exclusiveMinimum" = 0, "maximum" = 1))]
    pub rate: Option<f64>,
    /// Bits of the random number that a draw compares with a weight's flip code, 2 to 8.
    #[schemars(range(min = 2, max = 8))]
    pub bits: usize,
    /// Layers whose weights are drawn, by name or by number from 1; the others stay point estimates. If absent: all, but not
    /// a first layer that reads pixels of several bits or is padded with 0.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1))]
    pub layers: Option<Vec<LayerName>>,
    /// Size of lambda at the start: 1.5 if absent, and 10 with rule "bayesbinn". Random weights begin anywhere up to it, with
    /// either sign (with rule "bayesbinn": at it), those that --start gives at it, with their signs.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("exclusiveMinimum" = 0, "maximum" = 20))]
    pub spread: Option<f64>,
    /// Share of the epochs from which on training draws by the flip codes, as the machine does.
    #[schemars(range(min = 0.0, max = 1.0))]
    pub rounded: f64,
    /// Networks that are drawn after each epoch to tell how the ensemble does, 1 to 256.
    #[schemars(range(min = 1, max = 256))]
    pub samples: usize,
}

impl Default for BayesRecipe {
    fn default() -> BayesRecipe {
        BayesRecipe {
            rule: Rule::Reparametrised,
            kl: None,
            rate: None,
            bits: 4,
            layers: None,
            spread: None,
            rounded: 0.8,
            samples: 8,
        }
    }
}

/// How the chances of drawn weights are trained.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Rule {
    /// Each sum gets its mean and a deviate of its own (local reparametrisation); Adam.
    #[default]
    Reparametrised,
    /// One draw of the weights a step, and the natural gradient of BayesBiNN: a good optimiser, whose weights end nearly certain.
    Bayesbinn,
}

/// A layer by its name, or by its number from 1.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum LayerName {
    Number(usize),
    Name(String),
}

impl std::fmt::Display for LayerName {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            LayerName::Number(number) => write!(f, "{number}"),
            LayerName::Name(name) => write!(f, "\"{name}\""),
        }
    }
}
