"""Token shift: sums over a small vocabulary by brute force, and the panel on a pair made by hand."""

import json
import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from twofold.diagnostics.diagnostic import Subject  # noqa: E402
from twofold.diagnostics.elicitation.analysis import Elicitation  # noqa: E402
from twofold.diagnostics.elicitation.token_shift import collect  # noqa: E402
from twofold.diagnostics.elicitation.token_shift.collect import TokenShift  # noqa: E402
from twofold.diagnostics.elicitation.token_shift.divergence import shift  # noqa: E402
from twofold.diagnostics.elicitation.token_shift.measures import ShiftMeasures, top_share  # noqa: E402
from twofold.diagnostics.elicitation.vocabulary import why_not_together  # noqa: E402
from twofold.models import resolve  # noqa: E402
from twofold.models.hf import HfModel  # noqa: E402
from twofold.models.scripted import ScriptedModel  # noqa: E402
from twofold.problems import pocket  # noqa: E402
from twofold.runs.audit import audit  # noqa: E402
from twofold.storage.jsonl import read_lines  # noqa: E402
from twofold.types import Sampling, Slice  # noqa: E402

SAMPLING = Sampling(max_tokens=24)


def in_plain_python(author, reader, token):
    """Rank, KL and JS of one token from probabilities that are made by hand."""
    p, q = ([math.exp(x) / sum(map(math.exp, of)) for x in of] for of in (author, reader))
    rank = 1 + sum(each > reader[token] for each in reader)
    kl = sum(a * math.log(a / b) for a, b in zip(p, q, strict=True))
    middle = [(a + b) / 2 for a, b in zip(p, q, strict=True)]
    js = sum(0.5 * x * math.log(x / m) for of in (p, q) for x, m in zip(of, middle, strict=True))
    return rank, kl, js, math.log(p[token]), math.log(q[token])


def test_every_number_is_that_of_plain_sums(monkeypatch):
    """Also cut into slices of two tokens, and of one."""
    rng = np.random.default_rng(0)
    author, reader = (rng.normal(size=(9, 7)) * 3 for _ in range(2))
    said = rng.integers(7, size=9)
    wanted = [
        in_plain_python(*each) for each in zip(author.tolist(), reader.tolist(), said, strict=True)
    ]
    for most in (2**22, 14, 1):
        monkeypatch.setattr(
            "twofold.diagnostics.elicitation.token_shift.divergence.MOST_LOGITS", most
        )
        found = shift(torch.tensor(author), torch.tensor(reader), torch.tensor(said))
        for column, of in zip(found, zip(*wanted, strict=True), strict=True):
            assert column == pytest.approx(of, abs=2e-6)


def test_the_extremes_are_exact():
    same = torch.randn(3, 11, generator=torch.Generator().manual_seed(1)) * 9
    found = shift(same, same.clone(), same.argmax(-1))
    assert found.rank == [1, 1, 1] and found.kl == [0.0] * 3 and found.js == [0.0] * 3
    # each is sure of another token: JS is ln 2, and a token that one rules out is no NaN
    sure = torch.tensor([[0.0, -torch.inf, -torch.inf]])
    other = torch.tensor([[-torch.inf, 0.0, -torch.inf]])
    found = shift(sure, other, torch.tensor([0]))
    assert found.js == pytest.approx([math.log(2)]) and found.rank == [2]
    assert found.kl == [math.inf] and found.reader == [-math.inf]


def test_bfloat16_logits_are_summed_in_float32():
    """A flat vocabulary of 50,000: in bfloat16 the sum of so many small numbers is far off."""
    flat = torch.zeros(1, 50_000, dtype=torch.bfloat16)
    tilted = flat.clone()
    tilted[0, :25_000] = 1.0
    found = shift(flat, tilted, torch.tensor([49_999]))
    # ln((e + 1) / 2) - 1/2 by hand
    assert found.kl == pytest.approx([math.log((math.e + 1) / 2) - 0.5], abs=1e-4)
    assert found.rank == [25_001]


