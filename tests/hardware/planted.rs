//! Bugs planted by hand: each entry of `verif/planted/bugs.toml` is one change of a design's Verilog, which the
//! co-simulation must notice. A few here; `verif/planted/run` plants all and rewrites `verif/planted/report.md`.

use bincim::arch::ReadoutKind;
use bincim::cli::verify::cosim::{self, Mismatch, Plan, Trace};
use bincim::cli::verify::texts::Text;
use bincim::design::{Design, LayerDesign, Source};
use bincim::emit::library::MODULES;
use bincim::emit::{self, bench};
use bincim::lower::align_shortcuts;
use bincim::network::Layer;
use bincim::network::random::{self, Limits};
use bincim::variation::Chip;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng;
use serde::Deserialize;
use std::fs;
use std::path::{Path, PathBuf};

use crate::machines;

/// Images of a run; a frame of extreme values follows each of the first four.
const IMAGES: usize = 6;

/// A small design with what its bugs need.
struct Subject {
    name: &'static str,
    planes: usize,
    analog: bool,
    shortcuts: bool,
    states: bool,
    branches: bool,
    drawn: bool,
    /// Its cells are drawn as they are read.
    reads: bool,
    /// Most thresholds of an activation.
    steps: usize,
    has: fn(&Design) -> bool,
}

