"""Recordings: what is read from the example, and what is refused with the fix."""

from pathlib import Path

import numpy as np
import pytest
from rosbags.rosbag2 import StoragePlugin, Writer
from rosbags.typesys import Stores, get_typestore

from vlm_picking.bags import find_topics, frame_at, is_bag, open_bag, read_frames
from vlm_picking.errors import BagError, FrameError

EXAMPLE = Path(__file__).parents[1] / "examples" / "bin"
STORE = get_typestore(Stores.ROS2_JAZZY)
TYPES = STORE.types
RGB, DEPTH, INFO = "/cam/color/image_raw", "/cam/depth/image_raw", "/cam/depth/camera_info"


def header(stamp_ns):
    time = TYPES["builtin_interfaces/msg/Time"](sec=stamp_ns // 10**9, nanosec=stamp_ns % 10**9)
    return TYPES["std_msgs/msg/Header"](stamp=time, frame_id="cam_optical")


def image(stamp_ns, encoding, pixels):
    data = np.frombuffer(pixels.tobytes(), np.uint8)
    return TYPES["sensor_msgs/msg/Image"](
        header(stamp_ns), pixels.shape[0], pixels.shape[1], encoding, 0, pixels.strides[0], data
    )


def info(stamp_ns, *, fx=50.0, width=8, height=6):
    k = np.array([fx, 0, 3.5, 0, fx, 2.5, 0, 0, 1.0])
    region = TYPES["sensor_msgs/msg/RegionOfInterest"](0, 0, 0, 0, False)
    return TYPES["sensor_msgs/msg/CameraInfo"](
        header(stamp_ns), height, width, "plumb_bob", np.zeros(5), k, np.eye(3).ravel(), np.zeros(12), 0, 0, region
    )


def write(folder, messages):
    with Writer(folder, version=9, storage_plugin=StoragePlugin.MCAP) as writer:
        connections = {}
        for topic, stamp_ns, message in messages:
            if topic not in connections:
                connections[topic] = writer.add_connection(topic, message.__msgtype__, typestore=STORE)
            writer.write(connections[topic], stamp_ns, STORE.serialize_cdr(message, message.__msgtype__))
    return folder


COLOUR = np.full((6, 8, 3), (200, 100, 50), np.uint8)
MILLIMETRES = np.full((6, 8), 700, np.uint16)


def test_the_example_holds_whole_frames():
    frames = list(read_frames(EXAMPLE))
    assert len(frames) >= 10
    stamps = [frame.stamp_ns for frame in frames]
    assert stamps == sorted(stamps)
    for frame in (frames[0], frames[-1]):
        assert frame.rgb.shape == (480, 640, 3)
        assert 0.5 < frame.valid_depth_share < 1
        assert 0.4 < np.nanmedian(frame.depth_m) < 1.5
        assert frame.frame_id == "camera_color_optical_frame"


def test_a_moment_is_the_first_frame_from_then_on():
    first, later = frame_at(EXAMPLE, 0.0), frame_at(EXAMPLE, 3.0)
    assert 2.9e9 <= later.stamp_ns - first.stamp_ns < 4e9


def test_the_example_is_small_and_plays_on_any_ros():
    assert is_bag(EXAMPLE)
    assert sum(path.stat().st_size for path in EXAMPLE.iterdir()) < 12e6
    with open_bag(EXAMPLE) as reader:
        types = {connection.msgtype for connection in reader.connections}
    assert types == {"sensor_msgs/msg/Image", "sensor_msgs/msg/CameraInfo", "tf2_msgs/msg/TFMessage"}


def test_units_and_channels(tmp_path):
    bag = write(
        tmp_path / "bag",
        [
            (RGB, 5, image(5, "bgr8", COLOUR)),
            (DEPTH, 6, image(5, "16UC1", MILLIMETRES)),
            (INFO, 7, info(5)),
        ],
    )
    frame = frame_at(bag, 0.0)
    assert frame.rgb[0, 0].tolist() == [50, 100, 200]
    assert np.allclose(frame.depth_m, 0.7)
    assert (frame.camera.fx, frame.camera.cx, frame.frame_id, frame.stamp_ns) == (50.0, 3.5, "cam_optical", 5)


@pytest.mark.parametrize(
    ("messages", "error", "message"),
    [
        ([(RGB, 1, image(1, "rgb8", COLOUR)), (INFO, 1, info(1))], BagError, "0 depth image topics"),
        ([(DEPTH, 1, image(1, "16UC1", MILLIMETRES)), (INFO, 1, info(1))], BagError, "0 colour image topics"),
        ([(RGB, 1, image(1, "rgb8", COLOUR)), (DEPTH, 1, image(1, "16UC1", MILLIMETRES))], BagError, "no camera_info"),
        (
            [(INFO, 1, info(1)), (RGB, 1, image(1, "rgb8", COLOUR)), (DEPTH, 2, image(10**9, "16UC1", MILLIMETRES))],
            BagError,
            "within 20 ms",
        ),
        (
            [(INFO, 1, info(1)), (RGB, 1, image(1, "rgb8", COLOUR)), (DEPTH, 2, image(1, "8UC1", MILLIMETRES))],
            FrameError,
            "8UC1",
        ),
        (
            [
                (INFO, 1, info(1, fx=0.0)),
                (RGB, 1, image(1, "rgb8", COLOUR)),
                (DEPTH, 2, image(1, "16UC1", MILLIMETRES)),
            ],
            FrameError,
            "calibrate",
        ),
        (
            [
                (INFO, 1, info(1)),
                (RGB, 1, image(1, "rgb8", COLOUR)),
                (DEPTH, 2, image(1, "16UC1", MILLIMETRES[:3, :4].copy())),
            ],
            FrameError,
            "depth image is 4x3",
        ),
    ],
    ids=["no depth", "no colour", "no intrinsics", "unpaired", "encoding", "uncalibrated", "sizes"],
)
def test_a_bag_that_can_t_give_frames_says_why(tmp_path, messages, error, message):
    with pytest.raises(error, match=message):
        frame_at(write(tmp_path / "bag", messages), 0.0)


def test_a_moment_after_the_end_says_how_long_the_bag_is():
    with pytest.raises(BagError, match="s long"):
        frame_at(EXAMPLE, 1e4)


def test_two_cameras_are_not_chosen_between(tmp_path):
    bag = write(
        tmp_path / "bag",
        [(topic, 1, image(1, "rgb8", COLOUR)) for topic in (RGB, "/other/color")]
        + [(DEPTH, 1, image(1, "16UC1", MILLIMETRES)), (INFO, 1, info(1))],
    )
    with open_bag(bag) as reader, pytest.raises(BagError, match="2 colour image topics"):
        find_topics(reader)


def test_what_is_no_bag(tmp_path):
    with pytest.raises(BagError, match="no bag at"):
        frame_at(tmp_path / "nothing", 0.0)
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / "metadata.yaml").write_text("nonsense: [")
    with pytest.raises(BagError, match="can't be read"):
        frame_at(tmp_path / "broken", 0.0)
