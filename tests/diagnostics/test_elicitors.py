"""Elicitors: each is a model; votes and confidences by hand and by a plain forward pass."""

from dataclasses import replace

import pytest
import torch

from twofold.diagnostics.elicitation.cot_decoding import Branch, CotDecoding, confidences, preferred
from twofold.diagnostics.elicitation.elicitor import last_said
from twofold.diagnostics.elicitation.majority import MajorityVote, elected
from twofold.diagnostics.elicitation.prompts import HINTS, FewShot, Hinted
from twofold.errors import ModelError, RunError
from twofold.models import resolve
from twofold.models.scripted import ScriptedModel
from twofold.problems import pocket
from twofold.runs.audit import audit
from twofold.types import FinishReason, Message, Problem, Response, Sampling, Share

GREEDY = Sampling(max_tokens=64)
ASKED = [[Message(role="user", content=f"What is {i} + 2?")] for i in range(4)]


def counting(prompt, sample):
    """A reply that names its prompt and its sample."""
    return f"{prompt} / {sample}"


SCRIPTED = [
    Hinted(ScriptedModel(counting), hint=HINTS["steps"]),
    FewShot(ScriptedModel(counting), shots=(("What is 1 + 2?", "3"), ("What is 9 + 2?", "11"))),
    MajorityVote(ScriptedModel(counting), n_votes=3),
]


@pytest.mark.parametrize("model", SCRIPTED, ids=lambda each: each.name)
def test_an_elicitor_is_a_model_that_can_be_resumed_and_shared(model):
    whole = {(p, g): r for p, g, r in model.stream(ASKED, GREEDY, n=2)}
    assert set(whole) == {(p, g) for p in range(4) for g in range(2)}
    done = {(0, 1), (3, 0)}
    rest = {(p, g): r for p, g, r in model.stream(ASKED, GREEDY, n=2, done=done)}
    assert rest == {at: r for at, r in whole.items() if at not in done}
    parts = [{} for _ in range(2)]
    for rank, part in enumerate(parts):
        for p, g, r in model.stream(ASKED, GREEDY, n=2, share=Share(rank, 2)):
            part[p, g] = r
    assert not parts[0].keys() & parts[1].keys() and parts[0] | parts[1] == whole


VOTE = MajorityVote(
    ScriptedModel({f"What is {i} + 2?": [r"\boxed{0}", rf"\boxed{{{i + 2}}}"] for i in range(3)}),
    n_votes=4,
)


def test_an_elicitor_is_audited_by_its_name_and_the_same_command_resumes(tmp_path, monkeypatch):
    """The settings of a fingerprint survive the manifest: another setting is refused, the same is not."""
    asked = [Problem(question=f"What is {i} + 2?", answer=str(i + 2)) for i in range(3)]
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "elicitors_of_a_test.py").write_text(
        "from twofold.diagnostics.elicitation.prompts import FewShot\n"
        "from twofold.models.scripted import ScriptedModel\n"
        "SHOTS = (('What is 7 + 2?', '9'), ('What is 8 + 2?', '10'))\n"
        "FEW = FewShot(ScriptedModel(lambda prompt, sample: prompt), shots=SHOTS)\n"
        "ONE = FewShot(FEW.base, shots=SHOTS, n_shots=1)\n"
    )
    few, one = (resolve(f"elicitors_of_a_test:{name}") for name in ("FEW", "ONE"))
    first = audit(few, asked, out=tmp_path / "run", baseline=VOTE)
    assert audit(few, asked, out=tmp_path / "run", baseline=VOTE).findings == first.findings
    with pytest.raises(RunError):
        audit(one, asked, out=tmp_path / "run", baseline=VOTE)


@pytest.mark.parametrize("model", SCRIPTED, ids=lambda each: each.name)
def test_the_fingerprint_holds_the_settings_and_the_model_that_is_asked(model):
    found = model.fingerprint()
    assert found["kind"] == model.name and found["base"] == model.base.fingerprint()
    other = MajorityVote(model.base, n_votes=5)
    assert other.fingerprint() != MajorityVote(model.base, n_votes=3).fingerprint()
    assert model.base.spec in model.spec


def test_no_problem_is_asked_with_its_own_answer():
    few = FewShot(ScriptedModel(counting), shots=(("What is 1 + 2?", "3"), ("9 + 2?", "11")))
    (first,), (own,) = few.sample(ASKED[:2], GREEDY)
    assert first.reply.startswith("What is 1 + 2?\n\n3\n\n9 + 2?\n\n11\n\nWhat is 0")
    assert own.reply.startswith("9 + 2?\n\n11\n\nWhat is 1 + 2?")


def test_a_vote():
    assert elected(["a", "b", "b"]) == 1
    assert elected(["a", "b"]) == 0  # a tie goes to what was said first
    assert elected([None, None, "b"]) == 2
    assert elected([None]) == 0


def test_a_failed_call_has_no_vote_and_costs_are_added():
    failed = Response(raw="", reply="", finish_reason=FinishReason.failed, error="down")
    right = Response(raw="", reply="\\boxed{3}", n_reply_tokens=4)
    lines = [failed, failed, right, right]
    model = MajorityVote(ScriptedModel({"What is 0 + 2?": lines}), n_votes=4)
    (found,) = model.elicited(ASKED[:1], GREEDY)
    assert found.response == right and found.n_tokens is None  # a failed call's tokens are unknown
    (found,) = MajorityVote(ScriptedModel({"What is 0 + 2?": [right]}), n_votes=4).elicited(
        ASKED[:1], GREEDY
    )
    assert found.n_tokens == 16
    assert MajorityVote(ScriptedModel({"What is 0 + 2?": [right]}), n_votes=4).sample(
        ASKED[:1], GREEDY
    ) == [[replace(right, n_spent_tokens=16)]]
    broken = MajorityVote(ScriptedModel({"What is 0 + 2?": [failed]}), n_votes=2)
    assert broken.sample(ASKED[:1], GREEDY)[0][0] == failed


