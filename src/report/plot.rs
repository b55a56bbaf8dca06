//! Plots as SVG text: axes with round numbers, a legend above, and the marks that pages on chips need.
//!
//! Colours are told apart in grey and by the colour-blind (Okabe and Ito); text is text, so it prints and scales.

use crate::escape::xml;
use std::fmt::Write;

/// Colours: marks, emphasis, comparison, second comparison.
pub const BLUE: &str = "#0072b2";
pub const ORANGE: &str = "#d55e00";
pub const GREEN: &str = "#009e73";
pub const GREY: &str = "#5c6878";

/// Width of every plot, and height of those that are no lists of bars, in user units.
const WIDTH: f64 = 640.0;
const HEIGHT: f64 = 340.0;
const RIGHT: f64 = 24.0;
const TOP: f64 = 34.0;
const BOTTOM: f64 = 50.0;
/// Mean width of a character at 12 units.
const CHARACTER: f64 = 6.4;

/// An area with two axes that marks are put into.
pub struct Plot {
    left: f64,
    height: f64,
    x: (f64, f64),
    y: (f64, f64),
    body: String,
    legend: String,
    legend_at: f64,
    label: String,
}

/// What an axis shows.
pub struct Axis<'a> {
    pub title: &'a str,
    pub range: (f64, f64),
}

impl Plot {
    /// An empty plot; `label` says what it shows to those who cannot see it.
    pub fn new(label: &str, x: Axis, y: Axis) -> Plot {
        let mut plot = Plot::upright(label, x.range, y);
        plot.bottom_axis(&x, None);
        plot
    }

    /// The same with names instead of numbers along the bottom: name `i` stands at `i`.
    pub fn named(label: &str, title: &str, names: &[String], y: Axis) -> Plot {
        let range = (-0.5, names.len() as f64 - 0.5);
        let mut plot = Plot::upright(label, range, y);
        plot.bottom_axis(&Axis { title, range }, Some(names));
        plot
    }

    /// A plot with its left axis.
    fn upright(label: &str, x: (f64, f64), y: Axis) -> Plot {
        let ticks = ticks(y.range, 6);
        let widest = ticks.iter().map(|tick| tick.1.len()).max().unwrap_or(1) as f64;
        let mut plot = Plot::area(label, 34.0 + widest * CHARACTER, HEIGHT, x, y.range);
        for (at, text) in ticks {
            let (y, right) = (plot.at_y(at), WIDTH - RIGHT);
            plot.line((plot.left, y), (right, y), "stroke=\"#e3e7ec\"");
            plot.text((plot.left - 8.0, y + 4.0), "end", &text);
        }
        let middle = 0.5 * (TOP + HEIGHT - BOTTOM);
        let _ = write!(
            plot.body,
            "<text transform=\"translate(14 {}) rotate(-90)\" text-anchor=\"middle\">{}</text>",
            n(middle),
            xml(y.title)
        );
        plot
    }

    /// One row a name, from the top; row `i` stands at `y = i`. `x` runs along the bottom.
    pub fn rows(label: &str, names: &[String], x: Axis) -> Plot {
        let widest = names.iter().map(|name| name.chars().count()).max().unwrap_or(1) as f64;
        let height = TOP + BOTTOM + 26.0 * names.len() as f64;
        let range = (names.len() as f64 - 0.5, -0.5);
        let mut plot =
            Plot::area(label, (16.0 + widest * CHARACTER * 1.04).min(300.0), height, x.range, range);
        for (at, _) in ticks(x.range, 7) {
            let x = plot.at_x(at);
            plot.line((x, TOP), (x, height - BOTTOM), "stroke=\"#e3e7ec\"");
        }
        for (index, name) in names.iter().enumerate() {
            plot.text((plot.left - 8.0, plot.at_y(index as f64) + 4.0), "end", name);
        }
        plot.bottom_axis(&x, None);
        plot
    }

    fn area(label: &str, left: f64, height: f64, x: (f64, f64), y: (f64, f64)) -> Plot {
        let (body, legend) = (String::new(), String::new());
        Plot { left, height, x, y, body, legend, legend_at: left, label: label.into() }
    }

    fn bottom_axis(&mut self, axis: &Axis, names: Option<&[String]>) {
        let base = self.height - BOTTOM;
        self.line((self.left, base), (WIDTH - RIGHT, base), "stroke=\"#1c2430\"");
        let marks = match names {
            Some(names) => names.iter().enumerate().map(|(i, name)| (i as f64, name.clone())).collect(),
            None => ticks(axis.range, 8),
        };
        for (at, text) in marks {
            let x = self.at_x(at);
            self.line((x, base), (x, base + 4.0), "stroke=\"#1c2430\"");
            self.text((x, base + 18.0), "middle", &text);
        }
        let middle = 0.5 * (self.left + WIDTH - RIGHT);
        self.text((middle, self.height - 10.0), "middle", axis.title);
    }

