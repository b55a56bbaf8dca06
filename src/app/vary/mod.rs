//! Monte-Carlo over the chips of a machine.
//!
//! A run in a folder keeps every finished chip, goes on where it was ended, and gives the same bytes for any number of
//! threads or shards.

mod images;
pub mod points;
pub mod records;
pub mod results;
pub mod settings;

use super::load::{self, Data};
use super::pixels::Reading;
use super::{MOST_CHIPS, MOST_THREADS, Watch, chip};
use crate::arch::{ArchFile, Subtraction};
use crate::design::Design;
use crate::device::Physics;
use crate::escape;
use crate::flow::folder;
use crate::golden::{packed, reference};
use crate::montecarlo::{self, Job, Judge, Machine};
use crate::network::{Decision, Network};
use crate::read::{Origin, PixelRule, Pixels, Split};
use images::{labelled, training_images};
use miette::{IntoDiagnostic, WrapErr, miette};
use points::{Points, Sweep};
use records::{Log, Record, Records};
use results::Results;
use settings::{FittedOn, FlipLayer, Settings};
use sha2::{Digest, Sha256};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

/// Most shards of a run.
pub const MOST_SHARDS: usize = 10_000;

/// What is run.
#[derive(Debug, Clone)]
pub struct Options {
    /// QONNX model.
    pub model: PathBuf,
    /// Architecture file with the physics; arch.toml beside the model if not given.
    pub arch: Option<PathBuf>,
    pub data: PathBuf,
    /// Chips to draw, of all shards.
    pub chips: usize,
    /// Only the first so many images.
    pub images: Option<usize>,
    pub split: Split,
    /// How scores become a class; the network's own rule if not given.
    pub rule: Option<Decision>,
    pub reading: Reading,
    /// Pictures are scaled until the shorter side has so many pixels.
    pub resize: Option<u32>,
    /// Seed of chip 0; the others follow by one.
    pub seed: u64,
    /// Accuracy of a good chip, a fraction.
    pub yield_at: Option<f64>,
    /// Least share of good chips, a fraction; for whoever reads the results.
    pub require_yield: Option<f64>,
    /// Half width of the intervals of all means at which the run stops early, a fraction.
    pub until: Option<f64>,
    /// Most planes of weights in each layer.
    pub planes: Option<usize>,
    /// Training images on which every chip's thresholds are found anew, or its scores corrected.
    pub recalibrate: Option<usize>,
    pub correct: Option<usize>,
    /// Result bits of every layer are compared with those of the chip without errors.
    pub flips: bool,
    /// No effect, each effect alone, and all.
    pub each: bool,
    pub sweep: Option<Sweep>,
    pub without_read_noise: bool,
    /// Index and number of the shards.
    pub shard: Option<(usize, usize)>,
    pub threads: Option<usize>,
}

/// A run whose chips are done; of a shard only its own.
#[derive(Debug, Clone, PartialEq)]
pub struct Run {
    pub settings: Settings,
    pub records: Records,
}

impl Run {
    /// Figures of all chips.
    ///
    /// Errors: the run is a shard, or chips are missing.
    pub fn results(&self) -> miette::Result<Results> {
        let count = results::covered(&self.settings, &self.records)
            .ok_or_else(|| miette!(code = "vary::incomplete", "the run ended before its chips were done"))?;
        Ok(results::results(&self.settings, &self.records, count))
    }
}

/// Refuses numbers that cannot be, all at once; `shards`: how many shards are to be made of the run.
pub fn check(args: &Options, shards: Option<u32>) -> miette::Result<()> {
    let mut wrong = Vec::new();
    let mut say = |bad: bool, what: String| {
        if bad {
            wrong.push(what)
        }
    };
    for (key, value, most) in [
        ("--chips", Some(args.chips), MOST_CHIPS),
        ("--images", args.images, usize::MAX),
        ("--recalibrate", args.recalibrate, usize::MAX),
        ("--correct", args.correct, usize::MAX),
        ("--threads", args.threads, MOST_THREADS),
        ("--shard", args.shard.map(|(_, count)| count), MOST_SHARDS),
    ] {
        if let Some(value) = value {
            say(value == 0, format!("{key} {value}: take at least 1"));
            say(value > most, format!("{key} {value}: take at most {most}"));
        }
    }
    for (key, value) in
        [("--yield-at", args.yield_at), ("--require-yield", args.require_yield), ("--until", args.until)]
    {
        let bad = |value: f64| !(value > 0.0 && value <= 1.0);
        if let Some(value) = value {
            say(bad(value), format!("{key} {value}: take a fraction, above 0 and up to 1"));
        }
    }
    if let Some((_, count)) = args.shard {
        say(count > args.chips, format!("--shard: {count} shards of {} chips leave some empty", args.chips));
    }
    if let Some(count) = shards {
        say(count as usize > args.chips, format!("--shards {count}: more than the {} chips", args.chips));
    }
    if wrong.is_empty() {
        return Ok(());
    }
    Err(miette!(
        code = "vary::options",
        help = "`bincim vary --help` lists every option",
        "{}",
        wrong.join("\n")
    ))
}

