"""The mean of a run's weights and of those that it began with often knows more than either (WiSE-FT, Wortsman et al.
2022).
"""

from collections.abc import Mapping

import torch


@torch.no_grad()
def mix(model, theirs: Mapping[str, torch.Tensor], share: float) -> None:
    """Move the weights of `model`, and what its norms remember, towards those of the same name by `share` (0..1)."""
    for name, value in model.state_dict().items():
        if value.dtype.is_floating_point:
            value.lerp_(theirs[name].to(value.device), share)
