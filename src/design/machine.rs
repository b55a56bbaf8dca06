//! A machine that networks are loaded into: what all of them need of it, and each of them on it.
//!
//! What a machine is follows from the networks that it was made for: it holds the largest of everything that one of them
//! asks for. Another network goes on it where it would change none of that.

use super::{Design, DesignError, InputKind, InputUnit, OutputUnit, Widths, build_with};
use crate::arch::Arch;
use crate::bits::BitMatrix;
use crate::network::{Activation, InputCode, Network};

/// A machine and the networks that it was made for.
#[derive(Debug, Clone)]
pub struct Machine {
    /// Everything that the machine holds, as one design: its layers are those of all networks, one behind the other, and
    /// its memories are empty. Nobody runs it; what is emitted of it has room for each of the networks.
    pub capacity: Design,
    /// The networks, with the machine's widths.
    pub programs: Vec<Design>,
}

/// What of a machine's networks is not the largest number of one layer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Capacity {
    /// Most layers of a network, and most groups of all its layers.
    pub layers: usize,
    pub groups: usize,
    /// Forms in which frames come in.
    pub inputs: Vec<InputForm>,
}

/// A form in which frames come in: an input unit, for all networks whose first layers are cut alike.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InputForm {
    pub unit: InputUnit,
    /// Bit planes of an element, and rows of each.
    pub planes: usize,
    pub plane_rows: usize,
    /// Most passes of a first layer.
    pub passes: usize,
}

/// Most forms of one machine.
pub const MOST_FORMS: usize = 4;

impl InputForm {
    /// That of a network's design.
    pub fn of(design: &Design) -> InputForm {
        InputForm {
            unit: design.input.clone(),
            planes: design.planes,
            plane_rows: design.plane_rows,
            passes: design.layers[0].passes,
        }
    }

    /// Whether frames of `other` go through the same unit, if it is large enough.
    pub fn takes(&self, other: &InputForm) -> bool {
        let (a, b) = (&self.unit, &other.unit);
        let beats = |unit: &InputUnit| (unit.elements, unit.element_bits, unit.stream_bits);
        let cut = match (&a.kind, &b.kind) {
            (InputKind::Vector { .. }, InputKind::Vector { .. }) => true,
            (
                InputKind::Window { kernel, channels, .. },
                InputKind::Window { kernel: other, channels: more, .. },
            ) => (kernel, channels) == (other, more),
            _ => false,
        };
        cut && self.planes == other.planes && beats(a) == beats(b)
    }

    /// The unit that has room for the frames of both.
    fn join(&mut self, other: &InputForm) {
        let unit = &mut self.unit;
        unit.kind = match (&unit.kind, &other.unit.kind) {
            (InputKind::Vector { length, words }, InputKind::Vector { length: other, words: more }) => {
                InputKind::Vector { length: *length.max(other), words: *words.max(more) }
            }
            (a, b) => larger_window(a, b),
        };
        unit.beats = unit.beats.max(other.unit.beats);
        self.passes = self.passes.max(other.passes);
    }
}

/// What one layer that has it gives the sums of all layers.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Traits {
    pub row_enable: bool,
    pub signed_counts: bool,
    /// Bit planes that the tree weighs.
    pub planes: usize,
}

impl Traits {
    fn of(design: &Design) -> Traits {
        Traits {
            row_enable: design.row_enable,
            signed_counts: design.signed_counts,
            planes: design.tree.groups,
        }
    }

    fn or(self, other: Traits) -> Traits {
        Traits {
            row_enable: self.row_enable || other.row_enable,
            signed_counts: self.signed_counts || other.signed_counts,
            planes: self.planes.max(other.planes),
        }
    }
}

