//! How pixels become codes: every rule against single precision written out here, who said it, and what is refused.

use crate::common::graph::{Graph, Value};
use bincim::golden::{packed, reference};
use bincim::lower::lower;
use bincim::network::{InputCode, Network};
use bincim::read::onnx::proto::StringStringEntry;
use bincim::read::{self, Error, Origin, PixelRule, Pixels, Reading};
use prost::Message;

/// A network on `channels` x 4 x 4 images: `input` makes the quantised map, a convolution and two classes follow.
fn graph(channels: usize, pixels: bool, input: impl FnOnce(&mut Graph) -> String) -> (Graph, String) {
    let dims = [1, channels as i64, 4, 4];
    let mut g = if pixels { Graph::of_pixels(&dims) } else { Graph::new(&dims) };
    let map = input(&mut g);
    let sign = |i: usize| if i * i % 7 < 3 { 1.0 } else { -1.0 };
    let w = g.floats(&[3, channels, 3, 3], &(0..27 * channels).map(sign).collect::<Vec<f64>>());
    let acc = g.node("Conv", &[&map, &w], &[]);
    let bits = g.sign(&acc);
    let flat = g.node("Flatten", &[&bits], &[]);
    let w = g.floats(&[12, 2], &(0..24).map(sign).collect::<Vec<f64>>());
    let output = g.node("MatMul", &[&flat, &w], &[]);
    (g, output)
}

fn quant(g: &mut Graph, x: &str, scale: f32, signed: bool, bits: f64) -> String {
    let (scale, zero, bits) = (g.scalar(scale.into()), g.scalar(0.0), g.scalar(bits));
    let attributes = [("signed", Value::Int(signed.into())), ("narrow", Value::Int(0))];
    g.custom("Quant", &[x, &scale, &zero, &bits], &attributes)
}

/// A signed 8-bit quantiser of `scale` straight on the input.
fn straight(channels: usize, scale: f32) -> Vec<u8> {
    let (g, output) = graph(channels, false, |g| quant(g, "x", scale, true, 8.0));
    g.bytes(&output)
}

fn given(text: &str) -> Pixels {
    Pixels::new(PixelRule::parse(text).expect("a rule"), Origin::Given)
}

fn reading(bytes: &[u8], rule: Option<&str>) -> Reading {
    read::network_with(bytes, "t", &read::Rules { pixels: rule.map(given), ..Default::default() })
        .unwrap_or_else(|e| panic!("{e:?}"))
}

fn refused(bytes: &[u8], rule: Option<&str>, code: &str, says: &str) {
    let errors =
        read::network_with(bytes, "t", &read::Rules { pixels: rule.map(given), ..Default::default() })
            .expect_err("must be refused");
    assert_eq!(errors.iter().map(Error::code).collect::<Vec<_>>(), [code], "{errors:?}");
    assert!(errors[0].to_string().contains(says), "{}", errors[0]);
    assert!(!errors[0].help().is_empty());
}

/// round(x / scale), clipped to signed 8 bits, in single precision.
fn code(x: f32, scale: f32) -> i16 {
    (x / scale).clamp(-128.0, 127.0).round_ties_even() as i16
}

fn table(x: impl Fn(f32) -> f32, scale: f32) -> Vec<i16> {
    (0..=255u8).map(|p| code(x(f32::from(p)), scale)).collect()
}

