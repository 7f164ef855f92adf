#!/bin/sh
# run.sh AUTHORS_CHECKOUT PYTHON_WITH_TORCH [BUILD_FOLDER] [options of compare.py]
# Builds the benchmark and compares COVER's step with that of the authors' code. See README.md.
set -eu
if [ $# -lt 2 ]; then
  sed -n '2,3s/^# //p' "$0" >&2
  exit 2
fi
here=$(cd "$(dirname "$0")" && pwd)
authors=$1
python=$2
shift 2
build=$here/../../build
if [ $# -gt 0 ] && [ -d "$1" ]; then
  build=$1
  shift
fi
cmake --build "$build" --target cover_step_benchmark >&2
exec "$python" "$here/compare.py" "$build/bin/cover_step_benchmark" "$authors" --python "$python" "$@"
