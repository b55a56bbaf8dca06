//! What the `[variation]` table must satisfy before a chip is drawn from it.

use super::physics::{Adc, AdcKind, CellKind, Freeze, Physics};

/// One key of the table that cannot be, why, and what would be right.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{key} = {value}: {what}; {fix}")]
pub struct PhysicsProblem {
    pub key: &'static str,
    pub value: String,
    pub what: String,
    pub fix: String,
}

impl Physics {
    /// Everything that is wrong; empty when chips can be drawn.
    pub fn validate(&self) -> Vec<PhysicsProblem> {
        let mut problems = Vec::new();
        for (key, value, low, high) in [
            ("variation.read_noise", self.read_noise, 0.0, 1000.0),
            ("variation.cell.g_min", self.cell.g_min, 0.0, 0.9),
            ("variation.cell.bits", f64::from(self.cell.bits), 0.0, 16.0),
            ("variation.gaussian.sigma", self.gaussian.sigma, 0.0, 2.0),
            ("variation.programming.scale", self.programming.scale, 0.0, 10.0),
            ("variation.drift.time", self.drift.time, 0.0, 1e10),
            ("variation.drift.nu", self.drift.nu.unwrap_or(0.0), 0.0, 1.0),
            ("variation.drift.spread", self.drift.spread, 0.0, 0.5),
            ("variation.lognormal.sigma", self.lognormal.sigma, 0.0, 3.0),
            ("variation.threshold.a_vt", self.threshold.a_vt, 0.0, 20.0),
            ("variation.threshold.width", self.threshold.width, 0.01, 100.0),
            ("variation.threshold.length", self.threshold.length, 0.005, 100.0),
            ("variation.threshold.overdrive", self.threshold.overdrive, 10.0, 5000.0),
            ("variation.threshold.alpha", self.threshold.alpha, 1.0, 2.0),
            ("variation.stuck.at_zero", self.stuck.at_zero, 0.0, 1.0),
            ("variation.stuck.at_one", self.stuck.at_one, 0.0, 1.0),
            ("variation.die.sigma", self.die.sigma, 0.0, 0.5),
            ("variation.row.level", self.row.level, 0.01, 1.0),
            ("variation.row.inl", self.row.inl, 0.0, 0.5),
            ("variation.wires.row", self.wires.row, 0.0, 0.1),
            ("variation.wires.column", self.wires.column, 0.0, 0.1),
            ("variation.column.offset", self.column.offset, 0.0, 1000.0),
            ("variation.converter.comparator", self.converter.comparator, 0.0, 1000.0),
            ("variation.converter.element", self.converter.element, 0.0, 0.5),
            ("variation.converter.gain", self.converter.gain, 0.0, 0.2),
            ("variation.converter.columns", self.converter.columns as f64, 1.0, 1024.0),
            ("variation.sense.offset", self.sense.offset, 0.0, 1000.0),
            ("variation.draws.noise", self.draws.noise, 0.0, 1.0),
            ("variation.draws.mismatch", self.draws.mismatch, 0.0, 1.0),
            ("variation.draws.read_noise", self.draws.read_noise, 0.0, 10.0),
            ("variation.draws.tolerance", self.draws.tolerance, 0.0, 1.0),
        ] {
            // Also true of what is not a number.
            if !(low <= value && value <= high) {
                problems.push(PhysicsProblem {
                    key,
                    value: value.to_string(),
                    what: format!("outside {low} to {high}"),
                    fix: format!("take a number from {low} to {high}"),
                });
            }
        }
        self.contradictions(&mut problems);
        problems
    }

