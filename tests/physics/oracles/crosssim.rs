//! A layer with drawn cells in CrossSim: the same conductances and edges give the same codes here, in every read.
//!
//! Source: CrossSim 3.2.0, ResNet14 on CIFAR-10, conv2d_10 (288 taps, 32 channels), 8-bit weights on a balanced pair with
//! independent errors of 5 %, eight-bit inputs bit by bit, unipolar, an 8-bit converter; cells are even numbers of 2^-6
//! counts and edges odd ones, so that no voltage lies on an edge and rounding decides nothing.

use super::support::*;
use crate::machines;
use crate::support::{array, shared};
use bincim::arch::{Arch, ArchFile, InputDrive, Range, ReadoutKind};
use bincim::bits::BitMatrix;
use bincim::design::{self, Design};
use bincim::device;
use bincim::emit;
use bincim::emit::vectors::Settings;
use bincim::golden::analog::{Loaded, Plan as Executor};
use bincim::golden::machine;
use bincim::network::Plane;
use bincim::variation::Chip;
use std::path::Path;

const TAPS: usize = 288;
const CHANNELS: usize = 32;
const WINDOWS: usize = 64;
const PLANES: usize = 8;

/// The layer, its chip and what CrossSim's numbers are.
struct Oracle {
    design: Design,
    chip: Chip,
    /// Codes of the taps, window by window.
    images: Vec<i16>,
    /// Codes of the converters: bit plane, channel, window.
    codes: Vec<i64>,
    /// Sums: channel, window.
    sums: Vec<i64>,
}

/// What the shared folder holds; where it does not, the test ends as one that did not run.
fn given() -> Option<Oracle> {
    let path = shared()?.join("models/others/crosssim_resnet/oracle_conv2d_10_per_bit.npz");
    if !path.is_file() {
        harness::not_run(harness::Lack::File, "CrossSim's layer (oracle_conv2d_10_per_bit.npz)");
        return None;
    }
    Some(oracle(&path))
}

fn oracle(path: &Path) -> Oracle {
    let values = |name: &str| array(path, name).values;
    let [low, step] = ["low_units", "step_counts"].map(|name| values(name)[0]);
    assert_eq!(
        (values("fraction_bits")[0], values("value_fraction_bits")[0], values("most")[0]),
        (6, 6, 127)
    );
    let mut network = dense_pair(TAPS, CHANNELS);
    // Any weights of seven planes: the chip has CrossSim's cells.
    network.layers[0].planes = (0..7)
        .rev()
        .map(|bit| {
            let sign = |channel: usize, tap: usize| (channel * 7 + tap * 5 + bit * 3) % 4 > 1;
            Plane { scale: 1 << bit, ..Plane::binary(BitMatrix::from_fn(CHANNELS, TAPS, sign)) }
        })
        .collect();
    let mut arch: Arch = ArchFile::default().with("generic", TAPS, CHANNELS, CHANNELS, TAPS, 0);
    arch.cell_bits = 8;
    let readout = &mut arch.readout;
    readout.kind = ReadoutKind::Adc;
    readout.input_drive = InputDrive::Unipolar;
    (readout.levels, readout.cell_bits) = (256, 16);
    (readout.fraction_bits, readout.value_fraction_bits) = (6, 6);
    let first = low as f64 / 64.0;
    readout.range = Range::Ends(vec![[first, first + 255.0 * step as f64], [-32.0, 32.0]]);
    (readout.rows_per_cycle, readout.edges_per_cycle) = (48, 51);
    let design = design::build(&network, &arch).expect("it fits");
    let mut chip = device::chip(&arch.without_errors(), 0, 6, &design.sites());
    let cells: Vec<i16> = values("cells").iter().map(|&cell| cell as i16).collect();
    let edges: Vec<i32> = values("edges").iter().map(|&edge| edge as i32).collect();
    assert_eq!((chip.arrays.len(), chip.arrays[0].plus.len(), edges.len()), (2, cells.len(), 255));
    // The edges that this converter has are CrossSim's, up to the tie rule: no voltage is odd.
    let own = &chip.arrays[0].edges[..255];
    assert!(own.iter().zip(&edges).all(|(own, edge)| (own + 1).div_euclid(2) == (edge + 1).div_euclid(2)));
    chip.arrays[0].edges = edges.repeat(CHANNELS);
    // What a row that is never driven with -1 holds there counts nothing.
    (chip.arrays[0].plus, chip.arrays[0].minus) =
        (cells.clone(), cells.iter().map(|cell| cell ^ 0x55).collect());
    let windows = values("windows");
    let images = (0..WINDOWS).flat_map(|window| windows[window..].iter().step_by(WINDOWS));
    let images = images.map(|&code| code as i16).collect();
    Oracle { design, chip, images, codes: values("codes"), sums: values("sums") }
}

