//! Residual sums: graphs whose sums bypass layers give the scores that the graph gives in floating point, and those that
//! the network has no place for are refused. All constants are dyadic, so both sides are exact.

use crate::common::graph::Value;
use crate::common::residual::{Maker, SIDE};
use bincim::network::Network;
use bincim::read::{self, Error};
use rand::Rng;

/// What each layer adds and keeps, and its scale.
fn shortcuts(network: &Network) -> Vec<(bool, bool, i32)> {
    let of =
        |layer: &bincim::network::Layer| (layer.shortcut.adds, layer.shortcut.keeps, layer.planes[0].scale);
    network.layers.iter().map(of).collect()
}

#[test]
fn sums_of_a_whole_multiple_are_added_as_integers() {
    for seed in 0..20 {
        let mut m = Maker::new(seed);
        let codes = m.codes();
        let v0 = m.conv(&codes, 2, 4);
        let b0 = m.bits(&v0, 4, 2.0);
        let v1 = m.added(&b0, 4, 0.125, &v0);
        let b1 = m.bits(&v1, 4, 2.0);
        let v2 = m.added(&b1, 4, 0.125, &v1);
        let b2 = m.bits(&v2, 4, 2.0);
        let out = m.classes(&b2, 4, SIDE);
        let network = m.network(&out);
        let expected = [(false, true, 1), (true, true, 16), (true, false, 16), (false, false, 1)];
        assert_eq!(shortcuts(&network), expected);
    }
}

#[test]
fn a_block_may_have_layers_between() {
    for seed in 20..40 {
        let mut m = Maker::new(seed);
        let codes = m.codes();
        let v0 = m.conv(&codes, 2, 3);
        let b0 = m.bits(&v0, 3, 2.0);
        let middle = m.conv(&b0, 3, 5);
        let between = m.bits(&middle, 5, 8.0);
        let sums = m.conv(&between, 5, 3);
        // A negative scale turns the weights of the layer that adds.
        let scaled = m.times(&sums, -1.0 / 64.0);
        let v1 = m.graph.node("Add", &[&scaled, &v0], &[]);
        let b1 = m.bits(&v1, 3, 2.0);
        let out = m.classes(&b1, 3, SIDE);
        let network = m.network(&out);
        let expected = [(false, true, 1), (false, false, 1), (true, false, 2), (false, false, 1)];
        assert_eq!(shortcuts(&network), expected);
    }
}

#[test]
fn pooled_sums_are_kept() {
    for seed in 40..60 {
        let mut m = Maker::new(seed);
        let codes = m.codes();
        let stem = m.conv(&codes, 2, 4);
        let scaled = m.times(&stem, 4.0);
        let v0 = m.pool(&scaled);
        let b0 = m.bits(&v0, 4, 8.0);
        let v1 = m.added(&b0, 4, 1.0, &v0);
        let b1 = m.bits(&v1, 4, 8.0);
        let mean = m.graph.node("GlobalAveragePool", &[&b1], &[]);
        let three_quarters = m.times(&mean, 9.0);
        let out = m.classes(&three_quarters, 4, 1);
        let network = m.network(&out);
        assert_eq!(shortcuts(&network)[..2], [(false, true, 1), (true, false, 32)]);
        assert!(network.layers[0].pool.unwrap().before_sign);
    }
}

#[test]
fn finer_sums_scale_all_that_they_are_added_to() {
    for seed in 60..80 {
        let mut m = Maker::new(seed);
        let codes = m.codes();
        let v0 = m.conv(&codes, 2, 4);
        let b0 = m.bits(&v0, 4, 2.0);
        let v1 = m.added(&b0, 4, 1.0 / 512.0, &v0);
        let b1 = m.bits(&v1, 4, 2.0);
        // The sums kept first are added twice, now that they count 4 times as much; and again, finer.
        let v2 = m.added(&b1, 4, 3.0 / 512.0, &v0);
        let b2 = m.bits(&v2, 4, 2.0);
        let v3 = m.added(&b2, 4, 1.0 / 1024.0, &v2);
        let b3 = m.bits(&v3, 4, 2.0);
        let v4 = m.added(&b3, 4, 1.0 / 128.0, &v3);
        let b4 = m.bits(&v4, 4, 2.0);
        let out = m.classes(&b4, 4, SIDE);
        let network = m.network(&out);
        let expected =
            [(false, true, 8), (true, false, 2), (true, true, 6), (true, true, 1), (true, false, 8)];
        assert_eq!(shortcuts(&network)[..5], expected);
    }
}

