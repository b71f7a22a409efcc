"""What to do next: pure conditions on the records of a run, each with its sentence in words.toml.

Each condition gives the values of its sentence, “next_unsettled” and so on, where it is met, and None where it is not.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from wukong_trainer.report.changed_command import changed_command
from wukong_trainer.report.dataset_tables import StageRejects
from wukong_trainer.report.metrics_records import LevelPart, Metrics
from wukong_trainer.report.verification import second_reading
from wukong_trainer.report.words import Words, filled, percent
from wukong_trainer.scoring.figures import points
from wukong_trainer.scoring.intervals import MIN_SECTIONS
from wukong_trainer.scoring.loss_curve import has_risen, longer, unsettled_fall

MOST = 5
"""A list of more is none of what to do next."""
KNOWN = 0.7
"""A base that answers this share rightly has little left to learn."""
USABLE = 0.7
"""A model that answers less is not one to be used yet."""
CUT = 0.1
"""Of the tuned model's answers, cut off."""
INVENTING = 0.2
"""Of the tuned model's answers, with something from nowhere in the source."""
REJECTED = 0.2
"""Of a stage's candidates, for one reason."""
LEAST_REJECTS = 10
LEAST_VARIANTS, MOST_VARIANTS = 4, 100
"""Wordings of a question to advise."""
SHORT = 0.2
"""Of the sections, under their quota."""
AGREEING = 0.6
"""A kappa over which two readers are said to agree substantially (Landis and Koch, 1977)."""
ASKING = ("base_qa", "paraphrase", "heldout_wordings", "answers")
"""The stages whose candidates a teacher proposes."""

Values = dict[str, Any]
"""A float is a share."""


class Word(str):
    """A key of words.toml, which stands in a sentence as its text."""

    __slots__ = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class RunRecords:
    """What a run's files hold, as far as it has them."""

    metrics: Metrics | None = None
    losses: Sequence[float] = ()
    """Of all training steps."""
    validation: Sequence[float] = ()
    epochs: float = 0
    best_kept: bool = False
    """Whether the adapter holds the weights of the lowest validation loss."""
    commands: Sequence[str] = ()
    """Those that made the run."""
    manifest: Mapping[str, Any] = field(default_factory=dict)
    sections: Sequence[Mapping[str, Any]] = ()
    rejects: Mapping[str, StageRejects] = field(default_factory=dict)


def next_steps(records: RunRecords, words: Words) -> list[str]:
    """A sentence for each condition that the run meets, the weightiest first, MOST of them."""
    found = ((name, condition(records)) for name, condition in _CONDITIONS.items())
    met = [(name, values) for name, values in found if values is not None]
    return [_told(words[f"next_{name}"], values, words) for name, values in met[:MOST]]


def _told(text: str, values: Values, words: Words) -> str:
    """A sentence with its values; a Word among them may take some of them itself."""
    shown = {key: percent(value, words) if isinstance(value, float) else value for key, value in values.items()}
    texts = {key: filled(words[value], **shown) for key, value in shown.items() if isinstance(value, Word)}
    return filled(text, **(shown | texts))


# --- the test ----------------------------------------------------------------------------------------------------


def _primary(records: RunRecords) -> tuple[Metrics, LevelPart] | None:
    """The evaluation and its primary level, where there are questions of it."""
    metrics = records.metrics
    return (metrics, metrics.levels[metrics.primary.level]) if metrics and metrics.primary.n else None


def _few_asked(records: RunRecords) -> Values | None:
    """Only a sample was asked, and it brought no verdict."""
    found = _primary(records)
    if not found or not found[0].sample or found[0].primary.verdict in ("better", "worse"):
        return None
    return {}


def _few_sections(records: RunRecords) -> Values | None:
    found = _primary(records)
    if not found or found[0].sample or found[0].primary.verdict != "too few sections":
        return None
    return {"n": found[1].sections, "least": MIN_SECTIONS}


def _no_evidence(records: RunRecords) -> Values | None:
    found = _primary(records)
    if not found or found[0].sample or found[0].primary.verdict != "no evidence" or _known(records):
        return None
    if _unsettled(records):
        return None
    effect = found[0].primary.smallest_effect
    # Where the grades deny what the score says, more questions are no cure.
    return (
        None if effect is None or found[0].primary.by_score else {"effect": f"{100 * effect:.0f}"} | _wordings(records)
    )


def _known(records: RunRecords) -> Values | None:
    found = _primary(records)
    return {"base": found[0].primary.base} if found and found[0].primary.base >= KNOWN else None


def _worse(records: RunRecords) -> Values | None:
    """A level of trained facts on which tuning did harm."""
    levels = records.metrics.levels if records.metrics else {}
    worse = [name for name in ("wording", "question") if name in levels and levels[name].verdict == "worse"]
    return {"level": Word(worse[0]), "points": points(levels[worse[0]].difference)} if worse else None


def _forgets(records: RunRecords) -> Values | None:
    """What was never trained fell: untrained sections, or general questions."""
    metrics = records.metrics
    if metrics is None:
        return None
    control = metrics.levels.get("section")
    general = metrics.forgetting
    has_fallen = (control and control.verdict == "worse") or (general and general.has_fallen)
    return {} if has_fallen else None


def _cut(records: RunRecords) -> Values | None:
    found = _primary(records)
    stopped = found[1].tuned.get("stopped_by_eos", 1.0) if found else 1.0
    if not found or 1 - stopped < CUT:
        return None
    return {"share": 1 - stopped, "most": found[0].settings.get("max_new_tokens", "?")}


