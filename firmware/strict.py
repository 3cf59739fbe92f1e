"""The base of all tables of a car file."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class Strict(BaseModel):
    """No key that is not known, and no text for a number."""

    # Strict: a number in quotation marks is a text, and true is no number.
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)
