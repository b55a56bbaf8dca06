//! The inner loop: looks up the partial voltages of 4 columns for 4 blocks and adds them up.
//!
//! Assembly, because the order of the instructions decides the speed. AMD's processors bind an addition to one of four
//! pipes and a look-up to one of two when they take them in; where both alternate, additions end up in the pipes that
//! look-ups need, and a look-up takes 1.25 cycles. Four look-ups and then their four additions take four cycles, which
//! is what the two pipes can do. A compiler does not keep such an order.

use std::arch::asm;
use std::arch::x86_64::__m512i;

use super::super::tables::{BLOCKS, MOST_ROWS, TILE};

/// Voltages of a tile's columns for some blocks of vectors, 32 lanes of 16 bits.
pub(super) type Voltages = [[__m512i; BLOCKS]; TILE];

/// A table of two vectors, and a look-up in both; the index is overwritten by what it finds.
macro_rules! in_pairs {
    (table $at:literal) => {
        concat!("vmovdqa64 zmm24, [{table} + ", $at, "]\n vmovdqa64 zmm25, [{table} + ", $at, " + 64]\n")
    };
    ($to:literal, $index:literal) => {
        concat!("vmovdqa64 zmm", $to, ", zmm", $index, "\n vpermi2w zmm", $to, ", zmm24, zmm25\n")
    };
}

/// A table of one vector, and a look-up in it.
macro_rules! in_one {
    (table $at:literal) => {
        concat!("vmovdqa64 zmm24, [{table} + ", $at, "]\n")
    };
    ($to:literal, $index:literal) => {
        concat!("vpermw zmm", $to, ", zmm", $index, ", zmm24\n")
    };
}

macro_rules! add {
    ($to:literal, $found:literal) => {
        concat!("vpaddw zmm", $to, ", zmm", $to, ", zmm", $found, "\n")
    };
}

/// One group of rows and one column, whose table lies `$at` bytes behind the group's first: look-ups for four blocks, then
/// the additions to the voltages `$v0` to `$v3`.
macro_rules! column {
    ($find:ident, $at:literal, $v0:literal, $v1:literal, $v2:literal, $v3:literal) => {
        concat!(
            $find!(table $at),
            $find!(20, 16),
            $find!(21, 17),
            $find!(22, 18),
            $find!(23, 19),
            add!($v0, 20),
            add!($v1, 21),
            add!($v2, 22),
            add!($v3, 23),
        )
    };
}

/// All groups: 4 indices and 4 tables each, one after the other in memory.
macro_rules! groups {
    ($find:ident, $voltages:ident, $table:ident, $index:ident, $groups:ident) => {
        asm!(
            "2:",
            "vmovdqa64 zmm16, [{index}]",
            "vmovdqa64 zmm17, [{index} + 64]",
            "vmovdqa64 zmm18, [{index} + 128]",
            "vmovdqa64 zmm19, [{index} + 192]",
            column!($find, 0, 0, 1, 2, 3),
            column!($find, 128, 4, 5, 6, 7),
            column!($find, 256, 8, 9, 10, 11),
            column!($find, 384, 12, 13, 14, 15),
            "add {index}, 256",
            "add {table}, 512",
            "dec {groups}",
            "jnz 2b",
            table = inout(reg) $table => _,
            index = inout(reg) $index => _,
            groups = inout(reg) $groups => _,
            inout("zmm0") $voltages[0][0],
            inout("zmm1") $voltages[0][1],
            inout("zmm2") $voltages[0][2],
            inout("zmm3") $voltages[0][3],
            inout("zmm4") $voltages[1][0],
            inout("zmm5") $voltages[1][1],
            inout("zmm6") $voltages[1][2],
            inout("zmm7") $voltages[1][3],
            inout("zmm8") $voltages[2][0],
            inout("zmm9") $voltages[2][1],
            inout("zmm10") $voltages[2][2],
            inout("zmm11") $voltages[2][3],
            inout("zmm12") $voltages[3][0],
            inout("zmm13") $voltages[3][1],
            inout("zmm14") $voltages[3][2],
            inout("zmm15") $voltages[3][3],
            out("zmm16") _,
            out("zmm17") _,
            out("zmm18") _,
            out("zmm19") _,
            out("zmm20") _,
            out("zmm21") _,
            out("zmm22") _,
            out("zmm23") _,
            out("zmm24") _,
            out("zmm25") _,
            options(nostack, readonly),
        )
    };
}

/// `voltages` and what `groups` (at least one) groups of G rows add to them. `table` points to 4 tables of 128 bytes a group,
/// `index` to 4 vectors of indices a group; both lie on 64-byte boundaries.
///
/// # Safety
/// The processor has the instructions, and tables and indices are there.
#[target_feature(enable = "avx512f,avx512bw")]
#[inline]
pub(super) unsafe fn accumulate<const G: usize>(
    mut voltages: Voltages,
    table: *const __m512i,
    index: *const __m512i,
    groups: usize,
) -> Voltages {
    const { assert!(TILE == 4 && BLOCKS == 4) };
    debug_assert!(groups > 0);
    // SAFETY: the caller's.
    unsafe {
        match G {
            MOST_ROWS => groups!(in_pairs, voltages, table, index, groups),
            _ => groups!(in_one, voltages, table, index, groups),
        }
    }
    voltages
}