const SUBJECTS: [Subject; 12] = [
    Subject {
        name: "convolution",
        planes: 1,
        analog: false,
        shortcuts: false,
        states: false,
        branches: false,
        drawn: false,
        reads: false,
        steps: 1,
        has: |d| {
            d.input.frames == 2
                && d.input.beats > 20
                && d.banks > 1
                && d.accumulator_depth > 0
                && d.layers.len() > 2
                && d.network.layers.iter().any(|l| l.pool.is_some())
                && d.layers.iter().any(|l| l.padding.is_some())
                && d.layers.iter().any(|l| l.groups > 1 && matches!(l.source, Source::Map { .. }))
                && d.layers.last().is_some_and(|last| last.scores && last.groups > 1)
        },
    },
    Subject {
        name: "dense",
        planes: 1,
        analog: false,
        shortcuts: false,
        states: false,
        branches: false,
        drawn: false,
        reads: false,
        steps: 1,
        has: |d| {
            d.input.frames == 1
                && d.layers.iter().all(|l| l.vectors == 1)
                && d.layers.len() > 2
                && d.layers.iter().any(|l| l.passes > 2)
                && d.filling_cycles() > d.input.beats as u64
                && d.layers.last().is_some_and(|last| !last.scores)
        },
    },
    Subject {
        name: "planes",
        planes: 3,
        analog: false,
        shortcuts: false,
        states: false,
        branches: false,
        drawn: false,
        reads: false,
        steps: 1,
        has: |d| {
            d.input.frames == 2
                && d.planes_of_weights() == 3
                && d.layers.iter().flat_map(|l| &l.planes).any(|p| p.tiles.passes.contains(&false))
                && d.layers.iter().flat_map(|l| &l.planes).any(|p| p.scale > 1)
        },
    },
    Subject {
        name: "analog",
        planes: 2,
        analog: true,
        shortcuts: false,
        states: false,
        branches: false,
        drawn: false,
        reads: false,
        steps: 1,
        has: |d| {
            d.analog.as_ref().is_some_and(|a| {
                a.noise.is_some() && a.share > 1 && a.edge_steps > 1 && a.words > 1 && a.voltage_width < 20
            }) && d.planes_of_weights() == 2
                && d.layers.iter().any(|l| l.groups > 1)
        },
    },
    Subject {
        name: "shortcut",
        planes: 1,
        analog: false,
        shortcuts: true,
        states: false,
        branches: false,
        drawn: false,
        reads: false,
        steps: 1,
        has: |d| {
            d.input.frames == 2
                && d.layers.iter().any(|l| l.shortcut.adds && l.groups > 1 && l.vectors > 3)
                && d.layers.iter().any(|l| l.shortcut.adds && l.shortcut.keeps)
        },
    },
    Subject {
        name: "state",
        planes: 1,
        analog: false,
        shortcuts: true,
        states: true,
        branches: false,
        reads: false,
        drawn: false,
        steps: 1,
        has: |d| {
            d.layers.iter().any(|l| l.shortcut.adds && l.format.is_some() && l.groups > 1 && l.vectors > 3)
                && d.layers.iter().any(|l| l.format.is_some_and(|format| format.shift > 0))
                && d.layers.iter().filter(|l| l.format.is_some()).count() > 1
                && d.layers.iter().zip(&d.network.layers).any(|(l, source)| {
                    let stride = l.shortcut.stride;
                    l.shortcut.keeps && source.pool.is_some() && (stride.0 > 1 || stride.1 > 1)
                })
        },
    },
    Subject {
        name: "state-level",
        planes: 1,
        analog: false,
        shortcuts: true,
        states: true,
        branches: false,
        reads: false,
        drawn: false,
        steps: 255,
        has: |d| {
            let layers = || d.layers.iter().zip(&d.network.layers);
            let leaves = |size: usize, stride: usize| size > stride && !size.is_multiple_of(stride);
            d.level().is_some_and(|level| level.shift > 0)
                // Lanes without a channel, in a word that is read.
                && layers().any(|(l, source)| {
                    let channels = source.conv.c;
                    l.level.is_some() && !channels.is_multiple_of(d.lanes) && !channels.is_multiple_of(d.word)
                })
                && d.layers.iter().any(|l| l.shortcut.adds && l.added_groups < l.groups)
                && layers().any(|(l, source)| {
                    let (map, stride) = (source.output, l.shortcut.stride);
                    l.shortcut.keeps && l.groups > 1 && leaves(map.h, stride.0) && leaves(map.w, stride.1)
                })
        },
    },
    Subject {
        name: "drawn",
        planes: 1,
        analog: false,
        shortcuts: false,
        states: false,
        branches: false,
        drawn: true,
        reads: false,
        steps: 1,
        has: |d| {
            d.ensemble.as_ref().is_some_and(|e| {
                e.first == 1
                    && e.bits == 4
                    && d.layers.len() > 2
                    && d.layers[1..].iter().any(|l| l.blocks > 1 && l.words > 1)
                    && d.layers.iter().any(|l| l.groups > 1)
                    && d.output.groups > 1
            })
        },
    },
    Subject {
        name: "drawn-first",
        planes: 1,
        analog: false,
        shortcuts: false,
        states: false,
        branches: false,
        drawn: true,
        reads: false,
        steps: 1,
        has: |d| d.ensemble.as_ref().is_some_and(|e| e.first == 0) && d.layers.len() > 1,
    },
    Subject {
        name: "reads",
        planes: 1,
        analog: false,
        shortcuts: false,
        states: false,
        branches: false,
        drawn: true,
        reads: true,
        steps: 1,
        has: |d| {
            d.ensemble.as_ref().is_some_and(|e| e.first == 1 && e.rows > 1)
                && d.layers.len() > 2
                && d.row_enable
                && d.layers[0].readout.as_ref().is_some_and(|r| r.reads > 1)
                && d.layers[1..].iter().any(|l| l.passes > 1 && l.vectors > 1)
                && d.layers[1..].iter().all(|l| l.readout.as_ref().is_some_and(|r| r.read_words > 1))
        },
    },
    Subject {
        name: "branch",
        planes: 1,
        analog: false,
        shortcuts: true,
        states: true,
        branches: true,
        drawn: false,
        reads: false,
        steps: 255,
        has: |d| {
            // Channels enough that some numbers are below 0 before they are held, and some above the levels.
            let many = |l: &LayerDesign, source: &Layer| {
                source.conv.c > 4 && l.vectors > 2 && l.format.is_some_and(|format| format.shift > 0)
            };
            let unit =
                |l: &LayerDesign| l.shortcut.adds && l.format.is_some_and(|format| !format.adds_whole());
            let rectified = |l: &LayerDesign| l.format.is_some_and(|format| format.rectified);
            let layers = || d.layers.iter().zip(&d.network.layers);
            d.level().is_some_and(|level| level.rectified && level.bits < 6)
                && d.layers.iter().any(|l| l.silent && l.vectors > 2)
                && layers().any(|(l, source)| many(l, source) && unit(l))
                && layers().any(|(l, source)| many(l, source) && rectified(l) && l.level.is_some())
                && d.layers.iter().any(|l| l.format.is_some() && !rectified(l))
        },
    },
    Subject {
        name: "levels",
        planes: 1,
        analog: false,
        shortcuts: false,
        states: false,
        branches: false,
        drawn: false,
        reads: false,
        steps: 3,
        has: |d| {
            d.layers.len() > 3
                && d.layers.iter().any(|l| l.map_scales.len() == 1 && matches!(l.source, Source::Map { .. }))
                && d.layers.iter().any(|l| l.map_scales.len() > 1 && l.block > 1 && l.passes > 1)
                && d.layers.iter().any(|l| l.map_scales.len() > 1 && l.groups > 1)
                && d.network.layers.iter().any(|l| l.steps() == 3 && l.pool.is_some())
                && d.network.layers.iter().any(|l| l.steps() == 2)
        },
    },
];

