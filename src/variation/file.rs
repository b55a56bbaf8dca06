//! The chip file: one line of JSON, then the integers.
//!
//! The same chip gives the same bytes, and what is read back equals what was written. Reading never panics and
//! never takes more memory than a few times the bytes it was given: sizes are held against the length of the
//! file before anything is allocated, and every byte stands under the digest.
//!
//! Layout: a [`Head`] as one line of JSON, a line feed, then for each array in order `plus` and `minus` (i16),
//! `offset` and `edges` (i32), of an array without edges (whose cells are drawn as they are read) `plus` alone; then the chip's own thresholds if it has some (i64, entry by entry), all little-endian,
//! without gaps. `sha256` is the SHA-256 of the whole file as it would be with an empty `sha256`.

use super::{ArrayDraw, Chip, Correction, OwnThresholds, Widths};
use miette::Diagnostic;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use thiserror::Error;

const FORMAT: &str = "bincim chip";
const VERSION: u32 = 2;

/// Why bytes are no chip file.
#[derive(Debug, Clone, PartialEq, Eq, Error, Diagnostic)]
pub enum ChipError {
    /// The first line is not the head of a chip file.
    #[error("not a chip file: {detail}")]
    #[diagnostic(code(chip::head), help("give a file that `bincim draw` wrote"))]
    Head { detail: String },

    /// A chip file of another version.
    #[error("chip file of version {found}, this program reads version {VERSION}")]
    #[diagnostic(code(chip::version), help("draw the chip again with this program, from the same seed"))]
    Version { found: u64 },

    /// The head announces other sizes than the file has.
    #[error("the head announces {announced} bytes of integers, the file holds {found}")]
    #[diagnostic(
        code(chip::size),
        help("the file was cut or something was added to it: copy or draw it again")
    )]
    Size { announced: String, found: usize },

    /// The digest does not fit.
    #[error("SHA-256 is {found}, the head says {announced}")]
    #[diagnostic(code(chip::digest), help("the file was damaged or edited: copy or draw it again"))]
    Digest { announced: String, found: String },

    /// The digest fits, but the integers cannot be a chip.
    #[error("{detail}")]
    #[diagnostic(code(chip::content), help("the file was not written by `bincim draw`: draw the chip again"))]
    Content { detail: String },
}

/// The first line.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Head {
    format: String,
    version: u32,
    seed: u64,
    subject: String,
    fraction_bits: u32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    widths: Option<Widths>,
    /// The physics as TOML, for the reader.
    physics: String,
    arrays: Vec<Sizes>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    thresholds: Option<ThresholdSizes>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    correction: Option<Correction>,
    sha256: String,
}

/// Sizes of one array; `edges` is of one column.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Sizes {
    rows: usize,
    columns: usize,
    edges: usize,
}

/// Size of the chip's own thresholds, and the digest of those they stand in for.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct ThresholdSizes {
    entries: usize,
    lanes: usize,
    replace: String,
}

/// Format and version alone, to tell another version from nonsense.
#[derive(Deserialize)]
struct Name {
    format: String,
    version: u64,
}

impl Sizes {
    /// Bytes of the array's integers, if that is a number at all.
    fn bytes(&self) -> Option<usize> {
        if self.edges == 0 {
            return self.rows.checked_mul(self.columns)?.checked_mul(2);
        }
        let cells = self.rows.checked_mul(self.columns)?.checked_mul(4)?;
        let edges = self.columns.checked_mul(self.edges.checked_add(1)?)?.checked_mul(4)?;
        cells.checked_add(edges)
    }
}

impl ThresholdSizes {
    /// Bytes of the thresholds, if that is a number at all.
    fn bytes(&self) -> Option<usize> {
        self.entries.checked_mul(self.lanes)?.checked_mul(8)
    }
}

impl Head {
    /// Bytes of all integers behind the head, if that is a number at all.
    fn bytes(&self) -> Option<usize> {
        let thresholds = self.thresholds.as_ref().map_or(Some(0), ThresholdSizes::bytes)?;
        self.arrays.iter().try_fold(thresholds, |sum, sizes| sum.checked_add(sizes.bytes()?))
    }

    /// The head's line with its line feed.
    fn line(&self) -> Vec<u8> {
        let mut line = serde_json::to_vec(self).expect("a record of numbers and texts");
        line.push(b'\n');
        line
    }

