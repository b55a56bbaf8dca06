//! Reduced ordered binary decision diagrams: equal functions have equal references.
//!
//! Variable 0 is asked first. Nothing is freed: a manager lives for one proof. A diagram that grows beyond the
//! manager's limit is an error and not a wrong answer.

use std::collections::HashMap;
use thiserror::Error;

/// A function of the manager's variables.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Ref(u32);

impl Ref {
    pub const FALSE: Ref = Ref(0);
    pub const TRUE: Ref = Ref(1);

    /// The constant function.
    pub fn constant(value: bool) -> Ref {
        if value { Ref::TRUE } else { Ref::FALSE }
    }
}

/// The functions need more nodes than the manager may have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("its functions need more than {0} nodes of a decision diagram")]
pub struct TooLarge(pub usize);

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct Node {
    variable: u32,
    low: Ref,
    high: Ref,
}

/// Owns all nodes.
#[derive(Debug)]
pub struct Bdd {
    nodes: Vec<Node>,
    known: HashMap<Node, Ref>,
    results: HashMap<(Ref, Ref, Ref), Ref>,
    limit: usize,
}

impl Bdd {
    /// An empty manager of at most `limit` nodes.
    pub fn new(limit: usize) -> Bdd {
        let leaf = |value| Node { variable: u32::MAX, low: Ref(value), high: Ref(value) };
        Bdd { nodes: vec![leaf(0), leaf(1)], known: HashMap::new(), results: HashMap::new(), limit }
    }

    /// The function that is variable `index`.
    pub fn variable(&mut self, index: usize) -> Result<Ref, TooLarge> {
        self.node(index, Ref::FALSE, Ref::TRUE)
    }

    /// `variable ? high : low`, where both depend on later variables only.
    pub fn node(&mut self, variable: usize, low: Ref, high: Ref) -> Result<Ref, TooLarge> {
        if low == high {
            return Ok(low);
        }
        let node = Node { variable: variable as u32, low, high };
        if let Some(&known) = self.known.get(&node) {
            return Ok(known);
        }
        if self.nodes.len() >= self.limit {
            return Err(TooLarge(self.limit));
        }
        let new = Ref(self.nodes.len() as u32);
        self.nodes.push(node);
        self.known.insert(node, new);
        Ok(new)
    }

    /// `test ? then : otherwise`.
    pub fn choose(&mut self, test: Ref, then: Ref, otherwise: Ref) -> Result<Ref, TooLarge> {
        match (test, then, otherwise) {
            (Ref::TRUE, then, _) => return Ok(then),
            (Ref::FALSE, _, otherwise) => return Ok(otherwise),
            (_, then, otherwise) if then == otherwise => return Ok(then),
            (test, Ref::TRUE, Ref::FALSE) => return Ok(test),
            _ => {}
        }
        if let Some(&known) = self.results.get(&(test, then, otherwise)) {
            return Ok(known);
        }
        let variable = [test, then, otherwise].map(|of| self.nodes[of.0 as usize].variable);
        let top = variable.into_iter().min().unwrap_or(u32::MAX);
        let side = |bdd: &Bdd, of: Ref, high: bool| match bdd.nodes[of.0 as usize] {
            node if node.variable != top => of,
            node if high => node.high,
            node => node.low,
        };
        let low = [test, then, otherwise].map(|of| side(self, of, false));
        let high = [test, then, otherwise].map(|of| side(self, of, true));
        let low = self.choose(low[0], low[1], low[2])?;
        let high = self.choose(high[0], high[1], high[2])?;
        let result = self.node(top as usize, low, high)?;
        self.results.insert((test, then, otherwise), result);
        Ok(result)
    }

    pub fn not(&mut self, a: Ref) -> Result<Ref, TooLarge> {
        self.choose(a, Ref::FALSE, Ref::TRUE)
    }

    pub fn and(&mut self, a: Ref, b: Ref) -> Result<Ref, TooLarge> {
        self.choose(a, b, Ref::FALSE)
    }

    pub fn or(&mut self, a: Ref, b: Ref) -> Result<Ref, TooLarge> {
        self.choose(a, Ref::TRUE, b)
    }

    pub fn xor(&mut self, a: Ref, b: Ref) -> Result<Ref, TooLarge> {
        let not_b = self.not(b)?;
        self.choose(a, not_b, b)
    }

