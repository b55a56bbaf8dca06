//! Kernel expressions as sized Verilog.
//!
//! Every literal takes the width of what it meets and every operator has operands of one width, so
//! no tool has anything to extend or cut silently. Shifts by constants, casts and the OR that joins
//! them are wiring, not arithmetic, and are written as the concatenation or part select that they
//! are. Operators known: `+ - & | ^ && || == != < <= > >= !`, `get_bit`, `any`, `all`, `xor`,
//! `bits_of`, `<<` and `>>` by a constant.

use super::error::HdlError;
use rust_hdl_core::ast::{VerilogExpression as Expr, VerilogOp, VerilogOpUnary};
use rust_hdl_core::prelude::VerilogLiteral;
use std::collections::HashMap;

/// What a name in a kernel stands for.
#[derive(Debug, Clone)]
pub struct Name {
    /// The identifier in the Verilog.
    pub text: String,
    /// Width in bits.
    pub width: usize,
    /// The value, for a constant.
    pub value: Option<u64>,
}

/// The names a module's kernel may use, by rust-hdl's spelling (`cell$port`).
#[derive(Debug, Clone, Default)]
pub struct Names {
    /// Module, for errors.
    pub module: String,
    /// The names.
    pub table: HashMap<String, Name>,
}

/// The value of a literal, `None` beyond 64 bits.
pub fn literal_value(literal: &VerilogLiteral) -> Option<u64> {
    let text = format!("{literal:x}");
    u64::from_str_radix(text.split_once("'h")?.1, 16).ok()
}

/// `value` at `width` bits, in decimal, or in hexadecimal where `hex`.
pub fn sized(value: u64, width: usize, hex: bool) -> String {
    match (width, hex) {
        (1, _) => format!("1'b{value}"),
        (_, true) => format!("{width}'h{value:0digits$X}", digits = width.div_ceil(4)),
        _ => format!("{width}'d{value}"),
    }
}

/// A target's or a signal's name without rust-hdl's `$next`.
pub fn base_name(expr: &Expr) -> Option<&str> {
    match expr {
        Expr::Signal(name) => Some(name.strip_suffix("$next").unwrap_or(name)),
        Expr::Paren(inner) => base_name(inner),
        _ => None,
    }
}

/// One bit of a concatenation.
#[derive(Debug, Clone, PartialEq)]
enum BitOf {
    Constant(bool),
    Signal(String, usize),
}

impl Names {
    fn refuse<T>(&self, what: impl Into<String>) -> Result<T, HdlError> {
        Err(HdlError::Kernel { module: self.module.clone(), what: what.into() })
    }

    /// What `name` stands for.
    pub fn get(&self, name: &str) -> Result<&Name, HdlError> {
        let name = name.strip_suffix("$next").unwrap_or(name);
        match self.table.get(name) {
            Some(found) => Ok(found),
            None => self.refuse(format!("the unknown name `{name}`")),
        }
    }

    /// The width of `expr`, `None` where it is a literal that takes any.
    pub fn width(&self, expr: &Expr) -> Result<Option<usize>, HdlError> {
        Ok(match expr {
            Expr::Signal(name) => Some(self.get(name)?.width),
            Expr::Literal(literal) => {
                // `true` and `false` are one bit; integers come as 32 bits and mean "any width".
                if literal.to_string().starts_with("1'") { Some(1) } else { None }
            }
            Expr::Cast(_, width) => Some(*width),
            Expr::Paren(inner) => self.width(inner)?,
            Expr::Binary(left, op, right) => match op {
                VerilogOp::Shl | VerilogOp::Shr => self.width(left)?,
                VerilogOp::Add
                | VerilogOp::Sub
                | VerilogOp::BitXor
                | VerilogOp::BitAnd
                | VerilogOp::BitOr => match self.width(left)? {
                    Some(width) => Some(width),
                    None => self.width(right)?,
                },
                VerilogOp::Mul => return self.refuse("a product"),
                _ => Some(1),
            },
            Expr::Unary(VerilogOpUnary::Not | VerilogOpUnary::Neg, inner) => self.width(inner)?,
            Expr::Unary(..) | Expr::Index(..) => Some(1),
            Expr::Slice(_, width, _) => Some(*width),
            Expr::Signed(_) | Expr::Unsigned(_) => return self.refuse("a signed value"),
            Expr::IndexReplace(..) => return self.refuse("`replace_bit`"),
        })
    }

    /// [`Self::print`] for the right of an assignment: a comparison stands in parentheses.
    pub fn print_apart(&self, expr: &Expr, width: usize) -> Result<String, HdlError> {
        let text = self.print(expr, width)?;
        match expr {
            Expr::Binary(_, op, _) if is_comparison(op) => Ok(format!("({text})")),
            _ => Ok(text),
        }
    }

