//! Flip codes of weights that are drawn, which stand beside the graph: no node reads them.
//!
//! An initialiser `WEIGHT.flip` holds one code for each number of the initialiser WEIGHT; the metadata say how many bits
//! a draw has. Codes go with their weights through the constant nodes up to a layer. What cannot be drawn is refused:
//! without its codes the file would be another network.

use super::constant;
use super::graph::{Graph, Node};
use super::{Constant, Room};
use crate::network::{FLIP_BITS, Flips, flip_codes};
use crate::read::Error;
use crate::read::onnx::Tensor;
use crate::read::onnx::proto::{ModelProto, TensorProto};
use std::collections::{BTreeMap, HashSet};
use std::rc::Rc;

/// Where there are no codes, every weight is what it is.
const WITHOUT: &str = "remove the codes and the metadata key to read the network without draws";

/// Codes on their way to a layer, in the shape of the weights that they belong to.
pub struct Codes {
    /// Of the initialiser that the weights come from.
    pub weight: String,
    pub tensor: Tensor,
}

/// The flip codes of a model.
pub struct Declared<'a> {
    /// Bits of a draw; 0 where the model has no codes.
    bits: usize,
    /// By the name of their weights.
    tensors: BTreeMap<&'a str, &'a TensorProto>,
}

impl<'a> Declared<'a> {
    /// # Errors
    /// A number of bits that cannot be, codes without it, it without codes, and codes of no weights.
    pub fn of(model: &'a ModelProto, graph: &Graph<'a>) -> Result<Declared<'a>, Vec<Error>> {
        let entry = model.metadata_props.iter().find(|entry| entry.key() == FLIP_BITS);
        let nodes = model.graph.iter().flat_map(|graph| &graph.node);
        let read: HashSet<&str> = nodes.flat_map(|node| &node.input).map(String::as_str).collect();
        // Without the key, a tensor that some node reads merely happens to have such a name.
        let tensors: BTreeMap<&str, &TensorProto> = graph
            .constants
            .iter()
            .filter(|(name, _)| entry.is_some() || !read.contains(**name))
            .filter_map(|(name, tensor)| Some((weight_of(name)?, *tensor)))
            .collect();
        let mut errors = Vec::new();
        for weight in tensors.keys().filter(|weight| !graph.constants.contains_key(*weight)) {
            errors.push(Error::Tensor {
                name: flip_codes(weight),
                what: format!("there is no initialiser '{weight}' whose weights it could draw"),
                help: format!("name flip codes by their weights, as WEIGHT.flip, or {WITHOUT}"),
            });
        }
        let bits = match (entry, tensors.is_empty()) {
            (None, true) => 0,
            (None, false) => {
                let names: Vec<String> =
                    tensors.keys().map(|weight| format!("'{}'", flip_codes(weight))).collect();
                errors.push(Error::Graph {
                    what: format!(
                        "it has flip codes ({}) and no metadata key '{FLIP_BITS}'",
                        names.join(", ")
                    ),
                    help: format!("set the key to the bits of a draw, 2 to 8, or {WITHOUT}"),
                });
                0
            }
            (Some(entry), true) => {
                errors.push(Error::Graph {
                    what: format!(
                        "its metadata has '{FLIP_BITS}' = '{}', and no tensor WEIGHT.flip",
                        entry.value()
                    ),
                    help: "a tool has dropped the flip codes: export the model again, or remove the key"
                        .into(),
                });
                0
            }
            (Some(entry), false) => match entry.value().parse() {
                Ok(bits) if Flips::BITS.contains(&bits) => bits,
                _ => {
                    errors.push(Error::Graph {
                        what: format!("its metadata has '{FLIP_BITS}' = '{}'", entry.value()),
                        help: "give the bits of a draw, 2 to 8".into(),
                    });
                    0
                }
            },
        };
        if errors.is_empty() { Ok(Declared { bits, tensors }) } else { Err(errors) }
    }

    /// Bits of a draw.
    pub fn bits(&self) -> usize {
        self.bits
    }

    /// The codes of the initialiser `weight`, which is `tensor`.
    ///
    /// # Errors
    /// Another shape, and numbers that are no codes.
    pub fn of_weight(&self, weight: &str, tensor: &Tensor) -> Result<Option<Rc<Codes>>, Error> {
        let Some(proto) = self.tensors.get(weight) else { return Ok(None) };
        let fault = |what: String| Error::Tensor {
            name: flip_codes(weight),
            what,
            help: format!(
                "a code is a whole number from 0 to {} (the bits of a draw are {}), one for each weight",
                self.most(),
                self.bits
            ),
        };
        // Before anything is decoded: every node that reads the weights comes by here.
        if !proto.dims.iter().map(|&dim| dim as u64).eq(tensor.dims.iter().map(|&dim| dim as u64)) {
            return Err(fault(format!(
                "its shape is {:?}, that of '{weight}' {:?}",
                proto.dims, tensor.dims
            )));
        }
        let codes = Tensor::decode(proto)?;
        let sound = |code: &&f64| code.fract() == 0.0 && (0.0..=self.most() as f64).contains(*code);
        if let Some(code) = codes.values.iter().find(|code| !sound(code)) {
            return Err(fault(format!("{code} is no flip code")));
        }
        Ok(Some(Rc::new(Codes { weight: weight.into(), tensor: codes })))
    }

    /// The largest code.
    fn most(&self) -> usize {
        (1 << self.bits.saturating_sub(1)) - 1
    }

    /// Codes whose weights are not among `drawn`, those of a layer.
    pub fn left_over(&self, drawn: &[String]) -> Vec<Error> {
        let left = self.tensors.keys().filter(|weight| !drawn.iter().any(|drawn| drawn == *weight));
        let error = |weight: &&str| Error::Tensor {
            name: flip_codes(weight),
            what: format!("'{weight}' is not what a layer weighs with"),
            help: format!("give flip codes to weights of Conv, MatMul and Gemm only, or {WITHOUT}"),
        };
        left.map(error).collect()
    }
}

