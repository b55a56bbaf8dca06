//! Kernel statements: which become continuous assignments, which share the combinational block.
//!
//! Refuses what Verilog would read differently from rust-hdl's simulator: a latch, or a value
//! taken before its last assignment.

use super::error::HdlError;
use super::expr::{Names, base_name};
use super::printer::state_name;
use rust_hdl_core::ast::{
    VerilogBlock, VerilogBlockOrConditional as Otherwise, VerilogConditional, VerilogExpression as Expr,
    VerilogMatch, VerilogStatement as Statement,
};
use std::collections::{HashMap, HashSet};
use std::fmt::Write;

const COLUMNS: usize = 100;

/// A kernel in order, with the continuous assignments told apart.
#[derive(Debug, Clone, Default)]
pub struct Plan {
    statements: VerilogBlock,
    /// Targets assigned once and unconditionally.
    single: HashSet<String>,
    targets: HashSet<String>,
}

/// Flattens a kernel, drops assignments that are overwritten unread, and counts the rest.
pub fn plan(module: &str, code: &VerilogBlock) -> Result<Plan, HdlError> {
    let mut statements = Vec::new();
    flatten(module, code, &mut statements)?;
    let mut kept = Vec::new();
    for (at, statement) in statements.iter().enumerate() {
        let unread = |name| overwritten(name, &statements[at + 1..]);
        if !top_target(statement).is_some_and(unread) {
            kept.push(statement.clone());
        }
    }
    let mut counts: HashMap<String, usize> = HashMap::new();
    each_target(&kept, &mut |name| *counts.entry(name.to_string()).or_default() += 1);
    let top: HashSet<&str> = kept.iter().filter_map(top_target).collect();
    let single = counts.iter().filter(|(name, count)| **count == 1 && top.contains(name.as_str()));
    let single = single.map(|(name, _)| name.clone()).collect();
    Ok(Plan { single, targets: counts.into_keys().collect(), statements: kept })
}

impl Plan {
    /// The value of a target that is assigned once, unconditionally.
    pub fn continuous(&self, target: &str) -> Option<&Expr> {
        self.assigns().into_iter().find(|(name, ..)| *name == target).map(|(_, value, _)| value)
    }

    /// Whether `target` is assigned in the combinational block.
    pub fn is_procedural(&self, target: &str) -> bool {
        self.targets.contains(target) && !self.single.contains(target)
    }

    /// Drops a continuous assignment.
    pub fn forget(&mut self, target: &str) {
        self.statements.retain(|statement| top_target(statement) != Some(target));
        self.targets.remove(target);
        self.single.remove(target);
    }

    /// The continuous assignments in order, each with the comments right before it.
    pub fn assigns(&self) -> Vec<(&str, &Expr, Vec<String>)> {
        let mut found = Vec::new();
        let mut comments = Vec::new();
        for statement in &self.statements {
            match statement {
                Statement::Comment(text) => comments.push(comment_text(text)),
                Statement::Assignment(target, value) => {
                    let comments = std::mem::take(&mut comments);
                    match base_name(target) {
                        Some(name) if self.single.contains(name) => {
                            found.push((name, value, comments));
                        }
                        _ => {}
                    }
                }
                _ => comments.clear(),
            }
        }
        found
    }
}

/// Refuses latches and values taken too early.
pub fn check(module: &str, plan: &Plan) -> Result<(), HdlError> {
    let mut ready: HashSet<&str> = HashSet::new();
    for (at, statement) in plan.statements.iter().enumerate() {
        let mut late = None;
        if let Statement::Assignment(target, value) = statement {
            let name = base_name(target).unwrap_or_default();
            ready.insert(name);
            if plan.single.contains(name) {
                let after = &plan.statements[at + 1..];
                each_target(after, &mut |later| {
                    if reads(value, later) {
                        late = Some(format!("`{later}`, read before its last assignment,"));
                    }
                });
            }
        } else {
            each_target(std::slice::from_ref(statement), &mut |name| {
                if !ready.contains(name) {
                    late = Some(format!("`{name}`, which keeps its value where it is not assigned,"));
                }
            });
        }
        if let Some(what) = late {
            return Err(HdlError::unsupported(module, &what));
        }
    }
    Ok(())
}