/// One bug: `find`, which stands once in the file, becomes `replace`.
#[derive(Debug, Clone, Deserialize)]
struct Bug {
    design: String,
    file: String,
    /// Control and protocol, or the data path.
    part: Part,
    find: String,
    replace: String,
    /// What goes wrong.
    reason: String,
    /// Why nothing can be seen from outside, where that is so.
    equivalent: Option<String>,
    /// Among those of every test run.
    #[serde(default)]
    quick: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Part {
    Control,
    Data,
}

#[derive(Deserialize)]
struct Bugs {
    bug: Vec<Bug>,
}

fn bugs() -> Vec<Bug> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("verif/planted/bugs.toml");
    let text = fs::read_to_string(path).expect("the list is part of the sources");
    toml::from_str::<Bugs>(&text).expect("the list is TOML").bug
}

/// The first random design that has what the subject names and simulates in a fraction of a second.
fn design(subject: &Subject) -> Design {
    for seed in 0..200_000 {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let (channels, side, kernel) = if seed % 2 == 0 { (12, 7, 3) } else { (40, 1, 1) };
        let limits = Limits {
            layers: 4,
            channels,
            side,
            kernel,
            input_bits: 3,
            planes: subject.planes,
            shortcuts: subject.shortcuts,
            states: subject.states,
            branches: subject.branches,
            steps: subject.steps,
        };
        let mut network = random::network(seed, &limits);
        align_shortcuts(&mut network);
        let mut arch = machines::random_arch(&mut rng);
        if network.layers.len() < 2 || arch.rows > 40 || arch.lanes > 12 {
            continue;
        }
        if subject.analog {
            machines::random_readout(&mut arch, &mut rng);
        }
        let network = if subject.drawn { random::with_flips(network, 4, seed) } else { network };
        arch.ensemble.samples = 3;
        if subject.reads {
            arch.readout.kind = ReadoutKind::Sample;
            arch.readout.rows_per_cycle = arch.weight_rows;
        }
        let Some(design) = machines::design(&network, &arch) else { continue };
        if (subject.has)(&design) && design.cycles < 3000 {
            return design;
        }
    }
    panic!("no random design is a {}", subject.name);
}

/// A subject's Verilog, images and chip.
struct Bench {
    design: Design,
    chip: Option<Chip>,
    rtl: Vec<(String, String)>,
    images: Vec<Vec<i16>>,
    /// Where everything is built, so that what bugs leave alone is compiled once.
    folder: tempfile::TempDir,
}

impl Bench {
    fn new(name: &str) -> Bench {
        let subject = SUBJECTS.iter().find(|subject| subject.name == name);
        let design = design(subject.unwrap_or_else(|| panic!("no design is called {name}")));
        let mut rng = ChaCha8Rng::seed_from_u64(1);
        let chip = design.analog.as_ref().map(|_| machines::random_chip(&design, &mut rng));
        let rtl = emit::accelerator(&design, chip.as_ref());
        let rtl = rtl.into_iter().map(|text| (text.name, text.text)).collect();
        let size = design.network.input.shape.elements();
        let elements = random::elements(&design.network, 3, IMAGES);
        let images = elements.chunks(size).map(<[i16]>::to_vec).collect();
        Bench { design, chip, rtl, images, folder: tempfile::tempdir().expect("a folder") }
    }

    /// What the co-simulation says first of the design with this bug, without one: of the design as it is.
    fn verify(&self, bug: Option<&Bug>, seed: u64) -> Option<Mismatch> {
        let kept = std::env::var_os("BINCIM_KEEP").map(PathBuf::from);
        let path = kept.as_deref().unwrap_or(self.folder.path());
        let mut rtl = self.rtl.clone();
        if let Some(bug) = bug {
            let file = rtl.iter_mut().find(|(name, _)| *name == bug.file);
            let (_, text) = file.unwrap_or_else(|| panic!("{}: no {}", bug.design, bug.file));
            assert_eq!(text.matches(&bug.find).count(), 1, "{} {}: {}", bug.design, bug.file, bug.find);
            *text = text.replace(&bug.find, &bug.replace);
        }
        machines::write(path, rtl.into_iter().map(|(name, text)| (format!("rtl/{name}"), text)));
        let texts = bench::cosimulation(&self.design).expect("benches");
        machines::write(path, texts.into_iter().map(|text| (text.name, text.text)));
        let model = match cosim::build(path, &self.design, Text::Shipped, Trace::Off, IMAGES, 2) {
            Ok(model) => model,
            Err(problem) => panic!("{bug:?} is no Verilog: {problem}"),
        };
        let model = match &self.chip {
            Some(chip) => model.with_chip(&self.design, chip.clone()).expect("memories"),
            None => model,
        };
        let plan = Plan { seed, noise_seed: None, resets: 2, jobs: 1, planes: None, whole: true };
        let image = |index: usize| self.images[index].clone();
        let shards = cosim::run(&self.design, &model, &image, 0..IMAGES, &plan, &|_| ());
        shards.unwrap_or_else(|problem| panic!("{bug:?}: {problem}")).remove(0).first
    }
}

