//! Analog arrays: random networks on random machines with random chips. For every trial the golden machine and
//! the Verilog under Icarus give the same sums, bits, scores and cycles; with converters that resolve every
//! count, an ideal chip gives what the definition gives.
//!
//! `BINCIM_ANALOG=FIRST..END` picks other trials than the first 60; a failure names its trial.

use bincim::arch::{InputDrive, Range, ReadoutKind, Subtraction};
use bincim::design::{Design, InputKind, Reference};
use bincim::device::{self, CellKind};
use bincim::emit;
use bincim::golden::{machine, reference};
use bincim::network::random::{self, Limits};
use bincim::network::{Activation, Decision};
use bincim::variation::{ArrayDraw, Chip, Site};
use rand::Rng;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::machines;

const TRIALS: std::ops::Range<u64> = 0..60;
const IMAGES: usize = 2;
/// Reads of one image times cycles of a read, which the simulation's time follows.
const MOST_CYCLES: u64 = 20_000;

#[test]
fn machine_and_verilog_agree_on_every_chip() {
    machines::need_simulator();
    let range = match std::env::var("BINCIM_ANALOG") {
        Ok(text) => {
            let (start, end) = text.split_once("..").expect("BINCIM_ANALOG=FIRST..END");
            start.parse().expect("a number")..end.parse().expect("a number")
        }
        Err(_) => TRIALS,
    };
    let next = AtomicU64::new(range.start);
    let failures = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                loop {
                    let trial = next.fetch_add(1, Ordering::Relaxed);
                    if trial >= range.end {
                        break;
                    }
                    let outcome = std::panic::catch_unwind(|| check(trial));
                    if let Err(problem) = outcome.unwrap_or_else(|_| Err("a panic, see above".into())) {
                        failures.lock().unwrap().push((trial, problem));
                    }
                }
            });
        }
    });
    let mut failures = failures.into_inner().unwrap();
    failures.sort();
    for (trial, problem) in &failures {
        eprintln!("trial {trial} (BINCIM_ANALOG={trial}..{}): {problem}", trial + 1);
    }
    assert!(failures.is_empty(), "{} of {} trials differ", failures.len(), range.end - range.start);
}

/// The network, machine and random chip of a trial; a pure function of its number.
fn trial(number: u64) -> (Design, Chip) {
    let mut rng = ChaCha8Rng::seed_from_u64(number);
    // Every second one has planes of weights, some with masks.
    let planes = if number % 2 == 1 { 3 } else { 1 };
    let shortcuts = number % 5 < 2;
    let limits = match number % 3 {
        0 => Limits {
            layers: 3,
            channels: 10,
            side: 5,
            kernel: 3,
            input_bits: 4,
            planes,
            shortcuts,
            states: false,
            branches: false,
            steps: 1,
        },
        1 => Limits {
            layers: 3,
            channels: 6,
            side: 6,
            kernel: 3,
            input_bits: 3,
            planes,
            shortcuts,
            states: false,
            branches: false,
            steps: 1,
        },
        _ => Limits {
            layers: 4,
            channels: 30,
            side: 3,
            kernel: 2,
            input_bits: 2,
            planes,
            shortcuts,
            states: false,
            branches: false,
            steps: 1,
        },
    };
    for attempt in 0.. {
        let network = random::network(number << 20 | attempt, &limits);
        let mut arch = machines::random_arch(&mut rng);
        machines::random_readout(&mut arch, &mut rng);
        if number % 7 < 3 {
            arch.readout.range = machines::random_ends(network.layers.len(), &mut rng);
        }
        if rng.random_bool(0.2) {
            let most = network.layers.iter().map(|layer| rng.random_range(1..=layer.planes.len()));
            arch.planes = most.collect();
        }
        if let Some(design) = machines::design(&network, &arch)
            && design.cycles < MOST_CYCLES
            && (design.kept_entries() > 0) == shortcuts
            && (planes == 1 || design.planes_of_weights() > 1 || !arch.planes.is_empty())
        {
            let chip = machines::random_chip(&design, &mut rng);
            return (design, chip);
        }
    }
    unreachable!("some network fits some machine")
}

/// What a bit 0 of the input puts on its row.
const DRIVES: [InputDrive; 2] = [InputDrive::Bipolar, InputDrive::Unipolar];

