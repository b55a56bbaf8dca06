//! What several verbs read first: the network, the machine for it, the device, the images.

use super::Watch;
use super::pixels;
use crate::app::Bar;
use crate::arch::ArchFile;
use crate::arch::device::{self, Device};
use crate::cost::{self, Choice, ChoiceError};
use crate::design::Design;
use crate::escape;
use crate::lower;
use crate::network::{Input, InputCode, Network, Shape};
use crate::read::{self, Fit, Fixed, Origin, PixelRule, Pixels, Rules, data};
use crate::report::thousands;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

/// A network, and what is told of how it was read.
pub struct Model {
    /// The lowered network.
    pub network: Network,
    /// Shape of its images, before lowering.
    pub image: Shape,
    /// One sentence on the proof of its thresholds.
    pub proof: String,
    pub pixels: Pixels,
    /// In what real numbers are held, where that was asked for.
    pub fixed: Fixed,
    /// What pictures are brought to.
    pub fit: Option<Fit>,
}

impl Model {
    /// What nobody should overlook.
    pub fn warnings(&self) -> Vec<String> {
        pixels::guess(&self.pixels).into_iter().chain(pixels::constant_layers(&self.network)).collect()
    }

    /// The same that brings pictures to its size: scaled to `resize` pixels and cut, or as they are.
    pub fn fitting(self, resize: Option<u32>) -> miette::Result<Model> {
        Ok(Model { fit: pixels::fit(resize, self.image)?, ..self })
    }

    /// Tells the warnings.
    pub fn warn(&self, watch: &dyn Watch) {
        self.warnings().iter().for_each(|warning| watch.warn(format_args!("{warning}")));
    }
}

/// The lowered network at `path`, read by `rules`.
pub fn network(path: &Path, rules: Rules) -> miette::Result<Model> {
    let reading = read::reading_with(path, &rules)?;
    Ok(lowered(reading, rules))
}

/// The lowered network of a model's content, which lies in the file at `path`.
pub fn model_of(bytes: &[u8], name: &str, path: &Path, rules: Rules) -> miette::Result<Model> {
    let reading = read::network_with(bytes, name, &rules);
    let reading = reading.map_err(|list| read::Errors { file: path.to_path_buf(), list })?;
    Ok(lowered(reading, rules))
}

fn lowered(reading: read::Reading, rules: Rules) -> Model {
    let proof = format!(
        "folded {} thresholds, each proved over every reachable accumulator value ({} compared with the graph, 0 differ{})",
        reading.proof.channels,
        reading.proof.values,
        match reading.proof.f32_differences {
            0 => String::new(),
            n => format!("; {n} are near ties that f32 arithmetic rounds the other way"),
        }
    );
    let read::Rounded { layers, sums, other } = reading.proof.rounded;
    let proof = match layers {
        0 => proof,
        _ => {
            let codes = format!(
                "codes of {layers} layers are made by multipliers of {} bits: of {} sums that nothing is added to, {} give another \
                 code than in the graph, by one",
                read::MULTIPLIER_BITS,
                thousands(sums),
                thousands(other)
            );
            if reading.proof.channels == 0 { codes } else { format!("{proof}\n{codes}") }
        }
    };
    let image = reading.network.input.shape;
    let fixed = rules.fixed;
    Model { network: lower::lower(reading.network), image, proof, pixels: reading.pixels, fixed, fit: None }
}

/// The word of `--arch` for no architecture file; a file of this name is `./none`.
const NO_ARCH: &str = "none";

/// The architecture file of a verb: the one that `--arch` names, else an `arch.toml` beside the model, which is said.
pub fn arch(model: &Path, given: Option<&Path>, watch: &dyn Watch) -> Option<PathBuf> {
    if let Some(path) = given {
        return (path.as_os_str() != NO_ARCH).then(|| path.into());
    }
    let beside = model.with_file_name("arch.toml");
    beside.is_file().then(|| {
        watch.note(format_args!(
            "note: reading {}, which lies beside the model; `--arch {NO_ARCH}` does without",
            escape::path(&beside)
        ));
        beside
    })
}

/// The same of a verb that can do nothing without.
///
/// Errors: there is none.
pub fn need_arch(model: &Path, given: Option<&Path>, watch: &dyn Watch) -> miette::Result<PathBuf> {
    arch(model, given, watch).ok_or_else(|| {
        miette::miette!(
            code = "arch::missing",
            help = "name one (--arch FILE); `bincim new DIR` writes a commented one, and examples/analog has some of analog arrays",
            "no architecture file: none is named, and none lies beside {}",
            escape::path(model)
        )
    })
}

