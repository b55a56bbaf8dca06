//! `bincim infer --metrics`.

use super::*;
use std::fs;

/// What the file of `--scores` says, judged here from its outputs at a temperature.
fn judged(csv: &str, temperature: f64) -> (f64, f64) {
    let mut rows = csv.lines().map(|line| line.split(',').map(str::to_string).collect::<Vec<_>>());
    let head = rows.next().expect("a head");
    let column = |name: &str| head.iter().position(|one| one == name).expect("a column");
    let (label, first) = (column("label"), column("output_0"));
    let (mut loss, mut brier, mut count) = (0.0, 0.0, 0.0);
    for row in rows {
        let logits: Vec<f64> =
            (0..10).map(|class| row[first + class].parse::<f64>().expect("a number") / temperature).collect();
        let sum: f64 = logits.iter().map(|logit| logit.exp()).sum();
        let label: usize = row[label].parse().expect("a label");
        loss -= (logits[label].exp() / sum).ln();
        let corner = |class: usize| f64::from(u8::from(class == label));
        brier += (0..10).map(|class| (logits[class].exp() / sum - corner(class)).powi(2)).sum::<f64>();
        count += 1.0;
    }
    (loss / count, brier / count)
}

#[test]
fn probabilities_are_judged() {
    let root = with_glyphs(300);
    let dir = root.path();
    bincim(dir, &["glyphs", "--split", "train", "--count", "400", "-o", "train"]).ends(0);
    let words =
        ["infer", "MODEL", "--data", "data", "--metrics", "--temperature", "fit", "--fit-data", "train"];
    let more = ["--fit-images", "350", "--ood", "data", "--scores", "all.csv", "--json"];
    let json = bincim(dir, &[&words[..], &more].concat()).ends(0).json(&["accuracy", "metrics"]);
    let found = &json["metrics"];
    let number = |group: &str, key: &str| found[group][key].as_f64().expect("a number");
    assert_eq!(json["accuracy"].as_f64(), found["plain"]["right"].as_f64());
    let csv = fs::read_to_string(dir.join("all.csv")).expect("the scores");
    let temperature = found["temperature"].as_f64().expect("a temperature");
    for (group, temperature) in [("plain", 1.0), ("tempered", temperature)] {
        let (loss, brier) = judged(&csv, temperature);
        assert!((number(group, "nll") - loss).abs() < 1e-9, "{json}");
        assert!((number(group, "brier") - brier).abs() < 1e-9, "{json}");
    }
    assert!((0.2..5.0).contains(&temperature) && found["fitted_on"] == 350, "{json}");
    // The same images are not strange.
    assert_eq!(number("ood", "auroc"), 0.5);
    let text = bincim(dir, &words).ends(0).out;
    assert!(text.contains("temperature 1 ") && text.contains("ECE"), "{text}");
}

#[test]
fn what_cannot_be_judged_is_refused() {
    let root = with_glyphs(20);
    let dir = root.path();
    let infer = |more: &[&str]| bincim(dir, &[&["infer", "MODEL", "--data", "data"], more].concat());
    infer(&["--metrics", "--temperature", "cold"]).refuses(&["cold", "fit"]);
    infer(&["--metrics", "--temperature", "0"]).refuses(&["0.001"]);
    infer(&["--temperature", "2"]).refuses(&["--metrics"]);
    infer(&["--metrics", "--rule", "highest-bit"]).refuses(&["highest bit", "--rule argmax"]);
    // The folder has one set of images, which is that of both splits.
    infer(&["--metrics", "--temperature", "fit"]).refuses(&["no other training images", "--fit-data"]);
    fs::remove_file(dir.join("data/labels-idx1-ubyte")).expect("labels");
    infer(&["--metrics", "--scores", "a.csv"]).refuses(&["no labels", "--metrics"]);
    assert!(!dir.join("a.csv").exists());
}
