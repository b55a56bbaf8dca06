//! `bincim train`: trains the network of a training file and writes it as QONNX.
//!
//! A checkpoint lies beside the output, written whole at the start and after every epoch; `--resume` goes on from it and
//! ends with the same bytes. It is locked while the training lives. The model is read back and compared, integer by integer, before it is written.

mod data;

use super::{Outcome, caller, load, made, options, output, progress};
use crate::app;
use crate::arch::{ArchFile, Subtraction};
use crate::bounded;
use crate::escape;
use crate::flow::folder;
use crate::flow::held::HeldFile;
use crate::report::{self, EpochView, TrainView};
use crate::train::checkpoint::{self, CheckpointError};
use crate::train::recipe::VariationRecipe;
use crate::train::{self, Arrays, Plan, Step, Trainer, Weights};
use crate::{lower, read};
use clap::Args;
use data::{Data, Wanted};
use miette::{IntoDiagnostic, WrapErr, miette};
use sha2::{Digest, Sha256};
use std::path::{Path, PathBuf};
use std::time::Instant;

/// Trains a network and writes it as QONNX
#[derive(Args, Debug)]
pub struct Train {
    /// Training file: layers, schedule, augmentation
    pub net: PathBuf,
    /// Data set: a folder or file of idx, CIFAR-10 binary, npy, npz, PNG or JPEG format, or the word glyphs
    #[arg(long, value_name = "PATH")]
    pub data: PathBuf,
    /// Test images, where --data has no test part
    #[arg(long, value_name = "PATH")]
    pub test: Option<PathBuf>,
    /// The model to write; MODEL.train.json and MODEL.svg go beside it
    #[arg(short, long, value_name = "MODEL", value_parser = options::on_disk())]
    pub output: PathBuf,
    /// Go on from the checkpoint of an interrupted training
    #[arg(long)]
    pub resume: bool,
    /// Go on from a model that `bincim train` wrote, instead of random weights
    #[arg(long, value_name = "MODEL")]
    pub start: Option<PathBuf>,
    /// Write the real-valued weights instead of their signs: the same network, and a better start for --start (of drawn
    /// weights a start takes the signs alone)
    #[arg(long)]
    pub latent: bool,
    /// Replace an existing model
    #[arg(long)]
    pub force: bool,
    /// Only the first N training images
    #[arg(long, value_name = "N", value_parser = options::count::<1, { usize::MAX }>)]
    pub images: Option<usize>,
    /// Seed, instead of train.seed
    #[arg(long, value_name = "S")]
    pub seed: Option<u64>,
    /// Threads; all cores if not given. They change nothing but the time
    #[arg(long, value_name = "N", value_parser = options::count::<1, { options::MOST_THREADS }>)]
    pub threads: Option<usize>,
    /// Print one JSON object
    #[arg(long)]
    pub json: bool,
}

pub fn run(args: &Train) -> miette::Result<Outcome> {
    let checkpoint = args.output.with_extension("checkpoint");
    check_places(args, &checkpoint)?;
    let (plan, variation) = planned(args)?;
    let data = data::load(&Wanted {
        data: &args.data,
        test: args.test.as_deref(),
        holdout: plan.train.holdout,
        images: args.images,
        seed: plan.train.seed,
    })?;
    if data.shape != plan.input {
        return Err(miette!(
            code = "train::shape",
            help = "set channels, rows and columns of [input] to those of the images",
            "{} reads images of {}, those of {} are {}",
            escape::path(&args.net),
            plan.input,
            escape::path(&args.data),
            data.shape
        ));
    }
    let pool = rayon::ThreadPoolBuilder::new()
        .num_threads(args.threads.unwrap_or(0))
        .build()
        .into_diagnostic()
        .wrap_err("cannot start the threads")?;
    let digest = data.digest();
    let mut trainer = Trainer::new(plan);
    started(args, &mut trainer)?;
    trainer.arrays = mapped(args, &trainer, variation.as_ref())?;
    // Held from here to the end: a second training of the same model is refused.
    let mut held = match args.resume {
        true => HeldFile::open(&checkpoint)?,
        false => HeldFile::create(&checkpoint, &checkpoint::save(&trainer, &digest))?,
    };
    if args.resume {
        trainer = resumed(trainer, held.path(), &digest)?;
    }
    let mut kept = args.resume;
    let trained = caller::install(&pool, || {
        trained(&mut trainer, &data, |trainer| {
            held.replace(&checkpoint::save(trainer, &digest))?;
            kept = true;
            progress::wanted()
        })
    });
    if let Err(error) = trained {
        if !kept {
            held.remove()?;
        }
        return Err(error);
    }
    let view = caller::install(&pool, || finished(args, &trainer, &data, digest))?;
    held.remove()?;
    output::result(&match args.json {
        true => report::json(&view),
        false => told(args, &view),
    })?;
    Ok(Outcome::Done)
}

