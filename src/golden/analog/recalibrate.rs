//! Thresholds found anew for one chip: each channel fires as often as on a chip without errors.
//!
//! The counterpart in integers of batch normalisation whose statistics are measured on the chip itself: what errors do to
//! the mean of a channel's sums is taken out, and since a threshold is a place in their order, so is what they do to its spread.

use super::Loaded;
use super::worker;

/// Images before the first: far from all that are classified, so that they share no noise.
const FAR: usize = 1 << 24;

impl Loaded<'_> {
    /// How many sums of each channel reach its threshold over all vectors of `images`, by layer; nothing for a layer of
    /// scores.
    ///
    /// # Panics
    /// Unless `images` holds whole images.
    pub fn reached(&self, images: &[i16]) -> Vec<Vec<usize>> {
        let of_layer = |index: usize| {
            let thresholds = &self.thresholds[index];
            let sums = self.sums(index, images);
            let count = |(sums, threshold): (&Vec<i64>, &crate::design::Threshold)| {
                sums.iter().filter(|&&sum| sum >= threshold.value).count()
            };
            sums.iter().zip(thresholds).map(count).collect()
        };
        (0..self.plan.layers.len()).map(of_layer).collect()
    }

    /// Moves the thresholds, layer after layer, so that as many sums as `reached` says (of the same images on another
    /// chip) reach them, or as near to it as equal sums allow. Channels that fired never or always keep theirs.
    ///
    /// # Panics
    /// Unless `images` holds whole images, and `reached` a number for each channel that has a threshold.
    pub fn recalibrate(&mut self, images: &[i16], reached: &[Vec<usize>]) {
        for (index, reached) in reached.iter().enumerate() {
            let mut sums = self.sums(index, images);
            for ((sums, &reached), threshold) in sums.iter_mut().zip(reached).zip(&mut self.thresholds[index])
            {
                if (1..sums.len()).contains(&reached) {
                    threshold.value = reached_by(sums, reached);
                }
            }
        }
    }

    /// Writes the thresholds to their places in a threshold memory: a list an entry, a value a lane.
    pub fn write_thresholds(&self, memory: &mut [Vec<i64>]) {
        for (layer, thresholds) in self.plan.layers.iter().zip(&self.thresholds) {
            for (channel, threshold) in thresholds.iter().enumerate() {
                memory[layer.entry + channel / self.plan.lanes][channel % self.plan.lanes] = threshold.value;
            }
        }
    }

    /// The sums of every channel of a layer; nothing for a layer of scores.
    fn sums(&self, index: usize, images: &[i16]) -> Vec<Vec<i64>> {
        let layer = &self.plan.layers[index];
        if layer.scores.is_some() {
            return Vec::new();
        }
        let (size, many) = self.whole(FAR, images);
        let mut sums = vec![Vec::new(); layer.columns];
        for (number, batch) in images.chunks(self.batch() * size).enumerate() {
            worker::sums(self, FAR + number * self.batch(), batch, many, index, &mut sums);
        }
        sums
    }
}

/// The threshold that nearest to `count` of `sums` (at least 1, not all) reach; of two as near the one that more reach.
fn reached_by(sums: &mut [i64], count: usize) -> i64 {
    let place = sums.len() - count;
    let (_, &mut value, _) = sums.select_nth_unstable(place);
    let above = sums.iter().filter(|&&sum| sum > value).count();
    let equal = sums.iter().filter(|&&sum| sum == value).count();
    if count - above < above + equal - count { value + 1 } else { value }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_threshold_is_a_place_in_the_order() {
        let mut sums = [5, -3, 9, 1, 1, 1, 7, -3];
        // Three reach 2 and six reach 1: three are nearer to four, six to five.
        for (count, threshold) in [(1, 9), (2, 7), (3, 5), (4, 2), (5, 1), (6, 1), (7, -3)] {
            assert_eq!(reached_by(&mut sums, count), threshold, "{count}");
        }
    }
}
