"""Does RLAG find passages, choose its replies, train, stop and go on as it says?"""

import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any, final

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("trl")

from pydantic import ValidationError  # noqa: E402

from twofold.methods import Rlag, Sft, TrainingError, configured  # noqa: E402
from twofold.methods.rlag.pairs_file import PairsFile  # noqa: E402
from twofold.methods.rlag.retrieval import Bm25, Retriever, passages_by  # noqa: E402
from twofold.methods.rlag.samples import (  # noqa: E402
    Asked,
    Pairs,
    informed,
    likeliest,
    pair_of_options,
    pair_of_replies,
)
from twofold.methods.rlag.weights import Weights  # noqa: E402
from twofold.models.hf import HfModel  # noqa: E402
from twofold.scorers import Correct  # noqa: E402
from twofold.types import FinishReason, Problem, Response, Sampling, Scorer, Verdict  # noqa: E402

CHOICE = Problem(question="what is it", answer="2", options=("#### 4", "#### 2", "#### 3"))
FREE = Problem(question="what is two and two", answer="4", solution="two and two is #### 4")
PROBLEMS = [CHOICE, FREE, replace(CHOICE, question="is it two"), replace(FREE, question="and two")]
ASKED = Asked(
    reward=Correct(),
    at_least=1.0,
    verified=True,
    winner="augmented",
    num_generations=2,
    sampling=Sampling(max_tokens=6, temperature=1.0),
    seed=0,
)


@pytest.fixture
def corpus(tmp_path: Path) -> Path:
    file = tmp_path / "corpus.txt"
    file.write_text("what is it: it is two\n\ntwo and two is four\n\n\n\nfour is what it is")
    return file


