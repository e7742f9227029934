"""A recording of the simulated bin, as a depth camera's driver on a robot would have made it."""

from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from rosbags.interfaces import Qos, QosDurability, QosHistory, QosLiveliness, QosReliability, QosTime
from rosbags.rosbag2 import CompressionFormat, CompressionMode, StoragePlugin, Writer
from rosbags.typesys import Stores, get_typestore

from vlm_picking.errors import BagError
from vlm_picking.frame import RgbdFrame
from vlm_picking.frame_files import write_npz
from vlm_picking.sim.example import example_scene, example_view
from vlm_picking.sim.kinds import KINDS
from vlm_picking.sim.render import Rendered, SceneRenderer
from vlm_picking.sim.scene import Scene
from vlm_picking.sim.sensor import add_depth_noise, add_rgb_noise, depth_holes
from vlm_picking.sim.truth import frame_truth
from vlm_picking.sim.view import View
from vlm_picking.transform import Transform

CAMERA_FRAME = "camera_color_optical_frame"
COLOR, ALIGNED = "/camera/color", "/camera/aligned_depth_to_color"
# A fixed beginning keeps a recording the same byte by byte for a seed.
_START_NS = 1_760_000_000_000_000_000
_BAG_VERSION = 9
# Noise doesn't compress: these keep a frame below 350 kB.
_RGB_NOISE = 0.29
_DEPTH_NOISE_AT_1M = 0.0005


def record_bag(
    out: Path, *, seed: int = 0, seconds: float = 12.0, rate_hz: float = 2.0, frame_file: Path | None = None
) -> dict[str, Any]:
    """Write a bag (rosbag2 layout, MCAP in zstd chunks) of the example scene.

    It holds colour, depth aligned to it, their camera_info (equal stamps) and /tf_static: world to the
    camera's optical frame and to `bin`, the middle of the bin's floor.

    Args:
        out: folder to write; it must not exist yet.
        seconds, rate_hz: length [s] and frames a second; at least one frame is written.
        frame_file: where to store the first frame as .npz, too.

    Returns:
        The truth, ready for JSON: `objects` with kind, colour, box in the image and place in the bin, and the
        kinds that are `absent`.

    Raises:
        BagError: `out` exists already.
    """
    if out.exists():
        raise BagError(f"{out} exists already; remove it or choose another folder")
    scene, view = example_scene(seed), example_view()
    frames = max(1, round(seconds * rate_hz))
    stamps = [_START_NS + round(k * 1e9 / rate_hz) for k in range(frames)]
    with SceneRenderer(scene) as renderer:
        rendered = renderer.render(view)
    first = _write(out, _shots(rendered, stamps, seed=seed), view)
    if frame_file is not None:
        write_npz(frame_file, first)
    return _describe(scene, frame_truth(scene, rendered), frames=frames)


def _shots(rendered: Rendered, stamps_ns: list[int], *, seed: int) -> Iterator[RgbdFrame]:
    """The frames that a camera at rest takes: other noise in each, holes that stay."""
    rng = np.random.default_rng((seed, 3))
    holes = depth_holes(rendered.depth_m, rendered.rgb, rng)
    for stamp_ns in stamps_ns:
        rgb = add_rgb_noise(rendered.rgb, rng, sigma=_RGB_NOISE)
        depth = add_depth_noise(rendered.depth_m, rng, noise_at_1m=_DEPTH_NOISE_AT_1M)
        # Depth goes through whole millimetres, as the message carries it.
        depth = np.where(holes, np.float32(np.nan), np.round(depth * 1e3) * np.float32(1e-3))
        yield RgbdFrame(rgb, depth, rendered.camera, CAMERA_FRAME, stamp_ns)


def _write(out: Path, frames: Iterator[RgbdFrame], view: View) -> RgbdFrame:
    writer = Writer(out, version=_BAG_VERSION, storage_plugin=StoragePlugin.MCAP)
    writer.set_compression(CompressionMode.STORAGE, CompressionFormat.ZSTD)
    first = None
    with writer:
        channels = _Channels(writer)
        poses = {CAMERA_FRAME: view.world_from_camera, "bin": Transform.identity()}
        channels.transforms(poses, _START_NS)
        for frame in frames:
            first = first or frame
            channels.frame(frame)
    return first


