//! `bincim schema` against the program: the schema accepts what the program accepts, refuses what is out of range, and
//! describes every key.

use bincim::arch::ArchFile;
use bincim::read;
use bincim::train::{self, Recipe};
use jsonschema::Validator;
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use serde_json::{Value, json};
use std::fs;
use std::path::{Path, PathBuf};

/// Schemas as `bincim schema` and `bincim schema --train` print them.
#[expect(clippy::disallowed_methods, reason = "the program itself is under test")]
fn printed(words: &[&str]) -> Value {
    let output =
        std::process::Command::new(env!("CARGO_BIN_EXE_bincim")).args(words).output().expect("the program");
    assert!(output.status.success());
    serde_json::from_slice(&output.stdout).expect("JSON")
}

fn validator(schema: &Value) -> Validator {
    jsonschema::draft202012::meta::validate(schema).expect("a schema");
    jsonschema::validator_for(schema).expect("a schema")
}

/// A TOML text as JSON; `None` where it is no TOML.
fn as_json(text: &str) -> Option<Value> {
    serde_json::to_value(text.parse::<toml::Table>().ok()?).ok()
}

fn toml_files(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).expect("a folder").flatten() {
        let path = entry.path();
        match path.is_dir() {
            true => files.extend(toml_files(&path)),
            false if path.extension().is_some_and(|ending| ending == "toml") => files.push(path),
            false => {}
        }
    }
    files
}

/// Whether the program takes this text for an architecture file, for a training file.
fn arch_accepts(text: &str) -> bool {
    read::arch_from_text(text).is_ok()
}

fn recipe_accepts(text: &str) -> bool {
    toml::from_str::<Recipe>(text).is_ok_and(|recipe| train::plan(&recipe, "n").is_ok())
}

#[test]
fn every_example_is_accepted_by_its_schema() {
    let (arch, recipe) = (validator(&printed(&["schema"])), validator(&printed(&["schema", "--train"])));
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut files = toml_files(&root.join("examples"));
    files.push(root.join("templates/arch.toml"));
    let mut seen = [0, 0];
    for file in &files {
        let text = fs::read_to_string(file).expect("readable");
        let value = as_json(&text).expect("TOML");
        let trains = value.get("layer").is_some();
        let (schema, accepted) = match trains {
            true => (&recipe, recipe_accepts(&text)),
            // Ranges that are still to be found.
            false => (&arch, read::arch::arch_to_calibrate(file).is_ok()),
        };
        assert!(accepted, "{} is no example of anything", file.display());
        let wrong: Vec<String> =
            schema.iter_errors(&value).map(|e| format!("{}: {e}", e.instance_path())).collect();
        assert!(wrong.is_empty(), "{}: {wrong:#?}", file.display());
        seen[usize::from(trains)] += 1;
    }
    assert!(seen[0] >= 10 && seen[1] >= 10, "{seen:?}");
    // What `generate` writes is such a file, too.
    let written =
        toml::to_string_pretty(&ArchFile::default().with("ice40", 32, 8, 8, 8, 16).to_file()).expect("TOML");
    assert!(arch.is_valid(&as_json(&written).expect("TOML")), "{written}");
}

/// A key of a schema: where it is, and what its value may be, with references followed.
struct Key {
    path: Vec<String>,
    node: Value,
}

/// `node` with what it refers to put in.
fn followed(root: &Value, node: &Value) -> Value {
    let mut out = node.clone();
    let Some(reference) = node.get("$ref").and_then(Value::as_str) else { return out };
    let target = root.pointer(reference.trim_start_matches('#')).expect("a definition");
    if let (Some(out), Some(target)) = (out.as_object_mut(), followed(root, target).as_object()) {
        for (key, value) in target {
            out.entry(key.clone()).or_insert(value.clone());
        }
    }
    out
}

/// All keys that are no tables, and every description that is missing.
fn keys(root: &Value, node: &Value, path: &[String], found: &mut Vec<Key>, bare: &mut Vec<String>) {
    let node = followed(root, node);
    let inner =
        node.get("anyOf").and_then(Value::as_array).and_then(|any| any.iter().find(|n| n["type"] != "null"));
    let node = match (node.get("properties"), inner) {
        (None, Some(inner)) if inner.get("$ref").is_some() => {
            let mut whole = followed(root, inner);
            if let (Some(whole), Some(text)) = (whole.as_object_mut(), node.get("description")) {
                whole.insert("description".into(), text.clone());
            }
            whole
        }
        _ => node,
    };
    let place = path.join(".");
    if !path.is_empty() && node.get("description").and_then(Value::as_str).is_none_or(str::is_empty) {
        bare.push(place);
    }
    match node.get("properties").and_then(Value::as_object) {
        Some(properties) => {
            assert_eq!(node["additionalProperties"], json!(false), "{path:?} takes any key");
            for (key, value) in properties {
                keys(root, value, &[path, std::slice::from_ref(key)].concat(), found, bare);
            }
        }
        None => match node.get("items") {
            Some(items) if followed(root, items).get("properties").is_some() => {
                keys(root, items, &[path, &["[]".to_string()]].concat(), found, bare);
            }
            _ => found.push(Key { path: path.to_vec(), node }),
        },
    }
}

