//! A trainer between two epochs as bytes: everything that the rest of the training depends on.
//!
//! Layout: magic, length of a JSON head, the head (plan, steps, history), every trained list with Adam's
//! moments and the measured statistics as little-endian f32, and the SHA-256 of all before it. What is cut
//! short, changed, or of another plan is refused; nothing is ever guessed.

use super::arrays::Arrays;
use super::norm::Statistics;
use super::trainer::{EpochRecord, Trainer};
use crate::device::Physics;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

const MAGIC: &[u8; 16] = b"bincim-train-1\r\n";
const DIGEST: usize = 32;

/// Why bytes are no checkpoint for this training.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CheckpointError {
    #[error("it is no checkpoint of `bincim train`")]
    Foreign,
    #[error("it is cut short or damaged")]
    Damaged,
    #[error("it belongs to another training:\n{0}")]
    Other(String),
}

#[derive(Serialize, Deserialize)]
struct Head {
    /// The plan and what it is trained on, a line each.
    plan: Vec<String>,
    steps: u64,
    history: Vec<EpochRecord>,
}

/// The bytes of `trainer`; `data` says what it is trained on.
pub fn save(trainer: &Trainer, data: &str) -> Vec<u8> {
    let head =
        Head { plan: described(trainer, data), steps: trainer.steps, history: trainer.history.clone() };
    let head = serde_json::to_vec(&head).expect("a head holds plain values");
    let mut bytes = MAGIC.to_vec();
    bytes.extend((head.len() as u64).to_le_bytes());
    bytes.extend(head);
    let mut trainer = trainer.clone();
    for list in lists(&mut trainer) {
        bytes.extend(list.iter().flat_map(|value| value.to_le_bytes()));
    }
    let digest = Sha256::digest(&bytes);
    bytes.extend(digest);
    bytes
}

/// The trainer that `fresh` became, as `bytes` hold it; `fresh` has made no step.
///
/// # Errors
/// Bytes that are no checkpoint, are damaged, or belong to another plan or other data.
pub fn load(fresh: Trainer, data: &str, bytes: &[u8]) -> Result<Trainer, CheckpointError> {
    let body = bytes.strip_prefix(MAGIC).ok_or(CheckpointError::Foreign)?;
    let damaged = || CheckpointError::Damaged;
    let (content, digest) = bytes.split_at_checked(bytes.len().saturating_sub(DIGEST)).ok_or_else(damaged)?;
    if Sha256::digest(content)[..] != *digest {
        return Err(damaged());
    }
    let body = &body[..body.len().checked_sub(DIGEST).ok_or_else(damaged)?];
    let (length, body) = body.split_first_chunk::<8>().ok_or_else(damaged)?;
    let length = usize::try_from(u64::from_le_bytes(*length)).map_err(|_| damaged())?;
    let (head, mut numbers) = body.split_at_checked(length).ok_or_else(damaged)?;
    let head: Head = serde_json::from_slice(head).map_err(|_| damaged())?;
    let here = described(&fresh, data);
    let there: Vec<String> = head.plan.iter().map(|line| with_all_keys(line)).collect();
    if there != here {
        return Err(CheckpointError::Other(difference(&there, &here)));
    }
    let epochs = head.history.len();
    let in_order = head.history.iter().zip(1..).all(|(record, epoch)| record.epoch == epoch);
    let whole = if epochs == 0 { head.steps == 0 } else { head.steps.is_multiple_of(epochs as u64) };
    if epochs > fresh.plan.train.epochs || !in_order || !whole {
        return Err(damaged());
    }
    let mut trainer = fresh;
    (trainer.steps, trainer.history) = (head.steps, head.history);
    for list in lists(&mut trainer) {
        let (own, rest) = numbers.split_at_checked(4 * list.len()).ok_or_else(damaged)?;
        for (value, bytes) in list.iter_mut().zip(own.as_chunks::<4>().0) {
            *value = f32::from_le_bytes(*bytes);
        }
        if !list.iter().all(|value| value.is_finite()) {
            return Err(damaged());
        }
        numbers = rest;
    }
    if numbers.is_empty() { Ok(trainer) } else { Err(damaged()) }
}

