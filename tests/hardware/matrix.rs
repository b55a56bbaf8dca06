//! The matrix: random networks on random machines. For every pair the definition, the golden machine and
//! the Verilog under Icarus give the same bits, the same scores and the same cycles.
//!
//! The first pairs of each kind run here, all of them in `verif/matrix/run`. `BINCIM_MATRIX=FIRST..END` picks others,
//! `BINCIM_MATRIX_PLANES` others with planes of weights, `BINCIM_MATRIX_SHORTCUTS` others with shortcuts,
//! `BINCIM_MATRIX_LEVELS` others with activations of several levels, `BINCIM_MATRIX_STATE_LEVELS` others of those behind
//! numbers of fixed point, `BINCIM_MATRIX_BRANCHES` others with maps that several layers read; a failure names its pair.

use bincim::bits::BitMatrix;
use bincim::design::Design;
use bincim::emit::{self, vectors::Frame};
use bincim::lower::align_shortcuts;
use bincim::network::random::{self, Limits};
use bincim::network::{PadValue, Padding, Plane};
use rand::Rng;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use crate::machines;

const PAIRS: std::ops::Range<u64> = 0..60;
const PLANE_PAIRS: std::ops::Range<u64> = 0..42;
const SHORTCUT_PAIRS: std::ops::Range<u64> = 0..24;
const LEVEL_PAIRS: std::ops::Range<u64> = 0..24;
const STATE_LEVEL_PAIRS: std::ops::Range<u64> = 0..24;
const BRANCH_PAIRS: std::ops::Range<u64> = 0..30;
const DRAWN_PAIRS: std::ops::Range<u64> = 0..18;
const IMAGES: usize = 2;
/// Sums of one image above which a pair takes too long in Icarus.
const MOST_SUMS: usize = 4000;

#[test]
fn reference_machine_and_verilog_agree_on_every_pair() {
    all(PAIRS, "BINCIM_MATRIX", check);
}

/// The same for networks with planes of weights and masks, each run with all its planes and with fewer.
#[test]
fn they_agree_for_every_number_of_planes() {
    all(PLANE_PAIRS, "BINCIM_MATRIX_PLANES", check_planes);
}

/// The same for networks whose layers add the sums that earlier ones kept, some with planes of weights.
#[test]
fn they_agree_where_sums_bypass_layers() {
    all(SHORTCUT_PAIRS, "BINCIM_MATRIX_SHORTCUTS", check_shortcuts);
}

/// The same where activations behind numbers of fixed point have several levels.
#[test]
fn they_agree_where_states_are_levels() {
    all(STATE_LEVEL_PAIRS, "BINCIM_MATRIX_STATE_LEVELS", check_state_levels);
}

/// The same where layers read maps of earlier ones, and add what layers beside them made.
#[test]
fn they_agree_where_networks_branch() {
    all(BRANCH_PAIRS, "BINCIM_MATRIX_BRANCHES", check_branches);
}

/// The same for networks whose activations have several levels, some with planes of weights.
#[test]
fn they_agree_where_activations_have_several_levels() {
    all(LEVEL_PAIRS, "BINCIM_MATRIX_LEVELS", check_levels);
}

/// The machine and the Verilog where weights are drawn: any number of samples, the first layer drawn or not.
#[test]
fn they_agree_where_weights_are_drawn() {
    all(DRAWN_PAIRS, "BINCIM_MATRIX_DRAWN", check_drawn);
}

/// Runs `check` on the pairs of `range`, or of the range that the variable `name` holds.
fn all(range: std::ops::Range<u64>, name: &str, check: fn(u64) -> Result<u64, String>) {
    machines::need_simulator();
    let range = match std::env::var(name) {
        Ok(text) => {
            let (start, end) = text.split_once("..").expect("FIRST..END");
            start.parse().expect("a number")..end.parse().expect("a number")
        }
        Err(_) => range,
    };
    let next = AtomicU64::new(range.start);
    let cycles = AtomicUsize::new(0);
    let failures = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                loop {
                    let pair = next.fetch_add(1, Ordering::Relaxed);
                    if pair >= range.end {
                        break;
                    }
                    let outcome = std::panic::catch_unwind(|| check(pair));
                    match outcome.unwrap_or_else(|_| Err("a panic, see above".into())) {
                        Ok(frame) => {
                            cycles.fetch_add(frame as usize, Ordering::Relaxed);
                        }
                        Err(problem) => failures.lock().unwrap().push((pair, problem)),
                    }
                }
            });
        }
    });
    let mut failures = failures.into_inner().unwrap();
    failures.sort();
    for (pair, problem) in &failures {
        eprintln!("pair {pair} ({name}={pair}..{}): {problem}", pair + 1);
    }
    let (pairs, cycles) = (range.end - range.start, cycles.into_inner());
    assert!(failures.is_empty(), "{} of {pairs} pairs differ", failures.len());
    assert!(cycles > 0);
    println!("| {name} | {pairs} | {cycles} |");
}