/// Everything but the chips.
pub struct Prepared<'a> {
    watch: &'a dyn Watch,
    /// The architecture file.
    pub arch: PathBuf,
    pub settings: Settings,
    pool: rayon::ThreadPool,
    images: Vec<i16>,
    labels: Vec<u32>,
    /// Images on which thresholds are found anew, and on which scores are corrected.
    recalibration: Option<Vec<i16>>,
    correction: Option<Vec<i16>>,
    rule: Decision,
    flips: bool,
    machines: Vec<Machine>,
    /// Machine and physics of each case.
    cases: Vec<(usize, Physics)>,
}

impl<'a> Prepared<'a> {
    /// Reads everything, and runs the chips without errors.
    pub fn new(args: &Options, watch: &'a dyn Watch) -> miette::Result<Prepared<'a>> {
        check(args, None)?;
        let arch = load::need_arch(&args.model, args.arch.as_deref(), watch)?;
        let mut model = load::network(&args.model, args.reading.rules()?)?.fitting(args.resize)?;
        let design = load::choice(&model.network, Some(&arch), None, watch)?.0.design;
        let mut file = design.arch.to_file();
        if !file.readout.is_analog() {
            return Err(miette!(
                code = "vary::no_analog",
                help = "set readout.kind to \"adc\" or \"sense\" in the architecture file",
                "{}: with the popcount readout every chip is the same",
                escape::path(&arch)
            ));
        }
        fits(args, &design)?;
        load::planes(args.planes, &design)?;
        let left_out = chip::leave_out_read_noise(&mut file.variation, args.without_read_noise);
        let mut points = Points::given(file);
        if args.each {
            points.each();
        }
        if let Some(sweep) = &args.sweep {
            points.sweep(sweep, args.without_read_noise)?;
        }
        let (taken, labels) = labelled(args, &model, watch)?;
        model.network.input = taken.input.clone();
        let network = &model.network;
        let pool = rayon::ThreadPoolBuilder::new()
            .num_threads(args.threads.unwrap_or(0))
            .build()
            .into_diagnostic()
            .wrap_err("cannot start the threads")?;
        let rule = args.rule.unwrap_or(network.output.decision);
        let images = taken.input.elements(&taken.pixels);
        let (flips, planes) = (args.flips, args.planes);
        let before = |count: Option<usize>, option| {
            count
                .map(|count| training_images(args, (&model, watch), (count, option), &taken.pixels))
                .transpose()
        };
        let recalibrated = before(args.recalibrate, "--recalibrate")?;
        let corrected = before(args.correct, "--correct")?;
        let elements = |data: &Data| data.input.elements(&data.pixels);
        let (recalibration, correction) =
            (recalibrated.as_ref().map(elements), corrected.as_ref().map(elements));
        let fitted_on = |data: &Data| FittedOn { images: data.len(), sha256: digest([&*data.pixels]) };
        let judge = Judge {
            images: &images,
            labels: &labels,
            rule,
            flips,
            planes,
            recalibration: recalibration.as_deref(),
            correction: correction.as_deref(),
        };
        let (machines, cases) = machines(network, (&arch, watch), &points.cases, &judge, &pool)?;
        let layers = if args.flips { network.layers.as_slice() } else { &[] };
        let flip_layer = |(index, layer): (usize, &crate::network::Layer)| FlipLayer {
            name: machines[0].design().layers[index].name.raw().into(),
            bits: match machines[0].design().layers[index].scores {
                true => 0,
                false => (layer.output.elements() * layer.steps()) as u64,
            },
        };
        // Of an array of slices: those that run.
        let limited = match planes {
            Some(planes) => {
                Network { output: network.output.clone(), ..machines[0].design().network.limited(planes) }
            }
            None => network.clone(),
        };
        let settings = Settings {
            bincim: env!("CARGO_PKG_VERSION").into(),
            network: network.name.raw().into(),
            model_sha256: digest([&*load::model_bytes(&args.model)?]),
            data: taken.name.clone(),
            data_sha256: digest([&*taken.pixels, &*label_bytes(&labels)]),
            pixels: pixel_rule(&model.pixels),
            recalibrated: recalibrated.as_ref().map(fitted_on),
            corrected: corrected.as_ref().map(fitted_on),
            split: args.split.name().into(),
            rule: match rule {
                Decision::Argmax => "argmax".into(),
                Decision::Sign => "sign".into(),
                Decision::HighestBit => "highest-bit".into(),
            },
            images: labels.len(),
            seed: args.seed,
            read_noise_left_out: left_out,
            sweep: args.sweep.as_ref().map(|sweep| sweep.key.clone()),
            points: points.points,
            cases: points.cases.iter().map(toml_text).collect::<miette::Result<_>>()?,
            planes,
            network_correct: pool.install(|| network_correct(&limited.mode(), &taken.pixels, &labels, rule)),
            ideal_correct: cases.iter().map(|(machine, _)| machines[*machine].ideal()).collect(),
            ideal_calibration: match machines.iter().any(|machine| machine.ideal_calibration().is_some()) {
                true => cases.iter().map(|(machine, _)| machines[*machine].ideal_calibration()).collect(),
                false => Vec::new(),
            },
            flips: layers.iter().enumerate().map(flip_layer).collect(),
            chips: args.chips,
            until: args.until,
            yield_at: args.yield_at,
            shard: args.shard,
        };
        // As a later reader sees them, so that no digit of a number depends on who computes the results.
        let settings = serde_json::from_str(&settings.to_text()).into_diagnostic()?;
        Ok(Prepared {
            watch,
            arch,
            settings,
            pool,
            images,
            labels,
            recalibration,
            correction,
            rule,
            flips: args.flips,
            machines,
            cases,
        })
    }

    /// Runs all chips; in `folder` those that are not finished there, where each is kept as soon as it is done.
    ///
    /// Errors: a folder with a run of other settings, or that somebody else runs in.
    pub fn run(self, folder: Option<&Path>) -> miette::Result<Run> {
        let Some(dir) = folder else {
            let records = self.measure(Records::new(), |_| Ok(()))?;
            return Ok(Run { settings: self.settings, records });
        };
        std::fs::create_dir_all(dir)
            .into_diagnostic()
            .wrap_err_with(|| format!("cannot make {}", escape::path(dir)))?;
        let lock = folder::hold(dir)?;
        let records = resumed(&self, dir)?;
        if self.settings.shard.is_none()
            && let Some(count) = results::covered(&self.settings, &records)
        {
            results::write(dir, &self.settings, &records, count)?;
        }
        drop(lock);
        Ok(Run { settings: self.settings, records })
    }

    /// Runs the chips that `records` lacks, hands each to `keep` when it is done, and returns all records.
    fn measure(
        &self,
        mut records: Records,
        mut keep: impl FnMut(&Record) -> miette::Result<()>,
    ) -> miette::Result<Records> {
        let settings = &self.settings;
        if results::covered(settings, &records).is_some() {
            return Ok(records);
        }
        let owned = (0..settings.chips).filter(|&chip| settings.owns(chip));
        let all = owned.flat_map(|chip| (0..self.cases.len()).map(move |case| Job { case, chip }));
        let (done, jobs): (Vec<Job>, Vec<Job>) =
            all.partition(|job| records.contains_key(&(job.chip, job.case)));
        let text = format!("{} chips to draw and to classify {} images with", jobs.len(), settings.images);
        let mut bar = self.watch.step(&text, "chips", done.len() + jobs.len(), done.len());
        let judge = Judge {
            images: &self.images,
            labels: &self.labels,
            rule: self.rule,
            flips: self.flips,
            planes: settings.planes,
            recalibration: self.recalibration.as_deref(),
            correction: self.correction.as_deref(),
        };
        let work = |job: Job, parallel| {
            let (machine, physics) = &self.cases[job.case];
            let seed = settings.seed.wrapping_add(job.chip as u64);
            self.machines[*machine].measure(physics, seed, &judge, parallel)
        };
        let (mut failed, mut stop, mut ready) = (None, results::Stop::new(), done.len());
        montecarlo::run(&self.pool, &jobs, work, |job, measured| {
            let record = Record::new(job, measured);
            if let Err(error) = keep(&record) {
                failed = Some(error);
                return ControlFlow::Break(());
            }
            records.insert((job.chip, job.case), record);
            ready += 1;
            if let Err(ended) = bar.at(ready) {
                failed = Some(ended);
                return ControlFlow::Break(());
            }
            match stop.found(settings, &records) {
                Some(_) => ControlFlow::Break(()),
                None => ControlFlow::Continue(()),
            }
        });
        drop(bar);
        failed.map_or(Ok(records), Err)
    }
}

/// A file in `dir`, which holds no run, that stands where one of a run would.
fn made_by_others(dir: &Path) -> Option<&'static str> {
    let there = |name: &&str| std::fs::symlink_metadata(dir.join(name)).is_ok();
    [records::FILE].into_iter().chain(results::FILES).find(there)
}

