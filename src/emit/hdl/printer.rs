//! Writes a cell's records as one Verilog-2005 module a person would write.
//!
//! The rules, beyond a plain transcription of the kernel:
//! - A signal assigned once, unconditionally, becomes an `assign`; where it is a flip-flop's
//!   input it goes straight into the clocked block. The rest shares one combinational block.
//! - Flip-flops are written in place (`x_q`, `x_d`), in one clocked block with an asynchronous
//!   reset, which rust-hdl's own output does not have.
//! - An instance's port is connected to the signal that feeds or reads it; a wire appears only
//!   where an expression does.
//! - A `case` over an enumeration returns to its first state from codes that stand for none.
//!
//! A kernel that would infer a latch, or that reads a signal before its last assignment, where
//! Verilog and rust-hdl's simulator would differ, is refused.

use super::error::HdlError;
use super::expr::{Name, Names, base_name, sized};
use super::netlist::{AtomRecord, Netlist};
use super::statement::{self, Plan};
use rust_hdl_core::ast::VerilogExpression as Expr;
use rust_hdl_core::prelude::AtomKind;
use std::collections::{HashMap, HashSet};
use std::fmt::Write;

const LICENCE: &str = "// SPDX-License-Identifier: Apache-2.0\n//\n";

/// Every module of `top`, each once, instances before their users: name and text.
pub fn print(top: &Netlist) -> Result<Vec<(String, String)>, HdlError> {
    let mut done: Vec<(String, String)> = Vec::new();
    for (_, child) in &top.instances {
        for module in print(child)? {
            match done.iter().find(|(name, _)| *name == module.0) {
                None => done.push(module),
                Some((_, text)) if *text == module.1 => {}
                Some(_) => {
                    return Err(HdlError::unsupported(&module.0, "a module of two shapes"));
                }
            }
        }
    }
    done.push((top.name.clone(), Module::new(top)?.text()?));
    Ok(done)
}

struct Module<'a> {
    net: &'a Netlist,
    names: Names,
    plan: Plan,
    /// Ports of instances that need no wire, with what they are connected to.
    direct: HashMap<String, String>,
}

impl<'a> Module<'a> {
    fn new(net: &'a Netlist) -> Result<Self, HdlError> {
        let plan = statement::plan(&net.name, &net.code)?;
        let mut module = Module {
            net,
            names: Names { module: net.name.clone(), table: HashMap::new() },
            plan,
            direct: HashMap::new(),
        };
        module.add_names();
        module.check_unique()?;
        module.connect_instances()?;
        statement::check(&net.name, &module.plan)?;
        Ok(module)
    }

    fn add(&mut self, key: String, text: String, width: usize, value: Option<u64>) {
        self.names.table.insert(key, Name { text, width, value });
    }

    fn add_names(&mut self) {
        let net = self.net;
        for atom in &net.atoms {
            let constant = atom.kind == AtomKind::Constant;
            let text = if constant { atom.name.to_uppercase() } else { atom.name.clone() };
            self.add(atom.name.clone(), text, atom.width, constant.then_some(atom.value));
        }
        for leaf in &net.flops {
            for port in leaf.ports.iter().filter(|port| port.kind.is_parameter()) {
                let text = format!("{}_{}", leaf.name, port.name);
                self.add(format!("{}${}", leaf.name, port.name), text, port.width, None);
            }
        }
        for leaf in &net.memories {
            for port in leaf.ports.iter().filter(|port| port.kind.is_parameter()) {
                let text = format!("{}_{}", leaf.name, port.name);
                self.add(format!("{}${}", leaf.name, port.name), text, port.width, None);
            }
        }
        for (instance, child) in &net.instances {
            for port in child.atoms.iter().filter(|port| port.kind.is_parameter()) {
                let text = format!("{instance}_{}", bare(&port.name));
                self.add(format!("{instance}${}", port.name), text, port.width, None);
            }
        }
        for (variant, width, value) in self.states() {
            let text = state_name(&variant);
            self.add(variant.replace("::", "$"), text, width, Some(value));
        }
    }

