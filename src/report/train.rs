//! The record of a training, and its curves.

use super::plot::{Axis, BLUE, GREEN, ORANGE, Plot, around};
use serde::{Deserialize, Serialize};

/// Height of one plot, in user units.
const HEIGHT: u32 = 340;

/// One epoch.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct EpochView {
    /// From 1.
    pub epoch: usize,
    /// Mean loss while it trained.
    pub loss: f64,
    /// Share of right training images, augmented, while it trained.
    pub train_accuracy: f64,
    /// Share of right test images of the finished integers; where weights are drawn, of the likelier ones.
    pub test_accuracy: f64,
    /// The same of an ensemble of drawn networks, where weights are drawn.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ensemble_accuracy: Option<f64>,
}

/// A finished training; the keys of `bincim train --json`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TrainView {
    /// The program that trained, with its commit; empty in records of older ones.
    #[serde(default)]
    pub program: String,
    pub network: String,
    pub model_sha256: String,
    pub data: String,
    pub data_sha256: String,
    pub train_images: usize,
    pub test_images: usize,
    pub seed: u64,
    pub epochs: usize,
    pub weight_bits: usize,
    /// Weights of the supports, those left out among them; absent without supports.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub supports: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub supports_left_out: Option<usize>,
    /// SHA-256 of the model that the training went on from.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub started_sha256: Option<String>,
    /// Right test images with 1, 2 ... planes of weights, where every number of them is to serve.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub correct_by_planes: Option<Vec<usize>>,
    /// Weights that are drawn, and how many networks of them an ensemble has; absent where none are.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub drawn_weights: Option<usize>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub samples: Option<usize>,
    /// Right test images of such an ensemble, by the sum of its scores.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ensemble_correct: Option<usize>,
    /// Right test images of the finished file; where weights are drawn, of the likelier ones.
    pub correct: usize,
    pub accuracy: f64,
    pub history: Vec<EpochView>,
}

/// Accuracy and loss over the epochs, as one SVG file.
pub fn train_svg(view: &TrainView) -> String {
    let end = view.history.len().max(2) as f64;
    let line = |value: &dyn Fn(&EpochView) -> f64| -> Vec<(f64, f64)> {
        view.history.iter().map(|epoch| (epoch.epoch as f64, value(epoch))).collect()
    };
    let test = line(&|epoch| 100.0 * epoch.test_accuracy);
    let train = line(&|epoch| 100.0 * epoch.train_accuracy);
    let ensemble: Vec<(f64, f64)> = view
        .history
        .iter()
        .filter_map(|epoch| Some((epoch.epoch as f64, 100.0 * epoch.ensemble_accuracy?)))
        .collect();
    let loss = line(&|epoch| epoch.loss);
    let axis = |title, points: &mut dyn Iterator<Item = f64>| Axis { title, range: around(points, 0.05) };
    let epochs = || Axis { title: "epoch", range: (1.0, end) };
    let accuracies = axis("right, %", &mut test.iter().chain(&train).chain(&ensemble).map(|point| point.1));
    let mut upper = Plot::new(&format!("Accuracy of {} while it trains", view.network), epochs(), accuracies);
    upper.path(&train, ORANGE, "5 3");
    upper.path(&test, BLUE, "");
    upper.entry("test images, finished integers", BLUE, Some(""));
    if !ensemble.is_empty() {
        upper.path(&ensemble, GREEN, "");
        upper.entry("test images, drawn networks together", GREEN, Some(""));
    }
    upper.entry("training images, while training", ORANGE, Some("5 3"));
    let losses = axis("loss", &mut loss.iter().map(|point| point.1));
    let mut lower = Plot::new(&format!("Loss of {} while it trains", view.network), epochs(), losses);
    lower.path(&loss, GREEN, "");
    lower.entry("loss", GREEN, Some(""));
    let placed =
        |plot: Plot, y| plot.svg().replacen("<svg ", &format!("<svg y=\"{y}\" height=\"{HEIGHT}\" "), 1);
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 640 {}\">{}{}</svg>\n",
        2 * HEIGHT,
        placed(upper, 0),
        placed(lower, HEIGHT)
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn curves_have_a_point_an_epoch() {
        let epoch = |epoch| EpochView {
            epoch,
            loss: 1.0 / epoch as f64,
            train_accuracy: 0.9,
            test_accuracy: 0.8 + 0.01 * epoch as f64,
            ensemble_accuracy: (epoch > 1).then_some(0.85),
        };
        let view = TrainView {
            program: String::new(),
            network: "a<b".into(),
            model_sha256: String::new(),
            data: "d".into(),
            data_sha256: String::new(),
            train_images: 1,
            test_images: 1,
            seed: 1,
            epochs: 3,
            weight_bits: 1,
            supports: None,
            supports_left_out: None,
            correct_by_planes: None,
            started_sha256: None,
            drawn_weights: None,
            samples: None,
            ensemble_correct: None,
            correct: 1,
            accuracy: 1.0,
            history: (1..=3).map(epoch).collect(),
        };
        let svg = train_svg(&view);
        let lines: Vec<usize> = svg
            .split("points=\"")
            .skip(1)
            .map(|rest| rest.split('"').next().unwrap_or("").matches(',').count())
            .collect();
        assert_eq!(lines, [3, 3, 2, 3]);
        assert!(svg.contains("a&lt;b") && svg.ends_with("</svg></svg>\n"));
    }
}
