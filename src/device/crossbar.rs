//! The linear network of a crossbar: exact nodal solution by conjugate gradients on the columns' nodes.
//!
//! Unknown are the voltage drops along the lines, which are small, and not the voltages. Rows are eliminated exactly
//! (each is a chain of resistors), the chains of the columns are the preconditioner; both use the recursion for the
//! conductance of a chain, which subtracts nothing. What remains to be iterated is the coupling through the devices.

/// A crossbar of linear devices.
#[derive(Debug)]
pub struct Crossbar {
    rows: usize,
    columns: usize,
    /// Conductance of the device at (r, c), index `r * columns + c`; not negative.
    g: Vec<f64>,
    /// Resistance of one segment of a row and of a column.
    row: f64,
    column: f64,
    /// Chain factors of each row from its driver on, and reciprocal pivot of its last node.
    row_factor: Vec<f64>,
    row_last: Vec<f64>,
    /// Chain factors of each column from row 0 on.
    column_factor: Vec<f64>,
}

/// One solution.
#[derive(Debug)]
pub struct Solution {
    /// Current through each device, from row to column; index `r * columns + c`.
    pub currents: Vec<f64>,
    /// Largest violation of Kirchhoff's current law at a node, over the current that the devices of the largest line
    /// would carry at full voltage.
    pub residual: f64,
}

impl Crossbar {
    /// `g`: conductances, `rows * columns`, row after row; `row`, `column`: resistance of a segment, 0 or more.
    pub fn new(rows: usize, columns: usize, g: Vec<f64>, row: f64, column: f64) -> Crossbar {
        assert_eq!(g.len(), rows * columns, "one conductance a device");
        let mut crossbar = Crossbar {
            rows,
            columns,
            row,
            column,
            row_factor: vec![0.0; g.len()],
            row_last: vec![0.0; rows],
            column_factor: vec![0.0; g.len()],
            g,
        };
        crossbar.factor();
        crossbar
    }

    /// `s` is the conductance from a node to ground through everything before it; a segment in series with it
    /// conducts `s / (1 + resistance s)`.
    fn factor(&mut self) {
        let (rows, columns) = (self.rows, self.columns);
        if self.row > 0.0 {
            for r in 0..rows {
                let mut s = 1.0 / self.row;
                for c in 0..columns {
                    s += self.g[r * columns + c];
                    let factor = 1.0 / (1.0 + self.row * s);
                    self.row_factor[r * columns + c] = factor;
                    self.row_last[r] = 1.0 / s;
                    s *= factor;
                }
            }
        }
        let mut s = vec![0.0; columns];
        for r in 0..rows {
            for (c, s) in s.iter_mut().enumerate() {
                *s += self.g[r * columns + c];
                let factor = 1.0 / (1.0 + self.column * *s);
                self.column_factor[r * columns + c] = factor;
                *s *= factor;
            }
        }
    }

    /// Row nodes' potentials for the currents `x` fed into them, drivers and columns at 0. In place.
    fn solve_rows(&self, x: &mut [f64]) {
        if self.row == 0.0 {
            return x.fill(0.0);
        }
        for (r, x) in x.chunks_exact_mut(self.columns).enumerate() {
            let factor = &self.row_factor[r * self.columns..][..self.columns];
            for c in 1..x.len() {
                x[c] += factor[c - 1] * x[c - 1];
            }
            let mut next = 0.0;
            for c in (0..x.len()).rev() {
                let pivot = if c + 1 == x.len() { self.row_last[r] } else { self.row * factor[c] };
                next = x[c] * pivot + if c + 1 == x.len() { 0.0 } else { factor[c] * next };
                x[c] = next;
            }
        }
    }

    /// The same for column nodes, grounds and rows at 0.
    fn solve_columns(&self, x: &mut [f64]) {
        let n = self.columns;
        for r in 1..self.rows {
            let (above, here) = x[(r - 1) * n..(r + 1) * n].split_at_mut(n);
            let factor = &self.column_factor[(r - 1) * n..][..n];
            here.iter_mut()
                .zip(above)
                .zip(factor)
                .for_each(|((here, above), factor)| *here += factor * *above);
        }
        let mut next = vec![0.0; n];
        for r in (0..self.rows).rev() {
            let factor = &self.column_factor[r * n..][..n];
            for ((x, next), factor) in x[r * n..][..n].iter_mut().zip(&mut next).zip(factor) {
                *next = factor * (self.column * *x + *next);
                *x = *next;
            }
        }
    }

