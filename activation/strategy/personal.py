"""Whether a column holds personal data, by its name and by what its values look like."""

from __future__ import annotations

import re

from activation.contract.model import DataClass

EMAIL = r"^[^@\s]+@[^@\s]+\.[^@\s]+$"
"""What an e-mail address looks like; asked of the warehouse, so that no value leaves it."""
_DISGUISED = 0.5
"""The share of values that look like addresses from which on a column is taken for personal."""

_SENSITIVE = re.compile(
    r"(health|diagnos|religio|ethnic|race|politic|union_member|sexual|biometric|genetic|disab"
    r"|criminal|ssn|social_security|passport|national_id|iban|card_number|salary|income)"
)
_PERSONAL = re.compile(
    r"(^|_)(e?mail|phone|mobile|fax|address|street|postcode|zip|birth\w*|dob|gender|title|salutation"
    r"|first_?name|last_?name|full_?name|given_?name|family_?name|sur_?name|middle_?name|nick_?name"
    r"|contact_name|customer_name|person_name|user_name|username|ip|ip_address|device_id|cookie\w*"
    r"|latitude|longitude|lat|lng|photo|avatar)(_|$)"
)


def judged(column: str, *, mails: float) -> tuple[DataClass, str]:
    """
    Return the class that a column seems to have, and why.

    Args:
        column: its name.
        mails: the share of its values that look like e-mail addresses.
    """
    lowered = column.lower()
    if _SENSITIVE.search(lowered):
        return DataClass.SENSITIVE, "its name says so"
    if _PERSONAL.search(lowered):
        return DataClass.PERSONAL, "its name says so"
    if mails >= _DISGUISED:
        return DataClass.PERSONAL, f"{mails:.0%} of its values look like e-mail addresses"
    return DataClass.NONE, "neither its name nor its values look personal"
