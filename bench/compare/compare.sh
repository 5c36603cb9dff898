#!/bin/bash
# flowmark beside ONNX Runtime and libtorch: compare.sh [BUILD_DIR] [FLOW_FILE...]
# Installs onnxruntime-node into BUILD_DIR/compare, writes models and windows of the given flows
# there (synthetic ones without) and prints the table.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
build=$(realpath "${1:-$here/../../build}")
shift || true
work=$build/compare
mkdir -p "$work"
if [ ! -d "$work/node_modules/onnxruntime-node" ]; then
  (cd "$work" && npm install --ignore-scripts --no-audit --no-fund --silent onnxruntime-node)
fi
"$build/bin/inference_bench" --make "$work/models" "$@"
ORT_DIR=$work exec node "$here/compare.mjs" "$build/bin/inference_bench" "$work/models"
