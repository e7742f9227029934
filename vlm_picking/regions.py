"""Cuts what stands above the floor into smooth patches, at steps and creases of the depth, and joins patches again."""

from dataclasses import dataclass

import cv2
import numpy as np

from vlm_picking.depth import filled_depth, noise_m
from vlm_picking.frame import RgbdFrame
from vlm_picking.support import Support

_REACH_PX = 3
_FINEST_CREASE_M = 0.0015
_LOWEST_M = 0.003
_FEW_HOLES = 0.98
_SMALLEST_SEED_PX = 12
_SURROUNDED = 0.6


@dataclass(frozen=True, eq=False)
class Patches:
    """A partition of the image.

    Args:
        label: (H, W) int32, 0 for floor, walls and what is outside, 1..count for the patches.
        count: how many patches.
        crease: (H, W) float32, how sharply the surface turns concave, 1 at the threshold of an edge.
        above_m: (H, W) float32, height above the floor or wall below [m]; without a floor, nearness to the farthest
            reading.
        known: (H, W) bool, where the depth was measured.
        out_of_view: (H, W) bool, what stands beyond the floor's end and the image's border itself: there objects
            are cut off.
    """

    label: np.ndarray
    count: int
    crease: np.ndarray
    above_m: np.ndarray
    known: np.ndarray
    out_of_view: np.ndarray


def cut(frame: RgbdFrame, support: Support | None) -> Patches:
    """Partition what stands in the bin (without a floor: everything) into patches without steps or concave creases."""
    known = np.isfinite(frame.depth_m)
    filled = filled_depth(frame)
    if not known.any():
        empty = np.zeros(known.shape, np.float32)
        return Patches(np.zeros(known.shape, np.int32), 0, empty, empty, known, np.zeros_like(known))
    smooth = cv2.medianBlur(filled, 5)
    crease = creases(cv2.blur(smooth, (3, 3)))
    if support is None:
        above = np.nanpercentile(frame.depth_m, 99) - filled
        standing = np.ones(known.shape, bool)
        out_of_view = np.zeros(known.shape, bool)
    else:
        cloud = frame.camera.deproject_image(smooth)
        above = support.height_above(cloud) - support.shell_height(cloud)
        standing = above > np.clip(5 * support.roughness_m, _LOWEST_M, 2 * noise_m(filled))
        out_of_view = standing & support.beyond_open_side(cloud)
        standing &= support.interior
    out_of_view[[0, -1]] = out_of_view[:, [0, -1]] = True
    standing = cv2.morphologyEx(standing.astype(np.uint8), cv2.MORPH_OPEN, np.ones((3, 3), np.uint8)) > 0
    calm = (standing & (crease < 1)).astype(np.uint8)
    seeds = _seeds(calm)
    label = _by_colour_in_holes(frame.rgb, grow(seeds, standing), known)
    return Patches(label, int(seeds.max()), crease, above, known, out_of_view)


def _seeds(calm: np.ndarray) -> np.ndarray:
    """Labels (H, W) int32 that the patches grow from: the inner parts of calm regions, or all of a thin one (a rim)."""
    core = cv2.erode(calm, cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (5, 5)))
    count, region = cv2.connectedComponents(calm)
    has_core = np.zeros(count, bool)
    has_core[region[core > 0]] = True
    thin = (calm > 0) & ~has_core[region]
    _, seeds, stats, _ = cv2.connectedComponentsWithStats(core | thin.astype(np.uint8))
    large = stats[:, cv2.CC_STAT_AREA] >= _SMALLEST_SEED_PX
    large[0] = False
    return (np.cumsum(large, dtype=np.int32) * large)[seeds]


def _by_colour_in_holes(rgb: np.ndarray, label: np.ndarray, known: np.ndarray) -> np.ndarray:
    """Let colour decide how far each patch reaches into pixels without a depth reading (a watershed, Meyer 1992)."""
    if known.mean() > _FEW_HOLES:
        return label
    marker = np.where(known, label + 1, 0).astype(np.int32)
    flooded = cv2.watershed(cv2.blur(rgb, (3, 3)), marker.copy())
    ridge = flooded < 1
    flooded[ridge] = label[ridge] + 1
    return np.where(known, label, flooded - 1).astype(np.int32)


def creases(depth_m: np.ndarray) -> np.ndarray:
    """How far each pixel lies behind the chord between its neighbours on both sides, in units of an edge's threshold.

    Positive where the surface is concave: where one object meets another, and on the far side of a step.
    The threshold follows the noise of this very image.
    """
    r = _REACH_PX
    padded = cv2.copyMakeBorder(depth_m, r, r, r, r, cv2.BORDER_REPLICATE)
    height, width = depth_m.shape
    behind = np.full(depth_m.shape, -np.inf, np.float32)
    for dy, dx in ((0, r), (r, 0), (r - 1, r - 1), (r - 1, 1 - r)):
        ahead = padded[r + dy : r + dy + height, r + dx : r + dx + width]
        back = padded[r - dy : r - dy + height, r - dx : r - dx + width]
        np.maximum(behind, depth_m - (ahead + back) / 2, out=behind)
    sample = behind[::4, ::4]
    spread = 1.5 * float(np.median(np.abs(sample - np.median(sample))))
    return behind / max(_FINEST_CREASE_M, 5 * spread)


