"""Off-screen rendering: colour, metric depth, instance ids and visible fractions."""

from dataclasses import dataclass

import cv2
import mujoco
import numpy as np
from scipy import ndimage

from vlm_picking.camera import PinholeCamera
from vlm_picking.sim.assembly import UNSEEN_GROUP
from vlm_picking.sim.canvas import Canvas, open_gl
from vlm_picking.sim.scene import Scene
from vlm_picking.sim.view import View, apply_view
from vlm_picking.transform import Transform

_ALONE_DIVISOR = 3
_ALONE_GROUP = 2
_IN_FRONT_M = 0.001
_EDGE_SIGMA_PX = 0.5


@dataclass(frozen=True, eq=False, kw_only=True)
class Rendered:
    """One rendered view.

    rgb (H, W, 3) u8; depth_m (H, W) f32 z-depth [m]; ids (H, W) u8, 0 for the background and i + 1 for
    `scene.objects[i]`; visible (N,) the share of each object's silhouette that nothing hides; painted (N,)
    the share of what is visible that wears the paint its colour word names (0.1: a red can seen onto its
    bare lid).
    """

    rgb: np.ndarray
    depth_m: np.ndarray
    ids: np.ndarray
    visible: np.ndarray
    painted: np.ndarray
    camera: PinholeCamera
    world_from_camera: Transform

    def boxes(self) -> np.ndarray:
        """The boxes (N, 4) x0 y0 x1 y1 [px] of what is visible; zeros for an object that isn't."""
        out = np.zeros((len(self.visible), 4))
        for index, place in enumerate(ndimage.find_objects(self.ids, max_label=len(out))):
            if place is not None:
                rows, columns = place
                out[index] = columns.start, rows.start, columns.stop, rows.stop
        return out


class SceneRenderer:
    """Renders views of one scene; a context manager that frees the graphics memory.

    `gl`, from `open_gl`, may be shared between renderers of one thread, one after the other.
    """

    def __init__(self, scene: Scene, *, gl: mujoco.GLContext | None = None) -> None:
        self._scene = scene
        self._own_gl = open_gl() if gl is None else None
        self._canvas = Canvas(scene.model, self._own_gl or gl)
        model, assembly = scene.model, scene.assembly
        owner = np.zeros(model.nbody, dtype=np.uint8)
        owner[assembly.body] = np.arange(1, len(scene.objects) + 1)
        # One more entry: geom -1, nothing drawn, belongs to nobody.
        self._instance_of_geom = np.append(owner[model.geom_bodyid], np.uint8(0))
        painted = [material for materials in assembly.main_materials for material in materials]
        self._has_main_paint = np.append(np.isin(model.geom_matid, painted), False)

    def __enter__(self) -> "SceneRenderer":
        return self

    def __exit__(self, *_exc: object) -> None:
        self.close()

    def close(self) -> None:
        """Free the graphics memory; a context of one's own, too."""
        self._canvas.close()
        if self._own_gl is not None:
            self._own_gl.free()

    def render(self, view: View) -> Rendered:
        """Render `view`; the scene keeps the camera and the lights of it."""
        apply_view(self._scene, view)
        width, height = view.camera.width, view.camera.height
        self._canvas.update(self._scene.data)
        rgb = self._canvas.colour(width, height)
        geom, depth_m = self._canvas.segments(width, height)
        ids = self._instance_of_geom[geom]
        bins = len(self._scene.objects) + 1
        pixels = np.bincount(ids.ravel(), minlength=bins)[1:]
        painted = np.bincount(ids[self._has_main_paint[geom]], minlength=bins)[1:]
        return Rendered(
            rgb=_smooth_edges(rgb, geom),
            depth_m=depth_m,
            ids=ids,
            visible=self._visible(pixels, _overlapped(ids, depth_m, bins), width, height),
            painted=painted / np.maximum(pixels, 1),
            camera=view.camera,
            world_from_camera=view.world_from_camera,
        )

    def _visible(self, pixels: np.ndarray, overlapped: np.ndarray, width: int, height: int) -> np.ndarray:
        """Visible pixels over the pixels of each object drawn alone, at a third of the resolution.

        Only objects with something in front of their outline are drawn alone; the others are seen whole.
        """
        small = (width // _ALONE_DIVISOR, height // _ALONE_DIVISOR)
        scale = width * height / (small[0] * small[1])
        visible = (pixels > 0).astype(np.float64)
        for index in np.flatnonzero((pixels > 0) & overlapped):
            alone = scale * self._alone_pixels(index, *small)
            visible[index] = min(pixels[index] / max(alone, 1.0), 1.0)
        return visible

    def _alone_pixels(self, index: int, width: int, height: int) -> int:
        model = self._scene.model
        mine = (self._instance_of_geom[:-1] == index + 1) & (model.geom_group != UNSEEN_GROUP)
        model.geom_group[mine] = _ALONE_GROUP
        self._canvas.update(self._scene.data, groups=np.eye(6, dtype=np.uint8)[_ALONE_GROUP])
        model.geom_group[mine] = 0
        geom, _ = self._canvas.segments(width, height)
        return int(np.count_nonzero(geom >= 0))


def _neighbours(image: np.ndarray) -> tuple[tuple[np.ndarray, np.ndarray], ...]:
    """Views of `image` (H, W) whose elements at the same place are neighbours: in a row, in a column."""
    return (image[:, :-1], image[:, 1:]), (image[:-1], image[1:])


def _overlapped(ids: np.ndarray, depth_m: np.ndarray, bins: int) -> np.ndarray:
    """Which objects (bins - 1,) meet, along their outline, something else that is nearer to the camera."""
    met = np.zeros(bins, dtype=bool)
    for (a, b), (near_a, near_b) in zip(_neighbours(ids), _neighbours(depth_m), strict=True):
        met[a[(a != b) & (near_b < near_a - _IN_FRONT_M)]] = True
        met[b[(a != b) & (near_a < near_b - _IN_FRONT_M)]] = True
    return met[1:]


def _smooth_edges(rgb: np.ndarray, geom: np.ndarray) -> np.ndarray:
    """`rgb` with the steps along the edges of geoms blended, as pixels that see both sides would be."""
    edge = np.zeros(geom.shape, dtype=bool)
    for (a, b), (edge_a, edge_b) in zip(_neighbours(geom), _neighbours(edge), strict=True):
        step = a != b
        edge_a |= step
        edge_b |= step
    soft = cv2.GaussianBlur(rgb, (3, 3), _EDGE_SIGMA_PX)
    return np.where(edge[..., None], soft, rgb)
