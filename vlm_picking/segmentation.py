"""Masks without any model: what stands in the bin, cut into objects by depth, and the mask inside a given box."""

from dataclasses import replace
from functools import lru_cache

import cv2
import numpy as np
from scipy.ndimage import find_objects

from vlm_picking.depth import filled_depth
from vlm_picking.detections import Detections, box_iou
from vlm_picking.frame import RgbdFrame
from vlm_picking.joining import join
from vlm_picking.regions import Patches, cut, cut_off
from vlm_picking.support import Support

LEAST_IN_BOX = 0.6
"""Of a part: one of which less lies in a box is no part of what fills that box."""
_SMALLEST_AREA_M2 = 1.5e-4
_SMALLEST_PX = 40
_GOOD_FIT = 0.5
_CLEAR_FIT = 0.8
_WORTH_A_PART = 0.04
_STILL_FITS = 0.3
_OFF_FLOOR_M = 0.006
_SOLID = 0.85
_ON_TOP_M = 0.005
_LOWEST_ON_WALL_M = 0.025
_THINNEST_ON_WALL_M = 0.015
_STANDS_OVER_WALLS_M = 0.15


def segment_objects(frame: RgbdFrame, support: Support | None) -> Detections:
    """Cut everything that stands in the bin into separate objects, label "object", most certain first.

    An object cut off by the image's border is left out as long as there is a whole one: it can't be seen whether it is
    free to move. Where nothing else is left in the bin, it is given all the same; what comes in over the walls, such as
    an arm of the robot, is not.

    Returns:
        Detections with masks. The score says how sure it is that the mask is one separate object: the share of its
        outline that is a clear edge, how compact it is, and how much of it was measured; half of that for what is cut
        off.
    """
    if support is None:
        return Detections.empty()
    patches, label, count = cut_and_joined(frame, support)
    out = _out_of_view(frame, support)
    from_above = _comes_over_the_walls(frame, support, patches, label, count) if out.any() else out
    on_wall, in_corner = _beyond_flat_floor(frame, support)
    pixel_area = np.square(np.nan_to_num(frame.depth_m)) / (frame.camera.fx * frame.camera.fy)
    found: list[tuple[float, np.ndarray]] = []
    partly: list[tuple[float, np.ndarray]] = []
    for i, window in enumerate(find_objects(label), start=1):
        if from_above[i] or window is None:
            continue
        window = tuple(slice(max(0, w.start - 3), w.stop + 3) for w in window)
        mask = _largest_piece(label[window] == i)
        if mask.sum() < _SMALLEST_PX or pixel_area[window][mask].sum() < _SMALLEST_AREA_M2:
            continue
        depth = frame.depth_m[window]
        if in_corner[window][mask].mean() > 0.5:
            continue
        if on_wall[window][mask].mean() > 0.6 and _part_of_wall(mask, patches.above_m[window], depth, frame.camera.fx):
            continue
        whole = np.zeros(label.shape, bool)
        whole[window] = _closed(mask, patches.known[window])
        certainty = _certainty(mask, patches, window)
        if out[i]:
            partly.append((0.5 * certainty, whole))
        else:
            found.append((certainty, whole))
    found = found or partly
    if not found:
        return Detections.empty()
    found.sort(key=lambda pair: -pair[0])
    masks = np.stack([mask for _, mask in found])
    boxes = np.stack([box_of(mask) for mask in masks])
    return Detections(boxes, np.array([score for score, _ in found]), np.full(len(found), "object", object), mask=masks)


def are_cut_off(frame: RgbdFrame, support: Support, masks: np.ndarray) -> np.ndarray:
    """(N,) bool, which of the masks (N, H, W) that `segment_objects` gave run out of view."""
    _, label, _ = cut_and_joined(frame, support)
    out = _out_of_view(frame, support)
    return np.array([out[label[mask]].mean() > 0.5 for mask in masks], dtype=bool)


def masks_from_boxes(
    frame: RgbdFrame, detections: Detections, support: Support | None, *, others: np.ndarray | None = None
) -> Detections:
    """Give each box the mask of the object that fills it, from depth, and from colour where depth shows nothing.

    What stands above the floor is cut into parts; the fewest of those mostly inside the box that fill it make the mask.
    Where no parts fill it, the colours decide (GrabCut, Rother 2004).

    Args:
        others: (N, H, W) bool, what is taken for something else, for each detection; left out unless hardly anything
            would be left of the mask.

    Returns:
        The same detections, in the same order, with masks; a mask is empty where nothing in the box could be told
        apart.
    """
    shape = frame.depth_m.shape
    if not len(detections):
        return detections.replace(mask=np.zeros((0, *shape), bool))
    patches, joined, count = cut_and_joined(frame, support)
    floor_known = support is not None
    masks = [_mask_in_box(frame, box, patches, joined, count, floor_known) for box in detections.xyxy]
    for i, other in enumerate([] if others is None else others):
        if not (masks[i] & other).any():
            continue
        box = detections.xyxy[i]
        left = replace(patches, label=np.where(other, 0, patches.label))
        mask = _mask_in_box(frame, box, left, np.where(other, 0, joined), count, floor_known) & ~other
        if _fit(mask, box) > _STILL_FITS * _fit(masks[i], box):
            masks[i] = mask
    return detections.replace(mask=np.stack(masks))


