//! How an 8-bit pixel becomes the number that a graph's input reads: the rule, its text, and where it came from.
//!
//! All values are single precision, operation by operation, as the usual training code has them.

use super::{Error, data};
use crate::bounded;
use crate::escape;
use std::fmt::{Display, Formatter};
use std::path::Path;
use std::sync::Arc;

/// Key of a model file's `metadata_props` whose value is the text of a rule.
pub const METADATA_KEY: &str = "bincim.input";

/// Most bytes of a table's file.
const MAX_TABLE: u64 = 64 << 20;
/// Most channels of a rule that has one value a channel.
const MAX_CHANNELS: usize = 1 << 16;

/// What stands in a refusal that a rule would lift.
pub const HELP: &str = "say it: --input raw | unit | bipolar | codes | mean=M,std=S | table=FILE, or put the same text into the model's \
     metadata under 'bincim.input'";

/// How pixel `p` of a channel becomes the value x of the graph's input.
#[derive(Debug, Clone, PartialEq)]
pub enum PixelRule {
    /// x = p, and the graph itself shows that it reads raw pixels.
    Graph,
    /// x = p
    Raw,
    /// x = p / 255
    Unit,
    /// x = p / 255 * 2 - 1
    Bipolar,
    /// The pixel is the quantiser's code: p itself, offset binary (p - 2^(bits-1)) where the codes are signed.
    Codes,
    /// x = (p / 255 - mean) / std; lists have one entry, or one a channel.
    Normal { mean: Vec<f32>, std: Vec<f32> },
    /// x is looked up.
    Table(Table),
}

/// Values of all 256 pixels, for all channels alike or channel after channel.
#[derive(Debug, Clone, PartialEq)]
pub struct Table {
    values: Arc<[f32]>,
}

/// Who chose a rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Origin {
    /// The user.
    Given,
    /// The model's metadata.
    Metadata,
    /// The graph reads raw pixels: its input is uint8, or its own arithmetic fits them and nothing else.
    Graph,
    /// Nobody: it is the usual reading that keeps most pixel values apart.
    Guess,
}

/// The rule of a network's input, and how its table of codes came out.
#[derive(Debug, Clone, PartialEq)]
pub struct Pixels {
    pub rule: PixelRule,
    pub origin: Origin,
    /// Codes (of all pixel values, and of all channels where they differ) that double precision rounds otherwise.
    pub near_ties: usize,
}

impl Pixels {
    /// A rule before a table was made of it.
    pub fn new(rule: PixelRule, origin: Origin) -> Pixels {
        Pixels { rule, origin, near_ties: 0 }
    }
}

impl PixelRule {
    /// Number of channels that the rule tells apart; 1 where it is the same for all.
    pub fn channels(&self) -> usize {
        match self {
            PixelRule::Normal { mean, std } => mean.len().max(std.len()),
            PixelRule::Table(table) => table.values.len() / 256,
            _ => 1,
        }
    }

    /// The input's value for `pixel` of `channel`, as single precision has it. Codes are what they are.
    pub fn value(&self, channel: usize, pixel: u8) -> f32 {
        let p = f32::from(pixel);
        match self {
            PixelRule::Graph | PixelRule::Raw | PixelRule::Codes => p,
            PixelRule::Unit => p / 255.0,
            PixelRule::Bipolar => p / 255.0 * 2.0 - 1.0,
            PixelRule::Normal { mean, std } => (p / 255.0 - at(mean, channel)) / at(std, channel),
            PixelRule::Table(table) => at_row(&table.values, channel, pixel),
        }
    }

    /// The same in double precision.
    pub fn exact(&self, channel: usize, pixel: u8) -> f64 {
        let p = f64::from(pixel);
        match self {
            PixelRule::Unit => p / 255.0,
            PixelRule::Bipolar => p / 255.0 * 2.0 - 1.0,
            PixelRule::Normal { mean, std } => {
                (p / 255.0 - f64::from(at(mean, channel))) / f64::from(at(std, channel))
            }
            _ => f64::from(self.value(channel, pixel)),
        }
    }

