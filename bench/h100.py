#!/usr/bin/env python3
"""Builds, checks and times the CUDA kernels on a GPU, beside the peers, in one run.

    python3 bench/h100.py [--lengths 4096 16384 65536] [--dims 64 128] [--out bench/results]

Needs Node with this repository's packages, nvcc, and PyTorch with CUDA. Every pattern is first checked against a float64 reference at
2048 tokens; a pattern that is wrong is not timed. Times are medians of the device's own events; patterns and peers take turns in rounds, so that
a clock that drifts meets all of them. FlexAttention's mask creation is timed by itself and counted both ways. Rates are floating-point
operations of live pairs (4 x dim each) over time.
"""

import argparse
import datetime
import importlib
import json
import math
import os
import platform
import statistics
import subprocess
import sys

import torch
import torch.nn.functional as F

root = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))


class Pattern:
    """A program of examples/, its arguments, and the same mask as a function of positions, which is what the peers and the reference get."""

    def __init__(self, title, program, name, scalars, live):
        self.title, self.program, self.name, self.scalars, self.live = title, program, name, scalars, live


patterns = [
    Pattern("dense causal", "causal", "dense_causal", {}, lambda q, k: q >= k),
    Pattern("window 1024", "sliding-window", "sliding_window", {"window": 1024}, lambda q, k: (q >= k) & (q - k < 1024)),
    Pattern("A-shape 512 + 64", "a-shape", "streaming", {"window": 512, "sinks": 64}, lambda q, k: (q >= k) & ((q - k < 512) | (k < 64))),
    Pattern("strided 128", "strided", "strided_attention", {"stride": 128}, lambda q, k: (q >= k) & ((q - k < 128) | ((q - k) % 128 == 0))),
    Pattern("dilated 1024 / 4", "dilated-window", "dilated_window", {"reach": 1024, "step": 4}, lambda q, k: (q >= k) & (q - k < 1024) & ((q - k) % 4 == 0)),
]


def build(pattern, dim, dtype, arch, folder):
    """The operator of a pattern; each head dimension has a folder of its own, since modules of one name are one module."""
    out = os.path.join(folder, f"{dtype}_{dim}")
    command = ["node", os.path.join(root, "bin", "filigree.mjs"), "build", os.path.join(root, "examples", pattern.program, pattern.program + ".fil"),
               "--name", pattern.name, "--target", "pytorch", "--arch", arch, "--dim", str(dim), "--dtype", dtype, "--out", out, "--json"]
    said = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    # The operator's name is registered once a process, so a head dimension is a process of its own (see main).
    sys.path.insert(0, out)
    module = importlib.import_module(pattern.name)
    return getattr(module, pattern.name), json.loads(said).get("resources", [])


def inputs(n, dim, heads, kv_heads, dtype):
    generator = torch.Generator(device="cuda").manual_seed(n + dim)
    draw = lambda h: torch.randn((1, h, n, dim), generator=generator, device="cuda", dtype=torch.float32).to(dtype)
    return draw(heads), draw(kv_heads), draw(kv_heads)


def live_pairs(pattern, n):
    """Pairs that the mask keeps, counted in strips of rows."""
    count, keys = 0, torch.arange(n, device="cuda")
    for first in range(0, n, 1024):
        rows = torch.arange(first, min(first + 1024, n), device="cuda")
        count += int(pattern.live(rows[:, None], keys[None, :]).sum())
    return count