    fn at_x(&self, value: f64) -> f64 {
        self.left + (value - self.x.0) / (self.x.1 - self.x.0) * (WIDTH - RIGHT - self.left)
    }

    fn at_y(&self, value: f64) -> f64 {
        let base = self.height - BOTTOM;
        base - (value - self.y.0) / (self.y.1 - self.y.0) * (base - TOP)
    }

    fn line(&mut self, from: (f64, f64), to: (f64, f64), style: &str) {
        let _ = write!(
            self.body,
            "<line x1=\"{}\" y1=\"{}\" x2=\"{}\" y2=\"{}\" {style}/>",
            n(from.0),
            n(from.1),
            n(to.0),
            n(to.1)
        );
    }

    fn text(&mut self, at: (f64, f64), anchor: &str, text: &str) {
        let _ = write!(
            self.body,
            "<text x=\"{}\" y=\"{}\" text-anchor=\"{anchor}\">{}</text>",
            n(at.0),
            n(at.1),
            xml(text)
        );
    }

    /// A filled rectangle between two corners.
    pub fn bar(&mut self, from: (f64, f64), to: (f64, f64), colour: &str) {
        let (x, y) = ((self.at_x(from.0), self.at_x(to.0)), (self.at_y(from.1), self.at_y(to.1)));
        let _ = write!(
            self.body,
            "<rect x=\"{}\" y=\"{}\" width=\"{}\" height=\"{}\" fill=\"{colour}\"/>",
            n(x.0.min(x.1)),
            n(y.0.min(y.1)),
            n((x.1 - x.0).abs()),
            n((y.1 - y.0).abs())
        );
    }

    /// A line through points; `dash` as in SVG, empty for none.
    pub fn path(&mut self, points: &[(f64, f64)], colour: &str, dash: &str) {
        let list = self.points(points.iter());
        let _ = write!(
            self.body,
            "<polyline points=\"{list}\" fill=\"none\" stroke=\"{colour}\" stroke-width=\"1.8\" stroke-dasharray=\"{dash}\"/>"
        );
    }

    /// The area between two lines, lightly.
    pub fn band(&mut self, below: &[(f64, f64)], above: &[(f64, f64)], colour: &str) {
        let list = self.points(below.iter().chain(above.iter().rev()));
        let _ = write!(self.body, "<polygon points=\"{list}\" fill=\"{colour}\" fill-opacity=\"0.16\"/>");
    }

    fn points<'a>(&self, points: impl Iterator<Item = &'a (f64, f64)>) -> String {
        let place = |point: &(f64, f64)| format!("{},{}", n(self.at_x(point.0)), n(self.at_y(point.1)));
        points.map(place).collect::<Vec<_>>().join(" ")
    }

    pub fn dot(&mut self, at: (f64, f64), colour: &str) {
        let _ = write!(
            self.body,
            "<circle cx=\"{}\" cy=\"{}\" r=\"4\" fill=\"{colour}\"/>",
            n(self.at_x(at.0)),
            n(self.at_y(at.1))
        );
    }

    /// An error bar up and down.
    pub fn error_up(&mut self, x: f64, low: f64, high: f64, colour: &str) {
        let (x, low, high) = (self.at_x(x), self.at_y(low), self.at_y(high));
        let style = format!("stroke=\"{colour}\" stroke-width=\"1.6\"");
        self.line((x, low), (x, high), &style);
        self.line((x - 4.0, low), (x + 4.0, low), &style);
        self.line((x - 4.0, high), (x + 4.0, high), &style);
    }

    /// An error bar to both sides.
    pub fn error_across(&mut self, y: f64, low: f64, high: f64, colour: &str) {
        let (y, low, high) = (self.at_y(y), self.at_x(low), self.at_x(high));
        let style = format!("stroke=\"{colour}\" stroke-width=\"1.6\"");
        self.line((low, y), (high, y), &style);
        self.line((low, y - 4.0), (low, y + 4.0), &style);
        self.line((high, y - 4.0), (high, y + 4.0), &style);
    }

    /// A line across the whole plot at `x`.
    pub fn mark(&mut self, x: f64, colour: &str, dash: &str) {
        self.path(&[(x, self.y.0), (x, self.y.1)], colour, dash);
    }

    /// Text right of a point.
    pub fn note(&mut self, at: (f64, f64), text: &str) {
        self.text((self.at_x(at.0) + 8.0, self.at_y(at.1) + 4.0), "start", text);
    }

    /// Puts an entry into the legend: a line, or a block where `dash` is `None`.
    pub fn entry(&mut self, text: &str, colour: &str, dash: Option<&str>) {
        let x = self.legend_at;
        let _ = match dash {
            None => write!(
                self.legend,
                "<rect x=\"{}\" y=\"9\" width=\"18\" height=\"10\" fill=\"{colour}\"/>",
                n(x)
            ),
            Some(dash) => write!(
                self.legend,
                "<line x1=\"{}\" y1=\"14\" x2=\"{}\" y2=\"14\" stroke=\"{colour}\" stroke-width=\"2\" stroke-dasharray=\"{dash}\"/>",
                n(x),
                n(x + 18.0)
            ),
        };
        let _ = write!(self.legend, "<text x=\"{}\" y=\"18\">{}</text>", n(x + 24.0), xml(text));
        self.legend_at += 44.0 + text.chars().count() as f64 * 5.9;
    }

    /// The plot as one `svg` element.
    pub fn svg(self) -> String {
        format!(
            "<svg class=\"plot\" xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {}\" role=\"img\" \
             aria-label=\"{}\" font-family=\"Helvetica, Arial, DejaVu Sans, sans-serif\" font-size=\"12\" \
             fill=\"#1c2430\">{}{}</svg>",
            n(self.height),
            xml(&self.label),
            self.body,
            self.legend
        )
    }
}

