//! The binary version of CIFAR-10: records of one label byte and 3072 pixel bytes (red, green, blue plane).

use super::{Dataset, Error, Kind, fault};
use crate::network::Shape;

const SHAPE: Shape = Shape { c: 3, h: 32, w: 32 };
const RECORD: usize = 1 + 3 * 32 * 32;

/// One batch file.
pub fn images(bytes: &[u8], name: &str) -> Result<Dataset, Error> {
    let (records, rest) = bytes.as_chunks::<RECORD>();
    if !rest.is_empty() {
        let what = format!("{} bytes are no whole number of {RECORD}-byte records", bytes.len());
        return Err(fault(name, &what, "give a batch of the binary version of CIFAR-10"));
    }
    let labels: Vec<u32> = records.iter().map(|r| r[0].into()).collect();
    if let Some(index) = labels.iter().position(|&l| l > 9) {
        let what = format!("record {index} has the label {}", labels[index]);
        return Err(fault(name, &what, "CIFAR-10 has the labels 0 to 9"));
    }
    let images = records.iter().flat_map(|r| &r[1..]).copied().collect();
    Ok(Dataset { name: name.into(), shape: SHAPE, images, labels: Some(labels), kind: Kind::Pixels })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_are_label_then_planes() {
        let mut bytes = vec![0u8; 2 * RECORD];
        (bytes[RECORD], bytes[RECORD + 1], bytes[2 * RECORD - 1]) = (9, 5, 6);
        let data = images(&bytes, "x").unwrap();
        assert_eq!((data.len(), data.labels), (2, Some(vec![0, 9])));
        assert_eq!((data.images[3072], data.images[6143]), (5, 6));
        bytes[0] = 10;
        assert!(images(&bytes, "x").is_err());
        assert!(images(&bytes[1..], "x").is_err());
    }
}
