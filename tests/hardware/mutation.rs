//! The checks are checked: bugs planted in the Verilog must be caught by the bench that comes with it.
//!
//! A few mutants here; `verif/mutation/run` makes hundreds and rewrites `verif/mutation/report.md`.

use bincim::design::{Design, Source};
use bincim::emit::{self, vectors::Frame};
use bincim::flow::mutate::{self, Fate, Known, Mutant, Trial};
use bincim::network::random::{self, Limits};
use bincim::variation::Chip;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use crate::machines;

const IMAGES: usize = 6;

/// Small designs that together have every feature of the engine.
struct Feature {
    name: &'static str,
    /// Most planes of weights.
    planes: usize,
    /// Analog arrays with a random chip in them.
    analog: bool,
    /// Sums bypass layers.
    shortcuts: bool,
    states: bool,
    has: fn(&Design) -> bool,
}

const FEATURES: [Feature; 8] = [
    Feature {
        analog: false,
        shortcuts: false,
        states: false,
        planes: 1,
        name: "zero padding, accumulator memory, overlapping pooling",
        has: |d| {
            d.row_enable
                && d.accumulator_depth > 0
                && d.network.layers.iter().any(|l| l.pool.is_some_and(|p| p.stride < p.kernel))
        },
    },
    Feature {
        analog: false,
        shortcuts: false,
        states: false,
        planes: 1,
        name: "constant padding, several banks, words shared by groups",
        has: |d| {
            d.banks > 1
                && d.word > d.lanes
                && d.layers.iter().any(|l| matches!(l.source, Source::Map { .. }) && l.padding.is_some())
                && !d.row_enable
        },
    },
    Feature {
        analog: false,
        shortcuts: false,
        states: false,
        planes: 1,
        name: "sum over pixels, wide input, lanes of several words",
        has: |d| d.layers.iter().any(|l| l.sum_pixels) && d.planes > 2 && d.lanes > d.word,
    },
    Feature {
        analog: false,
        shortcuts: false,
        states: false,
        planes: 1,
        name: "dense layers, vectors stay, bits leave",
        has: |d| {
            d.layers.iter().all(|l| l.vectors == 1)
                && d.layers.len() > 1
                && d.layers.iter().any(|l| l.passes > 2 && l.in_register)
                && d.layers.iter().all(|l| !l.scores)
        },
    },
    Feature {
        analog: false,
        shortcuts: false,
        states: false,
        planes: 3,
        name: "planes of weights, tiles, rows and lanes left out",
        has: |d| {
            let planes = || d.layers.iter().flat_map(|l| &l.planes);
            planes().any(|plane| plane.tiles.passes.contains(&false) && plane.tiles.passes.contains(&true))
                && planes().any(|plane| plane.tiles.groups.contains(&false))
                && planes().any(|plane| plane.rows.is_some())
                && planes().any(|plane| plane.lanes.is_some())
                && planes().any(|plane| plane.scale > 1)
                && d.layers.iter().any(|l| l.blocks > 1 && l.planes.len() > 1)
        },
    },
    Feature {
        analog: true,
        shortcuts: false,
        states: false,
        planes: 3,
        name: "analog arrays: planes, tiles left out, noise, columns that take turns at converters of several steps",
        has: |d| {
            let planes = || d.layers.iter().flat_map(|l| &l.planes);
            d.analog.as_ref().is_some_and(|a| {
                a.noise.is_some() && a.share > 1 && a.edge_steps > 1 && a.words > 1 && a.voltage_width < 20
            }) && planes().any(|plane| plane.tiles.groups.contains(&false))
                && planes().any(|plane| plane.lanes.is_some())
                && d.layers.iter().any(|l| l.groups > 1 && l.vectors > 1)
                && d.row_enable
        },
    },
    Feature {
        analog: false,
        shortcuts: true,
        states: false,
        planes: 1,
        name: "sums that bypass layers, the largest of a pooling window among them",
        has: |d| {
            let layers = || d.layers.iter();
            layers().any(|l| l.shortcut.keeps && l.walk.window != (1, 1))
                && layers().any(|l| l.shortcut.adds && l.groups > 1 && l.vectors > 3)
                && layers().any(|l| l.shortcut.adds && l.shortcut.keeps)
        },
    },
    Feature {
        analog: false,
        shortcuts: true,
        states: true,
        planes: 1,
        name: "sums of fixed point, added to one another",
        has: |d| {
            let layers = || d.layers.iter();
            layers().any(|l| l.shortcut.keeps && l.walk.window != (1, 1))
                && layers().any(|l| l.shortcut.adds && l.groups > 1 && l.vectors > 3)
                && layers().any(|l| l.format.is_some_and(|format| format.shift > 0))
                && layers().filter_map(|l| l.format).any(|format| format.bits < 12)
                && d.scales().is_some_and(|scales| scales.multiplier > 3)
        },
    },
];

