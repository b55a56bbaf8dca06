//! What stands beside an output, whatever its name, is the user's: no run that ends, fails or is killed touches, follows
//! or replaces it, and an output is replaced only where all of it is the program's own.

use super::interrupted::{SIGNALS, interrupt, start};
use super::*;
use std::fs;
use std::os::unix::fs::symlink;

/// Everything below a folder: files with their content, links with where they lead, folders.
fn everything(dir: &Path) -> Vec<(PathBuf, String)> {
    let mut all = Vec::new();
    for name in names(dir) {
        let path = dir.join(name);
        let kind = fs::symlink_metadata(&path).expect("there").file_type();
        let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
        match (kind.is_symlink(), kind.is_dir()) {
            (true, _) => all.push((path.clone(), format!("-> {:?}", fs::read_link(&path).expect("a link")))),
            (_, true) => {
                all.push((path.clone(), "folder".into()));
                all.extend(everything(&path));
            }
            _ => all.push((path.clone(), text(fs::read(&path).expect("readable")))),
        }
    }
    all
}

/// Puts files, folders and links of every name that a run might take for its own beside `dir/name`.
struct Planted {
    paths: Vec<PathBuf>,
    before: Vec<(PathBuf, String)>,
    precious: PathBuf,
}

impl Planted {
    fn beside(dir: &Path, name: &str) -> Planted {
        let precious = dir.join(format!("precious-{name}"));
        fs::create_dir(&precious).expect("writable");
        fs::write(precious.join("file"), "precious").expect("writable");
        let at = |ending: &str| dir.join(format!("{name}{ending}"));
        let mut paths = vec![precious.clone()];
        for ending in [".old", ".partial", ".partial-abcdef", ".tmp", ".bak"] {
            fs::create_dir(at(ending)).expect("writable");
            fs::write(at(ending).join("made-by-bincim"), "no, mine").expect("writable");
            fs::create_dir(at(ending).join("old")).expect("writable");
            fs::write(at(ending).join("old/file"), "mine").expect("writable");
            paths.push(at(ending));
        }
        for ending in [".lock", ".partial-XXXXXX"] {
            symlink(precious.join("file"), at(ending)).expect("a link");
            paths.push(at(ending));
        }
        symlink(&precious, at(".partial-linked")).expect("a link");
        fs::write(at(".partial-afile"), "mine").expect("writable");
        paths.extend([at(".partial-linked"), at(".partial-afile")]);
        let mut planted = Planted { paths, before: Vec::new(), precious };
        planted.before = planted.now();
        planted
    }

    fn now(&self) -> Vec<(PathBuf, String)> {
        let parent = self.precious.parent().expect("a folder");
        let ours = |(path, _): &(PathBuf, String)| self.paths.iter().any(|planted| path.starts_with(planted));
        everything(parent).into_iter().filter(ours).collect()
    }

    #[track_caller]
    fn stands(&self) {
        assert_eq!(self.now(), self.before);
    }
}

#[test]
fn generation_leaves_its_neighbours_alone() {
    let root = tempfile::tempdir().expect("a temporary folder");
    let dir = root.path();
    let planted = Planted::beside(dir, "d");
    generate_small(dir);
    planted.stands();
    // The backup of a careful user.
    shell(dir, "cp -r d d-old && rm -r d.old && cp -r d d.old").ends(0);
    let backup = everything(&dir.join("d.old"));
    let network = model();
    let network = network.to_str().expect("a plain path");
    let words = ["generate", network, "--arch", "arch.toml", "--device", "up5k", "-o", "d"];
    let others = |dir: &Path| {
        let ours = |name: &String| ["d", "arch.toml"].contains(&name.as_str());
        names(dir).into_iter().filter(|name| !ours(name)).collect::<Vec<_>>()
    };
    let before = others(dir);
    shell(dir, "trap '' XFSZ; ulimit -f 40; exec $BINCIM generate $MODEL --arch arch.toml -o d").ends(2);
    assert_eq!(others(dir), before, "a failed run left something");
    for signal in SIGNALS {
        let hit = (0..100)
            .any(|_| interrupt(start(dir, &words), signal, || under_construction(dir, "d").is_some()));
        assert!(hit, "a hundred runs were over before they could be interrupted");
        assert_eq!(everything(&dir.join("d.old")), backup);
        generate_small(dir);
        assert_eq!(others(dir), before, "an interrupted run left something behind the next");
    }
    assert_eq!(everything(&dir.join("d.old")), backup);
    // The other neighbours stand as they did.
    let old = dir.join("d.old");
    let still = |all: &[(PathBuf, String)]| {
        all.iter().filter(|(path, _)| !path.starts_with(&old)).cloned().collect::<Vec<_>>()
    };
    assert_eq!(still(&planted.now()), still(&planted.before));
}

