//! Reads a rust-hdl cell into plain records: one a module, with its ports, constants, storage,
//! instances and kernel.
//!
//! Only what the printer supports gets through; anything else is an error that names it.

use super::error::HdlError;
use super::register::{FLIP_FLOP, MEMORY};
use super::wire::{HEX, MODULE};
use rust_hdl_core::ast::{Verilog, VerilogBlock};
use rust_hdl_core::prelude::*;

/// One module as its cell describes it.
#[derive(Debug, Clone, Default)]
pub struct Netlist {
    pub name: String,
    pub header: Vec<String>,
    pub atoms: Vec<AtomRecord>,
    pub flops: Vec<Leaf>,
    pub memories: Vec<Leaf>,
    pub instances: Vec<(String, Netlist)>,
    pub code: VerilogBlock,
}

/// A signal or a constant of a cell.
#[derive(Debug, Clone)]
pub struct AtomRecord {
    pub name: String,
    pub kind: AtomKind,
    pub width: usize,
    /// The value of a constant.
    pub value: u64,
    /// Whether a constant is written in hexadecimal.
    pub hex: bool,
    /// `Type::Variant` of an enumeration, in order of value; empty for a plain signal.
    pub variants: Vec<String>,
}

/// Storage inside a module: a flip-flop or a memory.
#[derive(Debug, Clone)]
pub struct Leaf {
    pub name: String,
    pub ports: Vec<AtomRecord>,
}

impl Leaf {
    /// The port or constant called `name`; the storage cells have fixed ports.
    pub fn port(&self, name: &str) -> Option<&AtomRecord> {
        self.ports.iter().find(|port| port.name == name)
    }
}

/// The records of `cell` and of everything inside it.
pub fn read(cell: &dyn Block) -> Result<Netlist, HdlError> {
    let mut reader = Reader::default();
    cell.accept("top", &mut reader);
    match (reader.problem, reader.top) {
        (Some(problem), _) => Err(problem),
        (None, Some(top)) => Ok(top),
        (None, None) => Err(HdlError::unsupported("top", "a cell without a kernel")),
    }
}

#[derive(Default)]
struct Reader {
    open: Vec<Netlist>,
    top: Option<Netlist>,
    problem: Option<HdlError>,
}

impl Reader {
    fn refuse(&mut self, module: &str, what: &str) {
        self.problem.get_or_insert_with(|| HdlError::unsupported(module, what));
    }
}

impl Probe for Reader {
    fn visit_start_scope(&mut self, _name: &str, _node: &dyn Block) {
        self.open.push(Netlist::default());
    }

    fn visit_start_namespace(&mut self, name: &str, _node: &dyn Block) {
        self.refuse(name, "an interface");
    }

    fn visit_atom(&mut self, name: &str, signal: &dyn Atom) {
        let Some(module) = self.open.last_mut() else { return };
        let descriptor = signal.descriptor();
        let variants = match descriptor.kind {
            TypeKind::Composite(lines) if descriptor.name == MODULE => {
                let mut lines = lines.into_iter().map(|line| line.fieldname);
                module.name = lines.next().unwrap_or_default();
                module.header = lines.collect();
                return;
            }
            TypeKind::Enum(variants) => variants,
            TypeKind::Bits(_) => vec![],
            TypeKind::Signed(_) | TypeKind::Composite(_) => {
                return self.refuse(name, "a signed or composite signal");
            }
        };
        let Some(value) = super::expr::literal_value(&signal.verilog()) else {
            return self.refuse(name, "a constant beyond 64 bits");
        };
        module.atoms.push(AtomRecord {
            name: name.to_string(),
            kind: signal.kind(),
            width: signal.bits(),
            value,
            hex: descriptor.name == HEX,
            variants,
        });
    }

    fn visit_end_scope(&mut self, name: &str, node: &dyn Block) {
        let Some(mut module) = self.open.pop() else { return };
        match node.hdl() {
            Verilog::Custom(marker) if marker == FLIP_FLOP || marker == MEMORY => {
                let leaf = Leaf { name: name.to_string(), ports: module.atoms };
                match self.open.last_mut() {
                    Some(parent) if marker == FLIP_FLOP => parent.flops.push(leaf),
                    Some(parent) => parent.memories.push(leaf),
                    None => self.refuse(name, "storage outside a cell"),
                }
            }
            Verilog::Combinatorial(code) if !module.name.is_empty() => {
                module.code = code;
                match self.open.last_mut() {
                    Some(parent) => parent.instances.push((name.to_string(), module)),
                    None => self.top = Some(module),
                }
            }
            Verilog::Combinatorial(_) => self.refuse(name, "a cell without a module name"),
            _ => self.refuse(name, "a cell without a kernel"),
        }
    }
}
