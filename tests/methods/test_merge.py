"""Merging: numbers by hand, invariance by brute force, and what is refused or interrupted."""

import json
import shutil
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from safetensors.torch import save_file
from tiny_llama import copy_of, write_tiny
from trios import ROLES, merged, tensors, trio_of
from typer.testing import CliRunner

from twofold.cli import app
from twofold.errors import ModelError, RunError
from twofold.methods.merge import merge as merging
from twofold.methods.merge.arithmetic import Arithmetic
from twofold.methods.merge.merge import RECORD, merge
from twofold.methods.merge.null_space import NullSpace
from twofold.methods.merge.ties import Ties, agreed, threshold
from twofold.models import resolve
from twofold.models.checkpoint import SINGLE
from twofold.types import Sampling


@pytest.fixture(scope="module")
def tiny(tmp_path_factory) -> Path:
    return write_tiny(tmp_path_factory.mktemp("tiny") / "base")


@pytest.fixture
def trio(tiny: Path, tmp_path: Path) -> dict[str, Path]:
    return trio_of(tiny, tmp_path)


def test_task_arithmetic_number_by_number(trio, tmp_path) -> None:
    out = merged(trio, Arithmetic(weight=0.5), tmp_path / "out")
    old = {role: tensors(folder) for role, folder in trio.items()}
    new = tensors(out)
    assert new.keys() == old["base"].keys()
    for name, each in new.items():
        change = old["instruct"][name] - old["base"][name]
        torch.testing.assert_close(each, old["reasoner"][name] + 0.5 * change)


def test_the_result_is_a_model_with_the_reasoners_tokenizer(trio, tmp_path) -> None:
    out = merged(trio, Arithmetic(weight=0.1), tmp_path / "out")
    model = resolve(str(out))
    ((reply,),) = model.sample([[{"role": "user", "content": "two"}]], Sampling(max_tokens=4))
    assert reply.ids
    for name in ("config.json", "generation_config.json", "tokenizer.json", "chat_template.jinja"):
        assert (out / name).read_bytes() == (trio["reasoner"] / name).read_bytes()


@pytest.mark.parametrize("block", [7, 1 << 20])
def test_blocks_do_not_change_the_result(trio, tmp_path, monkeypatch, block) -> None:
    monkeypatch.setattr("twofold.methods.merge.recipe.BLOCK", block)
    out = tensors(merged(trio, Ties(density=0.3), tmp_path / "out"))
    old = {role: tensors(folder) for role, folder in trio.items()}
    for name, each in out.items():
        torch.testing.assert_close(each, ties_by_definition(*(old[r][name] for r in ROLES), 0.3))


def ties_by_definition(reasoner, instruct, base, density):
    """Number by number in plain Python, as algorithm 1 has it."""
    kept = max(1, round(density * base.numel()))
    trimmed = []
    for model in (reasoner, instruct):
        change = (model - base).flatten().tolist()
        least = sorted(map(abs, change))[-kept]
        trimmed.append([x if abs(x) >= least else 0.0 for x in change])
    out = []
    for one, other in zip(*trimmed, strict=True):
        total = one + other
        same = [x for x in (one, other) if x * total > 0]
        out.append(sum(same) / len(same) if same else 0.0)
    return base + torch.tensor(out).view(base.shape)


def test_ties_by_hand() -> None:
    one = torch.tensor([2.0, -1.0, 0.0, 0.0, -3.0])
    other = torch.tensor([4.0, 3.0, -5.0, 0.0, 3.0])
    # agree: mean 3; disagree: +2 wins with 3; one alone: -5; none: 0; a sum of 0 elects none
    assert agreed([one, other]).tolist() == [3.0, 3.0, -5.0, 0.0, 0.0]


def test_the_threshold_is_the_kept_th_largest_with_ties_and_zeros() -> None:
    gen = torch.Generator().manual_seed(0)
    numbers = torch.randn(500, generator=gen)
    numbers[:100] = 0.0
    numbers[100:150] = -0.25
    for kept in (1, 2, 7, 100, 333, 400, 401, 500):
        found = threshold(lambda: iter(numbers.split(37)), kept)
        assert found == sorted(numbers.abs().tolist(), reverse=True)[kept - 1]