@pytest.fixture(scope="module")
def speaker(tiny: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tiny model after it has learned to end its replies, which are short and differ."""
    folder = tmp_path_factory.mktemp("speaker")
    chats = [each for p in PROBLEMS for each in (p, informed(p, ["it is two"]))]
    lines = [
        {"problem": problem.id, "raw": raw} for problem in chats for raw in ("two", "it is", "and")
    ]
    file = folder / "demonstrations.jsonl"
    file.write_text("\n".join(map(json.dumps, lines)))
    method = Sft(demonstrations=file, learning_rate=5e-3, epochs=8, batch=8)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TWOFOLD_CACHE", str(folder / "cache"))
        return method.train(str(tiny), chats, out=folder / "model").folder


def settings(corpus: Path, **more: Any) -> Rlag:
    usual: dict[str, Any] = {
        "corpus": corpus,
        "n_passages": 1,
        "learning_rate": 1e-2,
        "batch": 2,
        "epochs": 4,
        "verified": False,
        "num_generations": 2,
        "max_completion_length": 6,
    }
    return Rlag(**usual | more)


def log(folder: Path) -> list[dict[str, float]]:
    state = json.loads((folder / "trainer_state.json").read_text())
    return [row for row in state["log_history"] if "loss" in row]


def reply(text: str, reason: FinishReason = FinishReason.answered) -> Response:
    return Response(raw=text, reply=text, finish_reason=reason)


# Retrieval


def test_passages_by_bm25(corpus: Path, tmp_path: Path) -> None:
    found = Bm25(corpus).found(["what is it?", "TWO and 4", "none"], n=2)
    assert found[0][0] == "what is it: it is two"
    assert found[1] == ["two and two is four", "what is it: it is two"]
    assert found[2] == []
    lines = tmp_path / "corpus.jsonl"
    lines.write_text('{"id": 1, "text": "the key is 7"}\n{"text": "a cup"}\n{"text": "a cup"}\n')
    assert Bm25(lines).passages == ["the key is 7", "a cup"]
    assert Bm25(lines).found(["7"], n=3) == [["the key is 7"]]


def test_bm25_ranks_as_the_formula_says(corpus: Path) -> None:
    """Lucene's BM25 with k1 = 1.5 and b = 0.75, by hand."""
    texts = [text.replace(":", "").split() for text in Bm25(corpus).passages]
    mean = sum(map(len, texts)) / 3

    def score(words: Sequence[str], text: Sequence[str]) -> float:
        total = 0.0
        for word in words:
            n = sum(word in each for each in texts)
            idf = np.log(1 + (3 - n + 0.5) / (n + 0.5))
            count = text.count(word)
            total += idf * count / (count + 1.5 * (0.25 + 0.75 * len(text) / mean))
        return total

    for question in ("what is two", "four and it", "it it"):
        scores = [score(question.split(), text) for text in texts]
        order = sorted(range(3), key=lambda i: -scores[i])
        right = [Bm25(corpus).passages[i] for i in order if scores[i] > 0]
        assert Bm25(corpus).found([question], n=3) == [right]


def test_a_retriever_of_ones_own(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.syspath_prepend(Path(__file__).parents[1] / "extension")
    own = "example_extension.retrievers:SharedWords"
    rows = Rlag(retriever=own, n_passages=1).rows([FREE])
    assert rows[0]["passages"] == ["two and two is four"]
    assert rows[0]["prompt"][0]["content"].startswith("two and two is four\n\nwhat is two")
    with pytest.raises(TrainingError, match="would not see it"):
        Rlag(retriever=own, corpus=tmp_path)


@pytest.mark.parametrize(
    ("name", "text", "why"),
    [
        ("none.txt", None, "there is no file"),
        ("blank.txt", " \n\n \n", "has no passage"),
        ("c.jsonl", '{"id": 3}', "line 1 has no text"),
        ("d.jsonl", '{"text": 3}', "line 1 has no text"),
        ("e.jsonl", "{", "line 1"),
        ("f.JSONL", "[1]", "line 1: this is JSON, but not an object"),
        ("g.json", '[{"text": "two"}]', "line 1: this is JSON, but not an object"),
        ("h.jsonl", '{"text": "\\ud800"}', "line 1"),
    ],
)
def test_a_corpus_that_cannot_be_used(
    tmp_path: Path, name: str, text: str | None, why: str
) -> None:
    if text is not None:
        (tmp_path / name).write_text(text)
    with pytest.raises(TrainingError, match=why):
        Rlag(corpus=tmp_path / name).rows([FREE])


@pytest.mark.parametrize(
    ("name", "text", "passages"),
    [
        ("a.txt", "one\n \t\ntwo\n\n\n three \n", ["one", "two", "three"]),
        ("b.txt", "one\r\n\r\ntwo\r\nlines", ["one", "two\nlines"]),
        ("c.JSON", '{"text": "one"}\n', ["one"]),
        ("d.jsonl.txt", "one\n\ntwo", ["one", "two"]),
    ],
)
def test_a_corpus_is_read_as_its_name_ends(
    tmp_path: Path, name: str, text: str, passages: list[str]
) -> None:
    (tmp_path / name).write_bytes(text.encode())
    assert Bm25(tmp_path / name).passages == passages


@pytest.mark.parametrize(
    ("given", "passages"),
    [
        ([["b", "a", " ", "b", "c", "d"]], [["b", "a", "c"]]),
        ((("a",),), [["a"]]),
        ([None], [[]]),
        ((["a"] for _ in range(1)), [["a"]]),
        ([], "0 lists of passages for 1 questions"),
        (None, "does not return passages"),
        (["a text"], "does not return passages"),
        ([[{"text": "a"}]], "does not return passages"),
        ([["half a surrogate \ud800"]], "does not return passages"),
    ],
)
def test_what_a_retriever_returns(
    monkeypatch: pytest.MonkeyPatch, given: Any, passages: list[list[str]] | str
) -> None:
    class Own(Retriever):
        def found(self, questions: Sequence[str], *, n: int) -> list[list[str]]:
            found: list[list[str]] = given
            return found

    monkeypatch.setitem(sys.modules, "own_retriever", SimpleNamespace(Own=Own))  # type: ignore[arg-type]
    if isinstance(passages, str):
        with pytest.raises(TrainingError, match=passages):
            passages_by("own_retriever:Own", None, ["Why?"], n=3)
    else:
        assert passages_by("own_retriever:Own", None, ["Why?"], n=3) == passages


def test_a_problem_without_a_passage_is_refused_before_anything_is_written(
    corpus: Path, tmp_path: Path
) -> None:
    problems = [FREE, Problem(question="nowhere", answer="1")]
    with pytest.raises(TrainingError, match="finds no passage for 1 of 2 problems"):
        settings(corpus).train("no model", problems, out=tmp_path / "run")
    assert {path.name for path in tmp_path.iterdir()} <= {"corpus.txt", "cache"}


def test_passages_longer_than_the_context(tiny: Path, tmp_path: Path) -> None:
    corpus = tmp_path / "corpus.txt"
    corpus.write_text("what is two " * 200)
    with pytest.raises(TrainingError, match=r"context has 256; lower n_passages"):
        settings(corpus).train(str(tiny), [FREE], out=tmp_path / "run")
    assert {path.name for path in tmp_path.iterdir()} <= {"corpus.txt", "cache"}


# Settings


def test_settings_that_contradict_each_other(corpus: Path, tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match="needs a corpus"):
        Rlag()
    with pytest.raises(TrainingError, match="set cycles to 1"):
        settings(corpus, cycles=2, lora=4)
    with pytest.raises(TrainingError, match="lower cycles"):
        settings(corpus, cycles=3).check([FREE, CHOICE])
    with pytest.raises(ValidationError, match="less than or equal to 0"):
        Weights(clip_naive=1.0)
    file = tmp_path / "rlag.yaml"
    file.write_text(f"corpus: {corpus}\nweights: {{naive: 0, distil: 0.5}}\nreward: correct")
    made = configured(Rlag, file)
    assert isinstance(made, Rlag) and made.weights == Weights(naive=0, distil=0.5)
    file.write_text(f"corpus: {corpus}\nweights: {{naiv: 0}}")
    with pytest.raises(TrainingError, match="naiv"):
        configured(Rlag, file)


@pytest.mark.parametrize("if_same", [0, None])
def test_every_term_off_is_refused_before_anything_is_drawn(
    corpus: Path, if_same: float | None
) -> None:
    off = {"knowledge": 0.0, "augmented": 0.0, "naive": 0.0, "knowledge_if_same": if_same}
    with pytest.raises(TrainingError, match="every term"):
        settings(corpus, weights=Weights(**off))
    with pytest.raises(TrainingError, match="every term"):
        settings(corpus, weights=Weights(**off, replay=0), replay="synthetic:3")
    settings(corpus, weights=Weights(**off), replay="synthetic:3")
    settings(corpus, weights=Weights(**off | {"naive": 0.1}))


# Which reply is preferred


def test_the_likeliest_option_is_that_of_separate_passes(tiny: Path) -> None:
    model = HfModel(str(tiny))
    problems = [each for p in PROBLEMS if p.options for each in (p, informed(p, ["it is two"]))]
    found = likeliest(model, problems)
    for problem, option in zip(problems, found, strict=True):
        prompt = model.tokenizer(model.render(problem.messages())).input_ids
        means = []
        for text in problem.options:
            ids = [*model.tokenizer(text).input_ids, model.tokenizer.eos_token_id]
            with torch.inference_mode():
                logits = model.network(input_ids=torch.tensor([prompt + ids])).logits[0]
            logprobs = logits.float().log_softmax(-1)[len(prompt) - 1 : -1]
            means.append(float(logprobs[range(len(ids)), ids].mean()))
        assert problem.options[int(np.argmax(means))] == option


@pytest.mark.parametrize(
    ("helped", "naive", "asked", "pair"),
    [
        ("#### 2", "#### 4", ASKED, ("#### 2", "#### 4", False)),
        ("#### 2", "#### 2", ASKED, ("#### 2", "#### 2", True)),
        ("#### 3", "#### 2", ASKED, None),
        ("#### 3", "#### 2", replace(ASKED, verified=False), ("#### 3", "#### 2", False)),
        ("#### 3", "#### 4", replace(ASKED, winner="reference"), ("#### 2", "#### 4", False)),
    ],
)
def test_pairs_of_options(
    helped: str, naive: str, asked: Asked, pair: tuple[str, str, bool] | None
) -> None:
    found = Pairs()
    pair_of_options(found, CHOICE, ["z"], helped, naive, asked)
    assert [(r["chosen"], r["rejected"], r["same"]) for r in found.rows] == ([pair] if pair else [])
    assert sum(found.lost.values()) == (0 if pair else 1)


CUT = reply("#### 4", FinishReason.truncated)


@pytest.mark.parametrize(
    ("helped", "naive", "asked", "pair"),
    [
        (["#### 3", "so #### 4"], ["#### 4", "#### 5"], ASKED, ("so #### 4", "#### 5", False)),
        (["#### 4"], ["so #### 4"], ASKED, ("#### 4", "so #### 4", True)),
        (["#### 3"], ["#### 3"], ASKED, None),
        ([CUT], ["#### 3"], ASKED, None),
        (["#### 4"], [CUT], ASKED, None),
        (["#### 3"], ["#### 4"], replace(ASKED, verified=False), ("#### 3", "#### 4", False)),
        (["#### 3"], ["#### 3"], replace(ASKED, verified=False), ("#### 3", "#### 3", True)),
        (
            ["#### 3"],
            ["#### 3"],
            replace(ASKED, winner="reference"),
            (FREE.solution, "#### 3", False),
        ),
    ],
)
def test_pairs_of_replies(
    helped: list[str | Response],
    naive: list[str | Response],
    asked: Asked,
    pair: tuple[str, str, bool] | None,
) -> None:
    both = [[r if isinstance(r, Response) else reply(r) for r in side] for side in (helped, naive)]
    found = Pairs()
    pair_of_replies(found, FREE, ["z"], *both, asked)
    assert [(r["chosen"], r["rejected"], r["same"]) for r in found.rows] == ([pair] if pair else [])
    assert pair is not None or "1: no reply" in str(found)
    for row in found.rows:
        assert row["informed"][0]["content"] == "z\n\nwhat is two and two"


@final
@dataclass(frozen=True)
class Undecided(Scorer):
    """Correctness, but a reply with a question mark cannot be judged."""

    @property
    def name(self) -> str:
        return "undecided"

    def __call__(self, problems: Sequence[Problem], responses: Sequence[Response]) -> list[Verdict]:
        found = Correct()(problems, responses)
        return [
            Verdict(None, "no idea") if "?" in response.reply else verdict
            for response, verdict in zip(responses, found, strict=True)
        ]


@pytest.mark.parametrize(
    ("helped", "naive", "pair"),
    [
        (["#### 4"], ["#### 5?", "#### 6"], ("#### 4", "#### 6", False)),
        (["#### 4?", "so #### 4"], ["#### 5"], ("so #### 4", "#### 5", False)),
        (["#### 4"], ["#### 5?"], None),
        (["#### 4?"], ["#### 5"], None),
        (["#### 4"], ["#### 5?", "so #### 4"], ("#### 4", "so #### 4", True)),
    ],
)
def test_a_reply_that_cannot_be_judged_is_neither_right_nor_wrong(
    helped: list[str], naive: list[str], pair: tuple[str, str, bool] | None
) -> None:
    """It is not learned, and above all it is not pushed down."""
    found = Pairs()
    asked = replace(ASKED, reward=Undecided())
    pair_of_replies(
        found, FREE, ["z"], *([reply(r) for r in side] for side in (helped, naive)), asked
    )
    assert [(r["chosen"], r["rejected"], r["same"]) for r in found.rows] == ([pair] if pair else [])


# Training


def test_it_raises_passages_and_the_reply_and_lowers_the_other(
    speaker: Path, corpus: Path, tmp_path: Path
) -> None:
    done = settings(corpus, epochs=8).train(str(speaker), PROBLEMS, out=tmp_path / "run")
    rows = log(done.folder)
    assert done.method == "rlag" and done.n_steps == len(rows) == 16
    first, last = rows[0], rows[-1]
    assert last["loss"] < first["loss"]
    assert last["rlag/knowledge"] > first["rlag/knowledge"] + 1
    lines = (tmp_path / "run-pairs/cycle-1.jsonl").read_text().splitlines()
    pairs = [json.loads(line) for line in lines[1:]]
    both = [row for row in pairs if not row["same"]]
    assert both  # else the next lines say nothing
    model = HfModel(str(done.folder)), HfModel(str(speaker))

    def mean(model: HfModel, chat: Any, text: str) -> float:
        prompt = model.tokenizer(model.render(chat)).input_ids
        ids = [*model.tokenizer(text).input_ids, model.tokenizer.eos_token_id]
        with torch.inference_mode():
            logits = model.network(input_ids=torch.tensor([prompt + ids])).logits[0]
        return float(logits.log_softmax(-1)[len(prompt) - 1 : -1][range(len(ids)), ids].mean())

    gap = [
        np.mean(
            [
                mean(m, r["informed"], r["chosen"]) - mean(m, r["prompt"], r["rejected"])
                for r in both
            ]
        )
        for m in model
    ]
    assert gap[0] > gap[1] + 0.5


def test_micro_batches_and_an_adapter(speaker: Path, corpus: Path, tmp_path: Path) -> None:
    whole = settings(corpus, batch=4, epochs=2).train(str(speaker), PROBLEMS, out=tmp_path / "a")
    parts = settings(corpus, batch=4, epochs=2, accumulation=4)
    split = parts.train(str(speaker), PROBLEMS, out=tmp_path / "b")
    for one, other in zip(log(whole.folder), log(split.folder), strict=True):
        assert one["loss"] == pytest.approx(other["loss"], rel=1e-3)
        assert one["grad_norm"] == pytest.approx(other["grad_norm"], rel=1e-3)
    adapter = settings(corpus, lora=2).train(str(speaker), PROBLEMS, out=tmp_path / "c")
    assert (adapter.folder / "adapter_model.safetensors").exists()
    assert log(adapter.folder)[-1]["loss"] < log(adapter.folder)[0]["loss"]


def test_cycles_go_on_from_each_other_and_pairs_are_not_drawn_again(
    speaker: Path, corpus: Path, tmp_path: Path
) -> None:
    method = settings(corpus, cycles=2, epochs=1, replay="pocket:6", max_completion_length=24)
    done = method.train(str(speaker), PROBLEMS, out=tmp_path / "run")
    files = [tmp_path / "run-pairs" / name for name in ("cycle-1.jsonl", "cycle-2.jsonl")]
    rows = [[json.loads(line) for line in file.read_text().splitlines()[1:]] for file in files]
    asked = {row["problem"] for part in rows for row in part}
    assert asked <= {problem.id for problem in PROBLEMS} and all(map(len, rows))
    assert all(row["replay"]["completion"] for part in rows for row in part)
    manifest = json.loads((tmp_path / "run/manifest.json").read_text())
    assert manifest["spec"] == str(tmp_path / "run-cycle-1")
    assert done.n_steps == sum(len(log(tmp_path / n)) for n in ("run-cycle-1", "run"))
    stamps = [file.stat().st_mtime_ns for file in files]
    assert method.train(str(speaker), PROBLEMS, out=tmp_path / "run") == done
    assert [file.stat().st_mtime_ns for file in files] == stamps


def test_every_cycle_is_compared_with_the_base_and_not_with_the_cycle_before(
    speaker: Path, corpus: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from twofold.methods.trl.callbacks import EvalCallback

    asked: list[tuple[str, int, str]] = []
    monkeypatch.setattr(
        EvalCallback, "_ask", lambda _, *about: asked.append((*about[:2], about[2].name)) or {}
    )
    method = settings(corpus, cycles=2, epochs=1)
    method.train(str(speaker), PROBLEMS, out=tmp_path / "run", eval_problems=[FREE])
    assert [spec for spec, step, _ in asked if step == 0] == [str(speaker)] * 2
    assert [run for _, step, run in asked if step == 0] == ["run-cycle-1", "run"]
    trained = [spec for spec, step, run in asked if step and run == "run"]
    assert trained and all(spec.startswith(str(tmp_path / "run/checkpoint-")) for spec in trained)


def test_passages_are_retrieved_once_in_each_process(
    speaker: Path, corpus: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Checked, shown and trained, then trained again as a new process would: once each."""
    asked: list[int] = []
    found = Bm25.found

    def counted(self: Bm25, questions: Sequence[str], *, n: int) -> list[list[str]]:
        asked.append(len(questions))
        return found(self, questions, n=n)

    monkeypatch.setattr(Bm25, "found", counted)
    method = settings(corpus, cycles=2, epochs=1)
    method.check(PROBLEMS)
    shown = [row["passages"] for row in method.rows(PROBLEMS)]
    done = method.train(str(speaker), PROBLEMS, out=tmp_path / "run")
    assert asked == [len(PROBLEMS)]
    files = sorted((tmp_path / "run-pairs").iterdir())
    pairs = [file.read_bytes() for file in files]
    again = settings(corpus, cycles=2, epochs=1)
    assert again.train(str(speaker), PROBLEMS, out=tmp_path / "run") == done
    assert asked == [len(PROBLEMS)] * 2 and [file.read_bytes() for file in files] == pairs
    assert [row["passages"] for row in again.rows(PROBLEMS)] == shown
    assert again.rows(PROBLEMS[:1])[0]["passages"] == shown[0]  # other questions are asked for
    assert asked[2:] == [1]


def test_no_pair_at_all_is_an_error_that_counts(
    speaker: Path, corpus: Path, tmp_path: Path
) -> None:
    with pytest.raises(TrainingError, match=r"cycle 1 has no pair.*1: no reply") as told:
        settings(corpus, verified=True).train(str(speaker), [FREE], out=tmp_path / "run")
    assert "Take easier problems" in str(told.value)
    assert not (tmp_path / "run").exists()


def test_a_file_of_pairs_is_bound_and_whole_or_refused(tmp_path: Path) -> None:
    file = PairsFile(tmp_path / "pairs" / "cycle-1.jsonl", "one")
    assert file.read() is None
    file.write([{"problem": "a"}])
    assert file.read() == [{"problem": "a"}]
    assert PairsFile(file.path, "another").read() is None
    file.path.write_text('{"problem": "a"}')
    with pytest.raises(TrainingError, match="move it away"):
        file.read()
    file.path.write_text('{"identity": "one"}\n{"prob')
    with pytest.raises(TrainingError, match="delete it"):
        file.read()
