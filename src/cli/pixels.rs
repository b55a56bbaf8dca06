//! The options of every verb that reads a model, or pictures.

use crate::app::pixels::Reading;
use crate::read::{Ends, Rules, State};
use clap::Args;

pub use crate::app::pixels::{SOURCE, lines, origin, record, rules, told};

#[derive(Args, Debug, Clone, Default)]
pub struct ReadArgs {
    /// How a pixel p of 0 to 255 becomes the value x that the graph's input reads
    ///
    /// raw: x = p. unit: x = p / 255. bipolar: x = p / 255 * 2 - 1. mean=M,std=S: x = (p / 255 - M) / S, a value or one a
    /// channel (mean=M,M,M,std=S,S,S). table=FILE: 256 lines of x, one number or one a channel, or an .npy array.
    /// codes: the pixel is the integer of the input's quantiser. graph: what the graph itself says.
    /// If it is not given, the model's metadata says it (key bincim.input), else the graph does (an input of type uint8,
    /// or arithmetic that fits raw pixels only), else it is a guess, and told as a warning.
    #[arg(long, value_name = "RULE")]
    pub input: Option<String>,
    /// Hold the maps that shortcuts take past layers in W bits, two's complement, F of them fraction bits
    ///
    /// For graphs whose scales and normalisations stand before an Add, as those of Bi-Real Net: both sides are rounded to
    /// the nearest unit of 2^-F and their sum held to W bits (16,8 say). Without it sums are added
    /// as they are, exactly, and must have one unit in common.
    #[arg(long, value_name = "W,F")]
    pub state: Option<State>,
    /// Round what is real at the network's ends to B bits: ends=B
    ///
    /// The input's values and the weights of the first layer, and the weights of the layer that reads the last state, which
    /// itself is read in B bits, half of them fraction bits (ends=B,F: F of them). Weights have one scale a channel, the
    /// input has one for all. Without it these must be quantised in the graph.
    #[arg(long, value_name = "ends=B")]
    pub quantise: Option<Ends>,
}

/// What is done to pictures, for verbs that read some.
#[derive(Args, Debug, Clone, Default)]
pub struct PictureArgs {
    /// Scale pictures until the shorter side has N pixels, and take the centre of the network's size
    ///
    /// As torchvision's Resize(N) and CenterCrop do with PIL pictures: bilinear, every pixel counting where a picture
    /// shrinks. Without it pictures have the network's size.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=65536))]
    pub resize: Option<u32>,
}

impl ReadArgs {
    /// What was given.
    pub fn asked(&self) -> Reading {
        Reading { input: self.input.clone(), state: self.state, quantise: self.quantise }
    }

    /// The rules that were given.
    pub fn rules(&self) -> miette::Result<Rules> {
        self.asked().rules()
    }
}
