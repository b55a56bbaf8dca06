//! `#[test]` as the standard harness has it, for the harness of `..`: the function stays as it is and is put on the
//! list of tests, with what `#[ignore = "..."]` says of it.

use proc_macro::{Delimiter, TokenStream, TokenTree};

/// Marks a function without parameters as a test.
#[proc_macro_attribute]
pub fn test(_: TokenStream, function: TokenStream) -> TokenStream {
    let mut kept = TokenStream::new();
    let mut ignored = "::core::option::Option::None".to_string();
    let mut name = None;
    let mut tokens = function.into_iter().peekable();
    while let Some(token) = tokens.next() {
        let attribute = match (&token, tokens.peek()) {
            (TokenTree::Punct(mark), Some(TokenTree::Group(group)))
                if mark.as_char() == '#' && group.delimiter() == Delimiter::Bracket =>
            {
                Some(group.stream())
            }
            _ => None,
        };
        let words: Vec<TokenTree> = attribute.into_iter().flatten().collect();
        match words.first().map(ToString::to_string).as_deref() {
            Some("ignore") => {
                let reason = words.get(2).map_or("\"\"".into(), ToString::to_string);
                ignored = format!("::core::option::Option::Some({reason})");
                tokens.next();
                continue;
            }
            Some("should_panic") => {
                return refuse("this harness knows no `should_panic`; catch the panic and look at it");
            }
            _ => {}
        }
        if name.is_none() && matches!(&token, TokenTree::Ident(word) if word.to_string() == "fn") {
            name = tokens.peek().map(ToString::to_string);
        }
        kept.extend([token]);
    }
    let Some(name) = name else { return refuse("`#[test]` stands before a function") };
    let listed = format!(
        "::harness::inventory::submit! {{ ::harness::Test {{
            module: ::core::module_path!(), name: \"{name}\", ignored: {ignored}, run: {name},
        }} }}"
    );
    kept.extend(listed.parse::<TokenStream>().expect("a macro call"));
    kept
}

fn refuse(why: &str) -> TokenStream {
    format!("::core::compile_error!({why:?});").parse().expect("a macro call")
}
