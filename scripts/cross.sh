#!/usr/bin/env bash
# cross.sh [--check]: builds module, engine and authyctl for arm64 on another architecture, in target/cross, and checks that each
# is a program of arm64 and which libraries it names. Nothing is run there. With --check it says only whether it could.
#
# It needs Rust's target aarch64-unknown-linux-gnu (`rustup target add aarch64-unknown-linux-gnu`), a cross compiler
# (Debian: gcc-aarch64-linux-gnu, libc6-dev-arm64-cross) and libpam of arm64 (`dpkg --add-architecture arm64`, then
# libpam0g-dev:arm64). What is missing is named.
#
# Exit status: 0 all is built, 1 a build or a check failed, 77 something is missing, so that nothing was built.
set -euo pipefail
cd "$(dirname "$0")/.."

target=aarch64-unknown-linux-gnu
PATH=$PATH:$HOME/.cargo/bin

skip() {
    echo "cross.sh: skipped: $1" >&2
    exit 77
}

command -v aarch64-linux-gnu-gcc >/dev/null || skip "no aarch64-linux-gnu-gcc"
[ -d "$(rustc --print sysroot)/lib/rustlib/$target/lib" ] || skip "Rust has no target $target"
[ "$(aarch64-linux-gnu-gcc -print-file-name=libpam.so)" != libpam.so ] || skip "no libpam.so of arm64"

[ "${1-}" != --check ] || exit 0

# In a folder of its own: `make product` writes target/product of the folder that it runs in.
tree=$PWD/target/cross
mkdir -p "$tree"
for entry in *; do
    [ "$entry" = target ] || ln -sfn "$PWD/$entry" "$tree/$entry"
done
CARGO_BUILD_TARGET=$target CARGO_TARGET_AARCH64_UNKNOWN_LINUX_GNU_LINKER=aarch64-linux-gnu-gcc \
    CARGO_TARGET_DIR='' MAKEFLAGS='' make --no-print-directory -C "$tree" product authyctl

for file in target/product/pam_authy.so target/product/pam_authyd "target/$target/release/authyctl"; do
    readelf -h "$tree/$file" | grep -q 'Machine: *AArch64' || {
        echo "cross.sh: no program of arm64: $file" >&2
        exit 1
    }
    libraries=$(readelf -W -d "$tree/$file" | sed -n 's/.*(NEEDED).*\[\(.*\)\]/\1/p' | sort | tr '\n' ' ')
    echo "$(stat -c %s "$tree/$file") $file: $libraries"
done
