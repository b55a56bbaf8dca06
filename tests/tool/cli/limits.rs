//! Inputs without an end, packed to thousandfold, or with sizes that lie, and numbers beyond all sense: each is refused
//! by name, within the memory that the process may have.

use super::*;
use std::fs;
use std::io::Write;

/// Address space that the program may take, KiB: what its largest reader may hold, and the program itself.
const LIMITED: &str = "ulimit -v 1600000; exec timeout 120 ";

/// A Zstandard file of blocks that each repeat a byte `size` times, behind `header`.
fn repeated(header: &[u8], blocks: usize, size: u32) -> Vec<u8> {
    let mut bytes = [&[0x28, 0xb5, 0x2f, 0xfd][..], header].concat();
    for block in 1..=blocks {
        bytes.extend(&(u32::from(block == blocks) | 1 << 1 | size << 3).to_le_bytes()[..3]);
        bytes.push(0);
    }
    bytes
}

/// Gzip of `size` zeros.
fn zeros(size: usize) -> Vec<u8> {
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    let piece = vec![0; 1 << 20];
    for _ in 0..size >> 20 {
        packed.write_all(&piece).expect("memory");
    }
    packed.finish().expect("memory")
}

fn analog(dir: &Path) {
    let text = "[array]\nrows = 64\ncolumns = 16\n[activation]\nword = 16\n[readout]\nkind = \"adc\"\n";
    fs::write(dir.join("analog.toml"), text).expect("writable");
}

#[test]
fn files_without_an_end_are_read_to_a_limit() {
    let root = with_glyphs(2);
    let dir = root.path();
    analog(dir);
    generate_small(dir);
    fs::create_dir(dir.join("run")).expect("writable");
    std::os::unix::fs::symlink("/dev/zero", dir.join("run/settings.json")).expect("a link");
    let net = "[input]\nchannels = 1\nrows = 16\ncolumns = 16\n[[layer]]\nkind = \"scores\"\noutputs = 10\n";
    fs::write(dir.join("net.toml"), net).expect("writable");
    for (words, says) in [
        ("check /dev/zero", "256 MiB"),
        ("check $MODEL --arch /dev/zero", "1048576 bytes"),
        ("infer $MODEL --data /dev/zero", "512 MiB"),
        ("infer $MODEL --data data --arch analog.toml --chip /dev/zero", "the most that is read"),
        ("verify d --data /dev/zero", "512 MiB"),
        ("train /dev/zero --data data -o net.onnx", "1048576 bytes"),
        ("train net.toml --data glyphs --start /dev/zero -o net.onnx", "256 MiB"),
        ("mutate d --count 1 --known /dev/zero", "16 MiB"),
        ("vary $MODEL --arch analog.toml --data data --chips 1 -o run", "64 MiB"),
        ("merge run -o all", "64 MiB"),
    ] {
        shell(dir, &format!("{LIMITED}$BINCIM {words}")).refuses(&[says]);
    }
    // A pipe that another process never stops to fill.
    let script = "yes 'rows = 1' | (ulimit -v 1600000; timeout 60 $BINCIM check $MODEL --arch /dev/stdin)";
    shell(dir, script).refuses(&["/dev/stdin", "1048576 bytes"]);
    // As a shell hands over what stands in `<(...)`.
    let script = "(sleep 1; cat analog.toml) | timeout 60 $BINCIM check $MODEL --arch /dev/fd/0";
    shell(dir, script).ends(0);
}

/// Opening one would wait for somebody who writes.
#[test]
fn named_pipes_are_refused_at_once() {
    let root = with_glyphs(2);
    let dir = root.path();
    analog(dir);
    generate_small(dir);
    shell(dir, "mkfifo pipe; mkdir run; ln -s ../pipe run/settings.json").ends(0);
    for words in [
        "check pipe",
        "check $MODEL --arch pipe",
        "check $MODEL --input table=pipe",
        "infer $MODEL --data pipe",
        "infer $MODEL --data data --arch analog.toml --chip pipe",
        "verify d --data pipe",
        "train pipe --data data -o net.onnx",
        "mutate d --count 1 --known pipe",
        "vary $MODEL --arch analog.toml --data data --chips 1 -o run",
        "merge run -o all",
    ] {
        shell(dir, &format!("timeout 60 $BINCIM {words}")).refuses(&["named pipe"]);
    }
}

