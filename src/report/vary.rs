//! The page of a Monte-Carlo run: spread over chips, yield, flips by layer, sensitivity, sweep.
//!
//! Its view records hold fractions; the page shows percent. Every plot says how many chips and images stand behind it.

use super::plot::{Axis, BLUE, GREEN, GREY, ORANGE, Plot, around, round_step};
use askama::Template;
use serde::Serialize;

/// Everything on the page.
#[derive(Debug, Clone, PartialEq)]
pub struct VaryView {
    pub network: String,
    pub chips: usize,
    pub images: usize,
    /// Of each chip.
    pub accuracies: Vec<f64>,
    pub accuracy: ChanceView,
    pub std: Option<f64>,
    /// 5, 25, 50, 75 and 95 %.
    pub quantiles: [f64; 5],
    /// Of the chip without errors, and of the network itself.
    pub ideal: f64,
    pub network_accuracy: f64,
    /// Accuracy of a good chip; share of good chips with its interval.
    pub yield_at: Option<(f64, f64, f64, f64)>,
    pub flips: Vec<FlipView>,
    /// Share of images that a chip classifies otherwise than the chip without errors.
    pub changed: f64,
    /// Empty without a sensitivity analysis.
    pub losses: Vec<LossView>,
    pub sweep: Option<SweepView>,
    /// Architecture file of the machine.
    pub machine: String,
    pub facts: Vec<(String, String)>,
    pub remarks: Vec<String>,
}

/// Accuracy over chips: mean, its 95 % interval, smallest and largest.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ChanceView {
    pub mean: f64,
    pub low: Option<f64>,
    pub high: Option<f64>,
    pub min: f64,
    pub max: f64,
}

/// Share of a layer's result bits that differ from the chip without errors: over chips.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct FlipView {
    pub layer: String,
    pub mean: f64,
    pub min: f64,
    pub max: f64,
}

/// Accuracy lost to one effect alone, with its 95 % interval.
#[derive(Debug, Clone, PartialEq)]
pub struct LossView {
    pub label: String,
    pub loss: f64,
    pub low: Option<f64>,
    pub high: Option<f64>,
}

/// One key at several values.
#[derive(Debug, Clone, PartialEq)]
pub struct SweepView {
    pub key: String,
    pub values: Vec<ValueView>,
}

#[derive(Debug, Clone, PartialEq)]
pub struct ValueView {
    pub label: String,
    pub value: Option<f64>,
    pub accuracy: ChanceView,
    pub ideal: f64,
    /// Where weights are drawn.
    pub probabilities: Option<ProbabilityView>,
}

/// Likelihood and calibration over chips, each with that of the chip without errors.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ProbabilityView {
    pub nll: (ChanceView, f64),
    pub ece: (ChanceView, f64),
}

#[derive(Template)]
#[template(path = "report/vary.html")]
struct Html<'a> {
    view: &'a VaryView,
    cards: Vec<(String, &'static str, String)>,
    histogram: String,
    yield_curve: String,
    flips: Option<String>,
    losses: Option<String>,
    sweep: Option<(String, Vec<[String; 6]>)>,
    quantiles: String,
    changed: String,
}

/// The page as HTML text.
pub fn vary_html(view: &VaryView) -> String {
    let accuracy = view.accuracy;
    let mut cards = vec![
        (percent(accuracy.mean, 2), "%", "mean accuracy".to_string()),
        (percent(view.ideal, 2), "%", "chip without errors".into()),
        (percent(view.network_accuracy, 2), "%", "network in integers".into()),
    ];
    if let (Some(low), Some(high), Some(std)) = (accuracy.low, accuracy.high, view.std) {
        let half = format!("± {}", percent(0.5 * (high - low), 2));
        cards.insert(1, (half, "%", "95 % interval of the mean".into()));
        cards.insert(2, (percent(std, 2), "%", "standard deviation, chip to chip".into()));
    }
    if let Some((at, share, low, high)) = view.yield_at {
        let label = format!("yield at {} % ({} to {} %)", percent(at, 2), percent(low, 1), percent(high, 1));
        cards.push((percent(share, 1), "%", label));
    }
    let [q05, q25, q50, q75, q95] = view.quantiles.map(|quantile| percent(quantile, 2));
    let template = Html {
        view,
        cards,
        histogram: histogram(view),
        yield_curve: yield_curve(view),
        flips: (!view.flips.is_empty()).then(|| flips(view)),
        losses: (!view.losses.is_empty()).then(|| losses(view)),
        sweep: view.sweep.as_ref().map(|sweep| (sweep_curves(sweep), sweep.values.iter().map(row).collect())),
        quantiles: format!("{q05}, {q25}, {q50}, {q75}, {q95} %"),
        changed: percent(view.changed, 2),
    };
    template.render().expect("the template writes into memory only")
}

