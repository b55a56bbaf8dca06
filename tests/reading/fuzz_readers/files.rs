//! More readers for the fuzzing of `fuzz_readers`: packed files, chips and checkpoints. Where a digest stands over the
//! bytes it is made anew most of the time, so that what lies behind it is reached.

use super::mutate_bytes;
use bincim::arch::{ArchFile, ReadoutKind};
use bincim::design::{self, Design};
use bincim::device::{self, Physics};
use bincim::network::random;
use bincim::read::data;
use bincim::train::{self, Recipe, Trainer, checkpoint};
use bincim::variation::{Chip, OwnThresholds};
use bincim::{emit, golden};
use rand::{Rng, rngs::StdRng};
use sha2::{Digest, Sha256};
use std::io::Write;
use std::sync::OnceLock;

pub fn unpacks(bytes: &[u8]) -> bool {
    data::unpack(bytes).is_ok()
}

/// Raw blocks, blocks of one byte again and again, a checksum, a frame to be skipped.
pub fn zst_seeds() -> Vec<Vec<u8>> {
    const MAGIC: [u8; 4] = [0x28, 0xb5, 0x2f, 0xfd];
    let block = |kind: u32, size: u32, last: u32| (last | kind << 1 | size << 3).to_le_bytes()[..3].to_vec();
    let raw = [&MAGIC[..], &[0, 0x20], &block(0, 5, 1), b"12345"].concat();
    let repeated = [&MAGIC[..], &[0x20, 200], &block(1, 100, 0), &[7], &block(1, 100, 1), &[9]].concat();
    let skipped = [&[0x50, 0x2a, 0x4d, 0x18, 2, 0, 0, 0, 1, 2][..], &raw].concat();
    let two = [&raw[..], &skipped].concat();
    // What a compressor makes of text, with literals and sequences.
    let text: Vec<u8> = (0..2000u32).flat_map(|n| format!("{} ", n % 37 * n % 11).into_bytes()).collect();
    let level = ruzstd::encoding::CompressionLevel::Fastest;
    vec![raw, repeated, two, ruzstd::encoding::compress_to_vec(&text[..], level)]
}

pub fn gz_seeds() -> Vec<Vec<u8>> {
    let packed = |bytes: &[u8]| {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
        encoder.write_all(bytes).expect("memory");
        encoder.finish().expect("memory")
    };
    let (text, zeros) = (packed(b"some text, some text, some more"), packed(&[0; 4000]));
    vec![[&text[..], &zeros].concat(), text, zeros]
}

/// A small machine with converters.
fn machine() -> &'static Design {
    static MACHINE: OnceLock<Design> = OnceLock::new();
    MACHINE.get_or_init(|| {
        let limits = random::Limits {
            layers: 2,
            channels: 5,
            side: 2,
            kernel: 2,
            input_bits: 1,
            planes: 1,
            shortcuts: false,
            states: false,
            branches: false,
            steps: 1,
        };
        let mut arch = ArchFile::default().with("generic", 16, 4, 4, 4, 0);
        arch.readout.kind = ReadoutKind::Adc;
        arch.readout.levels = 5;
        arch.readout.cell_bits = 9;
        let designs = (0..).map(|seed| design::build(&random::network(seed, &limits), &arch));
        designs.flatten().next().expect("some network fits")
    })
}

/// A drawn chip, and one with thresholds of its own.
pub fn chip_seeds() -> Vec<Vec<u8>> {
    let design = machine();
    let analog = design.analog.as_ref().expect("an analog design");
    let mut chip = device::chip(&Physics::default(), 3, analog.fraction_bits, &design.sites());
    chip.saturate(analog.widths());
    let values = design.thresholds.iter().map(|entry| entry.iter().map(|t| t.value).collect());
    let own = OwnThresholds { replace: design.thresholds_digest(), values: values.collect() };
    vec![chip.write_to(), Chip { thresholds: Some(own), ..chip }.write_to()]
}

