//! NumPy's .npy and .npz: images of type uint8 or bool, codes of an input's quantiser as int8, and labels of any integer
//! type.
//!
//! Images are (count, channel, row, column), (count, row, column, channel) where only the last dimension
//! is 1 or 3, (count, row, column), or (count, elements). The header is parsed here, without recursion.

use super::{Dataset, Error, Kind, MAX_BYTES, Split, fault, image_bytes};
use crate::bounded;
use crate::network::Shape;

pub const MAGIC: &[u8] = b"\x93NUMPY";
/// Labels lie below this.
const MOST_CLASSES: u32 = 1 << 24;

/// What a header says.
struct Header<'b> {
    kind: &'b str,
    shape: Vec<usize>,
    content: &'b [u8],
}

/// The array of images in a .npy file.
pub fn images(bytes: &[u8], name: &str) -> Result<Dataset, Error> {
    let header = header(bytes, name)?;
    let (kind, of_byte): (Kind, fn(u8) -> u8) = match header.kind {
        "|u1" => (Kind::Pixels, |pixel| pixel),
        // True is white.
        "|b1" => (Kind::Pixels, |bit| if bit == 0 { 0 } else { 255 }),
        "|i1" => (Kind::Codes, |code| code ^ 0x80),
        other => {
            let help = "store pixels 0 to 255 as uint8, or the integers of the input's quantiser as int8";
            return Err(fault(name, &format!("images of type '{other}'"), help));
        }
    };
    let (shape, channels_last) = match header.shape[..] {
        [_, c, h, w] if matches!(w, 1 | 3) && !matches!(c, 1 | 3) => (Shape { c: w, h: c, w: h }, true),
        [_, c, h, w] => (Shape { c, h, w }, false),
        [_, h, w] => (Shape { c: 1, h, w }, false),
        [_, elements] => (Shape::vector(elements), false),
        _ => {
            let what = format!("images of shape {:?}", header.shape);
            return Err(fault(name, &what, "store (count, channel, row, column)"));
        }
    };
    let expected = image_bytes(name, header.shape[0], shape)?;
    let content = header.content.get(..expected).ok_or_else(|| cut(name))?;
    let mut images = if channels_last { planes(content, shape) } else { content.to_vec() };
    images.iter_mut().for_each(|byte| *byte = of_byte(*byte));
    Ok(Dataset { name: name.into(), shape, images, labels: None, kind })
}

/// (row, column, channel) to (channel, row, column), image by image.
fn planes(content: &[u8], shape: Shape) -> Vec<u8> {
    let mut images = Vec::with_capacity(content.len());
    for image in content.chunks_exact(shape.elements()) {
        for c in 0..shape.c {
            images.extend(image.iter().skip(c).step_by(shape.c));
        }
    }
    images
}

/// The array of labels in a .npy file.
pub fn labels(bytes: &[u8], name: &str) -> Result<Vec<u32>, Error> {
    let header = header(bytes, name)?;
    let (&[count] | &[count, 1]) = &header.shape[..] else {
        return Err(fault(name, &format!("labels of shape {:?}", header.shape), "store one label an image"));
    };
    let width = match header.kind {
        "|u1" | "|i1" | "|b1" => 1,
        "<u2" | "<i2" => 2,
        "<u4" | "<i4" => 4,
        "<u8" | "<i8" => 8,
        other => {
            let what = format!("labels of type '{other}'");
            return Err(fault(name, &what, "store labels as little-endian integers"));
        }
    };
    let content = count.checked_mul(width).and_then(|n| header.content.get(..n)).ok_or_else(|| cut(name))?;
    let signed = header.kind.contains('i');
    content
        .chunks_exact(width)
        .map(|label| {
            let negative = signed && label[width - 1] >= 0x80;
            let value = label.iter().rev().fold(0u64, |value, &byte| value << 8 | u64::from(byte));
            u32::try_from(value).ok().filter(|&value| !negative && value < MOST_CLASSES).ok_or_else(|| {
                fault(
                    name,
                    &format!("a label is below 0, or not below {MOST_CLASSES}"),
                    "number the classes from 0",
                )
            })
        })
        .collect()
}

