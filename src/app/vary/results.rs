//! Results of a run: figures, tables and the page, made from settings and records alone.
//!
//! The same records give the same bytes, whichever thread or shard they came from.

use super::points::Group;
use super::records::{self, Records};
use super::settings::{self, Settings};
use crate::flow::folder;
use crate::montecarlo::Calibration;
use crate::montecarlo::statistics::{Statistics, Yield, half_width, statistics, wilson, yield_at};
use crate::report::{self, ChanceView, FlipView, LossView, ProbabilityView, SweepView, ValueView, VaryView};
use serde::Serialize;
use std::path::Path;

/// Fewest chips before a run may stop early: the spread of fewer is too uncertain.
pub const FEWEST: usize = 10;

/// `results.json` and what `--json` prints. Accuracies are fractions; the first ones are those of the machine as
/// given.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Results {
    /// The program that made them, with its commit.
    pub program: &'static str,
    pub network: String,
    #[serde(flatten)]
    pub given: Figures,
    /// Of the network itself, in integers.
    pub accuracy_network: f64,
    pub read_noise_left_out: f64,
    /// Training images on which every chip's thresholds were found anew; 0: they stayed.
    pub recalibrated_on: usize,
    /// Training images on which every chip's scores were corrected; 0: they stayed.
    pub corrected_on: usize,
    pub seed: u64,
    pub points: Vec<PointResult>,
}

/// One machine over its chips.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Figures {
    #[serde(flatten)]
    pub statistics: Statistics,
    /// Of the chip without errors.
    pub accuracy_ideal: f64,
    /// Images that a chip classifies otherwise than the chip without errors, mean over chips.
    pub changed: f64,
    /// Cell values beyond the machine's width of a cell, all chips.
    pub saturated: usize,
    #[serde(rename = "yield")]
    pub good: Option<Yield>,
    /// Of probabilities, where weights are drawn.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub probabilities: Option<Probabilities>,
    pub flips: Vec<FlipView>,
}

/// How good the probabilities are, a softmax of the mean score of a chip's samples.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Probabilities {
    /// Mean negative log-likelihood, nats.
    pub nll: Spread,
    /// Expected calibration error, 0 to 1.
    pub ece: Spread,
    /// Brier score, 0 to 2.
    pub brier: Spread,
}

/// One figure over chips.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Spread {
    pub mean: f64,
    /// Sample standard deviation; none of a single chip.
    pub std: Option<f64>,
    pub min: f64,
    pub max: f64,
    /// Of the chip without errors.
    pub ideal: f64,
}

impl Spread {
    fn view(&self) -> (ChanceView, f64) {
        let Spread { mean, min, max, ideal, .. } = *self;
        (ChanceView { mean, low: None, high: None, min, max }, ideal)
    }
}

/// A [`Figures`] with its place in the comparison.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct PointResult {
    pub group: Group,
    pub label: String,
    pub value: Option<f64>,
    #[serde(flatten)]
    pub figures: Figures,
}

/// Number of chips that the results cover: all, or as many of the first as the wanted interval needs; `None` while
/// chips are missing.
///
/// The order of the chips alone decides, not the order in which they were done.
pub fn covered(settings: &Settings, records: &Records) -> Option<usize> {
    let all = (first(settings, records) == settings.chips).then_some(settings.chips);
    Stop::new().found(settings, records).or(all)
}

/// Chips from 0 on of which every machine is done.
fn first(settings: &Settings, records: &Records) -> usize {
    let there = |chip: &usize| (0..settings.cases.len()).all(|case| records.contains_key(&(*chip, case)));
    (0..settings.chips).take_while(there).count()
}

/// Looks for the fewest chips whose intervals are as narrow as the settings want; remembers where it was.
pub(super) struct Stop {
    next: usize,
}

impl Stop {
    pub fn new() -> Stop {
        Stop { next: FEWEST }
    }

    /// That number of chips, once they are done. `records` only grow from call to call.
    pub fn found(&mut self, settings: &Settings, records: &Records) -> Option<usize> {
        let until = settings.until?;
        let first = first(settings, records);
        while self.next <= first {
            let half = |case| half_width(&correct(records, case, self.next), settings.images);
            if (0..settings.cases.len()).all(|case| half(case).is_some_and(|half| half <= until)) {
                return Some(self.next);
            }
            self.next += 1;
        }
        None
    }
}

