//! Shows pictures: half blocks for a terminal, a PNG contact sheet for a page.
//!
//! Both return bytes or text and never write a file; the same pictures give the same bytes.

/// A grey picture: `side * side` values, row by row.
#[derive(Clone, Copy, Debug)]
pub struct Picture<'a> {
    pub side: usize,
    pub pixels: &'a [u8],
}

/// Why pictures could not be shown.
#[derive(Debug, thiserror::Error)]
pub enum PictureError {
    #[error("no pictures, or a sheet without columns")]
    Empty,
    #[error("picture {index} has side {side} and {pixels} pixels; all must be {wanted} x {wanted}")]
    Shape { index: usize, side: usize, pixels: usize, wanted: usize },
    #[error("the sheet cannot be coded as PNG: {0}")]
    Png(#[from] png::EncodingError),
}

/// Pictures side by side as text for a terminal with 24-bit colour.
///
/// One character is two pixels, one above the other: the upper half block in the upper pixel's
/// grey on the lower pixel's grey. `ceil(side / 2)` lines, each ended by a line feed.
pub fn half_blocks(pictures: &[Picture]) -> Result<String, PictureError> {
    let side = common_side(pictures)?;
    let mut text = String::new();
    for top in (0..side).step_by(2) {
        for (index, picture) in pictures.iter().enumerate() {
            if index > 0 {
                text.push(' ');
            }
            for column in 0..side {
                let upper = picture.pixels[top * side + column];
                let lower = picture.pixels.get((top + 1) * side + column).copied().unwrap_or(0);
                text.push_str(&format!(
                    "\x1b[38;2;{upper};{upper};{upper};48;2;{lower};{lower};{lower}m\u{2580}"
                ));
            }
            text.push_str("\x1b[0m");
        }
        text.push('\n');
    }
    Ok(text)
}

/// Pictures in rows of `columns`, each pixel `zoom * zoom`, as the bytes of an 8-bit grey PNG.
///
/// A white line of `zoom` pixels runs around every picture; the last row is filled up with white.
pub fn contact_sheet(pictures: &[Picture], columns: usize, zoom: usize) -> Result<Vec<u8>, PictureError> {
    let side = common_side(pictures)?;
    if columns == 0 || zoom == 0 {
        return Err(PictureError::Empty);
    }
    let rows = pictures.len().div_ceil(columns);
    let cell = side + 1;
    let (width, height) = (columns * cell + 1, rows * cell + 1);
    let mut sheet = vec![255; width * height];
    for (index, picture) in pictures.iter().enumerate() {
        let left = (index % columns) * cell + 1;
        let top = (index / columns) * cell + 1;
        for row in 0..side {
            let start = (top + row) * width + left;
            sheet[start..start + side].copy_from_slice(&picture.pixels[row * side..(row + 1) * side]);
        }
    }
    let enlarged: Vec<u8> = (0..height * zoom)
        .flat_map(|y| {
            let line = &sheet[(y / zoom) * width..(y / zoom + 1) * width];
            line.iter().flat_map(move |&grey| std::iter::repeat_n(grey, zoom))
        })
        .collect();
    encode_grey(&enlarged, width * zoom, height * zoom)
}

/// The side that all pictures share.
fn common_side(pictures: &[Picture]) -> Result<usize, PictureError> {
    let wanted = pictures.first().ok_or(PictureError::Empty)?.side;
    for (index, picture) in pictures.iter().enumerate() {
        let Picture { side, pixels } = *picture;
        if side == 0 || side != wanted || pixels.len() != side * side {
            return Err(PictureError::Shape { index, side, pixels: pixels.len(), wanted });
        }
    }
    Ok(wanted)
}

fn encode_grey(pixels: &[u8], width: usize, height: usize) -> Result<Vec<u8>, PictureError> {
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, width as u32, height as u32);
    encoder.set_color(png::ColorType::Grayscale);
    encoder.set_depth(png::BitDepth::Eight);
    encoder.set_compression(png::Compression::High);
    let mut writer = encoder.write_header()?;
    writer.write_image_data(pixels)?;
    writer.finish()?;
    Ok(bytes)
}
