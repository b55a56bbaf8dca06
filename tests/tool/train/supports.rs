//! Supports: their gradients, what goes on from a base, what is left out.

use super::{NETS, labels, pixels, planned, trained};
use bincim::golden::reference;
use bincim::network::Activation;
use bincim::read;
use bincim::train::{self, Moment, Samples, Trainer, Weights, counted};

/// One layer of scores, whose loss is smooth in every number.
const SCORES: &str = r#"
[input]
channels = 1
rows = 5
columns = 4
code = "bipolar"
[[layer]]
kind = "scores"
outputs = 4
[supports]
scales = [0.5, 0.25]
learn_scales = true
[train]
batch = 8
epochs = 2
measured = 40
"#;

/// A network without supports, and the same with a frozen base.
const BASE: &str = NETS[1];

fn on_base(more: &str) -> String {
    format!("{BASE}[supports]\nscales = [0.5]\nfrozen = true\n{more}")
}

/// A trainer for `text` that goes on from `base`, with its images and labels.
fn started(text: &str, base: &Trainer, weights: Weights) -> (Trainer, Vec<u8>, Vec<u8>) {
    let mut trainer = Trainer::new(planned(text));
    let bytes = train::onnx(&base.plan, &base.model, weights);
    trainer.model = train::start(&trainer.plan, &bytes).unwrap_or_else(|errors| panic!("{errors:?}"));
    let pixels = pixels(&trainer.plan, 40);
    let labels = labels(&trainer.plan, &pixels);
    (trainer, pixels, labels)
}

#[test]
fn the_gradient_of_a_size_is_the_loss_s_difference() {
    let mut trainer = Trainer::new(planned(SCORES));
    let plan = trainer.plan.clone();
    let codes: Vec<i8> = pixels(&plan, 8).iter().map(|&p| if p >= 128 { 1 } else { -1 }).collect();
    let labels = [0, 1, 2, 3, 0, 1, 2, 3];
    trainer.model.layers[0].supports[1].kept[3..9].fill(0.0);
    trainer.model.gradients(&plan, &codes, &labels, Moment::START, 2, None);
    let layer = trainer.model.layers[0].clone();
    for (number, support) in layer.supports.iter().enumerate() {
        let at = |step: f32| {
            let mut moved = trainer.model.clone();
            moved.layers[0].supports[number].scale.value[0] += step;
            moved.loss(&plan, &codes, &labels)
        };
        let difference = (at(0.02) - at(-0.02)) / 0.04;
        let found = f64::from(support.scale.gradient[0]);
        assert!((difference - found).abs() < 2e-3 * found.abs().max(0.01), "{number}: {difference} {found}");
        for (place, gradient) in support.weights.gradient.iter().enumerate() {
            let expected = support.kept[place / 4] * support.size() * layer.weights.gradient[place];
            assert_eq!(*gradient, expected, "{number} {place}");
        }
    }
}

#[test]
fn a_model_with_latent_weights_starts_the_same_training() {
    for text in [NETS[0], NETS[5]] {
        let base = trained(text, 40, 2);
        let (again, ..) = started(text, &base, Weights::Latent);
        for (found, wanted) in again.model.layers.iter().zip(&base.model.layers) {
            assert_eq!(found.weights.value, wanted.weights.value);
            assert_eq!((&found.gamma.value, &found.beta.value), (&wanted.gamma.value, &wanted.beta.value));
            assert_eq!(found.measured, wanted.measured);
        }
        let signs = train::onnx(&base.plan, &base.model, Weights::Signs);
        let latent = train::onnx(&base.plan, &base.model, Weights::Latent);
        let read = |bytes: &[u8]| read::network_from_bytes(bytes, "net").expect("a network").network;
        assert_eq!(read(&signs), read(&latent));
        assert_eq!(again.network(), base.network());
    }
}

/// Supports begin with the base's signs, so every sum grows alike and no decision changes.
#[test]
fn supports_on_a_base_begin_as_the_base() {
    let base = trained(BASE, 40, 2);
    let (trainer, pixels, labels) = started(&on_base(""), &base, Weights::Signs);
    let network = trainer.network();
    assert!(network.layers.iter().all(|layer| layer.planes.len() == 2 && layer.planes[0].scale == 2));
    let samples = Samples { pixels: &pixels, labels: &labels };
    assert_eq!(trainer.count_right(&samples), base.count_right(&samples));
}

