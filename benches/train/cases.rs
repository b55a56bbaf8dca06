//! The networks of the bench, as both sides read them.

use bincim::train::Plan;
use serde_json::{Value, json};

/// Layers: kind, outputs, kernel, padding with -1, pool, step, and whether the sums of the layer before are added.
pub fn all() -> Value {
    let conv = |outputs: usize, pool: usize| json!(["conv", outputs, 3, 1, pool, 1, 0]);
    let open = |outputs: usize, pool: usize| json!(["conv", outputs, 3, 0, pool, 1, 0]);
    let dense = |outputs: usize| json!(["dense", outputs, 1, 0, 1, 1, 0]);
    let scores = || json!(["scores", 10, 1, 0, 1, 1, 0]);
    let vgg = |width: usize, hidden: &[usize]| -> Vec<Value> {
        let convs = [1, 2, 4].into_iter().flat_map(|times| [conv(times * width, 1), conv(times * width, 2)]);
        convs.chain(hidden.iter().map(|&outputs| dense(outputs))).chain([scores()]).collect()
    };
    json!({
        "glyphs": { "input": [1, 16, 16], "batch": 64,
            "layers": [open(16, 1), open(32, 2), open(32, 2), dense(64), scores()] },
        "LFC": { "input": [1, 28, 28], "batch": 100,
            "layers": [dense(1024), dense(1024), dense(1024), scores()] },
        "MNIST CNN": { "input": [1, 28, 28], "batch": 100,
            "layers": [open(32, 2), open(64, 1), open(64, 2), dense(256), scores()] },
        "CIFAR 32..128": { "input": [3, 32, 32], "batch": 100, "layers": vgg(32, &[256]) },
        "ResNet-18": { "input": [3, 32, 32], "batch": 100, "layers": residual() },
        "VGG-9": { "input": [3, 32, 32], "batch": 100, "layers": vgg(128, &[1024, 1024]) },
    })
}

/// Stages of 64, 128, 256 and 512 channels, each of four convolutions that add the sums before them, behind one (of step
/// 2 where the map shrinks) that begins a chain.
fn residual() -> Vec<Value> {
    let mut layers = Vec::new();
    for (stage, outputs) in [64, 128, 256, 512].into_iter().enumerate() {
        let step = if stage == 0 { 1 } else { 2 };
        layers.push(json!(["conv", outputs, 3, 1, 1, step, 0]));
        let adding = if stage == 0 { 4 } else { 3 };
        layers.extend((0..adding).map(|_| json!(["conv", outputs, 3, 1, 1, 1, 1])));
    }
    layers.push(json!(["scores", 10, 1, 0, 1, 1, 0]));
    layers
}

/// The training file of a case.
pub fn text(case: &Value, products: &str) -> String {
    let (input, batch) = (&case["input"], &case["batch"]);
    let mut text = format!(
        "[train]\nproducts = \"{products}\"\nbatch = {batch}\nrate = 0.001\nmeasured = {batch}\n\
         [input]\nchannels = {}\nrows = {}\ncolumns = {}\n",
        input[0], input[1], input[2]
    );
    for (index, layer) in case["layers"].as_array().expect("layers").iter().enumerate() {
        text += &format!("[[layer]]\nkind = {}\noutputs = {}\nname = \"layer{index}\"\n", layer[0], layer[1]);
        if layer[0] == "conv" {
            text += &format!(
                "kernel = {}\npad = {}\npool = {}\nstride = {}\n",
                layer[2], layer[3], layer[4], layer[5]
            );
        }
        if layer[6] == 1 {
            text += &format!("shortcut = \"layer{}\"\n", index - 1);
        }
    }
    text
}

/// Products of numbers in one image's forward and backward pass.
pub fn macs(plan: &Plan) -> (f64, f64) {
    let each: Vec<f64> =
        plan.layers.iter().map(|layer| (layer.conv.elements() * layer.fan_in()) as f64).collect();
    let forward: f64 = each.iter().sum();
    (forward, 2.0 * forward - each[0])
}
