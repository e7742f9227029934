"""What a real camera adds: exposure, white balance, blur and noise in colour; noise and holes in depth."""

import cv2
import numpy as np

from vlm_picking.frame import RgbdFrame
from vlm_picking.sim.render import Rendered


def capture(rendered: Rendered, rng: np.random.Generator, *, stamp_ns: int) -> RgbdFrame:
    """What an RGB-D camera makes of a view: colour as a jittered camera takes it, depth with noise and holes, through
    whole millimetres.
    """
    rgb = photograph(rendered.rgb, rng)
    depth_m = add_depth_noise(rendered.depth_m, rng)
    holes = depth_holes(rendered.depth_m, rgb, rng)
    depth_m = np.where(holes, np.float32(np.nan), np.round(depth_m * 1e3) * np.float32(1e-3))
    return RgbdFrame(rgb, depth_m, rendered.camera, stamp_ns=stamp_ns)


def photograph(rgb: np.ndarray, rng: np.random.Generator, *, strength: float = 1.0) -> np.ndarray:
    """`rgb` (H, W, 3) u8 as a camera with jittered settings gives it; `strength` 0 changes nothing."""
    gain = 1 + strength * rng.uniform(-0.22, 0.28)
    balance = 1 + strength * rng.uniform(-0.06, 0.06, 3)
    gamma = 1 + strength * rng.uniform(-0.18, 0.18)
    levels = np.linspace(0.0, 1.0, 256, dtype=np.float32)[:, None] ** gamma
    table = np.clip(255.0 * levels * gain * balance, 0, 255).astype(np.float32)
    image = np.stack([table[:, c][rgb[..., c]] for c in range(3)], axis=-1)
    sigma = strength * rng.uniform(0.0, 0.9)
    if sigma > 0.3:
        image = cv2.GaussianBlur(image, (0, 0), sigma)
    return add_rgb_noise(image, rng, sigma=strength * rng.uniform(0.5, 6.0))


def add_rgb_noise(image: np.ndarray, rng: np.random.Generator, *, sigma: float) -> np.ndarray:
    """`image` (H, W, 3) with white noise of `sigma` levels, as uint8."""
    noisy = image + np.float32(sigma) * rng.standard_normal(image.shape, dtype=np.float32)
    return np.clip(np.round(noisy), 0, 255).astype(np.uint8)


def depth_holes(
    depth_m: np.ndarray,
    rgb: np.ndarray,
    rng: np.random.Generator,
    *,
    edge_m: float = 0.012,
    speckle: float = 0.002,
) -> np.ndarray:
    """Where a stereo camera has no reading.

    Readings vanish beside depth steps of more than `edge_m`, in patches on very dark or glaring surfaces, and
    in stray spots that cover a share `speckle` of the image.

    Args:
        depth_m: (H, W) f32 [m], perfect.
        rgb: (H, W, 3) u8 of the same view.

    Returns:
        (H, W) bool.
    """
    shape = depth_m.shape
    kernel = np.ones((3, 3), np.uint8)
    step = cv2.dilate(depth_m, kernel) - cv2.erode(depth_m, kernel) > edge_m
    ragged = step & (rng.random(shape) < 0.8)
    coarse = rng.random((shape[0] // 8 + 1, shape[1] // 8 + 1)).astype(np.float32)
    patches = cv2.resize(coarse, shape[::-1])
    lost = ((rgb.max(axis=-1) < 14) & (patches < 0.4)) | ((rgb.min(axis=-1) > 252) & (patches < 0.5))
    spots = cv2.dilate((rng.random(shape) < speckle / 9).astype(np.uint8), kernel).astype(bool)
    return ragged | lost | spots


def add_depth_noise(
    depth_m: np.ndarray, rng: np.random.Generator, *, noise_at_1m: float = 0.0012
) -> np.ndarray:
    """`depth_m` (H, W) [m] with smooth grain: deviation `noise_at_1m` [m] at 1 m, growing with z squared."""
    grain = cv2.GaussianBlur(rng.standard_normal(depth_m.shape, dtype=np.float32), (0, 0), 1.2)
    grain /= max(float(grain.std()), 1e-6)
    return (depth_m + noise_at_1m * depth_m**2 * grain).astype(np.float32)
