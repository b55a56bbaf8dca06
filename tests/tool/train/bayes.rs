//! Weights that are drawn: trained as PyTorch trains them, written with their flip codes, the same bytes every way.

use super::{NETS, labels, pixels, planned, torch, trained};
use bincim::golden::reference;
use bincim::network::{Network, validate};
use bincim::read;
use bincim::train::checkpoint::{self, CheckpointError};
use bincim::train::{self, Samples, Trainer, Weights};
use serde_json::Value;

/// Networks of [`NETS`] with drawn layers: dense and convolutions, every padding, pooling, both rules; the last epoch draws
/// by the codes.
fn drawn() -> Vec<String> {
    let with = |index: usize, bayes: &str| format!("{}[bayes]\n{bayes}rounded = 0.5\n", NETS[index]);
    vec![
        with(0, ""),
        with(0, "rule = \"bayesbinn\"\nlayers = [\"conv2\", 5]\nbits = 2\n"),
        with(1, "layers = [\"hidden\"]\nbits = 8\nspread = 0.5\n"),
        with(2, "kl = 0.5\n"),
        with(2, "rule = \"bayesbinn\"\nrate = 0.01\nspread = 0.7\n"),
    ]
}

#[test]
fn gradients_and_steps_are_those_of_pytorch() {
    let reference: Value = serde_json::from_str(include_str!("torch_bayes.json")).expect("JSON");
    let mut worst = 0.0f64;
    for (name, net) in reference["networks"].as_object().expect("networks") {
        let drawn = net["drawn"].as_array().expect("layers").iter().map(|at| at.as_u64().expect("a layer"));
        let drawn: Vec<usize> = drawn.map(|at| at as usize).collect();
        let numbers: Vec<usize> = drawn.iter().map(|at| at + 1).collect();
        let text = torch::text(net, &reference)
            + &format!(
                "[bayes]\nrule = {}\nlayers = {numbers:?}\nkl = {:?}\nrate = {:?}\n",
                net["rule"],
                net["kl"].as_f64().expect("a number"),
                net["rate"].as_f64().expect("a number")
            );
        let mut trainer = Trainer::new(planned(&text));
        torch::set(&mut trainer);
        for index in drawn {
            trainer.model.layers[index].weights.value.iter_mut().for_each(|lambda| *lambda *= 3.0);
        }
        worst = worst.max(torch::compared(name, net, &reference, &mut trainer));
    }
    println!("largest relative deviation of a gradient: {worst:.1e}");
}

fn read_back(trainer: &Trainer, weights: Weights) -> Network {
    let bytes = train::onnx(&trainer.plan, &trainer.model, weights);
    read::network_from_bytes(&bytes, "net").unwrap_or_else(|errors| panic!("{errors:?}")).network
}

#[test]
fn the_file_is_read_back_to_the_same_integers_and_codes() {
    for text in drawn() {
        for epochs in [0, 2] {
            let trainer = trained(&text, 40, epochs);
            let network = trainer.network();
            assert_eq!(validate(&network), []);
            for (index, layer) in network.layers.iter().enumerate() {
                let bits = layer.flips.as_ref().map(|flips| flips.bits);
                assert_eq!(bits, trainer.plan.drawn(index).map(|bayes| bayes.bits));
            }
            let codes =
                || network.layers.iter().flat_map(|layer| &layer.flips).flat_map(|flips| &flips.codes);
            let different: std::collections::BTreeSet<&u8> = codes().collect();
            assert!(different.len() > 1 || text.contains("bayesbinn"), "{text}: {different:?}");
            for weights in [Weights::Signs, Weights::Latent] {
                assert_eq!(read_back(&trainer, weights), network, "{text}");
            }
        }
    }
}

/// The mode network of the integers gives the scores of the forward pass of the likelier weights.
#[test]
fn the_mode_is_that_of_the_forward_pass() {
    for text in drawn() {
        let trainer = trained(&text, 40, 2);
        let pixels = pixels(&trainer.plan, 30);
        let mode = trainer.network().mode();
        let of = |image: &[u8]| {
            let input: Vec<i16> = image.iter().map(|&p| mode.input.pixel_values[usize::from(p)]).collect();
            reference::run(&mode, &input).scores.into_iter().map(|score| score as f32).collect::<Vec<f32>>()
        };
        let found: Vec<Vec<f32>> = pixels.chunks_exact(trainer.plan.input.elements()).map(of).collect();
        assert_eq!(found, super::exchange::scores(&trainer, &pixels), "{text}");
    }
}

