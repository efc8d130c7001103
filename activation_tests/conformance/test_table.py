from activation_tests.conformance.__main__ import PAGE
from activation_tests.conformance.table import rendered


def test_page_tells_what_the_suite_holds() -> None:
    """docs/conformance.md is what the declarations say."""
    assert PAGE.read_text() == rendered(), "run `make conformance`"
