"""The instruct model's change where it cannot touch how the reasoner thinks.

A linear layer W maps the inputs x that it had at the tokens of thoughts to W x. A change D of the weights
changes nothing there if D x = 0 for all of them: if D is replaced by D (I - V V'), where the columns of V are
an orthonormal basis of those inputs. Other inputs see the rest of the change.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal, NamedTuple, final

import torch

from twofold.diagnostics.elicitation.elicitor import prompt_ids
from twofold.errors import ModelError
from twofold.methods.merge.recipe import Combine, Recipe, Rows, Trio
from twofold.models.cache import content_key
from twofold.models.hf import HfModel
from twofold.models.tensor_files import load_tensors, save_tensors
from twofold.problems import load
from twofold.storage.reading import Kind, kind_of
from twofold.types import OpenModel, Sampling

if TYPE_CHECKING:
    from twofold.models.checkpoint import Checkpoint

Positions = Literal["marks", "thought"]
BASES = "bases.safetensors"

# Directions whose singular value is below this share of the largest are rounding of float32 activations.
_ROUNDING = 1e-6
# Inputs that are collected before they are compressed to a square matrix.
_MOST_ROWS = 4096


@final
@dataclass(frozen=True, kw_only=True)
class NullSpace(Recipe):
    """Reasoner + weight · (instruct − base), projected where it leaves inputs at think tokens unseen.

    Only the weights of linear layers change. Embeddings, norms, biases and the output head are the
    reasoner's: a change of theirs would have no inputs to be projected from.

    Args:
        problems: Calibration problems, as `--problems` of `audit`: the reasoner's replies to their prompts,
            told and untold, give the inputs.
        limit: Only the first problems.
        positions: `marks`, the tokens that open and close thoughts (the paper's); `thought`, all of a
            thought, which leaves little room where the inputs span a layer's width.
        seed: Of the replies, which are drawn at temperature 1.
        max_tokens: Token budget of each reply.

    Source:
        RAIN-Merging, arXiv 2602.22538 (R1-Distill-Qwen-7B: IFEval 55.5 -> 63.2, reasoning 51.0 -> 55.6).
        Departs: no attention-guided weight for each layer, one weight for all; the basis comes from a QR
        decomposition of the inputs, whose covariance would square the rounding.

    Raises:
        ModelError: If no reply has a thought, or the marks are no tokens of their own.
    """

    name: ClassVar[str] = "null_space"
    keeps_embeddings: ClassVar[bool] = True
    problems: str
    limit: int = 64
    positions: Positions = "marks"
    seed: int = 0
    max_tokens: int = 512

    def settings(self) -> dict[str, Any]:
        """The settings, and a hash of the problems, since a file's content may change."""
        ids = [each.id for each in load(self.problems, profile="fixed", limit=self.limit)]
        values = {each.name: getattr(self, each.name) for each in fields(self)}
        return {"method": self.name, **values, "problems_sha256": content_key(ids)}

    def prepared(self, reasoner: Checkpoint, folder: Path) -> Combine:
        """The basis of each layer's inputs, collected once and kept in `folder`."""
        file = folder / BASES
        if kind_of(file) is Kind.missing:
            model = HfModel(reasoner.spec)
            save_tensors(file, collected(model, self.calibration(model), self.positions))
        bases = load_tensors(file)

        def combined(trio: Trio) -> Rows | None:
            basis = bases.get(trio.name)
            if basis is None:
                return None
            return lambda start, stop: trio.reasoner(start, stop).add_(
                projected(trio.instruct_change(start, stop), basis), alpha=self.weight
            )

        return combined

    def calibration(self, model: OpenModel) -> list[Thought]:
        """The reasoner's replies that have a closed thought, as token ids.

        Raises:
            ModelError: If there is none.
        """
        asked = load(self.problems, profile="fixed", limit=self.limit)
        chats = [each.messages() for each in asked]
        chats += [
            each.messages(stated=())
            for each in asked
            if each.constraints and not each.question_states_constraints
        ]
        sampling = Sampling(max_tokens=self.max_tokens, temperature=1.0)
        found = []
        for p, _, reply in model.stream(chats, sampling, seed=self.seed):
            if reply.has_reply and reply.thinking and reply.ids and reply.n_thinking_tokens:
                prompt = prompt_ids(model, chats[p])
                stop = len(prompt) + reply.n_thinking_tokens
                found.append((p, Thought((*prompt, *reply.ids)[:stop], len(prompt))))
        if not found:
            raise ModelError(
                f"none of {len(chats)} replies of {model.spec} to {self.problems} has a closed thought, so "
                "there is nothing to keep; give problems on which it thinks, or a larger --max-tokens, or "
                "merge with --method ties"
            )
        return [each for _, each in sorted(found)]


class Thought(NamedTuple):
    """A prompt with a thought behind it, as token ids; the thought starts at `start`."""

    ids: tuple[int, ...]
    start: int


def projected(change: torch.Tensor, basis: torch.Tensor) -> torch.Tensor:
    """The rows of a change without what inputs in the span of `basis` see of it.

    Args:
        change: Rows of a linear layer's change, `(rows, inputs)`.
        basis: Orthonormal columns, `(inputs, rank)`.

    Example:
        >>> basis = torch.tensor([[1.0], [0.0]])  # inputs along the first axis are kept
        >>> projected(torch.tensor([[3.0, 4.0]]), basis).tolist()
        [[0.0, 4.0]]
    """
    wide = change.double()
    kept: torch.Tensor = wide - (wide @ basis.double()) @ basis.double().T
    return kept.to(change.dtype)


def collected(
    model: OpenModel, thoughts: Sequence[Thought], positions: Positions
) -> dict[str, torch.Tensor]:
    """An orthonormal basis of the inputs of every linear layer at the think tokens, by its weight's name.

    Layers that read the same input one after the other (queries, keys and values) share what was found.
    Memory: the smaller of tokens and width, times width, for each input; `marks` needs little.
    """
    network = model.network
    head = network.get_output_embeddings()
    layers = {
        f"{name}.weight": layer
        for name, layer in network.named_modules()
        if isinstance(layer, torch.nn.Linear) and layer is not head
    }
    at: list[int] = []
    seen = {name: Span() for name in layers}
    same: dict[str, str] = {}
    before: list[tuple[str, torch.Tensor]] = []

    def heard(name: str, inputs: torch.Tensor) -> None:
        if before and inputs is before[0][1]:
            same[name] = before[0][0]
            return
        before[:] = [(name, inputs)]
        seen[name].add(inputs[0, at])

    with _listening(layers, heard), torch.inference_mode():
        for thought in thoughts:
            at[:] = _places(model, thought, positions)
            if at:
                network(
                    input_ids=torch.tensor([thought.ids], device=network.device), use_cache=False
                )
    if not any(each.n_seen for each in seen.values()):
        raise ModelError(
            f"the marks of {model.spec}'s thoughts are no tokens of their own, so their places are not "
            "known; give --positions thought"
        )
    found = {name: each.basis() for name, each in seen.items() if each.n_seen}
    return found | {name: found[other].clone() for name, other in same.items()}


def _places(model: OpenModel, thought: Thought, positions: Positions) -> list[int]:
    """The positions of think tokens: of the marks, or of the whole thought."""
    if positions == "thought":
        return list(range(thought.start, len(thought.ids)))
    marks = _marks(model)
    found: set[int] = set()
    for i in range(len(thought.ids)):
        for mark in marks:
            if thought.ids[i : i + len(mark)] == mark:
                found.update(range(i, i + len(mark)))
    return sorted(found)


def _marks(model: OpenModel) -> list[tuple[int, ...]]:
    """The token ids of the two marks of a thought."""
    assert isinstance(model, HfModel)
    tags = model.thinking.open_tag, model.thinking.close_tag
    return [tuple(model.tokenizer(tag, add_special_tokens=False).input_ids) for tag in tags]


@contextmanager
def _listening(
    layers: Mapping[str, torch.nn.Module], heard: Callable[[str, torch.Tensor], None]
) -> Iterator[None]:
    """While it lasts, `heard` gets the name and the input of every layer that is called."""

    def hook(name: str) -> Callable[..., None]:
        def before(_: torch.nn.Module, given: tuple[Any, ...]) -> None:
            heard(name, given[0])

        return before

    hooks = [each.register_forward_pre_hook(hook(name)) for name, each in layers.items()]
    try:
        yield
    finally:
        for each in hooks:
            each.remove()


@final
class Span:
    """The span of vectors that come row by row, in no more memory than its width squared."""

    def __init__(self) -> None:
        self.n_seen = 0
        self._rows: list[torch.Tensor] = []
        self._n_rows = 0

    def add(self, rows: torch.Tensor) -> None:
        """Take in rows, `(tokens, width)`."""
        self.n_seen += len(rows)
        self._n_rows += len(rows)
        self._rows.append(rows.detach().double().cpu())
        if self._n_rows > max(_MOST_ROWS, 2 * rows.shape[1]):
            self._compress()

    def _compress(self) -> None:
        """Put a triangular matrix with the same span and the same lengths in the rows' place."""
        joined = torch.cat(self._rows)
        if len(joined) > joined.shape[1]:
            joined = torch.linalg.qr(joined, mode="r")[1]
        self._rows, self._n_rows = [joined], len(joined)

    def basis(self) -> torch.Tensor:
        """Orthonormal columns that span the rows, `(width, rank)`, in float32."""
        self._compress()
        _, lengths, directions = torch.linalg.svd(self._rows[0], full_matrices=False)
        rank = int((lengths > _ROUNDING * lengths[0]).sum())
        found: torch.Tensor = directions[:rank].T.float().contiguous()
        return found
