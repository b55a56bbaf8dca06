//! The FPGA devices and boards that the open flow reaches, as records read from `constraints/`.
//!
//! The tables are part of the program; nothing is read from disk at run time. A figure's source
//! stands beside it.

use crate::suggest;
use serde::Deserialize;
use std::collections::BTreeSet;
use std::fmt;
use std::sync::LazyLock;

/// One device, with the board it is met on.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Device {
    /// Name on the command line, such as `up5k`.
    pub name: String,
    /// Which tools build for it.
    pub family: DeviceFamily,
    /// The maker's part number.
    pub part: String,
    /// Extra arguments of the synthesis command.
    #[serde(default)]
    pub synth: Vec<String>,
    /// Device arguments of place and route; empty where there is none.
    #[serde(default)]
    pub route: Vec<String>,
    /// Arguments of the bitstream packer.
    #[serde(default)]
    pub pack: Vec<String>,
    /// Inputs of one look-up table: 4 or 6.
    pub lut_inputs: u32,
    /// Look-up tables.
    pub luts: u64,
    /// Flip-flops.
    pub ffs: u64,
    /// Block memories.
    pub brams: u64,
    /// Bits of one block memory.
    pub bram_bits: u64,
    /// Depth and width of one block memory, every way it can be set.
    pub bram_shapes: Vec<[u64; 2]>,
    /// Large single-port memories without initial content.
    #[serde(default)]
    pub sprams: u64,
    /// Bits of one of them.
    #[serde(default)]
    pub spram_bits: u64,
    /// Depth and width of one of them.
    #[serde(default)]
    pub spram_shapes: Vec<[u64; 2]>,
    /// Multiplier blocks.
    pub dsps: u64,
    /// Clock in MHz that engines on this device reach with room to spare: taken where a design names none.
    pub engine_mhz: f64,
    /// Where the figures come from.
    pub source: String,
    /// What place and route was seen to do on this device or one of its kind.
    #[serde(skip)]
    pub measured: Vec<Measured>,
    /// The board; none for a device that is for synthesis figures only.
    #[serde(default)]
    pub board: Option<Board>,
}

/// A run of place and route whose result is known.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Measured {
    /// The device of the run.
    pub on: String,
    /// Devices that it speaks for: those of the same fabric and speed.
    pub devices: Vec<String>,
    /// The network.
    pub network: String,
    /// Rows and columns of its array.
    pub rows: usize,
    pub columns: usize,
    /// Whether it could be placed and routed.
    pub routed: bool,
    /// Clock that was asked for and met, MHz.
    pub clock_mhz: Option<f64>,
    /// Clock that was reached, MHz.
    pub fmax_mhz: Option<f64>,
    /// Where the run is told.
    pub source: String,
}

/// A board that carries a device.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Board {
    /// Name in file names, such as `icebreaker`; the wrapper is `board/<name>_top.v`.
    pub name: String,
    /// Name in texts.
    pub title: String,
    /// Frequency of the oscillator on `clk_i`, MHz.
    pub clock_mhz: f64,
    /// Whether a button drives `rst_ni`; without one the wrapper resets itself at power-up.
    pub reset_pin: bool,
    /// Whether `clk_i` sits on the pad of the PLL, which then takes it for itself.
    #[serde(default)]
    pub pll_on_pad: bool,
    /// Whether the LED is lit when its pin is low.
    #[serde(default)]
    pub led_active_low: bool,
    /// File name of the pin constraints.
    pub pins: String,
    /// What turns the serial line into USB.
    pub converter: String,
    /// The fastest rate that it holds, bits a second, where 3,000,000 is the most that is asked of any.
    pub most_baud: u64,
    /// Whether the serial line reaches the registers; a device that has no room for that gets a line for frames alone.
    #[serde(default = "yes")]
    pub registers: bool,
    /// What programs the board.
    pub loader: Loader,
}

fn yes() -> bool {
    true
}

/// The program that brings a bitstream onto a board, and its words.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Loader {
    /// The program's name.
    pub tool: String,
    /// Its arguments before the bitstream.
    pub args: Vec<String>,
    /// The option behind which it takes the name of one board of several.
    pub which: String,
}

/// The families of devices.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum DeviceFamily {
    /// Lattice iCE40.
    Ice40,
    /// Lattice ECP5.
    Ecp5,
    /// Gowin LittleBee.
    Gowin,
    /// AMD 7 series.
    Xilinx,
}

/// A name that is no device's and no board's; its text lists the ones that are.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error, miette::Diagnostic)]
#[error("{what}")]
#[diagnostic(code(arch::no_such_device), help("the devices are: {known}"))]
pub struct NoSuchDevice {
    /// What is wrong with the name.
    pub what: String,
    /// The known names, separated by commas.
    pub known: String,
}