/// Inputs of several bits meet cells in both ways, in several steps of rows, several passes and on dense layers too.
#[test]
fn trials_have_both_kinds_of_integer_inputs() {
    let mut seen = [0; 13];
    for (design, _) in TRIALS.map(trial).filter(|(design, _)| design.planes > 1) {
        let (analog, first) = (design.analog.as_ref().expect("arrays"), &design.layers[0]);
        let readout = first.readout.as_ref().expect("an analog layer");
        let serial = design.serial_input();
        for (count, holds) in seen.iter_mut().zip([
            !serial,
            serial,
            serial && analog.words > 1,
            serial && !analog.words.is_power_of_two(),
            serial && readout.interval > readout.read_words,
            serial && first.passes > 1,
            serial && matches!(design.input.kind, InputKind::Vector { .. }),
            serial && design.row_enable,
            serial && analog.noise.is_some(),
            serial && readout.unipolar,
            !serial && readout.unipolar,
            readout.unipolar && design.row_enable,
            readout.unipolar && analog.reference.is_some(),
        ]) {
            *count += usize::from(holds);
        }
    }
    assert!(seen.iter().all(|&count| count > 0), "{seen:?}");
}

/// Raw currents whose reference is counted: with whole and broken shares, rows that are not driven, planes of
/// integers, converters that take turns, several steps of rows, and under the lint.
#[test]
fn trials_have_counted_references() {
    let mut seen = [0; 8];
    for (number, (design, _)) in TRIALS.map(|number| (number, trial(number))) {
        let analog = design.analog.as_ref().expect("arrays");
        let Some(reference) = &analog.reference else { continue };
        let unused = (0..reference.rows.rows()).any(|array| reference.rows.ones(array) < design.rows);
        for (count, holds) in seen.iter_mut().zip([
            reference.fraction == 0,
            reference.fraction > 0,
            design.row_enable,
            design.planes > 1,
            analog.share > 1,
            analog.words > 1,
            number.is_multiple_of(3),
            unused,
        ]) {
            *count += usize::from(holds);
        }
    }
    assert!(seen.iter().all(|&count| count > 0), "{seen:?}");
}

/// Reference columns, the last of their arrays: with rows that are not driven, planes of integers and of weights, several
/// steps of rows, arrays that channels do not fill, values that differ from layer to layer, and under the lint.
#[test]
fn trials_have_reference_columns() {
    let mut seen = [0; 8];
    for (number, (design, _)) in TRIALS.map(|number| (number, trial(number))) {
        let analog = design.analog.as_ref().expect("arrays");
        if !analog.reference_column {
            continue;
        }
        assert!(design.sites().iter().all(|site| site.columns <= design.lanes + 1 && site.columns > 1));
        for (count, holds) in seen.iter_mut().zip([
            design.row_enable,
            design.planes > 1,
            design.planes_of_weights() > 1,
            analog.words > 1,
            number.is_multiple_of(3),
            design.sites().iter().any(|site| site.columns <= design.lanes),
            matches!(design.arch.readout.range, Range::Ends(_)),
            design.groups() > design.layers.len(),
        ]) {
            *count += usize::from(holds);
        }
    }
    assert!(seen.iter().all(|&count| count > 0), "{seen:?}");
}

/// Arrays whose cells hold different largest weights take different shares away, told in the offset memory.
#[test]
fn references_of_several_shares_agree() {
    machines::need_simulator();
    let several = |number: &u64| {
        let design = trial(*number).0;
        let reference = design.analog.as_ref().and_then(|analog| analog.reference.as_ref());
        reference.is_some_and(|reference| reference.only_share().is_none())
    };
    let number = (60..400).find(several).expect("such a trial");
    println!("trial {number}");
    check(number).unwrap();
}

/// Converters of 12 bits, a part of whose edges is compared in a cycle.
#[test]
fn converters_of_many_codes_agree() {
    machines::need_simulator();
    let limits = Limits {
        layers: 2,
        channels: 4,
        side: 3,
        kernel: 2,
        input_bits: 3,
        planes: 1,
        shortcuts: false,
        states: false,
        branches: false,
        steps: 1,
    };
    let mut rng = ChaCha8Rng::seed_from_u64(3);
    let network = random::network(5, &limits);
    let mut arch = machines::arch(16, 4, 4, 4, 0);
    arch.readout.kind = ReadoutKind::Adc;
    (arch.readout.levels, arch.readout.edges_per_cycle) = (4096, 1024);
    arch.readout.range = machines::random_ends(network.layers.len(), &mut rng);
    arch.readout.value_fraction_bits = 6;
    let design = machines::design(&network, &arch).expect("it fits");
    assert_eq!(design.analog.as_ref().map(|analog| (analog.code_width, analog.edge_steps)), Some((12, 4)));
    let chip = machines::random_chip(&design, &mut rng);
    check_chip(3, &design, &chip, &chip).unwrap();
}

