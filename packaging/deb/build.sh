#!/usr/bin/env bash
# build.sh VERSION OUT: builds three Debian packages in OUT from the tree of `make install`. Called by
# `make deb`.
#
# VERSION is the version of the packages, with a Debian revision: 0.1.0-1
# Environment: DEB_ARCH, if it is not this system's; SOURCE_DATE_EPOCH, the date inside the packages;
# PRODUCT, ENGINE, AUTHYCTL and AUTHY_SIM, if they are built already; DEB_COMPRESSION, xz by default.
#
# Every installed file that belongs to neither authyctl nor authy-sim goes to libpam-authy, so that none
# is forgotten. Needs dpkg-dev; runs as any user.
set -euo pipefail
cd "$(dirname "$0")/../.."

readonly here=packaging/deb
version=$1
out=$2
arch=${DEB_ARCH:-$(dpkg --print-architecture)}
DEB_HOST_MULTIARCH=$(dpkg-architecture -a"$arch" -q DEB_HOST_MULTIARCH)
export DEB_HOST_MULTIARCH
SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct 2>/dev/null || stat -c %Y CHANGELOG.md)}
export SOURCE_DATE_EPOCH

umask 022
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

install_all() {
    local variables=(DESTDIR="$work/libpam-authy" DOCDIR=/usr/share/doc/libpam-authy PAMDIR="/usr/lib/$DEB_HOST_MULTIARCH/security")
    local program
    for program in PRODUCT ENGINE AUTHYCTL AUTHY_SIM; do
        [ -z "${!program-}" ] || variables+=("$program=${!program}")
    done
    MAKEFLAGS='' make --no-print-directory --silent install install-sim "${variables[@]}" >/dev/null
}

# Moves files of the installed tree into the tree of another package.
move() {
    local package=$1 file
    shift
    for file in "$@"; do
        mkdir -p "$work/$package/$(dirname "$file")"
        mv "$work/libpam-authy/$file" "$work/$package/$file"
    done
}

split() {
    move authyctl usr/sbin usr/share/man/man8/authyctl.8 usr/share/bash-completion usr/share/zsh usr/share/fish
    mv "$work/authyctl/usr/share/zsh/site-functions" "$work/authyctl/usr/share/zsh/vendor-completions"
    move authy-sim usr/bin usr/share/man/man1
    install -D -m 0644 "$here/pam-config" "$work/libpam-authy/usr/share/pam-configs/authy"
    local doc=$work/libpam-authy/usr/share/doc/libpam-authy
    mkdir "$doc/examples" "$doc/docs"
    mv "$doc/config.toml" "$doc/users.toml" "$doc/examples"
    cp -r docs/. "$doc/docs"
    sed -i 's|\.\./packaging/examples/|../examples/|g; s|\.\./etc/|../examples/|g' "$doc"/docs/*.md
    cp -r packaging/examples/. "$doc/examples"
    find "$doc" -type d -exec chmod 0755 {} + -o -type f -exec chmod 0644 {} +
    find "$work" -depth -type d -empty -delete
}

# Adds what Debian's policy requires of each package: changelog, copyright, compressed manual pages.
complete() {
    local package=$1 doc=$work/$1/usr/share/doc/$1
    mkdir -p "$doc"
    printf 'pam-authy (%s) unstable; urgency=medium\n\n  * The changes are in changelog.gz.\n\n -- %s  %s\n' \
        "$version" "$(sed -n 's/^Maintainer: //p' "$here/control" | head -n 1)" "$(date -u -R -d "@$SOURCE_DATE_EPOCH")" >"$doc/changelog.Debian"
    cp CHANGELOG.md "$doc/changelog"
    cp "$here/copyright" "$doc/copyright"
    gzip -9n "$doc/changelog.Debian" "$doc/changelog"
    find "$work/$package/usr/share/man" -type f -exec gzip -9n {} +
    chmod 0644 "$doc"/*.gz "$doc/copyright"
    if [ -e "$here/$package.lintian-overrides" ]; then
        install -D -m 0644 "$here/$package.lintian-overrides" "$work/$package/usr/share/lintian/overrides/$package"
    fi
}

# Prints the libraries that the package's programs need, with the versions that have their symbols.
libraries() {
    local package=$1
    mkdir -p "$work/shlibs/debian"
    : >"$work/shlibs/debian/control"
    find "$work/$package" -type f \( -name '*.so' -o -path '*/bin/*' -o -path '*/sbin/*' -o -path '*/libexec/*' \) -print0 |
        (cd "$work/shlibs" && xargs -0 dpkg-shlibdeps -O --ignore-missing-info 2>/dev/null) |
        sed -n 's/^shlibs:Depends=//p'
}

control() {
    local package=$1 size
    size=$(du -k -s --apparent-size "$work/$package" | cut -f1)
    mkdir "$work/$package/DEBIAN"
    awk -v RS= -v package="$package" '$0 ~ "(^|\n)Package: " package "\n"' "$here/control" |
        sed -e "s/@VERSION@/$version/; s/@ARCH@/$arch/; s/@SIZE@/$size/; s/@LIBRARIES@/$(libraries "$package")/" \
            >"$work/$package/DEBIAN/control"
    local script
    for script in postinst prerm postrm; do
        [ ! -e "$here/$package.$script" ] || install -m 0755 "$here/$package.$script" "$work/$package/DEBIAN/$script"
    done
    (cd "$work/$package" && find . -path ./DEBIAN -prune -o -type f -printf '%P\0' | LC_ALL=C sort -z | xargs -0 md5sum) \
        >"$work/$package/DEBIAN/md5sums"
}

install_all
split
mkdir -p "$out"
for package in libpam-authy authyctl authy-sim; do
    complete "$package"
    control "$package"
    dpkg-deb --root-owner-group -Z"${DEB_COMPRESSION:-xz}" --build "$work/$package" "$out/${package}_${version}_$arch.deb" >/dev/null
    echo "$out/${package}_${version}_$arch.deb"
done
