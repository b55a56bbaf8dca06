//! What makes a package of a design's folder: its licence and its description for FuseSoC.

use super::NamedText;
use super::bench::{CELLS, description, tree_cells};
use super::vectors;
use crate::design::Design;
use crate::escape;
use askama::Template;

/// A board that the package can be built for, in FuseSoC's words.
#[derive(Debug, Clone, PartialEq)]
pub struct BoardTarget {
    /// Name of the board, which is that of the target.
    pub name: String,
    /// Name of the board in texts.
    pub title: String,
    /// Edalize's flow, such as `icestorm`.
    pub tool: &'static str,
    /// Top module.
    pub top: String,
    /// Verilog files of `board/`.
    pub files: Vec<String>,
    /// The pin file of `board/`, and its type, such as `PCF`.
    pub pins: (String, &'static str),
    /// Arguments of synthesis.
    pub synth: Vec<String>,
    /// Arguments of place and route, the clock among them.
    pub route: Vec<String>,
}

#[derive(Template)]
#[template(path = "verif/design.core", syntax = "verilog")]
struct Core<'a> {
    top: String,
    core_name: String,
    version: &'static str,
    description: String,
    rtl: Vec<&'a str>,
    memories: Vec<&'a str>,
    cells: Vec<String>,
    waivers: Vec<&'a str>,
    waivers_used: &'static str,
    cells_used: &'static str,
    vectors: Vec<&'static str>,
    board: Option<&'a BoardTarget>,
}

impl Core<'_> {
    /// Words as a YAML list.
    fn list(words: &[String]) -> String {
        let quoted: Vec<String> = words.iter().map(|word| format!("\"{word}\"")).collect();
        format!("[{}]", quoted.join(", "))
    }
}

/// `LICENSE`: what comes out of the program is its user's.
pub fn licence() -> NamedText {
    let text = concat!(include_str!("../../templates/licence.txt"), include_str!("../../LICENSE"));
    NamedText { name: "LICENSE".into(), text: text.into() }
}

/// The FuseSoC description of `design` with the files `rtl` of `rtl/`, for simulation, lint and `board`.
///
/// Errors: a template that cannot be rendered.
pub fn core(
    design: &Design,
    rtl: &[String],
    board: Option<&BoardTarget>,
) -> Result<NamedText, askama::Error> {
    let ending = |end: &str| rtl.iter().map(String::as_str).filter(|name| name.ends_with(end)).collect();
    let cells: Vec<String> =
        tree_cells(design).into_iter().map(|cell| format!("{CELLS}{}", cell.name)).collect();
    let core = Core {
        top: design.module("top"),
        core_name: escape::identifier(design.name.raw()),
        version: env!("CARGO_PKG_VERSION"),
        description: escape::yaml(&description(design)),
        rtl: ending(".v"),
        memories: ending(".hex"),
        waivers_used: if rtl.iter().any(|name| name.ends_with(".vlt")) { ", waivers" } else { "" },
        cells_used: if cells.is_empty() { "" } else { ", cells" },
        cells,
        waivers: ending(".vlt"),
        // A machine has no bench whose network would be in it.
        vectors: if design.loadable() { Vec::new() } else { vectors::HEX_FILES.to_vec() },
        board,
    };
    let mut text = core.render()?;
    if !text.ends_with('\n') {
        text.push('\n');
    }
    Ok(NamedText { name: format!("{}.core", core.core_name), text })
}
