#!/usr/bin/env bash
# lint-prose.sh: runs codespell over all files, and proselint over the pages. `scripts/peers.sh prose` brings both.
#
# packaging/proselint.json turns off what is wrong for these pages: curly quotes and other typography, repeated words
# (it finds them in tables and log lines), and ranges of dates, for which it takes the times of a log.
set -euo pipefail
cd "$(dirname "$0")/.."

linters=$PWD/target/peers/prose
export PYTHONPATH=$linters
python3 "$linters/bin/codespell" --config packaging/codespell.cfg .
python3 "$linters/bin/proselint" check --config packaging/proselint.json ./*.md docs/*.md
