//! Where the verbs print: the result on standard output, the log and errors on standard error.
//!
//! Names and paths from outside are in all three, so nothing reaches a terminal that it would obey
//! ([`escape::terminal_lines`]). Never panics: a reader that has gone away is no error, a full disk behind standard
//! output is one.

use super::{caller, options};
use crate::escape;
use crate::flow::folder;
use miette::{Diagnostic, IntoDiagnostic, WrapErr};
use std::ffi::OsString;
use std::fmt::{self, Arguments, Display};
use std::io::{self, ErrorKind, IsTerminal, Write};
use std::path::Path;
use std::sync::OnceLock;

/// When colours are used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Color {
    Auto,
    Always,
    Never,
}

static COLOR: OnceLock<Color> = OnceLock::new();

/// What `--color` says on a command line that is not yet understood: help and what is wrong with the rest of it are
/// coloured alike.
pub fn asked(words: impl Iterator<Item = OsString>) -> clap::ColorChoice {
    let words: Vec<OsString> = words.collect();
    let after = |word: &OsString, next: Option<&OsString>| match word.to_str()?.strip_prefix("--color")? {
        "" => next?.to_str().map(String::from),
        joined => joined.strip_prefix('=').map(String::from),
    };
    let asked = words.iter().enumerate().find_map(|(index, word)| after(word, words.get(index + 1)));
    match asked.as_deref() {
        Some("always") => clap::ColorChoice::Always,
        Some("never") => clap::ColorChoice::Never,
        _ => clap::ColorChoice::Auto,
    }
}

/// Decides for the whole run.
pub fn color(when: Color) {
    let _ = COLOR.set(when);
    if when != Color::Auto {
        let handler = move |_: &_| -> Box<dyn miette::ReportHandler> {
            Box::new(miette::MietteHandlerOpts::new().color(when == Color::Always).build())
        };
        // A second decision in one process is none.
        let _ = miette::set_hook(Box::new(handler));
    }
}

/// Whether `stream` takes colours.
pub fn is_colored(stream: &impl IsTerminal) -> bool {
    match COLOR.get() {
        Some(Color::Always) => true,
        Some(Color::Never) => false,
        _ => stream.is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty()),
    }
}

/// Writes the verb's result to standard output.
pub fn result(text: &str) -> miette::Result<()> {
    picture("", text)
}

/// The same below a picture that the program itself has coloured.
pub fn picture(picture: &str, text: &str) -> miette::Result<()> {
    stdout((picture.to_string() + &escape::terminal_lines(text)).as_bytes())
}

fn stdout(bytes: &[u8]) -> miette::Result<()> {
    if caller::prints(bytes) {
        return Ok(());
    }
    let mut out = io::stdout().lock();
    match out.write_all(bytes).and_then(|()| out.flush()) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => {
            Err(error).into_diagnostic().wrap_err("cannot write to standard output")
        }
        _ => Ok(()),
    }
}

/// Writes the one file that a verb makes; `-` is standard output.
pub fn file(path: &Path, bytes: &[u8]) -> miette::Result<()> {
    match options::is_stdout(path) {
        true => stdout(bytes),
        false => Ok(folder::write_whole(path, bytes)?),
    }
}

/// Says what was written to `path`: on standard output, or where the file itself went there, on standard error.
pub fn summary(path: &Path, text: &str) -> miette::Result<()> {
    match options::is_stdout(path) {
        true => {
            log(format_args!("{}", text.trim_end()));
            Ok(())
        }
        false => result(text),
    }
}

/// Writes one line to standard error; a log that cannot be written stops no work.
pub fn log(line: Arguments) {
    if let Some(watch) = caller::watch() {
        return watch.warn(line);
    }
    let _ = writeln!(io::stderr(), "{}", escape::terminal_lines(&line.to_string()));
}

/// Writes an error with its code and its help to standard error, in colours where that is a terminal.
pub fn error(report: &miette::Report) {
    let shown = miette::Report::new(Shown::of(report.as_ref()));
    let _ = writeln!(io::stderr(), "{shown:?}");
}

