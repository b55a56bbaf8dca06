//! `bincim infer --metrics`: how good the probabilities are that a softmax makes of the scores.

use super::infer::{Model, Split};
use super::{load, options};
use crate::escape;
use crate::metrics::{self, Judgement, Mixture};
use crate::network::{Decision, Network};
use crate::read;
use serde::Serialize;
use std::path::{Path, PathBuf};

#[derive(Debug, Clone, Default, clap::Args)]
pub struct JudgeArgs {
    /// Judge the probabilities too, a softmax of the graph's outputs (those before a Softmax, Sigmoid or Tanh that ends
    /// it): negative log-likelihood, calibration error, Brier score, entropy
    #[arg(long)]
    pub metrics: bool,
    /// Temperature of the softmax, besides 1: a number, or "fit" for the one that costs least on training images
    #[arg(long, value_name = "T|fit", requires = "metrics", value_parser = temperature)]
    pub temperature: Option<Temperature>,
    /// Data set with the training images that a temperature is fitted on; --data's own if not given
    #[arg(long, value_name = "DATA", requires = "temperature")]
    pub fit_data: Option<PathBuf>,
    /// How many of them: the last ones of the set, which are best kept out of training; 5000, or all there are
    #[arg(long, value_name = "N", requires = "temperature", value_parser = options::count::<1, { usize::MAX }>)]
    pub fit_images: Option<usize>,
    /// Images of another kind, same formats: how well the entropy of their probabilities tells them from --data's
    #[arg(long, value_name = "DATA", requires = "metrics")]
    pub ood: Option<PathBuf>,
}

/// Training images that a temperature is fitted on where nobody says how many.
const FIT_IMAGES: usize = 5000;

#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Temperature {
    Fit,
    Is(f64),
}

fn temperature(text: &str) -> Result<Temperature, String> {
    let (low, high) = metrics::TEMPERATURES;
    match text.parse::<f64>() {
        _ if text == "fit" => Ok(Temperature::Fit),
        Ok(number) if (low..=high).contains(&number) => Ok(Temperature::Is(number)),
        _ => Err(format!("neither \"fit\" nor a number from {low} to {high}")),
    }
}

/// What was found. The fields are the keys of `--json`.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Judged {
    /// At temperature 1; of several samples, a softmax of their mean score, which is what the accelerator's sums give.
    pub plain: Judgement,
    pub temperature: Option<f64>,
    /// Training images that it was fitted on.
    pub fitted_on: Option<usize>,
    /// At `temperature`.
    pub tempered: Option<Judgement>,
    pub ood: Option<Strange>,
    /// Where weights are drawn: with the first 1, 2, 4 ... and all samples, at temperature 1.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub ensemble: Vec<Sampled>,
}

/// Figures with the first samples of each image.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Sampled {
    pub samples: usize,
    /// A softmax of the mean score.
    pub scores: Judgement,
    /// The mean of the samples' probabilities.
    pub probabilities: Judgement,
}

/// Images of another kind.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Strange {
    pub images: usize,
    /// Mean entropy of their probabilities in nats, at the temperature if there is one.
    pub entropy: f64,
    /// Chance that one of them has a larger entropy than one of the data set's.
    pub auroc: f64,
    /// The same of the mutual information of class and sample, where weights are drawn.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub auroc_of_information: Option<f64>,
}

/// What is judged: a network, what runs it, and where its images come from.
pub struct Subject<'a> {
    pub network: &'a Network,
    pub model: &'a Model<'a>,
    pub read: &'a load::Model,
    pub data: &'a Path,
    /// Its images.
    pub pixels: &'a [u8],
}

/// Refuses networks whose outputs are no logits.
pub fn check(network: &Network, rule: Decision) -> miette::Result<()> {
    match rule {
        Decision::HighestBit => Err(miette::miette!(
            code = "infer::metrics",
            help = "leave --metrics out, or take --rule argmax if the outputs are meant to be compared",
            "{}: the highest bit decides, so its outputs give no probabilities",
            network.name.terminal()
        )),
        Decision::Argmax | Decision::Sign => Ok(()),
    }
}

