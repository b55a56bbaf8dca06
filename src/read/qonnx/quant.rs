//! The integer quantiser `Quant` of QONNX, exactly as its reference executes it.

/// Bit width, sign, range and rounding of a `Quant` node.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Quant {
    pub bits: u32,
    pub signed: bool,
    pub narrow: bool,
    pub rounding: Rounding,
}

/// Rounding modes, by their names in QONNX.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rounding {
    HalfEven,
    Ceil,
    Floor,
    /// Away from zero.
    Up,
    /// Toward zero.
    Down,
    /// Ties away from zero.
    HalfUp,
    /// Ties toward zero.
    HalfDown,
}

impl Rounding {
    /// The mode called `name`, in any case.
    pub fn parse(name: &str) -> Option<Rounding> {
        Some(match name.to_ascii_uppercase().as_str() {
            "ROUND" | "HALF_EVEN" => Rounding::HalfEven,
            "CEIL" => Rounding::Ceil,
            "FLOOR" => Rounding::Floor,
            "UP" => Rounding::Up,
            "DOWN" => Rounding::Down,
            "HALF_UP" => Rounding::HalfUp,
            "HALF_DOWN" => Rounding::HalfDown,
            _ => return None,
        })
    }

    pub fn apply(self, x: f64) -> f64 {
        match self {
            Rounding::HalfEven => x.round_ties_even(),
            Rounding::Ceil => x.ceil(),
            Rounding::Floor => x.floor(),
            Rounding::Up => x.abs().ceil().copysign(x),
            Rounding::Down => x.trunc(),
            Rounding::HalfUp => (x.abs() + 0.5).floor().copysign(x),
            Rounding::HalfDown => (x.abs() - 0.5).ceil().copysign(x),
        }
    }
}

impl Quant {
    /// Smallest and largest integer.
    pub fn range(&self) -> (f64, f64) {
        let narrow = f64::from(u8::from(self.narrow));
        if self.signed {
            let half = 2f64.powi(self.bits as i32 - 1);
            (-half + narrow, half - 1.0)
        } else {
            (0.0, 2f64.powi(self.bits as i32) - 1.0 - narrow)
        }
    }

    /// A signed 1-bit `Quant` is executed as a sign with sign(0) = +1.
    pub fn is_bipolar(&self) -> bool {
        self.signed && self.bits == 1
    }

    /// The integer of `x / scale + zero`.
    pub fn integer(&self, scaled: f64) -> f64 {
        if self.is_bipolar() {
            return if scaled >= 0.0 { 1.0 } else { -1.0 };
        }
        let (low, high) = self.range();
        self.rounding.apply(scaled.min(high).max(low))
    }

    /// The same in single precision, as the reference executes it.
    pub fn integer_f32(&self, scaled: f32) -> f32 {
        let (low, high) = self.range();
        match (self.is_bipolar(), self.rounding) {
            (true, _) => self.integer(f64::from(scaled)) as f32,
            // These two add before they cut off, and the sum is rounded.
            (false, Rounding::HalfUp) => {
                let x = scaled.min(high as f32).max(low as f32);
                (x.abs() + 0.5).floor().copysign(x)
            }
            (false, Rounding::HalfDown) => {
                let x = scaled.min(high as f32).max(low as f32);
                (x.abs() - 0.5).ceil().copysign(x)
            }
            (false, _) => self.integer(f64::from(scaled)) as f32,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rounding_modes_at_ties_and_signs() {
        let cases = [
            ("ROUND", [0.0, 2.0, -0.0, -2.0, 1.0]),
            ("CEIL", [1.0, 2.0, -0.0, -1.0, 1.0]),
            ("FLOOR", [0.0, 1.0, -1.0, -2.0, 0.0]),
            ("up", [1.0, 2.0, -1.0, -2.0, 1.0]),
            ("DOWN", [0.0, 1.0, -0.0, -1.0, 0.0]),
            ("Half_Up", [1.0, 2.0, -1.0, -2.0, 1.0]),
            ("HALF_DOWN", [0.0, 1.0, -0.0, -1.0, 1.0]),
        ];
        for (name, expected) in cases {
            let mode = Rounding::parse(name).unwrap();
            let got = [0.5, 1.5, -0.5, -1.5, 0.7].map(|x| mode.apply(x));
            assert_eq!(got, expected, "{name}");
        }
        assert_eq!(Rounding::parse("STOCHASTIC"), None);
    }

    #[test]
    fn ranges_and_clamping() {
        let q = |bits, signed, narrow| Quant { bits, signed, narrow, rounding: Rounding::HalfEven };
        assert_eq!(q(8, true, false).range(), (-128.0, 127.0));
        assert_eq!(q(8, true, true).range(), (-127.0, 127.0));
        assert_eq!(q(8, false, false).range(), (0.0, 255.0));
        assert_eq!(q(8, false, true).range(), (0.0, 254.0));
        assert_eq!(q(8, true, false).integer(128.4), 127.0);
        assert_eq!(q(1, true, true).integer(0.0), 1.0);
        assert_eq!(q(1, true, true).integer(-0.1), -1.0);
    }
}