#[test]
fn scales_of_channels_may_differ_where_their_ratio_does_not() {
    let mut m = Maker::new(80);
    let per_channel = m.graph.floats(&[3, 1, 1], &[0.5, 2.0, 0.25]);
    let eighth = m.graph.scalar(0.125);
    let codes = m.codes();
    let stem = m.conv(&codes, 2, 3);
    let v0 = m.graph.node("Mul", &[&stem, &per_channel], &[]);
    let b0 = m.bits(&v0, 3, 2.0);
    let sums = m.conv(&b0, 3, 3);
    let scaled = m.graph.node("Mul", &[&sums, &per_channel], &[]);
    let smaller = m.graph.node("Mul", &[&eighth, &scaled], &[]);
    let v1 = m.graph.node("Add", &[&v0, &smaller], &[]);
    let b1 = m.bits(&v1, 3, 2.0);
    let out = m.classes(&b1, 3, SIDE);
    assert_eq!(shortcuts(&m.network(&out))[1], (true, false, 16));
}

#[test]
fn random_graphs_give_their_scores() {
    let (mut read, mut adds, mut keeps, mut pooled, mut scaled) = (0, 0, 0, 0, 0);
    for seed in 100..300 {
        let mut m = Maker::new(seed);
        let (mut channels, mut side) = (m.rng.random_range(1..=4), SIDE);
        let map = if m.rng.random() {
            m.codes()
        } else {
            let half = m.graph.scalar(127.5);
            let centred = m.graph.node("Sub", &["x", &half], &[]);
            m.graph.sign(&centred)
        };
        let mut sums = m.conv(&map, 2, channels);
        let mut kept = sums.clone();
        for _ in 0..m.rng.random_range(1..=5) {
            let bits = m.bits(&sums, channels, 2.0);
            let scale = [0.0625, 0.1875, 0.125, 0.25, -0.5, 1.0][m.rng.random_range(0..6)];
            match m.rng.random_range(0..4) {
                // A plain layer, past which the kept sums go.
                0 => {
                    sums = m.conv(&bits, channels, channels);
                    continue;
                }
                // Other channels, and perhaps other rows and columns: a shortcut may begin here.
                1 => {
                    let outputs = m.rng.random_range(1..=4);
                    sums = m.conv(&bits, channels, outputs);
                    channels = outputs;
                    if side == SIDE {
                        sums = m.times(&sums, 0.5);
                        sums = m.pool(&sums);
                        side /= 2;
                    }
                }
                _ => sums = m.added(&bits, channels, scale, &kept),
            }
            kept = sums.clone();
        }
        let bits = m.bits(&sums, channels, 2.0);
        let out = m.classes(&bits, channels, side);
        let bytes = m.graph.bytes(&out);
        if let Err(errors) = read::network_from_bytes(&bytes, "t") {
            // Scales may drift too far apart, or a third stand against a power of two.
            let ratio = |e: &Error| e.code() == "read::structure" && e.to_string().contains("scale");
            assert!(errors.iter().all(ratio), "seed {seed}: {errors:?}");
            continue;
        }
        let network = m.network(&out);
        read += 1;
        for layer in &network.layers {
            adds += usize::from(layer.shortcut.adds);
            keeps += usize::from(layer.shortcut.keeps);
            pooled += usize::from(layer.shortcut.keeps && layer.pool.is_some());
            scaled += usize::from(!layer.shortcut.adds && layer.planes[0].scale > 1);
        }
    }
    eprintln!(
        "{read} graphs read; layers that add {adds}, keep {keeps}, pool what they keep {pooled}, are scaled {scaled}"
    );
    assert!(read > 100 && [adds, keeps, pooled, scaled].iter().all(|&n| n > 20));
}

/// A first layer of 4 channels and its bits, then `tail`: refused by `code`, with the Add's name or `text` in its text.
fn refused(tail: impl FnOnce(&mut Maker, &str, &str) -> String, code: &str, text: &str) {
    let mut m = Maker::new(1);
    let codes = m.codes();
    let v0 = m.conv(&codes, 2, 4);
    let b0 = m.bits(&v0, 4, 2.0);
    let map = tail(&mut m, &v0, &b0);
    let bits = m.bits(&map, 4, 2.0);
    let out = m.classes(&bits, 4, SIDE);
    m.refused(&out, code, text);
}