/// The weights that a tensor of this name has the codes of.
fn weight_of(name: &str) -> Option<&str> {
    let weight = name.strip_suffix(".flip").filter(|weight| !weight.is_empty())?;
    debug_assert_eq!(flip_codes(weight), name);
    Some(weight)
}

/// The codes of what the constant `node` makes of shape `made`; weights that are turned round stay so through what keeps
/// their shape and 0.
pub fn through(
    node: &Node,
    inputs: &[Option<Constant>],
    made: &[usize],
    room: &mut Room,
) -> Result<Option<Rc<Codes>>, Error> {
    let carriers: Vec<(usize, &Rc<Codes>)> = inputs
        .iter()
        .enumerate()
        .filter_map(|(place, input)| Some((place, input.as_ref()?.flips.as_ref()?)))
        .collect();
    let (place, codes) = match carriers[..] {
        [] => return Ok(None),
        [one] => one,
        [(_, first), ..] => return Err(refusal(node, &first.weight)),
    };
    let kept = match node.op() {
        "BipolarQuant" | "Quant" | "IntQuant" | "Identity" | "Dropout" | "Cast" | "Neg" | "Sign" | "Div" => {
            place == 0
        }
        "Mul" => true,
        "Transpose" | "Reshape" | "Flatten" | "Squeeze" | "Unsqueeze" if place == 0 => {
            let mut tensors: Vec<Option<&Tensor>> =
                inputs.iter().map(|input| input.as_ref().map(|input| &*input.whole)).collect();
            tensors[0] = Some(&codes.tensor);
            let tensor = constant::evaluate(node, &tensors, room.elements)?;
            room.take(tensor.values.len())?;
            return Ok(Some(Rc::new(Codes { weight: codes.weight.clone(), tensor })));
        }
        _ => false,
    };
    match kept && codes.tensor.dims == made {
        true => Ok(Some(codes.clone())),
        false => Err(refusal(node, &codes.weight)),
    }
}

/// Nothing is known of draws behind `node`, which reads the weights `weight`.
pub fn refusal(node: &Node, weight: &str) -> Error {
    node.structure_error(
        format!("reads '{weight}', whose flip codes it would not carry on"),
        "between weights with flip codes and their layer there may be BipolarQuant, Quant, Mul, Div, Neg, Cast, Transpose \
         and changes of shape",
    )
}
