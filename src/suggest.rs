//! "Did you mean": the known name that is nearest to one that is not known.

/// The one of `known` that `name` is a slip of: at most a third of its letters differ; none where none is that near.
pub fn nearest<'a>(name: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let name = name.to_lowercase();
    let distance = |other: &str| strsim::osa_distance(&name, &other.to_lowercase());
    let near = known.into_iter().map(|other| (distance(other), other));
    near.filter(|(distance, other)| *distance <= (other.chars().count().max(name.chars().count()) / 3).max(1))
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, other)| other)
}

/// `; did you mean ...?` for one of `known`, or nothing.
pub fn hint<'a>(name: &str, known: impl IntoIterator<Item = &'a str>) -> String {
    nearest(name, known).map_or_else(String::new, |near| format!("; did you mean `{near}`?"))
}

/// The same for a message of serde that names an unknown field or variant and what was expected in backticks.
pub fn hint_in(message: &str) -> String {
    let unknown = ["unknown field `", "unknown variant `"].iter().find_map(|head| message.split_once(head));
    let Some((name, rest)) = unknown.and_then(|(_, rest)| rest.split_once('`')) else { return String::new() };
    hint(name, rest.split('`').skip(1).step_by(2))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slips_are_found_and_other_words_are_not() {
        let known = ["rows", "columns", "lanes"];
        for (slip, meant) in [
            ("row", Some("rows")),
            ("colums", Some("columns")),
            ("Lnaes", Some("lanes")),
            ("speed", None),
            ("", None),
        ] {
            assert_eq!(nearest(slip, known), meant, "{slip}");
        }
        assert_eq!(hint("up6k", ["hx8k", "up5k"]), "; did you mean `up5k`?");
        assert_eq!(hint("x", ["hx8k"]), "");
    }

    #[test]
    fn messages_of_serde_are_read() {
        let message = "unknown field `row`, expected one of `rows`, `columns`";
        assert_eq!(hint_in(message), "; did you mean `rows`?");
        assert_eq!(hint_in("unknown variant `adz`, expected `adc` or `sense`"), "; did you mean `adc`?");
        assert_eq!(hint_in("invalid type: string `rows`"), "");
        assert_eq!(hint_in("unknown field `row"), "");
    }
}
