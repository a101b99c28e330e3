#!/usr/bin/env bash
# prerequisites.sh build|demo|check|bench|deb|rpm: installs what the build and the tests need.
#
# `build` installs nothing: it only says which compiler is missing, for packagers.
#
# It prints and installs missing system packages, with sudo if the user is not root: on Debian and
# Ubuntu with apt-get, on Fedora with dnf. If nothing is missing, it prints nothing and starts no
# package manager. It does not install cargo, but prints how to install it.
#
# Exit status: 0 everything is available, 2 something is missing and could not be installed.
set -euo pipefail
cd "$(dirname "$0")/.."

PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin:$HOME/.cargo/bin
missing=()

# Each line is one need: the condition, the package on Debian, the package on Fedora.
demo_needs() {
    need "command cc"                               gcc            gcc
    need "command make"                             make           make
    need "file /usr/include/security/pam_appl.h"    libpam0g-dev   pam-devel
}

deb_needs() {
    demo_needs
    need "command dpkg-shlibdeps" dpkg-dev         dpkg-dev
}

rpm_needs() {
    demo_needs
    need "command rpmbuild"     rpm               rpm-build
}

check_needs() {
    demo_needs
    need "command nm"           binutils          binutils
    need "command sshd"         openssh-server    openssh-server
    need "command ssh"          openssh-client    openssh-clients
    need "command ssh-keygen"   openssh-client    openssh-clients
    need "command sudo"         sudo              sudo
    need "command tmux"         tmux              tmux
    need "command unshare"      util-linux        util-linux
    need "command ip"           iproute2          iproute
    need "command useradd"      passwd            shadow-utils
    need "command openssl"      openssl           openssl
    need "command valgrind"     valgrind          valgrind
    need "command strace"       strace            strace
    need "command git"          git               git
    need "command python3"      python3           python3
    need "file /lib/systemd/systemd-journald" systemd systemd
    need "command oathtool"     oathtool          oathtool
    need "command google-authenticator" libpam-google-authenticator google-authenticator
    # The tests build, inspect and install a .deb on Debian only. rpmbuild is available on both
    # families.
    rpm_needs
    if [ "$installer" = apt-get ]; then
        deb_needs
        need "command lintian"          lintian          -
        need "command checkmodule"      checkpolicy      -
        need "command semodule_package" semodule-utils   -
    fi
}

# The bench compares the alternatives that are available: Fedora has no package of pam_duo.
bench_needs() {
    demo_needs
    need "command curl"                             curl           curl
    need "command ldd"                              libc-bin       glibc-common
    need "module pam_google_authenticator.so"       libpam-google-authenticator google-authenticator
    [ "$installer" != apt-get ] || need "module pam_duo.so" libpam-duo ""
}

need() {
    local met=$1 debian=$2 fedora=$3 package
    case $met in
        command\ *) ! command -v "${met#command }" >/dev/null || return 0 ;;
        module\ *) [ ! -e "$(scripts/pamdir.sh)/${met#module }" ] || return 0 ;;
        file\ *) [ ! -e "${met#file }" ] || return 0 ;;
    esac
    package=$debian
    [ "$installer" = apt-get ] || package=$fedora
    [[ " ${missing[*]-} " == *" $package "* ]] || missing+=("$package")
}

stop() {
    printf '%s\n' "$@" >&2
    exit 2
}

# How to install a cargo that is new enough; the packages of cargo itself are mostly older.
how_to_get_cargo() {
    if [ "$installer" = apt-get ] && LC_ALL=C apt-cache policy rustup | grep -q "Candidate: [0-9]"; then
        echo "as root \`apt-get install rustup\`, then \`rustup default stable\`"
    elif [ "$installer" = apt-get ]; then
        echo "get it from https://rustup.rs (the package rustup comes with Debian 13 and Ubuntu 24.04)"
    elif [ "$installer" = dnf ]; then
        echo "as root \`dnf install rustup\`, then \`rustup-init\`"
    else
        echo "get it from https://rustup.rs, or from your distribution's package rustup and \`rustup default stable\`"
    fi
}

check_cargo() {
    local wanted found cargo=${CARGO:-cargo}
    wanted=$(sed -n 's/^rust-version = "\(.*\)"$/\1/p' Cargo.toml)
    if ! command -v "$cargo" >/dev/null; then
        stop "cargo is missing: Rust $wanted or newer is needed" "hint: $(how_to_get_cargo)"
    fi
    found=$("$cargo" --version | cut -d' ' -f2)
    if [ "$(printf '%s\n' "$wanted" "$found" | sort -V | head -n 1)" != "$wanted" ]; then
        stop "cargo $found ($(command -v "$cargo")) is too old: Rust $wanted or newer is needed" \
            "hint: \`rustup update stable\`, or get rustup from https://rustup.rs"
    fi
}

install_missing() {
    local as_root=()
    if [ "$(id -u)" -ne 0 ]; then
        command -v sudo >/dev/null || stop "these packages are missing: ${missing[*]}" \
            "hint: as root, \`$installer install ${missing[*]}\`"
        as_root=(sudo)
        # Without a terminal, sudo cannot ask for a password and must not wait for one.
        [ -t 0 ] || as_root=(sudo -n)
    fi
    echo "installing missing packages: ${missing[*]}" >&2
    [[ " ${missing[*]} " != *" openssh-server "* ]] ||
        echo "note: your system may start sshd when openssh-server is installed" >&2
    case $installer in
        apt-get)
            "${as_root[@]}" apt-get update -qq &&
                "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive \
                    apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
            ;;
        dnf) "${as_root[@]}" dnf install -y -q --setopt=install_weak_deps=False "${missing[@]}" >/dev/null ;;
    esac || stop "could not install: ${missing[*]}" \
        "hint: as root, \`$installer install ${missing[*]}\`"
}

installer=none
for candidate in apt-get dnf; do
    if command -v "$candidate" >/dev/null; then
        installer=$candidate
        break
    fi
done

check_cargo
case ${1-} in
    build) ;;
    demo) demo_needs ;;
    check) check_needs ;;
    bench) bench_needs ;;
    deb) deb_needs ;;
    rpm) rpm_needs ;;
    *) stop "usage: prerequisites.sh build|demo|check|bench|deb|rpm" ;;
esac
if [ ${#missing[@]} -gt 0 ]; then
    [ "$installer" != none ] || stop "these packages are missing: ${missing[*]}" \
        "hint: these are Fedora's names; install the packages with your system's names"
    install_missing
fi
