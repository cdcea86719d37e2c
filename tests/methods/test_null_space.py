"""The null-space merge: invariance by brute force, and what of it is in memory at once."""

import gc
import json
import weakref
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from tiny_llama import TAGS, copy_of
from trios import ROLES, merged, moved, tensors, trio_of

from twofold.errors import ModelError, RunError
from twofold.methods.merge import null_space, span
from twofold.methods.merge.inputs import Thought, recorded
from twofold.methods.merge.merge import RECORD, merge
from twofold.methods.merge.null_space import NullSpace, projected
from twofold.methods.merge.span import Span, basis_of
from twofold.methods.merge.spool import Spool
from twofold.models import loading, pocket, resolve
from twofold.models.checkpoint import SINGLE


@pytest.fixture
def trio(tiny: Path, tmp_path: Path) -> dict[str, Path]:
    return trio_of(tiny, tmp_path)


def test_a_projected_change_is_unseen_where_it_was_learned_from_and_seen_elsewhere() -> None:
    gen = torch.Generator().manual_seed(0)
    weight, change = (torch.randn(5, 12, generator=gen) for _ in range(2))
    inputs, others = (torch.randn(n, 12, generator=gen) for n in (7, 7))
    seen = Span()
    for part in inputs.split(3):
        seen.add(part)
    basis = seen.basis()
    assert basis.shape == (12, 7)
    new = weight + projected(change, basis)
    torch.testing.assert_close(inputs @ new.T, inputs @ weight.T, atol=1e-5, rtol=0)
    assert (others @ new.T - others @ weight.T).abs().max() > 0.1
    # nothing else is lost: what is orthogonal to the inputs is changed as it would have been
    free = others - others @ basis @ basis.T
    torch.testing.assert_close(free @ new.T, free @ (weight + change).T, atol=1e-4, rtol=0)


def test_a_span_is_the_same_however_its_rows_come(monkeypatch) -> None:
    monkeypatch.setattr(span, "_MOST_ROWS", 5)
    rows = torch.randn(60, 4, generator=torch.Generator().manual_seed(0))
    rows = rows @ torch.randn(4, 9, generator=torch.Generator().manual_seed(1))  # of rank 4
    seen = Span()
    for part in rows.split(7):
        seen.add(part)
    basis = seen.basis()
    assert basis.shape == (9, 4)
    torch.testing.assert_close(rows @ basis @ basis.T, rows, atol=1e-4, rtol=1e-4)


def calibrated(folder: Path) -> list[Thought]:
    tokenizer = resolve(str(folder)).tokenizer
    text = f"two and two{TAGS[0]}it is what it is{TAGS[1]}"
    ids = tuple(tokenizer(text, add_special_tokens=False).input_ids)
    return [Thought(ids, ids.index(tokenizer.convert_tokens_to_ids(TAGS[0])))]


def test_every_linear_layer_says_the_same_at_the_marks(trio, tmp_path, monkeypatch) -> None:
    """By brute force: the inputs are recorded in the reasoner, and multiplied by both weights."""
    thoughts = calibrated(trio["reasoner"])
    monkeypatch.setattr(NullSpace, "calibration", lambda self, model: thoughts)
    out = merged(trio, NullSpace(problems="pocket:1"), tmp_path / "out")
    model = resolve(str(trio["reasoner"]))
    old, new = tensors(trio["reasoner"]), tensors(out)
    seen: dict[str, torch.Tensor] = {}
    linear = {
        f"{n}.weight": m for n, m in model.network.named_modules() if isinstance(m, torch.nn.Linear)
    }
    for name, layer in linear.items():
        layer.register_forward_pre_hook(
            lambda _, given, name=name: seen.update({name: given[0][0]})
        )
    with torch.inference_mode():
        model.network(input_ids=torch.tensor([thoughts[0].ids]))
    ids = model.tokenizer.convert_tokens_to_ids(TAGS)
    at = [i for i, each in enumerate(thoughts[0].ids) if each in ids]
    others = [i for i in range(len(thoughts[0].ids)) if i not in at]
    assert len(at) == 2
    for name in linear.keys() - {"lm_head.weight"}:
        then, now = (seen[name] @ each[name].T for each in (old, new))
        torch.testing.assert_close(now[at], then[at], atol=1e-5, rtol=0)
        assert (now[others] - then[others]).abs().max() > 1e-2
    kept = old.keys() - linear.keys() | {"lm_head.weight"}
    assert all(torch.equal(old[name], new[name]) for name in kept)