#[test]
fn sums_without_a_whole_ratio_are_refused() {
    let structure = "read::structure";
    refused(|m, v0, b0| m.added(b0, 4, 0.1, v0), structure, "neither is a whole multiple");
    refused(|m, v0, b0| m.added(b0, 4, 2.5 / 128.0, v0), structure, "of scale 0.01953125");
    refused(|m, v0, b0| m.added(b0, 4, 0.0, v0), structure, "scale of 0");
    refused(|m, v0, b0| m.added(b0, 4, 2.0, v0), structure, "needs planes of scale 256");
    refused(|m, v0, b0| m.added(b0, 4, 0.5f64.powi(15), v0), structure, "needs planes of scale 256");
    let by_channel = |m: &mut Maker, v0: &str, b0: &str| {
        let sums = m.conv(b0, 4, 4);
        let scales = m.graph.floats(&[4, 1, 1], &[0.125, 0.25, 0.125, 0.125]);
        let scaled = m.graph.node("Mul", &[&sums, &scales], &[]);
        m.graph.node("Add", &[&scaled, v0], &[])
    };
    refused(by_channel, structure, "differs from theirs by channel");
    let offset = |m: &mut Maker, v0: &str, b0: &str| {
        let sums = m.conv(b0, 4, 4);
        let normed = m.norm(&sums, 4, 1.0);
        m.graph.node("Add", &[&normed, v0], &[])
    };
    refused(offset, structure, "behind an offset");
    let mut m = Maker::new(1);
    let codes = m.codes();
    let v0 = m.conv(&codes, 2, 4);
    let b0 = m.bits(&v0, 4, 2.0);
    let v1 = m.added(&b0, 4, 0.3, &v0);
    let b1 = m.bits(&v1, 4, 2.0);
    let out = m.classes(&b1, 4, SIDE);
    let errors = read::network_from_bytes(&m.graph.bytes(&out), "t").unwrap_err();
    let help = errors[0].help();
    assert!(help.contains("--state W,F") && help.contains("choose the scale 0.25,"), "{help}");
}

#[test]
fn maps_that_cannot_be_added_are_refused() {
    let structure = "read::structure";
    refused(|m, _, b0| m.added(b0, 4, 0.125, b0), structure, "activations and not sums");
    let two_bits = |m: &mut Maker, v0: &str, b0: &str| {
        let sums = m.conv(b0, 4, 4);
        m.graph.node("Add", &[&sums, v0, v0], &[])
    };
    refused(two_bits, "read::residual", "node_Add");
    refused(|m, v0, _| m.graph.node("Add", &[v0, v0], &[]), "read::residual", "node_Add");
    refused(
        |m, v0, b0| {
            let sums = m.conv(b0, 4, 4);
            m.graph.node("Sub", &[v0, &sums], &[])
        },
        "read::residual",
        "node_Sub",
    );
    refused(
        |m, v0, b0| {
            let weights = m.graph.floats(&[4, 4, 3, 3], &[1.0; 144]);
            let smaller = m.graph.node("Conv", &[b0, &weights], &[]);
            m.graph.node("Add", &[&smaller, v0], &[])
        },
        structure,
        "adds a map of 4x6x6 [1, 4, 6, 6] to one of 4x4x4",
    );
    refused(
        |m, v0, b0| {
            let sums = m.conv(b0, 4, 4);
            let early = m.bits(&sums, 4, 8.0);
            let added = m.graph.node("Add", &[&sums, v0], &[]);
            let late = m.bits(&added, 4, 8.0);
            m.graph.node("Add", &[&early, &late], &[])
        },
        structure,
        "used already",
    );
    refused(
        |m, v0, b0| {
            let v1 = m.added(b0, 4, 0.125, v0);
            let b1 = m.bits(&v1, 4, 2.0);
            let v2 = m.added(&b1, 4, 0.125, &v1);
            let b2 = m.bits(&v2, 4, 2.0);
            m.added(&b2, 4, 0.125, v0)
        },
        structure,
        "past the shortcut of",
    );
    refused(
        |m, v0, b0| {
            let plain = m.conv(b0, 4, 4);
            let b1 = m.bits(&plain, 4, 8.0);
            let v2 = m.added(&b1, 4, 0.125, v0);
            let b2 = m.bits(&v2, 4, 2.0);
            m.added(&b2, 4, 1.0, &plain)
        },
        structure,
        "past the shortcut of",
    );
    refused(
        |m, v0, b0| {
            let sums = m.conv(b0, 4, 4);
            let v1 = m.graph.node("Add", &[&sums, v0], &[]);
            let b1 = m.bits(&v1, 4, 2.0);
            m.added(&b1, 4, 1.0, &sums)
        },
        structure,
        "without what was added",
    );
}

