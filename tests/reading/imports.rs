//! Holds the import table of `ARCHITECTURE.md` against the sources, and the other fences with it.
//!
//! Every path in every file under `src/` is read: `use` trees, plain paths, `super` chains that
//! leave their module. Comments and strings do not count; test code does. The guard is itself
//! checked: planted violations must be caught.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// Module to the modules it may import; `None` is "all".
type Table = BTreeMap<String, Option<BTreeSet<String>>>;

/// A path prefix outside the crate, the modules that alone may use it, and what is exempt.
struct Fence {
    prefix: &'static str,
    only: &'static [&'static str],
    except: &'static [&'static str],
    why: &'static str,
}

const FENCES: [Fence; 10] = [
    Fence { prefix: "clap", only: &["cli"], except: &[], why: "only cli reads arguments" },
    Fence { prefix: "indicatif", only: &["cli"], except: &[], why: "only cli draws on a terminal" },
    Fence {
        prefix: "std::io::stdout",
        only: &["cli"],
        except: &[],
        why: "only cli writes to standard output",
    },
    Fence {
        prefix: "askama",
        only: &["emit", "report"],
        except: &[],
        why: "only emit and report use templates",
    },
    Fence { prefix: "bitvec", only: &["bits"], except: &[], why: "bits alone owns bitvec" },
    Fence { prefix: "serial2", only: &["serial"], except: &[], why: "serial alone opens ports" },
    Fence {
        prefix: "std::process",
        only: &["flow"],
        except: &["std::process::ExitCode", "std::process::exit"],
        why: "only flow starts processes",
    },
    Fence { prefix: "std::time::Instant", only: &["cli"], except: &[], why: "only cli reads clocks" },
    Fence { prefix: "std::time::SystemTime", only: &["cli"], except: &[], why: "only cli reads clocks" },
    Fence {
        prefix: "std::fs",
        only: &["bounded", "read", "flow", "app", "cli"],
        except: &[],
        why: "only bounded, read, flow, app and cli touch files",
    },
];

/// The table in `ARCHITECTURE.md`: rows "| `module` | job | imports |".
fn table(text: &str) -> Table {
    let mut table = Table::new();
    for line in text.lines().filter(|line| line.starts_with("| `")) {
        let cells: Vec<&str> = line.trim_matches('|').split('|').map(str::trim).collect();
        let [module, _, imports] = cells[..] else { continue };
        let module = module.trim_matches('`').to_string();
        let allowed = match imports {
            "all" => None,
            "-" | "–" => Some(BTreeSet::new()),
            list => Some(list.split(',').map(|name| name.trim().trim_matches('`').to_string()).collect()),
        };
        table.insert(module, allowed);
    }
    table
}

#[derive(Debug, Clone, PartialEq)]
enum Token {
    Word(String),
    Number(String),
    Sign(char),
}

