//! Offset mappings whose raw current is digitised: what the cells have in common goes through the converter and is taken
//! away behind it.

use super::support::*;
use bincim::arch::{Arch, ArchFile, InputBits, InputDrive, Range, ReadoutKind, Subtraction};
use bincim::design;
use bincim::device::random::{Kind, Stream};
use bincim::device::{self, Cell, CellKind, Die, Drift, Gaussian, Physics, Scale, Wires, draw};
use bincim::golden::machine;
use bincim::variation::{Chip, Converter, Levels, Site, Zero};

const TAPS: usize = 40;
const CHANNELS: usize = 8;

fn offset(g_min: f64) -> Physics {
    Physics { cell: Cell { kind: CellKind::Offset, g_min, ..Cell::default() }, ..Physics::default() }
}

/// O41: a cell that holds its whole current holds `most (1 + g) / (1 - g)` counts more than the same device from which the
/// middle conductance was subtracted, whatever is wrong with it: g the OFF over the ON conductance.
#[test]
fn o41_a_raw_cell_is_the_signal_and_the_middle() {
    let errors = |physics: Physics| Physics {
        gaussian: Gaussian { sigma: 0.05, of: Scale::Gmax },
        drift: Drift { time: 1e4, ..Drift::default() },
        wires: Wires { column: 1e-5, ..Wires::default() },
        ..physics
    };
    for (g_min, most) in [(0.0, 1), (0.0, 3), (0.1, 3), (0.5, 1)] {
        let values: Vec<i16> =
            (0..64 * 8).map(|i| (i * 5 % (2 * most as usize + 1)) as i16 - most as i16).collect();
        let levels = Some(Levels { most, values }).filter(|_| most > 1);
        let common = Site { levels, ..site(64, 8, |c, r| if (c + r) % 3 == 0 { -1 } else { 1 }) };
        let raw = Site { zero: Zero::Current, ..common.clone() };
        let more = f64::from(most) * (1.0 + g_min) / (1.0 - g_min) * 64.0;
        for physics in [offset(g_min), errors(offset(g_min))] {
            let (common, raw) = (draw(&physics, 5, 6, &common), draw(&physics, 5, 6, &raw));
            for (common, raw) in
                common.plus.iter().chain(&common.minus).zip(raw.plus.iter().chain(&raw.minus))
            {
                let off = f64::from(raw - common) - more;
                assert!(off.abs() <= 1.0, "g_min {g_min}, most {most}: {raw} - {common}, expected {more}");
            }
        }
    }
}

fn arch(g_min: f64, input_bits: InputBits, range: Range) -> Arch {
    let rows = if input_bits == InputBits::Serial { 64 } else { 128 };
    let mut arch = ArchFile::default().with("generic", rows, CHANNELS, 8, rows, 0);
    arch.variation = offset(g_min);
    arch.variation.gaussian = Gaussian { sigma: 0.05, of: Scale::Gmax };
    arch.readout.kind = ReadoutKind::Adc;
    (arch.readout.levels, arch.readout.range) = (64, range);
    (arch.readout.fraction_bits, arch.readout.cell_bits) = (6, 12);
    arch.readout.value_fraction_bits = 2;
    arch.readout.input_bits = input_bits;
    arch
}

