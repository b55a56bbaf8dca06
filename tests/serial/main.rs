//! The serial link: the same kernels in rust-hdl's simulator and, printed, in Icarus Verilog.

mod bench;

use bench::{Bench, Manners, answer};
use bincim::emit::hdl::protocol::{QUERY, Reply, Status, decode_reply, encode_frame};
use bincim::emit::hdl::{SerialLink, modules};

#[test]
fn dump() {
    if let Ok(dir) = std::env::var("DUMP") {
        for (s, m, f) in [(3, 2, 4), (1, 1, 1), (98, 4, 8)] {
            let link = SerialLink { divider: 5, silence_bits: 30, ..SerialLink::new(5, s, m, f) };
            let d = format!("{dir}/{s}_{m}_{f}");
            std::fs::create_dir_all(&d).unwrap();
            for t in modules(&link).unwrap() {
                std::fs::write(format!("{d}/{}", t.name), t.text).unwrap();
            }
        }
    }
}
