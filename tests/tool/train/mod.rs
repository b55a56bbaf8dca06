//! The trainer from outside: gradients as PyTorch's, files as read back, the same bytes for any threads.

mod arrays;
mod bayes;
mod exchange;
mod narrow;
mod refusals;
mod repeat;
mod shortcuts;
mod supports;
mod torch;

use bincim::train::{self, Plan, Trainer};

/// The plan of a training file's text.
fn planned(text: &str) -> Plan {
    let recipe = toml::from_str(text).unwrap_or_else(|error| panic!("{error}\n{text}"));
    train::plan(&recipe, "net").unwrap_or_else(|problems| panic!("{problems:?}\n{text}"))
}

/// Numbers in [-0.5, 0.5), as `torch_reference.py` makes them.
fn noise(count: usize, salt: u32) -> Vec<f64> {
    let mixed = |i: usize| {
        let mut x = (i as u32).wrapping_mul(2_654_435_761).wrapping_add(salt * 40_503 + 12_345);
        x ^= x >> 16;
        x = x.wrapping_mul(2_246_822_519);
        x ^= x >> 13;
        x = x.wrapping_mul(3_266_489_917);
        x ^= x >> 16;
        f64::from(x >> 8) / 16_777_216.0 - 0.5
    };
    (0..count).map(mixed).collect()
}

/// Pixels of `count` images, (image, channel, row, column).
fn pixels(plan: &Plan, count: usize) -> Vec<u8> {
    noise(count * plan.input.elements(), 1).iter().map(|x| ((x + 0.5) * 256.0) as u8).collect()
}

/// Labels that a network can learn: how many of the first pixels are bright.
fn labels(plan: &Plan, pixels: &[u8]) -> Vec<u8> {
    let bright = |image: &[u8]| image[..plan.classes() - 1].iter().filter(|&&p| p >= 128).count() as u8;
    pixels.chunks_exact(plan.input.elements()).map(bright).collect()
}

/// A trainer after `epochs` epochs on `images` images.
fn trained(text: &str, images: usize, epochs: usize) -> Trainer {
    let mut trainer = Trainer::new(planned(text));
    let pixels = pixels(&trainer.plan, images);
    let labels = labels(&trainer.plan, &pixels);
    let samples = train::Samples { pixels: &pixels, labels: &labels };
    for _ in 0..epochs {
        trainer.epoch(&samples, &samples, &mut |_| {}).expect("an epoch");
    }
    trainer
}

/// Small networks of every kind of layer.
const NETS: [&str; 7] = [
    r#"
[input]
channels = 2
rows = 9
columns = 8
[[layer]]
kind = "conv"
outputs = 12
kernel = 3
pad = 1
[[layer]]
kind = "conv"
outputs = 7
kernel = 3
pad = 1
pool = 2
[[layer]]
kind = "conv"
outputs = 5
kernel = 2
stride = 2
[[layer]]
kind = "dense"
outputs = 9
[[layer]]
kind = "scores"
outputs = 4
[train]
batch = 6
epochs = 2
measured = 40
"#,
    r#"
[input]
channels = 1
rows = 5
columns = 6
code = "bipolar"
[[layer]]
kind = "dense"
outputs = 11
name = "hidden"
[[layer]]
kind = "dense"
outputs = 8
[[layer]]
kind = "scores"
outputs = 3
[train]
batch = 8
epochs = 2
ste = "polynomial"
label_smoothing = 0.1
measured = 40
"#,
    r#"
[input]
channels = 3
rows = 6
columns = 6
code = "bipolar"
[[layer]]
kind = "conv"
outputs = 10
kernel = 3
pad = 1
pad_value = "plus"
[[layer]]
kind = "conv"
outputs = 6
kernel = 3
pad = 2
pad_value = "zero"
pool = 3
[[layer]]
kind = "scores"
outputs = 5
[train]
batch = 7
epochs = 2
ste = "reste"
warmup = 0.5
measured = 40
[augment]
shift = 1
fill = 200
flip = true
"#,
    r#"
[input]
channels = 1
rows = 4
columns = 4
[[layer]]
kind = "dense"
outputs = 6
[[layer]]
kind = "scores"
outputs = 10
[train]
batch = 5
epochs = 2
measured = 40
"#,
    r#"
[input]
channels = 2
rows = 3
columns = 3
[[layer]]
kind = "scores"
outputs = 4
[train]
batch = 5
epochs = 2
measured = 40
"#,
    r#"
[input]
channels = 2
rows = 6
columns = 7
[[layer]]
kind = "conv"
outputs = 6
kernel = 3
pool = 2
[[layer]]
kind = "conv"
outputs = 5
kernel = 2
pad = 1
pad_value = "zero"
[[layer]]
kind = "scores"
outputs = 4
[supports]
scales = [0.5, 0.125]
drop = 0.5
drop_by = "loss"
drop_taps = 4
[train]
batch = 5
epochs = 2
measured = 40
"#,
    r#"
[input]
channels = 1
rows = 4
columns = 5
code = "bipolar"
[[layer]]
kind = "dense"
outputs = 7
[[layer]]
kind = "dense"
outputs = 6
[[layer]]
kind = "scores"
outputs = 3
[supports]
scales = [0.5]
learn_scales = true
drop = 0.3
drop_taps = 5
[train]
batch = 5
epochs = 2
rate = 0.05
measured = 40
"#,
];
