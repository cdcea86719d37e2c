"""Audit a model, or a model against its base: sample, judge, analyse, each saved before the next.

The spine of the package. Sampling is slow and appended item by item; everything after it is remade
from the saved responses, so that the same command after `kill -9` ends with the same result.
"""

from __future__ import annotations

import os
import platform
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from importlib.metadata import PackageNotFoundError, version
from itertools import chain
from pathlib import Path
from typing import Any, final

from tqdm import tqdm

from twofold import problems as problem_files
from twofold.diagnostics import Diagnostic, ScoredResponse, Subject
from twofold.diagnostics.joint import table
from twofold.errors import ProblemError
from twofold.runs.finalize import RunResult, finalize
from twofold.runs.score_responses import ResponseScores, floor_answers
from twofold.storage.jsonl import Row, read_lines
from twofold.storage.run_dir import RunDir
from twofold.types import Item, Message, Model, OpenModel, Problem, Response, Sampling, Share

PACKAGES = ("torch", "transformers", "tokenizers", "numpy", "scipy", "math-verify", "langdetect")
CONDITIONS = ("constrained", "unconstrained")
SKIPPED = "*"
NO_WEIGHTS = (
    "left out, since its weights are behind a server; audit the checkpoint itself (a Hugging Face "
    "folder or an adapter) to have this measured"
)


def audit(
    model: Model,
    problems: Sequence[Problem],
    *,
    out: Path | str,
    baseline: Model | None = None,
    sampling: Sampling = Sampling(),
    n: int = 1,
    seed: int = 0,
    diagnostics: Sequence[Diagnostic] = (),
) -> RunResult | None:
    r"""Measure capability and compliance of a model, and their change against a base.

    Both models answer the same problems with the same prompt text, budget and seed; each problem
    is asked with its constraints stated and, where that is possible, without.

    Args:
        model: The model under test ("after").
        problems: What to ask. A problem that stands there twice is asked once.
        out: The run directory. The same call again resumes it; another call is refused.
        baseline: The base ("before").
        sampling: How tokens are drawn.
        n: Samples a problem and condition, at least 1.
        seed: Base of all randomness.
        diagnostics: What else is asked of the models; more can be asked of a finished run.

    Returns:
        The findings; None in a process of an `accelerate launch` that is not the first.

    Raises:
        ProblemError: If there is nothing to ask.
        ModelError: If a model cannot work at all.
        RunError: If `out` holds another run, is corrupt, or the disk is full.

    Example:
        >>> import tempfile
        >>> from twofold.models.scripted import ScriptedModel
        >>> from twofold.constraints import from_spec
        >>> model = ScriptedModel(lambda prompt, sample: r"It is \boxed{4}.")
        >>> no_comma = from_spec("punctuation:no_comma", None, profile="fixed")
        >>> asked = [Problem(question="What is 2 + 2?", answer="4", constraints=(no_comma,))]
        >>> result = audit(model, asked, out=tempfile.mkdtemp())
        >>> result.findings[0].estimate("joint", condition="constrained").value
        1.0
    """
    unique = list({problem.id: problem for problem in problems}.values())
    if not unique:
        raise ProblemError("there is no problem to ask; give a file or suite with at least one row")
    run = _Run(
        problems=unique,
        models={"model": model} | ({"baseline": baseline} if baseline is not None else {}),
        sampling=sampling,
        n=n,
        seed=seed,
        diagnostics=diagnostics,
        share=Share(int(os.environ.get("RANK", "0")), int(os.environ.get("WORLD_SIZE", "1"))),
    )
    return run.go(Path(out))


