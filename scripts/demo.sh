#!/usr/bin/env bash
# The main job on the embedded example: `scripts/demo.sh [DEVICE [OUT]]`.
#
# Draws pictures, reads a trained network, generates its accelerator, proves it against the golden model in
# simulation, takes it to a bitstream and writes a report. Run by `make demo`, which sets up the
# tools first. An earlier result in OUT is replaced.

set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

readonly DEVICE="${1:-up5k}"
readonly OUT="${2:-build/demo}"
readonly BINCIM="target/release/bincim"
readonly EXAMPLE="examples/glyphs"
readonly DATA="$OUT/data"
readonly DESIGN="$OUT/glyphs-$DEVICE"

[ -x "$BINCIM" ] || { echo "demo: $BINCIM is not built; run \`make demo\`" >&2; exit 2; }
[ -d "$EXAMPLE" ] || { echo "demo: the example folder $EXAMPLE is missing" >&2; exit 2; }

# Bold on a terminal only.
bold="" plain=""
if [ -t 2 ] && [ -z "${NO_COLOR:-}" ]; then bold=$'\033[1m' plain=$'\033[0m'; fi
step() { printf '\n%s%s%s\n$ %s\n' "$bold" "$1" "$plain" "${*:2}" >&2; "${@:2}"; }

mkdir -p "$OUT"
step "1/5  Draw pictures that took no part in the training" \
  "$BINCIM" glyphs --seed 1 --split test --count 200 -o "$DATA" --force
step "2/5  Generate the accelerator" \
  "$BINCIM" generate "$EXAMPLE/glyphs.onnx" --device "$DEVICE" -o "$DESIGN"
step "3/5  Verify the Verilog against the golden model, bit for bit" \
  "$BINCIM" verify "$DESIGN" --data "$DATA"
step "4/5  Synthesise, place and route for $DEVICE" \
  "$BINCIM" synth "$DESIGN" --device "$DEVICE"
step "5/5  Write the report" \
  "$BINCIM" report "$DESIGN" -o "$OUT/report.html"

whole=""
[ -z "${DEMO_BEGAN:-}" ] || whole=", $(($(date +%s) - DEMO_BEGAN)) s with set-up and build"
printf '\nDone in %d s%s.\n  Verilog    %s/rtl\n  bitstream  %s/synth/%s\n  report     %s/report.html\n' \
  "$SECONDS" "$whole" "$DESIGN" "$DESIGN" "$DEVICE" "$OUT"
