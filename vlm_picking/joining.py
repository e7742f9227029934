"""Joins patches of a depth image into objects: by how two neighbours meet, how alike they are, and how they lie.

Neighbours are joined one after the other, the surest first, by a logistic model that `vlm_picking.bench.fit_joining`
fits to simulated bins; what is measured of patches and borders adds up, so that the image is read once (region merging
over an adjacency graph, Haris et al. 1998).
"""

from dataclasses import dataclass

import cv2
import numpy as np

from vlm_picking.frame import RgbdFrame
from vlm_picking.regions import Patches, borders, outlines

WEIGHTS = {
    "smooth": 1.567,
    "sharp": 1.468,
    "very sharp": -1.726,
    "border over size": 0.315,
    "border over outline of the smaller": -1.462,
    "border over outline of the larger": 4.972,
    "lightness": -0.206,
    "hue": -0.536,
    "colour over texture": -0.107,
    "same colour": 1.857,
    "size of the smaller": -0.571,
    "size of the larger": -0.322,
    "height": 0.296,
    "smaller is higher": -0.021,
    "measured": -2.309,
}
"""Of each term of `PatchGraph.evidence`, in its order, in log-odds that two neighbours are one object."""
BIAS = 3.65
_LEVELS = (0.5, 1.0, 2.0, 4.0)  # of the crease, 1 at the threshold of an edge
_SMALLEST_PX = 60
_SURROUNDED = 0.6  # of an outline
_JUST = 1e-3  # log-odds: what has to join somebody does so after all that is surer
_COLOURFUL = 20.0  # a spread from which on colours tell things apart


