//! A network that was read, and the machine that it runs on.

use crate::chip::Chip;
use crate::error::{raise, run};
use crate::images::Held;
use crate::watch::Teller;
use bincim::app::draw::{self, Drawn, Fit};
use bincim::app::infer::{Asked, Bench, Model as Runner, Refusal, in_steps, summed};
use bincim::app::pixels::Reading;
use bincim::app::samples::Samples;
use bincim::app::{check, chip, layer, load};
use bincim::arch::device::Device;
use bincim::cost::Choice;
use bincim::design::Design;
use bincim::golden::reference;
use bincim::network::{Decision, Network, Shape};
use miette::{IntoDiagnostic, WrapErr, miette};
use numpy::{PyArray1, PyArrayMethods};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::PyDict;
use std::path::PathBuf;

/// A network, and the machine of its architecture file where one was named.
#[pyclass(frozen, module = "bincim._bincim")]
pub struct Model {
    pub model: load::Model,
    #[pyo3(get)]
    pub path: PathBuf,
    #[pyo3(get)]
    pub arch: Option<PathBuf>,
    pub reading: Reading,
    choice: Option<(Choice, Option<&'static Device>)>,
}

/// `RULE` of the command line's --state and --quantise.
pub fn parsed<T: std::str::FromStr<Err = String>>(name: &str, text: Option<&str>) -> PyResult<Option<T>> {
    let parsed =
        text.map(|text| text.parse().map_err(|what| PyValueError::new_err(format!("{name}: {what}"))));
    parsed.transpose()
}

#[pyfunction]
#[pyo3(name = "load", signature = (path, arch, input, state, quantise, progress))]
pub fn load_model(
    py: Python,
    path: PathBuf,
    arch: Option<PathBuf>,
    input: Option<String>,
    state: Option<&str>,
    quantise: Option<&str>,
    progress: Option<Py<PyAny>>,
) -> PyResult<Model> {
    let reading = Reading { input, state: parsed("state", state)?, quantise: parsed("quantise", quantise)? };
    let teller = Teller::new(progress);
    let (model, choice) = run(py, &teller, || {
        let model = load::network(&path, reading.rules()?)?;
        model.warn(&teller);
        let choice = arch.as_deref().map(|arch| load::choice(&model.network, Some(arch), None, &teller));
        Ok((model, choice.transpose()?))
    })?;
    Ok(Model { model, path, arch, reading, choice })
}

/// Shape of the scores of one image.
fn score_shape(network: &Network) -> Shape {
    network.layers.last().map_or(Shape::vector(1), |last| last.output)
}

/// Dimensions of an array of `count` such things.
fn dimensions(count: usize, shape: Shape) -> Vec<usize> {
    if shape.pixels() == 1 { vec![count, shape.c] } else { vec![count, shape.c, shape.h, shape.w] }
}

impl Model {
    pub fn design(&self) -> Option<&Design> {
        self.choice.as_ref().map(|(choice, _)| &choice.design)
    }

    /// The machine of the architecture file.
    ///
    /// Raises where none was named.
    pub fn machine(&self, py: Python, what: &str) -> PyResult<&Design> {
        self.design().ok_or_else(|| {
            raise(
                py,
                miette!(
                    code = "arch::missing",
                    help = "name one: bincim.load(model, arch=FILE); `bincim new DIR` writes a commented one",
                    "{what} is of a machine, and this network was read without an architecture file"
                ),
            )
        })
    }

    /// The index of a layer that is named by its number or its name.
    pub fn layer(&self, layer: &Bound<PyAny>) -> PyResult<usize> {
        let layers = &self.model.network.layers;
        if let Ok(index) = layer.extract::<isize>() {
            let from_end = if index < 0 { index + layers.len() as isize } else { index };
            return usize::try_from(from_end).ok().filter(|index| *index < layers.len()).ok_or_else(|| {
                PyValueError::new_err(format!("layers: {index}, but there are {} layers", layers.len()))
            });
        }
        let name: String = layer.extract()?;
        layers.iter().position(|layer| layer.name.raw() == name).ok_or_else(|| {
            let names: Vec<String> = layers.iter().map(|layer| layer.name.terminal()).collect();
            PyValueError::new_err(format!("layers: no layer '{name}'; there are {}", names.join(", ")))
        })
    }
}

/// What a run gave, before it becomes arrays.
struct Found {
    shape: Shape,
    scores: Vec<i32>,
    outputs: Vec<f64>,
    classes: Vec<i64>,
    layers: Vec<(usize, Shape, Sums)>,
    samples: usize,
    runner: String,
}

enum Sums {
    Integers(Vec<i32>),
    Counts(Vec<f32>),
}

#[pymethods]
impl Model {
    #[getter]
    fn name(&self) -> &str {
        self.model.network.name.raw()
    }

