//! Hostile files: every reader is run on mutated files, and may refuse but never panic, hang or swell.
//!
//! A bounded count runs by default; `BINCIM_FUZZ=1000000 cargo test --release --test reading fuzz_readers::` runs the
//! long form, and `BINCIM_FUZZ_SEED` starts elsewhere. A failure prints reader, seed and the bytes in hex.
//! Another reader joins by one line in [`TARGETS`].

#![allow(clippy::disallowed_methods, reason = "the time that hostile input takes is under test")]

mod files;

use crate::common::graph::{Graph, Value};
use crate::common::residual;
use bincim::cost;
use bincim::network::random;
use bincim::read::{self, Split};
use prost::Message;
use rand::{Rng, SeedableRng, rngs::StdRng};
use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

/// A reader, valid files for it, and a mutator that knows its structure where there is one.
struct Target {
    name: &'static str,
    seeds: fn() -> Vec<Vec<u8>>,
    mutate: fn(&mut StdRng, &[u8]) -> Vec<u8>,
    read: fn(&[u8]) -> bool,
}

const TARGETS: [Target; 11] = [
    Target { name: "onnx", seeds: onnx_seeds, mutate: mutate_onnx, read: read_onnx },
    Target { name: "idx", seeds: idx_seeds, mutate: mutate_bytes, read: |b| read_data(b, "x") },
    Target { name: "cifar", seeds: cifar_seeds, mutate: mutate_bytes, read: |b| read_data(b, "x.bin") },
    Target { name: "npy", seeds: npy_seeds, mutate: mutate_bytes, read: |b| read_data(b, "x") },
    Target { name: "npz", seeds: npz_seeds, mutate: mutate_bytes, read: |b| read_data(b, "x") },
    Target { name: "png", seeds: png_seeds, mutate: mutate_bytes, read: |b| read_data(b, "x") },
    Target { name: "toml", seeds: toml_seeds, mutate: mutate_toml, read: read_toml },
    Target { name: "zst", seeds: files::zst_seeds, mutate: mutate_bytes, read: files::unpacks },
    Target { name: "gz", seeds: files::gz_seeds, mutate: mutate_bytes, read: files::unpacks },
    Target { name: "chip", seeds: files::chip_seeds, mutate: files::mutate_chip, read: files::read_chip },
    Target {
        name: "checkpoint",
        seeds: files::checkpoint_seeds,
        mutate: files::mutate_checkpoint,
        read: files::read_checkpoint,
    },
];

/// No file of a few kilobytes may take longer or ask for more.
const LONGEST: Duration = Duration::from_secs(10);
const MOST_BYTES: usize = 768 << 20;

fn toml_seeds() -> Vec<Vec<u8>> {
    let full = "name = \"x\"\n[array]\nrows = 64\ncolumns = 16\nlanes = 16\npixel_lanes = 1\n[activation]\nword = 32\n\
                [weights]\nstorage = \"registers\"\nrows_per_cycle = 16\n[popcount]\nstyle = \"flat\"\npipelined = false\n\
                [accumulator]\ndepth = 64\n[interface]\ninput_buffers = 2\nstream_bytes = 4\n[target]\n\
                device = \"generic\"\nclock_mhz = 50.0\n";
    vec![full.into(), include_bytes!("../../../templates/arch.toml").to_vec(), Vec::new()]
}

/// Bytes anywhere, or a value replaced by one that is extreme or of another kind.
fn mutate_toml(rng: &mut StdRng, origin: &[u8]) -> Vec<u8> {
    const VALUES: [&str; 14] = [
        "0",
        "1",
        "-1",
        "3",
        "8",
        "4096",
        "1024",
        "18446744073709551616",
        "9223372036854775807",
        "nan",
        "inf",
        "\"auto\"",
        "[[1]]",
        "\"block_ram\"",
    ];
    let mut lines: Vec<Vec<u8>> = origin.split(|&b| b == b'\n').map(<[u8]>::to_vec).collect();
    if rng.random_ratio(1, 3) {
        return mutate_bytes(rng, origin);
    }
    for _ in 0..rng.random_range(1..4) {
        let line = rng.random_range(0..lines.len());
        if let Some(equals) = lines[line].iter().position(|&b| b == b'=') {
            lines[line].truncate(equals + 1);
            lines[line].extend(VALUES[rng.random_range(0..VALUES.len())].as_bytes());
        }
    }
    lines.join(&b'\n')
}