impl Machine {
    /// The machine for `networks` on `arch` (all validated, at least one).
    ///
    /// Errors: a network that `arch` does not hold, one whose parts cannot be loaded, one whose end is of another form than the
    /// first one's, or more forms of inputs than [`MOST_FORMS`].
    pub fn of(networks: &[Network], arch: &Arch) -> Result<Machine, DesignError> {
        let first = &networks[0];
        for network in networks {
            alike(first, network)?;
        }
        let mut traits = Traits::default();
        let mut programs = Vec::new();
        for network in networks {
            let design = build_with(network, arch, Traits::default())?;
            traits = traits.or(Traits::of(&design));
            programs.push(design);
        }
        for (program, network) in programs.iter_mut().zip(networks) {
            // The tree weighs the planes of an integer, as many as it was made for.
            if network.input.code != InputCode::Bipolar && program.planes != traits.planes {
                let what = format!("an input of {} bits beside one of {}", program.planes, traits.planes);
                return Err(DesignError::NotLoadable { network: program.name.terminal(), what });
            }
            if Traits::of(program) != traits {
                *program = build_with(network, arch, traits)?;
            }
        }
        let capacity = capacity(&programs)?;
        for program in &mut programs {
            program.widths = capacity.widths.clone();
            program.output.stream_bits = capacity.output.stream_bits;
        }
        Ok(Machine { capacity, programs })
    }

    /// The same machine, made for `network` too, which is then its last program.
    ///
    /// Errors: as of [`Machine::of`].
    pub fn with(&self, network: &Network) -> Result<Machine, DesignError> {
        let mut networks: Vec<Network> =
            self.programs.iter().map(|program| program.network.clone()).collect();
        networks.push(network.clone());
        Machine::of(&networks, &self.capacity.arch)
    }
}

/// Whether `network` is of a form that can be loaded, and leaves as `first` does.
fn alike(first: &Network, network: &Network) -> Result<(), DesignError> {
    let refused =
        |what: &str| Err(DesignError::NotLoadable { network: network.name.terminal(), what: what.into() });
    let layers = &network.layers;
    if layers.iter().any(|layer| layer.flips.is_some()) {
        return refused("weights that are drawn");
    }
    if layers.iter().any(|layer| layer.planes.len() > 1 || layer.planes[0].scale > 1) {
        return refused("several planes of weights, or a scale");
    }
    if layers.iter().any(|layer| layer.steps() > 1) {
        return refused("activations of several levels");
    }
    if layers.iter().any(|layer| layer.requant.is_some() || layer.shortcut.adds) {
        return refused("states or shortcuts");
    }
    if !network.is_sequence() {
        return refused("a branch");
    }
    if layers.len() < 2 {
        return refused("a single layer");
    }
    let scores =
        |network: &Network| network.layers.last().is_some_and(|last| last.activation == Activation::Scores);
    if scores(first) != scores(network) {
        return refused("another end (scores, bits) than the machine's first network");
    }
    Ok(())
}

/// One design that holds all of `programs`.
fn capacity(programs: &[Design]) -> Result<Design, DesignError> {
    let most = |of: &dyn Fn(&Design) -> usize| programs.iter().map(of).max().unwrap_or(0);
    let mut whole = programs[0].clone();
    whole.name = whole.arch.name.as_str().into();
    let inputs = forms(programs)?;
    whole.input.stream_bits = inputs.iter().map(|form| form.unit.stream_bits).max().unwrap_or(0);
    whole.planes = most(&|design| design.planes);
    whole.row_planes = most(&|design| design.row_planes);
    whole.plane_rows = programs.iter().map(|design| design.plane_rows).min().unwrap_or(0);
    whole.capacity =
        Some(Capacity { layers: most(&|design| design.layers.len()), groups: most(&Design::groups), inputs });
    let shift = |design: &Design| design.layers.last().map(|last| last.score_shift);
    for other in &programs[1..] {
        if shift(other) != shift(&programs[0]) {
            let what = "scores of another unit than the machine's first network".into();
            return Err(DesignError::NotLoadable { network: other.name.terminal(), what });
        }
        whole.output = joined_output(&whole.output, &other.output);
        whole.widths = joined_widths(&whole.widths, &other.widths);
        whole.layers.extend(other.layers.iter().cloned());
        whole.network.layers.extend(other.network.layers.iter().cloned());
        whole.plane_cycles[0].layers.extend(&other.plane_cycles[0].layers);
        whole.cycles = whole.cycles.max(other.cycles);
        whole.thresholds.resize(whole.thresholds.len().max(other.thresholds.len()), Vec::new());
    }
    whole.thresholds.iter_mut().for_each(|entry| entry.clear());
    whole.weights = BitMatrix::zeros(most(&|design| design.weights.rows()), whole.weights.columns());
    whole.map_depth = most(&|design| design.map_depth);
    whole.accumulator_depth = most(&|design| design.accumulator_depth);
    Ok(whole)
}