/// Goes on with the run in `dir`, or begins it.
fn resumed(prepared: &Prepared, dir: &Path) -> miette::Result<Records> {
    let settings = &prepared.settings;
    if let Some(before) = Settings::read(dir)? {
        let differences = settings.differences(&before);
        if !differences.is_empty() {
            return Err(miette!(
                code = "vary::other_settings",
                help = "take the same settings to go on with that run, or another folder for this one",
                "{} holds a run with other settings:\n{}",
                escape::path(dir),
                differences.join("\n")
            ));
        }
    } else if let Some(name) = made_by_others(dir) {
        return Err(miette!(
            code = "vary::no_settings",
            help = "take another folder",
            "{} holds {name} but no {}",
            escape::path(dir),
            settings::FILE
        ));
    }
    folder::write_whole(&dir.join(settings::FILE), settings.to_text().as_bytes())?;
    let (records, length) = records::read(dir, settings)?;
    if !records.is_empty() {
        prepared.watch.note(format_args!("{}: {} finished chips are kept", escape::path(dir), records.len()));
    }
    let mut log = Log::open(dir, length)?;
    prepared.measure(records, |record| log.append(record))
}

/// Refuses what is asked for of the other kind of machine: thresholds and bits of what converters read, scores of what is drawn.
fn fits(args: &Options, design: &Design) -> miette::Result<()> {
    if args.recalibrate.is_some() {
        chip::converts(design, "--recalibrate")?;
    }
    if args.flips {
        chip::converts(design, "--flips")?;
    }
    if args.correct.is_some() { chip::draws(design, "--correct") } else { Ok(()) }
}