#[test]
fn every_key_is_described() {
    for words in [&["schema"][..], &["schema", "--train"]] {
        let schema = printed(words);
        let (mut found, mut bare) = (Vec::new(), Vec::new());
        keys(&schema, &schema, &[], &mut found, &mut bare);
        bare.retain(|place| !place.ends_with("[]"));
        assert!(found.len() > 25 && bare.is_empty(), "{words:?}: no description of {bare:?}");
    }
}

/// A file with one key, as TOML.
fn with_key(path: &[String], value: &Value) -> String {
    let (last, tables) = path.split_last().expect("a key");
    format!("[{}]\n{last} = {value}\n", tables.join("."))
}

#[test]
fn ranges_are_those_of_the_program() {
    let schema = printed(&["schema"]);
    let (mut found, mut bare) = (Vec::new(), Vec::new());
    keys(&schema, &schema, &[], &mut found, &mut bare);
    let accepts = validator(&schema);
    let (mut ranged, mut open) = (0, Vec::new());
    for key in found.iter().filter(|key| key.path.len() > 1) {
        let numbers = |of: &str| key.node.get(of).and_then(Value::as_f64);
        let numeric =
            key.node.to_string().contains("\"integer\"") || key.node.to_string().contains("\"number\"");
        if !numeric || key.node.get("items").is_some() {
            continue;
        }
        let whole = key.node.to_string().contains("\"integer\"");
        let step = if whole { 1.0 } else { 1e-3 };
        let value = |x: f64| if whole { json!(x as i64) } else { json!(x) };
        let mut beyond = Vec::new();
        beyond.extend(numbers("minimum").map(|low| low - step));
        beyond.extend(numbers("exclusiveMinimum"));
        match numbers("maximum") {
            Some(high) => beyond.push(high + step),
            None => open.push(key.path.join(".")),
        }
        for x in beyond {
            let text = with_key(&key.path, &value(x));
            assert!(!arch_accepts(&text), "the program takes what its schema refuses: {text}");
            assert!(!accepts.is_valid(&as_json(&text).expect("TOML")), "the schema takes {text}");
            ranged += 1;
        }
    }
    assert!(ranged > 50, "{ranged}");
    // Their largest values follow from other keys.
    let known = ["accumulator.depth", "readout.range", "readout.noise"];
    open.retain(|place| !known.contains(&place.as_str()));
    assert_eq!(open, Vec::<String>::new(), "keys without a range");
}

/// A value for a key: ends of its range and beyond, words, and values of wrong kinds.
fn value_for(node: Value) -> impl Strategy<Value = Value> {
    let number = |of: &str| node.get(of).and_then(Value::as_f64);
    let (low, high) = (number("minimum").unwrap_or(0.0), number("maximum").unwrap_or(64.0));
    let mut choices = vec![json!(low as i64), json!(high as i64), json!(low), json!(high), json!(high + 1.0)];
    choices.extend([json!(low as i64 - 1), json!((low + high) / 2.0), json!(((low + high) / 2.0) as i64)]);
    choices.extend([
        json!(4),
        json!(8),
        json!(16),
        json!("auto"),
        json!("full"),
        json!(true),
        json!(false),
        json!([4, 5.5]),
    ]);
    for part in node.to_string().split("\"const\":\"").skip(1) {
        choices.push(json!(part.split('"').next().unwrap_or_default()));
    }
    choices.extend(node.get("enum").and_then(Value::as_array).cloned().unwrap_or_default());
    proptest::sample::select(choices)
}

#[test]
fn the_schema_accepts_whatever_the_program_accepts() {
    let schema = printed(&["schema"]);
    let (mut found, mut bare) = (Vec::new(), Vec::new());
    keys(&schema, &schema, &[], &mut found, &mut bare);
    let accepts = validator(&schema);
    let entries: Vec<_> = found
        .into_iter()
        .filter(|key| key.path.len() > 1)
        .map(|key| {
            proptest::option::weighted(
                0.05,
                value_for(key.node).prop_map(move |value| (key.path.clone(), value)),
            )
        })
        .collect();
    let mut taken = 0;
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    for _ in 0..4000 {
        let file = entries.new_tree(&mut runner).expect("values").current();
        let mut root = toml::Table::new();
        for (path, value) in file.iter().flatten() {
            let (last, tables) = path.split_last().expect("a key");
            let mut at = &mut root;
            for table in tables {
                let inner = at.entry(table.clone()).or_insert_with(|| toml::Value::Table(toml::Table::new()));
                at = inner.as_table_mut().expect("a table");
            }
            at.insert(last.clone(), toml::Value::try_from(value).expect("a value"));
        }
        let text = root.to_string();
        if arch_accepts(&text) {
            taken += 1;
            let value = as_json(&text).expect("TOML");
            let wrong: Vec<String> = accepts.iter_errors(&value).map(|e| e.to_string()).collect();
            assert!(wrong.is_empty(), "the program takes this, its schema says {wrong:?}:\n{text}");
        }
    }
    assert!(taken > 200, "{taken} files were such as the program takes");
}
