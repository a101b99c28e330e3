#!/bin/sh
# build.sh OUT: builds the policy module pam_authy.pp in OUT. Needs checkmodule and semodule_package.
set -eu
cd "$(dirname "$0")"

out=$1
mkdir -p "$out"
checkmodule -M -m -o "$out/pam_authy.mod" pam_authy.te >/dev/null
semodule_package -o "$out/pam_authy.pp" -m "$out/pam_authy.mod" -f pam_authy.fc
rm "$out/pam_authy.mod"
