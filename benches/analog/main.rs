//! Speed of the analog executor beside plain NumPy and aihwkit, and beside this machine's own limit.
//!
//! `cargo bench --bench analog -- --python PATH` prints everything in one run. All sides run on one thread and
//! are measured in turn, many short times, in processor time; the best time of each counts, so that other work on
//! the machine hurts none more than the others. What every side computes is checked before any clock starts.

#![allow(clippy::disallowed_methods, reason = "a bench reads clocks and starts its rivals")]

mod case;
mod limit;
#[path = "../common/rival.rs"]
mod rival;
#[path = "../../tests/support/mod.rs"]
mod support;

use std::time::{Duration, Instant};

use bincim::arch::{ArchFile, Range, ReadoutKind};
use bincim::design::{self, Design};
use bincim::device::{self, ColumnNoise, Crossbar, Freeze, Physics, Wires};
use bincim::golden::analog::{InstructionSet, Loaded, Plan};
use bincim::network::Network;
use case::Case;
use rival::Rival;

/// How often all sides are measured in turn.
const ROUNDS: usize = 4;

/// Time spent on one side in one round.
const SLICE: Duration = Duration::from_millis(1000);

/// Fraction bits of a voltage: a cell's error of 5 % is 3.2 units.
const FRACTION_BITS: u32 = 6;

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    let python = arguments.iter().position(|a| a == "--python").and_then(|at| arguments.get(at + 1));
    let python = python.cloned().or_else(|| std::env::var("BINCIM_PYTHON").ok());
    let mut rival = python.map(|python| Rival::start(python, "analog", &[]));
    println!("instruction set: {}", InstructionSet::best());
    match &mut rival {
        Some(rival) => println!("peers: {}", rival.answer()),
        None => println!("peers: SKIPPED (give --python PATH of an interpreter with numpy and aihwkit)"),
    }
    println!();
    println!("| case | | bincim | NumPy | aihwkit | x faster peer |");
    println!("|---|---|---|---|---|---|");
    for case in [case::fc1024(), case::conv128()] {
        measured_case(&case, rival.as_mut());
    }
    marginal();
    cnv();
    wires();
}

/// Processor time of one call, in seconds.
fn seconds<T>(call: impl FnOnce() -> T) -> f64 {
    let now = || {
        let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
        // SAFETY: the call fills the record it is given.
        unsafe { libc::clock_gettime(libc::CLOCK_PROCESS_CPUTIME_ID, &mut time) };
        time.tv_sec as f64 + time.tv_nsec as f64 * 1e-9
    };
    let begin = now();
    std::hint::black_box(call());
    now() - begin
}

/// Shortest processor time of one call over [`SLICE`].
fn best(mut call: impl FnMut()) -> f64 {
    let begin = Instant::now();
    let mut best = f64::INFINITY;
    while best == f64::INFINITY || begin.elapsed() < SLICE {
        best = best.min(seconds(&mut call));
    }
    best
}

/// A design on arrays of `rows` x `lanes` cells with converters of -64 to 64 counts; a code stands for a multiple
/// of `2^-value_bits` counts.
fn design(network: &Network, rows: usize, lanes: usize, levels: usize, value_bits: u32) -> Design {
    let mut arch = ArchFile::default().with("generic", rows, lanes, rows.min(64), rows, 0);
    arch.readout.kind = ReadoutKind::Adc;
    arch.readout.levels = levels;
    arch.readout.range = Range::Counts(64.0);
    arch.readout.fraction_bits = FRACTION_BITS;
    arch.readout.value_fraction_bits = value_bits;
    design::build(network, &arch).expect("the network fits")
}

/// Independent errors of 5 % of the largest conductance, clamped at 0; nothing else.
fn physics() -> Physics {
    let mut physics = Physics::default();
    physics.gaussian.sigma = 0.05;
    physics
}

/// What a peer measured.
#[derive(Clone, Copy)]
struct Answer {
    /// Vectors or chips a second; 0 where the peer is missing.
    rate: f64,
    /// Root mean square error of the outputs in counts.
    error: f64,
}

/// The best rate of `peer` over about [`SLICE`].
fn measured(rival: &mut Rival, case: &Case, peer: &str, what: &str) -> Answer {
    let answer = rival.ask(&format!("{} {peer} {what} {}", case.name, SLICE.as_secs_f64()));
    let numbers: Option<Vec<f64>> = answer.split(' ').map(|number| number.parse().ok()).collect();
    match numbers.as_deref() {
        Some(&[rate, error]) => Answer { rate, error },
        _ => panic!("{peer}: {answer}"),
    }
}

