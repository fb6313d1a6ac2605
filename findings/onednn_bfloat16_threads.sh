#!/bin/bash
# torch 2.14.1 (oneDNN) on an x86 processor with AMX: threads of a convolution in bfloat16 wait for each other without
# sleeping, whatever OMP_WAIT_POLICY says. Two processes of two threads each that share two cores, all with PASSIVE, take
# many times the processor time of one thread each; the same in float32 takes hardly more.
#
# Guess, before two trainings were run like that for the first time: PASSIVE makes threads sleep at barriers, so that they
# take about as long as with one thread each.
#
# Seen, three runs: float32 1.1 to 1.2 times (71 ms with one thread each, 85 with two), bfloat16 21 to 26 times (26 ms, 536 to
# 708). Two free cores of an Intel Xeon; beside a run of tests bfloat16 4.2 times.
#
# Run by hand: it needs a package index, two cores and a processor with AMX. It ends with an error where the behaviour is
# another one.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q torch==2.14.1
cat > "$folder/steps.py" <<'PYTHON'
import os
import sys
import time

import torch

os.sched_setaffinity(0, {0, 1})
dtype = getattr(torch, sys.argv[1])
torch.manual_seed(0)
layers = torch.nn.Sequential(*(torch.nn.Conv2d(64, 64, 3, padding=1) for _ in range(4)))
images = torch.randn(4, 64, 48, 64)


def step():
    with torch.autocast("cpu", dtype=torch.bfloat16, enabled=dtype is torch.bfloat16):
        layers(images).float().square().mean().backward()


for _ in range(5):
    step()
start = time.process_time()
for _ in range(40):
    step()
print((time.process_time() - start) / 40)
PYTHON
cat > "$folder/pairs.py" <<'PYTHON'
import os
import subprocess
import sys

import torch

assert torch.cpu.get_capabilities()["amx_bf16"], "this processor has no AMX"


def seconds(dtype, threads):
    """Processor seconds of a step, the mean of two processes at once."""
    environment = {**os.environ, "OMP_NUM_THREADS": str(threads), "OMP_WAIT_POLICY": "PASSIVE"}
    words = [sys.executable, "-W", "ignore", os.path.join(os.path.dirname(__file__), "steps.py"), dtype]
    both = [subprocess.Popen(words, env=environment, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    return sum(float(process.communicate()[0]) for process in both) / 2


ratios = {}
for dtype in ("float32", "bfloat16"):
    one, two = seconds(dtype, 1), seconds(dtype, 2)
    ratios[dtype] = two / one
    print(f"{dtype}: {one * 1000:.1f} ms with one thread each, {two * 1000:.1f} ms with two, {two / one:.1f} times")
assert ratios["float32"] < 1.6
assert ratios["bfloat16"] > 2.5
PYTHON
"$folder/venv/bin/python" -W ignore "$folder/pairs.py"