    /// Digest of the file that this head and `payload` make.
    fn digest(&mut self, payload: &[u8]) -> String {
        let announced = std::mem::take(&mut self.sha256);
        let hash = Sha256::new().chain_update(self.line()).chain_update(payload).finalize();
        self.sha256 = announced;
        super::hexadecimal(&hash)
    }
}

impl Chip {
    /// The chip as the bytes of a chip file. Panics where an array's vectors do not have the sizes it states.
    pub fn write_to(&self) -> Vec<u8> {
        let sizes = |array: &ArrayDraw| Sizes {
            rows: array.rows,
            columns: array.columns,
            edges: array.edges_per_column(),
        };
        let mut head = Head {
            format: FORMAT.into(),
            version: VERSION,
            seed: self.seed,
            subject: self.subject.clone(),
            fraction_bits: self.fraction_bits,
            widths: self.widths,
            physics: self.physics.clone(),
            arrays: self.arrays.iter().map(sizes).collect(),
            thresholds: self.thresholds.as_ref().map(|own| ThresholdSizes {
                entries: own.values.len(),
                lanes: own.values.first().map_or(0, Vec::len),
                replace: own.replace.clone(),
            }),
            correction: self.correction.clone(),
            sha256: String::new(),
        };
        let mut payload = Vec::new();
        for (array, sizes) in self.arrays.iter().zip(&head.arrays) {
            let there = usize::from(!array.is_drawn());
            assert!(
                array.plus.len() == array.rows * array.columns
                    && array.minus.len() == array.plus.len() * there
                    && array.offset.len() == array.columns * there
                    && array.edges.len() == array.columns * sizes.edges,
                "an array's vectors do not have the sizes it states"
            );
            payload.extend(array.plus.iter().chain(&array.minus).flat_map(|value| value.to_le_bytes()));
            payload.extend(array.offset.iter().chain(&array.edges).flat_map(|value| value.to_le_bytes()));
        }
        if let Some(own) = &self.thresholds {
            let lanes = own.values.first().map_or(0, Vec::len);
            assert!(own.values.iter().all(|entry| entry.len() == lanes), "entries of different lengths");
            payload.extend(own.values.iter().flatten().flat_map(|value| value.to_le_bytes()));
        }
        head.sha256 = head.digest(&payload);
        let mut file = head.line();
        file.append(&mut payload);
        file
    }

    /// Reads the bytes of a chip file.
    ///
    /// # Errors
    /// Anything that [`Chip::write_to`] would not write, byte for byte.
    pub fn read_from(bytes: &[u8]) -> Result<Chip, ChipError> {
        let end = bytes
            .iter()
            .position(|&byte| byte == b'\n')
            .ok_or_else(|| ChipError::Head { detail: "it has no first line".into() })?;
        let (line, payload) = (&bytes[..end], &bytes[end + 1..]);
        let wrong = |error: serde_json::Error| ChipError::Head { detail: format!("first line: {error}") };
        let name: Name = serde_json::from_slice(line).map_err(wrong)?;
        if name.format != FORMAT {
            return Err(ChipError::Head {
                detail: format!("format is \"{}\", expected \"{FORMAT}\"", name.format.escape_debug()),
            });
        }
        if name.version != u64::from(VERSION) {
            return Err(ChipError::Version { found: name.version });
        }
        let mut head: Head = serde_json::from_slice(line).map_err(wrong)?;
        if head.line() != bytes[..=end] {
            return Err(ChipError::Head {
                detail: "first line: other spaces or another order of keys".into(),
            });
        }
        if head
            .widths
            .is_some_and(|widths| !(2..=16).contains(&widths.cell) || !(2..=32).contains(&widths.voltage))
        {
            return Err(ChipError::Head {
                detail: "first line: cells have 2 to 16 bits, voltages 2 to 32".into(),
            });
        }
        if head.thresholds.as_ref().is_some_and(|sizes| sizes.entries == 0 || sizes.lanes == 0) {
            return Err(ChipError::Head { detail: "first line: thresholds that are none".into() });
        }
        let announced = head.bytes();
        if announced != Some(payload.len()) {
            let announced = announced.map_or("more than 2^64".to_string(), |bytes| bytes.to_string());
            return Err(ChipError::Size { announced, found: payload.len() });
        }
        let found = head.digest(payload);
        if found != head.sha256 {
            return Err(ChipError::Digest { announced: head.sha256, found });
        }
        let mut rest = payload;
        let arrays: Vec<ArrayDraw> = head.arrays.iter().map(|sizes| read_array(sizes, &mut rest)).collect();
        let problem =
            |(index, array): (usize, &ArrayDraw)| Some(format!("array {index}: {}", array.problem()?));
        let mut problems: Vec<String> = arrays.iter().enumerate().filter_map(problem).collect();
        problems.extend(head.correction.as_ref().and_then(Correction::problem));
        if !problems.is_empty() {
            return Err(ChipError::Content { detail: problems.join("\n") });
        }
        let thresholds = head.thresholds.map(|sizes| {
            let (words, _) = rest.as_chunks();
            let values: Vec<i64> = words.iter().map(|&word| i64::from_le_bytes(word)).collect();
            let entry = |entry: usize| values[entry * sizes.lanes..][..sizes.lanes].to_vec();
            OwnThresholds { replace: sizes.replace, values: (0..sizes.entries).map(entry).collect() }
        });
        Ok(Chip {
            seed: head.seed,
            subject: head.subject,
            physics: head.physics,
            fraction_bits: head.fraction_bits,
            widths: head.widths,
            arrays,
            thresholds,
            correction: head.correction,
        })
    }
}

