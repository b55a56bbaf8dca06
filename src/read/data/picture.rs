//! PNG and JPEG pictures, gray or RGB; palettes are expanded, 16 bits cut to 8. Alpha must be opaque everywhere: what lies
//! under or in a transparent picture is not for this program to say. An orientation in a picture's metadata is not looked at,
//! as with PIL.

use super::{Dataset, Error, Kind, fault, image_bytes};
use crate::network::Shape;
use zune_jpeg::zune_core::bytestream::ZCursor;
use zune_jpeg::zune_core::colorspace::ColorSpace;

/// What a PNG and a JPEG picture begin with.
pub const PNG: &[u8] = &[0x89, b'P', b'N', b'G'];
pub const JPEG: &[u8] = &[0xFF, 0xD8, 0xFF];

/// One picture as a data set of one image.
pub fn decode(bytes: &[u8], name: &str) -> Result<Dataset, Error> {
    if bytes.starts_with(JPEG) { jpeg(bytes, name) } else { png(bytes, name) }
}

fn jpeg(bytes: &[u8], name: &str) -> Result<Dataset, Error> {
    let damaged = |e: zune_jpeg::errors::DecodeErrors| {
        fault(name, &format!("no JPEG picture: {e:?}"), "save it again as JPEG or PNG")
    };
    let mut decoder = zune_jpeg::JpegDecoder::new(ZCursor::new(bytes));
    decoder.decode_headers().map_err(damaged)?;
    let (w, h) = decoder.dimensions().unwrap_or((0, 0));
    let (c, space) = match decoder.input_colorspace() {
        Some(ColorSpace::Luma) => (1, ColorSpace::Luma),
        Some(ColorSpace::YCbCr | ColorSpace::RGB) => (3, ColorSpace::RGB),
        other => {
            let what = match other {
                Some(space) => format!("its colours are {space:?}"),
                None => "it does not say what its colours are".into(),
            };
            return Err(fault(name, &what, "save it as RGB or gray (PIL: convert(\"RGB\"))"));
        }
    };
    let shape = Shape { c, h, w };
    image_bytes(name, c, Shape { c: 1, h, w })?;
    decoder.set_options(decoder.options().jpeg_set_out_colorspace(space));
    let pixels = decoder.decode().map_err(damaged)?;
    let images = (0..c).flat_map(|channel| pixels.iter().skip(channel).step_by(c).copied()).collect();
    Ok(Dataset { name: name.into(), shape, images, labels: None, kind: Kind::Pictures })
}

fn png(bytes: &[u8], name: &str) -> Result<Dataset, Error> {
    let damaged =
        |e: png::DecodingError| fault(name, &format!("no PNG picture: {e}"), "save it again as PNG");
    let limits = png::Limits { bytes: 64 << 20 };
    let mut decoder = png::Decoder::new_with_limits(std::io::Cursor::new(bytes), limits);
    decoder.set_transformations(png::Transformations::normalize_to_color8());
    let mut reader = decoder.read_info().map_err(damaged)?;
    let (w, h) = (reader.info().width as usize, reader.info().height as usize);
    image_bytes(name, 4, Shape { c: 1, h, w })?;
    let size =
        reader.output_buffer_size().ok_or_else(|| fault(name, "too large", "use a smaller picture"))?;
    let mut pixels = vec![0; size];
    let info = reader.next_frame(&mut pixels).map_err(damaged)?;
    let (samples, c) = match info.color_type {
        png::ColorType::Grayscale => (1, 1),
        png::ColorType::GrayscaleAlpha => (2, 1),
        png::ColorType::Rgb => (3, 3),
        png::ColorType::Rgba => (4, 3),
        png::ColorType::Indexed => {
            return Err(fault(name, "a palette that was not expanded", "save it as RGB"));
        }
    };
    let pixels = &pixels[..info.buffer_size()];
    if samples > c && pixels.iter().skip(c).step_by(samples).any(|&alpha| alpha != 255) {
        return Err(fault(
            name,
            "it is transparent in places",
            "put it on a background and save it without an alpha channel (PIL: Image.alpha_composite, then convert(\"RGB\"))",
        ));
    }
    let shape = Shape { c, h, w };
    let mut images = Vec::with_capacity(shape.elements());
    for channel in 0..c {
        images.extend(pixels.iter().skip(channel).step_by(samples));
    }
    Ok(Dataset { name: name.into(), shape, images, labels: None, kind: Kind::Pictures })
}