/// What was trained, in one line; of drawn weights first the likelier ones.
fn told(args: &Train, view: &TrainView) -> String {
    let drawn = match (view.drawn_weights, view.samples, view.ensemble_correct) {
        (Some(weights), Some(samples), Some(right)) => {
            format!(" ({samples} drawn networks together: {right}), {weights} drawn weights")
        }
        _ => String::new(),
    };
    format!(
        "{}: {} of {} test images right, {:.2} %{drawn}, {} weight bits, in {}\n",
        view.network,
        view.correct,
        view.test_images,
        100.0 * view.accuracy,
        view.weight_bits,
        escape::path(&args.output)
    )
}

fn record_place(args: &Train) -> PathBuf {
    args.output.with_extension("train.json")
}

fn curves_place(args: &Train) -> PathBuf {
    args.output.with_extension("svg")
}

/// Refuses places that are taken, before any work.
fn check_places(args: &Train, checkpoint: &Path) -> miette::Result<()> {
    if args.output.extension().is_none_or(|ending| ending != "onnx") {
        return Err(miette!(
            code = "train::output",
            help = "such as -o net.onnx",
            "{}: the model's name must end in .onnx",
            escape::path(&args.output)
        ));
    }
    let there = |path: &Path| std::fs::symlink_metadata(path).is_ok();
    let written = [args.output.clone(), record_place(args), curves_place(args)];
    if let Some(taken) = written.iter().find(|path| there(path) && !args.force) {
        return Err(miette!(
            code = "train::exists",
            help = "name another model, or pass --force to replace an earlier one",
            "{} exists already",
            escape::path(taken)
        ));
    }
    let foreign =
        [(record_place(args), made::is_record as fn(&Path) -> bool), (curves_place(args), made::is_curves)];
    if let Some((path, _)) = foreign.iter().find(|(path, ours)| there(path) && !ours(path)) {
        return Err(miette!(
            code = "train::foreign",
            help =
                "--force replaces only what `bincim train` wrote: name another model, or move that file away",
            "{} is no file of an earlier training",
            escape::path(path)
        ));
    }
    match (args.resume, there(checkpoint)) {
        (false, true) => {
            HeldFile::open(checkpoint)?;
            Err(miette!(
                code = "train::interrupted",
                help = "pass --resume to go on from it, or delete it to begin again",
                "{} is left of a training that was interrupted",
                escape::path(checkpoint)
            ))
        }
        (true, false) => Err(miette!(
            code = "train::no_checkpoint",
            help = "begin without --resume",
            "there is no {} to go on from",
            escape::path(checkpoint)
        )),
        _ => Ok(()),
    }
}

/// The plan of the training file, named after it where it gives no name.
fn planned(args: &Train) -> miette::Result<(Plan, Option<VariationRecipe>)> {
    let mut recipe = read::recipe(&args.net)?;
    recipe.train.seed = args.seed.unwrap_or(recipe.train.seed);
    let name = args.output.file_stem().unwrap_or_default().to_string_lossy();
    let plan = train::plan(&recipe, &name).map_err(|problems| {
        let lines: Vec<String> = problems.iter().map(|problem| format!("  {problem}")).collect();
        miette!(
            code = "train::impossible",
            help = "mend what is named above; `bincim schema --train` prints every key",
            "{}:\n{}",
            escape::path(&args.net),
            lines.join("\n")
        )
    })?;
    Ok((plan, recipe.variation))
}

