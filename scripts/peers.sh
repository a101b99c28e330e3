#!/usr/bin/env bash
# peers.sh authy|ssh-clients|fail2ban|chromium: makes a third-party program available to the tests.
#
# authy, a Python client of the API, the Python SSH clients paramiko and asyncssh, and fail2ban go into
# target/peers. fail2ban is unpacked, not installed, because an installed package would start to ban
# addresses on this machine; python3-systemd, with which it reads the journal, lies beside it. chromium
# is that of the system; in CI it gets installed, which takes half a minute.
#
# Exit status: 0 the program is available, 1 it is not.
set -euo pipefail
cd "$(dirname "$0")/.."

name=$1
if [ "$name" = chromium ]; then
    is_installed() { command -v chromium-headless-shell || command -v chromium || command -v chromium-browser; }
    if is_installed >/dev/null; then
        exit 0
    fi
    if [ "${CI-}" = true ] && [ "$(id -u)" -eq 0 ] && command -v apt-get >/dev/null; then
        { apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq \
            --no-install-recommends chromium-headless-shell >&2; } || true
    fi
    is_installed >/dev/null
    exit
fi
folder=$PWD/target/peers/$name
last=$folder
[ "$name" != fail2ban ] || last=$folder/usr/lib/python3/dist-packages/systemd
if [ -d "$last" ]; then
    exit 0
fi
mkdir -p target/peers
new=$(mktemp -d "$PWD/target/peers/new.XXXXXX")
trap 'rm -rf "$new"' EXIT
case $name in
    authy)
        python3 -m pip install --quiet --disable-pip-version-check --no-compile --target "$new/authy" \
            authy==2.2.6 >&2
        ;;
    ssh-clients)
        # Compiled, since each login of the tests starts Python anew.
        python3 -m pip install --quiet --disable-pip-version-check --target "$new/ssh-clients" \
            paramiko==5.1.0 asyncssh==2.24.1 >&2
        ;;
    fail2ban)
        command -v apt-get >/dev/null || exit 1
        (cd "$new" && apt-get -qq download fail2ban python3-systemd 2>/dev/null) || exit 1
        for package in "$new"/*.deb; do
            dpkg-deb -x "$package" "$new/fail2ban"
        done
        ;;
    *) exit 1 ;;
esac
chmod -R a+rX "$new/$name"
rm -rf "$folder"
mv "$new/$name" "$folder"
