"""How does a method train with TRL: loading, saving, resuming and stopping?

The run's folder is bound to everything that decides the result, so that the same call resumes and
a different one is refused. The network is loaded last, after all settings are checked.
"""

import hashlib
import json
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
from twofold.types import Problem, Scorer, Share

_DONE = "training.json"


@final
class TrlRunner:
    """One training run of `base` on `rows`, in the folder `out`.

    Raises:
        TrainingError: If there are no rows.
        ModelError: If the base cannot be trained like this; see `TrainableModel`.
    """

    def __init__(self, method: Tuned, base: str, rows: Sequence[Row], *, out: Path) -> None:
        if not rows:
            raise TrainingError(
                f"{method.name} has no row to train on; check --problems and the method's filters"
            )
        self._method = method
        self._base = base
        self._rows = rows
        self._out = out
        self.trainable = TrainableModel(base, lora=method.lora, bias_only=method.bias_only)

    @property
    def finished(self) -> TrainedModel | None:
        """The result of the same run, if it is finished; a `RunError` if `out` holds another run."""
        if _rank() == 0 and (self._out / "manifest.json").exists():
            self._bound().close()
        file = self._out / _DONE
        if not file.exists():
            return None
        return TrainedModel(**json.loads(file.read_text()) | {"folder": self._out})

    @property
    def has_begun(self) -> bool:
        """Whether there is a checkpoint to resume from."""
        return last_checkpoint(self._out) is not None

    def _bound(self) -> RunDir:
        """The folder, locked and bound to everything that decides the result."""
        identity = {
            "base": self.trainable.hashes(),
            "method": self._method.name,
            "settings": {
                f.name: _json(getattr(self._method, f.name)) for f in fields(self._method)
            },
            "rows_sha256": hashlib.sha256(dumps(list(self._rows)).encode()).hexdigest(),
        }
        versions = {m.__name__: m.__version__ for m in (torch, transformers, trl)}
        about = {"spec": self._base, "n_rows": len(self._rows), "versions": versions}
        return RunDir.open(self._out, identity, about)

    def data(self, *, n_steps: int) -> datasets.Dataset:
        """The rows for `n_steps` steps, in shuffled passes, for a trainer without shuffling.

        TRL's own sampler for groups drops rows that do not fill a step, and reshuffles on resuming.
        """
        n = n_steps * self._method.batch * Share.here().world
        rng = np.random.default_rng(self._method.seed)
        passes = [rng.permutation(len(self._rows)) for _ in range(-(-n // len(self._rows)))]
        return datasets.Dataset.from_list([self._rows[i] for i in np.concatenate(passes)[:n]])

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
        self,
        kind: Callable[..., Any],
        config: type,
        settings: Mapping[str, object],
        data: Callable[[], datasets.Dataset],
    ) -> Callable[..., Any]:
        """A function that builds the trainer `kind`; an unknown setting is a `TrainingError` now."""
        known = [f.name for f in fields(config)]
        for key in settings:
            if key not in known:
                raise TrainingError(
                    f"trl: {config.__name__} of TRL {trl.__version__} has no field {key!r}; "
                    + nearest(key, known, "its documentation lists them")
                )
        return lambda **more: kind(
            model=self.trainable.network,
            args=config(**self.settings(settings)),
            train_dataset=data(),
            processing_class=self.trainable.tokenizer,
            peft_config=self.trainable.adapter,
            **more,
        )

    def settings(self, settings: Mapping[str, object]) -> dict[str, Any]:
        """`settings` with those that depend on the machine and the folder."""
        on_gpu = loading.device().type == "cuda"
        return {
            "output_dir": str(self._out),
            "use_cpu": not on_gpu,
            "bf16": on_gpu and torch.cuda.is_bf16_supported(),
            "activation_checkpointing": on_gpu,
            "logging_steps": 1,
            "logging_nan_inf_filter": False,  # would hide a NaN
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
        """Train to the end, from the last complete checkpoint if there is one, and save the model.

        The other arguments are those of `EvalCallback`; with `early_stopping_patience` above 0 the run
        stops after that many checkpoints without a rise of the measure `eval_metric`.

        Raises:
            TrainingError: If a gradient or the loss is not finite; the last checkpoint stays.
        """
        folder = self._bound() if _rank() == 0 else None
        patience = early_stopping_patience
        best = BestCheckpoint(self._out, patience) if patience else None
        if not sys.stderr.isatty():
            datasets.disable_progress_bars()
        try:
            with quiet():  # PEFT and TRL use what transformers renames
                trainer = trainer_of()
                trainer.remove_callback(transformers.PrinterCallback)
                trainer.add_callback(SoundNumbers(self._out))
                if eval_problems:
                    log = partial(transformers.Trainer.log, trainer)
                    callback = EvalCallback(
                        eval_problems,
                        base=self._base,
                        log=log,
                        max_tokens=max_tokens,
                        measures=measures,
                        eval_metric=best,
                    )
                    trainer.add_callback(callback)
                last = last_checkpoint(self._out)
                trainer.train(resume_from_checkpoint=str(last) if last else None)
                trainer.save_model(str(self._out))
                if best is not None and trainer.is_world_process_zero():
                    best.put_back()
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
            with replaced(self._out / _DONE) as file:
                file.write(dumps(asdict(done) | {"folder": self._out.name}))
        return done


def last_checkpoint(folder: Path) -> Path | None:
    """The newest complete checkpoint: the trainer writes `trainer_state.json` last."""
    states = folder.glob("checkpoint-*/trainer_state.json")
    found = [state.parent for state in states]
    return max(found, key=lambda path: int(path.name.split("-")[1]), default=None)


def _rank() -> int:
    return Share.here().rank


def _json(value: object) -> object:
    """A setting as a JSON value; a scorer is represented by its `repr`."""
    return value if isinstance(value, (int, float, str, Mapping)) or value is None else repr(value)