impl Subject<'_> {
    /// The logits of sums of the scores of `samples` samples; one score is that of class 1 against 0.
    fn logits(&self, mut sums: Vec<i32>, samples: usize) -> Vec<f64> {
        if let Some(correction) = self.model.correction() {
            correction.apply(&mut sums, samples);
        }
        self.network.output.logits(&sums, samples)
    }

    /// The mean of the probabilities of an image's samples, whose `scores` stand one after the other.
    fn by_probabilities(&self, scores: &[i32], temperature: f64) -> Mixture {
        let samples = scores.chunks(classes(self.network));
        let each: Vec<Vec<f64>> =
            samples.map(|one| metrics::softmax(&self.logits(one.to_vec(), 1), temperature)).collect();
        metrics::mixture(&each)
    }

    /// A softmax of the samples' mean score; the information is that of their probabilities.
    fn by_scores(&self, scores: &[i32], temperature: f64) -> Mixture {
        let information = self.by_probabilities(scores, temperature).information;
        Mixture { probabilities: metrics::softmax(&self.mean(scores), temperature), information }
    }

    /// Logits of the samples' sum.
    fn mean(&self, scores: &[i32]) -> Vec<f64> {
        let classes = classes(self.network);
        let sum = |class: usize| scores[class..].iter().step_by(classes).sum();
        self.logits((0..classes).map(sum).collect(), scores.len() / classes)
    }
}

/// Scores of one sample.
fn classes(network: &Network) -> usize {
    network.layers.last().map_or(1, |last| last.output.elements())
}

/// 1, 2, 4 ... and `samples`.
fn prefixes(samples: usize) -> Vec<usize> {
    let powers = std::iter::successors(Some(1), |count| Some(2 * count)).take_while(|count| *count < samples);
    powers.chain([samples]).collect()
}

/// Judges the `scores` of each of the data set's images, sample after sample, with their `labels`.
///
/// Errors: data for the temperature or of another kind that cannot be read, or too few images.
pub fn judge(
    args: &JudgeArgs,
    subject: &Subject,
    scores: &[Vec<i32>],
    labels: &[u32],
) -> miette::Result<Judged> {
    let images = |temperature| -> Vec<Mixture> {
        scores.iter().map(|scores| subject.by_scores(scores, temperature)).collect()
    };
    let figures =
        |images: &[Mixture]| metrics::judge(images.iter().zip(labels.iter().map(|&label| label as usize)));
    let (temperature, fitted_on) = match args.temperature {
        None => (None, None),
        Some(Temperature::Is(number)) => (Some(number), None),
        Some(Temperature::Fit) => {
            let (number, count) = fit(args, subject)?;
            (Some(number), Some(count))
        }
    };
    let plain = images(1.0);
    let tempered = temperature.map(images);
    let ood = match &args.ood {
        None => None,
        Some(path) => {
            let known = tempered.as_ref().unwrap_or(&plain);
            Some(strange(subject, path, temperature.unwrap_or(1.0), known)?)
        }
    };
    let sampled = |samples: usize| {
        let first = samples * classes(subject.network);
        let of = |judged: &dyn Fn(&[i32]) -> Mixture| {
            let images: Vec<Mixture> = scores.iter().map(|scores| judged(&scores[..first])).collect();
            figures(&images)
        };
        Sampled {
            samples,
            scores: of(&|scores| subject.by_scores(scores, 1.0)),
            probabilities: of(&|scores| subject.by_probabilities(scores, 1.0)),
        }
    };
    let ensemble = match subject.model {
        Model::Drawn(..) => prefixes(subject.model.samples()).into_iter().map(sampled).collect(),
        _ => Vec::new(),
    };
    Ok(Judged {
        ensemble,
        plain: figures(&plain),
        temperature,
        fitted_on,
        tempered: tempered.map(|images| figures(&images)),
        ood,
    })
}

