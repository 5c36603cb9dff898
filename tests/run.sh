#!/usr/bin/env bash
# Installs what is missing, builds, and runs the whole test suite. Needs no hugepages, no network
# card and no network beyond Debian's packages. Tests that need root or outside data are listed as
# skipped where they cannot run.
#
#   bash tests/run.sh                 release build, all tests
#   bash tests/run.sh --sanitize      first under address+undefined, and threads under thread sanitizer
#   bash tests/run.sh -- -R window    further arguments go to ctest
set -euo pipefail
cd "$(dirname "$0")/.."
source daemon/packages.sh

sanitize=no
while [ $# -gt 0 ]; do
  case "$1" in
    --sanitize) sanitize=yes ;;
    --) shift; break ;;
    -h|--help) sed -n '2,9s/^# \{0,1\}//p' "$0"; exit 0 ;;
    *) echo "tests/run.sh: unknown option $1 (see --help)" >&2; exit 2 ;;
  esac
  shift
done

flowmark_install "${flowmark_build_packages[@]}" \
  python3 python3-numpy iproute2 iputils-ping ethtool tcpdump tshark jq curl procps nftables conntrack \
  clang-format

jobs=$(nproc)

# build PRESET [TARGET ...]: what Ninja says of finished steps is left out
build() {
  local preset=$1 target=()
  shift
  [ $# -eq 0 ] || target=(--target "$@")
  echo "== building: $preset"
  cmake --preset "$preset" -Wno-dev >/dev/null
  cmake --build --preset "$preset" -j "$jobs" "${target[@]}" 2>&1 | { grep -vE '^\[[0-9]+/[0-9]+\]' || true; }
}

# quiet_tests BUILD_FOLDER [CTEST_ARGUMENT ...]: the summary, and all that was said if one fails
quiet_tests() {
  local folder=$1 log
  shift
  log=$(mktemp)
  if ctest --test-dir "$folder" -j "$jobs" --output-on-failure "$@" >"$log" 2>&1; then
    tail -n 8 "$log"
    rm -f "$log"
  else
    grep -vE ' +Passed +|^ +Start ' "$log"
    rm -f "$log"
    return 1
  fi
}

echo "== format"
git ls-files '*.cc' '*.h' 2>/dev/null | xargs -r clang-format --dry-run --Werror

if [ "$sanitize" = yes ]; then
  export ASAN_OPTIONS=detect_leaks=1 UBSAN_OPTIONS=print_stacktrace=1:halt_on_error=1
  export LSAN_OPTIONS=suppressions=$PWD/tests/lsan.supp:print_suppressions=0
  build asan unit_tests
  echo "== address and undefined behaviour sanitizers"
  quiet_tests build-asan -E '^integration|NOT_BUILT'
  build tsan threaded_tests
  echo "== thread sanitizer"
  quiet_tests build-tsan -R '^(runtime|mark|flowmarkd)\.'
fi

build release
echo "== all tests"
ctest --test-dir build -j "$jobs" --output-on-failure "$@"