fn joined_widths(a: &Widths, b: &Widths) -> Widths {
    Widths {
        count: a.count.max(b.count),
        accumulator: a.accumulator.max(b.accumulator),
        total: a.total.max(b.total),
        threshold: a.threshold.max(b.threshold),
        score: a.score.max(b.score),
        map_address: a.map_address.max(b.map_address),
        bank: a.bank.max(b.bank),
        weight_address: a.weight_address.max(b.weight_address),
        threshold_address: a.threshold_address.max(b.threshold_address),
        accumulator_address: a.accumulator_address.max(b.accumulator_address),
        layer: a.layer.max(b.layer),
        coordinate: a.coordinate.max(b.coordinate),
    }
}

/// Room for the scores of both: the most classes, groups and pixels.
fn joined_output(a: &OutputUnit, b: &OutputUnit) -> OutputUnit {
    let classes = (a.scores / a.pixels).max(b.scores / b.pixels);
    let pixels = a.pixels.max(b.pixels);
    OutputUnit {
        scores: classes * pixels,
        groups: a.groups.max(b.groups),
        pixels,
        stream_bits: a.stream_bits.max(b.stream_bits),
    }
}

/// The forms in which the frames of `programs` come in.
fn forms(programs: &[Design]) -> Result<Vec<InputForm>, DesignError> {
    let mut forms: Vec<InputForm> = Vec::new();
    for program in programs {
        let own = InputForm::of(program);
        match forms.iter().position(|form| form.takes(&own)) {
            Some(place) => forms[place].join(&own),
            None if forms.len() < MOST_FORMS => forms.push(own),
            None => {
                let what = format!("a first layer of another form than the {MOST_FORMS} that there are");
                return Err(DesignError::NotLoadable { network: program.name.terminal(), what });
            }
        }
    }
    Ok(forms)
}

/// The window that has the rows, columns and padding of both, which have the same kernel and channels.
fn larger_window(a: &InputKind, b: &InputKind) -> InputKind {
    let larger = |a: (usize, usize), b: (usize, usize)| (a.0.max(b.0), a.1.max(b.1));
    match (a, b) {
        (
            &InputKind::Window {
                kernel,
                stride,
                channels,
                padded,
                before,
                map,
                pad_code,
                columns,
                depth,
                word_bits,
                taps_per_pass,
            },
            &InputKind::Window {
                stride: stride_b,
                padded: padded_b,
                before: before_b,
                map: map_b,
                columns: columns_b,
                depth: depth_b,
                ..
            },
        ) => {
            let after = |padded: (usize, usize), before: (usize, usize), map: (usize, usize)| {
                (padded.0 - before.0 - map.0, padded.1 - before.1 - map.1)
            };
            // Padding that one of them has is there: only whether it is counts behind the map.
            let behind = larger(after(padded, before, map), after(padded_b, before_b, map_b));
            let (before, map) = (larger(before, before_b), larger(map, map_b));
            InputKind::Window {
                kernel,
                stride: larger(stride, stride_b),
                channels,
                padded: (before.0 + map.0 + behind.0, before.1 + map.1 + behind.1),
                before,
                map,
                pad_code,
                columns: columns.max(columns_b),
                depth: depth.max(depth_b),
                word_bits,
                taps_per_pass,
            }
        }
        (a, _) => a.clone(),
    }
}
