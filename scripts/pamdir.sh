#!/bin/sh
# pamdir.sh [DESTDIR]: prints the folder where the target keeps pam_unix.so, or nothing.
#
# The target is DESTDIR where that holds a system of its own, else this host. A Debian package
# build says whom it builds for (DEB_HOST_MULTIARCH); the compiler knows it otherwise.
set -u

multiarch=${DEB_HOST_MULTIARCH:-$("${CC:-cc}" -print-multiarch 2>/dev/null)}

for root in ${1:+"$1"} ''; do
    for lib in ${multiarch:+"/lib/$multiarch"} ${multiarch:+"/usr/lib/$multiarch"} \
        /lib64 /usr/lib64 /lib /usr/lib /lib/*-linux-*; do
        if [ -e "$root$lib/security/pam_unix.so" ]; then
            echo "$lib/security"
            exit 0
        fi
    done
done

# A package build for a system that is not here: its own folder is known all the same.
if [ -n "${DEB_HOST_MULTIARCH:-}" ]; then
    echo "/lib/$DEB_HOST_MULTIARCH/security"
fi