#[test]
fn a_rule_that_is_given_is_evaluated_in_single_precision() {
    for scale in [1.0 / 128.0, 1.0 / 127.0, 2.0 / 255.0, 0.022_042_863f32] {
        let bytes = straight(1, scale);
        type Rule = (&'static str, fn(f32) -> f32);
        let rules: [Rule; 5] = [
            ("raw", |p| p),
            ("unit", |p| p / 255.0),
            ("bipolar", |p| p / 255.0 * 2.0 - 1.0),
            ("mean=0.1307,std=0.3081", |p| (p / 255.0 - 0.1307) / 0.3081),
            ("codes", |_| 0.0),
        ];
        for (rule, x) in rules {
            let read = reading(&bytes, Some(rule));
            let expected: Vec<i16> = match rule {
                "codes" => (-128..128).collect(),
                _ => table(x, scale),
            };
            assert_eq!(read.network.input.pixel_values, expected, "{rule} at {scale}");
            assert_eq!((read.pixels.origin, read.network.input.pixel_rule.as_str()), (Origin::Given, rule));
        }
        let squares: Vec<String> = (0..256).map(|p| ((p * p) as f32 / 65025.0).to_string()).collect();
        let read = reading(&bytes, Some(&format!("table={}", squares.join(","))));
        assert_eq!(read.network.input.pixel_values, table(|p| p * p / 65025.0, scale));
        assert_eq!(read.network.input.pixel_rule, "table");
    }
}

#[test]
fn a_guess_is_what_it_says_and_is_told_as_a_guess() {
    for scale in [1.0 / 128.0, 1.0 / 127.0, 0.03] {
        let read = reading(&straight(1, scale), None);
        assert_eq!((read.pixels.rule.clone(), read.pixels.origin), (PixelRule::Bipolar, Origin::Guess));
        assert_eq!(read.network.input.pixel_values, table(|p| p / 255.0 * 2.0 - 1.0, scale), "{scale}");
    }
    // Nothing usual keeps pixels apart: no guess.
    refused(&straight(1, 100.0), None, "read::input", "does not say");
    refused(&straight(1, 1.0 / 127.0), Some("graph"), "read::input", "does not say");
    let (g, output) = graph(1, false, |g| quant(g, "x", 1.0 / 255.0, false, 8.0));
    let unit = reading(&g.bytes(&output), None);
    assert_eq!((unit.pixels.rule, unit.pixels.origin), (PixelRule::Unit, Origin::Guess));
}

/// p / 255 * 2 - 1 in the graph, whose quantiser's step of 2 / 255 puts every pixel on a tie.
#[test]
fn where_the_graph_says_it_the_table_is_that_of_single_precision_and_near_ties_are_counted() {
    let scale = 2.0f32 / 255.0;
    let (g, output) = graph(1, false, |g| {
        let (byte, two, one) = (g.scalar(255.0), g.scalar(2.0), g.scalar(1.0));
        let unit = g.node("Div", &["x", &byte], &[]);
        let twice = g.node("Mul", &[&unit, &two], &[]);
        let centred = g.node("Sub", &[&twice, &one], &[]);
        quant(g, &centred, scale, true, 8.0)
    });
    let read = reading(&g.bytes(&output), None);
    assert_eq!((read.pixels.rule.clone(), read.pixels.origin), (PixelRule::Graph, Origin::Graph));
    let single = table(|p| p / 255.0 * 2.0 - 1.0, scale);
    assert_eq!(read.network.input.pixel_values, single);
    let double = |p: i32| {
        let x = f64::from(p) / 255.0 * 2.0 - 1.0;
        (x / f64::from(scale)).clamp(-128.0, 127.0).round_ties_even() as i16
    };
    let differ = (0..256).filter(|&p| double(p) != single[p as usize]).count();
    assert_eq!(read.pixels.near_ties, differ);
    assert!(differ > 50, "{differ}: this scale is chosen for its ties");
    assert_eq!(reading(&g.bytes(&output), Some("graph")).network, read.network);
    // Whoever says that x is p / 255 already gets what follows from it.
    let unit = reading(&g.bytes(&output), Some("bipolar"));
    assert_ne!(unit.network.input.pixel_values, single);
}

#[test]
fn arithmetic_for_raw_pixels_is_no_guess_and_other_arithmetic_is_one() {
    let affine = |scale: f64, offset: f64, step: f32| {
        let (g, output) = graph(1, false, |g| {
            let (scale, offset) = (g.scalar(scale), g.scalar(offset));
            let scaled = g.node("Mul", &["x", &scale], &[]);
            let moved = g.node("Sub", &[&scaled, &offset], &[]);
            quant(g, &moved, step, true, 8.0)
        });
        reading(&g.bytes(&output), None).pixels
    };
    let raw = affine(1.0 / 128.0, 1.0, 1.0 / 128.0);
    assert_eq!((raw.rule, raw.origin), (PixelRule::Graph, Origin::Graph));
    let unit = affine(2.0, 1.0, 1.0 / 128.0);
    assert_eq!((unit.rule, unit.origin), (PixelRule::Unit, Origin::Guess));
    let (g, output) = graph(1, true, |g| g.sign("x"));
    refused(&g.bytes(&output), None, "read::input", "same code");
    let (g, output) = graph(1, false, |g| {
        let half = g.scalar(127.5);
        let moved = g.node("Sub", &["x", &half], &[]);
        g.sign(&moved)
    });
    let bits = reading(&g.bytes(&output), None);
    assert_eq!((bits.pixels.rule.clone(), bits.pixels.origin), (PixelRule::Graph, Origin::Graph));
    let (g, output) = graph(1, false, |g| g.sign("x"));
    let bits = reading(&g.bytes(&output), None);
    assert_eq!((bits.pixels.rule.clone(), bits.pixels.origin), (PixelRule::Bipolar, Origin::Guess));
    let mnist = reading(&g.bytes(&output), Some("mean=0.1307,std=0.3081"));
    let expected: Vec<i16> = (0..256).map(|p| if p as f32 / 255.0 >= 0.1307 { 1 } else { -1 }).collect();
    assert_eq!(mnist.network.input.pixel_values, expected);
}

#[test]
fn a_uint8_input_reads_raw_pixels_and_nothing_else() {
    let (g, output) = graph(1, true, |g| quant(g, "x", 2.0, true, 8.0));
    let bytes = g.bytes(&output);
    let read = reading(&bytes, None);
    assert_eq!(read.pixels.origin, Origin::Graph);
    assert_eq!(read.network.input.pixel_values, table(|p| p, 2.0));
    assert_eq!(reading(&bytes, Some("raw")).network.input.pixel_values, table(|p| p, 2.0));
    refused(&bytes, Some("unit"), "read::input", "uint8");
}

/// Mean and deviation for each colour, outside the graph and inside it.
#[test]
fn rules_with_one_value_a_channel_make_one_row_a_channel() {
    let (mean, std) = ([0.4914f32, 0.4822, 0.4465], [0.247f32, 0.2435, 0.2616]);
    let scale = 1.0f32 / 48.0;
    let row = |c: usize| table(|p| (p / 255.0 - mean[c]) / std[c], scale);
    let rows: Vec<i16> = (0..3).flat_map(row).collect();
    let outside = reading(&straight(3, scale), Some("mean=0.4914,0.4822,0.4465,std=0.247,0.2435,0.2616"));
    assert_eq!(outside.network.input.pixel_values, rows);
    let (g, output) = graph(3, true, |g| {
        let list = |list: [f32; 3]| list.map(f64::from);
        let byte = g.scalar(255.0);
        let (mean, std) = (g.floats(&[1, 3, 1, 1], &list(mean)), g.floats(&[1, 3, 1, 1], &list(std)));
        let float = g.node("Cast", &["x"], &[("to", Value::Int(1))]);
        let unit = g.node("Div", &[&float, &byte], &[]);
        let centred = g.node("Sub", &[&unit, &mean], &[]);
        let normal = g.node("Div", &[&centred, &std], &[]);
        quant(g, &normal, scale, true, 8.0)
    });
    let inside = reading(&g.bytes(&output), None);
    assert_eq!((&inside.network.input.pixel_values, inside.pixels.origin), (&rows, Origin::Graph));
    refused(&straight(1, scale), Some("mean=0.5,0.5,0.5,std=1"), "read::input", "3 channels");
    // The same value for every channel is one row.
    let same = reading(&straight(3, scale), Some("mean=0.5,0.5,0.5,std=0.25"));
    assert_eq!(same.network.input.pixel_values, table(|p| (p / 255.0 - 0.5) / 0.25, scale));
    for network in [inside.network.clone(), lower(inside.network)] {
        agree(&network, &rows);
    }
}

/// Every executor takes a channel's pixels by the channel's row.
fn agree(network: &Network, rows: &[i16]) {
    let size = network.input.shape.elements();
    let pixels: Vec<u8> = (0..70 * size).map(|i| (i * 97 + i / 7) as u8).collect();
    let plane = network.input.shape.pixels();
    let elements: Vec<i16> = pixels
        .iter()
        .enumerate()
        .map(|(i, &p)| rows[i / plane % network.input.shape.c * 256 + usize::from(p)])
        .collect();
    assert_eq!(network.input.elements(&pixels), elements);
    for set in packed::InstructionSet::ALL.into_iter().filter(|set| set.available()) {
        let engine = packed::prepare_for(network, set);
        let expected: Vec<i32> =
            elements.chunks(size).flat_map(|image| reference::run(network, image).scores).collect();
        assert_eq!(engine.infer(&pixels), expected, "{set}");
        assert_eq!(engine.infer_elements(&elements), expected, "{set}");
    }
}

#[test]
fn bits_with_one_threshold_a_channel_agree_everywhere() {
    for whole in [false, true] {
        let mut g = Graph::of_pixels(&[1, 3, 4, 4]);
        let offsets = g.floats(&[1, 3, 1, 1], &[20.5, 127.5, 200.5]);
        let moved = g.node("Sub", &["x", &offsets], &[]);
        let bits = g.sign(&moved);
        let sign = |i: usize| if i * i % 7 < 3 { 1.0 } else { -1.0 };
        let output = if whole {
            let flat = g.node("Flatten", &[&bits], &[]);
            let w = g.floats(&[48, 5], &(0..240).map(sign).collect::<Vec<f64>>());
            g.node("MatMul", &[&flat, &w], &[])
        } else {
            let w = g.floats(&[5, 3, 4, 4], &(0..240).map(sign).collect::<Vec<f64>>());
            let acc = g.node("Conv", &[&bits, &w], &[]);
            g.node("Flatten", &[&acc], &[])
        };
        let read = reading(&g.bytes(&output), None);
        let rows: Vec<i16> =
            [20, 127, 200].iter().flat_map(|&t| (0..256).map(move |p| if p > t { 1 } else { -1 })).collect();
        assert_eq!(read.network.input.pixel_values, rows);
        agree(&lower(read.network), &rows);
    }
}

#[test]
fn the_models_metadata_says_it_unless_somebody_else_does() {
    let (g, output) = graph(1, false, |g| quant(g, "x", 1.0 / 127.0, true, 8.0));
    let with = |text: &str| {
        let mut model = g.model(&output);
        let entry =
            |key: &str, value: &str| StringStringEntry { key: Some(key.into()), value: Some(value.into()) };
        model.metadata_props = vec![entry("author", "unit"), entry("bincim.input", text)];
        model.encode_to_vec()
    };
    let read = reading(&with("unit"), None);
    assert_eq!((read.pixels.rule.clone(), read.pixels.origin), (PixelRule::Unit, Origin::Metadata));
    assert_eq!(read.network.input.pixel_values, table(|p| p / 255.0, 1.0 / 127.0));
    assert_eq!(reading(&with("unit"), Some("raw")).pixels.origin, Origin::Given);
    refused(&with("Normalised"), None, "read::pixels", "'Normalised' is no rule");
    refused(&with("table=weights.csv"), None, "read::pixels", "metadata");
}

#[test]
fn without_a_quantiser_a_rule_gives_the_pixel_its_scale() {
    let (g, output) = graph(1, false, |_| "x".into());
    let bytes = g.bytes(&output);
    refused(&bytes, None, "read::input", "without a quantiser");
    for (rule, of) in [
        ("unit", (1.0 / 255.0, 0.0)),
        ("bipolar", (2.0 / 255.0, -1.0)),
        ("mean=0.5,std=0.25", (4.0 / 255.0, -2.0)),
    ] {
        let network = reading(&bytes, Some(rule)).network;
        assert_eq!(
            (network.input.code, network.input.pixel_values.len()),
            (InputCode::Unsigned { bits: 8 }, 256)
        );
        for seed in 0..20u32 {
            let pixels: Vec<u8> = (0..16u32).map(|i| (i * 71 + seed * 37 + i * i * seed) as u8).collect();
            let x: Vec<f64> = pixels.iter().map(|&p| f64::from(p) * of.0 + of.1).collect();
            let expected = g.run(&output, &x).values;
            let scores = reference::run(&network, &network.input.elements(&pixels)).scores;
            assert_eq!(scores.iter().map(|&s| f64::from(s)).collect::<Vec<f64>>(), expected, "{rule}");
        }
    }
    refused(&bytes, Some("graph"), "read::input", "without a quantiser");
}
