//! The design run tile by tile: the integers that the RTL must show, and the cycles it must take.

/// Everything the RTL shows while it computes one image, in the order in which it shows it.
///
/// The order is layer, group, vector, lane; vectors follow [`crate::design::Walk`] (pooled row, pooled
/// column, window row, window column).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct MachineTrace {
    /// Accumulators after the last pass, in the engine's own domain: `lanes` for every vector of every group
    /// of every layer. Lanes without a channel are compared with nothing and may hold anything.
    pub sums: Vec<i32>,
    /// Bits after comparison, flip and pooling: `lanes` for every pooled pixel of every group of every layer
    /// that gives bits; a layer that adds its pixels has one. Lanes without a channel as above.
    pub bits: Vec<bool>,
    /// What leaves on the result stream, in its order; the bits of a sign layer are 0 and 1.
    pub scores: Vec<i32>,
    /// Cycles of every layer, as its counter shows them.
    pub cycles: Vec<u64>,
}
