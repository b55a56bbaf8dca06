//! The program on small networks and data sets made here: what it says of pixels, what it writes of scores, and which data
//! it reads, adapts or refuses.

use crate::common::graph::{Graph, Value};
use bincim::golden::reference;
use bincim::lower::lower;
use bincim::network::Network;
use bincim::read::{self, Origin, PixelRule, Pixels};
use serde_json::Value as Json;
use std::fs;
use std::path::Path;
use std::process::Command;

struct Ran {
    code: Option<i32>,
    out: String,
    err: String,
}

#[expect(clippy::disallowed_methods, reason = "the program itself is under test")]
fn bincim(dir: &Path, words: &[&str]) -> Ran {
    let mut command = Command::new(env!("CARGO_BIN_EXE_bincim"));
    let output =
        command.args(words).current_dir(dir).env_remove("RUST_BACKTRACE").output().expect("it starts");
    let text = |bytes| String::from_utf8(bytes).expect("text");
    let ran = Ran { code: output.status.code(), out: text(output.stdout), err: text(output.stderr) };
    assert!(!ran.err.contains("panicked"), "{}", ran.err);
    ran
}

/// Without blanks and rulers: long messages are broken to the width of the terminal.
fn unwrapped(text: &str) -> String {
    text.chars().filter(|c| !c.is_whitespace() && !"│|".contains(*c)).collect()
}

impl Ran {
    fn ends(self, code: i32) -> Ran {
        assert_eq!(self.code, Some(code), "\n{}\n{}", self.out, self.err);
        self
    }

    fn refuses(self, words: &[&str]) {
        let ran = self.ends(2);
        assert_eq!(ran.out, "");
        let said = unwrapped(&ran.err);
        for word in words {
            assert!(said.contains(&unwrapped(word)), "no `{word}` in:\n{}", ran.err);
        }
    }
}

const SCALE: f64 = 1.0 / 127.0;

/// `channels` x 4 x 4 images through a signed 8-bit quantiser (or the sign) straight on the input, to `classes` scores.
fn model(channels: usize, classes: usize, bits: bool) -> Vec<u8> {
    let mut g = Graph::new(&[1, channels as i64, 4, 4]);
    let map = if bits {
        g.sign("x")
    } else {
        let (scale, zero, eight) = (g.scalar(SCALE), g.scalar(0.0), g.scalar(8.0));
        g.custom("Quant", &["x", &scale, &zero, &eight], &[("signed", Value::Int(1))])
    };
    let sign = |i: usize| if i * i % 7 < 3 { 1.0 } else { -1.0 };
    let w = g.floats(&[6, channels, 3, 3], &(0..54 * channels).map(sign).collect::<Vec<f64>>());
    let acc = g.node("Conv", &[&map, &w], &[]);
    let half = g.scalar(0.5 * SCALE);
    let moved = g.node("Add", &[&acc, &half], &[]);
    let bits = g.sign(&moved);
    let flat = g.node("Flatten", &[&bits], &[]);
    let w = g.floats(&[24, classes], &(0..24 * classes).map(|i| sign(i + i / 5)).collect::<Vec<f64>>());
    let sums = g.node("MatMul", &[&flat, &w], &[]);
    let quarter = g.scalar(0.25);
    let output = g.node("Mul", &[&sums, &quarter], &[]);
    g.bytes(&output)
}

fn network(bytes: &[u8], rule: &str) -> Network {
    let rule = Pixels::new(PixelRule::parse(rule).expect("a rule"), Origin::Given);
    lower(
        read::network_with(bytes, "t", &read::Rules { pixels: Some(rule), ..Default::default() })
            .unwrap_or_else(|e| panic!("{e:?}"))
            .network,
    )
}

fn npy(kind: &str, shape: &str, content: &[u8]) -> Vec<u8> {
    let text = format!("{{'descr': '{kind}', 'fortran_order': False, 'shape': {shape}, }}\n");
    [b"\x93NUMPY\x01\x00", &(text.len() as u16).to_le_bytes()[..], text.as_bytes(), content].concat()
}