/// Chips by accuracy, with mean, ideal chip and network.
fn histogram(view: &VaryView) -> String {
    let values: Vec<f64> = view.accuracies.iter().map(|value| 100.0 * value).collect();
    let (low, high) = around(values.iter().copied(), 0.0);
    // Bins no finer than one image, about as many as the root of the number of chips.
    let bins = (values.len() as f64).sqrt().ceil().clamp(5.0, 30.0);
    let step = round_step(((high - low) / bins).max(100.0 / view.images as f64));
    let first = (low / step).floor() as i64;
    let bin = |value: f64| ((value / step + 1e-9).floor() as i64 - first) as usize;
    let mut counts = vec![0usize; values.iter().map(|value| bin(*value)).max().unwrap_or(0) + 1];
    values.iter().for_each(|value| counts[bin(*value)] += 1);
    let (mean, ideal, network) = (view.accuracy.mean, view.ideal, view.network_accuracy);
    let ends = [first as f64 * step, (first + counts.len() as i64) as f64 * step];
    let all = ends.into_iter().chain([mean, ideal, network].map(|value| 100.0 * value));
    let most = counts.iter().copied().max().unwrap_or(1) as f64;
    let mut plot = Plot::new(
        "Number of chips by accuracy",
        Axis { title: "accuracy in %", range: around(all, 0.04) },
        Axis { title: "chips", range: (0.0, (most * 1.08).max(1.0)) },
    );
    for (index, count) in counts.iter().enumerate().filter(|(_, count)| **count > 0) {
        let left = (first + index as i64) as f64 * step;
        plot.bar((left + 0.03 * step, 0.0), (left + 0.97 * step, *count as f64), BLUE);
    }
    plot.mark(100.0 * mean, ORANGE, "");
    plot.mark(100.0 * ideal, GREEN, "6 4");
    plot.mark(100.0 * network, GREY, "2 3");
    plot.entry("chips", BLUE, None);
    plot.entry("mean", ORANGE, Some(""));
    plot.entry("chip without errors", GREEN, Some("6 4"));
    plot.entry("network", GREY, Some("2 3"));
    plot.svg()
}

/// Share of chips at or above an accuracy, with the interval at the accuracy that was asked for.
fn yield_curve(view: &VaryView) -> String {
    let mut values: Vec<f64> = view.accuracies.iter().map(|value| 100.0 * value).collect();
    values.sort_by(f64::total_cmp);
    let marked = view.yield_at.map(|(at, ..)| 100.0 * at);
    let range = around(values.iter().copied().chain(marked), 0.08);
    let mut line = vec![(range.0, 100.0)];
    for (index, value) in values.iter().enumerate() {
        // The chip itself still reaches its accuracy.
        let total = values.len() as f64;
        line.push((*value, 100.0 * (total - index as f64) / total));
        line.push((*value, 100.0 * (total - index as f64 - 1.0) / total));
    }
    line.push((range.1, 0.0));
    let mut plot = Plot::new(
        "Share of chips at or above an accuracy",
        Axis { title: "least accuracy in %", range },
        Axis { title: "chips at or above in %", range: (0.0, 104.0) },
    );
    plot.path(&line, BLUE, "");
    plot.entry("yield", BLUE, Some(""));
    if let Some((at, share, low, high)) = view.yield_at {
        plot.mark(100.0 * at, ORANGE, "6 4");
        plot.error_up(100.0 * at, 100.0 * low, 100.0 * high, ORANGE);
        plot.dot((100.0 * at, 100.0 * share), ORANGE);
        plot.entry("at the accuracy asked for, with its 95 % interval", ORANGE, Some("6 4"));
    }
    plot.svg()
}

