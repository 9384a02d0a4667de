"""Operators behind generated masks, on tensors and on plain numbers, and the run-time tensors of patterns from their descriptions.

Nothing here imports torch before a tensor is made.
"""

import math
import random


class Plain:
    """The operators on numbers and nested lists: what a mask means, pair by pair."""

    @staticmethod
    def div(a, b):
        return 0 if b < 1 else a // b

    @staticmethod
    def mod(a, b):
        return 0 if b < 1 else a % b

    @staticmethod
    def max(a, b):
        return a if a > b else b

    @staticmethod
    def min(a, b):
        return a if a < b else b

    @staticmethod
    def invert(a):
        return not a

    @staticmethod
    def where(condition, a, b):
        return a if condition else b

    @staticmethod
    def shl(a, b):
        return a << (b & 31)

    @staticmethod
    def shr(a, b):
        return a >> (b & 31)

    @staticmethod
    def bit_length(a):
        return (a & 0xFFFFFFFF).bit_length()

    @staticmethod
    def popcount(a):
        return bin(a & 0xFFFFFFFF).count("1")

    @staticmethod
    def trailing_zeros(a):
        return 32 if a == 0 else (a & -a).bit_length() - 1

    @staticmethod
    def to_float(a):
        return float(a)

    @staticmethod
    def floor_to_int(a):
        return math.floor(a)

    exp, log, tanh, sqrt = math.exp, math.log, math.tanh, math.sqrt

    @staticmethod
    def rsqrt(a):
        return 1.0 / math.sqrt(a)

    @staticmethod
    def look(table, *at):
        for i in at:
            if not 0 <= i < len(table):
                return 0
            table = table[i]
        return table

    @classmethod
    def fold(cls, op, first, last, of):
        starts = {"any": False, "all": True, "sum": 0, "bit_or": 0, "min": 2147483647, "max": -2147483648}
        joins = {"any": lambda a, b: a | b, "all": lambda a, b: a & b, "sum": lambda a, b: a + b, "bit_or": lambda a, b: a | b, "min": cls.min, "max": cls.max}
        result = starts[op]
        for i in range(first, last):
            result = joins[op](result, of(i))
        return result


class Tensors(Plain):
    """The same on tensors of positions; numbers that a launch knows stay numbers."""

    @staticmethod
    def _any(*values):
        import torch

        return any(isinstance(v, torch.Tensor) for v in values)

    @classmethod
    def div(cls, a, b):
        import torch

        if not cls._any(a, b):
            return Plain.div(a, b)
        if not cls._any(b):
            return torch.div(a, b, rounding_mode="floor") if b >= 1 else a * 0
        return torch.where(b < 1, 0, torch.div(a, torch.clamp(b, min=1), rounding_mode="floor"))

    @classmethod
    def mod(cls, a, b):
        import torch

        if not cls._any(a, b):
            return Plain.mod(a, b)
        if not cls._any(b):
            return torch.remainder(a, b) if b >= 1 else a * 0
        return torch.where(b < 1, 0, torch.remainder(a, torch.clamp(b, min=1)))

    @classmethod
    def max(cls, a, b):
        return cls.where(a > b, a, b)

    @classmethod
    def min(cls, a, b):
        return cls.where(a < b, a, b)

    @classmethod
    def invert(cls, a):
        return ~a if cls._any(a) else not a

    @classmethod
    def where(cls, condition, a, b):
        import torch

        if not cls._any(condition):
            return a if condition else b
        return torch.where(condition, a, b)

    @classmethod
    def bit_length(cls, a):
        """Numbers below 2^24, as positions are: exact in single precision."""
        import torch

        return torch.frexp(a.to(torch.float32))[1] if cls._any(a) else Plain.bit_length(a)

    @classmethod
    def popcount(cls, a):
        return sum(((a >> i) & 1) for i in range(32)) if cls._any(a) else Plain.popcount(a)

    @classmethod
    def trailing_zeros(cls, a):
        return cls.where(a == 0, 32, cls.bit_length(a & -a) - 1) if cls._any(a) else Plain.trailing_zeros(a)

    @classmethod
    def to_float(cls, a):
        import torch

        return a.to(torch.float64 if a.dtype == torch.float64 else torch.float32) if cls._any(a) else float(a)

    @classmethod
    def floor_to_int(cls, a):
        import torch

        return torch.floor(a).to(torch.int64) if cls._any(a) else math.floor(a)

    @classmethod
    def _float(cls, name, a):
        import torch

        return getattr(torch, name)(a) if cls._any(a) else getattr(Plain, name)(a)

    @classmethod
    def exp(cls, a):
        return cls._float("exp", a)

    @classmethod
    def log(cls, a):
        return cls._float("log", a)

    @classmethod
    def tanh(cls, a):
        return cls._float("tanh", a)

    @classmethod
    def sqrt(cls, a):
        return cls._float("sqrt", a)

    @classmethod
    def rsqrt(cls, a):
        return cls._float("rsqrt", a)

    @classmethod
    def look(cls, table, *at):
        import torch

        inside, places = True, []
        for i, extent in zip(at, table.shape):
            inside = inside & (i >= 0) & (i < extent)
            places.append(torch.clamp(torch.as_tensor(i, device=table.device), 0, max(extent - 1, 0)).to(torch.int64))
        if 0 in table.shape:
            return 0
        found = table[tuple(places)]
        return torch.where(torch.as_tensor(inside, device=table.device), found, torch.zeros_like(found))