def reference(pattern, q, k, v):
    """Attention in float64, a head at a time."""
    n, dim, group = q.shape[2], q.shape[3], q.shape[1] // k.shape[1]
    at = torch.arange(n, device="cuda")
    mask = pattern.live(at[:, None], at[None, :])
    out = torch.empty(q.shape, dtype=torch.float64, device="cuda")
    for h in range(q.shape[1]):
        scores = (q[0, h].double() @ k[0, h // group].double().T) / math.sqrt(dim)
        weights = torch.softmax(scores.masked_fill(~mask, -math.inf), dim=-1)
        out[0, h] = weights @ v[0, h // group].double()
    return out


def check(operator, pattern, dim, heads, kv_heads, dtype):
    """The worst row's error, relative to the largest value that its keys could give, in units of the storage type's rounding."""
    q, k, v = inputs(2048, dim, heads, kv_heads, dtype)
    out, _ = operator(q, k, v, **pattern.scalars)
    truth = reference(pattern, q, k, v)
    scale = v.double().abs().amax()
    return float((out.double() - truth).abs().amax() / scale / torch.finfo(dtype).eps)


def timed(call):
    start, end = torch.cuda.Event(enable_timing=True), torch.cuda.Event(enable_timing=True)
    start.record()
    call()
    end.record()
    end.synchronize()
    return start.elapsed_time(end)


def peers(pattern, q, k, v):
    """(name, call, milliseconds of mask creation or None), and what a peer that does not run had to say."""
    found, refused = [], []
    group = q.shape[1] // k.shape[1]
    if pattern.title == "dense causal":
        from torch.nn.attention import SDPBackend, sdpa_kernel

        wide_k, wide_v = k.repeat_interleave(group, 1), v.repeat_interleave(group, 1)
        for name, backend in (("cudnn sdpa", SDPBackend.CUDNN_ATTENTION), ("flash sdpa", SDPBackend.FLASH_ATTENTION)):
            def call(backend=backend):
                with sdpa_kernel(backend):
                    return F.scaled_dot_product_attention(q, wide_k, wide_v, is_causal=True)
            found.append((name, call, None))
    try:
        from torch.nn.attention.flex_attention import create_block_mask, flex_attention

        def mask_mod(b, h, row, key):
            return pattern.live(row, key)

        n = q.shape[2]
        make = torch.compile(create_block_mask)
        make(mask_mod, None, None, n, n, device="cuda")
        torch.cuda.synchronize()
        creation = statistics.median(timed(lambda: make(mask_mod, None, None, n, n, device="cuda")) for _ in range(5))
        block_mask = make(mask_mod, None, None, n, n, device="cuda")
        flex = torch.compile(flex_attention)
        found.append(("flex attention", lambda: flex(q, k, v, block_mask=block_mask, enable_gqa=True), creation))
    except Exception as error:  # A peer that does not run here is reported, not hidden.
        refused.append(f"flex attention: {error}")
    return found, refused


def measure(calls, rounds, budget_ms):
    """Median milliseconds of each call, taken in turns; and why a call did not run."""
    times, failed = {name: [] for name, _ in calls}, {}
    for name, call in calls:
        try:
            for _ in range(3):
                call()
            torch.cuda.synchronize()
        except Exception as error:
            failed[name] = str(error).split("\n")[0]
    for _ in range(rounds):
        for name, call in calls:
            if name in failed:
                continue
            first = timed(call)
            repeats = max(1, min(20, int(budget_ms / max(first, 0.01))))
            times[name].append(statistics.median(timed(call) for _ in range(repeats)))
    return {name: statistics.median(t) for name, t in times.items() if t}, failed


def run_dim(dim, options):
    """Everything of one head dimension; a list of rows."""
    dtype = {"f16": torch.float16, "bf16": torch.bfloat16}[options.dtype]
    rows, dense = [], {}
    for pattern in patterns:
        operator, resources = build(pattern, dim, options.dtype, options.arch, options.work)
        error = check(operator, pattern, dim, 4, 2, dtype)
        # Probabilities and the result are rounded to the storage type once each, and sums are taken in f32.
        if not error < 4:
            rows.append({"pattern": pattern.title, "dim": dim, "wrong": error})
            continue
        for n in options.lengths:
            try:
                q, k, v = inputs(n, dim, options.heads, options.kv_heads, dtype)
                pairs = live_pairs(pattern, n) * options.heads
                found, refused = peers(pattern, q, k, v)
                torch.cuda.reset_peak_memory_stats()
                before = torch.cuda.memory_allocated()
                operator(q, k, v, **pattern.scalars)
                torch.cuda.synchronize()
                memory = torch.cuda.max_memory_allocated() - before
                own = ("filigree", lambda: operator(q, k, v, **pattern.scalars))
                times, failed = measure([own, *((name, call) for name, call, _ in found)], options.rounds, options.budget)
            except torch.cuda.OutOfMemoryError:
                rows.append({"pattern": pattern.title, "dim": dim, "n": n, "failed": {"all": "out of memory"}})
                continue
            rate = {name: 4 * dim * pairs / ms / 1e9 for name, ms in times.items()}
            creation = {name: ms for name, _, ms in found if ms is not None}
            if pattern.title == "dense causal":
                dense[n] = rate.get("filigree", math.nan)
            others = {name: ms for name, ms in times.items() if name != "filigree"}
            best = min(others.values(), default=math.nan)
            with_mask = min((ms + creation.get(name, 0) for name, ms in others.items()), default=math.nan)
            mine = times.get("filigree", math.nan)
            rows.append({
                "pattern": pattern.title, "dim": dim, "n": n, "density": pairs / options.heads / (n * (n + 1) / 2), "ms": times, "tflops": rate,
                "of own dense": rate.get("filigree", math.nan) / dense.get(n, math.nan), "over best peer": best / mine, "over best peer with its mask": with_mask / mine,
                "mask creation ms": creation, "memory bytes": memory, "error / eps": error, "failed": {**failed, **({"peer": "; ".join(refused)} if refused else {})},
                "resources": resources,
            })
            print_row(rows[-1])
    return rows


def print_row(r):
    rates = ", ".join(f"{name} {value:.0f}" for name, value in r["tflops"].items())
    print(f"{r['pattern']:18} D {r['dim']:3} n {r['n']:6}  density {r['density']:7.2%}  TFLOP/s: {rates};  of own dense {r['of own dense']:.2f}, "
          f"over best peer {r['over best peer']:.2f} ({r['over best peer with its mask']:.2f} with its mask)" + (f"  {r['failed']}" if r["failed"] else ""), flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--lengths", type=int, nargs="+", default=[4096, 16384, 65536])
    parser.add_argument("--dims", type=int, nargs="+", default=[64, 128])
    parser.add_argument("--heads", type=int, default=32)
    parser.add_argument("--kv-heads", type=int, default=8)
    parser.add_argument("--dtype", choices=["f16", "bf16"], default="f16")
    parser.add_argument("--arch", default="sm_90a")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--budget", type=float, default=200.0, help="milliseconds of a call in a round")
    parser.add_argument("--work", default="/tmp/filigree-bench")
    parser.add_argument("--out", default=os.path.join(root, "bench", "results"))
    parser.add_argument("--only-dim", type=int, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.only_dim is not None:
        rows = run_dim(options.only_dim, options)
        with open(os.path.join(options.work, f"rows-{options.only_dim}.json"), "w") as file:
            json.dump(rows, file)
        return
    os.makedirs(options.work, exist_ok=True)
    rows = []
    for dim in options.dims:
        ran = subprocess.run([sys.executable, os.path.abspath(__file__), *sys.argv[1:], "--only-dim", str(dim)])
        if ran.returncode != 0:
            sys.exit(ran.returncode)
        with open(os.path.join(options.work, f"rows-{dim}.json")) as file:
            rows += json.load(file)
    words = lambda *command: subprocess.run(command, capture_output=True, text=True).stdout.strip()
    now = datetime.datetime.now(datetime.timezone.utc).strftime("%Y%m%dT%H%M%S")
    device = torch.cuda.get_device_name(0)
    record = {
        "device": device, "driver": words("nvidia-smi", "--query-gpu=driver_version", "--format=csv,noheader"), "date": now,
        "commit": words("git", "-C", root, "rev-parse", "HEAD"), "torch": torch.__version__, "cuda": torch.version.cuda, "python": platform.python_version(),
        "dtype": options.dtype, "heads": options.heads, "kv heads": options.kv_heads, "rows": rows,
    }
    path = os.path.join(options.out, f"{now}-{device.lower().replace(' ', '-')}.json")
    os.makedirs(options.out, exist_ok=True)
    with open(path, "w") as file:
        json.dump(record, file, indent=1)
        file.write("\n")
    print(path)
    if any("wrong" in r for r in rows):
        sys.exit(1)


if __name__ == "__main__":
    main()
