#!/usr/bin/env bash
# build.sh VERSION RELEASE OUT: builds the RPM packages in OUT from the tree of `make install`. Called by
# `make rpm`.
#
# Environment: PRODUCT, ENGINE, AUTHYCTL and AUTHY_SIM, if they are built already; SOURCE_DATE_EPOCH;
# RPM_LIBDIR, if it is not /usr/lib64. Without checkmodule the SELinux module is left out, with a message. Needs rpmbuild;
# runs as any user, on Debian too.
set -euo pipefail
cd "$(dirname "$0")/../.."

version=$1
release=$2
out=$3
libdir=${RPM_LIBDIR:-/usr/lib64}
SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct 2>/dev/null || stat -c %Y CHANGELOG.md)}
export SOURCE_DATE_EPOCH

umask 022
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
tree=$work/tree

variables=(DESTDIR="$tree" PAMDIR="$libdir/security")
for program in PRODUCT ENGINE AUTHYCTL AUTHY_SIM; do
    [ -z "${!program-}" ] || variables+=("$program=${!program}")
done
MAKEFLAGS='' make --no-print-directory --silent install install-sim "${variables[@]}" >/dev/null
share=$tree/usr/share
mkdir -p "$tree/etc/pam_authy" "$tree/var/lib/pam_authy" "$share/authselect/vendor/authy" "$share/licenses/pam_authy" \
    "$share/doc/pam_authy/docs" "$share/doc/pam_authy/examples"
install -m 0644 packaging/authselect/* "$share/authselect/vendor/authy"
install -m 0644 LICENSE-MIT LICENSE-APACHE "$share/licenses/pam_authy"
mv "$share/doc/pam_authy/config.toml" "$share/doc/pam_authy/users.toml" "$share/doc/pam_authy/examples"
install -m 0644 CHANGELOG.md "$share/doc/pam_authy"
cp -r docs/. "$share/doc/pam_authy/docs"
sed -i 's|\.\./packaging/examples/|../examples/|g; s|\.\./etc/|../examples/|g' "$share"/doc/pam_authy/docs/*.md
cp -r packaging/examples/. "$share/doc/pam_authy/examples"
find "$share/doc" -type d -exec chmod 0755 {} + -o -type f -exec chmod 0644 {} +
selinux=0
if command -v checkmodule >/dev/null && command -v semodule_package >/dev/null; then
    packaging/selinux/build.sh "$share/selinux/packages"
    selinux=1
else
    echo "left out, since there is no checkmodule: pam_authy-selinux" >&2
fi

mkdir -p "$out"
rpmbuild -bb --quiet \
    --define "_topdir $work/rpm" --define "_rpmdir $work/out" --define "_libdir $libdir" \
    --define "_sbindir /usr/sbin" --define "_libexecdir /usr/libexec" --define "_buildhost localhost" \
    --define "use_source_date_epoch_as_buildtime 1" --define "clamp_mtime_to_source_date_epoch 1" \
    --define "__brp_strip %{nil}" --define "__brp_strip_comment_note %{nil}" \
    --define "pa_version $version" --define "pa_release $release" --define "pa_tree $tree" \
    --define "pa_selinux $selinux" \
    packaging/rpm/pam_authy.spec >"$work/log" 2>&1 || {
    cat "$work/log" >&2
    exit 1
}
find "$work/out" -name '*.rpm' -printf '%f\0' | sort -z | while IFS= read -r -d '' file; do
    find "$work/out" -name "$file" -exec cp {} "$out/" \;
    echo "$out/$file"
done
