"""Do sft, rft and dpo learn from the replies they should, and only from their words?"""

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import final

import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("trl")

from twofold.constraints import from_spec  # noqa: E402
from twofold.errors import ModelError  # noqa: E402
from twofold.methods import Dpo, Grpo, Rft, Sft, TrainingError  # noqa: E402
from twofold.methods.demonstrations import kept  # noqa: E402
from twofold.methods.preferences import pairs  # noqa: E402
from twofold.methods.trl.runner import TrlRunner  # noqa: E402
from twofold.models.hf import HfModel  # noqa: E402
from twofold.scorers import Compliant, Correct, Product, SoftGate  # noqa: E402
from twofold.types import FinishReason, Problem, Response, Sampling, Scorer, Verdict  # noqa: E402

NO_COMMA = from_spec("punctuation:no_comma", None, profile="fixed")
P1 = Problem(question="what is two and two", answer="4", constraints=(NO_COMMA,))
P2 = Problem(question="what is it", answer="2", constraints=(NO_COMMA,))
GREEDY = Sampling(max_tokens=24)


def reply(text: str, finish_reason: FinishReason = FinishReason.answered) -> Response:
    return Response(raw=text, reply=text, finish_reason=finish_reason)


def written(path: Path, *lines: dict[str, str]) -> Path:
    path.write_text("\n".join(map(json.dumps, lines)))
    return path


@final
@dataclass(frozen=True)
class HasO(Scorer):
    """1 for a reply with more than one letter o, else 0."""

    @property
    def name(self) -> str:
        return "has_o"

    def __call__(self, problems: Sequence[Problem], responses: Sequence[Response]) -> list[Verdict]:
        return [Verdict(float(response.raw.count("o") > 1)) for response in responses]


def score(folder: Path | str, *, n: int = 24) -> float:
    drawn = Sampling(max_tokens=8, temperature=1.0)
    rows = HfModel(str(folder)).sample([p.messages() for p in (P1, P2)], drawn, n=n, seed=99)
    return sum(r.raw.count("o") > 1 for row in rows for r in row) / (2 * n)


def test_kept_are_right_obedient_ended_and_different() -> None:
    both = Product((Correct(), Compliant("all")))
    replies = [
        [reply("#### 4"), reply("So, #### 4"), reply("#### 4"), reply("four: #### 4")],
        [
            reply("#### 3"),
            reply("#### 2", FinishReason.truncated),
            reply("", FinishReason.unclosed_thinking),
        ],
    ]
    rows = kept([P1, P2], replies, by=both, at_least=1.0)
    assert rows == [
        {"prompt": P1.messages(), "completion": text, "problem": P1.id, "score": 1.0}
        for text in ("#### 4", "four: #### 4")
    ]
    graded = kept([P1, P2], replies, by=SoftGate(), at_least=0.5)
    assert [row["completion"] for row in graded] == ["#### 4", "So, #### 4", "four: #### 4"]


def test_pairs_are_best_and_worst_with_a_gap() -> None:
    replies = [
        [reply("#### 3"), reply("So, #### 4"), reply("#### 4"), reply("x", FinishReason.truncated)],
        [reply("#### 2"), reply("two: #### 2")],
    ]
    (row,) = pairs([P1, P2], replies, by=SoftGate(), gap=0.25)
    assert (row["chosen"], row["rejected"]) == ("#### 4", "#### 3")
    assert row["gap"] == pytest.approx(1 - 1 / 6)
    assert pairs([P1, P2], replies, by=SoftGate(), gap=0.9) == []


def test_sft_rows_from_an_audits_file(tmp_path: Path) -> None:
    file = written(
        tmp_path / "responses.jsonl",
        {"problem": P1.id, "raw": "<think>a</think>#### 4", "reply": "#### 4"},
        {"problem": "elsewhere", "raw": "x"},
        {"problem": P2.id, "raw": "#### 9"},
        {"problem": P2.id, "raw": "cut", "finish_reason": "truncated"},
    )
    every = Sft(demonstrations=file).rows([P1, P2])
    assert [row["completion"] for row in every] == ["<think>a</think>#### 4", "#### 9"]
    assert every[0]["prompt"] == P1.messages()
    right = Sft(demonstrations=file, reward=Correct()).rows([P1, P2])
    assert [row["problem"] for row in right] == [P1.id]


def test_sft_files_that_cannot_be_used(tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match="no file"):
        Sft(demonstrations=tmp_path / "no").rows([P1])
    with pytest.raises(TrainingError, match="line 1 lacks"):
        Sft(demonstrations=written(tmp_path / "bad", {"problem": P1.id})).rows([P1])
    file = written(tmp_path / "other", {"problem": "elsewhere", "raw": "x"})
    with pytest.raises(TrainingError, match="no row"):
        Sft(demonstrations=file).train("x", [P1], out=tmp_path / "run")