#[test]
fn what_is_packed_is_unpacked_to_a_limit() {
    let root = tempfile::tempdir().expect("a temporary folder");
    let dir = root.path();
    // 4 GiB to look back at; the same said in the other way; more than is read, in blocks and in one frame after another.
    let window = repeated(&[0xe0, 0, 0, 0, 0, 1, 0, 0, 0], 40_000, 1 << 17);
    let exponent = repeated(&[0, 22 << 3], 40_000, 1 << 17);
    let long = repeated(&[0, 7 << 3], 5_000, 1 << 17);
    let frames = repeated(&[0, 7 << 3], 1_000, 1 << 17).repeat(5);
    let images = [&[0, 0, 8, 3][..], &u32::MAX.to_be_bytes(), &[0, 0, 16, 0], &[0, 0, 16, 0]].concat();
    let header = "{'descr': '|u1', 'fortran_order': False, 'shape': (4000000000, 28, 28), }\n";
    let array = [b"\x93NUMPY\x01\x00", &(header.len() as u16).to_le_bytes()[..], header.as_bytes()].concat();
    let mut picture = Vec::new();
    let mut encoder = png::Encoder::new(&mut picture, 4000, 4000);
    encoder.set_color(png::ColorType::Rgba);
    drop(encoder.write_header().expect("memory"));
    picture[16..20].copy_from_slice(&60_000u32.to_be_bytes());
    for (name, bytes, says) in [
        ("a.bin.zst", window, "window"),
        ("b.bin.zst", exponent, "window"),
        ("c.bin.zst", long, "512 MiB"),
        ("d.bin.zst", frames, "larger than"),
        ("e.bin.gz", zeros(600 << 20), "512 MiB"),
        ("images-idx3-ubyte", images, "512 MiB"),
        ("f.npy", array, "512 MiB"),
        ("g.png", picture, "g.png"),
    ] {
        fs::write(dir.join(name), bytes).expect("writable");
        shell(dir, &format!("{LIMITED}$BINCIM infer $MODEL --data {name}")).refuses(&[name, says]);
    }
}

#[test]
fn the_files_of_others_that_took_gigabytes_are_refused() {
    let Some(attack) = shared_attack() else { return };
    let root = tempfile::tempdir().expect("a temporary folder");
    let path = attack.join("rle.zst");
    shell(root.path(), &format!("{LIMITED}$BINCIM infer $MODEL --data {}", path.display()))
        .refuses(&["rle.zst", "window"]);
}

/// The folder of hostile inputs beside the project, where there is one.
fn shared_attack() -> Option<PathBuf> {
    let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared");
    let named = std::env::var_os("BINCIM_SHARED").map(PathBuf::from);
    let mut found = named.into_iter().chain([beside]).map(|folder| folder.join("cases/attack"));
    let found = found.find(|folder| folder.is_dir());
    if found.is_none() {
        harness::not_run(
            harness::Lack::File,
            "hostile inputs; BINCIM_SHARED may name the folder that holds cases/",
        );
    }
    found
}

#[test]
fn numbers_beyond_all_sense_are_refused() {
    let root = with_glyphs(4);
    let dir = root.path();
    analog(dir);
    generate_small(dir);
    let (before, huge) = (content(dir), 1u64 << 40);
    let vary = "vary MODEL --arch analog.toml --data data";
    let cases = [
        (
            format!("{vary} --chips {huge} --threads 1000000"),
            vec!["--chips", "at most 1000000", "--threads", "1024"],
        ),
        (format!("{vary} --chips 99999999999999999999999"), vec!["--chips"]),
        (format!("{vary} --chips 2 --images {huge}"), vec!["--images", "holds 4 images"]),
        (format!("{vary} --chips 2 --recalibrate {huge}"), vec!["--recalibrate"]),
        (format!("{vary} --chips 2 --planes {huge}"), vec!["--planes"]),
        (format!("{vary} --chips 1000000 --shard 0/{huge} -o run"), vec!["--shard", "10000"]),
        (format!("{vary} --chips 2 --emit-jobs jobs --shards {huge}"), vec!["--shards"]),
        ("infer MODEL --data data --threads 1000000".into(), vec!["--threads", "1 to 1024"]),
        ("infer MODEL --data data --threads 0".into(), vec!["--threads", "1 to 1024"]),
        ("infer MODEL --data data --images 0".into(), vec!["--images"]),
        (
            format!("calibrate MODEL --arch analog.toml --data data --images {huge} -o a.toml"),
            vec!["--images"],
        ),
        ("train net.toml --data data -o net.onnx --threads 1000000".into(), vec!["--threads", "1 to 1024"]),
        (format!("verify d --data data --jobs {huge}"), vec!["--jobs", "1 to 256"]),
        ("verify d --data data --jobs 0".into(), vec!["--jobs", "1 to 256"]),
        (format!("synth d --device up5k --jobs {huge}"), vec!["--jobs", "1 to 256"]),
        (format!("synth d --device up5k --seeds {huge}"), vec!["--seeds"]),
        (format!("mutate d --count {huge}"), vec!["--count", "1 to 100000"]),
        ("mutate d --least nan".into(), vec!["--least", "fraction from 0 to 1"]),
        ("glyphs --count 2000000000 -o more".into(), vec!["--count", "2000000"]),
    ];
    for (words, says) in cases {
        bincim(dir, &words.split(' ').collect::<Vec<_>>()).refuses(&says);
    }
    assert_eq!(content(dir), before, "a refused run left something");
}

