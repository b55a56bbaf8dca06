//! The architecture file: TOML with strict keys.

use crate::arch::{ArchFile, validate_file};
use crate::bounded;
use crate::device::{PRESETS, Physics};
use crate::escape;
use crate::suggest;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

/// Largest architecture file in bytes.
const LARGEST: usize = 1 << 20;

/// Why an architecture file was refused.
#[derive(Debug, thiserror::Error, miette::Diagnostic)]
pub enum ArchError {
    #[error("cannot read {}: {source}", escape::path(path))]
    #[diagnostic(code(arch::unreadable), help("`bincim new DIR` writes a commented architecture file"))]
    Unreadable { path: PathBuf, source: std::io::Error },
    #[error("{} is larger than {LARGEST} bytes", escape::path(path))]
    #[diagnostic(code(arch::too_large), help("an architecture file has a few dozen lines"))]
    TooLarge { path: PathBuf },
    #[error("{}: {what}", escape::path(path))]
    #[diagnostic(code(arch::bad_toml), help("`bincim schema` prints every key with its meaning"))]
    BadToml { path: PathBuf, what: String },
    #[error("{}:\n{problems}", escape::path(path))]
    #[diagnostic(code(arch::impossible), help("mend the keys named above"))]
    Impossible { path: PathBuf, problems: String },
}

/// Reads the architecture file at `path`.
///
/// Errors name the file, the line and the key.
pub fn arch(path: &Path) -> Result<ArchFile, ArchError> {
    told(path, arch_from_text(&text(path)?))
}

/// The same for a file whose ranges are still to be found: `readout.range = "calibrated"` is read as `"full"`.
pub fn arch_to_calibrate(path: &Path) -> Result<ArchFile, ArchError> {
    let mut text = text(path)?;
    if let Ok(mut table) = text.parse::<toml::Table>()
        && let Some(toml::Value::Table(readout)) = table.get_mut("readout")
        && readout.get("range").and_then(toml::Value::as_str) == Some("calibrated")
    {
        readout.insert("range".into(), "full".into());
        text = table.to_string();
    }
    told(path, arch_from_text(&text))
}

fn text(path: &Path) -> Result<String, ArchError> {
    let unreadable = |source| ArchError::Unreadable { path: path.into(), source };
    bounded::text(path, LARGEST).map_err(|error| match error.kind() {
        ErrorKind::FileTooLarge => ArchError::TooLarge { path: path.into() },
        _ => unreadable(error),
    })
}

fn told(path: &Path, read: Result<ArchFile, Refused>) -> Result<ArchFile, ArchError> {
    read.map_err(|what| match what {
        Refused::Toml(what) => ArchError::BadToml { path: path.into(), what },
        Refused::Keys(problems) => ArchError::Impossible { path: path.into(), problems },
    })
}

/// Why a text is no architecture file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refused {
    /// Not TOML, an unknown key, or a value of the wrong kind.
    Toml(String),
    /// Keys that cannot be, one a line.
    Keys(String),
}

/// Reads an architecture from its text. Every key is tried by itself, so all that are wrong are named at once.
///
/// `variation.preset = "NAME"` stands for the keys of [`Physics::preset`]; other keys of the table go before it.
pub fn arch_from_text(text: &str) -> Result<ArchFile, Refused> {
    let expanded = with_preset(text)?;
    let text = expanded.as_deref().unwrap_or(text);
    let error = match toml::from_str::<ArchFile>(text) {
        Ok(file) => {
            let problems = impossible(&file);
            return if problems.is_empty() { Ok(file) } else { Err(Refused::Keys(problems.join("\n"))) };
        }
        Err(error) => error,
    };
    let mut wrong = Vec::new();
    if let Ok(mut table) = text.parse::<toml::Table>() {
        wrong = take_wrong(&mut table);
        if let Ok(rest) = table.try_into::<ArchFile>() {
            wrong.extend(impossible(&rest));
        }
    }
    // One alone is told with its line.
    Err(if wrong.len() < 2 { Refused::Toml(toml_problem(&error)) } else { Refused::Keys(wrong.join("\n")) })
}

/// An error of TOML with its line, and the known name that was meant.
pub fn toml_problem(error: &toml::de::Error) -> String {
    let what = escape::complaint(&error.to_string(), error.message());
    format!("{what}{}", escape::terminal(&suggest::hint_in(error.message())))
}

/// The text with the preset of `[variation]` written out; `None` where it names none.
fn with_preset(text: &str) -> Result<Option<String>, Refused> {
    let Ok(mut file) = text.parse::<toml::Table>() else { return Ok(None) };
    let Some(toml::Value::Table(own)) = file.get_mut("variation") else { return Ok(None) };
    let Some(name) = own.remove("preset") else { return Ok(None) };
    let named = name.as_str().and_then(Physics::preset).ok_or_else(|| {
        let names: Vec<&str> = PRESETS.iter().map(|preset| preset.name).collect();
        let near = suggest::hint(name.as_str().unwrap_or_default(), names.iter().copied());
        let name = escape::terminal(&name.to_string());
        Refused::Keys(format!("  variation.preset = {name}: unknown; take one of {}{near}", names.join(", ")))
    })?;
    let mut physics = toml::Table::try_from(named).map_err(|error| Refused::Toml(error.to_string()))?;
    overlay(&mut physics, std::mem::take(own));
    *own = physics;
    Ok(Some(file.to_string()))
}

/// Puts the keys of `over` into `base`, table by table.
fn overlay(base: &mut toml::Table, over: toml::Table) {
    for (key, value) in over {
        match (base.get_mut(&key), value) {
            (Some(toml::Value::Table(inner)), toml::Value::Table(value)) => overlay(inner, value),
            (_, value) => {
                base.insert(key, value);
            }
        }
    }
}

