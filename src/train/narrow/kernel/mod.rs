//! The inner loops of narrow products: bytes times signed bytes, and what stands around them.
//!
//! Every instruction set gives the same numbers: sums are integers (modulo 2^32, so only a product's result has to fit),
//! and roundings are the same operations of single precision one by one. The bounds of all reads and writes are asserted
//! here, once a call, so the loops behind need no checks.

#[cfg(target_arch = "x86_64")]
mod avx512;
mod plain;
#[cfg(test)]
mod tests;

/// Columns of one vector.
pub const LANES: usize = 16;
/// Most vectors of a panel.
pub const VECTORS: usize = 4;

/// The instructions that the inner loops use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum InstructionSet {
    /// AVX-512 with VNNI: four products of bytes a lane and instruction.
    Avx512,
    /// Whatever the compiler makes of the definition.
    Plain,
}

impl InstructionSet {
    /// All sets, the fastest first.
    pub const ALL: [InstructionSet; 2] = [InstructionSet::Avx512, InstructionSet::Plain];

    /// Whether this processor has the instructions.
    pub fn available(self) -> bool {
        match self {
            #[cfg(target_arch = "x86_64")]
            InstructionSet::Avx512 => {
                std::is_x86_feature_detected!("avx512f")
                    && std::is_x86_feature_detected!("avx512bw")
                    && std::is_x86_feature_detected!("avx512vl")
                    && std::is_x86_feature_detected!("avx512vnni")
            }
            #[cfg(not(target_arch = "x86_64"))]
            InstructionSet::Avx512 => false,
            InstructionSet::Plain => true,
        }
    }

    /// The fastest set of this processor.
    pub fn best() -> InstructionSet {
        InstructionSet::ALL.into_iter().find(|set| set.available()).unwrap_or(InstructionSet::Plain)
    }
}

/// The left factor: rows of bytes, each 128 above the number that it stands for.
///
/// Row `m` begins at `starts[m]`; its entries `4k` to `4k + 3` lie at `steps[k]` from there. Rows may overlap.
#[derive(Clone, Copy)]
pub struct Left<'a> {
    pub bytes: &'a [u8],
    pub starts: &'a [u32],
    pub steps: &'a [u32],
}

/// Where sums of rows go: row `m` to `values[m * stride..][..width]`.
pub struct Sums<'a> {
    pub values: &'a mut [i32],
    /// A multiple of [`LANES`], at most [`VECTORS`] of them.
    pub width: usize,
    pub stride: usize,
}

/// The sums of `left`'s bytes times `panel`: word `k * width + n` holds entries `4k` to `4k + 3` of column `n`, the
/// lowest byte first. They are added to what `sums` hold, or written where this is the `first` part of the sums.
///
/// Panics where the shapes do not fit or a row leaves its bytes.
pub fn product(set: InstructionSet, left: Left, panel: &[i32], sums: &mut Sums, first: bool) {
    let (rows, width) = (left.starts.len(), sums.width);
    assert!(width.is_multiple_of(LANES) && (1..=VECTORS).contains(&(width / LANES)), "{width} columns");
    assert_eq!(panel.len(), left.steps.len() * width, "words of a panel");
    if rows == 0 {
        return;
    }
    assert!(sums.stride >= width && sums.values.len() >= (rows - 1) * sums.stride + width, "room for sums");
    let furthest = |list: &[u32]| list.iter().copied().max().unwrap_or(0) as usize;
    assert!(
        left.steps.is_empty() || furthest(left.starts) + furthest(left.steps) + 4 <= left.bytes.len(),
        "a row beyond its bytes"
    );
    match set {
        #[cfg(target_arch = "x86_64")]
        InstructionSet::Avx512 => {
            assert!(set.available());
            // SAFETY: the processor has the instructions, and the bounds were asserted above.
            unsafe { avx512::product(left, panel, sums, first) }
        }
        _ => plain::product(left, panel, sums, first),
    }
}

