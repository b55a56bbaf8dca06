//! Chip files that are not what they say: every field changed, with the digest made anew, is refused by name or is a
//! chip like any other. Nothing panics, and no integer stands otherwise in a memory than in the file.

use bincim::arch::ReadoutKind;
use bincim::design::{Design, Misfit};
use bincim::device::{self, PRESETS, Physics};
use bincim::emit;
use bincim::golden::{analog, machine};
use bincim::network::random::{self, Limits};
use bincim::variation::{ArrayDraw, Chip, OwnThresholds, Widths};
use rand::Rng;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;

use crate::machines;

/// A small analog design of a number, of any readout.
fn design(number: u64) -> Design {
    let mut rng = ChaCha8Rng::seed_from_u64(number);
    let limits = Limits {
        layers: 3,
        channels: 8,
        side: 4,
        kernel: 2,
        input_bits: 1 + number as u32 % 3,
        planes: 1 + number as usize % 2,
        shortcuts: false,
        states: false,
        branches: false,
        steps: 1,
    };
    for attempt in 0.. {
        let network = random::network(number << 20 | attempt, &limits);
        let mut arch = machines::random_arch(&mut rng);
        machines::random_readout(&mut arch, &mut rng);
        if let Some(design) = machines::design(&network, &arch)
            && design.cycles < 5_000
            && design.analog.as_ref().is_some_and(|analog| (2..=12).contains(&analog.arrays))
        {
            return design;
        }
    }
    unreachable!("some network fits some machine")
}

/// A chip of `physics` as `bincim draw` makes it.
fn drawn(design: &Design, physics: &Physics, seed: u64) -> Chip {
    let analog = design.analog.as_ref().expect("an analog design");
    let mut chip = device::chip(physics, seed, analog.fraction_bits, &design.sites());
    chip.saturate(analog.widths());
    chip
}

fn errors() -> Physics {
    let mut physics = Physics::preset("c3sram").expect("a preset");
    physics.column.offset = 2.0;
    physics.read_noise = 0.0;
    physics
}

/// The design's thresholds as a chip's own.
fn own(design: &Design) -> OwnThresholds {
    let values = design.thresholds.iter().map(|entry| entry.iter().map(|t| t.value).collect());
    OwnThresholds { replace: design.thresholds_digest(), values: values.collect() }
}

/// Reads `bytes` as the program does, and where they are a chip of this machine uses it.
///
/// `true` if they are. Panics where models and memories do not agree about it.
fn used(design: &Design, bytes: &[u8]) -> bool {
    let chip = match Chip::read_from(bytes) {
        Ok(chip) => chip,
        Err(error) => {
            assert!(!error.to_string().is_empty());
            return false;
        }
    };
    let misfits = design.misfits(&chip);
    let kinds: std::collections::HashSet<_> = misfits.iter().map(std::mem::discriminant).collect();
    // Cells, offsets and edges share a kind.
    assert!(misfits.len() <= kinds.len() + 2, "said twice: {misfits:?}");
    if !misfits.is_empty() {
        return false;
    }
    memories_hold(design, &chip);
    let size = design.network.input.shape.elements();
    let images = random::elements(&design.network, 7, 2);
    let plan = analog::Plan::new(design);
    let noise = plan.gate_noise(machine::RESET_SEED);
    let loaded =
        analog::Loaded::noisy(&plan, &chip, analog::InstructionSet::best(), noise.as_ref().map(|n| n as _));
    let mut fast = vec![0; images.len() / size * design.output.scores];
    loaded.scores_from(0, &images, &mut fast);
    for (index, image) in images.chunks(size).enumerate() {
        let seed = machine::frame_seed(machine::RESET_SEED, index as u64);
        let scores = machine::run(design, Some(&chip), image, seed).scores;
        let fast: Vec<i64> =
            fast[index * scores.len()..][..scores.len()].iter().map(|&score| score.into()).collect();
        assert_eq!(fast, scores, "the two models of image {index}");
    }
    true
}

