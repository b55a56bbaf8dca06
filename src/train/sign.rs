//! The sign and what stands for its derivative.

use super::recipe::Ste;

/// Bit 1 (+1) where y >= 0.
pub fn sign(y: f32) -> i8 {
    if y >= 0.0 { 1 } else { -1 }
}

/// The straight-through estimator at one moment of the training.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Slope {
    Clipped,
    Polynomial,
    Reste {
        power: f32,
    },
    /// 1 everywhere: the value before the sign, for the tests of gradients.
    #[cfg(test)]
    Identity,
}

impl Slope {
    /// `progress` runs from 0 to 1 over the training.
    pub fn new(ste: Ste, progress: f64) -> Slope {
        match ste {
            Ste::Clipped => Slope::Clipped,
            Ste::Polynomial => Slope::Polynomial,
            Ste::Reste => Slope::Reste { power: 1.0 / (1.0 + 2.0 * progress) as f32 },
        }
    }

    /// What is taken for the derivative of sign(y).
    pub fn at(self, y: f32) -> f32 {
        let size = y.abs();
        match self {
            Slope::Clipped => f32::from(u8::from(size <= 1.0)),
            Slope::Polynomial => (2.0 - 2.0 * size).max(0.0),
            Slope::Reste { power } if size <= 1.5 => power * size.max(0.1).powf(power - 1.0),
            Slope::Reste { .. } => 0.0,
            #[cfg(test)]
            Slope::Identity => 1.0,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slopes_are_the_derivatives_of_what_they_stand_for() {
        assert_eq!((sign(0.0), sign(-0.0), sign(-1e-9), sign(2.0)), (1, 1, -1, 1));
        let clipped = |y| Slope::Clipped.at(y);
        assert_eq!([clipped(-1.0), clipped(0.0), clipped(1.0), clipped(1.001)], [1.0, 1.0, 1.0, 0.0]);
        let smooth = |y: f64| if y < 0.0 { 2.0 * y + y * y } else { 2.0 * y - y * y };
        let reste = |o: f64| move |y: f64| y.abs().powf(1.0 / o).copysign(y);
        for y in [-0.9, -0.5, -0.2, 0.15, 0.5, 0.75] {
            let derivative = |f: &dyn Fn(f64) -> f64| ((f(y + 1e-6) - f(y - 1e-6)) / 2e-6) as f32;
            assert!((Slope::Polynomial.at(y as f32) - derivative(&smooth)).abs() < 1e-4, "{y}");
            for progress in [0.0, 0.3, 1.0] {
                let slope = Slope::new(Ste::Reste, progress).at(y as f32);
                assert!((slope - derivative(&reste(1.0 + 2.0 * progress))).abs() < 1e-4, "{y} {progress}");
            }
        }
        let end = Slope::new(Ste::Reste, 1.0);
        assert_eq!((end.at(0.0), end.at(1.6), Slope::Polynomial.at(1.2)), (end.at(0.1), 0.0, 0.0));
    }
}