#[test]
fn pooling_that_a_shortcut_has_no_place_for_is_refused() {
    let structure = "read::structure";
    refused(
        |m, v0, b0| {
            let v1 = m.added(b0, 4, 0.125, v0);
            m.pool(&v1)
        },
        structure,
        "pools a map that a shortcut",
    );
    refused(
        |m, v0, b0| {
            let v1 = m.added(b0, 4, 0.125, v0);
            let b1 = m.bits(&v1, 4, 2.0);
            let pooled = m.pool(&b1);
            m.conv(&pooled, 4, 4)
        },
        structure,
        "pools a map that a shortcut",
    );
    refused(
        |m, v0, b0| {
            let v1 = m.added(b0, 4, 0.125, v0);
            m.graph.node("GlobalAveragePool", &[&v1], &[])
        },
        structure,
        "reads sums that a shortcut was added to",
    );
    refused(
        |m, v0, b0| {
            let sums = m.conv(b0, 4, 4);
            let pooled = m.pool(&sums);
            m.graph.node("Add", &[&pooled, v0], &[])
        },
        structure,
        "that are pooled",
    );
    // The bits are pooled and the sums are not, or the other way round; or both, but behind flips.
    refused(
        |m, v0, b0| {
            let pooled = m.pool(b0);
            let stretched = m.conv(&pooled, 4, 4);
            m.graph.node("Add", &[&stretched, v0], &[])
        },
        structure,
        "adds a map of 4x6x6",
    );
    let mut m = Maker::new(1);
    let codes = m.codes();
    let v0 = m.conv(&codes, 2, 4);
    let b0 = m.bits(&v0, 4, 2.0);
    let (sums, bits) = (m.pool(&v0), m.pool(&b0));
    let v1 = m.added(&bits, 4, 0.125, &sums);
    let b1 = m.bits(&v1, 4, 2.0);
    let out = m.classes(&b1, 4, SIDE / 2);
    m.refused(&out, structure, "pooled otherwise");
    let turned = m.times(&v0, -1.0);
    let sums = m.pool(&turned);
    let b0 = m.bits(&sums, 4, 2.0);
    let v1 = m.added(&b0, 4, 0.125, &sums);
    let b1 = m.bits(&v1, 4, 2.0);
    let out = m.classes(&b1, 4, SIDE / 2);
    m.refused(&out, structure, "negative scale");
    let (turned, sums) = (m.pool(&turned), m.pool(&v0));
    let b0 = m.bits(&turned, 4, 2.0);
    let v1 = m.added(&b0, 4, 0.125, &sums);
    let b1 = m.bits(&v1, 4, 2.0);
    let out = m.classes(&b1, 4, SIDE / 2);
    m.refused(&out, structure, "negative scale");
}

#[test]
fn ends_and_levels_of_sums_with_a_shortcut_are_refused() {
    let quant = |m: &mut Maker, map: &str| {
        let (scale, zero, bits) = (m.graph.scalar(1.0), m.graph.scalar(0.0), m.graph.scalar(2.0));
        let signed = [("signed", Value::Int(1)), ("narrow", Value::Int(1))];
        m.graph.custom("Quant", &[map, &scale, &zero, &bits], &signed)
    };
    refused(
        |m, v0, b0| {
            let v1 = m.added(b0, 4, 0.125, v0);
            let levels = quant(m, &v1);
            m.conv(&levels, 4, 4)
        },
        "read::structure",
        "to several levels",
    );
    let mut m = Maker::new(1);
    let codes = m.codes();
    let v0 = m.conv(&codes, 2, 4);
    let levels = quant(&mut m, &v0);
    let v1 = m.added(&levels, 4, 0.125, &v0);
    let b1 = m.bits(&v1, 4, 2.0);
    let out = m.classes(&b1, 4, SIDE);
    m.refused(&out, "read::structure", "activations have several levels");

    let mut m = Maker::new(1);
    let codes = m.codes();
    let flat = m.graph.node("Flatten", &[&codes], &[]);
    let v0 = m.classes(&flat, 2, SIDE);
    let b0 = m.graph.sign(&v0);
    let v1 = m.classes(&b0, 3, 1);
    let out = m.graph.node("Add", &[&v1, &v0], &[]);
    m.refused(&out, "read::graph", "and a shortcut");
    // The same sums are fine behind a sign: layers without a map have shortcuts too.
    let b1 = m.graph.sign(&out);
    let out = m.classes(&b1, 3, 1);
    assert_eq!(shortcuts(&m.network(&out)), [(false, true, 1), (true, false, 128), (false, false, 1)]);
}