/// Round numbers inside `range`, about `count` of them, with their texts.
pub fn ticks(range: (f64, f64), count: usize) -> Vec<(f64, String)> {
    let (low, high) = (range.0.min(range.1), range.0.max(range.1));
    let step = round_step((high - low) / count as f64);
    let digits = (-step.log10().floor()).max(0.0) as usize
        + usize::from((step / 10f64.powf(step.log10().floor()) - 2.5).abs() < 1e-9);
    let first = (low / step - 1e-9).ceil() as i64;
    let last = (high / step + 1e-9).floor() as i64;
    (first..=last).map(|index| index as f64 * step).map(|at| (at, format!("{at:.digits$}"))).collect()
}

/// The smallest of 1, 2, 2.5 and 5 times a power of ten that is at least `step`.
pub fn round_step(step: f64) -> f64 {
    let power = 10f64.powf(step.max(1e-9).log10().floor());
    let times = [1.0, 2.0, 2.5, 5.0].into_iter().find(|times| times * power >= step * (1.0 - 1e-9));
    times.unwrap_or(10.0) * power
}

/// A range around `values` with `margin` of its width on both sides; never empty.
pub fn around(values: impl Iterator<Item = f64>, margin: f64) -> (f64, f64) {
    let (low, high) = values
        .fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), value| (low.min(value), high.max(value)));
    let width = (high - low).max(1e-3);
    let (low, high) = if low.is_finite() { (low, high) } else { (0.0, 1.0) };
    (low - margin * width, high + margin * width)
}

/// A coordinate with two digits.
fn n(value: f64) -> String {
    let text = format!("{value:.2}");
    text.trim_end_matches('0').trim_end_matches('.').to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_are_round_and_inside() {
        let texts = |range, count| ticks(range, count).into_iter().map(|tick| tick.1).collect::<Vec<_>>();
        assert_eq!(texts((0.0, 1.0), 5), ["0.0", "0.2", "0.4", "0.6", "0.8", "1.0"]);
        assert_eq!(texts((78.3, 79.4), 5), ["78.50", "78.75", "79.00", "79.25"]);
        assert_eq!(texts((0.0, 60.0), 6), ["0", "10", "20", "30", "40", "50", "60"]);
        assert_eq!(texts((3.0, -3.0), 3), ["-2", "0", "2"]);
    }

    #[test]
    fn names_are_escaped_and_numbers_short() {
        let x = Axis { title: "a < b", range: (0.0, 1.0) };
        let mut plot = Plot::rows("q\"", &["r&d".into()], x);
        plot.entry("one", BLUE, None);
        let text = plot.svg();
        assert!(text.contains("a &lt; b") && text.contains("r&amp;d") && text.contains("q&quot;"));
        assert_eq!((n(1.0), n(-0.126), n(12.5)), ("1".into(), "-0.13".into(), "12.5".into()));
        assert_eq!(around([2.0, 4.0].into_iter(), 0.5), (1.0, 5.0));
        assert!(around([2.0].into_iter(), 0.1).0 < 2.0);
    }
}
