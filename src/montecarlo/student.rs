//! Quantiles of Student's t distribution, for intervals of a mean of few values.
//!
//! The distribution function is the regularised incomplete beta function (continued fraction, modified Lentz;
//! Press et al., Numerical Recipes, 6.4); it is inverted by bisection, to the last digits.

/// The `t` that a t-distributed value with `freedom` degrees of freedom (at least 1) exceeds in size with
/// probability 0.05: half the width of a 95 % interval in standard errors.
pub fn two_sided_95(freedom: usize) -> f64 {
    let (mut low, mut high) = (1.0, 20.0);
    for _ in 0..100 {
        let middle = 0.5 * (low + high);
        if beyond(middle, freedom as f64) > 0.05 { low = middle } else { high = middle }
    }
    0.5 * (low + high)
}

/// Probability of a size beyond `t`.
fn beyond(t: f64, freedom: f64) -> f64 {
    incomplete_beta(freedom / (freedom + t * t), 0.5 * freedom, 0.5)
}

/// Regularised incomplete beta function `I_x(a, b)`, 0 < x < 1.
fn incomplete_beta(x: f64, a: f64, b: f64) -> f64 {
    let front = libm::exp(
        libm::lgamma(a + b) - libm::lgamma(a) - libm::lgamma(b) + a * libm::log(x) + b * libm::log(1.0 - x),
    );
    // The continued fraction converges fast on this side; the other follows by symmetry.
    match x < (a + 1.0) / (a + b + 2.0) {
        true => front * fraction(x, a, b) / a,
        false => 1.0 - front * fraction(1.0 - x, b, a) / b,
    }
}

fn fraction(x: f64, a: f64, b: f64) -> f64 {
    let away_from_0 = |value: f64| if value.abs() < 1e-300 { 1e-300 } else { value };
    let (mut c, mut d) = (1.0, 1.0 / away_from_0(1.0 - (a + b) * x / (a + 1.0)));
    let mut product = d;
    for m in 1..10_000 {
        let m = f64::from(m);
        let even = m * (b - m) * x / ((a + 2.0 * m - 1.0) * (a + 2.0 * m));
        let odd = -(a + m) * (a + b + m) * x / ((a + 2.0 * m) * (a + 2.0 * m + 1.0));
        let before = product;
        for term in [even, odd] {
            d = 1.0 / away_from_0(1.0 + term * d);
            c = away_from_0(1.0 + term / c);
            product *= d * c;
        }
        if (product - before).abs() <= 1e-16 * product.abs() {
            break;
        }
    }
    product
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tables_of_students_distribution_come_out() {
        // scipy.stats.t.ppf(0.975, freedom)
        for (freedom, t) in [
            (1, 12.706204736432095),
            (2, 4.302652729911275),
            (4, 2.7764451051977987),
            (9, 2.2621571627409915),
            (29, 2.045229642132703),
            (99, 1.9842169515086827),
            (999, 1.9623414611334487),
            (100_000, 1.9599877),
        ] {
            let got = two_sided_95(freedom);
            assert!((got - t).abs() < 1e-7, "{freedom}: {got}");
        }
        // Closed form with one degree of freedom: tan(0.475 pi).
        assert!((two_sided_95(1) - (0.475 * std::f64::consts::PI).tan()).abs() < 1e-9);
    }
}