/// Images that each of the first `count` chips classifies rightly.
fn correct(records: &Records, case: usize, count: usize) -> Vec<usize> {
    (0..count).map(|chip| records[&(chip, case)].correct).collect()
}

/// Figures of the first `count` chips.
pub fn results(settings: &Settings, records: &Records, count: usize) -> Results {
    let point = |point: &super::points::Point| PointResult {
        group: point.group,
        label: point.label.clone(),
        value: point.value,
        figures: figures(settings, records, point.case, count),
    };
    Results {
        program: crate::app::PROGRAM,
        network: settings.network.clone(),
        given: figures(settings, records, 0, count),
        accuracy_network: settings.network_correct as f64 / settings.images as f64,
        read_noise_left_out: settings.read_noise_left_out,
        recalibrated_on: settings.recalibrated.as_ref().map_or(0, |on| on.images),
        corrected_on: settings.corrected.as_ref().map_or(0, |on| on.images),
        seed: settings.seed,
        points: settings.points.iter().map(point).collect(),
    }
}

fn figures(settings: &Settings, records: &Records, case: usize, count: usize) -> Figures {
    let images = settings.images;
    let correct = correct(records, case, count);
    let of_chip = |chip| &records[&(chip, case)];
    let changed: usize = (0..count).map(|chip| of_chip(chip).changed).sum();
    let flips =
        settings.flips.iter().enumerate().filter(|(_, layer)| layer.bits > 0).map(|(index, layer)| {
            let bits = layer.bits as f64 * images as f64;
            let rates: Vec<f64> = (0..count).map(|chip| of_chip(chip).flips[index] as f64 / bits).collect();
            let (min, max) =
                rates.iter().fold((1.0f64, 0.0f64), |(low, high), &rate| (low.min(rate), high.max(rate)));
            FlipView { layer: layer.name.clone(), mean: rates.iter().sum::<f64>() / count as f64, min, max }
        });
    Figures {
        accuracy_ideal: settings.ideal_correct[case] as f64 / images as f64,
        changed: changed as f64 / (count * images) as f64,
        saturated: (0..count).map(|chip| of_chip(chip).saturated).sum(),
        good: settings.yield_at.map(|at| yield_at(&correct, images, at)),
        probabilities: probabilities(settings, records, case, count),
        flips: flips.collect(),
        statistics: statistics(&correct, images),
    }
}

fn probabilities(settings: &Settings, records: &Records, case: usize, count: usize) -> Option<Probabilities> {
    let ideal = settings.ideal_calibration.get(case).copied().flatten()?;
    let of = |figure: fn(&Calibration) -> u64| -> Option<Spread> {
        let chips = (0..count).map(|chip| records[&(chip, case)].calibration.as_ref().map(figure));
        let chips: Vec<u64> = chips.collect::<Option<_>>()?;
        let unit = |value: f64| value / 1e6;
        // Sums of integers: the order of chips changes no digit.
        let (sum, squares) = chips.iter().fold((0u128, 0u128), |(sum, squares), &value| {
            (sum + u128::from(value), squares + u128::from(value) * u128::from(value))
        });
        let spread = (count as u128 * squares - sum * sum) as f64 / count as f64;
        Some(Spread {
            mean: unit(sum as f64 / count as f64),
            std: (count > 1).then(|| unit((spread / (count - 1) as f64).sqrt())),
            min: unit(chips.iter().copied().min()? as f64),
            max: unit(chips.iter().copied().max()? as f64),
            ideal: unit(figure(&ideal) as f64),
        })
    };
    Some(Probabilities { nll: of(|one| one.nll)?, ece: of(|one| one.ece)?, brier: of(|one| one.brier)? })
}

