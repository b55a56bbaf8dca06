//! What a Monte-Carlo run is: everything that its results depend on, and nothing of where or when it runs.

use super::points::Point;
use crate::app::MOST_CHIPS;
use crate::bounded;
use crate::escape;
use crate::montecarlo::Calibration;
use crate::read::data::MAX_BYTES;
use miette::{IntoDiagnostic, WrapErr, miette};
use serde::{Deserialize, Serialize};
use std::path::Path;

/// File in the run's folder.
pub const FILE: &str = "settings.json";

/// Most bytes of it.
const MOST_BYTES: usize = 64 << 20;
/// Most machines of a run.
const MOST_CASES: usize = 10_000;

/// `settings.json`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// Version of the program.
    pub bincim: String,
    pub network: String,
    pub model_sha256: String,
    pub data: String,
    /// Of the pixels and labels that are used.
    pub data_sha256: String,
    /// Rule for pixels, where the model does not say it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pixels: Option<String>,
    /// Images on which every chip's thresholds were found anew, where they were.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recalibrated: Option<FittedOn>,
    /// Images on which every chip's scores were corrected, where they were.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub corrected: Option<FittedOn>,
    pub split: String,
    pub rule: String,
    pub images: usize,
    /// Seed of chip 0; chip `n` has this plus `n`.
    pub seed: u64,
    /// Read noise that was left out, counts.
    pub read_noise_left_out: f64,
    pub sweep: Option<String>,
    pub points: Vec<Point>,
    /// Architecture files, one a machine, as TOML: text keeps every digit of a number.
    pub cases: Vec<String>,
    /// Most planes of weights that a layer runs, where fewer than all were asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub planes: Option<usize>,
    /// Images that the network itself classifies rightly, and each machine's chip without errors.
    pub network_correct: usize,
    pub ideal_correct: Vec<usize>,
    /// Of probabilities of each machine's chip without errors, where weights are drawn; empty where none are.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub ideal_calibration: Vec<Option<Calibration>>,
    /// Layers whose bits are compared, and how many bits an image has; empty where none are.
    pub flips: Vec<FlipLayer>,
    /// Chips of all shards.
    pub chips: usize,
    /// Half width of the interval at which the run stops early, a fraction.
    pub until: Option<f64>,
    /// Accuracy of a good chip, a fraction.
    pub yield_at: Option<f64>,
    /// Index and number of the shards; none for a whole run.
    pub shard: Option<(usize, usize)>,
}

/// Training images by which something was fitted to every chip.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FittedOn {
    pub images: usize,
    /// Of the pixels.
    pub sha256: String,
}

/// A layer whose result bits are compared; no bits for a layer of scores.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FlipLayer {
    pub name: String,
    pub bits: u64,
}

impl Settings {
    /// As text with a final newline.
    pub fn to_text(&self) -> String {
        serde_json::to_string_pretty(self).expect("plain values") + "\n"
    }

