//! Converters: tie rule, clipping, flash, ramp, SAR, gain, sharing, the sense amplifier.

use super::support::*;
use bincim::device::{Adc, AdcKind, Column, Physics, draw, integer_edge};
use bincim::variation::{Converter, Site};

fn circuit(kind: AdcKind, comparator: f64, element: f64) -> Physics {
    let physics =
        Physics { converter: Adc { kind, comparator, element, ..Adc::default() }, ..Physics::default() };
    assert_eq!(physics.validate(), []);
    physics
}

fn with_converter(columns: usize, levels: usize, low: f64, step: f64) -> Site {
    Site { converter: Converter::Uniform { levels, low, step }, ..site(1, columns, |_, _| 1) }
}

/// Edges of a column in steps above the voltage of code 0.
fn steps(site: &Site, edges: &[i32], fraction_bits: u32) -> Vec<f64> {
    let Converter::Uniform { low, step, .. } = site.converter else { panic!("no uniform converter") };
    edges.iter().map(|&edge| (f64::from(edge) / f64::from(1 << fraction_bits) - low) / step).collect()
}

/// O12: with ideal edges the code of every voltage is the nominal one, ties to even, on any grid.
#[test]
fn o12_the_code_is_the_nominal_one_with_ties_to_even() {
    for (levels, low, step) in [
        (31, -60.0, 4.0),
        (32, -64.0, 128.0 / 31.0),
        (32, -256.0, 512.0 / 31.0),
        (11, -65.0, 13.0),
        (9, -3.7, 0.3),
        (2, -1.0, 2.0),
        (257, -256.0, 2.0),
        (32, -62.0, 4.0),
    ] {
        for fraction_bits in [0, 3, 8] {
            let site = with_converter(1, levels, low, step);
            let array = draw(&Physics::default(), 0, fraction_bits, &site);
            let unit = f64::from(1 << fraction_bits);
            let mut ties = 0;
            for v in (-280.0 * unit) as i32..(280.0 * unit) as i32 {
                let exact = (f64::from(v) / unit - low) / step;
                // Rounding errors of this test's own division are far below any distance that is no tie.
                let tie = (exact - exact.floor() - 0.5).abs() < 1e-9;
                let nominal = if tie { exact.floor() + exact.floor().rem_euclid(2.0) } else { exact.round() };
                ties += usize::from(tie);
                let nominal = nominal.clamp(0.0, (levels - 1) as f64) as usize;
                assert_eq!(code(&array, 0, v), nominal, "{levels} codes from {low} by {step}, {v} / {unit}");
            }
            if step == 4.0 {
                assert!(ties >= levels - 1, "no ties met");
            }
        }
    }
    assert_eq!(
        [(2.5, true), (2.5, false), (3.0, true), (3.0, false)].map(|(t, i)| integer_edge(t, i)),
        [3, 3, 3, 4]
    );
    assert_eq!(
        [(-2.5, true), (-3.0, false), (3.0 - 1e-9, true)].map(|(t, i)| integer_edge(t, i)),
        [-2, -2, 3]
    );
}

/// O13: a normal voltage of deviation s clipped at R: rate 2 Phi(-R/s), E[(|y| - R)+^2]. 1,024 columns x 64 chips.
#[test]
fn o13_clipping() {
    let (s, r, columns) = (10.0, 15.0, 1024);
    let physics = Physics { column: Column { offset: s }, ..Physics::default() };
    // 3,001 codes of a hundredth of a count: only the ends matter.
    let site = with_converter(columns, 3001, -r, 0.01);
    let (mut clipped, mut squares) = (0, Vec::new());
    for seed in 0..64 {
        let array = draw(&physics, seed, 10, &site);
        for column in 0..columns {
            let v = voltage(&array, column, &[0]);
            let code = code(&array, column, v);
            let excess = f64::from(v).abs() / 1024.0 - r;
            clipped += usize::from(code == 0 || code == 3000);
            squares.push(if code == 0 || code == 3000 { excess.max(0.0).powi(2) } else { 0.0 });
            assert!(excess <= 0.0 || code == 0 || code == 3000);
        }
    }
    let a: f64 = r / s;
    assert_rate("clipped", clipped, squares.len(), 2.0 * phi(-a));
    let expected = 2.0 * ((s * s + r * r) * phi(-a) - r * s * pdf(a));
    let error = (variance(&squares) / squares.len() as f64).sqrt();
    assert!((mean(&squares) - expected).abs() < SIGMAS * error, "{} {expected}", mean(&squares));
}

