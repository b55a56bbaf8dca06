//! Dot products of many windows with one block of 32 channels: the inner loops of the packed engine.
//!
//! One unit of work is a block: 32 output channels against every window of a batch of images. A binary
//! tap word holds 32 one-bit taps and counts the bits that differ; an integer tap word holds two 16-bit
//! taps and sums their products. Every instruction set gives the same counts. The bounds of all reads and
//! writes are asserted here, once a block, so the loops behind need no checks.

#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
mod avx512;
mod scalar;

/// Output channels of one block.
pub(super) const LANES: usize = 32;

/// The instructions that the inner loops use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum InstructionSet {
    /// AVX-512 with VPOPCNTDQ and VNNI.
    Avx512,
    /// AVX2, population count by a table of nibbles.
    Avx2,
    /// The 64-bit POPCNT instruction.
    Popcnt,
    /// Whatever the compiler makes of `count_ones`.
    Plain,
}

impl InstructionSet {
    /// All sets, the fastest first.
    pub const ALL: [InstructionSet; 4] =
        [InstructionSet::Avx512, InstructionSet::Avx2, InstructionSet::Popcnt, InstructionSet::Plain];

    /// Whether this processor has the instructions.
    pub fn available(self) -> bool {
        #[cfg(target_arch = "x86_64")]
        return match self {
            InstructionSet::Avx512 => {
                std::is_x86_feature_detected!("avx512f")
                    && std::is_x86_feature_detected!("avx512bw")
                    && std::is_x86_feature_detected!("avx512vnni")
                    && std::is_x86_feature_detected!("avx512vpopcntdq")
            }
            InstructionSet::Avx2 => std::is_x86_feature_detected!("avx2"),
            InstructionSet::Popcnt => std::is_x86_feature_detected!("popcnt"),
            InstructionSet::Plain => true,
        };
        #[cfg(not(target_arch = "x86_64"))]
        return self == InstructionSet::Plain;
    }

    /// The fastest set of this processor.
    pub fn best() -> InstructionSet {
        InstructionSet::ALL.into_iter().find(|set| set.available()).unwrap_or(InstructionSet::Plain)
    }

    /// Where tap word `word` (of `words`) of channel `lane` lies within the weights of a block.
    pub(super) fn weight_index(self, words: usize, lane: usize, word: usize) -> usize {
        match self {
            InstructionSet::Avx512 | InstructionSet::Avx2 => word * LANES + lane,
            InstructionSet::Popcnt | InstructionSet::Plain => lane * words + word,
        }
    }
}

/// Names the instruction set for reports.
impl std::fmt::Display for InstructionSet {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            InstructionSet::Avx512 => "AVX-512 VPOPCNTDQ",
            InstructionSet::Avx2 => "AVX2",
            InstructionSet::Popcnt => "POPCNT",
            InstructionSet::Plain => "plain",
        })
    }
}

/// One window of an image: where it starts in the input map, which word of the output map its bits go to
/// (of the first block), and which table of limits holds.
#[derive(Debug, Clone, Copy)]
pub(super) struct Window {
    pub start: u32,
    pub target: u32,
    pub class: u32,
}

/// The windows of one image and their common form: `rows` runs of `row_words` tap words, `row_stride`
/// elements of the map apart.
#[derive(Debug)]
pub(super) struct Windows {
    list: Vec<Window>,
    rows: usize,
    row_words: usize,
    row_stride: usize,
    last_start: usize,
    last_target: usize,
    last_class: usize,
}

impl Windows {
    pub(super) fn new(list: Vec<Window>, rows: usize, row_words: usize, row_stride: usize) -> Windows {
        let last = |of: fn(&Window) -> u32| list.iter().map(of).max().unwrap_or(0) as usize;
        let (last_start, last_target, last_class) =
            (last(|w| w.start), last(|w| w.target), last(|w| w.class));
        Windows { list, rows, row_words, row_stride, last_start, last_target, last_class }
    }

    /// Tap words of one window.
    pub(super) fn words(&self) -> usize {
        self.rows * self.row_words
    }

    pub(super) fn count(&self) -> usize {
        self.list.len()
    }

    /// Class of every window.
    pub(super) fn classes(&self) -> Vec<usize> {
        self.list.iter().map(|window| window.class as usize).collect()
    }
}

/// Input maps of a batch of images, one after the other.
#[derive(Clone, Copy)]
pub(super) enum Maps<'a> {
    /// 32 one-bit taps an element.
    Bits(&'a [u32]),
    /// One tap an element.
    Values(&'a [i16]),
}

impl Maps<'_> {
    fn elements(&self) -> usize {
        match self {
            Maps::Bits(map) => map.len(),
            Maps::Values(map) => map.len(),
        }
    }

    /// Elements in a tap word.
    fn per_word(&self) -> usize {
        match self {
            Maps::Bits(_) => 1,
            Maps::Values(_) => 2,
        }
    }
}

/// What one block reads: its images and its weights.
#[derive(Clone, Copy)]
pub(super) struct Work<'a> {
    pub windows: &'a Windows,
    pub maps: Maps<'a>,
    /// Elements from one image's map to the next.
    pub image_stride: usize,
    pub images: usize,
    /// Weights of 32 channels, ordered by [`InstructionSet::weight_index`].
    pub weights: &'a [u32],
}

