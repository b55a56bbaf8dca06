//! Random numbers without a state: each is a function of the seed and of what it is drawn for.
//!
//! Any number can be drawn alone, so a chip is the same for every order, thread count and subset. Philox4x32-10
//! (Salmon, Moraes, Dror, Shaw, "Parallel random numbers: as easy as 1, 2, 3", SC'11): the key is the seed, the
//! counter is (kind and layer, array, column, row). Normal deviates are the inverse distribution function
//! (Wichura, AS 241, Applied Statistics 37, 1988: 16 digits) of 52 bits, hence the largest is 8.2.
//! Only IEEE additions, products, quotients and square roots enter, and the logarithm of the `libm` crate, which
//! is plain Rust: the same bits on every machine.

/// What a number is drawn for. Each kind has its own stream, so switching one effect on or off leaves the draws
/// of all others as they are. The numbers are part of the meaning of a seed: never reuse or reorder them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Kind {
    /// Gaussian error of a cell's devices.
    Gaussian = 1,
    /// Log-normal error of a cell's devices.
    LogNormal = 2,
    /// Threshold voltage of a cell's devices.
    Threshold = 3,
    /// Stuck devices.
    Stuck = 4,
    /// The shift that all cells of a chip share.
    Die = 5,
    /// Levels of a row's driver.
    Row = 6,
    /// Offset of a column.
    Column = 7,
    /// Offset of a sense amplifier.
    Sense = 8,
    /// Offset of a comparator.
    Comparator = 9,
    /// Elements of a converter's internal levels.
    Element = 10,
    /// Gain of a converter.
    Gain = 11,
    /// Drives that wire errors are estimated with.
    Probe = 12,
    /// Noise of a column in one read.
    Read = 13,
    /// Programming error of a cell's devices.
    Programming = 14,
    /// Exponent of the drift of a cell's devices.
    Drift = 15,
    /// Error of a cell's pair in the noise plane, and the exponent of its drift.
    NoisePair = 16,
}

/// Random numbers of one array (or, with layer and array 0, of the whole chip for kinds that have no place).
#[derive(Debug, Clone, Copy)]
pub struct Stream {
    pub(super) key: [u32; 2],
    layer: u32,
    array: u32,
}

impl Stream {
    /// `layer` counts below 2^24, as no network has more.
    pub fn new(seed: u64, layer: usize, array: usize) -> Stream {
        Stream {
            key: [seed as u32, (seed >> 32) as u32],
            layer: layer as u32 & 0xff_ffff,
            array: array as u32,
        }
    }

    /// Two independent 64-bit numbers of the place (`column`, `row`).
    #[inline]
    pub fn pair(&self, kind: Kind, column: usize, row: usize) -> [u64; 2] {
        let [a, b, c, d] = philox(self.counter(kind, column, row), self.key);
        [u64::from(b) << 32 | u64::from(a), u64::from(d) << 32 | u64::from(c)]
    }

    #[inline]
    pub(super) fn counter(&self, kind: Kind, column: usize, row: usize) -> [u32; 4] {
        [(kind as u32) << 24 | self.layer, self.array, column as u32, row as u32]
    }

    /// Two independent deviates of the standard normal distribution.
    #[inline]
    pub fn normals(&self, kind: Kind, column: usize, row: usize) -> [f64; 2] {
        self.pair(kind, column, row).map(|bits| normal(uniform(bits)))
    }

    /// One deviate of the standard normal distribution.
    pub fn normal(&self, kind: Kind, column: usize, row: usize) -> f64 {
        self.normals(kind, column, row)[0]
    }
}

/// A number between 0 and 1, both excluded, symmetric about 1/2.
#[inline]
pub fn uniform(bits: u64) -> f64 {
    ((bits >> 12) as f64 + 0.5) * (1.0 / (1u64 << 52) as f64)
}

/// Philox4x32-10.
#[inline]
pub fn philox(mut counter: [u32; 4], mut key: [u32; 2]) -> [u32; 4] {
    for _ in 0..10 {
        let left = u64::from(counter[0]) * 0xd251_1f53;
        let right = u64::from(counter[2]) * 0xcd9e_8d57;
        counter = [
            (right >> 32) as u32 ^ counter[1] ^ key[0],
            right as u32,
            (left >> 32) as u32 ^ counter[3] ^ key[1],
            left as u32,
        ];
        key = [key[0].wrapping_add(0x9e37_79b9), key[1].wrapping_add(0xbb67_ae85)];
    }
    counter
}

/// The value that a standard normal deviate is below with probability `p`; 0 < p < 1.
#[inline]
pub fn normal(p: f64) -> f64 {
    let q = p - 0.5;
    if q.abs() <= 0.425 {
        let r = 0.180625 - q * q;
        return q * polynomial(&CENTRE.0, r) / polynomial(&CENTRE.1, r);
    }
    let r = (-libm::log(if q < 0.0 { p } else { 1.0 - p })).sqrt();
    let x = if r <= 5.0 {
        polynomial(&MIDDLE.0, r - 1.6) / polynomial(&MIDDLE.1, r - 1.6)
    } else {
        polynomial(&TAIL.0, r - 5.0) / polynomial(&TAIL.1, r - 5.0)
    };
    x.copysign(q)
}

