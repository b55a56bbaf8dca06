//! The specification of the tree: the count by words of 64 rows, then a plain delay.

use crate::emit::facts::plural;
use std::fmt::Write;

use askama::Template;

use super::ports;
use crate::design::tree::TreePlan;
use crate::emit::NamedText;

/// Rows that one call of the counting function takes.
const WORD: usize = 64;

#[derive(Template)]
#[template(path = "popcount/popcount_model.v", syntax = "verilog")]
struct Model<'a> {
    name: &'a str,
    contract: String,
    ports: String,
    hit: String,
    width: usize,
    ones: String,
    count: String,
    delay_width: usize,
    shift: String,
}

/// The specification of the tree as a module called `name`, in a file of that name.
pub fn module(plan: &TreePlan, name: &str) -> NamedText {
    let width = plan.count_width();
    let delay_width = width * plan.latency();
    let ones = match width.checked_sub(7) {
        Some(0) => "sums[6:0]".to_string(),
        Some(spare) => format!("{{{spare}'d0, sums[6:0]}}"),
        None => format!("sums[{}:0]", width - 1),
    };
    let shift = match plan.latency() {
        1 => "count_d".to_string(),
        _ => format!("{{count_q[{}:0], count_d}}", delay_width - width - 1),
    };
    let model = Model {
        name,
        contract: contract(plan),
        ports: ports::declarations(plan),
        hit: hit(plan),
        width,
        ones,
        count: count(plan),
        delay_width,
        shift,
    };
    NamedText { name: format!("{name}.v"), text: model.to_string() + "\n" }
}

/// The comment lines that say what is counted, in which range and how late.
pub fn contract(plan: &TreePlan) -> String {
    let rows = plan.rows;
    let mut text = match plan.enable {
        true => "// A row counts when it is enabled and its bit equals its weight bit.\n",
        false => "// A row counts when its bit equals its weight bit.\n",
    }
    .to_string();
    if plan.inverted_rows().contains(&true) {
        text += "// Some weight bits are stored inverted in the array, which says which.\n";
    }
    if plan.groups == 1 {
        let _ = writeln!(text, "//   count_o   rows that count, 0 to {rows}");
    } else {
        let size = plan.rows_per_group();
        let left = rows - size * plan.groups;
        let planes = plan.groups;
        let _ = writeln!(text, "// Plane g, 0 to {}, is the {size} row(s) from row g * {size}.", planes - 1);
        let _ = writeln!(text, "//   weighted_i = 0   count_o = rows that count, 0 to {rows}");
        let _ = writeln!(
            text,
            "//   weighted_i = 1   count_o = sum over g of 2^g * (rows of plane g that count), 0 to {}",
            plan.count_max()
        );
        if left > 0 {
            let _ = writeln!(text, "// The last {left} row(s) are in no plane: weight 1 either way.");
        }
    }
    let plural = plural(plan.latency());
    let _ = write!(
        text,
        "// Latency: {} cycle{plural} from all inputs to count_o; a new count every cycle; no reset, no stall.",
        plan.latency()
    );
    text
}

/// The vector of rows that count.
fn hit(plan: &TreePlan) -> String {
    let top = plan.rows - 1;
    let inverted = plan.inverted_rows();
    let mut text = String::new();
    let mut term = "row_i ^ weight_i".to_string();
    if inverted.contains(&true) {
        text += "  // Rows whose weight arrives inverted.\n";
        let _ = writeln!(text, "  localparam [{top}:0] INVERTED = {{\n{}\n  }};\n", words(&inverted));
        term += " ^ INVERTED";
    }
    let enable = if plan.enable { " & enable_i" } else { "" };
    let _ = write!(text, "  wire [{top}:0] hit = ~({term}){enable};");
    text
}

/// Bits as hexadecimal words, the last rows first, one word a line.
fn words(bits: &[bool]) -> String {
    let lines: Vec<String> = bits
        .chunks(WORD)
        .rev()
        .map(|chunk| {
            let digits: Vec<String> = chunk
                .chunks(16)
                .rev()
                .map(|four| {
                    let value = four.iter().rev().fold(0u32, |word, &bit| word << 1 | u32::from(bit));
                    format!("{value:0width$x}", width = four.len().div_ceil(4))
                })
                .collect();
            format!("    {}'h{}", chunk.len(), digits.join("_"))
        })
        .collect();
    lines.join(",\n")
}

/// The wires that count each plane, and the sum `count_d`.
fn count(plan: &TreePlan) -> String {
    let range = format!("[{}:0]", plan.count_width() - 1);
    let mut text = String::new();
    if plan.groups == 1 {
        let _ = write!(text, "  wire {range} count_d =\n{};", sum(&terms(&[(0, plan.rows)])));
        return text;
    }
    for (g, plane) in plan.planes().iter().enumerate() {
        let _ = writeln!(text, "  wire {range} plane{g} =\n{};", sum(&terms(plane)));
    }
    let plain: Vec<String> = (0..plan.groups).map(|g| format!("plane{g}")).collect();
    let weighted: Vec<String> = (0..plan.groups)
        .map(|g| if g == 0 { "plane0".to_string() } else { format!("(plane{g} << {g})") })
        .collect();
    let _ = writeln!(text, "\n  wire {range} plain =\n{};", sum(&plain));
    let _ = writeln!(text, "  wire {range} weighted =\n{};", sum(&weighted));
    let _ = write!(text, "  wire {range} count_d = weighted_i ? weighted : plain;");
    text
}

/// One call of the counting function for each word of the row ranges.
fn terms(ranges: &[(usize, usize)]) -> Vec<String> {
    let mut terms = Vec::new();
    for &(first, length) in ranges {
        for from in (first..first + length).step_by(WORD) {
            let rows = WORD.min(first + length - from);
            let slice = format!("hit[{}:{from}]", from + rows - 1);
            terms.push(match WORD - rows {
                0 => format!("ones({slice})"),
                pad => format!("ones({{{pad}'d0, {slice}}})"),
            });
        }
    }
    terms
}

/// Terms added, as many a line as fit.
fn sum(terms: &[String]) -> String {
    let mut lines = vec![String::from("     ")];
    for (index, term) in terms.iter().enumerate() {
        let last = lines.last_mut().expect("starts with one line");
        let piece = if index == 0 { format!(" {term}") } else { format!(" + {term}") };
        if last.len() + piece.len() > 98 {
            lines.push(format!("     {piece}"));
        } else {
            last.push_str(&piece);
        }
    }
    lines.join("\n")
}
