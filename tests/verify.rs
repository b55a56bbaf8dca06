//! The benches themselves: a player with recorded answers passes, and every planted fault is named.

use bincim::cli::verify::{
    self,
    cosim::{self, Plan, Shard, Trace},
    texts::Text,
};
use bincim::design::{self, Design};
use bincim::emit::bench;
use bincim::flow::icarus;
use bincim::network::random::{self, Limits};
use clap::Parser;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

mod machines;

const IMAGES: usize = 4;
const PLAYER: &str = include_str!("player/bincim_top.v");

/// The verb's arguments alone.
#[derive(clap::Parser)]
struct Line {
    #[command(flatten)]
    verify: verify::Verify,
}

struct Player {
    design: Design,
    images: Vec<Vec<i16>>,
    folder: tempfile::TempDir,
}

/// The folder of a design whose accelerator is the player.
fn player(fault: usize) -> Player {
    let limits =
        Limits { layers: 3, channels: 9, side: 5, kernel: 3, input_bits: 3, planes: 1, shortcuts: false };
    // A network of several layers whose last one gives several scores.
    let design = (0..)
        .map(|seed| random::network(seed, &limits))
        .filter(|network| network.layers.len() == 3)
        .find_map(|network| {
            let design = design::build(&network, &machines::arch(16, 4, 4, 4, 8)).ok()?;
            (design.layers[2].scores && design.output.scores > 1).then_some(design)
        })
        .expect("some seed gives such a network");
    let frames = machines::frames(&design, 5, IMAGES);
    let images: Vec<Vec<i16>> = frames.iter().map(|frame| frame.image.clone()).collect();
    let folder = tempfile::tempdir().unwrap();
    machines::write(
        folder.path(),
        bench::files(&design, &["bincim_top.v".into()], &frames)
            .unwrap()
            .into_iter()
            .map(|text| (text.name, text.text)),
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

    Player { design, images, folder }
}

fn cosimulate(player: &Player, seed: u64, trace: Trace) -> (cosim::Model, Vec<Shard>) {
    let model = cosim::build(player.folder.path(), &player.design, Text::Shipped, trace, 2).unwrap();
    let plan = Plan { seed, noise_seed: 1, resets: 2, jobs: 2, planes: 1, whole: false };
    let image = |index: usize| player.images[index].clone();
    let shards = cosim::run(&player.design, &model, &image, 0..IMAGES, &plan, &|_| ()).unwrap();
    (model, shards)
}

/// Exit code and output of the Verilog bench under Icarus.
fn bench_under_icarus(folder: &Path, seed: u64) -> (i32, String) {
    let log = folder.join("log");
    let compiled = folder.join("bench.vvp");
    let files = [PathBuf::from("bincim_top.v"), PathBuf::from("../verif/bincim_tb.v")];
    let rtl = folder.join("rtl");
    icarus::compile(&files, "bincim_tb", icarus::Level::Verilog2005, &rtl, &compiled, &log).unwrap();
    let ran =
        icarus::simulate(&compiled, &[format!("+seed={seed}")], &rtl, &log, Duration::from_secs(60)).unwrap();
    (ran.code, ran.stdout)
}

#[test]
fn the_player_passes_and_every_value_is_seen() {
    let player = player(0);
    let (_, shards) = cosimulate(&player, 1, Trace::Off);
    let frame = cosim::frame(&player.design, None, 1, player.images[0].clone(), 0);
    let used: usize = player
        .design
        .layers
        .iter()
        .zip(&player.design.network.layers)
        .map(|(layer, of)| of.conv.c * if layer.sum_pixels { 1 } else { layer.vectors })
        .sum();
    for shard in &shards {
        assert_eq!((shard.mismatches, &shard.first), (0, &None), "{shard:?}");
        assert_eq!(shard.layer_cycles, frame.cycles);
        assert!(shard.sums as usize >= used * shard.images as usize, "{shard:?}");
        assert!(shard.register_reads > 10 && shard.resets == 2, "{shard:?}");
    }
    assert_eq!(shards.iter().map(|shard| shard.images).sum::<u64>(), IMAGES as u64);
    let (code, output) = bench_under_icarus(player.folder.path(), 1);
    assert!(code == 0 && output.contains("PASS: 4 images"), "{code} {output}");
}

#[test]
fn every_planted_fault_is_named_by_both_benches() {
    let expected = [
        (1, "sum", 2, "FAIL image 2 layer"),
        (2, "bit", 1, "FAIL image 1 layer 0 group 0 pixel 0"),
        (3, "score", 0, "FAIL image 0 score"),
        (4, "tlast", 1, "FAIL image 1 score"),
        (5, "protocol", -1, "a result was offered and changed"),
        (6, "cycles", -1, "FAIL register 100"),
        (7, "sum", -1, "a sum where none is due"),
        (8, "count", -1, "FAIL"),
        (9, "hang", -1, "nothing moved"),
    ];
    for (fault, kind, image, said) in expected {
        let player = player(fault);
        let (_, shards) = cosimulate(&player, 3, Trace::Off);
        let first = shards.iter().find_map(|shard| shard.first.clone()).expect("a mismatch");
        assert_eq!(first.kind, kind, "fault {fault}: {first:?}");
        if image >= 0 {
            assert_eq!(first.image, image, "fault {fault}: {first:?}");
        }
        let (code, output) = bench_under_icarus(player.folder.path(), 3);
        assert!(output.contains(said) && code != 0, "fault {fault}: exit {code}\n{output}");
    }
}

#[test]
fn the_verilog_bench_names_what_is_slow_or_takes_no_notice() {
    let expected = [
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
    let player = player(1);
    let folder = player.folder.path();
    let junit = folder.join("junit.xml");
    let parse = |images: &str, more: &[&str]| {
        let mut words = vec!["verify", folder.to_str().unwrap(), "--data", "digits", "--images", images];
        // The player has no tree.
        words.extend(["--seed", "5", "--jobs", "1", "--proof", "off", "--junit", junit.to_str().unwrap()]);
        words.extend(more);
        Line::parse_from(words).verify
    };
    let args = parse("4", &["--waves"]);
    let image = |index: usize| player.images[index].clone();
    let verdict = verify::verify(&args, &player.design, &image, IMAGES).unwrap();
    let first = verdict.first().expect("fault 1 is found").clone();
    let (waves, view) = verdict.waves.clone().expect("a waveform was asked for");
    assert!(fs::metadata(&waves).unwrap().len() > 200, "{}", waves.display());
    let text = fs::read_to_string(view).unwrap();
    assert!(text.contains("TOP.cosim_top.sum_valid_o"), "{text}");
    let named = waves.file_name().unwrap().to_str().unwrap();
    assert!(text.contains(&format!("[dumpfile] \"{named}\"")), "{text}");
    assert!(text.contains(&format!("u_accumulator.gen_lane[{}].base", first.lane)), "{text}");
    assert!(text.contains(&format!("*-8.000000 {}", 10 * first.cycle)), "{text}");
    let command = verdict.command.clone().expect("a command");
    let end = if first.phase == "stream" { 3 } else { IMAGES };
    let options = format!("--data digits --split test --images 0..{end} --seed 5 --waves");
    assert!(command.contains(&options), "{command}");

    // The command finds the same difference; the whole verb says no and leaves its records.
    let args = parse(&format!("0..{end}"), &[]);
    let again = verify::verify(&args, &player.design, &image, IMAGES).unwrap();
    let repeated = again.first().expect("found again");
    assert_eq!(
        (&repeated.kind, repeated.image, repeated.lane, repeated.row, repeated.column),
        (&first.kind, first.image, first.lane, first.row, first.column)
    );
    let outcome = verify::run(&args, &player.design, &image, IMAGES).unwrap();
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
    assert_eq!(record["cycles_predicted"], player.design.cycles);
    assert_eq!(record["first_mismatch"]["layer"], first.layer);
    assert!(record["mismatches"].as_u64() >= Some(1));
    assert_eq!((&record["passed"], &record["broke_off"]), (&false.into(), &true.into()));
    assert_eq!(record["tree"]["proof"], "not_run");
    assert!(record["images"].as_u64() < record["images_asked"].as_u64(), "{record}");
    assert!(record["interval"].is_null() && record["changed"].is_null(), "{record}");
}
