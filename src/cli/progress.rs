//! What a verb tells while it works: a line as each step starts and, on a terminal, a spinner or a bar in its place.

use super::{caller, output};
use crate::app::{self, Watch};
use indicatif::{ProgressBar, ProgressStyle};
use std::fmt::Arguments;
use std::io::IsTerminal;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

static QUIET: AtomicBool = AtomicBool::new(false);

/// Whether steps are left untold from here on.
pub fn quiet(quiet: bool) {
    QUIET.store(quiet, Ordering::Relaxed);
}

/// Whether somebody looks on.
pub fn watched() -> bool {
    caller::watch().is_none() && std::io::stderr().is_terminal() && !QUIET.load(Ordering::Relaxed)
}

/// Writes a line of what is being done to standard error.
pub fn tell(line: Arguments) {
    if let Some(watch) = caller::watch() {
        return watch.note(line);
    }
    if !QUIET.load(Ordering::Relaxed) {
        output::log(line);
    }
}

/// An error where whoever called the verb wants it to end.
pub fn wanted() -> miette::Result<()> {
    caller::watch().map_or(Ok(()), |watch| watch.step("", "", 0, 0).at(0))
}

/// A step of unknown length: a spinner on a terminal, else a line.
pub struct Step {
    text: String,
    spinner: ProgressBar,
}

impl Step {
    /// Says that `text` begins.
    pub fn start(text: impl Into<String>) -> Step {
        let text = text.into();
        if !watched() {
            tell(format_args!("{text} ..."));
            return Step { text, spinner: ProgressBar::hidden() };
        }
        let spinner = ProgressBar::new_spinner().with_message(text.clone());
        spinner.enable_steady_tick(Duration::from_millis(120));
        Step { text, spinner }
    }

    /// Leaves one line that says with what it was done.
    pub fn done(self, with: &str) {
        self.spinner.finish_and_clear();
        tell(format_args!("{}: {with}", self.text));
    }
}

impl Drop for Step {
    fn drop(&mut self) {
        self.spinner.finish_and_clear();
    }
}

/// Who looks on at a terminal, or reads standard error.
#[derive(Debug, Clone, Copy)]
pub struct Terminal;

impl Watch for Terminal {
    fn warn(&self, line: Arguments) {
        output::log(line);
    }

    fn note(&self, line: Arguments) {
        tell(line);
    }

    fn step(&self, text: &str, unit: &str, all: usize, done: usize) -> Box<dyn app::Bar> {
        if text.is_empty() && !watched() {
            return Box::new(app::Silent);
        }
        let template = format!("{{bar:40}} {{pos}}/{{len}} {unit}, {{elapsed}}, {{eta}} left");
        Box::new(Shown(bar(text, &template, all, done)))
    }
}

/// A bar that goes away with its step.
struct Shown(ProgressBar);

impl app::Bar for Shown {
    fn at(&mut self, done: usize) -> miette::Result<()> {
        self.0.set_position(done as u64);
        Ok(())
    }
}

impl Drop for Shown {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}

/// A step of `total` parts of which `done` are done already: a bar in the form of `template` (indicatif's) on a terminal,
/// else a line that says `text`.
pub fn bar(text: &str, template: &str, total: usize, done: usize) -> ProgressBar {
    if !watched() {
        tell(format_args!("{text} ..."));
        return ProgressBar::hidden();
    }
    let bar = ProgressBar::new(total as u64).with_position(done as u64);
    bar.reset_eta();
    bar.enable_steady_tick(Duration::from_millis(200));
    match ProgressStyle::with_template(template) {
        Ok(style) => bar.with_style(style),
        Err(_) => bar,
    }
}
