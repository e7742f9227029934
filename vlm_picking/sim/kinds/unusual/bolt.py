"""Bolts: a hexagonal, round, socket or flanged head on a shank, threaded all along or in part."""

import numpy as np

from vlm_picking.sim.kinds.bolt import shank_parts
from vlm_picking.sim.kinds.model import Part, about, rod
from vlm_picking.sim.kinds.registry import unusual_shapes
from vlm_picking.sim.meshes import extrude, revolve


@unusual_shapes("bolt")
def bolt(rng: np.random.Generator) -> tuple[Part, ...]:
    """A bolt of 50 to 120 mm with a shank of 9 to 19 mm; its head is at -x.

    Hexagon bolts with and without a flange, socket screws, carriage bolts with a dome, square heads.
    """
    radius, length = rng.uniform(0.0045, 0.0095), rng.uniform(0.042, 0.100)
    form = str(rng.choice(["hexagon", "hexagon", "hexagon", "flange", "socket", "dome", "square"]))
    head, tall = rng.uniform(1.65, 2.1) * radius, rng.uniform(1.0, 1.5) * radius
    if form == "socket":
        head, tall = rng.uniform(1.5, 1.75) * radius, rng.uniform(1.7, 2.1) * radius
    finish = {"texture": "metal", "gloss": float(rng.uniform(0.4, 0.95))}
    turn = np.arange(6) * np.pi / 3
    hexagon = head * np.column_stack([np.cos(turn), np.sin(turn)])
    ridges = int(rng.integers(8, 18))
    # Above the thread a part of the shank may be smooth.
    smooth = 0.0 if rng.random() < 0.5 else rng.uniform(0.2, 0.6) * length
    z = np.linspace(smooth, length, 2 * ridges + 1)
    thread = np.column_stack([radius * np.where(np.arange(len(z)) % 2, 1.0, 0.82), z])
    shank = np.array(
        [
            (0, 0),
            *([(radius, 0), (radius, smooth - 1e-4)] if smooth else []),
            *thread,
            (0.6 * radius, length + 0.002),
            (0, length + 0.002),
        ]
    )
    parts = [
        *_head(form, head, tall, -(length + tall) / 2, finish),
        *shank_parts(rng, shank, hexagon, radius=radius, length=length, head=head, tall=tall, finish=finish),
    ]
    return tuple(parts)


def _head(form: str, head: float, tall: float, start: float, finish: dict) -> list[Part]:
    """A head from `start` to `start + tall` along x."""
    lie = about("y", np.pi / 2)

    def prism(sides: int, radius: float, first: float = 0.0) -> Part:
        turn = 2 * np.pi * np.arange(sides) / sides
        outline = radius * np.column_stack([np.cos(turn), np.sin(turn)])
        high = tall * (1 - first)
        place = (start + high / 2, 0, 0)
        return Part(shape="mesh", mesh=extrude(outline, high), position_m=place, quat=lie, **finish)

    if form == "square":
        return [prism(4, 1.15 * head)]
    if form == "socket":
        hole = Part(shape="cylinder", size_m=(0.55 * head, 4e-4), position_m=(start, 0, 0), quat=lie, rgb=(0.03,) * 3)
        return [prism(20, head), hole]
    if form == "dome":
        turn = np.linspace(0.0, np.pi / 2, 6)
        dome = np.column_stack([1.1 * head * np.sin(turn), tall * (1 - np.cos(turn))])
        mesh = revolve(np.array([*dome, (0.0, tall)]), segments=20)
        return [Part(shape="mesh", mesh=mesh, position_m=(start, 0, 0), quat=lie, **finish)]
    if form == "flange":
        low, high = (start + 0.72 * tall, 0, 0), (start + tall, 0, 0)
        return [prism(6, head, 0.25), rod(low, high, 1.22 * head, shape="cylinder", **finish)]
    return [prism(6, head)]
