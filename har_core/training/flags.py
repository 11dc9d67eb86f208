"""A configuration whose fields are flags of the command line: one frozen value, refused by the flag's name."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError

from har_core.errors import ConfigError


def flag(name: str) -> str:
    """The command-line flag of a field."""
    return "--" + name.replace("_", "-")


class FlagConfig(BaseModel):
    """Each field is a flag of the command line too: its description is the flag's help.

    Raises:
        ConfigError: naming the flag, if a value is unknown or out of its range.
    """

    model_config = ConfigDict(frozen=True, strict=True, extra="forbid", allow_inf_nan=False)

    def __init__(self, **values: Any) -> None:
        try:
            super().__init__(**values)
        except ValidationError as error:
            first = error.errors()[0]
            name = str(first["loc"][0])
            if name not in type(self).model_fields:
                raise ConfigError(self.about_unknown(name)) from error
            expected = first["msg"].removeprefix("Value error, ").removeprefix("Input should be ")
            raise ConfigError(f"expected {flag(name)} to be {expected}, found {first['input']!r}; change it") from error

    @classmethod
    def about_unknown(cls, name: str) -> str:
        """What the error says of a value that is none of the fields."""
        return f"expected settings of a training, found {name!r}; leave it out"

    def as_dict(self) -> dict[str, Any]:
        """Plain values, as a manifest or a training state stores them."""
        return self.model_dump(mode="json")
