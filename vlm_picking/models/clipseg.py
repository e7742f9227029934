"""CLIPSeg (Lueddecke and Ecker 2022): the pixels that a phrase names.

One map of probabilities a phrase; what hangs together above a cut is one thing, its score the peak inside. The best
thing of every phrase is always there: its score, the peak of the whole map, says whether the phrase is present at all.
Things that touch are one to CLIPSeg, and its edges are soft: give its boxes to a `BoxSegmenter` where edges matter.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import cv2
import numpy as np
from scipy import ndimage

from vlm_picking.detections import Detections
from vlm_picking.errors import ModelError
from vlm_picking.models.base import Role
from vlm_picking.models.family import Family
from vlm_picking.models.loading import choose_device, choose_dtype, load_pretrained
from vlm_picking.models.memory import ImageMemory, TextMemory, checked_texts
from vlm_picking.models.pixels import PixelSpec, prepare
from vlm_picking.models.sidecar import Sidecar
from vlm_picking.models.tokens import load_tokenizer, tokenised

_CUT = 0.4  # a pixel belongs to a thing from this probability on, or from half of the phrase's peak where that is less
_MAX_THINGS = 20  # a phrase
_MIN_SHARE = 1e-4  # of the image's pixels; smaller specks are no things
_PHRASES_AT_ONCE = 32


@dataclass(frozen=True, eq=False)
class _Look:
    """Activations [(1, T, D)] of the image that the decoder reads, and what was found with them."""

    activations: list
    found: TextMemory[Detections] = field(default_factory=lambda: TextMemory(capacity=32))


class ClipSegmenter:
    """A `PhraseSegmenter` of the CLIPSeg family.

    Args:
        checkpoint: a directory as `save_pretrained` writes it, or "owner/name" on the hub.
        device: "auto", "cpu", "cuda" or "cuda:N".
        dtype: "float32", "bfloat16" or "float16".
        offline: never ask the hub.

    Raises:
        ModelError: the checkpoint, the device or the type can't be used.
    """

    def __init__(
        self, checkpoint: str | Path, *, device: str = "auto", dtype: str = "float32", offline: bool = False
    ) -> None:
        import torch
        from transformers import CLIPSegForImageSegmentation

        checkpoint = str(checkpoint)
        self._torch = torch
        self._device = choose_device(device)
        self._dtype = choose_dtype(dtype)
        model = load_pretrained(CLIPSegForImageSegmentation, checkpoint, offline=offline, dtype=self._dtype)
        self._model = model.to(self._device)
        text = self._model.config.text_config
        self._tokenizer = load_tokenizer(checkpoint, vocab_size=text.vocab_size, offline=offline, cls="CLIPTokenizer")
        self._max_tokens = int(text.max_position_embeddings)
        self._spec = PixelSpec.read(checkpoint, offline=offline, processor="ViTImageProcessorPil")
        self._sidecar = Sidecar.read(Path(checkpoint), name=Path(checkpoint).name)
        self._texts: TextMemory[object] = TextMemory()
        self._images: ImageMemory[_Look] = ImageMemory()

    @property
    def name(self) -> str:
        return self._sidecar.name

    def segment(self, rgb: np.ndarray, phrases: Sequence[str]) -> Detections:
        """See `PhraseSegmenter.segment`."""
        phrases = checked_texts(phrases)
        if not phrases:
            return Detections.empty()
        with self._torch.inference_mode():
            look = self._images.get(rgb, self._look)
            found = []
            for i in range(0, len(phrases), _PHRASES_AT_ONCE):
                some = phrases[i : i + _PHRASES_AT_ONCE]
                found += look.found.get(some, lambda new: self._find(look.activations, new, rgb.shape[:2]))
        return Detections.merge(found)

    def _look(self, rgb: np.ndarray) -> _Look:
        pixels = prepare(rgb, self._spec, device=self._device, dtype=self._dtype)
        seen = self._model.clip.get_image_features(pixels, output_hidden_states=True)
        return _Look([seen.hidden_states[layer + 1] for layer in self._model.extract_layers])

    def _find(self, activations: list, phrases: list[str], image_size: tuple[int, int]) -> list[Detections]:
        text = self._torch.stack(self._texts.get(phrases, self._read))
        maps = self._model.decoder(activations, text).logits.float().cpu().numpy()
        if not np.isfinite(maps).all():
            raise ModelError(f"{self.name} gave scores that are no numbers; with dtype float16 try float32")
        found = []
        for phrase, logits in zip(phrases, maps, strict=True):
            probability = cv2.resize(self._sidecar.probability(logits, phrase), image_size[::-1])
            found.append(things(probability, phrase, floor=self._sidecar.floor))
        return found

    def _read(self, phrases: list[str]):
        """Text embeddings (Q, D)."""
        prompts = [self._sidecar.prompt(phrase) for phrase in phrases]
        tokens = tokenised(self._tokenizer, prompts, max_tokens=self._max_tokens, model=self.name)
        return self._model.clip.get_text_features(**tokens.to(self._device)).pooler_output


def things(probability: np.ndarray, phrase: str, *, floor: float) -> Detections:
    """The connected pieces of a map (H, W) float32 of how likely each pixel shows what `phrase` names, best first.

    The piece with the highest peak is always there; others only from the score `floor` on.
    """
    n, pieces, stats, _ = cv2.connectedComponentsWithStats(
        (probability >= min(_CUT, float(probability.max()) / 2)).astype(np.uint8), connectivity=8
    )
    peaks = np.asarray(ndimage.maximum(probability, pieces, np.arange(1, n)))
    order = np.argsort(-peaks, kind="stable")
    large = stats[1:, cv2.CC_STAT_AREA] >= _MIN_SHARE * probability.size
    kept = order[((peaks[order] >= floor) & large[order]) | (np.arange(len(order)) == 0)][:_MAX_THINGS]
    x, y, width, height = stats[1 + kept, :4].T.astype(np.float32)
    return Detections(
        np.stack([x, y, x + width, y + height], axis=1),
        peaks[kept],
        np.array([phrase] * len(kept), dtype=object),
        mask=pieces[None] == (1 + kept)[:, None, None],
    )


FAMILY = Family(
    name="CLIPSeg",
    model_types=("clipseg",),
    roles=frozenset({Role.PHRASE_SEGMENTATION}),
    load=ClipSegmenter,
    licence="Apache-2.0",
    checkpoints={"CIDAS/clipseg-rd64-refined": "151 M", "CIDAS/clipseg-rd16": "150 M"},
    compiled=True,
)
