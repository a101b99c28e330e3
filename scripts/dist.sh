#!/usr/bin/env bash
# dist.sh VERSION OUT [COMMIT]: packs the sources of a commit into OUT/pam_authy-VERSION.tar.gz, and
# prints its SHA-256. The commit is by default that of the tag vVERSION, or HEAD without such a tag. The
# same commit gives the same bytes on every machine.
#
# To that end, names, owners and the date come from git archive, not from the checkout; tar's umask
# is fixed; and gzip writes neither a name nor a time.
set -euo pipefail
cd "$(dirname "$0")/.."

version=$1
out=$2
commit=${3-}
if [ -z "$commit" ]; then
    commit=$(git rev-parse --verify --quiet "refs/tags/v$version^{commit}" || git rev-parse HEAD)
fi
if [ "$(git show "$commit:Cargo.toml" | sed -n 's/^version = "\(.*\)"$/\1/p')" != "$version" ]; then
    echo "dist.sh: $commit is not version $version" >&2
    exit 1
fi

mkdir -p "$out"
name=pam_authy-$version
git -c tar.umask=0022 archive --format=tar --prefix="$name/" "$commit" | gzip -9n >"$out/$name.tar.gz"
(cd "$out" && sha256sum "$name.tar.gz")
