"""A document as one HTML page that needs nothing else: its own style, plots as SVG."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from activation.strategy.facts import Facts

_STYLE = """
:root { color-scheme: light dark; }
body { font: 16px/1.55 system-ui, sans-serif; }
body { max-width: 62rem; margin: 2rem auto; padding: 0 1rem; }
h1, h2, h3 { line-height: 1.2; }
h2 { margin-top: 2.5rem; border-bottom: 1px solid #8885; padding-bottom: .3rem; }
table { border-collapse: collapse; margin: 1rem 0; display: block; overflow-x: auto; }
th, td { border: 1px solid #8885; padding: .35rem .6rem; text-align: left; vertical-align: top; }
code, pre { font-family: ui-monospace, monospace; font-size: .9em; }
pre { background: #8882; padding: .8rem; overflow-x: auto; }
figure { margin: 1.5rem 0; }
figcaption { font-size: .9em; }
svg text { fill: currentColor; font: 13px system-ui, sans-serif; }
svg rect { fill: #3a7bd5; }
svg line { stroke: #c0392b; stroke-dasharray: 4 3; }
"""
_WIDTH, _BAR, _LEFT, _RIGHT = 640, 26, 130, 90


def page(markdown: str, title: str, plots: Sequence[str] = ()) -> str:
    """Return the page: the document, and the plots behind the first heading's paragraph."""
    from markdown_it import MarkdownIt

    body = MarkdownIt("commonmark", {"html": False}).enable("table").render(markdown)
    head, mark, rest = body.partition("<h2>")
    drawn = "".join(plots)
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(title)}</title><style>{_STYLE}</style></head>\n"
        f"<body>\n{head}{drawn}{mark}{rest}</body></html>\n"
    )


def plots_of(facts: Facts) -> tuple[str, ...]:
    """Return the plots of a strategy: whom each phase reaches, and what each load costs."""
    phases = [(phase.name, phase.share) for phase in facts.contract.rollout.phases]
    drawn = [bars("Share of the keys that each phase reaches", phases, unit="share")]
    if facts.loads:
        shares = [(load.name, load.share) for load in facts.loads]
        drawn.append(
            bars("Share of a day's requests that each load takes", shares, unit="share", mark=1.0)
        )
    return tuple(drawn)


def bars(
    caption: str, values: Sequence[tuple[str, float]], *, unit: str, mark: float | None = None
) -> str:
    """Return a bar chart; `mark` draws a line at that value, such as a limit."""
    most = max([value for _, value in values] + ([mark] if mark is not None else [])) or 1.0
    wide = _WIDTH - _LEFT - _RIGHT
    rows = []
    for place, (name, value) in enumerate(values):
        y = place * _BAR
        told = f"{value:.1%}" if unit == "share" else f"{value:,.0f}"
        length = wide * value / most
        rows.append(
            f'<text x="{_LEFT - 8}" y="{y + 17}" text-anchor="end">{escape(name)}</text>'
            f'<rect x="{_LEFT}" y="{y + 4}" width="{length:.1f}" height="{_BAR - 8}"/>'
            f'<text x="{_LEFT + length + 6:.1f}" y="{y + 17}">{told}</text>'
        )
    height = len(values) * _BAR
    if mark is not None:
        x = _LEFT + wide * mark / most
        rows.append(f'<line x1="{x:.1f}" y1="0" x2="{x:.1f}" y2="{height}"/>')
    drawing = "".join(rows)
    return (
        f'<figure><svg role="img" aria-label="{escape(caption)}" width="{_WIDTH}" '
        f'height="{height}" viewBox="0 0 {_WIDTH} {height}">{drawing}</svg>'
        f"<figcaption>{escape(caption)}</figcaption></figure>\n"
    )
