//! What decides an activation: how many of a channel's thresholds a number meets.

use super::quant::Quant;

/// How many of its thresholds a decision meets.
#[derive(Debug, Clone)]
pub enum Rule {
    /// Those that are at most x. One list, or one a channel, each rising.
    Thresholds(Vec<Vec<f64>>),
    /// As many as the quantiser's integer of x lies above its smallest.
    Quant(Quant),
}

impl Rule {
    /// Thresholds of a channel.
    pub fn steps(&self) -> usize {
        match self {
            Rule::Thresholds(thresholds) => thresholds[0].len(),
            Rule::Quant(quant) => (quant.range().1 - quant.range().0) as usize,
        }
    }

    /// Whether 0 and more is 1.
    pub fn is_sign(&self) -> bool {
        matches!(self, Rule::Thresholds(lists) if *lists == [[0.0]])
    }

    pub fn met(&self, channel: usize, x: f64) -> usize {
        match self {
            Rule::Thresholds(thresholds) => of(thresholds, channel).iter().filter(|&&t| x >= t).count(),
            Rule::Quant(quant) => (quant.integer(x) - quant.range().0) as usize,
        }
    }

    /// The same as a runtime in single precision decides.
    pub fn met_f32(&self, channel: usize, x: f32) -> usize {
        match self {
            Rule::Thresholds(thresholds) => {
                of(thresholds, channel).iter().filter(|&&t| x >= t as f32).count()
            }
            Rule::Quant(_) => self.met(channel, f64::from(x)),
        }
    }
}

fn of(lists: &[Vec<f64>], channel: usize) -> &[f64] {
    if lists.len() == 1 { &lists[0] } else { &lists[channel] }
}

/// What a decision gives: the tensor then holds even levels from `low[c]` to `high[c]`, by the number of thresholds that
/// are met.
#[derive(Debug, Clone)]
pub struct Decision {
    pub rule: Rule,
    pub low: Vec<f64>,
    pub high: Vec<f64>,
    /// The operation gives 0 for exactly 0 (ONNX Sign), which must then not be reachable.
    pub zero_is_zero: bool,
}
