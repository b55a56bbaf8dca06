#!/usr/bin/env bash
# Accuracy of LFC and CNV by range of the converters: full, the inner 99.98 % of the sums, granular steps, least error.
#
#   examples/analog/ranges.sh BINCIM SHARED    (the program; the folder with models/ and data/)
#
# Arrays of 256 x 64; ranges from 100 (CNV: 50) training images; 1000 test images on the chip without errors, and on
# 10 chips whose devices are off by 5 % of the largest conductance.
set -euo pipefail
bincim=$1 shared=$2
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
arch() {
  printf '[array]\nrows = 256\ncolumns = 64\n[activation]\nword = 64\n[readout]\nkind = "adc"\nlevels = %s\nrange = "full"\n' "$1"
  printf 'value_fraction_bits = 5\n[variation.gaussian]\nsigma = 0.05\n'
}
number() { python3 -c 'import json,sys; r=json.load(sys.stdin); print(f"{100*r[sys.argv[1]]:.2f}")' "$1"; }
echo "| network | levels | full | 99.98 % | granular | least error |"
echo "|---|---|---|---|---|---|"
for case in "lfc_mnist mnist 100" "cnv_cifar10 cifar10 50"; do
  read -r model data images <<<"$case"
  for levels in 7 15 31 63; do
    line="| $model | $levels |"
    for rule in full percentile granular least-error; do
      arch "$levels" >"$work/arch.toml"
      if [ "$rule" != full ]; then
        "$bincim" calibrate "$shared/models/$model.onnx" --arch "$work/arch.toml" --data "$shared/data/$data" \
          --images "$images" --rule "$rule" -o "$work/found.toml" >/dev/null
        mv "$work/found.toml" "$work/arch.toml"
      fi
      "$bincim" vary "$shared/models/$model.onnx" --arch "$work/arch.toml" --data "$shared/data/$data" \
        --images 1000 --chips 10 --json >"$work/result.json"
      line+=" $(number accuracy_ideal <"$work/result.json") ($(number accuracy_mean <"$work/result.json")) |"
    done
    echo "$line"
  done
done