    /// `expr` as Verilog of exactly `width` bits.
    pub fn print(&self, expr: &Expr, width: usize) -> Result<String, HdlError> {
        if let Some(found) = self.width(expr)?
            && found != width
        {
            return self.refuse(format!("a value of {found} bits where {width} belong: {expr:?}"));
        }
        if is_wiring(expr) {
            let bits = self.wiring(expr, width)?;
            return Ok(self.concatenation(&bits));
        }
        match expr {
            Expr::Signal(name) => Ok(self.get(name)?.text.clone()),
            Expr::Literal(literal) => match literal_value(literal) {
                Some(value) if width >= 64 || value >> width == 0 => Ok(sized(value, width, false)),
                _ => self.refuse(format!("the literal {literal} at {width} bits")),
            },
            Expr::Paren(inner) => self.print(inner, width),
            Expr::Binary(left, op, right) => {
                let operands = if is_comparison(op) {
                    match (self.width(left)?, self.width(right)?) {
                        (Some(width), _) | (None, Some(width)) => width,
                        (None, None) => return self.refuse("a comparison of two literals"),
                    }
                } else {
                    width
                };
                let left = self.operand(left, op, operands)?;
                let right = self.operand(right, op, operands)?;
                Ok(format!("{left} {} {right}", symbol(op)))
            }
            Expr::Unary(op, inner) => {
                let operand = match op {
                    VerilogOpUnary::Not | VerilogOpUnary::Neg => width,
                    _ => match self.width(inner)? {
                        Some(width) => width,
                        None => return self.refuse("a reduction of a literal"),
                    },
                };
                let text = self.print(inner, operand)?;
                let text = if text.contains(' ') { format!("({text})") } else { text };
                let sign = match op {
                    VerilogOpUnary::Not if width == 1 => "!",
                    VerilogOpUnary::Not => "~",
                    VerilogOpUnary::Neg => "-",
                    VerilogOpUnary::All => "&",
                    VerilogOpUnary::Any => "|",
                    VerilogOpUnary::Xor => "^",
                };
                Ok(format!("{sign}{text}"))
            }
            _ => self.refuse(format!("{expr:?}")),
        }
    }

    /// An operand: in parentheses where it holds another operator, but for a chain of one kind.
    fn operand(&self, expr: &Expr, outer: &VerilogOp, width: usize) -> Result<String, HdlError> {
        let text = self.print(expr, width)?;
        let mut inner = expr;
        while let Expr::Paren(deeper) = inner {
            inner = deeper;
        }
        let chain = |op: &VerilogOp| {
            symbol(op) == symbol(outer) && matches!(symbol(op), "&&" | "||" | "&" | "|" | "^")
        };
        match inner {
            Expr::Binary(_, op, _) if text.contains(' ') && !text.starts_with('{') && !chain(op) => {
                Ok(format!("({text})"))
            }
            _ => Ok(text),
        }
    }

    /// The number that a constant expression is.
    fn number(&self, expr: &Expr) -> Result<usize, HdlError> {
        let value = match expr {
            Expr::Literal(literal) => literal_value(literal),
            Expr::Paren(inner) => return self.number(inner),
            Expr::Signal(name) => self.get(name)?.value,
            _ => None,
        };
        match value {
            Some(value) => Ok(value as usize),
            None => self.refuse(format!("a shift or index by {expr:?}, which is no constant")),
        }
    }

    /// The bits of an expression that only moves bits, least significant first.
    fn wiring(&self, expr: &Expr, width: usize) -> Result<Vec<BitOf>, HdlError> {
        let zero = BitOf::Constant(false);
        let mut bits = match expr {
            Expr::Paren(inner) => self.wiring(inner, width)?,
            Expr::Literal(literal) => match literal_value(literal) {
                Some(value) => (0..64).map(|i| BitOf::Constant(value >> i & 1 == 1)).collect(),
                None => return self.refuse(format!("the literal {literal}")),
            },
            Expr::Signal(name) => {
                let found = self.get(name)?;
                match found.value {
                    Some(value) => {
                        (0..found.width).map(|i| BitOf::Constant(i < 64 && value >> i & 1 == 1)).collect()
                    }
                    None => (0..found.width).map(|i| BitOf::Signal(name.clone(), i)).collect(),
                }
            }
            Expr::Cast(inner, width) => {
                let own = self.width(inner)?.unwrap_or(*width);
                let mut bits = self.wiring(inner, own)?;
                bits.resize(*width, zero.clone());
                bits
            }
            Expr::Index(inner, index) => {
                let at = self.number(index)?;
                self.pick(inner, at, 1)?
            }
            Expr::Slice(inner, width, offset) => {
                let at = self.number(offset)?;
                self.pick(inner, at, *width)?
            }
            Expr::Binary(left, VerilogOp::Shl, by) => {
                let mut bits = vec![zero.clone(); self.number(by)?];
                bits.extend(self.wiring(left, width)?);
                bits
            }
            Expr::Binary(left, VerilogOp::Shr, by) => {
                let bits = self.wiring(left, width)?;
                bits.into_iter().skip(self.number(by)?).collect()
            }
            Expr::Binary(left, VerilogOp::BitOr, right) => {
                let left = self.wiring(left, width)?;
                let right = self.wiring(right, width)?;
                let mut joined = Vec::new();
                for pair in left.into_iter().zip(right) {
                    joined.push(match pair {
                        (BitOf::Constant(false), bit) | (bit, BitOf::Constant(false)) => bit,
                        (one @ BitOf::Constant(true), _) | (_, one @ BitOf::Constant(true)) => one,
                        _ => return self.refuse("an OR of shifted values that overlap"),
                    });
                }
                joined
            }
            _ => return self.refuse(format!("arithmetic inside a concatenation: {expr:?}")),
        };
        bits.resize(width, zero);
        Ok(bits)
    }