/// Columns that `array.lanes` puts on one converter have its edges, and those of two converters differ; a shared sense
/// amplifier has one offset for columns of different references.
#[test]
fn columns_of_a_lane_have_its_edges() {
    let mut physics = circuit(AdcKind::Flash, 0.5, 0.02);
    physics.converter.gain = 0.02;
    let site = Site { share: 4, ..with_converter(12, 16, -30.0, 4.0) };
    let array = draw(&physics, 5, 6, &site);
    for column in 0..12 {
        let first = column / 4 * 4;
        assert_eq!(edges(&array, column), edges(&array, first), "column {column}");
        assert!(column < 4 || edges(&array, column) != edges(&array, column - 4), "column {column}");
    }
    // The lanes' converters are those of as many columns with one each.
    let alone = draw(&physics, 5, 6, &with_converter(3, 16, -30.0, 4.0));
    assert!((0..3).all(|lane| edges(&array, 4 * lane) == edges(&alone, lane)));
    physics = Physics::default();
    physics.sense.offset = 2.0;
    let reference: Vec<f64> = (0..12).map(|column| f64::from(column % 5)).collect();
    let sense = Converter::Sense { reference: reference.clone() };
    let array = draw(&physics, 5, 6, &Site { converter: sense, ..site });
    for column in 0..12 {
        let offset = |column: usize| edges(&array, column)[0] - (reference[column] * 64.0) as i32;
        assert_eq!(offset(column), offset(column / 4 * 4), "column {column}");
        assert!(column < 4 || offset(column) != offset(column - 4));
    }
}

/// O15: flash: INL sigma s at every edge, DNL sigma sqrt(2) s, edges independent; the public C3SRAM figures. 512
/// columns x 4 chips.
#[test]
fn o15_comparator_offsets_of_a_flash() {
    let physics = Physics::preset("c3sram").unwrap();
    assert_eq!((physics.converter.comparator, physics.read_noise), (0.89, 0.97));
    let site = with_converter(512, 11, -65.0, 13.0);
    let (mut inl, mut dnl) = (vec![Vec::new(); 10], Vec::new());
    let mut curves = std::collections::BTreeSet::new();
    for seed in 0..4 {
        let array = draw(&physics, seed, 10, &site);
        for column in 0..512 {
            let edges: Vec<f64> = edges(&array, column).iter().map(|&e| f64::from(e) / 1024.0).collect();
            for (e, edge) in edges.iter().enumerate() {
                inl[e].push(edge - (-58.5 + 13.0 * e as f64));
            }
            dnl.push(edges[1 + column % 9] - edges[column % 9] - 13.0);
            curves.insert(edges.iter().map(|edge| (edge * 1024.0) as i32).collect::<Vec<_>>());
        }
    }
    for inl in &inl {
        assert_moments("INL", inl, 0.0, 0.89 * 0.89);
    }
    assert_moments("DNL", &dnl, 0.0, 2.0 * 0.89 * 0.89);
    let product = mean(&inl[3].iter().zip(&inl[4]).map(|(a, b)| a * b).collect::<Vec<_>>());
    assert!(product.abs() < SIGMAS * 0.89 * 0.89 / (2048f64).sqrt(), "{product}");
    assert_eq!(curves.len(), 2048, "converters share a curve");
}

/// O15: large offsets swap comparators; a counter of comparators sees rising edges all the same.
#[test]
fn edges_rise_even_where_comparators_swap() {
    let site = with_converter(64, 31, -60.0, 4.0);
    let array = draw(&circuit(AdcKind::Flash, 20.0, 0.3), 1, 4, &site);
    assert!((0..64).all(|column| edges(&array, column).is_sorted()));
}

/// O15: ramp: a comparator's offset moves all edges of its column alike; the ramp's own errors are the same in every
/// column: INL in the middle `element / 2 sqrt(levels - 2)`. 1,024 columns; 1,500 arrays.
#[test]
fn o15_a_ramp_shares_its_levels_and_has_an_offset_a_column() {
    let site = with_converter(1024, 32, -62.0, 4.0);
    let array = draw(&circuit(AdcKind::Ramp, 1.5, 0.0), 1, 10, &site);
    let offsets: Vec<f64> = (0..1024).map(|c| steps(&site, edges(&array, c), 10)[0] - 0.5).collect();
    assert_moments("offset in steps", &offsets, 0.0, (1.5f64 / 4.0).powi(2));
    for (column, offset) in offsets.iter().enumerate() {
        let steps = steps(&site, edges(&array, column), 10);
        for (e, step) in steps.iter().enumerate() {
            // Up to the rounding of both edges to 2^-10 counts, and one unit of the tie rule.
            assert!((step - e as f64 - 0.5 - offset).abs() <= 2.0 / 4096.0);
        }
    }
    let physics = circuit(AdcKind::Ramp, 0.0, 0.05);
    let mut middle = Vec::new();
    for array in 0..1500 {
        let site = Site { array, ..with_converter(3, 32, -62.0, 4.0) };
        let draw = draw(&physics, 2, 10, &site);
        assert!((1..3).all(|column| edges(&draw, column) == edges(&draw, 0)), "one ramp an array");
        middle.push(steps(&site, edges(&draw, 0), 10)[15] - 15.5);
    }
    // 15 of 30 elements lie below the edge: variance u^2 15 x 15 / 30.
    assert_moments("INL", &middle, 0.0, 0.05 * 0.05 * 30.0 / 4.0);
}

