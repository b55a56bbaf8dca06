//! The netlist that Yosys writes as JSON, gates and modules, and its bits as functions of the inputs.
//!
//! A bit is followed back from where it is used, through instances of other modules, to the inputs of the top. It is
//! known with the number of registers that it has passed; a gate whose inputs have passed different numbers of them
//! mixes what arrived in different cycles and is refused.

use super::bdd::{Bdd, Ref, TooLarge};
use serde::Deserialize;
use std::collections::{BTreeMap, HashMap};

/// All modules of a netlist, by name.
#[derive(Debug, Clone, Deserialize)]
pub struct Netlist {
    pub modules: BTreeMap<String, Module>,
}

#[derive(Debug, Clone, Deserialize)]
pub struct Module {
    #[serde(default)]
    pub ports: BTreeMap<String, Port>,
    #[serde(default)]
    pub cells: BTreeMap<String, Cell>,
    #[serde(default)]
    netnames: BTreeMap<String, Name>,
}

#[derive(Debug, Clone, Deserialize)]
pub struct Port {
    direction: String,
    pub bits: Vec<Bit>,
}

#[derive(Debug, Clone, Deserialize)]
pub struct Cell {
    #[serde(rename = "type")]
    pub kind: String,
    #[serde(default)]
    port_directions: BTreeMap<String, String>,
    pub connections: BTreeMap<String, Vec<Bit>>,
}

#[derive(Debug, Clone, Deserialize)]
struct Name {
    bits: Vec<Bit>,
}

/// A net, or a constant by its digit.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Deserialize)]
#[serde(untagged)]
pub enum Bit {
    Net(u32),
    Constant(String),
}

/// What drives a net inside its module.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Driver<'a> {
    /// Bit of an input port.
    Input(&'a str, usize),
    /// Bit of an output port of a cell.
    Cell(&'a str, &'a str, usize),
}

impl Netlist {
    /// Reads the JSON.
    ///
    /// Errors: text that is no netlist.
    pub fn read(json: &str) -> Result<Netlist, serde_json::Error> {
        serde_json::from_str(json)
    }

    /// The module called `name`.
    pub fn module(&self, name: &str) -> Result<&Module, Trouble> {
        self.modules.get(name).ok_or_else(|| Trouble::Unclear(format!("there is no module {name}")))
    }
}

impl Module {
    /// What drives each net.
    pub fn drivers(&self, netlist: &Netlist) -> HashMap<u32, Driver<'_>> {
        let mut drivers = HashMap::new();
        for (name, port) in self.ports.iter().filter(|(_, port)| port.direction == "input") {
            for (index, bit) in port.bits.iter().enumerate() {
                if let Bit::Net(net) = bit {
                    drivers.insert(*net, Driver::Input(name, index));
                }
            }
        }
        for (name, cell) in &self.cells {
            let own = netlist.modules.get(&cell.kind);
            for (port, bits) in &cell.connections {
                let direction = match own.and_then(|module| module.ports.get(port)) {
                    Some(port) => Some(port.direction.as_str()),
                    None => cell.port_directions.get(port).map(String::as_str),
                };
                if direction != Some("output") {
                    continue;
                }
                for (index, bit) in bits.iter().enumerate() {
                    if let Bit::Net(net) = bit {
                        drivers.insert(*net, Driver::Cell(name, port, index));
                    }
                }
            }
        }
        drivers
    }

    /// Width of a port; 0 where there is none.
    pub fn width(&self, port: &str) -> usize {
        self.ports.get(port).map_or(0, |port| port.bits.len())
    }

    /// The shortest name that the sources give to a net.
    pub fn name(&self, bit: &Bit) -> String {
        let named = self.netnames.iter().filter(|(name, _)| !name.starts_with('$'));
        let places = named.filter_map(|(name, of)| {
            let at = of.bits.iter().position(|other| other == bit)?;
            Some(if of.bits.len() == 1 { name.clone() } else { format!("{name}[{at}]") })
        });
        places.min_by_key(String::len).unwrap_or_else(|| "an unnamed net".into())
    }
}

/// Why a netlist has no function that could be compared.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Trouble {
    /// It surely is not what it should be.
    Wrong(String),
    /// It is beyond what is looked through.
    Unclear(String),
}

impl From<TooLarge> for Trouble {
    fn from(limit: TooLarge) -> Trouble {
        Trouble::Unclear(limit.to_string())
    }
}

impl std::fmt::Display for Trouble {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (Trouble::Wrong(text) | Trouble::Unclear(text)) = self;
        f.write_str(text)
    }
}

/// A bit's function, and the registers between it and the inputs; none where it is constant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Signal {
    pub function: Ref,
    pub delay: Option<usize>,
}

