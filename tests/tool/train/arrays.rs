//! Training on arrays: what a step's forward pass gives on a chip is what the machine gives on that chip.

use super::{NETS, labels, pixels, planned, shortcuts};
use bincim::arch::{ArchFile, InputBits, InputDrive, PlaneDrive};
use bincim::design::Design;
use bincim::golden::machine;
use bincim::network::Network;
use bincim::train::{Arrays, LayerState, Samples, Trainer};
use bincim::{cost, device, lower, read};

/// The networks that arrays take: not the last, whose scores come straight from integers.
fn nets() -> &'static [&'static str] {
    &NETS[..4]
}

const BOTH: [InputBits; 2] = [InputBits::Serial, InputBits::SideBySide];
const DRIVES: [InputDrive; 2] = [InputDrive::Bipolar, InputDrive::Unipolar];

/// All networks with both ways of the input's bits, and both of their drives.
fn inputs() -> impl Iterator<Item = (&'static str, InputBits, InputDrive)> {
    let bits = nets().iter().flat_map(|text| BOTH.map(|bits| (*text, bits)));
    bits.flat_map(|(text, bits)| DRIVES.map(|drive| (text, bits, drive)))
}

/// Arrays of 32 rows whose converters' codes are whole counts.
fn arch(levels: usize, range: usize, variation: &str) -> ArchFile {
    let text = format!(
        "[array]\nrows = 32\ncolumns = 4\n[activation]\nword = 8\n\
         [readout]\nkind = \"adc\"\nlevels = {levels}\nrange = {range}\nrows_per_cycle = 4\n{variation}"
    );
    read::arch_from_text(&text).unwrap_or_else(|error| panic!("{error:?}"))
}

fn design(network: Network, arch: &ArchFile) -> Design {
    cost::choose(&lower::lower(network), arch, None).expect("a machine").design
}

fn trainer(text: &str, arch: &ArchFile) -> Trainer {
    let mut trainer = Trainer::new(planned(text));
    let design = design(trainer.network(), arch);
    trainer.arrays = Some(Arrays::new(&trainer.plan, &design).expect("arrays"));
    trainer
}

fn trained(text: &str, arch: &ArchFile) -> Trainer {
    let mut trainer = trainer(text, arch);
    let pixels = pixels(&trainer.plan, 40);
    let labels = labels(&trainer.plan, &pixels);
    let samples = Samples { pixels: &pixels, labels: &labels };
    trainer.epoch(&samples, &samples, &mut |_| {}).expect("an epoch");
    trainer
}

/// Codes (image, row, column, channel) of some images.
fn codes(trainer: &Trainer, pixels: &[u8]) -> Vec<i8> {
    let (table, shape) = (trainer.plan.pixel_codes(), trainer.plan.input);
    let at = |i: usize| {
        let (image, place) = (i / shape.elements(), i % shape.elements());
        pixels[image * shape.elements() + place % shape.c * shape.pixels() + place / shape.c]
    };
    (0..pixels.len()).map(|i| table[usize::from(at(i))]).collect()
}

#[test]
fn ideal_arrays_with_a_code_for_every_sum_change_nothing() {
    for (text, input_bits, input_drive) in inputs() {
        let mut arch = arch(65, 32, "");
        (arch.readout.input_bits, arch.readout.input_drive) = (input_bits, input_drive);
        let trainer = trained(text, &arch);
        let codes = codes(&trainer, &pixels(&trainer.plan, 9));
        let on = trainer.arrays.as_ref().map(|arrays| (arrays, &[5, 6][..]));
        let (plan, model) = (&trainer.plan, &trainer.model);
        assert_eq!(model.scores(plan, &codes, on), model.scores(plan, &codes, None));
    }
}

