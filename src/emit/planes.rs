//! Planes of weights: their scales, and what they leave out, as tables.

use super::NamedText;
use super::facts::layer_taps;
use super::program::{self, Field, Table};
use super::view::{View, contributions};
use super::walk::comment;
use crate::design::{Design, LayerDesign};

/// The files of this family; none where every layer has one plane of scale 1.
pub(super) fn modules(design: &Design, view: &View) -> Vec<NamedText> {
    if !view.scales {
        return Vec::new();
    }
    let mut tables = vec![scales(design, view)];
    if view.skips {
        tables.extend([passes(design, view), groups(design, view)]);
        if design.analog.is_none() {
            tables.push(spans(design, view));
        }
    }
    tables.extend(arrays(design, view));
    if view.masks_lanes {
        tables.push(lanes(design, view));
    }
    if view.masks_rows {
        tables.push(rows(design, view));
    }
    tables.iter().map(|table| program::module(design, table)).collect()
}

/// The inputs of a table and which of (layer, group, plane, pass) they are; one that is always 0 is left out.
struct Keys<'a> {
    view: &'a View,
    parts: [bool; 4],
}

impl Keys<'_> {
    fn used(&self) -> impl Iterator<Item = (usize, &'static str, usize)> {
        let v = self.view;
        let layer = if v.many_layers { v.layer_width } else { 0 };
        let all = [
            (0, "layer_i", layer),
            (1, "group_i", v.group_width),
            (2, "plane_i", v.plane_width),
            (3, "pass_i", v.pass_width),
        ];
        let parts = self.parts;
        all.into_iter().filter(move |&(part, _, width)| parts[part] && width > 0)
    }

    fn inputs(&self) -> Vec<(&'static str, usize)> {
        self.used().map(|(_, name, width)| (name, width)).collect()
    }

    fn key(&self, values: [usize; 4]) -> Vec<usize> {
        self.used().map(|(part, ..)| values[part]).collect()
    }
}

/// Every (layer, group, plane, pass) for which a table has an entry; a part that is no key is 0.
fn places(design: &Design, parts: [bool; 4]) -> Vec<[usize; 4]> {
    let mut all = Vec::new();
    for (index, layer) in design.layers.iter().enumerate() {
        let count = |part: usize, count: usize| if parts[part] { count } else { 1 };
        for group in 0..count(1, layer.groups) {
            for plane in 0..count(2, layer.planes.len()) {
                all.extend((0..count(3, layer.passes)).map(|pass| [index, group, plane, pass]));
            }
        }
    }
    all
}

fn table(
    design: &Design,
    view: &View,
    module: &'static str,
    description: &str,
    parts: [bool; 4],
    fields: impl Fn(&[[usize; 4]]) -> Vec<Field>,
) -> Table {
    let keys = Keys { view, parts };
    let places = places(design, parts);
    let name = |place: &[usize; 4]| {
        let mut name = comment(&design.layers[place[0]]);
        for (part, word) in [(1, "group"), (2, "plane"), (3, "pass")] {
            if parts[part] {
                name += &format!(", {word} {}", place[part]);
            }
        }
        name
    };
    Table {
        module,
        description: description.into(),
        inputs: keys.inputs(),
        entries: places.iter().map(|place| (keys.key(*place), name(place))).collect(),
        fields: fields(&places),
    }
}

/// Keyed by layer, plane of the weights and plane of bits of the map.
fn scales(design: &Design, view: &View) -> Table {
    let mut entries = Vec::new();
    for (index, layer) in design.layers.iter().enumerate() {
        for plane in 0..layer.planes.len() {
            for bit in 0..layer.map_scales.len() {
                let mut name = format!("{}, plane {plane}", comment(layer));
                if view.bit_width > 0 {
                    name += &format!(", bit {bit}");
                }
                let key =
                    [(view.many_layers, index), (view.plane_width > 0, plane), (view.bit_width > 0, bit)];
                entries.push((key.into_iter().filter(|part| part.0).map(|part| part.1).collect(), name));
            }
        }
    }
    let inputs = [
        ("layer_i", if view.many_layers { view.layer_width } else { 0 }),
        ("plane_i", view.plane_width),
        ("bit_i", view.bit_width),
    ];
    let counts = || design.layers.iter().flat_map(contributions);
    let field = match view.shift_width {
        0 => Field::new("scale", view.scale_width, "", counts()),
        width => Field::new("shift", width, "", counts().map(|scale| i64::from(scale.trailing_zeros()))),
    };
    let what = match view.bit_width {
        0 => "each plane of the weights",
        _ => "each plane of the weights and of bits of the map",
    };
    Table {
        module: "plane_program",
        description: format!("Plane program: what a contribution of {what} counts."),
        inputs: inputs.into_iter().filter(|input| input.1 > 0).collect(),
        entries,
        fields: vec![field],
    }
}

/// Where the arrays of each group of all layers begin: those of planes that do not run are passed over. `None` where
/// every array that is there is read, or one group is all there is.
fn arrays(design: &Design, view: &View) -> Option<Table> {
    let a = view.analog.as_ref().filter(|a| a.first_arrays)?;
    let mut entries = Vec::new();
    let mut first = Vec::new();
    for layer in &design.layers {
        let readout = layer.readout.as_ref()?;
        for (group, &array) in readout.group_arrays.iter().enumerate() {
            entries.push((vec![entries.len()], format!("{}, group {group}", comment(layer))));
            first.push(array as i64);
        }
    }
    Some(Table {
        module: "array_program",
        description: "Array program: first array of each group.".into(),
        inputs: vec![("group_i", view.all_group_width)],
        entries,
        fields: vec![Field::new("first_array", a.array_width, "", first.into_iter())],
    })
}

