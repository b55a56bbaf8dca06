//! Adds bits of many weights with ripple adders, and says which bit goes where.
//!
//! Each run is one ripple adder: a carry-in, then two bits at every weight it passes. A carry goes
//! straight to the next weight wherever two bits wait there, so few carries have to leave a chain.
//! The result is exact for every input whose sum fits the width asked for.

use std::collections::VecDeque;

use super::bit_width;

/// Where a bit comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Source {
    /// Input bit, in the order in which the weights were given.
    Input(usize),
    /// Sum bit `.1` of run `.0`.
    Sum(usize, usize),
    /// Carry that leaves run `.0`.
    Carry(usize),
}

/// One ripple adder.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Run {
    /// log2 of the weight of the first sum bit.
    pub weight: usize,
    /// Third bit at the first weight; none is 0.
    pub carry_in: Option<Source>,
    /// The one or two bits added to the carry at each weight, upwards without a gap.
    pub adds: Vec<(Source, Option<Source>)>,
    /// Whether the last carry can be 1, and is used.
    pub carry_out: bool,
}

/// Ripple adders in an order in which each uses only bits of earlier ones.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Ripple {
    /// The adders.
    pub runs: Vec<Run>,
    /// The bit of each weight of the sum, from 2^0; none is 0.
    pub outputs: Vec<Option<Source>>,
}

/// In which order the bits of one weight are added.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Order {
    /// The bit that has waited longest first: few adders deep.
    Balanced,
    /// The sum of the adder before first: every adder of 2^0 but one takes two input bits.
    Serial,
}

/// Adds input bits of the given weights (log2) into `width` sum bits.
pub fn ripple(weights: &[usize], width: usize, order: Order) -> Ripple {
    let mut columns = vec![VecDeque::new(); width];
    for (input, &weight) in weights.iter().enumerate() {
        columns[weight].push_back(Source::Input(input));
    }
    let mut runs = Vec::new();
    while let Some(weight) = columns.iter().position(|column| column.len() > 1) {
        let number = runs.len();
        runs.push(run(&mut columns, weight, number, order));
    }
    let outputs = columns.iter().map(|column| column.front().copied()).collect();
    Ripple { runs, outputs }
}

/// A binary number among the inputs of `ripple_numbers`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Number {
    /// Its bits, upwards from 2^0.
    pub bits: Vec<Source>,
    /// Its largest value, which fits the bits.
    pub max: usize,
}

/// Adds numbers two by two, first numbers first; each adder takes one of `spares` as its carry-in.
pub fn ripple_numbers(numbers: Vec<Number>, spares: Vec<Source>, width: usize) -> Ripple {
    let mut waiting: VecDeque<Number> = numbers.into();
    let mut spares: VecDeque<Source> = spares.into();
    let mut runs = Vec::new();
    while waiting.len() > 1 || !spares.is_empty() {
        let none = Number { bits: Vec::new(), max: 0 };
        let first = waiting.pop_front().unwrap_or(none.clone());
        let second = waiting.pop_front().unwrap_or(none);
        let carry_in = spares.pop_front();
        let max = first.max + second.max + usize::from(carry_in.is_some());
        let (long, short) = if first.bits.len() < second.bits.len() {
            (second.bits, first.bits)
        } else {
            (first.bits, second.bits)
        };
        if long.is_empty() {
            waiting.push_back(Number { bits: carry_in.into_iter().collect(), max });
            continue;
        }
        let carry_out = long.len() < bit_width(max);
        let number = runs.len();
        let mut bits: Vec<Source> = (0..long.len()).map(|k| Source::Sum(number, k)).collect();
        bits.extend(carry_out.then_some(Source::Carry(number)));
        let adds = long.iter().enumerate().map(|(k, &bit)| (bit, short.get(k).copied())).collect();
        runs.push(Run { weight: 0, carry_in, adds, carry_out });
        waiting.push_back(Number { bits, max });
    }
    let sum = waiting.pop_front().map_or(Vec::new(), |number| number.bits);
    let outputs = (0..width).map(|bit| sum.get(bit).copied()).collect();
    Ripple { runs, outputs }
}