def test_the_top_share_by_hand():
    kl = np.array([8.0, 4.0, 2.0, *[0.1] * 57])  # 60 tokens: the top 3
    assert top_share(kl, np.ones(60, dtype=int)) == pytest.approx(14 / 19.7)
    # the first counted twice: of 61 tokens the top 3.05 are 8, 8, 4 and a twentieth of 2
    weight = np.ones(60, dtype=int)
    weight[0] = 2
    assert top_share(kl, weight) == pytest.approx((20 + 0.05 * 2) / 27.7)
    assert math.isnan(top_share(np.zeros(9), np.ones(9, dtype=int)))


def rows_by_hand(n_problems=5):
    """Up to five problems: 20 tokens at ranks 1, 2, 3, 4 in turn, and 10 at rank 1 for each other."""
    for i in range(n_problems):
        n, ranks = (10, [1] * 10) if i else (20, [1, 2, 3, 4] * 5)
        tuned = {
            "rank": ranks,
            "kl": [0.0] * (n - 1) + [1.0 + i],
            "js": [0.1] * n,
            "author": [-0.1] * n,
            "reader": [-1.0 - i / 4] * n,
        }
        own = tuned | {"rank": [1] * n, "author": [-0.5] * n, "reader": [-2.0] * n}
        null = own | {"kl": [0.0] * n, "js": [0.0] * n}
        yield {
            "role": "model",
            "key": f"token_shift/{i}",
            "problem": str(i),
            "condition": "unconstrained",
            "texts": {"model": tuned, "baseline": own, "null": null},
        }


def test_the_measures_by_hand():
    found = {
        (m.role, m.metric, m.slice.value): m.estimate
        for m in ShiftMeasures(list(rows_by_hand()), 0).measures()
    }
    # of 60 tokens 45 are first, 10 second or third, 5 fourth
    rates = [found["model", name, ""].value for name in ("unshifted", "marginal", "shifted")]
    assert rates == pytest.approx([45 / 60, 10 / 60, 5 / 60])
    assert found["model", "kl", ""].value == pytest.approx(15 / 60)
    assert found["model", "kl", "10"].value == pytest.approx(15 / 6)  # two tokens of 20, one of 10
    assert found["model", "kl", "1"].value == 0.0
    # the first tenth of the first reply is ranks 1 and 2, of the others rank 1
    assert found["model", "marginal", "1"].value == pytest.approx(1 / 6)
    # the top 5 % of 60 tokens are 3: 5, 4 and 3, of 15
    assert found["model", "kl_in_top_5_percent", ""].value == pytest.approx(12 / 15)
    assert found["model", "perplexity", ""].value == pytest.approx(math.exp(1.5))
    ratio = found["model", "perplexity_ratio", ""]
    assert ratio.value == pytest.approx(math.exp(1.5) / math.exp(0.5))
    assert (ratio.low, ratio.high) == pytest.approx((math.exp(0.5), math.exp(1.5)))
    assert found["null", "unshifted", ""].value == 1.0 and found["null", "kl", ""].value == 0.0
    assert ("null", "kl_in_top_5_percent", "") not in found  # a share of nothing
    assert all(each.n == 5 for each in found.values())
    assert not list(ShiftMeasures(list(rows_by_hand()), 0).caveats())


RESAMPLED = {"kl_in_top_5_percent", "perplexity", "perplexity_ratio"}


@pytest.mark.parametrize("n", [2, 3, 4])
def test_numbers_of_too_few_problems_are_left_out_and_a_caveat_says_so(n):
    measures = ShiftMeasures(list(rows_by_hand(n)), 0)
    metrics = {each.metric for each in measures.measures()}
    assert metrics == {"unshifted", "marginal", "shifted", "kl", "js"}
    (said,) = measures.caveats()
    assert "needs 5 problems" in said and f"perplexity_ratio (of {n})" in said
    assert f"perplexity of baseline (of {n}), kl_in_top_5_percent of baseline (of {n})" in said


