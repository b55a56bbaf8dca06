//! The machines that one run compares: as given, each effect alone, one key at several values.

use crate::app::chip;
use crate::arch::ArchFile;
use crate::read::arch::{Refused, arch_from_text};
use crate::suggest;
use miette::miette;
use serde::{Deserialize, Serialize};

/// One result of a run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Point {
    pub group: Group,
    /// Key of the effect, or value of the key.
    pub label: String,
    /// The value, where it is a number.
    pub value: Option<f64>,
    /// Index of the machine; points may share one.
    pub case: usize,
}

/// Why a point is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Group {
    /// The architecture file as it is.
    Given,
    /// One non-ideality alone, all, or none.
    Each,
    /// One value of the swept key.
    Sweep,
}

/// All points and the distinct machines they need; point 0 and machine 0 are as given.
#[derive(Debug, Clone, PartialEq)]
pub struct Points {
    pub points: Vec<Point>,
    pub cases: Vec<ArchFile>,
}

/// A key and the values it takes, from `KEY=V1,V2,...`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sweep {
    pub key: String,
    pub values: Vec<String>,
}

impl std::str::FromStr for Sweep {
    type Err = String;

    fn from_str(text: &str) -> Result<Sweep, String> {
        let (key, values) = text.split_once('=').ok_or("write KEY=V1,V2,...")?;
        if !["variation.", "readout."].iter().any(|table| key.starts_with(table)) {
            let table = key.split('.').next().unwrap_or_default();
            let near = suggest::hint(table, ["variation", "readout"]);
            return Err(format!("`{key}` is no key under variation or readout{near}"));
        }
        let values: Vec<String> = values.split(',').map(|value| value.trim().to_string()).collect();
        if values.iter().any(String::is_empty) {
            return Err("a value is empty".into());
        }
        if let Some(twice) = (1..values.len()).find(|&i| values[..i].contains(&values[i])) {
            return Err(format!("{} stands there twice", values[twice]));
        }
        Ok(Sweep { key: key.into(), values })
    }
}

impl Points {
    /// Point 0 alone.
    pub fn given(file: ArchFile) -> Points {
        let mut points = Points { points: Vec::new(), cases: Vec::new() };
        points.push(Group::Given, "as given".into(), None, file);
        points
    }

    fn push(&mut self, group: Group, label: String, value: Option<f64>, file: ArchFile) {
        let case = self.cases.iter().position(|case| *case == file).unwrap_or_else(|| {
            self.cases.push(file);
            self.cases.len() - 1
        });
        self.points.push(Point { group, label, value, case });
    }

    /// No effect, each that the architecture has alone, all of them.
    pub fn each(&mut self) {
        let given = self.cases[0].clone();
        let with = |variation| ArchFile { variation, ..given.clone() };
        self.push(Group::Each, "none".into(), None, with(given.variation.without_effects()));
        for (key, alone) in given.variation.effects() {
            self.push(Group::Each, key.into(), None, with(alone));
        }
        self.push(Group::Each, "all".into(), None, given.clone());
    }

    /// The swept key at each of its values.
    ///
    /// Errors name every value that the architecture file would refuse.
    pub fn sweep(&mut self, sweep: &Sweep, without_read_noise: bool) -> miette::Result<()> {
        let mut wrong = Vec::new();
        for value in &sweep.values {
            match with_key(&self.cases[0], &sweep.key, value) {
                Ok(mut file) => {
                    chip::leave_out_read_noise(&mut file.variation, without_read_noise);
                    self.push(Group::Sweep, value.clone(), value.parse().ok(), file);
                }
                Err(what) => wrong.push(format!("{} = {value}: {what}", sweep.key)),
            }
        }
        if wrong.is_empty() {
            return Ok(());
        }
        Err(miette!(
            code = "vary::sweep",
            help = "`bincim schema` prints every key with its meaning",
            "--sweep: {}",
            wrong.join("\n")
        ))
    }
}

/// `file` with another value of one dotted key; checked like an architecture file.
fn with_key(file: &ArchFile, key: &str, value: &str) -> Result<ArchFile, String> {
    let mut table = toml::Table::try_from(file).map_err(|error| error.to_string())?;
    let parsed = format!("value = {value}").parse::<toml::Table>();
    let parsed = parsed.ok().and_then(|mut table| table.remove("value"));
    let value = parsed.unwrap_or_else(|| toml::Value::String(value.into()));
    if key == "variation.preset" {
        table.remove("variation");
    }
    let mut at = &mut table;
    let (tables, last) = key.rsplit_once('.').unwrap_or(("", key));
    for name in tables.split('.') {
        let inner = at.entry(name).or_insert_with(|| toml::Value::Table(toml::Table::new()));
        at = inner.as_table_mut().ok_or_else(|| format!("`{name}` is no table"))?;
    }
    at.insert(last.into(), value);
    arch_from_text(&table.to_string()).map_err(|refused| match refused {
        // The first line shows where in the text, which nobody wrote.
        Refused::Toml(what) => what.lines().last().unwrap_or_default().to_string(),
        Refused::Keys(what) => what.trim().to_string(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::device::Physics;

    fn given() -> Points {
        let file = ArchFile { variation: Physics::preset("xiao").unwrap(), ..ArchFile::default() };
        Points::given(file)
    }

    fn sweep(points: &mut Points, text: &str) -> Result<(), String> {
        let sweep: Sweep = text.parse()?;
        points.sweep(&sweep, false).map_err(|error| error.to_string())
    }

    #[test]
    fn equal_machines_are_one_case() {
        let mut points = given();
        points.each();
        sweep(&mut points, "variation.gaussian.sigma=0,0.05,0.1").unwrap();
        let cases: Vec<usize> = points.points.iter().map(|point| point.case).collect();
        assert_eq!(cases, [0, 1, 2, 3, 0, 3, 0, 4]);
        assert_eq!(points.cases[4].variation.gaussian.sigma, 0.1);
        assert_eq!(points.points[6].value, Some(0.05));
        assert_eq!(points.points[2].label, "variation.gaussian.sigma");
    }

    #[test]
    fn words_and_presets_can_be_swept() {
        let mut points = given();
        sweep(&mut points, "variation.preset=pr-cim,ideal").unwrap();
        assert_eq!(points.cases[1].variation, Physics::preset("pr-cim").unwrap());
        assert_eq!(points.cases[2].variation, Physics::default());
        sweep(&mut points, "readout.range=40,full").unwrap();
        assert_eq!(points.cases.len(), 4, "the full range is the default");
    }

    #[test]
    fn wrong_keys_and_values_are_named() {
        for (text, says) in [
            ("array.rows=5", "array.rows"),
            ("variation.gaussian.sigma", "KEY=V1"),
            ("variation.gaussian.sigma=1,,2", "empty"),
            ("variation.gaussian.sigma=1,2,1", "twice"),
            ("variation.gaussian.sigma=0.1,-1,many", "variation.gaussian.sigma = -1"),
            ("variation.gaussian.sigma=0.1,-1,many", "variation.gaussian.sigma = many"),
            ("variation.gaussian.sigmo=1", "sigmo"),
            ("readout.levels=1", "readout.levels"),
            ("variation.preset=c4sram", "c4sram"),
        ] {
            let error = sweep(&mut given(), text).expect_err(text);
            assert!(error.contains(says), "{text}: {error}");
        }
    }
}
