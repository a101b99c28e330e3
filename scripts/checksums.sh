#!/usr/bin/env bash
# checksums.sh FOLDER: writes FOLDER/SHA256SUMS with the SHA-256 of every other file there, in the order of their names,
# so that the same files give the same bytes. `sha256sum --check SHA256SUMS` compares them.
set -euo pipefail

cd "$1"
export LC_ALL=C
files=()
for file in *; do
    [ "$file" = SHA256SUMS ] || files+=("$file")
done
sha256sum -- "${files[@]}" >SHA256SUMS.new
mv SHA256SUMS.new SHA256SUMS
