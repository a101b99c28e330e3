#!/usr/bin/env bash
# peers.sh authy|fail2ban|chromium: puts a program of others into target/peers, where the tests look for it.
#
# authy is a Python client of the API; fail2ban is unpacked and not installed, since its package would
# start to ban on this machine. chromium is the system's own; in CI it is installed, which takes half a
# minute.
#
# Exit status: 0 it is there, 1 it could not be had.
set -euo pipefail
cd "$(dirname "$0")/.."

name=$1
if [ "$name" = chromium ]; then
    has() { command -v chromium-headless-shell || command -v chromium || command -v chromium-browser; }
    if has >/dev/null; then
        exit 0
    fi
    if [ "${CI-}" = true ] && [ "$(id -u)" -eq 0 ] && command -v apt-get >/dev/null; then
        { apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq \
            --no-install-recommends chromium-headless-shell >&2; } || true
    fi
    has >/dev/null
    exit
fi
folder=$PWD/target/peers/$name
if [ -d "$folder" ]; then
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
    fail2ban)
        command -v apt-get >/dev/null || exit 1
        (cd "$new" && apt-get -qq download fail2ban 2>/dev/null) || exit 1
        dpkg-deb -x "$new"/fail2ban_*.deb "$new/fail2ban"
        ;;
    *) exit 1 ;;
esac
chmod -R a+rX "$new/$name"
mv "$new/$name" "$folder"