@lru_cache(maxsize=1)  # outlines and the masks of boxes are asked of the same frame
def cut_and_joined(frame: RgbdFrame, support: Support | None) -> tuple[Patches, np.ndarray, int]:
    patches = cut(frame, support)
    return patches, *join(frame, patches)


@lru_cache(maxsize=1)
def _out_of_view(frame: RgbdFrame, support: Support) -> np.ndarray:
    """(count + 1,) bool, which labels of `cut_and_joined` the image cuts off."""
    patches, label, count = cut_and_joined(frame, support)
    return cut_off(label, count, patches.out_of_view)


def _mask_in_box(
    frame: RgbdFrame, box: np.ndarray, patches: Patches, joined: np.ndarray, joined_count: int, floor_known: bool
) -> np.ndarray:
    height, width = patches.label.shape
    x0, y0 = np.clip(np.floor(box[:2] + 0.5).astype(int), 0, (width - 1, height - 1))
    x1, y1 = np.clip(np.floor(box[2:] + 0.5).astype(int), (x0 + 1, y0 + 1), (width, height))
    window = (slice(y0, y1), slice(x0, x1))
    inside = np.zeros((height, width), bool)
    inside[window] = True
    box = np.array([x0, y0, x1, y1])
    mask = _parts_in_box(joined, joined_count, box, inside)
    fit = _fit(mask, box)
    if fit < _CLEAR_FIT:
        finer = _parts_in_box(patches.label, patches.count, box, inside)
        if _fit(finer, box) > fit + 0.05:
            mask, fit = finer, _fit(finer, box)
    if fit < _GOOD_FIT:
        by_colour = _by_colour(frame.rgb, (x0, y0, x1, y1), mask, (patches.label == 0) & floor_known)
        if _fit(by_colour, box) > fit:
            mask = by_colour
    return _closed(_filled_out(mask, patches, inside), patches.known) & inside


def _filled_out(mask: np.ndarray, patches: Patches, inside: np.ndarray) -> np.ndarray:
    """The mask of something hollow with its inside, such as a mug's, of which depth gives only pieces.

    Its outline is filled where nearly all in it stands off the floor and belongs to nothing that reaches far out of
    the box, nor stands higher: that would be something on it. The outline of a thin, crooked object holds floor and
    neighbours, and stays as it is.
    """
    if not mask.any():
        return mask
    hull = np.zeros(mask.shape, np.uint8)
    cv2.fillConvexPoly(hull, cv2.convexHull(np.argwhere(mask)[:, ::-1].astype(np.int32)), 1)
    total = np.bincount(patches.label.ravel(), minlength=patches.count + 1)
    within = np.bincount(patches.label[inside], minlength=patches.count + 1)
    own = within > 0.6 * total
    heights_m = np.bincount(patches.label.ravel(), patches.above_m.ravel(), minlength=patches.count + 1)  # summed up
    own &= heights_m < (patches.above_m[mask].mean() + _ON_TOP_M) * total
    own[0] = True
    filled = mask | ((hull > 0) & own[patches.label] & (patches.above_m > _OFF_FLOOR_M))
    return filled if filled.sum() > _SOLID * hull.sum() else mask


