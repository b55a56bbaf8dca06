//! Loadable machines: one text of Verilog, many networks, each bit for bit and cycle for cycle as the golden model has it.

use bincim::arch::{Arch, Load};
use bincim::cli::verify::cosim::{self, Plan, Trace};
use bincim::cli::verify::texts::Text;
use bincim::design::{self, Machine};
use bincim::emit::{self, bench};
use bincim::network::Network;
use bincim::network::random::{self, Limits};

use crate::machines;

/// Images of each network.
const IMAGES: usize = 3;

fn limits() -> Limits {
    Limits { layers: 4, channels: 20, side: 7, kernel: 3, input_bits: 4, ..Limits::default() }
}

/// The first `count` random networks from `seed` on that one machine of `arch` holds.
fn fitting(arch: &Arch, seed: u64, count: usize) -> Vec<Network> {
    let mut networks: Vec<Network> = Vec::new();
    let mut seed = seed;
    while networks.len() < count {
        let network = random::network(seed, &limits());
        seed += 1;
        if design::build(&network, arch).is_err() {
            continue;
        }
        networks.push(network);
        if Machine::of(&networks, arch).is_err() {
            networks.pop();
        }
    }
    networks
}

fn loadable(rows: usize, lanes: usize, word: usize, depth: usize) -> Arch {
    let mut arch = machines::arch(rows, lanes, word, rows / 4, depth);
    arch.load = Load::Loadable;
    arch
}

/// Every network of a machine, one after the other and then in turn without a reset.
fn check(arch: &Arch, seed: u64, count: usize) {
    let networks = fitting(arch, seed, count);
    let machine = Machine::of(&networks, arch).expect("they fit");
    let folder = tempfile::tempdir().expect("a folder");
    let rtl = emit::accelerator(&machine.capacity, None);
    machines::write(folder.path(), rtl.into_iter().map(|file| (format!("rtl/{}", file.name), file.text)));
    let benches = bench::machine_files(&machine.capacity).expect("benches can be written");
    machines::write(folder.path(), benches.into_iter().map(|file| (file.name, file.text)));
    machines::lint(folder.path()).expect("no warning");
    let model = cosim::build(folder.path(), &machine.capacity, Text::Shipped, Trace::Off, IMAGES, 2)
        .expect("the model can be built");
    let number = emit::machine_number(&machine.capacity);
    let plan = Plan { seed, resets: 2, jobs: 1, planes: None, noise_seed: None, whole: true };
    let elements: Vec<Vec<i16>> =
        networks.iter().map(|network| random::elements(network, seed, IMAGES)).collect();
    let images: Vec<_> = networks
        .iter()
        .zip(&elements)
        .map(|(network, elements)| {
            let size = network.input.shape.elements();
            move |index: usize| elements[index * size..][..size].to_vec()
        })
        .collect();
    let programs: Vec<Vec<u32>> =
        machine.programs.iter().map(|design| emit::program(&machine.capacity, design, number)).collect();
    for (index, design) in machine.programs.iter().enumerate() {
        for frame in machines::frames(design, seed, IMAGES) {
            machines::compare(design, &frame).expect("the golden machine is right");
        }
        let model = model.clone().with_program(programs[index].clone());
        let shards = cosim::run(design, &model, &images[index], 0..IMAGES, &plan, &|_| {}).expect("it runs");
        for shard in shards {
            assert_eq!(shard.mismatches, 0, "network {index}: {:#?}", shard.first);
        }
    }
    let all: Vec<_> = machine
        .programs
        .iter()
        .zip(&programs)
        .zip(&images)
        .map(|((design, program), image)| {
            (design, &program[..], image as &(dyn Fn(usize) -> Vec<i16> + Sync))
        })
        .collect();
    for (index, shard) in cosim::switch(&all, &model, IMAGES, &plan).expect("it runs").iter().enumerate() {
        assert_eq!(shard.mismatches, 0, "network {index}, switched: {:#?}", shard.first);
    }
}

#[test]
fn one_machine_runs_many_networks() {
    machines::need_both_simulators();
    check(&loadable(24, 4, 4, 16), 1, 6);
}
