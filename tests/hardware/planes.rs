//! Planes of weights through the program: a network with a support and one of two-bit weights and activations are
//! checked, classified, generated and verified with every number of planes.

use crate::common::tools;

use crate::common::graph::{Graph, Value};
use serde_json::Value as Json;
use std::path::Path;
use std::process::Command;

/// Pixels of a glyph.
const PIXELS: usize = 256;

fn values(count: usize, seed: u32) -> Vec<f64> {
    let mut state = seed;
    let mut next = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        f64::from(state >> 8) / f64::from(1u32 << 23) - 1.0
    };
    (0..count).map(|_| next()).collect()
}

/// A hidden layer with a support of some ratio, of which every fifth channel is left out.
fn supported(ratio: f64) -> Vec<u8> {
    let mut g = Graph::new(&[1, PIXELS as i64]);
    let bits = g.sign("x");
    let (hidden, classes) = (40, 10);
    let base = g.floats(&[PIXELS, hidden], &values(PIXELS * hidden, 1));
    let support = g.floats(&[PIXELS, hidden], &values(PIXELS * hidden, 2));
    let (one, ratio) = (g.scalar(1.0), g.scalar(ratio));
    let base = g.custom("BipolarQuant", &[&base, &one], &[]);
    let support = g.custom("BipolarQuant", &[&support, &ratio], &[]);
    let kept: Vec<f64> = (0..hidden).map(|c| f64::from(u8::from(c % 5 != 0))).collect();
    let kept = g.floats(&[1, hidden], &kept);
    let support = g.node("Mul", &[&support, &kept], &[]);
    let weights = g.node("Add", &[&base, &support], &[]);
    let sums = g.node("MatMul", &[&bits, &weights], &[]);
    let bits = g.sign(&sums);
    let last = values(hidden * classes, 3).iter().map(|v| v.signum()).collect::<Vec<f64>>();
    let last = g.floats(&[hidden, classes], &last);
    let scores = g.node("MatMul", &[&bits, &last], &[]);
    g.bytes(&scores)
}

/// Weights and activations of two bits without the lowest level.
fn two_bits() -> Vec<u8> {
    let mut g = Graph::new(&[1, PIXELS as i64]);
    let narrow = [("signed", Value::Int(1)), ("narrow", Value::Int(1))];
    let quant = |g: &mut Graph, x: &str, scale: f64| {
        let constants = [g.scalar(scale), g.scalar(0.0), g.scalar(2.0)];
        g.custom("Quant", &[x, &constants[0], &constants[1], &constants[2]], &narrow)
    };
    let mut map = quant(&mut g, "x", 1.0);
    let mut inputs = PIXELS;
    for (layer, outputs) in [24, 10].into_iter().enumerate() {
        let weights = g.floats(&[inputs, outputs], &values(inputs * outputs, 7 + layer as u32));
        let weights = quant(&mut g, &weights, 0.5);
        map = g.node("MatMul", &[&map, &weights], &[]);
        if layer == 0 {
            map = quant(&mut g, &map, 4.0);
        }
        inputs = outputs;
    }
    g.bytes(&map)
}

/// Runs the program; what it prints.
#[expect(clippy::disallowed_methods, reason = "the program itself is under test")]
fn bincim(dir: &Path, words: &[&str], code: i32) -> String {
    let run = Command::new(env!("CARGO_BIN_EXE_bincim")).args(words).current_dir(dir).output();
    let run = run.expect("the program starts");
    let said = String::from_utf8_lossy(&run.stderr).into_owned();
    assert_eq!(run.status.code(), Some(code), "{words:?}\n{said}");
    String::from_utf8(if code == 2 { run.stderr } else { run.stdout }).expect("text")
}

fn json(dir: &Path, words: &[&str]) -> Json {
    serde_json::from_str(&bincim(dir, words, 0)).expect("one JSON object")
}

/// Converters that resolve every count: an ideal chip gives what the definition gives.
const ANALOG: &str = "[readout]\nkind = \"adc\"\nlevels = 129\nrange = 64.0\nfraction_bits = 1\ncell_bits = 4\n\
                      rows_per_cycle = 16\nedges_per_cycle = 43\n";

