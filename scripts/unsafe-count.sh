#!/usr/bin/env bash
# unsafe-count.sh: counts the lines of code with the word `unsafe`, in this package and in each
# crate of the module.
#
# It skips lines that are only a comment or an attribute, but counts comments behind code, and
# tests. The figures are for comparison, not for proof.
set -euo pipefail
cd "$(dirname "$0")/.."

count() {
    { grep -rhw --include='*.rs' unsafe "$1" || true; } |
        { grep -vE '^[[:space:]]*(//|\*|#!?\[)' || true; } | wc -l
}

printf '%6d  pam_authy (src)\n' "$(count src)"
cargo tree --locked --no-default-features --features module -e normal --prefix none --format '{p}' |
    sed 's/ (.*//' | sort -u | while read -r name version; do
    [ "$name" != pam_authy ] || continue
    folder=$(echo "${CARGO_HOME:-$HOME/.cargo}"/registry/src/*/"$name-${version#v}"/src | cut -d' ' -f1)
    printf '%6d  %s %s\n' "$(count "$folder")" "$name" "$version"
done | sort -rn
