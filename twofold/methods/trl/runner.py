"""How does a method train with TRL: loading, saving, resuming and stopping?

The run's folder is bound to everything that decides the result, so that the same call resumes and
a different one is refused. The network is loaded last, after all settings are checked.
"""

import hashlib
import logging
import sys
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, replace
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import Any, final

import datasets
import numpy as np
import torch
import transformers
import trl
from accelerate import PartialState
from pydantic import TypeAdapter

from twofold.methods.method import TrainedModel, TrainingError
from twofold.methods.trl.callbacks import EvalCallback, SoundNumbers, Steps, stopped
from twofold.methods.trl.checkpoints import Keeper, last_checkpoint, name_base
from twofold.methods.trl.configuration import configuration, typed
from twofold.methods.trl.disk import DiskErrors
from twofold.methods.trl.early_stopping import BestCheckpoint
from twofold.methods.trl.frontier import FrontierCheckpoint, in_words, is_compared
from twofold.methods.trl.order import passes
from twofold.methods.trl.resume import NothingLeftError, Resume
from twofold.methods.tuning import Stepped
from twofold.models.cache import content_key
from twofold.models.chat_template import render
from twofold.models.checkpoint import BASE_WEIGHTS
from twofold.models.quiet import quiet
from twofold.progress import Progress
from twofold.storage.folders import flush
from twofold.storage.jsonl import Row, dumps, replaced
from twofold.storage.leftovers import remove_incomplete
from twofold.storage.reading import InputFile, Kind, kind_of
from twofold.storage.run_dir import RunDir
from twofold.types import Problem, Scorer, Share

_DONE = "training.json"
_RESULT: TypeAdapter[TrainedModel] = TypeAdapter(TrainedModel)

# Checkpoints that a run keeps, unless `trl: {save_total_limit: ...}` says otherwise.
_N_KEPT = 2


