"""`vlm-picking models`: which model families there are, whether they work here, and fetching a checkpoint."""

import json
import tempfile
from contextlib import nullcontext
from pathlib import Path
from typing import Annotated

import typer

from vlm_picking.errors import ModelError, did_you_mean
from vlm_picking.models.base import Role
from vlm_picking.models.family import Family
from vlm_picking.models.registry import families

_SHORT_ROLE = {
    Role.DETECTION: "detect",
    Role.SIMILARITY: "similarity",
    Role.ANSWERING: "answer",
    Role.CAPTIONING: "caption",
    Role.PHRASE_SEGMENTATION: "segment phrases",
    Role.BOX_SEGMENTATION: "segment boxes",
    Role.CLASSIFICATION: "classify boxes",
}


def models(
    names: Annotated[list[str] | None, typer.Argument(help="Tiny checkpoints for --check; all if none.")] = None,
    check: Annotated[bool, typer.Option("--check", help="Build a tiny checkpoint of every family and try it.")] = False,
    keep: Annotated[Path | None, typer.Option(help="Leave the tiny checkpoints of --check in this folder.")] = None,
    pull: Annotated[
        str | None, typer.Option(help="Fetch a checkpoint (owner/name) from the hub for offline use.")
    ] = None,
    device: Annotated[str, typer.Option(help="Where --check runs: cpu, cuda, auto.")] = "cpu",
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON array or object.")] = False,
) -> None:
    """List the model families; --check tries each on a tiny checkpoint (exit status 1 if one fails), --pull fetches."""
    if pull is not None and (check or keep or names):
        raise ModelError("--pull goes alone")
    if (keep or names) and not check:
        raise ModelError("names and --keep are for --check")
    if pull is not None:
        _pull(pull, as_json=as_json)
    elif check:
        raise typer.Exit(0 if _check(tuple(names or ()), keep, device=device, as_json=as_json) else 1)
    else:
        _list(as_json=as_json)


def family_table() -> list[dict[str, object]]:
    """A row a family: what `vlm-picking models --json` prints."""
    return [
        {
            "family": family.name,
            "model_types": list(family.model_types),
            "roles": [role.value for role in Role if role in family.roles],
            "licence": family.licence,
            "checkpoints": dict(family.checkpoints),
            "encode_once": family.encode_once,
            "compiled": family.compiled,
            "needs": list(family.needs),
        }
        for family in _each_family()
    ]


def _each_family() -> list[Family]:
    return sorted(
        {id(family): family for family in families().values()}.values(), key=lambda family: family.name.casefold()
    )


def _list(*, as_json: bool) -> None:
    if as_json:
        print(json.dumps(family_table(), indent=1))
        return
    from rich.console import Console
    from rich.table import Table

    table = Table(show_lines=True)
    for title, max_width in {"family": 20, "can": 20, "licence": 24}.items():
        table.add_column(title, max_width=max_width)
    table.add_column("usual checkpoints", overflow="fold")  # whole, to be copied
    for title in ("once", "compiled", "needs"):
        table.add_column(title)
    for family in _each_family():
        table.add_row(
            family.name,
            ", ".join(_SHORT_ROLE[role] for role in Role if role in family.roles),
            family.licence,
            "\n".join(f"{name} ({size})" for name, size in family.checkpoints.items()),
            "yes" if family.encode_once else "",
            "yes" if family.compiled else "",
            ", ".join(family.needs),
        )
    console = Console()
    if not console.is_terminal:
        console = Console(width=180)
    console.print(table)
    console.print("once: a further phrase about an image costs next to nothing.")
    console.print("compiled: torch.compile takes its vision tower.")
    console.print("Beside them there is 'embedded', the small model that ships with the package. See docs/models.md.")


def _check(names: tuple[str, ...], keep: Path | None, *, device: str, as_json: bool) -> bool:
    from vlm_picking.conformance.checks import Outcome, check_all, tiny_checkpoints
    from vlm_picking.models.loading import choose_device, require_transformers

    require_transformers()
    device = choose_device(device)
    known = [tiny.name for tiny in tiny_checkpoints()]
    for name in names:
        if name not in known:
            raise ModelError(f"there is no tiny checkpoint {name!r}; {did_you_mean(name, known)}")
    verdicts = []
    with nullcontext(keep) if keep else tempfile.TemporaryDirectory() as root:
        for verdict in check_all(Path(root), names, device=device):
            verdicts.append(verdict)
            if as_json:
                continue
            why = f"because {verdict.why}" if verdict.why else f"{verdict.seconds:.1f} s"
            print(f"{verdict.outcome.value:8} {verdict.name:18} {verdict.family:34} {why}", flush=True)
            for finding in verdict.findings:
                print(f"         {finding.rule}: {finding.why}", flush=True)
    if as_json:
        rows = [
            {
                "name": v.name,
                "family": v.family,
                "outcome": v.outcome.value,
                "findings": [{"rule": f.rule, "why": f.why} for f in v.findings],
                "why": v.why,
                "seconds": round(v.seconds, 2),
            }
            for v in verdicts
        ]
        print(json.dumps(rows, indent=1))
    else:
        counts = {outcome: sum(v.outcome is outcome for v in verdicts) for outcome in Outcome}
        print(", ".join(f"{n} {outcome.value}" for outcome, n in counts.items()))
        if keep:
            print(f"the checkpoints are in {keep}: vlm-picking ask FRAME 'is there a mug?' --model {keep / known[0]}")
    return all(verdict.outcome is not Outcome.FAILED for verdict in verdicts)


def _pull(checkpoint: str, *, as_json: bool) -> None:
    from vlm_picking.models.hub import fetch
    from vlm_picking.models.registry import ALIASES, EMBEDDED, find_model

    checkpoint = ALIASES.get(checkpoint, checkpoint)
    if checkpoint == EMBEDDED or Path(checkpoint).expanduser().is_dir():
        raise ModelError(f"{checkpoint} is on this machine already: use it with --model {checkpoint}")
    find_model(checkpoint)  # whether there is an adapter for it is known before the weights come
    fetched = fetch(checkpoint)
    if as_json:
        print(json.dumps({"checkpoint": checkpoint, "directory": str(fetched.directory), "bytes": fetched.n_bytes}))
        return
    print(f"{checkpoint}: {fetched.n_bytes / 1e6:,.1f} MB in {fetched.directory}")
    print(f"use it with: vlm-picking ask SOURCE SENTENCE --model {checkpoint} --offline")
