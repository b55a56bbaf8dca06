//! What a column adds to its voltage in one read, anew each time. Nothing here draws.

/// One column's reads of 32 images.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReadPlace {
    /// Index of the layer.
    pub layer: usize,
    /// Read inside one vector: pass times bit planes, plus plane.
    pub read: usize,
    /// Output channel of the layer; behind them, the reference column of each group.
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

    /// Several places. Counted from `first`, place n is the vector `n / blocks` and 32 images from `n % blocks * 32` on;
    /// `noise` is for places `start` and on.
    fn fill_many(&self, first: ReadPlace, blocks: usize, start: usize, noise: &mut [[i16; 32]]) {
        for (at, noise) in (start..).zip(noise) {
            let (vector, image) = (first.vector + at / blocks, first.image + at % blocks * 32);
            self.fill(ReadPlace { vector, image, ..first }, noise);
        }
    }
}

/// Noise of several sources, which add up; sums are held to 16 bits.
#[derive(Debug, Clone)]
pub struct Noises<'a>(Vec<&'a dyn ReadNoise>);

impl<'a> Noises<'a> {
    /// The sources that there are; `None` where there is none.
    pub fn of(sources: impl IntoIterator<Item = Option<&'a dyn ReadNoise>>) -> Option<Noises<'a>> {
        let sources: Vec<&dyn ReadNoise> = sources.into_iter().flatten().collect();
        (!sources.is_empty()).then_some(Noises(sources))
    }
}

impl ReadNoise for Noises<'_> {
    fn bound(&self) -> i32 {
        self.0.iter().map(|source| source.bound()).sum::<i32>().min(i32::from(i16::MAX))
    }

    fn fill(&self, place: ReadPlace, noise: &mut [i16; 32]) {
        self.fill_many(place, 1, 0, std::slice::from_mut(noise));
    }

    fn fill_many(&self, first: ReadPlace, blocks: usize, start: usize, noise: &mut [[i16; 32]]) {
        let Some((source, others)) = self.0.split_first() else { return };
        source.fill_many(first, blocks, start, noise);
        for source in others {
            let mut other = vec![[0; 32]; noise.len()];
            source.fill_many(first, blocks, start, &mut other);
            let most = i16::MAX;
            for (noise, other) in noise.as_flattened_mut().iter_mut().zip(other.as_flattened()) {
                *noise = noise.saturating_add(*other).clamp(-most, most);
            }
        }
    }
}