/// Ends the program as clap does after `problem`: help and version are its own text, an error quotes arguments, none of
/// which makes a line of its own.
pub fn usage(problem: &clap::Error) -> std::process::ExitCode {
    let whole = problem.render().to_string();
    let text = escape::terminal_lines(&quoted(&whole, std::env::args_os()));
    let unchanged = text == whole;
    let _ = match unchanged {
        true => problem.print(),
        false => io::stderr().write_all(text.as_bytes()),
    };
    std::process::ExitCode::from(u8::try_from(problem.exit_code()).unwrap_or(2))
}

/// `text` with the line feeds of the words of the command line, and of what stands behind an `=` in them, as `\n`.
fn quoted(text: &str, words: impl Iterator<Item = OsString>) -> String {
    let words: Vec<String> = words.map(|word| word.to_string_lossy().into_owned()).collect();
    let values = words.iter().filter_map(|word| word.split_once('=')).map(|(_, value)| value);
    // Whole words first: what is left of them is not found again.
    let parts = words.iter().map(String::as_str).chain(values).filter(|part| part.contains('\n'));
    parts.fold(text.to_string(), |text, part| text.replace(part, &escape::terminal(part)))
}

/// A diagnostic whose texts a terminal can show.
#[derive(Debug)]
struct Shown {
    message: String,
    code: Option<String>,
    help: Option<String>,
    severity: Option<miette::Severity>,
    related: Vec<Shown>,
    cause: Option<Box<Shown>>,
}

impl Shown {
    fn of(diagnostic: &dyn Diagnostic) -> Shown {
        let text = |text: &dyn Display| escape::terminal_lines(&text.to_string());
        let cause: Option<Box<Shown>> = match diagnostic.diagnostic_source() {
            Some(source) => Some(Box::new(Shown::of(source))),
            None => std::error::Error::source(diagnostic).map(|source| Box::new(Shown::plain(source))),
        };
        let message = text(&diagnostic);
        Shown {
            code: diagnostic.code().map(|code| text(&code)).or_else(|| cause.as_ref()?.code.clone()),
            help: diagnostic.help().map(|help| text(&help)).or_else(|| cause.as_ref()?.help.clone()),
            severity: diagnostic.severity(),
            related: diagnostic.related().into_iter().flatten().map(Shown::of).collect(),
            // A message that quotes its cause has told it.
            cause: cause.filter(|cause| !message.contains(&cause.message)),
            message,
        }
    }

    fn plain(error: &(dyn std::error::Error + 'static)) -> Shown {
        Shown {
            message: escape::terminal_lines(&error.to_string()),
            code: None,
            help: None,
            severity: None,
            related: Vec::new(),
            cause: error.source().map(|source| Box::new(Shown::plain(source))),
        }
    }
}

impl Display for Shown {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Shown {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.cause.as_deref().map(|cause| cause as _)
    }
}

impl Diagnostic for Shown {
    fn code<'a>(&'a self) -> Option<Box<dyn Display + 'a>> {
        self.code.as_ref().map(|code| Box::new(code) as _)
    }

    fn help<'a>(&'a self) -> Option<Box<dyn Display + 'a>> {
        self.help.as_ref().map(|help| Box::new(help) as _)
    }

    fn severity(&self) -> Option<miette::Severity> {
        self.severity
    }

    fn related<'a>(&'a self) -> Option<Box<dyn Iterator<Item = &'a dyn Diagnostic> + 'a>> {
        match self.related.is_empty() {
            true => None,
            false => Some(Box::new(self.related.iter().map(|one| one as &dyn Diagnostic))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_of_the_command_line_stay_on_their_line() {
        let words = ["bincim", "check", "--a\nb", "--seed=x\ny", "plain"].map(OsString::from);
        let text = "error: '--a\nb', 'x\ny' and 'plain'\n\nUsage: bincim";
        assert_eq!(quoted(text, words.into_iter()), "error: '--a\\nb', 'x\\ny' and 'plain'\n\nUsage: bincim");
    }
}