/// Any bytes; mostly with the digest that belongs to them.
pub fn mutate_chip(rng: &mut StdRng, origin: &[u8]) -> Vec<u8> {
    let end = origin.iter().position(|&byte| byte == b'\n').expect("a first line");
    let (mut head, mut payload) = (origin[..end].to_vec(), origin[end + 1..].to_vec());
    if rng.random_ratio(1, 8) {
        return mutate_bytes(rng, origin);
    }
    match rng.random() {
        true => head = digits(rng, &head),
        false => {
            for _ in 0..rng.random_range(1..4) {
                let at = rng.random_range(0..payload.len());
                payload[at] = *[0, 1, 127, 128, 255, rng.random()].get(rng.random_range(0..6)).expect("six");
            }
        }
    }
    let key = b"\"sha256\":\"";
    let Some(at) = head.windows(key.len()).rposition(|part| part == key) else {
        return mutate_bytes(rng, origin);
    };
    let open = [&head[..at + key.len()], b"\"}"].concat();
    let hash = Sha256::new().chain_update(&open).chain_update(b"\n").chain_update(&payload).finalize();
    let hash: String = hash.iter().map(|byte| format!("{byte:02x}")).collect();
    [&head[..at + key.len()], hash.as_bytes(), b"\"}\n", &payload].concat()
}

/// Other numbers in a line of JSON.
fn digits(rng: &mut StdRng, line: &[u8]) -> Vec<u8> {
    const NUMBERS: [&str; 9] = ["0", "1", "2", "9", "16", "33", "4294967296", "18446744073709551615", "-1"];
    let starts: Vec<usize> =
        (1..line.len()).filter(|&at| line[at].is_ascii_digit() && line[at - 1] == b':').collect();
    let start = starts[rng.random_range(0..starts.len())];
    let length = line[start..].iter().take_while(|byte| byte.is_ascii_digit()).count();
    let number = NUMBERS[rng.random_range(0..NUMBERS.len())].as_bytes();
    [&line[..start], number, &line[start + length..]].concat()
}

/// What is read is a chip of the machine or is refused by name; then both models and the memories take it.
pub fn read_chip(bytes: &[u8]) -> bool {
    let Ok(chip) = Chip::read_from(bytes) else { return false };
    let misfits = machine().misfits(&chip);
    if !misfits.is_empty() {
        misfits.iter().for_each(|misfit| assert!(!misfit.to_string().is_empty()));
        return false;
    }
    assert!(!emit::memory_images(machine(), Some(&chip)).is_empty());
    let plan = golden::analog::Plan::new(machine());
    let images = random::elements(&machine().network, 1, 1);
    let mut scores = vec![0; machine().output.scores];
    golden::analog::Loaded::new(&plan, &chip).scores_from(0, &images, &mut scores);
    let machine = golden::machine::run(machine(), Some(&chip), &images, 0).scores;
    assert_eq!(scores.iter().map(|&score| i64::from(score)).collect::<Vec<_>>(), machine);
    true
}

fn fresh() -> Trainer {
    let text = "[input]\nchannels = 1\nrows = 1\ncolumns = 4\n[[layer]]\nkind = \"dense\"\noutputs = 3\n[[layer]]\n\
                kind = \"scores\"\noutputs = 2\n[train]\nepochs = 3\nbatch = 4\nmeasured = 4\n";
    let recipe: Recipe = toml::from_str(text).expect("a recipe");
    Trainer::new(train::plan(&recipe, "fuzz").expect("a plan"))
}

pub fn checkpoint_seeds() -> Vec<Vec<u8>> {
    vec![checkpoint::save(&fresh(), "data")]
}

pub fn mutate_checkpoint(rng: &mut StdRng, origin: &[u8]) -> Vec<u8> {
    let body = &origin[..origin.len() - 32];
    let changed = match rng.random_range(0..4) {
        0 => return mutate_bytes(rng, origin),
        1 => digits(rng, body),
        _ => mutate_bytes(rng, body),
    };
    let digest = Sha256::digest(&changed);
    [&changed[..], &digest].concat()
}

pub fn read_checkpoint(bytes: &[u8]) -> bool {
    match checkpoint::load(fresh(), "data", bytes) {
        Ok(trainer) => {
            assert!(trainer.history.len() <= trainer.plan.train.epochs);
            let numbers = trainer.model.layers.iter().flat_map(|layer| &layer.weights.value);
            assert!(numbers.into_iter().all(|number| number.is_finite()));
            true
        }
        Err(error) => {
            assert!(!error.to_string().is_empty());
            false
        }
    }
}
