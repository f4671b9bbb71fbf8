"""Declaration of a key of the configuration, and of a group of keys."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict, Field


def key(
    default: Any,
    sentence: str,
    option: str | None = None,
    *,
    unset: str | None = None,
    metavar: str | None = None,
    panel: str | None = None,
    **limits: Any,
) -> Any:
    """Declare a key of the configuration.

    Parameters
    ----------
    sentence
        meaning of the key, also the help of its option.
    option
        option of `degen train` that sets it; a key without one is set by `--set group.key=value`.
    unset
        meaning of the default None.
    metavar
        form of the option's value, where its type or its choices do not tell.
    panel
        heading of the option in the help; by default the group's name.
    **limits
        limits of the value, as in `pydantic.Field`.
    """
    about: dict[str, Any] = {"option": option, "unset": unset, "metavar": metavar, "panel": panel}
    return Field(default, description=sentence, json_schema_extra=about, **limits)


class Group(BaseModel):
    """A group of keys. Unknown keys are refused, and values do not change once it is made."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)
