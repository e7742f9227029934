"""Settings of the node alone; those of the pipeline are in `vlm_picking.config`."""

from pydantic import Field, field_validator

from vlm_picking.config import Settings
from vlm_picking.errors import PromptError
from vlm_picking.models.suite import ROLES_OF_SETTING
from vlm_picking.prompt import parse_prompt


class NodeConfig(Settings):
    """How the node takes frames in and gives results out."""

    autostart: bool = Field(True, description="Configure and activate at start, without a lifecycle manager.")
    prompt: str = Field("", description="The standing prompt at start, answered on every frame; empty for none.")
    plan_standing: bool = Field(
        False, description="Plan grasps for the standing prompt even if it does not ask to pick."
    )
    target_frame: str = Field(
        "", description="TF frame of detections_3d and grasps; empty for the camera's optical frame."
    )
    bin_frame: str = Field("", description="TF frame that bin_pose is given in; empty for the camera's optical frame.")
    compressed: bool = Field(False, description="Take color/image/compressed and depth/image/compressedDepth.")
    reliable: bool = Field(
        False,
        description="Ask for lost images again, where the camera publishes reliably; best effort hears every camera.",
    )
    sync_slop_s: float = Field(
        0.02, ge=0, le=1, description="Largest difference between the stamps of colour and depth."
    )
    ask_timeout_s: float = Field(
        10.0, gt=0, le=600, description="Longest wait for an answer where a question names none."
    )
    max_rate_hz: float = Field(
        0.0,
        ge=0,
        le=1000,
        description="Most frames a second, by their stamps, for the standing prompt; 0: as many as it can.",
    )
    stale_after_s: float = Field(
        2.0,
        gt=0,
        le=600,
        description="Without a frame for so long, the standing prompt is answered with FAILED once a second.",
    )

    @field_validator("prompt")
    @classmethod
    def _readable(cls, prompt: str) -> str:
        try:
            if prompt.strip():
                parse_prompt(prompt)
        except PromptError as error:
            raise ValueError(str(error)) from error
        return prompt


# A change of these takes effect where they are read: at configure or activate.
NEEDS_CLEANUP = frozenset({"model", "device", "dtype", "offline", *ROLES_OF_SETTING})
NEEDS_DEACTIVATE = frozenset(
    {"bin_frame", "compressed", "reliable", "sync_slop_s", "target_frame", "history_frames", "history_interval_s"}
)
