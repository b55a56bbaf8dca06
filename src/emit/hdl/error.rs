//! What can go wrong when the serial cells are made or printed.

use miette::Diagnostic;
use thiserror::Error;

/// A link that cannot work, or a kernel that the printer does not know how to write.
#[derive(Debug, Clone, PartialEq, Eq, Error, Diagnostic)]
pub enum HdlError {
    /// A number of the link is out of its range; all of them are listed.
    #[error("the serial link cannot be built: {}", problems.join("; "))]
    #[diagnostic(code(emit::serial_link), help("{}", "change the named values of the link"))]
    Link {
        /// Each: the value's name, what it is, what it must be.
        problems: Vec<String>,
    },

    /// The clock cannot be divided to the baud rate.
    #[error("a {clock_hz} Hz clock gives no {baud} baud: {detail}")]
    #[diagnostic(code(emit::baud), help("choose a lower baud rate or another clock"))]
    Baud {
        /// Clock frequency in hertz.
        clock_hz: u64,
        /// Wanted rate in bits a second.
        baud: u64,
        /// The nearest rate, or why there is none.
        detail: String,
    },

    /// No setting of the device's PLL gives the frequency.
    #[error("no {family} PLL setting makes {output_hz} Hz from {input_hz} Hz: {detail}")]
    #[diagnostic(code(emit::pll), help("choose a clock between the two nearest, or the board's own"))]
    Pll {
        /// Device family.
        family: &'static str,
        /// Board clock in hertz.
        input_hz: u64,
        /// Wanted clock in hertz.
        output_hz: u64,
        /// The nearest frequencies, or why there is none.
        detail: String,
    },

    /// A kernel uses something that has no rule in the printer: a fault of the cell.
    #[error("module `{module}`: {what} cannot be printed")]
    #[diagnostic(
        code(emit::kernel),
        help("rewrite the kernel with the operators listed in src/emit/hdl/expr.rs")
    )]
    Kernel {
        /// The module, or the signal inside it.
        module: String,
        /// The construct.
        what: String,
    },
}

impl HdlError {
    /// A construct without a rule.
    pub fn unsupported(module: &str, what: &str) -> Self {
        HdlError::Kernel { module: module.to_string(), what: what.to_string() }
    }
}
