"""The `activation` command."""

from activation.cli.main import main

__all__ = ["main"]