def test_a_whole_thought_leaves_less_room_than_its_marks(trio, tmp_path) -> None:
    model, thoughts = resolve(str(trio["reasoner"])), calibrated(trio["reasoner"])
    n_thought = len(thoughts[0].ids) - thoughts[0].start
    for kind, rank in (("marks", 2), ("thought", n_thought)):
        with Spool(tmp_path) as inputs:
            record_of = recorded(model, thoughts, kind, inputs)
            basis = basis_of(inputs, record_of["model.layers.1.mlp.up_proj.weight"])
        assert basis.shape[1] == rank


def test_a_reasoner_that_never_thinks_is_said_so(tmp_path) -> None:
    recipe = NullSpace(problems="pocket:2", max_tokens=2)
    with pytest.raises(
        ModelError, match=r"none of 4 replies of pocket.*has a closed thought.*--max-tokens"
    ):
        merge("pocket", "pocket", base="pocket", recipe=recipe, out=tmp_path / "out")
    assert [each.name for each in tmp_path.iterdir()] == ["cache"]  # nothing is left


@pytest.fixture
def pockets(tmp_path: Path) -> dict[str, Path]:
    """The pocket model as the reasoner; the instruct model and the base differ from it everywhere."""
    found = {"reasoner": Path("pocket")}
    for seed, role in enumerate(("instruct", "base")):
        found[role] = moved(pocket.FOLDER, tmp_path / role, seed=seed, by=0.01)
    return found


def in_memory(thoughts: list[Thought]) -> dict[str, torch.Tensor]:
    """Bases by definition: all inputs of every layer at the marks at once, from the whole network."""
    model = resolve("pocket")
    ids = model.tokenizer.convert_tokens_to_ids([*TAGS])
    seen: dict[str, list[torch.Tensor]] = {}
    at: list[int] = []

    def hook(name: str):
        return lambda _, given: seen.setdefault(name, []).append(given[0][0, at].double())

    for name, layer in model.network.named_modules():
        if isinstance(layer, torch.nn.Linear) and layer is not model.network.lm_head:
            layer.register_forward_pre_hook(hook(f"{name}.weight"))
    with torch.inference_mode():
        for thought in thoughts:
            at[:] = [i for i, each in enumerate(thought.ids) if each in ids]
            model.network(input_ids=torch.tensor([thought.ids]))
    bases = {}
    for name, parts in seen.items():
        rows = torch.cat(parts)
        if len(rows) > rows.shape[1]:
            rows = torch.linalg.qr(rows, mode="r")[1]
        _, lengths, directions = torch.linalg.svd(rows, full_matrices=False)
        bases[name] = directions[: int((lengths > 1e-6 * lengths[0]).sum())].T.float()
    return bases


