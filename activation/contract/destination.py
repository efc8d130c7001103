"""Where rows go, and what may become of records there."""

from __future__ import annotations

from enum import StrEnum

from pydantic import Field

from activation.contract.part import Name, Part, Text


class Mode(StrEnum):
    """What a sync may do to the records of its object."""

    UPSERT = "upsert"  # create what is not there, update what is
    UPDATE_ONLY = "update_only"  # update what is there; create nothing
    CREATE_ONLY = "create_only"  # create what is not there; leave it alone afterwards
    MIRROR = "mirror"  # as upsert, and remove what we wrote once the source no longer has it
    AUDIENCE = "audience"  # rows are members: add them, and remove those that we added

    @property
    def removes(self) -> bool:
        """Tell whether what the source no longer has is removed."""
        return self in (Mode.MIRROR, Mode.AUDIENCE)


class Destination(Part):
    """The object that is written."""

    connection: Name = Field(description="An entry of connections.yaml.")
    object: Text = Field(
        description="The vendor's name of the object; an audience is a path, such as lists/42."
    )
    key: Text = Field(description="The vendor's field that holds the sync key.")
    mode: Mode = Field(
        default=Mode.UPSERT,
        description="upsert, update_only, create_only, mirror or audience.",
    )
