//! What a collection of glyphs promises: the same bytes, in any order, balanced and in range.

use super::*;
use sha2::{Digest, Sha256};

fn digest(images: &[u8], labels: &[u8]) -> String {
    let hash = Sha256::new().chain_update(images).chain_update(labels).finalize();
    hash.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Guards every bit of the generator: a changed digest means that the trained network, its stated
/// accuracy and everybody's exported files no longer belong together.
#[test]
fn bytes_are_frozen() {
    let (images, labels) = dataset(1, Split::Train, 1000);
    assert_eq!(digest(&images, &labels), "469afb55a164718f827b457389f440a72367489204808bd990e584c12b6604f8");
    let (images, labels) = dataset(1, Split::Test, 1000);
    assert_eq!(digest(&images, &labels), "57ae436f79018c31ccbaa1417688539079597f54ac3c29f975519bd56f85cef9");
}

#[test]
fn any_subset_in_any_order_is_the_same() {
    let (images, labels) = dataset(7, Split::Test, 50);
    for position in [49usize, 3, 0, 27] {
        let glyph = render(7, Split::Test.first() + position as u64, SIDE);
        assert_eq!(glyph.label, labels[position]);
        assert_eq!(glyph.pixels, images[position * SIDE * SIDE..(position + 1) * SIDE * SIDE]);
    }
    let (late_images, late_labels) = batch(7, Split::Test, 20..50);
    assert_eq!(late_images, images[20 * SIDE * SIDE..]);
    assert_eq!(late_labels, labels[20..]);
    let single = rayon::ThreadPoolBuilder::new().num_threads(1).build().expect("a pool of one thread");
    assert_eq!(single.install(|| dataset(7, Split::Test, 50)), (images, labels));
}

#[test]
fn seeds_and_splits_and_indices_differ() {
    let first = |seed, split| dataset(seed, split, 20);
    assert_ne!(first(1, Split::Train), first(2, Split::Train));
    assert_ne!(first(1, Split::Train), first(1, Split::Test));
    let (images, _) = dataset(1, Split::Train, 500);
    let distinct: std::collections::HashSet<&[u8]> = images.chunks_exact(SIDE * SIDE).collect();
    assert_eq!(distinct.len(), 500);
}

#[test]
fn every_block_of_ten_holds_each_digit_once() {
    let mut orders = std::collections::HashSet::new();
    for start in [0, 10, 9990, u64::MAX / 10 * 10 - 10] {
        let labels: Vec<u8> = (start..start + 10).map(|index| label_of(3, index)).collect();
        let mut sorted = labels.clone();
        sorted.sort_unstable();
        assert_eq!(sorted, (0..10).collect::<Vec<u8>>());
        orders.insert(labels);
    }
    assert_eq!(orders.len(), 4, "each block has an order of its own");
}

/// The splits start at different places of a block of ten; both are balanced up to that block.
#[test]
fn labels_are_balanced() {
    for split in [Split::Train, Split::Test] {
        let (_, labels) = dataset(11, split, 10_000);
        for digit in 0..CLASSES as u8 {
            let count = labels.iter().filter(|&&label| label == digit).count();
            assert!((999..=1001).contains(&count), "{split:?} holds digit {digit} {count} times");
        }
    }
}

#[test]
fn pixels_use_the_range_and_show_the_digit() {
    let (images, labels) = dataset(5, Split::Train, 2000);
    let darkest = images.iter().copied().fold(u8::MAX, u8::min);
    let brightest = images.iter().copied().fold(u8::MIN, u8::max);
    assert!(darkest < 10 && brightest > 245, "{darkest} to {brightest}");
    // A 1 leaves the picture's left edge darker than its middle; an 0 has a dark middle.
    let mean = |digit: u8, column: usize| {
        let sums = images.chunks_exact(SIDE * SIDE).zip(&labels).filter(|(_, label)| **label == digit);
        let values: Vec<f64> = sums.map(|(pixels, _)| f64::from(pixels[8 * SIDE + column])).collect();
        values.iter().sum::<f64>() / values.len() as f64
    };
    assert!(mean(1, 8) > mean(1, 1) + 20.0, "{} {}", mean(1, 8), mean(1, 1));
    assert!(mean(1, 8) > mean(0, 8) + 10.0, "{} {}", mean(1, 8), mean(0, 8));
}

#[test]
fn any_side_is_drawn() {
    for side in [0, 1, 7, 28, 64] {
        assert_eq!(render(1, 0, side).pixels.len(), side * side);
    }
}

#[test]
fn uniform_numbers_stay_in_range() {
    let mut random = Random::new(1, Stream::Picture, 0);
    let mut seen = [false; 5];
    for _ in 0..1000 {
        assert!((0.0..1.0).contains(&random.unit()));
        assert!((-1.0..1.0).contains(&random.signed()));
        seen[random.below(5) as usize] = true;
    }
    assert_eq!(seen, [true; 5]);
}

#[test]
fn strokes_stay_on_the_card_and_curves_are_whole() {
    for (digit, styles) in shapes::DIGITS.iter().enumerate() {
        assert!(!styles.is_empty());
        for stroke in styles.iter().flat_map(|style| style.iter()) {
            let points = match stroke {
                shapes::Stroke::Line(points) => points,
                shapes::Stroke::Curve(points) => {
                    assert!(points.len() % 2 == 1, "a curve of {digit} lacks its last point");
                    points
                }
            };
            assert!(points.len() >= 2, "a stroke of {digit} has no length");
            let on_card = |&(x, y): &(i8, i8)| (0..=60).contains(&x) && (0..=104).contains(&y);
            assert!(points.iter().all(on_card), "a stroke of {digit} leaves the card");
        }
    }
}

#[test]
fn half_blocks_hold_every_pixel() {
    let pixels = [10, 20, 30, 40, 50, 60, 70, 80, 90];
    let text = half_blocks(&[Picture { side: 3, pixels: &pixels }]).expect("a well-formed picture");
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines.len(), 2);
    assert!(lines[0].starts_with("\x1b[38;2;10;10;10;48;2;40;40;40m\u{2580}"));
    assert!(lines[1].starts_with("\x1b[38;2;70;70;70;48;2;0;0;0m\u{2580}"), "no row below the last");
    assert_eq!(text.matches('\u{2580}').count(), 6);
}

