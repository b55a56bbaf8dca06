//! Shared by the tests: where the reference files are, and a straight evaluation of a network.
#![allow(dead_code, reason = "each test binary uses its own part")]

pub mod graph;
pub mod residual;
pub mod tools;

use bincim::network::{Activation, Network, PadValue, Reads, Shape};
use harness::Lack;
use std::path::PathBuf;

/// `name` below the reference folder (`../shared`, else `$BINCIM_SHARED`); where it is absent, the test ends as one that
/// did not run.
pub fn shared(name: &str) -> Option<PathBuf> {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    let beside = root.ancestors().skip(1).map(|a| a.join("shared"));
    let named = std::env::var_os("BINCIM_SHARED").map(PathBuf::from);
    let found = beside.chain(named).map(|folder| folder.join(name)).find(|path| path.exists());
    if found.is_none() {
        harness::not_run(
            Lack::File,
            format_args!("the reference file {name} (BINCIM_SHARED may name its folder)"),
        );
    }
    found
}

/// Straight evaluation of the network's definition for one image of pixels (channel, row, column).
/// Returns every layer's accumulators in (channel, row, column) order (summed over pixels where the layer
/// says so) and, last, the values that leave the network.
pub fn evaluate(network: &Network, pixels: &[u8]) -> Vec<Vec<i32>> {
    let image: Vec<i32> = network.input.elements(pixels).into_iter().map(i32::from).collect();
    let mut trace = Vec::new();
    let mut kept: Vec<i32> = Vec::new();
    // What each layer gave, and its largest value.
    let mut maps: Vec<(Vec<i32>, i32)> = Vec::new();
    for layer in &network.layers {
        let (input, conv) = (layer.input, layer.conv);
        let (mut map, largest) = match layer.reads {
            Reads::Input => (image.clone(), 1),
            Reads::Map(from) => maps[from].clone(),
            Reads::Upper(from) => (maps[from].0.iter().map(|value| value.signum()).collect(), 1),
        };
        assert_eq!(map.len(), input.elements());
        let outside = match layer.padding.value {
            PadValue::Zero => 0,
            PadValue::Plus => largest,
            PadValue::Minus => -largest,
        };
        let mut acc = Vec::with_capacity(conv.elements());
        for o in 0..conv.c {
            for y in 0..conv.h {
                for x in 0..conv.w {
                    let mut sum = 0;
                    for column in 0..layer.fan_in() {
                        let (c, tap) = (column % input.c, column / input.c);
                        let row = y * layer.stride.0 + tap / layer.kernel.1;
                        let col = x * layer.stride.1 + tap % layer.kernel.1;
                        let row = row.checked_sub(layer.padding.top).filter(|&r| r < input.h);
                        let col = col.checked_sub(layer.padding.left).filter(|&c| c < input.w);
                        let value = match (row, col) {
                            (Some(r), Some(k)) => map[(c * input.h + r) * input.w + k],
                            _ => outside,
                        };
                        sum += layer.weight(o, column) * value;
                    }
                    acc.push(sum);
                }
            }
        }
        let mut shape = conv;
        if layer.sum_pixels {
            acc = acc.chunks(conv.pixels()).map(|pixels| pixels.iter().sum()).collect();
            shape = Shape::vector(conv.c);
        }
        if let Some(requant) = &layer.requant {
            let pixels = shape.pixels();
            let state = |(index, &sum): (usize, &i32)| {
                let own = index.checked_sub(layer.shortcut.first * pixels).and_then(|at| kept.get(at));
                let kept = own.filter(|_| layer.shortcut.adds).map_or(0.0, |&kept| f64::from(kept));
                let c = index / pixels;
                // Below 2^53 in size: exact.
                let product = f64::from(requant.multiplier[c]) * f64::from(sum);
                let exact = product + requant.offset[c] as f64 + requant.unit as f64 * kept;
                let floor = (exact / f64::from(1u32 << requant.shift)).floor();
                let most = f64::from(1u32 << requant.bits);
                let least = if requant.rectified { 0.0 } else { -most / 2.0 };
                floor.max(least).min(least + most - 1.0) as i32
            };
            acc = acc.iter().enumerate().map(state).collect();
        } else if layer.shortcut.adds {
            acc.iter_mut().zip(&kept).for_each(|(sum, kept)| *sum += kept);
        }
        trace.push(acc.clone());
        map = acc;
        if let Some(pool) = layer.pool.filter(|p| p.before_sign) {
            map = max_pool(&map, shape, layer.output, pool.kernel, pool.stride);
            shape = layer.output;
        }
        if layer.shortcut.keeps {
            let (rows, columns) = layer.shortcut.stride;
            kept.clear();
            for (index, &sum) in map.iter().enumerate() {
                if index / shape.w % shape.h % rows == 0 && index % shape.w % columns == 0 {
                    kept.push(sum);
                }
            }
        }
        if let Activation::Sign { threshold, flip } = &layer.activation {
            for (index, value) in map.iter_mut().enumerate() {
                let c = index / shape.pixels();
                let of_channel = threshold.iter().skip(c).step_by(conv.c);
                *value = of_channel.map(|&t| if (*value >= t) ^ flip[c] { 1 } else { -1 }).sum();
            }
        }
        if let Some(pool) = layer.pool.filter(|p| !p.before_sign) {
            map = max_pool(&map, shape, layer.output, pool.kernel, pool.stride);
        }
        maps.push((map, layer.steps() as i32));
    }
    trace.extend(maps.pop().map(|(map, _)| map));
    trace
}

fn max_pool(map: &[i32], from: Shape, to: Shape, kernel: (usize, usize), stride: (usize, usize)) -> Vec<i32> {
    (0..to.elements())
        .map(|index| {
            let (c, y, x) = (index / to.pixels(), index / to.w % to.h, index % to.w);
            (0..kernel.0 * kernel.1)
                .map(|k| {
                    let (row, col) = (y * stride.0 + k / kernel.1, x * stride.1 + k % kernel.1);
                    map[(c * from.h + row) * from.w + col]
                })
                .max()
                .expect("a window has pixels")
        })
        .collect()
}
