//! How a model is read, what is told of the rule by which pixels become the input's values, and the record of both beside a
//! design's sources.

use crate::bounded;
use crate::escape;
use crate::network::{Input, Network, Shape};
use crate::read::{self, Ends, Fit, Fixed, Origin, PixelRule, Pixels, Rules, State, pixels::HELP};
use miette::{IntoDiagnostic, WrapErr};
use std::path::Path;

/// The rules that a design's model was read by, in its folder.
pub const SOURCE: &str = "source/input.toml";
/// Most bytes of that file: a table of 65,536 channels fits.
const MOST: u64 = 256 << 20;
/// Channels whose first and last values are printed.
const SHOWN: usize = 4;

/// How a model is read; what is not given, the model says or a guess does.
#[derive(Debug, Clone, Default)]
pub struct Reading {
    /// How a pixel becomes the input's value, such as `unit` or `mean=0.5,std=0.25`.
    pub input: Option<String>,
    /// Bits of the maps that shortcuts take past layers.
    pub state: Option<State>,
    /// Bits to which real numbers at the network's ends are rounded.
    pub quantise: Option<Ends>,
}

impl Reading {
    /// The rules that were given.
    ///
    /// Errors: a rule for pixels that is none.
    pub fn rules(&self) -> miette::Result<Rules> {
        let rule = self.input.as_deref().map(PixelRule::of_argument).transpose().map_err(|error| {
            miette::miette!(code = error.code(), help = error.help().to_string(), "--input: {error}")
        })?;
        let fixed = Fixed { state: self.state, ends: self.quantise };
        Ok(Rules { pixels: rule.map(|rule| Pixels::new(rule, Origin::Given)), fixed })
    }
}

/// What pictures are brought to for a network that reads images of `shape`: scaled until the shorter side has `resize`
/// pixels, and cut.
///
/// Errors: fewer pixels than the network reads.
pub fn fit(resize: Option<u32>, shape: Shape) -> miette::Result<Option<Fit>> {
    let Some(shorter) = resize else { return Ok(None) };
    let size = (shape.h, shape.w);
    match (shorter as usize) < size.0.max(size.1) {
        true => Err(miette::miette!(
            code = "cli::resize",
            help = "take N from the larger of the two on (256 is usual for 224)",
            "--resize {shorter}: the network reads images of {} x {} pixels",
            size.0,
            size.1
        )),
        false => Ok(Some(Fit { shorter, size })),
    }
}

/// Who says the rule, for people.
pub fn origin(origin: Origin) -> &'static str {
    match origin {
        Origin::Given => "as given",
        Origin::Metadata => "by the model's metadata",
        Origin::Graph => "by the graph",
        Origin::Guess => "a GUESS",
    }
}

/// The rule in one line.
pub fn told(pixels: &Pixels) -> String {
    format!("'{}', {} ({})", pixels.rule.name(), pixels.rule.formula(), origin(pixels.origin))
}

/// The warning that a rule is a guess.
pub fn guess(pixels: &Pixels) -> Option<String> {
    (pixels.origin == Origin::Guess).then(|| {
        format!(
            "warning: the model does not say what a pixel means. '{}' ({}) is a GUESS: if the network was trained on other \
             values, every class and accuracy here is wrong.\n  {HELP}",
            pixels.rule.name(),
            pixels.rule.formula(),
        )
    })
}

/// The rule with its first and last values, a line a channel where they differ.
pub fn lines(input: &Input, pixels: &Pixels) -> Vec<String> {
    let rule = &pixels.rule;
    let mut lines = vec![format!("pixels: {}", told(pixels))];
    let rows = shown_rows(input, rule);
    let code = |c: usize, p: u8| input.row(c * input.shape.pixels())[usize::from(p)];
    let end = |c: usize, p: u8| match rule {
        PixelRule::Codes => format!("pixel {p} is code {}", code(c, p)),
        _ => format!("pixel {p} is x = {}, code {}", rule.value(c, p), code(c, p)),
    };
    if input.rows() > input.shape.c {
        lines.push(
            "  every place has codes of its own (a mean image); of the first place of each channel:".into(),
        );
    }
    for c in 0..rows.min(SHOWN) {
        let channel = if rows == 1 { String::new() } else { format!("channel {c}: ") };
        lines.push(format!("  {channel}{}; {}", end(c, 0), end(c, 255)));
    }
    if rows > SHOWN {
        lines.push(format!("  and {} more channels", rows - SHOWN));
    }
    if pixels.near_ties > 0 {
        lines.push(format!(
            "  {} of {} codes are near ties: taken as single precision rounds them, double precision rounds them otherwise",
            pixels.near_ties,
            input.pixel_values.len()
        ));
    }
    lines
}

