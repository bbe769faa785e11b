#!/usr/bin/env bash
# Lints every Bicep file with every rule of the core analyser (bicepconfig.json) and works out what both parameter files under test/infra would deploy:
# their snapshots are what a reviewer sees of a change. `--write` writes them anew. The compiler is `bicep` on the path, the one beside this checkout, or Azure CLI's.
set -euo pipefail
cd "$(dirname "$0")/.."
if command -v bicep >/dev/null; then
  bicep=(bicep)
elif [ -x ../shared/tools/bicep ]; then
  bicep=(../shared/tools/bicep)
elif command -v az >/dev/null; then
  bicep=(az bicep)
else
  echo 'bicep: no compiler here: neither bicep nor az is on the path'
  exit 0
fi
echo "bicep: ${bicep[*]}, $("${bicep[@]}" --version 2>/dev/null || "${bicep[@]}" version)"

wrong=0
count=0
for file in infra/*.bicep deploy/*.bicep; do
  count=$((count + 1))
  if [ "${bicep[0]}" = az ]; then said=$(az bicep lint --file "$file" 2>&1) || wrong=1; else said=$("${bicep[@]}" lint "$file" 2>&1) || wrong=1; fi
  # Which versions are recent changes with the calendar: shown, and not wrong.
  [ -z "$said" ] || echo "$said"
  [ -z "$(echo "$said" | grep -E ' : (Warning|Error) ' | grep -v ' use-recent-api-versions: ')" ] || wrong=1
done
[ "$wrong" -eq 0 ] && echo "bicep: nothing found against $count files"

if [ "${bicep[0]}" = az ]; then
  echo 'bicep: snapshots need the compiler itself, not Azure CLI'
  exit "$wrong"
fi
mode=validate
[ "${1:-}" = --write ] && mode=overwrite
for file in test/infra/*.bicepparam; do
  if "${bicep[@]}" snapshot "$file" --mode "$mode" --subscription-id 00000000-0000-0000-0000-000000000001 \
    --tenant-id 00000000-0000-0000-0000-000000000002 --location westeurope --deployment-name snapshot; then
    echo "bicep: $file deploys what its snapshot says"
  else
    echo "bicep: $file deploys something else than its snapshot says: bash scripts/check-bicep.sh --write"
    wrong=1
  fi
done
# The compiler writes outputs in another order each time; sorted, a snapshot shows what changed and no more.
[ "$mode" = validate ] || node -e '
  for (const file of process.argv.slice(1)) {
    const { outputs, ...rest } = JSON.parse(fs.readFileSync(file, "utf8"));
    const sorted = Object.fromEntries(Object.entries(outputs).sort());
    fs.writeFileSync(file, `${JSON.stringify({ ...rest, outputs: sorted }, undefined, 2)}\n`);
  }' test/infra/*.snapshot.json
exit "$wrong"