fn pixels(count: usize) -> Vec<u8> {
    (0..count).map(|i| (i * 97 + i / 7 + i * i % 31) as u8).collect()
}

/// A folder with the network of one channel and 3 classes, and images.npy with `count` images; labels as asked for.
fn folder(count: usize, labels: Option<&[u8]>) -> tempfile::TempDir {
    let root = tempfile::tempdir().expect("a temporary folder");
    let write = |name: &str, bytes: Vec<u8>| fs::write(root.path().join(name), bytes).expect("writable");
    write("net.onnx", model(1, 3, false));
    write("images.npy", npy("|u1", &format!("({count}, 1, 4, 4)"), &pixels(16 * count)));
    if let Some(labels) = labels {
        write("labels.npy", npy("|u1", &format!("({count},)"), labels));
    }
    root
}

/// Class and scores of every image by the definition.
fn expected(network: &Network, images: &[u8]) -> Vec<(usize, Vec<i32>)> {
    let each = images.chunks(network.input.shape.elements()).map(|image| {
        let scores = reference::run(network, &network.input.elements(image)).scores;
        (reference::decide(network, &scores, network.output.decision), scores)
    });
    each.collect()
}

#[test]
fn a_guess_is_in_every_result_and_a_rule_in_none() {
    let root = folder(2, Some(&[0, 1]));
    let dir = root.path();
    let guessed = bincim(dir, &["infer", "net.onnx", "--data", "images.npy"]).ends(0);
    assert!(
        guessed.out.contains("GUESS") && guessed.err.contains("warning"),
        "{}{}",
        guessed.out,
        guessed.err
    );
    let guessed = bincim(dir, &["check", "net.onnx"]).ends(0);
    assert!(guessed.out.contains("GUESS") && guessed.err.contains("GUESS"));
    let json: Json =
        serde_json::from_str(&bincim(dir, &["check", "net.onnx", "--json"]).ends(0).out).expect("JSON");
    assert_eq!((&json["pixels"]["guess"], &json["pixels"]["rule"]), (&true.into(), &"bipolar".into()));
    for verb in [
        &["generate", "net.onnx", "-o", "d"][..],
        &["calibrate", "net.onnx", "--data", "images.npy", "--arch", "a", "-o", "b"],
    ] {
        let _ = fs::write(
            dir.join("a"),
            "[readout]\nkind = \"adc\"\nlevels = 31\nrange = 60\n[array]\nrows = 32\ncolumns = 8\n[activation]\nword = 8\n",
        );
        assert!(bincim(dir, verb).err.contains("GUESS"), "{verb:?}");
    }
    let record = fs::read_to_string(dir.join("d/source/input.toml")).expect("a record");
    assert!(record.contains("rule = \"bipolar\"") && record.contains("from = \"guess\""), "{record}");

    let unit = bincim(dir, &["check", "net.onnx", "--input", "unit"]).ends(0);
    assert!(unit.out.contains("pixel 0 is x = 0, code 0; pixel 255 is x = 1, code 127"), "{}", unit.out);
    assert!(!unit.out.contains("GUESS") && !unit.err.contains("GUESS"), "{}", unit.err);
    let json =
        bincim(dir, &["infer", "net.onnx", "--data", "images.npy", "--input", "mean=0.5,std=0.5", "--json"])
            .ends(0);
    let json: Json = serde_json::from_str(&json.out).expect("JSON");
    assert_eq!(
        (&json["pixel_rule"], &json["pixel_rule_is_guessed"]),
        (&"mean=0.5,std=0.5".into(), &false.into())
    );
    let made = bincim(dir, &["generate", "net.onnx", "-o", "d", "--input", "mean=0.5,std=0.5"]).ends(0);
    assert!(!made.err.contains("GUESS"));
    let record = fs::read_to_string(dir.join("d/source/input.toml")).expect("a record");
    assert!(
        record.contains("rule = \"mean=0.5,std=0.5\"") && record.contains("from = \"given\""),
        "{record}"
    );
    for (rule, says) in [
        ("mean=a", "'a' is no finite number"),
        ("table=none.txt", "none.txt"),
        ("grey", "'grey' is no rule"),
        ("graph", "does not say"),
        ("mean=1,2,std=1", "2 channels"),
    ] {
        bincim(dir, &["check", "net.onnx", "--input", rule]).refuses(&[says]);
    }
}

