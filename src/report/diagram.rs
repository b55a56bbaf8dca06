//! The machine as a block diagram in SVG: one box a unit, with its sizes, along the way of the data.

use crate::escape::xml;
use serde::{Deserialize, Serialize};
use std::fmt::Write;

/// One unit of the machine.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct BlockView {
    pub place: Place,
    pub title: String,
    /// Its sizes, two lines at most.
    pub lines: Vec<String>,
}

/// Where a unit stands; each at most once.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Place {
    /// Data path, from left to right.
    Input,
    Rows,
    Array,
    Sums,
    Thresholds,
    Scores,
    /// Above it: what fills the cells, and what keeps sums for a later layer.
    Weights,
    State,
    /// Below it: control, and the maps between layers.
    Sequencer,
    Map,
    Registers,
}

/// Size of a box, and from one to the next, in user units.
const WIDTH: f64 = 148.0;
const HEIGHT: f64 = 72.0;
const STEP: (f64, f64) = (168.0, 112.0);
const MARGIN: f64 = 8.0;

impl Place {
    /// Column and row.
    fn at(self) -> (f64, f64) {
        match self {
            Place::Input => (0.0, 1.0),
            Place::Rows => (1.0, 1.0),
            Place::Array => (2.0, 1.0),
            Place::Sums => (3.0, 1.0),
            Place::Thresholds => (4.0, 1.0),
            Place::Scores => (5.0, 1.0),
            Place::Weights => (2.0, 0.0),
            Place::State => (3.0, 0.0),
            Place::Sequencer => (0.0, 2.0),
            Place::Map => (1.0, 2.0),
            Place::Registers => (5.0, 2.0),
        }
    }

    /// Upper left corner.
    fn corner(self) -> (f64, f64) {
        let (column, row) = self.at();
        (MARGIN + column * STEP.0, MARGIN + row * STEP.1)
    }
}

/// The diagram as part of a page; nothing where there is no block.
pub fn diagram(blocks: &[BlockView]) -> String {
    if blocks.is_empty() {
        return String::new();
    }
    let there = |place| blocks.iter().any(|block| block.place == place);
    let (width, height) = (2.0 * MARGIN + 5.0 * STEP.0 + WIDTH, 2.0 * MARGIN + 2.0 * STEP.1 + HEIGHT);
    let mut svg = format!(
        "<svg viewBox=\"0 0 {width} {height}\" role=\"img\" aria-label=\"Block diagram of the machine\" \
         font-family=\"system-ui, sans-serif\">\n"
    );
    // Along the data path, from box to box.
    let path = [Place::Input, Place::Rows, Place::Array, Place::Sums, Place::Thresholds, Place::Scores];
    for pair in path.windows(2).filter(|pair| there(pair[0]) && there(pair[1])) {
        let (from, to) = (pair[0].corner(), pair[1].corner());
        arrow(&mut svg, &[(from.0 + WIDTH, from.1 + HEIGHT / 2.0), (to.0, to.1 + HEIGHT / 2.0)]);
    }
    if there(Place::Weights) {
        let (from, to) = (Place::Weights.corner(), Place::Array.corner());
        let x = from.0 + WIDTH / 2.0;
        arrow(&mut svg, &[(x, from.1 + HEIGHT), (x, to.1)]);
    }
    if there(Place::State) {
        // Sums are kept and come back.
        let (kept, sums) = (Place::State.corner(), Place::Sums.corner());
        let x = kept.0 + WIDTH / 2.0;
        arrow(&mut svg, &[(x - 12.0, sums.1), (x - 12.0, kept.1 + HEIGHT)]);
        arrow(&mut svg, &[(x + 12.0, kept.1 + HEIGHT), (x + 12.0, sums.1)]);
    }
    if there(Place::Map) {
        // Results go back as the map that the next layer reads.
        let (results, map, rows) = (Place::Thresholds.corner(), Place::Map.corner(), Place::Rows.corner());
        let (x, y) = (results.0 + WIDTH / 2.0, map.1 + HEIGHT / 2.0);
        arrow(&mut svg, &[(x, results.1 + HEIGHT), (x, y), (map.0 + WIDTH, y)]);
        let x = map.0 + WIDTH / 2.0;
        arrow(&mut svg, &[(x, map.1), (x, rows.1 + HEIGHT)]);
    }
    blocks.iter().for_each(|block| boxed(&mut svg, block));
    svg + "</svg>\n"
}

/// A line through `points`, level or upright, with a tip at the last one.
fn arrow(svg: &mut String, points: &[(f64, f64)]) {
    let [.., before, (x, y)] = points else { return };
    let (dx, dy) = ((x - before.0).signum(), (y - before.1).signum());
    let (dx, dy) = if *x == before.0 { (0.0, dy) } else { (dx, 0.0) };
    let line: Vec<String> = points.iter().map(|(x, y)| format!("{x},{y}")).collect();
    // Its base lies 8 units back, 4 to either side.
    let (bx, by) = (x - 8.0 * dx, y - 8.0 * dy);
    let _ = writeln!(
        svg,
        "<polyline points=\"{}\" fill=\"none\" stroke=\"#5c6878\" stroke-width=\"1.5\"/>\
         <polygon points=\"{x},{y} {},{} {},{}\" fill=\"#5c6878\"/>",
        line.join(" "),
        bx + 4.0 * dy,
        by + 4.0 * dx,
        bx - 4.0 * dy,
        by - 4.0 * dx
    );
}

fn boxed(svg: &mut String, block: &BlockView) {
    let (x, y) = block.place.corner();
    // Memories and the array hold state of the network; the rest computes.
    let holds =
        matches!(block.place, Place::Array | Place::Weights | Place::Map | Place::State | Place::Scores);
    let fill = if holds { "#dfeaf5" } else { "#f4f6f9" };
    let _ = writeln!(
        svg,
        "<rect x=\"{x}\" y=\"{y}\" width=\"{WIDTH}\" height=\"{HEIGHT}\" rx=\"4\" fill=\"{fill}\" stroke=\"#2f6fb0\"/>\n\
         <text x=\"{tx}\" y=\"{ty}\" font-size=\"13\" font-weight=\"600\" text-anchor=\"middle\" fill=\"#1b1f24\">{title}</text>",
        tx = x + WIDTH / 2.0,
        ty = y + 22.0,
        title = xml(&block.title)
    );
    for (index, line) in block.lines.iter().take(2).enumerate() {
        let _ = writeln!(
            svg,
            "<text x=\"{}\" y=\"{}\" font-size=\"11\" text-anchor=\"middle\" fill=\"#3b4350\">{}</text>",
            x + WIDTH / 2.0,
            y + 42.0 + 16.0 * index as f64,
            xml(line)
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn block(place: Place, title: &str) -> BlockView {
        BlockView { place, title: title.into(), lines: vec!["1 < 2".into(), "two".into()] }
    }

    /// What is there is drawn once, and arrows lead only to what is there.
    #[test]
    fn boxes_and_arrows_are_those_of_the_machine() {
        let small = [block(Place::Input, "In"), block(Place::Rows, "Rows"), block(Place::Array, "A&B")];
        let svg = diagram(&small);
        assert_eq!(svg.matches("<rect").count(), 3);
        assert_eq!(svg.matches("<polyline").count(), 2);
        assert!(svg.contains("A&amp;B") && svg.contains("1 &lt; 2"), "{svg}");
        let more = [&small[..], &[block(Place::Map, "Map"), block(Place::Thresholds, "T")]].concat();
        assert_eq!(diagram(&more).matches("<polyline").count(), 4);
        assert_eq!(diagram(&[]), "");
    }
}