    /// Currents that flow out of the column nodes at potentials `q` along the column and into the devices.
    fn column_currents(&self, q: &[f64], out: &mut [f64]) {
        let n = self.columns;
        for r in 0..self.rows {
            for c in 0..n {
                let i = r * n + c;
                let below = if r + 1 < self.rows { q[i + n] } else { 0.0 };
                let above = if r > 0 { q[i] - q[i - n] } else { 0.0 };
                out[i] = (above + (q[i] - below)) / self.column + self.g[i] * q[i];
            }
        }
    }

    /// Solves for the rows' `drive` voltages and the voltages of the columns' ends.
    pub fn solve(&self, drive: &[f64], terminal: &[f64]) -> Solution {
        let n = self.columns;
        let size = self.g.len();
        let open = |i: usize| self.g[i] * (drive[i / n] - terminal[i % n]);
        // Rows: A p - G q = -open; columns: B q - G p = open.
        let mut p: Vec<f64> = (0..size).map(|i| -open(i)).collect();
        self.solve_rows(&mut p);
        let mut q = vec![0.0; size];
        let largest = drive.iter().chain(terminal).fold(0.0f64, |most, v| most.max(v.abs()));
        let scale = self.largest_line() * largest;
        if self.column > 0.0 && scale > 0.0 {
            let mut r: Vec<f64> = (0..size).map(|i| open(i) + self.g[i] * p[i]).collect();
            self.conjugate_gradients(&mut q, &mut r, scale);
            p = (0..size).map(|i| -open(i) + self.g[i] * q[i]).collect();
            self.solve_rows(&mut p);
        }
        let currents: Vec<f64> = (0..size).map(|i| open(i) + self.g[i] * (p[i] - q[i])).collect();
        let residual = if scale > 0.0 { self.violation(&p, &q, &currents) / scale } else { 0.0 };
        Solution { currents, residual }
    }

    /// `(B - G A^-1 G) q = r` with the columns' chains B as preconditioner; leaves the residual in `r`.
    fn conjugate_gradients(&self, q: &mut [f64], r: &mut [f64], scale: f64) {
        let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
        let mut z = r.to_vec();
        self.solve_columns(&mut z);
        let mut d = z.clone();
        let (mut product, mut through) = (vec![0.0; r.len()], vec![0.0; r.len()]);
        let mut energy = dot(r, &z);
        // Within a few digits of rounding; the bound on the rounds only guards against a network of nonsense.
        for _ in 0..2000 {
            if energy <= 0.0 || r.iter().all(|r| r.abs() <= 1e-15 * scale) {
                return;
            }
            self.column_currents(&d, &mut product);
            if self.row > 0.0 {
                through.iter_mut().zip(&self.g).zip(&d).for_each(|((t, g), d)| *t = g * d);
                self.solve_rows(&mut through);
                product.iter_mut().zip(&self.g).zip(&through).for_each(|((product, g), t)| *product -= g * t);
            }
            let step = energy / dot(&d, &product);
            q.iter_mut().zip(&d).for_each(|(q, d)| *q += step * d);
            r.iter_mut().zip(&product).for_each(|(r, product)| *r -= step * product);
            z.copy_from_slice(r);
            self.solve_columns(&mut z);
            let next = dot(r, &z);
            let ratio = next / energy;
            energy = next;
            d.iter_mut().zip(&z).for_each(|(d, z)| *d = z + ratio * *d);
        }
    }

    /// Largest current that no node may keep, from the segments and devices themselves.
    fn violation(&self, p: &[f64], q: &[f64], currents: &[f64]) -> f64 {
        let n = self.columns;
        let mut worst = 0.0f64;
        for (i, current) in currents.iter().enumerate() {
            let (r, c) = (i / n, i % n);
            if self.row > 0.0 {
                let before = if c > 0 { p[i - 1] - p[i] } else { -p[i] };
                let after = if c + 1 < n { p[i] - p[i + 1] } else { 0.0 };
                worst = worst.max(((before - after) / self.row - current).abs());
            }
            if self.column > 0.0 {
                let above = if r > 0 { q[i - n] - q[i] } else { 0.0 };
                let below = if r + 1 < self.rows { q[i] - q[i + n] } else { q[i] };
                worst = worst.max(((above - below) / self.column + current).abs());
            }
        }
        worst
    }

    fn largest_line(&self) -> f64 {
        let rows = self.g.chunks_exact(self.columns).map(|row| row.iter().sum::<f64>());
        let columns = (0..self.columns).map(|c| self.g.iter().skip(c).step_by(self.columns).sum::<f64>());
        rows.chain(columns).fold(0.0, f64::max)
    }

