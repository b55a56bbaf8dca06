#!/usr/bin/env bash
# The main job on the embedded example: `scripts/demo.sh [DEVICE [OUT]]`.
#
# Reads a trained network, generates its accelerator, proves it against the golden model in
# simulation, takes it to a bitstream and writes a report. Run by `make demo`, which sets up the
# tools first. An earlier result in OUT is replaced.

set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

readonly DEVICE="${1:-up5k}"
readonly OUT="${2:-build/demo}"
readonly BINCIM="target/release/bincim"
readonly EXAMPLE="examples/glyphs"

[ -x "$BINCIM" ] || { echo "demo: $BINCIM is not built; run \`make demo\`" >&2; exit 2; }
[ -d "$EXAMPLE" ] || { echo "demo: the example folder $EXAMPLE is missing" >&2; exit 2; }

step() { printf '\n\033[1m%s\033[0m\n$ %s\n' "$1" "${*:2}" >&2; "${@:2}"; }

mkdir -p "$(dirname "$OUT")"
rm -rf "$OUT"
step "1/4  Generate the accelerator" \
  "$BINCIM" generate "$EXAMPLE/model.onnx" --arch "$EXAMPLE/arch.toml" -o "$OUT"
step "2/4  Verify the Verilog against the golden model, bit for bit" \
  "$BINCIM" verify "$OUT" --data "$EXAMPLE/data"
step "3/4  Synthesise, place and route for $DEVICE" \
  "$BINCIM" synth "$OUT" --device "$DEVICE"
step "4/4  Write the report" \
  "$BINCIM" report "$OUT" -o "$OUT/report.html"

printf '\nDone. The Verilog is in %s/rtl, the bitstream in %s/synth/%s, the report is %s/report.html\n' \
  "$OUT" "$OUT" "$DEVICE" "$OUT"