    /// Channels, rows and columns of an image.
    #[getter]
    fn input_shape(&self) -> (usize, usize, usize) {
        let Shape { c, h, w } = self.model.image;
        (c, h, w)
    }

    #[getter]
    fn layer_names(&self) -> Vec<&str> {
        self.model.network.layers.iter().map(|layer| layer.name.raw()).collect()
    }

    #[getter]
    fn classes(&self) -> usize {
        self.model.network.classes()
    }

    #[getter]
    fn warnings(&self) -> Vec<String> {
        self.model.warnings()
    }

    /// `asked`: planes, samples, same_samples, mode, noise_seed, read_noise, correction, rule, threads.
    #[pyo3(signature = (images, chip, layers, asked, progress))]
    fn infer<'py>(
        &self,
        py: Python<'py>,
        images: &Bound<'py, PyAny>,
        chip: Option<PyRef<'py, Chip>>,
        layers: Vec<Bound<'py, PyAny>>,
        asked: Options,
        progress: Option<Py<PyAny>>,
    ) -> PyResult<Bound<'py, PyDict>> {
        if chip.is_some() {
            self.machine(py, "a chip")?;
        }
        let held = Held::of(images)?;
        let images = held.images(py, &self.model)?;
        let wanted: Vec<usize> = layers.iter().map(|layer| self.layer(layer)).collect::<PyResult<_>>()?;
        let mut network = self.model.network.clone();
        network.input = images.input;
        let pixels: &[u8] = &images.pixels;
        let chip = chip.as_ref().map(|chip| &chip.chip);
        let teller = Teller::new(progress);
        let rule = asked.rule()?;
        let found = run(py, &teller, || {
            let work = || self.found(network, pixels, (chip, &wanted), &asked, rule, &teller);
            match asked.threads {
                None => work(),
                Some(threads) => {
                    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build();
                    pool.into_diagnostic().wrap_err("cannot start the threads")?.install(work)
                }
            }
        })?;
        let count = images.count;
        let result = PyDict::new(py);
        let shaped = dimensions(count, found.shape);
        result.set_item("scores", PyArray1::from_vec(py, found.scores).reshape(shaped.clone())?)?;
        result.set_item("outputs", PyArray1::from_vec(py, found.outputs).reshape(shaped)?)?;
        result.set_item("classes", PyArray1::from_vec(py, found.classes))?;
        result.set_item("samples", found.samples)?;
        result.set_item("runner", found.runner)?;
        let sums = PyDict::new(py);
        for ((layer, shape, values), key) in found.layers.into_iter().zip(layers) {
            let _ = layer;
            let shaped = [vec![count], vec![shape.c, shape.h, shape.w]].concat();
            let shaped = if shape.pixels() == 1 { shaped[..2].to_vec() } else { shaped };
            match values {
                Sums::Integers(values) => {
                    sums.set_item(key, PyArray1::from_vec(py, values).reshape(shaped)?)?
                }
                Sums::Counts(values) => {
                    sums.set_item(key, PyArray1::from_vec(py, values).reshape(shaped)?)?
                }
            }
        }
        result.set_item("sums", sums)?;
        Ok(result)
    }

    /// The object that `bincim check --json` prints.
    fn check<'py>(
        &self,
        py: Python<'py>,
        device: Option<String>,
        target_fps: Option<f64>,
        alternatives: usize,
        progress: Option<Py<PyAny>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let teller = Teller::new(progress);
        let found = run(py, &teller, || {
            let network = &self.model.network;
            let (choice, device) =
                load::choice_as(network, self.arch.as_deref(), device.as_deref(), target_fps, &teller)?;
            let shown = &choice.alternatives[..alternatives.min(choice.alternatives.len())];
            Ok(check::json(&self.model, &choice, device, (check::fits(&choice, device), shown)))
        })?;
        Ok(pythonize::pythonize(py, &found)?)
    }

    /// The chip of `asked`: seed, time, compensate, read_noise.
    fn draw(
        &self,
        py: Python,
        asked: Drawing,
        recalibrate: Option<Bound<PyAny>>,
        correct: Option<Bound<PyAny>>,
    ) -> PyResult<Chip> {
        let design = self.machine(py, "a chip")?;
        let arch = self.arch.clone().unwrap_or_default();
        let Drawing { seed, time, compensate, read_noise } = asked;
        let asked = draw::Options { seed, time, compensate, without_read_noise: !read_noise };
        let held = [(Fit::Thresholds, recalibrate), (Fit::Scores, correct)].into_iter();
        let held = held.filter_map(|(fit, images)| images.map(|images| (fit, images)));
        let held: Vec<(Fit, Held)> =
            held.map(|(fit, images)| Ok((fit, Held::of(&images)?))).collect::<PyResult<_>>()?;
        let mut fits = Vec::new();
        for (fit, held) in &held {
            let images = held.images(py, &self.model)?;
            if images.count == 0 {
                return Err(PyValueError::new_err(format!("{}: no image", fit.option())));
            }
            fits.push((*fit, images.input.elements(&images.pixels)));
        }
        let teller = Teller::new(None);
        let drawn = run(py, &teller, || {
            let mut drawn = draw::draw(design.clone(), &arch, asked)?;
            for (fit, images) in &fits {
                drawn.fit(*fit, images)?;
            }
            Ok(drawn)
        })?;
        let Drawn { chip, beyond, moved, .. } = drawn;
        Ok(Chip { chip, saturated: beyond, moved_thresholds: moved })
    }

    /// The chip of a file, which must be one of this machine.
    fn chip(&self, py: Python, path: PathBuf) -> PyResult<Chip> {
        let design = self.machine(py, "a chip")?;
        let chip = chip::read(&path, design).map_err(|report| raise(py, report))?;
        let moved_thresholds = chip::moved_thresholds(design, &chip);
        Ok(Chip { chip, saturated: 0, moved_thresholds })
    }

    fn __repr__(&self) -> String {
        let network = &self.model.network;
        format!(
            "<bincim.Model '{}': images of {}, {} layers, {} weight bits{}>",
            network.name.terminal(),
            self.model.image,
            network.layers.len(),
            network.weight_bits(),
            self.design()
                .map_or_else(String::new, |design| format!(", on {} x {}", design.rows, design.lanes))
        )
    }
}

