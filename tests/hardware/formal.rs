//! Leaves of the hardware library, proved with the properties of `verif/formal`: by induction where it closes, for any time,
//! else from the start for as many cycles as the list says. Yosys reads the very files that designs hold; its solver does
//! the rest.

use bincim::emit::library::MODULES;
use bincim::flow::{Found, Tool};
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use crate::common::tools;

/// How far a proof goes.
#[derive(Clone, Copy)]
enum Proof {
    /// Base case and step, over at most so many cycles: true for ever.
    Induction(usize),
    /// The first cycles since the start.
    Bounded(usize),
}
use Proof::{Bounded, Induction};

/// A module with its properties' parameters, `Name=value` separated by blanks, and the proof.
type Row = (&'static str, &'static str, Proof);

const PROOFS: &[Row] = &[
    ("bincim_accumulator", "Depth=4 Block=3", Bounded(12)),
    ("bincim_accumulator", "Depth=4 Block=4 Signed=1", Bounded(14)),
    ("bincim_accumulator", "Depth=0 Block=1 Signed=1", Bounded(10)),
    ("bincim_array_draw", "Lanes=2 Step=2 Bits=3 Count=5 Reads=2 RowEnable=1 Words=2", Bounded(12)),
    ("bincim_array_draw", "Lanes=2 Step=3 Bits=2 Count=6 Reads=1 RowEnable=0 Words=2", Bounded(10)),
    ("bincim_array_draw", "Lanes=1 Step=1 Bits=8 Count=2 Reads=3 RowEnable=1 Words=1", Bounded(10)),
    ("bincim_array_reader", "Pauses=1 Serial=1", Bounded(14)),
    ("bincim_array_reader", "Rows=4 Step=1 Serial=0 Pauses=0 Words=2 Interval=2 Reads=2", Bounded(14)),
    ("bincim_array_reader", "Rows=4 Step=4 Words=1 Interval=3 Reads=1 Arrays=1", Bounded(12)),
    ("bincim_column_adc", "Lanes=2 Edges=2 Steps=2", Bounded(10)),
    ("bincim_column_adc", "Lanes=2 Share=2 Edges=1 Steps=2", Bounded(12)),
    ("bincim_column_adc", "Lanes=1 Share=3 Edges=1 Code=1", Bounded(10)),
    ("bincim_column_cells", "Words=3 Height=2 Idle=6'b101101", Bounded(8)),
    ("bincim_column_cells", "Words=1 Height=3", Bounded(8)),
    ("bincim_counter", "Count=1", Induction(8)),
    ("bincim_counter", "Count=5", Induction(8)),
    ("bincim_counter", "Count=8", Induction(8)),
    ("bincim_draw_turn", "Layers=1", Induction(4)),
    ("bincim_draw_turn", "Layers=3", Induction(4)),
    ("bincim_gather", "Banks=2 Rotates=0", Induction(5)),
    ("bincim_gather", "Banks=3 Rotates=1", Induction(5)),
    ("bincim_gather", "Banks=5 Offset=3 Rotates=1", Induction(5)),
    ("bincim_gather", "Banks=2 Rotates=1 Bits=3", Induction(5)),
    ("bincim_gather", "Banks=3 Rotates=0 Bits=2", Induction(5)),
    ("bincim_input_frames", "Frames=1", Induction(4)),
    ("bincim_input_frames", "Frames=2", Induction(4)),
    ("bincim_inside", "Coordinate=5 Places=3 Before=3'b001 Beyond=3'b100", Induction(3)),
    ("bincim_inside", "Coordinate=6 Places=7 Before=7'b0000111 Beyond=7'b1111100", Induction(3)),
    ("bincim_layer_counter", "Layers=4 Samples=3", Bounded(14)),
    ("bincim_layer_counter", "Layers=1 Samples=4", Bounded(12)),
    ("bincim_level_code", "Lanes=2 Steps=3 Bits=2", Induction(3)),
    ("bincim_level_code", "Lanes=1 Steps=15 Bits=4", Induction(3)),
    ("bincim_state_level", "Lanes=2 Total=6 Level=3 Shift=1 Bits=3", Induction(3)),
    ("bincim_state_level", "Lanes=1 Total=9 Level=4 Shift=3 Bits=5", Induction(3)),
    ("bincim_state_level", "Lanes=1 Total=8 Level=8 Shift=0 Bits=8", Induction(3)),
    ("bincim_state_level", "Lanes=1 Total=9 Level=8 Shift=0 Bits=8 Rectified=1", Induction(3)),
    ("bincim_state_level", "Lanes=2 Total=8 Level=3 Shift=2 Bits=3 Rectified=1", Induction(3)),
    ("bincim_most_register", "Most=2", Induction(4)),
    ("bincim_most_register", "Most=5", Induction(4)),
    ("bincim_most_register", "Most=255", Induction(4)),
    ("bincim_place", "Moves=0", Induction(4)),
    ("bincim_place", "Width=4 Returns=0", Induction(4)),
    ("bincim_place", "Width=4 Returns=1", Induction(4)),
    ("bincim_ram_1r1w", "Width=2 Depth=5", Bounded(8)),
    ("bincim_ram_1r1w", "Width=4 Depth=4 Parts=2", Bounded(8)),
    ("bincim_registers", "Layers=3 Planes=5", Bounded(10)),
    ("bincim_registers", "Layers=1 Planes=1 Noise=1", Bounded(8)),
    ("bincim_registers", "Layers=2 Planes=1 Samples=3", Bounded(8)),
    ("bincim_rotate", "Slots=5 Width=3", Induction(3)),
    ("bincim_rotate", "Slots=8 Width=1", Induction(3)),
    ("bincim_rotate", "Slots=9 Width=2 Up=1", Induction(3)),
    ("bincim_row_driver", "Words=1 Word=1", Induction(5)),
    ("bincim_row_driver", "Words=2 Word=3 Planes=3 RowEnable=1", Induction(5)),
    ("bincim_score_buffer", "Lanes=2 Groups=2 Pixels=1 LastLane=1", Bounded(14)),
    ("bincim_score_buffer", "Lanes=2 Groups=2 Pixels=2 LastLane=0", Bounded(16)),
    ("bincim_score_sum", "Lanes=1 Words=1 Samples=3", Bounded(12)),
    ("bincim_score_sum", "Lanes=2 Words=3 Samples=2", Bounded(12)),
    ("bincim_sequencer", "Groups=2 Blocks=2 Passes=2 Bits=2 Pixels=2", Bounded(20)),
    ("bincim_sequencer", "Layers=1 Groups=1 Blocks=2 Planes=2 Passes=1 Bits=3 Pixels=2", Bounded(20)),
    ("bincim_tile_counter", "Passes=1 Planes=4", Induction(6)),
    ("bincim_tile_counter", "Passes=3 Planes=2", Induction(6)),
    ("bincim_weight_loader", "Groups=1 Blocks=3 Passes=2 TileWords=3 LastWords=2", Bounded(16)),
    ("bincim_weight_loader", "Groups=2 Blocks=2 Passes=2 TileWords=2 LastWords=1", Bounded(24)),
    (
        "bincim_weight_loader",
        "Drawn=1 Samples=2 Groups=2 Blocks=1 Passes=1 TileWords=2 LastWords=2",
        Bounded(22),
    ),
    (
        "bincim_weight_loader",
        "Drawn=1 Samples=3 Groups=1 Blocks=2 Passes=2 TileWords=2 LastWords=1",
        Bounded(24),
    ),
    ("bincim_weight_noise", "Blocks=1 Rounds=2", Bounded(8)),
    ("bincim_weight_sampler", "Rows=1 Lanes=3 Bits=2", Induction(3)),
    ("bincim_weight_sampler", "Rows=2 Lanes=2 Bits=5", Induction(3)),
    ("bincim_weight_sampler", "Rows=1 Lanes=1 Bits=8", Induction(3)),
];

