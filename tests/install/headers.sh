#!/usr/bin/env bash
# headers.sh names SOURCES              : no public header names a library that only sources may use
# headers.sh compile SOURCES COMPILER.. : each public header compiles without another before it
set -euo pipefail
mode=$1 sources=$2
shift 2

mapfile -t headers < <(find "$sources"/{core,losses,networks,transforms,datasets}/include -name '*.h' | sort)
[[ ${#headers[@]} -gt 0 ]] || { echo "no public header under $sources" >&2; exit 1; }

names() {
  local pattern='#include *[<"](toml\+\+|toml|boost|itk|vnl|gdcm|dcmtk|hdf5|H5|nlohmann|spdlog|fmt|google/protobuf)'
  if grep -nE "$pattern" "${headers[@]}"; then
    echo "a plug-in author would need these libraries too: use them in sources only" >&2
    return 1
  fi
}

compile() {
  local include=() folder header failures=0
  for folder in "$sources"/{core,losses,networks,transforms,datasets}/include; do
    [[ ! -d $folder ]] || include+=(-I "$folder")
  done
  for header in "${headers[@]}"; do
    # Included rather than compiled itself, where GCC warns of its #pragma once.
    "$@" -std=c++20 -Wall -Wextra -Werror -fsyntax-only "${include[@]}" -x c++ - \
      <<<"#include \"$header\"" || failures=$((failures + 1))
  done
  [[ $failures == 0 ]]
}

"$mode" "$@"
echo "${#headers[@]} headers looked at"