/// The first random design that has the feature and simulates in a fraction of a second.
fn design(feature: &Feature) -> Design {
    for seed in 0..200_000 {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let limits = match seed % 2 {
            0 => Limits {
                layers: 4,
                channels: 9,
                side: 6,
                kernel: 3,
                input_bits: 4,
                planes: feature.planes,
                shortcuts: feature.shortcuts,
                states: feature.states,
                branches: false,
                steps: 1,
            },
            _ => Limits {
                layers: 4,
                channels: 40,
                side: 1,
                kernel: 1,
                input_bits: 2,
                planes: feature.planes,
                shortcuts: feature.shortcuts,
                states: feature.states,
                branches: false,
                steps: 1,
            },
        };
        let network = random::network(seed, &limits);
        if network.layers.len() < 2 {
            continue;
        }
        let mut arch = machines::random_arch(&mut rng);
        if arch.rows > 40 || arch.lanes > 12 {
            continue;
        }
        if feature.analog {
            machines::random_readout(&mut arch, &mut rng);
        }
        let Some(design) = machines::design(&network, &arch) else { continue };
        let vectors: usize = design.layers.iter().map(|l| l.groups * l.vectors * l.passes).sum();
        if (feature.has)(&design) && vectors < 900 && (!feature.analog || design.cycles < 4000) {
            return design;
        }
    }
    panic!("no random design has {}", feature.name);
}

/// Random images which the scores tell apart, as far as this design has so many answers; at most `planes` planes run.
fn frames(design: &Design, chip: Option<&Chip>, planes: usize) -> Vec<Frame> {
    let answers =
        |frames: &[Frame]| frames.iter().map(|frame| frame.scores.clone()).collect::<BTreeSet<_>>().len();
    let drawn = (7..107).map(|seed| machines::limited_frames(design, chip, planes, seed, IMAGES));
    // The first of the best draws.
    drawn.rev().max_by_key(|frames| answers(frames)).expect("a draw")
}

fn generate(design: &Design, folder: &Path, planes: usize) {
    let chip =
        design.analog.as_ref().map(|_| machines::random_chip(design, &mut ChaCha8Rng::seed_from_u64(1)));
    let rtl = emit::accelerator(design, chip.as_ref()).into_iter();
    let rtl = rtl.map(|text| (text.name, text.text)).collect();
    machines::write_design(folder, design, rtl, &frames(design, chip.as_ref(), planes));
}

/// The mutants of a design that are listed as equivalent.
fn known(design: &Design) -> Vec<Known> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("verif/mutation/equivalent.toml");
    let text = fs::read_to_string(path).expect("the list of equivalent mutants is part of the sources");
    let mut lists: BTreeMap<String, Vec<Known>> = toml::from_str(&text).expect("the list is TOML");
    lists.remove(design.name.raw()).unwrap_or_default()
}

/// Where bugs are planted.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Where {
    /// In the modules of the popcount tree.
    Tree,
    /// In all others.
    Elsewhere,
}