/// Everything that training depends on, in words.
fn described(trainer: &Trainer, data: &str) -> Vec<String> {
    let plan = &trainer.plan;
    let mut lines = vec![
        format!("data: {data}"),
        format!("input: {} as {:?}", plan.input, plan.code),
        // Checkpoints from before there was a choice say nothing of it.
        format!("train: {:?}", plan.train).replace(", products: F32", ""),
        format!("augment: {:?}", plan.augment),
        format!("supports: {:?}", plan.supports),
        format!("start: {}", trainer.started.as_deref().unwrap_or("random weights")),
        format!("arrays: {}", trainer.arrays.as_ref().map_or("none".into(), Arrays::described)),
    ];
    lines.extend(plan.layers.iter().map(|layer| format!("layer: {layer:?}")));
    // Checkpoints from before there were such weights say nothing of them.
    lines.extend(plan.bayes.iter().map(|bayes| format!("bayes: {bayes:?}")));
    lines
}

/// A line of [`described`] with every key that physics has today: those that came later stand where they change nothing.
fn with_all_keys(line: &str) -> String {
    let parts = line.split_once(" arrays, ").filter(|_| line.starts_with("arrays: "));
    match parts.map(|(arrays, physics)| (arrays, toml::from_str::<Physics>(physics))) {
        Some((arrays, Ok(physics))) => format!("{arrays} arrays, {}", physics.to_toml()),
        _ => line.into(),
    }
}

/// The first field, which names the record, and those in which two records, written as one line each, differ; both lines
/// whole where their fields are not the same.
fn differing_fields(there: &str, here: &str) -> (String, String) {
    let (a, b): (Vec<&str>, Vec<&str>) = (there.split(", ").collect(), here.split(", ").collect());
    if a.len() != b.len() {
        return (there.into(), here.into());
    }
    let named =
        a.into_iter().zip(b).enumerate().filter(|(field, (there, here))| *field == 0 || there != here);
    let (a, b): (Vec<&str>, Vec<&str>) = named.map(|(_, pair)| pair).unzip();
    (a.join(", "), b.join(", "))
}

fn difference(there: &[String], here: &[String]) -> String {
    let pairs = there.iter().zip(here).find(|(there, here)| there != here);
    match pairs {
        Some((there, here)) => {
            let (there, here) = differing_fields(there, here);
            format!("  there: {there}\n  here:  {here}")
        }
        None => {
            let rest = |lines: &[String], other: &[String]| {
                lines.get(other.len()).cloned().unwrap_or_else(|| "no more layers, and no [bayes]".into())
            };
            format!("  there: {}\n  here:  {}", rest(there, here), rest(here, there))
        }
    }
}

/// Every list of numbers, in a fixed order.
fn lists(trainer: &mut Trainer) -> impl Iterator<Item = &mut Vec<f32>> {
    trainer.model.layers.iter_mut().flat_map(|layer| {
        let mut made: Vec<&mut Vec<f32>> = Vec::new();
        for parameter in [&mut layer.weights, &mut layer.gamma, &mut layer.beta] {
            made.extend([&mut parameter.value, &mut parameter.first, &mut parameter.second]);
        }
        made.extend([&mut layer.measured.mean, &mut layer.measured.variance]);
        for normal in &mut layer.fewer {
            let Statistics { mean, variance } = &mut normal.statistics;
            made.extend([&mut normal.gamma, &mut normal.beta, mean, variance]);
        }
        for support in &mut layer.supports {
            for parameter in [&mut support.weights, &mut support.scale] {
                made.extend([&mut parameter.value, &mut parameter.first, &mut parameter.second]);
            }
            made.push(&mut support.kept);
        }
        made
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a program without some keys of physics wrote is the same training; another value of one is not.
    #[test]
    fn keys_that_came_later_make_no_other_training() {
        let physics = Physics::default();
        let here = format!("arrays: 12ab arrays, {}", physics.to_toml());
        assert!(here.contains("[drift]\n"), "{here}");
        let start = here.find("[drift]\n").unwrap();
        let end = here[start + 1..].find("\n[").map_or(here.len(), |at| start + 1 + at + 1);
        let older = format!("{}{}", &here[..start], &here[end..]);
        assert_ne!(older, here);
        assert_eq!(with_all_keys(&older), here);
        let other = older.replace("arrays: 12ab", "arrays: 34cd");
        assert_ne!(with_all_keys(&other), here);
        assert_eq!(with_all_keys("data: x arrays, [drift]"), "data: x arrays, [drift]");
    }
}
