"""Scenes: a bin with objects that physics has settled, from a seed or from an explicit list."""

from dataclasses import dataclass

import mujoco
import numpy as np

from vlm_picking.errors import ConfigError
from vlm_picking.sim.assembly import Assembly, assemble
from vlm_picking.sim.bins import Bin, make_bin
from vlm_picking.sim.clutter import build_clutter
from vlm_picking.sim.kinds import KINDS, ObjectModel, get_kind
from vlm_picking.sim.settle import drop_poses, settle

_ATTEMPTS = 6
_HELD_OUT_SHARE = 0.5


@dataclass(frozen=True, kw_only=True)
class ObjectSpec:
    """An object that is wanted in a scene; `kind` None is a distractor.

    `variant` asks for one of the kind's held-out shapes; None leaves that to the scene.

    `xy_m` places it by hand, just above what lies there; `yaw_rad` turns it about the vertical, after
    `tilt_rad` has tilted it about its x axis. What is None is left to chance.
    """

    kind: str | None
    colour: str | None = None
    xy_m: tuple[float, float] | None = None
    yaw_rad: float | None = None
    tilt_rad: float = 0.0
    variant: str | None = None

    def __post_init__(self) -> None:
        if self.kind is None and self.variant is not None:
            raise ConfigError(f"a distractor has no variant {self.variant!r}; name a kind")


@dataclass(eq=False)
class Scene:
    """A settled scene. The simulator's model and state are mutable: views and recolourings write into them.

    `objects[i]` has the instance id i + 1 in every rendered id map.
    """

    seed: int
    objects: list[ObjectModel]
    crate: Bin
    assembly: Assembly
    data: mujoco.MjData

    @property
    def model(self) -> mujoco.MjModel:
        return self.assembly.model

    def positions_m(self) -> np.ndarray:
        """The objects' origins (N, 3) in the world frame [m]."""
        return self.data.xpos[self.assembly.body].copy()


def random_specs(rng: np.random.Generator) -> tuple[ObjectSpec, ...]:
    """4 to 20 objects, mostly about 10: distinct kinds, or one or two of them up to 6 times, and distractors."""
    names = list(KINDS)
    total = 4 + round(16 * rng.beta(1.0, 1.6))
    clutter = min(int(rng.choice(5, p=(0.3, 0.25, 0.2, 0.15, 0.1))), total - 3)
    kinds = [str(name) for name in rng.choice(names, min(total - clutter, len(names)), replace=False)]
    if rng.random() < 0.4:
        place = repeated = int(rng.integers(1, 3))
        for name in kinds[:repeated]:
            end = min(place + int(rng.integers(1, 6)), len(kinds))
            kinds[place:end] = [name] * (end - place)
            place = end
    specs = [ObjectSpec(kind=name) for name in kinds] + [ObjectSpec(kind=None)] * clutter
    return tuple(specs[i] for i in rng.permutation(len(specs)))


def make_scene(
    seed: int,
    *,
    objects: tuple[ObjectSpec, ...] | None = None,
    bin_colour: str | None = None,
    bin_inner_m: tuple[float, float, float] | None = None,
    must_keep: bool = False,
    held_out: bool = False,
    unusual: float = 0.0,
) -> Scene:
    """The scene of `seed`; the same arguments give the same scene.

    `held_out` gives a scene for evaluation: half of the objects that have shapes held out of training take one,
    and the table has a surface that training never shows.

    `unusual` is the share of the objects that take an unusual shape of their kind, where there are any; for training.
    It is asked of what takes no held-out shape.

    An object that bounces out of the bin is left out, unless `must_keep`: then the drop is tried again.

    Raises:
        UnknownKindError: an object asks for a kind, a colour or a variant that does not exist.
        ConfigError: `unusual` is no share; or `must_keep`, and after several drops some object still lies outside.
    """
    if not 0.0 <= unusual <= 1.0:
        raise ConfigError(f"unusual is a share from 0 to 1, not {unusual}")
    rng = np.random.default_rng(seed)
    specs = random_specs(rng) if objects is None else objects
    for _ in range(_ATTEMPTS):
        models = tuple(_build(spec, rng, held_out=held_out, unusual=unusual) for spec in specs)
        crate = make_bin(rng, colour=bin_colour, inner_m=bin_inner_m)
        assembly = assemble(models, crate, rng, held_out=held_out)
        positions, quats = drop_poses(models, crate, rng, wanted=specs)
        data, inside = settle(assembly, crate, positions, quats)
        if inside.all() or (not must_keep and inside.sum() >= 2):
            return _keep(seed, models, crate, assembly, data, inside)
    raise ConfigError(f"scene {seed}: objects keep falling out of the bin; ask for fewer objects or a larger bin")


def _build(spec: ObjectSpec, rng: np.random.Generator, *, held_out: bool, unusual: float) -> ObjectModel:
    if spec.kind is None:
        return build_clutter(rng)
    entry, variant = get_kind(spec.kind), spec.variant
    if held_out and variant is None and entry.held_out and rng.random() < _HELD_OUT_SHARE:
        variant = str(rng.choice(list(entry.held_out)))
    # Without a share nothing is drawn: the scenes of a seed stay what they are.
    may_be_unusual = unusual > 0 and variant is None and entry.unusual is not None
    return entry.build(rng, spec.colour, variant=variant, unusual=may_be_unusual and rng.random() < unusual)


def _keep(seed, models, crate, assembly, data, inside) -> Scene:
    """Sink what lies outside far below the table and forget it."""
    for index in np.flatnonzero(~inside):
        data.qpos[7 * index : 7 * index + 7] = [0, 0, -5.0 - index, 1, 0, 0, 0]
    mujoco.mj_forward(assembly.model, data)
    kept = np.flatnonzero(inside)
    chosen = Assembly(
        assembly.model,
        assembly.body[kept],
        tuple(assembly.main_materials[i] for i in kept),
        assembly.ground_material,
    )
    return Scene(seed, [models[i] for i in kept], crate, chosen, data)