fn check(number: u64) -> Result<(), String> {
    let (design, chip) = trial(number);
    check_chip(number, &design, &chip, &chip)
}

/// The golden machine on `chip` against the Verilog with `held` in its memories.
fn check_chip(number: u64, design: &Design, chip: &Chip, held: &Chip) -> Result<(), String> {
    let all = design.planes_of_weights();
    // Every fourth trial runs fewer planes where there are several.
    let planes = if number % 4 == 1 { all } else { 1 + (number / 4) as usize % all };
    let frames = machines::limited_frames(design, Some(chip), planes, number, IMAGES);
    let predicted = &design.frame_of(planes).layers;
    if frames[0].cycles != *predicted {
        return Err(format!("machine: {:?} cycles, {predicted:?} predicted", frames[0].cycles));
    }
    let folder = tempfile::tempdir().map_err(|problem| problem.to_string())?;
    let rtl = emit::accelerator(design, Some(held)).into_iter().map(|text| (text.name, text.text)).collect();
    machines::write_design(folder.path(), design, rtl, &frames);
    if number.is_multiple_of(3) {
        machines::lint(folder.path())?;
    }
    let output = machines::simulate(folder.path(), number)?;
    if output.contains(&format!("PASS: {IMAGES} images")) {
        return Ok(());
    }
    if std::env::var("BINCIM_KEEP").is_ok() {
        eprintln!("kept in {}", folder.keep().display());
    }
    Err(format!(
        "{} layers on {} x {}, {planes} of {all} planes, {:?}:\n{}",
        design.layers.len(),
        design.rows,
        design.lanes,
        design.arch.readout,
        output.lines().take(12).collect::<Vec<_>>().join("\n")
    ))
}

/// The comparison sees chips: other cells, one other offset or other edges are a difference.
#[test]
fn another_chip_in_the_memories_is_caught() {
    machines::need_simulator();
    type Change = fn(&mut ArrayDraw);
    // Of the first array, so that every image meets it.
    let changes: [(&str, Change); 3] = [
        ("cells", |array| array.plus.iter_mut().chain(&mut array.minus).for_each(|cell| *cell = -*cell)),
        ("offset", |array| array.offset[0] = array.offset[0].wrapping_add(1 << 8)),
        ("edge", |array| array.edges.iter_mut().for_each(|edge| *edge -= 640)),
    ];
    // An array that its taps fill: the edges of random chips lie as far apart as all rows could reach.
    let fills = |&number: &u64| {
        let design = trial(number).0;
        2 * design.weight_columns(0, 0).iter().flatten().count() > design.rows
    };
    let number = (0..60).find(fills).expect("such a trial");
    let (design, chip) = trial(number);
    check_chip(number, &design, &chip, &chip).unwrap();
    for (what, change) in changes {
        let mut other = chip.clone();
        change(&mut other.arrays[0]);
        let analog = design.analog.as_ref().unwrap();
        other.saturate(analog.widths());
        let outcome = check_chip(number, &design, &chip, &other);
        assert!(
            outcome.is_err_and(|problem| problem.contains("FAIL") || problem.contains("mismatch")),
            "{what}"
        );
    }
}

