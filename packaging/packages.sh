#!/usr/bin/env bash
# packages.sh: every package that this machine can build, into target/packages; says what is skipped, and why.
#
# Exit status: 0 at least one kind was built, 1 a build failed, 2 none can be built here.
set -euo pipefail
cd "$(dirname "$0")/.."

readonly out=$PWD/target/packages
built=0

# can_build TARGET PROGRAM…: whether all the programs are there.
can_build() {
    local target=$1 program
    shift
    for program in "$@"; do
        if ! command -v "$program" >/dev/null; then
            echo "skipped: $target, since there is no $program"
            return 1
        fi
    done
}

if can_build deb dpkg-deb dpkg-shlibdeps; then
    make --no-print-directory deb
    built=1
fi
if can_build rpm rpmbuild; then
    make --no-print-directory rpm
    built=1
fi
if can_build arch makepkg; then
    (cd packaging/arch && PKGDEST="$out" SRCDEST="$out/sources" makepkg --force --cleanbuild)
    built=1
fi
if can_build alpine abuild; then
    (cd packaging/alpine && REPODEST="$out" abuild -r)
    built=1
fi
if can_build nix nix-build; then
    nix-build packaging/nix --out-link "$out/nix"
    built=1
fi
[ "$built" = 1 ] || exit 2