/// The temperature that fits the last training images best, and how many these are.
fn fit(args: &JudgeArgs, subject: &Subject) -> miette::Result<(f64, usize)> {
    let path = args.fit_data.as_deref().unwrap_or(subject.data);
    let data = load::further(subject.read, path, read::Split::from(Split::Train))?;
    let refuse = |why: &str| {
        miette::miette!(
            code = "infer::temperature",
            help = "name training images (--fit-data DATA), or give a number (--temperature 2)",
            "--temperature fit: {} {why}",
            escape::path(path)
        )
    };
    if data.pixels == subject.pixels {
        return Err(refuse("has no other training images than those that are judged"));
    }
    let Some(labels) = data.labels_of(subject.network)? else {
        return Err(refuse("has no labels of its training images"));
    };
    let all = labels.len();
    let count = load::image_count(args.fit_images.or(Some(FIT_IMAGES.min(all))), all, path)?;
    let size = subject.network.input.shape.elements();
    let scores = subject.model.scores(subject.network, 0, &data.pixels[(all - count) * size..]);
    let each = scores.chunks(scores.len() / count.max(1));
    let images: Vec<(Vec<f64>, usize)> = each
        .zip(&labels[all - count..])
        .map(|(scores, &label)| (subject.mean(scores), label as usize))
        .collect();
    Ok((metrics::fit_temperature(&images), count))
}

/// How well doubt tells the images of `path` from the `known` ones.
fn strange(subject: &Subject, path: &Path, temperature: f64, known: &[Mixture]) -> miette::Result<Strange> {
    let data = load::further(subject.read, path, read::Split::from(Split::Test))?;
    let count = data.len();
    if count == 0 {
        return Err(miette::miette!(
            code = "infer::images",
            help = "take a data set with at least one image",
            "--ood {}: no image",
            escape::path(path)
        ));
    }
    let scores = subject.model.scores(subject.network, 0, &data.pixels);
    let strange: Vec<Mixture> =
        scores.chunks(scores.len() / count).map(|scores| subject.by_scores(scores, temperature)).collect();
    let doubts = |images: &[Mixture]| -> Vec<f64> {
        images.iter().map(|one| metrics::entropy(&one.probabilities)).collect()
    };
    let information = |images: &[Mixture]| -> Vec<f64> { images.iter().map(|one| one.information).collect() };
    let several = subject.model.samples() > 1;
    Ok(Strange {
        images: count,
        entropy: doubts(&strange).iter().sum::<f64>() / count as f64,
        auroc: metrics::auroc(&doubts(known), &doubts(&strange)),
        auroc_of_information: several.then(|| metrics::auroc(&information(known), &information(&strange))),
    })
}

impl Judged {
    /// The table for people.
    pub fn told(&self) -> String {
        let mut text = format!(
            "  {:<18} {:>9} {:>9} {:>8} {:>8} {:>8} {:>9}{}\n",
            "",
            "right",
            "NLL",
            "ECE",
            "(floor)",
            "Brier",
            "entropy",
            if self.ensemble.is_empty() { "" } else { " information" }
        );
        let mut row = |name: &str, found: &Judgement| {
            text += &format!(
                "  {name:<18} {:>7.2} % {:>9.4} {:>6.2} % {:>6.2} % {:>8.4} {:>9.4}",
                100.0 * found.right,
                found.nll,
                100.0 * found.ece,
                100.0 * found.ece_floor,
                found.brier,
                found.entropy
            );
            if !self.ensemble.is_empty() {
                text += &format!(" {:>11.4}", found.information);
            }
            text += "\n";
        };
        for sampled in &self.ensemble {
            let samples = sampled.samples;
            row(&format!("S {samples}, mean score"), &sampled.scores);
            if samples > 1 {
                row(&format!("S {samples}, mean prob."), &sampled.probabilities);
            }
        }
        if self.ensemble.is_empty() {
            row("temperature 1", &self.plain);
        }
        if let (Some(temperature), Some(found)) = (self.temperature, &self.tempered) {
            row(&format!("temperature {temperature:.3}"), found);
        }
        if let (Some(temperature), Some(count)) = (self.temperature, self.fitted_on) {
            text += &format!("  {temperature:.3} fits the last {count} training images best\n");
        }
        if let Some(strange) = &self.ood {
            text += &format!(
                "  entropy tells {} images of another kind (mean {:.4}) from these: AUROC {:.4}\n",
                strange.images, strange.entropy, strange.auroc
            );
            if let Some(auroc) = strange.auroc_of_information {
                text += &format!("  mutual information of class and sample does: AUROC {auroc:.4}\n");
            }
        }
        text
    }
}
