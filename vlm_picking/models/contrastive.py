"""What families with an image tower and a text tower side by side share: both give vectors, their products say how well
a text fits an image.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from vlm_picking.errors import ModelError
from vlm_picking.models.loading import choose_device, choose_dtype, load_pretrained
from vlm_picking.models.memory import ImageMemory, TextMemory, checked_texts
from vlm_picking.models.sidecar import Sidecar
from vlm_picking.models.tokens import load_tokenizer, tokenised


class ContrastiveModel:
    """The towers of a checkpoint; a family adds how a picture is prepared and what a similarity says of presence.

    Args:
        checkpoint: a directory, or "owner/name" on the hub.
        model_class, tokenizer_class: in transformers.
        full_length: texts are padded to the longest that the model reads, as it was trained.
        device, dtype, offline: as for `load_model`.

    Raises:
        ModelError: the checkpoint, the device or the type can't be used.
    """

    def __init__(
        self,
        checkpoint: str,
        *,
        model_class: str,
        tokenizer_class: str,
        full_length: bool,
        device: str,
        dtype: str,
        offline: bool,
    ) -> None:
        import torch
        import transformers

        self._torch = torch
        self._device = choose_device(device)
        self._dtype = choose_dtype(dtype)
        model = load_pretrained(getattr(transformers, model_class), checkpoint, offline=offline, dtype=self._dtype)
        self._model = model.to(self._device)
        text = self._model.config.text_config
        self._tokenizer = load_tokenizer(checkpoint, vocab_size=text.vocab_size, offline=offline, cls=tokenizer_class)
        self._max_tokens = int(text.max_position_embeddings)
        self._full_length = full_length
        self._scale = float(self._model.logit_scale.detach().float().exp())
        self._sidecar = Sidecar.read(Path(checkpoint), name=Path(checkpoint).name)
        self._images: ImageMemory[np.ndarray] = ImageMemory()
        self._texts: TextMemory[np.ndarray] = TextMemory()

    @property
    def name(self) -> str:
        return self._sidecar.name

    def embed_image(self, rgb: np.ndarray) -> np.ndarray:
        """See `ImageTextScorer.embed_image`."""
        return self._images.get(rgb, self._look)

    def embed_texts(self, texts: Sequence[str]) -> np.ndarray:
        """See `ImageTextScorer.embed_texts`; the texts are read as they are."""
        if not checked_texts(texts):
            raise ModelError("no text was given to embed")
        return np.stack(self._texts.get(texts, self._read))

    def classify(self, rgb: np.ndarray, labels: Sequence[str]) -> np.ndarray:
        """See `ImageTextScorer.classify`; each label is read after "a photo of"."""
        if not checked_texts(labels):
            raise ModelError("no labels were given to choose from")
        logits = self._logits(rgb, [f"a photo of {label}" for label in labels])
        odds = np.exp(logits - logits.max())
        return (odds / odds.sum()).astype(np.float32)

    def _logits(self, rgb: np.ndarray, texts: Sequence[str]) -> np.ndarray:
        """How well each text fits, (T,): the cosine times the model's own scale."""
        return self._scale * (self.embed_texts(texts) @ self.embed_image(rgb))

    def _look(self, rgb: np.ndarray) -> np.ndarray:
        with self._torch.inference_mode():
            features = self._model.get_image_features(**self._pixels(rgb)).pooler_output
        return self._unit(features)[0]

    def _read(self, texts: list[str]) -> np.ndarray:
        tokens = tokenised(
            self._tokenizer, texts, max_tokens=self._max_tokens, model=self.name, full_length=self._full_length
        )
        if self._full_length:
            tokens.pop("attention_mask", None)  # padding was read like any text in training
        with self._torch.inference_mode():
            features = self._model.get_text_features(**tokens.to(self._device)).pooler_output
        return self._unit(features)

    def _pixels(self, rgb: np.ndarray) -> dict[str, object]:
        """The image as arguments of the model's `get_image_features`."""
        raise NotImplementedError

    def _unit(self, features) -> np.ndarray:
        """Vectors (N, D) of length 1."""
        vectors = self._torch.nn.functional.normalize(features.float(), dim=-1).cpu().numpy()
        if not np.isfinite(vectors).all():
            raise ModelError(f"{self.name} gave features that are no numbers; with dtype float16 try float32")
        vectors.setflags(write=False)
        return vectors
