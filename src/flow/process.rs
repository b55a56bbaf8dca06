//! Starts one process, waits for it within a limit, and keeps what it printed in a log file.
//!
//! Arguments go to the program as they are: no shell reads them. A process that outlives its
//! limit is ended together with everything it started, and it ends when this program dies.

use super::{FlowError, Found, MOST_BYTES};
use crate::{bounded, escape};
use std::ffi::OsString;
use std::fs::{self, File, OpenOptions};
use std::io::Write;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};
use std::sync::{OnceLock, mpsc};
use std::time::Duration;

/// How long a tool may run unless its caller says otherwise: half an hour.
pub const DEFAULT_LIMIT: Duration = Duration::from_secs(30 * 60);

/// How long a process may go on.
#[derive(Clone, Copy, Debug)]
pub enum Limit {
    /// By the clock on the wall.
    Clock(Duration),
    /// By the processor's time that one of its processes takes, whatever else runs here. By the clock
    /// it is half an hour, or as long as that where that is longer.
    Processor(Duration),
}

impl Limit {
    /// What may pass on the wall.
    fn clock(self) -> Duration {
        match self {
            Limit::Clock(limit) => limit,
            Limit::Processor(limit) => limit.max(DEFAULT_LIMIT),
        }
    }

    /// What is told of it.
    fn seconds(self) -> u64 {
        let (Limit::Clock(limit) | Limit::Processor(limit)) = self;
        limit.as_secs()
    }
}

impl From<Duration> for Limit {
    fn from(limit: Duration) -> Limit {
        Limit::Clock(limit)
    }
}

/// Takes the command line of each program as it starts, and the folder it runs in.
pub type Observer = fn(&str, &Path);

static OBSERVER: OnceLock<Observer> = OnceLock::new();

/// Has every program told to `observer` as it starts; the first observer stays.
pub fn observe(observer: Observer) {
    let _ = OBSERVER.set(observer);
}

/// One call of one program.
pub struct Job<'a> {
    /// Name used in messages.
    pub name: &'a str,
    /// The program to start.
    pub program: &'a Path,
    /// Variables set on top of the inherited ones.
    pub env: &'a [(OsString, OsString)],
    /// Arguments, without the program itself.
    pub args: Vec<OsString>,
    /// Folder the program runs in.
    pub cwd: &'a Path,
    /// File that receives the command line, standard output and standard error, appended.
    pub log: &'a Path,
    /// Keep standard output apart from the log and return it.
    pub capture: bool,
    pub limit: Limit,
}

/// What a finished process left.
#[derive(Clone, Debug)]
pub struct Ran {
    /// Exit code; 0 is success. A process ended by a signal has 128 + the signal's number.
    pub code: i32,
    /// Standard output where it was captured, else empty.
    pub stdout: String,
}

/// Runs a program that was built here, such as a Verilator model, and returns its exit code and
/// standard output; standard error goes to `log`.
///
/// Errors: [`FlowError::Io`] if it cannot be started, [`FlowError::Timeout`] past `limit`.
/// A non-zero exit code is not an error here: a test bench uses it to answer.
pub fn run_program(
    program: &Path,
    args: &[OsString],
    cwd: &Path,
    log: &Path,
    limit: Duration,
) -> Result<Ran, FlowError> {
    let program = fs::canonicalize(program).map_err(FlowError::io("find", program))?;
    let name = program.file_name().unwrap_or_default().to_string_lossy().into_owned();
    run(&Job {
        name: &name,
        program: &program,
        env: &[],
        args: args.to_vec(),
        cwd,
        log,
        capture: true,
        limit: limit.into(),
    })
}

/// Runs a tool and makes a non-zero exit status an error that quotes the log.
pub(super) fn run_tool(
    found: &Found,
    args: Vec<OsString>,
    cwd: &Path,
    log: &Path,
    limit: impl Into<Limit>,
) -> Result<(), FlowError> {
    let name = found.tool.name();
    let limit = limit.into();
    let ran =
        run(&Job { name, program: &found.program, env: &found.env, args, cwd, log, capture: false, limit })?;
    if ran.code == 0 {
        return Ok(());
    }
    Err(FlowError::ToolFailed {
        tool: name.to_string(),
        status: status_in_words(ran.code),
        excerpt: excerpt(&bounded::text(log, MOST_BYTES).unwrap_or_default()),
        log: log.to_path_buf(),
    })
}