#[test]
fn a_contact_sheet_decodes_to_its_pictures() {
    let pictures: Vec<Vec<u8>> = (0..3).map(|index| render(1, index, SIDE).pixels).collect();
    let views: Vec<Picture> = pictures.iter().map(|pixels| Picture { side: SIDE, pixels }).collect();
    let bytes = contact_sheet(&views, 2, 3).expect("a well-formed sheet");
    assert_eq!(bytes, contact_sheet(&views, 2, 3).expect("the same again"));
    let mut reader = png::Decoder::new(std::io::Cursor::new(bytes)).read_info().expect("a PNG");
    let mut sheet = vec![0; reader.output_buffer_size().expect("a size")];
    let info = reader.next_frame(&mut sheet).expect("a frame");
    assert_eq!((info.width, info.height), (3 * 35, 3 * 35));
    let at = |x: usize, y: usize| sheet[(y * 3 + 1) * 105 + x * 3 + 1];
    for (index, pixels) in pictures.iter().enumerate() {
        for (place, &grey) in pixels.iter().enumerate() {
            let x = index % 2 * 17 + 1 + place % SIDE;
            let y = index / 2 * 17 + 1 + place / SIDE;
            assert_eq!(at(x, y), grey);
        }
    }
    assert!((0..35).all(|x| at(x, 0) == 255 && at(x, 17) == 255), "white lines between");
}

#[test]
fn unequal_pictures_are_refused() {
    let (small, large) = ([0; 4], [0; 9]);
    let views = [Picture { side: 2, pixels: &small }, Picture { side: 3, pixels: &large }];
    assert!(matches!(half_blocks(&views), Err(PictureError::Shape { index: 1, side: 3, wanted: 2, .. })));
    let views = [Picture { side: 3, pixels: &small }];
    assert!(matches!(contact_sheet(&views, 1, 1), Err(PictureError::Shape { pixels: 4, .. })));
    assert!(matches!(contact_sheet(&[], 1, 1), Err(PictureError::Empty)));
    let views = [Picture { side: 2, pixels: &small }];
    assert!(matches!(contact_sheet(&views, 0, 1), Err(PictureError::Empty)));
}