/// Number `place` of `width` bits in a line of a memory image, two's complement.
fn number(line: &str, place: usize, width: usize) -> i64 {
    let digit = |digit: usize| {
        let at = line.len().checked_sub(digit + 1).expect("a digit");
        u8::from_str_radix(&line[at..=at], 16).expect("hexadecimal")
    };
    let bit = |bit: usize| i64::from(digit(bit / 4) >> (bit % 4) & 1);
    let value: i64 = (0..width).map(|n| bit(place * width + n) << n).sum();
    if bit(place * width + width - 1) == 1 { value - (1 << width) } else { value }
}

/// Asserts that the memory images hold the chip's integers.
fn memories_hold(design: &Design, chip: &Chip) {
    let analog = design.analog.as_ref().expect("an analog design");
    let texts: BTreeMap<String, String> =
        emit::memory_images(design, Some(chip)).into_iter().map(|text| (text.name, text.text)).collect();
    let lines = |name: &str| texts[name].lines().collect::<Vec<_>>();
    let (cells, offsets, edges) =
        (lines("bincim_cell.hex"), lines("bincim_offset.hex"), lines("bincim_edge.hex"));
    let words = analog.words.next_power_of_two();
    let (turns, steps) = (analog.share.next_power_of_two(), analog.edge_steps.next_power_of_two());
    for (index, array) in chip.arrays.iter().enumerate() {
        for column in 0..array.columns {
            // A reference column lies behind the lanes, also where a group has fewer channels.
            let last = analog.reference_column && column + 1 == array.columns;
            let lane = if last { design.lanes } else { column };
            for row in 0..array.rows {
                let line = cells[index * words + row / analog.row_step];
                let place = 2 * (lane * analog.row_step + row % analog.row_step);
                let at = column * array.rows + row;
                assert_eq!(number(line, place, analog.cell_width), i64::from(array.plus[at]));
                assert_eq!(number(line, place + 1, analog.cell_width), i64::from(array.minus[at]));
            }
            let offset = number(offsets[index], lane, analog.voltage_width);
            assert_eq!(offset, i64::from(array.offset[column]));
            for edge in 0..analog.edges {
                let (turn, step) = (lane % analog.share, edge / analog.edges_per_cycle);
                let line = edges[(index * turns + turn) * steps + step];
                let place = lane / analog.share * analog.edges_per_cycle + edge % analog.edges_per_cycle;
                let value = number(line, place, analog.voltage_width);
                assert_eq!(value, i64::from(array.edges[column * analog.edges + edge]));
            }
        }
    }
    let thresholds = lines("bincim_thresholds.hex");
    // A flip stands above each threshold, or nowhere.
    let bits = design.widths.threshold;
    let stride = bits + usize::from(design.thresholds.iter().flatten().any(|threshold| threshold.flip));
    for (line, values) in thresholds.iter().zip(chip.thresholds.iter().flat_map(|own| &own.values)) {
        for (lane, &value) in values.iter().enumerate() {
            let raw: i64 = (0..bits)
                .map(|bit| {
                    let at = lane * stride + bit;
                    let digit = &line[line.len() - 1 - at / 4..][..1];
                    i64::from(u8::from_str_radix(digit, 16).expect("hexadecimal") >> (at % 4) & 1) << bit
                })
                .sum();
            assert_eq!((value - raw) % (1 << bits), 0, "threshold of lane {lane}");
            assert!((-(1i64 << (bits - 1))..1i64 << (bits - 1)).contains(&value));
        }
    }
}

#[test]
fn drawn_chips_are_of_their_machine() {
    for number in 0..20 {
        let design = design(number);
        let mut all = vec![Physics::default(), errors()];
        all.push((PRESETS[number as usize % PRESETS.len()].physics)());
        let mut wires = errors();
        (wires.wires.row, wires.wires.column) = (1e-4, 1e-4);
        all.push(wires);
        for (seed, physics) in all.iter().enumerate() {
            let chip = drawn(&design, physics, seed as u64);
            assert_eq!(design.misfits(&chip), [], "design {number}, physics {seed}");
            assert!(used(&design, &chip.write_to()), "design {number}, physics {seed}");
        }
    }
}

type Change = fn(&mut Chip, &mut ChaCha8Rng);

fn array<'c>(chip: &'c mut Chip, rng: &mut ChaCha8Rng) -> &'c mut ArrayDraw {
    let index = rng.random_range(0..chip.arrays.len());
    &mut chip.arrays[index]
}

