//! Images that come as an array instead of a file.

use super::load::{self, Model};
use crate::network::{Input, Shape};
use crate::read::PixelRule;
use crate::read::data::Kind;
use std::borrow::Cow;

/// The numbers of an array.
#[derive(Debug, Clone, Copy)]
pub enum Numbers<'a> {
    /// Pixels 0 to 255.
    Pixels(&'a [u8]),
    /// Codes of the input's quantiser.
    Codes(&'a [i8]),
    /// What the graph's input reads: values that some pixel has.
    Values(&'a [f32]),
}

/// Images as a network reads them.
pub struct Images<'a> {
    /// The network's input, for codes with these in place of its table of pixels.
    pub input: Input,
    /// Image after image, each in channel, row, column order; where they lay if they were pixels.
    pub pixels: Cow<'a, [u8]>,
    pub count: usize,
}

/// The images of an array of that shape: `N x C x H x W`, `N x H x W` of one channel, or `N` rows of all elements.
///
/// Errors: another shape, and numbers that the input does not take.
pub fn images<'a>(model: &Model, numbers: Numbers<'a>, shape: &[usize]) -> miette::Result<Images<'a>> {
    let wanted = model.image;
    let fits = match *shape {
        [_, c, h, w] => Shape { c, h, w } == wanted,
        [_, h, w] => Shape { c: 1, h, w } == wanted,
        [_, elements] => elements == wanted.elements(),
        _ => false,
    };
    if !fits {
        let given: Vec<String> = shape.iter().map(usize::to_string).collect();
        return Err(miette::miette!(
            code = "cli::image_shape",
            help = "give images x channels x rows x columns, or images x elements; a single image is images[None]",
            "images of shape ({}), but {} reads images of {wanted}",
            given.join(", "),
            model.network.name.terminal()
        ));
    }
    let (pixels, kind) = match numbers {
        Numbers::Pixels(pixels) => (Cow::Borrowed(pixels), Kind::Pixels),
        // As readers of files keep them.
        Numbers::Codes(codes) => {
            (codes.iter().map(|&code| (i16::from(code) + 128) as u8).collect(), Kind::Codes)
        }
        Numbers::Values(values) => (pixels_of(model, values)?.into(), Kind::Pixels),
    };
    let input = load::input_of(model, "images", &pixels, kind)?;
    Ok(Images { input, pixels, count: shape[0] })
}

/// The pixel that has each value by the rule of `model`.
fn pixels_of(model: &Model, values: &[f32]) -> miette::Result<Vec<u8>> {
    let (rule, shape) = (&model.pixels.rule, model.image);
    let sorted = |channel: usize| {
        let mut table: Vec<(f32, u8)> = (0..=255).map(|pixel| (rule.value(channel, pixel), pixel)).collect();
        table.sort_by(|a, b| a.0.total_cmp(&b.0));
        table
    };
    let tables: Vec<Vec<(f32, u8)>> = (0..rule.channels().max(1)).map(sorted).collect();
    let nearest = |table: &[(f32, u8)], value: f32| -> Option<u8> {
        let behind = table.partition_point(|(entry, _)| *entry < value);
        let near = &table[behind.saturating_sub(1)..table.len().min(behind + 1)];
        let distance = |entry: f32| (entry - value).abs();
        let (entry, pixel) = near.iter().min_by(|a, b| distance(a.0).total_cmp(&distance(b.0)))?;
        // What single precision may lose on the way.
        (distance(*entry) <= 1e-5 * entry.abs().max(1.0)).then_some(*pixel)
    };
    let each = values.iter().enumerate().map(|(index, &value)| {
        let channel = index % shape.elements() / shape.pixels();
        let table = &tables[if tables.len() == 1 { 0 } else { channel % tables.len() }];
        nearest(table, value).ok_or((index / shape.elements(), value))
    });
    each.collect::<Result<_, _>>().map_err(|(image, value)| {
        miette::miette!(
            code = "cli::values",
            help = "give the pixels themselves (uint8), the codes of the input's quantiser (int8), or the rule by which a \
                    pixel becomes what the graph reads (input=...)",
            "images: {value} in image {image} is the value of no pixel by the rule '{}'",
            match rule {
                PixelRule::Table(_) => "table".into(),
                rule => rule.name(),
            }
        )
    })
}
