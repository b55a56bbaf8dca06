//! The benches themselves. The co-simulation runs a small design and names every fault that is planted in its Verilog;
//! the Verilog bench runs a player of recorded answers, and names every fault of the player's.

use bincim::cli::verify::{
    self,
    cosim::{self, Plan, Shard, Trace},
    texts::Text,
};
use bincim::design::{self, Design};
use bincim::emit::{self, bench};
use bincim::flow::icarus;
use bincim::network::random::{self, Limits};
use clap::Parser;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::machines;

const IMAGES: usize = 4;
const PLAYER: &str = include_str!("player/bincim_top.v");

/// The verb's arguments alone.
#[derive(clap::Parser)]
struct Line {
    #[command(flatten)]
    verify: verify::Verify,
}

/// A design's folder, and the images whose answers stand in it.
struct Case {
    design: Design,
    images: Vec<Vec<i16>>,
    folder: tempfile::TempDir,
}

/// A design of several layers whose last one gives several scores.
fn small() -> Design {
    let limits = Limits {
        layers: 3,
        channels: 9,
        side: 5,
        kernel: 3,
        input_bits: 3,
        planes: 1,
        shortcuts: false,
        states: false,
        branches: false,
        steps: 1,
    };
    (0..)
        .map(|seed| random::network(seed, &limits))
        .filter(|network| network.layers.len() == 3)
        .find_map(|network| {
            let design = design::build(&network, &machines::arch(16, 4, 4, 4, 8)).ok()?;
            (design.layers[2].scores && design.output.scores > 1).then_some(design)
        })
        .expect("some seed gives such a network")
}

/// The folder of a design; `replace` (file, text, other text) plants a fault in its Verilog.
fn accelerator(replace: Option<(&str, &str, &str)>) -> Case {
    machines::need_both_simulators();
    let design = small();
    let frames = machines::frames(&design, 5, IMAGES);
    let folder = tempfile::tempdir().unwrap();
    let mut rtl: Vec<(String, String)> =
        emit::accelerator(&design, None).into_iter().map(|text| (text.name, text.text)).collect();
    if let Some((file, before, after)) = replace {
        let (_, text) = rtl.iter_mut().find(|(name, _)| name == file).expect("the file exists");
        assert_eq!(text.matches(before).count(), 1, "{file}: {before}");
        *text = text.replace(before, after);
    }
    machines::write_design(folder.path(), &design, rtl, &frames);
    let images = frames.into_iter().map(|frame| frame.image).collect();
    Case { design, images, folder }
}

/// The folder of a design whose accelerator is the player.
fn player(fault: usize) -> Case {
    machines::need_both_simulators();
    let design = small();
    let frames = machines::frames(&design, 5, IMAGES);
    let images: Vec<Vec<i16>> = frames.iter().map(|frame| frame.image.clone()).collect();
    let folder = tempfile::tempdir().unwrap();
    machines::write(
        folder.path(),
        bench::files(&design, &frames).unwrap().into_iter().map(|text| (text.name, text.text)),
    );
    let lines = |name: &str| {
        fs::read_to_string(folder.path().join("verif/vectors").join(name)).unwrap().lines().count() / IMAGES
    };
    let numbers = [
        ("FAULT", fault),
        ("IMAGES", IMAGES),
        ("BEATS", design.input.beats),
        ("IN", design.input.stream_bits),
        ("OUT", design.output.stream_bits),
        ("SCORES", design.output.scores),
        ("LANES", design.lanes),
        ("SUMS", lines("sums.hex")),
        ("SUM", design.widths.accumulator),
        ("BITS", lines("bits.hex")),
        ("LAYERS", design.layers.len()),
        ("INPUT_FRAMES", design.input.frames),
        ("INTERVAL", design.interval() as usize),
    ];
    let mut text = PLAYER.to_string();
    for (name, number) in numbers {
        text = text.replace(&format!("%{name}%"), &number.to_string());
    }
    machines::write(
        folder.path(),
        [("rtl/bincim_top.v".into(), text), ("rtl/files.f".into(), "bincim_top.v\n".into())],
    );

    Case { design, images, folder }
}