/// O42: the machine's sums of a drawn chip are those of the equations: each bit plane's raw current, its code on an ideal
/// converter (clipped where the range is too small), less the number of rows at +1 minus those at -1 times the middle
/// conductance or what the last column's code stands for, plane j times 2^j. Bits 0 drive their rows with -1, or leave them alone. The equations here are in real numbers and know nothing of edges, tables and rows.
#[test]
fn o42_sums_behind_a_reference_are_those_of_the_equations() {
    let network = dense_pair(TAPS, CHANNELS);
    let mut clipped = 0;
    let both = [InputDrive::Bipolar, InputDrive::Unipolar];
    let (digital, column) = (Subtraction::Digital, Subtraction::Column);
    for ((g_min, input_bits, range, subtraction), input_drive) in [
        (0.0, InputBits::Serial, Range::Word(bincim::arch::RangeWord::Full), digital),
        (0.1, InputBits::Serial, Range::Counts(12.0), digital),
        (0.1, InputBits::SideBySide, Range::Counts(4.0), digital),
        (0.0, InputBits::SideBySide, Range::Counts(3.0), digital),
        (0.1, InputBits::Serial, Range::Ends(vec![[-9.0, 30.0], [-4.0, 8.0]]), column),
        (0.0, InputBits::SideBySide, Range::Counts(3.0), column),
    ]
    .into_iter()
    .flat_map(|case| both.map(|drive| (case.clone(), drive)))
    {
        let mut arch = arch(g_min, input_bits, range);
        arch.readout.input_drive = input_drive;
        arch.readout.reference = Some(subtraction);
        let design = design::build(&network, &arch).expect("it fits");
        let sites = design.sites();
        let chip: Chip = device::chip(&arch.variation, 11, 6, &sites);
        let image: Vec<i16> = (0..TAPS).map(|tap| ((tap * 37 + 11) % 256) as i16).collect();
        let sums = machine::run(&design, Some(&chip), &image, 0).layers[0].sums.clone();
        let share = (1.0 + g_min) / (1.0 - g_min);
        for (channel, &sum) in sums.iter().enumerate() {
            let mut expected = 0.0;
            for (number, site) in sites.iter().enumerate().filter(|(_, site)| site.layer == 0) {
                let Converter::Uniform { levels, low, step } = site.converter else { panic!("an ADC") };
                if let Range::Ends(ends) = &arch.readout.range {
                    assert_eq!([low, low + 63.0 * step], ends[0], "codes from end to end");
                }
                let columns = design.weight_columns(0, number);
                for plane in 0..8 {
                    let (mut current, mut drive, mut met) = ([0.0; 2], 0.0, vec![0; TAPS]);
                    let array = &chip.arrays[number];
                    let down = if input_drive == InputDrive::Bipolar { 1.0 } else { 0.0 };
                    for (row, tap) in columns.iter().enumerate().filter_map(|(row, tap)| Some((row, (*tap)?)))
                    {
                        // Side by side, the copies of a tap are its planes, in their order.
                        met[tap] += 1;
                        if input_bits == InputBits::SideBySide && met[tap] != plane + 1 {
                            continue;
                        }
                        let up = image[tap] >> plane & 1 == 1;
                        // The channel's column, and the last one.
                        for (current, column) in current.iter_mut().zip([channel, array.columns - 1]) {
                            let at = column * site.rows + row;
                            let (up_cell, down_cell) =
                                (f64::from(array.plus[at]), f64::from(array.minus[at]));
                            *current += if up { up_cell } else { -down * down_cell } / 64.0;
                        }
                        drive += if up { 1.0 } else { -down };
                    }
                    let [value, reference] = current.map(|current| {
                        let place = ((current - low) / step).round_ties_even();
                        let code = place.clamp(0.0, levels as f64 - 1.0);
                        clipped += usize::from(place != code);
                        ((low + code * step) * 4.0).round_ties_even()
                    });
                    let taken = match subtraction {
                        Subtraction::Column => reference,
                        _ => (share * drive * 4.0).round(),
                    };
                    expected += (value - taken) * f64::from(1u32 << plane);
                }
            }
            assert_eq!(sum as f64, expected, "{g_min}, {input_bits:?}, {input_drive:?}, channel {channel}");
        }
    }
    assert!(clipped > 10, "{clipped}");
}

/// O43: with equally many codes over everything that can come, a converter that sees the raw current has steps `2 / (1 - g)`
/// times as wide as one that sees the signal alone, and step^2 / 12 is the variance of what it loses.
#[test]
fn o43_the_offset_costs_the_converter_its_resolution() {
    const ROWS: usize = 576;
    for g_min in [0.0, 0.1] {
        let reach = [ROWS as f64, ROWS as f64 * 2.0 / (1.0 - g_min)];
        for (zero, reach) in [Zero::Common, Zero::Current].into_iter().zip(reach) {
            let (levels, step) = (256, 2.0 * reach / 255.0);
            let converter = Converter::Uniform { levels, low: -reach, step };
            let random = Stream::new(7, 0, 0);
            let sign = |number: usize, row: usize| match random.pair(Kind::Probe, number, row)[0] & 1 {
                0 => -1,
                _ => 1,
            };
            let site = Site { zero, converter, ..site(ROWS, 64, sign) };
            let array = draw(&offset(g_min), 1, 10, &site);
            let share = if zero == Zero::Current { (1.0 + g_min) / (1.0 - g_min) } else { 0.0 };
            let mut lost = Vec::new();
            for probe in 0..300usize {
                let drive: Vec<i8> = (0..ROWS).map(|row| sign(100 + probe, row)).collect();
                let driven: f64 = drive.iter().map(|&drive| f64::from(drive)).sum();
                for column in 0..site.columns {
                    let weights = &site.weights[column * ROWS..][..ROWS];
                    let exact: i32 = weights.iter().zip(&drive).map(|(w, d)| i32::from(w * d)).sum();
                    let code = code(&array, column, voltage(&array, column, &drive));
                    lost.push(-reach + code as f64 * step - share * driven - f64::from(exact));
                }
            }
            // Sums are even numbers, some for each step: the bound is a twentieth.
            let ratio = mean(&lost.iter().map(|lost| lost * lost).collect::<Vec<_>>()) / (step * step / 12.0);
            assert!((ratio - 1.0).abs() < 0.05, "{zero:?}, g_min {g_min}: {ratio} of step^2 / 12");
        }
    }
}

