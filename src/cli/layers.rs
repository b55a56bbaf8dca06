//! What `check` says of a network's layers beside its table.

use crate::app::check::slices;
use crate::design::{Design, LayerDesign};
use crate::network::{Layer, Network, Plane, Reads, Requant, keeper};
use crate::report::thousands;

/// Lines on the layers; of layers of which the same is to be said, one.
pub fn notes(network: &Network, design: &Design) -> Vec<String> {
    let pairs = || network.layers.iter().zip(&design.layers).enumerate();
    let own = pairs().map(|(index, (layer, program))| (index, drawn(layer), levels(network, index, program)));
    let own = own.flat_map(|(index, drawn, levels)| [drawn, levels].map(|note| (index, note)));
    let weights = pairs().flat_map(|(index, (layer, program))| {
        let sliced = slices(&design.network.layers[index]);
        [
            (index, weights(layer, program, design)),
            (index, sliced.map(|slices| format!("in cells of several levels, {slices}"))),
        ]
    });
    let mut lines = grouped(own);
    lines.extend(grouped(weights));
    lines.extend(grouped((0..network.layers.len()).map(|index| (index, reads(network, index)))));
    lines.extend(grouped((0..network.layers.len()).map(|index| (index, state(network, index)))));
    lines
}

/// A line for each note, with the layers of which it is said, in the order of the first of them.
fn grouped(notes: impl Iterator<Item = (usize, Option<String>)>) -> Vec<String> {
    let mut groups: Vec<(String, Vec<usize>)> = Vec::new();
    for (index, note) in notes.filter_map(|(index, note)| Some((index, note?))) {
        match groups.iter_mut().find(|(known, _)| *known == note) {
            Some((_, layers)) => layers.push(index),
            None => groups.push((note, vec![index])),
        }
    }
    groups.into_iter().map(|(note, layers)| format!("  {}: {note}", numbers(&layers))).collect()
}

/// "layer 3", "layers 0 to 4, 7".
fn numbers(layers: &[usize]) -> String {
    let runs = layers.chunk_by(|one, next| one + 1 == *next).map(|run| match run {
        [one] => one.to_string(),
        [one, next] => format!("{one}, {next}"),
        run => format!("{} to {}", run[0], run[run.len() - 1]),
    });
    let noun = if layers.len() == 1 { "layer" } else { "layers" };
    format!("{noun} {}", runs.collect::<Vec<String>>().join(", "))
}

fn drawn(layer: &Layer) -> Option<String> {
    let flips = layer.flips.as_ref()?;
    Some(format!(
        "weights are drawn by {} bits, {} of {} can flip",
        flips.bits,
        thousands(flips.codes.iter().filter(|code| **code > 0).count() as u64),
        thousands(flips.codes.len() as u64)
    ))
}

fn levels(network: &Network, index: usize, program: &LayerDesign) -> Option<String> {
    let steps = network.layers[index].steps();
    if steps == 1 {
        return None;
    }
    // On analog arrays a level is a channel for each of its thresholds.
    let read = match program.code.first().map_or(1, Vec::len) {
        1 => format!("as {steps} channels each"),
        _ => {
            let scales = crate::network::plane_scales(steps);
            let scales: Vec<String> = scales.iter().map(usize::to_string).collect();
            format!("in {} planes of bits of scale {}", scales.len(), scales.join(", "))
        }
    };
    Some(format!("activations of {} levels, read {read}", steps + 1))
}

fn weights(layer: &Layer, program: &LayerDesign, design: &Design) -> Option<String> {
    let scales = planes(layer)?;
    let run = match program.planes.len() {
        all if all == layer.planes.len() => String::new(),
        _ if design.arch.cell_bits > 1 => String::new(),
        run => format!("; only the first {run} built (planes.layers)"),
    };
    Some(format!("planes of weights of scale {scales}{run}"))
}

/// The map that a layer reads, where it is not that of the layer before.
fn reads(network: &Network, index: usize) -> Option<String> {
    let layer = &network.layers[index];
    let name = |from: usize| network.layers[from].name.terminal();
    match layer.reads {
        Reads::Upper(from) => {
            Some(format!("reads whether the levels of '{}' lie in their upper half", name(from)))
        }
        Reads::Map(from) if from + 1 < index => Some(format!("reads the map of '{}'", name(from))),
        Reads::Map(_) | Reads::Input => None,
    }
}

/// What becomes of a layer's sums before they are compared.
fn state(network: &Network, index: usize) -> Option<String> {
    let layer = &network.layers[index];
    let kept = keeper(&network.layers, index).map(|kept| part(&network.layers[kept]));
    let form = |requant: &Requant| match requant.rectified {
        true => format!("{} bits from 0 on", requant.bits),
        false => format!("{} bits", requant.bits),
    };
    match (kept, &layer.requant) {
        (Some(kept), None) => Some(format!("the sums of {kept} are added")),
        (Some(kept), Some(requant)) => {
            Some(format!("a state of {}, to which that of {kept} is added", form(requant)))
        }
        (None, Some(requant)) => Some(format!("a state of {}", form(requant))),
        (None, None) => None,
    }
}

/// Scales of a layer's planes, and how much of it masks leave out; nothing for a binary layer.
fn planes(layer: &Layer) -> Option<String> {
    if layer.planes.len() == 1 {
        return None;
    }
    let share = |kept: &[bool]| kept.iter().filter(|kept| **kept).count() as f64 / kept.len() as f64;
    let plane = |plane: &Plane| match &plane.mask {
        None => plane.scale.to_string(),
        Some(mask) => {
            format!("{} ({:.0} % kept)", plane.scale, 100.0 * share(&mask.taps) * share(&mask.channels))
        }
    };
    Some(layer.planes.iter().map(plane).collect::<Vec<String>>().join(", "))
}

/// The layer whose sums are kept, and which of its pixels.
fn part(layer: &Layer) -> String {
    let name = layer.name.terminal();
    match layer.shortcut.stride {
        (1, 1) => format!("'{name}'"),
        (rows, columns) => format!("'{name}' (one row in {rows}, one column in {columns})"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn layers_of_which_the_same_is_said_share_a_line() {
        let notes = ["a", "a", "a", "b", "a", "", "b"].into_iter().enumerate();
        let notes = notes.map(|(index, note)| (index, (!note.is_empty()).then(|| note.to_string())));
        assert_eq!(grouped(notes), ["  layers 0 to 2, 4: a", "  layers 3, 6: b"]);
        assert_eq!(numbers(&[5]), "layer 5");
    }
}
