//! Buffers that start on a 64-byte boundary, so that no vector load crosses a cache line.

use std::alloc::{Layout, alloc, dealloc, handle_alloc_error};
use std::ptr::NonNull;

const BOUNDARY: usize = 64;

/// A fixed number of elements, the first of them on a 64-byte boundary, and nothing behind the last.
#[derive(Debug)]
pub(super) struct Aligned<T> {
    start: NonNull<T>,
    length: usize,
}

// SAFETY: it owns its elements alone, as a vector does.
unsafe impl<T: Send> Send for Aligned<T> {}
// SAFETY: as above; a shared one gives out nothing but shared slices.
unsafe impl<T: Sync> Sync for Aligned<T> {}

impl<T> Aligned<T> {
    fn layout(length: usize) -> Layout {
        let layout = Layout::array::<T>(length).and_then(|layout| layout.align_to(BOUNDARY));
        layout.expect("a buffer that memory can hold")
    }
}

impl<T: Copy> Aligned<T> {
    /// `length` copies of `value`.
    pub(super) fn new(length: usize, value: T) -> Aligned<T> {
        let layout = Self::layout(length);
        if layout.size() == 0 {
            let start = NonNull::without_provenance(BOUNDARY.try_into().expect("not 0"));
            return Aligned { start, length };
        }
        // SAFETY: the layout is not empty.
        let Some(start) = NonNull::new(unsafe { alloc(layout) }.cast::<T>()) else {
            handle_alloc_error(layout)
        };
        for at in 0..length {
            // SAFETY: inside the allocation, which is aligned for `T` and more.
            unsafe { start.add(at).write(value) };
        }
        Aligned { start, length }
    }
}

impl<T> Drop for Aligned<T> {
    fn drop(&mut self) {
        let layout = Self::layout(self.length);
        if layout.size() > 0 {
            // SAFETY: allocated with this layout; only copies of plain values lie in it.
            unsafe { dealloc(self.start.as_ptr().cast(), layout) };
        }
    }
}

impl<T> std::ops::Deref for Aligned<T> {
    type Target = [T];

    fn deref(&self) -> &[T] {
        // SAFETY: `new` has written so many elements there, and they live as long as `self`.
        unsafe { std::slice::from_raw_parts(self.start.as_ptr(), self.length) }
    }
}

impl<T> std::ops::DerefMut for Aligned<T> {
    fn deref_mut(&mut self) -> &mut [T] {
        // SAFETY: as above, and nobody else has them meanwhile.
        unsafe { std::slice::from_raw_parts_mut(self.start.as_ptr(), self.length) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_element_lies_on_a_cache_line() {
        for length in [0, 1, 63, 1000] {
            let mut words = Aligned::new(length, 7u32);
            assert_eq!((words.as_ptr() as usize % 64, words.len()), (0, length));
            words.iter_mut().for_each(|word| *word += 1);
            assert!(words.iter().all(|&word| word == 8));
        }
    }
}