#[test]
fn threads_and_checkpoints_change_nothing() {
    for text in drawn() {
        let with = |threads| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("threads");
            pool.install(|| trained(&text, 40, 2))
        };
        let (one, many) = (with(1), with(5));
        let whole = checkpoint::save(&one, "d");
        assert_eq!(whole, checkpoint::save(&many, "d"));
        let bytes = checkpoint::save(&trained(&text, 40, 1), "d");
        let mut trainer =
            checkpoint::load(Trainer::new(planned(&text)), "d", &bytes).expect("its own checkpoint");
        let pixels = pixels(&trainer.plan, 40);
        let labels = labels(&trainer.plan, &pixels);
        let samples = Samples { pixels: &pixels, labels: &labels };
        trainer.epoch(&samples, &samples, &mut |_| {}).expect("an epoch");
        assert_eq!(checkpoint::save(&trainer, "d"), whole);
        // Another law of the draws, or none, is another training.
        for other in
            [text.replace("rounded = 0.5", "rounded = 0.6"), text.split("[bayes]").next().unwrap().into()]
        {
            let Err(CheckpointError::Other(what)) =
                checkpoint::load(Trainer::new(planned(&other)), "d", &bytes)
            else {
                panic!("another plan")
            };
            assert!(what.contains("bayes"), "{what}");
        }
    }
}

/// Of images that are all alike only the draws vary, and the statistics hold the variance that they make.
#[test]
fn statistics_are_those_of_drawn_networks() {
    let text =
        format!("{}[bayes]\nbits = 8\nspread = 0.8\n", NETS[1].replace("measured = 40", "measured = 240"));
    let mut trainer = Trainer::new(planned(&text));
    let image = pixels(&trainer.plan, 1);
    let pixels = image.repeat(240);
    trainer.measure(&Samples { pixels: &pixels, labels: &[0; 240] });
    let network = trainer.network();
    let layer = &network.layers[0];
    let (codes, taps) = (&layer.flips.as_ref().expect("drawn").codes, layer.fan_in());
    let input: Vec<f64> =
        image.iter().map(|&p| f64::from(network.input.pixel_values[usize::from(p)])).collect();
    let (mut ratio, mut off) = (0.0, 0.0f64);
    for (channel, row) in codes.chunks_exact(taps).enumerate() {
        let m =
            |tap: usize| (1.0 - f64::from(row[tap]) / 128.0) * f64::from(layer.planes[0].value(channel, tap));
        let mean: f64 = (0..taps).map(|tap| input[tap] * m(tap)).sum();
        let variance: f64 = (0..taps).map(|tap| 1.0 - m(tap) * m(tap)).sum();
        let found = &trainer.model.layers[0].measured;
        ratio += f64::from(found.variance[channel]) / variance / layer.conv.c as f64;
        off = off.max((f64::from(found.mean[channel]) - mean).abs() / variance.sqrt());
    }
    // 30 networks: the mean of 11 channels' variances is right to a tenth, their means to a fifth of a deviation.
    assert!((0.7..1.3).contains(&ratio), "{ratio}");
    assert!(off < 0.8, "{off}");
}

/// A network that learns while its weights are drawn; the ensemble is told beside the mode.
#[test]
fn training_learns_and_tells_of_the_ensemble() {
    for (rule, keys) in [("reparametrised", "rate = 0.1\nspread = 1.0"), ("bayesbinn", "")] {
        let text = format!("{}[bayes]\nrule = \"{rule}\"\n{keys}\n", NETS[1])
            .replace("epochs = 2", "epochs = 40\nrate = 0.02");
        let trainer = trained(&text, 40, 40);
        let losses: Vec<f64> = trainer.history.iter().map(|epoch| epoch.loss).collect();
        assert!(losses[39] < 0.8 * losses[0], "{rule}: {losses:?}");
        let pixels = pixels(&trainer.plan, 40);
        let labels = labels(&trainer.plan, &pixels);
        let samples = Samples { pixels: &pixels, labels: &labels };
        let last = trainer.history.last().expect("an epoch");
        assert_eq!(trainer.count_right(&samples) as f64 / 40.0, last.test_accuracy);
        let ensemble = trainer.count_right_drawn(&samples).expect("drawn weights") as f64 / 40.0;
        assert_eq!(Some(ensemble), last.ensemble_accuracy);
        assert!(ensemble > 0.6, "{rule}: {ensemble}");
    }
    assert_eq!(trained(NETS[1], 40, 1).history[0].ensemble_accuracy, None);
}