fn flips(view: &VaryView) -> String {
    let names: Vec<String> = view.flips.iter().map(|flip| flip.layer.clone()).collect();
    let most = view.flips.iter().map(|flip| 100.0 * flip.max).fold(0.0, f64::max).max(0.001);
    let x = Axis {
        title: "result bits that differ from the chip without errors, in %",
        range: (0.0, 1.14 * most),
    };
    let mut plot = Plot::rows("Flipped bits by layer", &names, x);
    for (index, flip) in view.flips.iter().enumerate() {
        let y = index as f64;
        plot.bar((0.0, y - 0.32), (100.0 * flip.mean, y + 0.32), BLUE);
        plot.error_across(y, 100.0 * flip.min, 100.0 * flip.max, ORANGE);
        plot.note((100.0 * flip.max, y), &format!("{:.2}", 100.0 * flip.mean));
    }
    plot.entry("mean over chips", BLUE, None);
    plot.entry("smallest to largest chip", ORANGE, Some(""));
    plot.svg()
}

fn losses(view: &VaryView) -> String {
    let mut sorted: Vec<&LossView> = view.losses.iter().collect();
    sorted.sort_by(|a, b| (b.label == "all").cmp(&(a.label == "all")).then(b.loss.total_cmp(&a.loss)));
    let short = |label: &str| match label {
        "all" => "all together".to_string(),
        key => key.strip_prefix("variation.").unwrap_or(key).to_string(),
    };
    let names: Vec<String> = sorted.iter().map(|loss| short(&loss.label)).collect();
    let low = |loss: &LossView| 100.0 * loss.low.unwrap_or(loss.loss);
    let high = |loss: &LossView| 100.0 * loss.high.unwrap_or(loss.loss);
    let (least, most) = around(sorted.iter().flat_map(|loss| [low(loss), high(loss), 0.0]), 0.0);
    let range = (least - 0.02 * (most - least), most + 0.14 * (most - least));
    let x = Axis { title: "accuracy lost against the chip without errors, percentage points", range };
    let mut plot = Plot::rows("Accuracy lost to each effect", &names, x);
    for (index, loss) in sorted.iter().enumerate() {
        let y = index as f64;
        let colour = if loss.label == "all" { GREY } else { BLUE };
        plot.bar((0.0, y - 0.32), (100.0 * loss.loss, y + 0.32), colour);
        plot.error_across(y, low(loss), high(loss), ORANGE);
        plot.note((high(loss).max(0.0), y), &format!("{:.2}", 100.0 * loss.loss));
    }
    plot.mark(0.0, "#1c2430", "");
    plot.entry("effect alone", BLUE, None);
    plot.entry("all together", GREY, None);
    plot.entry("95 % interval", ORANGE, Some(""));
    plot.svg()
}

/// What is plotted over a swept key.
struct Measure<'a> {
    title: &'a str,
    axis: &'a str,
    unit: f64,
    /// Of each value: over chips, and of the chip without errors.
    values: Vec<(ChanceView, f64)>,
}

/// Accuracy, and likelihood and calibration where weights are drawn.
fn sweep_curves(sweep: &SweepView) -> String {
    let accuracy = Measure {
        title: "Accuracy over a swept key",
        axis: "accuracy in %",
        unit: 100.0,
        values: sweep.values.iter().map(|value| (value.accuracy, value.ideal)).collect(),
    };
    let all: Option<Vec<ProbabilityView>> = sweep.values.iter().map(|value| value.probabilities).collect();
    let more = all.iter().flat_map(|all| {
        let of = |figure: fn(&ProbabilityView) -> (ChanceView, f64)| all.iter().map(figure).collect();
        let (nll, ece) = (of(|one| one.nll), of(|one| one.ece));
        [
            Measure { title: "Log-likelihood over a swept key", axis: "NLL in nats", unit: 1.0, values: nll },
            Measure { title: "Calibration over a swept key", axis: "ECE in %", unit: 100.0, values: ece },
        ]
    });
    std::iter::once(accuracy).chain(more).map(|measure| sweep_curve(sweep, &measure)).collect()
}

