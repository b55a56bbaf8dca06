//! The last look at an error before it is told: every one has a code and a help.

use miette::{Diagnostic, Report};
use std::error::Error;
use std::fmt;
use std::io::{self, ErrorKind};

/// A report without a code or a help of its own.
#[derive(Debug)]
struct Coded {
    report: Report,
    code: String,
    help: String,
}

/// The report with a code and a help: its own, or what the system's reason at its root calls for.
pub fn coded(report: Report) -> Report {
    let own = |text: Option<Box<dyn fmt::Display + '_>>| text.map(|text| text.to_string());
    let (code, help) = (own(report.code()), own(report.help()));
    if code.is_some() && help.is_some() {
        return report;
    }
    let system = report.chain().find_map(system);
    let code = code.unwrap_or_else(|| if system.is_some() { "cli::io" } else { "cli::failed" }.into());
    let help = help.unwrap_or_else(|| advice(system).into());
    Report::new(Coded { report, code, help })
}

/// What the system said, if this is its error. `into_diagnostic` hides the type and leaves the text, which ends with the
/// system's number.
fn system(error: &(dyn Error + 'static)) -> Option<ErrorKind> {
    let number = || error.to_string().rsplit_once("(os error ")?.1.strip_suffix(')')?.parse().ok();
    let direct = error.downcast_ref::<io::Error>().map(io::Error::kind);
    direct.or_else(|| number().map(|number| io::Error::from_raw_os_error(number).kind()))
}

fn advice(system: Option<ErrorKind>) -> &'static str {
    match system {
        Some(ErrorKind::NotFound) => "check the path: there is nothing of this name",
        Some(ErrorKind::PermissionDenied) => "check who may read and write there",
        Some(ErrorKind::StorageFull) => "make room, or name a place on another disk",
        Some(ErrorKind::IsADirectory | ErrorKind::NotADirectory) => {
            "check the path: a file and a folder are not the same here"
        }
        Some(_) => "check that the path exists and may be read or written",
        None => "`bincim help VERB` lists what a verb takes",
    }
}

impl fmt::Display for Coded {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        fmt::Display::fmt(&self.report, f)
    }
}

impl Error for Coded {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.report.chain().nth(1)
    }
}

impl Diagnostic for Coded {
    fn code<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        Some(Box::new(&self.code))
    }

    fn help<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        Some(Box::new(&self.help))
    }

    fn related<'a>(&'a self) -> Option<Box<dyn Iterator<Item = &'a dyn Diagnostic> + 'a>> {
        self.report.related()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use miette::{IntoDiagnostic, WrapErr, miette};

    fn parts(report: &Report) -> (String, String, String) {
        let text = |text: Option<Box<dyn fmt::Display + '_>>| text.map_or(String::new(), |t| t.to_string());
        (report.to_string(), text(report.code()), text(report.help()))
    }

    #[test]
    fn an_error_without_a_code_gets_one_by_its_root() {
        let missing: Result<(), _> = Err(io::Error::from_raw_os_error(libc::ENOENT));
        let report = coded(missing.into_diagnostic().wrap_err("x.onnx").unwrap_err());
        assert_eq!(parts(&report).0, "x.onnx");
        assert_eq!(parts(&report).1, "cli::io");
        assert!(parts(&report).2.contains("nothing of this name"));
        // The system's reason is told once, below what failed.
        assert_eq!(report.chain().count(), 2);
        let own = coded(miette!(code = "a::b", help = "c", "d"));
        assert_eq!(parts(&own), ("d".into(), "a::b".into(), "c".into()));
        let half = coded(miette!(code = "a::b", "d"));
        assert_eq!((parts(&half).0, parts(&half).1), ("d".into(), "a::b".into()));
        assert!(parts(&half).2.contains("bincim help"));
    }
}
