//! What several verbs read first, told on the terminal: [`crate::app::load`] with the options of the command line.

use super::pixels::ReadArgs;
use super::progress::Terminal;
use super::{Outcome, output};
use crate::app::load as app;
use crate::arch::ArchFile;
use crate::arch::device::Device;
use crate::cost::{Choice, ChoiceError};
use crate::design::Design;
use crate::network::Network;
use crate::read;
use std::path::{Path, PathBuf};

pub use crate::app::load::{Data, Model, image_count, model_bytes, model_of, planes};

/// A machine, and the device that it is for.
type Chosen = (Choice, Option<&'static Device>);

/// The lowered network at `path`, read as `args` say.
pub fn network(path: &Path, args: &ReadArgs) -> miette::Result<Model> {
    app::network(path, args.rules()?)
}

/// The architecture file of a verb: the one that `--arch` names, else an `arch.toml` beside the model, which is said.
pub fn arch(model: &Path, given: Option<&Path>) -> Option<PathBuf> {
    app::arch(model, given, &Terminal)
}

/// The same of a verb that can do nothing without.
pub fn need_arch(model: &Path, given: Option<&Path>) -> miette::Result<PathBuf> {
    app::need_arch(model, given, &Terminal)
}

/// The machine for `network`: the architecture file (or an empty one) with every "auto" chosen.
pub fn choice(network: &Network, arch: Option<&Path>, device: Option<&str>) -> miette::Result<Chosen> {
    app::choice(network, arch, device, &Terminal)
}

/// The same; with a number of frames a second that are enough, the smallest machine that makes them.
pub fn choice_as(
    network: &Network,
    arch: Option<&Path>,
    device: Option<&str>,
    target_fps: Option<f64>,
) -> miette::Result<Chosen> {
    app::choice_as(network, arch, device, target_fps, &Terminal)
}

/// The same for a file that is read already; `path` is where it came from.
pub fn chosen(network: &Network, file: ArchFile, path: &Path) -> miette::Result<Chosen> {
    app::chosen(network, file, Some(path), (None, None), &Terminal)
}

/// The design that stands in `dir`, rebuilt from its own sources, and the model that it was made of.
pub fn folder(dir: &Path) -> miette::Result<(Design, Model)> {
    app::folder(dir, &Terminal)
}

/// The data set at `path` for `model`: images of the shape that it reads. Tells what nobody should overlook.
pub fn data(model: &Model, path: &Path, split: read::Split) -> miette::Result<Data> {
    app::data(model, path, split, &Terminal)
}

/// [`data()`] behind another one for the same model, whose warnings have been told.
pub fn further(model: &Model, path: &Path, split: read::Split) -> miette::Result<Data> {
    app::further(model, path, split, &Terminal)
}

/// The first `count` images of the training part, which `option` asks for to fit chips by.
pub fn training(model: &Model, path: &Path, count: usize, option: &str) -> miette::Result<Data> {
    app::training(model, path, (count, option), &Terminal)
}

/// A number of frames a second on the command line.
pub fn frames(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(frames) if frames.is_finite() && frames > 0.0 => Ok(frames),
        _ => Err("frames a second, a number above 0".into()),
    }
}

/// The answer where nothing fits or is fast enough: one JSON object on standard output, or the error as it is.
pub fn no(error: miette::Report, json: bool) -> miette::Result<Outcome> {
    match error.downcast_ref::<ChoiceError>().and_then(ChoiceError::misfit) {
        Some(misfit) if json => {
            output::result(&format!("{:#}\n", serde_json::json!({ "fits": false, "misfit": misfit })))?;
            Ok(Outcome::No)
        }
        Some(_) => {
            output::error(&error);
            Ok(Outcome::No)
        }
        None => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::generate::{self, Generate};
    use crate::cli::pixels;
    use crate::read::Origin;

    fn example() -> std::path::PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/glyphs/glyphs.onnx")
    }

    /// The folder of a design reads pixels as its model was read for it.
    #[test]
    fn a_design_keeps_its_rule_for_pixels() {
        let root = tempfile::tempdir().expect("a temporary folder");
        let squares: Vec<String> = (0..256).map(|p| (p * p / 256).to_string()).collect();
        std::fs::write(root.path().join("squares.txt"), squares.join("\n")).expect("writable");
        let table = format!("table={}", root.path().join("squares.txt").display());
        let mut tables = Vec::new();
        for (rule, from) in [
            (None, Origin::Graph),
            (Some("mean=-0.25,std=0.01"), Origin::Given),
            (Some(&*table), Origin::Given),
        ] {
            let reading = ReadArgs { input: rule.map(str::to_string), ..ReadArgs::default() };
            let read = network(&example(), &reading).expect("a network");
            let dir = root.path().join(tables.len().to_string());
            let args = Generate {
                models: vec![example()],
                arch: None,
                device: None,
                target_fps: None,
                baud: None,
                chip: None,
                reading,
                output: dir.clone(),
                json: true,
            };
            generate::run(&args).expect("a design");
            let (design, model) = folder(&dir).expect("a design");
            assert_eq!((model.pixels.origin, &model.pixels), (from, &read.pixels));
            assert_eq!(model.network.input, read.network.input);
            assert_eq!(design.network.input.pixel_values, read.network.input.pixel_values);
            tables.push(read.network.input.pixel_values);
        }
        assert!(tables[0] != tables[1] && tables[1] != tables[2] && tables[0] != tables[2]);
        // A folder of an earlier version has no record, and its model says it.
        std::fs::remove_file(root.path().join("0").join(pixels::SOURCE)).expect("there");
        let (_, model) = folder(&root.path().join("0")).expect("a design");
        assert_eq!(model.network.input.pixel_values, tables[0]);
    }
}
