"""Evaluation frames with their truth: seeded, rendered by worker processes, one view a scene.

The scenes of `--seed S`, 0 to 1999, have the simulator's seeds 1,000,000,000 + 1,000,000 S + i, i = 0, 1, ...;
training and validation draw theirs below 1,000,000,000 (from 1,000,000 and from 5,000,000 on). Every scene is made with
`held_out=True`: table surfaces, and for half of the objects that have them shapes, which training never shows.
A frame is 640 x 480: colour as a jittered camera takes it, depth with noise and holes, through whole millimetres.
"""

import multiprocessing
from collections import Counter, deque
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import cache

import numpy as np

from vlm_picking.errors import ConfigError
from vlm_picking.frame import RgbdFrame

FIRST_SEED, SCENES_A_SEED, SEEDS = 1_000_000_000, 1_000_000, 2_000
WIDTH, HEIGHT = 640, 480
LEAST_VISIBLE, LEAST_PIXELS = 0.5, 400
_LEVEL = 0.5  # a contact whose normal has a larger vertical part carries one object on the other


@dataclass(frozen=True, eq=False, kw_only=True)
class Thing:
    """One object of a scene, whether it can be seen or not.

    Args:
        id: its value in the id map.
        kind: None for a distractor.
        colour: None where no word fits what is seen.
        xyxy: (4,) box of the visible pixels [px]; zeros where there are none.
        centre_px: (2,) mean of the visible pixels.
        visible: share of the silhouette that nothing hides.
        pixels: how many can be seen.
        half_extents_m: (3,) of its own box [m].
        top_m: height of the highest seen point over the bin's floor [m]; NaN where nothing is seen.
        distance_m: median depth of what is seen [m]; NaN where nothing is seen.
        rests_on: ids of the objects that carry it.
    """

    id: int
    kind: str | None
    colour: str | None
    xyxy: np.ndarray
    centre_px: np.ndarray
    visible: float
    pixels: int
    half_extents_m: np.ndarray
    top_m: float
    distance_m: float
    rests_on: tuple[int, ...]

    @property
    def clear(self) -> bool:
        """Whether it counts as there: at least half of it is visible, on at least LEAST_PIXELS pixels."""
        return self.visible >= LEAST_VISIBLE and self.pixels >= LEAST_PIXELS


@dataclass(frozen=True, eq=False, kw_only=True)
class EvaluationFrame:
    """A frame, the id map (H, W) u8 of its pixels, and all objects of the scene."""

    number: int
    scene_seed: int
    frame: RgbdFrame
    ids: np.ndarray
    things: tuple[Thing, ...]

    @property
    def kinds(self) -> frozenset[str]:
        """Every kind of which anything lies in the bin, even unseen."""
        return frozenset(thing.kind for thing in self.things if thing.kind)

    def of_kind(self, kind: str) -> tuple[Thing, ...]:
        return tuple(thing for thing in self.things if thing.kind == kind)

    def mask(self, thing: Thing) -> np.ndarray:
        """(H, W) bool, the visible pixels of `thing`."""
        return self.ids == thing.id


def scene_seed(seed: int, number: int) -> int:
    """The simulator's seed of scene `number` of the benchmark's `seed`.

    Raises:
        ConfigError: no such seed, or more scenes than a seed has.
    """
    if not 0 <= seed < SEEDS or not 0 <= number < SCENES_A_SEED:
        raise ConfigError(
            f"a seed is 0 to {SEEDS - 1} and has scenes 0 to {SCENES_A_SEED - 1}; got seed {seed}, scene {number}"
        )
    return FIRST_SEED + SCENES_A_SEED * seed + number


def kinds_by_frequency(scenes: int, seed: int) -> tuple[str, ...]:
    """All kinds, those that lie in most of the scenes first; from the lists of what is dropped, without physics."""
    from vlm_picking.sim.kinds import KINDS
    from vlm_picking.sim.scene import random_specs

    count: Counter[str] = Counter()
    for number in range(scenes):
        specs = random_specs(np.random.default_rng(scene_seed(seed, number)))
        count.update({spec.kind for spec in specs if spec.kind})
    return tuple(sorted(KINDS, key=lambda kind: (-count[kind], kind)))


