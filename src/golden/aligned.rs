//! Buffers that start on a 64-byte boundary, so that no vector load crosses a cache line.

/// A fixed number of elements, the first of them on a 64-byte boundary.
#[derive(Debug)]
pub(super) struct Aligned<T> {
    storage: Vec<T>,
    start: usize,
    length: usize,
}

impl<T: Copy> Aligned<T> {
    /// `length` copies of `value`.
    pub(super) fn new(length: usize, value: T) -> Aligned<T> {
        // The allocation is never moved again, so the offset found here stays true.
        let storage = vec![value; length + 64 / size_of::<T>()];
        let start = storage.as_ptr().align_offset(64);
        Aligned { storage, start, length }
    }
}

impl<T> std::ops::Deref for Aligned<T> {
    type Target = [T];

    fn deref(&self) -> &[T] {
        &self.storage[self.start..self.start + self.length]
    }
}

impl<T> std::ops::DerefMut for Aligned<T> {
    fn deref_mut(&mut self) -> &mut [T] {
        &mut self.storage[self.start..self.start + self.length]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_element_lies_on_a_cache_line() {
        for length in [0, 1, 63, 1000] {
            let words = Aligned::new(length, 7u32);
            assert_eq!((words.as_ptr() as usize % 64, words.len()), (0, length));
            assert!(words.iter().all(|&word| word == 7));
        }
    }
}