def test_a_density_that_keeps_nothing_is_refused() -> None:
    for density in (0.0, 1.5):
        with pytest.raises(ModelError, match="keep a share in"):
            Ties(density=density)


def test_shards_are_the_reasoners(trio, tmp_path) -> None:
    network = resolve(str(trio["reasoner"])).network
    sharded = copy_of(trio["reasoner"], tmp_path / "sharded")
    (sharded / SINGLE).unlink()
    network.save_pretrained(sharded, max_shard_size="40KB")
    parts = {each.name for each in sharded.glob("*.safetensors")}
    assert len(parts) > 2
    whole = tensors(merged(trio, Ties(), tmp_path / "whole"))
    out = merged(trio | {"reasoner": sharded}, Ties(), tmp_path / "out")
    assert {each.name for each in out.glob("*.safetensors")} == parts
    found = tensors(out)
    assert all(torch.equal(found[name], each) for name, each in whole.items())
    assert resolve(str(out)).network is not None


def test_half_precision_is_kept(trio, tmp_path) -> None:
    half = copy_of(trio["reasoner"], tmp_path / "half", config={"dtype": "bfloat16"})
    save_file({k: v.bfloat16() for k, v in tensors(half).items()}, half / SINGLE)
    found = tensors(merged(trio | {"reasoner": half}, Arithmetic(), tmp_path / "out"))
    name = "model.layers.0.mlp.up_proj.weight"
    change = tensors(trio["instruct"])[name] - tensors(trio["base"])[name]
    assert torch.equal(found[name], (tensors(half)[name].float() + change).bfloat16())


def test_a_finished_merge_is_not_done_again_and_another_is_refused(trio, tmp_path) -> None:
    out = merged(trio, Arithmetic(), tmp_path / "out")
    before = (out / SINGLE).stat().st_mtime_ns
    merged(trio, Arithmetic(), out)
    assert (out / SINGLE).stat().st_mtime_ns == before
    with pytest.raises(RunError, match=r"holds another merge.*choose another --out"):
        merged(trio, Arithmetic(weight=0.3), out)
    with pytest.raises(RunError, match="holds another merge"):
        merged(trio | {"instruct": trio["base"]}, Arithmetic(), out)
    (out / SINGLE).rename(tmp_path / "elsewhere")
    with pytest.raises(RunError, match=r"has lost model.safetensors; delete that folder"):
        merged(trio, Arithmetic(), out)
    other = tmp_path / "mine"
    other.mkdir()
    (other / "notes.txt").write_text("mine")
    with pytest.raises(RunError, match="is no merge; choose another --out"):
        merged(trio, Arithmetic(), other)
    assert [each.name for each in other.iterdir()] == ["notes.txt"]


def test_a_killed_merge_goes_on_with_the_shards_that_are_there(trio, tmp_path, monkeypatch) -> None:
    network = resolve(str(trio["reasoner"])).network
    sharded = copy_of(trio["reasoner"], tmp_path / "sharded")
    (sharded / SINGLE).unlink()
    network.save_pretrained(sharded, max_shard_size="40KB")
    trio = trio | {"reasoner": sharded}
    whole = merged(trio, Ties(), tmp_path / "whole")
    true, calls = merging.write, []

    def killed(path, like, pieces):
        calls.append(path.name)
        if len(calls) == 3:
            raise KeyboardInterrupt
        true(path, like, pieces)

    monkeypatch.setattr(merging, "write", killed)
    with pytest.raises(KeyboardInterrupt):
        merged(trio, Ties(), tmp_path / "out")
    assert not (tmp_path / "out").exists()
    monkeypatch.setattr(
        merging, "write", lambda path, *more: (calls.append(path.name), true(path, *more))
    )
    out = merged(trio, Ties(), tmp_path / "out")
    assert len(calls) == len({*calls}) + 1  # only the interrupted one was begun twice
    assert {each.name: each.read_bytes() for each in out.iterdir()} == {
        each.name: each.read_bytes() for each in whole.iterdir()
    }
    assert not (tmp_path / ".out.merging").exists()