/// Changes of a module, each once in its text, that its properties must refute in the first of its rows with these
/// parameters.
const BUGS: &[(&str, &str, &str, &str)] = &[
    (
        "bincim_accumulator",
        "Depth=4 Block=3",
        "sum_address_q <= count_address_q;",
        "sum_address_q <= fetch_address_q;",
    ),
    (
        "bincim_array_draw",
        "Lanes=2 Step=2 Bits=3 Count=5 Reads=2 RowEnable=1 Words=2",
        "drawn_first_q & (sample_read_i == {ReadWidth{1'b0}})",
        "drawn_first_q",
    ),
    (
        "bincim_array_draw",
        "Lanes=2 Step=2 Bits=3 Count=5 Reads=2 RowEnable=1 Words=2",
        "drive_q <= used & enable_i;",
        "drive_q <= enable_i;",
    ),
    (
        "bincim_array_draw",
        "Lanes=2 Step=2 Bits=3 Count=5 Reads=2 RowEnable=1 Words=2",
        "converted_q <= sample_i & sample_last_i;",
        "converted_q <= sample_i;",
    ),
    (
        "bincim_array_draw",
        "Lanes=2 Step=3 Bits=2 Count=6 Reads=1 RowEnable=0 Words=2",
        "{{(Count-WORD){word_q[WORD-1]}}, word_q}",
        "{{(Count-WORD){1'b0}}, word_q}",
    ),
    ("bincim_array_reader", "Pauses=1 Serial=1", "sum_valid_q & sum_last_q;", "sum_valid_q;"),
    ("bincim_array_reader", "Pauses=1 Serial=1", "!busy_q | (step_last & read_last);", "!busy_q;"),
    (
        "bincim_column_adc",
        "Lanes=2 Share=2 Edges=1 Steps=2",
        "if (voltage >= $signed",
        "if (voltage > $signed",
    ),
    (
        "bincim_column_adc",
        "Lanes=2 Share=2 Edges=1 Steps=2",
        "column_last ? turn_q + TURN_ONE : turn_q;",
        "turn_q + TURN_ONE;",
    ),
    ("bincim_column_cells", "Words=3 Height=2 Idle=6'b101101", "if (swap_i) active_q", "active_q"),
    ("bincim_counter", "Count=5", "last_o ? ZERO : next", "next"),
    ("bincim_draw_turn", "Layers=3", "if (read_i & draw_layer_o) fresh_q", "if (read_i) fresh_q"),
    ("bincim_draw_turn", "Layers=3", "else if (sample_end_o) fresh_q <= 1'b1;", ""),
    ("bincim_draw_turn", "Layers=3", "(seeded_i | !(sample_start_o & sample_first_i))", "seeded_i"),
    ("bincim_gather", "Banks=3 Rotates=1", ".amount_i(door_bank_q)", ".amount_i(read_bank_q)"),
    ("bincim_gather", "Banks=2 Rotates=1 Bits=3", "door_bit_q <= read_bit_q;", "door_bit_q <= bit_i;"),
    ("bincim_gather", "Banks=2 Rotates=1 Bits=3", "plane < Bits;", "plane < 2;"),
    (
        "bincim_input_frames",
        "Frames=2",
        "if (frame_release_i) read_frame_q",
        "if (!frame_end_i) read_frame_q",
    ),
    ("bincim_inside", "Coordinate=5 Places=3 Before=3'b001 Beyond=3'b100", "(at < size_i)", "(at <= size_i)"),
    ("bincim_place", "Width=4 Returns=1", "else if (block_end_i) first_q", "else if (step_i) first_q"),
    ("bincim_ram_1r1w", "Width=4 Depth=4 Parts=2", "if (read_i)", "if (1'b1)"),
    ("bincim_registers", "Layers=3 Planes=5", "else if (s_axil_bready) bvalid_q", "else bvalid_q"),
    ("bincim_layer_counter", "Layers=4 Samples=3", "sample_last_o ? FIRST : first_drawn_i", "FIRST"),
    ("bincim_level_code", "Lanes=2 Steps=3 Bits=2", "bit_i[step*Lanes + lane]", "bit_i[lane*Steps + step]"),
    ("bincim_level_code", "Lanes=2 Steps=3 Bits=2", "^(met &", "|(met &"),
    (
        "bincim_state_level",
        "Lanes=2 Total=6 Level=3 Shift=1 Bits=3",
        "{Level{!negative}}",
        "{Level{negative}}",
    ),
    (
        "bincim_state_level",
        "Lanes=1 Total=9 Level=4 Shift=3 Bits=5",
        "Total - Shift - Level + SIGN",
        "Total - Shift - Level",
    ),
    (
        "bincim_state_level",
        "Lanes=2 Total=8 Level=3 Shift=2 Bits=3 Rectified=1",
        "Total - Shift - Level + SIGN",
        "Total - Shift - Level + 1",
    ),
    ("bincim_state_level", "Lanes=1 Total=8 Level=8 Shift=0 Bits=8", " & there_i[lane]", ""),
    ("bincim_most_register", "Most=5", "(asked > ALL[8:0])", "(1'b0)"),
    ("bincim_most_register", "Most=5", "(strobe_i[2] & ", "(1'b1 & "),
    ("bincim_rotate", "Slots=5 Width=3", "amount_i[stage] ?", "!amount_i[stage] ?"),
    ("bincim_row_driver", "Words=2 Word=3 Planes=3 RowEnable=1", " | {Words{from_input_i}}", ""),
    (
        "bincim_score_buffer",
        "Lanes=2 Groups=2 Pixels=2 LastLane=0",
        "{{MORE{1'b0}}, last_pixel_i} + ONE",
        "ONE",
    ),
    (
        "bincim_sequencer",
        "Groups=2 Blocks=2 Passes=2 Bits=2 Pixels=2",
        "wire bits_last = bit_last & tiles_last;",
        "wire bits_last = tiles_last;",
    ),
    ("bincim_sequencer", "Groups=2 Blocks=2 Passes=2 Bits=2 Pixels=2", "step_i(bit_end)", "step_i(issued)"),
    (
        "bincim_sequencer",
        "Groups=2 Blocks=2 Passes=2 Bits=2 Pixels=2",
        "= pixel_first & bit_first;",
        "= pixel_first;",
    ),
    ("bincim_tile_counter", "Passes=3 Planes=2", "pass_last_o ? FIRST_PASS : pass_q", "pass_q"),
    (
        "bincim_weight_loader",
        "Groups=2 Blocks=2 Passes=2 TileWords=2 LastWords=1",
        "take = valid_q & cells_free;",
        "take = valid_q;",
    ),
    (
        "bincim_weight_loader",
        "Groups=2 Blocks=2 Passes=2 TileWords=2 LastWords=1",
        "else if (block_again) address_q <= group_address;",
        "",
    ),
    (
        "bincim_weight_loader",
        "Drawn=1 Samples=2 Groups=2 Blocks=1 Passes=1 TileWords=2 LastWords=2",
        "else if (tile_swap_i) ready_q <= 1'b0;",
        "",
    ),
    (
        "bincim_weight_loader",
        "Drawn=1 Samples=2 Groups=2 Blocks=1 Passes=1 TileWords=2 LastWords=2",
        "sample_start_o & sample_first & !seeded_i",
        "1'b0",
    ),
    (
        "bincim_weight_noise",
        "Blocks=1 Rounds=2",
        "if (step_i & group_start_i) group_q",
        "if (step_i) group_q",
    ),
    ("bincim_weight_noise", "Blocks=1 Rounds=2", "end else if (take) begin", "end else if (step_i) begin"),
    // A reset seldom falls between the mixing and the first word, where a run would show it.
    (
        "bincim_weight_noise",
        "Blocks=1 Rounds=2",
        "mixing_q <= 1'b0;\n      seeded_q <= 1'b0;",
        "mixing_q <= 1'b0;",
    ),
    ("bincim_weight_sampler", "Rows=2 Lanes=2 Bits=5", ".below_i(below[place])", ".below_i(1'b0)"),
    ("bincim_weight_sampler", "Rows=2 Lanes=2 Bits=5", "lane_noise[Bits-1] & flip_i", "lane_noise[Bits-1]"),
    ("bincim_score_sum", "Lanes=2 Words=3 Samples=2", "word_q <= word;", "word_q <= {WordWidth{1'b0}};"),
];

