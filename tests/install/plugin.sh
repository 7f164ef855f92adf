#!/usr/bin/env bash
# plugin.sh CMAKE BUILD SCRATCH COMPILER : installs the build, moves the installed tree, builds the plug-in of
# plugin/ against it as its author would, and runs the command that it adds.
set -euo pipefail
cmake=$1 build=$2 scratch=$3/tree compiler=$4
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)

rm -rf "$scratch"
mkdir -p "$scratch"
"$cmake" --install "$build" --prefix "$scratch/first" >/dev/null
mv "$scratch/first" "$scratch/moved"

"$cmake" -G Ninja -S "$here/plugin" -B "$scratch/build" -D CMAKE_PREFIX_PATH="$scratch/moved" \
  -D CMAKE_CXX_COMPILER="$compiler" -D CMAKE_BUILD_TYPE=Release --log-level=WARNING
"$cmake" --build "$scratch/build"

# What was installed must not lean on the build folder.
if readelf --dynamic --wide "$scratch"/moved/bin/* "$scratch"/moved/lib/*.so \
  "$scratch"/moved/lib/covector/plugins/*.so | grep -E 'R(UN)?PATH.*'"$build"; then
  echo "an installed file looks for libraries in the build folder" >&2
  exit 1
fi
answer=$(COVECTOR_PLUGIN_PATH="$scratch/build/lib/covector/plugins" "$scratch/moved/bin/covector" greet)
[[ $answer == "a vector of 3 elements" ]] || { echo "covector greet said: $answer" >&2; exit 1; }
"$scratch/moved/bin/covector" plugins unet >/dev/null  # the installed plug-ins are found without the variable
rm -rf "$scratch"
