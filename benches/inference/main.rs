//! Speed of the packed engine beside ONNX Runtime and beside this machine's own limit.
//!
//! `cargo bench --bench inference -- --python PATH` prints everything in one run. Both sides are measured
//! in turn, many short times, and the best time of each counts, so that other work on the machine hurts
//! neither more than the other. Every score is compared with the record before anything is timed.

#![allow(clippy::disallowed_methods, reason = "a bench reads clocks and starts its rivals")]

mod limit;
#[path = "../common/rival.rs"]
mod rival;
#[path = "../../tests/support/mod.rs"]
mod support;

use std::time::{Duration, Instant};

use bincim::golden::packed;
use bincim::network::Network;
use rival::Rival;

/// How often both sides are measured in turn.
const ROUNDS: usize = 8;

/// Time spent on one side in one round.
const SLICE: Duration = Duration::from_millis(400);

/// A network, and how many images make one measured call of a few milliseconds.
const CASES: [(&str, usize); 3] = [("tfc_mnist", 8192), ("lfc_mnist", 1024), ("cnv_cifar10", 64)];

fn main() {
    let Some(shared) = support::shared() else { return };
    let arguments: Vec<String> = std::env::args().collect();
    let python = arguments.iter().position(|a| a == "--python").and_then(|at| arguments.get(at + 1));
    let python = python.cloned().or_else(|| std::env::var("BINCIM_PYTHON").ok());
    let mut rival = python.map(|python| Rival::start(python, "inference", &[&shared]));
    println!("instruction set: {}", packed::InstructionSet::best());
    match &mut rival {
        Some(rival) => println!("rival: {}", rival.answer()),
        None => println!("rival: none (give --python PATH of an interpreter with onnxruntime and onnx)"),
    }
    println!();
    println!("| network | threads | bincim, images/s | ONNX Runtime fp32 | int8 | x fp32 | x int8 |");
    println!("|---|---|---|---|---|---|---|");
    for (name, images) in CASES {
        let network = support::network(&shared, name);
        let pixels = pixels(&shared, name, &network, images);
        check(&shared, name, &network);
        for threads in [1, 2] {
            whole(&network, name, &pixels, images, threads, rival.as_mut());
        }
    }
    let network = support::network(&shared, "cnv_cifar10");
    let batch = packed::prepare(&network).batch();
    layers(&network, &pixels(&shared, "cnv_cifar10", &network, batch));
    sets(&network, &pixels(&shared, "cnv_cifar10", &network, 4 * batch));
}

/// `images` images, the recorded ones over and over.
fn pixels(shared: &std::path::Path, name: &str, network: &Network, images: usize) -> Vec<u8> {
    let file = shared.join("models").join(format!("{name}_ref1000.npz"));
    let recorded = support::array(&file, "images_u8").values;
    recorded.iter().map(|&p| p as u8).cycle().take(images * network.input.shape.elements()).collect()
}

/// Panics unless the engine gives the recorded accumulators.
fn check(shared: &std::path::Path, name: &str, network: &Network) {
    let file = shared.join("models").join(format!("{name}_ref1000.npz"));
    let scores = packed::prepare(&support::lfc_with_scores(network.clone()))
        .infer(&pixels(shared, name, network, 1000));
    let expected = support::array(&file, "acc").values;
    assert!(scores.iter().map(|&s| i64::from(s)).eq(expected), "{name}: scores differ from the record");
}