/// What is read must also resolve into a design or be refused.
fn read_toml(bytes: &[u8]) -> bool {
    let Ok(text) = std::str::from_utf8(bytes) else { return false };
    let Ok(file) = read::arch_from_text(text) else { return false };
    let limits = random::Limits {
        layers: 2,
        channels: 4,
        side: 3,
        kernel: 2,
        input_bits: 2,
        planes: 1,
        shortcuts: false,
        states: false,
        branches: false,
        steps: 1,
    };
    cost::choose(&random::network(1, &limits), &file, None).is_ok()
}

#[test]
fn mutated_files_are_read_or_refused() {
    let number = |name: &str| std::env::var(name).ok().and_then(|v| v.parse::<u64>().ok());
    let count = number("BINCIM_FUZZ").unwrap_or(20_000);
    let start = number("BINCIM_FUZZ_SEED").unwrap_or(0);
    let only = std::env::var("BINCIM_FUZZ_ONLY").ok();
    for target in TARGETS.iter().filter(|t| only.as_deref().is_none_or(|o| o == t.name)) {
        let seeds = (target.seeds)();
        for seed in &seeds {
            assert!((target.read)(seed), "{}: an unmutated file is refused", target.name);
        }
        let (mut accepted, mut longest, mut largest) = (0u64, Duration::ZERO, 0);
        let begin = Instant::now();
        for index in start..start + count {
            let mut rng = StdRng::seed_from_u64(index);
            let origin = &seeds[rng.random_range(0..seeds.len())];
            let bytes = (target.mutate)(&mut rng, origin);
            let failed = |what: &str| -> ! {
                let hex: String = bytes.iter().map(|b| format!("{b:02x}")).collect();
                panic!("{} seed {index}: {what}\n{hex}", target.name)
            };
            PEAK.store(LIVE.load(Ordering::Relaxed), Ordering::Relaxed);
            let (before, clock) = (LIVE.load(Ordering::Relaxed), Instant::now());
            let run = std::panic::catch_unwind(|| (target.read)(&bytes));
            let (time, memory) = (clock.elapsed(), PEAK.load(Ordering::Relaxed).saturating_sub(before));
            match run {
                Ok(ok) => accepted += u64::from(ok),
                Err(_) => failed("panicked"),
            }
            if time > LONGEST || memory > MOST_BYTES {
                failed(&format!("took {time:?} and {memory} bytes"));
            }
            longest = longest.max(time);
            largest = largest.max(memory);
        }
        eprintln!(
            "{}: {count} executions from seed {start}, {accepted} accepted, {:.1} s; longest {longest:?}, largest {} KiB",
            target.name,
            begin.elapsed().as_secs_f64(),
            largest >> 10
        );
    }
}

static LIVE: AtomicUsize = AtomicUsize::new(0);
static PEAK: AtomicUsize = AtomicUsize::new(0);

/// The system's allocator, which also counts what is live and its peak.
struct Counting;

#[global_allocator]
static ALLOCATOR: Counting = Counting;

// SAFETY: every call goes to the system's allocator unchanged.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let live = LIVE.fetch_add(layout.size(), Ordering::Relaxed) + layout.size();
        PEAK.fetch_max(live, Ordering::Relaxed);
        // SAFETY: the caller's.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        LIVE.fetch_sub(layout.size(), Ordering::Relaxed);
        // SAFETY: the caller's.
        unsafe { System.dealloc(pointer, layout) }
    }
}

fn read_onnx(bytes: &[u8]) -> bool {
    match read::network_from_bytes(bytes, "fuzz") {
        Ok(reading) => {
            // What is accepted must be sound, and must stay so through the passes.
            assert_eq!(bincim::network::validate(&reading.network), []);
            assert_eq!(bincim::network::validate(&bincim::lower::lower(reading.network)), []);
            true
        }
        Err(errors) => {
            assert!(!errors.is_empty());
            errors.iter().for_each(|e| assert!(!e.to_string().is_empty() && !e.help().is_empty()));
            false
        }
    }
}

fn read_data(bytes: &[u8], name: &str) -> bool {
    match read::data::parse(bytes, name, Split::Test) {
        Ok(data) => {
            assert_eq!(data.images.len(), data.len() * data.shape.elements());
            true
        }
        Err(_) => false,
    }
}

const MAGIC: [i64; 16] = [
    0,
    1,
    -1,
    2,
    3,
    7,
    127,
    128,
    255,
    256,
    65535,
    1 << 20,
    i32::MAX as i64,
    i32::MIN as i64,
    i64::MAX,
    i64::MIN,
];

