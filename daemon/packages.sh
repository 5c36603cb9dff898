# Sourced by daemon/demo.sh and tests/run.sh: installs the Debian packages that are missing.
# shellcheck shell=bash

flowmark_build_packages=(
  g++ cmake ninja-build pkg-config ccache
  libdpdk-dev libtbb-dev libspdlog-dev libfmt-dev libyaml-cpp-dev prometheus-cpp-dev libmicrohttpd-dev
  libhwy-dev libonnx-dev libprotobuf-dev protobuf-compiler libcli11-dev nlohmann-json3-dev
  libpcap-dev libre2-dev libcairo2-dev fonts-dejavu-core zlib1g-dev liblzma-dev libbz2-dev libsodium-dev libsystemd-dev libgtest-dev libgmock-dev
  libbenchmark-dev
  libnetfilter-conntrack-dev libmnl-dev libnftables-dev libnftnl-dev
)

# Installs those of the named packages that are not there yet.
flowmark_install() {
  local missing=() package
  for package in "$@"; do
    dpkg-query -W -f='${Status}' "$package" 2>/dev/null | grep -q 'ok installed' || missing+=("$package")
  done
  [ ${#missing[@]} -eq 0 ] && return 0
  echo "installing: ${missing[*]}"
  local sudo=()
  if [ "$(id -u)" -ne 0 ]; then
    command -v sudo >/dev/null || { echo "run as root once, or install: ${missing[*]}" >&2; return 1; }
    sudo=(sudo)
  fi
  "${sudo[@]}" apt-get update -qq
  "${sudo[@]}" env DEBIAN_FRONTEND=noninteractive \
    apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
}
