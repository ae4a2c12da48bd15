"""Random streams and draws. Every purpose and day has a stream of its own: adding one never shifts another."""

from zlib import crc32

import numpy as np
from numpy.typing import NDArray

from relevance.world.config import WorldConfig


def stream(config: WorldConfig, purpose: str, day: int = 0) -> np.random.Generator:
    return np.random.default_rng([config.seed, crc32(purpose.encode()), day])


def zipf(n: int, exponent: float) -> NDArray:
    """(n,) probabilities proportional to rank ** -exponent."""
    weight = np.arange(1, n + 1, dtype=float) ** -exponent
    return weight / weight.sum()


def draw_rows(rng: np.random.Generator, probabilities: NDArray, rows: NDArray) -> NDArray:
    """One categorical draw for each entry of `rows` from that row of `probabilities` (n, k)."""
    cumulative = np.cumsum(probabilities, axis=1)
    cumulative[:, -1] = np.inf
    level = rng.random(len(rows)) * probabilities.sum(axis=1)[rows]
    return (cumulative[rows] <= level[:, None]).sum(axis=1)


def sigmoid(x: NDArray) -> NDArray:
    return 1.0 / (1.0 + np.exp(-x))
