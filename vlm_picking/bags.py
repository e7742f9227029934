"""Recorded bags (rosbag2: MCAP or SQLite) as frames, read without ROS through rosbags."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from vlm_picking.errors import BagError, FrameError
from vlm_picking.frame import RgbdFrame
from vlm_picking.image_messages import camera_from_info, decode_color, decode_depth

_IMAGE_TYPES = ("sensor_msgs/msg/Image", "sensor_msgs/msg/CompressedImage")
_INFO_TYPE = "sensor_msgs/msg/CameraInfo"
_PAIR_SLOP_NS = 20_000_000


@dataclass(frozen=True)
class BagTopics:
    """Which topics of a bag hold what."""

    color: str
    depth: str
    camera_info: str


def is_bag(path: Path) -> bool:
    """Whether `path` looks like a recording: a folder with metadata.yaml, or an .mcap, .db3 or .bag file."""
    return (path / "metadata.yaml").is_file() or path.suffix in (".mcap", ".db3", ".bag")


@contextmanager
def open_bag(path: Path) -> Iterator[Any]:
    """Open a bag with `rosbags.highlevel.AnyReader`; types that the bag does not define are ROS 2 Jazzy's.

    Raises:
        BagError: nothing readable is there; the message names the fix.
    """
    try:
        from rosbags.highlevel import AnyReader, AnyReaderError
        from rosbags.typesys import Stores, get_typestore
    except ImportError as error:
        raise BagError("reading bags needs rosbags: pip install 'vlm_picking[bags]'") from error
    if not path.exists():
        raise BagError(f"there is no bag at {path}")
    folder = path.parent if path.is_file() and (path.parent / "metadata.yaml").is_file() else path
    try:
        with AnyReader([folder], default_typestore=get_typestore(Stores.ROS2_JAZZY)) as reader:
            yield reader
    except AnyReaderError as error:
        raise BagError(
            f"{path} can't be read as a bag: {error}; `ros2 bag reindex` mends cut-off recordings"
        ) from error


def find_topics(reader: Any) -> BagTopics:
    """Find the colour and depth images of a bag and the camera_info of the depth, by type and by name.

    Raises:
        BagError: one is missing, or there are several; the message lists what the bag holds.
    """
    images = sorted({c.topic for c in reader.connections if c.msgtype in _IMAGE_TYPES})
    infos = sorted({c.topic for c in reader.connections if c.msgtype == _INFO_TYPE})
    held = f"the bag holds the images {images} and the camera_info {infos}"
    depths = [topic for topic in images if "depth" in topic]
    # Depth that was aligned to colour is what a frame needs; the raw stream beside it has another size.
    depths = [topic for topic in depths if "aligned" in topic] or depths
    colors = [topic for topic in images if "depth" not in topic and "infra" not in topic]
    for name, topics in (("depth", depths), ("colour", colors)):
        if len(topics) != 1:
            raise BagError(f"{len(topics)} {name} image topics where one is needed; {held}")
    folder = depths[0].rsplit("/", 1)[0]
    near = [topic for topic in infos if topic.rsplit("/", 1)[0] == folder] or infos
    if not near:
        raise BagError(f"no camera_info, so depth can't be turned into metres across; {held}")
    return BagTopics(colors[0], depths[0], near[0])


def read_frames(
    path: Path, *, start_s: float = 0.0, wanted: Callable[[int], bool] = lambda stamp_ns: True
) -> Iterator[RgbdFrame]:
    """Give the frames of a bag in order, from `start_s` [s] after its beginning.

    Colour and depth belong together when their stamps differ by at most 20 ms.

    Args:
        wanted: told every frame's stamp [ns] in order; those that it refuses are not decoded.

    Raises:
        BagError: the bag can't be read, lacks a stream, or no colour image has its depth.
        FrameError: an image can't be decoded, or sizes differ.
    """
    with open_bag(path) as reader:
        topics = find_topics(reader)
        streams = [c for c in reader.connections if c.topic in (topics.color, topics.depth, topics.camera_info)]
        waiting: dict[str, Any] = {}
        info = None
        given = 0
        for connection, stamp, raw in reader.messages(streams):
            message = reader.deserialize(raw, connection.msgtype)
            if connection.topic == topics.camera_info:
                info = camera_from_info(message)
            else:
                waiting[connection.topic] = message
            # The images of a bag's very first moment can come before the camera_info: they wait for it.
            if info is None or len(waiting) < 2:
                continue
            color, depth = waiting[topics.color], waiting[topics.depth]
            if abs(_stamp_ns(color) - _stamp_ns(depth)) > _PAIR_SLOP_NS:
                continue
            waiting.clear()
            if stamp < reader.start_time + start_s * 1e9:
                continue
            given += 1
            if not wanted(_stamp_ns(color)):
                continue
            yield RgbdFrame(decode_color(color), decode_depth(depth), info, color.header.frame_id, _stamp_ns(color))
        if not given:
            length_s = (reader.end_time - reader.start_time) / 1e9
            raise BagError(
                f"no frame from {start_s:g} s on: the bag is {length_s:.1f} s long, and colour and depth must be "
                f"stamped within {_PAIR_SLOP_NS / 1e6:g} ms of each other"
            )


def frame_at(path: Path, at_s: float) -> RgbdFrame:
    """The first frame of a bag from `at_s` [s] after its beginning on; raises as `read_frames` does."""
    if at_s < 0:
        raise BagError(f"--at counts seconds from the bag's beginning and can't be negative, got {at_s}")
    for frame in read_frames(path, start_s=at_s):
        return frame
    raise FrameError(f"{path} holds no frame")


def _stamp_ns(message: Any) -> int:
    return message.header.stamp.sec * 1_000_000_000 + message.header.stamp.nanosec