#[test]
fn a_table_is_read_from_text_and_from_numpy() {
    let root = folder(1, None);
    let dir = root.path();
    let values: Vec<f32> = (0..256).map(|p| ((p * 37) % 256) as f32 / 255.0 - 0.25).collect();
    let text: Vec<String> = values.iter().map(f32::to_string).collect();
    fs::write(dir.join("lines.txt"), format!("# x of every pixel\n{}\n", text.join("\n"))).expect("writable");
    fs::write(dir.join("row.csv"), text.join(",")).expect("writable");
    let bytes: Vec<u8> = values.iter().flat_map(|x| x.to_le_bytes()).collect();
    fs::write(dir.join("array.npy"), npy("<f4", "(256,)", &bytes)).expect("writable");
    let network = network(&model(1, 3, false), &format!("table={}", text.join(",")));
    let right = expected(&network, &pixels(16));
    for file in ["lines.txt", "row.csv", "array.npy"] {
        let rule = format!("table={file}");
        let ran =
            bincim(dir, &["infer", "net.onnx", "--data", "images.npy", "--input", &rule, "--json"]).ends(0);
        let json: Json = serde_json::from_str(&ran.out).expect("JSON");
        assert_eq!(json["single"]["scores"], serde_json::json!(right[0].1), "{file}");
    }
    fs::write(dir.join("short.txt"), "1\n2\n").expect("writable");
    bincim(dir, &["check", "net.onnx", "--input", "table=short.txt"]).refuses(&[
        "short.txt",
        "2 lines",
        "256",
    ]);
}

#[test]
fn scores_are_written_as_text_and_as_records() {
    let network = network(&model(1, 3, false), "unit");
    let right = expected(&network, &pixels(16 * 5));
    let labels: Vec<u8> = right.iter().map(|(class, _)| (class + 1) as u8 % 3).collect();
    for labels in [None, Some(&labels[..])] {
        let root = folder(5, labels);
        let dir = root.path();
        let infer = |file: &str, more: &[&str]| {
            let words =
                [&["infer", "net.onnx", "--data", "images.npy", "--input", "unit", "--scores", file], more]
                    .concat();
            bincim(dir, &words)
        };
        let ran = infer("s.csv", &[]).ends(0);
        let says = if labels.is_some() { "0 of 5 test images right" } else { "no labels" };
        assert!(ran.out.contains(says), "{}", ran.out);
        let text = fs::read_to_string(dir.join("s.csv")).expect("written");
        let mut lines = text.lines();
        let head = if labels.is_some() { "image,label,class" } else { "image,class" };
        assert_eq!(
            lines.next(),
            Some(&*format!("{head},score_0,score_1,score_2,output_0,output_1,output_2"))
        );
        for (index, (class, scores)) in right.iter().enumerate() {
            let label = labels.map_or(String::new(), |labels| format!("{},", labels[index]));
            let numbers: Vec<String> = scores.iter().map(i32::to_string).collect();
            let outputs: Vec<String> = scores.iter().map(|&s| (f64::from(s) * 0.25).to_string()).collect();
            let line = format!("{index},{label}{class},{},{}", numbers.join(","), outputs.join(","));
            assert_eq!(lines.next(), Some(&*line));
        }
        assert_eq!(lines.next(), None);

        infer("s.npy", &["--layers"]).ends(0);
        let bytes = fs::read(dir.join("s.npy")).expect("written");
        let length = u32::from_le_bytes(bytes[8..12].try_into().expect("4 bytes")) as usize;
        assert_eq!((12 + length) % 64, 0);
        let head = std::str::from_utf8(&bytes[12..12 + length]).expect("text");
        let label = if labels.is_some() { "('label', '<i4'), " } else { "" };
        let fields = format!(
            "'descr': [('class', '<i4'), {label}('scores', '<i4', (3,)), ('outputs', '<f8', (3,)), ('layer0_sums', '<i4', (6,2,2,)), \
             ('layer0_bits', '|u1', (6,2,2,)), ('layer1_sums', '<i4', (3,1,1,))]"
        );
        assert!(head.contains(&fields) && head.contains("'shape': (5,)"), "{head}");
        let record = 4 + 4 * usize::from(labels.is_some()) + 12 + 24 + 96 + 24 + 12;
        let rows = &bytes[12 + length..];
        assert_eq!(rows.len(), 5 * record);
        for ((row, image), (class, scores)) in rows.chunks(record).zip(pixels(80).chunks(16)).zip(&right) {
            let trace = reference::run(&network, &network.input.elements(image));
            let mut wanted = (*class as i32).to_le_bytes().to_vec();
            let ints = |list: &[i32]| list.iter().flat_map(|v| v.to_le_bytes()).collect::<Vec<u8>>();
            if labels.is_some() {
                wanted.extend(((*class as i32 + 1) % 3).to_le_bytes());
            }
            wanted.extend(ints(scores));
            wanted.extend(scores.iter().flat_map(|&s| (f64::from(s) * 0.25).to_le_bytes()));
            wanted.extend(ints(&trace.layers[0].accumulators));
            wanted.extend(trace.layers[0].bits.iter().map(|&bit| u8::from(bit)));
            wanted.extend(ints(&trace.layers[1].accumulators));
            assert_eq!(row, wanted);
        }
        infer("s.txt", &[]).refuses(&["s.txt", ".csv"]);
    }
}

