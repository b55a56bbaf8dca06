//! What a graph of real numbers does not say: in how many bits the maps that go past layers are held.

use crate::network::Requant;
use std::fmt;
use std::str::FromStr;

/// Numbers of fixed point: two's complement of `bits` bits in units of `2^-fraction`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct State {
    /// 2 ..= [`Requant::MOST_BITS`].
    pub bits: u32,
    /// 0 ..= [`State::MOST_FRACTION`].
    pub fraction: u32,
}

impl State {
    pub const MOST_FRACTION: u32 = 16;
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{},{}", self.bits, self.fraction)
    }
}

impl FromStr for State {
    type Err = String;

    fn from_str(text: &str) -> Result<State, String> {
        let numbers =
            text.split_once(',').map(|(bits, fraction)| (bits.trim().parse(), fraction.trim().parse()));
        match numbers {
            Some((Ok(bits), Ok(fraction)))
                if (2..=Requant::MOST_BITS).contains(&bits) && fraction <= State::MOST_FRACTION =>
            {
                Ok(State { bits, fraction })
            }
            _ => Err(format!(
                "expects bits and fraction bits, W,F with W from 2 to {} and F up to {}: 16,8 say",
                Requant::MOST_BITS,
                State::MOST_FRACTION
            )),
        }
    }
}
