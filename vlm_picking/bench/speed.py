"""How long one new frame takes on one core, beside a plain forward pass of the same model."""

import time
from collections.abc import Callable, Sequence

import numpy as np

from vlm_picking.bench.scenes import EvaluationFrame
from vlm_picking.bench.subject import ORACLE, Subject

PHRASES = ("mug", "carton", "red apple", "screwdriver")
_WARM_UP = 2


def milliseconds(subject: Subject, frames: Sequence[EvaluationFrame]) -> dict[str, object]:
    """Medians over all but the first two `frames` [ms], one thread of torch and of OpenCV; None where none is left.

    `detect` is a new frame with the four PHRASES, whose embeddings are remembered; `question` a whole run of the
    pipeline, "is there a mug?", about a frame that it has not seen; `forward` the library's own model called once
    with the picture and the phrases in its own size, and `ratio` is detect / forward.
    """
    import cv2

    if subject.model == ORACLE or len(frames) <= _WARM_UP:
        return {"detect": None, "question": None, "forward": None, "ratio": None, "frames": 0}
    import torch

    detector = subject.detector(frames[0])
    threads = torch.get_num_threads(), cv2.getNumThreads()
    torch.set_num_threads(1)
    cv2.setNumThreads(1)
    try:
        forward = _forward(subject)
        detect = _median(lambda frame: detector.detect(frame.frame.rgb, PHRASES), frames)
        question = _median(lambda frame: subject.ask(frame, "is there a mug?"), frames)
        plain = None if forward is None else _median(lambda _: forward(), frames)
    finally:
        torch.set_num_threads(threads[0])
        cv2.setNumThreads(threads[1])
    return {
        "detect": detect,
        "question": question,
        "forward": plain,
        "ratio": None if plain is None else detect / plain,
        "frames": len(frames) - _WARM_UP,
    }


def _median(call: Callable[[EvaluationFrame], object], frames: Sequence[EvaluationFrame]) -> float:
    taken = []
    for frame in frames:
        start = time.perf_counter()
        call(frame)
        taken.append(1e3 * (time.perf_counter() - start))
    return float(np.median(taken[_WARM_UP:]))


def _forward(subject: Subject) -> Callable[[], object] | None:
    """A plain call of the OWL checkpoint as transformers loads it; None for other families."""
    import torch
    from transformers import AutoModelForZeroShotObjectDetection, CLIPTokenizer

    from vlm_picking.models.loading import load_pretrained
    from vlm_picking.models.registry import find_model
    from vlm_picking.models.sidecar import Sidecar

    source = find_model(subject.model, offline=subject.config.offline)
    if not {"owlvit", "owlv2"} & set(source.family.model_types):
        return None
    model = load_pretrained(AutoModelForZeroShotObjectDetection, source.checkpoint, offline=subject.config.offline)
    side = model.config.vision_config.image_size
    template = Sidecar.read(source.checkpoint, name=subject.model).prompt
    tokens = CLIPTokenizer.from_pretrained(source.checkpoint)(
        [template(phrase) for phrase in PHRASES], padding="longest", return_tensors="pt"
    )
    pixels = torch.zeros(1, 3, side, side)

    def call() -> object:
        with torch.inference_mode():
            return model(pixel_values=pixels, **tokens)

    return call
