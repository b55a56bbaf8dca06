//! The golden models against real networks: published accuracies, traces of every layer, and what a real
//! FPGA printed. Without the shared folder every test is told as not run; `tests/hardware/shipped.rs` has a network that travels
//! with the project.

use crate::support;

use std::path::Path;

use bincim::golden::{packed, reference};
use bincim::network::{Activation, Decision, Network};
use support::{array, lfc_with_scores, network, shared};

/// Number of `images` whose class under `rule` is their label.
fn correct(network: &Network, data: &(Vec<u8>, Vec<u8>), rule: Decision) -> usize {
    let engine = packed::prepare(network);
    let scores = engine.infer(&data.0);
    let classes = scores.chunks(engine.scores_per_image()).map(|s| reference::decide(network, s, rule));
    classes.zip(&data.1).filter(|(class, label)| *class == usize::from(**label)).count()
}

#[test]
fn accuracies_over_all_test_images_are_the_published_ones() {
    let Some(shared) = shared() else { return };
    let mnist = support::mnist(&shared);
    assert_eq!(mnist.1.len(), 10_000);
    let tfc = network(&shared, "tfc_mnist");
    assert_eq!(correct(&tfc, &mnist, Decision::Argmax), 9296);
    let lfc = network(&shared, "lfc_mnist");
    assert_eq!(correct(&lfc, &mnist, Decision::HighestBit), 9840);
    let lfc = lfc_with_scores(lfc);
    assert_eq!(correct(&lfc, &mnist, Decision::HighestBit), 9840);
    assert_eq!(correct(&lfc, &mnist, Decision::Argmax), 9834);
    let cifar = support::cifar(&shared);
    assert_eq!(cifar.1.len(), 10_000);
    assert_eq!(correct(&network(&shared, "cnv_cifar10"), &cifar, Decision::Argmax), 7922);
}

#[test]
fn every_layer_of_the_reference_equals_the_traces() {
    let Some(shared) = shared() else { return };
    for name in ["tfc_mnist", "lfc_mnist", "cnv_cifar10"] {
        trace(&shared, name);
    }
}

fn trace(shared: &Path, name: &str) {
    let network = network(shared, name);
    let models = shared.join("models");
    let images = array(&models.join(format!("{name}_ref1000.npz")), "images_u8").values;
    let size = network.input.shape.elements();
    let file = models.join(format!("{name}_trace8.npz"));
    let traces: Vec<_> = images
        .chunks(size)
        .take(8)
        .map(|image| {
            let elements: Vec<i16> = image.iter().map(|&p| network.input.pixel_values[p as usize]).collect();
            reference::run(&network, &elements)
        })
        .collect();
    for (index, layer) in network.layers.iter().enumerate() {
        let expected = array(&file, &format!("L{index}_acc")).values;
        let found = traces.iter().flat_map(|t| &t.layers[index].accumulators);
        assert!(found.map(|&acc| i64::from(acc)).eq(expected), "{name}: accumulators of layer {index}");
        let Activation::Sign { .. } = layer.activation else { continue };
        if index + 1 == network.layers.len() {
            continue; // the traces stop at the last accumulators
        }
        let bits = array(&file, &format!("L{index}_bit")).values;
        for (trace, bits) in traces.iter().zip(bits.chunks(layer.conv.elements())) {
            let pool = layer.pool.map_or((1, 1), |pool| pool.kernel);
            let (conv, out) = (layer.conv, layer.output);
            for (i, &bit) in trace.layers[index].bits.iter().enumerate() {
                let (c, y, x) = (i / out.pixels(), i / out.w % out.h, i % out.w);
                let window = (0..pool.0).flat_map(|ky| (0..pool.1).map(move |kx| (ky, kx)));
                let mut window =
                    window.map(|(ky, kx)| bits[(c * conv.h + y * pool.0 + ky) * conv.w + x * pool.1 + kx]);
                assert_eq!(bit, window.any(|bit| bit == 1), "{name}: bit {i} of layer {index}");
            }
        }
    }
}

#[test]
fn final_accumulators_of_1000_images_equal_the_record() {
    let Some(shared) = shared() else { return };
    for name in ["tfc_mnist", "lfc_mnist", "cnv_cifar10"] {
        let file = shared.join("models").join(format!("{name}_ref1000.npz"));
        let pixels: Vec<u8> = array(&file, "images_u8").values.iter().map(|&p| p as u8).collect();
        let accumulators = array(&file, "acc").values;
        let network = lfc_with_scores(network(&shared, name));
        for set in packed::InstructionSet::ALL.into_iter().filter(|set| set.available()) {
            let scores = packed::prepare_for(&network, set).infer(&pixels);
            assert!(scores.iter().map(|&s| i64::from(s)).eq(accumulators.iter().copied()), "{name}, {set}");
        }
    }
}

#[test]
fn the_pictures_of_a_real_fpga_give_its_popcounts() {
    let Some(shared) = shared() else { return };
    let file = shared.join("models/cnv_cifar10_hwgolden.npz");
    let network = network(&shared, "cnv_cifar10");
    let elements: Vec<i16> = array(&file, "x_q").values.iter().map(|&q| q as i16).collect();
    let pixels: Vec<u8> = array(&file, "images_u8").values.iter().map(|&p| p as u8).collect();
    let printed = array(&file, "popcount").values;
    let engine = packed::prepare(&network);
    for scores in [engine.infer_elements(&elements), engine.infer(&pixels)] {
        let popcounts: Vec<i64> = scores.iter().map(|&score| (i64::from(score) + 512) / 2).collect();
        assert_eq!(popcounts, printed);
    }
    for (image, scores) in elements.chunks(3072).zip(printed.chunks(10)) {
        let found = reference::run(&network, image).scores;
        assert!(found.iter().map(|&score| (i64::from(score) + 512) / 2).eq(scores.iter().copied()));
    }
}
