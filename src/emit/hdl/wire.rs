//! Signals, constants and module names of run-time width or value, as rust-hdl atoms.
//!
//! rust-hdl's own `Signal<D, Bits<N>>` fixes its width at compile time. Its macros are syntactic
//! and its checks ask an atom for `bits()` at run time, so a [`Wire`] takes part in `#[hdl_gen]`
//! like any other signal. One-bit signals stay rust-hdl's own `Signal<D, Bit>`.

use super::word::Word;
use rust_hdl_core::prelude::*;
use rust_hdl_core::signal::get_signal_id;
use std::marker::PhantomData;

/// A vector signal of `width` bits; the direction is rust-hdl's `In`, `Out` or `Local`.
#[derive(Debug, Clone)]
pub struct Wire<D: Direction> {
    /// What the kernel assigns; cut or extended to the width when it takes effect.
    pub next: Word,
    val: Word,
    width: usize,
    id: usize,
    changed: bool,
    driven: bool,
    direction: PhantomData<D>,
}

impl<D: Direction> Wire<D> {
    /// A signal of `width` bits, 1 to [`super::word::MAX_WIDTH`], that holds zero.
    pub fn new(width: usize) -> Self {
        Self::holding(0, width)
    }

    /// A signal of `width` bits that holds `value`.
    pub fn holding(value: u64, width: usize) -> Self {
        let value = Word::new(value, width);
        Wire {
            next: value,
            val: value,
            width,
            id: get_signal_id(),
            changed: false,
            driven: false,
            direction: PhantomData,
        }
    }
}

impl Wire<In> {
    /// The value that has taken effect.
    pub fn val(&self) -> Word {
        self.val
    }
}

impl Wire<Out> {
    /// The value last assigned.
    pub fn val(&self) -> Word {
        self.next.resized(self.width)
    }
}

impl Wire<Local> {
    /// The value last assigned.
    pub fn val(&self) -> Word {
        self.next.resized(self.width)
    }
}

impl<D: Direction> Logic for Wire<D> {
    fn update(&mut self) {}

    fn connect(&mut self) {
        self.driven = true;
    }
}

impl<D: Direction> Block for Wire<D> {
    fn connect_all(&mut self) {}

    fn update_all(&mut self) {
        self.next = self.next.resized(self.width);
        self.changed = self.val != self.next;
        self.val = self.next;
    }

    fn has_changed(&self) -> bool {
        self.changed
    }

    fn accept(&self, name: &str, probe: &mut dyn Probe) {
        probe.visit_atom(name, self);
    }
}

impl<D: Direction> Atom for Wire<D> {
    fn bits(&self) -> usize {
        self.width
    }

    fn connected(&self) -> bool {
        self.driven
    }

    fn changed(&self) -> bool {
        self.changed
    }

    fn kind(&self) -> AtomKind {
        D::KIND
    }

    fn descriptor(&self) -> TypeDescriptor {
        vector(self.width)
    }

    fn vcd(&self) -> VCDValue {
        VCDValue::String(format!("{:x?}", self.val.bytes()))
    }

    fn id(&self) -> usize {
        self.id
    }

    fn verilog(&self) -> VerilogLiteral {
        self.val.low().into()
    }

    fn constraints(&self) -> Vec<PinConstraint> {
        vec![]
    }
}

/// How a constant is written in the Verilog.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Radix {
    /// Counts and sizes.
    Decimal,
    /// Codes and masks.
    Hex,
}

/// A named constant of a cell: `localparam` in the Verilog, the field's name in capitals.
#[derive(Debug, Clone)]
pub struct Param {
    value: Word,
    radix: Radix,
    id: usize,
}

impl Param {
    /// A number such as a count, at `width` bits.
    pub fn count(value: u64, width: usize) -> Self {
        Param { value: Word::new(value, width), radix: Radix::Decimal, id: get_signal_id() }
    }

    /// A code such as a start byte, at `width` bits.
    pub fn code(value: u64, width: usize) -> Self {
        Param { value: Word::new(value, width), radix: Radix::Hex, id: get_signal_id() }
    }

    /// The constant, usable in kernels.
    pub fn val(&self) -> Word {
        self.value
    }
}

impl Logic for Param {
    fn update(&mut self) {}
}

impl Block for Param {
    fn connect_all(&mut self) {}

    fn update_all(&mut self) {}

    fn has_changed(&self) -> bool {
        false
    }

    fn accept(&self, name: &str, probe: &mut dyn Probe) {
        probe.visit_atom(name, self);
    }
}

impl Atom for Param {
    fn bits(&self) -> usize {
        self.value.bits()
    }

    fn connected(&self) -> bool {
        true
    }

    fn changed(&self) -> bool {
        false
    }

    fn kind(&self) -> AtomKind {
        AtomKind::Constant
    }

    fn descriptor(&self) -> TypeDescriptor {
        let name = if self.radix == Radix::Hex { HEX } else { DECIMAL };
        TypeDescriptor { name: name.into(), kind: TypeKind::Bits(self.value.bits()) }
    }

    fn vcd(&self) -> VCDValue {
        VCDValue::String(format!("{:x?}", self.value.bytes()))
    }

    fn id(&self) -> usize {
        self.id
    }

    fn verilog(&self) -> VerilogLiteral {
        self.value.low().into()
    }

    fn constraints(&self) -> Vec<PinConstraint> {
        vec![]
    }
}

/// Descriptor name of a constant printed in hexadecimal.
pub const HEX: &str = "hex";
const DECIMAL: &str = "decimal";
/// Descriptor name that marks a [`ModuleName`].
pub const MODULE: &str = "module";

/// The Verilog module a cell becomes, with the lines of its header comment. A field of every cell.
#[derive(Debug, Clone)]
pub struct ModuleName {
    name: String,
    header: Vec<String>,
}

impl ModuleName {
    /// Module `name`; `header` holds its description and its latency, a line each.
    pub fn new(name: &str, header: &[&str]) -> Self {
        let header = header.iter().map(|line| line.to_string()).collect();
        ModuleName { name: name.into(), header }
    }
}

impl Logic for ModuleName {
    fn update(&mut self) {}
}

impl Block for ModuleName {
    fn connect_all(&mut self) {}

    fn update_all(&mut self) {}

    fn has_changed(&self) -> bool {
        false
    }

    fn accept(&self, name: &str, probe: &mut dyn Probe) {
        probe.visit_atom(name, self);
    }
}

impl Atom for ModuleName {
    fn bits(&self) -> usize {
        0
    }

    fn connected(&self) -> bool {
        true
    }

    fn changed(&self) -> bool {
        false
    }

    fn kind(&self) -> AtomKind {
        AtomKind::Constant
    }

    // rust-hdl hands a probe nothing but atoms and names, so the text travels as field names.
    fn descriptor(&self) -> TypeDescriptor {
        let field = |text: &String| Box::new(TypeField { fieldname: text.clone(), kind: vector(0) });
        let fields = std::iter::once(&self.name).chain(&self.header).map(field).collect();
        TypeDescriptor { name: MODULE.into(), kind: TypeKind::Composite(fields) }
    }

    fn vcd(&self) -> VCDValue {
        VCDValue::String(self.name.clone())
    }

    fn id(&self) -> usize {
        0
    }

    fn verilog(&self) -> VerilogLiteral {
        0u64.into()
    }

    fn constraints(&self) -> Vec<PinConstraint> {
        vec![]
    }
}

fn vector(width: usize) -> TypeDescriptor {
    TypeDescriptor { name: String::new(), kind: TypeKind::Bits(width) }
}