    /// Scale and offset with x = scale * p + offset in all channels, where there are such.
    pub fn affine(&self) -> Option<(f64, f64)> {
        match self {
            PixelRule::Graph | PixelRule::Raw | PixelRule::Codes => Some((1.0, 0.0)),
            PixelRule::Unit => Some((1.0 / 255.0, 0.0)),
            PixelRule::Bipolar => Some((2.0 / 255.0, -1.0)),
            PixelRule::Normal { mean, std } => match (&mean[..], &std[..]) {
                ([mean], [std]) => {
                    let (mean, std) = (f64::from(*mean), f64::from(*std));
                    Some((1.0 / 255.0 / std, -mean / std))
                }
                _ => None,
            },
            PixelRule::Table(_) => None,
        }
    }

    /// A formula for people.
    pub fn formula(&self) -> &'static str {
        match self {
            PixelRule::Graph | PixelRule::Raw => "x = p",
            PixelRule::Unit => "x = p / 255",
            PixelRule::Bipolar => "x = p / 255 * 2 - 1",
            PixelRule::Codes => "the pixel is the quantiser's code",
            PixelRule::Normal { .. } => "x = (p / 255 - mean) / std",
            PixelRule::Table(_) => "x from a table",
        }
    }

    /// The rule in a few words: its text, without the numbers of a table.
    pub fn name(&self) -> String {
        match self {
            PixelRule::Table(table) if table.values.len() == 256 => "table".into(),
            PixelRule::Table(table) => format!("table of {} channels", table.values.len() / 256),
            other => other.to_string(),
        }
    }

    /// Reads the text of a rule; a table stands there with all its numbers (`table=0,0.5,...`).
    ///
    /// # Errors
    /// [`Error::Pixels`]: what is wrong with it.
    pub fn parse(text: &str) -> Result<PixelRule, Error> {
        let text = text.trim();
        Ok(match text {
            "graph" => PixelRule::Graph,
            "raw" => PixelRule::Raw,
            "unit" => PixelRule::Unit,
            "bipolar" => PixelRule::Bipolar,
            "codes" => PixelRule::Codes,
            _ if text.starts_with("mean=") || text.starts_with("std=") => normal(text)?,
            _ => match text.strip_prefix("table=") {
                Some(numbers) => PixelRule::Table(Table::from_text(numbers)?),
                None => {
                    return Err(fault(
                        format!("'{}' is no rule for pixels", shortened(text)),
                        "give graph, raw, unit, bipolar, codes, mean=M,std=S (a value or one a channel) or table=FILE",
                    ));
                }
            },
        })
    }

    /// [`PixelRule::parse`] of a command line's word, where `table=` names a file.
    ///
    /// # Errors
    /// Also what keeps the file from being read.
    pub fn of_argument(text: &str) -> Result<PixelRule, Error> {
        match text.trim().strip_prefix("table=") {
            Some("") => Err(fault("table= names no file".into(), "give table=FILE with 256 numbers")),
            Some(path) => Ok(PixelRule::Table(Table::read(Path::new(path))?)),
            None => PixelRule::parse(text),
        }
    }
}

impl Display for PixelRule {
    /// Text that [`PixelRule::parse`] reads back to the same rule.
    fn fmt(&self, f: &mut Formatter<'_>) -> std::fmt::Result {
        match self {
            PixelRule::Graph => f.write_str("graph"),
            PixelRule::Raw => f.write_str("raw"),
            PixelRule::Unit => f.write_str("unit"),
            PixelRule::Bipolar => f.write_str("bipolar"),
            PixelRule::Codes => f.write_str("codes"),
            PixelRule::Normal { mean, std } => write!(f, "mean={},std={}", list(mean), list(std)),
            PixelRule::Table(table) => write!(f, "table={}", list(&table.values)),
        }
    }
}