fn png(width: u32, height: u32, color: png::ColorType, palette: Option<Vec<u8>>, content: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, width, height);
    encoder.set_color(color);
    encoder.set_depth(png::BitDepth::Eight);
    if let Some(palette) = palette {
        encoder.set_palette(palette);
    }
    encoder.write_header().expect("a header").write_image_data(content).expect("pixels");
    bytes
}

#[test]
fn a_single_picture_is_classified_in_gray_colour_or_palette() {
    let root = folder(1, None);
    let dir = root.path();
    let gray = pixels(16);
    let (class, scores) = expected(&network(&model(1, 3, false), "unit"), &gray).remove(0);
    let thrice: Vec<u8> = gray.iter().flat_map(|&p| [p; 3]).collect();
    let mut opaque = Vec::new();
    gray.iter().for_each(|&p| opaque.extend([p, p, p, 255]));
    let palette: Vec<u8> = (0..=255u8).rev().flat_map(|p| [p; 3]).collect();
    let indices: Vec<u8> = gray.iter().map(|&p| 255 - p).collect();
    for (name, bytes) in [
        ("gray.png", png(4, 4, png::ColorType::Grayscale, None, &gray)),
        ("rgb.png", png(4, 4, png::ColorType::Rgb, None, &thrice)),
        ("rgba.png", png(4, 4, png::ColorType::Rgba, None, &opaque)),
        ("palette.png", png(4, 4, png::ColorType::Indexed, Some(palette), &indices)),
    ] {
        fs::write(dir.join(name), bytes).expect("writable");
        let ran = bincim(dir, &["infer", "net.onnx", "--data", name, "--input", "unit"]).ends(0);
        let numbers: Vec<String> = scores.iter().map(i32::to_string).collect();
        assert!(
            ran.out.contains(&format!("class {class}, scores {}", numbers.join(" "))),
            "{name}: {}",
            ran.out
        );
        bincim(dir, &["infer", "net.onnx", "--data", name, "--input", "unit", "--scores", "one.csv"]).ends(0);
        assert_eq!(fs::read_to_string(dir.join("one.csv")).expect("written").lines().count(), 2);
    }
    let mut colour = thrice.clone();
    colour[7] ^= 1;
    fs::write(dir.join("colour.png"), png(4, 4, png::ColorType::Rgb, None, &colour)).expect("writable");
    bincim(dir, &["infer", "net.onnx", "--data", "colour.png"]).refuses(&["3x4x4", "1x4x4"]);
    opaque[3] = 254;
    fs::write(dir.join("glass.png"), png(4, 4, png::ColorType::Rgba, None, &opaque)).expect("writable");
    bincim(dir, &["infer", "net.onnx", "--data", "glass.png"]).refuses(&["glass.png", "transparent"]);
    // A network of three channels takes gray pictures in all of them, and says so.
    fs::write(dir.join("colours.onnx"), model(3, 3, false)).expect("writable");
    let ran = bincim(dir, &["infer", "colours.onnx", "--data", "gray.png", "--input", "unit"]).ends(0);
    let image = gray.repeat(3);
    let (class, _) = expected(&network(&model(3, 3, false), "unit"), &image).remove(0);
    assert!(
        ran.out.contains(&format!("class {class},")) && ran.err.contains("gray pictures"),
        "{}{}",
        ran.out,
        ran.err
    );
}