    /// Current that a full drive of row r alone sends into column c; index `r * columns + c`.
    ///
    /// A network of resistors is reciprocal: it is the current that column c's end at full voltage would send into
    /// the grounded driver of row r.
    pub fn transfer(&self) -> Vec<f64> {
        let mut transfer = vec![0.0; self.g.len()];
        let drive = vec![0.0; self.rows];
        if self.row == 0.0 {
            // Columns do not meet: one solution with all ends at full voltage holds every column's own.
            let currents = self.solve(&drive, &vec![1.0; self.columns]).currents;
            return currents.into_iter().map(|current| -current).collect();
        }
        for c in 0..self.columns {
            let mut terminal = vec![0.0; self.columns];
            terminal[c] = 1.0;
            let solution = self.solve(&drive, &terminal);
            for (r, row) in solution.currents.chunks_exact(self.columns).enumerate() {
                transfer[r * self.columns + c] = -row.iter().sum::<f64>();
            }
        }
        transfer
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::device::random::{Kind, Stream, uniform};

    /// Node voltages by Gaussian elimination on the whole matrix; currents of the devices.
    fn dense(rows: usize, columns: usize, g: &[f64], row: f64, column: f64, drive: &[f64]) -> Vec<f64> {
        let n = rows * columns;
        let mut a = vec![vec![0.0; 2 * n + 1]; 2 * n];
        let mut join = |i: usize, other: Result<usize, f64>, conductance: f64| {
            a[i][i] += conductance;
            match other {
                Ok(j) => a[i][j] -= conductance,
                Err(voltage) => a[i][2 * n] += conductance * voltage,
            }
        };
        for r in 0..rows {
            for c in 0..columns {
                let i = r * columns + c;
                join(i, Ok(n + i), g[i]);
                join(n + i, Ok(i), g[i]);
                join(i, if c > 0 { Ok(i - 1) } else { Err(drive[r]) }, 1.0 / row);
                if c + 1 < columns {
                    join(i, Ok(i + 1), 1.0 / row);
                }
                if r > 0 {
                    join(n + i, Ok(n + i - columns), 1.0 / column);
                }
                join(n + i, if r + 1 < rows { Ok(n + i + columns) } else { Err(0.0) }, 1.0 / column);
            }
        }
        for i in 0..2 * n {
            let pivot = (i..2 * n).max_by(|&x, &y| a[x][i].abs().total_cmp(&a[y][i].abs())).unwrap();
            a.swap(i, pivot);
            for j in 0..2 * n {
                if j != i {
                    let factor = a[j][i] / a[i][i];
                    for k in i..=2 * n {
                        a[j][k] -= factor * a[i][k];
                    }
                }
            }
        }
        let voltage: Vec<f64> = (0..2 * n).map(|i| a[i][2 * n] / a[i][i]).collect();
        (0..n).map(|i| g[i] * (voltage[i] - voltage[n + i])).collect()
    }

    fn conductances(size: usize) -> Vec<f64> {
        let stream = Stream::new(9, 0, 0);
        (0..size).map(|i| uniform(stream.pair(Kind::Probe, 0, i)[0])).collect()
    }

    #[test]
    fn equals_elimination_of_the_whole_matrix() {
        for (rows, columns, row, column) in
            [(1, 1, 0.1, 0.2), (7, 5, 1e-3, 2e-3), (6, 9, 0.1, 0.1), (9, 4, 1e-5, 0.05)]
        {
            let g = conductances(rows * columns);
            let drive: Vec<f64> = (0..rows).map(|r| [1.0, -1.0, 0.0][r % 3]).collect();
            let solution =
                Crossbar::new(rows, columns, g.clone(), row, column).solve(&drive, &vec![0.0; columns]);
            assert!(solution.residual < 1e-12, "{}", solution.residual);
            for (found, expected) in
                solution.currents.iter().zip(dense(rows, columns, &g, row, column, &drive))
            {
                assert!((found - expected).abs() < 1e-10, "{found} {expected}");
            }
        }
    }

    #[test]
    fn the_transfer_of_each_row_adds_up_to_any_drive() {
        let (rows, columns) = (12, 10);
        for (row, column) in [(0.01, 0.02), (0.0, 0.05), (0.05, 0.0), (0.0, 0.0)] {
            let crossbar = Crossbar::new(rows, columns, conductances(rows * columns), row, column);
            let transfer = crossbar.transfer();
            let drive: Vec<f64> = (0..rows).map(|r| [1.0, -1.0, 0.0, 0.4][r % 4]).collect();
            let solution = crossbar.solve(&drive, &vec![0.0; columns]);
            assert!(solution.residual < 1e-12, "{}", solution.residual);
            for c in 0..columns {
                let exact: f64 = (0..rows).map(|r| solution.currents[r * columns + c]).sum();
                let sum: f64 = (0..rows).map(|r| transfer[r * columns + c] * drive[r]).sum();
                assert!((sum - exact).abs() < 1e-12, "{sum} {exact}");
            }
        }
    }
}