/// Words, numbers and signs of Rust source; comments, strings, characters and lifetimes are dropped.
fn tokens(source: &str) -> Vec<Token> {
    let text: Vec<char> = source.chars().collect();
    let at = |index: usize| text.get(index).copied().unwrap_or('\0');
    let word = |c: char| c.is_alphanumeric() || c == '_';
    let mut out = Vec::new();
    let mut i = 0;
    while i < text.len() {
        let c = text[i];
        if c == '/' && at(i + 1) == '/' {
            while i < text.len() && text[i] != '\n' {
                i += 1;
            }
        } else if c == '/' && at(i + 1) == '*' {
            let mut depth = 0;
            while i < text.len() {
                match (text[i], at(i + 1)) {
                    ('/', '*') => (depth, i) = (depth + 1, i + 2),
                    ('*', '/') => (depth, i) = (depth - 1, i + 2),
                    _ => i += 1,
                }
                if depth == 0 {
                    break;
                }
            }
        } else if let Some(after) = raw_string(&text, i) {
            i = after;
        } else if c == '"' || (matches!(c, 'b' | 'c') && at(i + 1) == '"') {
            i += if c == '"' { 1 } else { 2 };
            while i < text.len() && text[i] != '"' {
                i += if text[i] == '\\' { 2 } else { 1 };
            }
            i += 1;
        } else if c == '\'' {
            // A character ends in a quote, a lifetime does not.
            if at(i + 1) == '\\' {
                i += 3;
                while i < text.len() && text[i] != '\'' {
                    i += 1;
                }
                i += 1;
            } else {
                i += if at(i + 2) == '\'' { 3 } else { 1 };
            }
        } else if c.is_ascii_digit() {
            let start = i;
            let fraction = |i: usize| text[i] == '.' && at(i + 1).is_ascii_digit();
            while i < text.len() && (word(text[i]) || fraction(i)) {
                i += 1;
            }
            out.push(Token::Number(text[start..i].iter().collect()));
        } else if word(c) {
            let start = i;
            while i < text.len() && word(text[i]) {
                i += 1;
            }
            out.push(Token::Word(text[start..i].iter().collect()));
        } else {
            if !c.is_whitespace() {
                out.push(Token::Sign(c));
            }
            i += 1;
        }
    }
    out
}

/// The index after a raw string that starts at `i`, if one does.
fn raw_string(text: &[char], i: usize) -> Option<usize> {
    let mut j = i;
    if matches!(text[j], 'b' | 'c') {
        j += 1;
    }
    if text.get(j) != Some(&'r') {
        return None;
    }
    j += 1;
    let hashes = text[j..].iter().take_while(|&&c| c == '#').count();
    j += hashes;
    if text.get(j) != Some(&'"') {
        return None;
    }
    j += 1;
    while j < text.len() {
        let closing =
            text[j] == '"' && text[j + 1..].iter().take(hashes).filter(|&&c| c == '#').count() == hashes;
        j += 1;
        if closing {
            return Some(j + hashes);
        }
    }
    Some(j)
}

/// Every path in the source, as its segments, with the depth of inline modules it stands in.
fn paths(tokens: &[Token]) -> Vec<(Vec<String>, usize)> {
    let mut found = Vec::new();
    let mut modules: Vec<usize> = Vec::new();
    let mut braces = 0;
    let mut i = 0;
    let colons =
        |i: usize| tokens.get(i) == Some(&Token::Sign(':')) && tokens.get(i + 1) == Some(&Token::Sign(':'));
    while i < tokens.len() {
        match &tokens[i] {
            // `use<...>` in a type lists what it captures.
            Token::Word(word) if word == "use" && tokens.get(i + 1) != Some(&Token::Sign('<')) => {
                let mut tree = Vec::new();
                i = use_tree(tokens, i + 1, &mut Vec::new(), &mut tree);
                found.extend(tree.into_iter().map(|path| (path, modules.len())));
            }
            Token::Word(word) if word == "mod" && tokens.get(i + 2) == Some(&Token::Sign('{')) => {
                braces += 1;
                modules.push(braces);
                i += 3;
            }
            Token::Word(word) => {
                let mut path = vec![word.clone()];
                i += 1;
                while colons(i) {
                    let Some(Token::Word(next)) = tokens.get(i + 2) else { break };
                    path.push(next.clone());
                    i += 3;
                }
                if path.len() > 1 {
                    found.push((path, modules.len()));
                }
            }
            sign => {
                if *sign == Token::Sign('{') {
                    braces += 1;
                }
                if *sign == Token::Sign('}') {
                    if modules.last() == Some(&braces) {
                        modules.pop();
                    }
                    braces -= 1;
                }
                i += 1;
            }
        }
    }
    found
}

