//! Memory contents: weight words and thresholds in the engine's own domain.

use super::analog::{self, LayerReadout};
use super::{Design, LayerDesign, Scale, Source, StateFormat, SumUnit, Threshold};
use crate::arch::Arch;
use crate::bits::BitMatrix;
use crate::network::{Activation, Layer, MapCode, Plane, Requant};

/// Geometry that the weight image depends on.
pub(super) struct Cells {
    pub rows: usize,
    pub lanes: usize,
    pub word: usize,
    /// Bit planes of the input side by side in the rows.
    pub row_planes: usize,
    pub plane_rows: usize,
    pub weight_rows: usize,
}

/// A cell of a weight word.
#[derive(Debug, Clone, Copy)]
pub(super) struct Cell {
    pub plane: usize,
    pub lane: usize,
    /// Row of the word.
    pub row: usize,
}

impl Cells {
    pub fn new(arch: &Arch, row_planes: usize, plane_rows: usize) -> Cells {
        Cells {
            rows: arch.rows,
            lanes: arch.lanes,
            word: arch.word,
            row_planes,
            plane_rows,
            weight_rows: arch.weight_rows,
        }
    }

    /// Rows that `plane` drives in each pass; `None` where it drives every row that carries a tap.
    pub fn kept_rows(
        &self,
        layer: &Layer,
        source: &Source,
        passes: usize,
        plane: &Plane,
    ) -> Option<Vec<Vec<bool>>> {
        let mask = plane.mask.as_ref().filter(|mask| mask.taps.contains(&false))?;
        let kept = |pass, row| self.column(layer, source, pass, row).is_some_and(|column| mask.taps[column]);
        Some((0..passes).map(|pass| (0..self.rows).map(|row| kept(pass, row)).collect()).collect())
    }

    /// Lanes that `plane` adds to in each group; `None` where it adds to every channel.
    pub fn kept_lanes(&self, groups: usize, plane: &Plane) -> Option<Vec<Vec<bool>>> {
        let mask = plane.mask.as_ref().filter(|mask| mask.channels.contains(&false))?;
        let kept = |channel: usize| mask.channels.get(channel).copied().unwrap_or(true);
        let group = |group: usize| (0..self.lanes).map(|lane| kept(group * self.lanes + lane)).collect();
        Some((0..groups).map(group).collect())
    }

    /// Weight column (kernel row, column, channel) that row `row` carries in `pass`; `None`: nothing.
    pub fn column(&self, layer: &Layer, source: &Source, pass: usize, row: usize) -> Option<usize> {
        match source {
            Source::Input => {
                if row >= self.row_planes * self.plane_rows {
                    return None;
                }
                let tap = pass * self.plane_rows + row % self.plane_rows;
                (tap < layer.fan_in()).then_some(tap)
            }
            Source::Map { taps, .. } => {
                let tap = taps[pass][row / self.word]?;
                let channel = row % self.word;
                (channel < tap.channels).then(|| {
                    (tap.ky * layer.kernel.1 + tap.kx) * layer.input.c + tap.chunk * self.word + channel
                })
            }
        }
    }

    /// Weight columns of all rows of a pass.
    pub fn places(&self, layer: &Layer, design: &LayerDesign, pass: usize) -> Vec<Option<usize>> {
        (0..self.rows).map(|row| self.column(layer, &design.source, pass, row)).collect()
    }

    /// Weights of `channels` in one tile of a plane, -1 or +1 or a level, and `None` in cells that are not used; row
    /// fastest.
    pub fn values(
        &self,
        layer: &Layer,
        design: &LayerDesign,
        plane: usize,
        pass: usize,
        channels: std::ops::Range<usize>,
    ) -> Vec<Option<i32>> {
        let columns = self.places(layer, design, pass);
        let plane = &layer.planes[plane];
        channels
            .flat_map(|channel| {
                columns.iter().map(move |column| {
                    let kept = column.filter(|&column| plane.keeps(channel, column));
                    kept.map(|column| plane.value(channel, column))
                })
            })
            .collect()
    }

    /// Writes the tiles of one layer into `image`, from `design.weight_base` on. Rows and lanes that carry
    /// nothing, or what the plane leaves out, hold 1, which counts nothing against data 0.
    pub fn write(&self, image: &mut BitMatrix, layer: &Layer, design: &LayerDesign) {
        self.each(layer, design, |address, cell, place| {
            let bit =
                place.is_none_or(|(channel, column)| layer.planes[cell.plane].value(channel, column) >= 0);
            image.set(address, cell.lane * self.weight_rows + cell.row, bit);
        });
    }

