//! A reference of all keys of a file, in Markdown, from its JSON schema: the one place that knows types, ranges, defaults
//! and meanings.

use serde_json::{Map, Value};
use std::fmt::Write;

/// The keys of a TOML file whose schema is `schema`, one section a table; `title` heads the page.
pub fn markdown(title: &str, schema: &Value) -> String {
    let mut sections = Vec::new();
    let mut own =
        Section { heading: "At the top of the file".into(), about: String::new(), rows: Vec::new() };
    collect(schema, schema, "", &mut own, &mut sections);
    let about = prose(schema);
    let mut text = format!("# {title}\n\n{about}\n");
    for section in std::iter::once(own).chain(sections).filter(|section| !section.rows.is_empty()) {
        let _ = write!(text, "\n## {}\n\n", section.heading);
        if !section.about.is_empty() {
            let _ = writeln!(text, "{}\n", section.about);
        }
        text += "| key | value | default | meaning |\n|---|---|---|---|\n";
        section.rows.iter().for_each(|row| text += row);
    }
    text
}

/// One table of the file.
struct Section {
    heading: String,
    about: String,
    rows: Vec<String>,
}

/// Puts the plain keys of `node` into `own`, and a section for each table below it into `sections`.
fn collect(root: &Value, node: &Value, place: &str, own: &mut Section, sections: &mut Vec<Section>) {
    let none = Map::new();
    let properties = node.get("properties").and_then(Value::as_object).unwrap_or(&none);
    let required: Vec<&str> = node
        .get("required")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .collect();
    for (key, value) in properties {
        let path = if place.is_empty() { key.clone() } else { format!("{place}.{key}") };
        let (table, heading) = match table_of(root, value) {
            Some((table, true)) => (table, format!("`[[{path}]]`")),
            Some((table, false)) => (table, format!("`[{path}]`")),
            None => {
                own.rows.push(row(root, key, value, required.contains(&key.as_str())));
                continue;
            }
        };
        let mut about = prose(value);
        if optional(value) {
            about += " May be left out.";
        }
        let mut section = Section { heading, about, rows: Vec::new() };
        let mut inner = Vec::new();
        collect(root, &table, &path, &mut section, &mut inner);
        sections.push(section);
        sections.append(&mut inner);
    }
}

/// The table that a key holds, and whether it is a list of such.
fn table_of(root: &Value, node: &Value) -> Option<(Value, bool)> {
    let node = resolved(root, node);
    if node.get("properties").is_some() {
        return Some((node, false));
    }
    if let Some(any) = alternatives(&node) {
        return any.iter().find_map(|one| table_of(root, one));
    }
    let items = resolved(root, node.get("items")?);
    items.get("properties").is_some().then_some((items, true))
}

/// A node with what it refers to put in; its own words go before.
fn resolved(root: &Value, node: &Value) -> Value {
    let Some(target) = node.get("$ref").and_then(Value::as_str) else { return node.clone() };
    let mut out =
        root.pointer(target.trim_start_matches('#')).map_or(Value::Null, |node| resolved(root, node));
    if let (Some(out), Some(own)) = (out.as_object_mut(), node.as_object()) {
        out.extend(
            own.iter().filter(|(key, _)| *key != "$ref").map(|(key, value)| (key.clone(), value.clone())),
        );
    }
    out
}

fn alternatives(node: &Value) -> Option<&Vec<Value>> {
    node.get("oneOf").or_else(|| node.get("anyOf")).and_then(Value::as_array)
}

fn is_null(node: &Value) -> bool {
    node.get("type").is_some_and(|kind| kind == "null")
}

/// Whether a key may hold nothing.
fn optional(node: &Value) -> bool {
    alternatives(node).is_some_and(|any| any.iter().any(is_null))
}

fn row(root: &Value, key: &str, node: &Value, required: bool) -> String {
    let mut words = Vec::new();
    let value = values(root, node, &mut words);
    let default = match node.get("default") {
        _ if required => "required".into(),
        None | Some(Value::Null) => "none".into(),
        Some(default) => code(&default.to_string()),
    };
    let mut meaning = prose(node);
    for (word, text) in words.iter().filter(|(_, text)| !text.is_empty()) {
        let _ = write!(meaning, "<br>{word}: {text}");
    }
    format!("| `{key}` | {value} | {default} | {meaning} |\n")
}

