//! The FPGA devices and boards that the open flow reaches, as records read from `constraints/`.
//!
//! The tables are part of the program; nothing is read from disk at run time. A figure's source
//! stands beside it.

use serde::Deserialize;
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
    /// The board; none for a device that is for synthesis figures only.
    #[serde(default)]
    pub board: Option<Board>,
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

/// A name that is no device's; its text lists the ones that are.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error, miette::Diagnostic)]
#[error("no device `{name}`")]
#[diagnostic(code(arch::no_such_device), help("the devices are: {known}"))]
pub struct NoSuchDevice {
    /// The name asked for.
    pub name: String,
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

/// Finds a device by its name on the command line.
///
/// Errors: [`NoSuchDevice`], which lists the known names.
pub fn find(name: &str) -> Result<&'static Device, NoSuchDevice> {
    all()
        .iter()
        .find(|device| device.name == name)
        .ok_or_else(|| NoSuchDevice { name: name.to_string(), known: names().join(", ") })
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
}

static DEVICES: LazyLock<Vec<Device>> = LazyLock::new(|| {
    let parse = |(name, text): &(&str, &str)| match toml::from_str::<Table>(text) {
        Ok(table) => table.device,
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
        assert_eq!(error.to_string(), "no device `up6k`");
        assert!(error.known.starts_with("up5k, hx8k, hx1k, ecp5-12, ecp5-25"), "{}", error.known);
        assert_eq!(find("up5k").unwrap().bram_bits * find("up5k").unwrap().brams, 122_880);
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
