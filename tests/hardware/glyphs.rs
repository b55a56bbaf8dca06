//! The glyphs example holds together: generator, file, reader and executor give the recorded integers.

use bincim::golden::reference;
use bincim::lower::lower;
use bincim::network::{Decision, Network, validate};
use bincim::read::{self, glyphs};
use rayon::prelude::*;
use serde_json::Value;
use sha2::{Digest, Sha256};
use std::path::PathBuf;

const PIXELS: usize = glyphs::SIDE * glyphs::SIDE;

fn example(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("examples/glyphs").join(name)
}

fn expected() -> Value {
    let text = std::fs::read_to_string(example("expected.json")).expect("part of the example");
    serde_json::from_str(&text).expect("JSON")
}

fn integers(value: &Value) -> Vec<i64> {
    let list = value.as_array().expect("a list");
    list.iter().map(|entry| entry.as_i64().expect("an integer")).collect()
}

fn network() -> Network {
    let reading = read::reading(&example("glyphs.onnx")).unwrap_or_else(|e| panic!("{e}"));
    assert_eq!(validate(&reading.network), []);
    reading.network
}

fn scores(network: &Network, pixels: &[u8]) -> Vec<i32> {
    let input: Vec<i16> = pixels.iter().map(|&p| network.input.pixel_values[usize::from(p)]).collect();
    reference::run(network, &input).scores
}

fn class(network: &Network, pixels: &[u8]) -> u8 {
    reference::decide(network, &scores(network, pixels), Decision::Argmax) as u8
}

#[test]
fn the_record_belongs_to_the_file() {
    let hash = Sha256::digest(std::fs::read(example("glyphs.onnx")).expect("part of the example"));
    let hash: String = hash.iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(expected()["model_sha256"], hash);
}

#[test]
fn the_file_is_the_network_that_its_page_describes() {
    let network = network();
    assert_eq!(network.layers.len(), 5);
    assert_eq!(network.weight_bits(), 22_800);
    let values: Vec<i16> = (-128..128).collect();
    assert_eq!(network.input.pixel_values, values, "pixel p means p - 128");
}

#[test]
fn sums_equal_those_of_the_qonnx_executor() {
    let expected = expected();
    let seed = expected["data"]["seed"].as_u64().expect("a seed");
    let sums = expected["first_sums"].as_array().expect("a list");
    let (images, labels) = glyphs::dataset(seed, glyphs::Split::Test, sums.len());
    let labels: Vec<i64> = labels.into_iter().map(i64::from).collect();
    assert_eq!(labels, integers(&expected["first_labels"]));
    let predictions = integers(&expected["first_predictions"]);
    for network in [network(), lower(network())] {
        for (index, pixels) in images.chunks_exact(PIXELS).enumerate() {
            let found: Vec<i64> = scores(&network, pixels).into_iter().map(i64::from).collect();
            assert_eq!(found, integers(&sums[index]), "image {index}");
            assert_eq!(i64::from(class(&network, pixels)), predictions[index], "image {index}");
        }
    }
}

#[test]
fn a_thousand_glyphs_are_read_as_recorded() {
    let expected = expected();
    let seed = expected["data"]["seed"].as_u64().expect("a seed");
    let (images, labels) = glyphs::dataset(seed, glyphs::Split::Test, 1000);
    let network = lower(network());
    let right = images
        .par_chunks_exact(PIXELS)
        .zip(&labels)
        .filter(|&(pixels, &label)| class(&network, pixels) == label)
        .count();
    assert_eq!(expected["correct_of_first"]["1000"], right);
}