/// Reads one `use` tree from `i`; returns the index after it.
fn use_tree(tokens: &[Token], mut i: usize, prefix: &mut Vec<String>, out: &mut Vec<Vec<String>>) -> usize {
    let start = prefix.len();
    loop {
        match tokens.get(i) {
            Some(Token::Word(word)) if word == "as" => i += 2,
            Some(Token::Word(word)) => {
                prefix.push(word.clone());
                i += 1;
            }
            Some(Token::Sign('{')) => {
                i += 1;
                while tokens.get(i).is_some_and(|token| *token != Token::Sign('}')) {
                    i = use_tree(tokens, i, prefix, out);
                    if tokens.get(i) == Some(&Token::Sign(',')) {
                        i += 1;
                    }
                }
                prefix.truncate(start);
                return i + 1;
            }
            Some(Token::Sign(':' | '*')) => i += 1,
            _ => {
                out.push(prefix.clone());
                prefix.truncate(start);
                return i;
            }
        }
    }
}

/// What one file does that it may not. `place` is its module path, such as `["flow", "tools"]`.
fn violations(place: &[&str], source: &str, table: &Table) -> Vec<String> {
    let module = place[0];
    let tokens = tokens(source);
    let mut found = BTreeSet::new();
    for (path, inline) in paths(&tokens) {
        let supers = path.iter().take_while(|segment| *segment == "super").count();
        let inside: Option<&[String]> = match path[0].as_str() {
            "crate" | "bincim" => Some(&path[1..]),
            "super" if supers == place.len() + inline => Some(&path[supers..]),
            _ => None,
        };
        match inside {
            Some([]) => {
                found.insert("imports the whole crate under another name".to_string());
            }
            Some([other, ..]) if other != module => match table.get(module) {
                None => {
                    found.insert(format!("module `{module}` is not in the table"));
                }
                Some(Some(allowed)) if !allowed.contains(other) => {
                    found.insert(format!("`{module}` may not import `{other}`"));
                }
                _ => {}
            },
            _ => {}
        }
        let path = path.join("::");
        let within = |prefix: &str| path == prefix || path.starts_with(&format!("{prefix}::"));
        for fence in &FENCES {
            // A parent taken whole (`use std::process;` or `use std::process::*;`) counts as use.
            let parent = fence.prefix.starts_with("std::time::") && path == "std::time";
            if (within(fence.prefix) || parent)
                && !fence.except.iter().any(|exempt| within(exempt))
                && !fence.only.contains(&module)
            {
                found.insert(format!("`{path}` in `{module}`: {}", fence.why));
            }
        }
    }
    if place.starts_with(&["golden", "machine"]) {
        let float = |token: &Token| match token {
            Token::Word(word) => word == "f32" || word == "f64",
            Token::Number(number) => {
                !number.starts_with("0x") && (number.contains('.') || number.ends_with("f64"))
            }
            Token::Sign(_) => false,
        };
        if tokens.iter().any(float) {
            found.insert("floating point in `golden::machine`".to_string());
        }
    }
    found.into_iter().collect()
}

fn source_files(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files.extend(source_files(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
    files.sort();
    files
}

fn the_table() -> Table {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    table(&fs::read_to_string(root.join("ARCHITECTURE.md")).unwrap())
}

#[test]
fn the_sources_keep_the_table_and_the_fences() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let table = the_table();
    let mut found = Vec::new();
    let mut checked = 0;
    for file in source_files(&root) {
        let inside = file.strip_prefix(&root).unwrap().with_extension("");
        let mut place: Vec<&str> = inside.iter().map(|part| part.to_str().unwrap()).collect();
        if place == ["lib"] || place == ["main"] {
            continue;
        }
        if place.len() > 1 && place.last() == Some(&"mod") {
            place.pop();
        }
        let source = fs::read_to_string(&file).unwrap();
        checked += 1;
        for violation in violations(&place, &source, &table) {
            found.push(format!("src/{}.rs: {violation}", inside.display()));
        }
    }
    assert!(checked > 20, "only {checked} files were read");
    assert!(found.is_empty(), "{}", found.join("\n"));
}

#[test]
fn the_table_names_exactly_the_modules() {
    let lib = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("src/lib.rs")).unwrap();
    let modules: BTreeSet<&str> =
        lib.lines().filter_map(|line| line.strip_prefix("pub mod ")?.strip_suffix(';')).collect();
    let table = the_table();
    assert_eq!(table.keys().map(String::as_str).collect::<BTreeSet<_>>(), modules);
    for (module, allowed) in &table {
        for other in allowed.iter().flatten() {
            assert!(modules.contains(other.as_str()), "`{module}` may import `{other}`, which is no module");
        }
        assert_eq!(allowed.is_none(), module == "cli", "only cli may import all");
    }
    assert!(!table["emit"].as_ref().unwrap().contains("golden"));
    assert!(!table["golden"].as_ref().unwrap().contains("emit"));
}