#[test]
fn a_frozen_base_stays_and_the_supports_move() {
    let base = trained(BASE, 40, 2);
    let (mut trainer, pixels, labels) = started(&on_base(""), &base, Weights::Signs);
    let before = trainer.network();
    let samples = Samples { pixels: &pixels, labels: &labels };
    for _ in 0..2 {
        trainer.epoch(&samples, &samples, &mut |_| {}).expect("an epoch");
    }
    let after = trainer.network();
    for (before, after) in before.layers.iter().zip(&after.layers) {
        assert_eq!(before.planes[0], after.planes[0]);
    }
    assert!(before.layers.iter().zip(&after.layers).any(|(b, a)| b.planes[1] != a.planes[1]));
}

#[test]
fn the_share_that_is_asked_for_is_left_out_in_whole_groups() {
    let at_once = [("magnitude", 0.3), ("loss", 0.6), ("gradient", 0.6), ("loss", 1.0)]
        .map(|(ranked, share)| (ranked, share, ""));
    for (ranked, share, from) in at_once.into_iter().chain([("loss", 0.7, "drop_from = 0.0\n")]) {
        let text = NETS[5]
            .replace("\"loss\"", &format!("\"{ranked}\""))
            .replace("drop = 0.5", &format!("{from}drop = {share}"));
        let trainer = trained(&text, 40, 2);
        let (all, dropped) = counted(&trainer.model.layers);
        let left = share * all as f64 - dropped as f64;
        assert!((0.0..4.0 * 6.0).contains(&left), "{ranked} {share}: {dropped} of {all}");
        for support in trainer.model.layers.iter().flat_map(|layer| &layer.supports) {
            assert!(support.kept.chunks(4).all(|group| group.iter().all(|kept| *kept == group[0])));
        }
        if share == 1.0 {
            assert!(trainer.network().layers.iter().all(|layer| layer.planes.len() == 1));
        }
    }
}

/// Pixels of 128 are 0, so nothing depends on the weights that read them: those go, of two groups the second.
#[test]
fn gradients_leave_out_what_nothing_depends_on() {
    assert_eq!(kept_of_dark_pixels(4, "drop = 0.5\ndrop_taps = 4"), [1.0, 1.0, 1.0, 1.0, 0.0, 0.0, 0.0, 0.0]);
    // A pass of 16 rows holds two taps of eight bits each.
    let passes = "drop = 0.75\ndrop_taps = 16\ndrop_per = \"cycle\"";
    assert_eq!(kept_of_dark_pixels(2, passes), [1.0, 1.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0]);
}

/// What of the supports on eight pixels is kept where all from `dark` on are 128.
fn kept_of_dark_pixels(dark: usize, drop: &str) -> Vec<f32> {
    let text = SCORES
        .replace("rows = 5", "rows = 2")
        .replace("bipolar", "int8")
        .replace("learn_scales = true", &format!("{drop}\ndrop_by = \"gradient\"\ndrop_at = 0.0"));
    let mut trainer = Trainer::new(planned(&text));
    let mut pixels = pixels(&trainer.plan, 40);
    pixels.chunks_exact_mut(8).for_each(|image| image[dark..].fill(128));
    let labels = labels(&trainer.plan, &pixels);
    let samples = Samples { pixels: &pixels, labels: &labels };
    trainer.epoch(&samples, &samples, &mut |_| {}).expect("an epoch");
    let supports = &trainer.model.layers[0].supports;
    assert!(supports.iter().all(|support| support.kept == supports[0].kept));
    supports[0].kept.clone()
}