/// How images are run, under the names that Python gives.
#[derive(FromPyObject)]
#[pyo3(from_item_all)]
pub struct Options {
    planes: Option<usize>,
    samples: Option<u8>,
    same_samples: bool,
    mode: bool,
    noise_seed: Option<u32>,
    read_noise: bool,
    correction: bool,
    rule: Option<String>,
    threads: Option<usize>,
}

/// A chip, under the names that Python gives.
#[derive(FromPyObject)]
#[pyo3(from_item_all)]
pub struct Drawing {
    seed: u64,
    time: Option<f64>,
    compensate: bool,
    read_noise: bool,
}

/// A rule by its name.
pub fn decision(rule: Option<&str>) -> PyResult<Option<Decision>> {
    match rule {
        None => Ok(None),
        Some("argmax") => Ok(Some(Decision::Argmax)),
        Some("highest-bit") => Ok(Some(Decision::HighestBit)),
        Some(other) => {
            Err(PyValueError::new_err(format!("rule: '{other}', neither 'argmax' nor 'highest-bit'")))
        }
    }
}

impl Options {
    fn rule(&self) -> PyResult<Option<Decision>> {
        for (name, value) in [("samples", self.samples.map(usize::from)), ("threads", self.threads)] {
            let bad = |value: usize| value == 0 || value > bincim::app::MOST_THREADS;
            if value.is_some_and(bad) {
                return Err(PyValueError::new_err(format!("{name}: 1 to {}", bincim::app::MOST_THREADS)));
            }
        }
        if self.mode && (self.samples.is_some() || self.same_samples) {
            return Err(PyValueError::new_err("mode: draws nothing, so there are no samples"));
        }
        decision(self.rule.as_deref())
    }
}

