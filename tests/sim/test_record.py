import numpy as np
import pytest

pytest.importorskip("mujoco", reason="the simulator is an extra: pip install 'vlm_picking[sim]'")
pytest.importorskip("rosbags", reason="bags are an extra: pip install 'vlm_picking[bags]'")

import yaml
from rosbags.highlevel import AnyReader

from vlm_picking.bags import read_frames
from vlm_picking.errors import BagError
from vlm_picking.frame_files import read_npz
from vlm_picking.sim.record import record_bag


@pytest.fixture(scope="module")
def bag(tmp_path_factory):
    folder = tmp_path_factory.mktemp("record")
    truth = record_bag(folder / "bin", seed=0, seconds=2.0, rate_hz=2.0, frame_file=folder / "frame.npz")
    return folder / "bin", truth


def test_topics_types_and_qos_are_a_camera_drivers(bag):
    info = yaml.safe_load((bag[0] / "metadata.yaml").read_text())["rosbag2_bagfile_information"]
    topics = {
        entry["topic_metadata"]["name"]: (entry["topic_metadata"]["type"], entry["message_count"])
        for entry in info["topics_with_message_count"]
    }
    assert topics == {
        "/camera/color/image_raw": ("sensor_msgs/msg/Image", 4),
        "/camera/color/camera_info": ("sensor_msgs/msg/CameraInfo", 4),
        "/camera/aligned_depth_to_color/image_raw": ("sensor_msgs/msg/Image", 4),
        "/camera/aligned_depth_to_color/camera_info": ("sensor_msgs/msg/CameraInfo", 4),
        "/tf_static": ("tf2_msgs/msg/TFMessage", 1),
    }
    latched = next(
        e for e in info["topics_with_message_count"] if e["topic_metadata"]["name"] == "/tf_static"
    )
    assert latched["topic_metadata"]["offered_qos_profiles"][0]["durability"] == "transient_local"
    assert info["storage_identifier"] == "mcap"


def test_frames_come_back_with_equal_stamps_and_metric_depth(bag):
    frames = list(read_frames(bag[0]))
    assert len(frames) == 4
    assert np.diff([frame.stamp_ns for frame in frames]).tolist() == [500_000_000] * 3
    assert {frame.frame_id for frame in frames} == {"camera_color_optical_frame"}
    assert 0.85 < frames[0].valid_depth_share < 0.99
    assert 0.6 < np.nanmedian(frames[0].depth_m) < 1.0
    assert (frames[0].rgb != frames[1].rgb).any(), "a camera's frames differ by their noise"


def test_tf_places_the_camera_above_the_bin_looking_down(bag):
    with AnyReader([bag[0]]) as reader:
        (connection,) = [c for c in reader.connections if c.topic == "/tf_static"]
        _, _, raw = next(reader.messages([connection]))
        message = reader.deserialize(raw, connection.msgtype)
    poses = {entry.child_frame_id: entry for entry in message.transforms}
    assert set(poses) == {"camera_color_optical_frame", "bin"}
    assert {entry.header.frame_id for entry in message.transforms} == {"world"}
    assert 0.7 < poses["camera_color_optical_frame"].transform.translation.z < 1.0
    turn = poses["camera_color_optical_frame"].transform.rotation
    forward_z = 1 - 2 * (turn.x**2 + turn.y**2)
    assert forward_z < -0.95


def test_truth_tells_what_is_there_and_what_is_not(bag):
    truth = bag[1]
    seen = {(item["kind"], item["colour"]) for item in truth["objects"]}
    assert {("mug", "red"), ("mug", "blue"), ("apple", "red"), ("banana", "yellow"), ("can", "green")} <= seen
    assert "screwdriver" in truth["absent"]
    assert all(item["visible"] > 0.8 for item in truth["objects"])


def test_frame_file_is_the_first_frame(bag):
    stored, first = read_npz(bag[0].parent / "frame.npz"), next(read_frames(bag[0]))
    np.testing.assert_array_equal(stored.rgb, first.rgb)
    np.testing.assert_allclose(stored.depth_m, first.depth_m, atol=1e-6)
    assert (bag[0].parent / "frame.npz").stat().st_size < 1_000_000


def test_the_example_that_ships_stays_small(bag):
    # It holds 24 frames and has to stay below 12 MB.
    assert (bag[0] / "bin.mcap").stat().st_size / 4 * 24 < 12e6


def test_an_existing_folder_is_not_overwritten(bag):
    with pytest.raises(BagError, match="exists already"):
        record_bag(bag[0], seed=0, seconds=1.0, rate_hz=1.0)