@final
class TrlRunner:
    """One training run of `base` on `rows`, in the folder `out`; see `EvalCallback` for `eval_problems`.

    Raises:
        TrainingError: If there are no rows.
        ModelError: If the base cannot be trained like this; see `Stepped.trainable`.
    """

    def __init__(
        self,
        method: Stepped,
        base: str,
        rows: Sequence[Row],
        *,
        out: Path,
        eval_problems: Sequence[Problem] = (),
    ) -> None:
        if not rows:
            raise TrainingError(
                f"{method.name} has no row to train on; check --problems and the method's filters"
            )
        self._method = method
        self._base = base
        self._rows = rows
        self._out = out
        self._eval_problems = eval_problems
        self.trainable = method.trainable(base)

    @property
    def finished(self) -> TrainedModel | None:
        """The result of the same run, if it is finished; a `RunError` if `out` holds another run."""
        if _rank() == 0 and (self._out / "manifest.json").exists():
            self._bound().close()
        file = self._out / _DONE
        if kind_of(file) is Kind.missing or not any(self._out.glob("*.safetensors")):
            return None
        remedy = "delete it, and the same command finishes the run from its last checkpoint"
        read = InputFile(file, TrainingError, remedy, is_ours=True).json(_RESULT)
        return replace(read, folder=self._out)

    @property
    def has_begun(self) -> bool:
        """Whether there is a checkpoint to resume from."""
        return last_checkpoint(self._out) is not None

    def noted(self, name: str, make: Callable[[], Mapping[str, Any]]) -> Mapping[str, Any]:
        """What `make` returned when the run first started; then it is in the run's manifest.

        All processes call it together. `finished` has refused another run before.
        """
        begun = kind_of(self._out / "manifest.json") is not Kind.missing
        known: Mapping[str, Any] | None = RunDir(self._out).manifest().get(name) if begun else None
        PartialState().wait_for_everyone()  # nobody writes while others still look
        if known is not None:
            return known
        made = make()
        if _rank() == 0:
            with self._bound() as folder:
                folder.note(name, made)
        return made

    @property
    def _n_kept(self) -> int | None:
        """How many checkpoints are kept; None = all, as in TRL."""
        limit: Any = typed(self._method.configuration()[0], self._method.trl).get(
            "save_total_limit", _N_KEPT
        )
        return limit if limit is not None and limit > 0 else None

    def _bound(self) -> RunDir:
        """The folder, locked and bound to everything that decides the result."""
        identity = {
            "base": self.trainable.hashes(),
            "method": self._method.name,
            "settings": {k: _json(v) for k, v in self._method.bound_to().items()},
            "rows_sha256": hashlib.sha256(dumps(list(self._rows)).encode()).hexdigest(),
        }
        if self._method.is_chosen_by_eval:
            ids = sorted({problem.id for problem in self._eval_problems})
            identity["eval_problems_sha256"] = content_key(ids)
        versions = {m.__name__: m.__version__ for m in (torch, transformers, trl)}
        about = {"spec": self._base, "n_rows": len(self._rows), "versions": versions}
        if weights := self.trainable.base_weights():
            about[BASE_WEIGHTS] = weights
        return RunDir.open(self._out, identity, about)

    def data(self, *, n_steps: int, left_out: Collection[str] = ()) -> datasets.Dataset:
        """The rows for `n_steps` steps, in shuffled passes, for a trainer without shuffling.

        TRL's own sampler for groups drops rows that do not fill a step, and reshuffles on resuming.
        The rows of the problems `left_out` (ids) are not among them.
        """
        rows = [row for row in self._rows if row["problem"] not in left_out]
        if not rows:
            raise TrainingError(f"all {len(self._rows)} problems are left out; take easier ones")
        for row in rows:
            self.trainable.ids(render(self.trainable.tokenizer, row["prompt"]))  # TRL would crash
        n = n_steps * self._method.batch * Share.here().world
        rng = np.random.default_rng(self._method.seed)
        return datasets.Dataset.from_list(passes(rows, n, rng))

    def tokens(self) -> datasets.Dataset:
        """The rows as token ids, with a mask over the completion."""
        rows = []
        for row in self._rows:
            prompt = self.trainable.ids(render(self.trainable.tokenizer, row["prompt"]))
            completion = [
                *self.trainable.ids(row["completion"]),
                self.trainable.tokenizer.eos_token_id,
            ]
            mask = [0] * len(prompt) + [1] * len(completion)
            rows.append({"input_ids": prompt + completion, "completion_mask": mask})
        return datasets.Dataset.from_list(rows)

    def preferences(self) -> datasets.Dataset:
        """The pairs as text for TRL's tokenisation, without a second BOS if the tokenizer adds one."""
        tokenizer = self.trainable.tokenizer
        adds_bos = tokenizer("a").input_ids != self.trainable.ids("a")
        bos = (tokenizer.bos_token or "") if adds_bos else ""
        for row in self._rows:  # TRL would crash at a token without an embedding
            texts = render(tokenizer, row["prompt"]), row["chosen"], row["rejected"]
            self.trainable.ids("".join(texts))
        return datasets.Dataset.from_list(
            [
                {
                    "prompt": render(tokenizer, row["prompt"]).removeprefix(bos),
                    "chosen": row["chosen"],
                    "rejected": row["rejected"],
                }
                for row in self._rows
            ]
        )

    def trainer(
        self, kind: Callable[..., Any], data: Callable[[], datasets.Dataset]
    ) -> Callable[..., Any]:
        """A function that builds the trainer `kind`; a wrong setting is a `TrainingError` now."""
        configured = configuration(self._method, self._out)
        return lambda **more: kind(
            model=self.trainable.network,
            args=configured,
            train_dataset=data(),
            processing_class=self.trainable.tokenizer,
            peft_config=self.trainable.adapter,
            **more,
        )

    def run(
        self,
        trainer_of: Callable[[], transformers.Trainer],
        *,
        max_tokens: int = 512,
        measures: Mapping[str, Scorer] = MappingProxyType({}),
        early_stopping_patience: int = 0,
        compared_with: str = "",
    ) -> TrainedModel:
        """Train to the end, from the last complete checkpoint if there is one, and save the model.

        Checkpoints are compared with the base that is trained here, or with the one that it was made of. The
        other arguments are those of `EvalCallback`; with `early_stopping_patience` above 0 the run
        stops after that many checkpoints without a rise of the measure `eval_metric`. Where checkpoints
        were compared with the base, the last that holds is named, and kept if the method says so.

        Raises:
            TrainingError: If a gradient or the loss is not finite; the last checkpoint stays.
        """
        folder = self._bound() if _rank() == 0 else None
        patience = early_stopping_patience
        best = BestCheckpoint(self._out, patience) if patience else None
        keeps_frontier = self._method.keep_checkpoint == "frontier"
        frontier = FrontierCheckpoint(self._out) if keeps_frontier else None
        if not sys.stderr.isatty():
            datasets.disable_progress_bars()
        try:
            with DiskErrors(self._out), quiet():  # PEFT and TRL use what transformers renames
                keeper = Keeper(self._out, self._n_kept, base=self.trainable.source)
                if folder is not None:
                    keeper.tidy()
                    remove_incomplete(self._out)
                trainer = trainer_of()
                trainer.remove_callback(transformers.PrinterCallback)
                trainer.add_callback(SoundNumbers(self._out))
                trainer.add_callback(keeper)
                if self._eval_problems:
                    log = partial(transformers.Trainer.log, trainer)
                    callback = EvalCallback(
                        self._eval_problems,
                        base=compared_with or self._base,
                        log=log,
                        max_tokens=max_tokens,
                        measures=measures,
                        eval_metric=best,
                        frontier=frontier,
                    )
                    trainer.add_callback(callback)
                trainer.add_callback(Resume(trainer))
                last = last_checkpoint(self._out)
                progress = Progress("training steps", is_shown=_rank() == 0, bar=False)
                trainer.add_callback(Steps(progress))
                with progress, suppress(NothingLeftError):
                    trainer.train(resume_from_checkpoint=str(last) if last else None)
                trainer.save_model(str(self._out))
                if trainer.is_world_process_zero():
                    name_base(self._out, self.trainable.source)
                    _choose(best, frontier, trainer.state.log_history)
                return self._finish(trainer)
        except RuntimeError as error:
            if "probability tensor" in str(error):  # torch's message when no token can be drawn
                raise stopped(self._out, "the network's logits are not finite") from error
            raise
        finally:
            if folder is not None:
                folder.close()

    def _finish(self, trainer: transformers.Trainer) -> TrainedModel:
        """Record in the folder that the run is finished."""
        done = TrainedModel(
            folder=self._out,
            base=self._base,
            method=self._method.name,
            n_steps=int(trainer.state.global_step),
        )
        if trainer.is_world_process_zero():
            trainer.state.save_to_json(str(self._out / "trainer_state.json"))
            flush(self._out)
            with replaced(self._out / _DONE) as file:
                file.write(dumps(asdict(done) | {"folder": self._out.name}))
        return done


def _choose(
    best: BestCheckpoint | None, frontier: FrontierCheckpoint | None, log: Sequence[Row]
) -> None:
    """Make the checkpoint that was asked for the run's model, and name the last that holds."""
    if best is not None:
        best.put_back()
    if frontier is not None:
        frontier.put_back(log)
    elif any(map(is_compared, log)):
        logging.getLogger(__name__).warning("%s", in_words(log))


def _rank() -> int:
    return Share.here().rank


def _json(value: object) -> object:
    """A setting as a JSON value; a scorer is represented by its `repr`."""
    return value if isinstance(value, (int, float, str, Mapping)) or value is None else repr(value)