    fn pick(&self, inner: &Expr, at: usize, count: usize) -> Result<Vec<BitOf>, HdlError> {
        let own = match self.width(inner)? {
            Some(own) if at + count <= own => own,
            _ => return self.refuse(format!("bits {at} and up of {inner:?}")),
        };
        Ok(self.wiring(inner, own)?.into_iter().skip(at).take(count).collect())
    }

    /// Bits, least significant first, as the shortest concatenation.
    fn concatenation(&self, bits: &[BitOf]) -> String {
        let mut parts: Vec<String> = Vec::new();
        let mut rest = bits;
        while let Some(top) = rest.last() {
            let follows = |count: usize| match (top, &rest[rest.len() - 1 - count]) {
                (BitOf::Constant(_), BitOf::Constant(_)) => count < 64,
                (BitOf::Signal(a, i), BitOf::Signal(b, j)) => a == b && *i == j + count,
                _ => false,
            };
            let count = (1..rest.len()).find(|&count| !follows(count)).unwrap_or(rest.len());
            let (below, run) = rest.split_at(rest.len() - count);
            parts.push(self.part(run));
            rest = below;
        }
        match parts.as_slice() {
            [only] => only.clone(),
            _ => format!("{{{}}}", parts.join(", ")),
        }
    }

    /// A run of constants or of neighbouring bits of one signal.
    fn part(&self, run: &[BitOf]) -> String {
        match &run[0] {
            BitOf::Constant(_) => {
                let value = run
                    .iter()
                    .rev()
                    .fold(0u64, |value, bit| value << 1 | u64::from(*bit == BitOf::Constant(true)));
                sized(value, run.len(), value != 0)
            }
            BitOf::Signal(name, low) => {
                let key = name.strip_suffix("$next").unwrap_or(name);
                let found = &self.table[key];
                match (run.len(), found.width) {
                    (count, width) if count == width => found.text.clone(),
                    (1, _) => format!("{}[{low}]", found.text),
                    (count, _) => format!("{}[{}:{low}]", found.text, low + count - 1),
                }
            }
        }
    }
}

/// Whether `expr` only moves bits: a cast, a constant shift, a bit, or an OR of these.
fn is_wiring(expr: &Expr) -> bool {
    match expr {
        Expr::Paren(inner) => is_wiring(inner),
        Expr::Cast(..) | Expr::Index(..) | Expr::Slice(..) => true,
        Expr::Binary(_, VerilogOp::Shl | VerilogOp::Shr, _) => true,
        Expr::Binary(left, VerilogOp::BitOr, right) => is_wiring(left) || is_wiring(right),
        _ => false,
    }
}

fn is_comparison(op: &VerilogOp) -> bool {
    matches!(symbol(op), "==" | "!=" | "<" | "<=" | ">" | ">=")
}

fn symbol(op: &VerilogOp) -> &'static str {
    match op {
        VerilogOp::Add => "+",
        VerilogOp::Sub => "-",
        VerilogOp::Mul => "*",
        VerilogOp::LogicalAnd => "&&",
        VerilogOp::LogicalOr => "||",
        VerilogOp::BitXor => "^",
        VerilogOp::BitAnd => "&",
        VerilogOp::BitOr => "|",
        VerilogOp::Shl => "<<",
        VerilogOp::Shr => ">>",
        VerilogOp::Eq => "==",
        VerilogOp::Lt => "<",
        VerilogOp::Le => "<=",
        VerilogOp::Ne => "!=",
        VerilogOp::Ge => ">=",
        VerilogOp::Gt => ">",
    }
}
