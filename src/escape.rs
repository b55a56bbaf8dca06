//! Text from outside, and the one form in which each language takes it.
//!
//! Names of nodes, layers, files and folders come from other people. Whatever they hold, they change nothing but
//! what is shown: each function here gives a form that its language reads as plain text and nothing else.
//! JSON is left to `serde_json`, HTML pages to askama's own escaping.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

/// A name from outside. It has no `Display`: who shows it says in which language.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize)]
#[serde(transparent)]
pub struct Untrusted(String);

impl Untrusted {
    /// The text as it came, for comparisons, look-ups and JSON.
    pub fn raw(&self) -> &str {
        &self.0
    }

    /// As [`terminal`].
    pub fn terminal(&self) -> String {
        terminal(&self.0)
    }

    /// As [`comment`].
    pub fn comment(&self) -> String {
        comment(&self.0)
    }
}

impl From<String> for Untrusted {
    fn from(text: String) -> Self {
        Untrusted(text)
    }
}

impl From<&str> for Untrusted {
    fn from(text: &str) -> Self {
        Untrusted(text.to_string())
    }
}

impl PartialEq<&str> for Untrusted {
    fn eq(&self, other: &&str) -> bool {
        self.0 == *other
    }
}

/// One line for a terminal: what moves the cursor, changes colours or turns the direction of writing is shown as
/// JSON shows it (`\n`, `\u001b`).
pub fn terminal(text: &str) -> String {
    text.chars().fold(String::with_capacity(text.len()), push_visible)
}

/// The same for text of several lines: line feeds stay. JSON stays JSON of the same meaning.
pub fn terminal_lines(text: &str) -> String {
    text.chars().fold(String::with_capacity(text.len()), |mut out, c| {
        if c == '\n' {
            out.push(c);
            return out;
        }
        push_visible(out, c)
    })
}

/// A path for a terminal, as [`terminal`].
pub fn path(path: &Path) -> String {
    terminal(&path.to_string_lossy())
}

/// What a reader of TOML says of a file, whose last lines are `message`: the line it quotes keeps its place above
/// them, and what the message quotes makes no line of its own.
pub fn complaint(whole: &str, message: &str) -> String {
    let (whole, message) = (whole.trim_end(), message.trim_end());
    let head = whole.strip_suffix(message).unwrap_or_default();
    format!("{}{}", terminal_lines(head), terminal(message))
}

fn push_visible(mut out: String, c: char) -> String {
    match c {
        '\n' => out.push_str("\\n"),
        '\r' => out.push_str("\\r"),
        '\t' => out.push_str("\\t"),
        c if is_invisible(c) => {
            c.encode_utf16(&mut [0; 2]).iter().for_each(|unit| out.push_str(&format!("\\u{unit:04x}")));
        }
        c => out.push(c),
    }
    out
}

/// Control characters, and those of Unicode's format characters that reorder, break or hide text.
fn is_invisible(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}')
        || matches!(c, '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

/// Most characters of a name in a comment.
const COMMENT_LENGTH: usize = 60;

/// Words by which tools take a comment for an instruction, wherever they look for them.
const PRAGMAS: [&str; 19] = [
    "altera",
    "ambit",
    "cadence",
    "coverage",
    "exemplar",
    "full_case",
    "lint",
    "noqa",
    "parallel_case",
    "pragma",
    "quartus",
    "spyglass",
    "synopsys",
    "synplify",
    "synthesis",
    "translate",
    "verific",
    "verilator",
    "vivado",
];

/// A name inside a comment of Verilog, C++, Python or Make: ASCII on one line, what is not a letter, a digit or one
/// of a few signs percent-encoded, so that no comment ends, goes on or becomes an instruction; at most 60 characters
/// of it. Words that tools look for are broken in the same way. It never stands first in a comment.
pub fn comment(text: &str) -> String {
    let long = text.chars().count() > COMMENT_LENGTH;
    let kept: String = text.chars().take(if long { COMMENT_LENGTH - 3 } else { COMMENT_LENGTH }).collect();
    let lower = kept.to_ascii_lowercase();
    let mut broken: Vec<usize> =
        PRAGMAS.iter().flat_map(|word| lower.match_indices(word).map(|(at, _)| at)).collect();
    broken.sort_unstable();
    let mut out = String::with_capacity(kept.len());
    for (at, byte) in kept.bytes().enumerate() {
        let plain = byte.is_ascii_alphanumeric() || b"_.-+/:,=()[] ".contains(&byte);
        // Two slashes would start a comment of their own.
        let slashes = byte == b'/' && out.ends_with('/');
        match plain && !slashes && broken.binary_search(&at).is_err() {
            true => out.push(char::from(byte)),
            false => out.push_str(&format!("%{byte:02X}")),
        }
    }
    if long { out + "..." } else { out }
}

/// A double-quoted YAML scalar.
pub fn yaml(text: &str) -> String {
    let inner: String = terminal(&text.replace('\\', "\\\\")).replace('"', "\\\"");
    format!("\"{inner}\"")
}

/// Letters, digits and underscores, at most 64 of them, beginning with a letter: a name for FuseSoC and for files.
pub fn identifier(text: &str) -> String {
    let plain = |c: char| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '_' };
    let mut out: String = text.chars().map(plain).take(64).collect();
    if !out.starts_with(|c: char| c.is_ascii_alphabetic()) {
        out.insert_str(0, "net_");
    }
    out
}

