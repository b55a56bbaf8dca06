//! What a run on a board is told as.

use super::{Found, Run};
use crate::escape;
use serde_json::json;

/// The summary for people.
pub fn summary(found: &Found) -> String {
    let record = &found.record;
    let mut text = format!(
        "{} on {}, {} at {} baud\n",
        escape::terminal(&record.design),
        escape::terminal(&record.board),
        escape::path(&found.args.port),
        found.line.baud
    );
    if let Some(run) = &found.run {
        text += &of_run(found, run);
    }
    let counts = &found.counts;
    if counts.again + counts.damaged + counts.refused + counts.silent + counts.reset > 0 {
        text += &format!(
            "  lost      {} frames sent again; {} damaged replies, {} refused packets, {} silences, {} resets\n",
            counts.again, counts.damaged, counts.refused, counts.silent, counts.reset
        );
    }
    for (name, value) in &found.registers {
        text += &format!("  {name:<15} {value:>10}  {value:#010x}\n");
    }
    text
}

fn of_run(found: &Found, run: &Run) -> String {
    let mut text = match run.correct {
        Some(correct) => format!(
            "  accuracy  {correct} of {} {} images right, {:.2} %\n",
            run.images,
            found.args.split.name(),
            100.0 * correct as f64 / run.images as f64
        ),
        None => format!("  images    {}, which have no labels\n", run.images),
    };
    text += &match run.different {
        0 => "  scores    every one equals the golden model's\n".to_string(),
        count => {
            format!("  scores    DIFFERENT from the golden model's in {count} of {} images\n", run.images)
        }
    };
    for difference in &run.told {
        let words = |scores: &[i32]| scores.iter().map(i32::to_string).collect::<Vec<_>>().join(" ");
        text += &format!(
            "    image {}: board {}\n    {:>width$}golden {}\n",
            difference.image,
            words(&difference.board),
            "",
            words(&difference.golden),
            width = 7 + difference.image.to_string().len()
        );
    }
    let (counted, planned) = run.cycles;
    text += &match counted {
        None => format!(
            "  cycles    {planned} a frame by the plan; this line does not reach the board's counter\n"
        ),
        Some(counted) if u64::from(counted) == planned => {
            format!("  cycles    {counted} a frame, as planned\n")
        }
        Some(counted) => {
            format!("  cycles    DIFFERENT: the board counts {counted} a frame, the design has {planned}\n")
        }
    };
    let limits = &run.limits;
    text += &format!("  speed     {:.1} frames/s\n", run.images as f64 / run.seconds);
    text += &format!(
        "  limits    line {:.1} frames/s ({:.0} bytes there, {:.0} back), cycles {:.1} ({} at {} MHz)\n",
        limits.line,
        limits.bytes.0,
        limits.bytes.1,
        limits.cycles,
        found.record.interval,
        found.record.clock_hz as f64 / 1e6
    );
    text + &match limits.binding {
        "cycles" => "  binding   the cycles of a frame\n".to_string(),
        "clock" => format!(
            "  binding   the clock, which divides to no faster rate that the {} holds\n",
            found.record.converter
        ),
        _ => format!(
            "  binding   the line; the {} of the board holds {} baud\n",
            found.record.converter, found.record.most_baud
        ),
    }
}

/// The same for programs.
pub fn json(found: &Found) -> String {
    let counts = &found.counts;
    let run = found.run.as_ref().map(|run| {
        let told = run.told.iter().map(|difference| {
            json!({ "image": difference.image, "board": difference.board, "golden": difference.golden })
        });
        json!({
            "images": run.images, "correct": run.correct,
            "accuracy": run.correct.map(|correct| correct as f64 / run.images as f64),
            "different": run.different, "first_differences": told.collect::<Vec<_>>(),
            "cycles": run.cycles.0, "cycles_planned": run.cycles.1, "equal": run.equal(),
            "seconds": run.seconds, "frames_per_second": run.images as f64 / run.seconds,
            "line_frames_per_second": run.limits.line, "cycles_frames_per_second": run.limits.cycles,
            "limit": run.limits.binding,
        })
    });
    let registers: serde_json::Map<_, _> =
        found.registers.iter().map(|(name, value)| (name.clone(), json!(value))).collect();
    let object = json!({
        "design": found.record.design, "board": found.record.board, "device": found.record.device,
        "baud": found.line.baud, "most_baud": found.record.most_baud, "window": found.line.window, "run": run,
        "again": counts.again, "damaged": counts.damaged, "refused": counts.refused, "silent": counts.silent,
        "resets": counts.reset, "registers": registers,
    });
    format!("{object:#}\n")
}