impl Work<'_> {
    /// Panics unless every read of the block lies within its slices.
    fn check(&self) {
        let w = self.windows;
        let run = w.row_words * self.maps.per_word();
        let end = w.last_start + w.rows.saturating_sub(1) * w.row_stride + run;
        let last = self.images.saturating_sub(1) * self.image_stride;
        assert!(self.images == 0 || w.list.is_empty() || last + end <= self.maps.elements());
        assert!(self.weights.len() >= w.words() * LANES);
    }
}

/// Counts of a block that have been made before: image after image, window after window, 32 channels.
#[derive(Clone, Copy)]
pub(super) struct Before<'a> {
    pub counts: &'a [i32],
    /// What a count is multiplied by before it is added to them.
    pub scale: i32,
}

/// Where the bits of a block go.
pub(super) struct Signs<'a> {
    /// Limits of the 32 channels for every class of windows and step: a bit is set where count <= limit.
    pub limits: &'a [i32],
    /// Limits of a channel: 1 but for activations of several levels.
    pub steps: usize,
    /// Words from the output map of one step to that of the next.
    pub step_stride: usize,
    /// Bits inverted after the comparison.
    pub flip: u32,
    /// Output maps: each window's bits are or-ed into its target word.
    pub out: &'a mut [u32],
    /// Words from one image's output map to the next.
    pub out_stride: usize,
    /// Added to every target: the block's place within a pixel.
    pub column: usize,
}

impl Signs<'_> {
    /// Whether each count is compared with one limit.
    fn of_one_step(&self) -> bool {
        self.steps == 1
    }
}

/// Compares the counts of every window, added to those `before`, with the limits and ors the 32 bits of each step into the
/// output maps.
pub(super) fn signs(set: InstructionSet, work: Work, before: Option<Before>, signs: &mut Signs) {
    work.check();
    let w = work.windows;
    let last = work.images.saturating_sub(1) * signs.out_stride + w.last_target + signs.column;
    let last = last + (signs.steps - 1) * signs.step_stride;
    assert!(work.images == 0 || w.list.is_empty() || last < signs.out.len());
    assert!(w.list.is_empty() || (w.last_class + 1) * signs.steps * LANES <= signs.limits.len());
    assert!(before.is_none_or(|before| work.images * w.count() * LANES <= before.counts.len()));
    match set {
        #[cfg(target_arch = "x86_64")]
        InstructionSet::Avx512 => {
            assert!(set.available());
            // SAFETY: the processor has the instructions, and the bounds were asserted above.
            unsafe { avx512::signs(work, before, signs) }
        }
        #[cfg(target_arch = "x86_64")]
        InstructionSet::Avx2 => {
            assert!(set.available());
            // SAFETY: the processor has the instructions, and the bounds were asserted above.
            unsafe { avx2::signs(work, before, signs) }
        }
        #[cfg(target_arch = "x86_64")]
        InstructionSet::Popcnt => {
            assert!(set.available());
            // SAFETY: the processor has the instruction.
            unsafe { scalar::signs_popcnt(work, before, signs) }
        }
        _ => scalar::signs(work, before, signs),
    }
}

/// Writes the 32 counts of every window of every image to `out`, image after image; with `scale` adds so many times them
/// to what is there.
pub(super) fn counts(set: InstructionSet, work: Work, scale: Option<i32>, out: &mut [i32]) {
    work.check();
    assert!(work.images * work.windows.count() * LANES <= out.len());
    match set {
        #[cfg(target_arch = "x86_64")]
        InstructionSet::Avx512 => {
            assert!(set.available());
            // SAFETY: the processor has the instructions, and the bounds were asserted above.
            unsafe { avx512::counts(work, scale, out) }
        }
        #[cfg(target_arch = "x86_64")]
        InstructionSet::Avx2 => {
            assert!(set.available());
            // SAFETY: the processor has the instructions, and the bounds were asserted above.
            unsafe { avx2::counts(work, scale, out) }
        }
        #[cfg(target_arch = "x86_64")]
        InstructionSet::Popcnt => {
            assert!(set.available());
            // SAFETY: the processor has the instruction.
            unsafe { scalar::counts_popcnt(work, scale, out) }
        }
        _ => scalar::counts(work, scale, out),
    }
}

/// Walks over the windows of all images in order.
#[derive(Clone, Copy)]
struct Cursor {
    image: usize,
    window: usize,
    left: usize,
}

impl Cursor {
    fn new(work: &Work) -> Cursor {
        Cursor { image: 0, window: 0, left: work.images * work.windows.count() }
    }

    /// The image and window here; steps on. Only while `left` > 0.
    #[inline(always)]
    fn next(&mut self, windows: &Windows) -> (usize, Window) {
        let here = (self.image, windows.list[self.window]);
        self.left -= 1;
        self.window += 1;
        if self.window == windows.list.len() {
            (self.window, self.image) = (0, self.image + 1);
        }
        here
    }
}
