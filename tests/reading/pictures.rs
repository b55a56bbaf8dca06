//! Pictures beside what Pillow makes of them: JPEG, other sizes than a network's, and what is refused.

use bincim::network::Shape;
use bincim::read::{Fit, Split, dataset, dataset_fitting};
use std::fs;
use std::path::Path;

/// 12 x 9 pixels of gray, and 20 x 14 of colour with halved chroma, written by Pillow 13 with quality 90.
const GRAY: &[&str] = &[
    "ffd8ffe000104a46494600010100000100010000ffdb0043000302020302020303030304030304050805050404050a070706",
    "080c0a0c0c0b0a0b0b0d0e12100d0e110e0b0b1016101113141515150c0f171816141812141514ffc0000b080009000c0101",
    "1100ffc400160001010100000000000000000000000000070308ffc400201000010302070000000000000000000000000305",
    "072325333541435181a1ffda0008010100003f00ca51fc3787438d07e6586ede9d0f0b47fb7d0fccb97a67ffd9",
];
const COLOUR: &[&str] = &[
    "ffd8ffe000104a46494600010100000100010000ffdb0043000302020302020303030304030304050805050404050a070706",
    "080c0a0c0c0b0a0b0b0d0e12100d0e110e0b0b1016101113141515150c0f171816141812141514ffdb004301030404050405",
    "09050509140d0b0d141414141414141414141414141414141414141414141414141414141414141414141414141414141414",
    "1414141414141414ffc0001108000e001403012200021101031101ffc4001600010101000000000000000000000000000700",
    "08ffc40020100000040701010000000000000000000000020405060721222391a13214ffc400160101010100000000000000",
    "000000000000060307ffc4001d110001040203000000000000000000000001000204060321111222ffda000c030100021103",
    "11003f00c2ec12cfce2e04860967e717030b04089ada97412182044d6d4ba14832ce91dad5c9fe765092396780b8b821aa91",
    "c089be72d4ba1058d96785bbe3b93fa0d95fffd9",
];
/// Decoders of JPEG differ in the last bits: no standard says how the transform rounds.
const APART: i32 = 3;

fn bytes(hex: &[&str]) -> Vec<u8> {
    let digits = hex.concat();
    (0..digits.len()).step_by(2).map(|at| u8::from_str_radix(&digits[at..at + 2], 16).unwrap()).collect()
}

fn near(got: &[u8], expected: &[u8]) {
    assert_eq!(got.len(), expected.len());
    let apart =
        got.iter().zip(expected).map(|(&got, &expected)| (i32::from(got) - i32::from(expected)).abs());
    assert!(apart.max() <= Some(APART), "{got:?}, not {expected:?}");
}

fn folder(files: &[(&str, Vec<u8>)]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, content) in files {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }
    folder
}

#[test]
fn jpeg_is_decoded_as_pillow_does() {
    let folder = folder(&[("gray.jpg", bytes(GRAY)), ("colour.jpeg", bytes(COLOUR))]);
    let gray = dataset(&folder.path().join("gray.jpg"), Split::Test).unwrap();
    assert_eq!(gray.shape, Shape { c: 1, h: 9, w: 12 });
    let at = |x: usize, y: usize| gray.images[y * 12 + x];
    near(&[at(0, 0), at(5, 3), at(11, 8), at(7, 6)], &[0, 68, 164, 116]);
    let colour = dataset(&folder.path().join("colour.jpeg"), Split::Test).unwrap();
    assert_eq!(colour.shape, Shape { c: 3, h: 14, w: 20 });
    let at = |x: usize, y: usize| [0, 1, 2].map(|channel| colour.images[(channel * 14 + y) * 20 + x]);
    near(&at(5, 3), &[45, 39, 49]);
    near(&at(11, 8), &[101, 104, 113]);
    near(&at(7, 6), &[66, 78, 78]);
}

#[test]
fn pictures_of_any_size_are_scaled_and_cut_as_torchvision_does() {
    let folder = folder(&[("n01/a.jpg", bytes(GRAY)), ("n02/b.JPEG", bytes(COLOUR))]);
    let fit = Fit { shorter: 8, size: (6, 7) };
    let data = dataset_fitting(folder.path(), Split::Test, Some(&fit)).unwrap();
    assert_eq!((data.shape, data.labels.as_deref()), (Shape { c: 3, h: 6, w: 7 }, Some(&[0, 1][..])));
    let rows: [u8; 14] = [31, 40, 48, 56, 66, 73, 82, 43, 52, 60, 69, 78, 85, 94];
    near(&data.image(0)[..14], &rows);
    let colour = data.image(1);
    let interleaved: Vec<u8> =
        (0..7).flat_map(|x| [0, 1, 2].map(|channel| colour[channel * 42 + x])).collect();
    let row = [36, 27, 37, 55, 26, 49, 69, 27, 58, 84, 28, 68, 102, 27, 79, 118, 27, 92, 135, 26, 103];
    near(&interleaved, &row);
}

fn refused(path: &Path, fit: Option<&Fit>, word: &str) {
    let text = dataset_fitting(path, Split::Test, fit).unwrap_err().to_string();
    assert!(text.contains(word), "{text}");
}

#[test]
fn what_is_no_picture_is_refused() {
    let mut cut = bytes(COLOUR);
    cut.truncate(100);
    let folder = folder(&[
        ("cut.jpg", cut),
        ("codes.npy", b"\x93NUMPY".to_vec()),
        ("a.jpg", bytes(GRAY)),
        ("b.jpg", bytes(COLOUR)),
    ]);
    refused(&folder.path().join("cut.jpg"), None, "JPEG");
    // Without a size that all are brought to.
    fs::remove_file(folder.path().join("cut.jpg")).unwrap();
    fs::remove_file(folder.path().join("codes.npy")).unwrap();
    refused(folder.path(), None, "among images of");
    let arrays = tempfile::tempdir().unwrap();
    let images = arrays.path().join("t10k-images-idx3-ubyte");
    fs::write(&images, [0, 0, 8, 3, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 1, 9]).unwrap();
    refused(&images, Some(&Fit { shorter: 8, size: (6, 7) }), "only pictures are scaled");
}
