//! Loss, gradients and three steps of Adam against PyTorch in double precision.
//!
//! The trainer computes in f32, so equality is to rounding: 2e-6 of the largest entry of a list. The numbers
//! come from `torch_reference.py`, which needs PyTorch; this test needs none.

use super::{noise, planned};
use bincim::train::{Plan, Trainer};
use serde_json::Value;

fn list(value: &Value) -> Vec<f64> {
    value.as_array().expect("a list").iter().map(|x| x.as_f64().expect("a number")).collect()
}

/// Largest deviation relative to the largest entry.
fn deviation(found: &[f32], expected: &[f64]) -> f64 {
    assert_eq!(found.len(), expected.len());
    let largest = expected.iter().fold(1e-6f64, |top, x| top.max(x.abs()));
    found.iter().zip(expected).fold(0.0, |most, (f, e)| f64::max(most, (f64::from(*f) - e).abs() / largest))
}

/// The training file of a network in the reference.
pub fn text(net: &Value, settings: &Value) -> String {
    let input = list(&net["input"]);
    let mut text = format!(
        "[input]\nchannels = {}\nrows = {}\ncolumns = {}\ncode = {}\n",
        input[0], input[1], input[2], net["code"]
    );
    for layer in net["layers"].as_array().expect("layers") {
        text += &format!("[[layer]]\nkind = {}\noutputs = {}\n", layer[0], layer[1]);
        if layer[0] == "conv" {
            let value =
                ["\"minus\"", "\"zero\"", "\"plus\""][(layer[5].as_i64().expect("a level") + 1) as usize];
            text += &format!(
                "kernel = {}\nstride = {}\npad = {}\npad_value = {value}\npool = {}\n",
                layer[2], layer[3], layer[4], layer[6]
            );
        }
        if let (Some(from), Some(scale)) = (layer[7].as_u64(), layer[8].as_f64()) {
            let kinds = net["layers"].as_array().expect("layers").iter().map(|layer| &layer[0]);
            let number = kinds.take(from as usize + 1).filter(|kind| **kind == layer[0]).count();
            let kind = layer[0].as_str().expect("a kind");
            text += &format!("shortcut = \"{kind}{number}\"\nscale = {scale}\n");
        }
    }
    text + &format!(
        "[train]\nepochs = {}\nbatch = {}\nrate = {}\nrate_end = 1.0\nlabel_smoothing = {}\nste = {}\n",
        settings["steps"], settings["batch"], settings["rate"], settings["smoothing"], net["ste"]
    )
}

/// The reference's numbers in place of the trainer's own.
pub fn set(trainer: &mut Trainer) {
    let Trainer { plan, model, .. } = trainer;
    let last = plan.layers.len() - 1;
    for (index, (layer, state)) in plan.layers.iter().zip(&mut model.layers).enumerate() {
        let salt = index as u32;
        let narrow = |list: Vec<f64>| list.into_iter().map(|x| x as f32).collect::<Vec<f32>>();
        state.weights.value = narrow(noise(state.weights.value.len(), 10 + salt));
        if index < last {
            let gamma = noise(layer.conv.c, 30 + salt).iter().map(|x| x + 0.75).collect();
            state.gamma.value = narrow(gamma);
            state.beta.value = narrow(noise(layer.conv.c, 50 + salt));
        }
    }
}

/// Codes (image, row, column, channel) and labels of the reference's batch.
fn batch(plan: &Plan, images: usize) -> (Vec<i8>, Vec<u8>) {
    let table = plan.pixel_codes();
    let pixels = super::pixels(plan, images);
    let shape = plan.input;
    let mut codes = Vec::new();
    for image in pixels.chunks_exact(shape.elements()) {
        for at in 0..shape.elements() {
            let (c, pixel) = (at % shape.c, at / shape.c);
            codes.push(table[usize::from(image[c * shape.pixels() + pixel])]);
        }
    }
    (codes, (0..images).map(|i| ((i * 7 + 1) % plan.classes()) as u8).collect())
}

/// The reference's losses, gradients and numbers after its steps against those of `trainer`, which has made none; gives the
/// largest relative deviation of a gradient.
pub fn compared(name: &str, net: &Value, reference: &Value, trainer: &mut Trainer) -> f64 {
    let mut worst = 0.0f64;
    let images = reference["batch"].as_u64().expect("a batch") as usize;
    let (codes, labels) = batch(&trainer.plan, images);
    for (step, expected) in list(&net["losses"]).into_iter().enumerate() {
        let found = trainer.step(&codes, &labels, 1).loss;
        assert!((found - expected).abs() < 1e-5, "{name}, step {step}: {found} {expected}");
        if step > 0 {
            continue;
        }
        for (index, state) in trainer.model.layers.iter().enumerate() {
            let sampled: Vec<f32> = state.weights.gradient.iter().step_by(7).copied().collect();
            let gradients = &net["gradients"][index];
            for (part, found) in [&sampled, &state.gamma.gradient, &state.beta.gradient].iter().enumerate() {
                let found = deviation(found, &list(&gradients[part]));
                worst = worst.max(found);
                assert!(found < 2e-6, "{name}, layer {index}, gradient {part}: {found}");
            }
        }
    }
    for (index, state) in trainer.model.layers.iter().enumerate() {
        let sampled: Vec<f32> = state.weights.value.iter().step_by(7).copied().collect();
        let after = &net["after"][index];
        for (part, found) in [&sampled, &state.gamma.value, &state.beta.value].iter().enumerate() {
            let gradients = list(&net["gradients"][index][part]);
            for (at, expected) in list(&after[part]).into_iter().enumerate() {
                // Where the exact gradient is 0 Adam divides one rounding error by another.
                let off = (f64::from(found[at]) - expected).abs();
                let moved = gradients[at].abs() > 1e-9;
                assert!(!moved || off < 2e-6, "{name}, layer {index}, value {part} {at}: {off:e}");
            }
        }
    }
    worst
}

#[test]
fn gradients_and_steps_are_those_of_pytorch() {
    let reference: Value = serde_json::from_str(include_str!("torch.json")).expect("JSON");
    let mut worst = 0.0f64;
    for (name, net) in reference["networks"].as_object().expect("networks") {
        let mut trainer = Trainer::new(planned(&text(net, &reference)));
        set(&mut trainer);
        worst = worst.max(compared(name, net, &reference, &mut trainer));
    }
    println!("largest relative deviation of a gradient: {worst:.1e}");
}