    /// Calls `visit` for every cell of every weight word of a layer: with the word's address, the cell, and the channel
    /// and weight column that it holds, if any.
    pub fn each(
        &self,
        layer: &Layer,
        design: &LayerDesign,
        mut visit: impl FnMut(usize, Cell, Option<(usize, usize)>),
    ) {
        let mut address = design.weight_base;
        for group in 0..design.groups {
            for (plane, pass) in design.tiles(group, design.planes.len()) {
                let columns = self.places(layer, design, pass);
                for word in 0..design.tile_words(pass) {
                    for lane in 0..self.lanes {
                        let channel = group * self.lanes + lane;
                        for row in 0..self.weight_rows {
                            let column = columns[word * self.weight_rows + row];
                            let place = column.filter(|_| channel < layer.conv.c);
                            visit(address, Cell { plane, lane, row }, place.map(|column| (channel, column)));
                        }
                    }
                    address += 1;
                }
            }
        }
    }
}

/// The domain of a layer's accumulator in the engine, and how the network's accumulator `acc` maps into it.
pub(super) struct Domain {
    code: MapCode,
    /// Sums are signed (`2*count - driven`) instead of counts.
    signed: bool,
    /// Pixels added into one accumulator.
    pixels: i64,
    analog: Option<AnalogDomain>,
    added: Option<Added>,
    /// Smallest and largest number of fixed point that sums become, which is the network's own.
    state: Option<(i64, i64)>,
}

impl Design {
    /// Unit of the sums of `channel` of layer `index`, of whose weights all planes run; `None` with the popcount readout, where
    /// amplifiers decide, and of layers that keep or add sums or make states of them.
    pub fn unit_of_sums(&self, index: usize, channel: usize) -> Option<SumUnit> {
        let (layer, program) = (&self.network.layers[index], &self.layers[index]);
        let readout = program.readout.as_ref().filter(|readout| !readout.decides)?;
        if program.shortcut.adds || program.shortcut.keeps || layer.requant.is_some() {
            return None;
        }
        let fraction = self.analog.as_ref()?.value_fraction_bits;
        let domain = Domain::analog(layer, self.network.code_of(index), readout, fraction);
        let slope = domain.analog?.slope;
        Some(SumUnit { fraction, slope, surplus: domain.surplus(layer, layer.planes.len(), channel) })
    }
}

/// The sums that are added to a layer's own, where it adds a shortcut.
struct Added {
    low: i64,
    high: i64,
    /// Their surplus, with 1, 2 ... planes, channel by channel.
    surplus: Vec<Vec<i64>>,
}

/// Sums of what codes stand for: `(slope * acc - shift) << fraction`, the shift being the constant times the weights' sum.
#[derive(Clone, Copy)]
struct AnalogDomain {
    low: i64,
    high: i64,
    fraction: u32,
    decides: bool,
    slope: i64,
    /// What every input counts too little, in the unit of `slope` times it.
    constant: i64,
}

impl Domain {
    pub fn new(layer: &Layer, code: MapCode, signed_counts: bool) -> Domain {
        let pixels = if layer.sum_pixels { layer.conv.pixels() as i64 } else { 1 };
        let state = layer.requant.as_ref().map(Requant::limits);
        Domain { code, signed: signed_counts && code.is_bipolar(), pixels, analog: None, added: None, state }
    }

    /// The domain behind an analog readout.
    pub fn analog(layer: &Layer, code: MapCode, readout: &LayerReadout, fraction: u32) -> Domain {
        let (low, high) = readout.sums;
        let (lowest, highest) = code.range();
        // Bits -1 and +1 of an integer add up to twice what it is above its middle, bits 0 and 1 to what it is above its
        // smallest value.
        let (slope, constant) = match (code.is_bipolar(), readout.unipolar) {
            (true, _) => (1, 0),
            (_, true) => (1, i64::from(lowest)),
            (_, false) => (2, i64::from(lowest + highest)),
        };
        let analog = AnalogDomain { low, high, fraction, decides: readout.decides, slope, constant };
        Domain { analog: Some(analog), ..Domain::new(layer, code, true) }
    }

