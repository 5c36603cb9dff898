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

flowmark_install "${flowmark_build_packages[@]}" tshark jq curl
echo "== building"
cmake --preset release -Wno-dev >/dev/null
cmake --build --preset release -j "$(nproc)" --target flowmarkd flowmark |
  sed -un 's/^\[\([0-9]*\/[0-9]*\)\].*/\r   \1 /p' | tr -d '\n'
echo

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
packets=$(($(tshark -r "$work/demo.pcap" -T fields -e frame.number 2>/dev/null | wc -l)))
sed -e "s|@CONFIG@|$PWD/config|g" -e "s|@WORK@|$work|g" config/demo/demo.yaml >"$work/demo.yaml"

echo "== running flowmarkd on config/demo/demo.pcap.gz: $packets packets"
build/bin/flowmarkd --config "$work/demo.yaml" >"$work/summary" 2>"$work/log" &
daemon=$!
metrics=http://127.0.0.1:9477/metrics
received=0
for _ in $(seq 600); do
  kill -0 "$daemon" 2>/dev/null || { cat "$work/log" >&2; exit 1; }
  received=$(curl -sf "$metrics" | awk '/^flowmark_packets_total\{.*receive/ {n += $2} END {print n + 0}' || true)
  [ "${received:-0}" -ge "$packets" ] && break
  sleep 0.1
done
[ "${received:-0}" -ge "$packets" ] || { echo "only $received of $packets packets in a minute" >&2; exit 1; }

echo
echo "== flows, largest first: true label and verdict"
build/bin/flowmark ctl --socket "$work/control.sock" flows --top 30 --labels config/demo/labels.yaml
echo
echo "== marks on the packets that left (DSCP: packets)"
marked_copy() { tshark -r "$work/marked.pcap" -T fields -e ip.dsfield.dscp -e ipv6.tclass.dscp 2>/dev/null; }
echo "== metrics at $metrics"
curl -s "$metrics" | grep -E '^flowmark_(verdicts_total|marked_packets_total|model_info)' || true

if [ "$keep" = yes ]; then
  echo
  echo "flowmarkd keeps running (process $daemon): metrics at $metrics,"
  echo "  build/bin/flowmark ctl --socket $work/control.sock status"
  echo "Ctrl-C stops it."
  trap 'exit 0' INT TERM
  wait "$daemon" || true
fi
