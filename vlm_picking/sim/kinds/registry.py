"""The registry of kinds: a file adds one with `@kind(...)`."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace

import numpy as np

from vlm_picking.errors import ConfigError, did_you_mean
from vlm_picking.sim.colours import COLOURS, paint
from vlm_picking.sim.kinds.model import ObjectModel, Part, Rest, extents

Builder = Callable[[np.random.Generator], tuple[Part, ...]]


class UnknownKindError(ConfigError):
    """A kind or a colour that the simulator cannot make."""


@dataclass(frozen=True, kw_only=True)
class Kind:
    """A kind of object: its name, what else people call it, its usual colours and how it is built.

    `held_out` has shapes of the kind that training never sees, by name: evaluation asks whether a word means
    the kind of thing, and not only the shapes that it was taught with.

    `unusual` builds a far wider family of its shapes, for training alone: who has seen many forms of a kind
    recognises one that it has not seen. None of them is a held-out shape; everywhere else the usual ones serve.
    """

    name: str
    synonyms: tuple[str, ...]
    colours: tuple[str, ...]
    mass_kg: float
    friction: float
    rest: Rest
    parts: Builder
    held_out: dict[str, Builder] = field(default_factory=dict)
    unusual: Builder | None = None

    def build(
        self,
        rng: np.random.Generator,
        colour: str | None = None,
        *,
        variant: str | None = None,
        unusual: bool = False,
    ) -> ObjectModel:
        """A new object of this kind.

        Args:
            rng: of shape, size and paint.
            colour: among COLOURS, or None for one of the usual ones by chance.
            variant: one of `held_out`; None for the shapes that are taught.
            unusual: take one of the unusual shapes.

        Raises:
            UnknownKindError: there is no such colour or variant, the kind has no unusual shapes, or both a variant and
                an unusual shape are asked for.
        """
        chosen = str(rng.choice(self.colours)) if colour is None else colour
        if chosen not in COLOURS:
            raise UnknownKindError(f"unknown colour {chosen!r}; {did_you_mean(chosen, COLOURS)}")
        if variant is not None and variant not in self.held_out:
            raise UnknownKindError(f"{self.name} has no variant {variant!r}; {did_you_mean(variant, self.held_out)}")
        if unusual and variant is not None:
            raise UnknownKindError(f"no unusual {self.name} is a {variant!r} one; ask for one of the two")
        if unusual and self.unusual is None:
            raise UnknownKindError(f"{self.name} has no unusual shapes; build it without `unusual`")
        builder = self.unusual if unusual else self.parts if variant is None else self.held_out[variant]
        parts = builder(rng)
        return ObjectModel(
            kind=self.name,
            colour=chosen,
            parts=parts,
            mass_kg=float(self.mass_kg * rng.uniform(0.8, 1.25)),
            half_extents_m=extents(parts),
            friction=self.friction,
            rest=self.rest,
            paint_rgb=paint(chosen, rng),
        )


KINDS: dict[str, Kind] = {}


def kind(
    name: str,
    *,
    synonyms: tuple[str, ...] = (),
    colours: tuple[str, ...],
    mass_kg: float,
    friction: float = 0.7,
    rest: Rest = "any",
) -> Callable[[Builder], Builder]:
    """Register the decorated builder of parts as the kind `name`."""

    def register(builder: Builder) -> Builder:
        if name in KINDS:
            raise ValueError(f"the kind {name!r} is registered twice")
        KINDS[name] = Kind(
            name=name,
            synonyms=synonyms,
            colours=colours,
            mass_kg=mass_kg,
            friction=friction,
            rest=rest,
            parts=builder,
        )
        return builder

    return register


def held_out_variant(kind_name: str, variant: str) -> Callable[[Builder], Builder]:
    """Register the decorated builder as a shape of `kind_name` (registered before) that training never sees."""

    def register(builder: Builder) -> Builder:
        KINDS[kind_name].held_out[variant] = builder
        return builder

    return register


def unusual_shapes(kind_name: str) -> Callable[[Builder], Builder]:
    """Register the decorated builder as the unusual shapes of `kind_name` (registered before), for training."""

    def register(builder: Builder) -> Builder:
        if KINDS[kind_name].unusual is not None:
            raise ValueError(f"the unusual shapes of {kind_name!r} are registered twice")
        KINDS[kind_name] = replace(KINDS[kind_name], unusual=builder)
        return builder

    return register


def get_kind(name: str) -> Kind:
    """The kind called `name`; raises UnknownKindError that suggests the closest one."""
    if name not in KINDS:
        raise UnknownKindError(f"unknown kind {name!r}; {did_you_mean(name, KINDS)}")
    return KINDS[name]


def kind_of_noun(noun: str) -> str | None:
    """The kind that `noun` names, by its name or a synonym, singular or plural; None when there is none."""
    wanted = noun.lower().strip()
    for name, entry in KINDS.items():
        for word in (name, *entry.synonyms):
            if wanted in (word, f"{word}s", f"{word}es"):
                return name
    return None