/// The statements of the combinational block, empty if there are none.
pub fn combinational(plan: &Plan, names: &Names) -> Result<String, HdlError> {
    let mut block = Vec::new();
    let mut comments = Vec::new();
    for statement in &plan.statements {
        match statement {
            Statement::Comment(_) => comments.push(statement.clone()),
            _ if top_target(statement).is_some_and(|name| plan.single.contains(name)) => {
                comments.clear();
            }
            _ => {
                block.append(&mut comments);
                block.push(statement.clone());
            }
        }
    }
    let mut text = String::new();
    write_block(&block, names, 2, &mut text)?;
    Ok(text)
}

/// `head` and `value;`, broken after an operator where the line would be too long.
pub fn wrapped(head: &str, value: &str) -> String {
    let mut text = String::new();
    let mut line = format!("{head}{value};");
    let indent = head.len() - head.trim_start().len() + 4;
    while line.len() > COLUMNS {
        let breaks = [" || ", " && ", " | ", ", "];
        let cut = breaks
            .iter()
            .filter_map(|operator| line[..COLUMNS].rfind(operator).map(|at| at + operator.trim_end().len()));
        let Some(cut) = cut.filter(|cut| *cut > indent).max() else { break };
        text.push_str(line[..cut].trim_end());
        text.push('\n');
        line = format!("{:indent$}{}", "", line[cut..].trim_start());
    }
    text + &line + "\n"
}

fn flatten(module: &str, code: &[Statement], out: &mut VerilogBlock) -> Result<(), HdlError> {
    for statement in code {
        match statement {
            Statement::Macro(inner) => flatten(module, inner, out)?,
            Statement::Assignment(target, _) if base_name(target).is_some() => {
                out.push(statement.clone());
            }
            Statement::If(_) | Statement::Match(_) | Statement::Comment(_) => {
                out.push(statement.clone());
            }
            _ => return Err(HdlError::unsupported(module, &format!("{statement:?}"))),
        }
    }
    Ok(())
}

fn top_target(statement: &Statement) -> Option<&str> {
    match statement {
        Statement::Assignment(target, _) => base_name(target),
        _ => None,
    }
}

/// Whether `name` is assigned again, unconditionally, before anything mentions it.
fn overwritten(name: &str, rest: &[Statement]) -> bool {
    for statement in rest {
        match statement {
            Statement::Comment(_) => {}
            Statement::Assignment(target, value) => {
                if reads(value, name) {
                    return false;
                }
                if base_name(target) == Some(name) {
                    return true;
                }
            }
            _ => {
                let mut mentioned = false;
                each_target(std::slice::from_ref(statement), &mut |target| {
                    mentioned |= target == name;
                });
                each_value(std::slice::from_ref(statement), &mut |value| {
                    mentioned |= reads(value, name);
                });
                if mentioned {
                    return false;
                }
            }
        }
    }
    false
}

fn inner_blocks(statement: &Statement) -> Vec<&[Statement]> {
    match statement {
        Statement::If(branch) => {
            let mut blocks = vec![branch.then.as_slice()];
            match &branch.otherwise {
                Otherwise::Block(block) => blocks.push(block),
                Otherwise::Conditional(inner) => blocks.push(std::slice::from_ref(inner)),
                Otherwise::None => {}
            }
            blocks
        }
        Statement::Match(choice) => choice.cases.iter().map(|case| case.block.as_slice()).collect(),
        _ => vec![],
    }
}

fn each_target(code: &[Statement], f: &mut dyn FnMut(&str)) {
    for statement in code {
        if let Some(name) = top_target(statement) {
            f(name);
        }
        for block in inner_blocks(statement) {
            each_target(block, f);
        }
    }
}

fn each_value(code: &[Statement], f: &mut dyn FnMut(&Expr)) {
    for statement in code {
        match statement {
            Statement::Assignment(_, value) => f(value),
            Statement::If(branch) => f(&branch.test),
            Statement::Match(choice) => f(&choice.test),
            _ => {}
        }
        for block in inner_blocks(statement) {
            each_value(block, f);
        }
    }
}

