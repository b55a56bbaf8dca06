//! Networks whose weights are drawn: how many samples of each image run, and which.

use crate::design::Design;
use crate::escape;
use crate::golden::ensemble::Drawing;
use crate::network::Network;
use std::path::Path;

/// Samples of each image.
#[derive(Debug, Clone, Copy, Default)]
pub struct Samples {
    /// How many, whose scores are added; those of the architecture (ensemble.samples) if not given.
    pub samples: Option<u8>,
    /// Every image meets the samples of the first one, instead of its own.
    pub same: bool,
    /// Nothing is drawn: of each weight with a flip code the likelier value.
    pub mode: bool,
}

impl Samples {
    /// Takes the flip codes away where that was asked for.
    ///
    /// Errors: an option about samples, or a seed (`seeded`) that nothing would take, where the network has no codes.
    pub fn settle(&self, network: &mut Network, model: &Path, seeded: bool) -> miette::Result<()> {
        if network.first_drawn().is_some() {
            if self.mode {
                *network = network.mode();
            }
            return Ok(());
        }
        let given = [
            (self.samples.is_some(), "--samples"),
            (self.same, "--same-samples"),
            (self.mode, "--mode"),
            (seeded, "--noise-seed"),
        ];
        let Some((_, name)) = given.into_iter().find(|(given, _)| *given) else { return Ok(()) };
        Err(miette::miette!(
            code = "infer::samples",
            help = match seeded && name == "--noise-seed" {
                true => "name the architecture whose reads have noise (--arch FILE), or leave the seed out",
                false => "leave the option out: one run of the network is all there is",
            },
            "{name}: no weight of {} is drawn, it has no flip codes",
            escape::path(model)
        ))
    }

    /// What is drawn of a design. `asked`: the design is of an architecture file.
    ///
    /// Errors: more samples than that architecture's machine runs.
    pub fn drawing(&self, design: &Design, seed: u32, asked: bool) -> miette::Result<Drawing> {
        let most = design.arch.ensemble.samples;
        let samples = self.samples.map_or(most, usize::from);
        if asked && samples > most {
            return Err(miette::miette!(
                code = "infer::samples",
                help = "set ensemble.samples in the architecture file to at least that",
                "--samples {samples}: the machine runs at most {most} samples of a frame"
            ));
        }
        // Without flips all samples are one.
        let samples = if self.mode { 1 } else { samples };
        Ok(Drawing { samples, seed, same: self.same, flips: !self.mode })
    }
}
