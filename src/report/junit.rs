//! Test results as JUnit XML, the form that continuous-integration servers read.

/// One suite of test cases.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Suite {
    pub name: String,
    pub cases: Vec<Case>,
    /// Wall-clock time of the whole suite.
    pub seconds: f64,
    /// Facts worth keeping with the results, as (name, value).
    pub properties: Vec<(String, String)>,
}

/// One test case; `failure` holds a one-line message and the details.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Case {
    pub class: String,
    pub name: String,
    pub failure: Option<(String, String)>,
}

/// The XML of `suite`.
pub fn xml(suite: &Suite) -> String {
    let failures = suite.cases.iter().filter(|case| case.failure.is_some()).count();
    let mut out = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
    out.push_str(&format!(
        "<testsuites tests=\"{0}\" failures=\"{failures}\">\n  \
         <testsuite name=\"{1}\" tests=\"{0}\" failures=\"{failures}\" errors=\"0\" time=\"{2:.3}\">\n",
        suite.cases.len(),
        escaped(&suite.name),
        suite.seconds
    ));
    if !suite.properties.is_empty() {
        out.push_str("    <properties>\n");
        for (name, value) in &suite.properties {
            out.push_str(&format!(
                "      <property name=\"{}\" value=\"{}\"/>\n",
                escaped(name),
                escaped(value)
            ));
        }
        out.push_str("    </properties>\n");
    }
    for case in &suite.cases {
        let head =
            format!("    <testcase classname=\"{}\" name=\"{}\"", escaped(&case.class), escaped(&case.name));
        match &case.failure {
            None => out.push_str(&format!("{head}/>\n")),
            Some((message, details)) => out.push_str(&format!(
                "{head}>\n      <failure message=\"{}\">{}</failure>\n    </testcase>\n",
                escaped(message),
                escaped(details)
            )),
        }
    }
    out.push_str("  </testsuite>\n</testsuites>\n");
    out
}

/// Text with XML's own characters replaced; control characters, which XML forbids, become spaces.
fn escaped(text: &str) -> String {
    text.chars()
        .map(|c| match c {
            '&' => "&amp;".to_string(),
            '<' => "&lt;".to_string(),
            '>' => "&gt;".to_string(),
            '"' => "&quot;".to_string(),
            '\n' => "\n".to_string(),
            c if c.is_control() => " ".to_string(),
            c => c.to_string(),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn failures_are_counted_and_text_is_escaped() {
        let suite = Suite {
            name: "a & b".into(),
            cases: vec![
                Case { class: "c".into(), name: "one".into(), failure: None },
                Case {
                    class: "c".into(),
                    name: "two".into(),
                    failure: Some(("1 < 2".into(), "\"x\"".into())),
                },
            ],
            seconds: 0.5,
            properties: vec![("seed".into(), "7".into())],
        };
        let text = xml(&suite);
        assert!(text.contains("tests=\"2\" failures=\"1\""), "{text}");
        assert!(text.contains("<failure message=\"1 &lt; 2\">&quot;x&quot;</failure>"), "{text}");
        assert!(text.contains("name=\"a &amp; b\""), "{text}");
    }
}
