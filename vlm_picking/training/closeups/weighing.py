"""What a classifier's word counts beside a detector's: fitted, measured, and written into its sidecar."""

import dataclasses
import json
from pathlib import Path

from vlm_picking.models.registry import find_model, load_model
from vlm_picking.models.sidecar import SIDECAR_FILE, Sidecar
from vlm_picking.training.closeups.fusion import ask_both, fit_further, fit_fusion, measure_counts, measure_fusion


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
    weights = {}
    for key, coloured in (("fusion", False), ("coloured_fusion", True)):
        fitting, measuring = ([a for a in answers if a.coloured == coloured and a.scene % 2 == half] for half in (0, 1))
        weights[key], of_outlines = fit_fusion(fitting)
        measured = {
            "detector_alone": measure_fusion(measuring, (1.0, 0.0, 0.0)),
            "fused": measure_fusion(measuring, weights[key]),
        }
        if not coloured:
            weights["outline_fusion"] = of_outlines
            measured["with_outlines"] = measure_fusion(measuring, weights[key], of_outlines)
        figures["coloured" if coloured else "nouns"] = measured
    fitting, measuring = ([a for a in answers if not a.coloured and a.scene % 2 == half] for half in (0, 1))
    further_bias = fit_further(fitting, weights["fusion"])
    figures["counts"] = {
        "further_bias_0": measure_counts(measuring, weights["fusion"], 0.0),
        "further_bias": measure_counts(measuring, weights["fusion"], further_bias),
    }
    sidecar = dataclasses.replace(Sidecar.read(checkpoint, name=checkpoint.name), further_bias=further_bias, **weights)
    sidecar.write(checkpoint, measured=figures, weighed_against=Path(find_model(detector).checkpoint).name)
    (checkpoint / "evaluation.json").write_text(json.dumps(figures, indent=1) + "\n", encoding="utf-8")
    return figures
