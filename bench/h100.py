#!/usr/bin/env python3
"""Checks and times the CUDA kernels of every example pattern on a GPU, beside the peers, in one run.

    npm run h100:prepare -- DIR            where Node is: packages, masks and a manifest into a folder
    python3 DIR/h100.py DIR [--quick]      where the GPU is: needs PyTorch with CUDA, and nvcc for packages that are not compiled yet

Every pattern is first checked against float64 at 2048 tokens, each row within the bound of its own arithmetic (h100_bound.py); a pattern
that is wrong is not timed. Times are medians of the device's own events; the pattern and its peers take turns in rounds, so that a clock
that drifts meets all of them. FlexAttention's mask creation is timed by itself and counted both ways. Rates are floating-point operations
of live pairs (4 x dim each) over time; what a program takes to choose is in its time and not in its operations.
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

here = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, here)

import h100_bound  # noqa: E402
import h100_tensors  # noqa: E402

CHECKED_LENGTH = 2048
QUICK_LENGTHS = [4096, 16384]
# Rows whose keys are counted when a mask is too large to be counted whole.
SAMPLED_ROWS = 4096


def arguments(words):
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("folder", help="what npm run h100:prepare wrote")
    parser.add_argument("--quick", action="store_true", help="a few patterns, head dimension 128, 4K and 16K, one round")
    parser.add_argument("--lengths", type=int, nargs="+", default=[4096, 16384, 65536, 131072])
    parser.add_argument("--dims", type=int, nargs="+", help="head dimensions, of those that were prepared (default: all)")
    parser.add_argument("--heads", type=int, default=32)
    parser.add_argument("--kv-heads", type=int, default=8)
    parser.add_argument("--only", default="", help="patterns whose title holds these words")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--budget", type=float, default=200.0, help="milliseconds of a call in a round")
    parser.add_argument("--no-peers", action="store_true")
    parser.add_argument("--out", help="folder of the results (default: FOLDER/results)")
    parser.add_argument("--only-dim", type=int, help=argparse.SUPPRESS)
    options = parser.parse_args(words)
    with open(os.path.join(options.folder, "manifest.json")) as file:
        manifest = json.load(file)
    if manifest.get("format") != "filigree-bench-1":
        parser.error(f"{options.folder} was written by another version of h100-prepare")
    options.dims = options.dims or manifest["dims"]
    if options.quick:
        options.lengths, options.rounds = QUICK_LENGTHS, 1
        options.dims = [d for d in options.dims if d == 128] or options.dims[:1]
    missing = [d for d in options.dims if d not in manifest["dims"]]
    if missing:
        parser.error(f"head dimensions {missing} were not prepared; there are {manifest['dims']}")
    if options.heads % options.kv_heads != 0:
        parser.error(f"--heads {options.heads} is no multiple of --kv-heads {options.kv_heads}")
    return options, manifest


def chosen(manifest, options):
    """The patterns of this run; the dense one first, since others are measured against it."""
    found = [p for p in manifest["patterns"] if options.only in p["title"] and (p["quick"] or not options.quick)]
    return sorted(found, key=lambda p: p["title"] != "dense causal")


def lengths_of(pattern, options):
    return [n for n in options.lengths if pattern["longest"] is None or n <= pattern["longest"]]


def values_of(pattern, n, dim, heads, kv_heads):
    """What a launch knows by name."""
    return {**pattern["scalars"], "n_q": pattern["queries"] or n, "n_k": n, "dim": dim, "heads": heads, "kv_heads": kv_heads, "batch": 1}


class Launch:
    """A pattern at one length: its inputs, its tensors, and its mask as functions."""

    def __init__(self, pattern, n, dim, heads, kv_heads, dtype, masks):
        import torch

        self.pattern, self.dtype = pattern, dtype
        self.values = values_of(pattern, n, dim, heads, kv_heads)
        self.torch_dtype = {"f32": torch.float32, "f16": torch.float16, "bf16": torch.bfloat16}[dtype]
        generator = torch.Generator(device="cuda").manual_seed(n + dim)
        draw = lambda h, rows: torch.randn((1, h, rows, dim), generator=generator, device="cuda", dtype=torch.float32).to(self.torch_dtype)
        self.q, self.k, self.v = draw(heads, self.values["n_q"]), draw(kv_heads, n), draw(kv_heads, n)
        self.parameters = [h100_tensors.device_tensor(t, self.values, "cuda") for t in pattern["tensors"]]
        self.tensors = dict(zip((t["name"] for t in pattern["tensors"]), self.parameters))
        self.live = getattr(masks, f"live_{pattern['index']}")
        self.scale = getattr(masks, f"scale_{pattern['index']}")
        self.score = getattr(masks, f"score_{pattern['index']}", None)
        self.sink = getattr(masks, f"sink_{pattern['index']}", None)

    def run(self, operator):
        return operator(self.q, self.k, self.v, *self.parameters, **self.pattern["scalars"])

    def learn(self, given):
        """Takes the stage tensors that the operator chose, which the mask reads, and makes sets of lists."""
        import torch

        self.tensors.update(zip(self.pattern["outputs"], given[2:]))
        longest = max(self.values["n_k"], self.values["n_q"])
        for name in self.pattern["sets"]:
            self.tensors[name + "@set"] = h100_tensors.as_set(self.tensors[name], longest)
        torch.cuda.synchronize()

    def mask(self, h, rows, keys):
        """Truth values of positions; tensors that broadcast."""
        import torch

        found = self.live(h100_tensors.Tensors, self.tensors, self.values, 0, h, rows, keys)
        return torch.as_tensor(found, device="cuda").broadcast_to(torch.broadcast_shapes(rows.shape, keys.shape))

    def positions(self):
        """Query positions and key positions."""
        import torch

        n_q, n_k = self.values["n_q"], self.values["n_k"]
        return torch.arange(n_k - n_q, n_k, device="cuda"), torch.arange(n_k, device="cuda")


def operator_of(pattern, dim, dtype, folder):
    """The operator of a pattern; a head dimension is a process of its own, since an operator's name is registered once a process."""
    place = os.path.join(folder, "packages", f"{dtype}_{dim}")
    if place not in sys.path:
        sys.path.insert(0, place)
    module = importlib.import_module(pattern["module"])
    with open(os.path.join(place, pattern["module"] + ".resources.json")) as file:
        return getattr(module, module.__all__[0]), json.load(file)


