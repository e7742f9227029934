"""`bench encode-once`: what 16 phrases cost beside one, and asking again about the same frame.

Weights don't change times, so families are measured on random weights of middling size (`enlarge`): the tiny
checkpoints of the conformance tests would only show the overhead of calls. The embedded model is measured as it ships.
"""

import json
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from vlm_picking.conformance.checks import tiny_checkpoints
from vlm_picking.models.registry import EMBEDDED, load_model

FAMILIES = ("owlvit", "owlv2", "clip", "siglip", "siglip2", "clipseg")
PHRASES = (
    *("mug", "can", "bolt", "wrench", "red apple", "blue ball", "green bottle", "yellow banana"),
    *("spoon", "carton", "grey pipe", "book", "black marker", "sponge", "white plate", "hammer"),
)
OTHERS = tuple(phrase.split()[-1] + " box" for phrase in PHRASES)
_IMAGE_PX, _PATCH_PX = 224, 16
_VISION = {"hidden_size": 384, "intermediate_size": 1536, "num_attention_heads": 6, "num_hidden_layers": 12}
_TEXT = {"hidden_size": 256, "intermediate_size": 1024, "num_attention_heads": 4, "num_hidden_layers": 4}

Ask = Callable[[np.ndarray, Sequence[str]], object]


def run_encode_once(*, repeats: int = 9, names: Sequence[str] = (EMBEDDED, *FAMILIES)) -> dict[str, object]:
    """Medians of `repeats` for each of `names`, one thread, on the CPU; see `measure`."""
    import torch
    from transformers.utils import logging

    tiny = {checkpoint.name: checkpoint for checkpoint in tiny_checkpoints()}
    threads, bars, verbosity = torch.get_num_threads(), logging.is_progress_bar_enabled(), logging.get_verbosity()
    torch.set_num_threads(1)
    logging.disable_progress_bar()
    logging.set_verbosity_error()
    try:
        found: dict[str, object] = {}
        for name in names:
            with TemporaryDirectory() as folder:
                if name != EMBEDDED:
                    enlarge(tiny[name].build(Path(folder)))
                model = load_model(name if name == EMBEDDED else folder, device="cpu", offline=True)
                found[name] = measure(asker(model), repeats=repeats)
    finally:
        torch.set_num_threads(threads)
        logging.set_verbosity(verbosity)
        if bars:
            logging.enable_progress_bar()
    rows = [row for row in found.values() if isinstance(row, dict)]
    return {
        "worst_ratio_16": max(row["ratio_16"] for row in rows),
        "worst_ratio_again": max(row["ratio_again"] for row in rows),
        "models": found,
        "repeats": repeats,
    }


def measure(ask: Ask, *, repeats: int) -> dict[str, float]:
    """What asking costs [ms], medians of `repeats` frames (480, 640, 3) of noise, and ratios of those.

    `first_ms` is one phrase about a new frame, `sixteen_ms` 16 about a new frame, `again_ms` another phrase about the
    frame of the first; the texts were all read before. `sixteen_new_ms` is 16 phrases that nobody has asked before:
    only in the first repeat are they new, so that it is one measurement.
    """
    rng = np.random.default_rng(0)
    first, sixteen, again = [], [], []
    _timed(ask, _frame(rng), PHRASES)
    for number in range(repeats + 1):
        one, many = _frame(rng), _frame(rng)
        phrase, other = PHRASES[number % len(PHRASES)], PHRASES[(number + 1) % len(PHRASES)]
        first.append(_timed(ask, one, (phrase,)))
        again.append(_timed(ask, one, (other,)))
        sixteen.append(_timed(ask, many, PHRASES))
    unread = _timed(ask, _frame(rng), OTHERS)
    one_ms, many_ms, again_ms = (float(np.median(taken[1:])) for taken in (first, sixteen, again))
    return {
        "first_ms": one_ms,
        "sixteen_ms": many_ms,
        "again_ms": again_ms,
        "sixteen_new_ms": unread,
        "ratio_16": many_ms / one_ms,
        "ratio_again": again_ms / one_ms,
        "ratio_16_new": unread / one_ms,
    }


def asker(model: object) -> Ask:
    """What a model is asked with phrases: boxes, presence, or masks."""
    for method in ("detect", "presence", "segment"):
        if hasattr(model, method):
            return getattr(model, method)
    raise TypeError(f"{type(model).__name__} takes no phrases")


def enlarge(directory: Path) -> None:
    """Make a tiny checkpoint of a family of two towers one of middling size: 224 px in patches of 16, 12 layers of 384
    for the picture, 4 of 256 for texts, about a third of a ViT-B/16.
    """
    import torch
    import transformers

    config = transformers.AutoConfig.from_pretrained(directory)
    for tower, sizes in ((config.vision_config, _VISION), (config.text_config, _TEXT)):
        for key, value in sizes.items():
            setattr(tower, key, value)
    config.vision_config.patch_size = _PATCH_PX
    patches = (_IMAGE_PX // _PATCH_PX) ** 2
    if hasattr(config.vision_config, "num_patches"):
        config.vision_config.num_patches = patches
    else:
        config.vision_config.image_size = _IMAGE_PX
    if hasattr(config.text_config, "projection_size"):
        config.text_config.projection_size = _VISION["hidden_size"]
    if hasattr(config, "projection_dim"):
        config.projection_dim = _TEXT["hidden_size"]
    torch.manual_seed(0)
    getattr(transformers, config.architectures[0])(config).eval().save_pretrained(directory)
    for path in (directory / "preprocessor_config.json", directory / "processor_config.json"):
        if path.exists():
            settings = json.loads(path.read_text(encoding="utf-8"))
            path.write_text(json.dumps(_resized(settings, patches)), encoding="utf-8")


def _resized(settings: object, patches: int) -> object:
    """Settings of an image processor for pictures of the larger model."""
    sizes = dict.fromkeys(("height", "width", "shortest_edge"), _IMAGE_PX)
    sizes |= {"max_num_patches": patches, "patch_size": _PATCH_PX}
    if not isinstance(settings, dict):
        return settings
    return {
        key: sizes[key] if key in sizes and isinstance(value, int) else _resized(value, patches)
        for key, value in settings.items()
    }


def _frame(rng: np.random.Generator) -> np.ndarray:
    return rng.integers(0, 256, (480, 640, 3), dtype=np.uint8)


def _timed(ask: Ask, rgb: np.ndarray, phrases: Sequence[str]) -> float:
    start = time.thread_time()
    ask(rgb, phrases)
    return 1e3 * (time.thread_time() - start)
