//! The hardware library, where it lies: plain Verilog that every tool takes without a waiver over a matrix of
//! parameters, that does what its header says, and that every design holds byte for byte.

use bincim::arch::{Arch, ArchFile, Load, ReadoutKind};
use bincim::design::{self, Design, Machine};
use bincim::device::CellKind;
use bincim::emit;
use bincim::emit::library::{MODULES, Module};
use bincim::flow::icarus::{self, Level};
use bincim::flow::{Found, Tool};
use bincim::lower::align_shortcuts;
use bincim::network::random::{self, Limits};
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::common::tools;

/// Settings of one instance: `Name=value`, separated by blanks; a text stands in quotes.
type Settings = &'static str;

/// Parameters with which each module is read by every tool and simulated; the ends of each range among them.
const MATRIX: &[(&str, &[Settings])] = &[
    (
        "bincim_accumulator",
        &[
            "Lanes=1 Count=1 Sum=1",
            "Lanes=4 Count=5 Sum=9 Depth=16 Driven=6 Stages=3",
            "Lanes=3 Count=8 Sum=6 Signed=1 Depth=3",
            "Lanes=2 Count=4 Sum=12 Signed=1 Depth=9 Scale=3",
            "Lanes=2 Count=4 Sum=11 Depth=5 Driven=4 Stages=1 Shift=2",
        ],
    ),
    (
        "bincim_array_analog",
        &[
            "Lanes=1 Step=1 Cell=1 Voltage=2",
            "Lanes=4 Step=3 Cell=6 Voltage=12",
            "Lanes=3 Step=8 Cell=9 Voltage=20 RowEnable=1",
        ],
    ),
    (
        "bincim_array_draw",
        &[
            "Lanes=1 Step=1 Bits=2 Count=2",
            "Lanes=4 Step=3 Bits=8 Count=9 Reads=8",
            "Lanes=3 Step=8 Bits=8 Count=4 RowEnable=1",
        ],
    ),
    ("bincim_draw_turn", &["Layers=1", "Layers=2", "Layers=9"]),
    (
        "bincim_array_reader",
        &[
            "Rows=1 Step=1 Interval=1",
            "Rows=8 Step=8 Arrays=9 Reads=8 Interval=1 Passes=1 FirstArrays=1",
            "Rows=16 Step=4 Arrays=5 Reads=3 Interval=6 Pauses=1 Serial=1 Passes=1 RowEnable=1",
            "Rows=12 Step=2 Arrays=2 Reads=2 Interval=3 Passes=1",
            "Rows=8 Step=4 Arrays=3 Reads=4 Interval=2 Serial=1 Unipolar=1",
        ],
    ),
    (
        "bincim_code_value",
        &[
            "Lanes=1 Code=1 Count=2 InitFile=\"c1.hex\"",
            "Lanes=4 Code=3 Count=8 Reads=8 InitFile=\"c2.hex\"",
            "Lanes=3 Code=4 Count=9 Layers=3 Reference=1 InitFile=\"c3.hex\"",
            "Lanes=1 Code=2 Count=5 Column=1 InitFile=\"c4.hex\"",
            "Lanes=3 Code=3 Count=7 Reads=3 Layers=2 Column=1 InitFile=\"c5.hex\"",
        ],
    ),
    (
        "bincim_column_adc",
        &[
            "Lanes=1 Voltage=2 Code=1",
            "Lanes=4 Edges=7 Voltage=9 Code=3 Arrays=3 Reads=8",
            "Lanes=2 Edges=2 Steps=4 Voltage=8 Code=3 Arrays=5",
            "Lanes=3 Share=3 Voltage=7 Code=1 Reads=2",
            "Lanes=2 Share=4 Edges=3 Steps=5 Voltage=12 Code=4 Arrays=9 Reads=3",
        ],
    ),
    (
        "bincim_column_noise",
        &[
            "Lanes=1 Voltage=7 Gain=1 Steps=1",
            "Lanes=2 Voltage=12 Gain=23 Steps=2 Rules=64'h0123456789abcdef",
            "Lanes=2 Voltage=16 Gain=300 Steps=8 Rules=64'hfedcba9876543210",
        ],
    ),
    (
        "bincim_drive_reference",
        &[
            "Step=1 Drive=2 Share=1 Count=2",
            "Step=4 Drive=6 Share=5 Fraction=3 Count=9 RowEnable=1",
            "Step=8 Drive=8 Share=8 Count=8",
        ],
    ),
    (
        "bincim_array_segment",
        &["Rows=1 Words=1 WeightBits=1", "Rows=16 Words=2 WeightBits=32 Weighted=1 RowEnable=1"],
    ),
    ("bincim_column_cells", &["Words=1 Height=1", "Words=1 Height=9", "Words=3 Height=4 Idle=12'hf0a"]),
    ("bincim_counter", &["Count=1", "Count=2", "Count=3", "Count=8", "Count=100"]),
    (
        "bincim_gather",
        &[
            "Banks=1 Word=1 Address=1",
            "Banks=4 Word=8 Address=5 Offset=3",
            "Banks=5 Word=3 Address=4 Offset=4 Rotates=1 Coordinate=4 KernelRows=3 RowsBefore=3'b001 RowsBeyond=3'b100",
            "Banks=9 Word=4 Address=6 Offset=2 Rotates=1 Coordinate=5 KernelRows=3 KernelColumns=5 RowsBefore=3'b001 \
             RowsBeyond=3'b110 ColumnsBefore=5'b00011 ColumnsBeyond=5'b11000 Driven=6 Channels=2",
            "Banks=3 Word=16 Address=3 Offset=1 Driven=6 Kept=5",
            "Banks=1 Word=2 Bits=2 Address=2",
            "Banks=3 Word=5 Bits=3 Address=4 Offset=2 Rotates=1",
            "Banks=5 Word=3 Bits=2 Address=4 Offset=4 Rotates=1 Coordinate=4 KernelRows=3 RowsBefore=3'b001 \
             RowsBeyond=3'b100 Driven=5 Channels=2",
        ],
    ),
    (
        "bincim_inside",
        &[
            "Coordinate=1 Places=1 Before=1'b0 Beyond=1'b0",
            "Coordinate=4 Places=3 Before=3'b001 Beyond=3'b100",
            "Coordinate=6 Places=7 Before=7'b0000111 Beyond=7'b1111100",
        ],
    ),
    ("bincim_input_frames", &["Frames=1", "Frames=2"]),
    (
        "bincim_input_stream",
        &[
            "Elements=1 ElementBits=8 Planes=8 StreamWidth=8 Beats=1",
            "Elements=4 ElementBits=8 Planes=3 StreamWidth=32 Beats=7",
            "Elements=16 ElementBits=1 Planes=1 StreamWidth=16 Beats=9",
            "Elements=12 ElementBits=1 Planes=1 StreamWidth=16 Beats=2",
            "Elements=1 ElementBits=8 Planes=1 StreamWidth=8 Beats=1000",
        ],
    ),
    (
        "bincim_input_vector",
        &[
            "Elements=1 ElementBits=1 Planes=1 StreamWidth=8 Beats=1 Frames=1 Words=1 WordBeats=1 VectorBits=1",
            "Elements=1 ElementBits=8 Planes=8 StreamWidth=8 Beats=16 Frames=2 Words=2 WordBeats=8 VectorBits=70",
            "Elements=4 ElementBits=1 Planes=1 StreamWidth=8 Beats=10 Frames=1 Words=3 WordBeats=4 Fills=1 VectorBits=16 \
             Driven=5",
        ],
    ),
    (
        "bincim_input_window",
        &[
            "Elements=1 ElementBits=8 Planes=1 StreamWidth=8 Beats=64 Frames=1 Channels=1 KernelRows=1 KernelColumns=1 \
             Depth=64 PassTaps=1 PlaneRows=1 VectorBits=1",
            "Elements=1 ElementBits=8 Planes=8 StreamWidth=8 Beats=36 Frames=2 Channels=1 KernelRows=3 KernelColumns=3 \
             Rows=8 Columns=8 PadTop=1 PadBottom=1 PadLeft=1 PadRight=1 Depth=18 PassTaps=9 PlaneRows=16 VectorBits=128",
            "Elements=3 ElementBits=8 Planes=4 StreamWidth=24 Beats=64 Frames=1 Channels=3 KernelRows=2 KernelColumns=5 \
             Stride=2 Depth=8 Passes=4 PassTaps=8 PlaneRows=8 VectorBits=32 Driven=4",
        ],
    ),
    (
        "bincim_map_memory",
        &[
            "Banks=1 Word=1 Depth=1",
            "Banks=2 Word=8 Depth=16",
            "Banks=3 Word=12 Depth=5 Parts=3",
            "Banks=4 Word=16 Depth=33 Parts=16 Style=\"block\"",
            "Banks=5 Word=4 Depth=7 WritePorts=5",
            "Banks=9 Word=64 Depth=2 WritePorts=9",
            "Banks=1 Word=4 Depth=9 Bits=2",
            "Banks=3 Word=12 Depth=6 Bits=3 Parts=3",
            "Banks=5 Word=4 Depth=7 Bits=2 WritePorts=5",
        ],
    ),
    (
        "bincim_threshold",
        &[
            "Lanes=1 Sum=1 Threshold=2 Signed=0 Flips=0 Depth=1 InitFile=\"t1.hex\"",
            "Lanes=4 Sum=8 Threshold=9 Signed=1 Flips=1 Pools=1 FlipsAfter=1 Depth=6 InitFile=\"t2.hex\"",
            "Lanes=3 Sum=9 Threshold=5 Signed=0 Flips=1 ScoreLanes=2 Score=12 Depth=8 InitFile=\"t3.hex\"",
            "Lanes=5 Sum=6 Threshold=7 Signed=1 Flips=0 Bits=0 ScoreLanes=3 Score=11 ScoreShift=3 Depth=2 \
             InitFile=\"t4.hex\"",
            "Lanes=6 Sum=7 Threshold=8 Signed=1 Flips=1 FlipsAfter=1 Pools=1 ScoreLanes=6 Score=9 Depth=33 \
             InitFile=\"t5.hex\"",
            "Lanes=3 Sum=7 Threshold=8 Steps=2 Signed=1 Flips=1 Pools=1 Depth=5 InitFile=\"t6.hex\"",
            "Lanes=2 Sum=6 Threshold=5 Steps=3 Signed=0 Flips=1 FlipsAfter=1 Pools=1 Depth=8 InitFile=\"t7.hex\"",
            "Lanes=4 Sum=8 Threshold=7 Steps=3 Signed=1 Flips=0 ScoreLanes=2 Score=10 ScoreShift=1 Depth=4 \
             InitFile=\"t8.hex\"",
        ],
    ),
    (
        "bincim_level_code",
        &[
            "Lanes=1 Steps=1 Bits=1",
            "Lanes=4 Steps=3 Bits=2",
            "Lanes=3 Steps=2 Bits=2",
            "Lanes=5 Steps=7 Bits=3",
            "Lanes=2 Steps=15 Bits=4",
            "Lanes=2 Steps=3 Bits=3",
        ],
    ),
    (
        "bincim_state_level",
        &[
            "Lanes=1 Total=2 Level=2 Shift=0 Bits=2",
            "Lanes=4 Total=10 Level=8 Shift=0 Bits=8",
            "Lanes=3 Total=16 Level=8 Shift=4 Bits=8",
            "Lanes=2 Total=8 Level=3 Shift=5 Bits=4",
            "Lanes=2 Total=9 Level=8 Shift=0 Bits=8 Rectified=1",
            "Lanes=1 Total=12 Level=4 Shift=3 Bits=5 Rectified=1",
        ],
    ),
    (
        "bincim_write_back",
        &[
            "Lanes=3 Word=3 Banks=1 Depth=1 Columns=0 Rows=0 Groups=0",
            "Lanes=4 Word=8 Banks=2 Depth=16 Columns=1 Rows=1 Groups=1",
            "Lanes=2 Word=8 Banks=3 Depth=9 Columns=0 Rows=0 Groups=1",
            "Lanes=4 Word=4 Banks=5 Depth=13 Columns=1 Rows=0 Groups=0",
            "Lanes=8 Word=4 Banks=3 Depth=20 Columns=1 Rows=1 Groups=1 Chunks=4",
            "Lanes=12 Word=4 Banks=4 Depth=30 Columns=1 Rows=1 Groups=1",
            "Lanes=1 Word=1 Banks=2 Depth=2 Columns=0 Rows=0 Groups=0",
            "Lanes=4 Word=8 Bits=2 Banks=2 Depth=16 Columns=1 Rows=1 Groups=1",
            "Lanes=3 Word=3 Bits=3 Banks=1 Depth=1 Columns=0 Rows=0 Groups=0",
            "Lanes=8 Word=4 Bits=2 Banks=2 Depth=20 Columns=1 Rows=1 Groups=1",
            "Lanes=12 Word=4 Bits=3 Banks=4 Depth=30 Columns=1 Rows=1 Groups=1 Chunks=4",
        ],
    ),
    (
        "bincim_ram_1r1w",
        &[
            "Width=1 Depth=1",
            "Width=8 Depth=2",
            "Width=7 Depth=33 Style=\"distributed\"",
            "Width=24 Depth=5 Parts=3 Style=\"block\"",
            "Width=16 Depth=9 Parts=16 Style=\"registers\"",
            "Width=300 Depth=100",
        ],
    ),
    (
        "bincim_registers",
        &[
            "Layers=1 Planes=1 Noise=0 CycleWidth=5 TotalWidth=5",
            "Layers=2 Planes=2 Noise=0 CycleWidth=7 TotalWidth=8",
            "Layers=9 Planes=16 Noise=1 CycleWidth=12 TotalWidth=16",
            "Layers=960 Planes=127 Noise=1 CycleWidth=31 TotalWidth=31",
            "Layers=1 Samples=1 CycleWidth=9 TotalWidth=10",
            "Layers=3 Samples=255 CycleWidth=9 TotalWidth=17",
            "Layers=5 Loadable=1 CycleWidth=9 TotalWidth=17",
        ],
    ),
    (
        "bincim_loader",
        &[
            "Memories=2 Width=1 Address=1 LastBeats=32'd0 LastAddresses=48'd1 Machine=1",
            "Memories=3 Width=33 Address=5 LastBeats=48'h100000000 LastAddresses=72'd31 Machine=77",
            "Memories=8 Width=300 Address=12 LastBeats=128'd9 LastAddresses=192'd4095 Machine=3",
        ],
    ),
    (
        "bincim_store",
        &[
            "Width=1 Depth=1 Loadable=1",
            "Width=8 Depth=2 InitFile=\"store_8_2.hex\" Style=\"block\"",
            "Width=37 Depth=33 Loadable=1 Style=\"registers\"",
        ],
    ),
    ("bincim_table", &["Width=1 Depth=1", "Width=9 Depth=2", "Width=140 Depth=40"]),
    ("bincim_support_mask", &["Rows=1", "Rows=16 SlotRows=8 Driven=5", "Rows=9 Driven=1"]),
    ("bincim_vector_pipe", &["Latency=1 Plane=0", "Latency=2 Plane=3 State=2", "Latency=9 Plane=1"]),
    ("bincim_analog_pipe", &["Plane=0", "Plane=4 State=2"]),
    ("bincim_place", &["Width=1", "Width=5 Returns=1", "Width=9 Moves=0"]),
    ("bincim_walk_counter", &["Count=1", "Count=2", "Count=7 Returns=1"]),
    (
        "bincim_tile_counter",
        &[
            "Passes=1 Planes=1",
            "Passes=5 Planes=1",
            "Passes=1 Planes=2",
            "Passes=4 Planes=3",
            "Passes=7 Planes=3 Skips=1",
            "Passes=1 Planes=5 Skips=1",
        ],
    ),
    (
        "bincim_walk",
        &[
            "Address=1 Moves=0",
            "Address=6",
            "Address=9 Banks=3 Columns=7 Rows=1",
            "Address=10 Banks=5 Coordinate=5 WindowColumns=2 WindowRows=3 Columns=8 Rows=1 Returns=1",
            "Address=4 Banks=2 Coordinate=3 WindowColumns=1 WindowRows=2 Columns=1 Rows=1 Returns=1",
        ],
    ),
    (
        "bincim_sequencer",
        &[
            "Layers=1 CycleWidth=3",
            "Layers=2 Groups=3 Blocks=4 Passes=5 Pixels=6 CycleWidth=12",
            "Layers=9 Groups=1 Blocks=1 Passes=3 Planes=4 Skips=1 Pixels=33 CycleWidth=20",
            "Layers=3 Samples=8 Groups=4 Passes=3 CycleWidth=9",
            "Layers=2 Bits=2 CycleWidth=9",
            "Layers=3 Groups=2 Blocks=3 Passes=2 Bits=2 Pixels=4 CycleWidth=12",
            "Layers=4 Samples=3 Groups=2 Blocks=2 Passes=3 Planes=3 Skips=1 Bits=3 Pixels=3 CycleWidth=14",
        ],
    ),
    (
        "bincim_weight_loader",
        &[
            "Layers=1 Words=1 TileWords=1 AddressWidth=1",
            "Layers=4 Groups=3 Blocks=2 Passes=5 Words=8 TileWords=6 AddressWidth=9",
            "Layers=2 Groups=2 Blocks=1 Passes=3 Planes=3 Words=2 TileWords=2 AddressWidth=7",
            "Layers=3 Groups=2 Blocks=2 Passes=1 Planes=4 Skips=1 Words=4 TileWords=1 AddressWidth=5",
            "Layers=1 Samples=1 Drawn=1 Words=1 TileWords=1 AddressWidth=1",
            "Layers=4 Samples=8 Drawn=1 Groups=3 Blocks=2 Passes=5 Words=8 TileWords=6 AddressWidth=9",
        ],
    ),
    (
        "bincim_layer_counter",
        &["Layers=1 Samples=1", "Layers=1 Samples=7", "Layers=5 Samples=1", "Layers=6 Samples=8"],
    ),
    ("bincim_most_register", &["Most=0", "Most=1 Shown=1", "Most=2", "Most=128 Shown=1", "Most=255"]),
    (
        "bincim_score_sum",
        &["Lanes=1 Width=1 Sum=1 Words=1", "Lanes=4 Width=7 Sum=10 Words=2", "Lanes=3 Width=9 Sum=9 Words=5"],
    ),
    ("bincim_flip_step", &["Last=0", "Last=1"]),
    ("bincim_weight_noise", &["Bits=1", "Bits=24 Blocks=1", "Bits=192"]),
    ("bincim_weight_sampler", &["Rows=1 Lanes=1 Bits=2", "Rows=8 Lanes=4 Bits=4", "Rows=3 Lanes=5 Bits=8"]),
    (
        "bincim_rotate",
        &[
            "Slots=2 Width=1",
            "Slots=2 Width=3 Up=1",
            "Slots=3 Width=8 Up=1",
            "Slots=5 Width=1",
            "Slots=8 Width=4",
            "Slots=9 Width=64 Up=1",
            "Slots=13 Width=2",
        ],
    ),
    (
        "bincim_row_driver",
        &[
            "Words=1 Word=1 Planes=1 RowEnable=0",
            "Words=2 Word=8 Planes=1 RowEnable=1",
            "Words=3 Word=4 Planes=8 RowEnable=0",
            "Words=9 Word=16 Planes=4 RowEnable=1",
        ],
    ),
    (
        "bincim_rom",
        &[
            "Width=1 Depth=1 InitFile=\"rom_1_1.hex\"",
            "Width=8 Depth=2 InitFile=\"rom_8_2.hex\" Style=\"block\"",
            "Width=37 Depth=33 InitFile=\"rom_37_33.hex\" Style=\"registers\"",
            "Width=300 Depth=100 InitFile=\"rom_300_100.hex\"",
        ],
    ),
    (
        "bincim_score_buffer",
        &[
            "Lanes=1 Width=1 Signed=0 StreamWidth=1 Groups=1 Pixels=1",
            "Lanes=4 Width=8 Signed=1 StreamWidth=8 Groups=1 Pixels=1",
            "Lanes=3 Width=5 Signed=0 StreamWidth=8 Groups=4 Pixels=1",
            "Lanes=4 Width=7 Signed=1 StreamWidth=8 Groups=1 Pixels=9",
            "Lanes=5 Width=9 Signed=1 StreamWidth=16 Groups=3 Pixels=7",
            "Lanes=8 Width=1 Signed=0 StreamWidth=1 Groups=2 Pixels=2",
        ],
    ),
    (
        "bincim_state",
        &[
            "Lanes=1 Sum=1 Total=1 Depth=1 Signed=0",
            "Lanes=4 Sum=8 Total=10 Depth=16 Signed=0 Pools=1",
            "Lanes=3 Sum=5 Total=5 Depth=1 Signed=1",
            "Lanes=2 Sum=9 Total=11 Depth=33 Signed=1 Pools=1",
            "Lanes=2 Sum=5 Total=8 Depth=0 Signed=0 Multiplier=2 Offset=1 Entries=1 InitFile=\"s1.hex\"",
            "Lanes=3 Sum=9 Total=6 Depth=7 Signed=0 Multiplier=8 Offset=20 Shift=4 Entries=5 InitFile=\"s2.hex\"",
            "Lanes=2 Sum=4 Total=12 Depth=9 Signed=1 Multiplier=9 Offset=3 Shift=3 Entries=4 Pools=1 Kept=7 InitFile=\"s3.hex\"",
            "Lanes=2 Sum=7 Total=8 Depth=12 Signed=1 Multiplier=5 Offset=6 Shift=2 Entries=6 Pools=1 Stride=1 Narrow=1 \
             InitFile=\"s4.hex\"",
            "Lanes=1 Sum=6 Total=9 Depth=5 Signed=0 Multiplier=3 Offset=4 Shift=1 Entries=3 Stride=2 Narrow=1 \
             InitFile=\"s5.hex\"",
            "Lanes=3 Sum=9 Total=10 Depth=7 Signed=1 Multiplier=8 Offset=20 Shift=4 Entries=5 Kept=9 Unit=12 Rectifies=1 \
             InitFile=\"s6.hex\"",
            "Lanes=1 Sum=4 Total=12 Depth=0 Signed=0 Multiplier=3 Offset=2 Entries=2 Unit=1 InitFile=\"s7.hex\"",
        ],
    ),
];