/// The model file at `path` as it is.
pub fn model_bytes(path: &Path) -> miette::Result<Vec<u8>> {
    let bytes = read::onnx::load(path);
    Ok(bytes.map_err(|error| read::Errors { file: path.to_path_buf(), list: vec![error] })?)
}

/// The machine for `network`: the architecture file (or an empty one) with every "auto" chosen.
pub fn choice(
    network: &Network,
    arch: Option<&Path>,
    device_name: Option<&str>,
    watch: &dyn Watch,
) -> miette::Result<(Choice, Option<&'static Device>)> {
    choice_as(network, arch, device_name, None, watch)
}

/// The same; with a number of frames a second that are enough, the smallest machine that makes them.
pub fn choice_as(
    network: &Network,
    arch: Option<&Path>,
    device_name: Option<&str>,
    target_fps: Option<f64>,
    watch: &dyn Watch,
) -> miette::Result<(Choice, Option<&'static Device>)> {
    let file = match arch {
        Some(path) => read::arch::arch(path)?,
        None => ArchFile::default(),
    };
    chosen(network, file, arch, (device_name, target_fps), watch)
}

/// The same for a file that is read already; `path` is where it came from.
pub fn chosen(
    network: &Network,
    mut file: ArchFile,
    path: Option<&Path>,
    (device_name, target_fps): (Option<&str>, Option<f64>),
    watch: &dyn Watch,
) -> miette::Result<(Choice, Option<&'static Device>)> {
    if let Some(name) = device_name {
        file.target.device = name.into();
    }
    // A fault of the file names the file; one of `--device` needs no name.
    let blame = |report: miette::Report| match path {
        // Nothing is wrong with a file for which nothing fits.
        Some(path) if report.downcast_ref::<ChoiceError>().is_none_or(|error| error.misfit().is_none()) => {
            report.wrap_err(escape::path(path))
        }
        _ => report,
    };
    let device = match (file.target.device.as_str(), device_name) {
        ("generic", _) => None,
        (name, Some(_)) => Some(device::find(name)?),
        (name, None) => Some(device::find(name).map_err(|error| blame(error.into()))?),
    };
    if let Some(device) = device {
        // A board's name is its device's.
        file.target.device = device.name.clone();
    }
    let weighing = Mutex::new(Weighing { bar: None, told: Ok(()) });
    let progress = |done: usize, all: usize| {
        if let Ok(mut weighing) = weighing.lock() {
            weighing.at(done, all, watch);
        }
    };
    let choice = cost::choose_as(network, &file, device, &cost::Wish { target_fps, progress: &progress });
    if let Ok(Weighing { told: Err(ended), .. }) = weighing.into_inner() {
        return Err(ended);
    }
    Ok((choice.map_err(|error| blame(error.into()))?, device))
}

/// How far the weighing of machines is, which goes on on many threads.
struct Weighing {
    bar: Option<Box<dyn Bar>>,
    /// The first error of whoever looks on.
    told: miette::Result<()>,
}

impl Weighing {
    fn at(&mut self, done: usize, all: usize, watch: &dyn Watch) {
        let bar = self.bar.get_or_insert_with(|| watch.step("", "machines weighed", all, 0));
        if self.told.is_ok() {
            self.told = bar.at(done);
        }
    }
}

/// The design that stands in `dir`, rebuilt from its own sources, and the model that it was made of.
pub fn folder(dir: &Path, watch: &dyn Watch) -> miette::Result<(Design, Model)> {
    let source = dir.join("source");
    let files =
        std::fs::read_dir(&source).map(|entries| entries.flatten().map(|entry| entry.path()).collect());
    let models: Vec<_> = files.unwrap_or_default();
    let Some(path) = models.iter().find(|path| path.extension().is_some_and(|ending| ending == "onnx"))
    else {
        return Err(miette::miette!(
            code = "cli::no_design",
            help = "`bincim generate MODEL --arch ARCH -o DIR` makes one",
            "{} holds no design: no model in its folder `source`",
            escape::path(dir)
        ));
    };
    let model = network(path, pixels::recorded(dir)?)?;
    let (choice, _) = choice(&model.network, Some(&source.join("arch.toml")), None, watch)?;
    Ok((choice.design, model))
}

/// Images as a network reads them, and their labels.
pub struct Data {
    /// The network's input; where the file holds codes, with these in place of its table of pixels.
    pub input: Input,
    /// Image after image, each in channel, row, column order.
    pub pixels: Vec<u8>,
    pub labels: Option<Vec<u32>>,
    /// Name of the file or folder.
    pub name: String,
    /// Whether nobody said how a pixel of it becomes the input's value; codes are that value.
    pub guessed: bool,
}

