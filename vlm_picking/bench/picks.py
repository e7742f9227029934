"""`bench picks`: episodes and their control of random grasps, the figures, and the failures to look at."""

import json
import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict
from statistics import median

from vlm_picking.bench.cells import episode_seed
from vlm_picking.bench.episodes import NOT_SEEN, SUCCESS, WRONG_OBJECT, Attempt, Episode
from vlm_picking.bench.films import Film, Filmed
from vlm_picking.bench.metrics import share, wilson_interval
from vlm_picking.bench.pool import Job, in_order

MOST_FILMS = 12


def run_picks(job: Job, *, episodes: int, seed: int, workers: int) -> list[tuple[Attempt, Attempt]]:
    """The planned and the random pick of each episode.

    Raises:
        ConfigError: no such seed, gripper or number of workers.
        ModelError: the model can't be loaded.
    """
    seeds = [episode_seed(seed, number) for number in range(episodes)]
    return list(in_order(_pair, job, seeds, workers=workers))


def film_failures(job: Job, attempts: Sequence[Attempt], *, workers: int) -> list[Filmed]:
    """Films of the first failures: they are run again, which gives the same on the same machine."""
    failed = [attempt.seed for attempt in attempts if attempt.result != SUCCESS]
    return list(in_order(_filmed, job, failed[:MOST_FILMS], workers=workers, label="films"))


def _pair(job: Job, seed: int) -> tuple[Attempt, Attempt]:
    episode = Episode(seed, job.grippers)
    return episode.planned(job.models()), episode.control()


def _filmed(job: Job, seed: int) -> Filmed:
    from vlm_picking.drawing import draw_result

    episode, film = Episode(seed, job.grippers), Film()
    try:
        attempt = episode.planned(job.models(), film)
    finally:
        film.close()
    return Filmed(
        name=f"{seed}-{attempt.kind}-{attempt.result}".replace(" ", "_"),
        caption=(
            f"{attempt.prompt}: {attempt.result}  {attempt.gripper}  seed {seed}",
            f"quality {attempt.quality:.2f} seal {attempt.seal:.2f} hit {attempt.collided or '-'}  {attempt.reason}",
        ),
        picture=draw_result(episode.shot.frame, episode.result, grippers=episode.grippers, max_grasps=1),
        frames=tuple(film.frames),
    )


def picks_figures(pairs: Sequence[tuple[Attempt, Attempt]]) -> dict[str, object]:
    """The figures of docs/benchmarks.md, as one JSON object."""
    planned, control = [pair[0] for pair in pairs], [pair[1] for pair in pairs]
    n = len(planned)
    took = [attempt.planning_ms for attempt in planned if math.isfinite(attempt.planning_ms)]
    sealable = [attempt for attempt in planned if attempt.has_seal]
    holdable = [attempt for attempt in planned if attempt.seal_holds]
    kinds = sorted({attempt.kind for attempt in planned})
    grippers = sorted({attempt.gripper for attempt in planned if attempt.gripper})
    return {
        **_success(planned),
        "wrong_object_rate": share(sum(attempt.result == WRONG_OBJECT for attempt in planned), n),
        "mistaken_rate": share(sum(a.result == WRONG_OBJECT and not a.brought for a in planned), n),
        "brought": _rate([attempt.brought for attempt in planned]),
        "no_grasp_rate": share(sum(not attempt.gripper for attempt in planned), n),
        "not_seen_rate": share(sum(attempt.result == NOT_SEEN for attempt in planned), n),
        "collision_rate": share(sum(bool(attempt.collided) for attempt in planned), n),
        "planning_ms_p50": median(took) if took else None,
        "has_seal_success_rate": _success(sealable)["success_rate"],
        "has_seal": _success(sealable),
        "seal_holds_success_rate": _success(holdable)["success_rate"],
        "seal_holds": _success(holdable),
        "failures": dict(Counter(a.result for a in planned if a.result != SUCCESS).most_common()),
        "control": _success(control),
        "control_failures": dict(Counter(a.result for a in control if a.result != SUCCESS).most_common()),
        "per_gripper": {name: _success([a for a in planned if a.gripper == name]) for name in grippers},
        "per_kind": {kind: _success([a for a in planned if a.kind == kind]) for kind in kinds},
    }


def picks_rows(pairs: Sequence[tuple[Attempt, Attempt]]) -> list[dict[str, object]]:
    """A row an attempt, planned and control, with every field of `Attempt`; groups as JSON."""
    return [_row(attempt) for pair in pairs for attempt in pair]


def _row(attempt: Attempt) -> dict[str, object]:
    row = asdict(attempt)
    return row | {name: json.dumps(row[name]) for name in ("held", "terms", "rejected")}


def _success(attempts: Sequence[Attempt]) -> dict[str, object]:
    return _rate([attempt.result == SUCCESS for attempt in attempts])


def _rate(hit: Sequence[bool]) -> dict[str, object]:
    hits, n = sum(hit), len(hit)
    return {"success_rate": share(hits, n), "ci95": wilson_interval(hits, n), "n": n}
