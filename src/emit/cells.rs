//! Simulation models of the device cells that the Verilog instantiates; synthesis takes the device's own.
//!
//! Ports and parameters are the vendors', as far as this program connects them.

use super::NamedText;
use crate::design::tree::{TreePlan, TreeStyle};

macro_rules! cell {
    ($name:literal) => {
        NamedText {
            name: concat!($name, ".v").into(),
            text: include_str!(concat!("../../templates/cells/", $name, ".v")).into(),
        }
    };
}

/// Those of a popcount tree.
pub fn of_tree(plan: &TreePlan) -> Vec<NamedText> {
    match plan.style {
        TreeStyle::Ccu2c => vec![cell!("CCU2C")],
        TreeStyle::Lut6 => vec![cell!("LUT6_2")],
        TreeStyle::Flat | TreeStyle::Compress32 | TreeStyle::CarryIn => Vec::new(),
    }
}

pub(super) fn ice40_pll() -> NamedText {
    cell!("SB_PLL40_CORE")
}

pub(super) fn ice40_pad_pll() -> NamedText {
    cell!("SB_PLL40_PAD")
}

pub(super) fn ecp5_pll() -> NamedText {
    cell!("EHXPLLL")
}

pub(super) fn gowin_pll() -> NamedText {
    cell!("rPLL")
}