/// Largest ratio of numbers that an axis shows; others stand side by side.
const MOST_RATIO: f64 = 200.0;

/// Means over the values of a key; along an axis where all are numbers of a few decades.
fn sweep_curve(sweep: &SweepView, measure: &Measure) -> String {
    let numbers: Option<Vec<f64>> = sweep.values.iter().map(|value| value.value).collect();
    let numbers = numbers.filter(|numbers| {
        let sizes = || numbers.iter().map(|number| number.abs()).filter(|size| *size > 0.0);
        sizes().fold(0.0, f64::max) < MOST_RATIO * sizes().fold(f64::INFINITY, f64::min)
    });
    let y = |(a, ideal): &(ChanceView, f64)| {
        [a.min, a.max, a.low.unwrap_or(a.mean), a.high.unwrap_or(a.mean), *ideal].map(|y| measure.unit * y)
    };
    let range = around(measure.values.iter().flat_map(y), 0.06);
    let axis = Axis { title: measure.axis, range: (range.0.max(0.0), range.1) };
    let (mut plot, mut places) = match &numbers {
        Some(numbers) => {
            let x = Axis { title: &sweep.key, range: around(numbers.iter().copied(), 0.05) };
            (Plot::new(measure.title, x, axis), numbers.clone())
        }
        None => {
            let names: Vec<String> = sweep.values.iter().map(|value| value.label.clone()).collect();
            let places = (0..names.len()).map(|index| index as f64).collect();
            (Plot::named(measure.title, &sweep.key, &names, axis), places)
        }
    };
    let mut order: Vec<usize> = (0..places.len()).collect();
    order.sort_by(|a, b| places[*a].total_cmp(&places[*b]));
    let line = |of: &dyn Fn(&ChanceView, f64) -> f64| -> Vec<(f64, f64)> {
        let value = |index: usize| of(&measure.values[index].0, measure.values[index].1);
        order.iter().map(|&index| (places[index], measure.unit * value(index))).collect()
    };
    let mean = line(&|chance, _| chance.mean);
    let ideal = line(&|_, ideal| ideal);
    let (min, max) = (line(&|chance, _| chance.min), line(&|chance, _| chance.max));
    if numbers.is_some() {
        plot.band(&min, &max, BLUE);
        plot.path(&ideal, GREEN, "6 4");
        plot.path(&mean, BLUE, "");
        plot.entry("smallest to largest chip", "#d6e7f2", None);
        plot.entry("chip without errors", GREEN, Some("6 4"));
    } else {
        for (min, max) in min.iter().zip(&max) {
            plot.bar((min.0 - 0.2, min.1), (min.0 + 0.2, max.1), "#d6e7f2");
        }
        ideal.iter().for_each(|at| plot.path(&[(at.0 - 0.3, at.1), (at.0 + 0.3, at.1)], GREEN, "6 4"));
        plot.entry("smallest to largest chip", "#d6e7f2", None);
        plot.entry("chip without errors", GREEN, Some("6 4"));
    }
    for (place, (chance, _)) in places.drain(..).zip(&measure.values) {
        if let (Some(low), Some(high)) = (chance.low, chance.high) {
            plot.error_up(place, measure.unit * low, measure.unit * high, BLUE);
        }
        plot.dot((place, measure.unit * chance.mean), BLUE);
    }
    plot.entry("mean, 95 % interval", BLUE, Some(""));
    plot.svg()
}

/// A line of the sweep's table.
fn row(value: &ValueView) -> [String; 6] {
    let a = &value.accuracy;
    let interval = match (a.low, a.high) {
        (Some(low), Some(high)) => format!("{} to {}", percent(low, 2), percent(high, 2)),
        _ => "–".into(),
    };
    [
        value.label.clone(),
        percent(a.mean, 2),
        interval,
        percent(a.min, 2),
        percent(a.max, 2),
        percent(value.ideal, 2),
    ]
}

