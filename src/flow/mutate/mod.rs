//! Checks the checks: breaks the Verilog of a design in one place at a time and runs its own bench.
//!
//! A mutant that the bench passes has survived: either it is equivalent (proved by Yosys on its module or on the whole
//! design, or listed with a reason) or the bench has a hole. Nothing in the design's folder is changed.

mod equivalence;
mod sites;

use equivalence::Verdict;
pub use sites::{Mutant, sites};

use super::{FlowError, Limit, MOST_BYTES, folder, icarus};
use crate::bounded;
use serde::Serialize;
use sha2::{Digest, Sha256};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

/// A design whose bench passes, and how to break it.
#[derive(Debug, Clone)]
pub struct Job<'a> {
    /// Folder with `rtl/files.f` and `verif/bincim_tb.v`.
    pub dir: &'a Path,
    /// Mutants to make; fewer where the design has fewer places.
    pub count: usize,
    /// Picks the places.
    pub seed: u64,
    /// Simulations at a time.
    pub jobs: usize,
    /// Files whose name starts with one of these are left alone.
    pub skip: &'a [String],
    /// Mutants known to change nothing.
    pub known: &'a [Known],
    /// These mutants instead of drawn ones, unless there are none; what survives of them is told as it is, no proof is
    /// looked for.
    pub only: &'a [Mutant],
}

/// A mutant that changes nothing, with the reason.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Known {
    pub file: String,
    /// The whole line, without leading and trailing blanks.
    pub line: String,
    /// What stands in place of what, as in [`Mutant`].
    pub before: String,
    pub after: String,
    pub reason: String,
}

/// What became of a mutant.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case", tag = "fate", content = "detail")]
pub enum Fate {
    /// The bench failed; its first complaint.
    Killed(String),
    /// The bench did not end in time.
    TimedOut,
    /// The mutant is no Verilog, or the bench passed and it is none that becomes gates: not counted.
    Stillborn,
    /// The bench passed, and Yosys proved that the module, or the whole design, did not change.
    Proved,
    /// A table's constant that this design never uses: the bench passes whatever value stands there, the
    /// unknown value included. (Which entries are used does not depend on the data.)
    Unused,
    /// The bench passed, and the mutant is listed as changing nothing; the reason.
    Listed(String),
    /// The bench passed.
    Survived,
}

/// One mutant and its fate.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Trial {
    #[serde(flatten)]
    pub mutant: Mutant,
    /// The line before the change.
    pub text: String,
    #[serde(flatten)]
    pub fate: Fate,
}

/// Seeds of the bench that a mutant must pass to survive.
const BENCH_SEEDS: [u64; 3] = [1, 2, 3];
/// A simulation that takes more of the processor hangs: the benches of small designs take seconds.
const LIMIT: Limit = Limit::Processor(Duration::from_secs(120));

/// Breaks the design `count` times and runs its bench; `progress` is called once a mutant.
///
/// Errors: a missing file or tool, or a bench that fails on the unbroken design.
pub fn run(job: &Job, progress: &(dyn Fn() + Sync)) -> Result<Vec<Trial>, FlowError> {
    let rtl = job.dir.join("rtl");
    // The models of device cells are simulated too, and are not the design's own.
    let names = folder::simulation_files(job.dir)?;
    let mut files = Vec::new();
    for name in names.iter().filter(|name| !name.starts_with("..")) {
        let path = rtl.join(name);
        let text = bounded::text(&path, MOST_BYTES).map_err(FlowError::io("read", &path))?;
        files.push((name.to_string_lossy().into_owned(), text));
    }
    let work = tempfile::tempdir().map_err(FlowError::io("create", "a temporary folder"))?;
    for seed in BENCH_SEEDS {
        let excerpt = match simulate(&rtl, &names, None, work.path(), seed)? {
            Fate::Survived => continue,
            Fate::Killed(problem) => problem,
            _ => "it does not end in time".into(),
        };
        return Err(FlowError::ToolFailed {
            tool: "the bench of the unbroken design".into(),
            status: format!("seed {seed}"),
            excerpt,
            log: work.path().join("log"),
        });
    }
    let mutants = if job.only.is_empty() { pick(&files, job) } else { job.only.to_vec() };
    let next = AtomicUsize::new(0);
    let results = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for worker in 0..job.jobs.max(1) {
            let (files, names, mutants, next, results) = (&files, &names, &mutants, &next, &results);
            let (rtl, work) = (&rtl, work.path().join(worker.to_string()));
            scope.spawn(move || {
                loop {
                    let index = next.fetch_add(1, Ordering::Relaxed);
                    let Some(mutant) = mutants.get(index) else { break };
                    let trial = attempt(job, mutant, files, names, rtl, &work);
                    progress();
                    results.lock().unwrap_or_else(|broken| broken.into_inner()).push((index, trial));
                }
            });
        }
    });
    let mut results = results.into_inner().unwrap_or_else(|broken| broken.into_inner());
    results.sort_by_key(|(index, _)| *index);
    results.into_iter().map(|(_, trial)| trial).collect()
}