/// Runs a job to its end.
pub(super) fn run(job: &Job) -> Result<Ran, FlowError> {
    let mut log = OpenOptions::new()
        .create(true)
        .append(true)
        .open(job.log)
        .map_err(FlowError::io("write", job.log))?;
    let line = command_line(job.program, &job.args);
    writeln!(log, "$ {line}").map_err(FlowError::io("write", job.log))?;
    if let Some(observer) = OBSERVER.get() {
        observer(&line, job.cwd);
    }
    let captured = if job.capture {
        Some(tempfile::tempfile().map_err(FlowError::io("create", "a temporary file"))?)
    } else {
        None
    };
    let stdout = match &captured {
        Some(file) => file.try_clone(),
        None => log.try_clone(),
    }
    .map_err(FlowError::io("write", job.log))?;

    #[expect(clippy::disallowed_methods, reason = "this is the one place that starts processes")]
    let mut command = Command::new(job.program);
    command
        .args(&job.args)
        .current_dir(job.cwd)
        .stdin(Stdio::null())
        .stdout(stdout)
        .stderr(log)
        .process_group(0);
    for (key, value) in job.env {
        command.env(key, value);
    }
    end_with_parent(&mut command);
    if let Limit::Processor(limit) = job.limit {
        end_after(&mut command, limit);
    }
    let status = wait(command, job)?;
    let stdout = match captured {
        Some(file) => read_back(file).map_err(FlowError::io("read the output of", job.program))?,
        None => String::new(),
    };
    let code = status.code().unwrap_or_else(|| 128 + status.signal().unwrap_or(0));
    Ok(Ran { code, stdout })
}

/// Asks the system to end the child when the thread that started it ends.
#[cfg(target_os = "linux")]
fn end_with_parent(command: &mut Command) {
    // SAFETY: prctl is async-signal-safe and touches no memory of this process.
    unsafe {
        command.pre_exec(|| {
            libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGTERM);
            Ok(())
        });
    }
}

#[cfg(not(target_os = "linux"))]
fn end_with_parent(_: &mut Command) {}

/// Asks the system to end the child, and each process that it starts, after so much of the processor's time.
fn end_after(command: &mut Command, limit: Duration) {
    let seconds = limit.as_secs().max(1) as libc::rlim_t;
    // The hard limit, at which nothing can be caught, lies behind the one that is told by a signal of its own.
    let limits = libc::rlimit { rlim_cur: seconds, rlim_max: seconds + 5 };
    // SAFETY: setrlimit is async-signal-safe and reads `limits` alone, which the closure holds.
    unsafe {
        command.pre_exec(move || match libc::setrlimit(libc::RLIMIT_CPU, &limits) {
            0 => Ok(()),
            _ => Err(std::io::Error::last_os_error()),
        });
    }
}

/// Starts the command and waits; past the limit the whole process group is ended.
fn wait(mut command: Command, job: &Job) -> Result<ExitStatus, FlowError> {
    let mut child = command.spawn().map_err(FlowError::io("start", job.program))?;
    let group = child.id() as libc::pid_t;
    let (sender, receiver) = mpsc::channel();
    let waiter = std::thread::spawn(move || {
        let _ = sender.send(child.wait());
    });
    let outcome = receiver.recv_timeout(job.limit.clock());
    if outcome.is_err() {
        // SAFETY: a plain system call; the group is the child's own, made by process_group(0).
        unsafe {
            libc::kill(-group, libc::SIGKILL);
        }
    }
    let _ = waiter.join();
    let spent = |status: &ExitStatus| {
        matches!(job.limit, Limit::Processor(_)) && status.signal() == Some(libc::SIGXCPU)
    };
    match outcome {
        Ok(Ok(status)) if !spent(&status) => Ok(status),
        Ok(Err(problem)) => Err(FlowError::io("wait for", job.program)(problem)),
        _ => Err(FlowError::Timeout {
            tool: job.name.to_string(),
            seconds: job.limit.seconds(),
            log: job.log.to_path_buf(),
        }),
    }
}

fn read_back(mut file: File) -> std::io::Result<String> {
    use std::io::{Seek, SeekFrom};
    file.seek(SeekFrom::Start(0))?;
    Ok(String::from_utf8_lossy(&bounded::all(file, MOST_BYTES)?).into_owned())
}

/// The command as a person would type it, for the log only.
pub fn command_line(program: &Path, args: &[OsString]) -> String {
    std::iter::once(program.as_os_str())
        .chain(args.iter().map(OsString::as_os_str))
        .map(escape::shell)
        .collect::<Vec<_>>()
        .join(" ")
}

fn status_in_words(code: i32) -> String {
    if code > 128 { format!("ended by signal {}", code - 128) } else { format!("exit status {code}") }
}