/// O16: SAR: DNL at mid-scale u sqrt(2^B - 1), INL there u/2 sqrt(2^B), and as many curves as converters. 512 columns
/// x 4 chips, 6 bits.
#[test]
fn o16_every_sar_has_its_own_capacitors() {
    let (u, bits) = (0.01, 6);
    let site = with_converter(512, 1 << bits, 0.0, 16.0);
    let mut curves = std::collections::BTreeSet::new();
    let (mut dnl, mut inl) = (Vec::new(), Vec::new());
    for seed in 0..4 {
        let array = draw(&circuit(AdcKind::Sar, 0.0, u), seed, 10, &site);
        for column in 0..512 {
            let edges = edges(&array, column);
            curves.insert(edges.to_vec());
            let steps = steps(&site, edges, 10);
            dnl.push(steps[31] - steps[30] - 1.0);
            inl.push(steps[31] - 31.5);
        }
    }
    assert_eq!(curves.len(), 2048, "converters share a curve");
    assert_moments("DNL", &dnl, 0.0, u * u * 63.0);
    assert_moments("INL", &inl, 0.0, u * u / 4.0 * 64.0);
    // Large errors: codes are missed, edges still rise, no column like another.
    let array = draw(&circuit(AdcKind::Sar, 0.0, 0.4), 9, 10, &site);
    let missed = (0..512).filter(|&c| edges(&array, c).windows(2).any(|pair| pair[0] == pair[1])).count();
    assert!(missed > 100, "{missed}");
    assert!((0..512).all(|c| edges(&array, c).is_sorted()));
}

/// A converter that columns take turns at is one converter; the next columns have another.
#[test]
fn neighbouring_columns_may_share_a_converter() {
    for kind in [AdcKind::Flash, AdcKind::Ramp, AdcKind::Sar] {
        let mut physics = circuit(kind, 1.0, 0.02);
        physics.converter.gain = 0.01;
        physics.converter.columns = 8;
        let array = draw(&physics, 1, 10, &with_converter(64, 16, -30.0, 4.0));
        let curves: std::collections::BTreeSet<_> = (0..64).map(|c| edges(&array, c)).collect();
        assert_eq!(curves.len(), 8, "{kind:?}");
        assert!((0..64).all(|c| edges(&array, c) == edges(&array, c / 8 * 8)));
    }
}

/// A gain error moves an edge at t to t / (1 + g): the relative shift has the gain's deviation. 1,024 columns x 4.
#[test]
fn gain_errors_scale_all_edges() {
    let mut physics = circuit(AdcKind::Ideal, 0.0, 0.0);
    physics.converter.gain = 0.01;
    let site = with_converter(1024, 3, -1000.0, 1000.0);
    let mut gains = Vec::new();
    for seed in 0..4 {
        let array = draw(&physics, seed, 10, &site);
        for column in 0..1024 {
            let edges = edges(&array, column);
            gains.push(500.0 * 1024.0 / f64::from(edges[1]) - 1.0);
            assert!((edges[0] + edges[1]).abs() <= 1, "the gain acts about 0");
        }
    }
    assert_moments("gain", &gains, 0.0, 1e-4);
}

/// The sense amplifier: code 1 at or above its reference, which its offset moves. 1,024 columns x 4 chips.
#[test]
fn a_sense_amplifier_decides_at_its_reference() {
    let reference: Vec<f64> = (0..1024).map(|c| [0.0, -3.0, 2.5, 7.1][c % 4]).collect();
    let site =
        Site { converter: Converter::Sense { reference: reference.clone() }, ..site(1, 1024, |_, _| 1) };
    let array = draw(&Physics::default(), 0, 4, &site);
    for (column, expected) in [(0, 0), (1, -48), (2, 40), (3, 114)] {
        assert_eq!(edges(&array, column), [expected]);
        assert_eq!((code(&array, column, expected - 1), code(&array, column, expected)), (0, 1));
    }
    let mut physics = Physics::default();
    physics.sense.offset = 2.0;
    let offsets: Vec<f64> = (0..4)
        .flat_map(|seed| {
            let array = draw(&physics, seed, 10, &site);
            let offset = |c: usize| f64::from(array.edges[c]) / 1024.0 - reference[c];
            (0..1024).map(offset).collect::<Vec<_>>()
        })
        .collect();
    assert_moments("offset", &offsets, 0.0, 4.0);
}