#[test]
fn other_verbs_leave_their_neighbours_alone() {
    let root = with_glyphs(40);
    let dir = root.path();
    let arch = "[array]\nrows = 64\ncolumns = 16\n[activation]\nword = 16\n[readout]\nkind = \"adc\"\nlevels = 9\n\
                range = 40\n[variation.gaussian]\nsigma = 0.3\n";
    fs::write(dir.join("arch.toml"), arch).expect("writable");
    let planted: Vec<Planted> = ["run", "a", "b", "all", "more", "chip", "net.onnx", "net"]
        .map(|name| Planted::beside(dir, name))
        .into();
    let vary = ["vary", "MODEL", "--arch", "arch.toml", "--data", "data", "--chips", "4", "--images", "20"];
    bincim(dir, &[&vary[..], &["-o", "run"]].concat()).ends(0);
    bincim(dir, &[&vary[..], &["-o", "run"]].concat()).ends(0);
    for (shard, place) in [("0/2", "a"), ("1/2", "b")] {
        bincim(dir, &[&vary[..], &["--shard", shard, "-o", place]].concat()).ends(0);
    }
    for _ in 0..2 {
        bincim(dir, &["merge", "a", "b", "-o", "all"]).ends(0);
        bincim(dir, &["glyphs", "--count", "30", "--force", "-o", "more"]).ends(0);
        bincim(dir, &["draw", "MODEL", "--arch", "arch.toml", "-o", "chip"]).ends(0);
    }
    let net = "[input]\nchannels = 1\nrows = 16\ncolumns = 16\n[[layer]]\nkind = \"dense\"\noutputs = 4\n\
               [[layer]]\nkind = \"scores\"\noutputs = 10\n[train]\nepochs = 400\nbatch = 10\nmeasured = 20\nholdout = 0.2\n";
    fs::write(dir.join("net.toml"), net).expect("writable");
    let train = ["train", "net.toml", "--data", "more", "--seed", "1", "-o", "net.onnx"];
    for signal in SIGNALS {
        let hit = interrupt(start(dir, &train), signal, || dir.join("net.checkpoint").exists());
        assert!(hit, "over before it could be interrupted");
        fs::remove_file(dir.join("net.checkpoint")).expect("a checkpoint");
    }
    let short = net.replace("epochs = 400", "epochs = 2");
    fs::write(dir.join("net.toml"), short).expect("writable");
    bincim(dir, &train).ends(0);
    bincim(dir, &[&train[..], &["--force"]].concat()).ends(0);
    planted.iter().for_each(Planted::stands);
    let own = ["a", "all", "arch.toml", "b", "chip", "data", "more", "net.onnx", "net.svg", "net.toml"];
    let all = names(dir).into_iter().filter(|name| {
        !planted.iter().any(|planted| planted.paths.contains(&dir.join(name)))
            && !name.starts_with(".bincim-")
    });
    let expected: Vec<String> =
        own.iter().chain(&["net.train.json", "run"]).map(|name| name.to_string()).collect();
    assert_eq!(all.collect::<Vec<_>>(), expected);
}

#[test]
fn synthesis_leaves_its_neighbours_alone() {
    if !present("synth", &[Tool::Yosys]) {
        return;
    }
    let root = tempfile::tempdir().expect("a temporary folder");
    let dir = root.path();
    generate_small(dir);
    fs::create_dir(dir.join("d/synth")).expect("writable");
    let planted = Planted::beside(&dir.join("d/synth"), "up5k");
    let words = ["synth", "d", "--device", "up5k", "--synth-only"];
    let count = || names(&dir.join("d/synth")).len();
    let before = count();
    for signal in SIGNALS {
        let hit = interrupt(start(dir, &words), signal, || {
            under_construction(&dir.join("d/synth"), "up5k").is_some()
        });
        assert!(hit, "over before it could be interrupted");
    }
    bincim(dir, &words).ends(0);
    bincim(dir, &words).ends(0);
    planted.stands();
    assert_eq!(count(), before + 1, "something was left");
    // A folder of that name that is none of a synthesis.
    fs::remove_dir_all(dir.join("d/synth/up5k")).expect("there");
    fs::create_dir(dir.join("d/synth/up5k")).expect("writable");
    fs::write(dir.join("d/synth/up5k/notes"), "mine").expect("writable");
    bincim(dir, &words).refuses(&["synth/up5k", "report.json", "name another folder"]);
    assert_eq!(fs::read(dir.join("d/synth/up5k/notes")).expect("still there"), b"mine");
}

