//! Speed of a training step beside PyTorch on the CPU: the same network, batch and threads in one run.
//!
//! `BINCIM_TORCH_PYTHON=PATH cargo bench --bench train` measures both in turn and takes the best step of each,
//! so that other work on the machine hurts neither more than the other. Words behind `--`: cases by (a part of) their
//! names, and numbers of threads.

#![allow(clippy::disallowed_methods, reason = "a bench reads clocks and starts its rival")]

mod cases;
mod limit;
#[path = "../common/rival.rs"]
mod rival;

use bincim::train::{self, Moment, Trainer};
use rival::Rival;
use serde_json::Value;
use std::time::{Duration, Instant};

/// How often all sides are measured in turn, and for how long each time.
const ROUNDS: usize = 3;
const SLICE: Duration = Duration::from_millis(2500);

/// The interpreter named by `BINCIM_TORCH_PYTHON`, told of the cases; none, loudly, where it names none.
fn peer(cases: &Value) -> Option<Rival> {
    let Some(python) = std::env::var_os("BINCIM_TORCH_PYTHON") else {
        println!("rival: SKIPPED (name a python with torch in BINCIM_TORCH_PYTHON)");
        return None;
    };
    let mut rival = Rival::start(python, "train", &[]);
    println!("rival: {}", rival.ask(&cases.to_string()));
    Some(rival)
}

/// A trainer and the batch that it meets again and again.
struct Side {
    trainer: Trainer,
    codes: Vec<i8>,
    labels: Vec<u8>,
}

/// Least seconds of a forward pass, of a forward and a backward pass, and of a whole step.
#[derive(Clone, Copy)]
struct Least([f64; 3]);

impl Side {
    fn new(name: &str, case: &Value, products: &str) -> Side {
        let recipe = toml::from_str(&cases::text(case, products)).expect("a training file");
        let trainer = Trainer::new(train::plan(&recipe, name).expect("a plan"));
        let batch = trainer.plan.train.batch;
        let size = batch * trainer.plan.input.elements();
        let codes = (0..size).map(|i| (i.wrapping_mul(2_654_435_761) >> 7) as i8).collect();
        let labels = (0..batch).map(|i| (i % 10) as u8).collect();
        Side { trainer, codes, labels }
    }

    /// Measures steps and their parts in turn for a slice of time.
    fn measure(&mut self, least: &mut Least) {
        let begin = Instant::now();
        let Side { trainer, codes, labels } = self;
        let timed = |least: &mut f64, run: &mut dyn FnMut() -> f64| {
            let start = Instant::now();
            std::hint::black_box(run());
            *least = least.min(start.elapsed().as_secs_f64());
        };
        while begin.elapsed() < SLICE {
            let plan = &trainer.plan;
            timed(&mut least.0[0], &mut || trainer.model.loss(plan, codes, labels));
            let model = &mut trainer.model;
            timed(&mut least.0[1], &mut || model.gradients(plan, codes, labels, Moment::START, 0, None).mean);
            timed(&mut least.0[2], &mut || trainer.step(codes, labels, 1000).loss);
        }
    }

    /// Rows of the table of phases.
    fn tell(&self, least: Least, limit: f64) {
        let batch = self.labels.len() as f64;
        let (forward, backward) = cases::macs(&self.trainer.plan);
        let Least([first, both, step]) = least;
        for (phase, seconds, macs) in [
            ("forward", first, forward),
            ("backward", both - first, backward),
            ("step", step, forward + backward),
        ] {
            let rate = batch * macs / seconds / 1e9;
            let share = if limit > 0.0 { format!("{:.0} %", 100.0 * rate / limit) } else { "-".into() };
            println!("  {phase}: {:.1} ms, {rate:.0} GMAC/s, {share} of the limit", 1e3 * seconds);
        }
        println!("  optimiser and the rest: {:.1} ms", 1e3 * (step - both));
    }
}

/// Most memory of the process so far, in MiB.
fn memory() -> usize {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.and_then(|rest| rest.trim().trim_end_matches(" kB").parse::<usize>().ok()).unwrap_or(0) / 1024
}

fn main() {
    let cases = cases::all();
    let words: Vec<String> = std::env::args().skip(1).filter(|word| !word.starts_with('-')).collect();
    let (counts, names): (Vec<_>, Vec<_>) = words.iter().partition(|word| word.parse::<usize>().is_ok());
    let counts: Vec<usize> = counts.iter().filter_map(|word| word.parse().ok()).collect();
    let counts = if counts.is_empty() { vec![1, 2] } else { counts };
    let mut rival = peer(&cases);
    for (name, case) in cases.as_object().expect("cases") {
        if !names.is_empty() && !names.iter().any(|only| name.contains(only.as_str())) {
            continue;
        }
        let mut sides = ["f32", "narrow"].map(|products| Side::new(name, case, products));
        for &threads in &counts {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("threads");
            let mut least = [Least([f64::INFINITY; 3]); 2];
            let (mut other, mut limits) = ((0.0f64, String::new()), (0.0f64, 0.0f64));
            for _ in 0..ROUNDS {
                for (side, least) in sides.iter_mut().zip(&mut least) {
                    pool.install(|| side.measure(least));
                }
                let (wide, narrow) = limit::measure(threads);
                limits = (limits.0.max(wide), limits.1.max(narrow));
                if let Some(rival) = &mut rival {
                    let slice = SLICE.as_secs_f64();
                    let answer = rival.ask(&format!("{} {threads} {slice}", name.replace(' ', "_")));
                    let (rate, way) = answer.split_once(' ').expect("a rate and a way");
                    let rate = rate.parse().expect("a rate");
                    if rate > other.0 {
                        other = (rate, way.into());
                    }
                }
            }
            let batch = sides[0].labels.len();
            let rates = least.map(|least| batch as f64 / least.0[2]);
            println!(
                "{name}, batch {batch}, {threads} threads: {:.0} images/s in f32, {:.0} narrow",
                rates[0], rates[1]
            );
            if rival.is_some() {
                let (rate, way) = &other;
                println!(
                    "  PyTorch: {rate:.0} ({way}); f32 {:.2} times, narrow {:.2} times as fast",
                    rates[0] / rate,
                    rates[1] / rate
                );
            }
            for ((side, least), (what, limit)) in
                sides.iter().zip(least).zip([("f32", limits.0), ("narrow", limits.1)])
            {
                println!(" {what}, limit {limit:.0} GMAC/s:");
                side.tell(least, limit);
            }
            println!("  most memory so far: {} MiB", memory());
        }
    }
}