/// What no chip of the machine can have.
const REFUSED: [(&str, Change); 16] = [
    ("subject", |chip, _| {
        chip.subject.replace_range(0..1, if chip.subject.starts_with('0') { "1" } else { "0" })
    }),
    ("no subject", |chip, _| chip.subject.clear()),
    ("fraction_bits", |chip, _| chip.fraction_bits += 1),
    ("no widths", |chip, _| chip.widths = None),
    ("cell bits", |chip, rng| {
        let widths = chip.widths.expect("a held chip");
        let others: Vec<usize> = (2..=16).filter(|&cell| cell != widths.cell).collect();
        chip.widths = Some(Widths { cell: others[rng.random_range(0..others.len())], ..widths });
    }),
    ("voltage bits", |chip, _| chip.widths.as_mut().expect("a held chip").voltage -= 1),
    ("an array less", |chip, _| drop(chip.arrays.pop())),
    ("an array more", |chip, _| chip.arrays.push(chip.arrays[0].clone())),
    ("no array", |chip, _| chip.arrays.clear()),
    ("a row less", |chip, rng| {
        let array = array(chip, rng);
        let kept = |cells: &[i16]| {
            cells.chunks(array.rows).flat_map(|column| column[1..].to_vec()).collect::<Vec<i16>>()
        };
        (array.plus, array.minus) = (kept(&array.plus), kept(&array.minus));
        array.rows -= 1;
    }),
    ("a column more", |chip, rng| {
        let array = array(chip, rng);
        let edges = array.edges[..array.edges_per_column()].to_vec();
        array.columns += 1;
        array.plus.resize(array.rows * array.columns, 0);
        array.minus.resize(array.rows * array.columns, 0);
        array.offset.push(0);
        array.edges.extend(edges);
    }),
    ("an edge more", |chip, rng| {
        let array = array(chip, rng);
        let per = array.edges_per_column();
        array.edges = array.edges.chunks(per).flat_map(|edges| [edges, &edges[per - 1..]].concat()).collect();
    }),
    ("a cell beyond", |chip, rng| {
        let most = *chip.widths.expect("a held chip").cells().end();
        let array = array(chip, rng);
        let place = rng.random_range(0..array.plus.len());
        array.plus[place] = (most + 1 + rng.random_range(0..200)).min(32767) as i16;
    }),
    ("an offset beyond", |chip, rng| {
        let most = *chip.widths.expect("a held chip").offsets().end();
        let array = array(chip, rng);
        let place = rng.random_range(0..array.columns);
        array.offset[place] = -most - 1 - rng.random_range(0..1000);
    }),
    ("an edge beyond", |chip, rng| {
        let most = *chip.widths.expect("a held chip").edges().end();
        let array = array(chip, rng);
        let per = array.edges_per_column();
        array.edges[per - 1] = most + 1 + rng.random_range(0..1000);
    }),
    ("edges that fall", |chip, rng| {
        let array = array(chip, rng);
        let per = array.edges_per_column();
        // With one edge a column nothing can fall: cut it instead.
        match per {
            1 => array.edges.clear(),
            _ => (array.edges[0], array.edges[per - 1]) = (5, 4),
        }
    }),
];

#[test]
fn what_is_not_of_the_machine_is_refused() {
    for number in 0..12 {
        let design = design(number);
        let chip = drawn(&design, &errors(), number);
        let mut rng = ChaCha8Rng::seed_from_u64(number);
        for (name, change) in REFUSED {
            if name == "a cell beyond" && chip.widths.expect("a held chip").cell == 16 {
                continue;
            }
            let mut other = chip.clone();
            change(&mut other, &mut rng);
            assert!(!used(&design, &other.write_to()), "design {number}: {name}");
        }
        // A cell without a weight that holds something.
        let sites = design.sites();
        let unused = sites.iter().enumerate().find_map(|(array, site)| {
            site.weights.iter().position(|&weight| weight == 0).map(|place| (array, place))
        });
        if let Some((array, place)) = unused {
            let mut other = chip.clone();
            other.arrays[array].minus[place] = 1;
            assert!(matches!(design.misfits(&other)[..], [Misfit::UnusedCell { value: 1, more: 0, .. }]));
        }
    }
}

type Moved<'a> = &'a dyn Fn(&mut OwnThresholds);