def test_a_side_of_which_too_little_could_be_read_is_left_out_alone():
    rows = list(rows_by_hand())
    rows[0]["texts"] = {name: rows[0]["texts"][name] for name in ("model", "null")}
    measures = ShiftMeasures(rows, 0)
    found = {(each.role, each.metric) for each in measures.measures()}
    assert {each for each in found if each[1] in RESAMPLED} == {
        ("model", "perplexity"),
        ("model", "kl_in_top_5_percent"),
        ("null", "perplexity"),
    }
    (said,) = measures.caveats()
    assert "of model" not in said and "perplexity of baseline (of 4)" in said
    assert "perplexity_ratio (of 4)" in said


def test_the_finding_of_too_few_problems_has_the_caveat():
    for n, is_said in ((2, True), (5, False)):
        found = Elicitation().analyse(list(rows_by_hand(n)), [])
        assert any("Token shift: an interval needs" in c for c in found.caveats) is is_said


def test_a_reply_that_could_not_be_read_is_counted_and_not_zero():
    rows = list(rows_by_hand())
    lost = rows[1] | {"key": "token_shift/5", "problem": "5", "texts": {}}
    found = {
        (m.role, m.metric, m.slice.value): m.estimate
        for m in ShiftMeasures([*rows, lost], 0).measures()
    }
    for metric in ("shifted", "kl", "perplexity", "perplexity_ratio", "kl_in_top_5_percent"):
        each = found["model", metric, ""]
        assert (each.n, each.n_unscored) == (5, 1), metric


@pytest.fixture(scope="module")
def base():
    return resolve("pocket")


@pytest.fixture(scope="module")
def tuned(tmp_path_factory):
    """The pocket model with every weight moved a little, so that it says other things."""
    folder = tmp_path_factory.mktemp("tuned") / "model"
    model = HfModel("pocket", use_cache=False)
    generator = torch.Generator().manual_seed(3)
    for weight in model.network.parameters():
        noise = torch.randn(weight.shape, generator=generator)
        weight.data += 0.3 * weight.std() * noise
    model.network.save_pretrained(folder)
    model.tokenizer.save_pretrained(folder)
    return HfModel(str(folder), use_cache=False)


def subject(model, base, n=3, **settings):
    kept = {"role": "model", "scorer": base} | settings
    return Subject(
        model=model, problems=pocket.suite(n), answers=(), sampling=SAMPLING, seed=5, **kept
    )


def one_by_one(model, prompt, ids):
    """The logits at each token of a reply, from one pass for each."""
    found = []
    for j in range(len(ids)):
        with torch.inference_mode():
            found.append(model.network(input_ids=torch.tensor([[*prompt, *ids[:j]]])).logits[0, -1])
    return torch.stack(found)


def prompt_of(model, problem):
    text = model.render(problem.messages(stated=()))
    return list(model.tokenizer(text, add_special_tokens=False).input_ids)


def test_the_rows_are_those_of_plain_passes_token_by_token(base, tuned):
    """Read in padded batches, both ways, equals one pass for each token of each reply."""
    problems = pocket.suite(3)
    rows = {row["problem"]: row for row in TokenShift(subject(tuned, base)).rows(frozenset())}
    assert set(rows) == {each.id for each in problems}
    chats = [each.messages(stated=()) for each in problems]
    said = {w: m.sample(chats, SAMPLING, seed=5) for w, m in (("model", tuned), ("baseline", base))}
    assert [r[0].ids for r in said["model"]] != [r[0].ids for r in said["baseline"]]
    for i, problem in enumerate(problems):
        prompt = prompt_of(base, problem)
        for whose, author, reader in (
            ("model", tuned, base),
            ("baseline", base, tuned),
            ("null", base, base),
        ):
            ids = said["baseline" if whose == "null" else whose][i][0].ids
            wanted = shift(
                one_by_one(author, prompt, ids), one_by_one(reader, prompt, ids), torch.tensor(ids)
            )
            text = rows[problem.id]["texts"][whose]
            for name, column in wanted._asdict().items():
                assert text[name] == pytest.approx(column, abs=1e-4), (whose, name)
        null = rows[problem.id]["texts"]["null"]
        assert set(null["rank"]) == {1} and not any(null["kl"]) and not any(null["js"])