fn properties(module: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("verif/formal/{module}.v"))
}

/// What Yosys says of a row: `Ok` where all asserts hold, else what its log ends with; `change` is made to the module's
/// text before.
fn prove(
    yosys: &Found,
    (module, parameters, proof): Row,
    change: Option<(&str, &str)>,
) -> Result<(), String> {
    let folder = tempfile::tempdir().unwrap();
    let mut files = vec![format!("{module}_properties.v")];
    fs::copy(properties(module), folder.path().join(&files[0])).unwrap();
    for one in MODULES {
        let mut text = one.text.to_string();
        if let Some((find, replace)) = change.filter(|_| one.name == module) {
            assert_eq!(text.matches(find).count(), 1, "{module}: {find}");
            text = text.replace(find, replace);
        }
        files.push(format!("{}.v", one.name));
        fs::write(folder.path().join(&files[files.len() - 1]), text).unwrap();
    }
    let set: String = parameters
        .split(' ')
        .map(|setting| setting.split_once('=').expect("Name=value"))
        .map(|(name, value)| format!(" -chparam {name} {value}"))
        .collect();
    let (how, cycles) = match proof {
        Induction(most) => (format!("-tempinduct -maxsteps {most}"), most),
        Bounded(cycles) => (format!("-tempinduct -tempinduct-baseonly -maxsteps {cycles}"), cycles),
    };
    // Memories become registers, and resets that come at any time come with the clock: one step is one cycle. First some
    // run must keep to all that is assumed, or everything would be true.
    let script = format!(
        "read_verilog -formal {}\nread_verilog -defer {}\nhierarchy -check -top properties{set}\nproc\nflatten\n\
         opt_clean\nmemory_map\nasync2sync\nopt -fast\ndffunmap\n\
         sat -verify -set-assumes -seq {cycles} properties\n\
         sat -verify -prove-asserts -set-assumes {how} -seq 1 properties\n",
        files[0],
        files[1..].join(" ")
    );
    fs::write(folder.path().join("prove.ys"), script).unwrap();
    let output = tools::command(yosys, folder.path()).args(["-Q", "-T", "prove.ys"]).output().unwrap();
    let said =
        String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    assert!(!said.contains("found no model"), "{module} {parameters}: what is assumed cannot be");
    let proved = match proof {
        Induction(_) => "Induction step proven: SUCCESS!",
        Bounded(_) => "proved base case",
    };
    if output.status.success() && said.contains(proved) {
        return Ok(());
    }
    assert!(
        said.contains("proof did fail"),
        "{module} {parameters}: Yosys stopped for another reason:\n{said}"
    );
    let last: Vec<&str> = said.lines().rev().take(60).collect();
    Err(last.into_iter().rev().collect::<Vec<_>>().join("\n"))
}