def test_a_full_disk_leaves_no_half_of_a_file(trio, tmp_path, monkeypatch) -> None:
    class Full:
        free = 10

    with (
        monkeypatch.context() as patch,
        pytest.raises(RunError, match=r"needs .* bytes.*10 are free"),
    ):
        patch.setattr(shutil, "disk_usage", lambda _: Full)
        merged(trio, Arithmetic(), tmp_path / "out")
    assert not list(tmp_path.glob(".out*"))

    def no_space(fd):
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch, pytest.raises(RunError, match="free some space"):
        patch.setattr("twofold.methods.merge.weights.os", SimpleNamespace(fsync=no_space))
        merged(trio, Arithmetic(), tmp_path / "out")
    assert not list(tmp_path.glob("out*")) and not list(
        tmp_path.glob(".out.merging/*.safetensors*")
    )
    assert merged(trio, Arithmetic(), tmp_path / "out").is_dir()


def test_room_is_asked_for_all_files(trio, tmp_path, monkeypatch) -> None:
    needed = sum(each.stat().st_size for each in trio["reasoner"].iterdir())
    free = SimpleNamespace(free=needed - 1)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: free)
    with pytest.raises(RunError, match=f"needs {needed:,} bytes"):
        merged(trio, Arithmetic(), tmp_path / "out")
    free.free = needed
    assert {each.name for each in merged(trio, Arithmetic(), tmp_path / "out").iterdir()} == {
        each.name for each in trio["reasoner"].iterdir()
    } | {RECORD}


def other_shape(tiny: Path, tmp_path: Path, change) -> Path:
    made = copy_of(tiny, tmp_path / "other")
    found = tensors(made)
    change(found)
    save_file(found, made / SINGLE)
    return made


def test_models_that_do_not_fit_are_refused_with_a_remedy(trio, tiny, tmp_path) -> None:
    name = "model.layers.0.mlp.up_proj.weight"
    wide = other_shape(tiny, tmp_path, lambda t: t.update({name: torch.zeros(8, 32)}))
    with pytest.raises(
        ModelError, match=r"is \[64, 32\] in .* and \[8, 32\] in .*one architecture"
    ):
        merged(trio | {"instruct": wide}, Arithmetic(), tmp_path / "out")
    shutil.rmtree(wide)
    fewer = other_shape(tiny, tmp_path, lambda t: t.pop(name))
    with pytest.raises(
        ModelError, match=r"different tensors: only .* has model.layers.0.mlp.up_proj"
    ):
        merged(trio | {"base": fewer}, Arithmetic(), tmp_path / "out")
    shutil.rmtree(fewer)
    whole = other_shape(
        tiny, tmp_path, lambda t: t.update({name: torch.zeros(64, 32).to(torch.int8)})
    )
    with pytest.raises(ModelError, match="quantised weights are not merged; take checkpoints in"):
        merged(trio | {"instruct": whole}, Arithmetic(), tmp_path / "out")
    broken = other_shape(tiny, tmp_path / "b", lambda t: t[name].fill_(float("inf")))
    with pytest.raises(ModelError, match=f"{name} of .*other is not finite; copy that model"):
        merged(trio | {"instruct": broken}, Arithmetic(), tmp_path / "out")
    assert not list(tmp_path.glob("*out*"))


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("recipe", [Arithmetic(), Ties(), Ties(density=1.0)])
@pytest.mark.parametrize("number", [float("nan"), float("-inf")])
def test_a_number_that_is_not_finite_is_never_lost(trio, tmp_path, role, recipe, number) -> None:
    """TIES would trim NaN, whose comparisons all fail, to no change at all."""
    name = "model.layers.0.mlp.up_proj.weight"
    broken = tensors(trio[role])
    broken[name][3, 5] = number
    made = copy_of(trio[role], tmp_path / "broken")
    save_file(broken, made / SINGLE)
    with pytest.raises(ModelError, match=f"{name} of .*broken is not finite; copy that model"):
        merged(trio | {role: made}, recipe, tmp_path / "out")
    assert not list(tmp_path.glob("*out*"))


