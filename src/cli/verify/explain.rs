//! What stands behind a result bit: the golden sums, the threshold and the flip.

use super::cosim::Mismatch;
use crate::design::Design;
use crate::golden::machine::MachineTrace;
use crate::variation::Chip;

/// The golden sums that decide the bit of a mismatch, with threshold and flip, as a sentence; `trace` is the golden
/// run of the mismatch's image with `planes` planes. `None` for other kinds, or where that run gives another bit than
/// was expected: the frame then was not this image.
pub fn bit(
    design: &Design,
    chip: Option<&Chip>,
    planes: usize,
    trace: &MachineTrace,
    m: &Mismatch,
) -> Option<String> {
    if m.kind != "bit" {
        return None;
    }
    let index = usize::try_from(m.layer).ok()?;
    let (group, lane) = (usize::try_from(m.group).ok()?, usize::try_from(m.lane).ok()?);
    let layer = design.layers.get(index)?;
    let window = if layer.sum_pixels { 1 } else { layer.walk.window.0 * layer.walk.window.1 };
    let pixel = match (usize::try_from(m.row), usize::try_from(m.column)) {
        (Ok(row), Ok(column)) => row * layer.walk.pooled.1 + column,
        _ => 0,
    };
    let vectors = if layer.sum_pixels { 1 } else { layer.vectors };
    let first_vector = group * vectors + pixel * window;
    // The runs of a frame's samples stand one behind the other.
    let golden = trace.layers.get(design.run_of(index, usize::try_from(m.sample).unwrap_or(0)))?;
    let sums: Vec<i64> = (first_vector..first_vector + window)
        .map(|vector| golden.sums.get(vector * design.lanes + lane).copied())
        .collect::<Option<_>>()?;
    let entry = design.threshold_base(index, planes) + group;
    let threshold = *design.thresholds.get(entry)?.get(lane)?;
    let value = chip.and_then(|chip| chip.threshold(entry, lane)).unwrap_or(threshold.value);
    let (before, after) = match (threshold.flip, layer.flip_after_pool) {
        (false, _) => (false, false),
        (true, pooled) => (!pooled, pooled),
    };
    let decided = sums.iter().any(|&sum| (sum >= value) ^ before) ^ after;
    if i64::from(decided) != m.expected {
        return None;
    }
    let shown: Vec<String> = sums.iter().map(i64::to_string).collect();
    let rule = match (before, after) {
        (true, _) => "flipped",
        (_, true) => "flipped behind the pooling",
        _ => "not flipped",
    };
    Some(format!(
        "golden sum{} {}, threshold {value}, {rule}: bit {}",
        if sums.len() == 1 { "" } else { "s" },
        shown.join(" "),
        m.expected
    ))
}
