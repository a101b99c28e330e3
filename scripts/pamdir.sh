#!/bin/sh
# pamdir.sh [DESTDIR]: prints the folder of pam_unix.so on the target system, or nothing.
#
# The target system is the one in DESTDIR if pam_unix.so is there, otherwise this host. A Debian
# package build sets the target architecture in DEB_HOST_MULTIARCH; otherwise the compiler names it.
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

# A package build for another architecture: its folder is known although the file is not here.
if [ -n "${DEB_HOST_MULTIARCH:-}" ]; then
    echo "/lib/$DEB_HOST_MULTIARCH/security"
fi