/// Draws `count` places, the files in turn so that a large one does not take all of them. What stands in one line has no
/// say in whether another one is drawn: a design that grows keeps most of its mutants.
fn pick(files: &[(String, String)], job: &Job) -> Vec<Mutant> {
    let skipped = |name: &str| job.skip.iter().any(|skip| name.starts_with(skip.as_str()));
    let mut pools: Vec<(u64, Vec<Mutant>)> = files
        .iter()
        .filter(|(name, _)| !skipped(name))
        .map(|(name, text)| (lot(job.seed, &[name]), pool(job.seed, name, text)))
        .collect();
    pools.sort_by_key(|(lot, _)| *lot);
    let rounds = pools.iter().map(|(_, pool)| pool.len()).max().unwrap_or(0);
    (0..rounds)
        .flat_map(|round| pools.iter().filter_map(move |(_, pool)| pool.get(round)))
        .take(job.count)
        .cloned()
        .collect()
}

/// The mutants of a file in the order in which they are drawn.
fn pool(seed: u64, name: &str, text: &str) -> Vec<Mutant> {
    let lines: Vec<&str> = text.lines().collect();
    let mut pool = sites(name, text);
    pool.sort_by_cached_key(|mutant| {
        let line = lines.get(mutant.line - 1).copied().unwrap_or_default();
        let column = mutant.column.to_string();
        (lot(seed, &[name, line, &column, &mutant.before, &mutant.after]), mutant.line)
    });
    pool
}

/// A number that looks drawn.
fn lot(seed: u64, words: &[&str]) -> u64 {
    let mut hash = Sha256::new();
    hash.update(seed.to_le_bytes());
    words.iter().for_each(|word| hash.update(format!("{word}\0")));
    let digest = hash.finalize();
    digest.iter().take(8).fold(0, |number, byte| number << 8 | u64::from(*byte))
}

fn attempt(
    job: &Job,
    mutant: &Mutant,
    files: &[(String, String)],
    names: &[PathBuf],
    rtl: &Path,
    work: &Path,
) -> Result<Trial, FlowError> {
    let original = files.iter().find(|(name, _)| *name == mutant.file).map_or("", |(_, text)| text.as_str());
    let line = original.lines().nth(mutant.line - 1).unwrap_or_default().trim().to_string();
    fs::create_dir_all(work).map_err(FlowError::io("create", work))?;
    let changed = work.join(&mutant.file);
    if let Some(parent) = changed.parent() {
        fs::create_dir_all(parent).map_err(FlowError::io("create", parent))?;
    }
    fs::write(&changed, mutant.apply(original)).map_err(FlowError::io("write", &changed))?;
    let mut fate = Fate::Survived;
    for seed in BENCH_SEEDS {
        fate = simulate(rtl, names, Some((&mutant.file, &changed)), work, seed)?;
        if fate != Fate::Survived {
            break;
        }
    }
    if fate == Fate::Survived && job.only.is_empty() {
        let listed = job.known.iter().find(|known| {
            known.file == mutant.file
                && known.line == line
                && known.before.trim() == mutant.before.trim()
                && known.after.trim() == mutant.after.trim()
        });
        // A proof counts for more than the list.
        if unused(mutant, original, rtl, names, work)? {
            fate = Fate::Unused;
        } else {
            fate = match (equivalence::judge(rtl, names, &mutant.file, &changed, work), listed) {
                (Verdict::Same, _) => Fate::Proved,
                (Verdict::NoGates, _) => Fate::Stillborn,
                (Verdict::Open, Some(known)) => Fate::Listed(known.reason.clone()),
                (Verdict::Open, None) => Fate::Survived,
            };
        }
    }
    Ok(Trial { mutant: mutant.clone(), text: line, fate })
}