#[test]
fn thresholds_that_are_not_of_the_machine_are_refused() {
    let mut met = [0; 2];
    for number in 0..12 {
        let design = design(number);
        let decided = design.layers.iter().any(|layer| layer.readout.as_ref().is_some_and(|r| r.decides));
        let held = Chip { thresholds: Some(own(&design)), ..drawn(&design, &errors(), number) };
        met[usize::from(decided)] += 1;
        assert_eq!(used(&design, &held.write_to()), !decided, "design {number}");
        let half = 1i64 << (design.widths.threshold - 1);
        let spare = design.network.layers[0].conv.c % design.lanes;
        let changes: [(&str, Moved); 6] = [
            ("digest", &|own| own.replace = "00".repeat(32)),
            ("an entry less", &|own| drop(own.values.pop())),
            ("a lane more", &|own| own.values.iter_mut().for_each(|entry| entry.push(0))),
            ("above", &|own| own.values[0][0] = half),
            ("below", &|own| own.values[0][0] = -half - 1),
            ("lane without a channel", &|own| {
                let last = design.layers[0].groups - 1;
                match spare {
                    0 => own.values[0][0] = i64::MAX,
                    lane => own.values[last][lane] = 0,
                }
            }),
        ];
        for (name, change) in changes {
            let mut other = held.clone();
            change(other.thresholds.as_mut().expect("its own"));
            assert!(!used(&design, &other.write_to()), "design {number}: {name}");
        }
    }
    assert!(met[0] > 2 && met[1] > 0, "{met:?}");
}

/// Several things at once are all said, each once.
#[test]
fn all_that_is_wrong_is_said_at_once() {
    let design = (0..).map(design).find(|design| design.arch.readout.kind == ReadoutKind::Adc);
    let design = design.expect("a design with converters");
    let mut chip = Chip { thresholds: Some(own(&design)), ..drawn(&design, &errors(), 1) };
    chip.fraction_bits += 1;
    chip.widths = None;
    let last = chip.arrays.len() - 1;
    chip.arrays[last].rows += 1;
    chip.arrays[0].offset[0] = i32::MAX;
    chip.arrays[0].edges[0] = i32::MIN;
    chip.thresholds.as_mut().expect("its own").replace.clear();
    let said: Vec<String> = design.misfits(&chip).iter().map(ToString::to_string).collect();
    let words =
        ["fraction_bits", "cell_bits", "readout.noise", "edges a column", "offset", "edge", "thresholds"];
    assert_eq!(said.len(), words.len(), "{said:#?}");
    for (said, word) in said.iter().zip(words) {
        assert!(said.contains(word), "{word}: {said}");
    }
}

/// The file with `head` as its first line and the digest that belongs to it.
fn file(mut head: Value, payload: &[u8]) -> Vec<u8> {
    let line = |head: &Value| serde_json::to_string(head).expect("plain values") + "\n";
    if let Some(digest) = head.get_mut("sha256") {
        *digest = "".into();
        let hash = Sha256::new().chain_update(line(&head)).chain_update(payload).finalize();
        head["sha256"] = hash.iter().map(|byte| format!("{byte:02x}")).collect::<String>().into();
    }
    [line(&head).as_bytes(), payload].concat()
}