/// Modules without a bench of their own: the co-simulation holds every cycle of their ports to a model
/// (`templates/verif/registers.h`, `streams.h`, `engine.h`), or every vector that they let through and its cycle.
const CO_SIMULATED: &[&str] = &[
    "bincim_analog_pipe",
    "bincim_array_analog",
    "bincim_array_draw",
    "bincim_array_reader",
    "bincim_array_segment",
    "bincim_code_value",
    "bincim_column_adc",
    "bincim_column_cells",
    "bincim_column_noise",
    "bincim_draw_turn",
    "bincim_drive_reference",
    "bincim_flip_step",
    "bincim_input_frames",
    "bincim_input_stream",
    "bincim_input_vector",
    "bincim_input_window",
    "bincim_layer_counter",
    "bincim_loader",
    "bincim_most_register",
    "bincim_registers",
    "bincim_place",
    "bincim_score_sum",
    "bincim_score_buffer",
    "bincim_state",
    "bincim_state_level",
    "bincim_store",
    "bincim_support_mask",
    "bincim_table",
    "bincim_walk_counter",
    "bincim_weight_loader",
    "bincim_weight_noise",
    "bincim_weight_sampler",
];

fn settings(text: Settings) -> Vec<(&'static str, &'static str)> {
    text.split(' ').map(|setting| setting.split_once('=').expect("Name=value")).collect()
}

