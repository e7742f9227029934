"""From small views to large ones: what a small view teaches costs less there."""

from dataclasses import dataclass

from vlm_picking.training.network import IMAGE_PX

COARSE_PX, MIDDLE_PX = 192, 256


@dataclass(frozen=True, kw_only=True)
class Schedule:
    """Sides of the views over a training.

    Args:
        batch: views a step and worker at MIDDLE_PX; more of the small ones, fewer of the large.
        coarse_share: the share of the time that is spent on views of COARSE_PX first.
        fine_share: the share of the time that is spent on views of IMAGE_PX, the detector's own size, last.
    """

    batch: int = 16
    coarse_share: float = 0.3
    fine_share: float = 0.2

    @classmethod
    def going_on(cls, *, batch: int) -> "Schedule":
        """For weights that were trained before: small views have nothing to teach them any more."""
        return cls(batch=batch, coarse_share=0.0, fine_share=0.4)

    def views(self, progress: float) -> tuple[int, int]:
        """Side of the views [px], and how many a step and worker, `progress` (0..1) through the training."""
        size = MIDDLE_PX
        if progress < self.coarse_share:
            size = COARSE_PX
        elif progress >= 1 - self.fine_share:
            size = IMAGE_PX
        return size, max(1, round(self.batch * (MIDDLE_PX / size) ** 2))