fn cosimulate(case: &Case, seed: u64, trace: Trace) -> (cosim::Model, Vec<Shard>) {
    let model = cosim::build(case.folder.path(), &case.design, Text::Shipped, trace, IMAGES, 2).unwrap();
    let plan = Plan { seed, noise_seed: None, resets: 2, jobs: 2, planes: None, whole: false };
    let image = |index: usize| case.images[index].clone();
    let shards = cosim::run(&case.design, &model, &image, 0..IMAGES, &plan, &|_| ()).unwrap();
    (model, shards)
}

/// Exit code and output of the Verilog bench under Icarus.
fn bench_under_icarus(folder: &Path, seed: u64) -> (i32, String) {
    let log = folder.join("log");
    let compiled = folder.join("bench.vvp");
    let rtl = folder.join("rtl");
    let mut files = bincim::flow::folder::file_list(&rtl.join("files.f")).unwrap();
    files.push(PathBuf::from("../verif/bincim_tb.v"));
    icarus::compile(&files, "bincim_tb", icarus::Level::Verilog2005, &rtl, &compiled, &log).unwrap();
    let ran =
        icarus::simulate(&compiled, &[format!("+seed={seed}")], &rtl, &log, Duration::from_secs(60)).unwrap();
    (ran.code, ran.stdout)
}

#[test]
fn a_clean_design_passes_and_every_value_is_seen() {
    let clean = accelerator(None);
    let (_, shards) = cosimulate(&clean, 1, Trace::Off);
    let frame = cosim::frame(
        &clean.design,
        None,
        emit::vectors::Settings::all(&clean.design),
        clean.images[0].clone(),
        0,
    );
    let used: usize = clean
        .design
        .layers
        .iter()
        .zip(&clean.design.network.layers)
        .map(|(layer, of)| of.conv.c * if layer.sum_pixels { 1 } else { layer.vectors })
        .sum();
    for shard in &shards {
        assert_eq!((shard.mismatches, &shard.first), (0, &None), "{shard:?}");
        assert_eq!(shard.layer_cycles, frame.cycles);
        // Every image here is followed by a frame of extreme values.
        assert_eq!(shard.synthetic, shard.images);
        assert!(shard.sums as usize >= 2 * used * shard.images as usize, "{shard:?}");
        assert!(shard.register_reads > 100 && shard.register_writes > 20 && shard.resets >= 2, "{shard:?}");
    }
    assert_eq!(shards.iter().map(|shard| shard.images).sum::<u64>(), IMAGES as u64);
    let (code, output) = bench_under_icarus(clean.folder.path(), 1);
    assert!(code == 0 && output.contains("PASS: 4 images"), "{code} {output}");
    let (code, output) = bench_under_icarus(player(0).folder.path(), 1);
    assert!(code == 0 && output.contains("PASS: 4 images"), "{code} {output}");
}

#[test]
fn every_planted_fault_is_named_by_the_co_simulation() {
    let faults = [
        ("sum", "bincim_row_driver.v", "assign row_o = row_q[", "assign row_o = ~row_q["),
        ("bit", "bincim_write_back.v", "assign bits_o = bit_q;", "assign bits_o = ~bit_q;"),
        ("score", "bincim_score_buffer.v", ".write_data_i(data_i)", ".write_data_i(~data_i)"),
        ("tlast", "bincim_score_buffer.v", "beat_last_q <= frame_done;", "beat_last_q <= 1'b1;"),
        (
            "protocol",
            "bincim_score_buffer.v",
            "if (beat_free) beat_valid_q <= word_valid_q;",
            "beat_valid_q <= word_valid_q;",
        ),
        ("cycles", "bincim_registers.v", ".write_data_i(layer_cycles_i)", ".write_data_i(~layer_cycles_i)"),
        ("register", "bincim_registers.v", "else if (s_axil_bready)", "else"),
    ];
    for (kind, file, before, after) in faults {
        let broken = accelerator(Some((file, before, after)));
        let (_, shards) = cosimulate(&broken, 3, Trace::Off);
        let first = shards.iter().find_map(|shard| shard.first.clone()).expect("a mismatch");
        assert_eq!(first.kind, kind, "{file}: {after}: {first:?}");
        assert_eq!(first.image >= 0, ["sum", "bit", "score", "tlast"].contains(&kind), "{first:?}");
    }
}