def _parts_in_box(label: np.ndarray, count: int, box: np.ndarray, inside: np.ndarray) -> np.ndarray:
    """The fewest parts, mostly inside the box, that fill it together: a thin object may share its box with others."""
    total = np.bincount(label.ravel(), minlength=count + 1)
    in_box = np.bincount(label[inside], minlength=count + 1)
    parts = [i for i in range(1, count + 1) if in_box[i] >= _SMALLEST_PX // 2 and in_box[i] > LEAST_IN_BOX * total[i]]
    mask = np.zeros(label.shape, bool)
    fit = 0.0
    while parts:
        options = [mask | ((label == i) & inside) for i in parts]
        fits = [_fit(option, box) for option in options]
        best = int(np.argmax(fits))
        if fits[best] < fit + _WORTH_A_PART:
            break
        mask, fit = options[best], fits[best]
        parts.pop(best)
    return mask


def _fit(mask: np.ndarray, box: np.ndarray) -> float:
    """Intersection over union of the mask's own box and `box`; 0 for masks that are too small."""
    if mask.sum() < _SMALLEST_PX // 2:
        return 0.0
    return float(box_iou(box_of(mask)[None], box[None])[0, 0])


def _by_colour(rgb: np.ndarray, box: tuple[int, int, int, int], seed: np.ndarray, floor: np.ndarray) -> np.ndarray:
    """GrabCut in the box and a margin round it; what depth calls object or floor is where it starts from."""
    x0, y0, x1, y1 = box
    margin = max(4, (x1 - x0) // 5, (y1 - y0) // 5)
    top, left = max(0, y0 - margin), max(0, x0 - margin)
    window = (slice(top, y1 + margin), slice(left, x1 + margin))
    result = np.zeros(seed.shape, bool)
    state = np.full(seed[window].shape, cv2.GC_BGD, np.uint8)
    inner = state[y0 - top : y1 - top, x0 - left : x1 - left]
    inner[:] = cv2.GC_PR_FGD
    inner[floor[y0:y1, x0:x1]] = cv2.GC_PR_BGD if seed.any() else cv2.GC_PR_FGD
    inner[seed[y0:y1, x0:x1]] = cv2.GC_PR_FGD
    if not (state == cv2.GC_BGD).any() or not (state == cv2.GC_PR_FGD).any():
        return seed
    models = np.zeros((1, 65)), np.zeros((1, 65))
    cv2.setRNGSeed(0)
    state, *_ = cv2.grabCut(np.ascontiguousarray(rgb[window]), state, None, *models, 2, cv2.GC_INIT_WITH_MASK)
    result[window] = (state == cv2.GC_PR_FGD) | (state == cv2.GC_FGD)
    return _largest_piece(result)


def _closed(mask: np.ndarray, known: np.ndarray) -> np.ndarray:
    """The mask with the holes in it that have no depth reading, and pinholes of any kind."""
    if not mask.any():
        return mask
    closed = cv2.morphologyEx(mask.astype(np.uint8), cv2.MORPH_CLOSE, np.ones((3, 3), np.uint8))
    contours, _ = cv2.findContours(closed, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    outline = cv2.drawContours(np.zeros_like(closed), contours, -1, 1, cv2.FILLED)
    return (closed > 0) | ((outline > 0) & ~known)


def box_of(mask: np.ndarray) -> np.ndarray:
    """(4,) x0 y0 x1 y1 [px, edges] round a mask that is not empty."""
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    return np.array([columns[0], rows[0], columns[-1] + 1, rows[-1] + 1], np.float32)


def _comes_over_the_walls(
    frame: RgbdFrame, support: Support, patches: Patches, label: np.ndarray, count: int
) -> np.ndarray:
    """(count + 1,) bool: labels that run out of view high over the walls, as nothing does that lies in the bin."""
    height = support.height_above(frame.camera.deproject_image(filled_depth(frame)))
    return cut_off(label, count, patches.out_of_view & (height > support.rise_m.max() + _STANDS_OVER_WALLS_M))


def _part_of_wall(mask: np.ndarray, above_m: np.ndarray, depth_m: np.ndarray, focal_px: float) -> bool:
    """Whether a mask on the wall is low or thin: what remains of a wall that is not quite straight."""
    inscribed_px = cv2.distanceTransform(np.pad(mask, 1).astype(np.uint8), cv2.DIST_L2, 5).max()
    thickness_m = 2 * inscribed_px * np.nanmedian(depth_m[mask]) / focal_px
    return bool(np.percentile(above_m[mask], 90) < _LOWEST_ON_WALL_M or thickness_m < _THINNEST_ON_WALL_M)


def _beyond_flat_floor(frame: RgbdFrame, support: Support) -> tuple[np.ndarray, np.ndarray]:
    """Pixels (H, W) bool at or beyond the flat floor's sides, and those beyond two sides: the bin's own corners."""
    from_middle = support.camera_from_bin.inverse()
    points = frame.camera.deproject_image(np.nan_to_num(frame.depth_m))
    flat = points @ from_middle.rotation.T[:, :2].astype(np.float32) + from_middle.translation_m[:2].astype(np.float32)
    beyond = np.abs(flat) - support.size_m.astype(np.float32) / 2
    return (beyond > -0.02).any(axis=-1), (beyond > 0).all(axis=-1)


def _largest_piece(mask: np.ndarray) -> np.ndarray:
    count, labels, stats, _ = cv2.connectedComponentsWithStats(mask.astype(np.uint8), connectivity=4)
    if count <= 2:
        return mask
    return labels == 1 + int(np.argmax(stats[1:, cv2.CC_STAT_AREA]))


def _certainty(mask: np.ndarray, patches: Patches, window: tuple[slice, slice]) -> float:
    """How sure (0..1) a mask in a window of the image is one separate object."""
    image = mask.astype(np.uint8)
    ring = (cv2.dilate(image, np.ones((5, 5), np.uint8)) > 0) & (cv2.erode(image, np.ones((3, 3), np.uint8)) == 0)
    outer = ring & ~mask
    free = float((patches.label[window][outer] == 0).mean()) if outer.any() else 0.0
    edge = cv2.dilate(patches.crease[window], np.ones((3, 3), np.uint8))
    clear = float((edge[ring] > 1).mean()) if ring.any() else 0.0
    contours, _ = cv2.findContours(image, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    hull = cv2.contourArea(cv2.convexHull(np.concatenate(contours)))
    solid = min(1.0, float(mask.sum()) / max(hull, 1.0))
    measured = float(patches.known[window][mask].mean())
    return float(np.clip(0.5 * max(clear, free) + 0.3 * solid + 0.2 * measured, 0, 1))
