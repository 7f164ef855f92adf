#!/usr/bin/env bash
# scripts.sh SOURCES : the shell scripts parse, can be run, and the set-up script answers what it does not know; what the
# scripts of the benchmarks compute is right
set -euo pipefail
cd "$1"

scripts=(.ci/run core/cmake/setup.sh tests/install/*.sh tests/benchmark/*.sh)
for script in "${scripts[@]}"; do
  [[ -e $script ]] || continue
  bash -n "$script"
  [[ -x $script ]] || { echo "$script: not executable" >&2; exit 1; }
done
if command -v shellcheck >/dev/null; then
  for script in "${scripts[@]}"; do
    [[ ! -e $script ]] || shellcheck "$script"
  done
fi

# expect TEXT COMMAND... : fails with this text
expect() {
  local text=$1 answer
  shift
  if answer=$("$@" 2>&1); then
    echo "should have failed: $*" >&2
    exit 1
  fi
  [[ $answer == *"$text"* ]] || { printf 'expected: %s\ngot:      %s\n' "$text" "$answer" >&2; exit 1; }
}
expect "no step 'packges'; there are: packages libtorch demo-data demo-brain test-tools" core/cmake/setup.sh packges
expect "which step?" core/cmake/setup.sh
expect "no lib/libtorch_cpu.so in '/nowhere'" env COVECTOR_LIBTORCH=/nowhere core/cmake/setup.sh libtorch
if command -v python3 >/dev/null; then
  python3 -B tests/benchmark/scripts_test.py
fi
help=$(make help)
[[ $help == *$'\n  demo '* ]] || { echo "make help does not list demo" >&2; exit 1; }
