"""The first question to each model, which is the slow one: kernels are built and memory is taken then."""

import numpy as np

from vlm_picking.errors import ReplyError
from vlm_picking.frame import RgbdFrame
from vlm_picking.models.suite import ModelSuite


def warm_up(models: ModelSuite, frame: RgbdFrame) -> None:
    """Ask every model in every role about a frame.

    Raises:
        ModelError: a model can't look. A reply that can't be read is none: an empty picture invites odd ones.
    """
    rgb = frame.rgb
    height, width = rgb.shape[:2]
    middle = np.array([[width / 4, height / 4, width * 3 / 4, height * 3 / 4]], np.float32)
    asked = [
        (models.detector, lambda model: model.detect(rgb, ["object"])),
        (models.scorer, lambda model: model.presence(rgb, ["object"])),
        (models.answerer, lambda model: model.yes_probability([rgb], "Is there an object in the image?")),
        (models.captioner, lambda model: model.caption(rgb)),
        (models.phrase_segmenter, lambda model: model.segment(rgb, ["object"])),
        (models.box_segmenter, lambda model: model.masks(rgb, middle)),
        (models.classifier, lambda model: model.classify_boxes(frame, middle)),
    ]
    for model, ask in asked:
        if model is None:
            continue
        try:
            ask(model)
        except ReplyError:
            continue
