//! Score buffer and control registers: the engine's outer side.

use super::facts::bits;
use super::view::View;
use super::{NamedText, file};
use askama::Template;

/// The files of this family.
pub(super) fn modules(view: &View) -> Vec<NamedText> {
    vec![file("score_buffer", &score_buffer(view)), file("control", &control(view))]
}

#[derive(Template)]
#[template(path = "rtl/score_buffer.v", syntax = "verilog", escape = "none")]
struct ScoreBuffer<'a> {
    v: &'a View,
    s: ScoreView,
    counters: Vec<Counter>,
}

/// What only the score buffer asks.
struct ScoreView {
    score_order: &'static str,
    score_words: usize,
    score_address_width: usize,
    write_index: &'static str,
    score_word_done: &'static str,
    score_frame_done: String,
    score_strided: bool,
    read_index: &'static str,
    read_word: &'static str,
    beat_expr: &'static str,
    score_back: usize,
    tdata_expr: String,
}

struct Counter {
    name: &'static str,
    width: usize,
    last: String,
    step: &'static str,
    next: String,
}

fn score_buffer(view: &View) -> ScoreBuffer<'_> {
    let (groups, pixels, lanes) = (view.score_groups, view.score_pixels, view.score_lanes);
    let words = groups * pixels;
    let mut counters = Vec::new();
    let mut add = |name: &'static str, count: usize, last: String, step| {
        if count > 1 {
            let width = bits(count - 1);
            let next = format!("{name}_last ? {width}'d0 : {name}_q + {width}'d1");
            counters.push(Counter { name, width, last, step, next });
        }
    };
    let lane_width = bits(lanes - 1);
    let last_lanes = view.classes - (groups - 1) * view.lanes;
    let lane_last = match groups > 1 && last_lanes != lanes {
        true => {
            format!("(group_last ? {lane_width}'d{} : {lane_width}'d{})", last_lanes - 1, lanes - 1)
        }
        false => format!("{lane_width}'d{}", lanes - 1),
    };
    add("group", groups, format!("{}'d{}", bits(groups - 1), groups - 1), "take & word_done");
    let pixel_step = if groups > 1 { "take & word_done & group_last" } else { "take & word_done" };
    add("pixel", pixels, format!("{}'d{}", bits(pixels - 1), pixels - 1), pixel_step);
    add("lane", lanes, lane_last, "take");
    let mut done = vec!["word_done"];
    done.extend((groups > 1).then_some("group_last"));
    done.extend((pixels > 1).then_some("pixel_last"));
    let score = view.score_out_width;
    let more = view.output_bits - score;
    ScoreBuffer {
        v: view,
        s: ScoreView {
            score_order: if pixels > 1 { "pixel by pixel, channel innermost" } else { "class by class" },
            score_words: words,
            score_address_width: bits(words - 1),
            write_index: if words > 1 { "write_address" } else { "write_frame_q" },
            score_word_done: if lanes > 1 { "lane_last" } else { "1'b1" },
            score_frame_done: done.join(" & "),
            score_strided: groups > 1 && pixels > 1,
            read_index: match (groups > 1, pixels > 1) {
                (true, true) => "read_index_q",
                (true, false) => "group_q",
                _ => "pixel_q",
            },
            read_word: if words > 1 { "read_address" } else { "read_frame_q" },
            beat_expr: if lanes > 1 { "word_q[lane_q*SCORE +: SCORE]" } else { "word_q" },
            score_back: ((groups - 1) * pixels).saturating_sub(1),
            tdata_expr: match (more, view.gives_scores) {
                (0, _) => "beat_q".into(),
                (_, true) => format!("{{{{{more}{{beat_q[SCORE-1]}}}}, beat_q}}"),
                (_, false) => format!("{{{more}'d0, beat_q}}"),
            },
        },
        counters,
    }
}

#[derive(Template)]
#[template(path = "rtl/control.v", syntax = "verilog", escape = "none")]
struct Control<'a> {
    v: &'a View,
    layer_cycles_extended: String,
    cycles_read: String,
    layer_cycles_read: String,
    /// Words of the memory of layer cycles: two halves.
    layer_words: usize,
}

fn control(view: &View) -> Control<'_> {
    let extend = |name: &str, from: usize, to: usize| match to.saturating_sub(from) {
        0 => name.to_string(),
        more => format!("{{{more}'d0, {name}}}"),
    };
    Control {
        v: view,
        layer_cycles_extended: extend("layer_cycles_i", view.cycle_width, view.total_width),
        cycles_read: extend("cycles_q", view.total_width, 32),
        layer_cycles_read: extend("shown_cycles", view.cycle_width, 32),
        layer_words: 2 << view.layer_width,
    }
}