#[test]
fn planted_violations_are_caught() {
    let table = the_table();
    let caught = |place: &[&str], source: &str| violations(place, source, &table).join("; ");
    for (place, source, says) in [
        (&["emit"][..], "use crate::golden::machine;", "`emit` may not import `golden`"),
        (&["golden", "machine"], "fn f() { crate::emit::text() }", "`golden` may not import `emit`"),
        (&["flow", "tools"], "use crate::{flow::Tool, arch::device};", "`flow` may not import `arch`"),
        (&["flow", "tools"], "use super::super::design::Design;", "`flow` may not import `design`"),
        (&["bits"], "mod tests { use super::super::network::Layer; }", "`bits` may not import `network`"),
        (&["report"], "use bincim::cost;", "`report` may not import `cost`"),
        (&["design"], "use crate::cli::main;", "`design` may not import `cli`"),
        (&["design"], "use crate as c;", "the whole crate"),
        (&["lower", "fold"], "use std::{io, fs::File};", "only bounded, read, flow, app and cli touch files"),
        (
            &["emit"],
            "fn f() { let _ = std::fs::read(\"x\"); }",
            "only bounded, read, flow, app and cli touch files",
        ),
        (&["app", "infer"], "use crate::cli::output;", "`app` may not import `cli`"),
        (&["app"], "use indicatif::ProgressBar;", "only cli draws on a terminal"),
        (&["cost"], "use std::process::Command;", "only flow starts processes"),
        (&["cli"], "use std::process::{Command, ExitCode};", "only flow starts processes"),
        (&["golden"], "use std::time::{Duration, Instant};", "only cli reads clocks"),
        (&["read"], "use clap::Parser;", "only cli reads arguments"),
        (&["cli"], "#[derive(askama::Template)] struct A;", "only emit and report use templates"),
        (&["network"], "use bitvec::prelude::*;", "bits alone owns bitvec"),
        (&["golden", "machine", "tile"], "fn f(x: f64) {}", "floating point"),
        (&["golden", "machine"], "const A: u32 = 1.5 as u32;", "floating point"),
        (&["nowhere"], "use crate::bits;", "not in the table"),
    ] {
        assert!(caught(place, source).contains(says), "{source}: `{}`", caught(place, source));
    }
}

#[test]
fn what_is_allowed_is_not_caught() {
    let table = the_table();
    for (place, source) in [
        (&["design"][..], "use crate::{arch::Arch, bits, network::Network};"),
        (
            &["golden"],
            "// use crate::emit;\n/* crate::emit /* nested */ */\nfn f() { g(\"crate::emit::x\", r#\"crate::emit\"#); }",
        ),
        (&["flow", "tools"], "use super::process::Job; fn f<'a>(c: &'a str) { let _ = (c, '\"', '\\''); }"),
        (&["cli"], "use std::process::ExitCode; use clap::Parser; use crate::report;"),
        (&["golden", "reference"], "fn f(x: f64) -> f64 { 1.5 * x }"),
        (&["golden", "machine"], "fn f(a: [u8; 2]) { for _ in 0..10 {} let _ = (a.0, 1_000u64, 0x1f64); }"),
        (&["arch", "device"], "mod tests { use super::super::Arch; }"),
    ] {
        assert_eq!(violations(place, source, &table), Vec::<String>::new(), "{source}");
    }
}
