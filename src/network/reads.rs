//! What layers read: the input, or a map that a layer before them left.

use super::{Activation, InputCode, Layer, MapCode, Network, PadValue, Padding};

/// The map that a layer reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Reads {
    /// The network's input; the first layer alone.
    Input,
    /// The activations of the layer with this index.
    Map(usize),
    /// Whether each activation of the layer with this index, which has 2^n levels, lies in the upper half of them: a bit,
    /// the first plane of the map. So a layer may read the sign of a state and another one the state.
    Upper(usize),
}

impl Reads {
    /// The map of the layer before layer `index`, or the input.
    pub fn before(index: usize) -> Reads {
        index.checked_sub(1).map_or(Reads::Input, Reads::Map)
    }

    /// The layer whose map it is.
    pub fn layer(self) -> Option<usize> {
        match self {
            Reads::Input => None,
            Reads::Map(layer) | Reads::Upper(layer) => Some(layer),
        }
    }

    /// Lets each of `layers` read the map of the one before.
    pub fn in_sequence(layers: &mut [Layer]) {
        layers.iter_mut().enumerate().for_each(|(index, layer)| layer.reads = Reads::before(index));
    }

    /// The same map where layers have other numbers.
    pub fn renumbered(self, number: impl Fn(usize) -> usize) -> Reads {
        match self {
            Reads::Input => Reads::Input,
            Reads::Map(layer) => Reads::Map(number(layer)),
            Reads::Upper(layer) => Reads::Upper(number(layer)),
        }
    }
}

impl Network {
    /// Each layer reads the map of the one before.
    pub fn is_sequence(&self) -> bool {
        self.layers.iter().enumerate().all(|(index, layer)| layer.reads == Reads::before(index))
    }

    /// The layers that read the map of layer `index`.
    pub fn readers(&self, index: usize) -> impl Iterator<Item = &Layer> {
        self.layers.iter().filter(move |layer| layer.reads.layer() == Some(index))
    }
}

/// Coding of the map that layer `index` reads.
pub(super) fn code_of(layers: &[Layer], index: usize, input: InputCode) -> MapCode {
    match layers[index].reads {
        Reads::Input => MapCode::Input(input),
        Reads::Map(from) => MapCode::Activation { steps: layers[from].steps() },
        Reads::Upper(_) => MapCode::Activation { steps: 1 },
    }
}

/// What is wrong with what layer `index` reads.
pub(super) fn check(network: &Network, index: usize, say: &mut impl FnMut(String)) {
    let layer = &network.layers[index];
    let shape = match layer.reads.layer() {
        None if index == 0 => network.input.shape,
        None => return say("reads the input, which the first layer alone does".into()),
        Some(from) if from >= index => return say("reads the map of a layer that is not before it".into()),
        Some(from) => network.layers[from].output,
    };
    if layer.input != shape {
        say(format!("reads {} but the map is {shape}", layer.input));
    }
    let Some(from) = layer.reads.layer() else { return };
    let source = &network.layers[from];
    if !matches!(source.activation, Activation::Sign { .. }) {
        say(format!("reads a map of '{}', which gives none", source.name.terminal()));
    }
    if matches!(layer.reads, Reads::Upper(_))
        && !(source.steps() > 1 && (source.steps() + 1).is_power_of_two())
    {
        say("reads the upper half of levels whose number is no power of two".into());
    }
    let otherwise = |other: &&Layer| pad(layer).is_some() && pad(other).is_some() && pad(other) != pad(layer);
    if let Some(other) = network.readers(from).find(otherwise) {
        let other = other.name.terminal();
        say(format!("pads a map otherwise than '{other}' does, which reads it, too"));
    }
}

/// What a layer reads outside its map, where it does.
fn pad(layer: &Layer) -> Option<PadValue> {
    (!layer.padding.is_none()).then_some(layer.padding.value)
}

/// The kernel (rows, columns) whose windows a map lies in memory for: of the layers that read it, that of the most taps;
/// none where nobody reads it.
pub fn widest_kernel(network: &Network, index: usize) -> Option<(usize, usize)> {
    let kernels = network.readers(index).map(|layer| layer.kernel);
    kernels.max_by_key(|kernel| kernel.0 * kernel.1)
}

/// Padding (top, left, bottom, right) that holds that of all layers which read the map of layer `index`, and its value.
pub fn widest_padding(network: &Network, index: usize) -> Padding {
    let padded = network.readers(index).map(|layer| layer.padding).filter(|padding| !padding.is_none());
    padded.fold(Padding::NONE, |wide, own| Padding {
        top: wide.top.max(own.top),
        left: wide.left.max(own.left),
        bottom: wide.bottom.max(own.bottom),
        right: wide.right.max(own.right),
        value: own.value,
    })
}
