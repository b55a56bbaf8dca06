//! The page: key figures, cycles by layer against their bound, utilisation, tools.
//!
//! One file without scripts or outside references: it opens from disk, prints and mails well.
//! Bars are inline SVG whose lengths are computed here.

use super::view::{DesignView, LayerView, Page, SynthView, VerifyView};
use askama::Template;

/// Width of a full bar in SVG units.
const BAR: f64 = 360.0;

#[derive(Template)]
#[template(path = "report/report.html")]
struct Html<'a> {
    design: &'a DesignView,
    verify: Option<&'a VerifyView>,
    runs: Vec<Run<'a>>,
    summary: Vec<Card>,
    layers: Vec<LayerBar<'a>>,
    efficiency: String,
    bound: String,
    cycles: String,
    diagram: String,
}

/// One figure of the head.
struct Card {
    value: String,
    unit: &'static str,
    label: String,
}

struct LayerBar<'a> {
    layer: &'a LayerView,
    cycles: String,
    bound: String,
    macs: String,
    share: String,
    ratio: String,
    width: String,
    mark: String,
}

struct Run<'a> {
    view: &'a SynthView,
    cards: Vec<Card>,
    resources: Vec<Meter>,
    cells: Vec<Meter>,
    anchor: String,
}

struct Meter {
    name: String,
    used: String,
    available: String,
    percent: String,
    width: String,
    full: bool,
}

/// The page as HTML text.
pub fn html(page: &Page) -> String {
    let design = &page.design;
    let interval = design.interval();
    let most = design.layers.iter().map(|layer| layer.cycles.max(layer.bound)).max().unwrap_or(0).max(1);
    let layers = design.layers.iter().map(|layer| layer_bar(layer, design.cycles, most)).collect();
    let mut summary = vec![
        Card { value: thousands(interval), unit: "cycles", label: "between frames".into() },
        Card { value: thousands(design.macs), unit: "MAC", label: "a frame".into() },
        Card { value: thousands(design.weight_bits), unit: "bits", label: "of weights".into() },
    ];
    if design.rows > 0 {
        let value = format!("{} × {}", design.rows, design.lanes);
        summary.insert(0, Card { value, unit: "", label: "array, rows × lanes".into() });
    }
    let template = Html {
        design,
        verify: page.verify.as_ref(),
        runs: page.runs.iter().enumerate().map(|(index, view)| run(index, view)).collect(),
        summary,
        layers,
        efficiency: percent(design.bound(), design.cycles),
        bound: thousands(design.bound()),
        cycles: thousands(design.cycles),
        diagram: super::diagram(&design.blocks),
    };
    template.render().expect("the template writes into memory only")
}

fn layer_bar(layer: &LayerView, total: u64, most: u64) -> LayerBar<'_> {
    LayerBar {
        layer,
        cycles: thousands(layer.cycles),
        bound: thousands(layer.bound),
        macs: thousands(layer.macs),
        share: percent(layer.cycles, total),
        ratio: if layer.bound == 0 {
            "–".into()
        } else {
            format!("{:.3}", layer.cycles as f64 / layer.bound as f64)
        },
        width: length(layer.cycles, most),
        mark: length(layer.bound, most),
    }
}

fn run(index: usize, view: &SynthView) -> Run<'_> {
    let mut cards = Vec::new();
    if let Some(fmax) = view.fmax_mhz {
        cards.push(Card {
            value: format!("{fmax:.1}"),
            unit: "MHz",
            label: format!("fmax, runs at {} MHz", view.clock()),
        });
    }
    cards.push(Card {
        value: rounded(view.frames_per_second),
        unit: "frames/s",
        label: match view.frames_per_second_at_fmax {
            Some(most) => format!("at {} MHz; {} at fmax", view.clock(), rounded(most)),
            None => format!("at {} MHz", view.clock()),
        },
    });
    cards.push(Card {
        value: rounded(view.gops),
        unit: "GOPS",
        label: format!("{} MOPS a LUT", rounded(view.gops_per_lut * 1e3)),
    });
    if let Some(bytes) = view.bitstream_bytes {
        cards.push(Card { value: rounded(bytes as f64 / 1024.0), unit: "KiB", label: "bitstream".into() });
    }
    let there = &view.available;
    let resources = [
        (format!("LUT{}", view.lut_inputs), view.luts, there.luts),
        ("Flip-flops".into(), view.ffs, there.ffs),
        ("Block RAM".into(), view.brams, there.brams),
        ("Large RAM".into(), view.sprams, there.sprams),
        ("Multipliers".into(), view.dsps, there.dsps),
    ];
    Run {
        view,
        cards,
        resources: resources.into_iter().filter(|row| row.1 > 0).map(|(n, u, a)| meter(n, u, a)).collect(),
        cells: view.utilisation.iter().map(|row| meter(row.name.clone(), row.used, row.available)).collect(),
        anchor: format!("run-{index}"),
    }
}

fn meter(name: String, used: u64, available: u64) -> Meter {
    Meter {
        name,
        used: thousands(used),
        available: thousands(available),
        percent: percent(used, available),
        width: length(used, available.max(1)),
        full: used > available,
    }
}

/// The length of a bar for `part` of `whole`, never past the full bar.
fn length(part: u64, whole: u64) -> String {
    format!("{:.1}", BAR * (part as f64 / whole as f64).min(1.0))
}

fn percent(part: u64, whole: u64) -> String {
    if whole == 0 {
        return "–".into();
    }
    let percent = 100.0 * part as f64 / whole as f64;
    if percent < 10.0 { format!("{percent:.1} %") } else { format!("{percent:.0} %") }
}

