//! Real networks and data sets for tests and benches, read from the shared folder where there is one.
//!
//! The networks come as plain arrays (`NAME.npz` with `NAME.json`), so nothing here depends on the readers
//! of the package.

#![allow(dead_code, reason = "each test and bench uses its own part of this file")]

use std::io::Read;
use std::path::{Path, PathBuf};

use bincim::bits::BitMatrix;
use bincim::network::*;
use harness::Lack;
use npyz::npz::NpzArchive;
use serde_json::Value;

/// The folder with `models/` and `data/`: `$BINCIM_SHARED`, else `../shared` beside the repository.
/// Where there is none, the test ends as one that did not run.
pub fn shared() -> Option<PathBuf> {
    let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared");
    let named = std::env::var_os("BINCIM_SHARED").map(PathBuf::from);
    let found = named.into_iter().chain([beside]).find(|folder| folder.join("models").is_dir());
    if found.is_none() {
        harness::not_run(
            Lack::File,
            "real networks (BINCIM_SHARED may name a folder with models/ and data/)",
        );
    }
    found
}

/// One array of an npz file: its shape and its values in C order.
pub struct Array {
    pub shape: Vec<usize>,
    pub values: Vec<i64>,
}

/// The array `name` of the npz file `path`.
pub fn array(path: &Path, name: &str) -> Array {
    let mut archive = NpzArchive::open(path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    let file = archive.by_name(name).unwrap_or_else(|e| panic!("{}: {name}: {e}", path.display()));
    let file = file.unwrap_or_else(|| panic!("{}: no array {name}", path.display()));
    let shape: Vec<usize> = file.shape().iter().map(|&n| n as usize).collect();
    let fortran = file.order() == npyz::Order::Fortran;
    let values: Vec<i64> = match file.dtype().descr().trim_matches('\'') {
        "|i1" => file.into_vec::<i8>().expect(name).into_iter().map(i64::from).collect(),
        "|u1" => file.into_vec::<u8>().expect(name).into_iter().map(i64::from).collect(),
        "<i2" => file.into_vec::<i16>().expect(name).into_iter().map(i64::from).collect(),
        "<i4" => file.into_vec::<i32>().expect(name).into_iter().map(i64::from).collect(),
        "<i8" => file.into_vec::<i64>().expect(name),
        other => panic!("{}: {name} has type {other}", path.display()),
    };
    let values = if fortran { c_order(&shape, &values) } else { values };
    Array { shape, values }
}

/// Values in C order of an array given in Fortran order.
fn c_order(shape: &[usize], values: &[i64]) -> Vec<i64> {
    let at = |mut flat: usize| {
        let mut index = vec![0; shape.len()];
        for (i, &n) in shape.iter().enumerate().rev() {
            (index[i], flat) = (flat % n, flat / n);
        }
        index.iter().zip(shape).rev().fold(0, |flat, (i, n)| flat * n + i)
    };
    (0..values.len()).map(|flat| values[at(flat)]).collect()
}

/// The network `name` from its plain arrays.
pub fn network(shared: &Path, name: &str) -> Network {
    let models = shared.join("models");
    let text = std::fs::read_to_string(models.join(format!("{name}.json"))).expect("the description");
    let description: Value = serde_json::from_str(&text).expect("a JSON description");
    let arrays = models.join(format!("{name}.npz"));
    let number = |value: &Value| value.as_u64().expect("a number") as usize;
    let numbers = |value: &Value| value.as_array().map(|list| list.iter().map(number).collect::<Vec<_>>());
    let shape = |value: &Value| match numbers(value).as_deref() {
        Some(&[c]) => Shape::vector(c),
        Some(&[c, h, w]) => Shape { c, h, w },
        other => panic!("shape {other:?}"),
    };
    let mut layers = Vec::new();
    for (index, layer) in description["layers"].as_array().expect("layers").iter().enumerate() {
        let weights = array(&arrays, &format!("L{index}_w"));
        let input = shape(&layer["in_shape"]);
        let (kernel, op) = match weights.shape[..] {
            [_, _, kh, kw] => ((kh, kw), "conv"),
            _ => ((1, 1), "dense"),
        };
        let (out, area) = (weights.shape[0], kernel.0 * kernel.1);
        // (out, in, row, column) becomes (out, row, column, in).
        let bit = |o: usize, column: usize| {
            weights.values[(o * input.c + column % input.c) * area + column / input.c] > 0
        };
        let threshold = layer["threshold"].is_object().then(|| array(&arrays, &format!("L{index}_T")).values);
        let conv = shape(&layer["acc_shape"]);
        let pool = numbers(&layer["pool"]["size"]).map(|size| Pool {
            kernel: (size[0], size[1]),
            stride: (size[0], size[1]),
            before_sign: false,
        });
        let pooled = |n: usize, size: usize| n / size;
        layers.push(Layer {
            name: format!("L{index}").into(),
            op,
            reads: Reads::before(index),
            input,
            kernel,
            stride: (1, 1),
            padding: Padding::NONE,
            planes: vec![Plane::binary(BitMatrix::from_fn(out, input.c * area, bit))],
            conv,
            sum_pixels: false,
            pool,
            requant: None,
            shortcut: Shortcut::NONE,
            flips: None,
            fewer: Vec::new(),
            activation: match threshold {
                None => Activation::Scores,
                Some(threshold) => Activation::Sign {
                    threshold: threshold.iter().map(|&t| t as i32).collect(),
                    flip: vec![false; out],
                },
            },
            output: match pool {
                None => conv,
                Some(p) => Shape { c: out, h: pooled(conv.h, p.kernel.0), w: pooled(conv.w, p.kernel.1) },
            },
        });
    }
    let cifar = name.starts_with("cnv");
    let classes = layers.last().expect("a layer").output.c;
    let network = Network {
        name: name.into(),
        input: Input {
            name: "in".into(),
            shape: shape(&description["input"]["shape"]),
            code: if cifar { InputCode::Signed { bits: 8 } } else { InputCode::Bipolar },
            pixel_values: (0..256)
                .map(|p| match (cifar, p < 128) {
                    (true, true) => p - 128,
                    (true, false) => (p - 127).min(127),
                    (false, true) => -1,
                    (false, false) => 1,
                })
                .collect(),
            pixel_rule: "BNN-PYNQ".into(),
        },
        layers,
        output: Output {
            name: "out".into(),
            decision: if name.starts_with("lfc") { Decision::HighestBit } else { Decision::Argmax },
            scale: vec![1.0; classes],
            bias: vec![0.0; classes],
            top_k: None,
        },
    };
    assert_eq!(validate(&network), []);
    network
}

/// LFC as its graph has it: raw scores, and the last thresholds as biases, `acc - (T - 1)`.
pub fn lfc_with_scores(mut network: Network) -> Network {
    let last = network.layers.last_mut().expect("a layer");
    if let Activation::Sign { threshold, .. } = std::mem::replace(&mut last.activation, Activation::Scores) {
        network.output.bias = threshold.iter().map(|&t| f64::from(1 - t)).collect();
    }
    network
}

/// The MNIST test set: 28x28 pixels an image, and labels.
pub fn mnist(shared: &Path) -> (Vec<u8>, Vec<u8>) {
    let read = |name: &str, head: usize| {
        let file = std::fs::File::open(shared.join("data/mnist").join(name)).expect(name);
        let mut bytes = Vec::new();
        flate2::read::GzDecoder::new(file).read_to_end(&mut bytes).expect(name);
        bytes.split_off(head)
    };
    (read("t10k-images-idx3-ubyte.gz", 16), read("t10k-labels-idx1-ubyte.gz", 8))
}

/// The CIFAR-10 test set: 3x32x32 pixels an image, and labels.
pub fn cifar(shared: &Path) -> (Vec<u8>, Vec<u8>) {
    let file = std::fs::File::open(shared.join("data/cifar10/test_batch.bin.zst")).expect("the test batch");
    let mut bytes = Vec::new();
    let mut reader = ruzstd::decoding::StreamingDecoder::new(file).expect("a zstd stream");
    reader.read_to_end(&mut bytes).expect("the test batch");
    let records = bytes.chunks_exact(1 + 3072);
    (records.clone().flat_map(|r| r[1..].to_vec()).collect(), records.map(|r| r[0]).collect())
}