fn percent(fraction: f64, digits: usize) -> String {
    format!("{:.digits$}", 100.0 * fraction)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn view() -> VaryView {
        let accuracies: Vec<f64> = (0..50).map(|chip| 0.8 + 0.001 * f64::from(chip * 7 % 23)).collect();
        let chance = ChanceView { mean: 0.811, low: Some(0.809), high: Some(0.813), min: 0.8, max: 0.822 };
        VaryView {
            network: "net<1>".into(),
            chips: 50,
            images: 1000,
            accuracies,
            accuracy: chance,
            std: Some(0.006),
            quantiles: [0.801, 0.805, 0.811, 0.817, 0.821],
            ideal: 0.83,
            network_accuracy: 0.845,
            yield_at: Some((0.81, 0.6, 0.46, 0.72)),
            flips: vec![FlipView { layer: "conv<0>".into(), mean: 0.031, min: 0.03, max: 0.033 }],
            changed: 0.1,
            losses: vec![LossView { label: "all".into(), loss: 0.02, low: Some(0.018), high: None }],
            sweep: Some(SweepView {
                key: "variation.gaussian.sigma".into(),
                values: vec![ValueView {
                    label: "0.1".into(),
                    value: Some(0.1),
                    accuracy: chance,
                    ideal: 0.83,
                    probabilities: None,
                }],
            }),
            machine: "[array]\nrows = 8\n".into(),
            facts: vec![("Chips".into(), "50".into())],
            remarks: vec!["A remark & more.".into()],
        }
    }

    #[test]
    fn the_page_holds_every_plot_and_nothing_from_outside() {
        let text = vary_html(&view());
        assert_eq!(text.matches("<svg class=\"plot\"").count(), 5);
        for figure in ["81.10", "84.50", "60.0", "variation.gaussian.sigma", "3.10", "remark"] {
            assert!(text.contains(figure), "{figure}");
        }
        assert!(!text.contains("net<1>") && !text.contains("conv<0>"), "names are escaped");
        for outside in ["https://", "<script", "@import", "url("] {
            assert!(!text.contains(outside), "{outside}");
        }
        assert!(!text.contains("NaN") && !text.contains("inf"), "a number that is none");
        assert_eq!(text, vary_html(&view()));
    }

    /// Likelihood and calibration have plots of their own, and values decades apart stand side by side.
    #[test]
    fn probabilities_are_plotted_over_the_sweep_too() {
        let chance = |mean| ChanceView { mean, low: None, high: None, min: 0.9 * mean, max: 1.1 * mean };
        let value = |label: &str, time: f64| ValueView {
            label: label.into(),
            value: Some(time),
            accuracy: chance(0.8),
            ideal: 0.83,
            probabilities: Some(ProbabilityView { nll: (chance(0.4), 0.3), ece: (chance(0.02), 0.01) }),
        };
        let values = vec![value("0", 0.0), value("3600.0", 3600.0), value("31536000.0", 31_536_000.0)];
        let sweep = Some(SweepView { key: "variation.drift.time".into(), values });
        let text = vary_html(&VaryView { sweep, ..view() });
        assert_eq!(text.matches("<svg class=\"plot\"").count(), 7);
        for title in ["Accuracy over", "Log-likelihood over", "Calibration over", ">31536000.0<"] {
            assert!(text.contains(title), "{title}");
        }
        assert!(!text.contains("NaN") && !text.contains("inf"), "a number that is none");
    }

    #[test]
    fn one_chip_and_nothing_else_is_a_page_too() {
        let chance = ChanceView { mean: 1.0, low: None, high: None, min: 1.0, max: 1.0 };
        let alone = VaryView {
            accuracies: vec![1.0],
            accuracy: chance,
            std: None,
            yield_at: None,
            flips: Vec::new(),
            losses: Vec::new(),
            sweep: Some(SweepView {
                key: "readout.range".into(),
                values: vec![ValueView {
                    label: "full".into(),
                    value: None,
                    accuracy: chance,
                    ideal: 1.0,
                    probabilities: None,
                }],
            }),
            ..view()
        };
        let text = vary_html(&alone);
        assert_eq!(text.matches("<svg class=\"plot\"").count(), 3);
        assert!(!text.contains("NaN") && !text.contains("inf"), "a number that is none");
    }
}
