//! What `bincim verify` tells: the summary for people, one JSON object, and JUnit cases.

use super::cosim::Mismatch;
use super::{Verdict, coverage};
use crate::report::junit::{Case, Suite};
use crate::report::thousands;
use serde_json::{Value, json};

/// The closing summary.
pub fn summary(verdict: &Verdict) -> String {
    let design = verdict.design;
    let mut out = String::new();
    let mut line = |text: String| {
        out.push_str(text.trim_end());
        out.push('\n');
    };
    line(format!("{}, {} rows x {} lanes, {}", design.name, design.rows, design.lanes, verdict.tool));
    line(String::new());
    line(format!("  {:28} {:>14} {:>14}", "layer", "predicted", "measured"));
    let measured = measured(verdict);
    let predicted = design.frame_of(verdict.plan.most_planes(design));
    for (index, layer) in design.layers.iter().enumerate() {
        line(row(&layer.name, predicted.layers[index], measured.get(index).copied()));
    }
    line(row(
        "frame",
        predicted.layers.iter().sum::<u64>(),
        (!measured.is_empty()).then(|| measured.iter().sum()),
    ));
    line(String::new());
    let total = |of: fn(&super::Shard) -> u64| thousands(verdict.total(of));
    line(format!(
        "  {} images: {} sums, {} bits, {} scores compared, each exactly",
        total(|s| s.images),
        total(|s| s.sums),
        total(|s| s.bits),
        total(|s| s.scores)
    ));
    line(format!(
        "  {} frames of extreme values, {} register reads and {} writes, {} resets at random cycles, seed {}",
        total(|s| s.synthetic),
        total(|s| s.register_reads),
        total(|s| s.register_writes),
        total(|s| s.resets),
        verdict.plan.seed
    ));
    coverage::lines(&verdict.shards).into_iter().for_each(&mut line);
    let cycles = verdict.total(|s| s.cycles);
    line(format!(
        "  {} cycles in {:.1} s, {} a second",
        thousands(cycles),
        verdict.seconds,
        thousands((cycles as f64 / verdict.seconds.max(1e-9)) as u64)
    ));
    if let Some(interval) = verdict.shards.iter().map(|s| s.interval).filter(|&i| i > 0).min() {
        let rate = design.arch.clock_mhz() * 1e6 / interval as f64;
        line(format!(
            "  a frame every {} cycles at best: {:.0} frames/s at {} MHz",
            thousands(interval),
            rate,
            design.arch.clock_mhz()
        ));
    }
    line(String::new());
    match verdict.first() {
        None => line("PASS  the Verilog and the golden model agree in every bit and every cycle".into()),
        Some(first) => {
            line(format!("FAIL  {} differences; the first:", thousands(verdict.mismatches())));
            line(format!("      {}", sentence(verdict, first)));
            line(format!("      expected {}, got {}", first.expected, first.actual));
            if let Some(command) = &verdict.command {
                line(format!("      {command}"));
            }
        }
    }
    if let Some((waves, view)) = &verdict.waves {
        line(format!("      waveform {}: gtkwave {}", waves.display(), view.display()));
    }
    out
}

fn row(name: &str, predicted: u64, measured: Option<u64>) -> String {
    let shown: String = name.chars().take(28).collect();
    let measured_text = measured.map_or("-".into(), thousands);
    let mark = if measured.is_some_and(|m| m != predicted) { "  <- differs" } else { "" };
    format!("  {shown:28} {:>14} {measured_text:>14}{mark}", thousands(predicted))
}

/// Cycles of each layer as the counters showed them; empty if no shard got that far.
fn measured(verdict: &Verdict) -> Vec<u64> {
    let complete = |shard: &&super::Shard| shard.layer_cycles.iter().any(|&cycles| cycles > 0);
    verdict.shards.iter().find(complete).map_or(Vec::new(), |shard| shard.layer_cycles.clone())
}

