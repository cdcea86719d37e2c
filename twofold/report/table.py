"""How does a run become a table? One row for each measure and each comparison, for pandas and others.

The columns are those of `measures.csv` and `contrasts.csv`, under the same names.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from twofold.errors import RunError
from twofold.report import study_file
from twofold.report.findings import read_findings
from twofold.storage.jsonl import Row
from twofold.storage.reading import InputFile, Kind, kind_of
from twofold.types import Finding

if TYPE_CHECKING:
    import pandas
    import pyarrow

_TEXT, _NUMBER, _COUNT = "string", "Float64", "Int64"  # columns of pandas that know "missing"

# Every column and its kind, in order. Only `split` and `record` are in no CSV file of a run.
COLUMNS: Mapping[str, str] = {
    **dict.fromkeys(("split", "record", "diagnostic", "role", "versus"), _TEXT),
    **dict.fromkeys(("condition", "metric", "slice_by", "slice"), _TEXT),
    **dict.fromkeys(("value", "low", "high"), _NUMBER),
    **dict.fromkeys(("n", "n_unscored"), _COUNT),
    "level": _NUMBER,
    "method": _TEXT,
    **dict.fromkeys(("before", "after"), _NUMBER),
    **dict.fromkeys(("n_improved", "n_regressed"), _COUNT),
    **dict.fromkeys(("p", "p_adjusted", "minimum_detectable_effect"), _NUMBER),
    "test": _TEXT,
}

# What marks a Parquet file as ours.
_MARK = b"twofold"


class HasFindings(Protocol):
    """What `twofold.audit` and `twofold.score` return."""

    @property
    def findings(self) -> Sequence[Finding]:
        """One per diagnostic."""


Source = HasFindings | str | Path


def frame(source: Source) -> pandas.DataFrame:
    """The findings of a run as a data frame, one row for each measure and each comparison.

    `record` tells them apart. In the row of a comparison, `value`, `low`, `high` and `n` belong to the
    difference, `role` minus `versus`. What a record does not have is missing, never 0.

    Args:
        source: What `twofold.audit` returned, or the directory of an audit, a score or a study.

    Returns:
        The columns of `COLUMNS`. `split` is empty but in a study.

    Raises:
        RunError: If pandas is not installed, or the directory is no finished run.

    Example:
        >>> from twofold.stats import proportion
        >>> from twofold.types import Measure
        >>> right = Measure(role="model", metric="accuracy", estimate=proportion(3, 4))
        >>> class Result:
        ...     findings = (Finding(diagnostic="joint", question="?", measures=(right,)),)
        >>> frame(Result())[["metric", "value", "n"]].to_dict("records")
        [{'metric': 'accuracy', 'value': 0.75, 'n': 4}]
    """
    try:
        import pandas
    except ImportError as error:
        raise RunError(
            "a data frame needs pandas; pip install 'twofold[hub]', or read measures.csv"
        ) from error
    found = rows(source)
    return pandas.DataFrame(
        {name: pandas.array([r[name] for r in found], dtype=kind) for name, kind in COLUMNS.items()}
    )


def rows(source: Source) -> list[Row]:
    """The rows of `frame` with every column; None where a record has none. It needs no pandas."""
    empty: Row = dict.fromkeys(COLUMNS)
    return [
        empty | {"split": split, "record": record} | row
        for split, finding in findings_of(source)
        for record, each in (("measure", finding.rows()), ("comparison", finding.contrast_rows()))
        for row in each
    ]


def to_csv(source: Source) -> str:
    """The rows as CSV; an empty cell where a record has no such number."""
    text = io.StringIO()
    writer = csv.DictWriter(text, [*COLUMNS], lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows(source))
    return text.getvalue()


def to_parquet(source: Source) -> bytes:
    """The rows as a Parquet file; null where a record has no such number.

    Raises:
        RunError: If pyarrow is not installed, or the directory is no finished run.
    """
    pa, pq = _arrow()
    kinds = {_TEXT: pa.string(), _NUMBER: pa.float64(), _COUNT: pa.int64()}
    fields = [(name, kinds[kind]) for name, kind in COLUMNS.items()]
    schema = pa.schema(fields, metadata={_MARK: b"findings"})
    written = io.BytesIO()
    pq.write_table(pa.Table.from_pylist(rows(source), schema=schema), written)
    return written.getvalue()


def is_parquet_of_ours(path: Path) -> bool:
    """Whether a file is what `to_parquet` makes, and may be replaced."""
    pa, pq = _arrow()
    with InputFile(path).opened() as file:
        try:
            schema: pyarrow.Schema = pq.read_schema(file)
        except pa.ArrowInvalid:
            return False
    return _MARK in (schema.metadata or {})


def _arrow() -> tuple[Any, Any]:
    try:
        import pyarrow
        import pyarrow.parquet
    except ImportError as error:
        raise RunError(
            "Parquet needs pyarrow; pip install 'twofold[hub]', or take --format csv"
        ) from error
    return pyarrow, pyarrow.parquet


def findings_of(source: Source) -> Iterator[tuple[str, Finding]]:
    """The findings, each with the split that it is about."""
    if not isinstance(source, str | Path):
        yield from (("", each) for each in source.findings)
        return
    path = Path(source)
    if kind_of(path / study_file.NAME) is Kind.missing:
        yield from (("", each) for each in read_findings(path / "findings.json")[0])
        return
    study = study_file.read(path)
    for split in study.splits:
        yield split, study.finding(split)
    yield study.headline, study.diagnostics.finding()
    floors = Finding(
        diagnostic="floors", question="What do trivial replies score?", measures=study.floors
    )
    yield study.headline, floors
