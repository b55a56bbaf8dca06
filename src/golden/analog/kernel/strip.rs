//! From images to words of one bit of 32 images.

/// Elements that are transposed together.
pub(in crate::golden::analog) const STRIP: usize = 32;

/// How an element becomes bits.
#[derive(Debug, Clone, Copy)]
pub(in crate::golden::analog) enum Stored {
    /// 1 where it is positive.
    Sign,
    /// Its distance from the smallest value.
    Distance { lowest: i16 },
}

/// Up to 32 elements of up to 32 images.
#[derive(Debug, Clone, Copy)]
pub(in crate::golden::analog) struct Strip<'a> {
    /// Images, one after the other.
    pub images: &'a [i16],
    pub count: usize,
    /// Elements of an image.
    pub elements: usize,
    /// First element of the strip, which ends with the image at the latest.
    pub first: usize,
    pub rule: Stored,
    /// Bit of the stored element.
    pub plane: usize,
}

/// See [`super::transpose`].
pub(super) fn transpose(strip: &Strip) -> [u32; STRIP] {
    let mut words = [0; STRIP];
    for (lane, image) in strip.images.chunks_exact(strip.elements).take(strip.count).enumerate() {
        for (word, &value) in words.iter_mut().zip(&image[strip.first..]) {
            let bit = match strip.rule {
                Stored::Sign => u32::from(value > 0),
                Stored::Distance { lowest } => {
                    (i32::from(value) - i32::from(lowest)) as u32 >> strip.plane & 1
                }
            };
            *word |= bit << lane;
        }
    }
    words
}