/// `chips.csv`: a line a chip and point.
pub fn csv(settings: &Settings, records: &Records, count: usize) -> String {
    let quoted = |text: &str| format!("\"{}\"", text.replace('"', "\"\""));
    let mut text = String::from(
        "group,label,chip,seed,images,correct,accuracy,accuracy_low,accuracy_high,changed,saturated",
    );
    settings.flips.iter().for_each(|layer| text += &format!(",{}", quoted(&format!("flips {}", layer.name))));
    if !settings.ideal_calibration.is_empty() {
        text += ",nll,ece,brier";
    }
    text.push('\n');
    for point in &settings.points {
        let group = serde_json::to_value(point.group).expect("a word");
        for chip in 0..count {
            let record = &records[&(chip, point.case)];
            let (low, high) = wilson(record.correct, settings.images);
            text += &format!(
                "{},{},{chip},{},{},{},{},{low},{high},{},{}",
                group.as_str().unwrap_or_default(),
                quoted(&point.label),
                settings.seed.wrapping_add(chip as u64),
                settings.images,
                record.correct,
                record.correct as f64 / settings.images as f64,
                record.changed,
                record.saturated
            );
            record.flips.iter().for_each(|flips| text += &format!(",{flips}"));
            if let Some(Calibration { nll, ece, brier }) = record.calibration {
                [nll, ece, brier].iter().for_each(|value| text += &format!(",{}", *value as f64 / 1e6));
            }
            text.push('\n');
        }
    }
    text
}

/// Files of a finished run, beside its settings and chips.
pub const FILES: [&str; 3] = ["results.json", "chips.csv", "report.html"];

/// Writes everything that a finished run holds into `dir`.
pub fn write(dir: &Path, settings: &Settings, records: &Records, count: usize) -> miette::Result<()> {
    let results = results(settings, records, count);
    let page = report::vary_html(&view(settings, records, &results));
    let [summary, table, html] = FILES;
    for (name, text) in [
        (settings::FILE, settings.to_text()),
        (records::FILE, records::text(records)),
        (summary, report::json(&results)),
        (table, csv(settings, records, count)),
        (html, page),
    ] {
        folder::write_whole(&dir.join(name), text.as_bytes())?;
    }
    Ok(())
}

/// Likelihood and calibration over chips.
fn calibrated(found: &Probabilities) -> String {
    let std = |spread: &Spread, unit: f64, digits: usize| {
        spread.std.map_or_else(String::new, |std| format!(" ± {:.digits$}", unit * std))
    };
    let (nll, ece) = (&found.nll, &found.ece);
    format!("NLL {:.4}{}, ECE {:.2}{} %", nll.mean, std(nll, 1.0, 4), 100.0 * ece.mean, std(ece, 100.0, 2))
}

/// The result in a few lines.
pub fn told(results: &Results) -> String {
    let percent = |fraction: f64| format!("{:.2}", 100.0 * fraction);
    let spread = |figures: &Figures| {
        let s = &figures.statistics;
        match (s.accuracy_std, s.accuracy_low, s.accuracy_high) {
            (Some(std), Some(low), Some(high)) => format!(
                "{} % (95 % interval of the mean {} to {} %), from chip to chip {} %, {} to {} %",
                percent(s.accuracy_mean),
                percent(low),
                percent(high),
                percent(std),
                percent(s.accuracy_min),
                percent(s.accuracy_max)
            ),
            _ => format!("{} %", percent(s.accuracy_mean)),
        }
    };
    let given = &results.given;
    let mut text = format!(
        "{}: {} chips x {} images: {}\n  chip without errors {} %, network {} %\n",
        results.network,
        given.statistics.chips,
        given.statistics.images,
        spread(given),
        percent(given.accuracy_ideal),
        percent(results.accuracy_network)
    );
    if let Some(good) = &given.good {
        text += &format!(
            "  yield at {} %: {} of {} chips, {} % ({} to {} %)\n",
            percent(good.at),
            good.good,
            given.statistics.chips,
            percent(good.fraction),
            percent(good.low),
            percent(good.high)
        );
    }
    if let Some(found) = &given.probabilities {
        let (nll, ece) = (found.nll.ideal, percent(found.ece.ideal));
        text += &format!("  {}; chip without errors {nll:.4} and {ece} %\n", calibrated(found));
    }
    for flip in &given.flips {
        text += &format!("  flips in {}: {:.4} %\n", flip.layer, 100.0 * flip.mean);
    }
    for point in results.points.iter().filter(|point| point.group != Group::Given) {
        text += &format!("  {}: {}\n", point.label, spread(&point.figures));
        if let Some(found) = &point.figures.probabilities {
            text += &format!("    {}\n", calibrated(found));
        }
    }
    if given.saturated > 0 {
        text += &format!("  {} cell values held to readout.cell_bits\n", given.saturated);
    }
    if results.recalibrated_on > 0 {
        text += &format!(
            "  thresholds of every chip found anew on {} training images\n",
            results.recalibrated_on
        );
    }
    if results.corrected_on > 0 {
        text += &format!("  scores of every chip corrected on {} training images\n", results.corrected_on);
    }
    if results.read_noise_left_out > 0.0 {
        text += &format!("  without the read noise of {} counts\n", results.read_noise_left_out);
    }
    text
}