/// What a key may hold; named values go into `words` with their meanings.
fn values(root: &Value, node: &Value, words: &mut Vec<(String, String)>) -> String {
    let node = resolved(root, node);
    if let Some(word) = node.get("const") {
        let word = code(&word.to_string());
        words.push((word.clone(), prose(&node)));
        return word;
    }
    if let Some(names) = node.get("enum").and_then(Value::as_array) {
        return names.iter().map(|name| code(&name.to_string())).collect::<Vec<_>>().join(", ");
    }
    if let Some(any) = alternatives(&node) {
        // A range beside the alternatives is that of the number among them.
        let each = any.iter().filter(|one| !is_null(one)).map(|one| {
            let mut one = resolved(root, one);
            let number = one.get("type").is_some_and(|kind| kind == "integer" || kind == "number");
            if let (Some(one), Some(own), true) = (one.as_object_mut(), node.as_object(), number) {
                one.extend(
                    own.iter()
                        .filter(|(key, _)| key.to_lowercase().ends_with("imum"))
                        .map(|(key, value)| (key.clone(), value.clone())),
                );
            }
            values(root, &one, words)
        });
        let each: Vec<String> = each.collect();
        let named = each.iter().all(|one| one.starts_with('`'));
        return each.join(if named { ", " } else { " or " });
    }
    let kinds = match node.get("type") {
        Some(Value::Array(kinds)) => kinds.iter().filter_map(Value::as_str).collect(),
        Some(Value::String(kind)) => vec![kind.as_str()],
        _ => Vec::new(),
    };
    match kinds.into_iter().find(|kind| *kind != "null") {
        Some("integer") => format!("whole number{}", range(&node)),
        Some("number") => format!("number{}", range(&node)),
        Some("boolean") => "`true`, `false`".into(),
        Some("array") => {
            let each = node.get("items").map_or_else(String::new, |items| values(root, items, words));
            format!("list, each: {each}")
        }
        Some("string") => match node.get("pattern").and_then(Value::as_str) {
            Some(pattern) => format!("text that matches {}", code(pattern)),
            None => "text".into(),
        },
        _ => "any".into(),
    }
}

fn range(node: &Value) -> String {
    let number = |key: &str| node.get(key).and_then(Value::as_f64);
    let low = match (number("minimum"), number("exclusiveMinimum")) {
        (Some(low), _) => Some((low.to_string(), "at least ")),
        (None, Some(low)) => Some((format!("above {low}"), "")),
        _ => None,
    };
    let high = match (number("maximum"), number("exclusiveMaximum")) {
        (Some(high), _) => Some((high.to_string(), "at most ")),
        (None, Some(high)) => Some((format!("below {high}"), "")),
        _ => None,
    };
    match (low, high) {
        (Some((low, _)), Some((high, _))) => format!(", {low} to {high}"),
        (Some((end, word)), None) | (None, Some((end, word))) => format!(", {word}{end}"),
        (None, None) => String::new(),
    }
}

/// A word as code in a cell of a table.
fn code(word: &str) -> String {
    format!("`{}`", word.replace('|', "\\|"))
}

/// The description of a node as one line of a table; text in backticks stays as it is.
fn prose(node: &Value) -> String {
    let text = node.get("description").and_then(Value::as_str).unwrap_or_default().replace('\n', " ");
    let parts = text.split('`').enumerate().map(|(index, part)| match index % 2 {
        0 => part.replace('&', "&amp;").replace('<', "&lt;").replace('|', "\\|"),
        _ => part.replace('|', "\\|"),
    });
    parts.collect::<Vec<_>>().join("`")
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn every_form_of_a_key_is_told() {
        let schema = json!({
            "description": "A file.",
            "properties": {
                "name": { "description": "Free\nname.", "type": ["string", "null"], "default": null },
                "one": { "description": "A table.", "$ref": "#/$defs/One" },
                "many": { "description": "Tables.", "type": "array", "items": { "$ref": "#/$defs/One" } },
                "maybe": { "description": "A table.", "anyOf": [{ "$ref": "#/$defs/One" }, { "type": "null" }] },
            },
            "$defs": {
                "One": {
                    "properties": {
                        "size": { "description": "a < b | `c|d`", "$ref": "#/$defs/Size", "minimum": 2, "maximum": 8,
                                  "default": "auto" },
                        "share": { "type": "number", "minimum": 0, "exclusiveMaximum": 1 },
                        "list": { "type": "array", "items": { "type": "integer", "exclusiveMinimum": 0 } },
                        "word": { "oneOf": [{ "const": "a", "description": "First." }, { "const": "b" }] },
                    },
                    "required": ["share"],
                },
                "Size": { "oneOf": [{ "type": "integer", "minimum": 0 }, { "const": "auto" }] },
            },
        });
        let one = "| key | value | default | meaning |\n|---|---|---|---|\n\
                   | `size` | whole number, 2 to 8 or `\"auto\"` | `\"auto\"` | a &lt; b \\| `c\\|d` |\n\
                   | `share` | number, 0 to below 1 | required |  |\n\
                   | `list` | list, each: whole number, above 0 | none |  |\n\
                   | `word` | `\"a\"`, `\"b\"` | none | <br>`\"a\"`: First. |\n";
        let expected = format!(
            "# Keys\n\nA file.\n\n## At the top of the file\n\n| key | value | default | meaning |\n|---|---|---|---|\n\
             | `name` | text | none | Free name. |\n\n## `[one]`\n\nA table.\n\n{one}\n## `[[many]]`\n\nTables.\n\n{one}\n\
             ## `[maybe]`\n\nA table. May be left out.\n\n{one}"
        );
        assert_eq!(markdown("Keys", &schema), expected);
    }
}