/// O46: a reference column takes away what the columns of a chip have in common, and adds an error of its own to all of them
/// alike. A shift `1 + d` of the die leaves `d` times the signal in a sum, where a counted reference leaves `d R` times the
/// drive as well. Independent errors of a cell's conductance of the variance `v` (in counts) are twice as large in variance
/// with the column, and half of that is the same in all channels: the correlation of two channels is a half.
#[test]
fn o46_a_reference_column_shares_its_errors_and_takes_common_ones() {
    const SIGMA: f64 = 0.02;
    let network = dense_pair(TAPS, CHANNELS);
    let image: Vec<i16> = (0..TAPS).map(|tap| ((tap * 37 + 11) % 256) as i16).collect();
    let drive: f64 = image.iter().map(|&code| f64::from(code)).sum();
    let signal = |channel: usize| -> f64 {
        let plane = &network.layers[0].planes[0];
        image
            .iter()
            .enumerate()
            .map(|(tap, &code)| f64::from(plane.value(channel, tap)) * f64::from(code))
            .sum()
    };
    let errors = |subtraction, physics: &Physics, chips: u64| -> Vec<Vec<f64>> {
        let mut arch = arch(0.5, InputBits::Serial, Range::Ends(vec![[10.0, 130.0], [-16.0, 16.0]]));
        (arch.readout.levels, arch.readout.value_fraction_bits, arch.readout.cell_bits) = (1024, 6, 16);
        (arch.readout.input_drive, arch.readout.reference) = (InputDrive::Unipolar, Some(subtraction));
        let design = design::build(&network, &arch).expect("it fits");
        let of_chip = |seed| {
            let chip = device::chip(physics, seed, 6, &design.sites());
            let sums = machine::run(&design, Some(&chip), &image, 0).layers[0].sums.clone();
            let error = |(channel, sum): (usize, i64)| sum as f64 / 64.0 - signal(channel);
            sums.into_iter().enumerate().map(error).collect()
        };
        (0..chips).map(of_chip).collect()
    };
    // A count of R: 3 with g = 0.5.
    let die = Physics { die: Die { sigma: 0.05 }, ..offset(0.5) };
    let (column, digital) = (errors(Subtraction::Column, &die, 6), errors(Subtraction::Digital, &die, 6));
    for (seed, (column, digital)) in column.iter().zip(&digital).enumerate() {
        let shift = 0.05 * Stream::new(seed as u64, 0, 0).normal(Kind::Die, 0, 0);
        for (channel, (column, digital)) in column.iter().zip(digital).enumerate() {
            // Rounding of cells to 2^-6 counts and of codes to steps of an eighth.
            let rounding = 255.0 * (TAPS as f64 * 0.5 / 64.0 + 0.05);
            let left = shift * signal(channel);
            assert!((column - left).abs() < rounding, "{column}, not {left}");
            assert!(
                (digital - left - 3.0 * shift * drive).abs() < rounding,
                "{digital}, not {left} and more"
            );
        }
    }
    let cells = Physics { gaussian: Gaussian { sigma: SIGMA, of: Scale::Difference }, ..offset(0.5) };
    let squares: f64 = image.iter().map(|&code| f64::from(code).powi(2)).sum();
    // A cell of difference 2 counts between ON and OFF.
    let expected = squares * (2.0 * SIGMA).powi(2);
    for (subtraction, times, correlation) in
        [(Subtraction::Digital, 1.0, 0.0), (Subtraction::Column, 2.0, 0.5)]
    {
        let found = errors(subtraction, &cells, 500);
        let all: Vec<f64> = found.iter().map(|errors| errors[0]).collect();
        assert_moments(&format!("{subtraction:?}"), &all, 0.0, times * expected);
        let products: Vec<f64> = found.iter().map(|errors| errors[0] * errors[1]).collect();
        let of_product = mean(&products) / (times * expected);
        let bound = SIGMAS * ((1.0 + correlation * correlation) / products.len() as f64).sqrt();
        assert!((of_product - correlation).abs() < bound, "{subtraction:?}: {of_product} not {correlation}");
    }
}