/// Windows that do not move, partly outside their map: the place of the padding is a constant.
#[test]
fn padding_around_a_single_pixel_is_seen() {
    let limits = Limits {
        layers: 3,
        channels: 8,
        side: 1,
        kernel: 1,
        input_bits: 2,
        planes: 1,
        shortcuts: false,
        states: false,
        branches: false,
        steps: 1,
    };
    let mut rng = ChaCha8Rng::seed_from_u64(1);
    let mut found = 0;
    for seed in 0..60 {
        let mut network = random::network(seed, &limits);
        let value = [PadValue::Zero, PadValue::Plus, PadValue::Minus][seed as usize % 3];
        for layer in network.layers.iter_mut().skip(1) {
            layer.kernel = (3, 3);
            layer.padding = Padding { top: 1, left: 1, bottom: 1, right: 1, value };
            layer.planes =
                vec![Plane::binary(BitMatrix::from_fn(layer.conv.c, 9 * layer.input.c, |_, _| rng.random()))];
        }
        assert_eq!(bincim::network::validate(&network), [], "network {seed}");
        let mut arch = machines::random_arch(&mut rng);
        machines::maybe_segments(&mut arch, &mut rng);
        let Some(design) = machines::design(&network, &arch) else { continue };
        if design.layers.iter().any(|layer| layer.padding.is_some()) {
            check_design(&design, seed).unwrap_or_else(|problem| panic!("network {seed}: {problem}"));
            found += 1;
        }
    }
    assert!(found > 9, "only {found} such designs");
}

/// Some networks are wide and flat, some small and deep.
fn size_of(number: u64, [first, second, third]: [u32; 3]) -> Limits {
    let of = |layers, channels, side, kernel, input_bits| Limits {
        layers,
        channels,
        side,
        kernel,
        input_bits,
        ..Limits::default()
    };
    match number % 3 {
        0 => of(4, 10, 6, 3, first),
        1 => of(3, 6, 9, 5, second),
        _ => of(4, 40, 3, 3, third),
    }
}

/// The network and machine of a pair; a pure function of its number.
fn pair(number: u64, planes: usize, shortcuts: bool, steps: usize) -> Design {
    let mut rng = ChaCha8Rng::seed_from_u64(number);
    // Every other one of the pairs with shortcuts has numbers of fixed point.
    let states = shortcuts && number % 2 == 1;
    let limits = Limits { planes, shortcuts, states, steps, ..size_of(number, [8, 4, 2]) };
    for attempt in 0.. {
        let mut network = random::network(number << 20 | attempt, &limits);
        align_shortcuts(&mut network);
        let mut arch = machines::random_arch(&mut rng);
        machines::maybe_segments(&mut arch, &mut rng);
        if let Some(design) = machines::design(&network, &arch)
            && size(&design) <= MOST_SUMS
            && design.planes_of_weights() >= planes.min(2)
            && (design.kept_entries() > 0) == shortcuts
            && design.scales().is_some() == states
            && (design.map_bits() > 1) == (steps > 1)
            && (design.level().is_some() || !states || steps < 255)
        {
            return design;
        }
    }
    unreachable!("some network fits some machine")
}

/// The network and machine of a pair with maps that several layers read.
fn branch_pair(number: u64) -> Design {
    let mut rng = ChaCha8Rng::seed_from_u64(number ^ 0x0062_7261_6e63);
    let planes = if number % 4 == 1 { 3 } else { 1 };
    let steps = [1, 3, 15, 255][number as usize % 4];
    let size_of = size_of(number, [8, 4, 2]);
    let limits = Limits { planes, shortcuts: true, states: true, branches: true, steps, ..size_of };
    for attempt in 0.. {
        let mut network = random::network(number << 20 | attempt, &limits);
        align_shortcuts(&mut network);
        let mut arch = machines::random_arch(&mut rng);
        machines::maybe_segments(&mut arch, &mut rng);
        if let Some(design) = machines::design(&network, &arch)
            && size(&design) <= MOST_SUMS
            && !design.network.is_sequence()
            && design.planes_of_weights() >= planes.min(2)
            && (design.map_bits() > 1) == (steps > 1)
        {
            return design;
        }
    }
    unreachable!("some network fits some machine")
}