    /// States of the enumerations that occur, `Type::Variant`, with width and value.
    fn states(&self) -> Vec<(String, usize, u64)> {
        let mut seen = HashSet::new();
        let own = self.net.atoms.iter();
        let held = self.net.flops.iter().filter_map(|leaf| leaf.port("q"));
        let mut states = Vec::new();
        for atom in own.chain(held) {
            for (value, variant) in atom.variants.iter().enumerate() {
                if seen.insert(variant.clone()) {
                    states.push((variant.clone(), atom.width, value as u64));
                }
            }
        }
        states
    }

    fn check_unique(&self) -> Result<(), HdlError> {
        let mut seen = HashSet::new();
        for name in self.names.table.values() {
            if !seen.insert(&name.text) {
                let what = format!("the name `{}`, which stands for two signals,", name.text);
                return Err(HdlError::unsupported(&self.net.name, &what));
            }
        }
        Ok(())
    }

    /// Finds the ports that can be connected without a wire of their own.
    fn connect_instances(&mut self) -> Result<(), HdlError> {
        let net = self.net;
        for (instance, child) in &net.instances {
            for port in &child.atoms {
                let key = format!("{instance}${}", port.name);
                if port.kind == AtomKind::InputParameter {
                    let source = self.plan.continuous(&key).and_then(base_name);
                    if let Some(source) = source {
                        let text = self.names.get(source)?.text.clone();
                        self.direct.insert(key, text);
                    }
                }
            }
        }
        // An output of this module that only passes an instance's output on takes its place.
        for atom in net.atoms.iter().filter(|atom| atom.kind == AtomKind::OutputParameter) {
            let source = self.plan.continuous(&atom.name).and_then(base_name);
            let Some(source) = source.map(str::to_string) else { continue };
            let is_instance = net.instances.iter().any(|(instance, child)| {
                let port = source.strip_prefix(instance).and_then(|rest| rest.strip_prefix('$'));
                port.is_some_and(|port| child.atoms.iter().any(|atom| atom.name == port))
            });
            if is_instance && !self.direct.contains_key(&source) {
                self.direct.insert(source.clone(), atom.name.clone());
                self.plan.forget(&atom.name);
                if let Some(name) = self.names.table.get_mut(&source) {
                    name.text = atom.name.clone();
                }
            }
        }
        Ok(())
    }

    fn text(&self) -> Result<String, HdlError> {
        let body =
            [self.instances()?, self.assigns()?, self.combinational()?, self.memories()?, self.clocked()?];
        let body: Vec<String> = body.into_iter().filter(|part| !part.is_empty()).collect();
        let body = body.join("\n");
        let mut text = String::from(LICENCE);
        for (at, line) in self.net.header.iter().enumerate() {
            match at {
                0 => _ = writeln!(text, "// {}: {line}\n//", self.net.name),
                _ => _ = writeln!(text, "// {line}"),
            }
        }
        text.push_str("\n`default_nettype none\n\n");
        let _ = write!(text, "module {} (\n{}\n);\n", self.net.name, self.ports());
        let constants = self.constants(&body);
        let declarations = self.declarations();
        for part in [constants, declarations, body] {
            if !part.is_empty() {
                let _ = write!(text, "\n{part}");
            }
        }
        text.push_str("\nendmodule\n\n`default_nettype wire\n");
        Ok(text)
    }

    fn ports(&self) -> String {
        let ports: Vec<&AtomRecord> = self.net.atoms.iter().filter(|atom| atom.kind.is_parameter()).collect();
        let widest = ports.iter().map(|port| range(port.width).len()).max().unwrap_or(0);
        let lines = ports.iter().map(|port| {
            let kind = match port.kind {
                AtomKind::InputParameter => "input  wire",
                _ if self.plan.is_procedural(&port.name) => "output reg ",
                _ => "output wire",
            };
            if widest == 0 {
                format!("  {kind} {}", port.name)
            } else {
                format!("  {kind} {:<widest$} {}", range(port.width).trim_end(), port.name)
            }
        });
        lines.collect::<Vec<_>>().join(",\n")
    }