#[test]
fn a_drawn_chip_gives_the_scores_of_the_machine() {
    let errors = "[variation.gaussian]\nsigma = 0.2\n[variation.cell]\nbranches = \"independent\"\n\
                  [variation.column]\noffset = 0.7\n[variation.converter]\nkind = \"flash\"\ncomparator = 0.5\n";
    for (text, input_bits, input_drive) in inputs() {
        let mut arch = arch(17, 32, errors);
        (arch.readout.input_bits, arch.readout.input_drive) = (input_bits, input_drive);
        equals_the_machine(&trained(text, &arch), &arch);
    }
}

/// Converters that see raw currents, and what is counted and taken away behind them.
#[test]
fn raw_currents_give_the_scores_of_the_machine() {
    let errors = "[variation.gaussian]\nsigma = 0.1\n[variation.cell]\nkind = \"offset\"\ng_min = 0.1\n";
    let mut arch = arch(65, 48, errors);
    for (number, text) in nets().iter().enumerate() {
        (arch.readout.input_bits, arch.readout.input_drive) = (BOTH[number % 2], DRIVES[number / 2]);
        let trainer = trained(text, &arch);
        assert!(design(trainer.network(), &arch).analog.expect("arrays").reference.is_some());
        equals_the_machine(&trainer, &arch);
    }
    let mut trainer = trained(&format!("{}[supports]\nscales = [0.5, 0.25]\n", NETS[0]), &arch);
    for layer in &mut trainer.model.layers {
        let kept = &mut layer.supports.last_mut().expect("supports").kept;
        let gone = kept.len().saturating_sub(1).min(37);
        kept[..gone].fill(0.0);
    }
    equals_the_machine(&trainer, &arch);
}

/// Supports lie in arrays of their own, as they are counted or driven; of what is left out nothing is there.
#[test]
fn supports_on_a_drawn_chip_give_the_scores_of_the_machine() {
    let errors = "[variation.threshold]\na_vt = 15\n[variation.column]\noffset = 0.7\n";
    for (number, drive) in [PlaneDrive::Full, PlaneDrive::Scaled].into_iter().enumerate() {
        let mut arch = arch(17, 32, errors);
        arch.readout.plane_drive = drive;
        arch.readout.input_bits = BOTH[number];
        for (text, scales) in [(NETS[0], "[0.5, 0.25]"), (NETS[1], "[0.5]"), (NETS[2], "[0.75, 0.5]")] {
            let dac = if scales.contains("0.75") { "dac_bits = 2\n" } else { "" };
            let mut trainer = trained(&format!("{text}[supports]\nscales = {scales}\n{dac}"), &arch);
            for (index, layer) in trainer.model.layers.iter_mut().enumerate() {
                // The first pass of 32 rows and a part of the next, of every second layer's last support.
                let kept = &mut layer.supports.last_mut().expect("supports").kept;
                let gone = if index % 2 == number { kept.len().saturating_sub(1).min(37) } else { 0 };
                kept[..gone].fill(0.0);
            }
            equals_the_machine(&trainer, &arch);
        }
    }
}

/// Sums that bypass layers are added behind the converters, those of pixels, which arrays count twice, among them.
#[test]
fn shortcuts_on_a_drawn_chip_give_the_scores_of_the_machine() {
    let mut arch = arch(17, 32, "[variation.gaussian]\nsigma = 0.2\n");
    let [serial, side_by_side] = BOTH;
    for (text, input_bits) in
        [(shortcuts::CHAINS, serial), (shortcuts::CHAINS, side_by_side), (shortcuts::BITS, serial)]
    {
        arch.readout.input_bits = input_bits;
        for more in ["", "[supports]\nscales = [0.5]\n"] {
            let mut trainer = trained(&format!("{text}{more}"), &arch);
            trainer.model.layers.iter_mut().for_each(rising);
            equals_the_machine(&trainer, &arch);
        }
    }
}

/// Lets falling channels rise at the same sum: between two sums of a clean chip a falling one rounds the other way.
fn rising(layer: &mut LayerState) {
    let pairs = layer.gamma.value.iter_mut().zip(&mut layer.beta.value);
    pairs.filter(|(gamma, _)| **gamma < 0.0).for_each(|(gamma, beta)| (*gamma, *beta) = (-*gamma, -*beta));
}

