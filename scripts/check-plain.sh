#!/usr/bin/env bash
# check-plain.sh: called by root, runs the demo and the tests again as an unprivileged user.
#
# The user, and its permissions to read the toolchain and write the target folder, exist only in an
# overlay over / whose upper layer is in memory. No change persists on this system, even if the
# script is killed. check.sh calls it after it has built everything; this script downloads nothing.
set -euo pipefail
cd "$(dirname "$0")/.."

readonly USER_NAME=pam-authy-check
cargo_home=${CARGO_HOME:-$HOME/.cargo}
rustup_home=${RUSTUP_HOME:-$HOME/.rustup}
target=$(realpath -m "${CARGO_TARGET_DIR:-target}")

# Mounts the overlay at $1/root with /proc, /sys and /dev, and continues inside it.
enter() {
    local dir=$1
    mount -t tmpfs tmpfs "$dir"
    mkdir "$dir/upper" "$dir/work" "$dir/root"
    # With metacopy, a change of owner does not copy file contents into memory.
    mount -t overlay overlay "$dir/root" \
        -o "lowerdir=/,upperdir=$dir/upper,workdir=$dir/work,metacopy=on"
    mount -t proc proc "$dir/root/proc"
    mount --rbind /sys "$dir/root/sys"
    mount --rbind /dev "$dir/root/dev"
    exec chroot "$dir/root" "$PWD/scripts/check-plain.sh" inside
}

# Lets every user enter the folders above $1.
allow_traversal_to() {
    local folder
    folder=$(dirname "$1")
    while [ "$folder" != / ]; do
        chmod o+x "$folder"
        folder=$(dirname "$folder")
    done
}

inside() {
    useradd --create-home --shell /bin/bash "$USER_NAME"
    for folder in "$PWD" "$cargo_home" "$rustup_home" "$target"; do
        [ ! -e "$folder" ] || allow_traversal_to "$folder"
    done
    chmod -R o+rX "$PWD"
    chown -R "$USER_NAME" "$PWD/target" "$target"
    as_user make --no-print-directory demo
    as_user scripts/check.sh tests
}

as_user() {
    runuser -u "$USER_NAME" -- env -i HOME="/home/$USER_NAME" PATH="$PATH" LANG="${LANG:-C.UTF-8}" \
        TERM="${TERM:-dumb}" CARGO_HOME="$cargo_home" RUSTUP_HOME="$rustup_home" \
        CARGO_TARGET_DIR="$target" CARGO_NET_OFFLINE=true "$@" </dev/null
}

case ${1-} in
    '')
        dir=$(mktemp -d)
        trap 'rmdir "$dir"' EXIT
        unshare --mount --propagation private --pid --fork --kill-child -- "$PWD/scripts/check-plain.sh" enter "$dir"
        ;;
    enter) enter "$2" ;;
    inside) inside ;;
esac
