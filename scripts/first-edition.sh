#!/usr/bin/env bash
# first-edition.sh [TEST…]: runs the attacks of tests/attacks against the first edition of the module,
# in which each of them must succeed. As root; not part of `make check`.
#
# The first edition did the whole login inside su. It is built once, from its last commit, into
# target/first-edition.
set -euo pipefail
cd "$(dirname "$0")/.."

PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin:$HOME/.cargo/bin
commit=a30385b76bac5bf463a290ec8cb821d4e8463172
folder=$PWD/target/first-edition
module=$folder/src/target/product/pam_authy.so

if [ "$(id -u)" -ne 0 ]; then
    echo "first-edition.sh: the attacks need root, for their sandbox" >&2
    exit 2
fi
if [ ! -e "$module" ]; then
    mkdir -p "$folder/src"
    git archive "$commit" | tar -x -C "$folder/src"
    # The environment of the outer make must not reach the inner one.
    env -u MAKEFLAGS -u CARGO_TARGET_DIR make -C "$folder/src" product
fi
# The tests' hosts install an engine, which this module does not know: any file will do.
export PAM_AUTHY_FIRST_EDITION=$module PAM_AUTHY_SO=$module PAM_AUTHYD=$module
exec cargo test --locked --all-features --test tests -- --include-ignored --test-threads=1 --nocapture "${@:-attacks::}"
