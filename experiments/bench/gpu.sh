#!/usr/bin/env bash
# Check and measure degen on one GPU in a single call, without internet: see gpu.py for what and in which order.
#
#   experiments/bench/gpu.sh --data LOGS --seconds 540
#
# LOGS is a folder with beauty.txt.gz and the like (default: DEGEN_DATA). Training needs torch, numpy, scipy, pydantic,
# safetensors, tomli-w and pooch. Where some are missing they are installed from the folder WHEELS (default: carry/wheels),
# which a machine with internet fills, in the GPU machine's Python version, by
#
#   pip download --only-binary :all: -d carry/wheels scipy pydantic safetensors tomli-w pooch
set -euo pipefail
cd "$(dirname "$0")/../.."
python=${PYTHON:-python3}
wheels=${WHEELS:-carry/wheels}
missing=$("$python" experiments/bench/gpu.py --missing)
if [ -n "$missing" ]; then
    echo "gpu.sh: missing: $missing; trying to install" >&2
    if [ -d "$wheels" ]; then
        "$python" -m pip install --quiet --no-index --find-links "$wheels" $missing || true
    else
        timeout 120 "$python" -m pip install --quiet -e . || true
    fi
fi
PYTHONPATH=$PWD${PYTHONPATH:+:$PYTHONPATH} exec "$python" experiments/bench/gpu.py "$@"
