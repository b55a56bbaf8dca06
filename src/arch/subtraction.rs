//! Where what the cells of an offset mapping have in common is taken away from a column.

use super::{Readout, ReadoutKind};
use crate::device::{Cell, CellKind, Physics};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Where what the cells of an offset mapping have in common, half of ON and OFF for each driven row, is taken away.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Subtraction {
    /// Before the converter, which sees the signal alone: against what `variation.cell.reference` says.
    Analog,
    /// Behind the converter, which sees the raw current: as much as the driven rows add on a chip without errors.
    Digital,
    /// Behind the converter, which sees the raw current: as much as the code of one more column stands for, whose cells hold
    /// the middle conductance and vary like all others.
    Column,
}

impl Subtraction {
    /// What the file says, or the rule: digital where converters read an offset mapping.
    pub fn of(readout: &Readout, physics: &Physics) -> Subtraction {
        readout.reference.unwrap_or(match Subtraction::possible(readout, physics) {
            true => Subtraction::Digital,
            false => Subtraction::Analog,
        })
    }

    /// Whether converters read a current from which something is left to take away.
    pub(super) fn possible(readout: &Readout, physics: &Physics) -> bool {
        readout.kind == ReadoutKind::Adc && physics.cell.kind == CellKind::Offset
    }

    /// The physics of a chip without errors: of `physics` only what the numbers of a machine follow from.
    pub fn without_errors(readout: &Readout, physics: &Physics) -> Physics {
        if Subtraction::of(readout, physics) == Subtraction::Analog {
            return Physics::default();
        }
        let Cell { kind, g_min, .. } = physics.cell;
        Physics { cell: Cell { kind, g_min, ..Cell::default() }, ..Physics::default() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::arch::{ArchFile, Setting, validate_file};
    use crate::device::Reference;

    fn file(kind: ReadoutKind, cell: CellKind, reference: Option<Subtraction>) -> ArchFile {
        let mut file = ArchFile::default();
        (file.readout.kind, file.readout.reference, file.variation.cell.kind) = (kind, reference, cell);
        file
    }

    #[test]
    fn converters_of_an_offset_mapping_see_the_raw_current() {
        use CellKind::*;
        use ReadoutKind::*;
        let of = |file: &ArchFile| Subtraction::of(&file.readout, &file.variation);
        for (kind, cell, rule) in [
            (Adc, Offset, Subtraction::Digital),
            (Adc, Pair, Subtraction::Analog),
            (Adc, Xnor, Subtraction::Analog),
            (Sense, Offset, Subtraction::Analog),
            (Popcount, Offset, Subtraction::Analog),
        ] {
            assert_eq!(of(&file(kind, cell, None)), rule, "{kind:?}, {cell:?}");
            let analog = file(kind, cell, Some(Subtraction::Analog));
            assert_eq!(of(&analog), Subtraction::Analog);
            assert_eq!(validate_file(&analog), []);
        }
    }

    #[test]
    fn what_cannot_be_subtracted_behind_is_refused_by_its_key() {
        let keys = |file: &ArchFile| -> Vec<&'static str> {
            validate_file(file).iter().map(|problem| problem.key).collect()
        };
        let digital = Some(Subtraction::Digital);
        for (kind, cell) in [
            (ReadoutKind::Adc, CellKind::Pair),
            (ReadoutKind::Adc, CellKind::Xnor),
            (ReadoutKind::Sense, CellKind::Offset),
            (ReadoutKind::Popcount, CellKind::Offset),
        ] {
            assert_eq!(keys(&file(kind, cell, digital)), ["readout.reference"], "{kind:?}, {cell:?}");
        }
        let mut replica = file(ReadoutKind::Adc, CellKind::Offset, None);
        assert_eq!(keys(&replica), [""; 0]);
        replica.variation.cell.reference = Reference::Replica;
        assert_eq!(keys(&replica), ["variation.cell.reference"]);
        replica.readout.reference = Some(Subtraction::Analog);
        assert_eq!(keys(&replica), [""; 0]);
    }

    #[test]
    fn what_a_reference_column_cannot_have_is_refused_by_its_key() {
        let keys = |change: fn(&mut ArchFile)| -> Vec<&'static str> {
            let mut file = file(ReadoutKind::Adc, CellKind::Offset, Some(Subtraction::Column));
            change(&mut file);
            validate_file(&file).iter().map(|problem| problem.key).collect()
        };
        assert_eq!(keys(|_| ()), [""; 0]);
        assert_eq!(keys(|file| file.readout.kind = ReadoutKind::Sense), ["readout.reference"]);
        assert_eq!(keys(|file| file.variation.cell.kind = CellKind::Pair), ["readout.reference"]);
        assert_eq!(
            keys(|file| file.variation.cell.reference = Reference::Column),
            ["variation.cell.reference"]
        );
        assert_eq!(keys(|file| file.variation.cell.bits = 1), ["variation.cell.bits"]);
        assert_eq!(keys(|file| file.variation.cell.bits = 2), [""; 0]);
        assert_eq!(keys(|file| file.readout.noise = 1.0), ["readout.noise"]);
        let turns = |file: &mut ArchFile| {
            (file.array.columns, file.array.lanes) = (Setting::Value(8), Setting::Value(4));
        };
        assert_eq!(keys(turns), ["array.lanes"]);
    }

    #[test]
    fn a_chip_without_errors_keeps_what_the_machine_follows_from() {
        let mut file = file(ReadoutKind::Adc, CellKind::Offset, None);
        (file.variation.cell.g_min, file.variation.cell.bits) = (0.1, 3);
        file.variation.gaussian.sigma = 0.2;
        let ideal = Subtraction::without_errors(&file.readout, &file.variation);
        assert_eq!((ideal.cell.kind, ideal.cell.g_min, ideal.cell.bits), (CellKind::Offset, 0.1, 0));
        assert!(ideal.effects().is_empty());
        file.readout.reference = Some(Subtraction::Analog);
        assert_eq!(Subtraction::without_errors(&file.readout, &file.variation), Physics::default());
    }
}
