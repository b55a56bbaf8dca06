//! The settings of a device's PLL for a wanted clock, and the module that holds it.
//!
//! The result is the highest clock that is not above the wanted one, because the design has been
//! timed for no more. Arithmetic is in whole hertz.
//!
//! Limits: iCE40 `FPGA-TN-02052` (phase detector 10 to 133 MHz, oscillator 533 to 1066 MHz); ECP5
//! `FPGA-TN-02200` (3.125 to 400, 400 to 800); Gowin `UG286` and the GW1N data sheet (3 to 400, 400
//! to 1200, speed grade C6).

use crate::emit::hdl::HdlError;
use crate::emit::{NamedText, cells};
use askama::Template;

const MHZ: u64 = 1_000_000;
const GOWIN_DIVIDERS: [u64; 11] = [2, 4, 8, 16, 32, 48, 64, 80, 96, 112, 128];

/// The families whose PLL is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PllFamily {
    /// Lattice iCE40, clock from anywhere but the PLL's own pad.
    Ice40,
    /// Lattice iCE40, clock on the PLL's own pad, which then serves nothing else (iCEBreaker).
    Ice40Pad,
    /// Lattice ECP5.
    Ecp5,
    /// Gowin GW1N, speed grade C6; the part as `rPLL` names it is GW1NR-9C.
    Gowin,
}

impl PllFamily {
    fn name(self) -> &'static str {
        match self {
            PllFamily::Ice40 | PllFamily::Ice40Pad => "iCE40",
            PllFamily::Ecp5 => "ECP5",
            PllFamily::Gowin => "Gowin",
        }
    }
}

/// A PLL's settings: output = input x multiplier / divider, oscillator = output x `post`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pll {
    /// Device family.
    pub family: PllFamily,
    /// Board clock in hertz.
    pub input_hz: u64,
    /// Clock made, in hertz, rounded down.
    pub output_hz: u64,
    /// Divider before the phase detector.
    pub reference: u64,
    /// Divider in the feedback path.
    pub feedback: u64,
    /// Divider after the oscillator.
    pub post: u64,
}

#[derive(Template)]
#[template(path = "board/pll.v", syntax = "verilog")]
struct Module {
    input_hz: u64,
    output_hz: u64,
    cell: String,
}

impl Pll {
    /// Settings for the highest clock up to `wanted_hz` that `family`'s PLL makes from `input_hz`.
    /// Refuses a clock that it cannot come within a tenth of.
    pub fn new(family: PllFamily, input_hz: u64, wanted_hz: u64) -> Result<Pll, HdlError> {
        let best = candidates(family, input_hz)
            .filter(|pll| pll.output_hz <= wanted_hz)
            .max_by_key(|pll| (pll.output_hz, std::cmp::Reverse((pll.reference, pll.off_centre()))));
        let detail = match best {
            Some(pll) if pll.output_hz * 10 >= wanted_hz * 9 => return Ok(pll),
            Some(pll) => format!("the nearest below is {} Hz", pll.output_hz),
            None => match candidates(family, input_hz).map(|pll| pll.output_hz).min() {
                Some(lowest) => format!("the lowest is {lowest} Hz"),
                None => "that input is out of its range".to_string(),
            },
        };
        Err(HdlError::Pll { family: family.name(), input_hz, output_hz: wanted_hz, detail })
    }

    /// How far the oscillator is from the middle of its range, in hertz.
    fn off_centre(&self) -> u64 {
        let middle = match self.family {
            PllFamily::Ice40 | PllFamily::Ice40Pad => 800 * MHZ,
            PllFamily::Ecp5 => 600 * MHZ,
            PllFamily::Gowin => 800 * MHZ,
        };
        (self.output_hz * self.post).abs_diff(middle)
    }

    /// `bincim_pll.v`.
    pub fn module(&self) -> NamedText {
        let cell = match self.family {
            PllFamily::Ice40 | PllFamily::Ice40Pad => self.ice40(),
            PllFamily::Ecp5 => self.ecp5(),
            PllFamily::Gowin => self.gowin(),
        };
        let module = Module { input_hz: self.input_hz, output_hz: self.output_hz, cell };
        NamedText { name: "bincim_pll.v".into(), text: module.to_string() + "\n" }
    }

    /// What stands for the PLL in a simulation.
    pub fn model(&self) -> NamedText {
        match self.family {
            PllFamily::Ice40 => cells::ice40_pll(),
            PllFamily::Ice40Pad => cells::ice40_pad_pll(),
            PllFamily::Ecp5 => cells::ecp5_pll(),
            PllFamily::Gowin => cells::gowin_pll(),
        }
    }