    /// Keys that do not go together: each would be without effect, or without a meaning.
    fn contradictions(&self, problems: &mut Vec<PhysicsProblem>) {
        let mut say = |wrong: bool, key, value: String, what: &str, fix: &str| {
            if wrong {
                problems.push(PhysicsProblem { key, value, what: what.into(), fix: fix.into() });
            }
        };
        say(
            self.stuck.at_zero + self.stuck.at_one > 1.0,
            "variation.stuck.at_one",
            self.stuck.at_one.to_string(),
            "with at_zero more than all devices",
            "keep the sum of both rates at 1 or below",
        );
        say(
            self.drift.nu.is_none() && self.drift.spread > 0.0,
            "variation.drift.spread",
            self.drift.spread.to_string(),
            "without nu the exponents spread as their states say",
            "give variation.drift.nu too, or leave the key out",
        );
        let Adc { kind, comparator, element, .. } = self.converter;
        let ideal = kind == AdcKind::Ideal;
        let fix = "take kind = \"flash\", \"ramp\" or \"sar\", or leave the key out";
        let what = "an ideal converter has none";
        say(ideal && comparator > 0.0, "variation.converter.comparator", comparator.to_string(), what, fix);
        say(ideal && element > 0.0, "variation.converter.element", element.to_string(), what, fix);
        let wired = self.wires.row > 0.0 || self.wires.column > 0.0;
        let xnor = self.cell.kind == CellKind::Xnor;
        say(
            xnor && self.wires.row > 0.0,
            "variation.wires.row",
            self.wires.row.to_string(),
            "the rows of xnor cells drive gates and carry no current",
            "take 0, or another kind of cell",
        );
        say(
            xnor && wired && self.wires.freeze == Freeze::Transfer,
            "variation.wires.freeze",
            "transfer".into(),
            "the network of xnor cells changes with the drive, so no row has a current of its own",
            "take \"reference\"",
        );
        say(
            wired && !self.cell.clamp && self.gaussian.sigma > 0.0,
            "variation.cell.clamp",
            "false".into(),
            "a network of resistors has no solution of its own with negative conductances",
            "take true, or leave the wires without resistance",
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_default_is_ideal_and_valid_and_an_empty_table() {
        assert_eq!(Physics::default().validate(), []);
        assert_eq!(toml::from_str::<Physics>("").unwrap(), Physics::default());
    }

    #[test]
    fn a_table_is_written_and_read_back_and_strict() {
        let text = "read_noise = 0.97\n[cell]\nkind = \"xnor\"\nbranches = \"independent\"\n[converter]\nkind = \"flash\"\n";
        let physics: Physics = toml::from_str(text).unwrap();
        assert_eq!(toml::from_str::<Physics>(&physics.to_toml()).unwrap(), physics);
        assert_ne!(physics, Physics::default());
        for wrong in
            ["noise = 1.0", "[cell]\nkind = \"sram\"", "[gaussian]\nsigm = 0.1", "[converter]\ncolumns = -1"]
        {
            assert!(toml::from_str::<Physics>(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn every_key_out_of_its_range_is_named_at_once() {
        let text = "[gaussian]\nsigma = -0.1\n[stuck]\nat_zero = 0.6\nat_one = 0.7\n[converter]\ncolumns = 0\ncomparator = 1.0\n\
             [drift]\ntime = -1\nspread = 0.1\n[cell]\nkind = \"xnor\"\nclamp = false\ng_min = nan\n[wires]\nrow = 0.01\nfreeze = \"transfer\"\n";
        let problems = toml::from_str::<Physics>(text).unwrap().validate();
        let keys: Vec<&str> = problems.iter().map(|problem| problem.key).collect();
        assert_eq!(
            keys,
            [
                "variation.cell.g_min",
                "variation.gaussian.sigma",
                "variation.drift.time",
                "variation.converter.columns",
                "variation.stuck.at_one",
                "variation.drift.spread",
                "variation.converter.comparator",
                "variation.wires.row",
                "variation.wires.freeze",
            ]
        );
        assert!(
            problems.iter().all(|problem| !problem.to_string().contains("; ;") && !problem.fix.is_empty())
        );
    }
}
