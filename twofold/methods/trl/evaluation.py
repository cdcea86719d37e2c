"""What do the replies to the evaluation problems show at one step of a training?

Each problem is asked told and untold, as an audit asks it, and counted by the code of an audit. The base
gets the same prompts with the same noise, so every later step is paired with it by problem.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from types import MappingProxyType
from typing import final

import numpy as np

from twofold.diagnostics.joint.obedience import Effects, changed, obedience
from twofold.diagnostics.joint.table import (
    Block,
    JointTable,
    scored_chance_corrected,
    scored_mean,
    scored_paired,
)
from twofold.methods.trl.reward import judged
from twofold.problems.conditions import asked
from twofold.scorers import Compliant, Correct, Product
from twofold.storage.jsonl import Row, dumps, read_lines, replaced
from twofold.storage.reading import Kind, kind_of
from twofold.types import Comparison, Estimate, Problem, Response, Scorer, Verdict

EVALUATED = "eval/"  # prefix of the keys in the trainer's log

# Logged at every evaluation, whatever could be scored.
TOKENS = f"{EVALUATED}tokens"

_SEED = 0  # of sign flips, whose p-values are not used here


@final
@dataclass(frozen=True)
class Replies:
    """One reply to each problem in each condition that it can be asked in, in the order of `asked`."""

    problems: Sequence[Problem]
    responses: Sequence[Response]

    @cached_property
    def _judged(self) -> list[tuple[str, Problem, Response, Verdict]]:
        conditions, problems = zip(*((c, p) for c, p, _ in asked(self.problems)), strict=True)
        verdicts = Product((Correct(), Compliant("all")))(problems, self.responses)
        return list(zip(conditions, problems, self.responses, verdicts, strict=True))

    def means(self, measures: Mapping[str, Scorer] = MappingProxyType({})) -> dict[str, float]:
        """The means over the replies to the usual prompts, with the constraints where there are any."""
        usual: dict[str, tuple[Problem, Response, Verdict]] = {}
        for _, problem, response, verdict in self._judged:  # those that were told come first
            usual.setdefault(problem.id, (problem, response, verdict))
        problems, responses, verdicts = zip(*usual.values(), strict=True)
        columns: dict[str, Sequence[Verdict]] = {"joint": verdicts}
        columns |= {n: [v.parts[n] for v in verdicts] for n in ("correct", "compliant_all")}
        columns |= {name: judged(scorer, problems, responses) for name, scorer in measures.items()}
        found: dict[str, float] = {}
        for name, column in columns.items():
            scores = [verdict.score for verdict in column if verdict.score is not None]
            if scores:
                found[f"{EVALUATED}{name}"] = sum(scores) / len(scores)
            if name in measures:  # a judge may fail where correctness does not
                found[f"{EVALUATED}{name}_unscored"] = 1 - len(scores) / len(column)
        found[f"{EVALUATED}unscored"] = sum(v.score is None for v in verdicts) / len(verdicts)
        tokens = [(r.n_thinking_tokens or 0) + (r.n_reply_tokens or 0) for r in responses]
        found[TOKENS] = sum(tokens) / len(responses)
        return found

    def rows(self) -> list[Row]:
        """The scores in the form of `joint.jsonl`."""
        found = []
        for condition, problem, response, verdict in self._judged:
            row: Row = {"role": "model", "condition": condition, "problem": problem.id, "sample": 0}
            row["finish_reason"] = response.finish_reason.value
            for key in ("n_thinking_tokens", "n_reply_tokens"):
                if getattr(response, key) is not None:
                    row[key] = getattr(response, key)
            if problem.answer is not None:
                row["correct"] = verdict.parts["correct"].score
            parts = verdict.parts["compliant_all"].parts
            scores = {k: parts[k].score if k in parts else None for k in problem.constraint_keys}
            found.append(row | {"parts": scores})
        return found


@final
@dataclass(frozen=True)
class Evaluation:
    """The scores at one step; rows of other problems (of another `--eval-problems`) are left out."""

    problems: Sequence[Problem]
    rows: Sequence[Row]

    def estimates(self) -> dict[str, Estimate]:
        """`accuracy`, `obedience` and `chance_corrected`, as in an audit; what was not scored is absent.

        Accuracy is that without constraints in the prompt, or with them if nothing was asked without.
        """
        right, effects = self._answered, self._effects
        found = {"accuracy": right and scored_mean(right.correct, right.problem)}
        if effects is not None and (caused := effects.difference()):
            told, untold = self._block("constrained"), self._block("unconstrained")
            found["obedience"] = caused
            if told is not None and untold is not None:
                corrected = scored_chance_corrected(*told.instances(), *untold.instances())
                found["chance_corrected"] = corrected
        return {name: each for name, each in found.items() if each is not None}

    def gains(self, base: "Evaluation") -> dict[str, Comparison]:
        """The gains over the base in `accuracy` and `obedience`, paired by problem."""
        found: dict[str, Comparison | None] = {}
        if (before := base._answered) is not None and (after := self._answered) is not None:
            problem, old, new = np.intersect1d(before.problem, after.problem, return_indices=True)
            sides = before.correct[old], after.correct[new]
            found["accuracy"] = scored_paired(*sides, problem, seed=_SEED)
        if base._effects is not None and self._effects is not None:
            found["obedience"] = changed(base._effects, self._effects, seed=_SEED)
        return {name: each for name, each in found.items() if each is not None}

    @cached_property
    def table(self) -> JointTable:
        """The scores in columns."""
        known = {problem.id for problem in self.problems}
        return JointTable.of(self.problems, (r for r in self.rows if r["problem"] in known))

    def _block(self, condition: str) -> Block | None:
        return self.table.block("model", condition)

    @property
    def _answered(self) -> Block | None:
        """The replies behind accuracy, to problems with a reference answer."""
        untold = self._block("unconstrained")
        block = self._block("constrained") if untold is None else untold
        return None if block is None else block.where(self.table.has_answer[block.problem])

    @cached_property
    def _effects(self) -> Effects | None:
        told, untold = self._block("constrained"), self._block("unconstrained")
        return None if told is None or untold is None else obedience(told, untold)


def logged(evaluation: Evaluation, base: Evaluation | None) -> dict[str, float]:
    """The estimates and the gains over the base (None: not known) as numbers of a log."""
    found = evaluation.estimates()
    if base is not None:
        gains = evaluation.gains(base)
        found |= {f"{name}_gain": gain.difference for name, gain in gains.items()}
    return {
        f"{EVALUATED}{name}{what}": number
        for name, each in found.items()
        for what, number in (
            ("", each.value),
            ("_low", each.low),
            ("_high", each.high),
            ("_n", each.n),
            ("_n_unscored", each.n_unscored),
        )
    }


def rows_file(out: Path, step: int) -> Path:
    """Where a run keeps the scores of a step, by problem."""
    return out / "evaluations" / f"joint.step-{step}.jsonl"


def write(out: Path, step: int, rows: Sequence[Row]) -> None:
    """Save the scores of a step, all or nothing, so that an evaluation that is repeated doubles none."""
    file = rows_file(out, step)
    file.parent.mkdir(exist_ok=True)
    with replaced(file) as lines:
        lines.writelines(dumps(row) + "\n" for row in rows)


def read(out: Path, step: int, problems: Sequence[Problem]) -> Evaluation | None:
    """The saved scores of a step; None if there are none, as in a run of an older version."""
    file = rows_file(out, step)
    return None if kind_of(file) is Kind.missing else Evaluation(problems, list(read_lines(file)))
