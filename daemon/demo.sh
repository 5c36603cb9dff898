#!/usr/bin/env bash
# Shows flowmark at work: installs what is missing, builds, and runs the daemon itself (two DPDK
# ports: one plays the bundled capture, the other writes what leaves the box) with the shipped model,
# until every packet has passed. Then prints the flows with their true labels, verdicts,
# confidences and marks, and what the metrics page says. Needs no hugepages and no network card.
#
#   bash daemon/demo.sh           run and stop
#   bash daemon/demo.sh --keep    leave the daemon and its metrics page running until Ctrl-C
set -euo pipefail
cd "$(dirname "$0")/.."
source daemon/packages.sh

keep=no
case "${1:-}" in
  "") ;;
  --keep) keep=yes ;;
  -h|--help) sed -n '2,8s/^# \{0,1\}//p' "$0"; exit 0 ;;
  *) echo "daemon/demo.sh: unknown option $1 (see --help)" >&2; exit 2 ;;
esac

flowmark_install "${flowmark_build_packages[@]}" tcpdump tshark curl
echo "== building"
cmake --preset release -Wno-dev >/dev/null
cmake --build --preset release -j "$(nproc)" --target flowmarkd flowmark |
  if [ -t 1 ]; then
    sed -un 's/^\[\([0-9]*\/[0-9]*\)\].*/\r   \1 /p' | tr -d '\n'
    echo
  else
    grep -vE '^\[[0-9]+/[0-9]+\]' || true
  fi

work=$(mktemp -d)
daemon=
finish() {
  if [ -n "$daemon" ] && kill -0 "$daemon" 2>/dev/null; then
    kill -TERM "$daemon"
    wait "$daemon" || true
  fi
  rm -rf "$work"
}
trap finish EXIT

gunzip -c config/demo/demo.pcap.gz >"$work/demo.pcap"
packets=$(capinfos -c -M -T -m -r "$work/demo.pcap" | cut -d, -f2)
sed -e "s|@CONFIG@|$PWD/config|g" -e "s|@WORK@|$work|g" config/demo/demo.yaml >"$work/demo.yaml"

echo "== running flowmarkd on config/demo/demo.pcap.gz: $packets packets"
build/bin/flowmarkd --config "$work/demo.yaml" >"$work/summary" 2>"$work/log" &
daemon=$!
metrics=http://127.0.0.1:9477/metrics
received=0
for _ in $(seq 600); do
  kill -0 "$daemon" 2>/dev/null || { cat "$work/log" >&2; exit 1; }
  received=$(curl -sf "$metrics" | awk '/^flowmark_packets_total.*direction="rx"/ {n += $2} END {print n + 0}' || true)
  [ "${received:-0}" -ge "$packets" ] && break
  sleep 0.1
done
[ "${received:-0}" -ge "$packets" ] || { echo "only $received of $packets packets in a minute" >&2; exit 1; }

# All has passed; let the last due windows be read.
sleep 1

echo
echo "== flows, busiest first: what they were (true label) and what flowmark says"
build/bin/flowmark ctl --socket "$work/control.sock" flows --top 30 --labels config/demo/labels.yaml
echo
echo "== the daemon's metrics, $metrics"
curl -s "$metrics" | grep -E '^flowmark_(packets_total|verdicts_total|marked_packets_total|inference_seconds_(sum|count)|model_info)'

if [ "$keep" = yes ]; then
  echo
  echo "flowmarkd keeps running (process $daemon); Ctrl-C stops it. Look at"
  echo "  $metrics"
  echo "  build/bin/flowmark ctl --socket $work/control.sock status"
  trap 'exit 0' INT TERM
  wait "$daemon" || true
  exit 0
fi

kill -TERM "$daemon"
wait "$daemon"
daemon=
echo
echo "== the packets that left the box, counted by tcpdump"
# DSCP are the upper six bits of the second byte (IPv4) or straddle the first two (IPv6).
others=$(tcpdump -nr "$work/marked.pcap" 2>/dev/null | wc -l)
for mark in EF:46 AF31:26 AF21:18 AF11:10 LE:1 DF:0; do
  value=${mark#*:}
  count=$(tcpdump -nr "$work/marked.pcap" \
    "(ip and ip[1] & 0xfc == $((value << 2))) or (ip6 and ip6[0:2] & 0xfc0 == $((value << 6)))" 2>/dev/null | wc -l)
  printf '%6s %8d\n' "${mark%:*}" "$count"
  others=$((others - count))
done
printf '%6s %8d   marks the programs set themselves, before the first verdict\n' others "$others"
