//! States, from outside: asked for by an option, told of, kept with a design, and simulated.

use super::*;
use crate::common::residual::{SIDE, normalised};
use std::fs;

#[test]
fn states_are_asked_for_and_kept_with_the_design() {
    let root = tempfile::tempdir().expect("a temporary folder");
    let dir = root.path();
    fs::write(dir.join("net.onnx"), normalised()).expect("writable");
    bincim(dir, &["check", "net.onnx"]).refuses(&["net.onnx", "behind an offset", "--state W,F"]);
    for wrong in ["8", "1,0", "25,4", "8,17", "8,x"] {
        bincim(dir, &["check", "net.onnx", "--state", wrong]).refuses(&["--state", "W from 2 to 24"]);
    }
    let ran = bincim(dir, &["check", "net.onnx", "--state", "9,4", "--json"]).ends(0);
    let view = ran.json(&["layers"]);
    let bits: Vec<_> = view["layers"].as_array().expect("layers").iter().map(|l| &l["state_bits"]).collect();
    assert_eq!(bits, [&Value::from(9), &Value::from(9), &Value::Null]);
    let told = bincim(dir, &["check", "net.onnx", "--state", "9,4"]).ends(0).out;
    assert!(
        told.contains(": a state of 9 bits\n") && told.contains(": a state of 9 bits, to which that of"),
        "{told}"
    );

    let arch = "[readout]\nkind = \"adc\"\n";
    fs::write(dir.join("analog.toml"), arch).expect("writable");
    let words = ["check", "net.onnx", "--state", "9,4", "--arch", "analog.toml"];
    bincim(dir, &words).refuses(&["has a state of 9 bits", "popcount readout"]);

    bincim(dir, &["generate", "net.onnx", "--state", "9,4", "-o", "design"]).ends(0);
    let record = fs::read_to_string(dir.join("design/source/input.toml")).expect("a record");
    assert!(record.contains("state = \"9,4\""), "{record}");
    assert!(dir.join("design/rtl/bincim_scales.hex").is_file());
    let shape = format!("(3, 2, {SIDE}, {SIDE})");
    let array = |name: &str, shape: &str, values: &[u8]| {
        let header = format!("{{'descr': '|u1', 'fortran_order': False, 'shape': {shape}, }}\n");
        let length = (header.len() as u16).to_le_bytes();
        let bytes = [&b"\x93NUMPY\x01\x00"[..], &length, header.as_bytes(), values].concat();
        fs::write(dir.join(name), bytes).expect("writable");
    };
    let pixels: Vec<u8> = (0..3 * 2 * SIDE * SIDE).map(|at| (at * 37 % 251) as u8).collect();
    array("images.npy", &shape, &pixels);
    let infer = |state: &str, more: &[&str]| {
        let words = ["infer", "net.onnx", "--data", "images.npy", "--scores", "scores.csv", "--state", state];
        bincim(dir, &[&words, more].concat()).ends(0)
    };
    assert!(infer("24,4", &[]).out.contains("no state was beyond its bits"));
    assert!(infer("4,4", &[]).out.contains("states beyond 4 bits"));
    let view = infer("4,4", &["--json"]).json(&["states"]);
    let (states, of) =
        (view["states"].as_array().expect("a list"), |one: &Value, key: &str| one[key].as_u64());
    assert_eq!(states.len(), 2);
    for one in states {
        let (values, saturated) = (of(one, "values"), of(one, "saturated"));
        assert_eq!(values, Some((3 * 4 * SIDE * SIDE) as u64));
        assert!(saturated > Some(0) && saturated < values, "{one}");
    }
    // Figures meet images of other sets too, whose states are not those of the images that were asked for.
    array("labels.npy", "(3,)", &[0, 1, 0]);
    let others: Vec<u8> = pixels.iter().map(|&pixel| 255 - pixel).collect();
    array("more_images.npy", &shape, &others);
    array("more_labels.npy", "(3,)", &[1, 1, 0]);
    let fit = ["--metrics", "--temperature", "fit", "--fit-data", "more_images.npy"];
    let judged = infer("4,4", &[&fit[..], &["--ood", "more_images.npy", "--json"]].concat());
    assert_eq!(judged.json(&["metrics"])["states"], view["states"]);
    if !tools::present("a design with states", &[Tool::Verilator]) {
        return;
    }
    let ran = bincim(dir, &["verify", "design", "--data", "images.npy", "--images", "3"]).ends(0);
    assert!(ran.out.contains("PASS"), "{}", ran.out);
}