@dataclass(frozen=True, eq=False)
class PatchGraph:
    """What is known of K patches (row 0: what is no patch) and of the P pairs of them that touch; all of it adds up.

    Args:
        sums: (K, 9) over a patch's pixels: 1, lightness, a, b (CIE L*a*b*, 0..255), the square of each summed up,
            height [m], measured, depth [m], area [m2].
        outline_px: (K,) length of its outline.
        first, second: (P,) the pair, first < second.
        border: (P, 1 + len(_LEVELS)) length of the common border [px], and of what is sharper than each level.
        spread: how far colours lie apart in the whole image, as a distance in L*a*b*: where all is of one colour, that
            two patches share it tells nothing.
    """

    sums: np.ndarray
    outline_px: np.ndarray
    first: np.ndarray
    second: np.ndarray
    border: np.ndarray
    spread: float

    def evidence(self) -> np.ndarray:
        """(P, len(WEIGHTS)) float64, the terms of each pair."""
        size = np.maximum(self.sums[:, 0], 1.0)
        mean = self.sums / size[:, None]
        variance = np.maximum(mean[:, 4] - np.square(mean[:, 1:4]).sum(axis=1), 0)
        is_smaller = self.sums[self.first, 0] <= self.sums[self.second, 0]
        small = np.where(is_smaller, self.first, self.second)
        large = self.first + self.second - small
        length = self.border[:, 0]
        sharper = self.border[:, 1:] / length[:, None]
        apart = mean[small, 1:4] - mean[large, 1:4]
        distance = np.linalg.norm(apart, axis=1)
        rise = mean[small, 5] - mean[large, 5]
        area = np.log(np.maximum(self.sums[:, 8], 1e-6) / 1e-4)
        return np.stack(
            [
                1 - sharper[:, 0],
                sharper[:, 1],
                sharper[:, 2] + sharper[:, 3],
                np.minimum(length / np.sqrt(size[small]), 4),
                length / np.maximum(self.outline_px[small], 1),
                length / np.maximum(self.outline_px[large], 1),
                np.abs(apart[:, 0]) / 50,
                np.hypot(apart[:, 1], apart[:, 2]) / 20,
                np.minimum(distance / np.sqrt(variance[small] + variance[large] + 9), 4),
                np.clip(1 - 2 * distance / max(self.spread, 1.0), 0, 1) * min(self.spread / _COLOURFUL, 1),
                area[small],
                area[large],
                np.minimum(np.abs(rise) / 0.02, 4),
                np.clip(rise / 0.02, -3, 3),
                np.minimum(mean[small, 6], mean[large, 6]),
            ],
            axis=1,
        )

    def with_pairs_joined(self, chosen: np.ndarray) -> tuple["PatchGraph", np.ndarray]:
        """The graph with the pairs `chosen` (P,) joined, and which of its patches each patch (K,) is now part of."""
        name = np.arange(len(self.sums))
        for a, b in zip(self.first[chosen], self.second[chosen], strict=True):
            name[name == name[b]] = name[a]
        name = np.unique(name, return_inverse=True)[1]
        return self.joined(name), name

    def joined(self, name: np.ndarray) -> "PatchGraph":
        """The graph where patch i is part of patch `name[i]` (K,), counted anew without gaps."""
        count = int(name.max()) + 1
        sums, outline = np.zeros((count, self.sums.shape[1])), np.zeros(count)
        np.add.at(sums, name, self.sums)
        np.add.at(outline, name, self.outline_px)
        first, second = np.sort([name[self.first], name[self.second]], axis=0)
        inner = first == second
        np.add.at(outline, first[inner], -2 * self.border[inner, 0])
        key, pair = np.unique(first[~inner] * count + second[~inner], return_inverse=True)
        border = np.zeros((len(key), self.border.shape[1]))
        np.add.at(border, pair, self.border[~inner])
        return PatchGraph(sums, outline, key // count, key % count, border, self.spread)


def patch_graph(frame: RgbdFrame, patches: Patches) -> PatchGraph:
    """What the image says of patches and their borders."""
    label, count = patches.label, patches.count + 1
    inside = np.flatnonzero(label)
    name = label.ravel()[inside]
    lab = cv2.cvtColor(cv2.blur(frame.rgb, (3, 3)), cv2.COLOR_RGB2LAB).reshape(-1, 3)[inside].astype(np.float64)
    depth_m = np.nan_to_num(frame.depth_m).ravel()[inside]
    known = patches.known.ravel()[inside]
    columns = [None, *lab.T, np.square(lab).sum(axis=1), patches.above_m.ravel()[inside], known, depth_m]
    sums = np.stack([np.bincount(name, weights=column, minlength=count) for column in columns], axis=1)
    distance_m = sums[:, 7] / np.maximum(sums[:, 6], 1)
    area_m2 = sums[:, 0] * np.square(distance_m) / (frame.camera.fx * frame.camera.fy)
    first, second, border = borders(label, cv2.dilate(patches.crease, np.ones((3, 3), np.uint8)), _LEVELS)
    colour = sums[1:, 1:4] / np.maximum(sums[1:, :1], 1)
    spread = float(np.linalg.norm(colour - np.median(colour, axis=0), axis=1).mean()) if len(colour) else 0.0
    sums = np.column_stack([sums, area_m2])
    return PatchGraph(sums, outlines(label, patches.count), first, second, border, spread)


def join(frame: RgbdFrame, patches: Patches) -> tuple[np.ndarray, int]:
    """Join the patches that are more likely one object than two, slivers with a neighbour, and hollows with their rim.

    Returns:
        (H, W) int32 labels 1..count, and count.
    """
    graph, names = patch_graph(frame, patches), np.arange(patches.count + 1)
    while len(graph.first):
        odds = graph.evidence() @ np.array(list(WEIGHTS.values())) + BIAS
        odds = np.where(_must_join(graph), np.maximum(odds, _JUST), odds)
        best = np.full(len(graph.sums), -np.inf)
        np.maximum.at(best, graph.first, odds)
        np.maximum.at(best, graph.second, odds)
        # Only pairs that are each other's best: what they become is measured before it meets a third.
        mutual = (odds > 0) & (odds >= best[graph.first]) & (odds >= best[graph.second])
        if not mutual.any():
            break
        graph, name = graph.with_pairs_joined(mutual)
        names = name[names]
    return names.astype(np.int32)[patches.label], len(graph.sums) - 1


def _must_join(graph: PatchGraph) -> np.ndarray:
    """(P,) bool, pairs of which one is a sliver, or a hollow that the other surrounds: a cup's inside and its rim."""
    size, height = graph.sums[:, 0], graph.sums[:, 5] / np.maximum(graph.sums[:, 0], 1)
    must = np.zeros(len(graph.first), bool)
    for inner, outer in ((graph.first, graph.second), (graph.second, graph.first)):
        surrounded = graph.border[:, 0] > _SURROUNDED * graph.outline_px[inner]
        must |= (size[inner] < _SMALLEST_PX) | (surrounded & (height[inner] < height[outer]))
    return must
