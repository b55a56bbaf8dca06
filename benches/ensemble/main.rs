//! Speed of ensembles whose weights are drawn beside plain NumPy and beside this machine's own limit.
//!
//! `cargo bench --bench ensemble -- --python PATH` prints everything in one run. Both sides run on one thread and are
//! measured in turn, many short times, in processor time; the best of each counts. Before any clock starts, the scores are
//! compared with those of the machine, word by word of its weight memory.

#![allow(clippy::disallowed_methods, reason = "a bench reads clocks and starts its rivals")]

mod limit;
#[path = "../inference/limit.rs"]
mod popcount;
#[path = "../common/rival.rs"]
mod rival;

use std::time::{Duration, Instant};

use bincim::arch::{ArchFile, ReadoutKind};
use bincim::design::{self, Design};
use bincim::device::{self, Draws, Physics, Programming};
use bincim::golden::ensemble::{self, Drawing, Engine};
use bincim::golden::machine::{self, Sampling};
use bincim::network::{Flips, Network, random};
use bincim::variation::{Chip, DRAW_BITS};
use rand::Rng;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng;
use rival::Rival;

/// How often both sides are measured in turn.
const ROUNDS: usize = 8;

/// Time spent on one side in one round.
const SLICE: Duration = Duration::from_millis(500);

/// Samples of an image.
const SAMPLES: usize = 16;

/// Bits of a draw.
const BITS: usize = 4;

/// Images of one call with fresh weights, and with shared ones.
const FRESH: usize = 256;
const SHARED: usize = 2048;

/// Three-input operations of a cell with draws of `bits` bits: bits of the number compared with the code, sign and map, and
/// its part of a count of eight (seven full adders of two and, in ten planes, seven half adders of two).
fn operations(bits: usize) -> f64 {
    (2 * bits - 2) as f64 + 1.0 + 28.0 / 8.0
}

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    let python = arguments.iter().position(|a| a == "--python").and_then(|at| arguments.get(at + 1));
    let python = python.cloned().or_else(|| std::env::var("BINCIM_PYTHON").ok());
    let mut rival = python.map(|python| Rival::start(python, "ensemble", &[]));
    let rng = &mut ChaCha8Rng::seed_from_u64(1);
    let network = network(&[784, 256, 256, 10], rng);
    let mut arch = ArchFile::default().with("generic", 64, 32, 32, 16, 64);
    arch.ensemble.samples = SAMPLES;
    let design = design::build(&network, &arch).expect("a design");
    let pixels: Vec<u8> = (0..SHARED * 784).map(|_| rng.random()).collect();
    let drawing = Drawing { samples: SAMPLES, seed: 1, same: false, flips: true };
    let fresh = ensemble::prepare(&design, drawing);
    let shared = ensemble::prepare(&design, Drawing { same: true, ..drawing });
    arch.readout.kind = ReadoutKind::Sample;
    let macros = design::build(&network, &arch).expect("a design");
    let chip = device::chip(&physics(), 1, 0, &macros.sites());
    let prepare = |drawing| ensemble::prepare_chip(&macros, &chip, drawing);
    let read = prepare(drawing);
    let read_shared = prepare(Drawing { same: true, ..drawing });
    for (design, chip, engine) in [
        (&design, None, &fresh),
        (&design, None, &shared),
        (&macros, Some(&chip), &read),
        (&macros, Some(&chip), &read_shared),
    ] {
        check(design, chip, engine, &pixels);
    }
    match &mut rival {
        Some(rival) => println!("rival: {}", rival.answer()),
        None => println!("rival: none (give --python PATH of an interpreter with numpy)"),
    }
    println!();
    println!("784-256-256-10, all {} weights drawn, one thread", network.weight_bits());
    println!();
    println!("| machine | weights | bincim, image-samples/s | NumPy | x | limit | % of it |");
    println!("|---|---|---|---|---|---|---|");
    let pool = rayon::ThreadPoolBuilder::new().num_threads(1).build().expect("a thread");
    let cells = network.weight_bits() as f64;
    let cases = [
        ("popcount", "fresh", &fresh, FRESH, BITS),
        ("popcount", "shared", &shared, SHARED, BITS),
        ("macro", "fresh", &read, FRESH, DRAW_BITS),
        ("macro", "shared", &read_shared, SHARED, DRAW_BITS),
    ];
    for (machine, what, engine, images, bits) in cases {
        let pixels = &pixels[..images * 784];
        let (mut ours, mut numpy, mut limit) = (0f64, 0f64, 0f64);
        for _ in 0..ROUNDS {
            let seconds = best(|| {
                std::hint::black_box(pool.install(|| engine.samples(0, pixels)));
            });
            ours = ours.max((images * SAMPLES) as f64 / seconds);
            if let Some(rival) = &mut rival {
                let answer = rival.ask(&format!("{what} {}", SLICE.as_secs_f64()));
                numpy = numpy.max(answer.parse().unwrap_or_else(|_| panic!("NumPy: {answer}")));
            }
            limit = limit.max(match what {
                "fresh" => limit::gigabits(SLICE / 4) * 1e9 / (cells * operations(bits)),
                // Two operations a bit.
                _ => popcount::gops(SLICE / 4) * 1e9 / (2.0 * cells),
            });
        }
        let times = if numpy > 0.0 { format!("{:.1}", ours / numpy) } else { "-".into() };
        let share = if limit > 0.0 { format!("{:.0}", 100.0 * ours / limit) } else { "-".into() };
        println!("| {machine} | {what} | {ours:.0} | {numpy:.0} | {times} | {limit:.0} | {share} |");
    }
}