    /// Lets those of `kept` be added to sums, the domain of `layer`, of which up to `planes` planes run.
    pub fn add(&mut self, kept: &Domain, layer: &Layer, planes: usize) {
        if let (Some(analog), Some(kept)) = (&mut self.analog, kept.analog) {
            let more = kept.slope / analog.slope;
            (analog.low, analog.high, analog.slope) = (analog.low * more, analog.high * more, kept.slope);
        }
        let (low, high) = kept.range(layer);
        let surplus =
            |planes| (0..layer.conv.c).map(|channel| kept.surplus(layer, planes, channel)).collect();
        self.added = Some(Added { low, high, surplus: (1..=planes).map(surplus).collect() });
    }

    /// What a product of bits counts in the engine's sums: 2 where it is added behind an analog array to sums of
    /// integer codes, which count twice.
    pub fn slope_of_bits(&self) -> i64 {
        self.analog.map_or(1, |analog| if self.code.is_bipolar() { analog.slope } else { 1 })
    }

    /// Smallest and largest sum that meets thresholds.
    pub fn range(&self, layer: &Layer) -> (i64, i64) {
        if let Some(limits) = self.state {
            return limits;
        }
        let (low, high) = self.own_range(layer);
        self.added.as_ref().map_or((low, high), |added| (low + added.low, high + added.high))
    }

    /// Smallest and largest accumulator of the engine: of the layer's own products.
    pub fn own_range(&self, layer: &Layer) -> (i64, i64) {
        let taps = layer.fan_in() as i64 * self.pixels;
        if let Some(analog) = self.analog {
            return (analog.low, analog.high);
        }
        // Partial sums of the first planes may lie farther out than the sum of all: each plane counts by itself.
        let most = taps * layer.scales() * self.most();
        (if self.signed { -most } else { 0 }, most)
    }

    /// What all planes of an element count together.
    fn most(&self) -> i64 {
        match self.code {
            MapCode::Input(code) => (1 << code.planes()) - 1,
            MapCode::Activation { steps } => steps as i64,
        }
    }

    /// `engine accumulator - acc` for integer inputs: every -1 weight counts each plane's zeros as matches, and
    /// the code is offset by the smallest value. Of the first `planes` planes of weights.
    fn offset(&self, layer: &Layer, planes: usize, channel: usize) -> i64 {
        let codes = self.most();
        let lowest = i64::from(self.code.range().0);
        let of_plane = |plane: &Plane| {
            let signs = || (0..layer.fan_in()).map(|column| plane.value(channel, column));
            let plus = signs().filter(|sign| *sign > 0).count() as i64;
            let minus = signs().filter(|sign| *sign < 0).count() as i64;
            (codes * minus - lowest * (plus - minus)) * self.pixels * i64::from(plane.scale)
        };
        layer.planes.iter().take(planes).map(of_plane).sum()
    }

    /// `factor * engine - acc`, with the first `planes` planes; behind an analog array `slope * acc - engine`.
    fn surplus(&self, layer: &Layer, planes: usize, channel: usize) -> i64 {
        let own = match (self.code.is_bipolar(), self.analog) {
            (_, Some(analog)) => analog::shift(analog.constant, layer, planes, channel, self.pixels),
            (true, _) if self.signed => 0,
            (true, _) => layer.fan_in() as i64 * self.pixels * self.most(),
            _ => self.offset(layer, planes, channel),
        };
        own + self.added.as_ref().map_or(0, |added| added.surplus[planes - 1][channel])
    }

    /// The engine's threshold for `acc >= threshold`, with the first `planes` planes.
    pub fn threshold(&self, layer: &Layer, planes: usize, channel: usize, threshold: i64) -> i64 {
        let (low, high) = self.range(layer);
        if self.state.is_some() {
            return threshold.clamp(low, high + 1);
        }
        if let Some(analog) = self.analog {
            if analog.decides {
                return 0;
            }
            let exact = analog.slope * threshold - self.surplus(layer, planes, channel);
            return (exact << analog.fraction).clamp(low, high + 1);
        }
        let factor = self.factor();
        let least = threshold + self.surplus(layer, planes, channel) + factor - 1;
        least.div_euclid(factor).clamp(low, high + 1)
    }

    /// A sum of signs is twice its matches less its taps.
    fn factor(&self) -> i64 {
        if self.code.is_bipolar() && !self.signed { 2 } else { 1 }
    }