fn rtl() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("templates/rtl")
}

fn file(module: &Module) -> PathBuf {
    rtl().join(module.room).join(format!("{}.v", module.name))
}

/// A folder with the images that read-only memories of the matrix ask for.
fn images() -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    for setting in MATRIX.iter().flat_map(|(_, all)| *all) {
        let of = |name| settings(setting).into_iter().find(|set| set.0 == name).map(|set| set.1);
        let Some(image) = of("InitFile") else { continue };
        let number = |name| of(name).map(|text| text.parse::<usize>().expect("a number"));
        let steps = number("Steps").unwrap_or(1);
        let of_lanes = || Some(number("Lanes")? * (steps * number("Threshold")? + number("Flips")?));
        let of_scales = || Some(number("Lanes")? * (number("Multiplier")? + number("Offset")?));
        let width = number("Width").or_else(of_lanes).or_else(of_scales).or_else(|| number("Count"));
        let width = width.expect("a width");
        let of_codes = || Some(number("Layers").unwrap_or(1).next_power_of_two() << number("Code")?);
        let depth = number("Entries").or_else(|| number("Depth")).or_else(of_codes).expect("a depth");
        let mut state = (width * 1000 + depth) as u64;
        let mut text = String::new();
        for _ in 0..depth {
            let mut left = width;
            let mut word = String::new();
            while left > 0 {
                state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                let bits = if left.is_multiple_of(4) { 4 } else { left % 4 };
                word += &format!("{:x}", (state >> 33) & ((1 << bits) - 1));
                left -= bits;
            }
            text += &format!("{word}\n");
        }
        fs::write(folder.path().join(image.trim_matches('"')), text).expect("an image");
    }
    folder
}