/// Whether `expr` reads `name`.
fn reads(expr: &Expr, name: &str) -> bool {
    match expr {
        Expr::Signal(_) => base_name(expr) == Some(name),
        Expr::Literal(_) => false,
        Expr::Cast(inner, _) | Expr::Signed(inner) | Expr::Unsigned(inner) => reads(inner, name),
        Expr::Paren(inner) | Expr::Unary(_, inner) => reads(inner, name),
        Expr::Binary(left, _, right) | Expr::Index(left, right) => reads(left, name) || reads(right, name),
        Expr::Slice(inner, _, offset) => reads(inner, name) || reads(offset, name),
        Expr::IndexReplace(a, b, c) => reads(a, name) || reads(b, name) || reads(c, name),
    }
}

fn write_block(code: &[Statement], names: &Names, level: usize, text: &mut String) -> Result<(), HdlError> {
    let indent = "  ".repeat(level);
    let mut flat = Vec::new();
    flatten(&names.module, code, &mut flat)?;
    for statement in &flat {
        match statement {
            Statement::Comment(comment) => {
                let apart = if level == 2 && !text.is_empty() { "\n" } else { "" };
                let _ = writeln!(text, "{apart}{indent}// {}", comment_text(comment));
            }
            Statement::Assignment(target, value) => {
                let target = names.get(base_name(target).unwrap_or_default())?;
                let value = names.print(value, target.width)?;
                text.push_str(&wrapped(&format!("{indent}{} = ", target.text), &value));
            }
            Statement::If(branch) => {
                text.push_str(&indent);
                write_if(branch, names, level, text)?;
            }
            Statement::Match(choice) => write_case(choice, names, level, text)?,
            _ => {}
        }
    }
    Ok(())
}

fn write_if(
    branch: &VerilogConditional,
    names: &Names,
    level: usize,
    text: &mut String,
) -> Result<(), HdlError> {
    let indent = "  ".repeat(level);
    let _ = writeln!(text, "if ({}) begin", names.print(&branch.test, 1)?);
    write_block(&branch.then, names, level + 1, text)?;
    match &branch.otherwise {
        Otherwise::None => {}
        Otherwise::Conditional(inner) => {
            if let Statement::If(next) = inner.as_ref() {
                let _ = write!(text, "{indent}end else ");
                return write_if(next, names, level, text);
            }
            return Err(HdlError::unsupported(&names.module, "an `else` without a block"));
        }
        Otherwise::Block(block) => {
            let _ = writeln!(text, "{indent}end else begin");
            write_block(block, names, level + 1, text)?;
        }
    }
    let _ = writeln!(text, "{indent}end");
    Ok(())
}

fn write_case(choice: &VerilogMatch, names: &Names, level: usize, text: &mut String) -> Result<(), HdlError> {
    let indent = "  ".repeat(level);
    let test = base_name(&choice.test).map(str::to_string);
    let Some(state) = test.as_deref().and_then(|name| name.strip_suffix("$q")) else {
        return Err(HdlError::unsupported(&names.module, "a match on anything but a state register"));
    };
    let test = names.get(&format!("{state}$q"))?;
    let _ = writeln!(text, "{indent}case ({})", test.text);
    for case in &choice.cases {
        if names.get(&case.condition).is_err() {
            return Err(HdlError::unsupported(&names.module, "a match arm that is no state"));
        }
        let _ = writeln!(text, "{indent}  {}: begin", state_name(&case.condition));
        write_block(&case.block, names, level + 2, text)?;
        let _ = writeln!(text, "{indent}  end");
    }
    let Some(first) = names.table.iter().find_map(|(key, name)| {
        let same = choice.cases.first().and_then(|case| case.condition.split_once('$'));
        let own = key.split_once('$');
        let matches = same.zip(own).is_some_and(|(a, b)| a.0 == b.0) && name.value == Some(0);
        matches.then(|| name.text.clone())
    }) else {
        return Err(HdlError::unsupported(&names.module, "a match without a first state"));
    };
    let next = names.get(&format!("{state}$d"))?;
    let _ = writeln!(text, "{indent}  default: {} = {first};\n{indent}endcase", next.text);
    Ok(())
}

/// The text of a `comment!`: rust-hdl hands on the macro's tokens, in the compiler's spacing.
fn comment_text(raw: &str) -> String {
    let text = raw.split_once('"').map_or(raw, |(_, text)| text);
    let text = text.trim_end_matches([')', '"', ';', ' ']);
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}