type Machines = (Vec<Machine>, Vec<(usize, Physics)>);

/// The distinct machines of all cases: physics apart, many cases are the same machine.
fn machines(
    network: &Network,
    (arch, watch): (&Path, &dyn Watch),
    cases: &[ArchFile],
    judge: &Judge,
    pool: &rayon::ThreadPool,
) -> miette::Result<Machines> {
    let (mut files, mut machines, mut found) = (Vec::new(), Vec::new(), Vec::new());
    for case in cases {
        let variation = Subtraction::without_errors(&case.readout, &case.variation);
        let bare = ArchFile { variation, ..case.clone() };
        let index = match files.iter().position(|file| *file == bare) {
            Some(index) => index,
            None => {
                let (choice, _) = load::chosen(network, bare.clone(), Some(arch), (None, None), watch)?;
                if choice.design.analog.is_none() {
                    return Err(miette!(
                        code = "vary::no_analog",
                        help = "sweep readout.kind over \"adc\" and \"sense\" only",
                        "with the popcount readout every chip is the same"
                    ));
                }
                if judge.recalibration.is_some() {
                    chip::has_thresholds(&choice.design)?;
                }
                machines.push(pool.install(|| Machine::new(choice.design, judge)));
                files.push(bare);
                files.len() - 1
            }
        };
        found.push((index, case.variation.clone()));
    }
    Ok((machines, found))
}

/// Images that the network itself classifies rightly.
fn network_correct(network: &Network, pixels: &[u8], labels: &[u32], rule: Decision) -> usize {
    let engine = packed::prepare(network);
    let scores = engine.infer(pixels);
    let classes = scores.chunks(engine.scores_per_image());
    let right =
        |(scores, label): &(&[i32], &u32)| reference::decide(network, scores, rule) == **label as usize;
    classes.zip(labels).filter(right).count()
}

/// Labels as bytes, one each where all fit.
fn label_bytes(labels: &[u32]) -> Vec<u8> {
    let short: Option<Vec<u8>> = labels.iter().map(|&label| u8::try_from(label).ok()).collect();
    short.unwrap_or_else(|| labels.iter().flat_map(|label| label.to_le_bytes()).collect())
}

/// The rule for pixels where the model itself does not say it, a table by its digest.
fn pixel_rule(pixels: &Pixels) -> Option<String> {
    match (&pixels.rule, pixels.origin) {
        (_, Origin::Graph | Origin::Metadata) => None,
        (rule @ PixelRule::Table(_), _) => Some(format!("table {}", digest([rule.to_string().as_bytes()]))),
        (rule, _) => Some(rule.to_string()),
    }
}

fn toml_text(file: &ArchFile) -> miette::Result<String> {
    toml::to_string(file).into_diagnostic()
}

/// SHA-256 of all parts, each after its length.
fn digest<'a>(parts: impl IntoIterator<Item = &'a [u8]> + Clone) -> String {
    let mut hash = Sha256::new();
    let many = parts.clone().into_iter().count() > 1;
    for part in parts {
        if many {
            hash.update((part.len() as u64).to_le_bytes());
        }
        hash.update(part);
    }
    hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}
