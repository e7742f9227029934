"""Figures as JSON, as CSV and as tables for people."""

import csv
import json
from collections.abc import Mapping, Sequence
from pathlib import Path

from rich.console import Console
from rich.table import Table


def to_json(figures: Mapping[str, object]) -> str:
    """One JSON object; numbers rounded to five digits behind the point."""
    return json.dumps(_rounded(figures), indent=1)


def write_report(out: Path, name: str, figures: Mapping[str, object], rows: Sequence[Mapping[str, object]]) -> None:
    """Write NAME.json with the figures, NAME.csv with a row a question and NAME.txt with the table into `out`."""
    out.mkdir(parents=True, exist_ok=True)
    (out / f"{name}.json").write_text(to_json(figures) + "\n", encoding="utf-8")
    with (out / f"{name}.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, fieldnames=list(rows[0]) if rows else ["scene"])
        writer.writeheader()
        writer.writerows(rows)
    with (out / f"{name}.txt").open("w", encoding="utf-8") as file:
        print_tables(figures, Console(file=file, width=100))


def print_tables(figures: Mapping[str, object], console: Console) -> None:
    """A table of the single figures, and one for each group of figures."""
    plain = {key: value for key, value in figures.items() if not isinstance(value, Mapping)}
    table = Table("figure", "value", title=f"{figures.get('benchmark', '')} benchmark", title_justify="left")
    for key, value in plain.items():
        table.add_row(key, _text(value))
    console.print(table)
    for key, group in figures.items():
        if isinstance(group, Mapping) and group:
            console.print(_group_table(key, group))


def _group_table(title: str, group: Mapping[str, object]) -> Table:
    """A group as a table: a row a name; where the values are groups themselves, a column for each of their keys."""
    first = next(iter(group.values()))
    columns = list(first) if isinstance(first, Mapping) else ["value"]
    table = Table("", *columns, title=title, title_justify="left")
    for name, value in group.items():
        cells = value.values() if isinstance(value, Mapping) else (value,)
        table.add_row(name, *map(_text, cells))
    return table


def _text(value: object) -> str:
    if value is None:
        return "-"
    return f"{value:.3f}" if isinstance(value, float) else str(value)


def _rounded(value: object) -> object:
    if isinstance(value, Mapping):
        return {key: _rounded(entry) for key, entry in value.items()}
    if isinstance(value, list | tuple):
        return [_rounded(entry) for entry in value]
    return round(value, 5) if isinstance(value, float) else value
