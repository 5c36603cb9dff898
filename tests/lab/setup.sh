#!/usr/bin/env bash
# Installs what the lab needs and builds its relay. Safe to run again; record.sh runs it first.
set -euo pipefail
cd "$(dirname "$0")"

packages=(iproute2 ethtool util-linux procps tcpdump tshark g++ openssl python3 python3-yaml
  nginx-light caddy openssh-server openssh-client rsync curl ffmpeg espeak-ng baresip-core baresip-ffmpeg
  chromium-headless-shell python3-aiohttp prosody python3-slixmpp ngircd vsftpd lftp aria2 transmission-daemon opentracker
  iputils-ping openvpn wireguard-go wireguard-tools strongswan-charon strongswan-swanctl
  libstrongswan-standard-plugins libcharon-extra-plugins tor nftables
  xvfb python3-xlib minetest minetest-server chocolate-doom freedoom teeworlds teeworlds-server openarena
  openarena-server freerdp2-x11 freerdp2-shadow-x11 tigervnc-standalone-server tigervnc-viewer openbox xterm
  unbound dnsperf chrony mosquitto mosquitto-clients dovecot-imapd python3-aiosmtpd fetchmail snmpd snmp
  libcoap3-bin rsyslog)
cache=${FLOWMARK_LAB_CACHE:-/var/tmp/flowmark-lab}

[ "$(id -u)" = 0 ] || { echo "setup.sh: must be root (namespaces, packages)" >&2; exit 1; }

missing=()
for package in "${packages[@]}"; do
  dpkg-query -W -f '${db:Status-Abbrev}' "$package" 2>/dev/null | grep -q '^ii' || missing+=("$package")
done
if [ ${#missing[@]} -gt 0 ]; then
  echo "installing ${missing[*]}" >&2
  apt-get update -qq
  # The lab starts its own servers in its own namespaces: packages must not start theirs.
  policy=/usr/sbin/policy-rc.d
  if [ ! -e $policy ]; then
    printf '#!/bin/sh\nexit 101\n' >$policy
    chmod +x $policy
    trap 'rm -f /usr/sbin/policy-rc.d' EXIT
  fi
  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
fi

mkdir -p "$cache"
if [ ! -x "$cache/wan_relay" ] || [ wan_relay.cc -nt "$cache/wan_relay" ]; then
  nice g++ -std=c++20 -O2 -Wall -Wextra -Wpedantic -Wconversion -Wshadow -o "$cache/wan_relay.part" wan_relay.cc
  mv "$cache/wan_relay.part" "$cache/wan_relay"
fi
