//! Drives the bridge in rust-hdl's own simulator: a host's line on one side, a stand-in for the
//! accelerator on the other.
//!
//! Every cycle's inputs and outputs are recorded, so that the printed Verilog can be replayed
//! against them.

use bincim::emit::hdl::SerialLink;
use bincim::emit::hdl::bridge::SerialBridge;
use bincim::emit::hdl::word::Word;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rust_hdl_core::prelude::*;

/// What the bridge was given and what it did in one cycle, as hexadecimal digits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cycle {
    /// `rst_ni rx_i s_axis_tready m_axis_tvalid m_axis_tlast`, then `m_axis_tdata`.
    pub inputs: String,
    /// `tx_o s_axis_tvalid s_axis_tlast m_axis_tready busy_o error_o`, then `s_axis_tdata`; the
    /// last and the data of a stream that is not valid are zero.
    pub outputs: String,
}

/// A beat the bridge handed to the accelerator: data bytes and `tlast`.
pub type Beat = (Vec<u8>, bool);

/// How the stand-in behaves: chances in percent of taking a beat and of offering one.
#[derive(Debug, Clone, Copy)]
pub struct Manners {
    pub takes: u32,
    pub offers: u32,
    pub seed: u64,
}

impl Manners {
    /// Whole numbers below a limit, for a story told from `seed`.
    pub fn draws(seed: u64) -> impl FnMut(u64) -> u64 {
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        move |limit| random.random_range(0..limit)
    }
}

/// The bridge, the line and the stand-in.
pub struct Bench {
    cell: SerialBridge,
    link: SerialLink,
    manners: Manners,
    random: ChaCha8Rng,
    /// Beats taken from the bridge.
    pub taken: Vec<Beat>,
    /// Results to give, as beats.
    offered: std::collections::VecDeque<Beat>,
    offering: bool,
    frame: Vec<u8>,
    /// The recording.
    pub cycles: Vec<Cycle>,
    line_out: Vec<bool>,
}

impl Bench {
    /// A bench whose accelerator answers each frame with [`answer`].
    pub fn new(link: &SerialLink, manners: Manners) -> Self {
        let mut cell = SerialBridge::new(link);
        cell.connect_all();
        check_all(&cell).expect("rust-hdl finds the bridge well connected");
        cell.rx_i.next = true;
        let mut bench = Bench {
            cell,
            link: link.clone(),
            manners,
            random: ChaCha8Rng::seed_from_u64(manners.seed),
            taken: vec![],
            offered: Default::default(),
            offering: false,
            frame: vec![],
            cycles: vec![],
            line_out: vec![],
        };
        for _ in 0..3 {
            bench.cycle(false, true);
        }
        bench.line_out.clear();
        bench
    }

    /// One clock cycle: inputs before the edge, outputs as they stand just before it.
    fn cycle(&mut self, reset_n: bool, rx: bool) {
        let takes = self.random.random_range(0..100) < self.manners.takes;
        if !self.offering && !self.offered.is_empty() {
            self.offering = self.random.random_range(0..100) < self.manners.offers;
        }
        let (data, last) = match self.offered.front() {
            Some((data, last)) if self.offering => (data.clone(), *last),
            _ => (vec![0; self.link.m_bytes], false),
        };
        let cell = &mut self.cell;
        cell.rst_ni.next = reset_n;
        cell.rx_i.next = rx;
        cell.s_axis_tready.next = takes;
        cell.m_axis_tvalid.next = self.offering;
        cell.m_axis_tdata.next = Word::from_bytes(&data, 8 * data.len());
        cell.m_axis_tlast.next = last;
        cell.clk_i.next = Clock { clk: false };
        assert!(simulate(cell, 50), "the bridge settles");

        let valid = cell.s_axis_tvalid.val();
        let beat: Beat = (cell.s_axis_tdata.val().bytes(), cell.s_axis_tlast.val());
        let shown = if valid { beat.clone() } else { (vec![0; self.link.s_bytes], false) };
        let bit = |value: bool| if value { '1' } else { '0' };
        let inputs = [reset_n, rx, takes, self.offering, last].map(bit);
        let outputs = [
            cell.tx_o.val(),
            valid,
            shown.1,
            cell.m_axis_tready.val(),
            cell.busy_o.val(),
            cell.error_o.val(),
        ]
        .map(bit);
        self.cycles.push(Cycle {
            inputs: inputs.iter().collect::<String>() + &hex(&data),
            outputs: outputs.iter().collect::<String>() + &hex(&shown.0),
        });
        self.line_out.push(cell.tx_o.val());
        if reset_n && valid && takes {
            self.frame.extend(&beat.0);
            if beat.1 {
                let frame = std::mem::take(&mut self.frame);
                self.offered.extend(answer(&frame, self.link.m_bytes));
            }
            self.taken.push(beat);
        }
        if reset_n && self.offering && cell.m_axis_tready.val() {
            self.offering = false;
            self.offered.pop_front();
        }
        let cell = &mut self.cell;
        cell.clk_i.next = Clock { clk: true };
        assert!(simulate(cell, 50), "the bridge settles");
    }

