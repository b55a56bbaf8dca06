//! Data sets: the real ones where they are present, and every format written here and read back.

use crate::common::shared;
use bincim::network::Shape;
use bincim::read::{Split, dataset};
use std::io::Write;
use std::path::Path;

#[test]
fn mnist_as_published() {
    let Some(folder) = shared("data/mnist") else { return };
    let test = dataset(&folder, Split::Test).unwrap_or_else(|e| panic!("{e}"));
    assert_eq!((test.len(), test.shape), (10_000, Shape { c: 1, h: 28, w: 28 }));
    let labels = test.labels.as_ref().unwrap();
    assert_eq!(labels[..6], [7, 2, 1, 0, 4, 1]);
    let file = dataset(&folder.join("t10k-images-idx3-ubyte.gz"), Split::Test).unwrap();
    assert_eq!((&file.images, &file.labels), (&test.images, &test.labels));
    let train = dataset(&folder, Split::Train).unwrap();
    assert_eq!(train.len(), 60_000);
}

#[test]
fn cifar_as_published_and_as_recorded_with_a_model() {
    let Some(folder) = shared("data/cifar10") else { return };
    let test = dataset(&folder, Split::Test).unwrap_or_else(|e| panic!("{e}"));
    assert_eq!((test.len(), test.shape), (10_000, Shape { c: 3, h: 32, w: 32 }));
    let Some(archive) = shared("models/cnv_cifar10_ref1000.npz") else { return };
    let first = dataset(&archive, Split::Test).unwrap();
    assert_eq!(first.len(), 1000);
    assert!(first.images == test.images[..first.images.len()]);
    assert_eq!(first.labels.unwrap(), test.labels.unwrap()[..1000]);
}

fn write(path: &Path, bytes: &[u8]) {
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, bytes).unwrap();
}

fn png(width: u32, height: u32, color: png::ColorType, pixels: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, width, height);
    encoder.set_color(color);
    encoder.set_depth(png::BitDepth::Eight);
    encoder.write_header().unwrap().write_image_data(pixels).unwrap();
    bytes
}

#[test]
fn pictures_with_labels_from_folders_or_names() {
    let folder = tempfile::tempdir().unwrap();
    let rgb = png(2, 1, png::ColorType::Rgb, &[1, 2, 3, 4, 5, 6]);
    write(&folder.path().join("3/a.png"), &rgb);
    write(&folder.path().join("10/b.png"), &rgb);
    let data = dataset(folder.path(), Split::Test).unwrap();
    assert_eq!((data.shape, data.labels), (Shape { c: 3, h: 1, w: 2 }, Some(vec![10, 3])));
    assert_eq!(data.images[..6], [1, 4, 2, 5, 3, 6]);

    let folder = tempfile::tempdir().unwrap();
    let gray = png(2, 1, png::ColorType::Grayscale, &[8, 9]);
    write(&folder.path().join("7_first.png"), &gray);
    write(&folder.path().join("2-second.png"), &png(2, 1, png::ColorType::GrayscaleAlpha, &[5, 255, 6, 255]));
    let data = dataset(folder.path(), Split::Test).unwrap();
    assert_eq!((data.shape, data.labels), (Shape { c: 1, h: 1, w: 2 }, Some(vec![2, 7])));
    assert_eq!(data.images, [5, 6, 8, 9]);

    write(&folder.path().join("unlabelled.png"), &gray);
    assert_eq!(dataset(folder.path(), Split::Test).unwrap().labels, None);
    write(&folder.path().join("x.png"), &png(1, 2, png::ColorType::Grayscale, &[8, 9]));
    let errors = dataset(folder.path(), Split::Test).unwrap_err();
    assert_eq!(errors.list[0].code(), "read::data");
    assert!(errors.to_string().contains("x.png"));
}

#[test]
fn packed_files_are_known_by_their_content() {
    let folder = tempfile::tempdir().unwrap();
    let mut record = vec![4u8];
    record.resize(3073, 7);
    let path = folder.path().join("test_batch.bin.gz");
    let mut packer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    packer.write_all(&record).unwrap();
    write(&path, &packer.finish().unwrap());
    let data = dataset(folder.path(), Split::Test).unwrap();
    assert_eq!((data.len(), data.labels), (1, Some(vec![4])));
    assert!(dataset(folder.path(), Split::Train).is_err());
    write(&path, &record[..3000]);
    assert_eq!(dataset(&path, Split::Test).unwrap_err().list[0].code(), "read::data");
}

#[test]
fn training_batches_are_joined_in_order() {
    let folder = tempfile::tempdir().unwrap();
    for (batch, label) in [(2u8, 5u8), (1, 3)] {
        let mut record = vec![label];
        record.resize(3073, batch);
        write(&folder.path().join(format!("data_batch_{batch}.bin")), &record);
    }
    let data = dataset(folder.path(), Split::Train).unwrap();
    assert_eq!((data.len(), data.labels, data.images[0]), (2, Some(vec![3, 5]), 1));
}

