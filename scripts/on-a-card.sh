#!/usr/bin/env bash
# For whoever has a graphics card for ten minutes: first whether it computes right, then the table of docs/measurements/performance.md.
# Run in a checkout that is installed and built. One JSON document a line on stdout; what failed is said and left out.
# usage: scripts/on-a-card.sh [python with torch]
set -uo pipefail
cd "$(dirname "$0")/.."
python=${1:-python3}
kdc() { node apps/trainer/bin/kdc-mae.js "$@"; }
say() { echo "$*" >&2; }
say "what is here"; kdc doctor --json | tr -d '\n'; echo
say "the official code's numbers"; kdc parity fixtures/seed0 --device webgpu --json | tr -d '\n'; echo
engines=compiled
"$python" -c 'import torch, sys; sys.exit(not torch.cuda.is_available())' 2>/dev/null && engines=compiled,pytorch
peer=(); [ "$engines" = compiled ] || peer=(--python "$python" --peer-device cuda --attention fused)
# size, batch, precision: the rows of the table, the most telling first.
for row in "base 32 mixed" "base 4 mixed" "base 32 float32" "tiny 32 float32"; do
  read -r size batch precision <<<"$row"
  say "$row"
  timeout 120 node apps/trainer/bin/kdc-mae.js bench --json --engines "$engines" ${peer[@]+"${peer[@]}"} --device webgpu \
    --precision "$precision" --size "$size" --batch "$batch" --steps 5 --warmup 2 | tr -d '\n'
  echo
done
