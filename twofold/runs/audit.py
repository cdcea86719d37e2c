"""How is a model audited, alone or against its base? Sample, score, analyse, each saved before the next.

Replies are appended one by one; everything else is recomputed from them, so the same command after
`kill -9` gives the same result.
"""

import platform
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property, partial
from hashlib import sha256
from importlib.metadata import PackageNotFoundError, version
from itertools import chain
from pathlib import Path
from typing import Any, final

from twofold import problems as problem_files
from twofold.diagnostics import Diagnostic, ScoredResponse, Subject
from twofold.diagnostics.diagnostic import standing
from twofold.diagnostics.joint import table
from twofold.errors import ProblemError, RunError
from twofold.problems import conditions
from twofold.progress import Progress, told
from twofold.runs.finalize import RunResult, finalize
from twofold.runs.observed import Observations
from twofold.runs.score_responses import ResponseScores, floor_answers, require_scorable
from twofold.storage.jsonl import Row, read_lines
from twofold.storage.run_dir import RunDir
from twofold.types import Item, Model, OpenModel, Problem, Response, Sampling, Share

PACKAGES = ("torch", "transformers", "tokenizers", "numpy", "scipy", "math-verify", "langdetect")
SKIPPED = "*"


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

    Both models get the same prompts, token budget and seed; each problem is asked with its constraints
    stated and, where possible, without.

    Args:
        model: The model under test ("after").
        problems: The problems; duplicates are asked once.
        out: The run directory. The same call resumes it; another call is refused.
        baseline: The base ("before").
        sampling: How tokens are drawn.
        n: Samples per problem and condition, at least 1.
        seed: Base of all randomness.
        diagnostics: Further diagnostics; more can be added to a finished run.

    Returns:
        The findings; None in all but the first process of an `accelerate launch`.

    Raises:
        ProblemError: If there is no problem, or none of which a reply could be scored.
        ModelError: If a model cannot be used at all.
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
    if not diagnostics:  # one of them may need neither answer nor rule
        require_scorable(unique)
    models = {"model": model} | ({"baseline": baseline} if baseline is not None else {})
    run = _Run(unique, models, sampling, n, seed, diagnostics, Share.here())
    return run.go(Path(out))


