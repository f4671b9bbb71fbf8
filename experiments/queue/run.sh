#!/usr/bin/env bash
# Train three seeds of the six variants on Beauty and Clothing in the background: two single-thread workers at nice 19.
#
#   experiments/queue/run.sh FROZEN OUT
#
# FROZEN is a Python environment with degen installed as a wheel, so that the code cannot change under a run.
# OUT is the folder for the runs, OUT/<dataset>/<variant>-s<seed>. Each run resumes where it was stopped and a
# finished one ends at once, so the same command starts the queue and continues it. DEGEN_DATA names the logs.
set -euo pipefail
frozen=$(realpath "$1") out=$2
mkdir -p "$out"

# The two variants of the main claim have all their seeds first.
jobs() {
  local seed variants variant dataset
  for variants in "sasrec duorec" "scl cl4srec ucl ucl+scl"; do
    for seed in 0 1 2; do
      for variant in $variants; do
        for dataset in beauty clothing; do
          echo "$dataset $variant $seed"
        done
      done
    done
  done
}

run_one() {
  nice -n 19 "$frozen/bin/degen" train --dataset "$1" --variant "$2" --seed "$3" --out "$out/$1/$2-s$3" \
    --recipe official --stop-on NDCG@10 --patience 10 --epochs 100 --threads 1 --keep-embeddings 5 \
    --resume --quiet >>"$out/log.txt" 2>&1 || echo "failed: $*" >>"$out/log.txt"
}
export -f run_one
export frozen out

jobs | xargs -P 2 -L 1 bash -c 'run_one "$@"' _
