"""Fit how patches are joined to objects: `python -m vlm_picking.bench.fit_joining --scenes 200`.

Bins of their own seeds are cut into patches. Of each pair of neighbours it is known whether they are one object: as
they are cut, and after some true pairs have been joined. What is printed goes to vlm_picking/joining.py.
"""

import argparse

import numpy as np

from vlm_picking.joining import WEIGHTS, patch_graph
from vlm_picking.regions import cut
from vlm_picking.support import find_support

FIRST_SEED = 40_000_000
_LEVELS, _JOINED, _PURE = 5, 0.4, 0.6
_SHRINKAGE = 1e-3


def pairs_of(frame, ids: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Terms (N, len(WEIGHTS)) of neighbours in one frame, and whether both are the same object, or both none (N,).

    Args:
        ids: (H, W) u8, the true objects, 0 for none.
    """
    patches = cut(frame, find_support(frame))
    graph = patch_graph(frame, patches)
    shares = np.bincount((patches.label.astype(np.int64) * 256 + ids).ravel(), minlength=256 * len(graph.sums))
    shares = shares.reshape(-1, 256).astype(float)
    terms, same = [], []
    for _ in range(_LEVELS):
        owner, pure = shares.argmax(axis=1), shares.max(axis=1) / np.maximum(shares.sum(axis=1), 1)
        one = owner[graph.first] == owner[graph.second]
        clear = np.minimum(pure[graph.first], pure[graph.second]) > _PURE
        terms.append(graph.evidence()[clear])
        same.append(one[clear])
        graph, name = graph.with_pairs_joined(one & (rng.random(len(one)) < _JOINED))
        joined = np.zeros((len(graph.sums), shares.shape[1]))
        np.add.at(joined, name, shares)
        shares = joined
    return np.concatenate(terms), np.concatenate(same)


def fit(terms: np.ndarray, same: np.ndarray, share: np.ndarray | float = 1.0) -> tuple[np.ndarray, float]:
    """Weights (len(WEIGHTS),) and bias of a logistic model; rows count by their `share`, 1 on average."""
    from scipy.optimize import minimize

    scale = terms.std(axis=0) + 1e-6
    x, y = np.column_stack([np.ones(len(terms)), terms / scale]), same.astype(float)

    def loss(weights: np.ndarray) -> tuple[float, np.ndarray]:
        odds = x @ weights
        value = (share * (np.logaddexp(0, odds) - y * odds)).mean() + _SHRINKAGE * (weights[1:] ** 2).sum()
        slope = x.T @ (share * (1 / (1 + np.exp(-odds)) - y)) / len(y)
        slope[1:] += 2 * _SHRINKAGE * weights[1:]
        return value, slope

    found = minimize(loss, np.zeros(x.shape[1]), jac=True, method="L-BFGS-B").x
    return found[1:] / scale, float(found[0])


def main() -> None:
    """Render, fit, and print the weights with the share of pairs that they tell right in scenes left out."""
    from vlm_picking.training.closeups.fusion import rendered_frames

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--scenes", type=int, default=200)
    options = parser.parse_args()
    rng = np.random.default_rng(0)
    found = [pairs_of(frame, truth.ids, rng) for frame, truth in rendered_frames(options.scenes, seed=FIRST_SEED)]
    known, left_out = found[::4] + found[1::4] + found[2::4], found[3::4]
    weights, bias = fit(*(np.concatenate(column) for column in zip(*known, strict=True)))
    terms, same = (np.concatenate(column) for column in zip(*left_out, strict=True))
    right = ((terms @ weights + bias > 0) == same).mean()
    print(f"{sum(len(row[1]) for row in found)} pairs, {same.mean():.2f} one object, {right:.3f} told right")
    print(dict(zip(WEIGHTS, weights.round(3).tolist(), strict=True)), round(bias, 3))


if __name__ == "__main__":
    main()
