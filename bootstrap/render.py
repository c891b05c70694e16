"""The one Jinja2 environment: an unknown name is an error, output is stable to the byte."""

from __future__ import annotations

from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

ROOT = Path(__file__).parent

_environment = Environment(
    loader=FileSystemLoader(ROOT),
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
    keep_trailing_newline=True,
    autoescape=False,  # configuration files, not pages
)


def render(template: str, **values: object) -> str:
    """Return a template's text.

    Args:
        template: path below ``bootstrap/``.
        values: the names that the template uses; one that is missing is an error.
    """
    return _environment.get_template(template).render(**values)
