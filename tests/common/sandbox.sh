#!/usr/bin/env bash
# sandbox.sh COMMAND…: runs COMMAND as root in an overlay over /, in separate namespaces.
#
# No change by COMMAND persists, even if it is killed: the overlay's upper layer is in memory, and
# the process tree ends with this script. /dev has the usual nodes but no log, so that a test can
# create /dev/log. tests/common/sandbox.rs calls this script.
set -euo pipefail

if [ "${1-}" != --inside ]; then
    exec unshare --mount --pid --fork --kill-child --propagation private -- "$0" --inside "$PWD" "$@"
fi
folder=$2
shift 2

# /mnt exists on every system; only this mount namespace sees what is mounted on it.
base=/mnt
mount -t tmpfs tmpfs "$base"
mkdir "$base/upper" "$base/work" "$base/root"
mount -t overlay overlay "$base/root" -o "lowerdir=/,upperdir=$base/upper,workdir=$base/work"
root=$base/root
mount -t proc proc "$root/proc"
mount --rbind /sys "$root/sys"
mount -t tmpfs -o mode=0755 tmpfs "$root/dev"
mkdir "$root/dev/pts" "$root/dev/shm"
mount -t devpts -o newinstance,ptmxmode=0666,mode=0620 devpts "$root/dev/pts"
chmod 1777 "$root/dev/shm"
ln -s pts/ptmx "$root/dev/ptmx"
ln -s /proc/self/fd "$root/dev/fd"
ln -s /proc/self/fd/0 "$root/dev/stdin"
ln -s /proc/self/fd/1 "$root/dev/stdout"
ln -s /proc/self/fd/2 "$root/dev/stderr"
for node in null zero full random urandom tty; do
    touch "$root/dev/$node"
    mount --bind "/dev/$node" "$root/dev/$node"
done
# An overlay contains one file system only, so mount a checkout on another file system too.
[ -e "$root$folder/Cargo.toml" ] || mount --rbind "$folder" "$root$folder"
# It becomes the root of the namespace: in a changed root no user namespace can be made
# (unshare(2)).
cd "$root"
mount --move . /
exec chroot . /bin/sh -c 'cd "$1" && shift && exec "$@"' sh "$folder" "$@"
