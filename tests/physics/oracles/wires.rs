//! Wire resistance: the closed form of a ladder, the limit of none, exact against frozen.

use super::support::*;
use bincim::device::{
    Branches, Cell, CellKind, Crossbar, Freeze, Gaussian, Physics, Reference, Scale, Wires, draw, wire_error,
};

/// Column current over N V G of a ladder of N conductances 1 with segments r, all driven, virtual ground at its end.
fn ladder(n: usize, r: f64) -> f64 {
    // 2 cosh a = 2 + r, in a form that keeps its digits where r is small.
    let a = 2.0 * libm::asinh(r.sqrt() / 2.0);
    let n = n as f64;
    (1.0 - ((n - 0.5) * a).cosh() / ((n + 0.5) * a).cosh()) / (n * r)
}

/// O25: to 1e-6 (reached: 1e-11), and the published values of a tight solution.
#[test]
fn o25_ladder_against_its_closed_form() {
    for (n, r, published) in
        [(64, 1e-6, 0.998605), (256, 1e-6, 0.978590), (256, 1e-5, 0.825934), (256, 1e-4, 0.384081)]
    {
        let expected = ladder(n, r);
        assert!((expected - published).abs() < 6e-7, "{n} {r}: {expected}");
        let columns = 3;
        let solution = Crossbar::new(n, columns, vec![1.0; n * columns], 0.0, r)
            .solve(&vec![1.0; n], &vec![0.0; columns]);
        assert!(solution.residual < 1e-12, "{}", solution.residual);
        for c in 0..columns {
            let sum: f64 = (0..n).map(|row| solution.currents[row * columns + c]).sum();
            assert!((sum / n as f64 - expected).abs() < 1e-11, "{n} {r}: {}", sum / n as f64);
        }
        // Through a drawn chip: N rounded cells, each off by half a unit of 2^-14 at most.
        for freeze in [Freeze::Reference, Freeze::Transfer] {
            let physics = Physics { wires: Wires { row: 0.0, column: r, freeze }, ..Physics::default() };
            let array = draw(&physics, 0, 14, &site(n, 2, |_, _| 1));
            let sum = f64::from(voltage(&array, 1, &vec![1; n])) / 16384.0;
            assert!((sum / n as f64 - expected).abs() <= 0.5 / 16384.0, "{sum}");
        }
        // The same chain as a row.
        let row = Crossbar::new(1, n, vec![1.0; n], r, 0.0).solve(&[1.0], &vec![0.0; n]);
        let mut currents = row.currents.clone();
        currents.reverse();
        let column = Crossbar::new(n, 1, vec![1.0; n], 0.0, r).solve(&vec![1.0; n], &[0.0]);
        assert!(currents.iter().zip(&column.currents).all(|(a, b)| (a - b).abs() < 1e-11));
    }
}

/// O26: Kirchhoff's law to 1e-12 in a full array with both resistances, and no resistance is the ideal chip.
#[test]
fn o26_kirchhoffs_law_and_the_limit_of_no_resistance() {
    let pattern = |c: usize, r: usize| if (c * 7 + r * 13 + c * r) % 5 < 2 { 1 } else { -1 };
    for (row, column) in [(1e-5, 1e-5), (1e-3, 1e-4), (0.05, 0.05)] {
        let g: Vec<f64> =
            (0..256 * 128).map(|i| if pattern(i % 128, i / 128) > 0 { 1.0 } else { 0.1 }).collect();
        let drive: Vec<f64> = (0..256).map(|r| f64::from(pattern(r, 3))).collect();
        let solution = Crossbar::new(256, 128, g, row, column).solve(&drive, &[0.0; 128]);
        assert!(solution.residual < 1e-12, "{row} {column}: {}", solution.residual);
    }
    let site = site(64, 16, pattern);
    let ideal = draw(&Physics::default(), 0, 8, &site);
    for kind in [CellKind::Pair, CellKind::Offset, CellKind::Xnor] {
        for freeze in [Freeze::Reference, Freeze::Transfer] {
            let wires = Wires { row: if kind == CellKind::Xnor { 0.0 } else { 1e-9 }, column: 1e-9, freeze };
            let physics = Physics { cell: Cell { kind, ..Cell::default() }, wires, ..Physics::default() };
            assert_eq!(draw(&physics, 0, 8, &site).plus, ideal.plus, "{kind:?}");
            assert_eq!(draw(&physics, 0, 8, &site).minus, ideal.minus, "{kind:?}");
        }
    }
}

/// The transfer is exact for every drive where the devices do not depend on it; the reference drive is not, and its
/// error is reported.
#[test]
fn freezing_costs_nothing_by_transfer_and_a_reported_error_by_reference() {
    let pattern = |c: usize, r: usize| [1, -1, -1, 0, 1][(c * 3 + r * 7 + c * r) % 5];
    for kind in [CellKind::Pair, CellKind::Offset, CellKind::Xnor] {
        let row = if kind == CellKind::Xnor { 0.0 } else { 2e-5 };
        let mut physics = Physics {
            cell: Cell { kind, g_min: 0.1, ..Cell::default() },
            gaussian: Gaussian { sigma: 0.05, of: Scale::Gmax },
            wires: Wires { row, column: 2e-4, freeze: Freeze::Reference },
            ..Physics::default()
        };
        let site = site(96, 24, pattern);
        let reference = wire_error(&physics, 3, &site, 6);
        assert!(reference.residual < 1e-12);
        assert!(reference.effect > 0.1 && reference.rms > 1e-3, "{kind:?} {reference:?}");
        assert!(reference.worst >= reference.rms, "{reference:?}");
        // Frozen at a drive of its own, the reference is exact for that drive, and no worse than no wires for others.
        assert!(reference.rms < 2.0 * reference.effect, "{kind:?} {reference:?}");
        if kind != CellKind::Xnor {
            physics.wires.freeze = Freeze::Transfer;
            // Cells without a weight hold 0, though a little current reaches their columns: compare a full array.
            let full = self::site(96, 24, |c, r| if pattern(c, r) < 0 { -1 } else { 1 });
            let transfer = wire_error(&physics, 3, &full, 6);
            assert!(transfer.worst < 1e-10, "{kind:?} {transfer:?}");
        }
        // A middle column of its own has lines like the others, also where the transfer is exact.
        if kind == CellKind::Offset {
            physics.cell.reference = Reference::Column;
            physics.wires.freeze = Freeze::Transfer;
            let full = self::site(96, 24, |c, r| if pattern(c, r) < 0 { -1 } else { 1 });
            let transfer = wire_error(&physics, 3, &full, 6);
            assert!(transfer.worst < 1e-10 && transfer.effect > 1e-3, "{transfer:?}");
            physics.cell.reference = Reference::Fixed;
        }
        physics.wires.freeze = Freeze::Reference;
        physics.cell.branches = Branches::Independent;
        assert!(wire_error(&physics, 3, &site, 2).residual < 1e-12);
    }
}