impl Data {
    /// Number of images.
    pub fn len(&self) -> usize {
        self.pixels.len() / self.input.shape.elements()
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Element values of image `index`.
    pub fn image(&self, index: usize) -> Vec<i16> {
        let size = self.input.shape.elements();
        self.input.elements(&self.pixels[index * size..(index + 1) * size])
    }

    /// The labels, each of which is a class of `network`; `None` where the data set has none.
    pub fn labels_of(&self, network: &Network) -> miette::Result<Option<&[u32]>> {
        let Some(labels) = &self.labels else { return Ok(None) };
        let beyond = |label: &&u32| **label as usize >= network.classes();
        if let Some(label) = labels.iter().filter(beyond).max() {
            let count = labels.iter().filter(beyond).count();
            return Err(miette::miette!(
                code = "cli::labels",
                help = "take the data set that the network was trained for; classes are numbered from 0",
                "{}: {count} label{} beyond the classes, the largest {label}, but {} has {} scores",
                self.name,
                if count == 1 { " lies" } else { "s lie" },
                network.name.terminal(),
                network.layers.last().map_or(0, |last| last.output.elements())
            ));
        }
        Ok(Some(labels))
    }
}

/// The data set at `path` for `model`: images of the shape that it reads. Tells what nobody should overlook.
pub fn data(model: &Model, path: &Path, split: read::Split, watch: &dyn Watch) -> miette::Result<Data> {
    let data = read::dataset_fitting(path, split, model.fit.as_ref())?;
    match data.kind {
        // They need no rule for pixels, guessed or not.
        data::Kind::Codes => {
            let warnings = pixels::constant_layers(&model.network);
            warnings.iter().for_each(|line| watch.warn(format_args!("{line}")));
        }
        _ => model.warn(watch),
    }
    fitted(model, data, path, watch)
}

/// [`data()`] behind another one for the same model, whose warnings have been told.
pub fn further(model: &Model, path: &Path, split: read::Split, watch: &dyn Watch) -> miette::Result<Data> {
    fitted(model, read::dataset_fitting(path, split, model.fit.as_ref())?, path, watch)
}

/// `data`, which comes from `path`, as `model` reads it.
fn fitted(model: &Model, data: read::Dataset, path: &Path, watch: &dyn Watch) -> miette::Result<Data> {
    let input = input_of(model, &data.name, &data.images, data.kind)?;
    let (name, labels) = (data.name.clone(), data.labels.clone());
    let guessed = model.pixels.origin == Origin::Guess && data.kind != data::Kind::Codes;
    let pixels = shaped(model, data, path, watch)?;
    Ok(Data { input, pixels, labels, name, guessed })
}

/// The input of `model` for `images` of that kind: its own, or for codes one with these in place of its table of pixels.
///
/// Errors, which begin with `name`: codes that the input does not have.
pub fn input_of(model: &Model, name: &str, images: &[u8], kind: data::Kind) -> miette::Result<Input> {
    let mut input = model.network.input.clone();
    match kind {
        data::Kind::Codes => code_table(model, &mut input, (name, images))?,
        _ => beyond_codes(model, (name, images))?,
    }
    Ok(input)
}

/// The pixels of `data` in the shape that `model` reads.
fn shaped(model: &Model, data: read::Dataset, path: &Path, watch: &dyn Watch) -> miette::Result<Vec<u8>> {
    let (wanted, got) = (model.image, data.shape);
    let same_size = (wanted.h, wanted.w) == (got.h, got.w);
    let flat = |shape: Shape| shape.pixels() == 1;
    match (wanted.c, got.c) {
        _ if wanted == got => return Ok(data.images),
        (1, 3) if same_size => {
            if let Some(gray) = data.gray() {
                return Ok(gray);
            }
        }
        (3, 1) if same_size && data.kind == data::Kind::Pictures => {
            watch.note(format_args!(
                "{}: gray pictures, the same in all 3 channels of {}",
                escape::path(path),
                model.network.name.terminal()
            ));
            return Ok(data.images.chunks(got.elements()).flat_map(|image| image.repeat(3)).collect());
        }
        _ if wanted.elements() == got.elements() && (flat(wanted) || flat(got)) => {
            if !flat(got) && (got.c != 1 || got.h != got.w) {
                watch.note(format_args!(
                    "note: images of {got} in {} are read as {} elements in channel, row, column order",
                    escape::path(path),
                    wanted.elements()
                ));
            }
            return Ok(data.images);
        }
        _ => {}
    }
    Err(miette::miette!(
        code = "cli::image_shape",
        help = "take the data set that the network was trained for (channel x row x column; colour pictures are no gray ones)",
        "{} holds images of {got} but {} reads {wanted}",
        escape::path(path),
        model.network.name.terminal(),
    ))
}

/// Refuses pixels beyond the last code where pixels are codes.
fn beyond_codes(model: &Model, (name, images): (&str, &[u8])) -> miette::Result<()> {
    let last = match model.network.input.code {
        InputCode::Bipolar => 1,
        InputCode::Unsigned { bits } | InputCode::Signed { bits } => (1u32 << bits) - 1,
    };
    match images.iter().max() {
        Some(&most) if model.pixels.rule == PixelRule::Codes && u32::from(most) > last => {
            Err(miette::miette!(
                code = "cli::codes",
                help = "take another rule than codes, or the data set's codes",
                "{name}: {most} is no code of the input, whose last one is {last}"
            ))
        }
        _ => Ok(()),
    }
}

/// Puts the codes that `data` holds (8-bit integers, kept as code + 128) in place of the table of pixels.
fn code_table(model: &Model, input: &mut Input, (name, images): (&str, &[u8])) -> miette::Result<()> {
    let refuse = |what: String, help: &'static str| {
        Err(miette::miette!(code = "cli::codes", help = help, "{name}: {what}"))
    };
    if model.pixels.origin == Origin::Given && model.pixels.rule != PixelRule::Codes {
        return refuse(
            format!(
                "it holds signed codes, which the rule '{}' has nothing to say about",
                model.pixels.rule.name()
            ),
            "leave --input out, or store pixels of 0 to 255 as uint8",
        );
    }
    let occurring = || images.iter().map(|&p| i16::from(p) - 128);
    let (least, most) = (occurring().min().unwrap_or(0), occurring().max().unwrap_or(0));
    let zeros = occurring().any(|code| code == 0);
    let bits = input.code == InputCode::Bipolar;
    let (low, high) = input.code.range();
    let inside = i32::from(least) >= low && i32::from(most) <= high && !(bits && zeros && least < 0);
    if !inside {
        return refuse(
            format!("its codes run from {least} to {most}, those of the input from {low} to {high}"),
            "store the integers that the input's quantiser gives (for one bit -1 and +1, or 0 and 1)",
        );
    }
    let table = (0..256i16).map(|p| match p - 128 {
        code if bits => {
            if code > 0 {
                1
            } else {
                -1
            }
        }
        code => code,
    });
    input.pixel_values = table.collect();
    input.pixel_rule = PixelRule::Codes.name();
    Ok(())
}

