"""A stand-in for torch over numpy: the few functions that bench/h100_bound.py and bench/h100_tensors.py call, so that they run without a GPU."""

import numpy as np

float64, float32, int64, int32, bool = np.float64, np.float32, np.int64, np.int32, np.bool_


class Tensor(np.ndarray):
    device = "cpu"

    def to(self, dtype):
        return self.astype(dtype)

    def double(self):
        return self.astype(np.float64)

    def norm(self, dim):
        return tensor(np.linalg.norm(np.asarray(self), axis=dim))

    def abs(self):
        return np.abs(self)

    def amax(self, dim=None, keepdim=False):
        return tensor(np.max(np.asarray(self), axis=dim, keepdims=keepdim))

    def sum(self, dim=None, keepdim=False):
        return tensor(np.sum(np.asarray(self), axis=dim, keepdims=keepdim))

    def masked_fill(self, mask, value):
        return where(mask, value, self)

    def squeeze(self, dim):
        return tensor(np.squeeze(np.asarray(self), axis=dim))

    def nan_to_num(self, nan):
        return where(np.isnan(self), nan, self)

    def scatter_(self, dim, places, value):
        np.put_along_axis(self, np.asarray(places), value, axis=dim)
        return self


def tensor(data, dtype=None, device=None):
    return np.asarray(data, dtype=dtype).view(Tensor)


def as_tensor(data, device=None):
    return tensor(data)


def arange(*ends, device=None):
    return tensor(np.arange(*ends))


def zeros(shape, dtype=None, device=None):
    return tensor(np.zeros(shape, dtype=dtype))


def zeros_like(a):
    return tensor(np.zeros_like(np.asarray(a)))


def where(condition, a, b):
    return tensor(np.where(np.asarray(condition), np.asarray(a), np.asarray(b)))


def clamp(a, min=None, max=None):
    return tensor(np.clip(np.asarray(a), min, max))


def div(a, b, rounding_mode):
    assert rounding_mode == "floor"
    return tensor(np.floor_divide(np.asarray(a), np.asarray(b)))


def remainder(a, b):
    return tensor(np.mod(np.asarray(a), np.asarray(b)))


def frexp(a):
    mantissa, exponent = np.frexp(np.asarray(a))
    return tensor(mantissa), tensor(exponent)


def rsqrt(a):
    return 1.0 / np.sqrt(a)


def _wrapped(name):
    function = getattr(np, name)
    return lambda *args: tensor(function(*(np.asarray(a) for a in args)))


exp, log, tanh, sqrt, floor, expm1, isinf, maximum, minimum = map(_wrapped, ("exp", "log", "tanh", "sqrt", "floor", "expm1", "isinf", "maximum", "minimum"))
