//! Warped training images: turned, grown and bent.

use crate::network::Shape;
use rand::Rng;
use rand_chacha::ChaCha8Rng;

/// How far an image's movements hang together: the standard deviation of the Gaussian that smooths them, as a share of
/// the image's height. 1/7 is 4 pixels of MNIST's 28 (Simard, Steinkraus and Platt 2003).
const SMOOTH: f64 = 1.0 / 7.0;
/// Where the Gaussian ends, in standard deviations.
const REACH: f64 = 2.0;

/// A movement of an image's pixels about its middle.
pub struct Warp {
    /// Radians, counter-clockwise.
    pub turn: f64,
    /// Growth of rows and of columns.
    pub sizes: [f64; 2],
    /// For each pixel how many rows and columns further it reads.
    pub moves: Option<[Vec<f32>; 2]>,
}

impl Warp {
    /// The image (channel, row, column), values between pixels interpolated along both axes, `fill` outside.
    pub fn of(&self, shape: Shape, pixels: &[u8], fill: u8) -> Vec<u8> {
        let (sin, cos) = (libm::sin(self.turn), libm::cos(self.turn));
        let middle = |size: usize| (size as f64 - 1.0) / 2.0;
        let (my, mx) = (middle(shape.h), middle(shape.w));
        let mut made = vec![0; pixels.len()];
        for place in 0..shape.pixels() {
            let moved = |axis: usize| self.moves.as_ref().map_or(0.0, |moves| f64::from(moves[axis][place]));
            let (y, x) = ((place / shape.w) as f64 - my + moved(0), (place % shape.w) as f64 - mx + moved(1));
            let y_from = (cos * y + sin * x) / self.sizes[0] + my;
            let x_from = (cos * x - sin * y) / self.sizes[1] + mx;
            let (top, left) = (y_from.floor(), x_from.floor());
            let (down, right) = (y_from - top, x_from - left);
            for channel in 0..shape.c {
                let at = |y: f64, x: f64| {
                    let inside = y >= 0.0 && x >= 0.0 && y < shape.h as f64 && x < shape.w as f64;
                    let index = || (channel * shape.h + y as usize) * shape.w + x as usize;
                    f64::from(if inside { pixels[index()] } else { fill })
                };
                let row = |y: f64| (1.0 - right) * at(y, left) + right * at(y, left + 1.0);
                let value = (1.0 - down) * row(top) + down * row(top + 1.0);
                made[channel * shape.pixels() + place] = (value + 0.5) as u8;
            }
        }
        made
    }
}

/// Elastic movements of rows and of columns, `size` pixels in standard deviation far from the border: random ones,
/// smoothed by a Gaussian.
pub fn elastic(shape: Shape, size: f64, random: &mut ChaCha8Rng) -> [Vec<f32>; 2] {
    let kernel = gaussian(SMOOTH * shape.h as f64);
    let power: f32 = kernel.iter().map(|k| k * k).sum();
    // A uniform number of -1 to 1 has variance 1/3; smoothing along both axes leaves power^2 of it.
    let gain = size as f32 * 3f32.sqrt() / power;
    [(); 2].map(|()| {
        let field: Vec<f32> = (0..shape.pixels()).map(|_| random.random_range(-1.0f32..1.0)).collect();
        let along = smoothed_rows(&field, shape.w, &kernel);
        let turned = smoothed_rows(&transposed(&along, shape.w), shape.h, &kernel);
        transposed(&turned, shape.h).iter().map(|value| gain * value).collect()
    })
}

/// A Gaussian of standard deviation `sigma` at whole steps from its middle, 1 in sum.
fn gaussian(sigma: f64) -> Vec<f32> {
    let reach = (REACH * sigma).ceil() as i32;
    let values: Vec<f64> =
        (-reach..=reach).map(|step| libm::exp(-0.5 * f64::from(step * step) / (sigma * sigma))).collect();
    let sum: f64 = values.iter().sum();
    values.iter().map(|value| (value / sum) as f32).collect()
}

