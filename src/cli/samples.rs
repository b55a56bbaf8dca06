//! The options of networks whose weights are drawn.

use crate::app::samples::Samples;

#[derive(Debug, Clone, Default, clap::Args)]
pub struct SampleArgs {
    /// Samples of each image, whose scores are added, of a network with flip codes; those of the architecture
    /// (ensemble.samples) if not given
    #[arg(long, value_name = "S", value_parser = clap::value_parser!(u8).range(1..))]
    pub samples: Option<u8>,
    /// Draw once: every image meets the samples of the first one, instead of its own
    #[arg(long)]
    pub same_samples: bool,
    /// Draw nothing: of each weight with a flip code the likelier value
    #[arg(long, conflicts_with_all = ["samples", "same_samples"])]
    pub mode: bool,
}

impl SampleArgs {
    /// What was asked for.
    pub fn asked(&self) -> Samples {
        Samples { samples: self.samples, same: self.same_samples, mode: self.mode }
    }
}
