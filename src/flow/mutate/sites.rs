//! Where Verilog text can be broken: one operator, constant, condition or assignment at a time.
//!
//! Works on the text of one file written in the house's style (one statement a line). Leaves alone
//! comments, strings, declarations, parameters, ports and wires whose name starts with `unused`.

use serde::Serialize;

/// One change of one file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Mutant {
    /// File name as in the list.
    pub file: String,
    /// Line from 1 and column (byte) from 0.
    pub line: usize,
    pub column: usize,
    /// What kind of change it is.
    pub rule: &'static str,
    /// The text replaced, and what stands there instead.
    pub before: String,
    pub after: String,
}

impl Mutant {
    /// The file's text with the change made.
    pub fn apply(&self, text: &str) -> String {
        let mut out = String::with_capacity(text.len() + self.after.len());
        for (index, line) in text.split_inclusive('\n').enumerate() {
            if index + 1 == self.line {
                out.push_str(&line[..self.column]);
                out.push_str(&self.after);
                out.push_str(&line[self.column + self.before.len()..]);
            } else {
                out.push_str(line);
            }
        }
        out
    }
}

/// Every change that the rules know for `text`, in the order of the text.
pub fn sites(file: &str, text: &str) -> Vec<Mutant> {
    let mut mutants = Vec::new();
    let mut header = false;
    for (index, line) in text.lines().enumerate() {
        let code = line.split("//").next().unwrap_or_default();
        let trimmed = code.trim_start();
        // The port list and the connections of an instance hold names, not logic.
        if trimmed.starts_with("module ") {
            header = true;
        }
        let skip = header
            || ["`", "localparam", "parameter", "integer", "genvar", "function", "endfunction", "input", "."]
                .iter()
                .any(|start| trimmed.starts_with(start))
            || trimmed.contains("unused")
            || code.contains('$')
            // A changed loop may never end, in the compiler as in the simulation.
            || code.contains("for (");
        if header && trimmed.ends_with(");") {
            header = false;
        }
        if skip || trimmed.is_empty() || !code.is_ascii() {
            continue;
        }
        let start = logic_start(code);
        let mut found = Vec::new();
        operators(code, start, &mut found);
        constants(code, start, &mut found);
        conditions(code, &mut found);
        choices(code, start, &mut found);
        assignments(code, &mut found);
        mutants.extend(found.into_iter().map(|(column, rule, before, after)| Mutant {
            file: file.into(),
            line: index + 1,
            column,
            rule,
            before,
            after,
        }));
    }
    mutants
}