def test_the_merged_weights_are_those_of_holding_everything_in_memory(
    pockets, tmp_path, monkeypatch
) -> None:
    """On the pocket model with thoughts of its own, and bit by bit."""
    thoughts: list[Thought] = []
    own = NullSpace.calibration

    def calibration(self, model):
        thoughts[:] = own(self, model)
        return thoughts

    monkeypatch.setattr(NullSpace, "calibration", calibration)
    recipe = NullSpace(problems="pocket:24:train", max_tokens=160)
    out = merged(pockets, recipe, tmp_path / "out")
    about = json.loads((out / RECORD).read_text())
    # the linear layers of three decoder layers
    assert about["n_merged"] == 3 * 7 < about["n_tensors"]
    reasoner, instruct, base = (
        tensors(pocket.FOLDER if role == "reasoner" else pockets[role]) for role in ROLES
    )
    bases = in_memory(thoughts)
    assert len(bases) == about["n_merged"]
    for name, each in tensors(out).items():
        expected = reasoner[name].float()
        if name in bases:
            change = (instruct[name].float() - base[name].float()).double()
            basis = bases[name].double()
            expected = expected + (change - (change @ basis) @ basis.T).float()
        assert torch.equal(each, expected.to(each.dtype))


def test_the_network_is_gone_before_the_first_basis_and_bases_come_one_at_a_time(
    trio, tmp_path, monkeypatch
) -> None:
    thoughts = calibrated(trio["reasoner"])
    networks, bases, read = [], [], []

    def calibration(self, model):
        networks.append(weakref.ref(model.network))
        return thoughts

    def one_at_a_time(found, seen):
        def called(*arguments):
            assert all(each() is None for each in networks + seen)
            made = found(*arguments)
            seen.append(weakref.ref(made))
            return made

        return called

    monkeypatch.setattr(NullSpace, "calibration", calibration)
    monkeypatch.setattr(span, "basis_of", one_at_a_time(span.basis_of, bases))
    monkeypatch.setattr(null_space, "read_rows", one_at_a_time(null_space.read_rows, read))
    gc.disable()  # nothing has to wait for the collector of cycles
    try:
        merged(trio, NullSpace(problems="pocket:1"), tmp_path / "out")
    finally:
        gc.enable()
    # two layers: queries, keys and values share an input, so do gate and up
    assert (len(networks), len(bases), len(read)) == (1, 2 * 4, 2 * 7)


def test_bfloat16_stays_bfloat16_on_a_cpu_without_instructions_for_it(
    trio, tmp_path, monkeypatch
) -> None:
    half = copy_of(trio["reasoner"], tmp_path / "half", config={"dtype": "bfloat16"})
    save_file({k: v.bfloat16() for k, v in tensors(half).items()}, half / SINGLE)
    monkeypatch.setattr(loading, "multiplies_bfloat16", lambda: False)
    assert resolve(str(half)).dtype is torch.float32
    thoughts, found = calibrated(half), []

    def calibration(self, model):
        found.append(model.network.dtype)
        return thoughts

    monkeypatch.setattr(NullSpace, "calibration", calibration)
    merged(trio | {"reasoner": half}, NullSpace(problems="pocket:1"), tmp_path / "out")
    assert found == [torch.bfloat16]


def test_a_spool_gives_back_what_it_was_given_and_has_no_name(tmp_path, monkeypatch) -> None:
    gen = torch.Generator().manual_seed(0)
    given = [torch.randn(n, 3, generator=gen).bfloat16() for n in (2, 1, 4)]
    with Spool(tmp_path) as spool:
        for i, rows in enumerate(given):
            spool.add("a", rows)
            spool.add("b", torch.full((1, 2), i).double())
        assert not [each for each in tmp_path.iterdir() if each.name != "cache"]
        assert spool.names == ("a", "b") and spool.shape("a") == (7, 3)
        for mine, its in zip(spool.pieces("a"), given, strict=True):
            assert mine.dtype is its.dtype and torch.equal(mine, its)
        assert torch.cat([*spool.pieces("b")]).tolist() == [[0.0, 0.0], [1.0, 1.0], [2.0, 2.0]]

        class Full:
            def write(self, content):
                raise OSError(28, "No space left on device")

            def seek(self, at): ...

            def close(self): ...

        spool._file.close()
        monkeypatch.setattr(spool, "_file", Full())
        with pytest.raises(RunError, match="free some space"):
            spool.add("a", given[0])