impl Device {
    /// The number of block memories that a memory of `depth` words of `width` bits takes, in the
    /// shape that takes the fewest; 0 for an empty memory.
    pub fn brams_for(&self, depth: u64, width: u64) -> u64 {
        let fewest = self.bram_shapes.iter().map(|[d, w]| depth.div_ceil(*d) * width.div_ceil(*w));
        fewest.min().unwrap_or(0)
    }
}

impl Board {
    /// The text of the pin constraints, for ports `clk_i`, `rst_ni`, `uart_rx_i`, `uart_tx_o`, `led_o`.
    pub fn constraints(&self) -> Option<&'static str> {
        PINS.iter().find(|(name, _)| *name == self.pins).map(|(_, text)| *text)
    }
}

impl DeviceFamily {
    /// Name by which the popcount trees know the family.
    pub fn key(self) -> &'static str {
        match self {
            Self::Ice40 => "ice40",
            Self::Ecp5 => "ecp5",
            Self::Gowin => "gowin",
            Self::Xilinx => "xilinx7",
        }
    }
}

impl fmt::Display for DeviceFamily {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str(match self {
            Self::Ice40 => "iCE40",
            Self::Ecp5 => "ECP5",
            Self::Gowin => "Gowin",
            Self::Xilinx => "Xilinx 7",
        })
    }
}

/// Finds a device by its name on the command line, or by that of its board (`icebreaker`, `Tang Nano 9K`).
///
/// Errors: [`NoSuchDevice`], which lists the known names; a board that comes with several devices is one.
pub fn find(name: &str) -> Result<&'static Device, NoSuchDevice> {
    let plain = |text: &str| text.to_lowercase().replace(['-', '_', ' '], "");
    let asked = plain(name);
    if let Some(device) = all().iter().find(|device| plain(&device.name) == asked) {
        return Ok(device);
    }
    let boards = || all().iter().filter_map(|device| Some((device, device.board.as_ref()?)));
    // A maker's name before the board's may be left out.
    let is_board = |board: &Board| plain(&board.name) == asked || plain(&board.title).ends_with(&asked);
    let found: Vec<&Device> =
        boards().filter(|(_, board)| asked.len() > 3 && is_board(board)).map(|(device, _)| device).collect();
    let names = || found.iter().map(|device| device.name.as_str()).collect::<Vec<_>>().join(", ");
    let what = match found[..] {
        [device] => return Ok(device),
        [] => {
            let known = all().iter().map(|device| device.name.as_str());
            let known = known.chain(boards().map(|(_, board)| board.name.as_str()));
            format!("no device `{}`{}", name.escape_debug(), suggest::hint(name, known))
        }
        _ => format!("the board `{name}` comes with several devices: {}", names()),
    };
    let boards: BTreeSet<&str> = boards().map(|(_, board)| board.name.as_str()).collect();
    let boards = boards.into_iter().collect::<Vec<_>>().join(", ");
    Err(NoSuchDevice { what, known: format!("{}; or their boards: {boards}", self::names().join(", ")) })
}

/// Every device, by family and size.
pub fn all() -> &'static [Device] {
    &DEVICES
}

/// The names of all devices.
pub fn names() -> Vec<&'static str> {
    all().iter().map(|device| device.name.as_str()).collect()
}

const TABLES: [(&str, &str); 4] = [
    ("ice40.toml", include_str!("../../constraints/ice40.toml")),
    ("ecp5.toml", include_str!("../../constraints/ecp5.toml")),
    ("gowin.toml", include_str!("../../constraints/gowin.toml")),
    ("xilinx.toml", include_str!("../../constraints/xilinx.toml")),
];

const PINS: [(&str, &str); 5] = [
    ("icebreaker.pcf", include_str!("../../constraints/icebreaker.pcf")),
    ("hx8k_b_evn.pcf", include_str!("../../constraints/hx8k_b_evn.pcf")),
    ("icestick.pcf", include_str!("../../constraints/icestick.pcf")),
    ("ulx3s.lpf", include_str!("../../constraints/ulx3s.lpf")),
    ("tang_nano_9k.cst", include_str!("../../constraints/tang_nano_9k.cst")),
];

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Table {
    device: Vec<Device>,
    #[serde(default)]
    measured: Vec<Measured>,
}