/// Horner's rule; coefficients from the highest power down.
#[inline(always)]
pub(super) fn polynomial(coefficients: &[f64; 8], x: f64) -> f64 {
    coefficients.iter().fold(0.0, |sum, coefficient| sum * x + coefficient)
}

pub(super) type Ratio = ([f64; 8], [f64; 8]);

/// |p - 1/2| up to 0.425.
pub(super) const CENTRE: Ratio = (
    [
        2509.0809287301227,
        33430.57558358813,
        67265.7709270087,
        45921.95393154987,
        13731.69376550946,
        1971.5909503065513,
        133.14166789178438,
        3.3871328727963665,
    ],
    [
        5226.495278852854,
        28729.085735721943,
        39307.89580009271,
        21213.794301586597,
        5394.196021424751,
        687.1870074920579,
        42.31333070160091,
        1.0,
    ],
);
/// Down to p = exp(-25).
pub(super) const MIDDLE: Ratio = (
    [
        0.0007745450142783414,
        0.022723844989269184,
        0.2417807251774506,
        1.2704582524523684,
        3.6478483247632045,
        5.769497221460691,
        4.630337846156546,
        1.4234371107496835,
    ],
    [
        1.0507500716444169e-09,
        0.0005475938084995345,
        0.015198666563616457,
        0.14810397642748008,
        0.6897673349851,
        1.6763848301838038,
        2.053191626637759,
        1.0,
    ],
);
/// Below.
const TAIL: Ratio = (
    [
        2.0103343992922881e-07,
        2.7115555687434876e-05,
        0.0012426609473880784,
        0.026532189526576124,
        0.29656057182850487,
        1.7848265399172913,
        5.463784911164114,
        6.657904643501103,
    ],
    [
        2.0442631033899397e-15,
        1.421511758316446e-07,
        1.8463183175100548e-05,
        0.0007868691311456133,
        0.014875361290850615,
        0.1369298809227358,
        0.599832206555888,
        1.0,
    ],
);

#[cfg(test)]
mod tests {
    use super::*;

    /// Random123, `tests/kat_vectors`, the lines of `philox4x32 10`.
    #[test]
    fn known_answers_of_random123() {
        for (counter, key, answer) in [
            ([0; 4], [0; 2], [0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8]),
            ([u32::MAX; 4], [u32::MAX; 2], [0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd]),
            (
                [0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344],
                [0xa4093822, 0x299f31d0],
                [0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1],
            ),
        ] {
            assert_eq!(philox(counter, key), answer);
        }
    }

    /// The check values of AS 241, and quantiles that Python's `statistics.NormalDist` gives.
    #[test]
    fn known_quantiles() {
        for (p, x) in [
            (0.25, -0.6744897501960817),
            (0.001, -3.090232306167813),
            (1e-20, -9.262340089798408),
            (0.975, 1.9599639845400543),
            (0.5, 0.0),
        ] {
            assert!((normal(p) - x).abs() <= 4e-15 * x.abs(), "{p}: {}", normal(p));
        }
        let (least, most) = (uniform(0), uniform(u64::MAX));
        assert!(normal(least) < -8.0 && normal(most) == -normal(least), "{} {}", normal(least), normal(most));
    }

    /// The bits of a few deviates: a machine on which they differ draws other chips.
    #[test]
    fn bits_of_deviates() {
        let stream = Stream::new(0x0123_4567_89ab_cdef, 3, 14);
        let bits: Vec<u64> =
            (0..4).flat_map(|row| stream.normals(Kind::Gaussian, 15, row)).map(f64::to_bits).collect();
        assert_eq!(
            bits,
            [
                0x3ff77f3f1715e40b,
                0x3fecaeb5142b78f8,
                0xbff0ddd2094758de,
                0x3fe7fd95c00ee764,
                0xbfe19c605f8c170c,
                0xbfc8b947f56eea80,
                0xbff273fccc02c9f9,
                0xbfbaff2ea92745c3
            ]
        );
    }

    #[test]
    fn kind_layer_array_column_row_and_seed_all_count() {
        let mut seen = std::collections::BTreeSet::new();
        for seed in [0, 1, 1 << 32] {
            for kind in [Kind::Gaussian, Kind::LogNormal] {
                for place in [[0, 0, 0, 0], [1, 0, 0, 0], [0, 1, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1]] {
                    let [layer, array, column, row] = place;
                    seen.insert(Stream::new(seed, layer, array).pair(kind, column, row));
                }
            }
        }
        assert_eq!(seen.len(), 30);
    }
}