def grow(seeds: np.ndarray, where: np.ndarray) -> np.ndarray:
    """Give each pixel of `where` the label of the nearest seed, if that lies in the same piece of `where`; else 0."""
    if not seeds.any():
        return np.zeros(seeds.shape, np.int32)
    _, nearest = cv2.distanceTransformWithLabels(
        (seeds == 0).astype(np.uint8), cv2.DIST_L2, 5, labelType=cv2.DIST_LABEL_PIXEL
    )
    name = np.zeros(nearest.max() + 1, np.int32)
    name[nearest[seeds > 0]] = seeds[seeds > 0]
    label = np.where(where, name[nearest], 0)
    _, piece = cv2.connectedComponents(where.astype(np.uint8))
    home = np.zeros((piece.max() + 1, seeds.max() + 1), bool)
    home[piece[seeds > 0], seeds[seeds > 0]] = True
    return np.where(home[piece, label], label, 0).astype(np.int32)


def join(patches: Patches, *, limit: float = 0.9, smallest_px: int = 60) -> tuple[np.ndarray, int]:
    """Join neighbours whose border is no crease, small patches with a neighbour, and hollows with what surrounds them.

    Returns:
        (H, W) int32 labels 1..count, and count.
    """
    size = np.bincount(patches.label.ravel(), minlength=patches.count + 1).astype(np.float64)
    parent = np.arange(patches.count + 1)

    def root(i: int) -> int:
        while parent[i] != i:
            parent[i] = parent[parent[i]]
            i = parent[i]
        return i

    first, second, length, strength = borders(patches.label, patches.crease)
    for k in np.argsort(strength, kind="stable"):
        a, b = root(first[k]), root(second[k])
        if a == b:
            continue
        smaller = min(size[a], size[b])
        if (strength[k] < limit and length[k] > 0.5 * np.sqrt(smaller)) or smaller < smallest_px:
            parent[b] = a
            size[a] += size[b]
    label, count = _renamed(patches.label, np.array([root(i) for i in range(patches.count + 1)]))
    return _renamed(label, _surrounding(label, count, patches))


def _renamed(label: np.ndarray, name: np.ndarray) -> tuple[np.ndarray, int]:
    kept, names = np.unique(name, return_inverse=True)
    return names.astype(np.int32)[label], len(kept) - 1


def _surrounding(label: np.ndarray, count: int, patches: Patches) -> np.ndarray:
    """For each label itself, or the label that surrounds it where it is a hollow: a cup's inside belongs to its rim."""
    name = np.arange(count + 1)
    first, second, length, _ = borders(label, patches.crease)
    outline = outlines(label, count)
    for a, b, shared in zip(np.r_[first, second], np.r_[second, first], np.r_[length, length], strict=True):
        if shared > _SURROUNDED * outline[a] and name[b] == b and _top(label == b, patches) > _top(label == a, patches):
            name[a] = b
    return name


def _top(mask: np.ndarray, patches: Patches) -> float:
    return float(np.percentile(patches.above_m[mask], 90))


def outlines(label: np.ndarray, count: int) -> np.ndarray:
    """(count + 1,) length of each label's outline [px]."""
    length = np.zeros(count + 1)
    for one, other in ((label[:, :-1], label[:, 1:]), (label[:-1], label[1:])):
        differ = one != other
        length += np.bincount(one[differ], minlength=count + 1) + np.bincount(other[differ], minlength=count + 1)
    return length


def borders(label: np.ndarray, crease: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """All pairs of labels (H, W) that touch: a < b (0 left out), the border's length [px], and how sharp it is.

    One passage without a crease makes two patches one surface, so the lower third of the border counts.
    """
    edge = cv2.dilate(crease, np.ones((3, 3), np.uint8))
    count = int(label.max(initial=0)) + 1
    keys, values = [], []
    for one, other, here, there in (
        (label[:, :-1], label[:, 1:], edge[:, :-1], edge[:, 1:]),
        (label[:-1], label[1:], edge[:-1], edge[1:]),
    ):
        touching = (one != other) & (one > 0) & (other > 0)
        a, b = one[touching], other[touching]
        keys.append(np.minimum(a, b).astype(np.int64) * count + np.maximum(a, b))
        values.append(np.maximum(here[touching], there[touching]))
    keys, values = np.concatenate(keys), np.concatenate(values)
    order = np.lexsort((values, keys))
    key, first, length = np.unique(keys[order], return_index=True, return_counts=True)
    sharpness = values[order][first + length // 3]
    return key // count, key % count, length, sharpness


def cut_off(label: np.ndarray, count: int, out_of_view: np.ndarray) -> np.ndarray:
    """(count + 1,) bool: labels that run out of view, and those that border on such for a third of their outline.

    An arm of the robot, or an object of which only a part is seen, is like that.
    """
    outline = outlines(label, count)
    beside = cv2.dilate(out_of_view.astype(np.uint8), np.ones((5, 5), np.uint8)) > 0
    out = np.bincount(label[beside], minlength=count + 1) > np.maximum(4, 0.1 * outline)
    out[0] = False
    first, second, length, _ = borders(label, np.zeros(label.shape, np.float32))
    while True:
        shared = np.zeros(count + 1)
        np.add.at(shared, first, length * out[second])
        np.add.at(shared, second, length * out[first])
        more = ~out & (shared > 0.35 * np.maximum(outline, 1))
        if not more.any():
            return out
        out |= more
