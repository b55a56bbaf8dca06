//! Speed of a training step beside PyTorch on the CPU: the same network, batch and threads in one run.
//!
//! `BINCIM_TORCH_PYTHON=PATH cargo bench --bench train` measures both in turn and takes the best step of each,
//! so that other work on the machine hurts neither more than the other.

#![allow(clippy::disallowed_methods, reason = "a bench reads clocks and starts its rival")]

use bincim::train::{self, Trainer};
use serde_json::{Value, json};
use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

/// How often both sides are measured in turn, and for how long each time.
const ROUNDS: usize = 3;
const SLICE: Duration = Duration::from_millis(2500);

/// Layers: kind, outputs, kernel, padding with -1, pool.
fn cases() -> Value {
    json!({
        "glyphs": { "input": [1, 16, 16], "batch": 64, "layers": [
            ["conv", 16, 3, 0, 1], ["conv", 32, 3, 0, 2], ["conv", 32, 3, 0, 2],
            ["dense", 64, 1, 0, 1], ["scores", 10, 1, 0, 1]] },
        "LFC": { "input": [1, 28, 28], "batch": 100, "layers": [
            ["dense", 1024, 1, 0, 1], ["dense", 1024, 1, 0, 1], ["dense", 1024, 1, 0, 1],
            ["scores", 10, 1, 0, 1]] },
        "MNIST CNN": { "input": [1, 28, 28], "batch": 100, "layers": [
            ["conv", 32, 3, 0, 2], ["conv", 64, 3, 0, 1], ["conv", 64, 3, 0, 2],
            ["dense", 256, 1, 0, 1], ["scores", 10, 1, 0, 1]] },
        "CIFAR 32..128": { "input": [3, 32, 32], "batch": 100, "layers": [
            ["conv", 32, 3, 0, 1], ["conv", 32, 3, 1, 2], ["conv", 64, 3, 1, 1], ["conv", 64, 3, 1, 2],
            ["conv", 128, 3, 1, 1], ["conv", 128, 3, 1, 2], ["dense", 256, 1, 0, 1],
            ["scores", 10, 1, 0, 1]] },
    })
}

/// The training file of a case.
fn text(case: &Value) -> String {
    let (input, batch) = (&case["input"], &case["batch"]);
    let mut text = format!(
        "[train]\nbatch = {batch}\nrate = 0.001\nmeasured = {batch}\n\
         [input]\nchannels = {}\nrows = {}\ncolumns = {}\n",
        input[0], input[1], input[2]
    );
    for layer in case["layers"].as_array().expect("layers") {
        text += &format!("[[layer]]\nkind = {}\noutputs = {}\n", layer[0], layer[1]);
        if layer[0] == "conv" {
            text += &format!("kernel = {}\npad = {}\npool = {}\n", layer[2], layer[3], layer[4]);
        }
    }
    text
}

struct Rival {
    child: Child,
    requests: ChildStdin,
    answers: BufReader<ChildStdout>,
}

impl Rival {
    /// Starts the interpreter named by `BINCIM_TORCH_PYTHON`; none, loudly, where it names none.
    fn start(cases: &Value) -> Option<Rival> {
        let Some(python) = std::env::var_os("BINCIM_TORCH_PYTHON") else {
            println!("rival: SKIPPED (name a python with torch in BINCIM_TORCH_PYTHON)");
            return None;
        };
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/benches/train/rival.py");
        let mut command = Command::new(python);
        let command = command.arg(script).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().expect("the rival's interpreter");
        let requests = child.stdin.take().expect("a pipe");
        let answers = BufReader::new(child.stdout.take().expect("a pipe"));
        let mut rival = Rival { child, requests, answers };
        println!("rival: {}", rival.ask(&cases.to_string()));
        Some(rival)
    }

    fn ask(&mut self, line: &str) -> String {
        writeln!(self.requests, "{line}").expect("a request");
        let mut answer = String::new();
        self.answers.read_line(&mut answer).expect("an answer");
        assert!(!answer.is_empty(), "the rival ended; its reason is above");
        answer.trim().to_string()
    }
}

impl Drop for Rival {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Images per second of the best step within a slice of time.
fn best(trainer: &mut Trainer, codes: &[i8], labels: &[u8]) -> f64 {
    let begin = Instant::now();
    let mut least = f64::INFINITY;
    while begin.elapsed() < SLICE {
        let start = Instant::now();
        trainer.step(codes, labels, 1000);
        least = least.min(start.elapsed().as_secs_f64());
    }
    labels.len() as f64 / least
}

fn main() {
    let cases = cases();
    let only = std::env::args().skip(1).find(|word| !word.starts_with('-'));
    let mut rival = Rival::start(&cases);
    println!("| network | batch | threads | bincim, images/s | PyTorch, images/s | ratio |");
    println!("|---|---|---|---|---|---|");
    for (name, case) in cases.as_object().expect("cases") {
        if only.as_ref().is_some_and(|only| !name.contains(only.as_str())) {
            continue;
        }
        let recipe = toml::from_str(&text(case)).expect("a training file");
        let mut trainer = Trainer::new(train::plan(&recipe, name).expect("a plan"));
        let batch = trainer.plan.train.batch;
        let size = batch * trainer.plan.input.elements();
        let codes: Vec<i8> = (0..size).map(|i| (i.wrapping_mul(2_654_435_761) >> 7) as i8).collect();
        let labels: Vec<u8> = (0..batch).map(|i| (i % 10) as u8).collect();
        for threads in [1, 2] {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("threads");
            let (mut own, mut other) = (0.0f64, 0.0f64);
            for _ in 0..ROUNDS {
                own = own.max(pool.install(|| best(&mut trainer, &codes, &labels)));
                if let Some(rival) = &mut rival {
                    let answer =
                        rival.ask(&format!("{} {threads} {}", name.replace(' ', "_"), SLICE.as_secs_f64()));
                    other = other.max(answer.parse().expect("a rate"));
                }
            }
            match rival {
                Some(_) => {
                    println!("| {name} | {batch} | {threads} | {own:.0} | {other:.0} | {:.2} |", own / other)
                }
                None => println!("| {name} | {batch} | {threads} | {own:.0} | - | - |"),
            }
        }
    }
}