/// The trainer's scores on two chips against those of the machine with their integers.
fn equals_the_machine(trainer: &Trainer, arch: &ArchFile) {
    let normalised = &trainer.model.layers[..trainer.plan.layers.len() - 1];
    assert!(normalised.iter().all(|layer| layer.gamma.value.iter().all(|&gamma| gamma > 0.0)));
    let (network, pixels) = (trainer.network(), pixels(&trainer.plan, 6));
    let design = design(network.clone(), arch);
    let analog = design.analog.as_ref().expect("arrays");
    let gamma = trainer.model.layers.last().expect("layers").gamma.value[0];
    let mut changed = 0;
    for seed in [3, 1 << 63 | 7] {
        let mut chip = device::chip(&arch.variation, seed, analog.fraction_bits, &design.sites());
        chip.saturate(analog.widths());
        let seeds = [seed];
        let on = trainer.arrays.as_ref().map(|arrays| (arrays, &seeds[..]));
        let codes = codes(trainer, &pixels);
        let found = trainer.model.scores(&trainer.plan, &codes, on);
        changed += usize::from(found != trainer.model.scores(&trainer.plan, &codes, None));
        let classes = trainer.plan.classes();
        let images = pixels.chunks_exact(trainer.plan.input.elements());
        for (image, found) in images.zip(found.chunks_exact(classes)) {
            let input: Vec<i16> = image.iter().map(|&p| network.input.pixel_values[usize::from(p)]).collect();
            let scores = machine::run(&design, Some(&chip), &input, 0).scores;
            for class in 0..classes {
                let own = &design.network.output;
                let score = scores[class] as f64 * own.scale[class] + own.bias[class];
                let expected = f64::from(found[class]) * f64::from(gamma);
                assert!((score - expected).abs() < 1e-9 * expected.abs().max(1.0), "{score} {expected}");
            }
        }
    }
    assert_eq!(changed, 2, "the chips' errors change nothing");
}

#[test]
fn chips_differ_from_step_to_step_and_repeat_for_a_seed() {
    let arch = arch(17, 32, "[variation.gaussian]\nsigma = 0.3\n");
    let run = || trained(NETS[0], &arch);
    assert_eq!(run().model, run().model);
    let clean = super::trained(NETS[0], 40, 1);
    assert_ne!(run().model.layers[0].weights.value, clean.model.layers[0].weights.value);
    let noisy = super::arrays::arch(65, 32, "[variation]\nread_noise = 1.5\n");
    let noisy = trained(NETS[0], &noisy);
    assert_ne!(noisy.model.layers[0].weights.value, clean.model.layers[0].weights.value);
    let other = trainer(NETS[1], &arch);
    let design = design(other.network(), &ArchFile::default());
    assert_eq!(Arrays::new(&other.plan, &design), None, "popcount readout");
}

/// What is left out is whole passes: of as many taps as the array has rows, or an eighth where each bit takes a row.
#[test]
fn supports_are_left_out_by_the_passes_of_the_arrays() {
    let recipe =
        "[supports]\nscales = [0.5]\ndrop = 0.5\ndrop_at = 0.0\ndrop_taps = 8\ndrop_per = \"cycle\"\n";
    for (input_bits, group) in BOTH.into_iter().zip([8, 1]) {
        let mut arch = arch(17, 32, "");
        arch.readout.input_bits = input_bits;
        let trainer = trained(&format!("{}{recipe}", NETS[0]), &arch);
        let kept = |layer: usize| &trainer.model.layers[layer].supports[0].kept;
        let whole = |kept: &[f32]| kept.chunks(8).all(|group| group.iter().all(|one| *one == group[0]));
        assert_eq!(whole(kept(0)), group == 8, "{input_bits:?}: {:?}", kept(0));
        assert!((1..5).all(|layer| whole(kept(layer))));
        assert!((0..5).any(|layer| kept(layer).contains(&0.0)));
    }
}