/// How many of `there` images are taken: as many as are `asked` for, or all.
///
/// Errors: more than there are.
pub fn image_count(asked: Option<usize>, there: usize, path: &Path) -> miette::Result<usize> {
    match asked {
        Some(count) if count > there => Err(miette::miette!(
            code = "cli::images",
            help = "give a number up to that, or leave --images out",
            "--images {count}: {} holds {there} images",
            escape::path(path)
        )),
        Some(count) => Ok(count),
        None => Ok(there),
    }
}

/// The first `count` images of the training part, which `option` asks for to fit chips by.
pub fn training(
    model: &Model,
    path: &Path,
    (count, option): (usize, &str),
    watch: &dyn Watch,
) -> miette::Result<Data> {
    let read = read::dataset_fitting(path, read::Split::Train, model.fit.as_ref())?;
    let mut data = fitted(model, read, path, watch)?;
    if count > data.len() {
        return Err(miette::miette!(
            code = "cli::training_images",
            help = "take fewer images, or a data set with a training part of the network's size",
            "{option} {count}: {} has {} training images",
            escape::path(path),
            data.len(),
        ));
    }
    data.pixels.truncate(count * data.input.shape.elements());
    Ok(data)
}

/// The number of planes asked for, or all there are.
///
/// Errors: a number outside of what the design has.
pub fn planes(asked: Option<usize>, design: &Design) -> miette::Result<usize> {
    let all = design.planes_of_weights();
    match asked {
        None => Ok(all),
        Some(planes) if (1..=all).contains(&planes) => Ok(planes),
        Some(planes) => Err(miette::miette!(
            code = "cli::planes",
            help = "`bincim check` shows the planes of each layer",
            "--planes {planes}: the layers of {} have {all} plane{} of weights at most",
            design.name.terminal(),
            if all == 1 { "" } else { "s" }
        )),
    }
}
