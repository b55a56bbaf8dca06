//! The most row additions that this processor does by look-up, or by products of bytes where it has AMX: the instructions of
//! the inner loop on registers, in the order in which the processor does them fastest, and nothing else.

use bincim::golden::analog::InstructionSet;

/// Passes over the 16 sums (4 registers of products) in one timed call, 0.1 to 0.5 ms.
const PASSES: usize = 20_000;

/// Vectors of one look-up.
const VECTORS: usize = 32;

/// Look-ups in a table of two vectors, or of one.
#[cfg(target_arch = "x86_64")]
macro_rules! in_pairs {
    ($to:literal, $index:literal) => {
        concat!("vmovdqa64 zmm", $to, ", zmm", $index, "\n vpermi2w zmm", $to, ", zmm24, zmm25\n")
    };
}
#[cfg(target_arch = "x86_64")]
macro_rules! in_one {
    ($to:literal, $index:literal) => {
        concat!("vpermw zmm", $to, ", zmm", $index, ", zmm24\n")
    };
}

#[cfg(target_arch = "x86_64")]
macro_rules! add {
    ($to:literal, $found:literal) => {
        concat!("vpaddw zmm", $to, ", zmm", $to, ", zmm", $found, "\n")
    };
}

/// Four look-ups and the additions of what they find.
#[cfg(target_arch = "x86_64")]
macro_rules! four {
    ($find:ident, $a:literal, $b:literal, $c:literal, $d:literal) => {
        concat!(
            $find!(20, 16),
            $find!(21, 17),
            $find!(22, 18),
            $find!(23, 19),
            add!($a, 20),
            add!($b, 21),
            add!($c, 22),
            add!($d, 23),
        )
    };
}

/// All passes over the 16 sums; what the registers hold does not matter.
#[cfg(target_arch = "x86_64")]
macro_rules! passes {
    ($find:ident) => {
        std::arch::asm!(
            "2:",
            four!($find, 0, 1, 2, 3),
            four!($find, 4, 5, 6, 7),
            four!($find, 8, 9, 10, 11),
            four!($find, 12, 13, 14, 15),
            "dec {passes}",
            "jnz 2b",
            passes = inout(reg) PASSES => _,
            out("zmm0") _, out("zmm1") _, out("zmm2") _, out("zmm3") _,
            out("zmm4") _, out("zmm5") _, out("zmm6") _, out("zmm7") _,
            out("zmm8") _, out("zmm9") _, out("zmm10") _, out("zmm11") _,
            out("zmm12") _, out("zmm13") _, out("zmm14") _, out("zmm15") _,
            out("zmm20") _, out("zmm21") _, out("zmm22") _, out("zmm23") _,
            options(nomem, nostack),
        )
    };
}

/// 10^9 multiply-adds a second of the best of `calls` calls, with as many rows an instruction as `set` has; `None` without
/// the instructions.
pub fn gmacs(set: InstructionSet, calls: usize) -> Option<f64> {
    #[cfg(target_arch = "x86_64")]
    if let Some(rows) = set.rows_of_look_up() {
        assert!(set.available());
        let once = || match (set, rows) {
            (InstructionSet::Amx, _) => products(),
            // SAFETY: the processor has the instructions of `set`.
            (_, 6) => unsafe { passes!(in_pairs) },
            // SAFETY: as above.
            _ => unsafe { passes!(in_one) },
        };
        let work = match set {
            // 16 columns, 16 vectors and 64 rows.
            InstructionSet::Amx => 4 * PASSES * 16 * 16 * 64,
            _ => 16 * PASSES * rows * VECTORS,
        };
        let best = (0..calls).map(|_| super::seconds(once)).fold(f64::INFINITY, f64::min);
        return Some(work as f64 / best / 1e9);
    }
    let _ = (set, calls, PASSES, VECTORS);
    None
}

/// Products of bytes into four tile registers of sums; what the registers hold does not matter.
#[cfg(target_arch = "x86_64")]
fn products() {
    // Palette 1, eight registers of 16 rows of 64 bytes.
    let mut setting = [0u8; 64];
    setting[0] = 1;
    for register in 0..8 {
        (setting[16 + 2 * register], setting[48 + register]) = (64, 16);
    }
    // SAFETY: the set is available, so the processor has the instructions and the system keeps the registers.
    unsafe {
        std::arch::asm!(
            "ldtilecfg [{setting}]",
            "2:",
            "tdpbssd tmm0, tmm4, tmm6",
            "tdpbssd tmm1, tmm4, tmm7",
            "tdpbssd tmm2, tmm5, tmm6",
            "tdpbssd tmm3, tmm5, tmm7",
            "dec {passes}",
            "jnz 2b",
            "tilerelease",
            setting = in(reg) &setting,
            passes = inout(reg) PASSES => _,
            options(nostack, readonly),
        );
    }
}
