"""How is RLAG's loss computed on a batch of questions? Every text of a question is read once.

The texts of a batch (passages, replies with and without them) differ in length, and their likelihoods
meet in one loss. So they are sorted into a few forward passes of similar length, whose graph is kept.
"""

from collections.abc import Mapping, Sequence
from typing import Any, final

import torch
import transformers
from peft import get_peft_model
from torch.nn import functional

from twofold.methods.method import TrainingError
from twofold.methods.rlag.loss import Likelihoods, rlag_loss
from twofold.methods.rlag.weights import Weights
from twofold.methods.trl.trainable import Trainable
from twofold.models.chat_template import render
from twofold.storage.jsonl import Row

# The kinds of texts of a question, in the order of the fields of `Likelihoods`.
KINDS = ("knowledge", "augmented", "naive", "distilled", "replayed")
LEAST_FILLED = 0.75  # of a forward pass; a text that is shorter than this begins another


def encoded(rows: Sequence[Row], model: Trainable, weights: Weights) -> list[Row]:
    """The texts of each row as token ids; those that do not count in its loss are left out.

    Returns:
        Rows of `same` and `texts`, each with `kind` (a place in `KINDS`), `ids`, and `start`, from where
        its tokens are learned: a reply's from its first to the end token, a passage's all but the first.

    Raises:
        TrainingError: If a text is longer than the model's context.
    """
    tokenizer = model.tokenizer
    end = tokenizer.eos_token_id
    begin = [] if tokenizer.bos_token_id is None else [tokenizer.bos_token_id]

    def reply(kind: str, prompt: Any, text: str) -> Row:
        asked = model.ids(render(tokenizer, prompt))
        ids = [*asked, *model.ids(text), end]
        return {"kind": KINDS.index(kind), "ids": ids, "start": len(asked)}

    found = []
    for row in rows:
        texts = []
        if weights.of_passages(same=row["same"]):
            for passage in row["passages"]:
                ids = [*begin, *model.ids(passage), end]
                texts.append({"kind": KINDS.index("knowledge"), "ids": ids, "start": 1})
        both = weights.uses_replies(same=row["same"])
        if both and weights.augmented:
            texts.append(reply("augmented", row["informed"], row["chosen"]))
        if both and weights.naive:
            texts.append(reply("naive", row["prompt"], row["rejected"]))
        if weights.distil:
            texts.append(reply("distilled", row["prompt"], row["chosen"]))
        if weights.replay and row.get("replay"):
            old = row["replay"]
            texts.append(reply("replayed", old["prompt"], old["completion"]))
        if texts:
            found.append({"same": row["same"], "texts": texts})
            _require_room(row["problem"], texts, model)
    return found


def _require_room(problem: str, texts: Sequence[Row], model: Trainable) -> None:
    """Refuse a text that is longer than the context, as a worked solution can be."""
    limit = getattr(model.network.config.get_text_config(), "max_position_embeddings", None)
    longest = max(texts, key=lambda text: len(text["ids"]))
    if limit is not None and len(longest["ids"]) > limit:
        raise TrainingError(
            f"the {KINDS[longest['kind']]} text of problem {problem} has {len(longest['ids'])} tokens, and "
            f"the model's context has {limit}; take shorter passages or replies, or leave the problem out"
        )


