//! PNG pictures, gray or RGB; palettes are expanded, 16 bits cut to 8. Alpha must be opaque everywhere: what lies under or
//! in a transparent picture is not for this program to say.

use super::{Dataset, Error, Kind, fault, image_bytes};
use crate::network::Shape;

/// One picture as a data set of one image.
pub fn decode(bytes: &[u8], name: &str) -> Result<Dataset, Error> {
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
