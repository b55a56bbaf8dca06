//! Derived figures: frames a second and operations a second from cycles and a clock.

/// What a clock makes of a design.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Speed {
    /// Frames a second; 0 for a design without cycles.
    pub frames_per_second: f64,
    /// 10^9 operations a second, a multiply-accumulate being two.
    pub gops: f64,
}

/// Speed of a design that takes a frame every `interval` cycles and does `macs`
/// multiply-accumulates a frame, at `clock_mhz`.
pub fn speed(interval: u64, macs: u64, clock_mhz: f64) -> Speed {
    if interval == 0 {
        return Speed::default();
    }
    let frames_per_second = clock_mhz * 1e6 / interval as f64;
    Speed { frames_per_second, gops: frames_per_second * 2.0 * macs as f64 / 1e9 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_published_figure_of_cnv_comes_out() {
        // 32,768 cycles a frame at 100 MHz: 3,052 frames a second (FINN's folding).
        let cnv = speed(32_768, 59_461_376, 100.0);
        assert_eq!(cnv.frames_per_second.round(), 3052.0);
        assert_eq!(cnv.gops.round(), 363.0);
        assert_eq!(speed(0, 5, 10.0), Speed::default());
    }
}
