//! A walk over the raw protobuf of a model that counts its parts before anything is allocated.
//!
//! A sub-message of two bytes becomes a record of some hundred, so an unbounded count would let a file of
//! a few hundred megabytes ask for tens of gigabytes. Only the model's own nesting is followed.

use super::Error;

/// Most strings and sub-messages in one model.
const MAX_PARTS: usize = 1_000_000;

/// The sub-messages of one kind of message: (field number, its kind).
struct Kind(&'static [(u64, &'static Kind)]);

const LEAF: Kind = Kind(&[]);
const ATTRIBUTE: Kind = Kind(&[(5, &LEAF)]);
const NODE: Kind = Kind(&[(5, &ATTRIBUTE)]);
const SHAPE: Kind = Kind(&[(1, &LEAF)]);
const TENSOR_TYPE: Kind = Kind(&[(2, &SHAPE)]);
const TYPE: Kind = Kind(&[(1, &TENSOR_TYPE)]);
const VALUE_INFO: Kind = Kind(&[(2, &TYPE)]);
const TENSOR: Kind = Kind(&[(13, &LEAF)]);
const GRAPH: Kind = Kind(&[(1, &NODE), (5, &TENSOR), (11, &VALUE_INFO), (12, &VALUE_INFO)]);
const MODEL: Kind = Kind(&[(7, &GRAPH), (8, &LEAF), (14, &LEAF)]);

/// Checks that `bytes` is well-formed protobuf to the depth of a model and has at most a million parts.
pub fn check(bytes: &[u8]) -> Result<(), Error> {
    let mut parts = 0;
    walk(bytes, &MODEL, &mut parts)
}

fn walk(mut bytes: &[u8], kind: &Kind, parts: &mut usize) -> Result<(), Error> {
    let cut = || Error::NotOnnx { reason: "the file is cut short or is not protobuf".into() };
    while !bytes.is_empty() {
        let key = varint(&mut bytes).ok_or_else(cut)?;
        let skip = match key & 7 {
            0 => {
                varint(&mut bytes).ok_or_else(cut)?;
                0
            }
            1 => 8,
            5 => 4,
            2 => usize::try_from(varint(&mut bytes).ok_or_else(cut)?).map_err(|_| cut())?,
            _ => return Err(cut()),
        };
        let (content, rest) = bytes.split_at_checked(skip).ok_or_else(cut)?;
        bytes = rest;
        if key & 7 == 2 {
            *parts += 1;
            if *parts > MAX_PARTS {
                return Err(Error::TooLarge {
                    what: "the number of nodes, tensors and names".into(),
                    limit: MAX_PARTS.to_string(),
                });
            }
            if let Some((_, inner)) = kind.0.iter().find(|(field, _)| *field == key >> 3) {
                walk(content, inner, parts)?;
            }
        }
    }
    Ok(())
}

fn varint(bytes: &mut &[u8]) -> Option<u64> {
    let mut value = 0u64;
    for shift in (0..64).step_by(7) {
        let (&byte, rest) = bytes.split_first()?;
        *bytes = rest;
        value |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Some(value);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_million_empty_nodes_are_refused_before_decoding() {
        let nodes = [0x0a, 0x00].repeat(MAX_PARTS + 1);
        let mut model = vec![0x3a];
        let mut length = nodes.len();
        while length > 0x7f {
            model.push((length & 0x7f) as u8 | 0x80);
            length >>= 7;
        }
        model.push(length as u8);
        model.extend(nodes);
        assert!(matches!(check(&model), Err(Error::TooLarge { .. })));
    }

    #[test]
    fn a_length_beyond_the_end_is_refused() {
        assert!(matches!(check(&[0x3a, 0x05, 0x00]), Err(Error::NotOnnx { .. })));
        assert!(matches!(check(&[0xff; 20]), Err(Error::NotOnnx { .. })));
    }
}