/// True for a constant of a program table that may hold anything.
fn unused(
    mutant: &Mutant,
    original: &str,
    rtl: &Path,
    names: &[PathBuf],
    work: &Path,
) -> Result<bool, FlowError> {
    if mutant.rule != "constant" || !mutant.file.ends_with("_program.v") {
        return Ok(false);
    }
    let Some(width) = mutant.before.split('\'').next().and_then(|text| text.parse::<u32>().ok()) else {
        return Ok(false);
    };
    let largest = (1u64 << width) - 1;
    let mut values: Vec<String> = match width {
        0..=3 => (0..=largest).map(|value| format!("{width}'d{value}")).collect(),
        _ => [0, 1, largest / 3, largest / 2, largest - largest / 3, largest - 1, largest]
            .map(|value| format!("{width}'d{value}"))
            .into(),
    };
    values.push(format!("{width}'bx"));
    let changed = work.join(format!("any_{}", mutant.file));
    for value in values {
        let text = Mutant { after: value, ..mutant.clone() }.apply(original);
        fs::write(&changed, text).map_err(FlowError::io("write", &changed))?;
        for seed in BENCH_SEEDS {
            if simulate(rtl, names, Some((&mutant.file, &changed)), work, seed)? != Fate::Survived {
                return Ok(false);
            }
        }
    }
    Ok(true)
}

/// Runs the bench, with one file replaced where `changed` says so.
fn simulate(
    rtl: &Path,
    names: &[PathBuf],
    changed: Option<(&str, &Path)>,
    work: &Path,
    seed: u64,
) -> Result<Fate, FlowError> {
    let mut files: Vec<PathBuf> = names
        .iter()
        .map(|name| match changed {
            Some((file, path)) if Path::new(file) == name => path.to_path_buf(),
            _ => name.clone(),
        })
        .collect();
    files.push(PathBuf::from("../verif/bincim_tb.v"));
    fs::create_dir_all(work).map_err(FlowError::io("create", work))?;
    let (compiled, log) = (work.join("bench.vvp"), work.join("log"));
    let _ = fs::remove_file(&log);
    match icarus::compile(&files, "bincim_tb", icarus::Level::Verilog2005, rtl, &compiled, &log) {
        Ok(_) => {}
        Err(FlowError::ToolFailed { .. }) if changed.is_some() => return Ok(Fate::Stillborn),
        Err(problem) => return Err(problem),
    }
    let ran = match icarus::simulate(&compiled, &[format!("+seed={seed}")], rtl, &log, LIMIT) {
        Ok(ran) => ran,
        Err(FlowError::Timeout { .. }) => return Ok(Fate::TimedOut),
        Err(problem) => return Err(problem),
    };
    let passed = ran.code == 0 && ran.stdout.lines().any(|line| line.starts_with("PASS:"));
    if passed {
        return Ok(Fate::Survived);
    }
    let complaint = ran.stdout.lines().find(|line| line.starts_with("FAIL"));
    Ok(Fate::Killed(complaint.unwrap_or("the simulation broke off").to_string()))
}
