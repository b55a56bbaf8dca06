//! The non-idealities of a physics, each by itself: what a sensitivity analysis compares.
//!
//! Kind of cell, branches, reference, conductance ratio, transistor sizes, drive level and circuit of the converter
//! are the machine's structure and stay; a magnitude that is 0 is no effect.

use super::physics::Physics;

/// Sets one magnitude of the first physics to that of the second.
type Copy = fn(&mut Physics, &Physics);

/// Every magnitude, by its key.
const MAGNITUDES: [(&str, Copy); 20] = [
    ("variation.cell.bits", |to, from| to.cell.bits = from.cell.bits),
    ("variation.gaussian.sigma", |to, from| to.gaussian.sigma = from.gaussian.sigma),
    ("variation.programming.scale", |to, from| to.programming.scale = from.programming.scale),
    // The exponents are the drift's: without a time they would say nothing.
    ("variation.drift.time", |to, from| {
        (to.drift.time, to.drift.nu, to.drift.spread) = (from.drift.time, from.drift.nu, from.drift.spread);
    }),
    ("variation.lognormal.sigma", |to, from| to.lognormal.sigma = from.lognormal.sigma),
    ("variation.threshold.a_vt", |to, from| to.threshold.a_vt = from.threshold.a_vt),
    ("variation.stuck.at_zero", |to, from| to.stuck.at_zero = from.stuck.at_zero),
    ("variation.stuck.at_one", |to, from| to.stuck.at_one = from.stuck.at_one),
    ("variation.die.sigma", |to, from| to.die.sigma = from.die.sigma),
    ("variation.row.inl", |to, from| to.row.inl = from.row.inl),
    ("variation.wires.row", |to, from| to.wires.row = from.wires.row),
    ("variation.wires.column", |to, from| to.wires.column = from.wires.column),
    ("variation.column.offset", |to, from| to.column.offset = from.column.offset),
    ("variation.converter.comparator", |to, from| to.converter.comparator = from.converter.comparator),
    ("variation.converter.element", |to, from| to.converter.element = from.converter.element),
    ("variation.converter.gain", |to, from| to.converter.gain = from.converter.gain),
    ("variation.sense.offset", |to, from| to.sense.offset = from.sense.offset),
    ("variation.read_noise", |to, from| to.read_noise = from.read_noise),
    // The plane of noise and what is verified are the machine's structure.
    ("variation.draws.mismatch", |to, from| to.draws.mismatch = from.draws.mismatch),
    ("variation.draws.read_noise", |to, from| to.draws.read_noise = from.draws.read_noise),
];

impl Physics {
    /// The same structure without any error or noise.
    pub fn without_effects(&self) -> Physics {
        let (mut bare, ideal) = (self.clone(), Physics::default());
        MAGNITUDES.iter().for_each(|(_, copy)| copy(&mut bare, &ideal));
        bare
    }

    /// Key and physics of every effect that is at work, each alone.
    pub fn effects(&self) -> Vec<(&'static str, Physics)> {
        let bare = self.without_effects();
        let alone = |copy: &Copy| {
            let mut alone = bare.clone();
            copy(&mut alone, self);
            alone
        };
        let each = MAGNITUDES.iter().map(|(key, copy)| (*key, alone(copy)));
        each.filter(|(_, alone)| *alone != bare).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::device::physics::Draws;

    /// Every number of the table, by its key.
    fn numbers(table: &toml::Table, at: &str, found: &mut Vec<(String, f64)>) {
        for (key, value) in table {
            let key = format!("{at}.{key}");
            match value {
                toml::Value::Table(inner) => numbers(inner, &key, found),
                toml::Value::Float(number) => found.push((key, *number)),
                toml::Value::Integer(number) => found.push((key, *number as f64)),
                _ => {}
            }
        }
    }

    #[test]
    fn every_number_that_is_0_on_an_ideal_chip_is_an_effect_or_structure() {
        let mut found = Vec::new();
        // The table of draws is left out where it says nothing.
        let draws = Draws { noise: 0.1, ..Draws::default() };
        let table = toml::Table::try_from(Physics { draws, ..Physics::default() }).unwrap();
        numbers(&table, "variation", &mut found);
        let zero = found.iter().filter(|(_, value)| *value == 0.0).map(|(key, _)| key.as_str());
        let structure = ["variation.cell.g_min", "variation.drift.spread", "variation.draws.tolerance"];
        let mut expected: Vec<&str> = MAGNITUDES.iter().map(|(key, _)| *key).chain(structure).collect();
        let mut all: Vec<&str> = zero.collect();
        expected.sort_unstable();
        all.sort_unstable();
        assert_eq!(all, expected);
    }

    #[test]
    fn an_effect_is_alone_and_the_structure_stays() {
        let physics = Physics::preset("xiao").unwrap();
        let effects = physics.effects();
        let keys: Vec<&str> = effects.iter().map(|(key, _)| *key).collect();
        assert_eq!(keys, ["variation.gaussian.sigma", "variation.wires.column"]);
        for (_, alone) in &effects {
            assert_eq!((alone.cell.g_min, alone.effects().len()), (0.1, 1));
            assert_eq!(alone.validate(), []);
        }
        assert_eq!((effects[0].1.gaussian.sigma, effects[0].1.wires.column), (0.05, 0.0));
        assert!(Physics::preset("c3sram").unwrap().without_effects().effects().is_empty());
        assert!(Physics::default().effects().is_empty());
    }
}
