#!/usr/bin/env bash
# Records a split of the lab: record.sh --split train|test|demo [--only CLASS] [--out DIR] [--seed N]
# See README.md. Ends its own processes and removes its namespaces however it ends.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
"$here/setup.sh"
cd "$here"
PYTHONDONTWRITEBYTECODE=1 exec /usr/bin/python3 -m lab.record "$@"