@final
@dataclass(frozen=True, kw_only=True)
class _Run:
    problems: Sequence[Problem]
    models: Mapping[str, Model]
    sampling: Sampling
    n: int
    seed: int
    diagnostics: Sequence[Diagnostic]
    share: Share
    together: Callable[[], None] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "together", _meeting_point(self.share))

    def go(self, out: Path) -> RunResult | None:
        identity = self.identity()
        if self.share.rank == 0:
            with RunDir.open(
                out, identity, about(self.models) | {"processes": self.share.world}
            ) as run:
                problem_files.write(run.path / "problems.jsonl", self.problems)
                self.together()
                self.collect(run)
                self.together()
                run.absorb()
                self.judge(run)
                self.diagnose(run)
            return finalize(out, self.diagnostics)
        self.together()
        with RunDir.open(out, identity, {}, rank=self.share.rank) as run:
            self.collect(run)
        self.together()
        return None

    def identity(self) -> Row:
        """What decides the replies; a run directory is bound to it."""
        ids = sha256("".join(problem.id for problem in self.problems).encode()).hexdigest()
        return {
            "models": {role: model.fingerprint() for role, model in self.models.items()},
            "problems": {"n": len(self.problems), "sha256": ids},
            "profiles": sorted({c.profile for p in self.problems for c in p.constraints}),
            "sampling": asdict(self.sampling),
            "n": self.n,
            "seed": self.seed,
        }

    def asked(self) -> list[tuple[str, str, list[Message]]]:
        """Every (condition, problem id, prompt) that a model is to answer."""
        return [
            (condition, problem.id, messages)
            for condition in CONDITIONS
            for problem in self.problems
            if (messages := prompt(problem, condition)) is not None
        ]

    def collect(self, run: RunDir) -> None:
        """Sample what is not on disk yet; every response is saved as it is finished."""
        asked = self.asked()
        finished = run.finished()
        for role, model in self.models.items():
            items = [
                [Item(role, condition, problem, g) for g in range(self.n)]
                for condition, problem, _ in asked
            ]
            done = {
                (p, g)
                for p, of in enumerate(items)
                for g, item in enumerate(of)
                if item in finished
            }
            stream = model.stream(
                [messages for _, _, messages in asked],
                self.sampling,
                n=self.n,
                seed=self.seed,
                done=done,
                share=self.share,
            )
            total = len(asked) * self.n
            mine = self.share.rank == 0
            with tqdm(
                total=total,
                initial=len(done),
                desc=f"{role} replies",
                disable=None if mine else True,
            ) as bar:
                for p, g, response in stream:
                    run.append(items[p][g], response)
                    bar.update(self.share.world)

    def judge(self, run: RunDir) -> None:
        """Judge what is on disk; the tables are remade at each call."""
        order = {problem.id: i for i, problem in enumerate(self.problems)}
        run.sort(lambda item: (item.role, item.condition, order[item.problem], item.sample))
        by_id = {problem.id: problem for problem in self.problems}
        saved = ((Item.of(row), Response.from_json(row)) for row in run.rows())
        judged = ResponseScores(by_id)
        run.write_table("verdicts.jsonl", with_progress(judged.rows(saved)))
        verdicts = read_lines(run.path / "verdicts.jsonl")
        floors = judged.rows(floor_answers(self.problems))
        run.write_table("joint.jsonl", table.rows(chain(verdicts, floors)))

    def diagnose(self, run: RunDir) -> None:
        """Collect what the diagnostics need and is not on disk yet, row by row."""
        for name, diagnostic in {each.table: each for each in self.diagnostics}.items():
            table = f"{name}.jsonl"
            with run.growing(table) as save:
                there = {(row["role"], row["key"]) for row in read_lines(run.path / table)}
                for role, model in self.models.items():
                    done = {key for r, key in there if r == role}
                    if diagnostic.needs_weights and not isinstance(model, OpenModel):
                        if SKIPPED not in done:
                            save({"role": role, "key": SKIPPED, "skipped": NO_WEIGHTS})
                        continue
                    rows = diagnostic.collect(self.subject(run, role, model), done)
                    for row in tqdm(rows, desc=f"{role} {name}", disable=None):
                        save(row)
            order = {problem.id: i for i, problem in enumerate(self.problems)}
            run.write_table(
                table,
                sorted(
                    read_lines(run.path / table),
                    key=lambda row: (row["role"], order.get(row["key"], len(order)), row["key"]),
                ),
            )

    def subject(self, run: RunDir, role: str, model: Model) -> Subject:
        """A model with its judged replies."""
        verdicts = {
            Item.of(row): row.get("correct", {}).get("score")
            for row in read_lines(run.path / "verdicts.jsonl")
            if row["role"] == role
        }
        answers = [
            ScoredResponse(
                item=Item.of(row), response=Response.from_json(row), correct=verdicts[Item.of(row)]
            )
            for row in run.rows()
            if row["role"] == role
        ]
        other = self.models.get("baseline")
        return Subject(
            role=role,
            model=model,
            problems=self.problems,
            answers=answers,
            sampling=self.sampling,
            seed=self.seed,
            scorer=other if role == "model" else None,
        )


def prompt(problem: Problem, condition: str) -> list[Message] | None:
    """The chat for a problem in a condition; None where the condition makes no sense for it.

    A problem without constraints is asked `unconstrained` only, one whose question states its constraints
    `constrained` only.
    """
    if condition == "constrained":
        return problem.messages() if problem.is_bound else None
    if problem.question_states_constraints:
        return None
    return problem.messages(stated=())


def about(models: Mapping[str, Model]) -> Row:
    """What a manifest says beside the identity: command, time, versions, machine."""
    return {
        "twofold": version("twofold"),
        "command": " ".join(["twofold", *sys.argv[1:]]),
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "python": platform.python_version(),
        "platform": platform.platform(),
        "packages": {name: found for name in PACKAGES if (found := _version(name))},
        "models": {role: model.spec for role, model in models.items()},
    }


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def with_progress(rows: Iterator[Row]) -> Iterator[Row]:
    """The rows, with a bar on a terminal."""
    yield from tqdm(rows, desc="judging", disable=None)


def _meeting_point(share: Share) -> Callable[[], None]:
    """Where the processes of an `accelerate launch` wait for each other; nothing for one process."""
    if share.world == 1:
        return lambda: None
    from accelerate import PartialState

    state: Any = PartialState(timeout=timedelta(days=7))
    wait: Callable[[], None] = state.wait_for_everyone
    return wait
