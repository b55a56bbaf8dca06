//! Sums that bypass layers: the shortcut unit and its memory.

use super::library::{Head, memories};
use super::view::View;
use super::{NamedText, file};
use crate::design::Design;
use askama::Template;

#[derive(Template)]
#[template(path = "rtl/shortcut_unit.v", syntax = "verilog", escape = "none")]
struct ShortcutUnit<'a> {
    v: &'a View,
    memory: Head,
    first: &'static str,
    next: String,
    one: String,
    window_last: &'static str,
    larger: &'static str,
    kept_sum: &'static str,
}

/// The files of this family; none where no layer adds what another one kept.
pub(super) fn modules(design: &Design, view: &View) -> Vec<NamedText> {
    if !view.shortcuts {
        return Vec::new();
    }
    let width = view.shortcut_address_width;
    let unit = ShortcutUnit {
        v: view,
        memory: memories::sums(design, design.shortcut_depth),
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
    vec![file("shortcut_unit", &unit)]
}
