//! How the maps between layers lie in the activation memory, as far as the passes of their readers depend on it.
//!
//! Word (chunk, x, y) of a map has the index `chunk + chunks * (x + pitch * y)` and lies in bank index mod banks. The pitch is
//! that of the widest kernel which reads the map: the items of each of its passes lie in different banks. A reader with
//! another kernel takes the rows of its kernel in passes of their own, whose items follow one another in any pitch.

use crate::arch::Arch;
use crate::network::{Layer, Network, Shape, widest_kernel};

/// Words of a pixel, and pixels from one row of the map to the next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pitch {
    pub chunks: usize,
    pub pitch: usize,
}

impl Pitch {
    /// Of the map that layer `index` leaves; `None` where nobody reads one.
    pub fn of(network: &Network, arch: &Arch, index: usize) -> Option<Pitch> {
        let kernel = widest_kernel(network, index)?;
        Some(Pitch::for_kernel(network.layers[index].output, arch.word, arch.banks(), kernel))
    }

    /// The smallest pitch that keeps the items of one pass of `kernel` (rows, columns) in different banks.
    fn for_kernel(map: Shape, word: usize, banks: usize, kernel: (usize, usize)) -> Pitch {
        let chunks = map.c.div_ceil(word);
        let fits = |pitch: &usize| Pitch { chunks, pitch: *pitch }.suits(kernel, banks);
        let pitch = (map.w..).find(fits).expect("kernel columns plus a multiple of the banks is reached");
        Pitch { chunks, pitch }
    }

    /// Whether the items of a pass of `kernel` never collide.
    fn suits(&self, kernel: (usize, usize), banks: usize) -> bool {
        kernel.0 == 1 || (self.chunks * self.pitch) % banks == (self.chunks * kernel.1) % banks
    }
}

/// The items of a kernel, words of pixels, and the passes that take them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Items {
    pub chunks: usize,
    /// Rows of the kernel, and items of a row.
    pub rows: usize,
    pub row: usize,
    /// Each row of the kernel begins a pass.
    pub apart: bool,
}

impl Items {
    /// Of layer `index`, which reads a map.
    pub fn of(network: &Network, arch: &Arch, index: usize) -> Items {
        let layer = &network.layers[index];
        let pitch = layer.reads.layer().and_then(|from| Pitch::of(network, arch, from));
        let chunks = layer.input.c.div_ceil(arch.word);
        let apart = pitch.is_some_and(|pitch| !pitch.suits(layer.kernel, arch.banks()));
        Items { chunks, rows: layer.kernel.0, row: layer.kernel.1 * chunks, apart }
    }

    pub fn passes(&self, banks: usize) -> usize {
        match self.apart {
            true => self.rows * self.row.div_ceil(banks),
            false => (self.rows * self.row).div_ceil(banks),
        }
    }

    /// The items (row of the kernel, item of the row) of pass `pass`, in order; their slots are those of their places in the
    /// map, counted from the window's origin.
    pub fn of_pass(&self, pass: usize, banks: usize) -> impl Iterator<Item = (usize, usize)> + use<> {
        let Items { rows, row, apart, .. } = *self;
        let of_row = row.div_ceil(banks);
        // Items are numbered through the rows; those of a pass follow one another.
        let (first, end) = match apart {
            true => (pass / of_row * row + pass % of_row * banks, (pass / of_row + 1) * row),
            false => (pass * banks, rows * row),
        };
        (first..end.min(first + banks)).map(move |item| (item / row, item % row))
    }

    /// Pass in which `layer` takes the tap `column` (kernel row, kernel column, channel).
    pub fn pass_of_tap(&self, layer: &Layer, word: usize, banks: usize, column: usize) -> usize {
        let (tap, channel) = (column / layer.input.c, column % layer.input.c);
        let (row, item) = (tap / layer.kernel.1, tap % layer.kernel.1 * self.chunks + channel / word);
        match self.apart {
            true => row * self.row.div_ceil(banks) + item / banks,
            false => (row * self.row + item) / banks,
        }
    }
}