pub(super) fn passes(design: &Design, view: &View) -> Table {
    let description = "Pass program: the pass that follows in the same plane, where tiles are left out.";
    table(design, view, "pass_program", description, [true, false, true, true], |places| {
        let next = |place: &[usize; 4]| {
            let kept = &design.layers[place[0]].planes[place[2]].tiles.passes;
            (place[3] + 1..kept.len()).find(|&pass| kept[pass])
        };
        let mut fields =
            vec![Field::new("pass_last", 1, "", places.iter().map(|place| i64::from(next(place).is_none())))];
        if view.pass_width > 0 {
            let values = places.iter().map(|place| next(place).unwrap_or(0) as i64);
            fields.push(Field::new("next_pass", view.pass_width, "", values));
        }
        fields
    })
}

pub(super) fn groups(design: &Design, view: &View) -> Table {
    let description = "Group program: the plane that follows in the same group, where tiles are left out.";
    table(design, view, "group_program", description, [true, true, true, false], |places| {
        let next = |place: &[usize; 4]| -> Option<(usize, usize)> {
            let layer: &LayerDesign = &design.layers[place[0]];
            layer.tiles(place[1], layer.planes.len()).find(|&(plane, _)| plane > place[2])
        };
        let none = view.weight_planes;
        let plane = places.iter().map(|place| next(place).map_or(none, |(plane, _)| plane) as i64);
        let width = view.plane_width + 1;
        let mut fields = vec![Field::new("following_plane", width, "as many as there are: none", plane)];
        if view.pass_width > 0 {
            let pass = places.iter().map(|place| next(place).map_or(0, |(_, pass)| pass) as i64);
            fields.push(Field::new("first_pass", view.pass_width, "its first pass", pass));
        }
        fields
    })
}

pub(super) fn spans(design: &Design, view: &View) -> Table {
    let description = "Span program: weight words of each group.";
    table(design, view, "span_program", description, [true, true, false, false], |places| {
        let words = |place: &[usize; 4]| design.layers[place[0]].group_words(place[1]) as i64;
        vec![Field::new("group_words", view.weight_address_width, "", places.iter().map(words))]
    })
}

/// Keyed by the group's place among those of all layers.
fn lanes(design: &Design, view: &View) -> Table {
    let mut entries = Vec::new();
    let mut values = Vec::new();
    let mut before = 0;
    for layer in &design.layers {
        for group in 0..layer.groups {
            for (index, plane) in layer.planes.iter().enumerate() {
                let name = format!("{}, group {group}, plane {index}", comment(layer));
                let key = if view.all_groups > 1 { vec![before + group, index] } else { vec![index] };
                entries.push((key, name));
                let kept = |lane: usize| plane.lanes.as_ref().is_none_or(|groups| groups[group][lane]);
                values.push((0..view.lanes).map(|lane| i64::from(kept(lane))).collect::<Vec<i64>>());
            }
        }
        before += layer.groups;
    }
    let group = (view.all_groups > 1).then_some(("group_i", view.all_group_width));
    Table {
        module: "lane_program",
        description: "Lane program: lanes that each plane of the weights adds to.".into(),
        inputs: group.into_iter().chain([("plane_i", view.plane_width)]).collect(),
        entries,
        fields: vec![Field::slots("kept", view.lanes, "", values.into_iter())],
    }
}

/// Rows of (layer, plane, pass) that carry a tap which the plane keeps.
fn kept_rows(design: &Design, place: &[usize; 4]) -> Vec<bool> {
    let [index, _, plane, pass] = *place;
    let layer = &design.layers[index];
    if let Some(rows) = &layer.planes[plane].rows {
        return rows[pass].clone();
    }
    if index == 0 {
        let taps = design.network.layers[0].fan_in() - pass * design.plane_rows;
        let used = |row: usize| {
            row < design.planes * design.plane_rows && row % design.plane_rows < taps.min(design.plane_rows)
        };
        return (0..design.rows).map(used).collect();
    }
    let slots = &layer_taps(layer)[pass];
    let used = |row: usize| slots[row / design.word].is_some_and(|tap| row % design.word < tap.channels);
    (0..design.rows).map(used).collect()
}

pub(super) fn rows(design: &Design, view: &View) -> Table {
    let description = "Mask program: rows that each plane of the weights keeps in each pass.";
    table(design, view, "mask_program", description, [true, false, true, true], |places| {
        let rows: Vec<Vec<bool>> = places.iter().map(|place| kept_rows(design, place)).collect();
        let bits = rows.iter().map(|rows| rows.iter().map(|&kept| i64::from(kept)).collect());
        let mut fields = vec![Field::slots("kept", view.rows, "", bits)];
        let count = |rows: &[bool]| rows.iter().filter(|kept| **kept).count() as i64;
        if view.has_map && view.counts_driven {
            let counts = rows.iter().map(|rows| rows.chunks(design.word).map(count).collect());
            fields.push(Field::slots("kept_rows", view.banks * view.kept_width, "of each slot", counts));
        }
        if view.input_driven {
            let counts = rows.iter().zip(places).map(|(rows, place)| match place[0] {
                0 => count(rows),
                _ => 0,
            });
            fields.push(Field::new("driven_rows", view.driven_width, "of all rows", counts));
        }
        fields
    })
}