/// The mutants and their fates. A bench runs one number of planes, half of them first; what survives there is tried with
/// every other number, for some bugs show only where a plane that others follow is the last one.
fn trials(feature: &Feature, place: Where, count: usize, seed: u64) -> (Design, Vec<Trial>) {
    machines::need_simulator();
    let design = design(feature);
    let all = design.planes_of_weights();
    let half = all.div_ceil(2);
    let mut trials = trials_with(&design, half, place, (count, seed), &[]);
    for planes in (1..=all).filter(|planes| *planes != half) {
        // What is unused, or is listed, while some planes run may be used with others.
        let open = |fate: &Fate| matches!(fate, Fate::Survived | Fate::Unused | Fate::Listed(_));
        let alive: Vec<&mut Trial> = trials.iter_mut().filter(|trial| open(&trial.fate)).collect();
        let mutants: Vec<Mutant> = alive.iter().map(|trial| trial.mutant.clone()).collect();
        if mutants.is_empty() {
            break;
        }
        let others = trials_with(&design, planes, place, (count, seed), &mutants);
        for (trial, other) in alive.into_iter().zip(others) {
            assert_eq!(trial.mutant, other.mutant);
            if matches!(other.fate, Fate::Killed(_) | Fate::TimedOut) {
                trial.fate = other.fate;
            }
        }
    }
    (design, trials)
}

/// The same where at most `planes` planes run, of mutants given or drawn.
fn trials_with(
    design: &Design,
    planes: usize,
    place: Where,
    (count, seed): (usize, u64),
    only: &[Mutant],
) -> Vec<Trial> {
    let folder = tempfile::tempdir().unwrap();
    // `BINCIM_KEEP` names a folder in which the design of one test can be looked at.
    let kept = std::env::var_os("BINCIM_KEEP").map(PathBuf::from);
    let path = kept.as_deref().unwrap_or(folder.path());
    generate(design, path, planes);
    let files = bincim::flow::folder::file_list(&path.join("rtl/files.f")).expect("a list of files");
    let names = files.iter().map(|file| file.display().to_string());
    let skip: Vec<String> =
        names.filter(|name| name.starts_with("bincim_popcount") != (place == Where::Tree)).collect();
    let known = known(design);
    let job = mutate::Job { dir: path, count, seed, jobs: 2, skip: &skip, known: &known, only };
    mutate::run(&job, &|| ()).unwrap_or_else(|problem| panic!("{}: {problem}", design.name.raw()))
}

/// No mutant survives, and at least half of them are killed by the bench.
fn all_are_caught(feature: &Feature, place: Where, count: usize, seed: u64) {
    let (design, trials) = trials(feature, place, count, seed);
    let survivors: Vec<&Trial> = trials.iter().filter(|trial| trial.fate == Fate::Survived).collect();
    let killed = trials.iter().filter(|trial| matches!(trial.fate, Fate::Killed(_) | Fate::TimedOut)).count();
    assert!(survivors.is_empty(), "{}: {survivors:#?}", design.name.raw());
    assert!(killed >= count / 2, "{trials:#?}");
}

#[test]
fn eight_planted_bugs_are_caught() {
    all_are_caught(&FEATURES[1], Where::Elsewhere, 8, 11);
}

/// Half of the planes run (see `trials`), so that the loader skips some and the register counts.
#[test]
fn bugs_planted_among_the_planes_are_caught() {
    all_are_caught(&FEATURES[4], Where::Elsewhere, 16, 5);
}

#[test]
fn bugs_planted_in_analog_arrays_are_caught() {
    all_are_caught(&FEATURES[5], Where::Elsewhere, 16, 3);
}

/// In the unit that keeps sums and hands them on, and in what it is connected to.
#[test]
fn bugs_planted_around_shortcuts_are_caught() {
    all_are_caught(&FEATURES[6], Where::Elsewhere, 16, 3);
}

