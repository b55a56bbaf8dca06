//! The suites of the kernels once more with a page that nobody may touch before and behind every buffer: one element
//! read or written beyond an end ends the process.
//!
//! All memory of the test comes from an allocator of its own. It puts each buffer into pages of its own, against the
//! page in front or, in a second run, against the page behind (as near as its alignment lets it be), and makes freed
//! pages untouchable as well. Each run is a process of its own, since a touch ends it.

#[macro_use]
extern crate harness;

use bincim::golden::{packed, reference};
use bincim::network::random::{self, Limits};
use bincim::train::{self, Trainer};
use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicUsize, Ordering};

/// The fast executor of analog arrays against the golden machine, for every instruction set of this processor.
#[path = "common/mod.rs"]
mod common;
#[path = "machines/mod.rs"]
mod machines;

#[path = "physics/analog_fast/suite.rs"]
mod analog_fast;

/// Which page buffers lie against: `front`, `behind`; not set: the system's allocator.
const VARIABLE: &str = "BINCIM_GUARD";

/// Smallest buffer that is guarded: a vector of the narrowest kernel.
const LEAST: usize = 32;
const PAGE: usize = 4096;
/// Addresses that are set apart; none is used twice.
const REGION: usize = 1 << 38;

const OFF: usize = 1;
const FRONT: usize = 2;
const BEHIND: usize = 3;

static MODE: AtomicUsize = AtomicUsize::new(0);
static START: AtomicUsize = AtomicUsize::new(0);
static NEXT: AtomicUsize = AtomicUsize::new(0);

struct Guarded;

#[global_allocator]
static ALLOCATOR: Guarded = Guarded;

/// Reads the variable and sets addresses apart, once. No memory may be asked for here.
fn mode() -> usize {
    let mode = MODE.load(Ordering::Acquire);
    if mode != 0 {
        return mode;
    }
    // SAFETY: both names end in 0, and the environment is not changed by any test of this program.
    let value = unsafe { libc::getenv(c"BINCIM_GUARD".as_ptr()) };
    // SAFETY: a value of the environment is null or ends in 0.
    let is = |text: &std::ffi::CStr| !value.is_null() && unsafe { libc::strcmp(value, text.as_ptr()) } == 0;
    let wanted = if is(c"front") {
        FRONT
    } else if is(c"behind") {
        BEHIND
    } else {
        OFF
    };
    if wanted != OFF && START.load(Ordering::Acquire) == 0 {
        let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_NORESERVE;
        // SAFETY: addresses that the system chooses, of which nothing is used yet.
        let start = unsafe { libc::mmap(std::ptr::null_mut(), REGION, libc::PROT_NONE, flags, -1, 0) };
        assert_ne!(start, libc::MAP_FAILED);
        // Of two threads here at once the first one's addresses are taken.
        let _ = START.compare_exchange(0, start as usize, Ordering::AcqRel, Ordering::Acquire);
    }
    MODE.store(wanted, Ordering::Release);
    wanted
}

/// Bytes of the pages that a buffer of `layout` lies in.
fn pages(layout: Layout) -> usize {
    layout.size().next_multiple_of(PAGE)
}

// SAFETY: guarded buffers lie in pages of their own, aligned as asked for; all others are the system's.
unsafe impl GlobalAlloc for Guarded {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let mode = mode();
        if mode == OFF || layout.size() < LEAST || layout.align() > PAGE {
            // SAFETY: the caller's.
            return unsafe { System.alloc(layout) };
        }
        // A page in front; the next buffer's is the one behind.
        let taken = NEXT.fetch_add(PAGE + pages(layout), Ordering::Relaxed);
        if taken + 2 * PAGE + pages(layout) > REGION {
            return std::ptr::null_mut();
        }
        let first = START.load(Ordering::Acquire) + taken + PAGE;
        // SAFETY: pages of the region that no buffer had before.
        if unsafe { libc::mprotect(first as *mut _, pages(layout), libc::PROT_READ | libc::PROT_WRITE) } != 0
        {
            return std::ptr::null_mut();
        }
        let room = if mode == FRONT { 0 } else { pages(layout) - layout.size() };
        (first + room / layout.align() * layout.align()) as *mut u8
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        let start = START.load(Ordering::Acquire);
        if start == 0 || !(start..start + REGION).contains(&(pointer as usize)) {
            // SAFETY: the caller's, and it was the system that gave it.
            return unsafe { System.dealloc(pointer, layout) };
        }
        let first = pointer as usize / PAGE * PAGE;
        // SAFETY: the pages are this buffer's alone, and nobody has it any more.
        unsafe {
            libc::madvise(first as *mut _, pages(layout), libc::MADV_DONTNEED);
            libc::mprotect(first as *mut _, pages(layout), libc::PROT_NONE);
        }
    }
}

/// This program again with its buffers against the pages of `mode`; what it was asked to run, and how it ended.
#[expect(clippy::disallowed_methods, reason = "a touch of a guard page ends the process")]
fn again(mode: &str, words: &[&str]) -> std::process::Output {
    let program = std::env::current_exe().expect("this program");
    let mut command = std::process::Command::new(program);
    command.args(words).env(VARIABLE, mode).env("BINCIM_ANALOG_FAST", "24").output().expect("it starts")
}

/// Without guards the suite of the analog executor is that of `tests/physics/analog_fast`, which runs by itself.
fn main() -> std::process::ExitCode {
    harness::run_except(if guarded() { None } else { Some("analog_fast::") })
}

fn guarded() -> bool {
    mode() != OFF
}