fn list(values: &[f32]) -> String {
    // The shortest text that gives the same number back.
    values.iter().map(f32::to_string).collect::<Vec<String>>().join(",")
}

fn at(list: &[f32], channel: usize) -> f32 {
    if list.len() == 1 { list[0] } else { list[channel] }
}

fn at_row(values: &[f32], channel: usize, pixel: u8) -> f32 {
    let row = if values.len() == 256 { 0 } else { channel };
    values[row * 256 + usize::from(pixel)]
}

fn fault(what: String, help: &str) -> Error {
    Error::Pixels { what, help: help.into() }
}

/// The beginning of a text from outside.
fn shortened(text: &str) -> String {
    text.chars().take(40).filter(|c| !c.is_control()).collect()
}

fn number(text: &str) -> Result<f32, Error> {
    let finite = text.trim().parse::<f32>().ok().filter(|value| value.is_finite());
    finite.ok_or_else(|| {
        fault(format!("'{}' is no finite number", shortened(text)), "give numbers such as 0.1307")
    })
}

/// `mean=M,M,M,std=S,S,S`.
fn normal(text: &str) -> Result<PixelRule, Error> {
    let (mut mean, mut std): (Vec<f32>, Vec<f32>) = (Vec::new(), Vec::new());
    let mut of_std = false;
    for word in text.split([',', ';', ' ']).map(str::trim).filter(|word| !word.is_empty()) {
        let value = match word.split_once('=') {
            Some(("mean", value)) if mean.is_empty() => {
                of_std = false;
                value
            }
            Some(("std", value)) if std.is_empty() => {
                of_std = true;
                value
            }
            Some((key, _)) => {
                return Err(fault(
                    format!("'{}=' stands where mean= and std= may stand once", shortened(key)),
                    "give mean=M,std=S, or mean=M,M,M,std=S,S,S for three channels",
                ));
            }
            None => word,
        };
        let list = if of_std { &mut std } else { &mut mean };
        if list.len() == MAX_CHANNELS {
            return Err(fault("more values than channels there can be".into(), "give one value a channel"));
        }
        list.push(number(value)?);
    }
    for (list, default) in [(&mut mean, 0.0), (&mut std, 1.0)] {
        if list.is_empty() {
            list.push(default);
        }
    }
    if mean.len() != std.len() && mean.len() != 1 && std.len() != 1 {
        return Err(fault(
            format!("{} means and {} deviations", mean.len(), std.len()),
            "give one of each for all channels, or one of each a channel",
        ));
    }
    if std.iter().any(|&s| s <= 0.0) {
        return Err(fault("a standard deviation is not above 0".into(), "give std above 0"));
    }
    Ok(PixelRule::Normal { mean, std })
}

impl Table {
    /// The table in a file: NumPy's .npy of shape (256), (256, channels) or (channels, 256), or text with one line a pixel
    /// that holds one number, or one a channel (`#` begins a comment).
    fn read(path: &Path) -> Result<Table, Error> {
        use std::io::Read;
        let io = |e: std::io::Error| Error::Io { reason: format!("{}: {e}", escape::path(path)) };
        let mut bytes = Vec::new();
        bounded::open(path).map_err(io)?.take(MAX_TABLE + 1).read_to_end(&mut bytes).map_err(io)?;
        let name = escape::path(path);
        let help = "give 256 lines of one number, or of one number a channel, or an .npy array of that shape";
        if bytes.len() as u64 > MAX_TABLE {
            return Err(fault(format!("{name} is no table of 256 pixels"), help));
        }
        if bytes.starts_with(data::NPY_MAGIC) {
            let (shape, values) = data::numbers(&bytes, &name)?;
            return match shape[..] {
                [256] | [1, 256] | [256, 1] => Table::new(values),
                [256, channels] => Table::new(turned(&values, channels)),
                [_, 256] => Table::new(values),
                _ => Err(fault(format!("{name} has the shape {shape:?}"), help)),
            };
        }
        let text = std::str::from_utf8(&bytes).map_err(|_| fault(format!("{name} is no text"), help))?;
        let content = |line: &str| line.split('#').next().unwrap_or_default().trim().to_string();
        let lines: Vec<String> = text.lines().map(content).filter(|line| !line.is_empty()).collect();
        let words = |line: &str| -> Result<Vec<f32>, Error> {
            line.split([',', ';', ' ', '\t']).filter(|word| !word.is_empty()).map(number).collect()
        };
        let rows: Vec<Vec<f32>> = lines.iter().map(|line| words(line)).collect::<Result<_, _>>()?;
        match rows.first().map(Vec::len) {
            Some(channels) if rows.len() == 256 && rows.iter().all(|row| row.len() == channels) => {
                Table::new(turned(&rows.concat(), channels))
            }
            Some(256) if rows.iter().all(|row| row.len() == 256) => Table::new(rows.concat()),
            _ => Err(fault(format!("{name} holds {} lines of numbers", rows.len()), help)),
        }
    }