/// In the unit that scales sums, and in what it is connected to.
#[test]
fn bugs_planted_around_states_are_caught() {
    all_are_caught(&FEATURES[7], Where::Elsewhere, 16, 3);
}

/// What the bench simulates is the tree that becomes gates.
#[test]
fn bugs_planted_in_the_tree_are_caught() {
    all_are_caught(&FEATURES[0], Where::Tree, 12, 1);
}

/// Many mutants of every design; the report is written anew. Takes minutes: `verif/mutation/run`. With `BINCIM_FEATURES`,
/// numbers in [`FEATURES`] between commas, only these designs, and no report.
#[test]
#[ignore = "takes minutes; run by verif/mutation/run"]
fn hundreds_of_planted_bugs_are_caught() {
    let setting = |name: &str, otherwise: u64| {
        std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(otherwise)
    };
    let (count, seed) = (setting("BINCIM_MUTANTS", 60), setting("BINCIM_SEED", 1));
    let mut report = format!(
        "# Planted bugs\n\nWritten by `verif/mutation/run`; {count} mutants a design, seed {seed}. \
         A mutant is one change of the emitted Verilog; it is killed when the design's own Verilog bench fails \
         or hangs under Icarus with any of three seeds. A constant of a \
         program table counts as unused when the bench passes with every value there and with the unknown value.\n"
    );
    let only = std::env::var("BINCIM_FEATURES").ok();
    let chosen = |number: usize| {
        only.as_deref().is_none_or(|only| only.split(',').any(|one| one.trim() == number.to_string()))
    };
    let (mut killed, mut alive) = (0, 0);
    for feature in
        FEATURES.iter().enumerate().filter(|(number, _)| chosen(*number)).map(|(_, feature)| feature)
    {
        let begins = report.len();
        let (design, mut trials) = trials(feature, Where::Elsewhere, count as usize, seed);
        if !feature.analog {
            trials.extend(self::trials(feature, Where::Tree, count as usize / 4, seed).1);
        }
        let number = |test: fn(&Fate) -> bool| trials.iter().filter(|trial| test(&trial.fate)).count();
        let dead = number(|fate| matches!(fate, Fate::Killed(_) | Fate::TimedOut));
        let survived = number(|fate| *fate == Fate::Survived);
        killed += dead;
        alive += survived;
        report += &format!(
            "\n## {} ({}, {} rows x {} lanes, {} layers)\n\n{dead} killed, {survived} survived, {} proved \
             equivalent by Yosys, {} in unused table entries, {} listed as equivalent, {} no Verilog.\n",
            feature.name,
            design.name.raw(),
            design.rows,
            design.lanes,
            design.layers.len(),
            number(|fate| *fate == Fate::Proved),
            number(|fate| *fate == Fate::Unused),
            number(|fate| matches!(fate, Fate::Listed(_))),
            number(|fate| *fate == Fate::Stillborn),
        );
        for trial in &trials {
            let note = match &trial.fate {
                Fate::Survived => "**survived**".to_string(),
                Fate::Proved => "proved equivalent".to_string(),
                Fate::Unused => "an entry that this design never uses".to_string(),
                Fate::Listed(reason) => format!("equivalent: {reason}"),
                _ => continue,
            };
            let m = &trial.mutant;
            report += &format!(
                "\n- `{}`:{} `{}`: `{}` -> `{}`; {note}",
                m.file,
                m.line,
                trial.text,
                m.before.trim(),
                m.after.trim()
            );
        }
        report.push('\n');
        println!("{}", &report[begins..]);
    }
    let caught = 100.0 * killed as f64 / (killed + alive) as f64;
    report +=
        &format!("\n## Sum\n\n{killed} killed of {} that change something: {caught:.1} %.\n", killed + alive);
    println!("{killed} killed of {}", killed + alive);
    if only.is_none() {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("verif/mutation/report.md");
        fs::write(path, &report).unwrap();
    }
    assert!(caught >= 98.0, "{alive} of {} survived", killed + alive);
}
