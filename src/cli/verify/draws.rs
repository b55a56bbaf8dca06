//! What a run adds to the user's images: planes and seeds of every frame, and frames of extreme values.
//!
//! Functions of the run's seed and the image's number alone, so shards and threads change nothing.

use super::cosim::Plan;
use crate::design::Design;
use crate::emit::vectors::{Kind, Settings};
use crate::golden::machine;

/// One image in so many is followed by a frame of the run's own, the first four of them.
const STRETCH: usize = 64;
const KINDS: [Kind; 4] = [Kind::Least, Kind::Most, Kind::Sparse, Kind::Extremes];
/// One image in so many has a seed of its own; frames behind it have what the register grows to.
const FRESH: usize = 4;

/// The frames that image `index` gives: itself and, now and then, one behind it.
pub(super) fn kinds(index: usize) -> impl Iterator<Item = Kind> {
    let added = (index % STRETCH < KINDS.len()).then(|| KINDS[index % KINDS.len()]);
    std::iter::once(Kind::User).chain(added)
}

/// Settings of a frame: all planes and samples in every third image, else any number of them. Where weights are drawn,
/// some frames turn none round, and some leave SEED as it is.
pub(super) fn settings(design: &Design, plan: &Plan, index: usize, kind: Kind) -> Settings {
    let place = 2 * index + usize::from(kind != Kind::User);
    let whole = kind == Kind::User && index.is_multiple_of(3);
    let some = |purpose, all: usize| match whole {
        true => all,
        false => 1 + draw(plan.seed, purpose, place) as usize % all,
    };
    let drawn = draw(plan.seed, Use::Mode, place);
    let mode = match design.ensemble {
        Some(_) if !whole => {
            let flag = |bit: u32, set| if drawn >> bit & 3 == 0 { set } else { 0 };
            flag(0, Settings::NO_FLIPS) | flag(8, Settings::SAME_SEED)
        }
        _ => 0,
    };
    Settings {
        planes: plan.planes.unwrap_or_else(|| some(Use::Planes, design.planes_of_weights())),
        samples: some(Use::Samples, design.samples()),
        mode,
    }
}

/// What the register SEED holds as a frame starts.
pub(super) fn seed(design: &Design, plan: &Plan, index: usize, kind: Kind) -> u32 {
    if let Some(seed) = plan.noise_seed {
        return machine::frame_seed(seed, index as u64);
    }
    let fresh = index - index % FRESH;
    // Frames that leave the register as it is do not count.
    let grows = |image: usize, kind| settings(design, plan, image, kind).mode & Settings::SAME_SEED == 0;
    let all = (fresh..index).flat_map(|image| kinds(image).map(move |kind| (image, kind)));
    let own = (kind != Kind::User).then_some((index, Kind::User));
    let before = all.chain(own).filter(|&(image, kind)| grows(image, kind)).count();
    let drawn = draw(plan.seed, Use::Seed, fresh);
    // The first one needs no write behind a reset, the second one is the seed from which no automaton moves.
    let first = match fresh / FRESH {
        0 => machine::RESET_SEED,
        1 => 0,
        _ => (drawn >> 16) as u32,
    };
    machine::frame_seed(first, before as u64)
}

/// The elements of a frame, in channel, row, column order; `image` is the user's.
pub(super) fn elements(design: &Design, plan: &Plan, index: usize, kind: Kind, image: &[i16]) -> Vec<i16> {
    let (low, high) = design.network.input.code.range();
    let (low, high) = (low as i16, high as i16);
    let rest = if low < 0 && high > 1 { 0 } else { low };
    let pixels = design.network.input.shape.pixels();
    let chance = |place: usize| draw(plan.seed, Use::Element, index).wrapping_add(mix(place as u64));
    let end = |place: usize| if mix(chance(place)) & 1 == 0 { low } else { high };
    (0..image.len())
        .map(|place| match kind {
            Kind::User => image[place],
            Kind::Least => low,
            Kind::Most => high,
            Kind::Extremes => end(place),
            // One pixel of each channel, and a few more.
            Kind::Sparse => {
                let (channel, pixel) = (place / pixels, place % pixels);
                let chosen = mix(chance(image.len() + channel)) as usize % pixels == pixel;
                if chosen || mix(chance(2 * image.len() + place)).is_multiple_of(32) {
                    end(place)
                } else {
                    rest
                }
            }
        })
        .collect()
}

/// What a number is drawn for.
#[derive(Clone, Copy)]
enum Use {
    Planes = 1,
    Seed = 2,
    Element = 3,
    Samples = 4,
    Mode = 5,
}

fn draw(seed: u64, purpose: Use, index: usize) -> u64 {
    mix(mix(mix(seed) ^ purpose as u64) ^ index as u64)
}

/// The finaliser of splitmix64.
fn mix(mut value: u64) -> u64 {
    value = value.wrapping_add(0x9e37_79b9_7f4a_7c15);
    value = (value ^ value >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    value = (value ^ value >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
    value ^ value >> 31
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::arch::ArchFile;
    use crate::design;
    use crate::network::random;

    const PLAN: Plan = Plan { seed: 5, resets: 2, jobs: 1, planes: None, noise_seed: None, whole: false };

    fn design(bits: Option<usize>) -> Design {
        let network = (0..).map(|number| random::network(number, &random::Limits::default()));
        let arch = ArchFile::default().with("generic", 32, 8, 8, 8, 8);
        let drawn = network.map(|network| match bits {
            Some(bits) => random::with_flips(network, bits, 1),
            None => network,
        });
        let mut designs = drawn.filter_map(|network| design::build(&network, &arch).ok());
        designs.find(|design| design.ensemble.is_some() == bits.is_some()).expect("some network")
    }

    #[test]
    fn seeds_grow_between_fresh_ones_over_every_frame() {
        let design = &design(None);
        let frames: Vec<u32> = (0..200)
            .flat_map(|index| kinds(index).map(move |kind| seed(design, &PLAN, index, kind)))
            .collect();
        let grown = frames.windows(2).filter(|pair| pair[1] == machine::frame_seed(pair[0], 1)).count();
        assert_eq!(frames[0], machine::RESET_SEED);
        assert!(frames.len() == 200 + 16 && (166..215).contains(&grown), "{grown}");
        assert!(frames.contains(&0));
        let pinned = Plan { noise_seed: Some(7), ..PLAN };
        assert_eq!(seed(design, &pinned, 3, Kind::User), machine::frame_seed(7, 3));
    }

    #[test]
    fn seeds_stay_where_the_mode_keeps_them() {
        let design = &design(Some(4));
        let frames = (0..200).flat_map(|index| kinds(index).map(move |kind| (index, kind)));
        let frames: Vec<(Settings, u32)> = frames
            .map(|(index, kind)| (settings(design, &PLAN, index, kind), seed(design, &PLAN, index, kind)))
            .collect();
        let keeps = |settings: &Settings| settings.mode & Settings::SAME_SEED != 0;
        let pairs = || frames.windows(2).filter(|pair| keeps(&pair[0].0));
        let kept = pairs().filter(|pair| pair[0].1 == pair[1].1).count();
        // A fresh seed may follow.
        assert!(kept > 10 && kept * 3 > pairs().count() * 2, "{kept} of {}", pairs().count());
        let numbers: std::collections::BTreeSet<usize> = frames.iter().map(|one| one.0.samples).collect();
        assert_eq!(numbers.len(), design.samples());
    }
}