/// Flips, overwrites, cuts, repeats and moves bytes.
fn mutate_bytes(rng: &mut StdRng, origin: &[u8]) -> Vec<u8> {
    let mut bytes = origin.to_vec();
    for _ in 0..rng.random_range(1..=6) {
        if bytes.is_empty() {
            bytes.push(rng.random());
        }
        let at = rng.random_range(0..bytes.len());
        let to = rng.random_range(at..bytes.len().min(at + 64));
        match rng.random_range(0..7) {
            0 => bytes[at] ^= 1 << rng.random_range(0..8),
            1 => bytes[at] = rng.random(),
            2 => bytes.truncate(at),
            3 => drop(bytes.drain(at..to)),
            4 => bytes.splice(at..at, bytes[at..to].to_vec()).for_each(drop),
            5 => {
                let magic = MAGIC[rng.random_range(0..MAGIC.len())];
                let text = if rng.random() { magic.to_be_bytes() } else { magic.to_le_bytes() };
                let width = [1, 2, 4, 8][rng.random_range(0..4)];
                for (slot, byte) in bytes[at..].iter_mut().zip(&text[..width]) {
                    *slot = *byte;
                }
            }
            _ => bytes.insert(at, rng.random()),
        }
    }
    bytes
}

/// Changes the messages of a model and now and then its bytes as well.
fn mutate_onnx(rng: &mut StdRng, origin: &[u8]) -> Vec<u8> {
    if rng.random_bool(0.25) {
        return mutate_bytes(rng, origin);
    }
    let mut model = read::onnx::decode(origin).expect("a valid file");
    let graph = model.graph.as_mut().expect("a graph");
    for _ in 0..rng.random_range(1..=4) {
        let names: Vec<String> =
            graph.node.iter().flat_map(|n| n.input.iter().chain(&n.output)).cloned().collect();
        let name = |rng: &mut StdRng| {
            names.get(rng.random_range(0..names.len().max(1))).cloned().unwrap_or_default()
        };
        let magic = MAGIC[rng.random_range(0..MAGIC.len())];
        let float =
            [0.0, -0.0, 1.0, -1.0, 1e-30, 1e30, f32::MAX, f32::NAN, f32::INFINITY][rng.random_range(0..9)];
        let n = rng.random_range(0..graph.node.len().max(1));
        let t = rng.random_range(0..graph.initializer.len().max(1));
        match rng.random_range(0..13) {
            0 if !graph.node.is_empty() => drop(graph.node.remove(n)),
            1 if !graph.node.is_empty() => {
                let copy = graph.node[n].clone();
                graph.node.insert(n, copy);
            }
            2 if !graph.node.is_empty() => {
                let other = rng.random_range(0..graph.node.len());
                graph.node.swap(n, other);
            }
            3 if !graph.node.is_empty() => {
                let ops = [
                    "Conv",
                    "MatMul",
                    "Add",
                    "Sign",
                    "MaxPool",
                    "Reshape",
                    "Transpose",
                    "Expand",
                    "Gemm",
                    "ReduceMean",
                    "Concat",
                    "ConstantOfShape",
                    "Squeeze",
                    "Gather",
                    "TopK",
                    "Pad",
                    "Mul",
                    "Slice",
                    "GlobalAveragePool",
                    "BatchNormalization",
                    "Flatten",
                    "Clip",
                    "Shape",
                    "Unsqueeze",
                    "Cast",
                ];
                graph.node[n].op_type = Some(ops[rng.random_range(0..ops.len())].into());
                graph.node[n].domain = None;
            }
            4 | 5 if !graph.node.is_empty() && !graph.node[n].input.is_empty() => {
                let slot = rng.random_range(0..graph.node[n].input.len());
                graph.node[n].input[slot] = name(rng);
            }
            6 if !graph.node.is_empty() => {
                let extra = name(rng);
                graph.node[n].input.push(extra);
            }
            7 | 8 if !graph.node.is_empty() && !graph.node[n].attribute.is_empty() => {
                let slot = rng.random_range(0..graph.node[n].attribute.len());
                let attribute = &mut graph.node[n].attribute[slot];
                match rng.random_range(0..4) {
                    0 => attribute.i = Some(magic),
                    1 => attribute.f = Some(float),
                    2 => drop(attribute.ints.pop()),
                    _ => attribute.ints.iter_mut().for_each(|v| {
                        if rng.random() {
                            *v = magic;
                        }
                    }),
                }
            }
            9 if !graph.initializer.is_empty() => {
                let dims = &mut graph.initializer[t].dims;
                match rng.random_range(0..3) {
                    0 => dims.push(magic),
                    1 => drop(dims.pop()),
                    _ => dims.iter_mut().for_each(|d| *d = if rng.random() { magic } else { *d }),
                }
            }
            10 if !graph.initializer.is_empty() => {
                let tensor = &mut graph.initializer[t];
                if let Some(raw) = tensor.raw_data.as_mut().filter(|r| r.len() >= 4) {
                    let at = rng.random_range(0..raw.len() / 4) * 4;
                    raw[at..at + 4].copy_from_slice(&float.to_le_bytes());
                }
                tensor.int64_data.iter_mut().for_each(|v| {
                    if rng.random() {
                        *v = magic;
                    }
                });
            }
            11 if !graph.initializer.is_empty() => {
                graph.initializer[t].data_type = Some(rng.random_range(0..17));
            }
            _ => {
                let shape = graph
                    .input
                    .first_mut()
                    .and_then(|i| i.kind.as_mut()?.tensor_type.as_mut()?.shape.as_mut());
                if let Some(shape) = shape.filter(|s| !s.dim.is_empty()) {
                    let at = rng.random_range(0..shape.dim.len());
                    shape.dim[at].dim_value = Some(magic);
                }
            }
        }
    }
    model.encode_to_vec()
}