/// More images than there are: an error that names both numbers, whatever the verb.
#[test]
fn more_images_than_there_are_are_refused_alike() {
    let root = with_glyphs(4);
    let dir = root.path();
    analog(dir);
    generate_small(dir);
    for words in [
        "infer MODEL --data data --images 5",
        "vary MODEL --arch analog.toml --data data --chips 1 --images 5",
        "calibrate MODEL --arch analog.toml --data data --images 5 -o a.toml",
        "verify d --data data --images 5",
    ] {
        let says = ["--images 5", "data", "holds 4 images"];
        bincim(dir, &words.split(' ').collect::<Vec<_>>()).refuses(&says);
    }
    // Where no number is given, few images are enough.
    let words = "calibrate MODEL --arch analog.toml --data data --split test -o a.toml --json";
    let json = bincim(dir, &words.split(' ').collect::<Vec<_>>()).ends(0).json(&["images"]);
    assert_eq!(json["images"], 4);
}

/// `-o -` is standard output where a verb makes one file, with the summary on the other stream; elsewhere it is refused.
#[test]
fn a_dash_is_standard_output() {
    let root = with_glyphs(4);
    let dir = root.path();
    analog(dir);
    generate_small(dir);
    for (words, name) in [
        ("draw MODEL --arch analog.toml", "chip"),
        ("calibrate MODEL --arch analog.toml --data data --split test", "a.toml"),
        ("report d", "page.html"),
    ] {
        let run = |to: &str| {
            let words: Vec<&str> = words.split(' ').chain(["-o", to]).collect();
            let mut command = program(dir);
            for word in &words {
                match *word {
                    "MODEL" => command.arg(model()),
                    word => command.arg(word),
                };
            }
            let ran = command.output().expect("the program starts");
            assert_eq!(ran.status.code(), Some(0), "{words:?}");
            ran
        };
        run(name);
        let ran = run("-");
        assert_eq!(ran.stdout, fs::read(dir.join(name)).expect("a file"), "{name}");
        assert!(!dir.join("-").exists() && !ran.stderr.is_empty());
    }
    let before = names(dir);
    for words in [
        "generate MODEL -o -",
        "glyphs --count 2 -o -",
        "train net.toml --data data -o -",
        "merge d -o -",
        "vary MODEL --arch analog.toml --data data --chips 1 -o -",
        "vary MODEL --arch analog.toml --data data --chips 1 --shards 2 --emit-jobs -",
        "verify d --data data --junit -",
        "new -",
    ] {
        bincim(dir, &words.split(' ').collect::<Vec<_>>())
            .refuses(&["`-`, standard output, cannot take this"]);
    }
    assert_eq!(names(dir), before);
}

/// Streams that are files, and files that are written, hold plain text, whatever terminal the environment speaks of.
#[test]
fn files_hold_no_escape_codes() {
    let root = with_glyphs(4);
    let dir = root.path();
    analog(dir);
    let script = "export TERM=xterm-256color COLORTERM=truecolor CLICOLOR=1
        run() { $BINCIM \"$@\" >> out.txt 2>> err.txt || true; }
        run glyphs --count 4 -o more; run new fresh; run check $MODEL; run infer $MODEL --data data
        run generate $MODEL --arch analog.toml -o d; run report d -o page.html
        run vary $MODEL --arch analog.toml --data data --chips 3 -o run
        run infer none.onnx --data data; run check $MODEL --arch none.toml; run verify d; run nonsense; run --help";
    shell(dir, script).ends(0);
    fs::remove_file(dir.join("more/contact.png")).expect("a picture");
    let written = content(dir);
    let texts = written.iter().filter(|(path, _)| {
        !path.extension().is_some_and(|ending| ending == "onnx" || ending == "bin" || ending == "png")
    });
    for (path, bytes) in texts.filter(|(path, _)| !path.to_string_lossy().contains("ubyte")) {
        assert!(!bytes.contains(&0x1b), "{}: {}", path.display(), String::from_utf8_lossy(bytes));
    }
    let told = fs::read_to_string(dir.join("err.txt")).expect("text");
    assert!(told.contains("none.onnx") && told.contains("nonsense"), "{told}");
}
