//! The pipe of a vector: the bits that travel with it from the issue to the write-back.

use super::facts::PLANE_BITS;
use super::view::View;
use super::{NamedText, file};
use askama::Template;

#[derive(Template)]
#[template(path = "rtl/vector_pipe.v", syntax = "verilog", escape = "none")]
struct VectorPipe<'a> {
    v: &'a View,
    tags: Vec<Tag>,
}

/// A bit that travels with a vector; `stages` behind the door, none where it is used at the door only.
pub(super) struct Tag {
    pub name: &'static str,
    /// Cycles from before the count in which it is used.
    behind: usize,
    stages: String,
    shift: String,
}

/// The bits that travel with a vector.
pub(super) fn tags(view: &View) -> Vec<Tag> {
    let bit = |index: usize| (view.plane_width > index, PLANE_BITS[index], 1);
    let all = [
        bit(0),
        bit(1),
        bit(2),
        bit(3),
        (view.accumulates, "sum_first", 1),
        (view.accumulates, "sum_last", 3),
        (view.accumulator_depth > 0, "block_last", 0),
        (view.pools, "window_last", 3),
        (view.writes_rows, "row_last", 3),
        (true, "group_last", if view.writes_groups { 3 } else { 1 }),
        (true, "layer_last", 3),
    ];
    all.into_iter()
        .filter(|tag| tag.0)
        .map(|(_, name, behind)| Tag {
            name,
            behind,
            stages: if behind == 0 { "ARRAY".into() } else { format!("ARRAY+{behind}") },
            shift: match behind + view.latency {
                1 => format!("door_{name}_q"),
                _ if behind == 0 => format!("{{{name}_q[ARRAY-2:0], door_{name}_q}}"),
                _ => format!("{{{name}_q[ARRAY+{}:0], door_{name}_q}}", behind as i64 - 2)
                    .replace("ARRAY+-1", "ARRAY-1"),
            },
        })
        .collect()
}

#[derive(Template)]
#[template(path = "rtl/vector_pipe_analog.v", syntax = "verilog", escape = "none")]
struct AnalogVectorPipe<'a> {
    v: &'a View,
    tags: Vec<Tag>,
}

/// `vector_pipe.v`.
pub(super) fn vector_pipe(view: &View) -> NamedText {
    let tags = tags(view);
    match view.analog {
        Some(_) => file("vector_pipe", &AnalogVectorPipe { v: view, tags }),
        None => file("vector_pipe", &VectorPipe { v: view, tags }),
    }
}