/// The network and machine of a pair whose weights are drawn.
pub fn drawn_pair(number: u64) -> Design {
    let mut rng = ChaCha8Rng::seed_from_u64(number ^ 0x0064_7261_776e);
    let input_bits = if number.is_multiple_of(2) { 1 } else { 3 };
    let limits = size_of(number, [input_bits; 3]);
    for attempt in 0.. {
        let seed = number << 20 | attempt;
        let bits = rng.random_range(2..=8);
        let network = random::with_flips(random::network(seed, &limits), bits, seed);
        let mut arch = machines::random_arch(&mut rng);
        machines::maybe_segments(&mut arch, &mut rng);
        arch.ensemble.samples = rng.random_range(1..=5);
        if let Some(design) = machines::design(&network, &arch)
            && size(&design) * design.samples() <= MOST_SUMS
            && design.ensemble.is_some()
        {
            return design;
        }
    }
    unreachable!("some network fits some machine")
}

/// Sums of all passes of one image, which the simulation's time follows.
fn size(design: &Design) -> usize {
    design
        .layers
        .iter()
        .map(|layer| {
            layer.groups * layer.vectors * layer.passes * layer.planes.len() * layer.map_scales.len()
        })
        .sum()
}

/// Cycles of a frame, or what differs.
fn check(number: u64) -> Result<u64, String> {
    check_design(&pair(number, 1, false, 1), number)
}

/// The same with a number of planes that the pair's number picks.
fn check_planes(number: u64) -> Result<u64, String> {
    check_fewer(&pair(number, 4, false, 1), number)
}

/// Activations of up to 32 levels, in a third of the networks beside planes of weights.
fn check_levels(number: u64) -> Result<u64, String> {
    let steps = [3, 2, 15, 3, 31, 14][number as usize % 6];
    check_fewer(&pair(number, if number % 3 == 1 { 3 } else { 1 }, false, steps), number)
}

fn check_shortcuts(number: u64) -> Result<u64, String> {
    check_fewer(&pair(number, if number.is_multiple_of(3) { 3 } else { 1 }, true, 1), number)
}

/// Activations of several levels behind numbers of fixed point, some of which are levels themselves.
fn check_state_levels(number: u64) -> Result<u64, String> {
    let steps = if number.is_multiple_of(2) { 7 } else { 255 };
    check_fewer(&pair(2 * number + 1, 1, true, steps), number)
}

fn check_branches(number: u64) -> Result<u64, String> {
    check_fewer(&branch_pair(number), number)
}

fn check_fewer(design: &Design, number: u64) -> Result<u64, String> {
    let all = design.planes_of_weights();
    let planes = if number.is_multiple_of(2) { all } else { 1 + (number / 2) as usize % all };
    check_frames(design, number, &machines::plane_frames(design, planes, number, IMAGES))
        .map_err(|problem| format!("{planes} of {all} planes: {problem}"))
}

fn check_design(design: &Design, number: u64) -> Result<u64, String> {
    check_frames(design, number, &machines::frames(design, number, IMAGES))
}

/// Samples and mode are those that the machine has behind a reset; the golden machine is held to the law elsewhere.
fn check_drawn(number: u64) -> Result<u64, String> {
    let design = drawn_pair(number);
    simulate(&design, number, &machines::frames(&design, number, IMAGES))
}

fn check_frames(design: &Design, number: u64, frames: &[Frame]) -> Result<u64, String> {
    for (image, frame) in frames.iter().enumerate() {
        machines::compare(design, frame).map_err(|problem| format!("image {image}: {problem}"))?;
    }
    simulate(design, number, frames)
}

fn simulate(design: &Design, number: u64, frames: &[Frame]) -> Result<u64, String> {
    let folder = tempfile::tempdir().map_err(|problem| problem.to_string())?;
    let rtl = emit::accelerator(design, None).into_iter().map(|text| (text.name, text.text)).collect();
    machines::write_design(folder.path(), design, rtl, frames);
    let output = machines::simulate(folder.path(), number)?;
    if output.contains(&format!("PASS: {IMAGES} images")) {
        return Ok(design.cycles);
    }
    Err(format!(
        "{} layers on {} x {}:\n{}",
        design.layers.len(),
        design.rows,
        design.lanes,
        output.lines().take(12).collect::<Vec<_>>().join("\n")
    ))
}