#[test]
fn the_list_is_what_lies_there() {
    let mut listed: Vec<String> =
        MODULES.iter().map(|module| format!("{}/{}.v", module.room, module.name)).collect();
    let mut there = Vec::new();
    for room in fs::read_dir(rtl()).unwrap().map(|entry| entry.unwrap()).filter(|entry| entry.path().is_dir())
    {
        for entry in fs::read_dir(room.path()).unwrap() {
            let name = entry.unwrap().file_name().into_string().unwrap();
            there.push(format!("{}/{name}", room.file_name().to_str().unwrap()));
        }
    }
    listed.sort();
    there.sort();
    assert_eq!(listed, there);
    let named: BTreeSet<&str> = MODULES.iter().map(|module| module.name).collect();
    let tried: BTreeSet<&str> = MATRIX.iter().map(|(name, _)| *name).collect();
    assert_eq!(named, tried, "every module has its row in the matrix");
}

#[test]
fn every_file_is_one_plain_module_with_its_contract() {
    for Module { name, text, .. } in MODULES {
        for directive in ["//%", "<:", ":>"] {
            assert!(!text.contains(directive), "{name}: `{directive}` belongs to templates");
        }
        let modules: Vec<&str> = text.lines().filter(|line| line.starts_with("module ")).collect();
        assert_eq!(modules, [format!("module {name} #(")], "one module, with the file's name");
        let header = text.split("`default_nettype none").next().unwrap();
        for word in ["// Parameters: ", "// Latency: ", "// Reset: ", "// Protocol: "] {
            assert!(header.contains(word), "{name}: its header lacks `{word}`");
        }
        for line in text.lines() {
            let tidy =
                line.len() <= 100 && line.trim_end() == line && line.is_ascii() && !line.contains('\t');
            assert!(tidy, "{name}: {line:?}");
        }
        assert!(text.ends_with("endmodule\n\n`default_nettype wire\n"), "{name}");
    }
}

