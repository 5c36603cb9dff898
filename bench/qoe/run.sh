#!/usr/bin/env bash
# Whether calls, films and pages get better behind a full line: run.sh [OPTIONS], see --help and docs/qoe.md.
# Installs what is missing and builds what it needs; leaves nothing behind but its cache and its results.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
packages=(iproute2 ethtool procps util-linux tcpdump g++ openssl python3 nginx-light curl ffmpeg espeak-ng
  chromium-headless-shell python3-aiohttp aria2 wireguard-go wireguard-tools nftables)
cache=/var/tmp/flowmark-qoe
setup=yes
arguments=("$@")
while [ $# -gt 0 ]; do
  case $1 in
    -h | --help | --report-only) setup=no ;;
    --cache) cache=${2:?--cache needs a folder} ;;
    --cache=*) cache=${1#--cache=} ;;
    --programs | --programs=*) built=yes ;;
  esac
  shift
done

install_missing() {
  local missing=() package
  for package in "${packages[@]}"; do
    dpkg-query -W -f '${db:Status-Abbrev}' "$package" 2>/dev/null | grep -q '^ii' || missing+=("$package")
  done
  [ ${#missing[@]} -gt 0 ] || return 0
  echo "installing ${missing[*]}" >&2
  apt-get update -qq
  local policy=/usr/sbin/policy-rc.d  # packages must not start servers of their own
  if [ ! -e $policy ]; then
    printf '#!/bin/sh\nexit 101\n' >$policy
    chmod +x $policy
    trap 'rm -f /usr/sbin/policy-rc.d' EXIT
  fi
  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
}

if [ $setup = yes ]; then
  [ "$(id -u)" = 0 ] || { echo "run.sh: must be root (namespaces, packages)" >&2; exit 1; }
  install_missing
  if [ -z "${built:-}" ]; then
    (cd "$root" && cmake --preset release -Wno-dev >/dev/null && ninja -C build flowmark flowmarkd qoe_relay >&2)
  fi
  mkdir -p "$cache"
  delay=$root/tests/lab/wan_relay.cc
  if [ ! -x "$cache/wan_relay" ] || [ "$delay" -nt "$cache/wan_relay" ]; then
    g++ -std=c++20 -O2 -o "$cache/wan_relay.part" "$delay"
    mv "$cache/wan_relay.part" "$cache/wan_relay"
  fi
fi
PYTHONPATH=$here PYTHONDONTWRITEBYTECODE=1 /usr/bin/python3 -m qoe.run "${arguments[@]}"