    /// Holds the line at `level` for `bits` bit times.
    pub fn hold(&mut self, level: bool, bits: u64) {
        for _ in 0..bits * self.link.divider {
            self.cycle(true, level);
        }
    }

    /// Sends a byte, with a stop bit of `stop`.
    pub fn byte(&mut self, byte: u8, stop: bool) {
        self.hold(false, 1);
        for i in 0..8 {
            self.hold(byte >> i & 1 == 1, 1);
        }
        self.hold(stop, 1);
    }

    /// Pulls the line low for `cycles` clock cycles.
    pub fn glitch(&mut self, cycles: usize) {
        for _ in 0..cycles {
            self.cycle(true, false);
        }
    }

    /// Resets the bridge for two cycles; the stand-in forgets everything too.
    pub fn reset(&mut self) {
        self.frame.clear();
        self.offered.clear();
        self.offering = false;
        for _ in 0..2 {
            self.cycle(false, true);
        }
    }

    /// Sends bytes without a gap.
    pub fn send(&mut self, bytes: &[u8]) {
        for &byte in bytes {
            self.byte(byte, true);
        }
    }

    /// How the accelerator behaves from now on.
    pub fn behave(&mut self, takes: u32, offers: u32) {
        self.manners = Manners { takes, offers, ..self.manners };
    }

    /// The bytes that came back so far, read from the line as a receiver would.
    pub fn received(&self) -> Vec<u8> {
        decode_line(&self.line_out, self.link.divider as usize)
    }
}

/// The stand-in's result for a frame: its bytes summed in m_bytes bytes, then its length and the
/// exclusive or of its bytes.
pub fn answer(frame: &[u8], m_bytes: usize) -> Vec<Beat> {
    let sum: u64 = frame.iter().map(|&byte| u64::from(byte)).sum();
    let xor = frame.iter().fold(0, |all, byte| all ^ byte);
    let beat = |low: u64| {
        let bytes = low.to_le_bytes().into_iter().chain(std::iter::repeat(0)).take(m_bytes);
        bytes.collect::<Vec<u8>>()
    };
    vec![(beat(sum), false), (beat((frame.len() as u64 & 0xFF) ^ u64::from(xor)), true)]
}

/// The bytes on a recorded line, one sample a clock cycle; every stop bit must be high.
pub fn decode_line(line: &[bool], divider: usize) -> Vec<u8> {
    let mut bytes = vec![];
    let mut at = 0;
    while let Some(start) = line[at..].iter().position(|&level| !level) {
        let middle = at + start + divider / 2;
        let Some(&stop) = line.get(middle + 9 * divider) else { break };
        assert!(stop, "the stop bit of byte {} is low", bytes.len());
        let bits = (1..9).map(|bit| u8::from(line[middle + bit * divider]));
        bytes.push(bits.rev().fold(0, |byte, bit| byte << 1 | bit));
        at = middle + 9 * divider;
    }
    bytes
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().rev().map(|byte| format!("{byte:02x}")).collect()
}