/// One word for bash, exactly these bytes. What a terminal would obey is written `$'\x1b'`.
pub fn shell(word: impl AsRef<OsStr>) -> String {
    let word = word.as_ref();
    let plain = |byte: &u8| byte.is_ascii_alphanumeric() || b"-_=+./,:@%".contains(byte);
    if !word.is_empty() && word.as_bytes().iter().all(plain) {
        return word.to_string_lossy().into_owned();
    }
    match word.to_str() {
        Some(text) if !text.contains(is_invisible) => format!("'{}'", text.replace('\'', "'\\''")),
        _ => {
            let escaped = word.as_bytes().iter().map(|&byte| match byte {
                b'\'' | b'\\' => format!("\\{}", char::from(byte)),
                b' '..=b'~' => char::from(byte).to_string(),
                _ => format!("\\x{byte:02x}"),
            });
            format!("$'{}'", escaped.collect::<String>())
        }
    }
}

/// The same for a path, which no program takes for an option.
pub fn shell_path(path: &Path) -> String {
    match path.as_os_str().as_bytes().first() {
        Some(b'-') => shell(Path::new(".").join(path)),
        _ => shell(path),
    }
}

/// Text of an XML element or of a quoted attribute; characters that XML forbids are shown as [`terminal`] does.
pub fn xml(text: &str) -> String {
    let visible = terminal_lines(text);
    visible.chars().fold(String::with_capacity(visible.len()), |mut out, c| {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            c => out.push(c),
        }
        out
    })
}

/// A file name in double quotes for a script of Yosys; `None` where its language cannot carry the name.
pub fn yosys(path: &Path) -> Option<String> {
    let text = path.to_str()?;
    let forbidden = |c: char| c.is_control() || matches!(c, '"' | '\\' | ';' | '$' | '`');
    (!text.contains(forbidden)).then(|| format!("\"{text}\""))
}

#[cfg(test)]
mod tests {
    use super::*;

    const VICIOUS: [&str; 12] = [
        "a\nendmodule\nmodule x;",
        "synthesis translate_off",
        "*/ assign x = 1; /*",
        "\u{1b}[2J\u{9b}31m\u{7}",
        "back\\",
        "$(touch x)`touch y`",
        "it's \"quoted\": {a: b} # c",
        "\u{202e}gnp.exe",
        "\r\n\t",
        "- x",
        "verilator lint_off WIDTH",
        "",
    ];

    #[test]
    fn a_terminal_is_never_commanded() {
        assert_eq!(terminal("a\u{1b}[31m\n\u{9b}\u{202e}é"), "a\\u001b[31m\\n\\u009b\\u202eé");
        for text in VICIOUS {
            assert!(!terminal(text).contains(is_invisible), "{text:?}");
            let lines = terminal_lines(text);
            assert!(!lines.chars().any(|c| is_invisible(c) && c != '\n'), "{text:?}");
        }
        // A JSON text keeps its meaning.
        let value = serde_json::json!({ "a": VICIOUS.concat() });
        let shown = terminal_lines(&format!("{value:#}"));
        assert_eq!(serde_json::from_str::<serde_json::Value>(&shown).unwrap(), value);
    }

    #[test]
    fn comments_hold_no_instruction() {
        assert_eq!(comment("/conv1/Conv 3x3"), "/conv1/Conv 3x3");
        assert_eq!(comment("synthesis Translate_Off"), "%73ynthesis %54ranslate_Off");
        assert_eq!(comment("a*/b//c\\"), "a%2A/b/%2Fc%5C");
        assert_eq!(comment(&"x".repeat(61)), "x".repeat(57) + "...");
        assert_eq!(comment("é"), "%C3%A9");
        // A capital that becomes ASCII in lower case is not ASCII itself, so places do not move.
        assert_eq!(comment("K\u{212a}synopsys"), "K%E2%84%AA%73ynopsys");
        for text in VICIOUS {
            let shown = comment(text).to_lowercase();
            assert!(shown.is_ascii() && !shown.contains(|c: char| c.is_control() || "`*\\\"'#$".contains(c)));
            assert!(PRAGMAS.iter().all(|word| !shown.contains(word)), "{shown}");
        }
    }

    #[test]
    fn yaml_reads_back() {
        assert_eq!(yaml("a: b # \"c\" \\ \n"), "\"a: b # \\\"c\\\" \\\\ \\n\"");
        for text in VICIOUS {
            // A double-quoted scalar without further escapes is a JSON string.
            assert_eq!(serde_json::from_str::<String>(&yaml(text)).unwrap(), text);
        }
    }

    #[test]
    fn identifiers_are_names() {
        assert_eq!(identifier("a: B/c"), "a__b_c");
        assert_eq!(identifier("1\n"), "net_1_");
        assert_eq!(identifier(&"y".repeat(300)).len(), 64);
    }

    #[test]
    fn words_are_quoted_for_a_shell() {
        assert_eq!(shell("a/b=1,2"), "a/b=1,2");
        assert_eq!(shell("it's $HOME"), "'it'\\''s $HOME'");
        assert_eq!(shell(""), "''");
        assert_eq!(shell("a\n'\u{1b}\\"), "$'a\\x0a\\'\\x1b\\\\'");
        assert_eq!(shell(OsStr::from_bytes(b"\xff")), "$'\\xff'");
        assert_eq!(shell_path(Path::new("-rf")), "./-rf");
        assert_eq!(shell_path(Path::new("a -b")), "'a -b'");
    }

    #[test]
    fn xml_and_scripts_of_yosys() {
        assert_eq!(xml("<a b=\"'\">&\u{1b}"), "&lt;a b=&quot;&#39;&quot;&gt;&amp;\\u001b");
        assert_eq!(yosys(Path::new("a b.v")).unwrap(), "\"a b.v\"");
        for bad in ["a\nb", "a\"b", "a;b", "a\\b"] {
            assert_eq!(yosys(Path::new(bad)), None, "{bad:?}");
        }
    }
}