static DEVICES: LazyLock<Vec<Device>> = LazyLock::new(|| {
    let parse = |(name, text): &(&str, &str)| match toml::from_str::<Table>(text) {
        Ok(table) => {
            let of = |name: &str| -> Vec<Measured> {
                let runs =
                    table.measured.iter().filter(|run| run.devices.iter().any(|device| device == name));
                runs.cloned().collect()
            };
            let with = |device: Device| Device { measured: of(&device.name), ..device };
            table.device.into_iter().map(with).collect::<Vec<Device>>()
        }
        // Only a table changed in the sources gets here, and the tests read them all.
        Err(error) => panic!("constraints/{name}: {error}"),
    };
    TABLES.iter().flat_map(parse).collect()
});

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn every_table_reads_and_is_consistent() {
        let names: HashSet<_> = names().into_iter().collect();
        assert_eq!(names.len(), all().len(), "two devices of one name");
        for wanted in ["up5k", "hx8k", "hx1k", "ecp5-25", "ecp5-45", "ecp5-85", "gw1nr-9", "xc7a35t"] {
            assert!(names.contains(wanted), "{wanted}");
        }
        for device in all() {
            for [depth, width] in &device.bram_shapes {
                let bits = depth * width;
                // Shapes under nine bits wide leave the parity bits unused.
                assert!(
                    bits == device.bram_bits || bits * 9 == device.bram_bits * 8,
                    "{}: {depth}x{width}",
                    device.name
                );
            }
            for [depth, width] in &device.spram_shapes {
                assert_eq!(depth * width, device.spram_bits, "{}", device.name);
            }
            assert_eq!(device.route.is_empty(), device.board.is_none(), "{}", device.name);
            assert!(!device.source.is_empty() && [4, 6].contains(&device.lut_inputs), "{}", device.name);
        }
    }

    #[test]
    fn every_board_has_its_pins() {
        for board in all().iter().filter_map(|device| device.board.as_ref()) {
            let text = board.constraints().unwrap_or_else(|| panic!("{} has no pins", board.name));
            for port in ["clk_i", "uart_rx_i", "uart_tx_o", "led_o"] {
                assert!(text.contains(port), "{}: {port}", board.name);
            }
            assert_eq!(text.contains("rst_ni"), board.reset_pin, "{}", board.name);
        }
    }

    #[test]
    fn an_unknown_name_lists_the_known() {
        let error = find("up6k").unwrap_err();
        assert_eq!(error.to_string(), "no device `up6k`; did you mean `up5k`?");
        assert!(error.known.starts_with("up5k, hx8k, hx1k, ecp5-12, ecp5-25"), "{}", error.known);
        assert_eq!(find("up5k").unwrap().bram_bits * find("up5k").unwrap().brams, 122_880);
    }

    #[test]
    fn boards_stand_for_their_devices() {
        for (board, device) in [
            ("icebreaker", "up5k"),
            ("iCEBreaker", "up5k"),
            ("hx8k_b_evn", "hx8k"),
            ("tang-nano-9k", "gw1nr-9"),
            ("Sipeed Tang Nano 9K", "gw1nr-9"),
            ("icestick", "hx1k"),
            ("ULX3S-85F", "ecp5-85"),
            ("ECP5-85", "ecp5-85"),
        ] {
            assert_eq!(find(board).unwrap().name, device, "{board}");
        }
        let several = find("ulx3s").unwrap_err().to_string();
        assert!(several.ends_with("several devices: ecp5-12, ecp5-25, ecp5-45, ecp5-85"), "{several}");
        assert!(find("icebraker").unwrap_err().to_string().ends_with("did you mean `icebreaker`?"));
        assert!(find("9k").is_err() && find("").is_err());
    }

    #[test]
    fn measurements_speak_for_devices_that_are_there() {
        for device in all() {
            for run in &device.measured {
                assert!(run.devices.contains(&run.on) && run.devices.iter().all(|name| find(name).is_ok()));
                assert_eq!(run.clock_mhz.is_some(), run.routed, "{}", run.source);
                assert!(run.fmax_mhz.unwrap_or(f64::MAX) >= run.clock_mhz.unwrap_or(0.0), "{}", run.source);
            }
        }
        assert_eq!(find("ecp5-45").unwrap().measured.len(), 3);
        assert!(find("xc7a35t").unwrap().measured.is_empty(), "nothing is routed for it");
    }

    #[test]
    fn memories_take_the_fewest_blocks() {
        let up5k = find("up5k").unwrap();
        assert_eq!(up5k.brams_for(256, 16), 1);
        assert_eq!(up5k.brams_for(257, 16), 2);
        assert_eq!(up5k.brams_for(2048, 3), 2);
        assert_eq!(up5k.brams_for(0, 8), 0);
        assert_eq!(find("ecp5-25").unwrap().brams_for(512, 72), 2);
    }
}