/// Both suites, behind and in front of guard pages.
#[test]
fn no_kernel_leaves_its_buffers() {
    if guarded() {
        return;
    }
    for mode in ["front", "behind"] {
        let ran = again(
            mode,
            &["--test-threads=1", "--skip", "no_kernel_leaves_its_buffers", "--skip", "a_touch_"],
        );
        let text = String::from_utf8_lossy(&ran.stdout).into_owned() + &String::from_utf8_lossy(&ran.stderr);
        assert!(ran.status.success() && text.contains("test result: ok"), "{mode}: {}\n{text}", ran.status);
    }
}

/// The bit-parallel model against the definition, for every instruction set of this processor.
#[test]
fn packed_kernels_equal_the_reference() {
    let wide = Limits {
        layers: 2,
        channels: 600,
        side: 2,
        kernel: 2,
        input_bits: 4,
        planes: 2,
        shortcuts: false,
        states: false,
        branches: false,
        steps: 1,
    };
    let padded = Limits {
        layers: 3,
        channels: 40,
        side: 6,
        kernel: 3,
        input_bits: 8,
        planes: 1,
        shortcuts: true,
        states: false,
        branches: false,
        steps: 1,
    };
    let usual = Limits::default();
    for seed in 0..30 {
        let limits = [&usual, &wide, &padded][seed as usize % 3];
        let network = random::network(seed, limits);
        let elements = random::elements(&network, seed, 1 + seed as usize % 9);
        let size = network.input.shape.elements();
        let expected: Vec<i32> =
            elements.chunks(size).flat_map(|image| reference::run(&network, image).scores).collect();
        for set in packed::InstructionSet::ALL.into_iter().filter(|set| set.available()) {
            let engine = packed::prepare_for(&network, set);
            assert_eq!(engine.infer_elements(&elements), expected, "seed {seed}, {set}");
        }
    }
}

/// Steps of narrow training on layers of odd sizes, whose sums must be those of single precision.
#[test]
fn narrow_products_equal_those_of_single_precision() {
    let conv = |more: &str| format!("[[layer]]\nkind = \"conv\"\n{more}\n");
    let nets = [
        (3, 7, 9, conv("outputs = 5\nkernel = 3\npad = 1") + &conv("outputs = 70\nkernel = 3\npool = 2")),
        (
            1,
            8,
            8,
            conv("outputs = 33\nkernel = 2\nstride = 2") + "[[layer]]\nkind = \"dense\"\noutputs = 49\n",
        ),
        (6, 16, 8, conv("outputs = 16\nkernel = 5\npad = 2") + &conv("outputs = 64\nkernel = 3\nstride = 3")),
    ];
    for (channels, rows, columns, layers) in nets {
        let trainer = |products: &str| {
            let text = format!(
                "[train]\nproducts = \"{products}\"\nbatch = 6\nmeasured = 6\n[input]\nchannels = {channels}\n\
                 rows = {rows}\ncolumns = {columns}\n{layers}[[layer]]\nkind = \"scores\"\noutputs = 3\n"
            );
            Trainer::new(train::plan(&toml::from_str(&text).expect("a file"), "net").expect("a plan"))
        };
        let (mut narrow, wide) = (trainer("narrow"), trainer("f32"));
        let codes: Vec<i8> = (0..6 * channels * rows * columns).map(|i| (i * 37 % 251) as i8).collect();
        for step in 0..3 {
            narrow.step(&codes, &[0, 1, 2, 0, 1, 2], 10);
            let expected = narrow.model.scores(&wide.plan, &codes, None);
            assert_eq!(narrow.model.scores(&narrow.plan, &codes, None), expected, "step {step}: {layers}");
        }
    }
}

/// What the guards are worth: one element before, one behind, and one of a buffer that is gone.
#[test]
fn a_touch_beyond_an_end_ends_the_process() {
    use std::os::unix::process::ExitStatusExt;
    if guarded() {
        return;
    }
    for (mode, touch) in [("front", "before"), ("behind", "after"), ("front", "late"), ("behind", "late")] {
        let ran = again(mode, &["--exact", &format!("a_touch_{touch}"), "--ignored"]);
        assert_eq!(ran.status.signal(), Some(libc::SIGSEGV), "{mode}, {touch}: {}", ran.status);
    }
    let ran = again("front", &["--exact", "a_touch_inside", "--ignored"]);
    assert!(ran.status.success(), "{}", ran.status);
}

/// A buffer of as many bytes as a page has not, and where it begins.
fn buffer() -> (Vec<u16>, *const u16) {
    let buffer = vec![1u16; 100];
    let start = buffer.as_ptr();
    (buffer, start)
}

#[test]
#[ignore = "ends the process; run by the test of the guards"]
fn a_touch_before() {
    let (_buffer, start) = buffer();
    // SAFETY: none: the page in front is not there, and that is under test.
    std::hint::black_box(unsafe { start.wrapping_sub(1).read_volatile() });
}

#[test]
#[ignore = "ends the process; run by the test of the guards"]
fn a_touch_after() {
    let (buffer, start) = buffer();
    // SAFETY: none: the page behind is not there, and that is under test.
    std::hint::black_box(unsafe { start.wrapping_add(buffer.len()).read_volatile() });
}

#[test]
#[ignore = "ends the process; run by the test of the guards"]
fn a_touch_late() {
    let (buffer, start) = buffer();
    drop(buffer);
    // SAFETY: none: the pages are gone, and that is under test.
    std::hint::black_box(unsafe { start.read_volatile() });
}

#[test]
#[ignore = "run by the test of the guards"]
fn a_touch_inside() {
    let (buffer, start) = buffer();
    assert!(guarded() && buffer.iter().all(|&value| value == 1));
    // SAFETY: the last element.
    assert_eq!(unsafe { start.add(buffer.len() - 1).read_volatile() }, 1);
}
