//! What a column adds to its voltage in one read, anew each time. Nothing here draws.

/// One column's reads of 32 images.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReadPlace {
    /// Index of the layer.
    pub layer: usize,
    /// Read inside one vector: pass times bit planes, plus plane.
    pub read: usize,
    /// Output channel of the layer.
    pub channel: usize,
    /// Index of the vector in the order of the walk.
    pub vector: usize,
    /// First of the 32 images; a multiple of 32.
    pub image: usize,
}

/// A source of read noise; the same place gives the same noise, in whatever order it is asked.
pub trait ReadNoise: Sync + std::fmt::Debug {
    /// No number that [`ReadNoise::fill`] gives is larger in size; at most `i16::MAX`, in 2^-F counts.
    fn bound(&self) -> i32;

    /// The noise of the 32 images in 2^-F counts.
    fn fill(&self, place: ReadPlace, noise: &mut [i16; 32]);
}
