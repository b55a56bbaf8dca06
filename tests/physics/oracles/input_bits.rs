//! Inputs of several bits: what the error of a first layer's weight is when its bits drive one cell or a cell each.

use super::support::*;
use bincim::arch::{Arch, ArchFile, InputBits, InputDrive, Range, ReadoutKind};
use bincim::design::{self, Design};
use bincim::device::{self, Cell, Gaussian, Physics, Scale};
use bincim::golden::machine;

const TAPS: usize = 6;
const CHANNELS: usize = 16;
/// Standard deviation of a device, in differences of its two states.
const SIGMA: f64 = 0.1;

/// Converters whose step is far below a cell's error.
fn arch(input_bits: InputBits) -> Arch {
    let mut arch = ArchFile::default().with("generic", 64, CHANNELS, 8, 64, 0);
    arch.readout.kind = ReadoutKind::Adc;
    arch.readout.levels = 1024;
    arch.readout.range = Range::Counts(8.0);
    (arch.readout.fraction_bits, arch.readout.cell_bits) = (10, 16);
    arch.readout.value_fraction_bits = 6;
    arch.readout.input_bits = input_bits;
    arch
}

/// Every weight's error on some chips, in counts: a tap at its largest code against the same tap at 0, in sums of the
/// machine, over what that makes of a weight of 1.
fn weight_errors(design: &Design) -> Vec<f64> {
    let physics = Physics {
        gaussian: Gaussian { sigma: SIGMA, of: Scale::Difference },
        // No conductance comes near 0.
        cell: Cell { g_min: 0.5, ..Cell::default() },
        ..Physics::default()
    };
    let analog = design.analog.as_ref().expect("arrays");
    let mut errors = Vec::new();
    for seed in 0..40 {
        let chip = device::chip(&physics, seed, analog.fraction_bits, &design.sites());
        let sums = |tap: usize, code: i16| {
            // Others at codes whose bits differ, so that no converter stands at an end.
            let image: Vec<i16> = (0..TAPS).map(|other| if other == tap { code } else { 85 }).collect();
            machine::run(design, Some(&chip), &image, 0).layers[0].sums.clone()
        };
        for tap in 0..TAPS {
            for (channel, (high, low)) in sums(tap, 255).into_iter().zip(sums(tap, 0)).enumerate() {
                // Each bit turns a drive of -1 to +1; values count in 2^-6.
                let weight = (high - low) as f64 / 64.0 / (2.0 * 255.0);
                errors.push(weight - f64::from(design.network.layers[0].planes[0].value(channel, tap)));
            }
        }
    }
    errors
}

/// O36: cells of independent Gaussian errors. Bit-serial, the error of a weight is that of its cell; with a cell for each of
/// B bits it is that of a mean weighted by 2^j, `sqrt((4^B - 1) / 3) / (2^B - 1)` of it: 0.580 for 8 bits. A `pair` of one-bit
/// cells has the variance 2 sigma^2 of single devices (O2).
#[test]
fn o36_the_error_of_a_weight_whose_bits_share_a_cell_is_the_cells() {
    let cell = 2.0 * SIGMA * SIGMA;
    let ratio: f64 = ((4f64.powi(8) - 1.0) / 3.0).sqrt() / 255.0;
    assert!((ratio - 0.5796).abs() < 1e-4);
    for (input_bits, share) in [(InputBits::Serial, 1.0), (InputBits::SideBySide, ratio)] {
        let design = design::build(&dense_pair(TAPS, CHANNELS), &arch(input_bits)).expect("it fits");
        let errors = weight_errors(&design);
        let measured = (variance(&errors) / cell).sqrt();
        println!("{input_bits:?}: {measured:.4} of a cell's error, {share:.4} expected");
        assert_moments(&format!("{input_bits:?}"), &errors, 0.0, share * share * cell);
    }
}

/// Serial arrays hold a tap a row in one pass; side by side, each bit takes a row. Reads and their values are the same.
#[test]
fn a_row_holds_a_tap_or_one_of_its_bits() {
    let network = dense_pair(TAPS, CHANNELS);
    let rows = |input_bits| {
        let design = design::build(&network, &arch(input_bits)).expect("it fits");
        let readout = design.layers[0].readout.clone().expect("an analog layer");
        assert_eq!((readout.reads, design.planes, design.layers[0].passes), (8, 8, 1));
        let used = design.weight_columns(0, 0).iter().flatten().count();
        (used, design.plane_rows, readout.read_words)
    };
    assert_eq!(rows(InputBits::Serial), (TAPS, 64, 1));
    assert_eq!(rows(InputBits::SideBySide), (8 * TAPS, 8, 1));
}

/// O44: cells of independent Gaussian errors `e` of the variance `v`, the same for both drives. Bits -1 and +1 give the code
/// `u` of a tap the error `e (u - 127.5)`, bits 0 and 1 give it `e u`: a dark picture has none. The variance of a channel's
/// sum is `v` times the sum of the squares over the taps.
#[test]
fn o44_the_error_of_an_input_is_its_code_less_what_drives_a_bit_0() {
    let physics = Physics {
        gaussian: Gaussian { sigma: SIGMA, of: Scale::Difference },
        cell: Cell { g_min: 0.5, ..Cell::default() },
        ..Physics::default()
    };
    let images: [[i16; TAPS]; 3] = [[0; TAPS], [255; TAPS], [3, 250, 17, 128, 90, 1]];
    for drive in [InputDrive::Bipolar, InputDrive::Unipolar] {
        let mut arch = arch(InputBits::Serial);
        arch.readout.input_drive = drive;
        let design = design::build(&dense_pair(TAPS, CHANNELS), &arch).expect("it fits");
        let (slope, middle) = if drive == InputDrive::Bipolar { (2.0, 127.5) } else { (1.0, 0.0) };
        let analog = design.analog.as_ref().expect("arrays");
        for image in images {
            let mut errors = Vec::new();
            for seed in 0..200 {
                let chip = device::chip(&physics, seed, analog.fraction_bits, &design.sites());
                let trace = machine::run(&design, Some(&chip), &image, 0);
                for (channel, &sum) in trace.layers[0].sums.iter().enumerate() {
                    let weight = |tap| f64::from(design.network.layers[0].planes[0].value(channel, tap));
                    let exact = |tap: usize| weight(tap) * (f64::from(image[tap]) - middle);
                    let exact: f64 = (0..TAPS).map(exact).sum();
                    errors.push(sum as f64 / 64.0 / slope - exact);
                }
            }
            let squares: f64 = image.iter().map(|&code| (f64::from(code) - middle).powi(2)).sum();
            let what = format!("{drive:?}, {image:?}");
            if squares == 0.0 {
                // What eight conversions of nothing round to: half a step of the codes and half a unit of their values each.
                let most = 255.0 * (8.0 / 1023.0 + 0.5 / 64.0);
                assert!(errors.iter().all(|error| error.abs() <= most), "{what}");
                continue;
            }
            assert_moments(&what, &errors, 0.0, squares * 2.0 * SIGMA * SIGMA);
        }
    }
}
