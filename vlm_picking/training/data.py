"""Rendered frames on disk: colour, instance map, and what each instance is."""

import json
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np


@dataclass(frozen=True)
class Thing:
    """One object of a frame.

    Args:
        kind: its kind; None for a distractor without a name.
        colour: its colour name; None where it has no single one.
        id: its value in the instance map.
        visible: the share of it that nothing covers, 0..1.
    """

    kind: str | None
    colour: str | None
    id: int
    visible: float


@dataclass(frozen=True)
class FrameFile:
    """Where a frame lies, what is in it, and the scene that it shows; frames of a scene look alike."""

    image: Path
    ids: Path
    things: tuple[Thing, ...]
    scene: int = 0

    def read(self) -> tuple[np.ndarray, np.ndarray]:
        """Colour (H, W, 3) uint8 RGB and instance map (H, W) uint8."""
        bgr = cv2.imread(str(self.image), cv2.IMREAD_COLOR)
        ids = cv2.imread(str(self.ids), cv2.IMREAD_UNCHANGED)
        if bgr is None or ids is None:
            raise FileNotFoundError(f"{self.image} or {self.ids} is missing or no image")
        return bgr[..., ::-1], ids


class FrameFolder:
    """The frames of a folder as `index*.jsonl` lists them; a renderer may still append while training reads.

    Args:
        root: holds images/, ids/ and one index file or several shards.
    """

    def __init__(self, root: Path) -> None:
        self.root = Path(root)
        self.frames: list[FrameFile] = []
        self._offset: dict[Path, int] = {}
        self.refresh()

    def refresh(self) -> int:
        """Take in the lines that were appended since the last call; returns how many frames there are now."""
        for shard in sorted(self.root.glob("index*.jsonl")):
            with shard.open("rb") as stream:
                stream.seek(self._offset.get(shard, 0))
                for line in stream:
                    if not line.endswith(b"\n"):  # the renderer is in the middle of it
                        break
                    self._offset[shard] = self._offset.get(shard, 0) + len(line)
                    self.frames.append(self._frame(json.loads(line)))
        return len(self.frames)

    def __len__(self) -> int:
        return len(self.frames)

    def _frame(self, entry: dict) -> FrameFile:
        things = (Thing(o["kind"], o.get("colour"), o["id"], o.get("visible", 1.0)) for o in entry["objects"])
        scene = int(entry.get("scene", 0))
        return FrameFile(self.root / entry["image"], self.root / entry["ids"], tuple(things), scene)