#[test]
fn codes_and_bools_are_what_they_are() {
    let root = folder(1, None);
    let dir = root.path();
    let codes: Vec<i16> =
        (0..16).map(|i| [0, -128, 127, 5][i % 4] - i as i16 % 3).map(|c: i16| c.clamp(-128, 127)).collect();
    let bytes: Vec<u8> = codes.iter().map(|&c| c as i8 as u8).collect();
    fs::write(dir.join("codes.npy"), npy("|i1", "(1, 1, 4, 4)", &bytes)).expect("writable");
    let network = network(&model(1, 3, false), "unit");
    let scores = reference::run(&network, &codes).scores;
    let single = |words: &[&str]| -> Json {
        let ran = bincim(dir, &[&["infer", "net.onnx", "--json"], words].concat()).ends(0);
        serde_json::from_str::<Json>(&ran.out).expect("JSON")["single"]["scores"].clone()
    };
    let right = serde_json::json!(scores);
    assert_eq!(single(&["--data", "codes.npy"]), right);
    assert_eq!(single(&["--data", "codes.npy", "--input", "codes"]), right);
    // Nobody has to guess what codes mean.
    let ran = bincim(dir, &["infer", "net.onnx", "--data", "codes.npy", "--json"]).ends(0);
    let told: Json = serde_json::from_str(&ran.out).expect("JSON");
    assert_eq!((&told["pixel_rule"], &told["pixel_rule_is_guessed"]), (&"codes".into(), &false.into()));
    bincim(dir, &["infer", "net.onnx", "--data", "codes.npy", "--input", "unit"])
        .refuses(&["signed codes", "'unit'"]);
    // The same codes as bytes, offset binary.
    let offset: Vec<u8> = codes.iter().map(|&c| (c + 128) as u8).collect();
    fs::write(dir.join("offset.npy"), npy("|u1", "(1, 1, 4, 4)", &offset)).expect("writable");
    assert_eq!(single(&["--data", "offset.npy", "--input", "codes"]), right);
    let bools: Vec<u8> = (0..16).map(|i| u8::from(i % 3 == 0)).collect();
    fs::write(dir.join("bools.npy"), npy("|b1", "(1, 1, 4, 4)", &bools)).expect("writable");
    let white: Vec<u8> = bools.iter().map(|&b| b * 255).collect();
    let right = serde_json::json!(expected(&network, &white)[0].1);
    assert_eq!(single(&["--data", "bools.npy", "--input", "unit"]), right);

    // One bit: -1 and +1, or 0 and 1, and nothing else.
    fs::write(dir.join("bits.onnx"), model(1, 3, true)).expect("writable");
    let code = |list: fn(usize) -> i8, name: &str| {
        let bytes: Vec<u8> = (0..16).map(|i| list(i) as u8).collect();
        fs::write(dir.join(name), npy("|i1", "(1, 1, 4, 4)", &bytes)).expect("writable");
    };
    code(|i| if i % 3 == 0 { 1 } else { -1 }, "signs.npy");
    code(|i| i8::from(i % 3 == 0), "bits.npy");
    code(|i| (i % 3) as i8 - 1, "three.npy");
    let one = |data: &str| bincim(dir, &["infer", "bits.onnx", "--data", data, "--json"]);
    let scores = |ran: Ran| serde_json::from_str::<Json>(&ran.out).expect("JSON")["single"]["scores"].clone();
    assert_eq!(scores(one("signs.npy").ends(0)), scores(one("bits.npy").ends(0)));
    one("three.npy").refuses(&["-1 to 1", "one bit"]);
    code(|i| i as i8 - 9, "wide.npy");
    one("wide.npy").refuses(&["-9 to 6", "-1 to 1"]);
}