fn course(model: &[u8], scales: &[i64], readout: &str) {
    let root = tempfile::tempdir().expect("a temporary folder");
    let dir = root.path();
    std::fs::write(dir.join("net.onnx"), model).expect("writable");
    let text = "[array]\nrows = 64\ncolumns = 8\n[activation]\nword = 8\n[weights]\nrows_per_cycle = 16\n";
    std::fs::write(dir.join("arch.toml"), format!("{text}{readout}")).expect("writable");
    bincim(dir, &["glyphs", "--split", "test", "--count", "12", "-o", "data"], 0);
    let checked = json(dir, &["check", "net.onnx", "--arch", "arch.toml", "--json"]);
    assert_eq!(checked["layers"][0]["planes"], serde_json::json!(scales));
    let cycles: Vec<u64> = serde_json::from_value(checked["plane_cycles"].clone()).expect("numbers");
    assert_eq!(cycles.len(), scales.len());
    let without = json(dir, &["check", "net.onnx", "--arch", "arch.toml", "--json"]);
    assert_eq!(without["layers"][0]["planes_run"], scales.len());
    assert!(cycles.windows(2).all(|pair| pair[0] < pair[1]), "{cycles:?}");
    assert!(
        bincim(dir, &["check", "net.onnx", "--arch", "arch.toml"], 0).contains("planes of weights of scale")
    );
    let most = (scales.len() + 1).to_string();
    let data = ["--data", "data"];
    let refused = bincim(dir, &[&["infer", "net.onnx", "--planes", &most][..], &data].concat(), 2);
    assert!(refused.contains(&format!("--planes {most}")), "{refused}");
    for planes in 1..=scales.len() {
        let planes = planes.to_string();
        let words = ["infer", "net.onnx", "--json", "--planes", &planes];
        let packed = json(dir, &[&words[..], &data].concat());
        let machine = json(dir, &[&words[..], &data, &["--arch", "arch.toml"]].concat());
        assert_eq!(packed["correct"], machine["correct"]);
        if readout.is_empty() {
            continue;
        }
        let words =
            ["vary", "net.onnx", "--arch", "arch.toml", "--chips", "2", "--json", "--planes", &planes];
        let varied = json(dir, &[&words[..], &data].concat());
        assert_eq!(varied["accuracy_mean"], machine["accuracy"]);
    }
    bincim(dir, &["generate", "net.onnx", "--arch", "arch.toml", "-o", "d"], 0);
    if !tools::present("verify", &[bincim::flow::Tool::Verilator]) {
        return;
    }
    for (index, cycles) in cycles.iter().enumerate() {
        let planes = (index + 1).to_string();
        let words = ["verify", "d", "--images", "4", "--json", "--planes", &planes];
        let verified = json(dir, &[&words[..], &data].concat());
        assert_eq!(verified["mismatches"], 0);
        assert_eq!(verified["cycles_predicted"].as_u64(), Some(*cycles));
        assert_eq!(verified["cycles_measured"].as_u64(), Some(*cycles));
    }
}

#[test]
fn a_support_runs_or_is_left_out() {
    course(&supported(0.25), &[4, 1], "");
}

#[test]
fn two_bit_weights_and_activations_run() {
    course(&two_bits(), &[1, 1], "");
}

#[test]
fn a_support_of_three_quarters_runs_or_is_left_out() {
    course(&supported(0.75), &[4, 3], "");
}

#[test]
fn supports_lie_in_analog_arrays() {
    course(&supported(0.25), &[4, 1], ANALOG);
    course(&supported(0.6), &[5, 3], &format!("{ANALOG}plane_drive = \"scaled\"\n"));
}

#[test]
fn two_bit_weights_lie_in_analog_arrays() {
    course(&two_bits(), &[1, 1], ANALOG);
}