@pytest.mark.parametrize(("most", "passes"), [(2**28, 1), (1, 6)])
def test_each_model_reads_a_chunk_in_one_pass_unless_memory_is_short(
    base, tuned, monkeypatch, most, passes
):
    monkeypatch.setattr(collect, "MOST_BYTES", most)
    subject_ = subject(tuned, base)
    whole = list(TokenShift(subject_).rows(frozenset()))
    asked = subject_.problems
    calls = []
    chats = [each.messages(stated=()) for each in asked]
    said = [m.sample(chats, SAMPLING, seed=5) for m in (tuned, base)]
    monkeypatch.setattr(
        TokenShift,
        "_replies",
        lambda self, model, keys, wanted: {
            key: said[model is base][i][0] for i, key in enumerate(keys)
        },
    )
    hooks = [
        m.network.register_forward_pre_hook(lambda *_, name=name: calls.append(name))
        for name, m in (("model", tuned), ("baseline", base))
    ]
    try:
        assert list(TokenShift(subject_).rows(frozenset())) == whole
    finally:
        for hook in hooks:
            hook.remove()
    assert calls.count("model") == calls.count("baseline") == passes  # 3 problems, two replies each


def test_rows_that_are_there_are_not_made_again_and_the_others_are_the_same(
    base, tuned, monkeypatch
):
    monkeypatch.setattr(collect, "CHUNK", 2)
    every = subject(tuned, base, n=4)
    whole = list(TokenShift(every).rows(frozenset()))
    keys = [row["key"] for row in whole]
    for kept in range(4):
        rest = list(TokenShift(every).rows(set(keys[:kept])))
        assert json.dumps(rest) == json.dumps(whole[kept:])
    assert not list(TokenShift(every).rows(set(keys)))


def test_only_the_tuned_side_of_a_pair_has_rows(base, tuned):
    assert not list(TokenShift(subject(base, None, role="baseline")).rows(frozenset()))
    assert not list(TokenShift(subject(tuned, None)).rows(frozenset()))


def test_other_tokenizers_and_models_without_weights_are_refused_with_the_reason(base, tuned):
    class Renamed:
        """The same vocabulary with two tokens in each other's place."""

        def get_vocab(self):
            known = base.tokenizer.get_vocab()
            a, b = [name for name, at in known.items() if at in (300, 301)]
            return known | {a: known[b], b: known[a]}

    assert why_not_together(tuned, base) == ""
    other = HfModel("pocket", use_cache=False)
    other.__dict__["tokenizer"] = Renamed()
    assert "2 such tokens" in why_not_together(tuned, other)
    (row,) = TokenShift(subject(tuned, other)).rows(frozenset())
    assert row["key"] == collect.LEFT_OUT and "different tokens" in row["left_out"]
    assert not list(TokenShift(subject(tuned, other)).rows({row["key"]}))
    (row,) = TokenShift(subject(ScriptedModel({}), base)).rows(frozenset())
    assert "weights of both models" in row["left_out"]


def test_a_reply_longer_than_the_other_models_context_is_left_out(base, tuned, monkeypatch):
    monkeypatch.setattr(collect, "_room", lambda model: 10)
    rows = list(TokenShift(subject(tuned, base)).rows(frozenset()))
    assert [row["texts"] for row in rows] == [{}, {}, {}]


def audited(out: Path, model, base):
    return audit(
        model,
        pocket.suite(5),
        out=out,
        baseline=base,
        sampling=SAMPLING,
        diagnostics=(Elicitation(n_samples=2, k=2),),
    ).findings[-1]