/// A chip of phase-change memory as it is written, noise pairs of 3 uS of 25.
fn physics() -> Physics {
    Physics {
        programming: Programming { scale: 1.0, ..Programming::default() },
        draws: Draws { noise: 0.12, ..Draws::default() },
        ..Physics::default()
    }
}

/// Panics unless the executor gives the machine's scores.
fn check(design: &Design, chip: Option<&Chip>, engine: &Engine, pixels: &[u8]) {
    let Drawing { samples, seed, same, flips } = engine.drawing();
    let images = 3;
    let scores = engine.samples(0, &pixels[..images * 784]);
    for (image, scores) in scores.chunks(samples * 10).enumerate() {
        let seed = machine::frame_seed(seed, if same { 0 } else { image as u64 });
        let elements = design.network.input.elements(&pixels[image * 784..(image + 1) * 784]);
        let expected =
            machine::run_samples(design, chip, &elements, Sampling { samples, seed, flips }).scores;
        let sums: Vec<i64> =
            (0..10).map(|class| scores[class..].iter().step_by(10).map(|&s| i64::from(s)).sum()).collect();
        assert_eq!(sums, expected, "image {image}");
    }
}

/// Shortest processor time of one call, in seconds, over [`SLICE`].
fn best(mut call: impl FnMut()) -> f64 {
    let now = || {
        let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
        // SAFETY: the call fills the record it is given.
        unsafe { libc::clock_gettime(libc::CLOCK_PROCESS_CPUTIME_ID, &mut time) };
        time.tv_sec as f64 + time.tv_nsec as f64 * 1e-9
    };
    let begin = Instant::now();
    let mut best = f64::INFINITY;
    while best == f64::INFINITY || begin.elapsed() < SLICE {
        let begin = now();
        call();
        best = best.min(now() - begin);
    }
    best
}

/// Dense layers of `sizes`, random signs and codes, thresholds near 0.
fn network(sizes: &[usize], rng: &mut impl Rng) -> Network {
    let signs = &mut ChaCha8Rng::seed_from_u64(2);
    let mut network = random::dense(sizes, |_, _, _| signs.random(), |_, _| rng.random_range(-20..=20));
    for layer in &mut network.layers {
        let codes = (0..layer.fan_in() * layer.conv.c).map(|_| rng.random_range(0..8)).collect();
        layer.flips = Some(Flips { bits: BITS, codes });
    }
    network
}