/// Asks the mapping before hours of training, not after; gives the arrays to train on, where the file names a
/// machine.
fn mapped(
    args: &Train,
    trainer: &Trainer,
    variation: Option<&VariationRecipe>,
) -> miette::Result<Option<Arrays>> {
    let network = lower::lower(trainer.network());
    if let Some(problem) = crate::network::validate(&network).first() {
        return Err(miette!(code = "train::impossible", "{}: {problem}", escape::path(&args.net)));
    }
    let path = variation.map(|variation| args.net.with_file_name(&variation.arch));
    let file = match &path {
        Some(path) => read::arch::arch(path)?,
        None => ArchFile::default(),
    };
    let (choice, _) =
        app::load::chosen(&network, file, path.as_deref(), (None, None), &progress::Terminal)
            .wrap_err_with(|| format!("{}: no machine can run this network", escape::path(&args.net)))?;
    let Some(path) = path else { return Ok(None) };
    if choice.design.arch.subtraction() == Subtraction::Column {
        return Err(miette!(
            code = "train::reference_column",
            help = "set readout.reference to \"digital\" there, and draw chips with \"column\" afterwards",
            "{}: readout.reference = \"column\", and training knows no reference columns",
            escape::path(&path)
        ));
    }
    let arrays = Arrays::new(&trainer.plan, &choice.design).ok_or_else(|| {
        miette!(
            code = "train::no_analog",
            help = "set readout.kind to \"adc\" or \"sense\" there, or remove [variation] from the training file",
            "{}: with the popcount readout every chip is the same",
            escape::path(&path)
        )
    })?;
    Ok(Some(arrays))
}

/// Takes the numbers of the model that `--start` names.
fn started(args: &Train, trainer: &mut Trainer) -> miette::Result<()> {
    let Some(path) = &args.start else {
        if trainer.plan.supports.as_ref().is_some_and(|supports| supports.frozen) {
            return Err(miette!(
                code = "train::no_base",
                help = "pass --start MODEL, a model that `bincim train` wrote of this network",
                "{}: supports.frozen = true keeps a base, and none is given",
                escape::path(&args.net)
            ));
        }
        return Ok(());
    };
    let bytes = load::model_bytes(path)?;
    raw_pixels(path, &bytes)?;
    trainer.model = train::start(&trainer.plan, &bytes).map_err(|errors| {
        let lines: Vec<String> = errors.iter().map(|error| format!("  {error}")).collect();
        miette!(
            code = "train::start",
            help = "--start takes a model that `bincim train` wrote, with layers of the same names and sizes",
            "{} cannot start the network of {}:\n{}",
            escape::path(path),
            escape::path(&args.net),
            lines.join("\n")
        )
    })?;
    trainer.started = Some(hex(&bytes));
    Ok(())
}

/// Refuses a model whose metadata reads pixels otherwise than a training does.
fn raw_pixels(path: &Path, bytes: &[u8]) -> miette::Result<()> {
    let Ok(model) = read::onnx::decode(bytes) else { return Ok(()) };
    match read::qonnx::metadata(&model)? {
        Some(pixels) if !matches!(pixels.rule, read::PixelRule::Raw | read::PixelRule::Graph) => {
            Err(miette!(
                code = "train::start_pixels",
                help = "a training reads raw pixels, which its model's own first nodes scale; start from a model that `bincim train` wrote",
                "{}: its metadata reads pixels by '{}'",
                escape::path(path),
                pixels.rule.name()
            ))
        }
        _ => Ok(()),
    }
}

