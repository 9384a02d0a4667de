"""How far a correct kernel may be from float64, row by row, from the arithmetic alone; and the float64 reference.

The steps and their reasons stand in compiler/interpreters/bounds.ts; this is that bound with sums over keys taken in the simplest
way (each of n additions costs a rounding, or four where matrix operations cut). The formulas work on numbers and on tensors.
"""

import math

U = 2.0 ** -24
# Storage: unit roundoff and half of the smallest subnormal.
STORED = {"f32": (U, 2.0 ** -150), "f16": (2.0 ** -11, 2.0 ** -25), "bf16": (2.0 ** -8, 2.0 ** -134)}


def logit_error(dim, scale, q_norm, k_norm, logit_size, matrix):
    """A dot of `dim` terms, the rounding of the scale, and a change to base 2."""
    return ((2 if matrix else 1) * dim + 8) * U * abs(scale) * q_norm * k_norm + 8 * U * logit_size


def weight_error(delta, distance, steps):
    """The exponent by which a weight may be off: logit, distance from the maximum, rescaling in so many steps."""
    return delta + U * (7 * distance + 9 * steps + 10)


def sum_error(count, magnitude, matrix):
    """A sum of `count` terms with this sum of magnitudes, in any order."""
    return (4 if matrix else 1) * (count + 2) * U * magnitude


def packed_error(dtype, weighted, count, largest, headroom):
    """Weights rounded to the storage type before the second product: relative, and down to subnormals under the running maximum."""
    if dtype == "f32":
        return 0.0 * weighted
    roundoff, least = STORED[dtype]
    return roundoff * weighted + count * least * largest * headroom


def stored_error(dtype, size):
    """Division, and rounding to the storage type."""
    roundoff, least = STORED[dtype]
    return (roundoff + 2.0 ** -21) * size + least


def steps_of(n_k):
    """Key tiles that a row is carried through at most: none has fewer than 16 keys."""
    return -(-n_k // 16) + 64


def judge_head(q, k, v, mask, scale, score, sink, out, lse, dtype):
    """The worst error over its bound of a head's rows: (of out, of lse, the row). Tensors of one head in float64, mask [n_q, n_k]."""
    import torch

    n_k, dim = k.shape
    matrix = dtype != "f32"
    x = (q @ k.T) * scale
    delta = logit_error(dim, scale, q.norm(dim=1)[:, None], k.norm(dim=1)[None, :], x.abs(), matrix)
    if score is not None:
        low, y, high = score(x - delta), score(x), score(x + delta)
        delta = torch.maximum((low - y).abs(), (high - y).abs()) + 16 * U * (y.abs() + x.abs())
        x = y
    x = x.masked_fill(~mask, -math.inf)
    count = mask.sum(dim=1, keepdim=True).double()
    top = x.amax(dim=1, keepdim=True)
    if sink is not None:
        top = torch.clamp(top, min=float(sink))
    empty = torch.isinf(top)
    top = torch.where(empty, 0.0, top)
    weights = torch.exp(x - top)
    total = weights.sum(dim=1, keepdim=True) + (0.0 if sink is None else torch.exp(sink - top))
    p = weights / torch.where(empty, 1.0, total)
    truth = p @ v
    true_lse = torch.where(empty, -math.inf, top + torch.log(torch.where(empty, 1.0, total))).squeeze(1)
    # A logit that is never read costs nothing.
    rho = torch.where(mask, weight_error(delta, torch.where(mask, top - x, 0.0) + 2 * delta, steps_of(n_k)), 0.0)
    theta = torch.expm1(rho)
    moved = (p * theta).sum(dim=1, keepdim=True)
    spread = (p * theta) @ v.abs() + moved * truth.abs()
    weighted = p @ v.abs()
    largest = torch.where(mask, v.abs().amax(dim=1)[None, :], 0.0).amax(dim=1, keepdim=True)
    headroom = torch.exp(torch.clamp(top - true_lse[:, None], max=0.0).nan_to_num(0.0))
    sums = sum_error(count, weighted, matrix) + truth.abs() * sum_error(count, 1.0, matrix)
    bound = spread / torch.clamp(1 - moved, min=0.5) + sums + packed_error(dtype, weighted, count, largest, headroom) + stored_error(dtype, truth.abs())
    # A mean of values within +-largest cannot be off by more than this, whatever its weights.
    bound = torch.minimum(bound, largest + truth.abs() + stored_error(dtype, truth.abs()))
    ratio = ((out - truth).abs() / bound).nan_to_num(math.inf).amax(dim=1)
    lse_bound = rho.amax(dim=1) + sum_error(count.squeeze(1), 1.0, matrix) + 2.0 ** -20 + 4 * U * true_lse.abs()
    lse_ratio = torch.where(torch.isinf(true_lse) & (lse == true_lse), 0.0, (lse - true_lse).abs() / lse_bound).nan_to_num(math.inf)
    worst = int(ratio.argmax())
    return float(ratio[worst]), float(lse_ratio.amax()), worst
