//! Loadable machines: one text of Verilog, many networks, each bit for bit and cycle for cycle as the golden model has it.

use bincim::arch::{Arch, Load};
use bincim::cli::verify::cosim::{self, Loaded, Plan, Trace};
use bincim::cli::verify::texts::Text;
use bincim::design::{self, Machine};
use bincim::emit::{self, NamedText, bench};
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
fn fitting(arch: &Arch, limits: &Limits, seed: u64, count: usize) -> Vec<Network> {
    let mut networks: Vec<Network> = Vec::new();
    for seed in seed..seed + 4000 {
        if networks.len() == count {
            break;
        }
        let network = random::network(seed, limits);
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
fn check(arch: &Arch, networks: &[Network], seed: u64) {
    assert_eq!(differences(arch, networks, seed, &|_, text| text.to_string()), 0, "seed {seed}");
}

/// How much of it differs where `change` is (file, text) to the text that is simulated.
fn differences(arch: &Arch, networks: &[Network], seed: u64, change: &dyn Fn(&str, &str) -> String) -> u64 {
    let machine = Machine::of(networks, arch).expect("they fit");
    let folder = tempfile::tempdir().expect("a folder");
    let folder = folder.path();
    let rtl = emit::accelerator(&machine.capacity, None);
    let changed = |file: &NamedText| (format!("rtl/{}", file.name), change(&file.name, &file.text));
    machines::write(folder, rtl.iter().map(changed));
    let benches = bench::machine_files(&machine.capacity).expect("benches can be written");
    machines::write(folder, benches.into_iter().map(|file| (file.name, file.text)));
    if rtl.iter().all(|file| changed(file).1 == file.text) {
        machines::lint(folder).expect("no warning");
    }
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
    let mut found = Vec::new();
    for (index, design) in machine.programs.iter().enumerate() {
        for frame in machines::frames(design, seed, IMAGES) {
            machines::compare(design, &frame).expect("the golden machine is right");
        }
        let model = model.clone().with_program(programs[index].clone());
        let shards = cosim::run(design, &model, &images[index], 0..IMAGES, &plan, &|_| {}).expect("it runs");
        found.extend(shards);
    }
    let each = machine.programs.iter().zip(&programs).zip(&images);
    let all: Vec<Loaded> = each.map(|((design, program), image)| Loaded { design, program, image }).collect();
    found.extend(cosim::switch(&all, &model, IMAGES, &plan).expect("it runs"));
    if let Some(first) = found.iter().find_map(|shard| shard.first.as_ref()) {
        eprintln!("{first:?}");
    }
    found.iter().map(|shard| shard.mismatches).sum()
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
        let seed = 10_000 * number;
        let fitting = fitting(&arch, &limits(), seed, 5);
        check(&arch, &fitting, seed);
        networks += fitting.len();
    }
    assert!(networks > 0);
}

/// A hundred networks of vectors of bits, of any depth and width, on one machine.
#[test]
fn one_machine_runs_a_hundred_networks() {
    machines::need_both_simulators();
    let limits = Limits { layers: 6, channels: 60, side: 1, kernel: 1, input_bits: 1, ..Limits::default() };
    let mut arch = machines::arch(32, 8, 8, 8, 4);
    arch.load = Load::Loadable;
    let networks = fitting(&arch, &limits, 0, 100);
    assert_eq!(networks.len(), 100);
    check(&arch, &networks, 7);
}

/// Bugs around the loader, the tables and the way between them: the co-simulation of the networks notices each.
#[test]
fn bugs_of_loading_are_noticed() {
    const BUGS: &[(&str, &str, &str)] = &[
        ("bincim_loader.v", "32'hEDB88320", "32'hEDB88321"),
        ("bincim_loader.v", "!idle_i ? BUSY", "1'b0 ? BUSY"),
        ("bincim_loader.v", "(data != Machine | last) ? FOREIGN", "last ? FOREIGN"),
        ("bincim_loader.v", "fault = !there ? RANGE", "fault = 1'b0 ? RANGE"),
        ("bincim_loader.v", "(data != ~crc_q) ? CHECKSUM", "1'b0 ? CHECKSUM"),
        ("bincim_loader.v", "address_q <= address_q + 24'd1;", "address_q <= address_q;"),
        ("bincim_loader.v", "if (begins) loaded_q", "if (1'b0) loaded_q"),
        ("bincim_loader.v", "engine_q <= loaded_q & !begins;", "engine_q <= 1'b1;"),
        ("bincim_loader.v", "(data != MAGIC | last) ? FOREIGN", "(data != MAGIC) ? FOREIGN"),
        // Behind the first block, beyond the last word or memory by one, and by so much that sums wrap.
        ("bincim_loader.v", "(data != ~crc_q) ? CHECKSUM", "(data != ~crc_q & memory_q == 8'd0) ? CHECKSUM"),
        ("bincim_loader.v", "!there ? RANGE", "(!there & memory_q == 8'd0) ? RANGE"),
        ("bincim_loader.v", "(reached <= {1'b0, last_address})", "(reached <= {1'b0, last_address} + 25'd1)"),
        ("bincim_loader.v", "(reached <= {1'b0, last_address})", "(reached[23:0] <= last_address)"),
        ("bincim_loader.v", "(memory_q <= LAST_MEMORY[7:0])", "(memory_q <= LAST_MEMORY[7:0] + 8'd1)"),
        ("bincim_loader.v", " & (data[31:24] == 8'd0)", ""),
        ("bincim_loader.v", "HEAD: fault = last ?", "HEAD: fault = 1'b0 ?"),
        (
            "bincim_loader.v",
            "FIRST: fault = !there ? RANGE : last ?",
            "FIRST: fault = !there ? RANGE : 1'b0 ?",
        ),
        ("bincim_loader.v", "WORDS: fault = last ?", "WORDS: fault = (last & beat_q == 16'd0) ?"),
        ("bincim_loader.v", "WORDS: fault = last ?", "WORDS: fault = (last & left_q != 24'd0) ?"),
        (
            "bincim_loader.v",
            "(state_q == CHECK) & (fault == 3'd0) & last;",
            "(state_q == CHECK) & (fault == 3'd0);",
        ),
        ("bincim_loader.v", "else if (faulty) state_q <= DROP;", "else if (faulty) state_q <= IDLE;"),
        ("bincim_loader.v", "if (faulty) cause_q <= fault;", "cause_q <= faulty ? fault : 3'd0;"),
        (
            "bincim_table.v",
            "memory_q[write_address_i] <= write_data_i",
            "memory_q[write_address_i] <= ~write_data_i",
        ),
        ("bincim_registers.v", "write_status & s_axil_wdata[5]", "write_status & s_axil_wdata[3]"),
        ("bincim_registers.v", "{load_error_q, loaded_i}", "{load_error_q, 1'b0}"),
        ("bincim_registers.v", "program_cause = load_cause_i", "program_cause = 3'd0"),
        ("bincim_registers.v", "write & (&s_axil_wstrb)", "write"),
        ("bincim_registers.v", "program_last_o = write_last", "program_last_o = 1'b0"),
        ("bincim_registers.v", "write & (&s_axil_wstrb)", "write & (&s_axil_wstrb[2:0])"),
        ("bincim_registers.v", "(s_axil_awaddr[11:2] == 10'h00B)", "(s_axil_awaddr[11:3] == 9'h005)"),
        (
            "bincim_registers.v",
            "else if (load_error_i) load_error_q <= 1'b1;\n        else if (write_status & s_axil_wdata[5]) load_error_q <= 1'b0;",
            "else if (write_status & s_axil_wdata[5]) load_error_q <= 1'b0;\n        else if (load_error_i) load_error_q <= 1'b1;",
        ),
        ("bincim_top.v", "written_valid ? written_data :", "1'b0 ? written_data :"),
        ("bincim_top.v", "s_axis_tready = input_ready & engine_rst_n", "s_axis_tready = input_ready"),
        ("bincim_top.v", "& !scores_waiting &", "&"),
        ("bincim_top.v", ".last_group_i(network_last_group)", ".last_group_i(~network_last_group)"),
    ];
    machines::need_both_simulators();
    let mut arch = machines::random_arch(&mut ChaCha8Rng::seed_from_u64(0));
    arch.load = Load::Loadable;
    let networks = fitting(&arch, &limits(), 0, 3);
    let mut missed = Vec::new();
    for (file, before, after) in BUGS {
        let change = |name: &str, text: &str| match name == *file {
            true => {
                assert_eq!(text.matches(before).count(), 1, "{file}: {before}");
                text.replace(before, after)
            }
            false => text.to_string(),
        };
        if differences(&arch, &networks, 0, &change) == 0 {
            missed.push((file, after));
        }
    }
    assert!(missed.is_empty(), "nobody noticed {missed:#?}");
}