impl Signal {
    /// An input of the top, or a constant.
    pub fn input(function: Ref) -> Signal {
        Signal { function, delay: Some(0) }
    }

    fn constant(value: bool) -> Signal {
        Signal { function: Ref::constant(value), delay: None }
    }
}

/// One instance: its module, and where its inputs come from.
struct Scope<'a> {
    module: &'a Module,
    drivers: HashMap<u32, Driver<'a>>,
    /// The enclosing scope and the cell in it.
    parent: Option<(usize, &'a Cell)>,
    children: HashMap<&'a str, usize>,
    path: String,
}

/// The functions of a module's bits.
pub struct Evaluation<'a> {
    netlist: &'a Netlist,
    inputs: HashMap<(&'a str, usize), Signal>,
    clock: &'static str,
    scopes: Vec<Scope<'a>>,
    known: HashMap<(usize, u32), Option<Signal>>,
}

impl<'a> Evaluation<'a> {
    /// Of module `top` with these input bits, by port and index; `clock` is the input that clocks registers.
    pub fn new(
        netlist: &'a Netlist,
        top: &str,
        inputs: HashMap<(&'a str, usize), Signal>,
        clock: &'static str,
    ) -> Result<Evaluation<'a>, Trouble> {
        let module = netlist.module(top)?;
        let scope = Scope {
            module,
            drivers: module.drivers(netlist),
            parent: None,
            children: HashMap::new(),
            path: top.into(),
        };
        Ok(Evaluation { netlist, inputs, clock, scopes: vec![scope], known: HashMap::new() })
    }

    /// All bits of an output port of the top, lowest first.
    pub fn output(&mut self, bdd: &mut Bdd, port: &str) -> Result<Vec<Signal>, Trouble> {
        let module = self.scopes[0].module;
        let bits = match module.ports.get(port) {
            Some(found) => &found.bits,
            None => return Err(Trouble::Wrong(format!("{} has no port {port}", self.scopes[0].path))),
        };
        bits.iter().map(|bit| self.bit(bdd, 0, bit)).collect()
    }

    fn place(&self, scope: usize, bit: &Bit) -> String {
        format!("{} of {}", self.scopes[scope].module.name(bit), self.scopes[scope].path)
    }

    fn bit(&mut self, bdd: &mut Bdd, scope: usize, bit: &Bit) -> Result<Signal, Trouble> {
        let net = match bit {
            Bit::Net(net) => *net,
            Bit::Constant(digit) if digit == "0" => return Ok(Signal::constant(false)),
            Bit::Constant(digit) if digit == "1" => return Ok(Signal::constant(true)),
            Bit::Constant(_) => {
                return Err(Trouble::Wrong(format!(
                    "{} uses a value that nothing sets",
                    self.scopes[scope].path
                )));
            }
        };
        match self.known.get(&(scope, net)) {
            Some(Some(signal)) => return Ok(*signal),
            Some(None) => {
                return Err(Trouble::Wrong(format!("{} feeds back into itself", self.place(scope, bit))));
            }
            None => {}
        }
        self.known.insert((scope, net), None);
        let driver = self.scopes[scope].drivers.get(&net).cloned();
        let signal = match driver {
            None => return Err(Trouble::Wrong(format!("{} is never driven", self.place(scope, bit)))),
            Some(Driver::Input(port, index)) => self.input(bdd, scope, port, index)?,
            Some(Driver::Cell(name, port, index)) => {
                let module = self.scopes[scope].module;
                let cell = &module.cells[name];
                match self.netlist.modules.contains_key(&cell.kind) {
                    true => self.inside(bdd, scope, name, port, index)?,
                    false => self.gate(bdd, scope, cell, bit)?,
                }
            }
        };
        self.known.insert((scope, net), Some(signal));
        Ok(signal)
    }

    fn input(&mut self, bdd: &mut Bdd, scope: usize, port: &'a str, index: usize) -> Result<Signal, Trouble> {
        let Some((parent, cell)) = self.scopes[scope].parent else {
            let known = self.inputs.get(&(port, index)).copied();
            return known.ok_or_else(|| Trouble::Unclear(format!("input {port}[{index}] is not expected")));
        };
        match cell.connections.get(port).and_then(|bits| bits.get(index)) {
            Some(bit) => self.bit(bdd, parent, bit),
            None => Err(Trouble::Wrong(format!("{} of {} is open", port, self.scopes[scope].path))),
        }
    }