    /// Sum of two numbers, lowest bit first, one bit longer than the longer one.
    pub fn sum(&mut self, a: &[Ref], b: &[Ref]) -> Result<Vec<Ref>, TooLarge> {
        let mut carry = Ref::FALSE;
        let mut sum = Vec::new();
        for at in 0..a.len().max(b.len()) {
            let bit = |of: &[Ref]| of.get(at).copied().unwrap_or(Ref::FALSE);
            let (x, y) = (bit(a), bit(b));
            let half = self.xor(x, y)?;
            sum.push(self.xor(half, carry)?);
            carry = self.choose(half, carry, x)?;
        }
        sum.push(carry);
        Ok(sum)
    }

    /// Whether a number, lowest bit first, is at most `most`.
    pub fn at_most(&mut self, number: &[Ref], most: usize) -> Result<Ref, TooLarge> {
        let mut holds = Ref::TRUE;
        for (at, &bit) in number.iter().enumerate() {
            let digit = most.checked_shr(at as u32).unwrap_or(0) & 1 == 1;
            let (low, high) = if digit { (Ref::TRUE, holds) } else { (holds, Ref::FALSE) };
            holds = self.choose(bit, high, low)?;
        }
        Ok(holds)
    }

    /// Where two numbers, lowest bit first, differ; missing bits are 0.
    pub fn differ(&mut self, a: &[Ref], b: &[Ref]) -> Result<Ref, TooLarge> {
        let mut differ = Ref::FALSE;
        for at in 0..a.len().max(b.len()) {
            let bit = |of: &[Ref]| of.get(at).copied().unwrap_or(Ref::FALSE);
            let here = self.xor(bit(a), bit(b))?;
            differ = self.or(differ, here)?;
        }
        Ok(differ)
    }

    /// Values of the variables, 0 where it does not matter, for which `function` is 1; none if it never is.
    pub fn example(&self, function: Ref) -> Option<HashMap<usize, bool>> {
        if function == Ref::FALSE {
            return None;
        }
        let (mut at, mut values) = (function, HashMap::new());
        while at != Ref::TRUE {
            let node = self.nodes[at.0 as usize];
            let high = node.low == Ref::FALSE;
            values.insert(node.variable as usize, high);
            at = if high { node.high } else { node.low };
        }
        Some(values)
    }

    /// The value of `function`; variables that are not named are 0.
    pub fn value(&self, function: Ref, values: &HashMap<usize, bool>) -> bool {
        let mut at = function;
        while at.0 > 1 {
            let node = self.nodes[at.0 as usize];
            let high = values.get(&(node.variable as usize)).copied().unwrap_or(false);
            at = if high { node.high } else { node.low };
        }
        at == Ref::TRUE
    }

    /// The number that `bits`, lowest first, are there.
    pub fn number(&self, bits: &[Ref], values: &HashMap<usize, bool>) -> usize {
        bits.iter().rev().fold(0, |number, &bit| 2 * number + usize::from(self.value(bit, values)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_functions_are_one_reference_and_sums_are_sums() {
        let mut bdd = Bdd::new(10_000);
        let bits: Vec<Ref> = (0..6).map(|index| bdd.variable(index).unwrap()).collect();
        let (a, b) = bits.split_at(3);
        let sum = bdd.sum(a, b).unwrap();
        assert_eq!(sum, bdd.sum(b, a).unwrap());
        let small = bdd.at_most(&sum, 9).unwrap();
        for pattern in 0..64usize {
            let values = (0..6).map(|bit| (bit, pattern >> bit & 1 == 1)).collect();
            let want = (pattern & 7) + (pattern >> 3);
            assert_eq!(bdd.number(&sum, &values), want);
            assert_eq!(bdd.value(small, &values), want <= 9);
        }
        let differ = bdd.differ(&sum, &sum[..3]).unwrap();
        let values = bdd.example(differ).expect("the fourth bit is missing");
        assert!(bdd.number(&sum, &values) >= 8);
        assert_eq!(bdd.example(Ref::FALSE), None);
    }

    #[test]
    fn what_is_too_large_is_an_error() {
        let mut bdd = Bdd::new(20);
        let bits: Result<Vec<Ref>, TooLarge> = (0..30).map(|index| bdd.variable(index)).collect();
        assert_eq!(bits, Err(TooLarge(20)));
    }
}
