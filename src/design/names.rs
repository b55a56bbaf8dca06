//! Names of the modules and memory images that belong to one design alone. All begin with the prefix that the
//! architecture file gives, so that several designs stand in one simulation or chip; what is the same in every design
//! is called `bincim_...` and stands there once.

use super::Design;

impl Design {
    /// Name of the module `part`: `top`, `cim_array`, `walk_program`, ...
    pub fn module(&self, part: &str) -> String {
        format!("{}_{part}", self.arch.target.prefix)
    }

    /// What the names of the popcount tree and its parts begin with.
    pub fn tree_stem(&self) -> String {
        self.module("popcount")
    }

    /// File of the memory image `part`: `weights`, `thresholds`, ...
    pub fn image(&self, part: &str) -> String {
        format!("{}_{part}.hex", self.arch.target.prefix)
    }
}