#[test]
fn images_of_another_shape_are_refused_or_said() {
    let root = folder(2, Some(&[0, 2]));
    let dir = root.path();
    let data = |name: &str, shape: &str| {
        fs::write(dir.join(name), npy("|u1", shape, &pixels(32))).expect("writable")
    };
    let infer = |name: &str| {
        bincim(dir, &["infer", "net.onnx", "--data", name, "--input", "unit", "--scores", "s.csv"])
    };
    data("wide.npy", "(2, 2, 8)");
    infer("wide.npy").refuses(&["1x2x8", "1x4x4"]);
    data("channels.npy", "(2, 4, 2, 2)");
    infer("channels.npy").refuses(&["4x2x2", "1x4x4"]);
    data("flat.npy", "(2, 16)");
    assert_eq!(infer("flat.npy").ends(0).err, "classifying 2 images ...\n");
    // A network that reads a vector cannot tell; what is not square is said.
    let mut g = Graph::new(&[1, 16]);
    let bits = g.sign("x");
    let w = g.floats(&[16, 3], &(0..48).map(|i| if i % 5 < 2 { 1.0 } else { -1.0 }).collect::<Vec<f64>>());
    let output = g.node("MatMul", &[&bits, &w], &[]);
    fs::write(dir.join("flat.onnx"), g.bytes(&output)).expect("writable");
    let flat = |name: &str| {
        let words = ["infer", "flat.onnx", "--data", name, "--input", "mean=0.5,std=1", "--scores", "s.csv"];
        bincim(dir, &words).ends(0).err
    };
    assert!(flat("wide.npy").contains("1x2x8"));
    assert_eq!(flat("images.npy"), "classifying 2 images ...\n");
}

#[test]
fn labels_are_classes_of_the_network() {
    let root = folder(2, Some(&[0, 3]));
    let infer = |dir: &Path, words: &[&str]| {
        bincim(dir, &[&["infer", "net.onnx", "--data", "images.npy", "--input", "unit"], words].concat())
    };
    infer(root.path(), &[]).refuses(&["1 label lies", "the largest 3", "3 scores"]);
    // One score has two classes.
    let root = folder(2, Some(&[0, 1]));
    fs::write(root.path().join("net.onnx"), model(1, 1, false)).expect("writable");
    infer(root.path(), &[]).ends(0);
    fs::write(root.path().join("labels.npy"), npy("|u1", "(2,)", &[0, 2])).expect("writable");
    infer(root.path(), &[]).refuses(&["the largest 2", "1 scores"]);
    // More than 256 classes.
    let many = 300;
    let right = expected(&network(&model(1, many, false), "unit"), &pixels(32));
    let labels: Vec<u8> = right.iter().flat_map(|(class, _)| (*class as u16).to_le_bytes()).collect();
    fs::write(root.path().join("net.onnx"), model(1, many, false)).expect("writable");
    fs::write(root.path().join("labels.npy"), npy("<u2", "(2,)", &labels)).expect("writable");
    assert!(infer(root.path(), &[]).ends(0).out.contains("2 of 2 test images right"));
    fs::write(root.path().join("labels.npy"), npy("<u2", "(2,)", &[43, 1, 42, 1])).expect("writable");
    let ran = infer(root.path(), &["--json"]).ends(0);
    let json: Json = serde_json::from_str(&ran.out).expect("JSON");
    let hits = right.iter().zip([299, 298]).filter(|((class, _), label)| class == label).count();
    assert_eq!(json["correct"], hits);
}
