//! The file of `bincim infer --scores`: one row an image, as .csv or as a NumPy array of records (.npy).
//!
//! `scores` are the integers of the last layer (sums, or bits as -1 and +1), `outputs` what the graph gives for them
//! (before a softmax or sigmoid at its end); of several samples, the scores' sums and the outputs' means. With every layer:
//! `layerN_sums` in (channel, row, column) order of the accumulators, and behind pooling `layerN_bits`, 0 or 1, or, where
//! activations have several levels, `layerN_levels`, from 0 to the number of thresholds: how many of them are met.

use crate::escape;
use crate::flow::folder;
use crate::golden::reference::{LayerTrace, Trace};
use crate::network::{Activation, Layer, Network, Shape};
use std::fmt::Write;
use std::path::Path;

/// Most bytes of the file.
const MOST: usize = 2 << 30;
/// Bytes that a number takes in text, at most.
const TEXT: usize = 12;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Format {
    Csv,
    Npy,
}

/// One image's row.
pub struct Row<'a> {
    pub class: usize,
    pub label: Option<u32>,
    pub scores: &'a [i32],
    /// All layers, where they were asked for.
    pub trace: Option<&'a Trace>,
}

/// The file under construction.
pub struct Scores<'a> {
    format: Format,
    network: &'a Network,
    labels: bool,
    layers: bool,
    rows: usize,
    bytes: Vec<u8>,
}

