"""Settings of the pipeline: one model from which YAML files, ROS parameters and command lines are all checked."""

import math
from collections.abc import Mapping
from typing import Any, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from vlm_picking.errors import ConfigError, did_you_mean

AnySettings = TypeVar("AnySettings", bound="Settings")


class Settings(BaseModel):
    """Root of the settings: frozen, and a key that nobody knows is refused."""

    model_config = ConfigDict(frozen=True, extra="forbid", protected_namespaces=())

    @classmethod
    def from_mapping(cls: type[AnySettings], values: Mapping[str, Any]) -> AnySettings:
        """Check `values` and build the settings.

        Raises:
            ConfigError: one line a fault, each with the key, what is wrong, and the nearest known key where one is
                misspelt.
        """
        try:
            return cls(**values)
        except ValidationError as error:
            raise ConfigError("; ".join(cls._explain(fault) for fault in error.errors())) from error

    @classmethod
    def _explain(cls, fault: Mapping[str, Any]) -> str:
        key = ".".join(str(part) for part in fault["loc"])
        if fault["type"] == "extra_forbidden":
            return f"unknown setting '{key}'; {did_you_mean(key, cls.model_fields)}"
        message = fault["msg"].removeprefix("Value error, ")
        return f"setting '{key}' = {fault['input']!r}: {message}" if key else message


class PickingConfig(Settings):
    """What the pipeline does, with or without ROS."""

    model: str = Field(
        "embedded",
        min_length=1,
        description="The main model, for all that it can do: 'embedded', a checkpoint's directory, or a hub id "
        "(google/owlv2-base-patch16).",
    )
    detection_model: str = Field("", description="What says where things are; empty: the main model where it can.")
    similarity_model: str = Field(
        "", description="What compares the image with words, for presence and 'open or closed?'; empty: the main model."
    )
    answering_model: str = Field("", description="What answers free questions; empty: the main model where it can.")
    captioning_model: str = Field("", description="What describes the image; empty: the main model where it can.")
    segmentation_model: str = Field(
        "", description="What outlines detected things; empty: the main model where it can, else depth and colour."
    )
    classification_model: str = Field(
        "",
        description="What looks again at detected things, close up; empty: what the detector brings along, else the "
        "main model where it can; none: nobody.",
    )
    device: str = Field("auto", description="Where the models run: auto, cpu, cuda, cuda:0, ...")
    dtype: Literal["float32", "bfloat16", "float16"] = Field("float32", description="Precision of the models.")
    offline: bool = Field(False, description="Never reach for a model hub; fail at once and name what is missing.")
    history_frames: int = Field(
        4, ge=2, le=32, description="Most frames that a question about change goes with, the newest included."
    )
    history_interval_s: float = Field(
        0.5, ge=0, le=600, description="Least time between those frames, by their stamps."
    )
    tracking: bool = Field(True, description="Whether the objects of a standing prompt keep their ids over frames.")
    track_max_age_s: float = Field(
        3.0, gt=0, le=600, description="An object that was out of sight for longer comes back with another id."
    )
    presence_smoothing_s: float = Field(
        0.5,
        ge=0,
        le=60,
        description="Time constant by which a standing prompt's presence is smoothed over frames; 0: each for itself.",
    )
    present_threshold: float = Field(0.65, gt=0, le=1, description="A best score from here on means PRESENT.")
    absent_threshold: float = Field(
        0.2, ge=0, lt=1, description="A best score below it means ABSENT; between: UNCERTAIN."
    )
    grippers: tuple[str, ...] = Field(
        ("suction_30mm", "robotiq_2f85"), description="Grippers to plan for: names of shipped ones, or YAML files."
    )
    max_detections: int = Field(50, ge=1, le=1000, description="Keep at most this many detections, best first.")
    max_grasps: int = Field(30, ge=1, le=1000, description="Keep at most this many grasp candidates, best first.")
    max_grasps_per_object: int = Field(5, ge=1, le=100, description="Keep at most this many candidates for one object.")

    bin_pose: tuple[float, ...] = Field(
        (),
        description="Where the bin stands: x y z [m] and a quaternion x y z w of the middle of its floor, z out of the "
        "bin, x and y along its sides; in the camera's optical frame, or in the node's bin_frame. Empty: it is found "
        "in the depth.",
    )
    bin_inner_m: tuple[float, ...] = Field(
        (),
        description="Inner length along the bin's x, along its y, and height of its walls [m]; needed by bin_pose.",
    )

    @field_validator("bin_pose")
    @classmethod
    def _is_pose(cls, pose: tuple[float, ...]) -> tuple[float, ...]:
        if not pose:
            return pose
        if len(pose) != 7 or not all(map(math.isfinite, pose)):
            raise ValueError("a pose is seven finite numbers: x y z [m] and a quaternion x y z w")
        if abs(math.hypot(*pose[3:]) - 1) > 0.01:
            raise ValueError("its last four numbers are a quaternion x y z w of length 1; 0 0 0 1 is no turn")
        return pose

    @field_validator("bin_inner_m")
    @classmethod
    def _is_size(cls, size_m: tuple[float, ...]) -> tuple[float, ...]:
        good = len(size_m) == 3 and all(map(math.isfinite, size_m)) and min(size_m[:2]) > 0 and size_m[2] >= 0
        if size_m and not good:
            raise ValueError("a size is three numbers in metres: length and width above 0, height of the walls from 0")
        return size_m

    @model_validator(mode="after")
    def _pose_has_size(self) -> "PickingConfig":
        if self.bin_pose and not self.bin_inner_m:
            raise ValueError(
                "bin_pose needs bin_inner_m, the bin's inner length, width and height in metres; set it first"
            )
        return self

    @model_validator(mode="after")
    def _thresholds_in_order(self) -> "PickingConfig":
        if self.absent_threshold > self.present_threshold:
            raise ValueError(
                f"absent_threshold ({self.absent_threshold}) must not exceed "
                f"present_threshold ({self.present_threshold})"
            )
        return self