/// A chip without any error whose converters have an edge between all neighbouring counts.
#[test]
fn an_ideal_chip_with_fine_converters_is_the_definition() {
    let mut rng = ChaCha8Rng::seed_from_u64(1);
    let (mut compared, mut several, mut serial, mut unipolar, mut passes) = (0, 0, 0, 0, [0; 2]);
    for number in 0..120 {
        let planes = 1 + number as usize % 5;
        let limits = Limits {
            layers: 4,
            channels: 12,
            side: 6,
            kernel: 3,
            input_bits: 4,
            planes,
            shortcuts: true,
            states: false,
            branches: false,
            steps: 1,
        };
        let network = random::network(number, &limits);
        let mut arch = machines::random_arch(&mut rng);
        arch.readout.kind = ReadoutKind::Adc;
        arch.readout.fraction_bits = 1;
        arch.readout.cell_bits = 16;
        machines::random_slices(&mut arch, &mut rng);
        for (place, bits) in machines::INPUT_BITS.into_iter().enumerate() {
            arch.readout.input_bits = bits;
            arch.readout.input_drive = DRIVES[(number + place as u64) as usize % 2];
            // A code for every count that an array can give.
            let Some(outline) = machines::design(&network, &arch) else { continue };
            let most = outline.sites().iter().map(|site| site.most() * site.rows as i32).max().unwrap_or(1);
            arch.readout.range = Range::Counts(f64::from(most));
            arch.readout.levels = 2 * most as usize + 1;
            let design = machines::design(&network, &arch).expect("as before");
            several += usize::from(arch.cell_bits > 1 && design.planes_of_weights() > 1);
            serial += usize::from(design.serial_input());
            unipolar += usize::from(arch.unipolar(design.planes));
            passes[place] += usize::from(design.planes > 1 && design.layers[0].passes > 1);
            let arrays = design.sites().iter().map(|site| ideal(site, most)).collect();
            let chip = machines::chip(&design, arrays);
            for planes in 1..=design.planes_of_weights() {
                for frame in machines::limited_frames(&design, Some(&chip), planes, number, 2) {
                    machines::compare(&design, &frame).unwrap_or_else(|problem| {
                        panic!("network {number}, {bits:?}, {planes} planes: {problem}")
                    });
                    compared += 1;
                }
            }
        }
    }
    assert!(
        compared > 300 && several > 16 && serial > 30 && unipolar > 30,
        "{compared} {several} {serial} {unipolar}"
    );
    // Arrays that hold more taps need fewer passes.
    assert!(3 < passes[0] && passes[0] < passes[1], "{passes:?}");
}

/// An offset mapping whose converters resolve every count of the raw current gives the definition too: what its cells
/// have in common is taken away behind them, whatever rows are driven.
#[test]
fn an_ideal_offset_mapping_read_raw_is_the_definition() {
    let mut rng = ChaCha8Rng::seed_from_u64(2);
    let (mut compared, mut undriven, mut several, mut shares, mut columns) = (0, 0, 0, 0, 0);
    for number in 0..60 {
        let planes = 1 + number as usize % 5;
        let limits = Limits {
            layers: 4,
            channels: 12,
            side: 6,
            kernel: 3,
            input_bits: 4,
            planes,
            shortcuts: true,
            states: false,
            branches: false,
            steps: 1,
        };
        let network = random::network(number, &limits);
        let mut arch = machines::random_arch(&mut rng);
        machines::random_slices(&mut arch, &mut rng);
        arch.readout.kind = ReadoutKind::Adc;
        (arch.readout.fraction_bits, arch.readout.cell_bits) = (1, 16);
        arch.variation.cell.kind = CellKind::Offset;
        // Cells of weight 0 add 1 or 3 of the largest weight.
        arch.variation.cell.g_min = if number % 2 == 0 { 0.0 } else { 0.5 };
        arch.readout.input_drive = DRIVES[number as usize / 2 % 2];
        // Counted, or told by one more column.
        let column = number % 3 == 0;
        arch.readout.reference = column.then_some(Subtraction::Column);
        let Some(outline) = machines::design(&network, &arch) else { continue };
        let most = outline.sites().iter().map(|site| 4 * site.most() * site.rows as i32).max().unwrap_or(1);
        arch.readout.range = Range::Counts(f64::from(most));
        arch.readout.levels = 2 * most as usize + 1;
        let design = machines::design(&network, &arch).expect("as before");
        let analog = design.analog.as_ref().expect("arrays");
        assert_eq!((analog.reference.is_some(), analog.reference_column), (!column, column));
        undriven += usize::from(design.row_enable);
        several += usize::from(design.planes_of_weights() > 1);
        let several_shares = |reference: &Reference| reference.only_share().is_none();
        shares += usize::from(analog.reference.as_ref().is_some_and(several_shares));
        columns += usize::from(column);
        let chip = device::chip(&arch.without_errors(), 0, 1, &design.sites());
        for planes in 1..=design.planes_of_weights() {
            for frame in machines::limited_frames(
                &design,
                Some(&Chip { thresholds: None, ..chip.clone() }),
                planes,
                number,
                2,
            ) {
                machines::compare(&design, &frame)
                    .unwrap_or_else(|problem| panic!("network {number}, {planes} planes: {problem}"));
                compared += 1;
            }
        }
    }
    let seen = [compared, undriven, several, shares, columns];
    assert!(seen.into_iter().zip([100, 5, 10, 2, 10]).all(|(seen, least)| seen > least), "{seen:?}");
}

