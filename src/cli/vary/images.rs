//! The images of a run: those that every chip classifies, and those on which its thresholds are found anew.

use super::Vary;
use crate::cli::load;
use crate::network::Network;
use crate::read;
use miette::miette;

/// Pixels and labels of the images asked for, and the data set's name.
pub fn labelled(args: &Vary, network: &Network) -> miette::Result<(Vec<u8>, Vec<u8>, String)> {
    let data = read::dataset(&args.data, args.split.into())?;
    let refuse = |what: String| {
        Err(miette!(
            code = "vary::data",
            help = "see `bincim infer --help` for the formats",
            "{}: {what}",
            args.data.display()
        ))
    };
    let size = network.input.shape.elements();
    if data.shape.elements() != size {
        return refuse(format!(
            "images of {}, but {} reads {}",
            data.shape, network.name, network.input.shape
        ));
    }
    let count = load::image_count(args.images, data.len(), &args.data)?;
    let name = data.name.clone();
    let held = data.len();
    let Some(mut labels) = data.labels else { return refuse("no labels to compare with".into()) };
    if labels.len() != held {
        return refuse(format!("{held} images but {} labels", labels.len()));
    }
    let mut pixels = data.images;
    pixels.truncate(count * size);
    labels.truncate(count);
    Ok((pixels, labels, name))
}

/// Pixels of the first `count` training images, which must be others than those that are `judged`.
pub fn training_images(
    args: &Vary,
    network: &Network,
    count: usize,
    judged: &[u8],
) -> miette::Result<Vec<u8>> {
    let pixels = load::training_pixels(network, &args.data, count)?;
    let size = network.input.shape.elements();
    if pixels[..size] == judged[..size] {
        return Err(miette!(
            code = "vary::recalibrate",
            help = "give a data set with a training and a test part, and classify the test part",
            "--recalibrate {count}: the training part of {} is what is classified",
            args.data.display()
        ));
    }
    Ok(pixels)
}