/// A convolution network that uses most operations, a dense one with folded weights, and one of residual sums.
fn onnx_seeds() -> Vec<Vec<u8>> {
    let mut g = Graph::of_pixels(&[1, 1, 8, 8]);
    let half = g.scalar(127.5);
    let centred = g.node("Sub", &["x", &half], &[]);
    let bits = g.sign(&centred);
    let w = g.floats(&[2, 1, 3, 3], &[1.0; 18]);
    let one = g.scalar(1.0);
    let w = g.custom("BipolarQuant", &[&w, &one], &[]);
    let same = [("pads", Value::Ints(vec![1; 4])), ("strides", Value::Ints(vec![1, 1]))];
    let acc = g.node("Conv", &[&bits, &w], &same);
    let lists: Vec<String> =
        [[1.0, -2.0], [0.5, 1.0], [3.0, -4.0], [1.0, 2.0]].iter().map(|v| g.floats(&[2], v)).collect();
    let inputs = [&acc, &lists[0], &lists[1], &lists[2], &lists[3]].map(String::as_str);
    let normed = g.node("BatchNormalization", &inputs, &[("epsilon", Value::Float(1e-4))]);
    let window = [("kernel_shape", Value::Ints(vec![2, 2])), ("strides", Value::Ints(vec![2, 2]))];
    let pooled = g.node("MaxPool", &[&normed], &window);
    let bits = g.sign(&pooled);
    let (pads, zero) = (g.ints(&[0, 0, 1, 1, 0, 0, 1, 1]), g.scalar(0.0));
    let padded = g.node("Pad", &[&bits, &pads, &zero], &[]);
    let w = g.floats(&[3, 2, 3, 3], &[0.5; 54]);
    let acc = g.node("Conv", &[&padded, &w], &[("strides", Value::Ints(vec![1, 1]))]);
    let thresholds = g.floats(&[3, 1], &[0.25, -1.0, 2.0]);
    let levels = [("out_scale", Value::Float(2.0)), ("out_bias", Value::Float(-1.0))];
    let bits = g.custom("MultiThreshold", &[&acc, &thresholds], &levels);
    let mean = g.node("GlobalAveragePool", &[&bits], &[]);
    let flat = g.node("Flatten", &[&mean], &[("axis", Value::Int(1))]);
    let w = g.floats(&[4, 3], &[1.0; 12]);
    let bias = g.floats(&[4], &[0.5; 4]);
    let scores = g.node("Gemm", &[&flat, &w, &bias], &[("transB", Value::Int(1))]);
    let convolutional = g.bytes(&scores);

    let mut g = Graph::new(&[1, 6]);
    let (scale, zero, width) = (g.scalar(1.0 / 128.0), g.scalar(0.0), g.scalar(8.0));
    let signed = [("signed", Value::Int(1)), ("narrow", Value::Int(0))];
    let codes = g.custom("Quant", &["x", &scale, &zero, &width], &signed);
    let shape = g.node("Shape", &[&codes], &[]);
    let (index, rest, axes) = (g.ints(&[0]), g.ints(&[-1]), g.ints(&[0]));
    let batch = g.node("Gather", &[&shape, &index], &[("axis", Value::Int(0))]);
    let joined = g.node("Concat", &[&batch, &rest], &[("axis", Value::Int(0))]);
    let codes = g.node("Reshape", &[&codes, &joined], &[]);
    let w = g.floats(&[4, 6], &[-1.0; 24]);
    let turned = g.node("Transpose", &[&w], &[("perm", Value::Ints(vec![1, 0]))]);
    let acc = g.node("MatMul", &[&codes, &turned], &[]);
    let bits = g.sign(&acc);
    let w = g.floats(&[4, 3], &[1.0; 12]);
    let acc = g.node("MatMul", &[&bits, &w], &[]);
    let tail = g.floats(&[1], &[0.3]);
    let tail = g.node("Unsqueeze", &[&tail, &axes], &[]);
    let scaled = g.node("Mul", &[&acc, &tail], &[]);
    let k = g.ints(&[1]);
    let top = g.node("TopK", &[&scaled, &k], &[("axis", Value::Int(1))]);
    vec![convolutional, g.bytes(&top), residual::small()]
}

