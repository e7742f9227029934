"""Finding a checkpoint, and saying what is wrong with one in words that help."""

import json
import os
from collections.abc import Iterable
from importlib.util import find_spec
from pathlib import Path

from vlm_picking.errors import ModelError, did_you_mean

INSTALL = "pip install 'vlm_picking[models]'"
_WEIGHTS = ("model.safetensors", "model.safetensors.index.json", "pytorch_model.bin")


def require_transformers() -> None:
    """Raise ModelError, with the command that mends it, where torch or transformers is not installed."""
    for package in ("torch", "transformers"):
        if find_spec(package) is None:
            raise ModelError(f"{package} is not installed; models need it: {INSTALL}")


def require_packages(modules: Iterable[str], *, why: str) -> None:
    """Raise ModelError, naming what to install, where one of `modules` can't be imported; `why` needs them."""
    lacking = [module for module in modules if find_spec(module) is None]
    if lacking:
        raise ModelError(f"{why} needs {' and '.join(lacking)}: pip install {' '.join(lacking)}")


def choose_dtype(name: str):
    """The torch type called `name`; raises ModelError when it is none that models compute in."""
    import torch

    known = ("float32", "bfloat16", "float16")
    if name not in known:
        raise ModelError(f"unknown dtype {name!r}; {did_you_mean(name, known)}")
    return getattr(torch, name)


def read_config(checkpoint: str, *, offline: bool = False) -> dict:
    """The config.json of a local directory, or of a repository on the hub.

    Args:
        checkpoint: a directory, or "owner/name" on the hub.
        offline: look into the local cache only; so does HF_HUB_OFFLINE=1.

    Raises:
        ModelError: nothing there, or no model.
    """
    directory = Path(checkpoint).expanduser()
    if directory.is_dir():
        return _local_config(directory)
    if directory.exists():
        raise ModelError(f"{checkpoint} is a file; a model is a directory with config.json and model.safetensors")
    if str(checkpoint).startswith(("/", ".", "~")):
        raise ModelError(f"there is no directory {checkpoint}")
    require_transformers()
    from transformers import PretrainedConfig

    offline = offline or hub_is_offline()
    try:
        return PretrainedConfig.get_config_dict(checkpoint, local_files_only=offline)[0]
    except (OSError, ValueError) as error:
        if offline:
            fix = (
                "the hub is switched off (offline) and the model is not in the local cache; "
                "download it once with "
                f"`hf download {checkpoint}`, or give a local directory"
            )
        else:
            fix = "check the name and the network, give a local directory, or use the model 'embedded'"
        raise ModelError(f"can't load {checkpoint!r} from the hub: {fix} ({_first_line(error)})") from error


def hub_is_offline() -> bool:
    """Whether the environment forbids the hub."""
    return any(
        os.environ.get(key, "").upper() in ("1", "ON", "YES", "TRUE")
        for key in ("HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE")
    )


def load_pretrained(cls, checkpoint: str, *, offline: bool, **options):
    """`cls.from_pretrained`, refusing weights that do not fill the model: transformers would fill the gaps
    with noise.
    """
    from safetensors import SafetensorError
    from transformers.utils import logging

    bars = logging.is_progress_bar_enabled()
    logging.disable_progress_bar()
    try:
        model, report = cls.from_pretrained(
            checkpoint, local_files_only=offline or hub_is_offline(), output_loading_info=True, **options
        )
    except (OSError, ValueError, RuntimeError, KeyError, SafetensorError) as error:
        raise ModelError(f"can't load the weights of {checkpoint!r}: {_first_line(error)}") from error
    finally:
        if bars:
            logging.enable_progress_bar()
    lacking = sorted(report["missing_keys"]) + sorted(str(key) for key in report.get("mismatched_keys", ()))
    if lacking:
        raise ModelError(
            f"{checkpoint!r} lacks {len(lacking)} weights of {cls.__name__}, the first is {lacking[0]!r}: "
            "an incomplete download, or a checkpoint for something else"
        )
    return model.eval()


def choose_device(device: str) -> str:
    """ "auto", "cpu" or "cuda[:N]" to a torch device that is there.

    Raises:
        ModelError: no such device here.
    """
    import torch

    if device == "auto":
        return "cuda" if torch.cuda.is_available() else "cpu"
    kind, _, index = device.partition(":")
    if kind not in ("cpu", "cuda") or (index and not index.isdecimal()):
        raise ModelError(f"unknown device {device!r}; {did_you_mean(kind, ('auto', 'cpu', 'cuda'))}")
    if kind == "cuda" and not torch.cuda.is_available():
        built = torch.version.cuda is not None
        why = "no NVIDIA GPU or driver is visible" if built else "this torch was built without CUDA"
        raise ModelError(f"device {device!r} was asked for, but {why}; use 'cpu' or 'auto', or install torch with CUDA")
    if kind == "cuda" and index and int(index) >= torch.cuda.device_count():
        raise ModelError(f"device {device!r} was asked for, but there are {torch.cuda.device_count()} GPUs")
    return device


def _local_config(directory: Path) -> dict:
    lacking = [] if (directory / "config.json").exists() else ["config.json"]
    if not any((directory / name).exists() for name in _WEIGHTS):
        lacking.append("model.safetensors")
    if lacking:
        raise ModelError(
            f"{directory} is no model: it lacks {' and '.join(lacking)}; "
            "give a directory as `save_pretrained` writes it"
        )
    try:
        config = json.loads((directory / "config.json").read_text(encoding="utf-8"))
    except ValueError as error:
        raise ModelError(f"{directory / 'config.json'} is no JSON: {error}") from error
    if not isinstance(config, dict):
        raise ModelError(f"{directory / 'config.json'} holds no object")
    return config


def _first_line(error: Exception) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0]