/// Images per second of the whole network, both sides in turn; prints one line.
fn whole(
    network: &Network,
    name: &str,
    pixels: &[u8],
    images: usize,
    threads: usize,
    mut rival: Option<&mut Rival>,
) {
    let engine = packed::prepare(network);
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("threads");
    let (mut ours, mut fp32, mut int8) = (0f64, 0f64, 0f64);
    for _ in 0..ROUNDS {
        let seconds = best(|| {
            std::hint::black_box(pool.install(|| engine.infer(pixels)));
        });
        ours = ours.max(images as f64 / seconds);
        if let Some(rival) = rival.as_mut() {
            let mut best = |precision: &str| -> f64 {
                let request = format!("{name} {precision} {threads} {}", SLICE.as_secs_f64());
                let answer = rival.ask(&request);
                answer.parse().unwrap_or_else(|_| panic!("ONNX Runtime: {answer}"))
            };
            fp32 = fp32.max(best("fp32"));
            int8 = int8.max(best("int8"));
        }
    }
    let times = |rival: f64| if rival > 0.0 { format!("{:.1}", ours / rival) } else { "-".into() };
    println!(
        "| {name} | {threads} | {ours:.0} | {fp32:.0} | {int8:.0} | {} | {} |",
        times(fp32),
        times(int8)
    );
}

/// Shortest time of one call, in seconds, over [`SLICE`].
fn best(mut call: impl FnMut()) -> f64 {
    let begin = Instant::now();
    let mut best = f64::INFINITY;
    while begin.elapsed() < SLICE {
        let begin = Instant::now();
        call();
        best = best.min(begin.elapsed().as_secs_f64());
    }
    best
}

/// Time and rate of every layer on one thread, beside the limit measured in turn; prints a table.
fn layers(network: &Network, pixels: &[u8]) {
    let engine = packed::prepare(network);
    let table = |&p: &u8| network.input.pixel_values[usize::from(p)];
    let elements: Vec<i16> = pixels.iter().map(table).collect();
    let mut worker = engine.worker();
    let mut limit = 0f64;
    let mut load = f64::INFINITY;
    let mut times = vec![f64::INFINITY; network.layers.len()];
    for _ in 0..ROUNDS {
        limit = limit.max(limit::gops(SLICE / 4));
        let begin = Instant::now();
        while begin.elapsed() < SLICE {
            load = load.min(seconds(|| worker.load(&engine, &elements)));
            for (index, time) in times.iter_mut().enumerate() {
                *time = time.min(seconds(|| worker.run(&engine, index)));
            }
        }
    }
    println!();
    println!("XNOR-popcount limit of one thread, in the first-level cache: {limit:.0} GOPS");
    println!();
    println!("| CNV layer | us an image | GOPS | % of the limit |");
    println!("|---|---|---|---|");
    println!("| packing the image | {:.2} | | |", load / engine.batch() as f64 * 1e6);
    let row = |name: &str, operations: f64, seconds: f64| {
        let gops = operations / seconds / 1e9;
        println!("| {name} | {:.2} | {gops:.0} | {:.1} |", seconds * 1e6, 100.0 * gops / limit);
    };
    let per_image: Vec<f64> = times.iter().map(|time| time / engine.batch() as f64).collect();
    let operations: Vec<f64> = network.layers.iter().map(|layer| 2.0 * layer.macs() as f64).collect();
    for (index, layer) in network.layers.iter().enumerate() {
        let name = format!("{index}: {} {} -> {}", layer.op, layer.input, layer.conv);
        row(&name, operations[index], per_image[index]);
    }
    row("3x3 layers 1 to 5", operations[1..6].iter().sum(), per_image[1..6].iter().sum());
    row("all layers", operations.iter().sum(), per_image.iter().sum());
}

/// Images per second of one thread for every instruction set of this processor; prints a table.
fn sets(network: &Network, pixels: &[u8]) {
    let pool = rayon::ThreadPoolBuilder::new().num_threads(1).build().expect("a thread");
    let images = pixels.len() / network.input.shape.elements();
    println!();
    println!("| CNV on one thread | images/s |");
    println!("|---|---|");
    for set in packed::InstructionSet::ALL.into_iter().filter(|set| set.available()) {
        let engine = packed::prepare_for(network, set);
        let seconds = best(|| {
            std::hint::black_box(pool.install(|| engine.infer(pixels)));
        });
        println!("| {set} | {:.0} |", images as f64 / seconds);
    }
}

fn seconds(call: impl FnOnce()) -> f64 {
    let begin = Instant::now();
    call();
    begin.elapsed().as_secs_f64()
}
