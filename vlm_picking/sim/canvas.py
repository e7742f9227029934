"""The simulator's off-screen buffer: draws what a scene holds as colour, segment numbers and depth."""

import os

import mujoco
import numpy as np

from vlm_picking.errors import ConfigError
from vlm_picking.sim.assembly import MAX_IMAGE_WH, UNSEEN_GROUP

SEEN_GROUPS = np.array([group != UNSEEN_GROUP for group in range(6)], dtype=np.uint8)


def open_gl() -> mujoco.GLContext:
    """A graphics context that needs no display; one is enough for many canvases, one after the other.

    Raises:
        ConfigError: no such context can be had here; the message names the fix.
    """
    backend = os.environ.get("MUJOCO_GL", "")
    if backend in ("egl", "osmesa") and backend not in mujoco.GLContext.__module__:
        # The simulator would draw into the wrong library and end the process.
        raise ConfigError(
            f"mujoco was imported before MUJOCO_GL={backend} was set; import vlm_picking.sim first, "
            f"or start with MUJOCO_GL={backend} in the environment"
        )
    try:
        gl = mujoco.GLContext(64, 64)
        gl.make_current()
    except Exception as error:
        # Each backend raises errors of its own kind.
        raise ConfigError(
            f"can't render without a display: {error}; set MUJOCO_GL=egl (or osmesa) before mujoco is "
            "imported, and install libegl1 and libgl1-mesa-dri"
        ) from error
    return gl


class Canvas:
    """Draws a model in a given state through its first camera; `close` frees the graphics memory."""

    def __init__(self, model: mujoco.MjModel, gl: mujoco.GLContext) -> None:
        gl.make_current()
        self._model = model
        self._context = mujoco.MjrContext(model, mujoco.mjtFontScale.mjFONTSCALE_50)
        mujoco.mjr_setBuffer(mujoco.mjtFramebuffer.mjFB_OFFSCREEN, self._context)
        self._drawn = mujoco.MjvScene(model, maxgeom=model.ngeom + 64)
        self._options = mujoco.MjvOption()
        self._eye = mujoco.MjvCamera()
        self._eye.type = mujoco.mjtCamera.mjCAMERA_FIXED
        self._eye.fixedcamid = 0

    def close(self) -> None:
        self._context.free()

    def update(self, data: mujoco.MjData, *, groups: np.ndarray = SEEN_GROUPS) -> None:
        """Take over the state, the camera and the lights; only geoms of `groups` (6,) will be drawn."""
        self._options.geomgroup[:] = groups
        mujoco.mjv_updateScene(
            self._model, data, self._options, None, self._eye, mujoco.mjtCatBit.mjCAT_ALL, self._drawn
        )
        for flag in ("SKYBOX", "REFLECTION", "HAZE"):
            self._drawn.flags[getattr(mujoco.mjtRndFlag, f"mjRND_{flag}")] = 0

    def colour(self, width: int, height: int) -> np.ndarray:
        """The picture (H, W, 3) u8."""
        return self._draw(width, height, None)

    def segments(self, width: int, height: int) -> tuple[np.ndarray, np.ndarray]:
        """The geom of each pixel (H, W), -1 for none, and the z-depth (H, W) f32 [m] of the same samples."""
        raw = np.empty((height, width), dtype=np.float32)
        flags = self._drawn.flags
        flags[mujoco.mjtRndFlag.mjRND_SEGMENT] = flags[mujoco.mjtRndFlag.mjRND_IDCOLOR] = 1
        codes = self._draw(width, height, raw)
        flags[mujoco.mjtRndFlag.mjRND_SEGMENT] = flags[mujoco.mjtRndFlag.mjRND_IDCOLOR] = 0
        # Segment numbers stay below 65,536: the blue channel is never used.
        codes = codes[..., 0] + codes[..., 1].astype(np.uint16) * 256
        geom_of = np.full(self._drawn.ngeom + 2, -1, dtype=np.int32)
        for geom in self._drawn.geoms[: self._drawn.ngeom]:
            if geom.segid >= 0 and geom.objtype == mujoco.mjtObj.mjOBJ_GEOM:
                geom_of[geom.segid + 1] = geom.objid
        near, far = (
            plane * self._model.stat.extent for plane in (self._model.vis.map.znear, self._model.vis.map.zfar)
        )
        depth_m = near * far / (far - raw[::-1].astype(np.float64) * (far - near))
        return geom_of[np.minimum(codes, len(geom_of) - 1)], depth_m.astype(np.float32)

    def _draw(self, width: int, height: int, raw_depth: np.ndarray | None) -> np.ndarray:
        if width > MAX_IMAGE_WH[0] or height > MAX_IMAGE_WH[1]:
            raise ConfigError(f"images are at most {MAX_IMAGE_WH[0]}x{MAX_IMAGE_WH[1]}, got {width}x{height}")
        area = mujoco.MjrRect(0, 0, width, height)
        rgb = np.empty((height, width, 3), dtype=np.uint8)
        mujoco.mjr_render(area, self._drawn, self._context)
        mujoco.mjr_readPixels(rgb, raw_depth, area, self._context)
        return np.ascontiguousarray(rgb[::-1])
