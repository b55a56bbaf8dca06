#!/usr/bin/env bash
# All tests: `scripts/test.sh [ARGUMENTS OF cargo test]`; run by `make test`, which sets up the tools first.
#
# Goes on past a failing test binary, compiles the benchmarks, builds the book and the documentation of the library, and
# ends with the longest tests and a list of what did not run and why.
# WITH_PYTHON=1 builds and tests the Python package too, as `make test-python` does.
# BINCIM_REQUIRE=tools fails where a tool is missing, BINCIM_REQUIRE=all wherever a test did not run, except those
# that BINCIM_MAY_MISS names.

set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

readonly CARGO="${CARGO:-cargo}"
BINCIM_NOT_RUN="$(mktemp "${TMPDIR:-/tmp}/bincim-not-run.XXXXXX")" || exit 2
BINCIM_TIMES="$BINCIM_NOT_RUN.times"
export BINCIM_NOT_RUN BINCIM_TIMES
trap 'rm -f "$BINCIM_NOT_RUN" "$BINCIM_TIMES"' EXIT

status=0
"$CARGO" test --no-fail-fast "$@" || status=$?
"$CARGO" test --benches --no-run --quiet || status=$?
RUSTDOCFLAGS="-D warnings" "$CARGO" doc --no-deps --lib --quiet || status=$?
scripts/book.py
book=$?
if [ "$book" = 3 ]; then
  echo "book (no tool): mdbook is neither on the PATH nor in .tools" >>"$BINCIM_NOT_RUN"
  case "${BINCIM_REQUIRE:-}" in tools|all) status=1 ;; esac
elif [ "$book" != 0 ]; then
  status=$book
fi

if [ "${WITH_PYTHON:-0}" = 1 ]; then
  scripts/python.sh test || status=$?
fi

if [ -s "$BINCIM_TIMES" ]; then
  printf '\nSeconds of all tests of a binary, and of the longest tests:\n' >&2
  awk '{ split($2, name, "::"); sum[name[1]] += $1 } END { for (binary in sum) printf "%8.1f %s\n", sum[binary], binary }' \
    "$BINCIM_TIMES" | sort -rn | head -n 12 >&2
  sort -rn "$BINCIM_TIMES" | head -n 15 | sed 's/^/  /' >&2
fi
if [ -s "$BINCIM_NOT_RUN" ]; then
  printf '\nNot run:\n' >&2
  sort -u "$BINCIM_NOT_RUN" | sed 's/^/  /' >&2
else
  printf '\nEvery test ran.\n' >&2
fi
printf 'Tests %s after %d min %02d s.\n' "$([ "$status" = 0 ] && echo passed || echo FAILED)" $((SECONDS / 60)) $((SECONDS % 60)) >&2
exit "$status"
