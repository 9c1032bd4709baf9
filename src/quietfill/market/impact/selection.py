"""The impact models that can be selected by name, and what each of them takes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from quietfill.domain.errors import BadInput
from quietfill.domain.fields import choice, shown
from quietfill.market.impact.almgren_2005 import Almgren2005Coefficients, Almgren2005Model
from quietfill.market.impact.istar import GROUPS, IStarModel
from quietfill.market.impact.no_arbitrage import linear_exponent
from quietfill.market.impact.power_law import PowerLawImpact
from quietfill.market.impact.square_root import SquareRootLaw

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from quietfill.market.impact.model import ImpactModel

DEFAULT_MODEL = PowerLawImpact()

_Given = dict[str, Any]


def select_model(
    current: ImpactModel,
    model: str | None,
    *,
    eta: float | None,
    gamma: float | None,
    alpha: float | None,
    options: Mapping[str, Any],
) -> ImpactModel:
    """Return the model that is asked for; what is None stays as it is, or as the newly named model has it.

    Args:
        current: in force until now.
        model: default, square_root, almgren_2005 or istar; None keeps the kind in force.
        eta: of the temporary part; Y of the square-root law.
        gamma: of the permanent part.
        alpha: exponent of the temporary part; delta of the square-root law.
        options: `permanent_exponent` (only 1 is accepted), and what single models need: `horizon_days` and
            `shares_outstanding` by symbol (almgren_2005), `participation_rate` and `group` (istar).

    Raises:
        BadInput: naming the argument and its value, one that the model does not take, or one that it lacks.
    """
    name = _name_of(current) if model is None else choice(*_MODELS)(model, "model")
    given: _Given = {"eta": eta, "gamma": gamma, "alpha": alpha, **options}
    given = {key: value for key, value in given.items() if value is not None}
    if "permanent_exponent" in given:
        linear_exponent(given.pop("permanent_exponent"), "permanent_exponent")
    kind, takes, build = _MODELS[name]
    for key, value in given.items():
        if key not in takes:
            raise BadInput(f"{key} {shown(value)} is no argument of the impact model {name}")
    return build(current if isinstance(current, kind) and model is None else None, given)


def _name_of(current: ImpactModel) -> str:
    for name, (kind, _, _) in _MODELS.items():
        if isinstance(current, kind):
            return name
    raise BadInput(f"model must be named: {type(current).__name__} has no arguments to change")


def _power_law(before: PowerLawImpact | None, given: _Given) -> ImpactModel:
    return msgspec.structs.replace(before or PowerLawImpact(), **given)


def _square_root(before: SquareRootLaw | None, given: _Given) -> ImpactModel:
    renamed = {"eta": "y", "alpha": "delta"}
    return msgspec.structs.replace(before or SquareRootLaw(), **{renamed[key]: given[key] for key in given})


def _almgren_2005(before: Almgren2005Model | None, given: _Given) -> ImpactModel:
    fit = before.coefficients if before else Almgren2005Coefficients()
    fit = msgspec.structs.replace(fit, **{key: given.pop(key) for key in ("eta", "gamma") if key in given})
    if before is None:
        _require(given, "almgren_2005", "horizon_days", "shares_outstanding")
        return Almgren2005Model(coefficients=fit, **given)
    return msgspec.structs.replace(before, coefficients=fit, **given)


def _istar(before: IStarModel | None, given: _Given) -> ImpactModel:
    if "group" in given:
        given["coefficients"] = GROUPS[choice(*GROUPS)(given.pop("group"), "group")]
    if before is None:
        _require(given, "istar", "participation_rate")
        return IStarModel(**given)
    return msgspec.structs.replace(before, **given)


def _require(given: _Given, model: str, *names: str) -> None:
    for name in names:
        if name not in given:
            raise BadInput(f"{name} is needed by the impact model {model}")


_MODELS: dict[str, tuple[type, frozenset[str], Callable[[Any, _Given], ImpactModel]]] = {
    "default": (PowerLawImpact, frozenset({"eta", "gamma", "alpha"}), _power_law),
    "square_root": (SquareRootLaw, frozenset({"eta", "alpha"}), _square_root),
    "almgren_2005": (
        Almgren2005Model,
        frozenset({"eta", "gamma", "horizon_days", "shares_outstanding"}),
        _almgren_2005,
    ),
    "istar": (IStarModel, frozenset({"participation_rate", "group"}), _istar),
}
