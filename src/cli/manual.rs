//! What a shell and `man` know of the program: `bincim completions SHELL` and `bincim man`.

use super::{Arguments, Outcome, PROGRAM, options, output};
use crate::escape;
use clap::{Args, Command, CommandFactory};
use clap_complete::Shell;
use clap_mangen::Man as Page;
use miette::{IntoDiagnostic, WrapErr};
use std::path::{Path, PathBuf};

/// Prints the completions of verbs and options for a shell
#[derive(Args, Debug)]
pub struct Completions {
    /// Which shell; such as `bincim completions bash > ~/.local/share/bash-completion/completions/bincim`
    pub shell: Shell,
}

/// Prints the manual page of the program, or writes all pages, one more a verb, into a folder
#[derive(Args, Debug)]
pub struct Man {
    /// Folder for the pages, such as ~/.local/share/man/man1; earlier pages of the program are replaced. Without it the
    /// program's own page goes to standard output: `bincim man | man -l -`
    #[arg(value_parser = options::on_disk())]
    pub dir: Option<PathBuf>,
}

pub fn completions(args: &Completions) -> miette::Result<Outcome> {
    let mut text = Vec::new();
    clap_complete::generate(args.shell, &mut Arguments::command(), "bincim", &mut text);
    output::file(Path::new(options::STDOUT), &text)?;
    Ok(Outcome::Done)
}

pub fn man(args: &Man) -> miette::Result<Outcome> {
    let mut program = Arguments::command();
    program.build();
    // `help` is a verb of clap's own, which says what the pages say.
    let verbs: Vec<Command> =
        program.get_subcommands().filter(|verb| verb.get_name() != "help").cloned().collect();
    let Some(dir) = &args.dir else {
        output::file(Path::new(options::STDOUT), &page(program)?.1)?;
        return Ok(Outcome::Done);
    };
    let mut count = 0;
    for command in std::iter::once(program).chain(verbs) {
        let (name, text) = page(command)?;
        output::file(&dir.join(name), &text)?;
        count += 1;
    }
    output::result(&format!("{count} manual pages in {}\n", escape::path(dir)))?;
    Ok(Outcome::Done)
}

/// File name and text of a page: `bincim-VERB.1`, as clap names a verb once the program is built.
fn page(command: Command) -> miette::Result<(String, Vec<u8>)> {
    let page = Page::new(command).source(PROGRAM);
    let mut text = Vec::new();
    page.render(&mut text).into_diagnostic().wrap_err("a manual page")?;
    Ok((page.get_filename(), text))
}
