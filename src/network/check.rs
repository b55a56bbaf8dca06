//! The invariants of a network, checked after reading and by every generator of random networks.

use super::{Activation, InputCode, Network, Shape};

/// One broken invariant: the layer's name and what is wrong.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("layer '{layer}': {what}")]
pub struct Problem {
    pub layer: String,
    pub what: String,
}

/// All broken invariants of `network`; empty when it is sound.
pub fn validate(network: &Network) -> Vec<Problem> {
    let mut problems = Vec::new();
    let mut expected = network.input.shape;
    if network.layers.is_empty() {
        problems.push(Problem { layer: network.name.clone(), what: "the network has no layer".into() });
    }
    if network.input.pixel_values.len() != 256 {
        problems.push(Problem {
            layer: network.input.name.clone(),
            what: "the pixel table needs 256 entries".into(),
        });
    }
    let last = network.layers.len().saturating_sub(1);
    for (index, layer) in network.layers.iter().enumerate() {
        let mut say = |what: String| problems.push(Problem { layer: layer.name.clone(), what });
        if layer.input != expected {
            say(format!("reads {} but the map before it is {expected}", layer.input));
        }
        expected = layer.output;
        if [layer.kernel.0, layer.kernel.1, layer.stride.0, layer.stride.1, layer.conv.elements()]
            .contains(&0)
        {
            say("kernel, stride and output size must be at least 1".into());
            continue;
        }
        let size = |n: usize, before: usize, after: usize, k: usize, s: usize| {
            (n + before + after).checked_sub(k).map(|free| free / s + 1)
        };
        let (p, (kh, kw), (sh, sw)) = (layer.padding, layer.kernel, layer.stride);
        let conv =
            (size(layer.input.h, p.top, p.bottom, kh, sh), size(layer.input.w, p.left, p.right, kw, sw));
        if conv != (Some(layer.conv.h), Some(layer.conv.w)) {
            say(format!("convolution output {} does not follow from its geometry", layer.conv));
        }
        if p.top.max(p.bottom) >= kh || p.left.max(p.right) >= kw {
            say("padding must be smaller than the kernel".into());
        }
        if (layer.weights.rows(), layer.weights.columns()) != (layer.conv.c, layer.fan_in()) {
            say(format!(
                "weights are {}x{} where {}x{} are needed",
                layer.weights.rows(),
                layer.weights.columns(),
                layer.conv.c,
                layer.fan_in()
            ));
        }
        let output = match (layer.sum_pixels, layer.pool) {
            (true, Some(_)) => {
                say("max pooling and the sum over pixels cannot both follow one layer".into());
                layer.output
            }
            (true, None) => Shape::vector(layer.conv.c),
            (false, None) => layer.conv,
            (false, Some(pool)) => Shape {
                c: layer.conv.c,
                h: size(layer.conv.h, 0, 0, pool.kernel.0, pool.stride.0.max(1)).unwrap_or(0),
                w: size(layer.conv.w, 0, 0, pool.kernel.1, pool.stride.1.max(1)).unwrap_or(0),
            },
        };
        if output != layer.output || output.elements() == 0 {
            say(format!("output {} does not follow from its geometry ({output})", layer.output));
        }
        match &layer.activation {
            Activation::Scores if index != last => say("only the last layer may give raw scores".into()),
            Activation::Scores if layer.pool.is_some() => say("raw scores cannot be max-pooled".into()),
            Activation::Scores => {}
            Activation::Sign { threshold, flip } => {
                if threshold.len() != layer.conv.c || flip.len() != layer.conv.c {
                    say(format!("needs {} thresholds and flips", layer.conv.c));
                }
            }
        }
    }
    if let InputCode::Unsigned { bits } | InputCode::Signed { bits } = network.input.code
        && !(1..=8).contains(&bits)
    {
        problems.push(Problem {
            layer: network.input.name.clone(),
            what: format!("{bits}-bit input (1 to 8 are supported)"),
        });
    }
    problems
}