impl<'a> Scores<'a> {
    /// A file for `count` images, with a column of labels and those of every layer as asked for.
    ///
    /// # Errors
    /// A name that ends in neither .csv nor .npy, and a file that would be too large.
    pub fn new(
        path: &Path,
        network: &'a Network,
        (labels, layers): (bool, bool),
        count: usize,
    ) -> miette::Result<Scores<'a>> {
        let ending = path.extension().map(|ending| ending.to_string_lossy().to_ascii_lowercase());
        let format = match ending.as_deref() {
            Some("csv") => Format::Csv,
            Some("npy") => Format::Npy,
            _ => {
                return Err(miette::miette!(
                    code = "infer::scores_format",
                    help = "name it something.csv or something.npy",
                    "--scores {}: its ending says no format",
                    escape::path(path)
                ));
            }
        };
        let scores = Scores { format, network, labels, layers, rows: 0, bytes: Vec::new() };
        let numbers = 3
            + 3 * scores.classes()
            + scores.fields().iter().map(|field| field.shape.iter().product::<usize>()).sum::<usize>();
        if numbers.saturating_mul(TEXT).saturating_mul(count) > MOST {
            return Err(miette::miette!(
                code = "infer::scores_size",
                help = "take fewer images (--images N), or leave --layers out",
                "--scores {}: {count} images of {numbers} numbers are more than {} GiB",
                escape::path(path),
                MOST >> 30
            ));
        }
        Ok(scores)
    }

    fn classes(&self) -> usize {
        self.network.layers.last().map_or(0, |last| last.output.elements())
    }

    pub fn push(&mut self, row: &Row) {
        match self.format {
            Format::Csv => self.push_text(row),
            Format::Npy => self.push_record(row),
        }
        self.rows += 1;
    }

    fn push_text(&mut self, row: &Row) {
        let mut line = format!("{}", self.rows);
        let mut number = |value: &dyn std::fmt::Display| {
            // Writing to a text cannot fail.
            let _ = write!(line, ",{value}");
        };
        if let Some(label) = row.label {
            number(&label);
        }
        number(&row.class);
        row.scores.iter().for_each(|score| number(score));
        self.network.output.of(row.scores).for_each(|output| number(&output));
        for (trace, layer) in self.layers_of(row) {
            trace.accumulators.iter().for_each(|sum| number(sum));
            levels(trace, layer).for_each(|level| number(&level));
        }
        line.push('\n');
        self.bytes.extend_from_slice(line.as_bytes());
    }

    fn push_record(&mut self, row: &Row) {
        let outputs: Vec<f64> = self.network.output.of(row.scores).collect();
        let mut bytes = std::mem::take(&mut self.bytes);
        bytes.extend((row.class as i32).to_le_bytes());
        if let Some(label) = row.label {
            bytes.extend((label as i32).to_le_bytes());
        }
        row.scores.iter().for_each(|score| bytes.extend(score.to_le_bytes()));
        outputs.iter().for_each(|output| bytes.extend(output.to_le_bytes()));
        for (trace, layer) in self.layers_of(row) {
            trace.accumulators.iter().for_each(|sum| bytes.extend(sum.to_le_bytes()));
            bytes.extend(levels(trace, layer));
        }
        self.bytes = bytes;
    }

    /// The layers of `row`, each with what it made.
    fn layers_of<'t>(&self, row: &Row<'t>) -> impl Iterator<Item = (&'t LayerTrace, &'a Layer)> {
        let traces = row.trace.map_or(&[][..], |trace| &trace.layers);
        traces.iter().zip(&self.network.layers)
    }

    /// Fields of the layers, in the order of a row.
    fn fields(&self) -> Vec<Field> {
        let shaped = |shape: Shape| vec![shape.c, shape.h, shape.w];
        let mut fields = Vec::new();
        for (index, layer) in self.network.layers.iter().enumerate().filter(|_| self.layers) {
            let sums = if layer.sum_pixels { vec![layer.conv.c] } else { shaped(layer.conv) };
            fields.push(Field { name: format!("layer{index}_sums"), kind: "<i4", shape: sums });
            if matches!(layer.activation, Activation::Sign { .. }) {
                let what = if layer.steps() > 1 { "levels" } else { "bits" };
                fields.push(Field {
                    name: format!("layer{index}_{what}"),
                    kind: "|u1",
                    shape: shaped(layer.output),
                });
            }
        }
        fields
    }

    /// All fields of a record.
    fn record(&self) -> Vec<Field> {
        let field = |name: &str, kind, shape| Field { name: name.into(), kind, shape };
        let mut all = vec![field("class", "<i4", Vec::new())];
        if self.labels {
            all.push(field("label", "<i4", Vec::new()));
        }
        all.push(field("scores", "<i4", vec![self.classes()]));
        all.push(field("outputs", "<f8", vec![self.classes()]));
        all.extend(self.fields());
        all
    }

    fn csv_head(&self) -> String {
        let mut head = String::from("image");
        if self.labels {
            head.push_str(",label");
        }
        head.push_str(",class");
        for name in ["score", "output"] {
            (0..self.classes()).for_each(|class| head.push_str(&format!(",{name}_{class}")));
        }
        for field in self.fields() {
            let name = field.name.trim_end_matches('s');
            (0..field.shape.iter().product())
                .for_each(|index: usize| head.push_str(&format!(",{name}_{index}")));
        }
        head + "\n"
    }

    fn npy_head(&self) -> Vec<u8> {
        let fields: Vec<String> = self.record().iter().map(Field::described).collect();
        let text = format!(
            "{{'descr': [{}], 'fortran_order': False, 'shape': ({},), }}",
            fields.join(", "),
            self.rows
        );
        // The header ends on a multiple of 64 bytes, with a line feed.
        let length = (12 + text.len() + 1).next_multiple_of(64) - 12;
        let mut head = crate::read::data::NPY_MAGIC.to_vec();
        head.extend([2, 0]);
        head.extend((length as u32).to_le_bytes());
        head.extend(text.as_bytes());
        head.resize(12 + length - 1, b' ');
        head.push(b'\n');
        head
    }

    /// Writes the file, whole or not at all.
    pub fn write(self, path: &Path) -> miette::Result<()> {
        let mut bytes = match self.format {
            Format::Csv => self.csv_head().into_bytes(),
            Format::Npy => self.npy_head(),
        };
        bytes.extend(self.bytes);
        folder::write_whole(path, &bytes)?;
        Ok(())
    }
}

/// How many thresholds are met, element by element: 0 or 1 of a layer of bits.
fn levels(trace: &LayerTrace, layer: &Layer) -> impl Iterator<Item = u8> {
    let elements = trace.bits.len() / layer.steps();
    (0..elements)
        .map(move |index| trace.bits[index..].iter().step_by(elements).map(|&bit| u8::from(bit)).sum())
}

/// A field of a record.
struct Field {
    name: String,
    kind: &'static str,
    /// Empty for one number.
    shape: Vec<usize>,
}

impl Field {
    fn described(&self) -> String {
        let Field { name, kind, shape } = self;
        match &shape[..] {
            [] => format!("('{name}', '{kind}')"),
            shape => {
                let sizes: String = shape.iter().map(|size| format!("{size},")).collect();
                format!("('{name}', '{kind}', ({sizes}))")
            }
        }
    }
}