def test_a_text_without_its_reply_is_parted_as_in_an_audit(tmp_path: Path) -> None:
    """The thought has the comma that the reply must not have; one thought does not end."""
    file = written(
        tmp_path / "texts.jsonl",
        {"problem": P1.id, "raw": "<think>So, two and two</think>\n#### 4"},
        {"problem": P1.id, "raw": "<think>So it is #### 4"},
        {"problem": P1.id, "raw": "#### 4", "finish_reason": "truncated"},
    )
    learned = Rft(replies=file).rows([P1])
    assert [row["completion"] for row in learned] == ["<think>So, two and two</think>\n#### 4"]
    shown = Sft(demonstrations=file).rows([P1])
    assert [row["completion"] for row in shown] == [row["completion"] for row in learned]


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ({"problem": [P1.id], "raw": "a"}, "'problem' should be a valid string"),
        ({"problem": P1.id, "raw": None}, "'raw' should be a valid string, but it is None"),
        ({"problem": P1.id, "raw": ["a"]}, "'raw' should be a valid string"),
        ({"problem": P1.id, "raw": "a", "reply": 4}, "'reply' should be a valid string"),
        ({"problem": P1.id, "raw": "a", "finish_reason": "stop"}, "should be 'answered', "),
        ({"problem": P1.id, "raw": "a \ud83d"}, "surrogate"),  # no tokenizer takes it
    ],
)
def test_a_line_of_another_shape_is_told_by_its_place(
    line: dict[str, object], told: str, tmp_path: Path
) -> None:
    file = tmp_path / "odd.jsonl"
    file.write_text(json.dumps(line))
    for method in (Sft(demonstrations=file), Rft(replies=file)):
        with pytest.raises(TrainingError, match=rf"odd.jsonl, line 1: .*{told}"):
            method.rows([P1])


def test_only_the_completion_and_its_end_are_learned(tiny: Path, tmp_path: Path) -> None:
    rows = [{"prompt": P1.messages(), "completion": "<think>is</think>it"}]
    runner = TrlRunner(Sft(demonstrations=tmp_path), str(tiny), rows, out=tmp_path / "run")
    (row,) = runner.tokens()
    split = row["completion_mask"].index(1)
    assert row["completion_mask"] == [0] * split + [1] * (len(row["input_ids"]) - split)
    model = HfModel(str(tiny))
    assert model.tokenizer.decode(row["input_ids"][:split]) == model.render(P1.messages())
    said = model.tokenizer.decode(row["input_ids"][split:])
    assert said == "<think>is</think>it<|im_end|>"


def test_sft_learns_its_demonstrations_by_heart(tiny: Path, tmp_path: Path) -> None:
    file = written(
        tmp_path / "demonstrations",
        {"problem": P1.id, "raw": "it is four"},
        {"problem": P2.id, "raw": "two"},
    )
    method = Sft(demonstrations=file, learning_rate=1e-2, epochs=40, batch=2)
    done = method.train(str(tiny), [P1, P2], out=str(tmp_path / "run"))
    rows = HfModel(str(done.folder)).sample([P1.messages(), P2.messages()], GREEDY)
    assert [(row[0].raw, row[0].finish_reason) for row in rows] == [
        ("it is four", FinishReason.answered),
        ("two", FinishReason.answered),
    ]
    assert done.n_steps == 40
    losses = [r for r in log(done.folder) if "loss" in r]
    assert losses[-1]["loss"] < 0.1 < 1 < losses[0]["loss"]


def log(folder: Path) -> list[dict[str, float]]:
    rows: list[dict[str, float]] = json.loads((folder / "trainer_state.json").read_text())[
        "log_history"
    ]
    return rows


def ending(tiny: Path, tmp_path: Path) -> Path:
    """The tiny model after it has learned to end its replies, some with an o and some without."""
    lines = [
        {"problem": problem.id, "raw": raw}
        for problem in (P1, P2)
        for raw in ("two and two", "it is", "is it", "what is it", "it", "and is")
    ]
    file = written(tmp_path / "demonstrations", *lines)
    method = Sft(demonstrations=file, learning_rate=5e-3, epochs=12, batch=6)
    return method.train(str(tiny), [P1, P2], out=tmp_path / "ending").folder


