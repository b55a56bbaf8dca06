//! Loadable machines: one text of Verilog, many networks, each bit for bit and cycle for cycle as the golden model has it.

use bincim::arch::{Arch, Load};
use bincim::cli::verify::cosim::{self, Plan, Trace};
use bincim::cli::verify::texts::Text;
use bincim::design::{self, Machine};
use bincim::emit::{self, bench};
use bincim::network::Network;
use bincim::network::random::{self, Limits};

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng;

use crate::machines;

/// Images of each network.
const IMAGES: usize = 3;

fn limits() -> Limits {
    Limits { layers: 4, channels: 20, side: 7, kernel: 3, input_bits: 4, ..Limits::default() }
}

/// The first `count` random networks from `seed` on that one machine of `arch` holds.
fn fitting(arch: &Arch, seed: u64, count: usize) -> Vec<Network> {
    let mut networks: Vec<Network> = Vec::new();
    for seed in seed..seed + 4000 {
        if networks.len() == count {
            break;
        }
        let network = random::network(seed, &limits());
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

/// Every network of a machine, one after the other and then in turn without a reset.
fn check(arch: &Arch, seed: u64, count: usize) -> usize {
    let networks = fitting(arch, seed, count);
    let machine = Machine::of(&networks, arch).expect("they fit");
    let folder = tempfile::tempdir().expect("a folder");
    let folder = folder.path();
    let rtl = emit::accelerator(&machine.capacity, None);
    machines::write(folder, rtl.into_iter().map(|file| (format!("rtl/{}", file.name), file.text)));
    let benches = bench::machine_files(&machine.capacity).expect("benches can be written");
    machines::write(folder, benches.into_iter().map(|file| (file.name, file.text)));
    machines::lint(folder).expect("no warning");
    let model = cosim::build(folder, &machine.capacity, Text::Shipped, Trace::Off, IMAGES, 2)
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
            assert_eq!(shard.mismatches, 0, "seed {seed}, network {index}: {:#?}", shard.first);
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
        assert_eq!(shard.mismatches, 0, "seed {seed}, network {index}, switched: {:#?}", shard.first);
    }
    networks.len()
}

/// The first machines run here; `BINCIM_MACHINES=FIRST..END` picks others.
#[test]
fn one_machine_runs_many_networks() {
    machines::need_both_simulators();
    let range = std::env::var("BINCIM_MACHINES").unwrap_or_else(|_| "0..5".into());
    let (first, end) = range.split_once("..").expect("FIRST..END");
    let mut networks = 0;
    for number in first.parse::<u64>().expect("a number")..end.parse().expect("a number") {
        let mut arch = machines::random_arch(&mut ChaCha8Rng::seed_from_u64(number));
        arch.load = Load::Loadable;
        networks += check(&arch, 10_000 * number, 5);
    }
    assert!(networks > 0);
}
