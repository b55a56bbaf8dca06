//! Sums that bypass layers: the shortcut unit and its memory.

use super::memory::SumMemory;
use super::view::View;
use super::{NamedText, file};
use askama::Template;

#[derive(Template)]
#[template(path = "rtl/shortcut_unit.v", syntax = "verilog", escape = "none")]
struct ShortcutUnit<'a> {
    v: &'a View,
    first: &'static str,
    next: String,
    one: String,
    window_last: &'static str,
    larger: &'static str,
    kept_sum: &'static str,
}

/// The files of this family; none where no layer adds what another one kept.
pub(super) fn modules(view: &View) -> Vec<NamedText> {
    if !view.shortcuts {
        return Vec::new();
    }
    let width = view.shortcut_address_width;
    let unit = ShortcutUnit {
        v: view,
        first: if view.accumulates { " & count_first_i" } else { "" },
        next: match width {
            1 => "read_next".into(),
            _ => format!("{{{}'d0, read_next}}", width - 1),
        },
        one: format!("{width}'d1"),
        window_last: if view.shortcut_pools { " & result_window_last_i" } else { "" },
        larger: match view.signed_sums {
            true => "$signed(held) > $signed(sum)",
            false => "held > sum",
        },
        kept_sum: if view.shortcut_pools { "largest" } else { "sum_q" },
    };
    let memory = SumMemory {
        v: view,
        module: "shortcut_memory",
        description: format!(
            "Shortcut memory: {} groups and pixels of {} sums.",
            view.shortcut_depth, view.lanes
        ),
        order: "An entry is read by the vector whose sum then takes its place, long before it is written.",
        depth: view.shortcut_depth,
        address_width: width,
    };
    vec![file("shortcut_unit", &unit), file(memory.module, &memory)]
}
