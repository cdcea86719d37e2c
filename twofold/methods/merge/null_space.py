"""The instruct model's change where it cannot touch how the reasoner thinks.

A linear layer W maps the inputs x that it had at the tokens of thoughts to W x. A change D of the weights
changes nothing there if D x = 0 for all of them: if D is replaced by D (I - V V'), where the columns of V are
an orthonormal basis of those inputs. Other inputs see the rest of the change.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, final

import torch

from twofold.diagnostics.elicitation.elicitor import prompt_ids
from twofold.errors import ModelError
from twofold.methods.merge.inputs import Positions, Thought, recorded
from twofold.methods.merge.recipe import Combine, Recipe, Rows, Trio
from twofold.methods.merge.span import write_bases
from twofold.methods.merge.spool import Spool
from twofold.methods.merge.weights import read_rows, stored
from twofold.models.cache import content_key
from twofold.models.hf import HfModel
from twofold.models.loading import free_memory
from twofold.problems import load
from twofold.storage.reading import Kind, kind_of
from twofold.types import OpenModel, Sampling

if TYPE_CHECKING:
    from twofold.models.checkpoint import Checkpoint

BASES = "bases.safetensors"


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
        """The basis of each layer's inputs, found once, kept in `folder` and read when its turn comes."""
        file = folder / BASES
        if kind_of(file) is Kind.missing:
            with Spool(folder) as inputs:
                record_of = self._recorded(reasoner, inputs)
                free_memory()  # the network is gone before the first basis is found
                write_bases(file, inputs, record_of)
        bases = stored(file)

        def combined(trio: Trio) -> Rows | None:
            found = bases.get(trio.name)
            if found is None:
                return None

            @cache
            def basis() -> torch.Tensor:
                return read_rows(found, 0, found.matrix[0])

            return lambda start, stop: trio.reasoner(start, stop).add_(
                projected(trio.instruct_change(start, stop), basis()), alpha=self.weight
            )

        return combined

    def _recorded(self, reasoner: Checkpoint, inputs: Spool) -> dict[str, str]:
        """The inputs at the reasoner's think tokens; see `inputs.recorded`."""
        model = HfModel(reasoner.spec, as_saved=True)
        return recorded(model, self.calibration(model), self.positions, inputs)

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