/// `planes.layers` builds fewer planes: the same results as running fewer, and no more to run.
#[test]
fn planes_that_are_not_asked_for_are_not_built() {
    let root = tempfile::tempdir().expect("a temporary folder");
    let dir = root.path();
    std::fs::write(dir.join("net.onnx"), supported(0.25)).expect("writable");
    bincim(dir, &["glyphs", "--split", "test", "--count", "40", "-o", "data"], 0);
    for (name, readout) in [("popcount", ""), ("analog", ANALOG)] {
        let text = "[array]\nrows = 64\ncolumns = 8\n[activation]\nword = 8\n";
        let (all, few) = (format!("{name}.toml"), format!("{name}-few.toml"));
        std::fs::write(dir.join(&all), format!("{text}{readout}")).expect("writable");
        std::fs::write(dir.join(&few), format!("{text}{readout}[planes]\nlayers = [1, 1]\n"))
            .expect("writable");
        let words = ["infer", "net.onnx", "--data", "data", "--json", "--arch"];
        let one = json(dir, &[&words[..], &[&all, "--planes", "1"]].concat());
        let built = json(dir, &[&words[..], &[&few]].concat());
        assert_eq!(one["correct"], built["correct"], "{name}");
        let check = |arch: &str| json(dir, &["check", "net.onnx", "--arch", arch, "--json"]);
        let (all, built) = (check(&all), check(&few));
        assert_eq!(built["plane_cycles"].as_array().map(Vec::len), Some(1));
        assert_eq!(built["layers"][0]["planes_run"], 1);
        if name == "analog" {
            assert_eq!(all["plane_cycles"][0], built["cycles"]);
        }
        let said = bincim(dir, &["check", "net.onnx", "--arch", &few], 0);
        assert!(said.contains("only the first 1 built (planes.layers)"), "{said}");
        let refused = bincim(dir, &[&words[..], &[&few, "--planes", "2"]].concat(), 2);
        assert!(refused.contains("--planes 2"), "{refused}");
    }
    for (layers, said) in [
        ("[1]", "planes.layers has 1 numbers, the network 2 layers"),
        ("[3, 1]", "planes.layers asks for 3 planes of weights in layer"),
        ("[0, 1]", "planes.layers = 0"),
    ] {
        std::fs::write(dir.join("bad.toml"), format!("[planes]\nlayers = {layers}\n")).expect("writable");
        let refused = bincim(dir, &["check", "net.onnx", "--arch", "bad.toml"], 2);
        assert!(refused.contains(said), "{refused}");
    }
}

/// Slices of weights in cells of several levels, and columns that take turns at a converter, give what the definition
/// gives where converters resolve every count; and what cannot be is refused by its key.
#[test]
fn weights_lie_in_slices_and_columns_share_converters() {
    let root = tempfile::tempdir().expect("a temporary folder");
    let dir = root.path();
    std::fs::write(dir.join("net.onnx"), supported(0.25)).expect("writable");
    bincim(dir, &["glyphs", "--split", "test", "--count", "40", "-o", "data"], 0);
    let words = ["infer", "net.onnx", "--data", "data", "--json"];
    let expected = json(dir, &words)["correct"].clone();
    let readout = "[readout]\nkind = \"adc\"\nlevels = 641\nrange = 320.0\nfraction_bits = 1\n";
    let slices = |bits: usize, rest: &str| {
        format!(
            "[array]\nrows = 64\ncolumns = 8\nweight_bits_per_cell = {bits}\n{rest}[activation]\nword = 8\n{readout}"
        )
    };
    let offset = "weight_slices = \"offset\"\nlanes = 2\n";
    for (rest, shown) in [
        ("lanes = 4\n", "in cells of several levels, -7 to 7 of scale 1"),
        (offset, "in cells of several levels, -5 to 5 of scale 1"),
    ] {
        std::fs::write(dir.join("arch.toml"), slices(3, rest)).expect("writable");
        let infer = json(dir, &[&words[..], &["--arch", "arch.toml"]].concat());
        assert_eq!(infer["correct"], expected, "{rest}");
        let said = bincim(dir, &["check", "net.onnx", "--arch", "arch.toml"], 0);
        assert!(said.contains(shown), "{said}");
    }
    let popcount = |rest: &str| format!("[array]\nrows = 64\ncolumns = 8\n{rest}");
    for (text, said) in [
        (slices(9, ""), "array.weight_bits_per_cell = 9: outside 1 to 8"),
        (
            popcount("weight_bits_per_cell = 2\n"),
            "the cells that a popcount reads, or that are drawn, hold one bit",
        ),
        (
            popcount("lanes = 4\n"),
            "array.lanes = 4: differs from array.columns = 8; a popcount is the column itself",
        ),
        (slices(2, "lanes = 3\n"), "array.lanes = 3: does not divide array.columns = 8"),
        (slices(3, "") + "cell_bits = 3\n", "readout.cell_bits = 3: the cells of layer"),
        (
            slices(2, "") + "[variation.cell]\nkind = \"xnor\"\n",
            "variation.cell.kind = xnor: such a cell stores one bit",
        ),
    ] {
        std::fs::write(dir.join("bad.toml"), text).expect("writable");
        let refused = bincim(dir, &["check", "net.onnx", "--arch", "bad.toml"], 2);
        let flat = refused.split_whitespace().filter(|word| *word != "│").collect::<Vec<_>>().join(" ");
        assert!(flat.contains(said), "{said}\n{refused}");
    }
}