    /// The constants that the body names.
    fn constants(&self, body: &str) -> String {
        let used: HashSet<&str> = body.split(|c: char| !c.is_ascii_alphanumeric() && c != '_').collect();
        let own = self.net.atoms.iter().filter(|atom| atom.kind == AtomKind::Constant);
        let own =
            own.map(|atom| (atom.name.to_uppercase(), atom.width, sized(atom.value, atom.width, atom.hex)));
        let states = self
            .states()
            .into_iter()
            .map(|(variant, width, value)| (state_name(&variant), width, sized(value, width, false)));
        let mut text = String::new();
        for (name, width, value) in own.chain(states) {
            if used.contains(name.as_str()) {
                let _ = writeln!(text, "  localparam {}{name} = {value};", spaced(width));
            }
        }
        text
    }

    fn declarations(&self) -> String {
        let mut text = String::new();
        for leaf in &self.net.flops {
            let Some(q) = leaf.port("q") else { continue };
            let next = if self.plan.is_procedural(&format!("{}$d", leaf.name)) {
                format!(", {}_d", leaf.name)
            } else {
                String::new()
            };
            let _ = writeln!(text, "  reg {}{}_q{next};", spaced(q.width), leaf.name);
        }
        for atom in self.net.atoms.iter().filter(|atom| atom.kind == AtomKind::LocalSignal) {
            let kind = if self.plan.is_procedural(&atom.name) { "reg" } else { "wire" };
            let _ = writeln!(text, "  {kind} {}{};", spaced(atom.width), atom.name);
        }
        for (instance, child) in &self.net.instances {
            for port in child.atoms.iter().filter(|port| port.kind.is_parameter()) {
                let key = format!("{instance}${}", port.name);
                if !self.direct.contains_key(&key) {
                    let kind = if self.plan.is_procedural(&key) { "reg" } else { "wire" };
                    let name = &self.names.table[&key].text;
                    let _ = writeln!(text, "  {kind} {}{name};", spaced(port.width));
                }
            }
        }
        for leaf in &self.net.memories {
            if let (Some(data), Some(depth)) = (leaf.port("read_data"), leaf.port("depth")) {
                let (word, name, last) = (spaced(data.width), &leaf.name, depth.value - 1);
                let _ = writeln!(
                    text,
                    "  (* no_rw_check, ram_style = \"block\" *)\n  reg {word}{name} [0:{last}];\n  reg {word}{name}_read_data;"
                );
            }
        }
        text
    }

    fn instances(&self) -> Result<String, HdlError> {
        let mut parts = Vec::new();
        for (instance, child) in &self.net.instances {
            let mut pins = Vec::new();
            for port in child.atoms.iter().filter(|port| port.kind.is_parameter()) {
                let key = format!("{instance}${}", port.name);
                let feed = match self.direct.get(&key) {
                    Some(text) => text.clone(),
                    None => self.names.get(&key)?.text.clone(),
                };
                pins.push((port.name.clone(), feed));
            }
            let widest = pins.iter().map(|(port, _)| port.len()).max().unwrap_or(0);
            let pins: Vec<String> =
                pins.iter().map(|(port, feed)| format!("    .{port:<widest$} ({feed})")).collect();
            parts.push(format!("  {} u_{instance} (\n{}\n  );\n", child.name, pins.join(",\n")));
        }
        Ok(parts.join("\n"))
    }

    fn assigns(&self) -> Result<String, HdlError> {
        let mut text = String::new();
        for (target, value, comments) in self.plan.assigns() {
            let in_clocked = self.is_storage_input(target);
            if in_clocked || self.direct.contains_key(target) {
                continue;
            }
            let name = self.names.get(target)?;
            let value = self.names.print_apart(value, name.width)?;
            for comment in comments {
                let _ = writeln!(text, "  // {comment}");
            }
            text.push_str(&statement::wrapped(&format!("  assign {} = ", name.text), &value));
        }
        Ok(text)
    }

