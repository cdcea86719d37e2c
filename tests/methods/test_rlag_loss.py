"""Is RLAG's loss the published one, does every switch change it, and are its likelihoods right?"""

import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("trl")

from twofold.methods import TrainingError  # noqa: E402
from twofold.methods.rlag.loss import Likelihoods, rlag_loss  # noqa: E402
from twofold.methods.rlag.weights import Weights  # noqa: E402
from twofold.methods.trl.rlag_trainer import KINDS, Batch, encoded, likelihoods  # noqa: E402
from twofold.methods.trl.trainable_model import TrainableModel  # noqa: E402
from twofold.storage.jsonl import Row  # noqa: E402


def at(*, same: bool = False, grad: bool = False, **values: float) -> Likelihoods:
    """One question: z = −1, a = −1, n = −2, d = −3, r = −1.5 unless another value is given."""
    usual = {"knowledge": -1.0, "augmented": -1.0, "naive": -2.0, "distilled": -3.0} | {
        "replayed": -1.5
    }
    tensors = {
        kind: torch.tensor([value], requires_grad=grad) for kind, value in (usual | values).items()
    }
    return Likelihoods(**tensors, same=torch.tensor([same]))


def softplus(x: float) -> float:
    return math.log1p(math.exp(x))


# Each switch, the logit by hand (0.2·z + 0.5·min(a, −0.2) − 0.5·max(n, −5) − 0.8 = −0.5), and the rest.
SWITCHES: list[tuple[dict[str, Any], float, float]] = [
    ({}, -0.5, 1.5),
    ({"knowledge": 0}, -0.3, 1.5),
    ({"augmented": 0}, 0.0, 1.5),
    ({"naive": 0}, -1.5, 1.5),
    ({"gamma": 0}, 0.3, 1.5),
    ({"clip_augmented": -2}, -1.0, 1.5),
    ({"clip_naive": -1}, -1.0, 1.5),
    ({"distil": 0.5}, -0.5, 3.0),
    ({"replay": 0}, -0.5, 0.0),
]


@pytest.mark.parametrize(("switch", "logit", "rest"), SWITCHES)
def test_every_switch_changes_the_loss_as_written(
    switch: dict[str, Any], logit: float, rest: float
) -> None:
    (loss,) = rlag_loss(at(), Weights(**switch))
    assert float(loss) == pytest.approx(softplus(-logit) + rest)
    usual = rlag_loss(at(), Weights())
    assert not switch or float(loss) != pytest.approx(float(usual))


def test_where_there_is_nothing_to_prefer_only_the_passages_count() -> None:
    dynamic = rlag_loss(at(same=True), Weights(replay=0))
    assert float(dynamic) == pytest.approx(softplus(0.5 + 0.8))  # 0.5·z − γ
    static = rlag_loss(at(same=True), Weights(replay=0, knowledge_if_same=None))
    assert float(static) == pytest.approx(softplus(0.5))
    told = Weights(replay=0, distil=0.5)
    assert float(rlag_loss(at(same=True), told)) == pytest.approx(softplus(1.3) + 1.5)


@pytest.mark.parametrize(
    ("values", "weights", "moved"),
    [
        ({}, Weights(), {"knowledge", "augmented", "naive", "replayed"}),
        ({"augmented": -0.1}, Weights(), {"knowledge", "naive", "replayed"}),
        ({"naive": -6.0}, Weights(), {"knowledge", "augmented", "replayed"}),
        (
            {"naive": -6.0},
            Weights(clip_naive=None),
            {"knowledge", "augmented", "naive", "replayed"},
        ),
        (
            {"augmented": -0.1},
            Weights(clip_augmented=None, distil=1.0),
            {"knowledge", "augmented", "naive", "replayed", "distilled"},
        ),
    ],
)
def test_a_clip_stops_the_gradient(
    values: dict[str, float], weights: Weights, moved: set[str]
) -> None:
    found = at(grad=True, **values)
    rlag_loss(found, weights).sum().backward()
    gradient = {kind: getattr(found, kind).grad for kind in KINDS}
    assert {kind for kind, g in gradient.items() if g is not None and float(g) != 0} == moved
    assert gradient["knowledge"] < 0 and gradient["replayed"] < 0
    assert "naive" not in moved or gradient["naive"] > 0


def test_the_margin_of_the_published_configuration_makes_the_loss_linear() -> None:
    for naive, augmented in [(-5.0, -0.2), (-0.2, -5.0), (-1.0, -1.0)]:
        found = at(grad=True, naive=naive, augmented=augmented)
        rlag_loss(found, Weights(gamma=8.0, replay=0)).sum().backward()
        assert float(found.knowledge.grad) == pytest.approx(-0.2, rel=0.01)


