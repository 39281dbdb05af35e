"""Bars on a logarithmic scale as plain SVG: no package to draw with, readable on light and dark pages."""

from __future__ import annotations

import math
from collections.abc import Sequence
from html import escape
from pathlib import Path

WIDTH, LEFT, RIGHT, ROW, TOP = 800, 240, 90, 26, 44
OURS, OTHERS = "#0f7b6c", "#8a8f98"


def draw(path: Path, title: str, bars: Sequence[tuple[str, float, bool]], unit: str) -> None:
    """Write ``bars`` (name, value above 0, is it ours) from top to bottom. ValueError for no bars."""
    if not bars:
        raise ValueError("nothing to draw")
    least = 10 ** math.floor(math.log10(min(value for _, value, _ in bars)))
    most = max(value for _, value, _ in bars)
    room = WIDTH - LEFT - RIGHT

    def length(value: float) -> float:
        return room * math.log10(value / least) / max(math.log10(most / least), 1e-9)

    height = TOP + ROW * len(bars) + 34
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" role="img" '
        f'font-family="system-ui, sans-serif" font-size="13" fill="#6b7280"><title>{escape(title)}</title>',
        f'<text x="0" y="20" font-size="15" font-weight="600">{escape(title)}</text>',
    ]
    tick = float(least)
    while tick <= most:
        x = LEFT + length(tick)
        parts.append(f'<path d="M{x:.1f} {TOP - 6}V{height - 28}" stroke="#9ca3af" stroke-opacity=".4"/>')
        parts.append(
            f'<text x="{x:.1f}" y="{height - 10}" text-anchor="middle">{tick:g} {escape(unit)}</text>'
        )
        tick *= 10
    for number, (name, value, is_ours) in enumerate(bars):
        y = TOP + ROW * number
        weight = ' font-weight="600"' if is_ours else ""
        parts += [
            f'<text x="{LEFT - 8}" y="{y + 14}" text-anchor="end"{weight}>{escape(name)}</text>',
            f'<rect x="{LEFT}" y="{y}" width="{max(length(value), 2):.1f}" height="{ROW - 8}" rx="3" '
            f'fill="{OURS if is_ours else OTHERS}"/>',
            f'<text x="{LEFT + max(length(value), 2) + 6:.1f}" y="{y + 14}"{weight}>{value:,.0f}</text>',
        ]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join([*parts, "</svg>"]) + "\n", encoding="utf-8")
