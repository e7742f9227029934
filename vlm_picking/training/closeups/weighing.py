"""What a classifier's word counts beside a detector's: fitted, measured, and written into its sidecar."""

import dataclasses
import json
from pathlib import Path

from vlm_picking.models.registry import find_model, load_model
from vlm_picking.models.sidecar import SIDECAR_FILE, Sidecar
from vlm_picking.training.closeups.fusion import (
    Weights,
    ask_both,
    fit_further,
    fit_fusion,
    measure_counts,
    measure_fusion,
)


def weigh(checkpoint: Path, *, detector: str, scenes: int) -> dict[str, object]:
    """Weigh the classifier in a directory against a detector: one half of the scenes fits, the other measures.

    Args:
        detector: a name, a directory or a hub id, as everywhere.

    Returns:
        The figures that the sidecar holds under "measured", and evaluation.json, with those that it had before.

    Raises:
        ModelError: one of the models can't be loaded, or could not look.
        ConfigError: too few scenes.
    """
    finder, classifier = load_model(detector, device="cpu"), load_model(str(checkpoint), device="cpu")
    answers = ask_both(finder, classifier, scenes=scenes)
    figures: dict[str, object] = json.loads((checkpoint / SIDECAR_FILE).read_text(encoding="utf-8")).get("measured", {})
    halves = {
        coloured: [[a for a in answers if (a.coloured, a.scene % 2) == (coloured, half)] for half in (0, 1)]
        for coloured in (False, True)
    }
    fitted = {coloured: fit_fusion(fitting) for coloured, (fitting, _) in halves.items()}
    for coloured, (_, measuring) in halves.items():
        figures["coloured" if coloured else "nouns"] = {
            "detector_alone": measure_fusion(measuring, Weights((1.0, 0.0, 0.0))),
            "fused": measure_fusion(measuring, Weights(fitted[coloured].boxes)),
        }
    (fitting, measuring), weights = halves[False], fitted[False]
    figures["nouns"]["with_outlines"] = measure_fusion(measuring, weights)
    further_bias = fit_further(fitting, weights)
    figures["counts"] = {
        "further_bias_0": measure_counts(measuring, weights, 0.0),
        "further_bias": measure_counts(measuring, weights, further_bias),
    }
    sidecar = dataclasses.replace(
        Sidecar.read(checkpoint, name=checkpoint.name),
        fusion=weights.boxes,
        coloured_fusion=fitted[True].boxes,
        outline_fusion=weights.outlines,
        further_bias=further_bias,
    )
    sidecar.write(checkpoint, measured=figures, weighed_against=Path(find_model(detector).checkpoint).name)
    (checkpoint / "evaluation.json").write_text(json.dumps(figures, indent=1) + "\n", encoding="utf-8")
    return figures