def _inventions(records: RunRecords) -> Values | None:
    """The tuned model invents clearly more than the base, or much."""
    found = records.metrics.hallucination if records.metrics else None
    if not found or not found.n or (found.ci95[0] <= 0 and found.tuned.answers < INVENTING):
        return None
    return {"base": found.base.answers, "tuned": found.tuned.answers}


def _near_only(records: RunRecords) -> Values | None:
    """Better near to the trained wordings, and not shown to be so far from them."""
    found = None if _unsettled(records) or _still_low(records) else _primary(records)
    nearness = found[0].levels["wording"].by_nearness if found else {}
    near, far = nearness.get("near"), nearness.get("far")
    if not near or not far or near.ci95[0] <= 0 or far.ci95[0] > 0:
        return None
    return {"near": points(near.difference), "far": points(far.difference)} | _wordings(records)


def _doubted(records: RunRecords) -> Values | None:
    """Judge and score agree little on the tuned model's answers."""
    grades = records.metrics.grades if records.metrics else None
    kappas = [rates.of_score.tuned.kappa for rates in grades.levels.values() if rates.of_score] if grades else []
    low = [kappa for kappa in kappas if kappa is not None and kappa < AGREEING]
    return {"kappa": f"{min(low):.2f}".replace("-", "−")} if low else None


# --- training ----------------------------------------------------------------------------------------------------


def _has_risen(records: RunRecords) -> bool:
    return bool(records.validation) and has_risen(min(records.validation), records.validation[-1])


def _unsettled(records: RunRecords) -> Values | None:
    """The training loss was falling still, and neither harm nor the validation loss speaks against going on."""
    fall = None if _has_risen(records) or _worse(records) else unsettled_fall(records.losses)
    if fall is None or not records.epochs:
        return None
    epochs = f"{longer(records.epochs):g}"
    return {"fall": fall, "command": changed_command(records.commands, "train", "--epochs", epochs, "--overwrite")}


def _wordings(records: RunRecords) -> Values:
    """What to do where training has settled and taught too little: a build is asked for more, foreign rows are not."""
    variants = (records.manifest.get("settings") or {}).get("variants")
    if not isinstance(variants, int):
        return {"advice": Word("advice_more_rows")}
    more = str(min(max(2 * variants, LEAST_VARIANTS), MOST_VARIANTS))
    return {
        "advice": Word("advice_more_wordings"),
        "command": changed_command(records.commands, "build", "--variants", more),
    }


def _by_heart(records: RunRecords) -> Values | None:
    """The validation loss rose, and the weights of its lowest are lost."""
    if not _has_risen(records) or records.best_kept:
        return None
    return {"least": f"{min(records.validation):.3f}", "last": f"{records.validation[-1]:.3f}"}


# --- the dataset -------------------------------------------------------------------------------------------------


def _short(records: RunRecords) -> Values | None:
    asked = [section for section in records.sections if section.get("wanted")]
    short = sum(bool(section["short"]) for section in asked)
    return {"short": short, "n": len(asked)} if short and short >= SHORT * len(asked) else None


def _rejects(records: RunRecords) -> Values | None:
    """One reason took a large share of what a stage's teacher proposed."""
    accounting = records.manifest.get("accounting") or {}
    for stage in ASKING:
        received, refused = (accounting.get(stage) or {}).get("received", 0), records.rejects.get(stage)
        if not refused:
            continue
        reason, n, _ = refused.reasons[0]
        if n >= max(LEAST_REJECTS, REJECTED * received) and received:
            return {"n": n, "received": received, "stage": Word(f"stage_{stage}"), "reason": reason.rstrip(".。")}
    return None


def _weak_verifier(records: RunRecords) -> Values | None:
    """A verifier that told too few errors from true answers to be heeded in full."""
    reading = second_reading(records.manifest)
    weak = [reader for reader in reading.calibration.values() if not reader.may_clear] if reading else []
    if not reading or not weak:
        return None
    its = weak[0]
    told = {"caught": its.caught, "of_false": its.of_false, "passed": its.passed, "of_true": its.of_true}
    return {"model": reading.model, **told}


def _still_low(records: RunRecords) -> Values | None:
    """Tuning helped, the loss has settled, and many answers are wrong all the same."""
    found = None if _unsettled(records) else _primary(records)
    if not found or found[0].primary.verdict != "better" or found[0].primary.tuned >= USABLE:
        return None
    return {"tuned": found[0].primary.tuned} | _wordings(records)


def _use(records: RunRecords) -> Values | None:
    """Better, mostly right, and nothing got worse for it."""
    found = _primary(records)
    if not found or found[0].primary.verdict != "better" or found[0].primary.tuned < USABLE:
        return None
    return None if _worse(records) or _forgets(records) is not None else {}


_CONDITIONS: Mapping[str, Callable[[RunRecords], Values | None]] = {
    "worse": _worse,
    "few_asked": _few_asked,
    "few_sections": _few_sections,
    "unsettled": _unsettled,
    "by_heart": _by_heart,
    "known": _known,
    "no_evidence": _no_evidence,
    "still_low": _still_low,
    "forgets": _forgets,
    "cut": _cut,
    "inventions": _inventions,
    "near_only": _near_only,
    "doubted": _doubted,
    "short": _short,
    "rejects": _rejects,
    "weak_verifier": _weak_verifier,
    "use": _use,
}
