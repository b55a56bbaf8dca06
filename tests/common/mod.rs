//! Where tests find the reference models and data, which are never part of the repository.

use std::path::PathBuf;

/// `name` below the reference folder (`../shared`, else `$BINCIM_SHARED`); none, loudly, where it is absent.
pub fn shared(name: &str) -> Option<PathBuf> {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    let beside = root.ancestors().skip(1).map(|a| a.join("shared")).find(|p| p.join(name).exists());
    let found = beside.or_else(|| std::env::var_os("BINCIM_SHARED").map(|p| PathBuf::from(p).join("")));
    match found.map(|p| p.join(name)).filter(|p| p.exists()) {
        Some(path) => Some(path),
        None => {
            eprintln!("SKIPPED: reference file {name} is absent (set BINCIM_SHARED)");
            None
        }
    }
}