#[test]
fn verilator_takes_every_module_without_a_word() {
    let Some(verilator) = tools::need(Tool::Verilator) else { return };
    each(|module, set, folder| {
        let sets: Vec<String> =
            settings(set).iter().map(|(name, value)| format!("-G{name}={value}")).collect();
        let output = tools::command(&verilator, folder)
            .args(["--lint-only", "-Wall", "--quiet", "--top-module", module])
            .args(&sets)
            .args(MODULES.iter().map(file))
            .output()
            .unwrap();
        let said =
            String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
        // The library's other modules are tops of their own to the tool.
        assert!(output.status.success() && said.is_empty(), "{module} {set}:\n{said}");
    });
}

#[test]
fn icarus_takes_every_module_without_a_word() {
    let Some(icarus) = tools::need(Tool::Iverilog) else { return };
    each(|module, set, folder| {
        let sets: Vec<String> =
            settings(set).iter().map(|(name, value)| format!("-P{module}.{name}={value}")).collect();
        let output = tools::command(&icarus, folder)
            .args(["-g2005", "-Wall", "-o", "out.vvp", "-s", module])
            .args(&sets)
            .args(MODULES.iter().map(file))
            .output()
            .unwrap();
        let said =
            String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success() && said.is_empty(), "{module} {set}:\n{said}");
    });
}

#[test]
fn yosys_takes_every_module_without_a_warning() {
    let Some(yosys) = tools::need(Tool::Yosys) else { return };
    let (clean, said) = yosys_checks(&yosys, &|_| true, &|_, text| text);
    assert!(clean, "{said}");
}

/// The check of the test above sees what it is for, below any setting of the parameters.
#[test]
fn yosys_finds_a_loop_and_a_second_driver() {
    let Some(yosys) = tools::need(Tool::Yosys) else { return };
    let assigned = "assign bit_o = pooled ^ {Steps{flip_after}};";
    for (module, find, replace, says) in [
        ("bincim_threshold", "pooled = pool_q | result;", "pooled = pooled | result;", "logic loop"),
        ("bincim_state", "? largest_before : own;", "? largest[lane*Total +: Total] : own;", "logic loop"),
        ("bincim_threshold", assigned, &format!("{assigned} assign bit_o = pool_q;"), "conflicting drivers"),
    ] {
        let planted = |name: &str, text: String| match name == module {
            true => {
                assert_eq!(text.matches(find).count(), 1, "{module}: `{find}`");
                text.replace(find, replace)
            }
            false => text,
        };
        let (clean, said) = yosys_checks(&yosys, &|name| name == module, &planted);
        assert!(!clean && said.contains(says), "{module}: `{replace}`\n{said}");
    }
}