/// Batched, one at a time, and chips; all sides in turn. Prints three lines.
fn measured_case(case: &Case, mut rival: Option<&mut Rival>) {
    let design = design(&case.network(), 256, 256, 32, 6);
    let (physics, sites) = (physics(), design.sites());
    let plan = Plan::new(&design);
    let chip = device::chip(&physics, 1, FRACTION_BITS, &sites);
    let loaded = Loaded::new(&plan, &chip);
    let images = case.images();
    let mut scores = vec![0; case.vectors * case.outputs];
    loaded.scores_from(0, &images, &mut scores);
    let error = case.error(&scores);
    let pool = rayon::ThreadPoolBuilder::new().num_threads(1).build().expect("a thread");
    let size = plan.elements();
    // Every cell 5 % off in every read: 0.0707 counts a pair, 1.13 counts a column of 256.
    let noise = ColumnNoise::new(0.05 * (2.0 * 256f64).sqrt(), FRACTION_BITS, 1);
    let noisy = Loaded::noisy(&plan, &chip, InstructionSet::best(), Some(&noise));
    let rate = (0..ROUNDS).map(|_| case.vectors as f64 / best(|| noisy.scores_from(0, &images, &mut scores)));
    let rate = rate.fold(0.0, f64::max);
    println!("| {} | batch, noise in every read, vectors/s | {rate:.0} | | | |", case.name);
    for what in ["batch", "single", "chips"] {
        let mut ours = 0f64;
        let mut peers = [Answer { rate: 0.0, error: 0.0 }; 2];
        let mut seed = 1;
        for _ in 0..ROUNDS {
            ours = ours.max(match what {
                "batch" => case.vectors as f64 / best(|| loaded.scores_from(0, &images, &mut scores)),
                "single" => {
                    let mut one = vec![0; case.outputs];
                    50.0 / best(|| {
                        images.chunks(size).take(50).for_each(|image| loaded.scores_from(0, image, &mut one));
                    })
                }
                _ => {
                    1.0 / best(|| {
                        seed += 1;
                        let chip = pool.install(|| device::chip(&physics, seed, FRACTION_BITS, &sites));
                        Loaded::new(&plan, &chip).scores_from(0, &images, &mut scores);
                    })
                }
            });
            if let Some(rival) = rival.as_mut() {
                for (best, peer) in peers.iter_mut().zip(["numpy", "aihwkit"]) {
                    let answer = measured(rival, case, peer, what);
                    *best = Answer { rate: best.rate.max(answer.rate), error: answer.error };
                }
            }
        }
        let unit = if what == "chips" { "chips/s" } else { "vectors/s" };
        let faster = peers[0].rate.max(peers[1].rate);
        let times = if faster > 0.0 { format!("{:.1}", ours / faster) } else { "-".into() };
        let [numpy, aihwkit] = peers.map(|peer| peer.rate);
        let digits = usize::from(what == "chips");
        println!(
            "| {} | {what}, {unit} | {ours:.digits$} | {numpy:.digits$} | {aihwkit:.digits$} | {times} |",
            case.name
        );
        if what == "chips" {
            let [numpy, aihwkit] = peers.map(|peer| peer.error);
            println!("| {} | rms error, counts | {error:.3} | {numpy:.3} | {aihwkit:.3} | |", case.name);
        }
    }
}

/// What a row more costs in an array: the inner loop without conversions, beside the limit.
fn marginal() {
    let (vectors, columns) = (1024, 256);
    let mut time = [f64::INFINITY; 2];
    let mut limit = None;
    let rows = [64, 448];
    let cases = rows.map(|rows| case::random(rows, columns, vectors));
    let designs = [0, 1].map(|i| design(&cases[i].network(), rows[i], columns, 11, 0));
    let plans = designs.each_ref().map(Plan::new);
    let chips = designs.each_ref().map(|d| device::chip(&physics(), 1, FRACTION_BITS, &d.sites()));
    let loaded = [0, 1].map(|i| Loaded::new(&plans[i], &chips[i]));
    let images = cases.each_ref().map(Case::images);
    let mut scores = vec![0; vectors * columns];
    for _ in 0..2 * ROUNDS {
        limit = limit.max(limit::gmacs(InstructionSet::best(), 2000).map(|gmacs| gmacs as u64));
        for i in [0, 1] {
            time[i] = time[i].min(best(|| loaded[i].scores_from(0, &images[i], &mut scores)));
        }
    }
    let added = ((rows[1] - rows[0]) * columns * vectors) as f64 / (time[1] - time[0]) / 1e9;
    println!();
    match limit {
        Some(limit) => println!(
            "Limit of one thread, on registers: {limit} GMAC/s. A row more in an array of {columns} columns \
             (its bits taken in, indexed and added): {added:.0} GMAC/s, {:.0} % of the limit.",
            100.0 * added / limit as f64
        ),
        None => println!("A row more in an array of {columns} columns: {added:.1} GMAC/s (no AVX-512 here)."),
    }
}