    fn ice40(&self) -> String {
        let (cell, pin) = match self.family {
            PllFamily::Ice40Pad => ("SB_PLL40_PAD", "PACKAGEPIN  "),
            _ => ("SB_PLL40_CORE", "REFERENCECLK"),
        };
        let filter = match self.input_hz / self.reference / MHZ {
            0..17 => 1,
            17..26 => 2,
            26..44 => 3,
            44..66 => 4,
            66..101 => 5,
            _ => 6,
        };
        format!(
            "  {cell} #(
    .FEEDBACK_PATH (\"SIMPLE\"),
    .DIVR          (4'd{}),
    .DIVF          (7'd{}),
    .DIVQ          (3'd{}),
    .FILTER_RANGE  (3'd{filter})
  ) u_pll (
    .{pin} (clk_i),
    .PLLOUTGLOBAL (clk_o),
    .LOCK         (locked_o),
    .RESETB       (1'b1),
    .BYPASS       (1'b0)
  );",
            self.reference - 1,
            self.feedback - 1,
            self.post.ilog2()
        )
    }

    fn ecp5(&self) -> String {
        // The attributes set the loop filter; without them the packer leaves it off.
        format!(
            "  (* FREQUENCY_PIN_CLKI=\"{input}\" *)
  (* FREQUENCY_PIN_CLKOP=\"{output}\" *)
  (* ICP_CURRENT=\"12\" *)
  (* LPF_RESISTOR=\"8\" *)
  (* MFG_ENABLE_FILTEROPAMP=\"1\" *)
  (* MFG_GMCREF_SEL=\"2\" *)
  EHXPLLL #(
    .PLLRST_ENA       (\"DISABLED\"),
    .INTFB_WAKE       (\"DISABLED\"),
    .STDBY_ENABLE     (\"DISABLED\"),
    .DPHASE_SOURCE    (\"DISABLED\"),
    .OUTDIVIDER_MUXA  (\"DIVA\"),
    .CLKOP_ENABLE     (\"ENABLED\"),
    .CLKI_DIV         ({reference}),
    .CLKFB_DIV        ({feedback}),
    .CLKOP_DIV        ({post}),
    .CLKOP_CPHASE     ({phase}),
    .CLKOP_FPHASE     (0),
    .FEEDBK_PATH      (\"CLKOP\")
  ) u_pll (
    .RST          (1'b0),
    .STDBY        (1'b0),
    .CLKI         (clk_i),
    .CLKOP        (clk_o),
    .CLKFB        (clk_o),
    .PHASESEL0    (1'b0),
    .PHASESEL1    (1'b0),
    .PHASEDIR     (1'b1),
    .PHASESTEP    (1'b1),
    .PHASELOADREG (1'b1),
    .PLLWAKESYNC  (1'b0),
    .ENCLKOP      (1'b0),
    .LOCK         (locked_o)
  );",
            reference = self.reference,
            feedback = self.feedback,
            post = self.post,
            phase = self.post - 1,
            input = megahertz(self.input_hz),
            output = megahertz(self.output_hz)
        )
    }

    fn gowin(&self) -> String {
        format!(
            "  rPLL #(
    .DEVICE    (\"GW1NR-9C\"),
    .FCLKIN    (\"{fclkin}\"),
    .IDIV_SEL  ({reference}),
    .FBDIV_SEL ({feedback}),
    .ODIV_SEL  ({post})
  ) u_pll (
    .CLKIN    (clk_i),
    .CLKOUT   (clk_o),
    .LOCK     (locked_o),
    .CLKFB    (1'b0),
    .RESET    (1'b0),
    .RESET_P  (1'b0),
    .FBDSEL   (6'd0),
    .IDSEL    (6'd0),
    .ODSEL    (6'd0),
    .PSDA     (4'd0),
    .DUTYDA   (4'd0),
    .FDLY     (4'd0)
  );",
            fclkin = megahertz(self.input_hz),
            reference = self.reference - 1,
            feedback = self.feedback - 1,
            post = self.post
        )
    }
}

/// Every legal setting for `input_hz`.
fn candidates(family: PllFamily, input_hz: u64) -> impl Iterator<Item = Pll> {
    let (references, feedbacks, posts): (u64, u64, Vec<u64>) = match family {
        PllFamily::Ice40 | PllFamily::Ice40Pad => (16, 128, (1..=6).map(|q| 1 << q).collect()),
        PllFamily::Ecp5 => (128, 80, (1..=128).collect()),
        PllFamily::Gowin => (64, 64, GOWIN_DIVIDERS.to_vec()),
    };
    let settings = (1..=references).flat_map(move |reference| {
        let posts = posts.clone();
        (1..=feedbacks)
            .flat_map(move |feedback| posts.clone().into_iter().map(move |post| (reference, feedback, post)))
    });
    settings.filter_map(move |(reference, feedback, post)| {
        let detector = input_hz / reference;
        // In the iCE40 the feedback is taken from the oscillator, elsewhere from the output.
        let (oscillator, output_hz) = match family {
            PllFamily::Ice40 | PllFamily::Ice40Pad => {
                let oscillator = input_hz * feedback / reference;
                (oscillator, input_hz * feedback / (reference * post))
            }
            _ => {
                let output = input_hz * feedback / reference;
                (output * post, output)
            }
        };
        let (detector_range, oscillator_range) = match family {
            PllFamily::Ice40 | PllFamily::Ice40Pad => (10_000_000..=133_000_000, 533 * MHZ..=1066 * MHZ),
            PllFamily::Ecp5 => (3_125_000..=400_000_000, 400 * MHZ..=800 * MHZ),
            PllFamily::Gowin => (3_000_000..=400_000_000, 400 * MHZ..=1200 * MHZ),
        };
        let legal = detector_range.contains(&detector) && oscillator_range.contains(&oscillator);
        legal.then_some(Pll { family, input_hz, output_hz, reference, feedback, post })
    })
}

/// Megahertz as a decimal number without trailing zeros.
fn megahertz(hz: u64) -> String {
    let text = format!("{}.{:06}", hz / MHZ, hz % MHZ);
    text.trim_end_matches('0').trim_end_matches('.').to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(family: PllFamily, input_mhz: u64, wanted_mhz: u64) -> (u64, u64, u64, u64) {
        let pll = Pll::new(family, input_mhz * MHZ, wanted_mhz * MHZ).expect("a setting");
        (pll.output_hz, pll.reference, pll.feedback, pll.post)
    }

    /// What `icepll` and `ecppll` give; for Gowin the same ratio as `gowin_pll`, oscillator mid-range.
    #[test]
    fn known_settings() {
        assert_eq!(settings(PllFamily::Ice40Pad, 12, 48), (48 * MHZ, 1, 64, 16));
        assert_eq!(settings(PllFamily::Ice40, 12, 60), (60 * MHZ, 1, 80, 16));
        assert_eq!(settings(PllFamily::Ice40, 12, 96), (96 * MHZ, 1, 64, 8));
        assert_eq!(settings(PllFamily::Ecp5, 25, 100), (100 * MHZ, 1, 4, 6));
        assert_eq!(settings(PllFamily::Ecp5, 25, 80).0, 80 * MHZ);
        assert_eq!(settings(PllFamily::Gowin, 27, 54), (54 * MHZ, 1, 2, 16));
        assert_eq!(settings(PllFamily::Gowin, 27, 81), (81 * MHZ, 1, 3, 8));
    }

    #[test]
    fn never_above_the_wanted_clock_and_within_the_limits() {
        for (family, input) in
            [(PllFamily::Ice40, 12), (PllFamily::Ecp5, 25), (PllFamily::Gowin, 27), (PllFamily::Ice40Pad, 12)]
        {
            for wanted in [17, 23, 31, 47, 66, 75, 99, 125, 151] {
                let (output, reference, feedback, post) = settings(family, input, wanted);
                assert!(output <= wanted * MHZ && output * 10 >= wanted * MHZ * 9, "{family:?} {wanted}");
                let divided = if matches!(family, PllFamily::Ecp5 | PllFamily::Gowin) { 1 } else { post };
                assert_eq!(output, input * MHZ * feedback / (reference * divided), "{family:?} {wanted}");
            }
        }
    }

    #[test]
    fn what_cannot_be_made_is_refused_with_what_can() {
        let low = Pll::new(PllFamily::Ice40, 12 * MHZ, 5 * MHZ).expect_err("too low");
        assert!(low.to_string().contains("the lowest is 8"), "{low}");
        let high = Pll::new(PllFamily::Ice40, 12 * MHZ, 900 * MHZ).expect_err("too high");
        assert!(high.to_string().contains("the nearest below is"), "{high}");
        let input = Pll::new(PllFamily::Ice40, MHZ, 48 * MHZ).expect_err("input too low");
        assert!(input.to_string().contains("out of its range"), "{input}");
    }
}
