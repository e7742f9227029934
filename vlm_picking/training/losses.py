"""Focal loss for the words, cross entropy between kinds, L1 and generalised IoU for the boxes."""

import torch
from torch.nn import functional


def focal_loss(
    logits: torch.Tensor,
    positive: torch.Tensor,
    ignored: torch.Tensor,
    weight: torch.Tensor,
    *,
    alpha: float = 0.4,
    gamma: float = 2.0,
):
    """Sigmoid focal loss (Lin et al. 2017), summed over what is not ignored, for each (weighted) positive.

    Args:
        logits: (B, P, Q).
        positive, ignored: (B, P, Q) bool; positive wins where both are set.
        weight: (B, P) how much a patch counts where it is positive.
        alpha: weight of the positives; negatives weigh 1 - alpha.
    """
    target = positive.to(logits.dtype)
    probability = logits.sigmoid()
    miss = torch.where(positive, 1 - probability, probability)
    right = weight[..., None] * positive
    balance = alpha * right + (1 - alpha) * (~positive & ~ignored)
    loss = functional.binary_cross_entropy_with_logits(logits, target, reduction="none")
    return (loss * miss**gamma * balance).sum() / right.sum().clamp(min=1)


def kind_loss(logits: torch.Tensor, kind: torch.Tensor, weight: torch.Tensor) -> torch.Tensor:
    """Cross entropy between kinds where a patch shall fire: look-alikes are told apart by who scores more.

    Args:
        logits: (B, P, K), one column a kind.
        kind: (B, P) the right column, -1 where none is.
        weight: (B, P) how much a patch counts.
    """
    asked = kind >= 0
    if not asked.any():
        return logits.sum() * 0
    loss = functional.cross_entropy(logits[asked], kind[asked], reduction="none")
    return (loss * weight[asked]).sum() / weight[asked].sum()


def box_losses(
    predicted: torch.Tensor, wanted: torch.Tensor, weight: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor]:
    """L1 and 1 - generalised IoU (Rezatofighi et al. 2019) of N pairs of (N, 4) cxcywh boxes, as means
    weighted by `weight` (N,).
    """
    if not len(predicted):
        return predicted.sum(), predicted.sum()
    weight = weight / weight.sum()
    l1 = ((predicted - wanted).abs().sum(-1) * weight).sum()
    a, b = _corners(predicted), _corners(wanted)
    overlap = (torch.minimum(a[:, 2:], b[:, 2:]) - torch.maximum(a[:, :2], b[:, :2])).clamp(min=0).prod(-1)
    union = (a[:, 2:] - a[:, :2]).prod(-1) + (b[:, 2:] - b[:, :2]).prod(-1) - overlap
    hull = (torch.maximum(a[:, 2:], b[:, 2:]) - torch.minimum(a[:, :2], b[:, :2])).prod(-1)
    giou = overlap / (union + 1e-7) - (hull - union) / (hull + 1e-7)
    return l1, ((1 - giou) * weight).sum()


def _corners(cxcywh: torch.Tensor) -> torch.Tensor:
    centre, half = cxcywh[:, :2], cxcywh[:, 2:] / 2
    return torch.cat([centre - half, centre + half], dim=-1)
