import json

import cv2
import numpy as np
import pytest

pytest.importorskip("mujoco", reason="the simulator is an extra: pip install 'vlm_picking[sim]'")

from vlm_picking.sim.dataset import RenderJob, render_dataset


def _lines(folder):
    return [json.loads(line) for shard in sorted(folder.glob("index-*.jsonl")) for line in shard.open()]


@pytest.fixture(scope="module")
def rendered(tmp_path_factory):
    job = RenderJob(
        out=tmp_path_factory.mktemp("frames"), scenes=3, seed=40, views=2, width=192, height=144, workers=2
    )
    render_dataset(job)
    return job, _lines(job.out)


def test_every_scene_gives_every_view(rendered):
    _, lines = rendered
    assert sorted(line["scene"] for line in lines) == [40, 40, 41, 41, 42, 42]
    assert len({line["image"] for line in lines}) == 6


def test_labels_agree_with_the_id_maps(rendered):
    job, lines = rendered
    for line in lines:
        image, ids = (
            cv2.imread(str(job.out / line["image"])),
            cv2.imread(str(job.out / line["ids"]), cv2.IMREAD_UNCHANGED),
        )
        assert image.shape == (144, 192, 3) and ids.shape == (144, 192) and ids.dtype == np.uint8
        assert line["objects"]
        for item in line["objects"]:
            rows, columns = np.nonzero(ids == item["id"])
            assert item["xyxy"] == [columns.min(), rows.min(), columns.max() + 1, rows.max() + 1]
            assert 0 < item["visible"] <= 1


def test_a_second_run_adds_only_what_is_missing(rendered):
    job, lines = rendered
    render_dataset(RenderJob(**(vars(job) | {"scenes": 4})))
    scenes = [line["scene"] for line in _lines(job.out)]
    assert sorted(scenes) == [40, 40, 41, 41, 42, 42, 43, 43]


def test_unusual_shapes_are_rendered_where_they_are_asked_for(rendered, tmp_path):
    job, _ = rendered
    render_dataset(RenderJob(**(vars(job) | {"out": tmp_path, "scenes": 1, "views": 1, "workers": 1, "unusual": 1.0})))
    usual, unusual = (cv2.imread(str(out / "ids/000000.png"), cv2.IMREAD_UNCHANGED) for out in (job.out, tmp_path))
    assert unusual.max() > 0 and (usual != unusual).any()
