//! How often the states of a network were beyond their bits.

use crate::network::{Layer, Network};
use crate::report::thousands;

/// The states of one layer over a data set. The fields are keys of `--json`.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct Saturated {
    /// Index and name of the layer.
    pub layer: usize,
    pub name: String,
    pub bits: u32,
    /// States of all images, and how many of them were held to the ends of their range.
    pub values: u64,
    pub saturated: u64,
}

/// One entry a layer that has a state; `counts`: of each layer, over `images` images.
pub fn of(network: &Network, counts: &[u64], images: usize) -> Vec<Saturated> {
    let layers = network.layers.iter().zip(counts).enumerate();
    let state = |(layer, (source, &saturated)): (usize, (&Layer, &u64))| {
        let bits = source.requant.as_ref()?.bits;
        let values = (source.conv.elements() * images) as u64;
        Some(Saturated { layer, name: source.name.terminal(), bits, values, saturated })
    };
    layers.filter_map(state).collect()
}

/// A line a layer whose states were held back.
pub fn told(all: &[Saturated]) -> String {
    if all.is_empty() {
        return String::new();
    }
    let held: Vec<&Saturated> = all.iter().filter(|one| one.saturated > 0).collect();
    if held.is_empty() {
        return "  no state was beyond its bits\n".into();
    }
    let line = |one: &&Saturated| {
        let share = 100.0 * one.saturated as f64 / one.values as f64;
        let (saturated, values) = (thousands(one.saturated), thousands(one.values));
        let Saturated { layer, name, bits, .. } = one;
        format!(
            "  layer {layer} ('{name}'): {saturated} of {values} states beyond {bits} bits, {share:.2} %\n"
        )
    };
    held.iter().map(line).collect()
}
