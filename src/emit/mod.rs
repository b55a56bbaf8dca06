//! From a resolved design to named texts; never touches the disk.
//!
//! Every number in a text comes from the [`Design`]; a feature that the design does not
//! need leaves no trace in the Verilog.

mod analog;
pub mod bench;
pub mod board;
pub mod cells;
mod edge;
mod engine;
mod facts;
mod gather;
pub mod hdl;
mod image;
mod levels;
pub mod library;
mod load;
pub mod package;
mod planes;
pub mod popcount;
mod program;
mod result;
mod taps;
mod top;
pub mod vectors;
mod view;
mod walk;

pub use image::images as memory_images;
pub use load::program;

use crate::design::Design;
use crate::variation::Chip;

/// One file of emitted text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NamedText {
    /// File name; with a folder where the emitter says so.
    pub name: String,
    /// The whole content, ASCII, ending in one line feed.
    pub text: String,
}

/// The rendered template as the file of module `name`.
fn file(name: &str, template: &impl askama::Template) -> NamedText {
    let text = template.render().expect("a template writes to a string");
    NamedText { name: format!("{name}.v"), text: tidy(&text) }
}

/// No blanks at the end of a line, no two empty lines in a row, one line feed at the end.
fn tidy(text: &str) -> String {
    let mut tidied = String::with_capacity(text.len());
    for line in text.trim_end().lines().map(str::trim_end) {
        if !(line.is_empty() && tidied.ends_with("\n\n")) {
            tidied.push_str(line);
            tidied.push('\n');
        }
    }
    tidied
}

/// `items` separated by commas, in lines of at most 100 columns; the first starts at `column`, the others at
/// `indent`.
fn wrapped(items: &[String], indent: usize, column: usize) -> String {
    wrapped_by(items, ",", indent, column)
}

/// The same with another separator.
fn wrapped_by(items: &[String], separator: &str, indent: usize, column: usize) -> String {
    let mut text = String::new();
    let mut at = column;
    for (index, item) in items.iter().enumerate() {
        let part = if index + 1 == items.len() { item.clone() } else { format!("{item}{separator}") };
        if index > 0 && at + part.len() + 1 > 96 {
            text += &format!("\n{}", " ".repeat(indent));
            at = indent;
        } else if index > 0 {
            text.push(' ');
            at += 1;
        }
        at += part.len();
        text += &part;
    }
    text
}

/// The accelerator: Verilog files, memory images (those of analog arrays with a chip only) and `files.f`, which lists the
/// Verilog in no particular order.
///
/// The top module is [`Design::module`]`("top")`. The images are read by file name only, so simulation and synthesis run in the
/// folder that holds them.
pub fn accelerator(design: &Design, chip: Option<&Chip>) -> Vec<NamedText> {
    let mut files = verilog(design, 0);
    if design.loadable() {
        files = verilog(design, load::number(&files));
    }
    let names: Vec<&str> = files.iter().map(|file| file.name.as_str()).collect();
    let list = NamedText { name: "files.f".into(), text: names.join("\n") + "\n" };
    files.push(list);
    if !design.loadable() {
        files.extend(image::images(design, chip));
    }
    files
}

/// Number by which a program knows the machine that it was made for: it follows from the machine's Verilog.
pub fn machine_number(machine: &Design) -> u32 {
    load::number(&verilog(machine, 0))
}

/// In what the Verilog of the machine `larger` differs from that of `machine`: a line a parameter, with both values.
pub fn differences(machine: &Design, larger: &Design) -> Vec<String> {
    load::differences(&verilog(machine, 0), &verilog(larger, 0))
}

/// The Verilog, of a loadable machine of that number.
fn verilog(design: &Design, number: u32) -> Vec<NamedText> {
    let view = view::View::new(design);
    let mut files = vec![top::module(design, &view, number)];
    files.extend(load::modules(design, &view));
    files.extend(walk::modules(design, &view));
    files.extend(engine::modules(design, &view));
    files.extend(planes::modules(design, &view));
    files.extend(levels::modules(design, &view));
    if design.analog.is_none() {
        files.extend(
            popcount::modules(&design.tree, &design.tree_stem())
                .into_iter()
                .map(|file| NamedText { text: tidy(&file.text), ..file }),
        );
    }
    files.extend(result::modules(design, &view));
    files.extend(library::used(&files));
    files
}
