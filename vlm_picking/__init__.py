"""Language-prompted perception for bin picking: a frame and a sentence in; an answer and grasps out."""

__version__ = "0.1.0"
