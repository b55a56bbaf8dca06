//! Random streams: known answers, the same chip for every order, thread count and subset, and their distribution.

use super::support::*;
use bincim::device::random::{Kind, Stream, philox, uniform};
use bincim::device::{Cell, Column, Gaussian, Physics, Scale, chip, draw};
use bincim::variation::{Chip, Converter, Site};

fn sites() -> Vec<Site> {
    let converter = Converter::Uniform { levels: 11, low: -65.0, step: 13.0 };
    (0..12)
        .map(|i| Site {
            layer: i / 5,
            array: i % 5,
            converter: converter.clone(),
            ..site(64 + i, 20, |c, r| if (c * r + i) % 3 == 0 { 1 } else { -1 })
        })
        .collect()
}

fn physics() -> Physics {
    let mut physics = Physics::preset("c3sram").unwrap();
    physics.gaussian = Gaussian { sigma: 0.05, of: Scale::Gmax };
    physics.column = Column { offset: 1.0 };
    physics.die.sigma = 0.02;
    physics.row.inl = 0.01;
    physics
}

/// O27: the vectors of Random123 (tests/kat_vectors, philox4x32 10).
#[test]
fn o27_known_answers() {
    assert_eq!(philox([0; 4], [0; 2]), [0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8]);
    assert_eq!(philox([!0; 4], [!0; 2]), [0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd]);
    let pi = [0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344];
    assert_eq!(philox(pi, [0xa4093822, 0x299f31d0]), [0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1]);
}

/// O27: the same chip, byte for byte, with 1, 2 or 5 threads, in any order of arrays, alone or with others; and the
/// same cells where an array has fewer rows or columns.
#[test]
fn o27_the_same_chip_for_any_threads_order_and_subset() {
    let (physics, sites) = (physics(), sites());
    let with = |threads: usize, sites: &[Site]| -> Chip {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| chip(&physics, 42, 8, sites))
    };
    let all = with(1, &sites);
    for threads in [2, 5] {
        assert_eq!(with(threads, &sites).write_to(), all.write_to());
    }
    assert_eq!(Chip::read_from(&all.write_to()).unwrap(), all);
    let reversed: Vec<Site> = sites.iter().rev().cloned().collect();
    assert!(with(2, &reversed).arrays.iter().rev().eq(&all.arrays));
    for (site, array) in sites.iter().zip(&all.arrays) {
        assert_eq!(draw(&physics, 42, 8, site), *array);
    }
    let (large, drawn) = (&sites[7], &all.arrays[7]);
    let (rows, columns) = (30, 11);
    let weights =
        (0..columns * rows).map(|i| large.weights[i / rows * large.rows + i % rows]).collect::<Vec<_>>();
    let small = draw(&physics, 42, 8, &Site { rows, columns, weights, ..large.clone() });
    for column in 0..columns {
        assert_eq!(small.plus[column * rows..][..rows], drawn.plus[column * large.rows..][..rows]);
        assert_eq!(edges(&small, column), edges(drawn, column));
        assert_eq!(small.offset[column], drawn.offset[column]);
    }
    assert_ne!(chip(&physics, 43, 8, &sites).arrays, all.arrays);
    assert_eq!(chip(&physics, 42, 8, &sites[1..]).arrays[..], all.arrays[1..]);
}

/// O27: an effect more or less leaves the draws of the others, and another weight meets the same devices.
#[test]
fn o27_effects_and_weights_do_not_disturb_other_draws() {
    let site = &sites()[3];
    let full = draw(&physics(), 1, 8, site);
    let mut less = physics();
    less.gaussian.sigma = 0.0;
    less.row.inl = 0.0;
    let less = draw(&less, 1, 8, site);
    assert_eq!((&less.edges, &less.offset), (&full.edges, &full.offset));
    assert_ne!(less.plus, full.plus);
    let mut physics = Physics { gaussian: Gaussian { sigma: 0.05, of: Scale::Gmax }, ..Physics::default() };
    physics.cell = Cell { clamp: false, g_min: 0.5, ..Cell::default() };
    let flipped = Site { weights: site.weights.iter().map(|w| -w).collect(), ..site.clone() };
    let (a, b) = (draw(&physics, 1, 8, site), draw(&physics, 1, 8, &flipped));
    for ((a, b), w) in a.plus.iter().zip(&b.plus).zip(&site.weights) {
        let nominal = i32::from(*w) << 8;
        assert!(
            (i32::from(*a) - nominal - (i32::from(*b) + nominal)).abs() <= 1,
            "the error follows the weight"
        );
    }
}

/// O28: cells are normal: Kolmogorov-Smirnov over 65,536 cells (D sqrt(M) < 2.2 with p = 1e-4 to exceed it), chi-square
/// of the variance, and no correlation with the neighbour in row, column, array, layer and seed.
#[test]
fn o28_drawn_cells_are_normal_and_independent() {
    let physics = Physics {
        cell: Cell { clamp: false, ..Cell::default() },
        gaussian: Gaussian { sigma: 0.1, of: Scale::Gmax },
        ..Physics::default()
    };
    let errors = |seed, layer, array| -> Vec<f64> {
        let site = Site { layer, array, ..site(256, 256, |_, _| 1) };
        let sigma = 0.1 * 2f64.sqrt() * 16384.0 / 2.0;
        draw(&physics, seed, 13, &site).plus.iter().map(|&v| (f64::from(v) - 8192.0) / sigma).collect()
    };
    let cells = errors(1, 0, 0);
    assert_moments("cells", &cells, 0.0, 1.0);
    let mut sorted = cells.clone();
    sorted.sort_unstable_by(f64::total_cmp);
    let m = sorted.len() as f64;
    let distance = sorted
        .iter()
        .enumerate()
        .map(|(i, &x)| (phi(x) - i as f64 / m).abs().max((phi(x) - (i + 1) as f64 / m).abs()))
        .fold(0.0, f64::max);
    assert!(distance * m.sqrt() < 2.2, "{}", distance * m.sqrt());
    let mut shifted = cells.clone();
    shifted.rotate_left(1);
    let mut column = cells.clone();
    column.rotate_left(256);
    let others =
        [shifted, column, errors(2, 0, 0), errors(1 << 32 | 1, 0, 0), errors(1, 1, 0), errors(1, 0, 1)];
    for (i, other) in others.iter().enumerate() {
        let correlation = mean(&cells.iter().zip(other).map(|(a, b)| a * b).collect::<Vec<_>>());
        assert!(correlation.abs() < SIGMAS / m.sqrt(), "{i}: {correlation}");
    }
}

/// O28: uniform numbers fall evenly into 256 bins: chi-square with 255 degrees of freedom, whose deviation is 22.6.
#[test]
fn o28_uniform_numbers_are_even() {
    let stream = Stream::new(7, 0, 0);
    for word in 0..2 {
        let mut bins = [0.0f64; 256];
        for row in 0..1 << 16 {
            bins[(uniform(stream.pair(Kind::Stuck, 0, row)[word]) * 256.0) as usize] += 1.0;
        }
        let chi: f64 = bins.iter().map(|n| (n - 256.0).powi(2) / 256.0).sum();
        assert!((chi - 255.0).abs() < SIGMAS * 510f64.sqrt(), "{chi}");
    }
}