/// Every value of the head replaced by others, taken out, and doubled.
#[test]
fn every_key_of_the_head_is_held_against_the_machine() {
    let values = [
        json!(null),
        json!(0),
        json!(1),
        json!(-1),
        json!(3),
        json!(17),
        json!(1u64 << 33),
        json!(u64::MAX),
        json!(1.5),
        json!("x"),
        json!([]),
        json!({}),
        json!({"cell": 8, "voltage": 2}),
        json!([{"rows": 1, "columns": 1, "edges": 1}]),
    ];
    let design = design(1);
    let chip = Chip { thresholds: Some(own(&design)), ..drawn(&design, &errors(), 5) };
    let bytes = chip.write_to();
    let end = bytes.iter().position(|&byte| byte == b'\n').expect("a first line");
    let (head, payload) = (&bytes[..end], &bytes[end + 1..]);
    let head: Value = serde_json::from_slice(head).expect("JSON");
    assert_eq!(file(head.clone(), payload), bytes, "the digest is made otherwise");
    let (mut taken, mut tried) = (0, 0);
    for pointer in pointers(&head) {
        let before = head.pointer(&pointer).expect("it is there");
        for value in values.iter().filter(|value| *value != before) {
            let mut other = head.clone();
            *other.pointer_mut(&pointer).expect("it is there") = value.clone();
            // Only the seed is free: it keys the noise of reads.
            let may = pointer == "/seed" || pointer == "/physics";
            let used = used(&design, &file(other, payload));
            assert!(may || !used, "{pointer} = {value}");
            (taken, tried) = (taken + usize::from(used), tried + 1);
        }
        let mut other = head.clone();
        let (place, key) = pointer.rsplit_once('/').expect("a key");
        match other.pointer_mut(place).expect("it is there") {
            Value::Object(keys) => drop(keys.shift_remove(key)),
            Value::Array(list) => drop(list.remove(key.parse().expect("an index"))),
            _ => unreachable!("a value in a record or a list"),
        }
        assert!(!used(&design, &file(other, payload)), "without {pointer}");
    }
    assert!(tried > 200 && (4..=8).contains(&taken), "{tried} tried, {taken} taken");
}

/// The places of all values in `value`, but the digest and the whole.
fn pointers(value: &Value) -> Vec<String> {
    let below = |key: String, value: &Value| {
        let inner = pointers(value).into_iter().map(|inner| format!("/{key}{inner}"));
        std::iter::once(format!("/{key}")).chain(inner.collect::<Vec<_>>()).collect::<Vec<_>>()
    };
    let all: Vec<String> = match value {
        Value::Object(keys) => keys.iter().flat_map(|(key, value)| below(key.clone(), value)).collect(),
        Value::Array(list) => {
            list.iter().enumerate().flat_map(|(n, value)| below(n.to_string(), value)).collect()
        }
        _ => Vec::new(),
    };
    all.into_iter().filter(|pointer| pointer != "/sha256").collect()
}

/// Integers of any size anywhere: refused, or both models and the memories hold the same.
#[test]
fn any_integers_are_refused_or_a_chip() {
    let (mut taken, mut refused) = (0, 0);
    for number in 0..10 {
        let design = design(number);
        let chip = Chip { thresholds: Some(own(&design)), ..drawn(&design, &errors(), number) };
        let decided = design.layers.iter().any(|layer| layer.readout.as_ref().is_some_and(|r| r.decides));
        let mut rng = ChaCha8Rng::seed_from_u64(number);
        for _ in 0..25 {
            let mut other = chip.clone();
            if decided {
                other.thresholds = None;
            }
            let widths = chip.widths.expect("a held chip");
            let near = |rng: &mut ChaCha8Rng, most: i64| match rng.random_range(0..5) {
                0 => most,
                1 => -most,
                2 => most + 1,
                _ => rng.random_range(-most..=most),
            };
            for _ in 0..rng.random_range(1..6) {
                let kind = rng.random_range(0..4);
                let index = rng.random_range(0..other.arrays.len());
                let array = &mut other.arrays[index];
                match kind {
                    0 => {
                        let place = rng.random_range(0..array.plus.len());
                        let value = near(&mut rng, i64::from(*widths.cells().end())) as i16;
                        if rng.random() { array.plus[place] = value } else { array.minus[place] = value }
                    }
                    1 => {
                        let place = rng.random_range(0..array.columns);
                        array.offset[place] = near(&mut rng, i64::from(*widths.offsets().end())) as i32;
                    }
                    2 => {
                        let per = array.edges_per_column();
                        let column = rng.random_range(0..array.columns);
                        let edges = &mut array.edges[column * per..][..per];
                        edges[rng.random_range(0..per)] =
                            near(&mut rng, i64::from(*widths.edges().end())) as i32;
                        edges.sort_unstable();
                    }
                    _ => {
                        let half = (1i64 << (design.widths.threshold - 1)) - 1;
                        if let Some(own) = &mut other.thresholds {
                            let entry = rng.random_range(0..own.values.len());
                            own.values[entry][0] = near(&mut rng, half);
                        }
                    }
                }
            }
            match used(&design, &other.write_to()) {
                true => taken += 1,
                false => refused += 1,
            }
        }
    }
    assert!(taken > 20 && refused > 20, "{taken} taken, {refused} refused");
}
