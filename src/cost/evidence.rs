//! What place and route was seen to do on a device, and what follows for machines that have not been built.
//!
//! The measurements stand in `constraints/*.toml`, each with its source. A machine is taken to do what a measured one
//! did that is at least as large; nothing is extrapolated.

use crate::arch::Arch;
use crate::arch::device::{Device, Measured};

fn cells(measured: &Measured) -> usize {
    measured.rows * measured.columns
}

/// Measurements on `device` that say something about `arch`: emulated analog arrays are other circuits.
fn about<'a>(device: &'a Device, arch: &Arch) -> impl Iterator<Item = &'a Measured> + use<'a> {
    let analog = arch.readout.is_analog();
    device.measured.iter().filter(move |_| !analog)
}

/// Clock for `arch` on `device` where nobody names one, in MHz, and the sentence that says why.
pub(super) fn clock(device: &Device, arch: &Arch) -> (f64, String) {
    let size = arch.rows * arch.lanes;
    let known = about(device, arch).filter(|measured| cells(measured) >= size);
    let met = known.filter_map(|measured| Some((measured, measured.clock_mhz?)));
    match met.min_by(|a, b| (cells(a.0), a.1).partial_cmp(&(cells(b.0), b.1)).expect("no NaN in the tables"))
    {
        Some((measured, met)) => {
            let clock = met.min(device.engine_mhz);
            let reached = measured.fmax_mhz.map_or(String::new(), |fmax| format!(", {fmax} MHz reached"));
            let why = format!(
                "clock {clock} MHz: {} met {met} MHz with {} x {} on {}{reached} ({})",
                measured.network, measured.rows, measured.columns, measured.on, measured.source
            );
            (clock, why)
        }
        None => {
            let why = format!(
                "clock {} MHz: what engines on {} reach with room to spare; none as large was measured",
                device.engine_mhz, device.name
            );
            (device.engine_mhz, why)
        }
    }
}

/// The largest arrays that are known to route, where some were seen not to.
pub(super) struct Ceiling {
    cells: usize,
    columns: usize,
    /// The sentence that names the evidence.
    pub why: String,
}

impl Ceiling {
    /// `None` where nothing that failed was measured.
    pub fn of(device: &Device, arch: &Arch) -> Option<Ceiling> {
        let failed =
            about(device, arch).filter(|measured| !measured.routed).min_by_key(|measured| cells(measured))?;
        let routed = || about(device, arch).filter(|measured| measured.routed);
        let largest = routed().max_by_key(|measured| cells(measured));
        let columns = routed().map(|measured| measured.columns).max().unwrap_or(0);
        let above = match largest {
            Some(largest) => format!(
                "no array above {} x {} ({}) or {columns} columns is chosen",
                largest.rows, largest.columns, largest.source
            ),
            None => "nothing is known to route".into(),
        };
        let why = format!(
            "{above}: {} x {} did not route on {} ({})",
            failed.rows, failed.columns, failed.on, failed.source
        );
        Some(Ceiling { cells: largest.map_or(0, cells), columns, why })
    }

    /// Whether an array of this size is not known to route.
    pub fn excludes(&self, arch: &Arch) -> bool {
        arch.rows * arch.lanes > self.cells || arch.lanes > self.columns
    }
}

/// Whether `arch` is beyond what is known to route on `device`, and why.
pub(super) fn beyond(device: &Device, arch: &Arch) -> Option<String> {
    Ceiling::of(device, arch).filter(|ceiling| ceiling.excludes(arch)).map(|ceiling| ceiling.why)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::arch::{ArchFile, ReadoutKind, device};

    fn arch(rows: usize, lanes: usize) -> Arch {
        ArchFile::default().with("ecp5", rows, lanes, 8, 8, 64)
    }

    #[test]
    fn a_clock_is_one_that_an_array_as_large_has_met() {
        let ecp5 = device::find("ecp5-85").unwrap();
        assert_eq!(clock(ecp5, &arch(64, 8)).0, 60.0);
        let (mhz, why) = clock(ecp5, &arch(288, 32));
        assert_eq!(mhz, 45.0);
        assert!(
            why.contains("288 x 32 on ecp5-85") && why.contains("examples/reports/cnv_ecp5-85.json"),
            "{why}"
        );
        // Between two measured ones the larger one speaks.
        assert_eq!(clock(ecp5, &arch(72, 8)).0, 45.0);
        let (mhz, why) = clock(ecp5, &arch(288, 64));
        assert!(mhz == ecp5.engine_mhz && why.contains("none as large was measured"), "{why}");
        // The slowest of several of one size.
        assert_eq!(clock(device::find("up5k").unwrap(), &arch(32, 8)).0, 24.0);
    }

    #[test]
    fn what_did_not_route_is_a_ceiling() {
        let ecp5 = device::find("ecp5-85").unwrap();
        assert!(beyond(ecp5, &arch(288, 64)).unwrap().contains("288 x 64 did not route on ecp5-85"));
        assert!(beyond(ecp5, &arch(128, 64)).is_some(), "as many columns as what did not route");
        assert!(beyond(ecp5, &arch(576, 32)).is_some(), "as many cells as what did not route");
        assert_eq!(beyond(ecp5, &arch(288, 32)), None);
        assert_eq!(beyond(device::find("hx8k").unwrap(), &arch(288, 64)), None);
        let mut analog = arch(288, 64);
        analog.readout.kind = ReadoutKind::Adc;
        assert_eq!(beyond(ecp5, &analog), None);
    }
}
