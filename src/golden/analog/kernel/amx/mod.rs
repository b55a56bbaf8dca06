//! The matrix kernel: 64 rows of 32 columns times 32 vectors by four instructions of Intel's AMX (bytes times bytes, sums of
//! 32 bits), and conversions in between.
//!
//! A bit becomes a byte for each digit of the cells, so that the digits add up in the same sums. The vectors of a block with
//! even numbers share one tile register, the others the second: the lower halves of two sums side by side are the voltages in
//! order.

mod convert;

use std::arch::asm;
use std::arch::x86_64::*;
use std::mem::MaybeUninit;
use std::ops::Range;
use std::sync::OnceLock;

use super::tiles::{DEPTH, FOUR, Tiles, WIDE};
use super::{Panel, Sink};
use convert::{Conversion, TOGETHER};

/// Rows of a tile register: columns or vectors.
const SIDE: usize = 16;

/// Bytes of a tile register.
const TILE_BYTES: usize = SIDE * DEPTH;

/// Whether the processor has the instructions, and the operating system keeps their registers for this process (it is asked
/// once).
pub(super) fn available() -> bool {
    static AVAILABLE: OnceLock<bool> = OnceLock::new();
    *AVAILABLE.get_or_init(|| {
        // Leaf 7 of CPUID: bit 24 stands for tile registers, bit 25 for products of bytes.
        let instructions = __cpuid_count(0, 0).eax >= 7 && __cpuid_count(7, 0).edx >> 24 & 3 == 3;
        instructions && permitted()
    })
}

/// Asks Linux for the state of tile registers (arch_prctl(2)).
#[cfg(target_os = "linux")]
fn permitted() -> bool {
    const ARCH_REQ_XCOMP_PERM: libc::c_long = 0x1023;
    const TILE_DATA: libc::c_long = 18;
    // SAFETY: the call takes two numbers and touches no memory.
    unsafe { libc::syscall(libc::SYS_arch_prctl, ARCH_REQ_XCOMP_PERM, TILE_DATA) == 0 }
}

#[cfg(not(target_os = "linux"))]
fn permitted() -> bool {
    false
}

/// See [`super::spread`].
///
/// # Safety
/// The processor has the instructions, and [`super::spread`] has asserted the bounds.
#[target_feature(enable = "avx512f,avx512bw")]
pub(super) unsafe fn spread(tiles: &Tiles, panel: &Panel, bytes: &mut [u16]) {
    // SAFETY: origin and largest word were asserted to lie in the maps, and there is room for the bytes of every block.
    unsafe {
        let places = _mm512_loadu_si512(PLACES.as_ptr().cast());
        let bits = BITS.map(|bits| _mm512_loadu_si512(bits.as_ptr().cast()));
        let mut to = bytes.as_mut_ptr().cast::<__m512i>();
        for block in panel.blocks {
            let map = panel.maps.as_ptr().add(block.origin);
            for values in tiles.bits {
                let [zero, one] = values.map(|value| _mm512_set1_epi8(value));
                for (row, (words, &run)) in tiles.words.iter().zip(&tiles.runs).enumerate() {
                    let words = match run {
                        true => _mm_loadu_si128(map.add(words[0]).cast()),
                        false => {
                            let [a, b, c, d] = words.map(|word| *map.add(word) as i32);
                            _mm_setr_epi32(a, b, c, d)
                        }
                    };
                    let words = _mm512_shuffle_epi8(_mm512_broadcast_i32x4(words), places);
                    for (half, bits) in bits.into_iter().enumerate() {
                        let set = _mm512_test_epi8_mask(words, bits);
                        let to = to.add((row / SIDE * 2 + half) * SIDE + row % SIDE);
                        _mm512_store_si512(to, _mm512_mask_blend_epi8(set, zero, one));
                    }
                }
                to = to.add(2 * tiles.words.len());
            }
        }
    }
}

/// Where byte `4 vector + word` of a tile's row finds its eight vectors among the bytes of four words.
const PLACES: [u8; DEPTH] = {
    let mut places = [0; DEPTH];
    let mut at = 0;
    while at < DEPTH {
        places[at] = (FOUR * (at % FOUR) + 2 * (at / FOUR) / 8) as u8;
        at += 1;
    }
    places
};

/// Which of them it is: of the even vectors, and of the odd ones.
const BITS: [[u8; DEPTH]; 2] = {
    let mut bits = [[0; DEPTH]; 2];
    let mut at = 0;
    while at < DEPTH {
        bits[0][at] = 1 << (2 * (at / FOUR) % 8);
        bits[1][at] = bits[0][at] << 1;
        at += 1;
    }
    bits
};

/// Sums of a pair of tiles of columns.
#[repr(align(64))]
struct Products([Product; WIDE]);

/// A column's: those of the even vectors, then those of the odd ones.
type Product = [[i32; SIDE]; 2];

