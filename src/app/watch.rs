//! Who looks on while a use case works.

use std::fmt::Arguments;

/// What is told while a use case works, on whichever thread that happens.
pub trait Watch: Sync {
    /// What nobody should overlook, one or several lines.
    fn warn(&self, line: Arguments);

    /// What is being done, or was found on the way.
    fn note(&self, line: Arguments);

    /// A step of `all` parts begins of which `done` are done already; `unit` is what the parts are called. Without a
    /// `text` the step is too short to be told of where nobody watches.
    fn step(&self, text: &str, unit: &str, all: usize, done: usize) -> Box<dyn Bar>;
}

/// A step that goes on; it ends when this is dropped.
pub trait Bar: Send {
    /// `done` parts are done.
    ///
    /// Errors: whoever looks on wants the work to end.
    fn at(&mut self, done: usize) -> miette::Result<()>;
}

/// Nobody.
#[derive(Debug, Clone, Copy, Default)]
pub struct Silent;

impl Watch for Silent {
    fn warn(&self, _: Arguments) {}

    fn note(&self, _: Arguments) {}

    fn step(&self, _: &str, _: &str, _: usize, _: usize) -> Box<dyn Bar> {
        Box::new(Silent)
    }
}

impl Bar for Silent {
    fn at(&mut self, _: usize) -> miette::Result<()> {
        Ok(())
    }
}
