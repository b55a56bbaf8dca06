//! Pictures of other sizes than a network reads: scaled, and their centre cut out, as torchvision does it with PIL
//! (`Resize(shorter)`, `CenterCrop`).
//!
//! The filter is PIL's bilinear one: a triangle as wide as the scale when a picture shrinks, so that every pixel counts.
//! Pixels are within 1 of PIL's.

use super::{Dataset, Error, Kind, fault};
use crate::network::Shape;
use fast_image_resize::images::{Image, ImageRef};
use fast_image_resize::{FilterType, PixelType, ResizeAlg, ResizeOptions, Resizer};

/// What a picture is brought to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fit {
    /// Pixels of its shorter side after scaling, at least the larger of `size`.
    pub shorter: u32,
    /// Rows and columns of what is cut out of its centre.
    pub size: (usize, usize),
}

impl Fit {
    /// `picture`, one image, as it is read.
    ///
    /// # Errors
    /// [`Error::Data`] of a data set that is no picture.
    pub(super) fn apply(&self, picture: Dataset) -> Result<Dataset, Error> {
        if picture.kind != Kind::Pictures {
            return Err(fault(
                &picture.name,
                "its images have one size, and only pictures are scaled",
                "leave --resize out, or give a picture, a folder of them, or folders of classes",
            ));
        }
        let from = picture.shape;
        let (shorter, longer) = (from.h.min(from.w), from.h.max(from.w));
        let other = (u64::from(self.shorter) * longer as u64 / shorter as u64) as usize;
        let (h, w) = match from.h <= from.w {
            true => (self.shorter as usize, other),
            false => (other, self.shorter as usize),
        };
        let (rows, columns) = self.size;
        let (top, left) = (half(h - rows), half(w - columns));
        let mut images = Vec::with_capacity(from.c * rows * columns);
        for plane in picture.images.chunks(from.pixels()) {
            let scaled = scaled(plane, (from.h, from.w), (h, w)).map_err(|why| {
                fault(&picture.name, &format!("it cannot be scaled: {why}"), "save it smaller")
            })?;
            for row in scaled.chunks(w).skip(top).take(rows) {
                images.extend(&row[left..left + columns]);
            }
        }
        Ok(Dataset { shape: Shape { c: from.c, h: rows, w: columns }, images, ..picture })
    }
}

/// Half of a number, rounded to even as Python's `round` does.
fn half(number: usize) -> usize {
    let down = number / 2;
    if number % 2 == 1 && down % 2 == 1 { down + 1 } else { down }
}

/// A plane of 8-bit pixels of (rows, columns) in another size.
fn scaled(plane: &[u8], from: (usize, usize), to: (usize, usize)) -> Result<Vec<u8>, String> {
    if from == to {
        return Ok(plane.to_vec());
    }
    let size = |(rows, columns): (usize, usize)| (columns as u32, rows as u32);
    let ((w, h), (wide, high)) = (size(from), size(to));
    let source = ImageRef::new(w, h, plane, PixelType::U8).map_err(|e| e.to_string())?;
    let mut target = Image::new(wide, high, PixelType::U8);
    let options = ResizeOptions::new().resize_alg(ResizeAlg::Convolution(FilterType::Bilinear));
    Resizer::new().resize(&source, &mut target, &options).map_err(|e| e.to_string())?;
    Ok(target.into_vec())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `Image.resize(..., BILINEAR)` of Pillow 13 gives this for a picture of 5 rows and 7 columns; it rounds in other places.
    #[test]
    fn scaling_is_that_of_pillow_to_within_a_step() {
        let plane: Vec<u8> = (0..35u32).map(|i| (i * i * 7 % 256) as u8).collect();
        for (size, expected) in [((3, 4), &PIL_SMALLER[..]), ((8, 9), &PIL_LARGER[..])] {
            let got = scaled(&plane, (5, 7), size).unwrap();
            assert_eq!(got.len(), expected.len());
            assert!(got.iter().zip(expected).all(|(got, expected)| got.abs_diff(*expected) <= 1), "{got:?}");
        }
    }

    const PIL_SMALLER: [u8; 12] = [58, 71, 124, 203, 74, 95, 176, 211, 117, 142, 73, 172];
    const PIL_LARGER: [u8; 72] = [
        0, 5, 16, 36, 63, 101, 147, 201, 252, 38, 72, 66, 57, 118, 102, 156, 206, 211, 87, 151, 124, 83, 191,
        110, 171, 214, 164, 90, 88, 56, 62, 218, 185, 205, 224, 215, 68, 53, 42, 77, 219, 172, 177, 208, 240,
        20, 46, 82, 130, 194, 71, 88, 166, 239, 70, 136, 156, 136, 124, 36, 97, 175, 192, 112, 207, 211, 137,
        71, 16, 111, 185, 156,
    ];

    #[test]
    fn halves_are_pythons() {
        assert_eq!([0, 1, 2, 3, 5, 7, 32].map(half), [0, 0, 1, 2, 2, 4, 16]);
    }
}
