"""Cuts what stands above the floor into smooth patches, at steps and creases of the depth."""

from collections.abc import Sequence
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


def outlines(label: np.ndarray, count: int) -> np.ndarray:
    """(count + 1,) length of each label's outline [px]."""
    length = np.zeros(count + 1)
    for one, other in ((label[:, :-1], label[:, 1:]), (label[:-1], label[1:])):
        differ = one != other
        length += np.bincount(one[differ], minlength=count + 1) + np.bincount(other[differ], minlength=count + 1)
    return length


def borders(
    label: np.ndarray, sharpness: np.ndarray | None = None, levels: Sequence[float] = ()
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """All pairs of labels (H, W) that touch.

    Args:
        sharpness: (H, W) of an edge; needed for levels.

    Returns:
        (P,) the smaller label, (P,) the larger one, 0 left out; (P, 1 + len(levels)) length of their border [px], and
        of what of it is sharper than each level.
    """
    keys, sharp = [], []
    count = int(label.max(initial=0)) + 1
    for here, there in (
        ((slice(None), slice(None, -1)), (slice(None), slice(1, None))),
        ((slice(None, -1), slice(None)), (slice(1, None), slice(None))),
    ):
        one, other = label[here], label[there]
        touching = (one != other) & (one > 0) & (other > 0)
        a, b = one[touching], other[touching]
        keys.append(np.minimum(a, b).astype(np.int64) * count + np.maximum(a, b))
        if sharpness is not None:
            sharp.append(np.maximum(sharpness[here][touching], sharpness[there][touching]))
    key, pair = np.unique(np.concatenate(keys), return_inverse=True)
    columns = [None, *((np.concatenate(sharp) > level).astype(np.float64) for level in levels)]
    length = np.stack([np.bincount(pair, weights=column, minlength=len(key)) for column in columns], axis=1)
    return key // count, key % count, length


def cut_off(label: np.ndarray, count: int, out_of_view: np.ndarray) -> np.ndarray:
    """(count + 1,) bool: labels that run out of view, and those that border on such for a third of their outline.

    An arm of the robot, or an object of which only a part is seen, is like that.
    """
    outline = outlines(label, count)
    beside = cv2.dilate(out_of_view.astype(np.uint8), np.ones((5, 5), np.uint8)) > 0
    out = np.bincount(label[beside], minlength=count + 1) > np.maximum(4, 0.1 * outline)
    out[0] = False
    first, second, length = borders(label)
    length = length[:, 0]
    while True:
        shared = np.zeros(count + 1)
        np.add.at(shared, first, length * out[second])
        np.add.at(shared, second, length * out[first])
        more = ~out & (shared > 0.35 * np.maximum(outline, 1))
        if not more.any():
            return out
        out |= more