def test_an_overflow_of_the_number_format_names_the_weight(trio, tmp_path) -> None:
    half = {k: v.half() for k, v in tensors(trio["reasoner"]).items()}
    made = copy_of(trio["reasoner"], tmp_path / "half")
    save_file(half, made / SINGLE)
    with pytest.raises(ModelError, match=r"is not finite; take a smaller --weight"):
        merged(trio | {"reasoner": made}, Arithmetic(weight=1e7), tmp_path / "out")


def with_tensor(trio: dict[str, Path], to: Path, **more: torch.Tensor) -> dict[str, Path]:
    """The same models, with a further tensor in each."""
    found = {}
    for role, folder in trio.items():
        found[role] = copy_of(folder, to / role)
        save_file({**tensors(folder), "odd": more[role]}, found[role] / SINGLE)
    return found


@pytest.mark.parametrize("dtype", [torch.int8, torch.int32, torch.float8_e4m3fn])
def test_weights_that_are_quantised_alike_are_refused_where_they_differ(
    trio, tmp_path, dtype
) -> None:
    same, other = torch.ones(4, 4).to(dtype), torch.full((4, 4), 2.0).to(dtype)
    for changed in ("instruct", "base"):
        given = dict.fromkeys(ROLES, same) | {changed: other}
        with pytest.raises(ModelError, match=r"odd is \w+ and differs in .*quantised weights are"):
            merged(with_tensor(trio, tmp_path / changed, **given), Arithmetic(), tmp_path / "out")
    alike = with_tensor(trio, tmp_path / "alike", **dict.fromkeys(ROLES, same))
    out = merged(alike, Arithmetic(), tmp_path / "out")  # such as a buffer of positions
    assert torch.equal(tensors(out)["odd"].float(), same.float())
    about = {"quantization_config": {"quant_method": "fp8"}}
    quantised = copy_of(trio["base"], tmp_path / "quantised", config=about)
    with pytest.raises(ModelError, match=r"quantised, as its config.json says.*in bfloat16"):
        merged(trio | {"base": quantised}, Arithmetic(), tmp_path / "other")


@pytest.mark.parametrize("shape", [(0, 4), (4, 0), (), (1,)])
@pytest.mark.parametrize("recipe", [Arithmetic(weight=0.5), Ties(weight=0.5, density=1.0)])
def test_tensors_of_any_shape(trio, tmp_path, shape, recipe) -> None:
    values = {"reasoner": 3.0, "instruct": 6.0, "base": 2.0}
    numbers = {role: torch.full(shape, value) for role, value in values.items()}
    out = merged(with_tensor(trio, tmp_path / "trio", **numbers), recipe, tmp_path / "out")
    # 3 + (6 - 2) / 2; the mean of 1 and 4 is 2.5, and 2 + 2.5 / 2 is 3.25
    torch.testing.assert_close(
        tensors(out)["odd"], torch.full(shape, 5.0 if recipe.name == "arithmetic" else 3.25)
    )


def test_what_has_no_weights_of_its_own_is_refused_by_what_it_is(trio, tmp_path) -> None:
    for folder in (tmp_path / "x.yaml", tmp_path / "soft"):
        file = folder if folder.suffix else folder / "model.yaml"
        file.parent.mkdir(exist_ok=True)
        file.write_text("kind: two_passes\nbase: pocket\n")
        with pytest.raises(
            ModelError, match=r"is made of other models and has no weights of its own"
        ):
            merge(str(folder), "pocket", base="pocket", recipe=Arithmetic(), out=tmp_path / "out")
    with pytest.raises(ModelError, match=r"is behind a server.*name the checkpoint"):
        merge("http://a/v1#b", "pocket", base="pocket", recipe=Arithmetic(), out=tmp_path / "out")