class _Channels:
    """The bag's topics and how a frame becomes messages on them."""

    def __init__(self, writer: Writer) -> None:
        self._writer = writer
        self._store = get_typestore(Stores.ROS2_JAZZY)
        image, info = "sensor_msgs/msg/Image", "sensor_msgs/msg/CameraInfo"
        self._color = self._add(f"{COLOR}/image_raw", image)
        self._color_info = self._add(f"{COLOR}/camera_info", info)
        self._depth = self._add(f"{ALIGNED}/image_raw", image)
        self._depth_info = self._add(f"{ALIGNED}/camera_info", info)
        self._tf = self._add("/tf_static", "tf2_msgs/msg/TFMessage", latched=True)

    def frame(self, frame: RgbdFrame) -> None:
        millimetres = np.where(np.isnan(frame.depth_m), 0, np.round(frame.depth_m * 1e3)).astype("<u2")
        info = self._camera_info(frame)
        for connection, message in (
            (self._color_info, info),
            (self._depth_info, info),
            (self._color, self._image(frame, frame.rgb, "rgb8")),
            (self._depth, self._image(frame, millimetres, "16UC1")),
        ):
            self._send(connection, frame.stamp_ns, message)

    def transforms(self, world_from: dict[str, Transform], stamp_ns: int) -> None:
        make = self._type
        stamped = []
        for child, pose in world_from.items():
            place, turn = (float(v) for v in pose.translation_m), (float(v) for v in pose.quaternion_xyzw)
            moved = make("geometry_msgs/msg/Transform")(
                translation=make("geometry_msgs/msg/Vector3")(*place),
                rotation=make("geometry_msgs/msg/Quaternion")(*turn),
            )
            header = self._header("world", stamp_ns)
            stamped.append(make("geometry_msgs/msg/TransformStamped")(header, child, moved))
        self._send(self._tf, stamp_ns, make("tf2_msgs/msg/TFMessage")(stamped))

    def _image(self, frame: RgbdFrame, pixels: np.ndarray, encoding: str) -> Any:
        return self._type("sensor_msgs/msg/Image")(
            header=self._header(frame.frame_id, frame.stamp_ns),
            height=pixels.shape[0],
            width=pixels.shape[1],
            encoding=encoding,
            is_bigendian=0,
            step=pixels.strides[0],
            data=np.frombuffer(pixels.tobytes(), dtype=np.uint8),
        )

    def _camera_info(self, frame: RgbdFrame) -> Any:
        camera = frame.camera
        k = np.array([camera.fx, 0, camera.cx, 0, camera.fy, camera.cy, 0, 0, 1], dtype=np.float64)
        return self._type("sensor_msgs/msg/CameraInfo")(
            header=self._header(frame.frame_id, frame.stamp_ns),
            height=camera.height,
            width=camera.width,
            distortion_model="plumb_bob",
            d=np.zeros(5),
            k=k,
            r=np.eye(3).ravel(),
            p=np.column_stack([k.reshape(3, 3), np.zeros(3)]).ravel(),
            binning_x=0,
            binning_y=0,
            roi=self._type("sensor_msgs/msg/RegionOfInterest")(0, 0, 0, 0, False),
        )

    def _header(self, frame_id: str, stamp_ns: int) -> Any:
        time = self._type("builtin_interfaces/msg/Time")(*divmod(stamp_ns, 1_000_000_000))
        return self._type("std_msgs/msg/Header")(stamp=time, frame_id=frame_id)

    def _type(self, name: str) -> Any:
        return self._store.types[name]

    def _add(self, topic: str, msgtype: str, *, latched: bool = False) -> Any:
        qos = [_qos(latched)]
        return self._writer.add_connection(topic, msgtype, typestore=self._store, offered_qos_profiles=qos)

    def _send(self, connection: Any, stamp_ns: int, message: Any) -> None:
        self._writer.write(connection, stamp_ns, self._store.serialize_cdr(message, connection.msgtype))


def _qos(latched: bool) -> Qos:
    forever = QosTime(9_223_372_036, 854_775_807)
    return Qos(
        history=QosHistory.KEEP_LAST,
        depth=1 if latched else 10,
        reliability=QosReliability.RELIABLE,
        durability=QosDurability.TRANSIENT_LOCAL if latched else QosDurability.VOLATILE,
        deadline=forever,
        lifespan=forever,
        liveliness=QosLiveliness.AUTOMATIC,
        liveliness_lease_duration=forever,
        avoid_ros_namespace_conventions=False,
    )


def _describe(scene: Scene, truth, *, frames: int) -> dict[str, Any]:
    places = scene.positions_m()
    objects = [
        asdict(item) | {"world_m": [round(float(v), 4) for v in places[item.id - 1]]}
        for item in truth.objects
    ]
    kinds = {item["kind"] for item in objects}
    return {"frames": frames, "objects": objects, "absent": [name for name in KINDS if name not in kinds]}
