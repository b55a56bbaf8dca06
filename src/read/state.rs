//! What a graph of real numbers does not say: in how many bits its maps, and the weights of its ends, are held.

use crate::network::Requant;
use std::fmt;
use std::str::FromStr;

/// The numbers of fixed point in which a graph of real numbers is read; what is `None` must be quantised in the graph.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Fixed {
    /// The maps that shortcuts take past layers; `None`: only sums of one unit are added, as they are.
    pub state: Option<State>,
    /// Input and weights of the first layer, and of the layer behind the last state.
    pub ends: Option<Ends>,
}

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

/// Two numbers with a comma between them.
fn pair(text: &str) -> Option<(u32, u32)> {
    let (first, second) = text.split_once(',')?;
    Some((first.trim().parse().ok()?, second.trim().parse().ok()?))
}

impl FromStr for State {
    type Err = String;

    fn from_str(text: &str) -> Result<State, String> {
        match pair(text) {
            Some((bits, fraction))
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

/// Integers of the layers at a network's ends: weights with one scale a channel, the input with one for all.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ends {
    /// 2 ..= 8.
    pub bits: u32,
    /// Fraction bits in which the last state is read; `None`: half of the bits, or those of the state where it has fewer.
    pub fraction: Option<u32>,
}

impl fmt::Display for Ends {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.fraction {
            Some(fraction) => write!(f, "ends={},{fraction}", self.bits),
            None => write!(f, "ends={}", self.bits),
        }
    }
}

impl FromStr for Ends {
    type Err = String;

    fn from_str(text: &str) -> Result<Ends, String> {
        let numbers = text.strip_prefix("ends=").unwrap_or_default();
        let found = match numbers.trim().parse() {
            Ok(bits) => Some((bits, None)),
            Err(_) => pair(numbers).map(|(bits, fraction)| (bits, Some(fraction))),
        };
        match found {
            Some((bits, fraction))
                if (2..=8).contains(&bits) && fraction.unwrap_or(0) <= State::MOST_FRACTION =>
            {
                Ok(Ends { bits, fraction })
            }
            _ => Err("expects ends=B with B bits from 2 to 8, or ends=B,F with F fraction bits of the last state: ends=8 say"
                .into()),
        }
    }
}