def evaluation_frames(*, scenes: int, seed: int, workers: int) -> Iterator[EvaluationFrame]:
    """The frames in their order, rendered ahead by `workers` processes."""
    if scenes < 1 or workers < 1:
        raise ConfigError(f"scenes and workers must be at least 1, got {scenes} and {workers}")
    scene_seed(seed, scenes - 1)
    with ProcessPoolExecutor(workers, multiprocessing.get_context("spawn"), initializer=_start_worker) as pool:
        coming: deque = deque()
        try:
            for number in range(scenes):
                coming.append(pool.submit(render_frame, seed, number))
                # Frames weigh megabytes: only a few are made ahead of who asks about them.
                if len(coming) > 2 * workers + 2:
                    yield coming.popleft().result()
            while coming:
                yield coming.popleft().result()
        finally:
            for future in coming:
                future.cancel()


def _start_worker() -> None:
    import cv2

    cv2.setNumThreads(1)


@cache
def _graphics():
    from vlm_picking.sim.canvas import open_gl

    return open_gl()


def render_frame(seed: int, number: int) -> EvaluationFrame:
    """Settle, view and photograph scene `number` of the benchmark's `seed`."""
    from vlm_picking.sim.render import SceneRenderer
    from vlm_picking.sim.scene import make_scene
    from vlm_picking.sim.sensor import capture
    from vlm_picking.sim.view import random_view

    own_seed = scene_seed(seed, number)
    scene = make_scene(own_seed, held_out=True)
    rng = np.random.default_rng((own_seed, 2))
    with SceneRenderer(scene, gl=_graphics()) as renderer:
        rendered = renderer.render(random_view(rng, scene.crate, width=WIDTH, height=HEIGHT))
    return EvaluationFrame(
        number=number,
        scene_seed=own_seed,
        frame=capture(rendered, rng, stamp_ns=number + 1),
        ids=rendered.ids,
        things=_things(scene, rendered),
    )


def _things(scene, rendered) -> tuple[Thing, ...]:
    from vlm_picking.sim.truth import frame_truth

    colours = {item.id: item.colour for item in frame_truth(scene, rendered).objects}
    boxes, carried = rendered.boxes(), _carried(scene)
    world = rendered.world_from_camera.apply(rendered.camera.deproject_image(rendered.depth_m).reshape(-1, 3))
    height_m = world[:, 2].reshape(rendered.ids.shape)
    things = []
    for index, item in enumerate(scene.objects):
        rows, columns = np.nonzero(rendered.ids == index + 1)
        seen = len(rows) > 0
        things.append(
            Thing(
                id=index + 1,
                kind=item.kind,
                colour=colours.get(index + 1),
                xyxy=boxes[index],
                centre_px=np.array([columns.mean(), rows.mean()]) + 0.5 if seen else np.zeros(2),
                visible=float(rendered.visible[index]),
                pixels=len(rows),
                half_extents_m=item.half_extents_m,
                top_m=float(np.percentile(height_m[rows, columns], 99)) if seen else float("nan"),
                distance_m=float(np.median(rendered.depth_m[rows, columns])) if seen else float("nan"),
                rests_on=tuple(sorted(carried[index + 1])),
            )
        )
    return tuple(things)


def _carried(scene) -> dict[int, set[int]]:
    """Object id -> ids of the objects that it rests on, from the contacts of the settled scene."""
    owner = {int(body): index + 1 for index, body in enumerate(scene.assembly.body)}
    carried: dict[int, set[int]] = {key: set() for key in owner.values()}
    for contact in scene.data.contact:
        first, second = (owner.get(int(scene.model.geom_bodyid[geom])) for geom in contact.geom)
        upward = contact.frame[2]  # the vertical part of the normal, which points from the first to the second
        if first and second and abs(upward) > _LEVEL:
            upper, lower = (second, first) if upward > 0 else (first, second)
            carried[upper].add(lower)
    return carried
