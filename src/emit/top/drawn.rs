//! What draws the weights on their way into the cells, and adds the scores of the samples.

use super::super::library::{array, core, memories, stream};
use super::super::view::{DrawnView, View};
use super::instances::{CLOCK, Instance, RESET, low, rom, shared};
use crate::design::width::index;
use crate::design::{Design, Ensemble};

/// The word of flip codes beside the one of the weights that is read, from the first drawn layer on.
pub(super) fn flip_address(v: &View, drawn: &DrawnView) -> Vec<String> {
    let width = v.weight_address_width;
    let mut lines = vec!["wire flip_read = weight_read & draw_layer;".to_string()];
    match drawn.base {
        0 => lines.push(format!("wire [{}:0] flip_address = weight_address;", width - 1)),
        base => {
            lines.push(format!("wire [{}:0] flip_address = weight_address - {width}'d{base};", width - 1))
        }
    }
    if width > drawn.address_width {
        let above = drawn.address_width;
        lines.push(format!("wire unused_flip_address = &{{1'b0, flip_address[{}:{above}]}};", width - 1));
    }
    lines
}

/// What draws the weights: the memory of flip codes, the noise and the sampler.
pub(super) fn draws(design: &Design, ensemble: &Ensemble) -> Vec<Instance> {
    let memory = memories::flips(design, ensemble);
    let address = low("flip_address", design.widths.weight_address, index(ensemble.codes.rows()));
    let sampler = vec![
        CLOCK,
        (true, "take_i", "draw"),
        (true, "flip_i", "flip"),
        (true, "weight_i", "weight_word"),
        (true, "code_i", "flip_code"),
        (true, "noise_i", "weight_noise"),
        (true, "weight_o", "drawn_word"),
    ];
    vec![
        rom(&memory, "flip_memory", ["flip_read", &address, "flip_code"])
            .noting(format!("Flip codes of {} bits, word for word beside the weights.", ensemble.bits - 1)),
        noise(design, ensemble, "weight_read", ["group_start", "group_again"], "weight_noise"),
        shared(&array::weight_sampler(design, ensemble), "weight_sampler", sampler),
    ]
}

/// The noise of the draws, a step on in every cycle of `step`: where a group of channels starts, and where it comes again
/// with the same draws, and the wire that the noise drives, after which the instance is called.
pub(super) fn noise(
    design: &Design,
    ensemble: &Ensemble,
    step: &'static str,
    [group_start, group_again]: [&'static str; 2],
    noise: &'static str,
) -> Instance {
    let ports = vec![
        CLOCK,
        RESET,
        (true, "frame_start_i", "frame_start"),
        (true, "seed_i", "seed"),
        (true, "flips_i", "flips"),
        (true, "seeded_o", "seeded"),
        (true, "step_i", step),
        (true, "draw_i", "draw_layer"),
        (true, "sample_start_i", "sample_start"),
        (true, "group_start_i", group_start),
        (true, "again_i", group_again),
        (true, "flip_o", "flip"),
        (true, "noise_o", noise),
    ];
    shared(&array::weight_noise(design, ensemble), noise, ports)
}

/// Adds the scores of the samples.
pub(super) fn score_sum(design: &Design, ensemble: &Ensemble) -> Instance {
    let [.., last_word] = stream::scores(design, design).constants;
    let ports = vec![
        CLOCK,
        RESET,
        (true, "last_word_i", last_word.text.as_str()),
        (true, "sample_first_i", "sample_first"),
        (true, "sample_last_i", "sample_last"),
        (true, "valid_i", "score_valid"),
        (true, "score_i", "score"),
        (true, "valid_o", "sum_of_scores_valid"),
        (true, "sum_o", "sum_of_scores"),
    ];
    shared(&core::score_sum(design, ensemble), "score_sum", ports)
}