/// O45: every code and every sum of the layer.
#[test]
fn o45_codes_and_sums_are_crosssims() {
    let Some(Oracle { design, chip, images, codes, sums }) = given() else { return };
    let values = &design.layers[0].readout.as_ref().expect("arrays").values;
    let idle = values[chip.arrays[0].edges[..255].iter().filter(|&&edge| edge <= 0).count()];
    let of = |image: &[i16]| machine::run(&design, Some(&chip), image, 0).layers[0].sums.clone();
    let (mut other_codes, mut other_sums) = (0, 0);
    for (window, image) in images.chunks(TAPS).enumerate() {
        for (channel, sum) in of(image).into_iter().enumerate() {
            other_sums += usize::from(sum != sums[channel * WINDOWS + window]);
        }
        for plane in 0..PLANES {
            // All other planes drive nothing, and read what nothing reads.
            let only: Vec<i16> = image.iter().map(|code| code & 1 << plane).collect();
            for (channel, sum) in of(&only).into_iter().enumerate() {
                let rest = idle * (255 - (1 << plane));
                let code = codes[(plane * CHANNELS + channel) * WINDOWS + window];
                other_codes += usize::from(sum - rest != values[code as usize] << plane);
            }
        }
    }
    println!("{} codes, {other_codes} differ; {} sums, {other_sums} differ", codes.len(), sums.len());
    assert_eq!((codes.len(), sums.len()), (PLANES * CHANNELS * WINDOWS, CHANNELS * WINDOWS));
    assert_eq!((other_codes, other_sums), (0, 0));
}

/// The executor and the Verilog have the machine's bits and scores of the same layer on the same chip.
#[test]
fn crosssims_layer_in_the_executor_and_in_verilog() {
    machines::need_simulator();
    let Some(Oracle { design, chip, images, .. }) = given() else { return };
    let plan = Executor::new(&design);
    let outcomes = Loaded::new(&plan, &chip).run_from(0, &images, false);
    for (image, outcome) in images.chunks(TAPS).zip(&outcomes) {
        let scores = machine::run(&design, Some(&chip), image, 0).scores;
        assert!(outcome.scores.iter().zip(&scores).all(|(&found, &expected)| i64::from(found) == expected));
    }
    let frame = |image: &[i16]| {
        let planes = design.planes_of_weights();
        let settings = Settings { planes, ..Settings::all(&design) };
        bincim::cli::verify::cosim::frame(&design, Some(&chip), settings, image.to_vec(), 0)
    };
    let frames: Vec<_> = images.chunks(TAPS).take(2).map(frame).collect();
    let folder = tempfile::tempdir().expect("a folder");
    let rtl =
        emit::accelerator(&design, Some(&chip)).into_iter().map(|text| (text.name, text.text)).collect();
    machines::write_design(folder.path(), &design, rtl, &frames);
    let output = machines::simulate(folder.path(), 1).expect("a simulation");
    assert!(output.contains("PASS: 2 images"), "{output}");
}