    fn from_text(numbers: &str) -> Result<Table, Error> {
        Table::new(numbers.split(',').map(number).collect::<Result<_, _>>()?)
    }

    fn new(values: Vec<f32>) -> Result<Table, Error> {
        let channels = values.len() / 256;
        if channels == 0 || !values.len().is_multiple_of(256) || channels > MAX_CHANNELS {
            let help = "give 256 numbers, or 256 a channel";
            return Err(fault(format!("a table of {} numbers", values.len()), help));
        }
        if values.iter().any(|value| !value.is_finite()) {
            return Err(fault("the table holds a value that is not finite".into(), "give finite numbers"));
        }
        Ok(Table { values: values.into() })
    }
}

/// (pixel, channel) to (channel, pixel).
fn turned(values: &[f32], channels: usize) -> Vec<f32> {
    (0..channels).flat_map(|c| values.iter().skip(c).step_by(channels).copied()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_text_gives_its_rule_and_back() {
        let table: Vec<String> = (0..256).map(|p| (p as f32 / 3.0).to_string()).collect();
        for text in [
            "graph",
            "raw",
            "unit",
            "bipolar",
            "codes",
            "mean=0.1307,std=0.3081",
            "mean=0.4914,0.4822,0.4465,std=0.247,0.2435,0.2616",
            &format!("table={}", table.join(",")),
        ] {
            let rule = PixelRule::parse(text).unwrap_or_else(|e| panic!("{text}: {e}"));
            assert_eq!(rule.to_string(), text);
            assert_eq!(PixelRule::parse(&rule.to_string()), Ok(rule));
        }
        assert_eq!(PixelRule::parse("mean=0.5").map(|r| r.to_string()), Ok("mean=0.5,std=1".into()));
        assert_eq!(PixelRule::parse("std=2;3, mean=1").map(|r| r.to_string()), Ok("mean=1,std=2,3".into()));
    }

    #[test]
    fn what_is_no_rule_is_refused() {
        for text in [
            "",
            "Unit",
            "mean=",
            "mean=a",
            "mean=0,std=0",
            "std=-1",
            "mean=nan",
            "mean=1,2,std=1,2,3",
            "mean=1,mean=2",
            "table=1,2",
            "mean=0,var=1",
        ] {
            let error = PixelRule::parse(text).expect_err(text);
            assert_eq!(error.code(), "read::pixels", "{text}");
        }
    }

    #[test]
    fn values_are_those_of_single_precision() {
        let normal = PixelRule::parse("mean=0.1307,std=0.3081").unwrap();
        assert_eq!(normal.value(0, 0), -0.424_212_96);
        assert_eq!(normal.value(0, 255), (1.0f32 - 0.1307) / 0.3081);
        assert_eq!(PixelRule::Bipolar.value(0, 255), 1.0);
        let two = PixelRule::parse("mean=0,1,std=1").unwrap();
        assert_eq!((two.channels(), two.value(0, 255), two.value(1, 255)), (2, 1.0, 0.0));
    }
}
