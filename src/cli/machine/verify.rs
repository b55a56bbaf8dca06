//! `bincim verify` of a loadable machine: every network on it, and then one behind the other without a reset.

use super::file::ProgramFile;
use super::{folder, mapped, network, own_programs};
use crate::cli::load::{self, Data, Model};
use crate::cli::progress::Step;
use crate::cli::verify::cosim::{self, Loaded, Plan, Shard, Trace};
use crate::cli::verify::texts::Text;
use crate::cli::verify::{Verdict, Verify, text};
use crate::cli::{Outcome, output, verify};
use crate::design::Design;
use crate::escape;
use crate::flow::folder::{hold, write_whole};
use crate::report::junit::{self, Case, Status, Suite};
use miette::miette;
use serde_json::{Value, json};
use std::path::PathBuf;

/// Images of each network where one follows the other.
const SWITCHED_IMAGES: usize = 3;

/// A network that is verified.
struct Subject {
    path: PathBuf,
    design: Design,
    beats: Vec<u32>,
    data: Data,
}

pub fn main(args: &Verify) -> miette::Result<Outcome> {
    let subjects = subjects(args)?;
    let mut verdicts = Vec::new();
    for subject in &subjects {
        let image = |index| subject.data.image(index);
        // The command that repeats a mismatch names this program alone.
        let args = &Verify { program: vec![subject.path.clone()], ..args.clone() };
        verdicts.push(verify::verify_program(
            args,
            &subject.design,
            &subject.beats,
            &image,
            subject.data.len(),
        )?);
    }
    let right = verdicts.iter().all(|verdict| verdict.passed);
    let switched = if right && subjects.len() > 1 { Some(switched(args, &subjects)?) } else { None };
    let differs = |shard: &Shard| shard.mismatches > 0;
    let passed = right && !switched.as_ref().is_some_and(|shards| shards.iter().any(differs));
    let found = json(&subjects, &verdicts, switched.as_deref());
    write_whole(&args.dir.join("verify.json"), format!("{found:#}\n").as_bytes())?;
    if let Some(path) = &args.junit {
        let mut suites: Vec<Suite> = verdicts.iter().map(text::suite).collect();
        suites.extend(switched.as_deref().map(|shards| suite(&subjects, shards)));
        write_whole(path, junit::xml(&suites).as_bytes())?;
    }
    output::result(&match args.json {
        true => format!("{found:#}\n"),
        false => summary(&subjects, &verdicts, switched.as_deref()),
    })?;
    Ok(if passed { Outcome::Done } else { Outcome::No })
}

/// The networks asked for, or the machine's own.
fn subjects(args: &Verify) -> miette::Result<Vec<Subject>> {
    let step = Step::start(format!("reading the machine of {}", escape::path(&args.dir)));
    let there = folder(&args.dir)?;
    let files = if args.program.is_empty() { own_programs(&args.dir)? } else { args.program.clone() };
    let mut subjects = Vec::new();
    for path in files {
        let program = ProgramFile::read(&path)?;
        let refused = |what: &str| {
            miette!(
                code = "cli::other_machine",
                help = "`bincim compile MODEL --machine DIR -o NET.bin` makes one for this machine",
                "{}: {what}",
                escape::path(&path)
            )
        };
        if program.machine() != there.number {
            return Err(refused("it is the program of another machine"));
        }
        let model: Model = network(&program, &path)?.fitting(args.pictures.resize)?;
        let design = mapped(&there.machine, &model.network).map_err(|lines| {
            refused(&format!("its network does not go on this machine: {}", lines.join("; ")))
        })?;
        let data = load::data(&model, &args.data, args.split.into())?;
        subjects.push(Subject { path, design, beats: program.beats, data });
    }
    step.done(&format!("{} networks", subjects.len()));
    Ok(subjects)
}

