"""How does a method run on TRL: what is loaded, what is saved, where does it go on, when does it stop?

All methods share this. What decides the result is bound to the run's folder, so that the same call
resumes and another one is refused; the network is loaded last, when all that can be wrong with the
settings has been told.
"""

from __future__ import annotations

import hashlib
import json
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, fields
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import Any, final

import datasets
import numpy as np
import torch
import transformers
import trl

from twofold.errors import nearest
from twofold.methods.method import TrainedModel, TrainingError
from twofold.methods.trl.callbacks import EvalCallback, SoundNumbers, stopped
from twofold.methods.trl.early_stopping import BestCheckpoint
from twofold.methods.trl.trainable_model import TrainableModel
from twofold.methods.tuning import Tuned
from twofold.models import loading
from twofold.models.chat_template import render
from twofold.models.quiet import quiet
from twofold.storage.jsonl import Row, dumps, replaced
from twofold.storage.run_dir import RunDir
from twofold.types import Problem, Scorer

_DONE = "training.json"


@final
class TrlRunner:
    """One training run in one folder.

    Args:
        method: Its settings.
        base: What is trained; see `twofold.models.resolve`.
        rows: The data set, at least one row.
        out: The folder.

    Raises:
        TrainingError: If there are no rows.
        ModelError: If the base cannot be trained so; see `TrainableModel`.
    """

    def __init__(self, method: Tuned, base: str, rows: Sequence[Row], *, out: Path) -> None:
        if not rows:
            raise TrainingError(
                f"{method.name} has no row to train on; check --problems and what the method keeps"
            )
        self._method = method
        self._base = base
        self._rows = rows
        self._out = out
        self.trainable = TrainableModel(base, lora=method.lora, bias_only=method.bias_only)

    @property
    def finished(self) -> TrainedModel | None:
        """What the same run has left in the folder; None if it is not done.

        Raises:
            RunError: If the folder holds another run.
        """
        if _rank() == 0 and (self._out / "manifest.json").exists():
            self._bound().close()
        file = self._out / _DONE
        if not file.exists():
            return None
        return TrainedModel(**json.loads(file.read_text()) | {"folder": self._out})

    @property
    def has_begun(self) -> bool:
        """Whether there is a checkpoint to go on from."""
        return last_checkpoint(self._out) is not None

    def _bound(self) -> RunDir:
        """The folder, locked and bound to what decides the result."""
        identity = {
            "base": self.trainable.hashes(),
            "method": self._method.name,
            "settings": {
                f.name: _plain(getattr(self._method, f.name)) for f in fields(self._method)
            },
            "rows_sha256": hashlib.sha256(dumps(list(self._rows)).encode()).hexdigest(),
        }
        versions = {m.__name__: m.__version__ for m in (torch, transformers, trl)}
        about = {"spec": self._base, "n_rows": len(self._rows), "versions": versions}
        return RunDir.open(self._out, identity, about)

    def data(self, *, n_steps: int | None = None) -> datasets.Dataset:
        """The rows as a data set.

        Args:
            n_steps: Lay out the rows of so many steps, one shuffled pass after the other, for a
                trainer that then keeps the order. TRL's own sampler for groups leaves out what does
                not fill a step, all of it if there is less, and shuffles anew on resuming.
        """
        rows = list(self._rows)
        if n_steps is not None:
            n = n_steps * self._method.batch * int(os.environ.get("WORLD_SIZE", "1"))
            order = np.random.default_rng(self._method.seed)
            rows = [
                rows[i] for _ in range(-(-n // len(rows))) for i in order.permutation(len(rows))
            ]
            rows = rows[:n]
        return datasets.Dataset.from_list(rows)

    def tokens(self) -> datasets.Dataset:
        """The rows as token ids, with a mask over the completion: what TRL takes as it is."""
        rows = []
        for row in self._rows:
            prompt = self.trainable.ids(render(self.trainable.tokenizer, row["prompt"]))
            said = [*self.trainable.ids(row["completion"]), self.trainable.tokenizer.eos_token_id]
            mask = [0] * len(prompt) + [1] * len(said)
            rows.append({"input_ids": prompt + said, "completion_mask": mask})
        return datasets.Dataset.from_list(rows)

    def preferences(self) -> datasets.Dataset:
        """The pairs as rendered text, which TRL tokenises and puts the end token after.

        Its tokeniser writes a first token of its own where the model has one; the template's is
        then left out, so that there is one.
        """
        bos = self.trainable.tokenizer.bos_token or ""
        plain = self.trainable.ids("a")
        doubles = bool(bos) and self.trainable.tokenizer("a").input_ids != plain
        rows = []
        for row in self._rows:
            prompt = render(self.trainable.tokenizer, row["prompt"])
            prompt = prompt.removeprefix(bos) if doubles else prompt
            rows.append({"prompt": prompt, "chosen": row["chosen"], "rejected": row["rejected"]})
        return datasets.Dataset.from_list(rows)

    def check(self, config: type, settings: Mapping[str, object]) -> None:
        """Refuse a setting that TRL's configuration `config` does not know.

        Raises:
            TrainingError: Naming the nearest one that it knows.
        """
        known = [f.name for f in fields(config)]
        for key in settings:
            if key not in known:
                raise TrainingError(
                    f"trl: {config.__name__} of TRL {trl.__version__} has no field {key!r}; "
                    + nearest(key, known, "its documentation lists them")
                )

    def settings(self, settings: Mapping[str, object]) -> dict[str, Any]:
        """`settings` with those that depend on machine and folder."""
        on_gpu = loading.device().type == "cuda"
        return {
            "output_dir": str(self._out),
            "use_cpu": not on_gpu,
            "bf16": on_gpu and torch.cuda.is_bf16_supported(),
            "activation_checkpointing": on_gpu,
            "logging_steps": 1,
            "logging_nan_inf_filter": False,  # it would show the last good loss in place of a NaN
            "save_total_limit": 2,
            "disable_tqdm": not sys.stderr.isatty(),
            "dataloader_pin_memory": on_gpu,
            "ddp_find_unused_parameters": False,
            **settings,
        }

    def run(
        self,
        trainer_of: Callable[[], transformers.Trainer],
        *,
        eval_problems: Sequence[Problem] = (),
        max_tokens: int = 512,
        measures: Mapping[str, Scorer] = MappingProxyType({}),
        early_stopping_patience: int = 0,
    ) -> TrainedModel:
        """Train to the end, from the last whole checkpoint if there is one, and save the model.

        Args:
            trainer_of: Makes the trainer.
            eval_problems: What every checkpoint is asked.
            max_tokens: Budget of a reply to a held-out problem.
            measures: What else the held-out replies are measured by, under names of its own.
            early_stopping_patience: Checkpoints without a rise of the measure `eval_metric` after
                which the run stops and
                ends with its best; 0 = it runs to its end and ends with the last.

        Raises:
            TrainingError: If a gradient or the loss is no number; the last checkpoint stays.
        """
        folder = self._bound() if _rank() == 0 else None
        best = (
            BestCheckpoint(self._out, early_stopping_patience) if early_stopping_patience else None
        )
        if not sys.stderr.isatty():
            datasets.disable_progress_bars()
        try:
            with quiet():  # PEFT and TRL use what transformers renames
                trainer = trainer_of()
                trainer.remove_callback(transformers.PrinterCallback)
                trainer.add_callback(SoundNumbers(self._out))
                if eval_problems:
                    watching = EvalCallback(
                        eval_problems,
                        base=self._base,
                        log=partial(transformers.Trainer.log, trainer),
                        max_tokens=max_tokens,
                        measures=measures,
                        eval_metric=best,
                    )
                    trainer.add_callback(watching)
                last = last_checkpoint(self._out)
                trainer.train(resume_from_checkpoint=str(last) if last else None)
                trainer.save_model(str(self._out))
                if best is not None and trainer.is_world_process_zero():
                    best.put_back()
            return self._finish(trainer)
        except RuntimeError as error:
            if "probability tensor" in str(error):  # torch's words when no token can be drawn
                raise stopped(self._out, "the network's logits are no numbers") from error
            raise
        finally:
            if folder is not None:
                folder.close()

    def _finish(self, trainer: transformers.Trainer) -> TrainedModel:
        """Say in the folder that the run is done."""
        done = TrainedModel(
            folder=self._out,
            base=self._base,
            method=self._method.name,
            n_steps=int(trainer.state.global_step),
        )
        if trainer.is_world_process_zero():
            trainer.state.save_to_json(str(self._out / "trainer_state.json"))
            with replaced(self._out / _DONE) as file:
                file.write(dumps(asdict(done) | {"folder": self._out.name}))
        return done


def last_checkpoint(folder: Path) -> Path | None:
    """The newest whole checkpoint in a run's folder; one that a kill cut short is passed over.

    The trainer writes `trainer_state.json` after everything else.
    """
    found = {
        int(path.parent.name.removeprefix("checkpoint-")): path.parent
        for path in folder.glob("checkpoint-*/trainer_state.json")
    }
    return found[max(found)] if found else None


def _rank() -> int:
    return int(os.environ.get("RANK", "0"))


def _plain(value: object) -> object:
    """A setting as a JSON value; a scorer is what it prints as."""
    return value if isinstance(value, (int, float, str, Mapping)) or value is None else repr(value)