/// Where a mismatch lies, in one sentence.
pub fn sentence(verdict: &Verdict, m: &Mismatch) -> String {
    let mut parts = vec![match m.kind.as_str() {
        "sum" => "sum".to_string(),
        "bit" => "result bit".to_string(),
        "score" => "score".to_string(),
        "cycles" => "cycle counter".to_string(),
        other => other.to_string(),
    }];
    if !m.note.is_empty() {
        parts.push(format!("({})", m.note));
    }
    if let Some(layer) = usize::try_from(m.layer).ok().and_then(|index| verdict.design.layers.get(index)) {
        parts.push(format!("of layer {} '{}'", m.layer, layer.name));
    }
    let mut place = Vec::new();
    let mut show = |name: &str, value: i64| {
        if value >= 0 {
            place.push(format!("{name} {value}"));
        }
    };
    show("image", m.image);
    show("group", m.group);
    show("lane", m.lane);
    show("channel", m.channel);
    if m.row >= 0 {
        show("row", m.row);
        show("column", m.column);
    }
    place.push(format!("cycle {} (phase '{}')", m.cycle, m.phase));
    format!("{}: {}", parts.join(" "), place.join(", "))
}

/// One object; `images`, `mismatches`, `cycles_predicted` and `cycles_measured` (0 if no run came so far) are
/// stable keys.
pub fn json(verdict: &Verdict) -> Value {
    let measured = measured(verdict);
    let predicted = verdict.design.frame_of(verdict.plan.most_planes(verdict.design));
    let layers: Vec<Value> = verdict
        .design
        .layers
        .iter()
        .enumerate()
        .map(|(index, layer)| {
            json!({
                "name": layer.name, "cycles_predicted": predicted.layers[index],
                "cycles_measured": measured.get(index), "bound": layer.bound,
            })
        })
        .collect();
    json!({
        "images": verdict.total(|s| s.images),
        "mismatches": verdict.mismatches(),
        "cycles_predicted": predicted.layers.iter().sum::<u64>(),
        "planes": verdict.plan.most_planes(verdict.design),
        "cycles_measured": measured.iter().sum::<u64>(),
        "layers": layers,
        "sums": verdict.total(|s| s.sums),
        "bits": verdict.total(|s| s.bits),
        "scores": verdict.total(|s| s.scores),
        "synthetic": verdict.total(|s| s.synthetic),
        "register_writes": verdict.total(|s| s.register_writes),
        "coverage": coverage::json(&verdict.shards),
        "register_reads": verdict.total(|s| s.register_reads),
        "resets": verdict.total(|s| s.resets),
        "interval": verdict.shards.iter().map(|s| s.interval).filter(|&i| i > 0).min(),
        "simulated_cycles": verdict.total(|s| s.cycles),
        "seconds": verdict.seconds,
        "seed": verdict.plan.seed,
        "tool": verdict.tool,
        "first_mismatch": verdict.first(),
        "command": verdict.command,
        "waveform": verdict.waves.as_ref().map(|(waves, _)| waves),
    })
}

/// One case a layer, and one each for streams, registers and the run as a whole.
pub fn suite(verdict: &Verdict) -> Suite {
    let design = verdict.design;
    let failure = |first: &Mismatch| {
        let details = format!(
            "expected {}, got {}\n{}",
            first.expected,
            first.actual,
            verdict.command.as_deref().unwrap_or_default()
        );
        (sentence(verdict, first), details)
    };
    let case = |name: String, concerns: &dyn Fn(&Mismatch) -> bool| Case {
        class: format!("bincim.{}", design.name),
        name,
        failure: verdict.first().filter(|first| concerns(first)).map(failure),
    };
    let of_layer = |m: &Mismatch| ["sum", "bit", "cycles"].contains(&m.kind.as_str());
    let of_stream = |m: &Mismatch| ["score", "tlast", "protocol"].contains(&m.kind.as_str());
    let mut cases: Vec<Case> = design
        .layers
        .iter()
        .enumerate()
        .map(|(index, layer)| {
            case(format!("layer {index} {}", layer.name), &|m| of_layer(m) && m.layer == index as i64)
        })
        .collect();
    cases.push(case("result stream".into(), &of_stream));
    cases.push(case("registers and progress".into(), &|m| !(of_stream(m) || of_layer(m) && m.layer >= 0)));
    Suite {
        name: format!("bincim verify {}", design.name),
        cases,
        seconds: verdict.seconds,
        properties: vec![
            ("seed".into(), verdict.plan.seed.to_string()),
            ("images".into(), verdict.total(|s| s.images).to_string()),
            ("mismatches".into(), verdict.mismatches().to_string()),
            (
                "cycles_predicted".into(),
                design.frame_of(verdict.plan.most_planes(design)).layers.iter().sum::<u64>().to_string(),
            ),
        ],
    }
}