/// Whether Yosys elaborates and checks the modules that `chosen` takes, with each of their settings, without a warning,
/// and what it says; `change` has the text of every module before.
fn yosys_checks(
    yosys: &Found,
    chosen: &dyn Fn(&str) -> bool,
    change: &dyn Fn(&str, String) -> String,
) -> (bool, String) {
    let folder = images();
    for module in MODULES {
        let text = change(module.name, fs::read_to_string(file(module)).unwrap());
        fs::write(folder.path().join(format!("{}.v", module.name)), text).unwrap();
    }
    let files: Vec<String> = MODULES.iter().map(|module| format!("{}.v", module.name)).collect();
    let mut script = format!("read_verilog {}\ndesign -save library\n", files.join(" "));
    for (module, sets) in MATRIX.iter().filter(|(module, _)| chosen(module)) {
        for set in *sets {
            let sets: Vec<String> = settings(set)
                .iter()
                .map(|(name, value)| format!("-chparam {name} {}", number(value)))
                .collect();
            script += &format!(
                "design -load library\nlog -stderr {module} {set}\nhierarchy -check -top {module} {}\nproc\n\
                 check -assert\n",
                sets.join(" ")
            );
        }
    }
    fs::write(folder.path().join("all.ys"), script).unwrap();
    let output = tools::command(yosys, folder.path()).args(["-q", "-s", "all.ys"]).output().unwrap();
    let said =
        String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    (output.status.success() && !said.contains("Warning"), said)
}

/// A value as a number: Yosys takes no text there.
fn number(value: &str) -> String {
    let Some(text) = value.strip_prefix('"').and_then(|text| text.strip_suffix('"')) else {
        return value.into();
    };
    let digits: String = text.bytes().map(|byte| format!("{byte:02x}")).collect();
    format!("{}'h{digits}", 8 * text.len())
}

/// Calls `try_one` with every module and each of its settings, in a folder with the images.
fn each(try_one: impl Fn(&str, Settings, &Path)) {
    let folder = images();
    for (module, sets) in MATRIX {
        for set in *sets {
            try_one(module, set, folder.path());
        }
    }
}

/// Every module of the matrix against its model in `tests/hardware/library/bench_*.v`, all in one simulation.
#[test]
fn every_module_does_what_its_model_does() {
    if !tools::present("simulation of the library", &[Tool::Iverilog, Tool::Vvp]) {
        return;
    }
    let (said, benches) = simulate(&|_| true, &|_, text| text.to_string());
    let wrong: Vec<&str> = said.lines().filter(|line| !line.starts_with("DONE")).collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
    assert_eq!(said.lines().count(), benches);
}

