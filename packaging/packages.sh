#!/usr/bin/env bash
# packages.sh: builds every package that this machine can build, into target/packages; says what is skipped, and
# why.
#
# Exit status: 0 at least one kind was built, 1 a build failed, 2 none can be built here.
set -euo pipefail
cd "$(dirname "$0")/.."

readonly out=$PWD/target/packages
built=0

# can_build TARGET PROGRAM…: succeeds if all the programs are installed.
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

# Prepares a folder with a recipe and the archive of `make dist`, and changes into it.
beside_sources() {
    local folder=target/packages/build-$1
    make --no-print-directory dist
    rm -rf "$folder"
    mkdir -p "$folder"
    cp "packaging/$1"/* target/dist/*.tar.gz "$folder"
    cd "$folder"
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
    (beside_sources arch && PKGDEST="$out" makepkg --force --cleanbuild)
    built=1
fi
if can_build alpine abuild; then
    (beside_sources alpine && REPODEST="$out" abuild -r)
    built=1
fi
if can_build nix nix-build; then
    if nix-instantiate --find-file nixpkgs >/dev/null 2>&1; then
        nix-build packaging/nix --out-link "$out/nix"
        built=1
    else
        echo "skipped: nix, since there is no nixpkgs"
    fi
fi
[ "$built" = 1 ] || exit 2
