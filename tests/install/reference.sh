#!/usr/bin/env bash
# reference.sh PROGRAM SOURCES : docs/reference is what the program makes of its parts today
set -euo pipefail
program=$1
sources=$2
made=$(mktemp -d)
trap 'rm -rf "$made"' EXIT

"$program" plugins --markdown "$made" >/dev/null
if ! diff -r "$sources/docs/reference" "$made"; then
  echo "docs/reference is out of date; make it again with: build/bin/covector plugins --markdown docs/reference" >&2
  exit 1
fi