/// A point network or one of BayesBiNN gives its signs; drawn weights do not become point estimates in silence.
#[test]
fn two_stages_go_on_from_signs() {
    for first in [NETS[0].into(), format!("{}[bayes]\nrule = \"bayesbinn\"\n", NETS[0])] {
        let base = trained(&first, 40, 2);
        for weights in [Weights::Signs, Weights::Latent] {
            let bytes = train::onnx(&base.plan, &base.model, weights);
            let second = planned(&format!("{}[bayes]\nlayers = [2, 4, 5]\nspread = 1.25\n", NETS[0]));
            let model = train::start(&second, &bytes).unwrap_or_else(|errors| panic!("{errors:?}"));
            for (index, (old, new)) in base.model.layers.iter().zip(&model.layers).enumerate() {
                let same = old.weights.value.iter().zip(&new.weights.value);
                assert!(same.clone().all(|(old, new)| (*old >= 0.0) == (*new >= 0.0)), "{index}");
                let sized = |new: &f32| new.abs() == 1.25;
                assert_eq!(new.weights.value.iter().all(sized), [1, 3, 4].contains(&index), "{index}");
                assert_eq!(new.weights.clipped, ![1, 3, 4].contains(&index));
                assert_eq!(old.measured, new.measured);
            }
        }
    }
    let base = trained(&format!("{}[bayes]\n", NETS[0]), 40, 1);
    let bytes = train::onnx(&base.plan, &base.model, Weights::Signs);
    let errors = train::start(&planned(NETS[0]), &bytes).expect_err("drawn weights");
    assert!(errors.len() == 1 && errors[0].to_string().contains("flip codes"), "{errors:?}");
}

#[test]
fn each_wrong_key_is_named() {
    let said = |text: &str| -> String {
        let recipe: train::Recipe = toml::from_str(text).unwrap_or_else(|error| panic!("{error}\n{text}"));
        let problems = train::plan(&recipe, "net").expect_err("refused");
        problems.iter().map(|problem| format!("{problem}\n")).collect()
    };
    for (net, keys, says) in [
        (0, "bits = 1", "bayes.bits: 1: give 2 to 8"),
        (0, "bits = 9", "bayes.bits: 9"),
        (0, "kl = -0.1", "bayes.kl: -0.1"),
        (0, "kl = nan", "bayes.kl: NaN"),
        (0, "rate = 0.0", "bayes.rate: 0"),
        (0, "spread = 0.0", "bayes.spread: 0"),
        (0, "spread = 21.0", "bayes.spread: 21"),
        (0, "rounded = 1.5", "bayes.rounded: 1.5"),
        (0, "samples = 0", "bayes.samples: 0"),
        (0, "layers = []", "bayes.layers: name the layers"),
        (0, "layers = [0]", "bayes.layers: 0 is no layer: give a number from 1 to 5, or one of conv1, conv2"),
        (0, "layers = [6]", "6 is no layer"),
        (0, "layers = [\"conv4\"]", "\"conv4\" is no layer"),
        (0, "layers = [2, \"conv2\"]", "\"conv2\" is named twice"),
        (0, "layers = [1]", "bayes.layers: 1: the machine repeats the first layer's weights"),
        (0, "layers = [\"conv1\"]", "set input.code = \"bipolar\""),
        (4, "", "bayes.layers: there is no layer whose weights can be drawn"),
        (5, "", "supports: weights of several planes are not drawn"),
    ] {
        let said = said(&format!("{}[bayes]\n{keys}\n", NETS[net]));
        assert!(said.contains(says), "{keys}: `{said}` lacks `{says}`");
        assert_eq!(said.lines().count(), 1, "{said}");
    }
    let with = |from: &str, to: &str| said(&format!("{}[bayes]\n", NETS[0].replacen(from, to, 1)));
    assert!(with("batch = 6", "batch = 6\nproducts = \"narrow\"").contains("train.products: \"narrow\""));
    let text = with("measured = 40", "measured = 40\n[variation]\narch = \"a.toml\"");
    assert!(text.contains("variation: drawn weights are not trained on drawn chips"), "{text}");
    let shortcut = NETS[2]
        .replace("outputs = 6", "outputs = 10\nshortcut = \"conv1\"")
        .replace("pad = 2\n", "pad = 1\n")
        .replace("pool = 3\n", "");
    let text = said(&format!("{shortcut}[bayes]\n"));
    assert!(text.contains("layer 2: shortcut"), "{text}");
    let padded = NETS[2].replace("pad_value = \"plus\"", "pad_value = \"zero\"");
    let text = said(&format!("{padded}[bayes]\nlayers = [1]\n"));
    assert!(text.contains("bits padded with 0"), "{text}");
    // Without being named, such a layer stays a point estimate.
    let plan = planned(&format!("{padded}[bayes]\n"));
    assert_eq!(plan.bayes.map(|bayes| bayes.drawn), Some(vec![false, true, true]));
    let all = planned(&format!("{}[bayes]\n", NETS[2]));
    assert_eq!(all.bayes.map(|bayes| bayes.drawn), Some(vec![true; 3]));
    for (text, key) in [("sample = 3", "sample"), ("rule = \"bayes\"", "rule"), ("layers = [1.5]", "layers")]
    {
        let error = toml::from_str::<train::Recipe>(&format!("{}[bayes]\n{text}\n", NETS[0])).expect_err(key);
        assert!(error.to_string().contains(key), "{error}");
    }
}
