"""Looking into the bin: what lies around it costs a small detector pixels that the things in it need."""

from collections.abc import Sequence

import numpy as np

from vlm_picking.detections import Detections
from vlm_picking.frame import RgbdFrame
from vlm_picking.models.base import PrefersBinView, ZeroShotDetector
from vlm_picking.support import Support

_MARGIN = 0.03  # of the bin's sides
_LEAST_SHARE = 0.02  # of a row or a column that looks into the bin
_WORTH_IT = 0.9  # of the image: a larger part is not worth another look


def bin_view(support: Support) -> tuple[slice, slice]:
    """Rows and columns of the part of an image that shows the bin, in the image's own proportions; all of it where the
    bin fills it, or can't be seen.
    """
    height, width = support.interior.shape
    rows = np.flatnonzero(support.interior.mean(axis=1) > _LEAST_SHARE)
    columns = np.flatnonzero(support.interior.mean(axis=0) > _LEAST_SHARE)
    whole = slice(0, height), slice(0, width)
    if not len(rows) or not len(columns):
        return whole
    low, high = np.array([columns[0], rows[0]]), np.array([columns[-1] + 1, rows[-1] + 1])
    image = np.array([width, height])
    share = float(((1 + 2 * _MARGIN) * (high - low) / image).max())
    if share * share > _WORTH_IT:
        return whole
    size = np.ceil(share * image).astype(int)
    x, y = np.clip(np.round((low + high - size) / 2).astype(int), 0, image - size)
    return slice(int(y), int(y + size[1])), slice(int(x), int(x + size[0]))


def detect_in_bin(
    frame: RgbdFrame, support: Support | None, detector: ZeroShotDetector, phrases: Sequence[str]
) -> Detections:
    """What `detector.detect` finds, boxes in pixels of the frame; in the bin alone where it sees better so and the bin
    is known.

    Raises:
        ModelError: the model could not look.
    """
    if support is None or not (isinstance(detector, PrefersBinView) and detector.prefers_bin_view):
        return detector.detect(frame.rgb, phrases)
    rows, columns = bin_view(support)
    found = detector.detect(np.ascontiguousarray(frame.rgb[rows, columns]), phrases)
    return found.replace(xyxy=found.xyxy + np.array([columns.start, rows.start] * 2, np.float32))
