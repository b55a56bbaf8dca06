//! Draws one glyph: the pen's path as line segments, then each pixel by its distance to them.
//!
//! Only `+ - * /`, `sqrt` and comparisons; angles enter as the tangent of half the angle, so no
//! function of the mathematics library, whose last bit differs between machines, is ever called.
//! Lengths are in sides of the picture: (0, 0) is its top left corner and (1, 1) its bottom right.

use super::Random;
use super::shapes::{DIGITS, Stroke};

/// Line segments per Bezier curve.
const CURVE_STEPS: u32 = 6;

/// Draws `label` with everything else left to chance: `side * side` grey values.
pub fn draw(random: &mut Random, label: u8, side: usize) -> Vec<u8> {
    let styles = DIGITS[usize::from(label)];
    let style = styles[random.below(styles.len() as u32) as usize];
    let map = Map::random(random);
    let mut digit = Vec::new();
    for stroke in style {
        add_stroke(&mut digit, stroke, &map, random);
    }
    let pen = Pen { radius: random.between(0.026, 0.056), edge: random.between(0.035, 0.075) };
    let clutter = random_clutter(random);
    let light = Light::random(random);

    let step = 1.0 / side as f64;
    let mut pixels = Vec::with_capacity(side * side);
    for row in 0..side {
        for column in 0..side {
            let at = Point { x: (column as f64 + 0.5) * step, y: (row as f64 + 0.5) * step };
            let mut ink = pen.cover(&digit, at);
            for mark in &clutter {
                ink = larger(ink, mark.ink * mark.pen.cover(&[mark.segment], at));
            }
            let grey = light.grey(at, ink) + light.noise * random.bell();
            pixels.push(to_byte(grey));
        }
    }
    pixels
}

#[derive(Clone, Copy)]
struct Point {
    x: f64,
    y: f64,
}

type Segment = (Point, Point);

/// From the digit's card to the picture: squeeze, slant, turn, shift, and a wobble of each point.
struct Map {
    xx: f64,
    xy: f64,
    yx: f64,
    yy: f64,
    shift: Point,
    wobble: f64,
}

impl Map {
    fn random(random: &mut Random) -> Self {
        let height = random.between(0.58, 0.80);
        let width = height * random.between(0.75, 1.20);
        let slant = 0.28 * random.signed();
        let half = 0.14 * random.signed(); // tangent of half the angle: up to 16 degrees
        let cosine = (1.0 - half * half) / (1.0 + half * half);
        let sine = 2.0 * half / (1.0 + half * half);
        // Turn after slant after squeeze, one matrix.
        Map {
            xx: cosine * width,
            xy: cosine * slant * height - sine * height,
            yx: sine * width,
            yy: sine * slant * height + cosine * height,
            shift: Point { x: 0.5 + 0.11 * random.signed(), y: 0.5 + 0.11 * random.signed() },
            wobble: random.between(0.0, 0.045),
        }
    }

    /// Where a point of the card lands; each call draws a fresh wobble.
    fn place(&self, card: (i8, i8), random: &mut Random) -> Point {
        let x = (f64::from(card.0) - 30.0) / 100.0 + self.wobble * random.signed();
        let y = (f64::from(card.1) - 50.0) / 100.0 + self.wobble * random.signed();
        Point { x: self.shift.x + self.xx * x + self.xy * y, y: self.shift.y + self.yx * x + self.yy * y }
    }
}

/// Appends a stroke to the path.
fn add_stroke(path: &mut Vec<Segment>, stroke: &Stroke, map: &Map, random: &mut Random) {
    match stroke {
        Stroke::Line(points) => {
            let placed: Vec<Point> = points.iter().map(|&card| map.place(card, random)).collect();
            path.extend(placed.windows(2).map(|pair| (pair[0], pair[1])));
        }
        Stroke::Curve(points) => {
            let placed: Vec<Point> = points.iter().map(|&card| map.place(card, random)).collect();
            for curve in placed.windows(3).step_by(2) {
                let mut from = curve[0];
                for step in 1..=CURVE_STEPS {
                    let to = bezier(curve, f64::from(step) / f64::from(CURVE_STEPS));
                    path.push((from, to));
                    from = to;
                }
            }
        }
    }
}

/// The quadratic Bezier curve through `curve[0]` and `curve[2]` at `0 <= t <= 1`.
fn bezier(curve: &[Point], t: f64) -> Point {
    let (a, b, c) = ((1.0 - t) * (1.0 - t), 2.0 * t * (1.0 - t), t * t);
    Point {
        x: a * curve[0].x + b * curve[1].x + c * curve[2].x,
        y: a * curve[0].y + b * curve[1].y + c * curve[2].y,
    }
}

/// A round pen with a soft edge.
struct Pen {
    radius: f64,
    edge: f64,
}

impl Pen {
    /// How much ink a path leaves at a point: 1 on the stroke, falling to 0 across the edge.
    fn cover(&self, path: &[Segment], at: Point) -> f64 {
        let nearest = path.iter().map(|segment| distance_squared(segment, at)).fold(f64::MAX, smaller);
        let depth = (self.radius - nearest.sqrt()) / self.edge + 0.5;
        larger(0.0, smaller(1.0, depth))
    }
}

fn distance_squared(segment: &Segment, at: Point) -> f64 {
    let (from, to) = segment;
    let (dx, dy) = (to.x - from.x, to.y - from.y);
    let (px, py) = (at.x - from.x, at.y - from.y);
    let length_squared = dx * dx + dy * dy;
    let along = if length_squared > 0.0 { (px * dx + py * dy) / length_squared } else { 0.0 };
    let along = larger(0.0, smaller(1.0, along));
    let (ex, ey) = (px - along * dx, py - along * dy);
    ex * ex + ey * ey
}

/// A stray line beside or across the digit.
struct Mark {
    segment: Segment,
    pen: Pen,
    ink: f64,
}

/// Up to three short stray lines, fainter than the digit.
fn random_clutter(random: &mut Random) -> Vec<Mark> {
    let count = random.below(4);
    (0..count)
        .map(|_| {
            let from = Point { x: random.unit(), y: random.unit() };
            let to = Point { x: from.x + 0.22 * random.signed(), y: from.y + 0.22 * random.signed() };
            let pen = Pen { radius: random.between(0.015, 0.035), edge: 0.05 };
            Mark { segment: (from, to), pen, ink: random.between(0.25, 0.75) }
        })
        .collect()
}

/// Paper, ink and what the camera adds.
struct Light {
    paper: f64,
    slope: Point,
    contrast: f64,
    noise: f64,
}

impl Light {
    fn random(random: &mut Random) -> Self {
        Light {
            paper: random.between(30.0, 90.0),
            slope: Point { x: 40.0 * random.signed(), y: 40.0 * random.signed() },
            contrast: random.between(75.0, 150.0),
            noise: random.between(4.0, 18.0),
        }
    }

    /// Grey without noise: shaded paper plus ink, bright on dark.
    fn grey(&self, at: Point, ink: f64) -> f64 {
        let paper = self.paper + self.slope.x * (at.x - 0.5) + self.slope.y * (at.y - 0.5);
        paper + self.contrast * ink
    }
}

/// Nearest byte, ties upwards, out of range to the end of the range.
fn to_byte(grey: f64) -> u8 {
    (grey + 0.5) as u8
}

fn smaller(a: f64, b: f64) -> f64 {
    if b < a { b } else { a }
}

fn larger(a: f64, b: f64) -> f64 {
    if b > a { b } else { a }
}
