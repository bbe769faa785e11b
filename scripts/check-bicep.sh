#!/usr/bin/env bash
# Checks every Bicep file against recorded resource types, where the checker lies beside this checkout (../shared/bicepcheck).
# No Bicep compiler is needed; on a machine that has one, `az bicep build --file infra/main.bicep` says more.
set -euo pipefail
cd "$(dirname "$0")/.."
checker=../shared/bicepcheck/bicepcheck.py
if [ ! -f "$checker" ]; then
  echo "bicep: no checker at $checker; run 'az bicep build --file infra/main.bicep' instead"
  exit 0
fi
venv=.local/bicep-venv
if ! "$venv/bin/python" -c 'import tree_sitter_bicep' 2>/dev/null; then
  python3 -m venv "$venv"
  "$venv/bin/pip" install --quiet --disable-pip-version-check 'tree-sitter==0.26.*' 'tree-sitter-bicep==1.1.*'
fi
files=$(find infra deploy -name '*.bicep')
# NOTYPE lines name types that the checker has no facts for.
# shellcheck disable=SC2086 # our own names, without spaces
"$venv/bin/python" -B "$checker" $files | { grep -v '^checked' || true; }
echo "bicep: $(echo "$files" | wc -l) files checked"