    /// Inputs of storage are written in the clocked blocks.
    fn is_storage_input(&self, target: &str) -> bool {
        let Some((leaf, _)) = target.split_once('$') else { return false };
        self.net.flops.iter().chain(&self.net.memories).any(|storage| storage.name == leaf)
    }

    fn combinational(&self) -> Result<String, HdlError> {
        let body = statement::combinational(&self.plan, &self.names)?;
        if body.is_empty() { Ok(body) } else { Ok(format!("  always @(*) begin\n{body}  end\n")) }
    }

    fn memories(&self) -> Result<String, HdlError> {
        let mut parts = Vec::new();
        for leaf in &self.net.memories {
            let clock = self.clock(&leaf.name)?;
            let feed = |port: &str| -> Result<String, HdlError> {
                let key = format!("{}${port}", leaf.name);
                let name = self.names.get(&key)?;
                match self.plan.continuous(&key) {
                    Some(value) => self.names.print(value, name.width),
                    None => Err(HdlError::unsupported(&key, "a memory's port, assigned in parts,")),
                }
            };
            let name = &leaf.name;
            let (write, to) = (feed("write")?, feed("write_addr")?);
            let (data, from) = (feed("write_data")?, feed("read_addr")?);
            parts.push(format!(
                "  always @(posedge {clock}) begin\n    if ({write}) begin\n      \
                 {name}[{to}] <= {data};\n    end\n    {name}_read_data <= {name}[{from}];\n  end\n"
            ));
        }
        Ok(parts.join("\n"))
    }

    fn clock(&self, leaf: &str) -> Result<String, HdlError> {
        let source = self.plan.continuous(&format!("{leaf}$clock")).and_then(base_name);
        match source {
            Some(source) => Ok(self.names.get(source)?.text.clone()),
            None => Err(HdlError::unsupported(&self.net.name, &format!("`{leaf}` without a clock"))),
        }
    }

    fn clocked(&self) -> Result<String, HdlError> {
        let (mut resets, mut loads) = (String::new(), String::new());
        let mut clocks = HashSet::new();
        for leaf in &self.net.flops {
            clocks.insert(self.clock(&leaf.name)?);
            let (Some(q), Some(reset)) = (leaf.port("q"), leaf.port("reset_value")) else {
                return Err(HdlError::unsupported(&leaf.name, "storage without an output"));
            };
            let name = format!("{}_q", leaf.name);
            let value = match q.variants.get(reset.value as usize) {
                Some(variant) => state_name(variant),
                None => sized(reset.value, q.width, reset.value > 9),
            };
            let _ = writeln!(resets, "      {name} <= {value};");
            let key = format!("{}$d", leaf.name);
            let load: Option<&Expr> = self.plan.continuous(&key);
            let load = match load {
                Some(value) => self.names.print_apart(value, q.width)?,
                None => format!("{}_d", leaf.name),
            };
            loads.push_str(&statement::wrapped(&format!("      {name} <= "), &load));
        }
        match clocks.len() {
            0 => Ok(String::new()),
            1 => {
                let clock = clocks.into_iter().next().unwrap_or_default();
                Ok(format!(
                    "  always @(posedge {clock} or negedge rst_ni) begin\n    if (!rst_ni) begin\n\
                     {resets}    end else begin\n{loads}    end\n  end\n"
                ))
            }
            _ => Err(HdlError::unsupported(&self.net.name, "flip-flops of two clocks")),
        }
    }
}

/// `[w-1:0]`, nothing for one bit.
fn range(width: usize) -> String {
    if width == 1 { String::new() } else { format!("[{}:0]", width - 1) }
}

fn spaced(width: usize) -> String {
    if width == 1 { String::new() } else { format!("{} ", range(width)) }
}

/// A port's name without its direction.
fn bare(port: &str) -> &str {
    ["_ni", "_i", "_o"].iter().find_map(|suffix| port.strip_suffix(suffix)).unwrap_or(port)
}

/// `Rx::Idle` is `RX_IDLE`.
pub(super) fn state_name(variant: &str) -> String {
    variant.replace("::", "_").replace('$', "_").to_uppercase()
}
