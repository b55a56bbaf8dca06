//! What several verbs read first: the network, the machine for it, the device.

use crate::arch::ArchFile;
use crate::arch::device::{self, Device};
use crate::cost::{self, Choice};
use crate::lower;
use crate::network::Network;
use crate::read;
use miette::IntoDiagnostic;
use std::path::Path;

/// The lowered network at `path`, and one sentence on the proof of its thresholds.
pub fn network(path: &Path) -> miette::Result<(Network, String)> {
    let reading = read::reading(path)?;
    let proof = format!(
        "folded {} thresholds, each proved over every reachable accumulator value ({} compared with the graph, 0 differ{})",
        reading.proof.channels,
        reading.proof.values,
        match reading.proof.f32_differences {
            0 => String::new(),
            n => format!("; {n} are near ties that f32 arithmetic rounds the other way"),
        }
    );
    Ok((lower::lower(reading.network), proof))
}

/// The machine for `network`: the architecture file (or an empty one) with every "auto" chosen.
pub fn choice(
    network: &Network,
    arch: Option<&Path>,
    device_name: Option<&str>,
) -> miette::Result<(Choice, Option<&'static Device>)> {
    let mut file = match arch {
        Some(path) => read::arch::arch(path)?,
        None => ArchFile::default(),
    };
    if let Some(name) = device_name {
        file.target.device = name.into();
    }
    let device = match file.target.device.as_str() {
        "generic" => None,
        name => Some(device::find(name)?),
    };
    Ok((cost::choose(network, &file, device).into_diagnostic()?, device))
}