def test_a_link_to_the_output_stays_a_link(trio, tmp_path) -> None:
    for name in ("there", "not_yet"):
        link = tmp_path / f"link_{name}"
        link.symlink_to(name)
        (tmp_path / "there").mkdir(exist_ok=True)
        assert merged(trio, Arithmetic(), link) == link
        assert link.is_symlink() and (tmp_path / name / SINGLE).is_file()
    assert not list(tmp_path.glob(".*"))


@pytest.mark.parametrize("again", [Arithmetic(), Ties()])
def test_a_merge_that_was_killed_before_its_last_step(trio, tmp_path, monkeypatch, again) -> None:
    """The folder is whole, with counts in its record and a folder in it; then the same, or another."""
    templates = trio["reasoner"] / "additional_chat_templates"
    templates.mkdir()
    (templates / "tools.jinja").write_text("{{ messages }}")
    whole = merged(trio, again, tmp_path / "whole")

    def killed(self: Path, target: Path) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        true = Path.replace
        patch.setattr(
            Path,
            "replace",
            lambda self, target: (killed if self.name == ".out.merging" else true)(self, target),
        )
        merged(trio, Arithmetic(), tmp_path / "out")
    assert (tmp_path / ".out.merging" / templates.name).is_dir()
    out = merged(trio, again, tmp_path / "out")
    names = {each.relative_to(out) for each in out.rglob("*")}
    assert names == {each.relative_to(whole) for each in whole.rglob("*")}
    for name in names:
        assert (out / name).is_dir() or (out / name).read_bytes() == (whole / name).read_bytes()


def test_other_tokens_are_refused_unless_embeddings_stay(trio, tmp_path) -> None:
    file = trio["instruct"] / "tokenizer.json"
    text = file.read_text()
    file.write_text(text.replace('"<think>"', '"<ponder>"'))
    with pytest.raises(ModelError, match=r"have different tokens.*'<think>'.*--method null_space"):
        merged(trio, Arithmetic(), tmp_path / "out")
    tokens = json.loads(text)
    words = tokens["model"]["vocab"]
    (a, i), (b, j) = [item for item in words.items() if item[1] > 250][:2]
    words[a], words[b] = j, i
    file.write_text(json.dumps(tokens))
    with pytest.raises(ModelError, match=r"have different tokens.*trained from one base"):
        merged(trio, NullSpace(problems="pocket:1"), tmp_path / "out")


def test_an_adapter_is_refused(trio, tmp_path) -> None:
    adapter = tmp_path / "adapter"
    adapter.mkdir()
    about = {"peft_type": "LORA", "base_model_name_or_path": str(trio["base"])}
    (adapter / "adapter_config.json").write_text(json.dumps(about))
    save_file({"a": torch.zeros(1)}, adapter / "adapter_model.safetensors")
    with pytest.raises(ModelError, match=r"is an adapter.*merge_and_unload"):
        merged(trio | {"reasoner": adapter}, Arithmetic(), tmp_path / "out")


def test_the_command(trio, tmp_path) -> None:
    words = ["merge", str(trio["reasoner"]), str(trio["instruct"]), "--base", str(trio["base"])]
    words += ["--out", str(tmp_path / "out")]
    done = CliRunner().invoke(app, [*words, "--method", "ties", "--density", "0.5"])
    assert done.exit_code == 0, done.output
    assert "21 of 21 tensors merged" in done.output
    about = json.loads((tmp_path / "out" / RECORD).read_text())
    assert about["recipe"] == {"method": "ties", "weight": 1.0, "density": 0.5}
    for more, said in (
        (
            ["--density", "0.5"],
            "--density is a setting of ties; leave it out, or give --method ties",
        ),
        (["--method", "null_space"], "needs --problems"),
        (["--method", "ties", "--density", "2"], "keep a share in"),
    ):
        wrong = CliRunner().invoke(app, [*words, *more])
        assert wrong.exit_code and said in str(wrong.exception)
