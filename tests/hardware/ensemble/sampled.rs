//! Cells that are drawn as they are read: the machine against the law of the draws, and the Verilog against the machine.

use bincim::arch::{InputBits, ReadoutKind};
use bincim::cli::verify::cosim::{self, Plan, Trace};
use bincim::cli::verify::texts::Text;
use bincim::design::Design;
use bincim::emit::{self, bench};
use bincim::network::random::{self, Limits};
use bincim::variation::Chip;
use rand::Rng;
use rand::seq::IndexedRandom;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng;

use crate::machines;

/// Images of a run of the Verilog.
const IMAGES: usize = 6;

/// The network and machine of a number; every third input has several bits, and with it a first layer that is not drawn.
fn pair(number: u64) -> Design {
    let mut rng = ChaCha8Rng::seed_from_u64(number ^ 0x0072_6561_6473);
    let limits = match number % 3 {
        0 => Limits { layers: 4, channels: 10, side: 6, kernel: 3, input_bits: 3, ..Limits::default() },
        1 => Limits { layers: 3, channels: 6, side: 7, kernel: 4, input_bits: 1, ..Limits::default() },
        _ => Limits { layers: 4, channels: 40, side: 1, kernel: 1, input_bits: 1, ..Limits::default() },
    };
    for attempt in 0.. {
        let seed = number << 20 | attempt;
        let network = random::with_flips(random::network(seed, &limits), rng.random_range(2..=8), seed);
        let mut arch = machines::random_arch(&mut rng);
        arch.readout.kind = ReadoutKind::Sample;
        arch.readout.input_bits = *machines::INPUT_BITS.choose(&mut rng).unwrap_or(&InputBits::Serial);
        let steps: Vec<usize> = (0..=arch.rows).filter(|s| *s == 0 || arch.rows.is_multiple_of(*s)).collect();
        arch.readout.rows_per_cycle = *steps.choose(&mut rng).unwrap_or(&0);
        arch.ensemble.samples = rng.random_range(1..=5);
        if let Some(design) = machines::design(&network, &arch)
            && design.cycles < 6000
        {
            return design;
        }
    }
    unreachable!("some network fits some machine")
}

/// What the co-simulation of `design` with `chip` says first.
fn cosimulate(design: &Design, chip: &Chip, seed: u64) -> Option<cosim::Mismatch> {
    let folder = tempfile::tempdir().expect("a folder");
    let rtl = emit::accelerator(design, Some(chip)).into_iter();
    machines::write(folder.path(), rtl.map(|text| (format!("rtl/{}", text.name), text.text)));
    let texts = bench::cosimulation(design).expect("benches");
    machines::write(folder.path(), texts.into_iter().map(|text| (text.name, text.text)));
    let model = cosim::build(folder.path(), design, Text::Shipped, Trace::Off, 2).expect("a model");
    let model = model.with_chip(design, chip.clone()).expect("memories");
    let elements = random::elements(&design.network, seed, IMAGES);
    let size = design.network.input.shape.elements();
    let image = |index: usize| elements[index * size..][..size].to_vec();
    let plan = Plan { seed, noise_seed: None, resets: 2, jobs: 1, planes: None, whole: true };
    let mut shards = cosim::run(design, &model, &image, 0..IMAGES, &plan, &|_| ()).expect("a run");
    shards.remove(0).first
}

#[test]
fn the_verilog_draws_what_the_machine_draws() {
    machines::need_both_simulators();
    for number in 0..6 {
        let design = pair(number);
        let chip = machines::random_chip(&design, &mut ChaCha8Rng::seed_from_u64(number));
        let e = design.ensemble.as_ref().unwrap();
        println!(
            "pair {number}: first {} samples {} rows {} of {} lanes {} cycles {:?} reads {:?}",
            e.first,
            e.samples,
            e.rows,
            design.rows,
            design.lanes,
            e.cycles[0].layers,
            design
                .layers
                .iter()
                .map(|l| l.readout.as_ref().map(|r| (r.reads, r.read_words, r.interval)))
                .collect::<Vec<_>>()
        );
        assert_eq!(cosimulate(&design, &chip, number), None, "pair {number}");
    }
}
