"""What an adapter remembers so that asking again is cheap: the last image or frame, and the texts of late."""

import hashlib
from collections import OrderedDict
from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

import numpy as np

from vlm_picking.errors import ModelError
from vlm_picking.frame import RgbdFrame

Value = TypeVar("Value")


def checked_image(rgb: np.ndarray) -> np.ndarray:
    """`rgb` as a contiguous (H, W, 3) uint8 array.

    Raises:
        ModelError: it is of another shape or type, or empty.
    """
    if rgb.ndim != 3 or rgb.shape[2] != 3 or rgb.dtype != np.uint8 or 0 in rgb.shape:
        raise ModelError(f"the image must be (H, W, 3) uint8, got {rgb.shape} {rgb.dtype}")
    return np.ascontiguousarray(rgb)


def checked_texts(texts: Sequence[str]) -> list[str]:
    """`texts` without repetitions, in order.

    Raises:
        ModelError: one of them is empty.
    """
    texts = list(dict.fromkeys(texts))
    if not all(text.strip() for text in texts):
        raise ModelError(f"an empty phrase names nothing: {texts}")
    return texts


class ImageMemory(Generic[Value]):
    """Remembers what was computed for the last image, told apart by its content."""

    def __init__(self) -> None:
        self._last: tuple[bytes, Value] | None = None

    def get(self, rgb: np.ndarray, compute: Callable[[np.ndarray], Value]) -> Value:
        """What `compute(rgb)` gave for this image; it is called only when the last image was another one.

        Raises:
            ModelError: `rgb` is no (H, W, 3) uint8 image.
        """
        rgb = checked_image(rgb)
        digest = hashlib.blake2b(rgb, digest_size=16, key=repr(rgb.shape).encode()).digest()
        if self._last is None or self._last[0] != digest:
            self._last = None  # not two images' features at a time: they may fill a GPU
            self._last = (digest, compute(rgb))
        return self._last[1]


class FrameMemory(Generic[Value]):
    """Keeps a value for the last frame, told apart by what it shows: colour, depth and camera."""

    def __init__(self) -> None:
        self._last: tuple[bytes, Value] | None = None

    def get(self, frame: RgbdFrame, begin: Callable[[], Value]) -> Value:
        """The value of this frame; `begin()` where the last frame was another one."""
        digest = hashlib.blake2b(repr(frame.camera).encode(), digest_size=16)
        for image in (frame.rgb, frame.depth_m):
            digest.update(np.ascontiguousarray(image))
        if self._last is None or self._last[0] != digest.digest():
            self._last = (digest.digest(), begin())
        return self._last[1]


class TextMemory(Generic[Value]):
    """Remembers what was computed for the texts that were used last."""

    def __init__(self, *, capacity: int = 512) -> None:
        self._capacity = capacity
        self._known: OrderedDict[str, Value] = OrderedDict()

    def get(self, texts: Sequence[str], compute: Callable[[list[str]], Sequence[Value]]) -> list[Value]:
        """A value a text; `compute` is called once with those that are not known."""
        new = [text for text in dict.fromkeys(texts) if text not in self._known]
        if new:
            self._known.update(zip(new, compute(new), strict=True))
        values = [self._known[text] for text in texts]
        for text in texts:
            self._known.move_to_end(text)
        while len(self._known) > self._capacity:
            self._known.popitem(last=False)
        return values