#[test]
fn learnt_sizes_end_as_powers_of_two_or_codes() {
    for (more, there_is) in [
        ("", (|size| size.log2().fract() == 0.0) as fn(f32) -> bool),
        ("dac_bits = 5\n", |size| (32.0 * size).fract() == 0.0),
    ] {
        let text = NETS[6].replace("epochs = 2", "epochs = 6");
        let text = text.replace("[supports]", &format!("[supports]\nsnap = 0.9\n{more}"));
        let trainer = trained(&text, 40, 6);
        for support in trainer.model.layers.iter().flat_map(|layer| &layer.supports) {
            assert!(there_is(support.size()), "{more}: {}", support.size());
        }
    }
}

/// Each number of planes has thresholds of its own: one plane is the base, whatever its supports have become.
#[test]
fn where_every_number_of_planes_serves_one_plane_is_the_base() {
    let mut base = trained(NETS[0], 40, 2);
    let text = format!(
        "{}[supports]\nscales = [0.75, 0.5]\ndac_bits = 2\nfrozen = true\nany_planes = true\n",
        NETS[0]
    );
    // A falling channel is turned round.
    base.model.layers[0].gamma.value[2] *= -1.0;
    let (mut trainer, pixels, labels) = started(&text, &base, Weights::Latent);
    let samples = Samples { pixels: &pixels, labels: &labels };
    for _ in 0..4 {
        trainer.epoch(&samples, &samples, &mut |_| {}).expect("an epoch");
    }
    let bytes = train::onnx(&trainer.plan, &trainer.model, Weights::Signs);
    let network = read::network_from_bytes(&bytes, "net").expect("a network").network;
    assert_eq!(network, trainer.network());
    assert_eq!(
        network.layers.iter().map(|l| l.planes.iter().map(|p| p.scale).collect()).collect::<Vec<Vec<i32>>>(),
        vec![vec![4, 3, 2]; network.layers.len()]
    );
    let plain = base.network();
    let mut changed = 0;
    for image in pixels.chunks_exact(trainer.plan.input.elements()) {
        let input: Vec<i16> = image.iter().map(|&p| network.input.pixel_values[usize::from(p)]).collect();
        let found = reference::run(&network.limited(1), &input);
        let expected = reference::run(&plain, &input);
        let scores: Vec<i32> = expected.scores.iter().map(|score| 4 * score).collect();
        assert_eq!(found.scores, scores);
        changed += usize::from(reference::run(&network, &input).scores != scores);
    }
    assert!(changed > 20, "the supports do nothing: {changed}");
    let again = train::start(&trainer.plan, &bytes).expect_err("no base");
    assert!(again[0].to_string().contains("has supports already"), "{again:?}");
}

#[test]
fn thresholds_of_fewer_planes_are_read_back_or_named() {
    let text = format!("{}[supports]\nscales = [0.5, 0.25]\nany_planes = true\n", NETS[0]);
    let trainer = trained(&text, 40, 2);
    let network = trainer.network();
    let hidden = &network.layers[0];
    let Activation::Sign { threshold, .. } = &hidden.activation else { panic!("a layer of bits") };
    assert!(hidden.fewer.len() == 2 && hidden.fewer[0] != hidden.fewer[1] && hidden.fewer[1] != *threshold);
    let bytes = train::onnx(&trainer.plan, &trainer.model, Weights::Signs);
    assert_eq!(read::network_from_bytes(&bytes, "net").expect("a network").network, network);
    let name = "planes2.threshold";
    let at = bytes.windows(name.len()).position(|part| part == name.as_bytes()).expect("the tensor's name");
    let mut lost = bytes.clone();
    lost[at..at + 7].copy_from_slice(b"planes3");
    let errors = read::network_from_bytes(&lost, "net").expect_err("one list is missing");
    assert!(errors[0].to_string().contains("planes2.threshold': it is missing"), "{errors:?}");
}

#[test]
fn what_cannot_start_is_named() {
    let base = trained(BASE, 40, 1);
    let plan = planned(&BASE.replace("name = \"hidden\"\n", ""));
    let bytes = train::onnx(&base.plan, &base.model, Weights::Signs);
    let errors = train::start(&plan, &bytes).expect_err("another name");
    let said: String = errors.iter().map(|error| format!("{error}\n")).collect();
    assert!(said.contains("'dense1.weights' of 330 finite numbers"), "{said}");
    assert!(train::start(&plan, b"no model").is_err());
}
