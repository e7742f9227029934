"""What a training log says, and its picture: losses and held-out figures over the minutes."""

import re
from dataclasses import dataclass
from pathlib import Path

_NUMBER = re.compile(r"(\S+) (nan|-?\d+(?:\.\d+)?(?:e[+-]?\d+)?)(?= |,|$)")
LOSSES, FIGURES = ("words", "kinds", "l1", "giou"), ("mAP50", "presence", "coloured")


@dataclass(frozen=True)
class Curve:
    """The lines of a log as name -> number: `steps` with the losses, `evaluations` with the held-out figures."""

    steps: tuple[dict[str, float], ...]
    evaluations: tuple[dict[str, float], ...]

    @classmethod
    def read(cls, log: Path) -> "Curve":
        """The curve of a log; an empty one when there is none yet."""
        lines = log.read_text(encoding="utf-8").splitlines() if log.exists() else []
        named = {"step": [], "eval": []}
        for line in lines:
            kind, _, rest = line.partition(" ")
            if kind in named:
                text = f"step {rest}".partition(" |")[0]
                named[kind].append({key: float(value) for key, value in _NUMBER.findall(text)})
        return cls(tuple(named["step"]), tuple(named["eval"]))


def plot(curve: Curve, path: Path) -> None:
    """Write the curve as a picture."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(8, 7), layout="constrained")
    FigureCanvasAgg(figure)
    above, below = figure.subplots(2, 1, sharex=True)
    for axes, rows, names in ((above, curve.steps, LOSSES), (below, curve.evaluations, FIGURES)):
        for name in names:
            drawn = [(row["minutes"], row[name]) for row in rows if name in row]
            if drawn:
                axes.plot(*zip(*drawn, strict=True), label=name, marker="o" if axes is below else "", markersize=3)
        if axes.lines:
            axes.legend()
        axes.grid(alpha=0.3)
    above.set_ylabel("loss, unweighted")
    below.set_ylabel("on held-out frames")
    below.set_ylim(0, 1)
    below.set_xlabel("minutes of training")
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=100)
