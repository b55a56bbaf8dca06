//! Constants of layers and passes as case tables that can be read.

use super::{NamedText, load};
use crate::design::Design;
use crate::design::width::index as index_width;
use askama::Template;

/// One output of a table.
#[derive(Debug)]
pub(super) struct Field {
    pub name: String,
    pub width: usize,
    /// Shown behind the port.
    pub comment: &'static str,
    /// One value an entry, lowest slot first where the field has one value a slot.
    pub values: Vec<Vec<i64>>,
}

impl Field {
    /// A field with one number an entry; negative numbers are two's complement of `width` bits.
    pub fn new(
        name: impl Into<String>,
        width: usize,
        comment: &'static str,
        values: impl Iterator<Item = i64>,
    ) -> Field {
        Field { name: name.into(), width, comment, values: values.map(|value| vec![value]).collect() }
    }

    /// A field with one number a slot and entry, each of `width / slots` bits.
    pub fn slots(
        name: impl Into<String>,
        width: usize,
        comment: &'static str,
        values: impl Iterator<Item = Vec<i64>>,
    ) -> Field {
        Field { name: name.into(), width, comment, values: values.collect() }
    }
}

/// A table: its inputs, its key and what each entry is.
#[derive(Debug)]
pub(super) struct Table {
    pub module: &'static str,
    pub description: String,
    /// Name and width of the inputs that make the key; none where there is one entry.
    pub inputs: Vec<(&'static str, usize)>,
    /// Values of the inputs and a comment, one an entry. The last entry is the default.
    pub entries: Vec<(Vec<usize>, String)>,
    pub fields: Vec<Field>,
}

/// A port of a table as the module that holds it sees it.
#[derive(Debug)]
pub(super) struct Port {
    pub name: String,
    pub width: usize,
}

/// The ports of `fields`, in order.
pub(super) fn ports(fields: &[Field]) -> Vec<Port> {
    fields.iter().map(|field| Port { name: field.name.clone(), width: field.width }).collect()
}

/// A sized decimal literal, modulo its width: negative numbers are two's complement.
pub(super) fn literal(width: usize, value: i64) -> String {
    format!("{width}'d{}", i128::from(value).rem_euclid(1 << width))
}

#[derive(Template)]
#[template(path = "top/program.v", syntax = "verilog", escape = "none")]
struct Program {
    module: String,
    description: String,
    inputs: Vec<Input>,
    fields: Vec<Output>,
    cases: bool,
    key: String,
    entries: Vec<Entry>,
}

struct Input {
    name: &'static str,
    width: usize,
}

struct Output {
    kind: &'static str,
    name: String,
    width: usize,
    comma: &'static str,
    comment: String,
}

struct Entry {
    label: String,
    comment: String,
    assignments: Vec<String>,
}

#[derive(Template)]
#[template(path = "top/table.v", syntax = "verilog", escape = "none")]
struct Loaded {
    module: String,
    description: String,
    inputs: Vec<Input>,
    fields: Vec<Part>,
    key: String,
    address: usize,
    width: usize,
    depth: usize,
}

/// A field of a word from bit `at` on.
struct Part {
    name: String,
    at: usize,
    width: usize,
    comma: &'static str,
    comment: String,
}

/// The table as a memory of `depth` words that a program fills.
fn loaded(design: &Design, table: &Table, depth: usize) -> NamedText {
    let names: Vec<&str> = table.inputs.iter().map(|(name, _)| *name).collect();
    let mut width = 0;
    let last = table.fields.len() - 1;
    let part = |(index, field): (usize, &Field)| {
        let at = width;
        width += field.width;
        let comma = if index == last { "" } else { "," };
        Part { name: field.name.clone(), at, width: field.width, comma, comment: remark(field) }
    };
    let fields = table.fields.iter().enumerate().map(part).collect();
    let module = Loaded {
        module: design.module(table.module),
        description: table.description.clone(),
        inputs: table.inputs.iter().map(|&(name, width)| Input { name, width }).collect(),
        fields,
        key: match names.len() {
            0 => "1'b0".into(),
            1 => names.concat(),
            _ => format!("{{{}}}", names.join(", ")),
        },
        address: index_width(depth),
        width,
        depth,
    };
    super::file(&design.module(table.module), &module)
}

/// A field's comment behind its port.
fn remark(field: &Field) -> String {
    if field.comment.is_empty() { String::new() } else { format!("  // {}", field.comment) }
}

/// The table as a module of the design.
pub(super) fn module(design: &Design, table: &Table) -> NamedText {
    if design.loadable() {
        return loaded(design, table, load::depth(design, table));
    }
    let cases = !table.inputs.is_empty() && table.entries.len() > 1;
    let last_entry = table.entries.len() - 1;
    let entries = table
        .entries
        .iter()
        .enumerate()
        .map(|(index, (key, comment))| Entry {
            label: if index == last_entry { "default".into() } else { label(&table.inputs, key) },
            comment: comment.clone(),
            assignments: table
                .fields
                .iter()
                .map(|field| assignment(field, index, if cases { 8 } else { 2 }))
                .collect(),
        })
        .collect();
    let names: Vec<&str> = table.inputs.iter().map(|(name, _)| *name).collect();
    let last_field = table.fields.len() - 1;
    let program = Program {
        module: design.module(table.module),
        description: table.description.clone(),
        inputs: table.inputs.iter().map(|&(name, width)| Input { name, width }).collect(),
        fields: table
            .fields
            .iter()
            .enumerate()
            .map(|(index, field)| Output {
                kind: if cases { "output reg " } else { "output wire" },
                name: field.name.clone(),
                width: field.width,
                comma: if index == last_field { "" } else { "," },
                comment: remark(field),
            })
            .collect(),
        cases,
        key: if names.len() > 1 { format!("{{{}}}", names.join(", ")) } else { names.join("") },
        entries,
    };
    super::file(&design.module(table.module), &program)
}

fn label(inputs: &[(&str, usize)], key: &[usize]) -> String {
    let parts: Vec<String> =
        inputs.iter().zip(key).map(|((_, width), value)| format!("{width}'d{value}")).collect();
    if parts.len() > 1 { format!("{{{}}}", parts.join(", ")) } else { parts.concat() }
}

fn assignment(field: &Field, entry: usize, indent: usize) -> String {
    let values = &field.values[entry];
    let width = field.width / values.len();
    let start = format!("{}_o = ", field.name);
    if width == 1 && values.len() > 1 {
        let digits: Vec<String> = values.iter().rev().map(|bit| (bit & 1).to_string()).collect();
        if digits.len() <= 64 {
            return format!("{start}{}'b{};", field.width, digits.concat());
        }
        // Whole pieces of 64 from the right.
        let (first, rest) = digits.split_at(digits.len() % 64);
        let pieces: Vec<String> = std::iter::once(first)
            .chain(rest.chunks(64))
            .filter(|piece| !piece.is_empty())
            .map(|piece| format!("{}'b{}", piece.len(), piece.concat()))
            .collect();
        return format!("{start}{{{}}};", super::wrapped(&pieces, indent + 4, indent + start.len()));
    }
    let literals: Vec<String> = values.iter().rev().map(|&value| literal(width, value)).collect();
    if literals.len() == 1 {
        return format!("{start}{};", literals[0]);
    }
    format!("{start}{{{}}};", super::wrapped(&literals, indent + 4, indent + start.len()))
}

#[cfg(test)]
mod tests {
    use super::literal;

    #[test]
    fn negative_constants_are_twos_complement() {
        assert_eq!(literal(8, -3), "8'd253");
        assert_eq!(literal(3, 5), "3'd5");
    }
}
