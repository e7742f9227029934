"""sensor_msgs images <-> arrays: every encoding, padding, byte order, and what is refused."""

import array
import struct

import cv2
import numpy as np
import pytest
from sensor_msgs.msg import CompressedImage, Image
from std_msgs.msg import Header

from vlm_picking.errors import FrameError
from vlm_picking.image_messages import COLOR_ENCODINGS, DEPTH_ENCODINGS, decode_color, decode_depth
from vlm_picking.ros.conversions import image_to_msg

RNG = np.random.default_rng(0)
RGB = RNG.integers(0, 256, (6, 8, 3), dtype=np.uint8)
DEPTH_MM = RNG.integers(1, 60_000, (6, 8)).astype(np.uint16)


def message(data: bytes, encoding: str, *, width: int, height: int, step: int, big: bool = False) -> Image:
    pixels = array.array("B", data)
    return Image(width=width, height=height, encoding=encoding, step=step, is_bigendian=int(big), data=pixels)


def packed(encoding: str) -> np.ndarray:
    """RGB as the driver of a camera would pack it."""
    alpha = np.full((6, 8, 1), 7, np.uint8)
    return {
        "rgb8": RGB,
        "bgr8": RGB[..., ::-1],
        "rgba8": np.concatenate([RGB, alpha], axis=2),
        "bgra8": np.concatenate([RGB[..., ::-1], alpha], axis=2),
    }[encoding]


@pytest.mark.parametrize("encoding", ["rgb8", "bgr8", "rgba8", "bgra8"])
@pytest.mark.parametrize("padding", [0, 5])
def test_packed_colours_come_back_exactly(encoding, padding):
    pixels = np.ascontiguousarray(packed(encoding)).reshape(6, -1)
    rows = np.pad(pixels, ((0, 0), (0, padding)), constant_values=255)
    got = decode_color(message(rows.tobytes(), encoding, width=8, height=6, step=rows.shape[1]))
    assert got.dtype == np.uint8
    np.testing.assert_array_equal(got, RGB)


def test_mono8_gives_three_equal_channels():
    got = decode_color(message(RGB[..., 0].tobytes(), "mono8", width=8, height=6, step=8))
    np.testing.assert_array_equal(got, np.repeat(RGB[..., :1], 3, axis=2))


@pytest.mark.parametrize("encoding", ["bayer_rggb8", "bayer_bggr8", "bayer_gbrg8", "bayer_grbg8"])
def test_a_mosaic_of_one_colour_is_that_colour(encoding):
    colour = {"r": 200, "g": 120, "b": 30}
    pattern = np.array([colour[letter] for letter in encoding[6:10]], np.uint8).reshape(2, 2)
    got = decode_color(message(np.tile(pattern, (8, 8)).tobytes(), encoding, width=16, height=16, step=16))
    np.testing.assert_allclose(got[4:-4, 4:-4], np.broadcast_to([200, 120, 30], (8, 8, 3)), atol=1)


@pytest.mark.parametrize(
    ("encoding", "order"), [("yuv422", (1, 0)), ("uyvy", (1, 0)), ("yuyv", (0, 1)), ("yuv422_yuy2", (0, 1))]
)
def test_yuv_keeps_colours_apart(encoding, order):
    red = np.full((4, 8, 3), (200, 30, 40), np.uint8)
    y, u, v = 86, 107, 202  # that colour in BT.601, the range that cameras send
    pairs = np.array([[y, u], [y, v]], np.uint8)[:, order].ravel()
    got = decode_color(message(np.tile(pairs, (4, 4)).tobytes(), encoding, width=8, height=4, step=16))
    np.testing.assert_allclose(got.astype(int), red.astype(int), atol=12)


@pytest.mark.parametrize("big", [False, True], ids=["little", "big endian"])
@pytest.mark.parametrize("padding", [0, 6])
@pytest.mark.parametrize("encoding", ["16UC1", "mono16"])
def test_millimetres_become_metres(encoding, padding, big):
    rows = DEPTH_MM.astype(">u2" if big else "<u2").tobytes()
    rows = b"".join(rows[i : i + 16] + b"\xff" * padding for i in range(0, len(rows), 16))
    got = decode_depth(message(rows, encoding, width=8, height=6, step=16 + padding, big=big))
    np.testing.assert_allclose(got, DEPTH_MM / 1000, rtol=1e-6)