def extents_of(tensor, values, free):
    """The extents of a tensor: expressions over what a launch knows. Fills in the free ones from `free`."""
    for axis in tensor["free"]:
        if axis is not None:
            extent = free[axis]
            values[tensor["name"] + "." + axis] = values["dim"] if extent == "dim" else extent
    return [int(eval(text, {"v": values, "_native": Plain, "__builtins__": {"max": max, "min": min, "abs": abs, "float": float}})) for text in tensor["extents"]]


def _leading(extents, row):
    """Nested lists of the extents, the last axis given by `row(leading indices)`."""
    def build(at, depth):
        return row(at) if depth == len(extents) - 1 else [build((*at, i), depth + 1) for i in range(extents[depth])]
    return build((), 0)


def _runs(lengths, modulo, length):
    values, run = [], 0
    while len(values) < length:
        values += [run if modulo is None else run % modulo] * lengths[run % len(lengths)]
        run += 1
    return values[:length]


def _tree(children, depth, row, n_q, n_k):
    """The positions of draft token `row` and of those above it; -1 behind the root."""
    chain, node = [], row
    while len(chain) < depth:
        chain.append(n_k - n_q + node if node >= 0 else -1)
        node = (node - 1) // children if node > 0 else -1
    return chain


def plain_tensor(tensor, values):
    """A described tensor as nested lists; None for those that are drawn on the device. Adds the free extents to `values`."""
    source = tensor["source"]
    extents = extents_of(tensor, values, source.get("free", {}))
    last, kind = extents[-1], source["kind"]
    if kind in ("coin", "normal"):
        return extents, None
    if kind == "cycle":
        return extents, _leading(extents, lambda at: [source["values"][i % len(source["values"])] for i in range(last)])
    if kind == "runs":
        made = _runs(source["lengths"], source.get("modulo"), last)
        return extents, _leading(extents, lambda at: list(made))
    if kind == "distinct":
        high = values["n_k"] if source["high"] == "n_k" else source["high"]
        def draw(at):
            pool = range(source["low"], high)
            drawn = sorted(random.Random(repr((tensor["name"], at))).sample(pool, min(last, len(pool))))
            return drawn + [-1] * (last - len(drawn))
        return extents, _leading(extents, draw)
    if kind == "line":
        return extents, _leading(extents, lambda at: [source["from"] + i * source["step"] for i in range(last)])
    if kind == "geometric":
        return extents, _leading(extents, lambda at: [source["first"] * source["ratio"] ** i for i in range(last)])
    if kind == "tree":
        return extents, _leading(extents, lambda at: _tree(source["children"], last, at[-1], values["n_q"], values["n_k"]))
    if kind == "rows":
        return extents, [list(row) for row in source["rows"]]
    raise ValueError(f"a tensor of kind {kind} is not known")


def device_tensor(tensor, values, device):
    """The tensor on the device, in the type that operators take."""
    import torch

    extents, plain = plain_tensor(tensor, values)
    dtype = {"int": torch.int32, "float": torch.float32, "bool": torch.bool}[tensor["element"]]
    if plain is not None:
        return torch.tensor(plain, dtype=dtype, device=device).reshape(extents)
    generator = torch.Generator(device=device).manual_seed(17)
    if tensor["source"]["kind"] == "normal":
        return torch.randn(extents, generator=generator, device=device, dtype=torch.float32)
    made = torch.rand(extents, generator=generator, device=device) < tensor["source"]["probability"]
    if len(extents) >= 2:
        same = torch.arange(extents[-2], device=device)[:, None] == torch.arange(extents[-1], device=device)[None, :]
        made = made | same
    return made.to(dtype)


def as_set(table, length):
    """For lists of ints along the last axis: whether each of 0 .. length is an entry."""
    import torch

    flat = table.reshape(-1, table.shape[-1]).to(torch.int64)
    found = torch.zeros((flat.shape[0], length + 1), dtype=torch.bool, device=table.device)
    # Entries that are no position go to a place of their own.
    places = torch.where((flat >= 0) & (flat < length), flat, length)
    found.scatter_(1, places, True)
    return found[:, :length].reshape(*table.shape[:-1], length)