/// Takes one run out of the columns, which are finished below `weight`, and puts its results back.
fn run(columns: &mut [VecDeque<Source>], weight: usize, number: usize, order: Order) -> Run {
    let carry_in = if columns[weight].len() > 2 { columns[weight].pop_front() } else { None };
    let mut adds = Vec::new();
    let mut at = weight;
    // Where nothing waits below, a single bit is taken too: no other bit will ever join it.
    let mut finished = true;
    while at < columns.len() {
        let two = columns[at].len() > 1;
        if !two && (columns[at].is_empty() || !finished) {
            break;
        }
        let first = columns[at].pop_front().expect("a bit waits at this weight");
        let second = if two { columns[at].pop_front() } else { None };
        let sum = Source::Sum(number, adds.len());
        match order {
            Order::Serial if at == 0 => columns[at].push_front(sum),
            _ => columns[at].push_back(sum),
        }
        adds.push((first, second));
        finished &= columns[at].len() == 1;
        at += 1;
    }
    let carry_out = at < columns.len();
    if carry_out {
        columns[at].push_back(Source::Carry(number));
    }
    Run { weight, carry_in, adds, carry_out }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Evaluates the adders on the given input bits.
    fn evaluate(ripple: &Ripple, inputs: &[bool]) -> usize {
        let mut sums: Vec<(Vec<bool>, bool)> = Vec::new();
        let value = |sums: &Vec<(Vec<bool>, bool)>, source: Source| match source {
            Source::Input(i) => inputs[i],
            Source::Sum(run, k) => sums[run].0[k],
            Source::Carry(run) => sums[run].1,
        };
        for run in &ripple.runs {
            let mut carry = run.carry_in.is_some_and(|source| value(&sums, source));
            let mut bits = Vec::new();
            for &(first, second) in &run.adds {
                let total = usize::from(carry)
                    + usize::from(value(&sums, first))
                    + usize::from(second.is_some_and(|source| value(&sums, source)));
                bits.push(total % 2 == 1);
                carry = total > 1;
            }
            assert!(run.carry_out || !carry, "a carry was dropped");
            sums.push((bits, carry));
        }
        let bit = |source: &Option<Source>| source.is_some_and(|source| value(&sums, source));
        ripple.outputs.iter().rev().fold(0, |word, source| word * 2 + usize::from(bit(source)))
    }

    #[test]
    fn every_pattern_of_up_to_12_bits_is_counted() {
        for n in 1..=12usize {
            let width = (usize::BITS - n.leading_zeros()) as usize;
            let ripple = ripple(&vec![0; n], width, Order::Balanced);
            for pattern in 0..1usize << n {
                let inputs: Vec<bool> = (0..n).map(|i| pattern >> i & 1 == 1).collect();
                assert_eq!(evaluate(&ripple, &inputs), pattern.count_ones() as usize, "{n} bits");
            }
        }
    }

    #[test]
    fn numbers_and_spare_bits_add_up() {
        let number = |first: usize, width: usize| Number {
            bits: (first..first + width).map(Source::Input).collect(),
            max: (1 << width) - 1,
        };
        let numbers = [number(0, 3), number(3, 2), number(5, 3), number(8, 4)];
        let weights = [0, 1, 2, 0, 1, 0, 1, 2, 0, 1, 2, 3];
        for (count, spares) in [(4, 3), (4, 0), (3, 3), (2, 1), (1, 2), (0, 2)] {
            let spare = (12..12 + spares).map(Source::Input).collect();
            let ripple = ripple_numbers(numbers[..count].to_vec(), spare, 6);
            let used: usize = [0, 3, 5, 8, 12][count];
            for pattern in 0..1usize << 15 {
                let inputs: Vec<bool> = (0..15).map(|i| pattern >> i & 1 == 1).collect();
                let bit = |i: usize| pattern >> i & 1;
                let sum: usize = (0..used).map(|i| bit(i) << weights[i]).sum::<usize>()
                    + (12..12 + spares).map(bit).sum::<usize>();
                assert_eq!(evaluate(&ripple, &inputs), sum, "{count} numbers, {spares} bits");
            }
        }
    }

    #[test]
    fn mixed_weights_add_up() {
        let weights = [0, 0, 1, 2, 0, 0, 1, 2, 0, 0, 1, 2, 0, 1, 2];
        let ripple = ripple(&weights, 5, Order::Balanced);
        for pattern in 0..1usize << weights.len() {
            let inputs: Vec<bool> = (0..weights.len()).map(|i| pattern >> i & 1 == 1).collect();
            let sum: usize = (0..weights.len()).map(|i| (pattern >> i & 1) << weights[i]).sum();
            assert_eq!(evaluate(&ripple, &inputs), sum);
        }
    }

    #[test]
    fn counting_31_bits_takes_26_full_adders_in_15_runs() {
        let ripple = ripple(&[0; 31], 5, Order::Balanced);
        let adders: usize = ripple.runs.iter().map(|run| run.adds.len()).sum();
        assert_eq!((adders, ripple.runs.len()), (26, 15));
    }
}