/// Takes one array off the front of `rest`, whose length has been checked.
fn read_array(sizes: &Sizes, rest: &mut &[u8]) -> ArrayDraw {
    let cells = sizes.rows * sizes.columns;
    let mut take = |bytes: usize| {
        let (front, back) = rest.split_at(bytes);
        *rest = back;
        front
    };
    let short = |bytes: &[u8]| {
        bytes.chunks_exact(2).map(|pair| i16::from_le_bytes([pair[0], pair[1]])).collect::<Vec<_>>()
    };
    let long = |bytes: &[u8]| {
        let integer = |word: &[u8]| i32::from_le_bytes([word[0], word[1], word[2], word[3]]);
        bytes.chunks_exact(4).map(integer).collect::<Vec<_>>()
    };
    let there = usize::from(sizes.edges > 0);
    ArrayDraw {
        rows: sizes.rows,
        columns: sizes.columns,
        plus: short(take(cells * 2)),
        minus: short(take(cells * 2 * there)),
        offset: long(take(sizes.columns * 4 * there)),
        edges: long(take(sizes.columns * sizes.edges * 4)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A chip of several arrays whose integers are a formula.
    fn chip() -> Chip {
        let array = |rows: usize, columns: usize, edges: usize, salt: i64| {
            let value = |i: usize| (i as i64 * 7919 + salt) % 65536 - 32768;
            ArrayDraw {
                rows,
                columns,
                plus: (0..rows * columns).map(|i| value(i) as i16).collect(),
                minus: (0..rows * columns).map(|i| value(i + 5) as i16).collect(),
                offset: (0..columns).map(|c| value(c) as i32 * 60000).collect(),
                edges: (0..columns * edges).map(|i| (i % edges) as i32 * 1000 - 5000).collect(),
            }
        };
        Chip {
            seed: u64::MAX,
            subject: "00ff".repeat(16),
            physics: "[cell]\nkind = \"pair\"\n".into(),
            fraction_bits: 7,
            widths: None,
            arrays: vec![array(5, 3, 4, 1), array(8, 2, 1, 2), array(1, 1, 31, 3)],
            thresholds: None,
            correction: None,
        }
    }

    #[test]
    fn what_is_written_is_read_and_twice_the_same() {
        let chip = chip();
        let bytes = chip.write_to();
        assert_eq!(bytes, chip.clone().write_to());
        assert_eq!(Chip::read_from(&bytes), Ok(chip.clone()));
        let held = Chip { widths: Some(Widths { cell: 16, voltage: 32 }), ..chip.clone() };
        assert_eq!(Chip::read_from(&held.write_to()), Ok(held));
        let values = vec![vec![1, -2, i64::MAX], vec![i64::MIN, 0, 5]];
        let own =
            Chip { thresholds: Some(OwnThresholds { replace: "ab".repeat(32), values }), ..chip.clone() };
        assert_eq!(
            own.write_to().len() - bytes.len(),
            48 + ",\"thresholds\":{\"entries\":2,\"lanes\":3,\"replace\":\"\"}".len() + 64
        );
        assert_eq!(Chip::read_from(&own.write_to()), Ok(own));
        let mut drawn = chip.clone();
        let cells = &mut drawn.arrays[1];
        (cells.minus, cells.offset, cells.edges) = (Vec::new(), Vec::new(), Vec::new());
        cells.plus.iter_mut().for_each(|cell| *cell /= 256);
        assert_eq!(bytes.len() - drawn.write_to().len(), 2 * 16 + 4 * 2 + 4 * 2);
        assert_eq!(Chip::read_from(&drawn.write_to()), Ok(drawn));
        let empty = Chip { arrays: Vec::new(), ..chip };
        assert_eq!(Chip::read_from(&empty.write_to()), Ok(empty));
        let line = bytes.split(|&byte| byte == b'\n').next().unwrap();
        let head: serde_json::Value = serde_json::from_slice(line).unwrap();
        assert_eq!(head["arrays"][1], serde_json::json!({"rows": 8, "columns": 2, "edges": 1}));
        assert_eq!(bytes.len() - line.len() - 1, (15 + 16 + 1) * 4 + (3 * 5 + 2 * 2 + 32) * 4);
    }

    #[test]
    fn every_cut_and_every_addition_is_refused() {
        let bytes = chip().write_to();
        for length in 0..bytes.len() {
            assert!(Chip::read_from(&bytes[..length]).is_err(), "{length} bytes were taken");
        }
        let mut longer = bytes.clone();
        longer.push(0);
        assert!(matches!(Chip::read_from(&longer), Err(ChipError::Size { .. })));
    }

    #[test]
    fn every_flipped_bit_is_refused() {
        let bytes = chip().write_to();
        for place in 0..bytes.len() * 8 {
            let mut wrong = bytes.clone();
            wrong[place / 8] ^= 1 << (place % 8);
            assert!(Chip::read_from(&wrong).is_err(), "bit {place} was not missed");
        }
    }

    #[test]
    fn each_refusal_says_what_is_wrong() {
        let bytes = chip().write_to();
        let text =
            String::from_utf8_lossy(&bytes[..bytes.iter().position(|&b| b == b'\n').unwrap()]).to_string();
        let with = |from: &str, to: &str| {
            let line = text.replacen(from, to, 1);
            assert_ne!(line, text, "{from} is not in the head");
            Chip::read_from(&[line.as_bytes(), &bytes[text.len()..]].concat()).unwrap_err()
        };
        assert!(matches!(with("bincim chip", "bincim map"), ChipError::Head { .. }));
        assert_eq!(with("\"version\":2", "\"version\":9"), ChipError::Version { found: 9 });
        assert!(matches!(with("\"version\":2", "\"version\":2,\"more\":2"), ChipError::Head { .. }));
        assert!(matches!(with("\"seed\":", "\"seed\": "), ChipError::Head { .. }));
        assert!(matches!(with("\"rows\":5", "\"rows\":6"), ChipError::Size { .. }));
        assert!(matches!(with("\"rows\":5", "\"rows\":9000000000000000000"), ChipError::Size { .. }));
        assert!(matches!(with("\"rows\":5", "\"rows\":1000000000000"), ChipError::Size { .. }));
        assert!(matches!(with("\"rows\":5", "\"rows\":-5"), ChipError::Head { .. }));
        assert!(matches!(with("pair", "pear"), ChipError::Digest { .. }));
        let widths = "\"fraction_bits\":7,\"widths\":{\"cell\":17,\"voltage\":20}";
        assert!(with("\"fraction_bits\":7", widths).to_string().contains("2 to 16 bits"));
        let mut falling = chip();
        falling.arrays[0].edges.swap(0, 3);
        falling.arrays[0].edges.swap(8, 9);
        falling.arrays[1].edges = vec![0, 0];
        falling.arrays[2].edges.swap(0, 30);
        let refusal = Chip::read_from(&falling.write_to()).unwrap_err();
        assert_eq!(
            refusal.to_string(),
            "array 0: the edges of column 0 (and 1 more) do not rise\narray 2: the edges of column 0 do not rise"
        );
    }

    proptest::proptest! {
        #[test]
        fn any_bytes_are_answered(bytes: Vec<u8>, line in "\\{?[ -~]{0,80}") {
            let _ = Chip::read_from(&bytes);
            let _ = Chip::read_from(&[line.as_bytes(), b"\n", &bytes].concat());
        }
    }
}