/// Images a second of CNV on 256 x 64 arrays with converters of 11 levels, and the time to load a chip.
fn cnv() {
    let Some(shared) = support::shared() else { return };
    let network = support::network(&shared, "cnv_cifar10");
    let design = design(&network, 256, 64, 11, 0);
    let sites = design.sites();
    let plan = Plan::new(&design);
    let images = 128;
    let elements = bincim::network::random::elements(&network, 1, images);
    let mut scores = vec![0; images * design.output.scores];
    let (mut draw, mut load, mut run) = (f64::INFINITY, f64::INFINITY, f64::INFINITY);
    let pool = rayon::ThreadPoolBuilder::new().num_threads(1).build().expect("a thread");
    for seed in 0..ROUNDS as u64 {
        let mut chip = None;
        draw = draw.min(seconds(|| {
            chip = Some(pool.install(|| device::chip(&physics(), seed, FRACTION_BITS, &sites)));
        }));
        let chip = chip.expect("just drawn");
        let mut loaded = Loaded::new(&plan, &chip);
        load = load.min(seconds(|| {
            loaded = Loaded::new(&plan, &chip);
            loaded.scores_from(
                0,
                &elements[..16 * plan.elements()],
                &mut scores[..16 * design.output.scores],
            );
        }));
        run = run.min(best(|| loaded.scores_from(0, &elements, &mut scores)));
    }
    println!();
    println!("| CNV, 256 x 64 cells an array, 11 levels, one thread | |");
    println!("|---|---|");
    println!("| draw of a chip, ms | {:.1} |", draw * 1e3);
    println!("| its tables and 16 images, ms | {:.1} |", load * 1e3);
    println!("| an image, ms | {:.4} |", run / images as f64 * 1e3);
    let macs = network.macs() as f64 * images as f64 / run / 1e9;
    println!("| GMAC/s (an 8-bit pixel counts once) | {macs:.0} |");
    println!("| 100 chips x 1,000 images, s | {:.0} |", 100.0 * (draw + load + 1000.0 * run / images as f64));
}

/// Vectors through the FC1024 case with resistance of the lines, 1e-5 of a device's smallest a segment.
fn wires() {
    let case = case::fc1024();
    let design = design(&case.network(), 256, 256, 32, 6);
    let (sites, plan, images) = (design.sites(), Plan::new(&design), case.images());
    let mut scores = vec![0; case.vectors * case.outputs];
    let pool = rayon::ThreadPoolBuilder::new().num_threads(1).build().expect("a thread");
    println!();
    println!("| FC1024, lines of 1e-5 a segment, one thread | |");
    println!("|---|---|");
    // One drive of one array, solved to the end: what a simulator does that solves for every vector.
    let conductances: Vec<f64> =
        (0..256 * 512).map(|i| if (i * 7 + i / 512 * 13) % 5 < 2 { 1.0 } else { 0.0 }).collect();
    let crossbar = Crossbar::new(256, 512, conductances, 1e-5, 1e-5);
    let drive: Vec<f64> = (0..256).map(|row| if row % 3 == 0 { -1.0 } else { 1.0 }).collect();
    let (mut time, mut residual) = (f64::INFINITY, 0.0f64);
    for _ in 0..ROUNDS {
        time = time.min(seconds(|| {
            residual = residual.max(crossbar.solve(&drive, &[0.0; 512]).residual);
        }));
    }
    println!("| rows and columns: one drive of one array solved, ms | {:.1} |", time * 1e3);
    println!("| largest violation of Kirchhoff's law, of the largest line's current | {residual:.0e} |");
    println!("| vectors/s where each of the 16 arrays is solved for each | {:.2} |", 1.0 / (16.0 * time));
    for (what, row, freeze) in [
        ("columns, transfer (exact for every drive)", 0.0, Freeze::Transfer),
        ("rows and columns, reference", 1e-5, Freeze::Reference),
    ] {
        let mut physics = physics();
        physics.wires = Wires { row, column: 1e-5, freeze };
        let (mut draw, mut run) = (f64::INFINITY, f64::INFINITY);
        for seed in 0..2 {
            let mut chip = None;
            draw = draw.min(seconds(|| {
                chip = Some(pool.install(|| device::chip(&physics, seed, FRACTION_BITS, &sites)));
            }));
            let chip = chip.expect("just drawn");
            run = run.min(best(|| Loaded::new(&plan, &chip).scores_from(0, &images, &mut scores)));
        }
        println!("| {what}: draw of the chip, s | {draw:.2} |");
        let vectors = case.vectors as f64;
        println!(
            "| {what}: 1000 vectors, draw and tables included, vectors/s | {:.0} |",
            vectors / (draw + run)
        );
    }
}
