//! What `bincim verify` tells: the summary for people, one JSON object, and JUnit cases.

use super::changed::Change;
use super::cosim::Mismatch;
use super::tree::TreeProof;
use super::{Verdict, coverage};
use crate::escape::shell_path;
use crate::report::junit::{Case, Status, Suite};
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
    line(format!(
        "{}, {} rows x {} lanes, {}",
        design.name.terminal(),
        design.rows,
        design.lanes,
        verdict.tool
    ));
    line(String::new());
    line(format!("  {:28} {:>14} {:>14}", "layer", "predicted", "measured"));
    let measured = measured(verdict);
    let predicted = design.frame_of(verdict.plan.most_planes(design));
    let last = design.last_cycles(&predicted.layers);
    for (index, layer) in design.layers.iter().enumerate() {
        line(row(&layer.name.terminal(), last[index], measured.get(index).copied()));
    }
    line(row(
        &match design.samples() {
            1 => "frame".to_string(),
            samples => format!("frame of {samples} samples"),
        },
        predicted.layers.iter().sum::<u64>(),
        (!measured.is_empty()).then(|| frame_cycles(verdict)),
    ));
    line(String::new());
    let total = |of: fn(&super::Shard) -> u64| thousands(verdict.total(of));
    line(format!(
        "  {}: {} sums, {} bits, {} scores compared, each exactly",
        images(verdict),
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
    line(format!("  {}", verdict.proof.sentence()));
    let cycles = verdict.total(|s| s.cycles);
    // A run that broke off had no pace.
    let pace = match verdict.broke_off() {
        true => String::new(),
        false => format!(", {} a second", thousands((cycles as f64 / verdict.seconds.max(1e-9)) as u64)),
    };
    line(format!("  {} cycles in {:.1} s{pace}", thousands(cycles), verdict.seconds));
    if let Some(interval) = interval(verdict) {
        let rate = design.arch.clock_mhz() * 1e6 / interval as f64;
        line(format!(
            "  a frame every {} cycles at best: {:.0} frames/s at {} MHz",
            thousands(interval),
            rate,
            design.arch.clock_mhz()
        ));
    }
    line(String::new());
    for change in changes(verdict.changes.as_deref()) {
        line(format!("  WARNING: {change}"));
    }
    if let TreeProof::Wrong { .. } | TreeProof::Undecided { .. } = verdict.proof {
        line(format!("FAIL  {}", verdict.proof.sentence()));
    }
    match verdict.first() {
        None if verdict.passed => {
            line("PASS  the Verilog and the golden model agree in every bit and every cycle".into());
        }
        None if matches!(verdict.proof, TreeProof::NotRun { .. }) => {
            line(format!("FAIL  {}, and a proof is required", verdict.proof.sentence()));
        }
        None => line("      the images that ran show no difference".into()),
        Some(first) => {
            line(format!("FAIL  {} differences; the first:", thousands(verdict.mismatches())));
            line(format!("      {}", sentence(verdict, first)));
            line(format!("      expected {}, got {}", first.expected, first.actual));
            if let Some(behind) = &verdict.behind {
                line(format!("      {behind}"));
            }
            if verdict.broke_off() {
                line(format!("      the run broke off: {} were to run", thousands(verdict.images as u64)));
            }
            if let Some(command) = &verdict.command {
                line(format!("      {command}"));
            }
        }
    }
    if let Some((waves, view)) = &verdict.waves {
        line(format!("      waveform {}: gtkwave {}", shell_path(waves), shell_path(view)));
    }
    out
}

/// What was compared to its end, and on which text.
fn images(verdict: &Verdict) -> String {
    let (shipped, model) = verdict.compared();
    match model {
        0 => format!("{} images on the text that is synthesised", thousands(shipped)),
        _ => format!(
            "{} images on the text that is synthesised, {} on the model of its popcount tree",
            thousands(shipped),
            thousands(model)
        ),
    }
}

/// What differs from the manifest, a line each.
pub fn changes(changes: Option<&[Change]>) -> Vec<String> {
    match changes {
        None => vec!["the folder has no manifest.json: nobody can say what was changed in it".into()],
        Some(changes) => changes
            .iter()
            .map(|change| match change.state {
                "missing" => format!("{} is missing; the manifest names it", change.file),
                "new" => format!("{} is new; the manifest does not name it", change.file),
                _ => format!("{} is not what was generated", change.file),
            })
            .collect(),
    }
}

/// Least distance of two frames; none of a run that broke off, which had no pace.
fn interval(verdict: &Verdict) -> Option<u64> {
    let seen = verdict.shards.iter().map(|s| s.interval).filter(|&interval| interval > 0).min();
    seen.filter(|_| !verdict.broke_off())
}

fn row(name: &str, predicted: u64, measured: Option<u64>) -> String {
    let shown: String = name.chars().take(28).collect();
    let measured_text = measured.map_or("-".into(), thousands);
    let mark = if measured.is_some_and(|m| m != predicted) { "  <- differs" } else { "" };
    format!("  {shown:28} {:>14} {measured_text:>14}{mark}", thousands(predicted))
}

/// The cycles of a whole frame, as its register showed them; 0 before there is one.
fn frame_cycles(verdict: &Verdict) -> u64 {
    verdict.shards.iter().map(|shard| shard.frame_cycles).max().unwrap_or(0)
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
        parts.push(format!("of layer {} '{}'", m.layer, layer.name.terminal()));
        if m.sample >= 0 {
            parts.push(format!("in sample {}", m.sample));
        }
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

/// One object; `images` (compared to their end), `images_asked`, `mismatches`, `cycles_predicted` and `cycles_measured` (0 if no run came so far) are
/// stable keys.
pub fn json(verdict: &Verdict) -> Value {
    let measured = measured(verdict);
    let predicted = verdict.design.frame_of(verdict.plan.most_planes(verdict.design));
    let last = verdict.design.last_cycles(&predicted.layers);
    let layers: Vec<Value> = verdict
        .design
        .layers
        .iter()
        .enumerate()
        .map(|(index, layer)| {
            json!({
                "name": layer.name, "cycles_predicted": last[index],
                "cycles_measured": measured.get(index), "bound": layer.bound,
            })
        })
        .collect();
    let (shipped, model) = verdict.compared();
    json!({
        "passed": verdict.passed,
        "images": shipped + model,
        "images_asked": verdict.images,
        "images_on_shipped_text": shipped,
        "images_on_model": model,
        "broke_off": verdict.broke_off(),
        "tree": verdict.proof,
        "changed": verdict.changes,
        "mismatches": verdict.mismatches(),
        "cycles_predicted": predicted.layers.iter().sum::<u64>(),
        "planes": verdict.plan.most_planes(verdict.design),
        "cycles_measured": frame_cycles(verdict),
        "layers": layers,
        "sums": verdict.total(|s| s.sums),
        "bits": verdict.total(|s| s.bits),
        "scores": verdict.total(|s| s.scores),
        "synthetic": verdict.total(|s| s.synthetic),
        "register_writes": verdict.total(|s| s.register_writes),
        "coverage": coverage::json(&verdict.shards),
        "register_reads": verdict.total(|s| s.register_reads),
        "resets": verdict.total(|s| s.resets),
        "interval": interval(verdict),
        "simulated_cycles": verdict.total(|s| s.cycles),
        "seconds": verdict.seconds,
        "seed": verdict.plan.seed,
        "program": crate::app::PROGRAM,
        "tool": verdict.tool,
        "first_mismatch": verdict.first(),
        "behind_mismatch": verdict.behind,
        "command": verdict.command,
        "waveform": verdict.waves.as_ref().map(|(waves, _)| waves),
    })
}

/// One case a layer, and one each for the result stream, the registers and the popcount tree. What the run did not
/// come to compare is skipped.
pub fn suite(verdict: &Verdict) -> Suite {
    let design = verdict.design;
    let first = verdict.first();
    let class = format!("bincim.{}", design.name.terminal());
    let failure = |first: &Mismatch| {
        let lines = [
            Some(format!("expected {}, got {}", first.expected, first.actual)),
            verdict.behind.clone(),
            verdict.command.clone(),
        ];
        Status::Failed(sentence(verdict, first), lines.into_iter().flatten().collect::<Vec<_>>().join("\n"))
    };
    let of_layer = |m: &Mismatch| ["sum", "bit", "cycles"].contains(&m.kind.as_str()) && m.layer >= 0;
    let of_stream = |m: &Mismatch| ["score", "tlast", "protocol"].contains(&m.kind.as_str());
    let (shipped, model) = verdict.compared();
    let whole = shipped + model > 0;
    let case = |name: String, fails: Option<&Mismatch>, compared: bool| Case {
        class: class.clone(),
        name,
        status: match fails {
            Some(first) => failure(first),
            None if compared => Status::Passed,
            None => Status::Skipped("the run broke off before it was compared".into()),
        },
    };
    let mut cases: Vec<Case> = design
        .layers
        .iter()
        .enumerate()
        .map(|(index, layer)| {
            let index = index as i64;
            let fails = first.filter(|m| of_layer(m) && m.layer == index);
            // The layers before the one that differs were compared in that image.
            let compared = whole || first.is_some_and(|m| of_layer(m) && m.layer > index);
            case(format!("layer {index} {}", layer.name.terminal()), fails, compared)
        })
        .collect();
    let scored = verdict.total(|s| s.scores) > 0;
    cases.push(case("result stream".into(), first.filter(|m| of_stream(m)), scored));
    let others = first.filter(|m| !of_stream(m) && !of_layer(m));
    cases.push(case("registers and progress".into(), others, verdict.total(|s| s.register_reads) > 0));
    let status = match &verdict.proof {
        TreeProof::Proved { .. } => Status::Passed,
        TreeProof::NotRun { .. } if !verdict.passed && first.is_none() => {
            Status::Failed(verdict.proof.sentence(), "a proof is required".into())
        }
        TreeProof::NoTree | TreeProof::NotRun { .. } => Status::Skipped(verdict.proof.sentence()),
        TreeProof::Wrong { reason } | TreeProof::Undecided { reason } => {
            Status::Failed(verdict.proof.sentence(), reason.clone())
        }
    };
    cases.push(Case { class: class.clone(), name: "popcount tree equals its specification".into(), status });
    let mut properties = vec![
        ("seed".into(), verdict.plan.seed.to_string()),
        ("images".into(), (shipped + model).to_string()),
        ("images_asked".into(), verdict.images.to_string()),
        ("images_on_shipped_text".into(), shipped.to_string()),
        ("images_on_model".into(), model.to_string()),
        ("broke_off".into(), verdict.broke_off().to_string()),
        ("tree".into(), verdict.proof.sentence()),
        ("mismatches".into(), verdict.mismatches().to_string()),
        (
            "cycles_predicted".into(),
            design.frame_of(verdict.plan.most_planes(design)).layers.iter().sum::<u64>().to_string(),
        ),
    ];
    let changed = changes(verdict.changes.as_deref());
    properties.extend(changed.into_iter().map(|change| ("changed".to_string(), change)));
    Suite {
        name: format!("bincim verify {}", design.name.terminal()),
        cases,
        seconds: verdict.seconds,
        properties,
    }
}