def test_rft_and_dpo_raise_what_they_filter_by(tiny: Path, tmp_path: Path) -> None:
    base = ending(tiny, tmp_path)
    before = score(base)
    assert 0.02 < before < 0.6
    rft = Rft(
        reward=HasO(),
        rounds=2,
        num_generations=24,
        max_completion_length=8,
        learning_rate=3e-3,
        epochs=4,
    )
    done = rft.train(str(base), [P1, P2], out=tmp_path / "rft")
    assert score(done.folder) > before + 0.3
    assert (tmp_path / "rft-round-1/training.json").exists()
    assert rft.train(str(base), [P1, P2], out=tmp_path / "rft") == done

    dpo = Dpo(
        reward=HasO(), num_generations=24, max_completion_length=8, learning_rate=3e-3, epochs=15
    )
    done = dpo.train(str(base), [P1, P2], out=tmp_path / "dpo")
    assert score(done.folder) > before + 0.3
    adapted = replace(dpo, lora=4, learning_rate=2e-2).train(
        str(base), [P1, P2], out=tmp_path / "lora"
    )
    assert (adapted.folder / "adapter_model.safetensors").exists()
    assert score(adapted.folder) > before


def test_rft_counts_the_problems_that_it_leaves_out(
    tiny: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    drawn = [[reply("#### 4"), reply("#### 5")], [reply("#### 3"), reply("#### 5")]]
    monkeypatch.setattr(Rft, "draw", lambda *_, **__: drawn)
    Rft(num_generations=2, epochs=1).train(str(tiny), [P1, P2], out=tmp_path / "run")
    told = "round 1: 1 of 4 replies kept; 1 of 2 problems have none"
    assert told in caplog.text


def test_nothing_kept_and_no_pair_say_what_to_do(tiny: Path, tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match=r"kept none of 4 replies.*easier problems"):
        Rft(num_generations=4, max_completion_length=4).train(str(tiny), [P1], out=tmp_path / "a")
    with pytest.raises(TrainingError, match=r"no problem has two replies.*lower gap"):
        Dpo(num_generations=2, max_completion_length=4, reward=Correct()).train(
            str(tiny), [P1], out=tmp_path / "b"
        )


def test_a_base_without_a_chat_template(tiny: Path, tmp_path: Path) -> None:
    from tiny_llama import copy_of

    base = copy_of(tiny, tmp_path / "base")
    (base / "chat_template.jinja").unlink()
    file = written(tmp_path / "demonstrations", {"problem": P1.id, "raw": "it"})
    with pytest.raises(ModelError, match="no chat template"):
        Sft(demonstrations=file).train(str(base), [P1], out=tmp_path / "run")


@pytest.mark.parametrize("where", ["prompt", "reply"])
def test_a_token_without_an_embedding_is_refused_with_its_remedy(
    tiny: Path, tmp_path: Path, where: str
) -> None:
    """By hand: the tokenizer has one token more than the network, and a text has it."""
    transformers = pytest.importorskip("transformers")
    wide = tmp_path / "wide"
    transformers.AutoModelForCausalLM.from_pretrained(tiny).save_pretrained(wide)
    tokenizer = transformers.AutoTokenizer.from_pretrained(tiny)
    n_known = HfModel(str(tiny)).n_embedded
    assert len(tokenizer) <= n_known
    tokenizer.add_tokens([f"new{i}" for i in range(n_known - len(tokenizer) + 1)])
    last = tokenizer.convert_ids_to_tokens(n_known)
    tokenizer.save_pretrained(wide)
    asked = replace(P1, question=f"what is {last}") if where == "prompt" else P1
    said = "it is 4" if where == "prompt" else f"it is {last}"
    line = {"problem": asked.id, "raw": said, "finish_reason": "answered"}
    file = written(tmp_path / "demonstrations.jsonl", line)
    sft = Sft(demonstrations=file, batch=1, epochs=1)
    with pytest.raises(ModelError, match=rf"token {n_known} \('{last}'\).*resize_token_embeddings"):
        sft.train(str(wide), [asked], out=tmp_path / "out")
    pair = {"prompt": asked.messages(), "chosen": said, "rejected": "it is 2"}
    (tmp_path / "pairs.jsonl").write_text(json.dumps(pair | {"problem": asked.id}) + "\n")
    dpo = Dpo(pairs=tmp_path / "pairs.jsonl", batch=1)
    with pytest.raises(ModelError, match="resize_token_embeddings"):
        dpo.train(str(wide), [asked], out=tmp_path / "dpo")
    if where == "prompt":
        grpo = Grpo(
            steps=1, batch=2, num_generations=2, max_completion_length=4, precheck_problems=0
        )
        with pytest.raises(ModelError, match="resize_token_embeddings"):
            grpo.train(str(wide), [asked], out=tmp_path / "grpo")