/// One bug in each module is noticed: the models look at what they should.
#[test]
fn bugs_in_the_library_are_noticed() {
    if !tools::present("simulation of the library", &[Tool::Iverilog, Tool::Vvp]) {
        return;
    }
    const BUGS: &[(&str, &str, &str)] = &[
        ("bincim_ram_1r1w", "if (write_i[part])", "if (write_i[0])"),
        ("bincim_ram_1r1w", "if (read_i) read_data_q", "read_data_q"),
        ("bincim_ram_1r1w", "<= write_data_i[part*PART +: PART]", "<= write_data_i[0 +: PART]"),
        ("bincim_rom", "if (read_i) data_q", "data_q"),
        ("bincim_rom", "data_q <= memory_q[address_i]", "data_q <= ~memory_q[address_i]"),
        ("bincim_rotate", "Slots - (1 << stage)", "(1 << stage)"),
        ("bincim_rotate", "amount_i[stage]", "amount_i[0]"),
        ("bincim_counter", "(value_q == last_i)", "(next == last_i)"),
        ("bincim_counter", "value_q <= last_o ? ZERO : next", "value_q <= next"),
        ("bincim_counter", "else if (clear_i)", "else if (clear_i & !step_i)"),
        (
            "bincim_threshold",
            "$signed(wide_sum) >= $signed(wide_threshold)",
            "$signed(wide_sum) > $signed(wide_threshold)",
        ),
        ("bincim_threshold", "group_q + first_entry_i", "group_q"),
        ("bincim_threshold", "bit_q <= reached ^ (flip & !turns_after)", "bit_q <= reached ^ flip"),
        ("bincim_threshold", "scores_i ? wide << ScoreShift : wide", "wide"),
        ("bincim_threshold", "threshold[step*Threshold +: Threshold]", "threshold[0 +: Threshold]"),
        (
            "bincim_threshold",
            "if (step == 0 && lane < ScoreLanes)",
            "if (step == Steps - 1 && lane < ScoreLanes)",
        ),
        ("bincim_threshold", "entries[lane*ENTRY + Steps*Threshold]", "entries[lane*ENTRY + Threshold - 1]"),
        (
            "bincim_threshold",
            "pooled ^ {Steps{flip_after}}",
            "pooled ^ {{(Steps-1)*Lanes{1'b0}}, flip_after}",
        ),
        ("bincim_threshold", "result_window_last_i ? NONE : pooled", "pooled"),
        ("bincim_level_code", "bit_i[step*Lanes + lane]", "bit_i[lane*Steps + step]"),
        ("bincim_level_code", "toggle_i[plane*Steps +: Steps]", "toggle_i[0 +: Steps]"),
        ("bincim_level_code", "^(met &", "|(met &"),
        ("bincim_accumulator", "sum_address_q <= count_address_q", "sum_address_q <= fetch_address_q"),
        ("bincim_accumulator", "in_register_i ? sum_q : stored", "stored"),
        ("bincim_accumulator", "stored_valid_i & !in_register_i", "stored_valid_i & in_register_i"),
        ("bincim_accumulator", "(Stages-1)*Driven +: Driven", "0 +: Driven"),
        ("bincim_accumulator", "{Sum{(Signed != 0) & own_count[Count-1]}}", "{Sum{1'b0}}"),
        ("bincim_accumulator", "product << scale_i", "product"),
        ("bincim_accumulator", "{Sum{lanes_i[lane]}} & scaled", "scaled"),
        ("bincim_write_back", "part_q <= turned", "part_q <= part_q + 0 * turned"),
        ("bincim_write_back", "write_part_q | {Parts{write_part_q[0]}}", "write_part_q"),
        ("bincim_write_back", "(left_q > PLACE)", "(left_q >= PLACE)"),
        ("bincim_write_back", "{{AddressWidth-1{1'b0}}, wrapped[place]}", "{AddressWidth{1'b0}}"),
        ("bincim_write_back", "{{AddressWidth-1{1'b0}}, wraps}", "{AddressWidth{1'b0}}"),
        ("bincim_write_back", "first_bank_q <= bank_next", "first_bank_q <= bank_q"),
        ("bincim_write_back", "in_row ? step_column_address_i", "1'b1 ? step_column_address_i"),
        ("bincim_write_back", "to_map_q <= to_map_i", "to_map_q <= 1'b1"),
        ("bincim_write_back", "bit_q[plane*Lanes +: Lanes] & {Lanes", "bit_q[0 +: Lanes] & {Lanes"),
        (
            "bincim_write_back",
            "write_data_o[plane*Banks*Word +:",
            "write_data_o[(Bits-1-plane)*Banks*Word +:",
        ),
        ("bincim_tile_counter", "pass_last_i ? first_pass_i : next_pass_i", "next_pass_i"),
        (
            "bincim_tile_counter",
            "(plane_q == layer_last_plane_i) | (plane_q == last_plane_i)",
            "(plane_q == last_plane_i)",
        ),
        ("bincim_tile_counter", "last_o ? FIRST_PASS : pass_last_i", "pass_last_i"),
        ("bincim_tile_counter", "if (step_i & pass_last_o) plane_q", "if (pass_last_o) plane_q"),
        ("bincim_place", "else if (block_end_i) first_q", "else if (step_i) first_q"),
        ("bincim_place", "if (start_i) first_q <= origin_i", "if (start_i) first_q <= next_i"),
        ("bincim_gather", ".amount_i(door_bank_q)", ".amount_i(read_bank_q)"),
        ("bincim_gather", "door_bit_q <= read_bit_q;", "door_bit_q <= bit_i;"),
        ("bincim_gather", "read_data_i[plane*Banks*Word +:", "read_data_i[0 +:"),
        ("bincim_gather", "plane = 1; plane < Bits;", "plane = 1; plane < 2;"),
        ("bincim_gather", "door_partial_q[slot] ? channel_mask_i", "1'b0 ? channel_mask_i"),
        ("bincim_gather", "if (read_driven_q[term])", "if (read_live_q[term])"),
        ("bincim_inside", "(at < size_i)", "(at <= size_i)"),
        ("bincim_inside", "!at[Coordinate-1]", "!at[0]"),
        ("bincim_walk_counter", "count_i ? counted : value", "counted"),
        ("bincim_walk", "(Rows != 0) & column_last", "column_last"),
        ("bincim_walk", "(Returns != 0) | !back_i", "1'b1 | !back_i"),
        ("bincim_walk", "wraps ? turn_i", "!wraps ? turn_i"),
        ("bincim_sequencer", "wire tile_end = bit_end & bit_last;", "wire tile_end = bit_end;"),
        ("bincim_sequencer", "= pixel_first & bit_first;", "= pixel_first;"),
        ("bincim_sequencer", "tiles_first & bit_first & (", "tiles_first & ("),
        ("bincim_sequencer", "wire bits_last = bit_last & tiles_last;", "wire bits_last = tiles_last;"),
        ("bincim_sequencer", "pixel_last & !bits_last;", "pixel_last & !tiles_last;"),
        ("bincim_sequencer", ".last_i(last_bit_i)", ".last_i({BitWidth{1'b1}})"),
        ("bincim_row_driver", "row_q >> ROWS", "row_q >> 1"),
        ("bincim_row_driver", "map_driven_i | {Words{from_input_i}}", "map_driven_i"),
        ("bincim_map_memory", "bank % WritePorts", "0"),
        ("bincim_map_memory", "(plane*WritePorts + PORT)", "(PORT)"),
        ("bincim_map_memory", "(part * Bits + plane) * PART", "(plane * Parts + part) * PART"),
        (
            "bincim_map_memory",
            "read_address_i[bank*AddressWidth +: AddressWidth]",
            "read_address_i[0 +: AddressWidth]",
        ),
    ];
    for (module, before, after) in BUGS {
        // The parts of a walk are seen by its bench.
        let seen_by =
            if ["bincim_place", "bincim_walk_counter"].contains(module) { "bincim_walk" } else { module };
        let (said, _) = simulate(&|name| name == seen_by, &|name, text| match name == *module {
            true => {
                assert_eq!(text.matches(before).count(), 1, "{module}: {before}");
                text.replace(before, after)
            }
            false => text.to_string(),
        });
        assert!(said.contains("FAIL"), "{module}: nobody noticed `{after}`");
    }
}