@final
class Batch:
    """The collator: texts of several questions as tensors, in passes of similar length.

    Args:
        pad: The id that fills up a row; it is neither attended to nor learned.
    """

    def __init__(self, pad: int) -> None:
        self._pad = pad

    def __call__(self, rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
        """A batch: `same`, and `passes` of `input_ids`, `attention_mask`, `learned` and `place`.

        `place` is the question's number times the number of `KINDS`, plus the kind.
        """
        texts = [
            (text["ids"], text["start"], number * len(KINDS) + text["kind"])
            for number, row in enumerate(rows)
            for text in row["texts"]
        ]
        texts.sort(key=lambda text: -len(text[0]))
        passes: list[list[tuple[list[int], int, int]]] = []
        for text in texts:
            if not passes or len(text[0]) < LEAST_FILLED * len(passes[-1][0][0]):
                passes.append([])
            passes[-1].append(text)
        return {
            "same": torch.tensor([bool(row["same"]) for row in rows]),
            "passes": [self._tensors(each) for each in passes],
        }

    def _tensors(self, texts: Sequence[tuple[list[int], int, int]]) -> dict[str, torch.Tensor]:
        shape = (len(texts), len(texts[0][0]))
        ids = torch.full(shape, self._pad)
        attended, learned = (
            torch.zeros(shape, dtype=torch.long),
            torch.zeros(shape, dtype=torch.bool),
        )
        for i, (text, start, _) in enumerate(texts):
            ids[i, : len(text)] = torch.tensor(text)
            attended[i, : len(text)] = 1
            learned[i, start : len(text)] = True
        place = torch.tensor([place for *_, place in texts])
        return {"input_ids": ids, "attention_mask": attended, "learned": learned, "place": place}


def likelihoods(network: Any, batch: Mapping[str, Any], *, normalised: bool) -> Likelihoods:
    """The log-probabilities of the texts of a batch, with their graph.

    Args:
        network: A causal language model.
        batch: What `Batch` makes.
        normalised: Divide by the number of tokens; all passages of a question count as one text.
    """
    same = batch["same"]
    n = len(same) * len(KINDS)
    total = torch.zeros(n, device=same.device)
    tokens = torch.zeros(n, device=same.device)
    for each in batch["passes"]:
        logits = network(
            input_ids=each["input_ids"], attention_mask=each["attention_mask"], use_cache=False
        ).logits[:, :-1]
        learned = each["learned"][:, 1:]
        right = each["input_ids"][:, 1:][learned]
        said = -functional.cross_entropy(logits[learned].float(), right, reduction="none")
        where = each["place"][:, None].expand_as(learned)[learned]
        total = total.index_add(0, where, said)
        tokens = tokens.index_add(0, where, torch.ones_like(said))
    found = total / tokens.clamp(min=1) if normalised else total
    by_kind = found.view(-1, len(KINDS)).unbind(1)
    return Likelihoods(**dict(zip(KINDS, by_kind, strict=True)), same=same)


@final
class RlagTrainer(transformers.Trainer):
    """The usual trainer with RLAG's loss; the mean log-probability of each kind is logged.

    Args:
        weights: Of the terms of the loss.
        peft_config: An adapter to train instead of the weights; None = all weights.
        rest: See `transformers.Trainer`.
    """

    def __init__(
        self, *, weights: Weights, model: Any, peft_config: Any = None, **rest: Any
    ) -> None:
        if peft_config is not None:
            model = get_peft_model(model, peft_config)
        tokenizer = rest["processing_class"]
        pad = tokenizer.eos_token_id if tokenizer.pad_token_id is None else tokenizer.pad_token_id
        super().__init__(model=model, data_collator=Batch(pad), **rest)
        self.model_accepts_loss_kwargs = (
            False  # the loss of a micro-batch is divided by their number
        )
        self._weights = weights
        self._seen: dict[str, list[float]] = {}

    def compute_loss(
        self,
        model: Any,
        inputs: dict[str, Any],
        return_outputs: bool = False,
        num_items_in_batch: Any = None,
    ) -> Any:
        """The mean loss of the questions; see `transformers.Trainer.compute_loss`."""
        found = likelihoods(model, inputs, normalised=self._weights.length_normalised)
        for kind in KINDS:
            values = getattr(found, kind).detach()
            there = values[values != 0]
            if len(there):
                self._seen.setdefault(kind, []).append(float(there.mean()))
        loss = rlag_loss(found, self._weights).mean()
        return (loss, found) if return_outputs else loss

    def log(self, logs: dict[str, float], start_time: float | None = None) -> None:
        """Also log the mean log-probabilities since the last log, as `rlag/KIND`."""
        seen = {f"rlag/{kind}": sum(v) / len(v) for kind, v in self._seen.items() if "loss" in logs}
        if seen:
            self._seen.clear()
        super().log(logs | seen, start_time)