fn hex(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

fn resumed(fresh: Trainer, path: &Path, digest: &str) -> miette::Result<Trainer> {
    // The same lists, and a record an epoch.
    let limit = checkpoint::save(&fresh, digest).len() + (fresh.plan.train.epochs << 10) + (1 << 20);
    let bytes =
        bounded::bytes(path, limit).into_diagnostic().wrap_err_with(|| escape::path(path).to_string())?;
    let trainer = checkpoint::load(fresh, digest, &bytes).map_err(|error| {
        let help = match error {
            CheckpointError::Other(_) => "go on with the training file and data it began with, or delete it",
            _ => "delete it and begin again without --resume",
        };
        miette!(code = "train::checkpoint", help = help, "{}: {error}", escape::path(path))
    })?;
    progress::tell(format_args!("{}: {} epochs are kept", escape::path(path), trainer.history.len()));
    Ok(trainer)
}

/// Trains to the end; `keep` is called after every epoch.
fn trained(
    trainer: &mut Trainer,
    data: &Data,
    mut keep: impl FnMut(&Trainer) -> miette::Result<()>,
) -> miette::Result<()> {
    let (samples, test) = (data.train.samples(), data.test.samples());
    let batch = trainer.plan.train.batch;
    let steps = trainer.steps_per_epoch(samples.labels.len());
    let epochs = trainer.plan.train.epochs;
    let text = format!("training {} epochs of {steps} steps", epochs.saturating_sub(trainer.history.len()));
    let template = "{bar:30} {pos}/{len} steps, {msg}, {eta} left";
    let bar = progress::bar(&text, template, steps * epochs, steps * trainer.history.len());
    #[expect(clippy::disallowed_methods, reason = "cli reads clocks")]
    let begin = Instant::now();
    let done = trainer.history.len();
    while !trainer.is_finished() {
        let (mut loss, mut correct, mut count) = (0.0, 0, 0);
        let epoch = trainer.history.len() + 1;
        let mut told = |step: Step| {
            (loss, correct, count) = (loss + step.loss, correct + step.correct, count + 1);
            bar.inc(1);
            bar.set_message(format!(
                "epoch {epoch}/{epochs}, loss {:.4}, {:.2} % right",
                loss / f64::from(count),
                100.0 * correct as f64 / (batch as f64 * f64::from(count))
            ));
        };
        let ran = trainer.epoch(&samples, &test, &mut told);
        ran.map_err(|error| miette!(code = error.code(), help = error.help(), "{error}"))?;
        keep(trainer)?;
        if let Some(last) = trainer.history.last() {
            let together = last.ensemble_accuracy.map_or(String::new(), |share| {
                let samples = trainer.plan.bayes.as_ref().map_or(0, |bayes| bayes.samples);
                format!(", {samples} drawn networks together {:.2} %", 100.0 * share)
            });
            let seconds = begin.elapsed().as_secs_f64() / (trainer.history.len() - done) as f64;
            bar.suspend(|| {
                progress::tell(format_args!(
                    "epoch {epoch}/{epochs}: loss {:.4}, training {:.2} %, test {:.2} %{together}, {seconds:.1} s an epoch",
                    last.loss,
                    100.0 * last.train_accuracy,
                    100.0 * last.test_accuracy
                ))
            });
        }
    }
    bar.finish_and_clear();
    Ok(())
}

/// Writes model, record and curves; the model is read back first.
fn finished(args: &Train, trainer: &Trainer, data: &Data, digest: String) -> miette::Result<TrainView> {
    let weights = if args.latent { Weights::Latent } else { Weights::Signs };
    let bytes = train::onnx(&trainer.plan, &trainer.model, weights);
    let network = trainer.network();
    let same = read::network_from_bytes(&bytes, &trainer.plan.name)
        .map_err(|list| read::Errors { file: args.output.clone(), list })?;
    if same.network != network {
        return Err(miette!(
            code = "train::not_the_same",
            help = "nothing was written; this is a fault of bincim, please report it with the training file",
            "the model as read back is not the trained network"
        ));
    }
    let correct = trainer.count_right(&data.test.samples());
    let epoch = |record: &train::EpochRecord| EpochView {
        epoch: record.epoch,
        loss: record.loss,
        train_accuracy: record.train_accuracy,
        test_accuracy: record.test_accuracy,
        ensemble_accuracy: record.ensemble_accuracy,
    };
    let (supports, left_out) = train::counted(&trainer.model.layers);
    let with_supports = |count: usize| (supports > 0).then_some(count);
    let view = TrainView {
        program: crate::app::PROGRAM.into(),
        network: trainer.plan.name.clone(),
        model_sha256: hex(&bytes),
        data: data.name.clone(),
        data_sha256: digest,
        train_images: data.train.labels.len(),
        test_images: data.test.labels.len(),
        seed: trainer.plan.train.seed,
        epochs: trainer.history.len(),
        weight_bits: network.weight_bits(),
        supports: with_supports(supports),
        supports_left_out: with_supports(left_out),
        started_sha256: trainer.started.clone(),
        correct_by_planes: (trainer.plan.fewer_supports() > 0).then(|| {
            let right = |planes| trainer.count_right_with(&data.test.samples(), planes);
            (1..=network.most_planes()).map(right).collect()
        }),
        drawn_weights: trainer.plan.bayes.is_some().then(|| {
            let drawn = network.layers.iter().filter(|layer| layer.flips.is_some());
            drawn.map(|layer| layer.conv.c * layer.fan_in()).sum()
        }),
        samples: trainer.plan.bayes.as_ref().map(|bayes| bayes.samples),
        ensemble_correct: trainer.count_right_drawn(&data.test.samples()),
        correct,
        accuracy: correct as f64 / data.test.labels.len().max(1) as f64,
        history: trainer.history.iter().map(epoch).collect(),
    };
    folder::write_whole(&record_place(args), report::json(&view).as_bytes())?;
    folder::write_whole(&curves_place(args), report::train_svg(&view).as_bytes())?;
    folder::write_whole(&args.output, &bytes)?;
    Ok(view)
}
