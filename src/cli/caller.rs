//! A verb that another program calls in its own process: what it prints is kept, and what it tells goes to the caller.

use crate::app::Watch;
use std::cell::RefCell;
use std::sync::{Arc, Mutex};

/// Whoever looks on, from whichever thread.
pub type Watcher = Arc<dyn Watch + Send + Sync>;

#[derive(Clone)]
struct Caller {
    watch: Watcher,
    printed: Arc<Mutex<Vec<u8>>>,
}

thread_local! {
    /// Of the verb that runs on this thread.
    static CALLER: RefCell<Option<Caller>> = const { RefCell::new(None) };
}

/// Runs `work` on this thread for `caller`; also where it panics nobody is called behind it.
fn with<T>(caller: Option<Caller>, work: impl FnOnce() -> T) -> T {
    struct Before(Option<Caller>);
    impl Drop for Before {
        fn drop(&mut self) {
            CALLER.set(self.0.take());
        }
    }
    let _before = Before(CALLER.replace(caller));
    work()
}

/// Runs `verb` for whoever looks on with `watch`; its result, and what it would have printed.
pub fn during<T>(watch: Watcher, verb: impl FnOnce() -> T) -> (T, String) {
    let printed = Arc::<Mutex<Vec<u8>>>::default();
    let found = with(Some(Caller { watch, printed: printed.clone() }), verb);
    let printed = printed.lock().map_or_else(|_| Vec::new(), |mut bytes| std::mem::take(&mut *bytes));
    (found, String::from_utf8_lossy(&printed).into_owned())
}

/// Runs `work` on a thread of `pool`, for the same caller.
pub fn install<T: Send>(pool: &rayon::ThreadPool, work: impl FnOnce() -> T + Send) -> T {
    let caller = CALLER.with_borrow(Clone::clone);
    pool.install(|| with(caller, work))
}

/// Keeps what would be printed; false where nobody called.
pub fn prints(bytes: &[u8]) -> bool {
    CALLER.with_borrow(|caller| match caller {
        Some(caller) => {
            if let Ok(mut printed) = caller.printed.lock() {
                printed.extend_from_slice(bytes);
            }
            true
        }
        None => false,
    })
}

/// Who called the verb that runs on this thread.
pub fn watch() -> Option<Watcher> {
    CALLER.with_borrow(|caller| caller.as_ref().map(|caller| caller.watch.clone()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::Silent;
    use crate::cli::output;

    #[test]
    fn a_called_verb_prints_to_its_caller_from_every_thread() {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(1).build().expect("a thread");
        let verb = || {
            output::result("here, ").expect("kept");
            install(&pool, || output::result("and there").expect("kept"));
            watch().is_some()
        };
        assert_eq!(during(Arc::new(Silent), verb), (true, "here, and there".into()));
        let panics = std::panic::catch_unwind(|| during(Arc::new(Silent), || panic!("on purpose")));
        assert!(panics.is_err() && watch().is_none() && pool.install(watch).is_none());
    }
}
