//! The idx format of MNIST: a big-endian header of sizes, then one byte an element.

use super::{Dataset, Error, Kind, MAX_BYTES, fault, image_bytes};
use crate::network::Shape;

/// Images (count, rows, columns).
pub fn images(bytes: &[u8], name: &str) -> Result<Dataset, Error> {
    let (sizes, content) = split(bytes, name)?;
    let [count, h, w] = sizes[..] else {
        let help = "give the images file (idx3); its labels are found beside it";
        return Err(fault(name, &format!("an idx file of {} dimensions", sizes.len()), help));
    };
    let shape = Shape { c: 1, h, w };
    exact(name, content, image_bytes(name, count, shape)?)?;
    Ok(Dataset { name: name.into(), shape, images: content.to_vec(), labels: None, kind: Kind::Pixels })
}

/// Labels (count).
pub fn labels(bytes: &[u8], name: &str) -> Result<Vec<u32>, Error> {
    let (sizes, content) = split(bytes, name)?;
    match sizes[..] {
        [count] if count <= MAX_BYTES => {
            exact(name, content, count).map(|()| content.iter().map(|&l| l.into()).collect())
        }
        _ => Err(fault(name, "no idx file of labels", "give one dimension of bytes (idx1)")),
    }
}

/// The sizes of the dimensions, and what follows them.
fn split<'b>(bytes: &'b [u8], name: &str) -> Result<(Vec<usize>, &'b [u8]), Error> {
    let damaged = || fault(name, "no idx file of bytes, or cut short", "fetch the file again");
    let (&[0, 0, 8, dimensions], rest) = bytes.split_first_chunk().ok_or_else(damaged)? else {
        return Err(damaged());
    };
    let (sizes, content) = rest.split_at_checked(usize::from(dimensions) * 4).ok_or_else(damaged)?;
    let (sizes, _) = sizes.as_chunks::<4>();
    Ok((sizes.iter().map(|&s| u32::from_be_bytes(s) as usize).collect(), content))
}

fn exact(name: &str, content: &[u8], expected: usize) -> Result<(), Error> {
    if content.len() == expected {
        return Ok(());
    }
    let what = format!("{} bytes of content where its header says {expected}", content.len());
    Err(fault(name, &what, "fetch the file again"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(count: u32, h: u32, w: u32, content: &[u8]) -> Vec<u8> {
        let mut bytes = vec![0, 0, 8, 3];
        [count, h, w].iter().for_each(|n| bytes.extend(n.to_be_bytes()));
        bytes.extend(content);
        bytes
    }

    #[test]
    fn images_and_labels() {
        let data = images(&file(2, 1, 3, &[1, 2, 3, 4, 5, 6]), "x").unwrap();
        assert_eq!((data.shape, data.len(), data.image(1)), (Shape { c: 1, h: 1, w: 3 }, 2, &[4, 5, 6][..]));
        assert_eq!(labels(&[0, 0, 8, 1, 0, 0, 0, 2, 7, 9], "x").unwrap(), [7, 9]);
    }

    #[test]
    fn sizes_that_lie_are_refused() {
        for bytes in [
            file(2, 1, 3, &[0; 5]),
            file(2, 1, 3, &[0; 7]),
            file(u32::MAX, 4096, 4096, &[]),
            file(1, 0, 3, &[]),
            vec![0, 0, 8, 200],
            vec![0, 0, 8],
        ] {
            assert!(images(&bytes, "x").is_err());
        }
    }
}