    /// Reads the settings of the run in `dir`; `None` where there is no run.
    pub fn read(dir: &Path) -> miette::Result<Option<Settings>> {
        let path = dir.join(FILE);
        let text = match bounded::text(&path, MOST_BYTES) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(error) => {
                return Err(error).into_diagnostic().wrap_err(format!("cannot read {}", escape::path(&path)));
            }
        };
        let refused = |what: String| {
            miette!(
                code = "vary::bad_settings",
                help = "the file was not written by this version of bincim; take another folder",
                "{}: {what}",
                escape::path(&path)
            )
        };
        let settings: Settings =
            serde_json::from_str(&text).map_err(|error| refused(escape::terminal(&error.to_string())))?;
        match settings.problems() {
            none if none.is_empty() => Ok(Some(settings)),
            problems => Err(refused(problems.join("\n"))),
        }
    }

    /// What no run has: numbers that do not fit one another, or beyond what the program asks for.
    fn problems(&self) -> Vec<String> {
        let mut problems = Vec::new();
        let mut say = |key: &str, good: bool| {
            if !good {
                problems.push(format!("{key} is none of a run"));
            }
        };
        let of_images = |correct: &usize| *correct <= self.images;
        let share = |value: Option<f64>| value.is_none_or(|value| value > 0.0 && value <= 1.0);
        say("chips", (1..=MOST_CHIPS).contains(&self.chips));
        say("images", (1..=MAX_BYTES).contains(&self.images));
        say("network_correct", of_images(&self.network_correct));
        say("cases", (1..=MOST_CASES).contains(&self.cases.len()));
        say(
            "ideal_correct",
            self.ideal_correct.len() == self.cases.len() && self.ideal_correct.iter().all(of_images),
        );
        let calibrated = self.ideal_calibration.len();
        say("ideal_calibration", calibrated == 0 || calibrated == self.cases.len());
        say("points", self.points.iter().all(|point| point.case < self.cases.len()));
        say("flips", self.flips.iter().all(|layer| layer.bits >> 32 == 0));
        say("until", share(self.until));
        say("yield_at", share(self.yield_at));
        let whole = |(index, count)| index < count && count <= super::MOST_SHARDS;
        say("shard", self.shard.is_none_or(whole));
        problems
    }

    /// Whether chip `chip` belongs to this run or shard.
    pub fn owns(&self, chip: usize) -> bool {
        chip < self.chips && self.shard.is_none_or(|(index, count)| chip % count == index)
    }

    /// What a finished chip of `self` and one of `other` may not differ in: one line a difference.
    ///
    /// How many chips there are, when the run stops and what a good chip is change no chip.
    pub fn differences(&self, other: &Settings) -> Vec<String> {
        let same =
            Settings { chips: self.chips, until: self.until, yield_at: self.yield_at, ..other.clone() };
        self.all_differences(&same)
    }

    /// Every difference, one line each: key, value here, value there.
    pub fn all_differences(&self, other: &Settings) -> Vec<String> {
        let value = |settings: &Settings| serde_json::to_value(settings).expect("plain values");
        let mut lines = Vec::new();
        compare("", &value(self), &value(other), &mut lines);
        lines
    }
}

fn compare(key: &str, here: &serde_json::Value, there: &serde_json::Value, lines: &mut Vec<String>) {
    use serde_json::Value;
    match (here, there) {
        (Value::Object(a), Value::Object(b)) => {
            for (name, value) in a {
                let key = if key.is_empty() { name.clone() } else { format!("{key}.{name}") };
                compare(&key, value, b.get(name).unwrap_or(&Value::Null), lines);
            }
        }
        (Value::Array(a), Value::Array(b)) if a.len() == b.len() => {
            for (index, (a, b)) in a.iter().zip(b).enumerate() {
                compare(&format!("{key}[{index}]"), a, b, lines);
            }
        }
        (Value::String(a), Value::String(b)) if a != b && a.contains('\n') => {
            let not_in = |a: &str, b: &str| -> Vec<String> {
                a.lines().filter(|line| !b.lines().any(|other| other == *line)).map(str::to_string).collect()
            };
            lines.push(format!("{key}: {} here, {} there", not_in(a, b).join(", "), not_in(b, a).join(", ")));
        }
        (Value::Array(a), Value::Array(b)) => {
            lines.push(format!("{key}: {} here, {} there", a.len(), b.len()));
        }
        (a, b) if a != b => lines.push(format!("{key}: {a} here, {b} there")),
        _ => {}
    }
}

#[cfg(test)]
pub mod tests {
    use super::*;
    use crate::app::vary::points::Group;

    /// A run of 4 chips on one machine.
    pub fn settings() -> Settings {
        Settings {
            bincim: "1".into(),
            network: "net".into(),
            model_sha256: "aa".into(),
            data: "data".into(),
            pixels: None,
            data_sha256: "bb".into(),
            recalibrated: None,
            corrected: None,
            split: "test".into(),
            rule: "argmax".into(),
            images: 10,
            seed: 1,
            read_noise_left_out: 0.0,
            sweep: None,
            points: vec![Point { group: Group::Given, label: "as given".into(), value: None, case: 0 }],
            cases: vec!["[variation]\nread_noise = 0.0\n[array]\nrows = 8\n".into()],
            planes: None,
            network_correct: 9,
            ideal_correct: vec![8],
            ideal_calibration: Vec::new(),
            flips: Vec::new(),
            chips: 4,
            until: None,
            yield_at: None,
            shard: None,
        }
    }

    #[test]
    fn what_differs_is_named() {
        let here = settings();
        let there = Settings {
            seed: 7,
            cases: vec!["[variation]\nread_noise = 0.0\n[array]\nrows = 16\n".into()],
            chips: 9,
            yield_at: Some(0.5),
            ..settings()
        };
        assert_eq!(
            here.differences(&there),
            ["seed: 1 here, 7 there", "cases[0]: rows = 8 here, rows = 16 there"]
        );
        assert_eq!(here.all_differences(&there).len(), 4);
        assert!(here.differences(&settings()).is_empty());
    }

