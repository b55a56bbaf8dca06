//! Functional coverage: the situations that the harness sought, how often a run met them, and which never.

use super::Shard;
use crate::report::thousands;
use serde_json::{Value, json};

/// Situations and how often all shards together met them, in the harness's order.
pub(super) fn sum(shards: &[Shard]) -> Vec<(String, u64)> {
    let mut all: Vec<(String, u64)> = Vec::new();
    for (name, count) in shards.iter().flat_map(|shard| &shard.coverage) {
        match all.iter_mut().find(|(known, _)| known == name) {
            Some((_, sum)) => *sum += count,
            None => all.push((name.clone(), *count)),
        }
    }
    all
}

/// The block of the summary: how many situations were met, the rarest of them, and those never met.
pub(super) fn lines(shards: &[Shard]) -> Vec<String> {
    let all = sum(shards);
    let never: Vec<&str> = all.iter().filter(|(_, count)| *count == 0).map(|(name, _)| &name[..]).collect();
    let mut met: Vec<&(String, u64)> = all.iter().filter(|(_, count)| *count > 0).collect();
    met.sort_by_key(|(_, count)| *count);
    let rarest: Vec<String> =
        met.iter().take(3).map(|(name, count)| format!("{name} ({})", thousands(*count))).collect();
    let mut lines = vec![format!("  {} of {} situations met", met.len(), all.len())];
    if !rarest.is_empty() {
        lines[0] += &format!("; the rarest: {}", rarest.join(", "));
    }
    lines.extend(never.iter().map(|name| format!("  never met: {name}")));
    lines
}

/// Counts by situation; 0 where a run never met it.
pub(super) fn json(shards: &[Shard]) -> Value {
    let all = sum(shards).into_iter();
    Value::Object(all.map(|(name, count)| (name, json!(count))).collect())
}