/// See [`super::multiply`].
///
/// # Safety
/// The processor has the instructions, and [`super::multiply`] has asserted the bounds.
#[target_feature(enable = "avx512f,avx512bw")]
pub(super) unsafe fn read(
    tiles: &Tiles,
    columns: Range<usize>,
    panel: &Panel,
    bytes: &[u16],
    sink: &mut Sink,
) {
    let steps = tiles.bits.len() * tiles.groups;
    // So many columns a step are converted while the next products are made.
    let share = WIDE.div_ceil(steps).next_multiple_of(TOGETHER);
    let mut products = MaybeUninit::<Products>::uninit();
    let products = products.as_mut_ptr();
    let mut conversion = Conversion::new(tiles, columns.clone(), panel, products, sink);
    // SAFETY: tile registers are set up before they are used, and nothing else uses them. Cells and bytes are those that were
    // asserted; products are stored when the ones before have been converted.
    unsafe {
        let _registers = Registers::set_up();
        for first in columns.clone().step_by(WIDE) {
            for (block, bytes) in
                bytes.chunks_exact(tiles.block_bytes() / 2).take(panel.blocks.len()).enumerate()
            {
                let mut cells = tiles.cells.as_ptr().add(first * steps * DEPTH);
                let mut bytes = bytes.as_ptr().cast::<i8>();
                clear();
                for _ in 0..steps {
                    step(cells, bytes);
                    cells = cells.add(2 * TILE_BYTES);
                    bytes = bytes.add(2 * TILE_BYTES);
                    conversion.some(share);
                }
                store(products);
                conversion.wait(first..columns.end.min(first + WIDE), block);
            }
        }
        conversion.some(WIDE);
    }
}

/// The tile registers of this thread, all of 16 rows of 64 bytes; given back when dropped.
///
/// Every piece of assembly names those it writes as clobbered. What lies in them stays there from one piece to the next,
/// for no type of the language lies in a tile register and no call between the pieces is to code that uses them.
struct Registers;

impl Registers {
    /// # Safety
    /// The processor has them, and nothing else on this thread uses them.
    unsafe fn set_up() -> Registers {
        // Palette 1; bytes a row from byte 16 on, rows from byte 48 on (Intel's manual, volume 1, chapter 18).
        let mut setting = [0u8; 64];
        setting[0] = 1;
        for register in 0..8 {
            setting[16 + 2 * register] = DEPTH as u8;
            setting[48 + register] = SIDE as u8;
        }
        // SAFETY: the caller's, and the setting is 64 bytes.
        unsafe {
            asm!(
                "ldtilecfg [{setting}]",
                setting = in(reg) &setting,
                out("tmm0") _, out("tmm1") _, out("tmm2") _, out("tmm3") _,
                out("tmm4") _, out("tmm5") _, out("tmm6") _, out("tmm7") _,
                options(nostack, readonly),
            );
        }
        Registers
    }
}

impl Drop for Registers {
    fn drop(&mut self) {
        // SAFETY: they have been set up.
        unsafe {
            asm!(
                "tilerelease",
                out("tmm0") _, out("tmm1") _, out("tmm2") _, out("tmm3") _,
                out("tmm4") _, out("tmm5") _, out("tmm6") _, out("tmm7") _,
                options(nostack, nomem),
            );
        }
    }
}

/// Sets the sums to 0: registers 0 and 1 for the first 16 columns, 2 and 3 for the others.
///
/// # Safety
/// The registers are set up.
#[inline]
unsafe fn clear() {
    // SAFETY: the caller's.
    unsafe {
        asm!(
            "tilezero tmm0",
            "tilezero tmm1",
            "tilezero tmm2",
            "tilezero tmm3",
            out("tmm0") _, out("tmm1") _, out("tmm2") _, out("tmm3") _,
            options(nostack, nomem),
        );
    }
}

/// Adds the products of one digit of 64 rows.
///
/// # Safety
/// The registers are set up; two tiles of cells and two of bits lie behind the pointers.
#[inline]
unsafe fn step(cells: *const i8, bits: *const i8) {
    // SAFETY: the caller's.
    unsafe {
        asm!(
            "tileloadd tmm4, [{cells} + {row}]",
            "tileloadd tmm6, [{bits} + {row}]",
            "tdpbssd tmm0, tmm4, tmm6",
            "tileloadd tmm7, [{bits} + {row} + 1024]",
            "tdpbssd tmm1, tmm4, tmm7",
            "tileloadd tmm5, [{cells} + {row} + 1024]",
            "tdpbssd tmm3, tmm5, tmm7",
            "tdpbssd tmm2, tmm5, tmm6",
            cells = in(reg) cells,
            bits = in(reg) bits,
            row = in(reg) DEPTH,
            out("tmm0") _, out("tmm1") _, out("tmm2") _, out("tmm3") _,
            out("tmm4") _, out("tmm5") _, out("tmm6") _, out("tmm7") _,
            options(nostack, readonly, preserves_flags),
        );
    }
}

/// Writes the sums.
///
/// # Safety
/// The registers are set up.
#[inline]
unsafe fn store(to: *mut Products) {
    const { assert!(TILE_BYTES == 1024 && size_of::<Product>() == 128) };
    // SAFETY: the caller's.
    unsafe {
        asm!(
            "tilestored [{to} + {row}], tmm0",
            "tilestored [{to} + {row} + 64], tmm1",
            "tilestored [{to} + {row} + 2048], tmm2",
            "tilestored [{to} + {row} + 2112], tmm3",
            to = in(reg) to,
            row = in(reg) size_of::<Product>(),
            options(nostack, preserves_flags),
        );
    }
}
