//! One chip, measured; and many of them on several threads.

use super::draws::{Calibration, Ensembles};
use crate::design::{Design, Threshold};
use crate::device::{self, ColumnNoise, Physics};
use crate::golden::analog::{InstructionSet, Loaded, Outcome, Plan};
use crate::golden::reference;
use crate::network::Decision;
use crate::variation::{Chip, Noises, OwnThresholds, ReadNoise, Site, subject};
use std::ops::ControlFlow;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc;

/// Images that go through a chip together, whole words of them: bounds the memory of their traces.
const CHUNK: usize = 1024;

/// What every chip is judged by.
#[derive(Debug, Clone, Copy)]
pub struct Judge<'a> {
    /// Element values (channel, row, column), image after image; not empty.
    pub images: &'a [i16],
    /// Class of each image.
    pub labels: &'a [u32],
    pub rule: Decision,
    /// Whether result bits of all layers are compared with those of the chip without errors.
    pub flips: bool,
    /// Most planes of weights that a layer runs; all where none is given.
    pub planes: Option<usize>,
    /// Images on which the thresholds of every chip are found anew; none: they stay.
    pub recalibration: Option<&'a [i16]>,
    /// Images on which the scores of every chip are corrected; none: they stay.
    pub correction: Option<&'a [i16]>,
}

/// One analog design, with what all chips of it share.
#[derive(Debug)]
pub struct Machine {
    design: Design,
    sites: Vec<Site>,
    subject: String,
    executor: Executor,
    /// Class of each image on the chip without errors, and how many of them are right.
    classes: Vec<usize>,
    ideal: usize,
    ideal_calibration: Option<Calibration>,
}

/// What runs images on chips.
#[derive(Debug)]
enum Executor {
    /// Converters read the columns.
    Converters {
        plan: Box<Plan>,
        /// Traces of the images on the chip without errors, where bits are compared.
        traces: Vec<Outcome>,
        /// Sums that reach their thresholds on the chip without errors, over the images of recalibration.
        reached: Vec<Vec<usize>>,
    },
    /// Cells are drawn as they are read.
    Draws(Box<Ensembles>),
}

/// What one chip gave.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Measured {
    /// Images classified rightly.
    pub correct: usize,
    /// Images classified otherwise than by the chip without errors.
    pub changed: usize,
    /// Cell values that were held to the machine's width of a cell.
    pub saturated: usize,
    /// Result bits that differ from those of the chip without errors, by layer and over all images; 0 for a layer
    /// of scores. Empty unless asked for.
    pub flips: Vec<u64>,
    /// Of probabilities, where weights are drawn.
    pub calibration: Option<Calibration>,
}

/// One chip of one case.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Job {
    pub case: usize,
    /// Index of the chip.
    pub chip: usize,
}

impl Machine {
    /// Prepares `design` and runs the chip without errors, on the current rayon pool.
    ///
    /// # Panics
    /// Where the design's readout is the popcount.
    pub fn new(design: Design, judge: &Judge) -> Machine {
        let (sites, draws) = (design.sites(), design.analog.as_ref().is_some_and(|analog| analog.draws));
        let subject = subject(&sites);
        let planes = judge.planes.unwrap_or(design.planes_of_weights());
        let (mut ideal, _) = chip(&design, &sites, &subject, &design.arch.without_errors(), 0);
        let mut machine = Machine {
            executor: match draws {
                true => Executor::Draws(Box::new(Ensembles::new(&design, &ideal, judge))),
                false => {
                    let plan = Box::new(Plan::limited(&design, planes));
                    let reached =
                        judge.recalibration.map(|images| Loaded::new(&plan, &ideal).reached(images));
                    Executor::Converters { plan, traces: Vec::new(), reached: reached.unwrap_or_default() }
                }
            },
            design,
            sites,
            subject,
            classes: Vec::new(),
            ideal: 0,
            ideal_calibration: None,
        };
        match &machine.executor {
            Executor::Draws(ensembles) => {
                let found = ensembles.judge(&machine.design, &mut ideal, judge);
                (machine.classes, machine.ideal_calibration) = (found.classes, found.calibration);
            }
            Executor::Converters { plan, .. } => {
                let (mut classes, mut found) = (Vec::new(), Vec::new());
                outcomes(Loaded::new(plan, &ideal), plan, judge, true, |_, outcomes| {
                    classes.extend(outcomes.iter().map(|outcome| machine.class(outcome, judge.rule)));
                    if judge.flips {
                        found.extend(outcomes);
                    }
                });
                machine.classes = classes;
                if let Executor::Converters { traces, .. } = &mut machine.executor {
                    *traces = found;
                }
            }
        }
        let right = |(class, label): &(&usize, &u32)| **class == **label as usize;
        machine.ideal = machine.classes.iter().zip(judge.labels).filter(right).count();
        machine
    }

    /// Images that the chip without errors classifies rightly.
    pub fn ideal(&self) -> usize {
        self.ideal
    }

    pub fn design(&self) -> &Design {
        &self.design
    }