/// The shape and the values of an array of numbers.
pub fn numbers(bytes: &[u8], name: &str) -> Result<(Vec<usize>, Vec<f32>), Error> {
    fn each<const N: usize>(content: &[u8], f: impl Fn([u8; N]) -> f32) -> Vec<f32> {
        content.as_chunks::<N>().0.iter().map(|bytes| f(*bytes)).collect()
    }
    let header = header(bytes, name)?;
    let values = match header.kind {
        "|u1" => each(header.content, |b: [u8; 1]| b[0].into()),
        "|i1" => each(header.content, |b| i8::from_le_bytes(b).into()),
        "<i2" => each(header.content, |b| i16::from_le_bytes(b).into()),
        "<i4" => each(header.content, |b| i32::from_le_bytes(b) as f32),
        "<i8" => each(header.content, |b| i64::from_le_bytes(b) as f32),
        "<f4" => each(header.content, f32::from_le_bytes),
        "<f8" => each(header.content, |b| f64::from_le_bytes(b) as f32),
        other => {
            let what = format!("numbers of type '{other}'");
            return Err(fault(name, &what, "store them as float32"));
        }
    };
    match header.shape.iter().try_fold(1usize, |n, &d| n.checked_mul(d)) {
        Some(count) if count == values.len() => Ok((header.shape, values)),
        _ => Err(cut(name)),
    }
}

/// The arrays of a .npz archive: `images_u8`, `images` or `x_SPLIT`, and `labels` or `y_SPLIT`.
pub fn archive(bytes: &[u8], name: &str, split: Split) -> Result<Dataset, Error> {
    let damaged = |what: String| fault(name, &what, "write it with numpy.savez or savez_compressed");
    let mut archive =
        npyz::npz::NpzArchive::new(std::io::Cursor::new(bytes)).map_err(|e| damaged(e.to_string()))?;
    let names: Vec<String> = archive.array_names().take(1000).map(str::to_string).collect();
    let mut array = |wanted: &[String]| -> Result<Option<(String, Vec<u8>)>, Error> {
        let Some(found) = wanted.iter().find(|w| names.contains(w)) else { return Ok(None) };
        let entry = archive.zip_archive().by_name(&format!("{found}.npy"));
        let entry = entry.map_err(|e| damaged(format!("array '{found}': {e}")))?;
        let content =
            bounded::all(entry, MAX_BYTES + 4096).map_err(|e| damaged(format!("array '{found}': {e}")))?;
        Ok(Some((format!("{name}:{found}"), content)))
    };
    let keys = |plain: &[&str], letter: char| {
        let mut keys: Vec<String> = plain.iter().map(|s| s.to_string()).collect();
        keys.push(format!("{letter}_{}", split.name()));
        keys
    };
    let Some((key, content)) = array(&keys(&["images_u8", "images"], 'x'))? else {
        let split = split.name();
        let what = format!("no {split} images among its arrays {names:?}");
        let help =
            format!("name them 'x_{split}' and 'y_{split}', or 'images' and 'labels' in a file of one part");
        return Err(fault(name, &what, &help));
    };
    let mut data = images(&content, &key)?;
    if let Some((key, content)) = array(&keys(&["labels"], 'y'))? {
        data.labels = Some(labels(&content, &key)?);
    }
    Ok(Dataset { name: name.into(), ..data })
}

fn cut(name: &str) -> Error {
    fault(name, "less content than its header says", "write the file again with numpy.save")
}