impl Model {
    /// Scores, classes and sums of `pixels`.
    fn found(
        &self,
        mut network: Network,
        pixels: &[u8],
        (given, wanted): (Option<&bincim::variation::Chip>, &[usize]),
        asked: &Options,
        rule: Option<Decision>,
        teller: &Teller,
    ) -> miette::Result<Found> {
        let samples = Samples { samples: asked.samples, same: asked.same_samples, mode: asked.mode };
        let reads = self.design().is_some_and(|design| design.arch.readout.is_sample());
        if !(reads && samples.mode && network.first_drawn().is_some()) {
            let nowhere = asked.noise_seed.is_some() && self.design().is_none();
            samples.settle(&mut network, &self.path, nowhere)?;
        }
        // What is drawn depends on the machine: without a file the one that is chosen.
        let drawn = network.first_drawn().is_some();
        let rebuilt = match (self.design(), network != self.model.network || drawn) {
            (None, _) if drawn => Some(load::choice(&network, None, None, teller)?.0.design),
            (Some(_), true) => Some(load::choice(&network, self.arch.as_deref(), None, teller)?.0.design),
            _ => None,
        };
        let design = rebuilt.as_ref().or_else(|| self.design());
        if let (Some(chip), Some(design)) = (given, design) {
            chip::fits(chip, design, "the chip")?;
        }
        let asked = Asked {
            planes: asked.planes,
            samples,
            noise_seed: asked.noise_seed,
            without_read_noise: !asked.read_noise,
            without_correction: !asked.correction,
            of_file: self.arch.is_some(),
        };
        let bench = Bench::new(&network, design, given, asked).map_err(|refusal| match refusal {
            Refusal::Other(report) => report,
            Refusal::Planes { asked, most } => miette!(
                code = "infer::planes",
                help = "Model.check() shows the planes of each layer",
                "planes={asked}: the layers have {most} at most"
            ),
        })?;
        let mut found = bench.with(|runner, network| ran(runner, network, pixels, rule, teller))??;
        if !wanted.is_empty() {
            found.layers = self.sums(&network, design, given, pixels, wanted)?;
        }
        Ok(found)
    }

    /// Sums of the layers `wanted`: of the network, or with a chip those of its arrays, layer after layer of one run.
    fn sums(
        &self,
        network: &Network,
        design: Option<&Design>,
        chip: Option<&bincim::variation::Chip>,
        pixels: &[u8],
        wanted: &[usize],
    ) -> miette::Result<Vec<(usize, Shape, Sums)>> {
        if network.first_drawn().is_some() {
            return Err(miette!(
                code = "infer::layers",
                help = "take the likelier value of each weight (mode=True), or leave layers out",
                "layers: their sums differ in every sample"
            ));
        }
        let images = network.input.elements(pixels);
        match (design, chip) {
            (Some(design), Some(chip)) => {
                let each = |&layer: &usize| {
                    let on = layer::OnArrays::new(design, layer)?;
                    Ok((layer, on.shape, Sums::Counts(on.sums_of_frames(chip, &images))))
                };
                wanted.iter().map(each).collect()
            }
            _ => {
                let sums = layer::accumulators(network, &images, wanted);
                let shape = |layer: usize| match &network.layers[layer] {
                    layer if layer.sum_pixels => Shape::vector(layer.conv.c),
                    layer => layer.conv,
                };
                let pairs = wanted.iter().zip(sums);
                Ok(pairs.map(|(&layer, sums)| (layer, shape(layer), Sums::Integers(sums))).collect())
            }
        }
    }
}

/// Scores and classes of `pixels`.
fn ran(
    runner: &Runner,
    network: &Network,
    pixels: &[u8],
    rule: Option<Decision>,
    teller: &Teller,
) -> miette::Result<Found> {
    let samples = runner.samples();
    let mean = network.averaged(samples);
    let rule = rule.unwrap_or(network.output.decision);
    let shape = score_shape(network);
    let size = shape.elements();
    let mut found = Found {
        shape,
        scores: Vec::new(),
        outputs: Vec::new(),
        classes: Vec::new(),
        layers: Vec::new(),
        samples,
        runner: runner.name(),
    };
    in_steps((runner, network), pixels, teller, |_, _, scores| {
        let plain = samples == 1 && runner.correction().is_none();
        let scores = match plain {
            true => scores,
            false => scores.chunks(samples * size).flat_map(|each| summed(runner, each, size)).collect(),
        };
        for each in scores.chunks(size) {
            found.classes.push(reference::decide(&mean, each, rule) as i64);
            found.outputs.extend(mean.output.of(each));
        }
        match found.scores.is_empty() {
            true => found.scores = scores,
            false => found.scores.extend(scores),
        }
        Ok(())
    })?;
    Ok(found)
}
