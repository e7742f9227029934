"""What a model saw in a recording's frames, kept beside the recording, so that the next search costs nothing."""

import hashlib
import json
import os
import tempfile
import zipfile
from dataclasses import asdict, dataclass, field
from pathlib import Path

import numpy as np

_FORM = "1"


@dataclass(frozen=True, eq=False)
class Seen:
    """The boxes of one phrase in one frame: xyxy (N, 4) [px] and score (N,), best first; none means looked in vain."""

    xyxy: np.ndarray
    score: np.ndarray


@dataclass(frozen=True, kw_only=True)
class Order:
    """What a model is asked for an operator's words.

    Args:
        model: the model's name.
        phrases: what a detector looks for; empty by similarity.
        vector: the words as the model's vector, by similarity.
        doubts: what of the words nobody checks, as sentences.
    """

    model: str
    phrases: tuple[str, ...] = ()
    vector: tuple[float, ...] = ()
    doubts: tuple[str, ...] = ()


@dataclass(eq=False, kw_only=True)
class FindCache:
    """What is known of one recording by one model.

    Args:
        key: names the recording's files and the model's; what was kept under another key is not used.
        places: files to keep it in, the first that can be written.
        note: what was wrong with a cache that could not be used; empty where nothing was.
        stamps_ns: of all frames of the recording, in order; empty before it was first read.
        embeddings: stamp -> the image's vector (D,).
        boxes: phrase -> stamp -> what was seen.
        orders: the words that were searched for -> what the model was asked for them.
    """

    key: str
    places: tuple[Path, ...]
    note: str = ""
    stamps_ns: list[int] = field(default_factory=list)
    embeddings: dict[int, np.ndarray] = field(default_factory=dict)
    boxes: dict[str, dict[int, Seen]] = field(default_factory=dict)
    orders: dict[str, Order] = field(default_factory=dict)

    @classmethod
    def open(cls, bag: Path, model: str, *, checkpoint: str, dtype: str) -> "FindCache":
        """Read what there is for a recording and a model; what is missing, broken or out of date is empty.

        Args:
            checkpoint: the model's digest, of `checkpoint_digest`.
        """
        folder = bag if bag.is_dir() else bag.parent
        digest = _hash(_FORM, model, checkpoint, dtype, bag.name if bag.is_file() else "")[:20]
        user = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "vlm_picking" / "find"
        name = f"{digest}.npz"
        places = (folder / ".vlm_picking" / name, user / _hash(str(bag.resolve()))[:20] / name)
        cache = cls(key=_hash(_FORM, model, checkpoint, dtype, _recording(bag)), places=places)
        for place in places:
            if not place.is_file():
                continue
            try:
                cache._read(place)
                return cache
            except (OSError, ValueError, KeyError, TypeError, IndexError, EOFError, zipfile.BadZipFile) as error:
                cache = cls(key=cache.key, places=places)
                cache.note = f"the cache {place} could not be used ({error}) and is made anew"
        return cache

    def _read(self, place: Path) -> None:
        with np.load(place, allow_pickle=False) as kept:
            if str(kept["key"]) != self.key:
                raise ValueError("the recording changed")
            self.stamps_ns = [int(stamp) for stamp in kept["stamps_ns"]]
            vectors = kept["embeddings"]
            stamps = kept["embedded_ns"].tolist()
            self.embeddings = {stamp: vectors[i] for i, stamp in enumerate(stamps)}
            orders = json.loads(str(kept["orders"]))
            self.orders = {words: Order(**{k: _tupled(v) for k, v in o.items()}) for words, o in orders.items()}
            phrases, xyxy, score = kept["phrases"].tolist(), kept["xyxy"], kept["score"]
            for phrase, stamp, start, end in kept["looked"].tolist():
                self.boxes.setdefault(phrases[phrase], {})[stamp] = Seen(xyxy[start:end], score[start:end])

    @property
    def place(self) -> Path | None:
        """The file that it is in."""
        return next((place for place in self.places if place.is_file()), None)

    def save(self) -> Path | None:
        """Write it whole or not at all; gives the file, or None and a note where none can be written."""
        phrases, looked, parts = list(self.boxes), [], [Seen(np.zeros((0, 4), np.float32), np.zeros(0, np.float32))]
        end = 0
        for i, phrase in enumerate(phrases):
            for stamp, seen in self.boxes[phrase].items():
                looked.append((i, stamp, end, end + len(seen.score)))
                end += len(seen.score)
                parts.append(seen)
        arrays = {
            "key": np.array(self.key),
            "stamps_ns": np.array(self.stamps_ns, np.int64),
            "embedded_ns": np.array(list(self.embeddings), np.int64),
            "embeddings": np.array(list(self.embeddings.values()), np.float32),
            "phrases": np.array(phrases, dtype=np.str_),
            "orders": np.array(json.dumps({words: asdict(order) for words, order in self.orders.items()})),
            "looked": np.array(looked, np.int64).reshape(-1, 4),
            "xyxy": np.concatenate([part.xyxy for part in parts]),
            "score": np.concatenate([part.score for part in parts]),
        }
        faults = []
        for place in self.places:
            try:
                _write(place, arrays)
                return place
            except OSError as error:
                faults.append(str(error))
        self.note = f"what was seen could not be kept: {'; '.join(faults)}"
        return None


def checkpoint_digest(checkpoint: str) -> str:
    """A digest of a checkpoint's files; its name and commit on the hub; the address of a model on a server."""
    folder = Path(checkpoint).expanduser()
    if not folder.is_dir():
        if checkpoint.count("/") != 1:
            return checkpoint
        from huggingface_hub import try_to_load_from_cache

        # The folder of a cached file is named after the commit.
        config = try_to_load_from_cache(checkpoint, "config.json")
        return f"{checkpoint}@{Path(config).parent.name}" if isinstance(config, str) else checkpoint
    digest = hashlib.blake2b()
    for path in sorted(path for path in folder.iterdir() if path.is_file()):
        digest.update(path.name.encode())
        with path.open("rb") as file:
            while block := file.read(1 << 22):
                digest.update(block)
    return digest.hexdigest()


def _recording(bag: Path) -> str:
    files = sorted(path for path in bag.iterdir() if path.is_file()) if bag.is_dir() else [bag]
    return repr([(path.name, path.stat().st_size, path.stat().st_mtime_ns) for path in files])


def _write(place: Path, arrays: dict[str, np.ndarray]) -> None:
    place.parent.mkdir(parents=True, exist_ok=True)
    ignore = place.parent / ".gitignore"
    if not ignore.exists():
        ignore.write_text("*\n", encoding="utf-8")
    with tempfile.NamedTemporaryFile(dir=place.parent, suffix=".part", delete=False) as file:
        try:
            np.savez_compressed(file, **arrays)
        except BaseException:
            os.unlink(file.name)
            raise
    os.replace(file.name, place)


def _tupled(value: object) -> object:
    return tuple(value) if isinstance(value, list) else value


def _hash(*words: str) -> str:
    return hashlib.blake2b("\0".join(words).encode()).hexdigest()