/// Ranges are found from the raw currents of the channels alone, of layers that meet what the definition gives them: it does
/// not matter what takes the common part away.
#[test]
fn sums_to_calibrate_from_do_not_depend_on_the_reference() {
    let mut rng = ChaCha8Rng::seed_from_u64(4);
    let mut compared = 0;
    for number in 0..40 {
        let limits = Limits {
            layers: 4,
            channels: 12,
            side: 5,
            kernel: 3,
            input_bits: 4,
            planes: 2,
            shortcuts: false,
            states: false,
            branches: false,
            steps: 1,
        };
        let network = random::network(number, &limits);
        let mut arch = machines::random_arch(&mut rng);
        arch.readout.kind = ReadoutKind::Adc;
        (arch.readout.fraction_bits, arch.readout.cell_bits) = (2, 16);
        arch.variation.cell.kind = CellKind::Offset;
        arch.readout.input_drive = DRIVES[number as usize % 2];
        let image = &random::elements(&network, number, 1);
        let sums = [Subtraction::Digital, Subtraction::Column].map(|subtraction| {
            arch.readout.reference = Some(subtraction);
            let design = machines::design(&network, &arch)?;
            let chip = device::chip(&arch.without_errors(), 0, 2, &design.sites());
            Some(machine::column_sums(&design, &chip, image))
        });
        compared += usize::from(sums[0].is_some());
        assert_eq!(sums[0], sums[1], "network {number}");
    }
    assert!(compared > 20, "{compared}");
}

/// Scores in quarters of a count, behind classes with biases of their own, decide as the definition's do.
#[test]
fn scores_of_another_unit_give_the_same_class() {
    let mut compared = 0;
    for number in 0..200 {
        let limits = Limits {
            layers: 3,
            channels: 12,
            side: 4,
            kernel: 3,
            input_bits: 4,
            planes: 1,
            shortcuts: false,
            states: false,
            branches: false,
            steps: 1,
        };
        let mut network = random::network(number, &limits);
        let last = network.layers.last().expect("a layer");
        if last.activation != Activation::Scores || last.output.pixels() > 1 || network.layers.len() < 2 {
            continue;
        }
        let biased = |(class, bias): (usize, &mut f64)| *bias = (class * 7 % 5) as f64 * 1.5;
        network.output.bias.iter_mut().enumerate().for_each(biased);
        let mut arch = machines::arch(32, 4, 4, 4, 0);
        arch.readout.kind = ReadoutKind::Adc;
        arch.readout.range = Range::Counts(32.0);
        arch.readout.levels = 65;
        arch.readout.fraction_bits = 1;
        arch.readout.value_fraction_bits = 2;
        let Some(design) = machines::design(&network, &arch) else { continue };
        let arrays = design.sites().iter().map(|site| ideal(site, 32)).collect();
        let chip = machines::chip(&design, arrays);
        for frame in machines::chip_frames(&design, Some(&chip), number, 2) {
            let expected = reference::run(&network, &frame.image).scores;
            let actual: Vec<i32> = frame.scores.iter().map(|score| *score as i32).collect();
            let quarters: Vec<i32> = expected.iter().map(|score| 4 * score).collect();
            assert_eq!(actual, quarters, "network {number}");
            let class = reference::decide(&network, &expected, Decision::Argmax);
            assert_eq!(
                reference::decide(&design.network, &actual, Decision::Argmax),
                class,
                "network {number}"
            );
            compared += 1;
        }
    }
    assert!(compared > 10, "only {compared}");
}

/// Cells of one count (two units) and edges between all counts of `-rows ..= rows`.
fn ideal(site: &Site, most: i32) -> ArrayDraw {
    let cells: Vec<i16> = (0..site.weights.len()).map(|cell| site.weight(cell) as i16 * 2).collect();
    let edges: Vec<i32> = (-most + 1..=most).map(|count| 2 * count - 1).collect();
    ArrayDraw {
        rows: site.rows,
        columns: site.columns,
        plus: cells.clone(),
        minus: cells,
        offset: vec![0; site.columns],
        edges: (0..site.columns).flat_map(|_| edges.clone()).collect(),
    }
}