/// Every row of `width` values smoothed by `kernel`, with zeros outside.
fn smoothed_rows(field: &[f32], width: usize, kernel: &[f32]) -> Vec<f32> {
    let reach = kernel.len() / 2;
    let mut padded = vec![0.0; width + 2 * reach];
    let mut made = Vec::with_capacity(field.len());
    for row in field.chunks_exact(width) {
        padded[reach..reach + width].copy_from_slice(row);
        let windows = padded.windows(kernel.len());
        made.extend(windows.map(|window| window.iter().zip(kernel).map(|(v, k)| v * k).sum::<f32>()));
    }
    made
}

fn transposed(field: &[f32], width: usize) -> Vec<f32> {
    (0..width).flat_map(|x| field.iter().skip(x).step_by(width).copied()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand_chacha::rand_core::SeedableRng;

    #[test]
    fn a_turn_and_a_size_move_pixels_about_the_middle() {
        let shape = Shape { c: 2, h: 3, w: 3 };
        let pixels: Vec<u8> = (1..=18).collect();
        let warp = |turn, sizes| Warp { turn, sizes, moves: None }.of(shape, &pixels, 99);
        assert_eq!(warp(0.0, [1.0, 1.0]), pixels);
        assert_eq!(warp(std::f64::consts::FRAC_PI_2, [1.0, 1.0])[..9], [3, 6, 9, 2, 5, 8, 1, 4, 7]);
        // Rows twice as tall: the first lies half a pixel above the middle of its two neighbours.
        assert_eq!(warp(0.0, [2.0, 1.0])[9..], [12, 13, 14, 13, 14, 15, 15, 16, 17]);
        assert_eq!(warp(0.0, [1.0, 0.5])[..3], [99, 2, 99]);
    }

    #[test]
    fn moves_read_further_rows_and_columns() {
        let shape = Shape { c: 1, h: 2, w: 3 };
        let moves = Some([vec![0.0, 0.0, 0.0, -1.0, -1.0, 0.0], vec![1.0, 0.0, 0.5, 0.0, 0.0, 0.0]]);
        let bent = Warp { turn: 0.0, sizes: [1.0, 1.0], moves }.of(shape, &[10, 20, 30, 40, 50, 60], 0);
        assert_eq!(bent, [20, 20, 15, 10, 20, 60]);
    }

    /// 400 fields: the standard deviation in the middle within 5 of its standard errors (1.5 / sqrt(800) each) of
    /// what was asked, and the correlation of pixels 4 apart that of a Gaussian of variance 2 x 4^2, exp(-1/4) = 0.78,
    /// within 5 of its own (0.02 each).
    #[test]
    fn elastic_moves_have_their_size_and_hang_together() {
        let shape = Shape { c: 1, h: 28, w: 28 };
        let mut random = ChaCha8Rng::seed_from_u64(7);
        let (mut square, mut product, mut count) = (0.0f64, 0.0f64, 0.0f64);
        for _ in 0..200 {
            for field in elastic(shape, 1.5, &mut random) {
                let (here, beside) = (f64::from(field[14 * 28 + 12]), f64::from(field[14 * 28 + 16]));
                square += (here * here + beside * beside) / 2.0;
                product += here * beside;
                count += 1.0;
            }
        }
        let (sigma, correlation) = ((square / count).sqrt(), product / square);
        assert!((sigma - 1.5).abs() < 0.25, "{sigma}");
        assert!((correlation - 0.78).abs() < 0.1, "{correlation}");
    }

    #[test]
    fn a_field_is_turned_over_its_diagonal() {
        assert_eq!(transposed(&[1.0, 2.0, 3.0, 4.0, 5.0, 6.0], 3), [1.0, 4.0, 2.0, 5.0, 3.0, 6.0]);
    }
}