#[test]
fn an_output_that_is_not_wholly_ours_is_not_replaced() {
    let root = with_glyphs(20);
    let dir = root.path();
    generate_small(dir);
    let generate = ["generate", "MODEL", "--arch", "arch.toml", "--device", "up5k", "-o", "d"];
    let refused = |says: &[&str]| {
        let before = everything(dir);
        bincim(dir, &generate).refuses(&[says, &["name another folder"]].concat());
        assert_eq!(everything(dir), before, "a refused run changed something");
    };
    // What verbs put into the folder is the program's own.
    bincim(dir, &["report", "d", "-o", "d/report.html"]).ends(0);
    bincim(dir, &generate).ends(0);
    fs::write(dir.join("d/notes.txt"), "mine").expect("writable");
    symlink("/", dir.join("d/rtl/root")).expect("a link");
    refused(&["d", "notes.txt", "rtl/root"]);
    fs::remove_file(dir.join("d/notes.txt")).expect("there");
    fs::remove_file(dir.join("d/rtl/root")).expect("there");
    let top = dir.join("d/rtl/bincim_top.v");
    let text = fs::read_to_string(&top).expect("readable");
    fs::write(&top, text.clone() + "// mine\n").expect("writable");
    refused(&["d", "rtl/bincim_top.v"]);
    fs::write(&top, text).expect("writable");
    bincim(dir, &generate).ends(0);
    // A page has a manifest.json as well.
    fs::write(dir.join("d/manifest.json"), "{\"name\": \"page\", \"files\": []}").expect("writable");
    refused(&["d", "manifest.json"]);

    // Folders, links, devices and files where other verbs write.
    fs::create_dir(dir.join("mine")).expect("writable");
    for name in ["report.html", "settings.json"] {
        fs::write(dir.join("mine").join(name), "{}").expect("writable");
    }
    symlink(dir.join("none"), dir.join("link")).expect("a link");
    fs::write(dir.join("net.svg"), "<svg>mine</svg>").expect("writable");
    fs::write(dir.join("net.toml"), "[input]\nchannels = 1\n").expect("writable");
    let arch = "[readout]\nkind = \"adc\"\n[variation.gaussian]\nsigma = 0.3\n";
    fs::write(dir.join("analog.toml"), arch).expect("writable");
    let before = everything(dir);
    let vary = ["vary", "MODEL", "--arch", "analog.toml", "--data", "data", "--chips", "1", "--images", "2"];
    bincim(dir, &[&vary[..], &["-o", "mine"]].concat()).refuses(&["mine/settings.json"]);
    bincim(dir, &["train", "net.toml", "--data", "data", "-o", "net.onnx"]).refuses(&["net.svg exists"]);
    bincim(dir, &["train", "net.toml", "--data", "data", "-o", "net.onnx", "--force"])
        .refuses(&["net.svg is no file of an earlier training"]);
    for place in ["link", "/dev/null", "mine"] {
        bincim(dir, &["draw", "MODEL", "--arch", "analog.toml", "-o", place]).refuses(&[place]);
    }
    bincim(dir, &["new", "link"]).refuses(&["link"]);
    assert_eq!(everything(dir), before);
    fs::remove_file(dir.join("mine/settings.json")).expect("there");
    bincim(dir, &[&vary[..], &["-o", "mine"]].concat()).refuses(&["mine holds report.html"]);
    for (shard, place) in [("0/2", "a"), ("1/2", "b")] {
        let words = ["--chips", "2", "--shard", shard, "-o", place];
        let vary: Vec<&str> = vary.iter().filter(|word| !["--chips", "1"].contains(word)).copied().collect();
        bincim(dir, &[&vary[..], &words].concat()).ends(0);
    }
    let before = everything(dir);
    bincim(dir, &["merge", "a", "b", "-o", "mine"]).refuses(&["mine", "settings.json of a run"]);
    assert_eq!(everything(dir), before);
}
