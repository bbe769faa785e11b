#!/usr/bin/env bash
# Compiles every Bicep file with the compiler that lies beside this checkout (../shared/tools/bicep), or the one on the path. What it warns of counts as wrong.
set -euo pipefail
cd "$(dirname "$0")/.."
compiler=../shared/tools/bicep
[ -x "$compiler" ] || compiler=$(command -v bicep || true)
if [ -z "$compiler" ]; then
  echo "bicep: no compiler here; run 'az bicep build --file infra/main.bicep' instead"
  exit 0
fi
files=$(find infra deploy -name '*.bicep')
wrong=0
for file in $files; do
  said=$("$compiler" build "$file" --stdout 2>&1 >/dev/null) || wrong=1
  [ -z "$said" ] || { echo "$said"; wrong=1; }
done
[ "$wrong" -eq 0 ] && echo "bicep: $(echo "$files" | wc -l) files compiled"
exit "$wrong"
