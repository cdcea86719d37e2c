"""What does a finished audit or score say of its model under test?"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import final

import numpy as np

from twofold import problems as problem_files
from twofold.diagnostics.joint.table import JointTable
from twofold.errors import RunError, StatsError
from twofold.report.every_number import is_study
from twofold.report.findings import read_findings
from twofold.report.page import model_names
from twofold.report.study_file import (
    ACCURACY,
    CONSTRAINED_ACCURACY,
    HACC,
    JOINT,
    OBEDIENCE,
    TOKENS,
    Key,
)
from twofold.report.tables import floors
from twofold.stats import average
from twofold.storage.jsonl import Row, read_known
from twofold.storage.run_dir import RunDir
from twofold.types import Estimate, Finding, Measure, Problem

# The columns, each with the measures that it shows: the first that was taken.
COLUMNS: Mapping[str, Sequence[Key]] = {
    "accuracy": (ACCURACY, CONSTRAINED_ACCURACY),
    "compliance": (HACC,),
    "obedience": (OBEDIENCE,),
    "both": (JOINT,),
    "tokens": (TOKENS, ("tokens", "unconstrained")),
}


@final
@dataclass(frozen=True, kw_only=True)
class RunScores:
    """The scores of a run, and what decides whether another run is comparable.

    Args:
        name: The run's name among those that are compared.
        model: The model's name.
        identity: What the manifest binds the run to.
        problems: What was asked.
        rows: Those of `joint.jsonl` that are of the model.
        finding: The joint finding.
        lost: What was lost of its replies, as `findings.json` says.
    """

    name: str
    model: str
    identity: Row
    problems: Sequence[Problem]
    rows: Sequence[Row]  # of `joint.jsonl`
    finding: Finding
    lost: Mapping[str, object]

    @classmethod
    def read(cls, path: Path, name: str) -> RunScores:
        """The scores of the run in `path`; a `RunError` if it is a study or is not finished."""
        if is_study(path):
            raise RunError(
                f"{path} is a study, whose arms its own page compares; give one of its audits "
                f"({path}/arms/ARM/seed-SEED/SPLIT)"
            )
        run = RunDir(path)
        manifest = run.manifest()
        run.require("problems.jsonl", "joint.jsonl", "findings.json")
        findings, lost = read_findings(path / "findings.json")
        joint = [each for each in findings if each.diagnostic == "joint"]
        if not joint:
            raise RunError(f"{path} has no joint finding; `twofold report {path}` writes it again")
        problems = problem_files.read(path / "problems.jsonl", profile="fixed")
        rows = read_known(path / "joint.jsonl", {problem.id for problem in problems})
        return cls(
            name=name,
            model=model_names(manifest)["model"],
            identity=manifest["identity"],
            problems=problems,
            rows=[row for row in rows if row["role"] == "model"],
            finding=joint[0],
            lost=lost,
        )

    @cached_property
    def asked(self) -> Mapping[str, frozenset[str]]:
        """The problems asked in each condition."""
        found: dict[str, set[str]] = {}
        for row in self.rows:
            found.setdefault(row["condition"], set()).add(row["problem"])
        return {condition: frozenset(ids) for condition, ids in sorted(found.items())}

    @property
    def setting(self) -> Row | None:
        """How the replies were drawn; None if the run does not say."""
        sampling = self.identity.get("sampling")
        return (
            {**sampling, "samples": self.identity.get("n")} if isinstance(sampling, dict) else None
        )

    @property
    def checkers(self) -> set[str]:
        """The profiles of the checkers."""
        several, one = self.identity.get("profiles"), self.identity.get("profile")
        found = several if isinstance(several, list) else [one]
        return {str(each) for each in found if each}

    @property
    def tokenizer(self) -> str | None:
        """What tells tokenizers apart; None if the run does not say."""
        found: object = self.identity
        for key in ("models", "model", "tokenizer_sha256"):
            found = found.get(key) if isinstance(found, dict) else None
        return None if found is None else str(found)

    @cached_property
    def measures(self) -> Sequence[Measure]:
        """The first measure of each column that was taken."""
        return [found for keys in COLUMNS.values() if (found := self._first(keys))]

    def _first(self, keys: Sequence[Key]) -> Measure | None:
        for metric, condition in keys:
            found = self._estimate(metric, condition)
            if found is not None:
                return Measure(role=self.name, condition=condition, metric=metric, estimate=found)
        return None

    def floors(self) -> Iterator[Measure]:
        """What trivial replies score, for each measure that has floors."""
        for each in self.measures:
            for role, found in floors(self.finding, each.metric).items():
                yield replace(each, role=role, estimate=found)

    def _estimate(self, metric: str, condition: str) -> Estimate | None:
        if metric != "tokens":
            return self.finding.estimate(metric, condition=condition)
        block = JointTable.of(self.problems, self.rows).block("model", condition)
        if block is None:
            return None
        tokens = block.generated()
        known = ~np.isnan(tokens)
        try:
            return average(tokens[known], block.problem[known], n_unscored=int((~known).sum()))
        except StatsError:
            return None
