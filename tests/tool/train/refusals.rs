//! Plans and data that cannot be, each refused by its key or layer.

use super::{NETS, pixels, planned};
use bincim::train::{self, Recipe, Samples, TrainError, Trainer};
use std::fmt::Write;

/// What is said of a training file.
fn said(text: &str) -> String {
    let recipe: Recipe = toml::from_str(text).unwrap_or_else(|error| panic!("{error}\n{text}"));
    let problems = train::plan(&recipe, "net").expect_err("refused");
    problems.iter().map(|problem| format!("{problem}\n")).collect()
}

#[test]
fn each_wrong_key_is_named() {
    for (from, to, says) in [
        ("channels = 2", "channels = 0", "input.channels: 0"),
        ("epochs = 2", "epochs = 0", "train.epochs"),
        ("batch = 6", "batch = 1", "train.batch"),
        ("batch = 6", "batch = 6\nrate = 0.0", "train.rate"),
        ("batch = 6", "batch = 6\nrate = nan", "train.rate: NaN"),
        ("batch = 6", "batch = 6\nlabel_smoothing = 1.0", "train.label_smoothing"),
        ("batch = 6", "batch = 6\nwarmup = 3", "train.warmup"),
        ("batch = 6", "batch = 6\nspread = 2.0", "train.spread"),
        ("batch = 6", "batch = 6\nholdout = 1.0", "train.holdout"),
        ("measured = 40", "measured = 5", "train.measured"),
        ("measured = 40", "measured = 40\n[augment]\nshift = 8", "augment.shift: 8"),
        ("outputs = 12", "outputs = 0", "layer 1 ('conv1'): outputs = 0"),
        ("outputs = 4\n", "outputs = 300\n", "at most 256 classes"),
        ("kernel = 2\n", "kernel = 8\n", "layer 3 ('conv3'): kernel = 8: give 1 to 7"),
        ("kernel = 2\nstride = 2", "stride = 2", "needs kernel"),
        ("stride = 2", "stride = 0", "stride = 0"),
        ("stride = 2", "stride = 2\npad = 2", "pad = 2"),
        ("pool = 2", "pool = 0", "pool = 0"),
        ("pool = 2", "pool = 12", "pool of 12 does not fit the map of 7x9x8"),
        ("pool = 2", "pool = 5", "kernel of 2 does not fit"),
        ("kernel = 3\npad = 1\n[[", "kernel = 3\npad = 1\npad_value = \"minus\"\n[[", "pad it with \"zero\""),
        ("kind = \"dense\"", "kind = \"dense\"\nkernel = 3\npool = 2", "kernel belongs to kind = \"conv\""),
        ("kind = \"scores\"", "kind = \"dense\"", "the last layer needs kind = \"scores\""),
        ("kind = \"dense\"", "kind = \"scores\"", "only the last layer"),
        ("kind = \"scores\"", "kind = \"scores\"\nste = \"reste\"", "ste: the scores have no sign"),
        ("outputs = 9", "outputs = 9\nname = \"conv1\"", "another layer has this name"),
        ("outputs = 9", "outputs = 9\nname = \"a.b\"", "letters, digits"),
        ("measured = 40", "measured = 40\n[supports]\nscales = [0.3]", "supports.scales: [0.3]"),
        ("measured = 40", "measured = 40\n[supports]\nscales = [0.25, 0.5]", "powers of two"),
        ("measured = 40", "measured = 40\n[supports]\nscales = []", "supports.scales: 0 sizes"),
        ("measured = 40", "measured = 40\n[supports]\nscales = [0.5]\ndrop = 1.5", "supports.drop: 1.5"),
        ("measured = 40", "measured = 40\n[supports]\nscales = [0.5]\nsnap = 1.0", "supports.snap: 1"),
        ("measured = 40", "measured = 40\n[supports]\nscales = [0.3]\ndac_bits = 4", "multiples of 1/16"),
        (
            "measured = 40",
            "measured = 40\n[supports]\nscales = [0.5]\ndac_bits = 8",
            "dac_bits: 8: give 1 to 7",
        ),
        (
            "measured = 40",
            "measured = 40\n[supports]\nscales = [0.5]\ndrop_at = 0.4\ndrop_from = 0.5",
            "supports.drop_from: 0.5: give a share of 0 to drop_at",
        ),
        (
            "measured = 40",
            "measured = 40\n[augment]\nelastic = -1.0",
            "augment.elastic: -1: give pixels, 0 to 20",
        ),
        (
            "measured = 40",
            "measured = 40\n[supports]\nscales = [0.5]\ndrop_taps = 0",
            "supports.drop_taps: 0",
        ),
    ] {
        assert!(NETS[0].contains(from), "{from}");
        let said = said(&NETS[0].replacen(from, to, 1));
        assert!(said.contains(says), "{to}: `{said}` lacks `{says}`");
    }
}

/// Layers of these keys behind an 8-bit image of 2x8x8, and a dense layer and scores behind them.
fn layers(keys: &[&str]) -> String {
    let mut text = "[input]\nchannels = 2\nrows = 8\ncolumns = 8\n".to_string();
    for keys in keys {
        write!(text, "[[layer]]\nkind = \"conv\"\noutputs = 6\nkernel = 3\npad = 1\n{keys}\n")
            .expect("a string");
    }
    text + "[[layer]]\nkind = \"dense\"\noutputs = 5\n[[layer]]\nkind = \"scores\"\noutputs = 3\n"
}