/// A few images of each network, one network behind the other, each twice, without a reset.
fn switched(args: &Verify, subjects: &[Subject]) -> miette::Result<Vec<Shard>> {
    let step = Step::start("comparing networks that follow one another without a reset");
    let _held = hold(&args.dir.join("build"))?;
    let images = subjects.iter().map(|subject| subject.data.len()).min().unwrap_or(0).min(SWITCHED_IMAGES);
    let model = cosim::build(&args.dir, &subjects[0].design, Text::Shipped, Trace::Off, images, args.jobs)?;
    let plan = Plan { seed: args.seed, noise_seed: None, resets: 0, jobs: 1, planes: None, whole: true };
    let image: Vec<_> = subjects.iter().map(|subject| |index: usize| subject.data.image(index)).collect();
    let networks: Vec<Loaded> = subjects
        .iter()
        .zip(&image)
        .map(|(subject, image)| Loaded { design: &subject.design, program: &subject.beats, image })
        .collect();
    let shards = cosim::switch(&networks, &model, images, &plan)?;
    step.done(&format!(
        "{} frames",
        shards.iter().map(|shard| 2 * (shard.images + shard.synthetic)).sum::<u64>()
    ));
    Ok(shards)
}

fn summary(subjects: &[Subject], verdicts: &[Verdict], switched: Option<&[Shard]>) -> String {
    let mut out = String::new();
    for (subject, verdict) in subjects.iter().zip(verdicts) {
        out += &format!("{}\n{}\n", escape::path(&subject.path), text::summary(verdict));
    }
    let Some(shards) = switched else { return out };
    for (subject, shard) in subjects.iter().zip(shards) {
        if let Some(first) = &shard.first {
            out += &format!(
                "FAIL  {} behind another network: {} differences, the first of a {} in cycle {}: expected {}, got {}\n",
                subject.design.name.terminal(),
                shard.mismatches,
                first.kind,
                first.cycle,
                first.expected,
                first.actual
            );
        }
    }
    if shards.iter().all(|shard| shard.mismatches == 0) {
        out +=
            &format!("PASS  {} networks one behind the other, each twice, without a reset\n", subjects.len());
    }
    out
}

/// One object with the stable keys of [`text::json`]: images and mismatches of all programs, cycles of the first one.
fn json(subjects: &[Subject], verdicts: &[Verdict], switched: Option<&[Shard]>) -> Value {
    let programs: Vec<Value> = subjects
        .iter()
        .zip(verdicts)
        .map(|(subject, verdict)| {
            json!({ "program": subject.path.to_string_lossy(), "result": text::json(verdict) })
        })
        .collect();
    let of_switched = switched.map(|shards| shards.iter().map(|shard| shard.mismatches).sum::<u64>());
    let mismatches = verdicts.iter().map(Verdict::mismatches).sum::<u64>() + of_switched.unwrap_or(0);
    let first = &programs[0]["result"];
    let images: u64 = programs.iter().filter_map(|program| program["result"]["images"].as_u64()).sum();
    json!({
        "passed": mismatches == 0 && verdicts.iter().all(|verdict| verdict.passed),
        "images": images,
        "mismatches": mismatches,
        "cycles_predicted": first["cycles_predicted"],
        "cycles_measured": first["cycles_measured"],
        "switched_mismatches": of_switched,
        "programs": programs,
    })
}

/// The networks one behind the other, as test cases.
fn suite(subjects: &[Subject], shards: &[Shard]) -> Suite {
    let case = |(subject, shard): (&Subject, &Shard)| Case {
        class: "bincim.switched".into(),
        name: subject.design.name.terminal(),
        status: match &shard.first {
            None => Status::Passed,
            Some(first) => Status::Failed(
                format!("a {} differs in cycle {}", first.kind, first.cycle),
                format!("expected {}, got {}", first.expected, first.actual),
            ),
        },
    };
    Suite {
        name: "networks one behind the other".into(),
        cases: subjects.iter().zip(shards).map(case).collect(),
        seconds: shards.first().map_or(0.0, |shard| shard.seconds),
        properties: Vec::new(),
    }
}