fn seed() -> u64 {
    std::env::var("BINCIM_SEED").ok().and_then(|text| text.parse().ok()).unwrap_or(1)
}

/// Plants all bugs that `wanted` takes; each with what the bench said first.
fn plant(wanted: impl Fn(&Bug) -> bool) -> Vec<(Bug, Option<Mismatch>)> {
    let mut results = Vec::new();
    for subject in &SUBJECTS {
        let of_it: Vec<Bug> =
            bugs().into_iter().filter(|bug| bug.design == subject.name && wanted(bug)).collect();
        if of_it.is_empty() {
            continue;
        }
        let bench = Bench::new(subject.name);
        assert_eq!(bench.verify(None, seed()), None, "{} without a bug", subject.name);
        for bug in of_it {
            let first = bench.verify(Some(&bug), seed());
            let said = first.as_ref().map_or("NOT CAUGHT", |first| &first.kind);
            println!("{} {}: {}: {said}", bug.design, bug.file, bug.reason);
            results.push((bug, first));
        }
    }
    results
}

/// Where a bug of a library module is planted, its text stands once.
#[test]
fn every_bug_of_the_library_has_its_place() {
    let mut found = 0;
    for bug in bugs() {
        let module = MODULES.iter().find(|module| bug.file == format!("{}.v", module.name));
        let Some(module) = module else { continue };
        assert_eq!(module.text.matches(&bug.find).count(), 1, "{}: {}", bug.file, bug.find);
        found += 1;
    }
    assert!(found > 60, "{found}");
}

#[test]
fn a_few_planted_bugs_are_caught() {
    let results = plant(|bug| bug.quick);
    assert!(results.len() > 4);
    let missed: Vec<_> = results.iter().filter(|(_, first)| first.is_none()).map(|(bug, _)| bug).collect();
    assert!(missed.is_empty(), "{missed:#?}");
}

/// All of them; takes minutes: `verif/planted/run`.
#[test]
#[ignore = "takes minutes; run by verif/planted/run"]
fn every_planted_bug_that_shows_is_caught() {
    let only = std::env::var("BINCIM_DESIGN").ok();
    let results = plant(|bug| only.as_ref().is_none_or(|name| *name == bug.design));
    let real = |part: Option<Part>| {
        let of_part = results.iter().filter(move |(bug, _)| part.is_none_or(|part| bug.part == part));
        let real: Vec<_> = of_part.filter(|(bug, _)| bug.equivalent.is_none()).collect();
        let caught = real.iter().filter(|(_, first)| first.is_some()).count();
        (caught, real.len())
    };
    let (caught, all) = real(None);
    let (control, of_control) = real(Some(Part::Control));
    let (data, of_data) = real(Some(Part::Data));
    let mut report = format!(
        "# Bugs planted by hand\n\nWritten by `verif/planted/run`, seed {}: each line of `bugs.toml` is one change of a \
         design's Verilog, and `bincim verify` runs {IMAGES} images on it.\n\n\
         {caught} of {all} that can be seen from outside are caught ({control} of {of_control} in control and \
         protocol, {data} of {of_data} in the data path); {} cannot be seen.\n",
        seed(),
        results.len() - all
    );
    for subject in &SUBJECTS {
        let bench = Bench::new(subject.name);
        report += &format!(
            "\n## {} ({}, {} rows x {} lanes, {} layers)\n\n| file | bug | first difference |\n|---|---|---|\n",
            subject.name,
            bench.design.name.raw(),
            bench.design.rows,
            bench.design.lanes,
            bench.design.layers.len()
        );
        for (bug, first) in results.iter().filter(|(bug, _)| bug.design == subject.name) {
            let said = match (first, &bug.equivalent) {
                (Some(first), _) => {
                    let note =
                        if first.note.is_empty() { String::new() } else { format!(" ({})", first.note) };
                    format!("{}{note}, phase {}", first.kind, first.phase)
                }
                (None, Some(reason)) => format!("none: {reason}"),
                (None, None) => "**not caught**".into(),
            };
            report += &format!("| `{}` | {} | {said} |\n", bug.file, bug.reason);
        }
    }
    assert!(caught * 100 >= all * 95, "{caught} of {all} are caught");
    if only.is_none() {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("verif/planted/report.md");
        fs::write(path, &report).expect("the report can be written");
    }
    println!("{report}");
}

/// Where a design can be looked at: `BINCIM_KEEP` names the folder, `BINCIM_DESIGN` the design.
#[test]
#[ignore = "writes a folder to look at"]
fn one_design() {
    let name = std::env::var("BINCIM_DESIGN").unwrap_or_else(|_| "convolution".into());
    assert_eq!(Bench::new(&name).verify(None, seed()), None, "{name}");
}