@final
@dataclass(frozen=True)
class _Run:
    problems: Sequence[Problem]
    models: Mapping[str, Model]
    sampling: Sampling
    n: int
    seed: int
    diagnostics: Sequence[Diagnostic]
    share: Share

    @cached_property
    def wait_for_all(self) -> Callable[[], None]:
        """Wait until all processes of an `accelerate launch` get here; no-op for one process."""
        if self.share.world == 1:
            return lambda: None
        from accelerate import PartialState

        state: Any = PartialState(timeout=timedelta(days=7))
        wait: Callable[[], None] = state.wait_for_everyone
        return wait

    def go(self, out: Path) -> RunResult | None:
        identity, rank = self.identity(), self.share.rank
        if rank != 0:
            self.wait_for_all()
            with RunDir.open(out, identity, {}, rank=rank) as run:
                self.collect(run)
            self.wait_for_all()
            return None
        record = about(self.models) | {"processes": self.share.world}
        if not (out / "manifest.json").exists():
            self.observations.require_usable()
        with RunDir.open(out, identity, record) as run:
            problem_files.write(run.path / "problems.jsonl", self.problems)
            self.observations.require_same_weights(run)
            self.wait_for_all()
            self.collect(run)
            self.wait_for_all()
            run.absorb()
            self.judge(run)
            self.diagnose(run)
        return finalize(out, self.diagnostics)

    def identity(self) -> Row:
        """What determines the replies; another identity is refused by the run directory."""
        return {
            "models": {role: model.fingerprint() for role, model in self.models.items()},
            "problems": digest(self.problems),
            "profiles": sorted({c.profile for p in self.problems for c in p.constraints}),
            "sampling": asdict(self.sampling),
            "n": self.n,
            "seed": self.seed,
        }

    @cached_property
    def observations(self) -> Observations:
        """What the models show besides their fingerprints."""
        return Observations(self.models)

    def collect(self, run: RunDir) -> None:
        """Sample what is not on disk yet; every response is saved when finished."""
        asked = conditions.asked(self.problems)
        finished = run.finished()
        if strange := {item.problem for item in finished} - self._order.keys():
            raise RunError(
                f"{run.path} holds replies to problem {min(strange)}, which is none of the problems asked. "
                "Nothing was changed; restore responses.jsonl from a copy, or choose another --out"
            )
        for role, model in self.models.items():
            items = {
                (p, g): Item(role, condition, problem.id, g)
                for p, (condition, problem, _) in enumerate(asked)
                for g in range(self.n)
            }
            done = {at for at, item in items.items() if item in finished}
            stream = model.stream(
                [messages for *_, messages in asked],
                self.sampling,
                n=self.n,
                seed=self.seed,
                done=done,
                share=self.share,
            )
            with Progress(
                f"{role} replies", total=len(items), done=len(done), is_shown=self.share.rank == 0
            ) as progress:
                for p, g, response in stream:
                    self.observations.note(run, role)
                    run.append(items[p, g], response)
                    progress.advance(self.share.world, tokens=len(response.ids or ()))

    @cached_property
    def _order(self) -> Mapping[str, int]:
        return {problem.id: i for i, problem in enumerate(self.problems)}

    def judge(self, run: RunDir) -> None:
        """Score the saved responses; the tables are written again at each call."""
        order = self._order
        run.sort(lambda item: (item.role, item.condition, order[item.problem], item.sample))
        by_id = {problem.id: problem for problem in self.problems}
        saved = ((Item.of(row), Response.from_json(row)) for row in run.rows())
        judged = ResponseScores(by_id)
        run.write_table("verdicts.jsonl", with_progress(judged.rows(saved)))
        verdicts = read_lines(run.path / "verdicts.jsonl")
        floors = judged.rows(floor_answers(self.problems))
        run.write_table("joint.jsonl", table.rows(chain(verdicts, floors)))

    def diagnose(self, run: RunDir) -> None:
        """Collect the rows of the diagnostics that are not on disk yet."""
        for name, diagnostic in {each.table: each for each in self.diagnostics}.items():
            table = f"{name}.jsonl"
            with run.growing(table) as save:
                saved = (
                    row
                    for row in standing(partial(read_lines, run.path / table))
                    if "retry" not in row
                )
                there = {(row["role"], row["key"]) for row in saved}
                for role, model in self.models.items():
                    done = {key for r, key in there if r == role}
                    if diagnostic.needs_weights and not isinstance(model, OpenModel):
                        if SKIPPED not in done:
                            why = f"not measured: {model.closed}"
                            save({"role": role, "key": SKIPPED, "skipped": why})
                        continue
                    rows = diagnostic.collect(self.subject(run, role, model), done)
                    for row in told(rows, f"{role} {name}"):
                        save(row)
            last = len(self.problems)
            run.write_table(
                table,
                sorted(
                    standing(partial(read_lines, run.path / table)),
                    key=lambda row: (row["role"], self._order.get(row["key"], last), row["key"]),
                ),
            )

    def subject(self, run: RunDir, role: str, model: Model) -> Subject:
        """A model with its scored replies."""
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


def about(models: Mapping[str, Model]) -> Row:
    """What a manifest records besides the identity: command, time, versions, machine."""
    return {
        "twofold": version("twofold"),
        "command": _command(),
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "python": platform.python_version(),
        "platform": platform.platform(),
        "packages": {name: found for name in PACKAGES if (found := _version(name))},
        "models": {role: model.spec for role, model in models.items()},
    }


def _command() -> str:
    """The command line; a worker of ray has one that is about the cluster."""
    if Path(sys.argv[0]).name == "default_worker.py":
        return "a worker of ray"
    return " ".join(["twofold", *sys.argv[1:]])


def digest(problems: Sequence[Problem]) -> Row:
    """The problems of an identity: their number and a hash of their ids."""
    ids = sha256("".join(problem.id for problem in problems).encode()).hexdigest()
    return {"n": len(problems), "sha256": ids}


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def with_progress(rows: Iterator[Row]) -> Iterator[Row]:
    """The rows, with their progress."""
    yield from told(rows, "judging")
