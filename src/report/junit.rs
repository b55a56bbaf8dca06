//! Test results as JUnit XML, the form that continuous-integration servers read.

use quick_junit::{NonSuccessKind, Property, Report, TestCase, TestCaseStatus, TestSuite};
use std::time::Duration;

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

/// One test case.
#[derive(Debug, Clone, PartialEq)]
pub struct Case {
    pub class: String,
    pub name: String,
    pub status: Status,
}

/// How a test case went.
#[derive(Debug, Clone, PartialEq)]
pub enum Status {
    Passed,
    /// A one-line message and the details.
    Failed(String, String),
    /// What it would have looked at was not reached, or left out; why.
    Skipped(String),
}

/// The XML of `suites`; characters that XML forbids are left out.
pub fn xml(suites: &[Suite]) -> String {
    let mut report = Report::unnamed();
    let seconds = suites.iter().map(|suite| suite.seconds).sum();
    report.set_time(Duration::try_from_secs_f64(seconds).unwrap_or_default());
    report.add_test_suites(suites.iter().map(of_suite));
    report.to_string().expect("a report is written to a string")
}

fn of_suite(suite: &Suite) -> TestSuite {
    let mut cases = TestSuite::new(suite.name.as_str());
    cases.set_time(Duration::try_from_secs_f64(suite.seconds).unwrap_or_default());
    cases.add_properties(
        suite.properties.iter().map(|(name, value)| Property::new(name.as_str(), value.as_str())),
    );
    cases.add_test_cases(suite.cases.iter().map(|case| {
        let mut test = TestCase::new(case.name.as_str(), status(&case.status));
        test.set_classname(case.class.as_str());
        test
    }));
    cases
}

fn status(status: &Status) -> TestCaseStatus {
    match status {
        Status::Passed => TestCaseStatus::success(),
        Status::Failed(message, details) => {
            let mut failure = TestCaseStatus::non_success(NonSuccessKind::Failure);
            failure.set_message(message.as_str()).set_type("difference").set_description(details.as_str());
            failure
        }
        Status::Skipped(reason) => {
            let mut skipped = TestCaseStatus::skipped();
            skipped.set_message(reason.as_str());
            skipped
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cases_are_counted_by_status_and_text_is_escaped() {
        let case = |name: &str, status| Case { class: "c".into(), name: name.into(), status };
        let suite = Suite {
            name: "a & b".into(),
            cases: vec![
                case("one", Status::Passed),
                case("two", Status::Failed("1 < 2\u{1b}[31m".into(), "\"x\"".into())),
                case("three", Status::Skipped("not reached".into())),
            ],
            seconds: 0.5,
            properties: vec![("seed".into(), "7".into())],
        };
        let text = xml(std::slice::from_ref(&suite));
        for part in [
            "<testsuite name=\"a &amp; b\" tests=\"3\" skipped=\"1\" errors=\"0\" failures=\"1\" time=\"0.500\">",
            "<property name=\"seed\" value=\"7\"/>",
            "<failure message=\"1 &lt; 2\" type=\"difference\">",
            "<skipped message=\"not reached\"/>",
        ] {
            assert!(text.contains(part), "{part}\n{text}");
        }
        assert!(!text.contains('\u{1b}'), "{text}");
    }
}