type Change = (usize, &'static str, String, String);

/// Where logic starts on a line: behind the `=` of a declaration, else at its beginning.
fn logic_start(code: &str) -> usize {
    let trimmed = code.trim_start();
    let declares = ["wire ", "reg ", "output "].iter().any(|start| trimmed.starts_with(start));
    match code.find(" = ") {
        Some(at) if declares => at + 3,
        None if declares => code.len(),
        _ => 0,
    }
}

/// True where `column` lies inside `[...]`: an index, where a change is often a range error.
fn inside_brackets(code: &str, column: usize) -> bool {
    let before = &code[..column];
    before.matches('[').count() > before.matches(']').count()
}

fn operators(code: &str, start: usize, found: &mut Vec<Change>) {
    const SWAPS: [(&str, &str); 13] = [
        (" == ", " != "),
        (" != ", " == "),
        (" >= ", " > "),
        (" > ", " >= "),
        (" < ", " <= "),
        (" + ", " - "),
        (" - ", " + "),
        (" && ", " || "),
        (" || ", " && "),
        (" & ", " | "),
        (" | ", " & "),
        (" ^ ", " | "),
        (" ~^ ", " ^ "),
    ];
    for (before, after) in SWAPS {
        for (at, _) in code.match_indices(before).filter(|&(at, _)| at >= start) {
            if !inside_brackets(code, at) {
                found.push((at, "operator", before.into(), after.into()));
            }
        }
    }
    for (at, sign) in code.match_indices(['!', '~']).filter(|&(at, _)| at >= start) {
        let next = code[at + 1..].chars().next().unwrap_or(' ');
        if next.is_ascii_alphabetic() || next == '(' || next == '_' {
            found.push((at, "negation", sign.into(), String::new()));
        }
    }
}

/// `8'd5` becomes `8'd6` (wrapping), `1'b0` becomes `1'b1`.
fn constants(code: &str, start: usize, found: &mut Vec<Change>) {
    for (at, _) in code.match_indices('\'').filter(|&(at, _)| at >= start) {
        let digits = |text: &str| text.chars().take_while(char::is_ascii_alphanumeric).count();
        let width_start = at - code[..at].chars().rev().take_while(char::is_ascii_digit).count();
        let (Ok(width), Some(base)) = (code[width_start..at].parse::<u32>(), code[at + 1..].chars().next())
        else {
            continue;
        };
        let value_text = &code[at + 2..][..digits(&code[at + 2..])];
        let radix = match base {
            'd' => 10,
            'b' => 2,
            'h' => 16,
            _ => continue,
        };
        let Ok(value) = u64::from_str_radix(value_text, radix) else { continue };
        if width == 0 || width > 63 {
            continue;
        }
        let next = (value + 1) % (1 << width);
        let after = match base {
            'd' => format!("{width}'d{next}"),
            'b' => format!("{width}'b{next:0digits$b}", digits = width as usize),
            _ => format!("{width}'h{next:X}"),
        };
        let before = code[width_start..at + 2 + value_text.len()].to_string();
        found.push((width_start, "constant", before, after));
    }
}

/// `if (c)` becomes `if (!(c))`.
fn conditions(code: &str, found: &mut Vec<Change>) {
    for (at, _) in code.match_indices("if (") {
        let open = at + 3;
        if let Some(length) = balanced(&code[open..]) {
            let before = code[open..open + length].to_string();
            found.push((open, "condition", before.clone(), format!("(!{before})")));
        }
    }
}

/// `c ? a : b` becomes `c ? b : a`.
fn choices(code: &str, start: usize, found: &mut Vec<Change>) {
    for (at, _) in code.match_indices(" ? ").filter(|&(at, _)| at >= start) {
        let first = at + 3;
        let Some(colon) = top_level(&code[first..], " : ") else { continue };
        let second = first + colon + 3;
        let Some(end) = top_level(&code[second..], ";") else { continue };
        let (a, b) = (&code[first..first + colon], &code[second..second + end]);
        let before = code[first..second + end].to_string();
        let after = format!("{} : {}", b, a);
        // A chain of choices keeps its meaning only in brackets.
        let after = if b.contains(" ? ") { format!("({b}) : {a}") } else { after };
        if a != b {
            found.push((first, "choice", before, after));
        }
    }
}

/// `q <= d;` becomes `q <= q;`: the register never changes.
fn assignments(code: &str, found: &mut Vec<Change>) {
    let Some(arrow) = code.find(" <= ") else { return };
    let end = code.trim_end().len();
    if !code[..end].ends_with(';') || inside_parentheses(code, arrow) {
        return;
    }
    let left = code[..arrow].rsplit([')', ' ']).next().unwrap_or_default().trim();
    let named = left.chars().next().is_some_and(|c| c.is_ascii_alphabetic()) && !left.contains('[');
    let from = arrow + 4;
    if named && code[from..end - 1] != *left {
        found.push((from, "assignment", code[from..end - 1].into(), left.into()));
    }
}

fn inside_parentheses(code: &str, column: usize) -> bool {
    let before = &code[..column];
    before.matches('(').count() > before.matches(')').count()
}

/// Length of the bracketed text at the start of `text`, brackets included.
fn balanced(text: &str) -> Option<usize> {
    let mut depth = 0;
    for (at, c) in text.char_indices() {
        match c {
            '(' => depth += 1,
            ')' => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return Some(at + 1);
        }
    }
    None
}

/// First place of `what` outside all brackets.
fn top_level(text: &str, what: &str) -> Option<usize> {
    let mut depth = 0i32;
    for (at, c) in text.char_indices() {
        match c {
            '(' | '[' | '{' => depth += 1,
            ')' | ']' | '}' => depth -= 1,
            _ => {}
        }
        if depth < 0 {
            return None;
        }
        if depth == 0 && text[at..].starts_with(what) {
            return Some(at);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "module a (\n    input wire x\n);\n  // a + b\n  wire [3:0] y = x ? b : 4'd3;\n  \
                        wire unused = &{1'b0, x};\n  always @(posedge c) begin\n    if (x == 1'b1) q <= y + 4'd1;\n  end\n\
                        endmodule\n";

    #[test]
    fn every_rule_finds_its_sites_and_nothing_else() {
        let found: Vec<String> = sites("a.v", TEXT)
            .iter()
            .map(|m| format!("{} {}: {} -> {}", m.line, m.rule, m.before.trim(), m.after.trim()))
            .collect();
        assert_eq!(
            found,
            [
                "5 constant: 4'd3 -> 4'd4",
                "5 choice: b : 4'd3 -> 4'd3 : b",
                "8 operator: == -> !=",
                "8 operator: + -> -",
                "8 constant: 1'b1 -> 1'b0",
                "8 constant: 4'd1 -> 4'd2",
                "8 condition: (x == 1'b1) -> (!(x == 1'b1))",
                "8 assignment: y + 4'd1 -> q",
            ]
        );
    }

    #[test]
    fn a_change_touches_its_own_place_only() {
        let mutant = &sites("a.v", TEXT)[3];
        let changed = mutant.apply(TEXT);
        assert_eq!(changed, TEXT.replace("y + 4'd1", "y - 4'd1"));
    }
}