@pytest.mark.parametrize("big", [False, True], ids=["little", "big endian"])
def test_metres_stay_and_unknown_depth_is_nan(big):
    depth = np.array([[0.5, np.nan, 0.0], [np.inf, -1.0, 1.25]], np.float32)
    data = depth.astype(">f4" if big else "<f4").tobytes()
    got = decode_depth(message(data, "32FC1", width=3, height=2, step=12, big=big))
    np.testing.assert_array_equal(got, np.array([[0.5, np.nan, np.nan], [np.nan, np.nan, 1.25]], np.float32))


def test_the_last_row_may_lack_its_padding():
    rows = np.pad(RGB.reshape(6, -1), ((0, 0), (0, 8))).tobytes()[:-8]
    np.testing.assert_array_equal(decode_color(message(rows, "rgb8", width=8, height=6, step=32)), RGB)


@pytest.mark.parametrize(
    ("image", "encoding", "decoded"),
    [
        (RGB, "rgb8", RGB),
        (DEPTH_MM, "16UC1", DEPTH_MM / 1000),
        (DEPTH_MM.astype(np.float32), "32FC1", DEPTH_MM),
    ],
)
def test_what_is_written_is_read_again(image, encoding, decoded):
    written = image_to_msg(image, encoding, Header(frame_id="camera"))
    read = decode_color(written) if encoding == "rgb8" else decode_depth(written)
    np.testing.assert_allclose(read, decoded, rtol=1e-6)
    assert written.header.frame_id == "camera"


@pytest.mark.parametrize("suffix", [".png", ".jpg"])
def test_compressed_colour_is_rgb(suffix):
    red = np.zeros((32, 32, 3), np.uint8)
    red[:] = (220, 20, 30)
    data = array.array("B", cv2.imencode(suffix, red[..., ::-1])[1].tobytes())
    got = decode_color(CompressedImage(format=f"rgb8; {suffix[1:]} compressed bgr8", data=data))
    np.testing.assert_allclose(got.astype(int), red.astype(int), atol=6)


@pytest.mark.parametrize("transport", ["compressedDepth png", "png compressed"])
def test_compressed_depth_is_metres(transport):
    header = struct.pack("<iff", 0, 0.0, 0.0) if "Depth" in transport else b""
    data = array.array("B", header + cv2.imencode(".png", DEPTH_MM)[1].tobytes())
    got = decode_depth(CompressedImage(format=f"16UC1; {transport}", data=data))
    np.testing.assert_allclose(got, DEPTH_MM / 1000, rtol=1e-6)


REFUSED = {
    "unknown colour": (
        decode_color,
        message(b"\0" * 24, "rgb16", width=2, height=2, step=12),
        "rgb16.*known: rgb8",
    ),
    "depth on the colour topic": (
        decode_color,
        message(b"\0" * 8, "16UC1", width=2, height=2, step=4),
        "colour topic",
    ),
    "colour on the depth topic": (
        decode_depth,
        message(b"\0" * 12, "rgb8", width=2, height=2, step=6),
        "depth topic",
    ),
    "unknown depth": (decode_depth, message(b"\0" * 32, "64FC1", width=2, height=2, step=16), "64FC1.*16UC1"),
    "too little data": (
        decode_color,
        message(b"\0" * 11, "rgb8", width=2, height=2, step=6),
        "12 bytes.*holds 11",
    ),
    "rows too short": (decode_color, message(b"\0" * 12, "rgb8", width=2, height=2, step=5), "step says 5"),
    "no pixels": (decode_color, message(b"", "rgb8", width=0, height=0, step=0), "empty frame"),
    "odd width": (decode_color, message(b"\0" * 12, "yuyv", width=3, height=2, step=6), "even width"),
    "broken JPEG": (
        decode_color,
        CompressedImage(format="jpeg", data=array.array("B", b"abc")),
        "no JPEG or PNG",
    ),
    "empty JPEG": (decode_color, CompressedImage(format="jpeg"), "no JPEG or PNG"),
    "RVL": (decode_depth, CompressedImage(format="16UC1; compressedDepth rvl"), "rvl.*not supported"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_cannot_be_read_is_refused_by_name(case):
    decode, refused, words = REFUSED[case]
    with pytest.raises(FrameError, match=words):
        decode(refused)


def test_the_tables_cover_what_the_docs_promise():
    assert {"rgb8", "bgr8", "rgba8", "bgra8", "mono8", "bayer_rggb8", "yuv422"} <= set(COLOR_ENCODINGS)
    assert {"16UC1", "32FC1"} <= set(DEPTH_ENCODINGS)
