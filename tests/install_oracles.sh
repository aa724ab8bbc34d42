#!/usr/bin/env bash
# Installs what the tests compare with, torchvision and timm, into the Python given (default: python).
# Without their dependencies: both would replace a CPU build of torch by the registry's, with gigabytes of CUDA,
# and the tests download no weights, so the hub's client is not needed. tests/oracles.py copes with what is missing.
set -euo pipefail
cd "$(dirname "$0")/.."
python=${1:-python}
"$python" -m pip install --quiet --no-deps -c constraints.txt torchvision timm
"$python" -m pip install --quiet -c constraints.txt pillow safetensors
