"""How the sides that fingers touch face them, read from lines across the fingers' width."""

import numpy as np

from vlm_picking.planning.height_map import CELL_M


def slant_of(edge: np.ndarray, at: np.ndarray, touched: np.ndarray, across: np.ndarray) -> np.ndarray:
    """Angle (N,) [rad] between the object's side where it is touched (lines `at`) and the finger's face.

    A convex side touches a flat finger along one line, wherever it is: only a side that slants over all its contact
    counts.
    """
    weight = at.astype(np.float32)
    total = np.maximum(weight.sum(axis=1), 1)
    mean_x, mean_y = (weight * across).sum(axis=1) / total, (weight * edge).sum(axis=1) / total
    dx = (across - mean_x[:, None]) * weight
    spread = np.square(dx).sum(axis=1)
    slope = (dx * (edge - mean_y[:, None])).sum(axis=1) / np.maximum(spread, 1e-6)
    # A side that slants so much that only the finger's corner touches it.
    pitch = across[1] - across[0]
    for border, beside in ((0, 1), (-1, -2)):
        corner = at[:, border] & (at.sum(axis=1) == 1) & touched[:, beside]
        slope = np.where(corner, (edge[:, border] - edge[:, beside]) / pitch, slope)
    return np.arctan(np.abs(slope))


def twist_of(at_left: np.ndarray, at_right: np.ndarray, across: np.ndarray, width: np.ndarray) -> np.ndarray:
    """Angle (N,) [rad] between the closing direction and the line from contact to contact, as near as they come."""
    spans = []
    for at in (at_left, at_right):
        spans.append((np.where(at, across, np.inf).min(axis=1), np.where(at, across, -np.inf).max(axis=1)))
    (low_l, high_l), (low_r, high_r) = spans
    apart = np.maximum(np.maximum(low_l - high_r, low_r - high_l), 0)
    return np.where(np.isfinite(apart), np.arctan(np.where(np.isfinite(apart), apart, 0) / width), np.pi / 2)


def standing_height(top: np.ndarray, held: np.ndarray, edge: np.ndarray, at: np.ndarray, inward: int) -> np.ndarray:
    """Height (N,) [m] of the object within three cells of its side, where it is touched (lines `at`)."""
    height = np.full(len(top), -np.inf, np.float32)
    lines = _first_samples(top)
    for step in range(3):
        index = lines + np.clip(edge + inward * step, 0, top.shape[2] - 1)
        ok = at & held.ravel().take(index)
        value = top.ravel().take(index)
        np.maximum(height, np.where(ok, value, -np.inf).max(axis=1), out=height)
    return np.where(np.isfinite(height), height, -1.0)


def steepness_of(top: np.ndarray, tip: np.ndarray, edge: np.ndarray, at: np.ndarray, outward: int) -> np.ndarray:
    """How near (N,) the touched side comes to upright, 0..1: the mean over the lines `at`.

    A side that slopes at the height of the tips pushes itself out of the jaws. It is steep where the surface falls
    faster than friction needs, or, on something thin, where the full height stands right at the edge.
    """
    last, lines = top.shape[2] - 1, _first_samples(top)

    def at_step(step: int) -> np.ndarray:
        return top.ravel().take(lines + np.clip(edge + outward * step, 0, last))

    fall = (at_step(-1) - at_step(1)) / np.float32(2 * CELL_M)
    level = np.maximum(at_step(0) - tip[:, None], 0) / np.maximum(at_step(-2) - tip[:, None], np.float32(1e-3))
    steep = np.clip(np.maximum((fall - 0.8) / 1.0, (level - 0.55) / 0.35), 0, 1)
    return (np.where(at, steep, 0)).sum(axis=1) / np.maximum(at.sum(axis=1), 1)


def _first_samples(top: np.ndarray) -> np.ndarray:
    """Flat indices (N, L) of the first samples of lines (N, L, S)."""
    count, lines, samples = top.shape
    return np.arange(0, count * lines * samples, samples).reshape(count, lines)