ROW: Row = {
    "problem": "p",
    "prompt": [{"role": "user", "content": "what is it"}],
    "informed": [{"role": "user", "content": "two is it\n\nwhat is it"}],
    "passages": ["two is it", "it is four and what"],
    "chosen": "two",
    "rejected": "it is four",
    "same": False,
    "replay": {"prompt": [{"role": "user", "content": "two"}], "completion": "what"},
}
ALL = Weights(distil=1.0)


def kinds(row: Row, weights: Weights, model: TrainableModel) -> list[str]:
    return [
        KINDS[text["kind"]]
        for (made,) in [encoded([row], model, weights)]
        for text in made["texts"]
    ]


def test_texts_that_do_not_count_are_not_read(tiny: Path) -> None:
    model = TrainableModel(str(tiny), lora=None)
    everything = ["knowledge", "knowledge", "augmented", "naive", "distilled", "replayed"]
    assert kinds(ROW, ALL, model) == everything
    assert kinds(ROW, Weights(), model) == [k for k in everything if k != "distilled"]
    for off in ("knowledge", "augmented", "naive", "distil", "replay"):
        left = kinds(ROW, replace(ALL, **{off: 0.0}), model)
        assert len(left) == len(everything) - (2 if off == "knowledge" else 1)
    same = ROW | {"same": True}
    assert kinds(same, Weights(), model) == ["knowledge", "knowledge", "replayed"]
    assert kinds(same, Weights(knowledge_if_same=None, replay=0), model) == everything[:4]
    assert encoded([ROW], model, Weights(knowledge=0, augmented=0, naive=0, replay=0)) == []


def test_a_text_longer_than_the_context_is_refused(tiny: Path) -> None:
    model = TrainableModel(str(tiny), lora=None)
    with pytest.raises(TrainingError, match=r"the augmented text of problem p has 3.. tokens"):
        encoded([ROW | {"chosen": " two" * 300}], model, Weights())


def test_what_is_learned_is_the_reply_and_the_passage(tiny: Path) -> None:
    model = TrainableModel(str(tiny), lora=None)
    (row,) = encoded([ROW], model, ALL)
    learned = [model.tokenizer.decode(text["ids"][text["start"] :]) for text in row["texts"]]
    end = "<|im_end|>"
    passages = [f"{text}{end}" for text in ROW["passages"]]
    assert learned == [*passages, f"two{end}", f"it is four{end}", f"two{end}", f"what{end}"]
    before = [model.tokenizer.decode(text["ids"][: text["start"]]) for text in row["texts"]]
    assert before[0] == "<|im_start|>"
    assert "two is it\n\nwhat is it" in before[2]
    assert "two is it" not in before[3] and "two is it" not in before[4]


@pytest.mark.parametrize("normalised", [True, False])
def test_likelihoods_equal_those_of_each_text_alone(tiny: Path, normalised: bool) -> None:
    model = TrainableModel(str(tiny), lora=None)
    rows = encoded([ROW, ROW | {"same": True}], model, ALL)
    network = model.network.eval()
    with torch.inference_mode():
        found = likelihoods(network, Batch(0)(rows), normalised=normalised)
        for number, row in enumerate(rows):
            for kind, name in enumerate(KINDS):
                total, n = 0.0, 0
                for text in row["texts"]:
                    if text["kind"] == kind:
                        logits = network(input_ids=torch.tensor([text["ids"]])).logits[0]
                        logprobs = logits.float().log_softmax(-1)
                        for i in range(text["start"], len(text["ids"])):
                            total += float(logprobs[i - 1, text["ids"][i]])
                            n += 1
                right = 0.0 if n == 0 else total / n if normalised else total
                assert float(getattr(found, name)[number]) == pytest.approx(right, abs=1e-4)


def test_passes_are_of_similar_length() -> None:
    lengths = [40, 3, 38, 31, 29, 8, 7]
    rows = [
        {"same": False, "texts": [{"kind": 0, "ids": list(range(n)), "start": 1}]} for n in lengths
    ]
    passes = Batch(99)(rows)["passes"]
    assert [tuple(each["input_ids"].shape) for each in passes] == [(3, 40), (1, 29), (2, 8), (1, 3)]
    assert [each["place"].tolist() for each in passes] == [[0, 10, 15], [20], [25, 30], [5]]
    first = passes[0]
    assert first["attention_mask"].sum(1).tolist() == [40, 38, 31]
    assert first["learned"].sum(1).tolist() == [39, 37, 30]
    assert int(first["input_ids"][1, -1]) == 99