def say(answer, sure):
    return Branch(Response(raw="", reply=""), answer, sure)


@pytest.mark.parametrize(
    ("text", "last"),
    [
        ("It is \\boxed{5}.", "It is \\boxed{"),
        ("It is \\boxed{5}, since 15 is 3 times that.", "It is \\boxed{"),  # not that of 15
        ("The answer is 5. I took 2.5 minutes for 5,000 of them.", "The answer is "),
        ("5 of them. The answer is 5.", "5 of them. The answer is "),
        ("The answer is A. All are well.", "The answer is "),
    ],
)
def test_an_answer_is_where_it_is_last_said_by_itself(text, last):
    start, stop = last_said(Response(raw=text, reply=text))
    assert text[:start] == last and text[start:stop] in ("5", "A")


def test_confidences_are_summed_by_answer():
    said = [say("7", 0.5), say("12", 0.3), say("12", 0.3), say(None, 0.0)]
    assert preferred(said, "sum") == 1 and preferred(said, "max") == 0
    assert preferred([say(None, 0.0)] * 2, "sum") == 0
    assert preferred([say("7", 0.0), say("12", 0.0)], "sum") == 0


@pytest.fixture(scope="module")
def model():
    return resolve("pocket")


def test_cot_decoding_needs_weights():
    with pytest.raises(ModelError, match="behind a server"):
        CotDecoding(ScriptedModel(counting))


def test_the_confidence_is_that_of_plain_forward_passes_token_by_token(model):
    """One pass over padded rows equals one pass for each token, at the answer's tokens alone."""
    problem = pocket.suite(1)[0]
    decoder = CotDecoding(model, k=4)
    (branches,) = decoder.branches([problem.messages(stated=())], GREEDY)
    prompt = model.tokenizer(
        model.render(problem.messages(stated=())), add_special_tokens=False
    ).input_ids
    assert len({b.response.ids[0] for b in branches}) == 4
    checked = 0
    for branch in branches:
        if branch.answer is None:
            assert branch.confidence == 0.0
            continue
        ids, raw = branch.response.ids, branch.response.raw
        start = raw.rfind(branch.answer)
        ahead, spelled = [], ""
        for j in range(len(ids)):
            before, after = len(model.decode(ids[:j])), len(model.decode(ids[: j + 1]))
            if after <= start or before >= start + len(branch.answer):
                continue
            spelled += model.decode([ids[j]])
            with torch.inference_mode():
                logits = model.network(input_ids=torch.tensor([[*prompt, *ids[:j]]])).logits[0, -1]
            first, second = logits.softmax(-1).topk(2).values.tolist()
            ahead.append(first - second)
        assert branch.answer in spelled
        assert branch.confidence == pytest.approx(sum(ahead) / len(ahead), abs=1e-5)
        checked += 1
    assert checked


class Certain:
    """A network whose logits are known: at place t of any row it is ln 3 for token t, 0 for token 9."""

    device = torch.device("cpu")

    def __call__(self, input_ids, attention_mask, logits_to_keep):
        logits = torch.full((*input_ids.shape, 10), -1e9)
        for t in range(input_ids.shape[1]):
            logits[:, t, t % 9] = torch.log(torch.tensor(3.0 if t % 2 else 1.0))
            logits[:, t, 9] = 0.0
        return type("Out", (), {"logits": logits[:, logits_to_keep]})


def test_the_first_token_of_an_answer_is_predicted_by_the_token_before_it():
    """Off by one would give 0 for .5: odd places are 3/4 to 1/4, even ones 1/2 to 1/2."""
    found = confidences(Certain(), [1, 2], [[3, 4, 5], [3, 4, 5, 6], [3]], [(0, 1), (1, 4), (0, 0)])
    # The reply's token j is predicted at place 1 + j: (1,) is odd; (2, 3, 4) is even, odd, even.
    assert found == pytest.approx([0.5, 0.5 / 3, 0.0])


def test_cot_decoding_needs_room_for_a_second_token(model):
    chats = [problem.messages() for problem in pocket.suite(1)]
    with pytest.raises(ModelError, match="max_tokens is 1; give at least 2"):
        CotDecoding(model, k=2).sample(chats, Sampling(max_tokens=1))
    ((reply,),) = CotDecoding(model, k=2).sample(chats, Sampling(max_tokens=2))
    assert reply.ids is not None and len(reply.ids) <= 2


def test_cot_decoding_on_the_pocket_model_gives_a_branch_and_what_all_cost(model):
    chats = [p.messages(stated=()) for p in pocket.suite(2)]
    decoder = CotDecoding(model, k=3)
    found = {e.prompt: e for e in decoder.elicited(chats, GREEDY)}
    branches = decoder.branches(chats, GREEDY)
    for p, of in enumerate(branches):
        assert found[p].response in [b.response for b in of]
        assert found[p].n_tokens == sum(len(b.response.ids) for b in of)
        assert all(b.response.ids[0] not in model.eos for b in of)
        assert found[p].branches == tuple(b.response for b in of)
    again = [r for _, _, r in decoder.stream(chats, GREEDY, done={(0, 0)})]
    assert again == [replace(found[1].response, n_spent_tokens=found[1].n_tokens)]
