"""Muon (Jordan et al. 2024): momentum whose matrix is made orthogonal before the step. It halves the images
that are needed.
"""

from collections import defaultdict

import torch

from vlm_picking.training.precision import fast_dtype


class Muon(torch.optim.Optimizer):
    """For the matrices of an encoder; everything else belongs to AdamW.

    Args:
        params: matrices, and kernels of convolutions (out, in, h, w), which count as matrices of `out` rows.
        lr: length of a step; times sqrt(max(1, rows / columns)).
        momentum: Nesterov momentum.
        weight_decay: decoupled, relative to the learning rate.
    """

    def __init__(self, params, *, lr: float = 0.012, momentum: float = 0.95, weight_decay: float = 0.01) -> None:
        super().__init__(params, {"lr": lr, "momentum": momentum, "weight_decay": weight_decay})

    @torch.no_grad()
    def step(self) -> None:
        for group in self.param_groups:
            same_shape = defaultdict(list)
            for p in group["params"]:
                if p.grad is not None:
                    same_shape[p.shape].append(p)
            for params in same_shape.values():
                updates = []
                for p in params:
                    buffer = self.state[p].setdefault("momentum", torch.zeros_like(p))
                    buffer.lerp_(p.grad, 1 - group["momentum"])
                    updates.append(p.grad.lerp(buffer, group["momentum"]).flatten(1))
                rows, columns = updates[0].shape
                step = group["lr"] * max(1.0, rows / columns) ** 0.5
                for p, update in zip(params, orthogonalise(torch.stack(updates)), strict=True):
                    p.mul_(1 - group["lr"] * group["weight_decay"])
                    p.add_(update.view_as(p), alpha=-step)


def orthogonalise(matrices: torch.Tensor, *, steps: int = 5) -> torch.Tensor:
    """The orthogonal factor of every matrix (N, R, C), roughly: a quintic Newton-Schulz iteration on the
    singular values.
    """
    a, b, c = 3.4445, -4.7750, 2.0315
    x = matrices.to(fast_dtype(matrices.device.type))  # the iteration forgives rounding
    x = x.transpose(1, 2) if matrices.shape[1] > matrices.shape[2] else x
    x = x / (x.norm(dim=(1, 2), keepdim=True) + 1e-7)
    for _ in range(steps):
        gram = x @ x.transpose(1, 2)
        x = a * x + (b * gram + c * gram @ gram) @ x
    return (x.transpose(1, 2) if matrices.shape[1] > matrices.shape[2] else x).to(matrices.dtype)
