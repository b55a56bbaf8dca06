//! The images of a run: those that every chip classifies, and those by which something is fitted to it.

use super::Options;
use crate::app::Watch;
use crate::app::load::{self, Data, Model};
use crate::escape;
use miette::miette;

/// The images asked for, with their labels.
pub fn labelled(args: &Options, model: &Model, watch: &dyn Watch) -> miette::Result<(Data, Vec<u32>)> {
    let mut data = load::data(model, &args.data, args.split, watch)?;
    let refuse = |what: String| {
        Err(miette!(
            code = "vary::data",
            help = "see `bincim infer --help` for the formats",
            "{}: {what}",
            escape::path(&args.data)
        ))
    };
    let count = load::image_count(args.images, data.len(), &args.data)?;
    let Some(labels) = data.labels_of(&model.network)? else {
        return refuse("no labels to compare with".into());
    };
    if data.is_empty() {
        return refuse("no image to classify".into());
    }
    let labels = labels[..count].to_vec();
    data.pixels.truncate(count * data.input.shape.elements());
    Ok((data, labels))
}

/// The first `count` training images, which must be others than those that are `judged`.
pub fn training_images(
    args: &Options,
    (model, watch): (&Model, &dyn Watch),
    (count, option): (usize, &str),
    judged: &[u8],
) -> miette::Result<Data> {
    let data = load::training(model, &args.data, (count, option), watch)?;
    let size = data.input.shape.elements();
    if data.pixels[..size] == judged[..size] {
        return Err(miette!(
            code = "vary::training_images",
            help = "give a data set with a training and a test part, and classify the test part",
            "{option} {count}: the training part of {} is what is classified",
            escape::path(&args.data)
        ));
    }
    Ok(data)
}