    /// What makes of the engine's sum of `channel` the number of fixed point that `requant` makes of the network's, with the
    /// first `planes` planes. Exact, as the layer's shift is that of [`Domain::format`].
    fn scale(&self, layer: &Layer, requant: &Requant, planes: usize, channel: usize) -> Scale {
        let multiplier = i64::from(requant.multiplier[channel]);
        let offset = requant.offset[channel] - multiplier * self.surplus(layer, planes, channel);
        match self.halves(layer, requant) {
            true => Scale { multiplier, offset: offset.div_euclid(2) },
            false => Scale { multiplier: self.factor() * multiplier, offset },
        }
    }

    /// The factor of sums is one place of the shift: exact where what is added there is even.
    fn halves(&self, layer: &Layer, requant: &Requant) -> bool {
        let even = !layer.shortcut.adds || requant.unit % 2 == 0;
        self.factor() == 2 && requant.shift > 0 && even
    }

    /// The numbers of fixed point that sums become behind what [`Domain::scale`] says.
    pub fn format(&self, layer: &Layer) -> Option<StateFormat> {
        let requant = layer.requant.as_ref()?;
        let halves = self.halves(layer, requant);
        let shift = if halves { requant.shift - 1 } else { requant.shift };
        let unit = match layer.shortcut.adds {
            true if halves => requant.unit / 2,
            true => requant.unit,
            false => 1 << shift,
        };
        Some(StateFormat { bits: requant.bits, shift, unit, rectified: requant.rectified })
    }

    /// Entries of the state unit's table, as [`Domain::thresholds`] are those of the threshold memory.
    pub fn scales(&self, layer: &Layer, planes: usize, lanes: usize) -> Vec<Vec<Scale>> {
        let of = |channel: usize| match &layer.requant {
            None => Scale::ONE,
            Some(_) if channel >= layer.conv.c => Scale::NONE,
            Some(requant) => self.scale(layer, requant, planes, channel),
        };
        let groups = 0..layer.conv.c.div_ceil(lanes);
        groups.map(|group| (0..lanes).map(|lane| of(group * lanes + lane)).collect()).collect()
    }

    /// Shift and subtrahend of a score: `acc = (engine << shift) - value`.
    pub fn score(&self, layer: &Layer, channel: usize) -> (usize, i64) {
        match self.code.is_bipolar() {
            true if self.signed => (0, 0),
            true => (1, layer.fan_in() as i64 * self.pixels * self.most()),
            false => (0, self.offset(layer, layer.planes.len(), channel)),
        }
    }

    /// As many threshold entries as [`Domain::thresholds`] gives: step 0's is met where a lane has a channel, the others
    /// never.
    pub fn there(&self, layer: &Layer, lanes: usize, steps: usize) -> Vec<Vec<Threshold>> {
        let (low, high) = self.range(layer);
        let there = |place: usize, group: usize| place < lanes && group * lanes + place < layer.conv.c;
        let entry = |group: usize| {
            let value = |place| if there(place, group) { low } else { high + 1 };
            (0..steps * lanes).map(|place| Threshold { value: value(place), flip: false }).collect()
        };
        (0..layer.conv.c.div_ceil(lanes)).map(entry).collect()
    }

    /// Threshold entries of a layer that runs its first `planes` planes (all where it has no more), group by group,
    /// `lanes` for each of `steps` steps, of which the layer may have fewer: none meets the others.
    pub fn thresholds(
        &self,
        layer: &Layer,
        planes: usize,
        lanes: usize,
        steps: usize,
    ) -> Vec<Vec<Threshold>> {
        let never = self.range(layer).1 + 1;
        (0..layer.conv.c.div_ceil(lanes))
            .map(|group| {
                (0..steps * lanes)
                    .map(|place| {
                        let (step, channel) = (place / lanes, group * lanes + place % lanes);
                        match &layer.activation {
                            _ if channel >= layer.conv.c || step >= layer.steps() => {
                                Threshold { value: never, flip: false }
                            }
                            Activation::Kept => Threshold { value: never, flip: false },
                            Activation::Sign { threshold, flip } => {
                                let list = layer.fewer.get(planes - 1).unwrap_or(threshold);
                                let own = list[step * layer.conv.c + channel];
                                Threshold {
                                    value: self.threshold(layer, planes, channel, i64::from(own)),
                                    flip: flip[channel],
                                }
                            }
                            Activation::Scores => {
                                Threshold { value: self.score(layer, channel).1, flip: false }
                            }
                        }
                    })
                    .collect()
            })
            .collect()
    }
}