/// What the benches of the modules `of` print, and how many they are; `change` is (module, text) to the text simulated.
fn simulate(of: &dyn Fn(&str) -> bool, change: &dyn Fn(&str, &str) -> String) -> (String, usize) {
    let folder = images();
    let mut files = Vec::new();
    for module in MODULES {
        let name = format!("{}.v", module.name);
        fs::write(folder.path().join(&name), change(module.name, module.text)).unwrap();
        files.push(PathBuf::from(name));
    }
    let mut top = String::from("module benches;\n");
    let mut benches = 0;
    for (module, sets) in MATRIX.iter().filter(|(module, _)| of(module) && !CO_SIMULATED.contains(module)) {
        let bench = module.replace("bincim_", "bench_");
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/hardware/library/{bench}.v"));
        files.push(source);
        for set in *sets {
            let parameters: Vec<String> =
                settings(set).iter().map(|(name, value)| format!(".{name}({value})")).collect();
            benches += 1;
            top += &format!("  {bench} #({}, .Seed({benches})) bench_{benches} ();\n", parameters.join(", "));
        }
    }
    fs::write(folder.path().join("benches.v"), top + "endmodule\n").unwrap();
    files.push(PathBuf::from("benches.v"));
    let (compiled, log) = (folder.path().join("benches.vvp"), folder.path().join("log"));
    icarus::compile(&files, "benches", Level::Verilog2005, folder.path(), &compiled, &log)
        .unwrap_or_else(|error| panic!("{error}: {}", fs::read_to_string(&log).unwrap_or_default()));
    let ran = icarus::simulate(&compiled, &[], folder.path(), &log, Duration::from_secs(300)).unwrap();
    assert_eq!(ran.code, 0, "{}", ran.stdout);
    (ran.stdout, benches)
}

/// The first random network of several layers within the limits that fits a machine; where sums may bypass layers, some do.
fn accelerator([rows, lanes, word]: [usize; 3], change: fn(&mut Arch), limits: &Limits) -> Design {
    let mut arch = ArchFile::default().with("generic", rows, lanes, word, rows / 2, 16);
    change(&mut arch);
    let networks = (0..200).map(|seed| {
        let mut network = random::network(seed, limits);
        align_shortcuts(&mut network);
        network
    });
    let deep = networks.filter(|network| network.layers.len() > 2);
    let mut designs = deep.filter_map(|network| design::build(&network, &arch).ok());
    designs
        .find(|design| {
            (!limits.shortcuts || design.kept_entries() > 0)
                && design.scales().is_some() == limits.states
                && (design.map_bits() > 1) == (limits.steps > 1)
                && (design.level().is_some() || limits.steps < 255)
        })
        .expect("this machine holds some network")
}

/// What a machine holds that such a network is loaded into.
fn loadable(size: [usize; 3], limits: &Limits) -> Design {
    let design = accelerator(size, |arch| arch.load = Load::Loadable, limits);
    Machine::of(&[design.network], &design.arch).expect("it can be loaded").capacity
}

/// The same of a network whose weights are drawn.
fn drawn([rows, lanes, word]: [usize; 3], kind: ReadoutKind) -> Design {
    let mut arch = ArchFile::default().with("generic", rows, lanes, word, rows / 2, 16);
    arch.readout.kind = kind;
    let networks =
        (0..200).map(|seed| random::with_flips(random::network(seed, &Limits::default()), 4, seed));
    let mut designs = networks.filter_map(|network| design::build(&network, &arch).ok());
    designs.find(|design| design.ensemble.is_some()).expect("this machine holds some network")
}

/// Converters of raw currents, with noise.
fn converters(arch: &mut Arch) {
    arch.readout.kind = ReadoutKind::Adc;
    arch.readout.noise = 3.0 * arch.readout.noise_step();
    arch.variation.cell.kind = CellKind::Offset;
    arch.readout.cell_bits += 2;
}

fn sense_amplifiers(arch: &mut Arch) {
    arch.readout.kind = ReadoutKind::Sense;
}

/// Different designs hold the library's files byte for byte, and list those that they instantiate.
#[test]
fn designs_share_the_files_byte_for_byte() {
    let mut everywhere = vec![0; MODULES.len()];
    let plain = Limits::default();
    let dense = Limits { side: 1, kernel: 1, ..plain };
    let shortcuts = Limits { shortcuts: true, ..plain };
    let states = Limits { states: true, ..shortcuts };
    let state_levels = Limits { steps: 255, ..states };
    let supports = Limits { planes: 3, ..plain };
    let levels = Limits { steps: 7, ..plain };
    let designs = [
        accelerator([32, 8, 8], |_| (), &plain),
        accelerator([64, 16, 4], |arch| arch.segment = 4, &dense),
        accelerator([16, 4, 16], |arch| arch.segment = 2, &shortcuts),
        accelerator([32, 16, 8], |_| (), &shortcuts),
        accelerator([32, 8, 4], |_| (), &states),
        accelerator([32, 8, 8], |_| (), &state_levels),
        accelerator([16, 4, 8], |_| (), &state_levels),
        accelerator([32, 8, 8], |_| (), &supports),
        accelerator([16, 16, 8], |_| (), &supports),
        accelerator([32, 8, 8], converters, &plain),
        accelerator([16, 4, 8], converters, &dense),
        accelerator([16, 4, 4], sense_amplifiers, &dense),
        accelerator([32, 8, 8], |_| (), &levels),
        accelerator([16, 8, 4], |_| (), &levels),
        drawn([32, 8, 8], ReadoutKind::Popcount),
        drawn([16, 4, 4], ReadoutKind::Popcount),
        drawn([32, 8, 8], ReadoutKind::Sample),
        drawn([16, 4, 4], ReadoutKind::Sample),
        loadable([32, 8, 8], &plain),
        loadable([16, 4, 4], &dense),
    ];
    for design in &designs {
        let files = emit::accelerator(design, None);
        let list = &files.iter().find(|file| file.name == "files.f").expect("the list").text;
        for (module, count) in MODULES.iter().zip(&mut everywhere) {
            let name = format!("{}.v", module.name);
            let instantiated = files.iter().any(|file| file.text.contains(&format!("{} #(", module.name)));
            let held = files.iter().find(|file| file.name == name);
            assert_eq!(held.is_some(), instantiated, "{name}");
            assert_eq!(list.lines().any(|line| line == name), instantiated, "{name}");
            if let Some(held) = held {
                assert_eq!(held.text, module.text, "{name}");
                *count += 1;
            }
        }
    }
    let rare: Vec<&str> = MODULES
        .iter()
        .zip(everywhere)
        .filter(|(_, count)| *count < 2)
        .map(|(module, _)| module.name)
        .collect();
    assert!(rare.is_empty(), "{rare:?}");
}