fn idx_seeds() -> Vec<Vec<u8>> {
    let mut bytes = vec![0, 0, 8, 3, 0, 0, 0, 2, 0, 0, 0, 3, 0, 0, 0, 4];
    bytes.extend(0..24);
    vec![bytes]
}

fn cifar_seeds() -> Vec<Vec<u8>> {
    vec![vec![3; 3073], vec![9; 2 * 3073]]
}

fn npy(kind: &str, shape: &str, content: &[u8]) -> Vec<u8> {
    let text = format!("{{'descr': '{kind}', 'fortran_order': False, 'shape': {shape}, }}\n");
    let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
    bytes.extend((text.len() as u16).to_le_bytes());
    bytes.extend(text.as_bytes());
    bytes.extend(content);
    bytes
}

fn npy_seeds() -> Vec<Vec<u8>> {
    vec![npy("|u1", "(2, 3, 2, 2)", &[5; 24]), npy("|u1", "(2, 4)", &[5; 8])]
}

/// A stored (not deflated) archive, written by hand so that mutations reach the arrays.
fn npz_seeds() -> Vec<Vec<u8>> {
    let (mut bytes, mut directory, mut count) = (Vec::new(), Vec::new(), 0u16);
    for (name, content) in
        [("images_u8.npy", npy("|u1", "(2, 2, 2)", &[1; 8])), ("labels.npy", npy("<i8", "(2,)", &[0; 16]))]
    {
        let offset = bytes.len() as u32;
        let mut crc = flate2::Crc::new();
        crc.update(&content);
        let mut common = vec![20, 0, 0, 0, 0, 0, 0, 0, 0x21, 0];
        common.extend(crc.sum().to_le_bytes());
        common.extend((content.len() as u32).to_le_bytes());
        common.extend((content.len() as u32).to_le_bytes());
        common.extend((name.len() as u16).to_le_bytes());
        common.extend(0u16.to_le_bytes());
        bytes.extend(b"PK\x03\x04");
        bytes.extend(&common);
        bytes.extend(name.as_bytes());
        bytes.extend(&content);
        directory.extend(b"PK\x01\x02\x14\x00");
        directory.extend(&common);
        directory.extend([0; 10]);
        directory.extend(offset.to_le_bytes());
        directory.extend(name.as_bytes());
        count += 1;
    }
    let start = bytes.len() as u32;
    bytes.extend(&directory);
    bytes.extend(b"PK\x05\x06\x00\x00\x00\x00");
    bytes.extend(count.to_le_bytes());
    bytes.extend(count.to_le_bytes());
    bytes.extend((directory.len() as u32).to_le_bytes());
    bytes.extend(start.to_le_bytes());
    bytes.extend(0u16.to_le_bytes());
    vec![bytes]
}

fn png_seeds() -> Vec<Vec<u8>> {
    [png::ColorType::Grayscale, png::ColorType::Rgba]
        .iter()
        .map(|&color| {
            let mut bytes = Vec::new();
            let mut encoder = png::Encoder::new(&mut bytes, 4, 4);
            encoder.set_color(color);
            encoder.set_depth(png::BitDepth::Eight);
            let samples = if color == png::ColorType::Grayscale { 16 } else { 64 };
            encoder.write_header().unwrap().write_image_data(&vec![255; samples]).unwrap();
            bytes
        })
        .collect()
}