/// The lines of a log that say why: those with `error`, else the last eight.
pub(super) fn excerpt(log: &str) -> String {
    if log.contains("call stack exhausted") {
        return "the call stack of the WebAssembly build ended; a native build of this tool on the PATH has a larger one"
            .into();
    }
    let lines: Vec<&str> = log.lines().filter(|line| !line.trim().is_empty()).collect();
    let errors: Vec<&str> = lines
        .iter()
        .copied()
        .filter(|line| {
            let lower = line.to_ascii_lowercase();
            !line.starts_with('$') && (lower.contains("error") || lower.contains("fatal"))
        })
        .take(8)
        .collect();
    if errors.is_empty() { lines[lines.len().saturating_sub(8)..].join("\n") } else { errors.join("\n") }
}

/// The path of `target` as seen from the folder `from`; both must be absolute and free of links.
///
/// Tools compiled to WebAssembly see another `/tmp`, so every path they get is relative.
pub fn relative(from: &Path, target: &Path) -> PathBuf {
    let from: Vec<_> = from.components().collect();
    let to: Vec<_> = target.components().collect();
    let shared = from.iter().zip(&to).take_while(|(a, b)| a == b).count();
    let mut path = PathBuf::new();
    for _ in shared..from.len() {
        path.push("..");
    }
    for part in &to[shared..] {
        path.push(part);
    }
    if path.as_os_str().is_empty() { PathBuf::from(".") } else { path }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(script: &str, limit: impl Into<Limit>, capture: bool) -> (Result<Ran, FlowError>, String) {
        let dir = tempfile::tempdir().unwrap();
        let log = dir.path().join("log");
        let result = run(&Job {
            name: "sh",
            program: Path::new("/bin/sh"),
            env: &[("BINCIM_PROBE".into(), "seen".into())],
            args: vec!["-c".into(), script.into()],
            cwd: dir.path(),
            log: &log,
            capture,
            limit: limit.into(),
        });
        (result, fs::read_to_string(&log).unwrap())
    }

    #[test]
    fn output_and_status_come_back() {
        let (ran, log) = shell("echo out $BINCIM_PROBE; echo err >&2; exit 3", DEFAULT_LIMIT, true);
        let ran = ran.unwrap();
        assert_eq!((ran.code, ran.stdout.as_str()), (3, "out seen\n"));
        assert!(log.starts_with("$ /bin/sh -c ") && log.ends_with("err\n"), "{log}");
        let (ran, log) = shell("echo out", DEFAULT_LIMIT, false);
        assert_eq!(ran.unwrap().stdout, "");
        assert!(log.ends_with("out\n"));
    }

    #[test]
    fn a_process_past_its_limit_is_ended_with_its_children() {
        let (ran, log) = shell("sleep 61 & echo $!; wait", Duration::from_millis(300), false);
        assert!(matches!(ran, Err(FlowError::Timeout { .. })));
        let child = log.lines().last().unwrap().trim().to_string();
        let gone = (0..100).any(|_| {
            std::thread::sleep(Duration::from_millis(20));
            match fs::read_to_string(format!("/proc/{child}/stat")) {
                Ok(stat) => stat.contains(") Z "),
                Err(_) => true,
            }
        });
        assert!(gone, "process {child} still runs");
    }

    /// Two seconds of sleep cost nothing; a loop that never ends costs what it may.
    #[test]
    fn the_time_of_the_processor_is_a_limit_of_its_own() {
        let second = Limit::Processor(Duration::from_secs(1));
        assert_eq!(shell("sleep 2; exit 4", second, false).0.unwrap().code, 4);
        let (ran, _) = shell("while :; do :; done", second, false);
        assert!(matches!(ran, Err(FlowError::Timeout { seconds: 1, .. })), "{ran:?}");
        // One of the children: their parent says what it makes of it.
        assert_eq!(shell("sh -c 'while :; do :; done'; exit 5", second, false).0.unwrap().code, 5);
    }

    #[test]
    fn relative_paths_climb_and_descend() {
        let path = |a: &str, b: &str| relative(Path::new(a), Path::new(b)).display().to_string();
        assert_eq!(path("/a/b/rtl", "/a/b/synth/x"), "../synth/x");
        assert_eq!(path("/a", "/a/x"), "x");
        assert_eq!(path("/a", "/a"), ".");
        assert_eq!(path("/tmp/a", "/work/b"), "../../work/b");
    }

    #[test]
    fn the_excerpt_prefers_errors() {
        assert_eq!(excerpt("$ x error\none\nERROR: bad\ntwo\n"), "ERROR: bad");
        assert_eq!(excerpt("one\n\ntwo\n"), "one\ntwo");
        assert!(excerpt("Trap: error\n wasm trap: call stack exhausted\n").contains("native build"));
    }

    #[test]
    fn the_log_quotes_what_a_shell_would_split() {
        let line = command_line(Path::new("/bin/x"), &["a b".into(), "it's".into(), "p=1".into(), "".into()]);
        assert_eq!(line, r"/bin/x 'a b' 'it'\''s' p=1 ''");
    }
}