/// Digits in groups of three.
pub fn thousands(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// Three significant digits, thousands separated.
fn rounded(number: f64) -> String {
    match number {
        n if n >= 100.0 => thousands(n.round() as u64),
        n if n >= 10.0 => format!("{n:.1}"),
        n if n >= 1.0 => format!("{n:.2}"),
        n => format!("{n:.3}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::{Available, ClockView, SeedView, ToolView, UsedView, json};

    pub(crate) fn page() -> Page {
        let layer = |name: &str, op: &str, macs, cycles, bound| LayerView {
            name: name.into(),
            op: op.into(),
            macs,
            cycles,
            bound,
        };
        let layers = vec![
            layer("conv0", "conv", 230_400, 1_810, 1_764),
            layer("conv1", "conv", 1_843_200, 9_420, 9_216),
            layer("fc<1>", "dense", 32_768, 530, 512),
        ];
        let run = SynthView {
            design: "glyphs".into(),
            device: "up5k".into(),
            part: "iCE40UP5K-SG48".into(),
            board: Some("1BitSquared iCEBreaker".into()),
            top: "icebreaker_top".into(),
            lut_inputs: 4,
            luts: 3210,
            carries: 410,
            ffs: 1890,
            brams: 22,
            sprams: 0,
            dsps: 0,
            available: Available { luts: 5280, ffs: 5280, brams: 30, sprams: 4, dsps: 8 },
            fmax_mhz: Some(21.37),
            target_mhz: 12.0,
            meets_target: Some(true),
            cycles: 11_760,
            interval: 11_760,
            bound: 11_492,
            clock_mhz: Some(12.0),
            frames_per_second: 1020.4,
            frames_per_second_at_target: 1020.4,
            frames_per_second_at_fmax: Some(1817.2),
            gops: 7.65,
            gops_per_lut: 0.00238,
            bitstream: Some("synth/up5k/glyphs.bin".into()),
            bitstream_bytes: Some(104_090),
            bitstream_sha256: Some("ab".repeat(32)),
            clocks: vec![ClockView { name: "clk_i".into(), achieved_mhz: 21.37, target_mhz: 12.0 }],
            seeds: vec![
                SeedView { seed: 1, fmax_mhz: Some(21.37), kept: true },
                SeedView { seed: 2, fmax_mhz: None, kept: false },
            ],
            utilisation: vec![
                UsedView { name: "ICESTORM_LC".into(), used: 3890, available: 5280 },
                UsedView { name: "ICESTORM_RAM".into(), used: 31, available: 30 },
            ],
            layers: layers.clone(),
            tools: vec![ToolView { name: "yosys".into(), version: "0.23".into(), origin: "native".into() }],
            remarks: vec!["A remark & more.".into()],
        };
        Page {
            design: DesignView {
                name: "glyphs".into(),
                top: "bincim_top".into(),
                rows: 64,
                lanes: 16,
                weight_bits: 41_984,
                macs: 2_106_368,
                board_clock_mhz: Some(12.0),
                cycles: 11_760,
                plane_cycles: Vec::new(),
                interval: None,
                clock_mhz: Some(12.0),
                pixels: Some("'unit', x = p / 255 (as given)".into()),
                layers,
                blocks: Vec::new(),
            },
            verify: Some(VerifyView {
                images: 64,
                mismatches: 0,
                cycles_predicted: 11_760,
                cycles_measured: 11_760,
            }),
            runs: vec![run],
        }
    }

    #[test]
    fn the_page_holds_the_figures_and_nothing_from_outside() {
        let text = html(&page());
        assert!(text.contains("x = p / 255 (as given)"));
        for figure in [
            "11,760",
            "2,106,368",
            "64 × 16",
            "21.4",
            "1,817",
            "7.65",
            "ICESTORM_LC",
            "98 %",
            "1.026",
            "bit-exact",
        ] {
            assert!(text.contains(figure), "{figure}");
        }
        assert!(text.contains("fc&#60;1&#62;") || text.contains("fc&lt;1&gt;"), "names are escaped");
        for outside in ["http://", "https://", "<script", "@import", "url("] {
            assert!(!text.contains(outside), "{outside}");
        }
        assert_eq!(text, html(&page()), "the same records give the same bytes");
    }

    #[test]
    fn a_mismatch_is_said_and_an_unverified_design_too() {
        let mut page = page();
        page.verify.as_mut().unwrap().mismatches = 3;
        assert!(html(&page).contains("3 of 64 frames differ"));
        page.verify = None;
        assert!(html(&page).contains("not been verified"));
    }

    #[test]
    fn records_survive_json() {
        let run = page().runs.remove(0);
        assert_eq!(serde_json::from_str::<SynthView>(&json(&run)).unwrap(), run);
        let design: DesignView = serde_json::from_str(
            r#"{"name": "n", "top": "t", "macs": 1, "cycles": 2, "future": 0,
                "layers": [{"name": "a", "op": "conv", "cycles": 2, "bound": 1}]}"#,
        )
        .unwrap();
        assert_eq!((design.interval(), design.bound()), (2, 1));
    }

    #[test]
    fn numbers_are_rounded_for_people() {
        assert_eq!(
            [rounded(1817.2), rounded(21.37), rounded(7.654), rounded(0.00238)],
            ["1,817", "21.4", "7.65", "0.002"]
        );
        assert_eq!([percent(1, 0), percent(1, 30), percent(2, 3)], ["–", "3.3 %", "67 %"]);
        assert_eq!(length(5, 4), "360.0");
    }
}