#[test]
fn leaves_are_proved() {
    let Some(yosys) = tools::need(Tool::Yosys) else { return };
    for &row in PROOFS {
        let (module, parameters, _) = row;
        if let Err(said) = prove(&yosys, row, None) {
            panic!("{module} {parameters}:\n{said}");
        }
    }
}

/// A block of two vectors is too short for sums that wait in the memory, as the accumulator's header says.
#[test]
fn what_is_not_promised_is_refuted() {
    let Some(yosys) = tools::need(Tool::Yosys) else { return };
    assert!(prove(&yosys, ("bincim_accumulator", "Depth=4 Block=2", Bounded(12)), None).is_err());
}

#[test]
fn bugs_in_leaves_are_refuted() {
    let Some(yosys) = tools::need(Tool::Yosys) else { return };
    for &(module, parameters, find, replace) in BUGS {
        let row = PROOFS.iter().find(|row| row.0 == module && row.1 == parameters);
        let row = *row.unwrap_or_else(|| panic!("{module} {parameters} is in no row"));
        assert!(prove(&yosys, row, Some((find, replace))).is_err(), "{module}: {find} -> {replace}");
    }
}

/// All properties are in the list, and every module that has some has a bug that they refute.
#[test]
fn no_properties_are_forgotten() {
    let there: BTreeSet<String> = fs::read_dir(properties("x").parent().unwrap())
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|ending| ending == "v"))
        .map(|path| path.file_stem().unwrap().to_string_lossy().into_owned())
        .collect();
    let proved: BTreeSet<String> = PROOFS.iter().map(|row| row.0.to_string()).collect();
    let refuted: BTreeSet<String> = BUGS.iter().map(|bug| bug.0.to_string()).collect();
    assert_eq!(there, proved);
    assert_eq!(proved, refuted);
}