    #[test]
    fn settings_are_written_and_read_back() {
        let dir = tempfile::tempdir().unwrap();
        assert_eq!(Settings::read(dir.path()).unwrap(), None);
        std::fs::write(dir.path().join(FILE), settings().to_text()).unwrap();
        assert_eq!(Settings::read(dir.path()).unwrap(), Some(settings()));
        std::fs::write(dir.path().join(FILE), "{}").unwrap();
        assert!(Settings::read(dir.path()).is_err());
    }

    /// Every value of the file replaced by hostile ones: refused, or the results are made as ever.
    #[test]
    fn any_value_is_refused_or_gives_results() {
        use crate::app::vary::{records, results};
        use serde_json::{Value, json};
        let dir = tempfile::tempdir().unwrap();
        let big = u64::MAX;
        let values = [
            json!(null),
            json!(0),
            json!(1),
            json!(-1),
            json!(2.5),
            json!(1e300),
            json!(big),
            json!(big >> 1),
            json!(1u64 << 40),
            json!("x"),
            json!(""),
            json!([]),
            json!({}),
            json!([0, 0]),
            json!([7, 3]),
            json!([0, big]),
            json!([big]),
        ];
        let flips = vec![FlipLayer { name: "a".into(), bits: 9 }];
        let base =
            Settings { flips, shard: Some((0, 1)), until: Some(0.5), yield_at: Some(0.5), ..settings() };
        let base = serde_json::to_value(&base).unwrap();
        let places = [
            "/bincim",
            "/network",
            "/data",
            "/split",
            "/rule",
            "/images",
            "/seed",
            "/read_noise_left_out",
            "/sweep",
            "/points",
            "/points/0/case",
            "/points/0/value",
            "/points/0/group",
            "/cases",
            "/cases/0",
            "/network_correct",
            "/ideal_correct",
            "/ideal_correct/0",
            "/flips",
            "/flips/0/bits",
            "/chips",
            "/until",
            "/yield_at",
            "/shard",
            "/shard/0",
            "/shard/1",
        ];
        let line = |chip: usize, key: &str, value: &Value| {
            let mut line =
                json!({"chip": chip, "case": 0, "correct": 8, "changed": 1, "saturated": 0, "flips": [3]});
            line[key] = value.clone();
            line.to_string() + "\n"
        };
        let tried = |settings: &Value, lines: &str| {
            std::fs::write(dir.path().join(FILE), settings.to_string()).unwrap();
            std::fs::write(dir.path().join(records::FILE), lines).unwrap();
            let Ok(Some(settings)) = Settings::read(dir.path()) else { return false };
            let Ok((records, _)) = records::read(dir.path(), &settings) else { return false };
            if let Some(count) = results::covered(&settings, &records) {
                results::write(dir.path(), &settings, &records, count).unwrap();
                let _ = results::told(&results::results(&settings, &records, count));
            }
            true
        };
        let four = |key: &str, value: &Value| (0..4).map(|chip| line(chip, key, value)).collect::<String>();
        assert!(tried(&base, &four("correct", &json!(8))));
        let (mut taken, mut refused) = (0, 0);
        for value in &values {
            for place in places {
                let mut other = base.clone();
                *other.pointer_mut(place).expect(place) = value.clone();
                let used = tried(&other, &four("correct", &json!(8)));
                (taken, refused) = (taken + usize::from(used), refused + usize::from(!used));
            }
            for key in ["case", "correct", "changed", "saturated", "flips"] {
                let used = tried(&base, &four(key, value));
                (taken, refused) = (taken + usize::from(used), refused + usize::from(!used));
            }
        }
        assert!(taken > 40 && refused > 250, "{taken} taken, {refused} refused");
    }

    #[test]
    fn shards_share_the_chips_out() {
        let shard = |index| Settings { shard: Some((index, 3)), chips: 10, ..settings() };
        let owned: Vec<Vec<usize>> =
            (0..3).map(|index| (0..20).filter(|&chip| shard(index).owns(chip)).collect()).collect();
        assert_eq!(owned, [vec![0, 3, 6, 9], vec![1, 4, 7], vec![2, 5, 8]]);
    }
}
