"""Pictures of a run: the reliability plot and the worst failures."""

from collections.abc import Sequence
from pathlib import Path

from vlm_picking.bench.failures import Worst


def write_reliability(path: Path, bins: Sequence[dict[str, float]], *, title: str, x: str, y: str) -> None:
    """Draw how often it is true (`right`) over what was said (`confidence`); the dots' areas are the bins' shares.

    Raises:
        ConfigError: matplotlib is not installed; the message names the fix.
    """
    try:
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure
    except ImportError as error:
        from vlm_picking.errors import ConfigError

        raise ConfigError("the plots need matplotlib: pip install matplotlib") from error
    figure = Figure(figsize=(5, 5), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    axes.plot([0, 1], [0, 1], color="0.7", linewidth=1)
    total = max(sum(row["n"] for row in bins), 1)
    said, true = [row["confidence"] for row in bins], [row["right"] for row in bins]
    axes.plot(said, true, color="tab:blue", linewidth=1.5)
    axes.scatter(said, true, s=[20 + 600 * row["n"] / total for row in bins], color="tab:blue", alpha=0.6)
    for row in bins:
        axes.annotate(str(row["n"]), (row["confidence"], row["right"]), fontsize=7, xytext=(6, -9),
                      textcoords="offset points")  # fmt: skip
    axes.set(title=title, xlabel=x, ylabel=y, xlim=(0, 1), ylim=(-0.02, 1.02))
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=120)


def write_failures(path: Path, worst: Sequence[Worst]) -> None:
    """Draw the worst failures, one group under the other."""
    import numpy as np

    from vlm_picking.frame_files import write_image

    write_image(path, np.concatenate([group.picture() for group in worst]))
