#!/usr/bin/env bash
# links.sh LIBRARIES PLUGINS : reads what each library and plug-in of a build says it needs, and fails on an arrow
# that the design does not have:
#
#   core  <-  losses networks transforms datasets  <-  plug-ins
#   core  <-  engine  <-  the program
#
# and on a file format known where it should not be: images in datasets alone, HDF5 there and in engine.
set -euo pipefail
libraries=$1 plugins=$2 failures=0

needed() { readelf --dynamic --wide "$1" | sed -n 's/.*(NEEDED).*\[\(.*\)\]/\1/p'; }

wrong() {
  printf '%s needs %s: %s\n' "$(basename "$1")" "$2" "$3" >&2
  failures=$((failures + 1))
}

# check FILE LAYER : LAYER is bottom (core, which all stand on), library or plugin
check() {
  local file=$1 layer=$2 name
  while read -r name; do
    case $name in
      *.covector.so) wrong "$file" "$name" "plug-ins are never linked; what two share belongs into a library" ;;
      libcovector_core.so) ;;
      libcovector_engine.so) wrong "$file" "$name" "only the program runs recipes" ;;
      libcovector_datasets.so)
        [[ $layer == plugin ]] || wrong "$file" "$name" "only plug-ins may" ;;
      libcovector_*.so)
        [[ $layer != bottom ]] || wrong "$file" "$name" "core stands below all others" ;;
      libITK* | libitk* | libpng* | libjpeg* | libopenjp2* | libdeflate* | libdcm* | libofstd* | liboflog* | libij*)
        [[ $(basename "$file") == libcovector_datasets.so ]] ||
          wrong "$file" "$name" "only datasets knows image formats" ;;
      libhdf5*)
        [[ $(basename "$file") =~ ^libcovector_(datasets|engine).so$ ]] ||
          wrong "$file" "$name" "HDF5 is for checkpoints and prepared data" ;;
      libcurl* | libcrypto* | libssl* | libtorch_cuda* | libtorch_python*)
        wrong "$file" "$name" "nothing here uses it" ;;
    esac
  done < <(needed "$file")
}

check "$libraries/libcovector_core.so" bottom
for file in "$libraries"/libcovector_*.so; do
  [[ $file == */libcovector_core.so ]] || check "$file" library
done
count=0
for file in "$plugins"/*.covector.so; do
  [[ -e $file ]] || continue
  needed "$file" | grep -qx libcovector_core.so || wrong "$file" "no libcovector_core.so" "is it a plug-in?"
  check "$file" plugin
  count=$((count + 1))
done
[[ $count -gt 0 ]] || { echo "no plug-in in $plugins: nothing was looked at" >&2; exit 1; }
echo "$count plug-ins looked at, $failures wrong arrows"
[[ $failures == 0 ]]