/// 128 times the sum of every column of `panel`, of which there are `offsets.len()`: what the rows of a left factor are
/// too large by. Added to what is there, or written where this is the `first` part.
pub fn offsets(set: InstructionSet, panel: &[i32], offsets: &mut [i32], first: bool) {
    let width = offsets.len();
    let steps = vec![0; panel.len() / width];
    let left = Left { bytes: &[128; 4], starts: &[0], steps: &steps };
    product(set, left, panel, &mut Sums { values: offsets, width, stride: width }, first);
}

/// What makes numbers of sums: less the `offsets`, times the `scales`, a column each.
pub struct Finish<'a> {
    pub offsets: &'a [i32],
    pub scales: &'a [f32],
    /// Added to what is there.
    pub add: bool,
}

/// Writes the numbers of all rows of `sums` to `out`, whose rows lie `stride` apart: of as many columns as there are
/// scales.
///
/// Panics where the shapes do not fit.
pub fn finish(set: InstructionSet, sums: &Sums, rows: usize, how: &Finish, out: &mut [f32], stride: usize) {
    let columns = how.scales.len();
    assert!(columns <= sums.stride && how.offsets.len() >= columns && stride >= columns, "columns");
    if rows == 0 || columns == 0 {
        return;
    }
    assert!(sums.values.len() >= (rows - 1) * sums.stride + columns, "sums of {rows} rows");
    assert!(out.len() >= (rows - 1) * stride + columns, "room for {rows} rows");
    match set {
        #[cfg(target_arch = "x86_64")]
        InstructionSet::Avx512 => {
            assert!(set.available());
            // SAFETY: the processor has the instructions, and the bounds were asserted above.
            unsafe { avx512::finish(sums, rows, how, out, stride) }
        }
        _ => plain::finish(sums, rows, how, out, stride),
    }
}

/// How numbers become signed bytes: times `inverse`, a column each, rounded down or up by chance in proportion to what
/// is nearer, held to -127 to 127.
pub struct Rounding<'a> {
    pub inverse: &'a [f32],
    /// The chance is a function of this and the number's index, wrapping.
    pub key: u32,
}

/// Where a line of pixels goes as bytes.
pub struct Bytes<'a> {
    /// 128 above the numbers: pixel `x` of column `n` at `map[x * step + n]`.
    pub map: &'a mut [u8],
    pub step: usize,
    /// As the right factor of a product along pixels: word `(panel * panel_words) + (x / 4) * width + n`.
    pub words: &'a mut [i32],
    pub panel_words: usize,
    pub width: usize,
}

/// Rounds a `line` of pixels, of as many columns as there are inverses; the first number has index `index`.
///
/// Panics where the shapes do not fit.
pub fn quantise(set: InstructionSet, line: &[f32], how: &Rounding, index: u32, to: &mut Bytes) {
    let columns = how.inverse.len();
    assert!(columns > 0 && line.len().is_multiple_of(columns), "whole pixels");
    let pixels = line.len() / columns;
    if pixels == 0 {
        return;
    }
    assert!(to.step >= columns && to.map.len() >= (pixels - 1) * to.step + columns, "room in the map");
    assert!(to.width.is_multiple_of(LANES) && to.width > 0, "{} columns of a panel", to.width);
    let (groups, panels) = (pixels.div_ceil(4), columns.div_ceil(to.width));
    assert!(to.panel_words >= groups * to.width, "panels overlap");
    assert!(to.words.len() >= (panels - 1) * to.panel_words + groups * to.width, "room for words");
    match set {
        #[cfg(target_arch = "x86_64")]
        InstructionSet::Avx512 => {
            assert!(set.available());
            // SAFETY: the processor has the instructions, and the bounds were asserted above.
            unsafe { avx512::quantise(line, how, index, to) }
        }
        _ => plain::quantise(line, how, index, to),
    }
}