#[test]
fn what_is_absent_or_unknown_is_named() {
    let folder = tempfile::tempdir().unwrap();
    for (path, code) in [("none.npz", "read::io"), ("", "read::data")] {
        let errors = dataset(&folder.path().join(path), Split::Test).unwrap_err();
        assert_eq!(errors.list[0].code(), code);
    }
    write(
        &folder.path().join("t10k-images-idx3-ubyte"),
        &[0, 0, 8, 3, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 1, 9],
    );
    assert_eq!(dataset(folder.path(), Split::Test).unwrap().labels, None);
    write(&folder.path().join("t10k-labels-idx1-ubyte"), &[0, 0, 8, 1, 0, 0, 0, 2, 1, 2]);
    let errors = dataset(folder.path(), Split::Test).unwrap_err();
    assert!(errors.to_string().contains("1 images but 2 labels"), "{errors}");
}

/// The refusal of the folder, which says `word`.
fn refuses(folder: &Path, word: &str) {
    let errors = dataset(folder, Split::Test).expect_err("must be refused");
    assert_eq!(errors.list[0].code(), "read::data");
    assert!(errors.to_string().contains(word), "no `{word}` in {errors}");
}

#[test]
fn folders_of_classes_are_all_numbers_or_none_and_hidden_ones_are_no_classes() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let gray = png(2, 1, png::ColorType::Grayscale, &[8, 9]);
    for name in ["cat/a.png", "dog/b.png", ".cache/c.png", "__MACOSX/d.png", "dog/._b.png"] {
        write(&at(name), &gray);
    }
    assert_eq!(dataset(folder.path(), Split::Test).unwrap().labels, Some(vec![0, 1]));
    write(&at("bird/notes.txt"), b"no picture yet");
    refuses(folder.path(), "'bird' holds no picture");
    write(&at("bird/e.png"), &gray);
    assert_eq!(dataset(folder.path(), Split::Test).unwrap().labels, Some(vec![0, 1, 2]));
    write(&at("0/f.png"), &gray);
    refuses(folder.path(), "some folders are numbers and 'bird' is none");

    let folder = tempfile::tempdir().unwrap();
    write(&folder.path().join("300/a.png"), &gray);
    write(&folder.path().join("7/b.png"), &gray);
    // An empty class and a folder of something else have no pictures to give a label to.
    write(&folder.path().join("9/readme"), b"");
    write(&folder.path().join("scripts/make.py"), b"");
    assert_eq!(dataset(folder.path(), Split::Test).unwrap().labels, Some(vec![300, 7]));
    write(&folder.path().join("contact.png"), &gray);
    refuses(folder.path(), "'contact.png' lies beside");
}

#[test]
fn parts_of_pictures_and_pictures_of_two_kinds() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    write(&at("test/1/a.png"), &png(2, 1, png::ColorType::Grayscale, &[8, 9]));
    write(&at("test/0/b.png"), &png(2, 1, png::ColorType::Rgb, &[1, 2, 3, 4, 5, 6]));
    write(&at("train/0/c.png"), &png(2, 1, png::ColorType::Rgb, &[7; 6]));
    let test = dataset(folder.path(), Split::Test).unwrap();
    assert_eq!((test.shape, test.labels), (Shape { c: 3, h: 1, w: 2 }, Some(vec![0, 1])));
    assert_eq!(test.images, [1, 4, 2, 5, 3, 6, 8, 9, 8, 9, 8, 9]);
    assert_eq!(dataset(folder.path(), Split::Train).unwrap().images, [7; 6]);
    write(&at("test/0/b.png"), &png(2, 1, png::ColorType::Rgba, &[1, 2, 3, 255, 4, 5, 6, 0]));
    refuses(folder.path(), "transparent");
}

#[test]
fn what_torchvision_downloads_is_found_below_its_folder() {
    let folder = tempfile::tempdir().unwrap();
    let images = |pixel| [0, 0, 8, 3, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 1, pixel];
    let raw = folder.path().join("MNIST/raw");
    write(&raw.join("t10k-images-idx3-ubyte"), &images(9));
    write(&raw.join("t10k-labels-idx1-ubyte"), &[0, 0, 8, 1, 0, 0, 0, 1, 5]);
    // It leaves the packed file beside the other.
    let mut packer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    packer.write_all(&images(9)).unwrap();
    write(&raw.join("t10k-images-idx3-ubyte.gz"), &packer.finish().unwrap());
    for place in ["", "MNIST", "MNIST/raw"] {
        let data = dataset(&folder.path().join(place), Split::Test).unwrap_or_else(|e| panic!("{e}"));
        assert_eq!((data.images, data.labels), (vec![9], Some(vec![5])), "{place}");
    }
    write(&folder.path().join("FashionMNIST/raw/t10k-images-idx3-ubyte"), &images(8));
    refuses(folder.path(), "'FashionMNIST' and 'MNIST'");
    write(&raw.join("emnist-letters-test-images-idx3-ubyte"), &images(7));
    refuses(&raw, "both images of this split");

    let folder = tempfile::tempdir().unwrap();
    let batch = folder.path().join("cifar-10-batches-py/test_batch");
    write(&batch, &[0x80, 2, b'}', b'q', 1]);
    for place in ["", "cifar-10-batches-py", "cifar-10-batches-py/test_batch"] {
        refuses(&folder.path().join(place), "python version of CIFAR-10");
    }
    let hundred = folder.path().join("cifar-100-python");
    for name in ["meta", "test", "train"] {
        write(&hundred.join(name), &[0x80, 2, b'}', b'q', 1]);
    }
    refuses(&hundred, "python version of CIFAR-10 or CIFAR-100");
}