/// What is wrong with keys that could be read, a line each.
fn impossible(file: &ArchFile) -> Vec<String> {
    validate_file(file).iter().map(|problem| format!("  {problem}")).collect()
}

/// Takes the keys out of `table` that no architecture file has or whose value is of the wrong kind, and says
/// what is wrong with each.
fn take_wrong(table: &mut toml::Table) -> Vec<String> {
    let mut wrong = Vec::new();
    // True if an architecture file may hold this one entry.
    let mut good = |place: &str, entry: toml::Table| match entry.try_into::<ArchFile>() {
        Ok(_) => true,
        Err(error) => {
            let what = error.message().trim();
            wrong.push(format!(
                "  {}",
                escape::terminal(&format!("{place}: {what}{}", suggest::hint_in(what)))
            ));
            false
        }
    };
    let entry = |key: &str, value: toml::Value| toml::Table::from_iter([(key.to_string(), value)]);
    table.retain(|section, value| match value {
        toml::Value::Table(keys) if good_section(section) => {
            keys.retain(|key, value| {
                let inner = toml::Value::Table(entry(key, value.clone()));
                good(&format!("{section}.{key} = {value}"), entry(section, inner))
            });
            true
        }
        value => good(section, entry(section, value.clone())),
    });
    wrong
}

/// Whether an architecture file may have the section `name`.
fn good_section(name: &str) -> bool {
    let empty = toml::Value::Table(toml::Table::new());
    toml::Table::from_iter([(name.to_string(), empty)]).try_into::<ArchFile>().is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::arch::Setting;

    #[test]
    fn an_empty_file_is_all_automatic() {
        assert_eq!(arch_from_text(""), Ok(ArchFile::default()));
    }

    #[test]
    fn numbers_and_auto_are_read() {
        let file = arch_from_text("[array]\nrows = 576\ncolumns = \"auto\"\n").unwrap();
        assert_eq!((file.array.rows, file.array.columns), (Setting::Value(576), Setting::Auto));
    }

    /// The line that is quoted keeps its place; a key with a line feed in it makes none.
    #[test]
    fn what_is_quoted_makes_no_lines() {
        for text in [
            "[array]\n\"a\\nPASS b\" = 3\n",
            "\"a\\nPASS b\" = 3\n[array]\nrow = 1\n",
            "[array]\nrows = \"a\\nPASS b\"\ncolumn = 1\n",
            "[variation]\npreset = \"a\\nPASS b\"\n",
        ] {
            let Err(Refused::Keys(what) | Refused::Toml(what)) = arch_from_text(text) else {
                panic!("accepted")
            };
            assert!(what.contains("PASS b") && !what.lines().any(|line| line.starts_with("PASS")), "{what}");
        }
        let Err(Refused::Toml(what)) = arch_from_text("[array]\n\"x\\ny\" = 3\n") else { panic!("accepted") };
        assert!(what.contains("\n2 | \"x\\ny\" = 3\n") && what.contains("unknown field `x\\ny`"), "{what}");
    }

    #[test]
    fn a_preset_is_a_base_that_other_keys_go_before() {
        let text = "[variation]\npreset = \"pr-cim\"\n[variation.die]\nsigma = 0.25\n";
        let mut expected = Physics::preset("pr-cim").unwrap();
        expected.die.sigma = 0.25;
        assert_eq!(arch_from_text(text).unwrap().variation, expected);
        let Err(Refused::Keys(what)) = arch_from_text("[variation]\npreset = \"x\"\n") else {
            panic!("accepted")
        };
        assert!(what.contains("variation.preset") && what.contains("c3sram"), "{what}");
        let Err(Refused::Keys(what)) = arch_from_text("[variation]\npreset = \"c3srm\"\n") else {
            panic!("accepted")
        };
        assert!(what.ends_with("did you mean `c3sram`?"), "{what}");
    }

    #[test]
    fn an_unknown_key_is_named_with_those_that_are_known() {
        let Err(Refused::Toml(what)) = arch_from_text("[array]\nrow = 5\n") else { panic!("accepted") };
        assert!(what.contains("row") && what.contains("columns") && what.contains("line 2"), "{what}");
        assert!(what.ends_with("did you mean `rows`?"), "{what}");
    }

    #[test]
    fn a_value_of_the_wrong_kind_is_refused() {
        for text in ["[array]\nrows = -4", "[array]\nrows = \"many\"", "[array]\nrows = 1.5"] {
            assert!(matches!(arch_from_text(text), Err(Refused::Toml(_))), "{text}");
        }
    }

    #[test]
    fn contradicting_keys_are_all_named() {
        let Err(Refused::Keys(what)) = arch_from_text("[array]\ncolumns = 16\nlanes = 8\npixel_lanes = 2\n")
        else {
            panic!("accepted")
        };
        assert!(what.contains("array.lanes") && what.contains("array.pixel_lanes"), "{what}");
    }

    #[test]
    fn all_wrong_keys_are_named_whatever_is_wrong_with_them() {
        let text =
            "speed = 3\n[array]\nrowz = 5\nrows = 4\ncolumns = \"many\"\n[arrays]\n[target]\nclock_mhz = 0\n";
        let Err(Refused::Keys(what)) = arch_from_text(text) else { panic!("accepted") };
        for key in
            ["speed: ", "array.rowz = 5", "array.rows = 4", "array.columns", "arrays", "target.clock_mhz"]
        {
            assert!(what.contains(key), "{key}: {what}");
        }
        assert_eq!(what.lines().count(), 6, "{what}");
        assert!(what.contains("did you mean `rows`?") && what.contains("did you mean `array`?"), "{what}");
    }
}