/// What the page shows.
fn view(settings: &Settings, records: &Records, results: &Results) -> VaryView {
    let given = &results.given;
    let count = given.statistics.chips;
    let chance = |figures: &Figures| ChanceView {
        mean: figures.statistics.accuracy_mean,
        low: figures.statistics.accuracy_low,
        high: figures.statistics.accuracy_high,
        min: figures.statistics.accuracy_min,
        max: figures.statistics.accuracy_max,
    };
    let of = |group| results.points.iter().filter(move |point| point.group == group);
    let ideal = of(Group::Each).next().map_or(given.accuracy_ideal, |none| none.figures.accuracy_ideal);
    let losses = of(Group::Each).filter(|point| point.label != "none").map(|point| LossView {
        label: point.label.clone(),
        loss: ideal - point.figures.statistics.accuracy_mean,
        low: point.figures.statistics.accuracy_high.map(|high| ideal - high),
        high: point.figures.statistics.accuracy_low.map(|low| ideal - low),
    });
    let sweep = settings.sweep.as_ref().map(|key| SweepView {
        key: key.clone(),
        values: of(Group::Sweep)
            .map(|point| ValueView {
                label: point.label.clone(),
                value: point.value,
                accuracy: chance(&point.figures),
                ideal: point.figures.accuracy_ideal,
                probabilities: point
                    .figures
                    .probabilities
                    .as_ref()
                    .map(|found| ProbabilityView { nll: found.nll.view(), ece: found.ece.view() }),
            })
            .collect(),
    });
    let s = &given.statistics;
    let mut facts = vec![
        ("Chips".to_string(), format!("{count}, seeds from {}", settings.seed)),
        (
            "Images".into(),
            format!(
                "{} of {} ({} part), the same for every chip",
                settings.images, settings.data, settings.split
            ),
        ),
        ("Decision".into(), settings.rule.clone()),
        ("Model, SHA-256".into(), settings.model_sha256.clone()),
        ("Data, SHA-256".into(), settings.data_sha256.clone()),
        ("Version of bincim".into(), settings.bincim.clone()),
    ];
    if let Some(until) = settings.until {
        facts.push((
            "Stopped at".into(),
            format!("an interval of ± {} % or {} chips", 100.0 * until, settings.chips),
        ));
    }
    let mut remarks = Vec::new();
    if results.recalibrated_on > 0 {
        remarks.push(format!(
            "The thresholds of every chip were found anew on {} training images.",
            results.recalibrated_on
        ));
    }
    if results.corrected_on > 0 {
        remarks.push(format!(
            "The scores of every chip were corrected on {} training images.",
            results.corrected_on
        ));
    }
    if let Some(found) = &given.probabilities {
        remarks.push(format!(
            "Probabilities are a softmax of the samples' mean score: {}, and {:.4} and {:.2} % of the chip without errors.",
            calibrated(found),
            found.nll.ideal,
            100.0 * found.ece.ideal
        ));
    }
    if results.read_noise_left_out > 0.0 {
        remarks.push(format!("Read noise of {} counts is left out.", results.read_noise_left_out));
    }
    if given.saturated > 0 {
        remarks.push(format!(
            "{} cell values were held to the width of a cell.",
            report::thousands(given.saturated as u64)
        ));
    }
    if settings.until.is_some() {
        remarks.push("The run stopped when its interval was narrow enough, which makes that interval a little too narrow.".into());
    }
    VaryView {
        network: settings.network.clone(),
        chips: count,
        images: settings.images,
        accuracies: (0..count)
            .map(|chip| records[&(chip, 0)].correct as f64 / settings.images as f64)
            .collect(),
        accuracy: chance(given),
        std: s.accuracy_std,
        quantiles: [s.accuracy_q05, s.accuracy_q25, s.accuracy_median, s.accuracy_q75, s.accuracy_q95],
        ideal: given.accuracy_ideal,
        network_accuracy: results.accuracy_network,
        yield_at: given.good.as_ref().map(|good| (good.at, good.fraction, good.low, good.high)),
        flips: given.flips.clone(),
        changed: given.changed,
        losses: losses.collect(),
        sweep,
        machine: settings.cases[0].clone(),
        facts,
        remarks,
    }
}
