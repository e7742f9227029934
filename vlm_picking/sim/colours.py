"""The twelve colour words of the simulated objects and the paints that deserve them."""

import numpy as np

# Centres in linear RGB as the renderer takes them; chosen so that neighbours stay apart under a tinted light.
PAINTS: dict[str, tuple[float, float, float]] = {
    "red": (0.78, 0.07, 0.07),
    "orange": (0.95, 0.42, 0.04),
    "yellow": (0.95, 0.82, 0.08),
    "green": (0.10, 0.52, 0.14),
    "blue": (0.07, 0.20, 0.72),
    "purple": (0.42, 0.12, 0.58),
    "pink": (0.95, 0.45, 0.65),
    "brown": (0.38, 0.24, 0.13),
    "black": (0.05, 0.05, 0.055),
    "white": (0.92, 0.92, 0.90),
    "grey": (0.48, 0.48, 0.49),
    "cyan": (0.10, 0.75, 0.80),
}
COLOURS: tuple[str, ...] = tuple(PAINTS)

_SYNONYMS = {"gray": "grey", "violet": "purple", "turquoise": "cyan", "silver": "grey"}


def colour_word(word: str) -> str | None:
    """The colour among COLOURS that `word` names, or None when it names none."""
    lowered = word.lower()
    lowered = _SYNONYMS.get(lowered, lowered)
    return lowered if lowered in PAINTS else None


def paint(colour: str, rng: np.random.Generator) -> tuple[float, float, float]:
    """An RGB triple (0..1) near the centre of `colour`, still nameable as it."""
    base = np.array(PAINTS[colour])
    if colour in ("white", "grey", "black"):
        spread = {"white": 0.06, "grey": 0.10, "black": 0.035}[colour]
        rgb = base + rng.uniform(-spread, spread) + rng.uniform(-0.012, 0.012, 3)
    else:
        rgb = base * rng.uniform(0.82, 1.12) + rng.uniform(-0.035, 0.035, 3)
    return tuple(float(v) for v in np.clip(rgb, 0.02, 1.0))
