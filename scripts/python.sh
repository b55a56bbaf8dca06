#!/usr/bin/env bash
# The Python package: `scripts/python.sh test|wheel [ARGUMENTS OF pytest]`.
#
#   test    builds the package into .tools/python, a virtual environment of its own, and runs its tests
#   wheel   builds the wheel, one for every Python from 3.10 on, into build/wheels
#
# With WITH_TORCH=1 the tests of bincim.torch and of Brevitas's exports run too; PyTorch takes 5 GB of disk. Without it they
# are told as skipped. PYTHON names the interpreter (python3), VENV another place for the environment; versions are pinned in
# python/requirements*.txt.

set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

readonly WHAT="${1:-}"
readonly VENV="${VENV:-$PWD/.tools/python}"
case "$WHAT" in
  test|wheel) shift ;;
  *) sed -n '2,9s/^# \{0,1\}//p' "$0" >&2; exit 2 ;;
esac

# One target folder with the library's own tests, whose dependencies are the same. What the package is built from names no
# commit: a build would start anew at every one.
export CARGO_TARGET_DIR="${CARGO_TARGET_DIR:-$PWD/target}"

# The environment is filled once for each state of the lists of versions.
lists=(python/requirements.txt)
[ "${WITH_TORCH:-0}" != 1 ] || lists+=(python/requirements-torch.txt)
stamp="$VENV/$(cat "${lists[@]}" | cksum | tr ' ' '-').stamp"
if [ ! -f "$stamp" ]; then
  echo "python: installing into .tools/python" >&2
  [ -x "$VENV/bin/python" ] || "${PYTHON:-python3}" -m venv "$VENV"
  "$VENV/bin/python" -m pip install --quiet --disable-pip-version-check "${lists[@]/#/-r}"
  touch "$stamp"
fi

if [ "$WHAT" = wheel ]; then
  "$VENV/bin/maturin" build --release --out build/wheels "$@"
  exit
fi
export BINCIM_COMMIT="${BINCIM_COMMIT:-unknown}"
VIRTUAL_ENV="$VENV" PATH="$VENV/bin:$PATH" "$VENV/bin/maturin" develop --quiet
"$VENV/bin/python" -m pytest -q -rs -p no:cacheprovider python/tests "$@"
