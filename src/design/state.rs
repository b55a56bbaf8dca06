//! What becomes of a layer's sums between the accumulators and the thresholds: sums of fixed point, and shortcuts.

use super::images::Domain;
use super::width;
use crate::network::{Activation, Network, accumulator_range, keeper};

/// Cycles from an accumulator's sum to the one that meets the thresholds, in designs with a [`StateUnit`].
pub const STATE_STAGES: usize = 2;

/// Whether something stands between accumulators and thresholds.
pub(super) fn is_needed(network: &Network) -> bool {
    let added = |index| keeper(&network.layers, index).is_some();
    network.layers.iter().any(|layer| layer.requant.is_some()) || (0..network.layers.len()).any(added)
}

/// The unit that scales sums, adds those that an earlier layer left, and keeps them for a later one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StateUnit {
    /// Entries of its memory: the most pixels x groups of a layer whose sums a later one adds; 0: none.
    pub depth: usize,
    /// Bits of a sum in it, of the same signedness as what meets the thresholds.
    pub bits: usize,
    /// `None`: sums are added as they are.
    pub scales: Option<Scales>,
}

/// The table of what sums are multiplied by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scales {
    /// One entry a group of lanes, entry for entry as the threshold memory's; a layer that is not of fixed point has ones.
    pub entries: Vec<Vec<Scale>>,
    /// Bits of a multiplier, of an offset, and of a layer's shift, which may be 0.
    pub multiplier: usize,
    pub offset: usize,
    pub shift: usize,
    /// Bits of a layer's [`StateFormat::unit`]; 0 where all add what is kept as it is.
    pub unit: usize,
}

/// What a lane's sum is multiplied by, and what is added to the product, before the layer's shift.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Scale {
    pub multiplier: i64,
    pub offset: i64,
}

impl Scale {
    /// What leaves a sum as it is.
    pub const ONE: Scale = Scale { multiplier: 1, offset: 0 };
    /// That of a lane without a channel.
    pub const NONE: Scale = Scale { multiplier: 0, offset: 0 };
}

/// Numbers of fixed point of a layer, behind a shift of products, and of what is kept, by `shift`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
pub struct StateFormat {
    pub bits: u32,
    pub shift: u32,
    /// What one of what is kept counts before the shift; `1 << shift` where the layer adds nothing.
    pub unit: i64,
    /// From 0 to the most that the bits hold; else two's complement.
    pub rectified: bool,
}

impl StateFormat {
    /// What is kept is added as it is.
    pub fn adds_whole(&self) -> bool {
        self.unit == 1 << self.shift
    }
}

/// A state as an activation of several levels: less its low bits and held to fewer, the sign of two's complement turned
/// round, so that the smallest state is level 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
pub struct StateCode {
    /// Bits of the level.
    pub bits: u32,
    /// Bits of the state that are left out.
    pub shift: u32,
    /// States are 0 or more.
    pub rectified: bool,
}

impl StateCode {
    /// The level that `state` is.
    pub fn level(&self, state: i64) -> usize {
        let least = if self.rectified { 0 } else { -(1i64 << (self.bits - 1)) };
        ((state >> self.shift).clamp(least, least + (1 << self.bits) - 1) - least) as usize
    }

    /// What the thresholds of layer `index` make of its state, where all of them together are that; else they are compared
    /// one by one.
    pub(super) fn of(network: &Network, index: usize) -> Option<StateCode> {
        let layer = &network.layers[index];
        let (Some(requant), None, [], Activation::Sign { threshold, flip }) =
            (&layer.requant, layer.pool, &layer.fewer[..], &layer.activation)
        else {
            return None;
        };
        let steps = layer.steps();
        if steps < 3 || !(steps + 1).is_power_of_two() || flip.contains(&true) {
            return None;
        }
        let bits = (steps + 1).ilog2();
        let channels = layer.conv.c;
        let ranges: Vec<(i64, i64)> =
            (0..channels).map(|c| accumulator_range(&network.layers, index, c, network.input.code)).collect();
        // Thresholds that are always or never met may stand anywhere beyond the range.
        let held = |list: &[i32]| -> Vec<i64> {
            let pairs = list.iter().zip(ranges.iter().cycle());
            pairs.map(|(&threshold, &(low, high))| i64::from(threshold).clamp(low, high + 1)).collect()
        };
        let own = held(threshold);
        let code = |shift| StateCode { bits, shift, rectified: requant.rectified };
        (0..=requant.bits.checked_sub(bits)?).map(code).find(|code| {
            match Activation::of_state(channels, (bits, code.shift), code.rectified) {
                Activation::Sign { threshold, .. } => held(&threshold) == own,
                Activation::Scores | Activation::Kept => false,
            }
        })
    }
}

impl Scales {
    /// The table, with a set for each number of planes in `sets`; `None` where no sum becomes a number of fixed point.
    pub(super) fn new(network: &Network, domains: &[Domain], sets: &[usize], lanes: usize) -> Option<Scales> {
        let layers = || network.layers.iter().zip(domains);
        let formats = || layers().filter_map(|(layer, domain)| domain.format(layer));
        let most_shift = formats().map(|format| format.shift).max()?;
        let set =
            |&planes: &usize| layers().flat_map(move |(layer, domain)| domain.scales(layer, planes, lanes));
        let entries: Vec<Vec<Scale>> = sets.iter().flat_map(set).collect();
        let bits = |of: fn(&Scale) -> i64| {
            let values = || entries.iter().flatten().map(of);
            width::signed(values().min().unwrap_or(0), values().max().unwrap_or(0))
        };
        let multiplier = bits(|scale| scale.multiplier);
        let offset = bits(|scale| scale.offset);
        let shift = if most_shift == 0 { 0 } else { width::unsigned(most_shift as usize) };
        let unit = match formats().all(|format| format.adds_whole()) {
            true => 0,
            false => width::unsigned(formats().map(|format| format.unit as usize).max().unwrap_or(0)),
        };
        Some(Scales { entries, multiplier, offset, shift, unit })
    }
}