/// Parses the header: magic, version, length, then a Python dictionary of three keys.
fn header<'b>(bytes: &'b [u8], name: &str) -> Result<Header<'b>, Error> {
    let damaged =
        || fault(name, "no .npy array with a header that is understood", "write it with numpy.save");
    let rest = bytes.strip_prefix(MAGIC).ok_or_else(damaged)?;
    let (length, rest) = match rest {
        [1, _, a, b, rest @ ..] => (u32::from_le_bytes([*a, *b, 0, 0]), rest),
        [2 | 3, _, a, b, c, d, rest @ ..] => (u32::from_le_bytes([*a, *b, *c, *d]), rest),
        _ => return Err(damaged()),
    };
    let (text, content) = rest.split_at_checked(length as usize).ok_or_else(damaged)?;
    let text = std::str::from_utf8(text).map_err(|_| damaged())?;
    let value = |key: &str| {
        let after = &text[text.find(key)? + key.len()..];
        Some(after.trim_start().strip_prefix(':')?.trim_start())
    };
    let kind = value("'descr'").and_then(|v| v.strip_prefix('\'')).and_then(|v| v.split('\'').next());
    if value("'fortran_order'").is_none_or(|v| !v.starts_with("False")) {
        return Err(fault(name, "it is in Fortran order", "store numpy.ascontiguousarray(x)"));
    }
    let list = value("'shape'").and_then(|v| v.strip_prefix('(')).and_then(|v| v.split(')').next());
    let shape: Option<Vec<usize>> = list.and_then(|list| {
        list.split(',').map(str::trim).filter(|n| !n.is_empty()).take(8).map(|n| n.parse().ok()).collect()
    });
    let (Some(kind), Some(shape)) = (kind, shape) else { return Err(damaged()) };
    Ok(Header { kind, shape, content })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(kind: &str, shape: &str, content: &[u8]) -> Vec<u8> {
        let text = format!("{{'descr': '{kind}', 'fortran_order': False, 'shape': {shape}, }}\n");
        let mut bytes = MAGIC.to_vec();
        bytes.extend([1, 0]);
        bytes.extend((text.len() as u16).to_le_bytes());
        bytes.extend(text.as_bytes());
        bytes.extend(content);
        bytes
    }

    #[test]
    fn layouts() {
        let data = images(&file("|u1", "(1, 2, 2, 3)", &(0..12).collect::<Vec<u8>>()), "x").unwrap();
        assert_eq!(data.shape, Shape { c: 3, h: 2, w: 2 });
        assert_eq!(data.images, [0, 3, 6, 9, 1, 4, 7, 10, 2, 5, 8, 11]);
        let data = images(&file("|u1", "(1, 3, 2, 2)", &(0..12).collect::<Vec<u8>>()), "x").unwrap();
        assert_eq!((data.shape, data.images[3]), (Shape { c: 3, h: 2, w: 2 }, 3));
        let data = images(&file("|u1", "(3, 4)", &[7; 12]), "x").unwrap();
        assert_eq!((data.shape, data.len()), (Shape::vector(4), 3));
    }

    #[test]
    fn labels_of_wide_types() {
        let content: Vec<u8> = [3i64, 200].iter().flat_map(|l| l.to_le_bytes()).collect();
        assert_eq!(labels(&file("<i8", "(2,)", &content), "x").unwrap(), [3, 200]);
        let negative: Vec<u8> = [-1i64].iter().flat_map(|l| l.to_le_bytes()).collect();
        assert!(labels(&file("<i8", "(1,)", &negative), "x").is_err());
    }

    #[test]
    fn headers_that_lie_are_refused() {
        for (kind, shape) in [
            ("|u1", "(99999999999, 1, 1)"),
            ("|u1", "(18446744073709551615, 2)"),
            ("<f4", "(1, 2)"),
            ("|u1", "(2, 2)"),
            ("|u1", "()"),
            ("|u1", "(1, two)"),
        ] {
            assert!(images(&file(kind, shape, &[0; 2]), "x").is_err(), "{kind} {shape}");
        }
        assert!(images(MAGIC, "x").is_err());
    }
}
