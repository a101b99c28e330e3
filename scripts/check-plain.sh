#!/usr/bin/env bash
# check-plain.sh: as root, runs the demo and the tests once more as a plain user.
#
# The user, and the rights that let it read the toolchain and write the target folder, exist only in
# an overlay over / whose upper layer is in memory: nothing of it is left on this system, however
# this script ends. Everything must be built before (check.sh does that), and nothing is fetched.
set -euo pipefail
cd "$(dirname "$0")/.."

readonly USER_NAME=pam-authy-check
cargo_home=${CARGO_HOME:-$HOME/.cargo}
rustup_home=${RUSTUP_HOME:-$HOME/.rustup}
target=$(realpath -m "${CARGO_TARGET_DIR:-target}")

# Mounts the overlay at $1/root with what programs expect in it, and goes on inside.
enter() {
    local dir=$1
    mount -t tmpfs tmpfs "$dir"
    mkdir "$dir/upper" "$dir/work" "$dir/root"
    # metacopy: a change of owner copies no contents into memory.
    mount -t overlay overlay "$dir/root" \
        -o "lowerdir=/,upperdir=$dir/upper,workdir=$dir/work,metacopy=on"
    mount -t proc proc "$dir/root/proc"
    mount --rbind /sys "$dir/root/sys"
    mount --rbind /dev "$dir/root/dev"
    exec chroot "$dir/root" "$PWD/scripts/check-plain.sh" inside
}

# Lets everyone pass through the folders above $1.
open_way_to() {
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
        [ ! -e "$folder" ] || open_way_to "$folder"
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