@pytest.mark.slow
def test_the_whole_audit_has_the_panel_and_killed_it_ends_with_the_same_table(
    base, tuned, tmp_path
):
    found = audited(tmp_path / "run", tuned, base)
    at = {"condition": "token_shift"}
    assert found.estimate("shifted", role="model", **at).value > 0
    assert found.estimate("kl", role="baseline", **at).value > 0
    assert found.estimate("unshifted", role="null", **at).value == 1.0
    assert found.estimate("perplexity_ratio", role="model", **at).value > 1.0
    tenth = found.estimate("kl", role="model", slice=Slice("tenth", "10"), **at)
    assert tenth.low <= tenth.value <= tenth.high
    page = (tmp_path / "run" / "report.html").read_text()
    assert "Token shift by position" in page and "Perplexity ratio" in page
    assert "Token shift" not in "".join(found.caveats)
    table = tmp_path / "run" / "elicitation.jsonl"
    whole = table.read_text()
    lines = whole.splitlines(keepends=True)
    places = [i for i, line in enumerate(lines) if '"token_shift/' in line]
    assert len(places) == 5
    for kept in (places[0], places[2], places[4]):
        table.write_text("".join([*lines[:kept], lines[kept][:30]]))
        audited(tmp_path / "run", tuned, base)
        assert table.read_text() == whole
    assert list(read_lines(table))


def test_scripted_models_say_why_the_panel_is_missing(tmp_path):
    from twofold.types import Problem

    asked = [Problem(question=f"What is {i} + 2?", answer=str(i + 2)) for i in range(5)]
    model = ScriptedModel(lambda prompt, sample: "\\boxed{4}")
    found = audit(
        model, asked, out=tmp_path / "run", baseline=model, diagnostics=(Elicitation(n_samples=2),)
    ).findings[-1]
    said = [each for each in found.caveats if "shift by token was not measured" in each]
    assert len(said) == 1 and "scripted" in said[0]
    assert not [m for m in found.measures if m.condition == "token_shift"]
    page = (tmp_path / "run" / "report.html").read_text()
    assert "Token shift by position" not in page


def test_the_numbers_stand_beside_the_rule_and_decide_nothing():
    """Two findings that differ in these two numbers alone fire the same conditions."""
    from twofold.diagnostics.elicitation.conditions import conditions
    from twofold.diagnostics.row_table import filed
    from twofold.types import Estimate, Problem

    asked = [Problem(question=f"What is {i} + 2?", answer=str(i + 2)) for i in range(20)]

    def tried(right):
        return {"correct": float(right), "met": [], "stated": 1, "answer": str(right)} | {
            "n_tokens": 3,
            "ended": "answered",
        }

    def row(role, arm, i, tries):
        return {"role": role, "arm": arm, "condition": "unconstrained", "temperature": 1.0} | {
            "problem": asked[i].id,
            "replies": tries,
        }

    rows = [row("model", "sampled", i, [tried(1)] * 4) for i in range(20)]
    rows += [row("baseline", "sampled", i, [tried(1), tried(0)] * 2) for i in range(20)]
    found = Elicitation().analyse(rows, asked)
    for value in (0.5, 3.0):
        extra = [
            measure
            for name in ("perplexity_ratio", "kl_in_top_5_percent")
            for measure in filed(
                "model",
                name,
                Estimate(value=value, low=value, high=value, n=2, method="by hand"),
                condition="token_shift",
            )
        ]
        judged = conditions(replace(found, measures=[*found.measures, *extra]))
        plain = conditions(found)
        assert [c.has_fired for c in judged] == [c.has_fired for c in plain] and judged
        because = {each.name: each.because for each in judged}
        for name in ("sharpening", "new_capability_within_budget"):
            assert because[name].endswith(
                f"; beside the rule: perplexity ratio {value:.2f} [{value:.2f}, {value:.2f}] and KL in "
                f"the top 5 % of the tokens {value:.2f} [{value:.2f}, {value:.2f}]"
            )
        assert "beside" not in because["narrowing"]