#[test]
fn shortcuts_that_cannot_be_are_named() {
    let second = "shortcut = \"conv1\"";
    let good = layers(&["", second, "shortcut = \"conv2\""]);
    let recipe: Recipe = toml::from_str(&good).expect("a training file");
    assert_eq!(train::plan(&recipe, "net").map(|plan| plan.layers.len()), Ok(5));
    let wide = "shortcut = \"conv1\"\nscale = 2.0";
    for (text, says) in [
        (
            layers(&["", "shortcut = \"conv3\"", ""]),
            "layer 2 ('conv2'): shortcut = \"conv3\": no earlier layer",
        ),
        (layers(&["", "", "shortcut = \"conv3\""]), "name one of conv1, conv2"),
        (layers(&["shortcut = \"conv1\""]), "nothing stands before the first layer"),
        (layers(&["", "scale = 0.5"]), "layer 2 ('conv2'): scale: "),
        (
            layers(&["", second, "shortcut = \"conv1\"", "shortcut = \"conv2\""]),
            "those of 'conv2' are kept in between",
        ),
        (layers(&["", "shortcut = \"conv1\"\npool = 2"]), "cannot be pooled"),
        (
            layers(&["", "shortcut = \"conv1\"\nstride = 2"]),
            "it hands on 6x8x8, and this layer's sums are 6x4x4",
        ),
        (layers(&["", "shortcut = \"conv1\"\nscale = 0.3"]), "scale = 0.3: give a power of two"),
        (layers(&["", "shortcut = \"conv1\"\nscale = 0.0"]), "scale = 0: give a power of two"),
        (layers(&["", wide]), "scale = 2: in the finest step"),
        (layers(&["", wide]), "more than 255; give 0.00006103515625 to 1"),
        (layers(&["", wide]) + "[supports]\nscales = [0.25]\n", "to 0.25"),
        (good.replace("outputs = 5", "outputs = 6\nshortcut = \"conv3\""), "a dense layer a dense layer's"),
        (good.replace("outputs = 3", "outputs = 3\nshortcut = \"dense1\""), "layer 5 ('scores'): shortcut"),
        (good.clone() + "[supports]\nscales = [0.5]\nany_planes = true\n", "supports.any_planes: it turns"),
    ] {
        let said = said(&text);
        assert!(said.contains(says), "`{said}` lacks `{says}`");
    }
}

/// 64 layers of 4,096 inputs count up to 2^18, and one of them counts in steps of 1/64.
#[test]
fn a_chain_that_f32_cannot_hold_is_refused() {
    let mut text = "[input]\nchannels = 4096\nrows = 1\ncolumns = 1\ncode = \"bipolar\"\n".to_string();
    for number in 1..=65 {
        text += "[[layer]]\nkind = \"dense\"\noutputs = 4096\n";
        if number > 1 {
            write!(
                text,
                "shortcut = \"dense{}\"\nscale = {}\n",
                number - 1,
                if number == 2 { 0.015625 } else { 1.0 }
            )
            .expect("a string");
        }
    }
    text += "[[layer]]\nkind = \"scores\"\noutputs = 3\n";
    let said = said(&text);
    assert!(said.starts_with("layer 65 ('dense65'): scale = 1: sums") && said.contains("2^24"), "{said}");
}

#[test]
fn several_faults_are_told_at_once() {
    let text = NETS[0].replace("outputs = 12", "outputs = 0").replace("epochs = 2", "epochs = 0\nrate = 7.0");
    assert_eq!(said(&text).lines().count(), 3, "{}", said(&text));
    let none = "layer = []\n[input]\nchannels = 1\nrows = 2\ncolumns = 2\n";
    assert!(said(none).contains("at least one [[layer]]"));
}

#[test]
fn unknown_keys_are_refused() {
    for (from, to) in [("epochs", "epoch"), ("kernel", "kernels"), ("rows", "row"), ("[train]", "[training]")]
    {
        let text = NETS[0].replacen(from, to, 1);
        let error = toml::from_str::<Recipe>(&text).expect_err("an unknown key").to_string();
        assert!(error.contains(to.trim_matches(['[', ']'])) && error.contains("line"), "{error}");
    }
}

#[test]
fn data_that_does_not_fit_is_refused() {
    let mut trainer = Trainer::new(planned(NETS[3]));
    let pixels = pixels(&trainer.plan, 8);
    let mut refused = |pixels: &[u8], labels: &[u8]| {
        let samples = Samples { pixels, labels };
        trainer.epoch(&samples, &samples, &mut |_| {}).expect_err("refused")
    };
    let error = refused(&pixels, &[0, 1, 2, 3, 4, 5, 6, 10]);
    assert_eq!(error, TrainError::Label { image: 7, label: 10, classes: 10 });
    assert_eq!(refused(&pixels, &[0; 4]), TrainError::Shape { found: 32, expected: 16 });
    assert_eq!(refused(&pixels[..64], &[0; 4]), TrainError::TooFew { images: 4, batch: 5 });
    assert!(refused(&[], &[]).help().contains("batch"));
}

#[test]
fn a_loss_that_is_no_number_names_its_layer() {
    let mut trainer = Trainer::new(planned(NETS[3]));
    trainer.model.layers[0].beta.value[2] = f32::NAN;
    trainer.model.layers[1].gamma.value[0] = f32::INFINITY;
    let pixels = pixels(&trainer.plan, 10);
    let samples = Samples { pixels: &pixels, labels: &[1; 10] };
    let error = trainer.epoch(&samples, &samples, &mut |_| {}).expect_err("no number");
    assert_eq!(error.code(), "train::not_finite");
    assert!(error.to_string().contains("epoch 1, step 1") && error.to_string().contains("dense1"), "{error}");
}