    /// Of the chip without errors, where weights are drawn.
    pub fn ideal_calibration(&self) -> Option<Calibration> {
        self.ideal_calibration
    }

    /// Draws the chip of `seed` and measures it, with the noise of its reads; with `parallel` on the current rayon pool, else on this thread.
    pub fn measure(&self, physics: &Physics, seed: u64, judge: &Judge, parallel: bool) -> Measured {
        match &self.executor {
            Executor::Converters { plan, traces, reached } => {
                self.converted(physics, seed, judge, parallel, (plan, traces, reached))
            }
            Executor::Draws(ensembles) if parallel => self.drawn(ensembles, physics, seed, judge),
            Executor::Draws(ensembles) => {
                let alone = rayon::ThreadPoolBuilder::new().num_threads(1).build().expect("a thread");
                alone.install(|| self.drawn(ensembles, physics, seed, judge))
            }
        }
    }

    /// Measures a chip whose cells are drawn as they are read, on the current rayon pool.
    fn drawn(&self, ensembles: &Ensembles, physics: &Physics, seed: u64, judge: &Judge) -> Measured {
        let (mut chip, saturated) = chip(&self.design, &self.sites, &self.subject, physics, seed);
        let found = ensembles.judge(&self.design, &mut chip, judge);
        let of = |same: &dyn Fn(usize, usize) -> bool| {
            found.classes.iter().enumerate().filter(|&(index, &class)| same(index, class)).count()
        };
        Measured {
            correct: of(&|index, class| class == judge.labels[index] as usize),
            changed: of(&|index, class| class != self.classes[index]),
            saturated,
            flips: Vec::new(),
            calibration: found.calibration,
        }
    }

    /// Measures a chip whose columns converters read.
    fn converted(
        &self,
        physics: &Physics,
        seed: u64,
        judge: &Judge,
        parallel: bool,
        (plan, traces, reached): (&Plan, &[Outcome], &[Vec<usize>]),
    ) -> Measured {
        let (chip, saturated) = chip(&self.design, &self.sites, &self.subject, physics, seed);
        let layers = if judge.flips { self.design.layers.len() } else { 0 };
        let mut measured =
            Measured { correct: 0, changed: 0, saturated, flips: vec![0; layers], calibration: None };
        with_noise(plan, chip.fraction_bits, physics.read_noise, seed, |noise| {
            let mut loaded = Loaded::noisy(plan, &chip, InstructionSet::best(), noise);
            if let Some(images) = judge.recalibration {
                loaded.recalibrate(images, reached);
            }
            outcomes(loaded, plan, judge, parallel, |first, outcomes| {
                for (index, outcome) in outcomes.iter().enumerate() {
                    let class = self.class(outcome, judge.rule);
                    measured.correct += usize::from(class == judge.labels[first + index] as usize);
                    measured.changed += usize::from(class != self.classes[first + index]);
                    if judge.flips {
                        let clean = &traces[first + index].layers;
                        for ((count, bits), clean) in
                            measured.flips.iter_mut().zip(&outcome.layers).zip(clean)
                        {
                            let pairs = bits.words().iter().zip(clean.words());
                            *count += pairs.map(|(a, b)| u64::from((a ^ b).count_ones())).sum::<u64>();
                        }
                    }
                }
            });
        });
        measured
    }

    /// The class that scores in the order row, column, class mean.
    fn class(&self, outcome: &Outcome, rule: Decision) -> usize {
        reference::decide(&self.design.network, &self.design.in_channel_order(&outcome.scores), rule)
    }
}

/// The chip as `bincim draw` makes it, and the number of cell values beyond their width; columns that converters read on this
/// thread.
fn chip(design: &Design, sites: &[Site], subject: &str, physics: &Physics, seed: u64) -> (Chip, usize) {
    let analog = design.analog.as_ref().expect("a design with analog arrays");
    let array = |site| device::draw(physics, seed, analog.fraction_bits, site);
    let mut chip = match analog.draws {
        true => device::chip(physics, seed, analog.fraction_bits, sites),
        false => Chip {
            seed,
            subject: subject.into(),
            physics: physics.to_toml(),
            fraction_bits: analog.fraction_bits,
            widths: None,
            arrays: sites.iter().map(array).collect(),
            thresholds: None,
            correction: None,
        },
    };
    let beyond = chip.saturate(analog.widths());
    (chip, beyond)
}

/// Hands all outcomes of a chip to `take`, with the index of the first image of each lot.
fn outcomes(
    loaded: Loaded,
    plan: &Plan,
    judge: &Judge,
    parallel: bool,
    mut take: impl FnMut(usize, Vec<Outcome>),
) {
    for (lot, images) in judge.images.chunks(CHUNK * plan.elements()).enumerate() {
        let outcomes = match parallel {
            true => loaded.run_parallel_from(lot * CHUNK, images, judge.flips),
            false => loaded.run_from(lot * CHUNK, images, judge.flips),
        };
        take(lot * CHUNK, outcomes);
    }
}

