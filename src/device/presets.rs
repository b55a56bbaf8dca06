//! Named physics of published systems, as starting points.
//!
//! Each says what is published and what was chosen here. The converter's codes and the array's size belong to the
//! architecture; each preset names those it was published with.

use super::physics::{
    Adc, AdcKind, Branches, Cell, CellKind, Column, Device, Die, Gaussian, Physics, Programming, Reference,
    Scale, Sense, Wires,
};

/// A named physics.
#[derive(Debug, Clone, Copy)]
pub struct Preset {
    pub name: &'static str,
    /// What it stands for, and its source.
    pub about: &'static str,
    pub physics: fn() -> Physics,
}

/// All presets.
pub const PRESETS: [Preset; 6] = [
    Preset { name: "ideal", about: "no variation at all", physics: Physics::default },
    Preset {
        name: "c3sram",
        about: "C3SRAM as modelled in public (BinaryNet_with_quantized_partial_sum): 256 rows, 11 codes from -65 to \
                65 in steps of 13; each edge of each column of each array off by 0.89 counts, read noise 0.97 counts",
        physics: c3sram,
    },
    Preset {
        name: "xnor-sram",
        about: "XNOR-SRAM, 65 nm, 256 rows as a resistive divider, 11-level flash ADC: the C3SRAM figures for edges \
                and read noise, and chosen here 3 % current mismatch of each conducting path",
        physics: xnor_sram,
    },
    Preset {
        name: "pr-cim",
        about: "SRAM cells with two conducting branches read with one bit, after PR-CIM, whose sigmas are not public; \
                chosen here: 10 % of the current for each branch, 2 % for the die, 2 counts for the sense amplifier",
        physics: pr_cim,
    },
    Preset {
        name: "xiao",
        about: "differential pairs after Xiao et al. and CrossSim's defaults: ON/OFF ratio 10, error independent of \
                the state; chosen here: 5 % of Gmax and wires of 1e-5 of the ON resistance a column segment",
        physics: xiao,
    },
    Preset {
        name: "pcm",
        about: "differential pairs of phase-change memory of 25 uS after aihwkit's fits: error by the state that was \
                written; add variation.drift.time for the years after. Read noise of the devices is not in it",
        physics: pcm,
    },
];

impl Physics {
    /// The physics of this name in [`PRESETS`].
    pub fn preset(name: &str) -> Option<Physics> {
        PRESETS.iter().find(|preset| preset.name == name).map(|preset| (preset.physics)())
    }
}

fn c3sram() -> Physics {
    Physics {
        read_noise: 0.97,
        converter: Adc { kind: AdcKind::Flash, comparator: 0.89, ..Adc::default() },
        ..Physics::default()
    }
}

fn xnor_sram() -> Physics {
    Physics {
        cell: Cell {
            kind: CellKind::Xnor,
            branches: Branches::Independent,
            reference: Reference::Replica,
            ..Cell::default()
        },
        gaussian: Gaussian { sigma: 0.03, of: Scale::Value },
        ..c3sram()
    }
}

fn pr_cim() -> Physics {
    Physics {
        cell: Cell { kind: CellKind::Xnor, branches: Branches::Independent, ..Cell::default() },
        gaussian: Gaussian { sigma: 0.1, of: Scale::Value },
        die: Die { sigma: 0.02 },
        sense: Sense { offset: 2.0 },
        column: Column::default(),
        ..Physics::default()
    }
}

fn xiao() -> Physics {
    Physics {
        cell: Cell { g_min: 0.1, ..Cell::default() },
        gaussian: Gaussian { sigma: 0.05, of: Scale::Gmax },
        wires: Wires { column: 1e-5, ..Wires::default() },
        ..Physics::default()
    }
}

fn pcm() -> Physics {
    Physics { programming: Programming { scale: 1.0, device: Device::Pcm }, ..Physics::default() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_preset_is_valid_and_found_by_its_name() {
        for preset in PRESETS {
            let physics = Physics::preset(preset.name).unwrap();
            assert_eq!(physics.validate(), [], "{}", preset.name);
            assert_eq!(toml::from_str::<Physics>(&physics.to_toml()).unwrap(), physics);
        }
        assert_eq!(Physics::preset("none"), None);
    }
}