#[test]
fn every_fault_of_the_player_is_named_by_the_verilog_bench() {
    let expected = [
        (1, "FAIL image 2 layer"),
        (2, "FAIL image 1 layer 0 group 0 pixel 0"),
        (3, "FAIL image 0 score"),
        (4, "FAIL image 1 score"),
        (5, "a result was offered and changed"),
        (6, "FAIL register 100"),
        (7, "a sum where none is due"),
        (8, "FAIL"),
        (9, "nothing moved"),
        (10, "a frame follows after"),
        (11, "a sum where none is due"),
        (12, "nothing moved"),
        (13, "FAIL register 018: 1, expected 0"),
        (14, "s_axis_tready is low though there is room"),
        (15, "its scores took"),
    ];
    for (fault, said) in expected {
        let (code, output) = bench_under_icarus(player(fault).folder.path(), 3);
        assert!(output.contains(said) && code != 0, "fault {fault}: exit {code}\n{output}");
    }
}

#[test]
fn a_mismatch_comes_with_its_command_and_a_waveform() {
    let broken =
        accelerator(Some(("bincim_row_driver.v", "assign row_o = row_q[", "assign row_o = ~row_q[")));
    let folder = broken.folder.path();
    let junit = folder.join("junit.xml");
    let parse = |images: &str, more: &[&str]| {
        let mut words = vec!["verify", folder.to_str().unwrap(), "--data", "digits", "--images", images];
        // The player has no tree.
        words.extend(["--seed", "5", "--jobs", "1", "--proof", "off", "--junit", junit.to_str().unwrap()]);
        words.extend(more);
        Line::parse_from(words).verify
    };
    let args = parse("4", &["--waves"]);
    let image = |index: usize| broken.images[index].clone();
    let verdict = verify::verify(&args, &broken.design, &image, IMAGES).unwrap();
    let first = verdict.first().expect("the fault is found").clone();
    let (waves, view) = verdict.waves.clone().expect("a waveform was asked for");
    assert!(fs::metadata(&waves).unwrap().len() > 200, "{}", waves.display());
    let text = fs::read_to_string(view).unwrap();
    assert!(text.contains("TOP.cosim_top.sum_valid_o"), "{text}");
    let named = waves.file_name().unwrap().to_str().unwrap();
    assert!(text.contains(&format!("[dumpfile] \"{named}\"")), "{text}");
    assert!(text.contains(&format!("u_accumulator.gen_lane[{}].base", first.lane)), "{text}");
    assert!(text.contains(&format!("*-8.000000 {}", 10 * first.cycle)), "{text}");
    let command = verdict.command.clone().expect("a command");
    let options = "--data digits --split test --images 0..4 --seed 5 --waves";
    assert!(command.contains(options), "{command}");

    // The command finds the same difference; the whole verb says no and leaves its records.
    let args = parse("0..4", &[]);
    let again = verify::verify(&args, &broken.design, &image, IMAGES).unwrap();
    let repeated = again.first().expect("found again");
    assert_eq!(repeated, &first);
    let outcome = verify::run(&args, &broken.design, &image, IMAGES).unwrap();
    assert_eq!(outcome, bincim::cli::Outcome::No);
    let junit = fs::read_to_string(&junit).unwrap();
    assert!(junit.contains("failures=\"1\"") && junit.contains("expected"), "{junit}");
    // Nothing behind the difference was compared, and nobody asked for a proof.
    assert!(
        junit.contains("<skipped message=\"popcount tree simulated only, not proved: --proof off\""),
        "{junit}"
    );
    let record: serde_json::Value =
        serde_json::from_str(&fs::read_to_string(folder.join("verify.json")).unwrap()).unwrap();
    assert_eq!(record["cycles_predicted"], broken.design.cycles);
    assert_eq!(record["first_mismatch"]["layer"], first.layer);
    assert!(record["mismatches"].as_u64() >= Some(1));
    assert!(record["coverage"]["writes of four bytes"].is_u64(), "{record}");
    assert_eq!((&record["passed"], &record["broke_off"]), (&false.into(), &true.into()));
    assert_eq!(record["tree"]["proof"], "not_run");
    assert!(record["images"].as_u64() < record["images_asked"].as_u64(), "{record}");
    assert!(record["interval"].is_null() && record["changed"].is_null(), "{record}");
}