/// Hands what the reads of chip `seed` add to the voltages to `take`: read noise of `sigma` counts, and the noise in
/// gates where the register SEED holds the lower half of the chip's seed when the first image starts.
fn with_noise<T>(
    plan: &Plan,
    fraction_bits: u32,
    sigma: f64,
    seed: u64,
    take: impl FnOnce(Option<&dyn ReadNoise>) -> T,
) -> T {
    let column = (sigma > 0.0).then(|| ColumnNoise::new(sigma, fraction_bits, seed));
    let gates = plan.gate_noise(seed as u32);
    let noises = Noises::of([column.as_ref().map(|n| n as _), gates.as_ref().map(|n| n as _)]);
    take(noises.as_ref().map(|noises| noises as _))
}

/// Finds the thresholds of `chip` anew on `images`, as a [`Machine`] with images of recalibration does, and leaves them in
/// the chip: each channel fires as often as on `ideal`, the chip without errors. One set for all planes of weights, or
/// one for each number of planes where the design has such.
///
/// # Panics
/// Unless `images` holds whole images, and where the chips were drawn for another design.
pub fn recalibrate(design: &Design, ideal: &Chip, chip: &mut Chip, read_noise: f64, images: &[i16]) {
    let values = |entry: &Vec<Threshold>| entry.iter().map(|threshold| threshold.value).collect();
    let mut memory: Vec<Vec<i64>> = design.thresholds.iter().map(values).collect();
    let all = design.planes_of_weights();
    let first = if design.threshold_set(1) == 0 { all } else { 1 };
    for planes in first..=all {
        let plan = Plan::limited(design, planes);
        let reached = Loaded::new(&plan, ideal).reached(images);
        with_noise(&plan, chip.fraction_bits, read_noise, chip.seed, |noise| {
            let mut loaded = Loaded::noisy(&plan, chip, InstructionSet::best(), noise);
            loaded.recalibrate(images, &reached);
            loaded.write_thresholds(&mut memory);
        });
    }
    chip.thresholds = Some(OwnThresholds { replace: design.thresholds_digest(), values: memory });
}

/// Runs `work` for all `jobs` on the pool's number of threads and hands every result to `take` as it comes, until
/// `take` breaks. Many jobs run side by side, each on one thread (`work`'s second argument is false); few run one
/// after the other, each on all threads of `pool`.
pub fn run<R: Send>(
    pool: &rayon::ThreadPool,
    jobs: &[Job],
    work: impl Fn(Job, bool) -> R + Sync,
    mut take: impl FnMut(Job, R) -> ControlFlow<()>,
) {
    let threads = pool.current_num_threads();
    if jobs.len() < threads {
        for &job in jobs {
            // `take` stays on this thread.
            if take(job, pool.install(|| work(job, true))).is_break() {
                return;
            }
        }
        return;
    }
    let (next, stop) = (AtomicUsize::new(0), AtomicBool::new(false));
    let (sender, results) = mpsc::channel();
    std::thread::scope(|scope| {
        for _ in 0..threads {
            let (sender, next, stop, work) = (sender.clone(), &next, &stop, &work);
            scope.spawn(move || {
                while !stop.load(Ordering::Relaxed) {
                    let Some(&job) = jobs.get(next.fetch_add(1, Ordering::Relaxed)) else { break };
                    // The receiver goes away only after a break.
                    if sender.send((job, work(job, false))).is_err() {
                        break;
                    }
                }
            });
        }
        drop(sender);
        for (job, result) in results {
            if take(job, result).is_break() {
                stop.store(true, Ordering::Relaxed);
                break;
            }
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    fn jobs(count: usize) -> Vec<Job> {
        (0..count).map(|chip| Job { case: 0, chip }).collect()
    }

    fn pool(threads: usize) -> rayon::ThreadPool {
        rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("a pool")
    }

    #[test]
    fn every_job_is_done_once_on_any_number_of_threads() {
        for (count, threads) in [(0, 2), (1, 4), (3, 4), (4, 4), (50, 1), (50, 3)] {
            let mut done = Vec::new();
            run(
                &pool(threads),
                &jobs(count),
                |job, _| job.chip * 2,
                |job, twice| {
                    done.push((job.chip, twice));
                    ControlFlow::Continue(())
                },
            );
            done.sort_unstable();
            assert_eq!(done, (0..count).map(|chip| (chip, chip * 2)).collect::<Vec<_>>());
        }
    }

    #[test]
    fn a_break_ends_the_run() {
        for threads in [1, 3] {
            let mut taken = 0;
            let started = AtomicUsize::new(0);
            let work = |_, _| {
                started.fetch_add(1, Ordering::Relaxed);
                std::thread::sleep(std::time::Duration::from_millis(1));
            };
            run(&pool(threads), &jobs(10_000), work, |_, ()| {
                taken += 1;
                if taken == 5 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
            });
            assert_eq!(taken, 5);
            assert!(started.load(Ordering::Relaxed) < 10_000);
        }
    }
}