/// Channels whose values are told.
fn shown_rows(input: &Input, rule: &PixelRule) -> usize {
    input.rows().min(input.shape.c).max(rule.channels())
}

/// The same for JSON.
pub fn json(input: &Input, pixels: &Pixels) -> serde_json::Value {
    let rows = shown_rows(input, &pixels.rule);
    let code = |c: usize, p: u8| input.row(c * input.shape.pixels())[usize::from(p)];
    let end = |p: u8| -> Vec<serde_json::Value> {
        let of = |c: usize| serde_json::json!({ "x": pixels.rule.value(c, p), "code": code(c, p) });
        (0..rows.min(SHOWN)).map(of).collect()
    };
    serde_json::json!({
        "rule": pixels.rule.name(), "from": pixels.origin, "guess": pixels.origin == Origin::Guess,
        "near_ties": pixels.near_ties, "first": end(0), "last": end(255),
    })
}

/// Layers that make the scores independent of the image: all their channels are constant.
pub fn constant_layers(network: &Network) -> Vec<String> {
    let constant =
        |&index: &usize| crate::network::constant_channels(network, index) == network.layers[index].conv.c;
    let warning = |index: usize| {
        format!(
            "warning: every channel of layer {index} ('{}') is constant, so the scores do not depend on the image; a Relu \
             before a BipolarQuant, a scale of almost 0 or a bias far too large does that",
            network.layers[index].name.terminal()
        )
    };
    let mut warnings: Vec<String> = (0..network.layers.len()).filter(constant).map(warning).collect();
    if network.output.scale.iter().all(|&scale| scale == 0.0) {
        let line = "warning: the graph multiplies every score by 0, so the scores do not depend on the image";
        warnings.push(line.into());
    }
    warnings
}

#[derive(serde::Serialize, serde::Deserialize)]
struct Record {
    rule: String,
    from: Origin,
    /// Bits and fraction bits of states.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    state: Option<String>,
    /// Bits of the ends.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    quantise: Option<String>,
}

/// The text of [`SOURCE`].
pub fn record(pixels: &Pixels, fixed: &Fixed) -> String {
    let state = fixed.state.map(|state| state.to_string());
    let quantise = fixed.ends.map(|ends| ends.to_string());
    let record = Record { rule: pixels.rule.to_string(), from: pixels.origin, state, quantise };
    let text = toml::to_string(&record).expect("plain values");
    format!(
        "# How a pixel of 0 to 255 becomes a value of the graph's input, and who said so (bincim check --help).\n{text}"
    )
}

/// The rules on record in the design's folder `dir`; none where it has no record.
pub fn recorded(dir: &Path) -> miette::Result<Rules> {
    use std::io::Read;
    let path = dir.join(SOURCE);
    let what = || escape::path(&path);
    let file = match bounded::open(&path) {
        Ok(file) => file,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Rules::default()),
        Err(error) => return Err(error).into_diagnostic().wrap_err_with(what),
    };
    let mut text = String::new();
    file.take(MOST).read_to_string(&mut text).into_diagnostic().wrap_err_with(what)?;
    rules(&text, what)
}

/// The rules of the text of such a record, which is that of `what`.
pub fn rules(text: &str, what: impl Fn() -> String + Copy) -> miette::Result<Rules> {
    let record: Record = toml::from_str(text)
        .map_err(|problem| miette::miette!("{}", read::toml_problem(&problem)))
        .wrap_err_with(what)?;
    let rule = PixelRule::parse(&record.rule).into_diagnostic().wrap_err_with(what)?;
    let state = record.state.as_deref().map(str::parse).transpose();
    let state = state.map_err(|problem: String| miette::miette!("state {problem}")).wrap_err_with(what)?;
    let ends = record.quantise.as_deref().map(str::parse).transpose();
    let ends = ends.map_err(|problem: String| miette::miette!("quantise {problem}")).wrap_err_with(what)?;
    Ok(Rules { pixels: Some(Pixels::new(rule, record.from)), fixed: Fixed { state, ends } })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::network::random;

    #[test]
    fn scores_that_depend_on_nothing_are_told() {
        let mut network = random::network(3, &random::Limits::default());
        let told =
            |network: &Network| constant_layers(network).iter().any(|line| line.contains("every score by 0"));
        assert!(!told(&network));
        network.output.scale[0] = 0.0;
        assert!(!told(&network) || network.output.scale.len() == 1);
        network.output.scale.fill(0.0);
        assert!(told(&network));
    }
}