def live_pairs(launch):
    """Pairs that the mask keeps over all heads, and whether they were counted or estimated from evenly spread rows."""
    rows, keys = launch.positions()
    heads = launch.values["heads"] if launch.pattern["perHead"] else 1
    exact = len(rows) * len(keys) * heads <= 2 ** 34
    step = 1 if exact else max(1, len(rows) // SAMPLED_ROWS)
    # Out of step with blocks: the rows of a stretch take turns.
    picked = rows if step == 1 else rows[[min(i * step + (i * 7) % step, len(rows) - 1) for i in range(len(rows) // step)]]
    count = 0
    for h in range(heads):
        for first in range(0, len(picked), 512):
            count += int(launch.mask(h, picked[first:first + 512, None], keys[None, :]).sum())
    return count * (len(rows) / len(picked)) * (launch.values["heads"] / heads), exact


def check(launch, given):
    """The worst row of out and of lse, in units of its bound."""
    import torch

    ops, values, tensors = h100_tensors.Tensors, launch.values, launch.tensors
    rows, keys = launch.positions()
    out, lse = given[0].double(), given[1].double()
    group = launch.q.shape[1] // launch.k.shape[1]
    worst = {"out": 0.0, "lse": 0.0}
    for h in range(launch.q.shape[1]):
        mask = launch.mask(h, rows[:, None], keys[None, :])
        score = None if launch.score is None else lambda x, h=h: launch.score(ops, tensors, values, x, 0, h, rows[:, None], keys[None, :]).double()
        sink = None if launch.sink is None else torch.as_tensor(launch.sink(ops, tensors, values, 0, h)).double().cpu().item()
        of_out, of_lse, row = h100_bound.judge_head(
            launch.q[0, h].double(), launch.k[0, h // group].double(), launch.v[0, h // group].double(), mask,
            float(launch.scale(ops, tensors, values, 0, h)), score, None if sink is None else torch.tensor(sink, device="cuda", dtype=torch.float64), out[0, h], lse[0, h], launch.dtype)
        if of_out > worst["out"]:
            worst.update({"out": of_out, "head": h, "row": row})
        worst["lse"] = max(worst["lse"], of_lse)
    return worst


def timed(call):
    import torch

    start, end = torch.cuda.Event(enable_timing=True), torch.cuda.Event(enable_timing=True)
    start.record()
    call()
    end.record()
    end.synchronize()
    return start.elapsed_time(end)


def flex_peer(launch):
    """FlexAttention on the same mask and scores: (call, milliseconds of mask creation)."""
    import torch
    from torch.nn.attention.flex_attention import create_block_mask, flex_attention

    ops, values, tensors, offset = h100_tensors.Tensors, launch.values, launch.tensors, launch.values["n_k"] - launch.values["n_q"]

    def mask_mod(b, h, row, key):
        return launch.live(ops, tensors, values, b, h, row + offset, key)

    def score_mod(x, b, h, row, key):
        return launch.score(ops, tensors, values, x, b, h, row + offset, key).to(x.dtype)

    n_q, n_k = values["n_q"], values["n_k"]
    heads = values["heads"] if launch.pattern["perHead"] else None
    make = torch.compile(create_block_mask)
    build = lambda: make(mask_mod, None, heads, n_q, n_k, device="cuda")
    build()
    torch.cuda.synchronize()
    creation = statistics.median(timed(build) for _ in range(3))
    block_mask = build()
    flex = torch.compile(flex_attention)
    scale = float(launch.scale(ops, tensors, values, 0, 0))
    more = {} if launch.score is None else {"score_mod": score_mod}
    if launch.sink is None:
        return lambda: flex(launch.q, launch.k, launch.v, block_mask=block_mask, scale=scale, enable_gqa=True, **more), creation
    sinks = torch.stack([torch.as_tensor(launch.sink(ops, tensors, values, 0, h), device="cuda").float() for h in range(values["heads"])])[None, :, None]

    def with_sinks():
        out, lse = flex(launch.q, launch.k, launch.v, block_mask=block_mask, scale=scale, enable_gqa=True, return_lse=True, **more)
        return out * torch.sigmoid(lse - sinks)[..., None].to(out.dtype)
    return with_sinks, creation


def peers(launch):
    """(name, call, milliseconds of mask creation or None), and what a peer that does not run had to say."""
    import torch.nn.functional as F

    found, refused = [], []
    group = launch.q.shape[1] // launch.k.shape[1]
    if launch.pattern["title"] == "dense causal":
        from torch.nn.attention import SDPBackend, sdpa_kernel

        wide_k, wide_v = launch.k.repeat_interleave(group, 1), launch.v.repeat_interleave(group, 1)
        for name, backend in (("cudnn sdpa", SDPBackend.CUDNN_ATTENTION), ("flash sdpa", SDPBackend.FLASH_ATTENTION)):
            def call(backend=backend):
                with sdpa_kernel(backend):
                    return F.scaled_dot_product_attention(launch.q, wide_k, wide_v, is_causal=True)
            found.append((name, call, None))
    try:
        call, creation = flex_peer(launch)
        found.append(("flex attention", call, creation))
    except Exception as error:  # A peer that does not run here is reported, not hidden.
        refused.append("flex attention: " + str(error).split("\n")[0])
    return found, refused


def measure(calls, rounds, budget_ms):
    """Median milliseconds of each call, taken in turns; and why a call did not run."""
    import torch

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


def figures(pattern, dim, n, times, creation, pairs, all_pairs, dense_rate):
    """A row of the results, from milliseconds by name: rates on live pairs, against the own dense rate and the best peer."""
    rate = {name: 4 * dim * pairs / ms / 1e9 for name, ms in times.items()}
    others = {name: ms for name, ms in times.items() if name != "filigree"}
    mine = times.get("filigree", math.nan)
    best = min(others.values(), default=math.nan)
    with_mask = min((ms + creation.get(name, 0) for name, ms in others.items()), default=math.nan)
    return {
        "pattern": pattern["title"], "dim": dim, "n": n, "density": pairs / all_pairs, "ms": times, "tflops": rate,
        "of own dense": rate.get("filigree", math.nan) / dense_rate, "over best peer": best / mine, "over best peer with its mask": with_mask / mine, "mask creation ms": creation,
    }


def row_text(r):
    if "ms" not in r:
        return f"{r['pattern']:22} D {r['dim']:3}  " + "; ".join(f"{key}: {value}" for key, value in r.items() if key not in ("pattern", "dim"))
    rates = ", ".join(f"{name} {value:.0f}" for name, value in r["tflops"].items())
    masks = "".join(f", mask of {name} {ms:.2f} ms" for name, ms in r["mask creation ms"].items())
    return (f"{r['pattern']:22} D {r['dim']:3} n {r['n']:6}  density {r['density']:7.2%}  {r['ms'].get('filigree', math.nan):8.3f} ms  TFLOP/s: {rates}{masks};  of own dense {r['of own dense']:.2f}, "
            f"over best peer {r['over best peer']:.2f} ({r['over best peer with its mask']:.2f} with its mask)" + (f"  {r['failed']}" if r.get("failed") else ""))


def run_length(pattern, n, dim, operator, options, manifest, masks, dense):
    import torch

    launch = Launch(pattern, n, dim, options.heads, options.kv_heads, manifest["dtype"], masks)
    torch.cuda.reset_peak_memory_stats()
    before = torch.cuda.memory_allocated()
    given = launch.run(operator)
    torch.cuda.synchronize()
    memory = torch.cuda.max_memory_allocated() - before
    launch.learn(given)
    pairs, exact = live_pairs(launch)
    found, refused = ([], []) if options.no_peers else peers(launch)
    calls = [("filigree", lambda: launch.run(operator)), *((name, call) for name, call, _ in found)]
    times, failed = measure(calls, options.rounds, options.budget)
    n_q = launch.values["n_q"]
    # Of all pairs under the diagonal where there are as many rows as keys, of all pairs otherwise.
    all_pairs = options.heads * (n * (n + 1) / 2 if n_q == n else n_q * n)
    row = figures(pattern, dim, n, times, {name: ms for name, _, ms in found if ms is not None}, pairs, all_pairs, dense.get(n, math.nan))
    if pattern["title"] == "dense causal":
        dense[n] = row["tflops"].get("filigree", math.nan)
        row["of own dense"] = 1.0
    return {**row, "counted": exact, "memory bytes": memory, "failed": {**failed, **({"peer": "; ".join(refused)} if refused else {})}}


def run_dim(dim, options, manifest):
    """Everything of one head dimension; a list of rows."""
    import torch

    masks = importlib.import_module("masks")
    rows, dense = [], {}
    for pattern in chosen(manifest, options):
        operator, resources = operator_of(pattern, dim, manifest["dtype"], options.folder)
        launch = Launch(pattern, CHECKED_LENGTH, dim, 4, 2, manifest["dtype"], masks)
        given = launch.run(operator)
        launch.learn(given)
        worst = check(launch, given)
        if not (worst["out"] <= 1 and worst["lse"] <= 1):
            rows.append({"pattern": pattern["title"], "dim": dim, "wrong": worst})
            print(row_text(rows[-1]), flush=True)
            continue
        for n in lengths_of(pattern, options):
            try:
                row = {**run_length(pattern, n, dim, operator, options, manifest, masks, dense), "error over bound": worst, "resources": resources}
            except torch.cuda.OutOfMemoryError:
                row = {"pattern": pattern["title"], "dim": dim, "n": n, "failed": {"all": "out of memory"}}
            torch.cuda.empty_cache()
            rows.append(row)
            print(row_text(row), flush=True)
    return rows


def main(words):
    options, manifest = arguments(words)
    sys.path.insert(0, options.folder)
    if options.only_dim is not None:
        rows = run_dim(options.only_dim, options, manifest)
        with open(os.path.join(options.folder, f"rows-{options.only_dim}.json"), "w") as file:
            json.dump(rows, file)
        return 0
    import torch

    rows = []
    for dim in options.dims:
        ran = subprocess.run([sys.executable, os.path.abspath(__file__), *words, "--only-dim", str(dim)])
        if ran.returncode != 0:
            return ran.returncode
        with open(os.path.join(options.folder, f"rows-{dim}.json")) as file:
            rows += json.load(file)
    ask = lambda *command: subprocess.run(command, capture_output=True, text=True).stdout.strip()
    now = datetime.datetime.now(datetime.timezone.utc).strftime("%Y%m%dT%H%M%S")
    device = torch.cuda.get_device_name(0)
    record = {
        "device": device, "driver": ask("nvidia-smi", "--query-gpu=driver_version", "--format=csv,noheader"), "date": now,
        "commit": manifest["commit"], "arch": manifest["arch"], "torch": torch.__version__, "cuda": torch.version.cuda, "python": platform.python_version(),
        "dtype": manifest["dtype"], "heads": options.heads, "kv heads": options.kv_heads, "rows": rows,
    }
    out = options.out or os.path.join(options.folder, "results")
    os.makedirs(out, exist_ok=True)
    path = os.path.join(out, f"{now}-{device.lower().replace(' ', '-')}.json")
    with open(path, "w") as file:
        json.dump(record, file, indent=1)
        file.write("\n")
    print(path)
    return 1 if any("wrong" in r for r in rows) else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