    /// The output of an instance, looked up inside of it.
    fn inside(
        &mut self,
        bdd: &mut Bdd,
        scope: usize,
        name: &'a str,
        port: &str,
        index: usize,
    ) -> Result<Signal, Trouble> {
        let child = match self.scopes[scope].children.get(name) {
            Some(&child) => child,
            None => {
                let cell = &self.scopes[scope].module.cells[name];
                let module = self.netlist.module(&cell.kind)?;
                self.scopes.push(Scope {
                    module,
                    drivers: module.drivers(self.netlist),
                    parent: Some((scope, cell)),
                    children: HashMap::new(),
                    path: format!("{}.{name}", self.scopes[scope].path),
                });
                let child = self.scopes.len() - 1;
                self.scopes[scope].children.insert(name, child);
                child
            }
        };
        match self.scopes[child].module.ports.get(port).and_then(|port| port.bits.get(index)) {
            Some(bit) => self.bit(bdd, child, bit),
            None => Err(Trouble::Wrong(format!("{} has no {port}[{index}]", self.scopes[child].path))),
        }
    }

    fn gate(&mut self, bdd: &mut Bdd, scope: usize, cell: &'a Cell, output: &Bit) -> Result<Signal, Trouble> {
        let names: &[&str] = match cell.kind.as_str() {
            "$_DFF_P_" => return self.register(bdd, scope, cell, output),
            "$_BUF_" | "$_NOT_" => &["A"],
            "$_MUX_" | "$_NMUX_" => &["A", "B", "S"],
            "$_AND_" | "$_NAND_" | "$_OR_" | "$_NOR_" | "$_XOR_" | "$_XNOR_" | "$_ANDNOT_" | "$_ORNOT_" => {
                &["A", "B"]
            }
            other => {
                let place = self.place(scope, output);
                return Err(Trouble::Unclear(format!(
                    "{place} is driven by a {other}, which has no meaning here"
                )));
            }
        };
        let mut pins = Vec::new();
        let mut delay = None;
        for &pin in names {
            let bit = cell.connections.get(pin).and_then(|bits| bits.first()).cloned();
            let bit = bit.ok_or_else(|| Trouble::Unclear(format!("a {} without {pin}", cell.kind)))?;
            let signal = self.bit(bdd, scope, &bit)?;
            match (delay, signal.delay) {
                (Some(one), Some(other)) if one != other => {
                    return Err(Trouble::Wrong(format!(
                        "{} mixes what entered {one} and {other} cycles before",
                        self.place(scope, output)
                    )));
                }
                _ => delay = delay.or(signal.delay),
            }
            pins.push(signal.function);
        }
        let function = match (cell.kind.as_str(), &pins[..]) {
            ("$_BUF_", &[a]) => a,
            ("$_NOT_", &[a]) => bdd.not(a)?,
            ("$_MUX_", &[a, b, s]) => bdd.choose(s, b, a)?,
            ("$_AND_", &[a, b]) => bdd.and(a, b)?,
            ("$_OR_", &[a, b]) => bdd.or(a, b)?,
            ("$_XOR_", &[a, b]) => bdd.xor(a, b)?,
            ("$_ANDNOT_", &[a, b]) => bdd.choose(b, Ref::FALSE, a)?,
            ("$_ORNOT_", &[a, b]) => bdd.choose(b, a, Ref::TRUE)?,
            (kind, pins) => {
                let positive = match (kind, pins) {
                    ("$_NMUX_", &[a, b, s]) => bdd.choose(s, b, a)?,
                    ("$_NAND_", &[a, b]) => bdd.and(a, b)?,
                    ("$_NOR_", &[a, b]) => bdd.or(a, b)?,
                    (_, &[a, b, ..]) => bdd.xor(a, b)?,
                    (kind, _) => return Err(Trouble::Unclear(format!("a {kind} of too few inputs"))),
                };
                bdd.not(positive)?
            }
        };
        Ok(Signal { function, delay })
    }

    fn register(
        &mut self,
        bdd: &mut Bdd,
        scope: usize,
        cell: &'a Cell,
        output: &Bit,
    ) -> Result<Signal, Trouble> {
        let pin = |name: &str| cell.connections.get(name).and_then(|bits| bits.first()).cloned();
        let (Some(clock), Some(data)) = (pin("C"), pin("D")) else {
            return Err(Trouble::Unclear("a register without clock or data".into()));
        };
        let clock = self.bit(bdd, scope, &clock)?;
        if self.inputs.get(&(self.clock, 0)) != Some(&clock) {
            return Err(Trouble::Wrong(format!(
                "{} is not clocked by {}",
                self.place(scope, output),
                self.clock
            )));
        }
        let signal = self.bit(bdd, scope, &data)?;
        Ok(Signal { delay: signal.delay.map(|delay| delay + 1), ..signal })
    }
}
