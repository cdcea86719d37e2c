"""What runs in a process that checks replies? One question at a time, each a JSON value."""

import json
import os
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any, final

from twofold import worker_process
from twofold.adapters import nemo_gym, openrlhf
from twofold.adapters.problems import problem_in, problem_of_row
from twofold.adapters.reward import UnscoredError
from twofold.adapters.server.settings import ServeSettings
from twofold.constraints import register
from twofold.errors import ScoringError
from twofold.problems import load
from twofold.types import FinishReason, Problem
from twofold.worker_process import WorkerProcess

_MAIN = "import sys; from twofold.adapters.server.checking import main; main(*sys.argv[1:])"


def checker(settings: ServeSettings) -> WorkerProcess:
    """A process that answers questions; it starts with the first one."""
    return WorkerProcess(
        _MAIN,
        json.dumps(asdict(settings)),
        environment=os.environ,
        remedy="a process that checks replies did not start; `twofold doctor` says what is missing",
    )


def main(descriptor: str, settings: str) -> None:
    """The process: answer until the server closes the line."""
    given = json.loads(settings)
    marks = given["thinking_marks"]
    given |= {"constraints": tuple(given["constraints"]), "thinking_marks": marks and tuple(marks)}
    worker_process.serve(int(descriptor), Checking(ServeSettings(**given)).answer)


@final
class Checking:
    """Answers questions about replies with one reward.

    Raises:
        TwofoldError: If the reward or the problems cannot be used.
    """

    def __init__(self, settings: ServeSettings) -> None:
        for each in settings.constraints:
            register(each)
        self._rewards = settings.function()
        asked = load(settings.problems, profile="fixed") if settings.problems else []
        self._by_id = {problem.id: problem for problem in asked}

    @property
    def n_problems(self) -> int:
        """How many problems can be named by their id."""
        return len(self._by_id)

    def answer(self, question: Mapping[str, Any]) -> dict[str, object]:
        """What was found; or why the question is `refused`, or the reply `unscored`."""
        try:
            return {"found": self._found(question)}
        except UnscoredError as error:
            return {"unscored": str(error)}
        except ScoringError as error:
            return {"refused": str(error)}

    def _found(self, question: Mapping[str, Any]) -> object:
        kind, given = question["kind"], question["given"]
        if kind == "reward":
            return self._verdict(self._problem(given["problem"]), given["response"])
        if kind == "verify":
            return nemo_gym.judged(self._with_problem(given), self._rewards)
        if kind == "openrlhf":
            query, prompt, label = given
            (earned,) = openrlhf.earned(self._rewards, [query], [prompt], [label])
            return earned
        return self.n_problems

    def _verdict(self, problem: Problem, said: object) -> dict[str, object]:
        (verdict,) = self._rewards.verdicts([problem], [said])
        ended = self._rewards.response(said).finish_reason
        unfinished = ended is FinishReason.unclosed_thinking
        return {"reason": "", "parts": {}} | verdict.to_json() | {"unfinished": unfinished}

    def _problem(self, named: object) -> Problem:
        """The problem of a request: a row of ours, its JSON text, or an id."""
        if not isinstance(named, str):
            return problem_of_row(named)
        if named in self._by_id:
            return self._by_id[named]
        if named.lstrip().startswith("{"):
            return problem_in(named)
        there = f"the {self.n_problems} of --problems" if self._by_id else "none: give --problems"
        raise ScoringError(
            f"no problem has the id {named!r:.40} (known are {there}); send an id, or the problem itself"
        )

    def _with_problem(self, body: Mapping[str, Any]) -> Mapping[str, Any]:
        """The body of a rollout, with the problem in place of its id."""
        given = body.get("verifier_metadata")
        named = given.get("problem") if isinstance(given, Mapping) else None
        if isinstance(given, Mapping) and isinstance(named, str) and named in self._by_id:
            return {**body, "verifier_metadata": {**given, "problem": self._by_id[named]}}
        return body
