//! Products of strided matrices of f32: a safe door to the `gemm` crate.
//!
//! Every product runs on the calling thread, so its order of additions depends on shapes alone; who wants
//! threads cuts the work into blocks of fixed size. Windows of one slice may overlap: they are only read.

/// A matrix inside a slice: entry (r, c) is `data[r * row_step + c * column_step]`.
#[derive(Clone, Copy)]
pub struct View<'a> {
    data: &'a [f32],
    rows: usize,
    columns: usize,
    row_step: usize,
    column_step: usize,
}

impl<'a> View<'a> {
    /// `rows` x `columns`, the entries of a row side by side, the rows `row_step` apart.
    pub fn rows(data: &'a [f32], rows: usize, columns: usize, row_step: usize) -> View<'a> {
        View { data, rows, columns, row_step, column_step: 1 }
    }

    pub fn transposed(self) -> View<'a> {
        View {
            rows: self.columns,
            columns: self.rows,
            row_step: self.column_step,
            column_step: self.row_step,
            ..self
        }
    }

    /// Entries of `data` that the view reaches.
    fn reach(&self) -> usize {
        (self.rows - 1) * self.row_step + (self.columns - 1) * self.column_step + 1
    }
}

/// `target = a * b`, or `target += a * b` where `add` is set; `target` is row-major without gaps.
///
/// Panics where the shapes do not fit or a view leaves its slice.
pub fn product(target: &mut [f32], a: View, b: View, add: bool) {
    assert_eq!(a.columns, b.rows, "inner sizes of a product");
    let (m, n, k) = (a.rows, b.columns, a.columns);
    assert!(target.len() >= m * n, "{} entries for {m} x {n}", target.len());
    if m * n == 0 {
        return;
    }
    if k == 0 {
        if !add {
            target[..m * n].fill(0.0);
        }
        return;
    }
    assert!(a.reach() <= a.data.len() && b.reach() <= b.data.len(), "a view beyond its slice");
    // SAFETY: all indices up to the largest lie inside the slices, as just asserted; `target` is borrowed
    // alone, and its rows do not overlap.
    unsafe {
        gemm::gemm(
            m,
            n,
            k,
            target.as_mut_ptr(),
            1,
            n as isize,
            add,
            a.data.as_ptr(),
            a.column_step as isize,
            a.row_step as isize,
            b.data.as_ptr(),
            b.column_step as isize,
            b.row_step as isize,
            if add { 1.0 } else { 0.0 },
            1.0,
            false,
            false,
            false,
            gemm::Parallelism::None,
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn numbers(count: usize) -> Vec<f32> {
        (0..count).map(|i| ((i * 37 + 11) % 19) as f32 - 9.0).collect()
    }

    #[test]
    fn products_of_integers_are_exact_for_any_steps() {
        for (m, n, k) in [(1, 1, 1), (5, 7, 3), (33, 20, 70), (4, 3, 0)] {
            let (a, b) = (numbers(m * (k + 2) + k), numbers(k * n));
            for overlapping in [false, true] {
                let step = if overlapping { 1 } else { k + 2 };
                let mut target = numbers(m * n);
                let before = target.clone();
                let left = View::rows(&a, m, k, step);
                product(&mut target, left, View::rows(&b, k, n, n), true);
                for r in 0..m {
                    for c in 0..n {
                        let sum: f32 = (0..k).map(|i| a[r * step + i] * b[i * n + c]).sum();
                        assert_eq!(target[r * n + c], before[r * n + c] + sum, "{m} {n} {k} ({r}, {c})");
                    }
                }
            }
            let mut turned = vec![0.0; k * k];
            let tall = View::rows(&b, k, n, n);
            product(&mut turned, tall, tall.transposed(), false);
            for r in 0..k {
                for c in 0..k {
                    let sum: f32 = (0..n).map(|i| b[r * n + i] * b[c * n + i]).sum();
                    assert_eq!(turned[r * k + c], sum);
                }
            }
        }
    }

    #[test]
    #[should_panic(expected = "beyond its slice")]
    fn a_view_beyond_its_slice_is_caught() {
        product(&mut [0.0; 4], View::rows(&[1.0; 3], 2, 2, 2), View::rows(&[1.0; 4], 2, 2, 2), false);
    }
}
