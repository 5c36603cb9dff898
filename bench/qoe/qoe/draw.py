"""The picture: a panel for the call and one for the pages, a group of bars a table, a bar a row."""

import html

from .figures import call_mos, pages_s

_ROW_COLOURS = {"none": "#9aa0a6", "ports": "#e0a458", "flowmark": "#1b6ca8", "truth": "#6aa84f"}
_ROW_NAMES = {"none": "no shaping", "ports": "by ports", "flowmark": "flowmark", "truth": "true labels"}
_SCENARIO_NAMES = {"plain": "plain", "tunnels": "a tunnel each", "one-tunnel": "one tunnel"}
_BAR, _GAP, _LEFT, _TOP, _HEIGHT, _BETWEEN = 22, 26, 64, 64, 190, 96


def picture(tables):
    """SVG of its own, legible on light and dark pages."""
    width = _LEFT + sum(_GAP + _BAR * len(rows) for rows in tables.values()) + _GAP
    most = max((pages_s(figures, rows) or 0 for rows in tables.values() for figures in rows.values()), default=1)
    panels = (("Calls: mean opinion score of both (1 to 4.5, higher is better)", _mos, 1.0, 4.5, (1, 2, 3, 4)),
              ("Pages: seconds to load (lower is better)", pages_s, 0.0, max(1.0, most), _ticks(most)))
    height = _TOP + len(panels) * (_HEIGHT + _BETWEEN) - 20
    parts = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" role="img" '
             'font-family="sans-serif" font-size="12"><title>Calls and pages behind a full line</title>'
             f'<rect width="{width}" height="{height}" fill="#ffffff"/>']
    parts += _legend()
    for place, (title, value, low, high, ticks) in enumerate(panels):
        top = _TOP + place * (_HEIGHT + _BETWEEN)
        parts.append(_text(_LEFT, top - 10, title, weight="bold"))
        parts += _panel(tables, value, low, high, ticks, top, width)
    return "".join(parts) + "</svg>\n"


def _mos(figures, _rows):
    return call_mos(figures)


def _ticks(most):
    step = next((step for step in (0.5, 1, 2, 5, 10) if most / step <= 6), 20)
    return [step * number for number in range(1, int(most / step) + 1)]


def _text(x, y, text, anchor="start", weight="normal"):
    return f'<text x="{x}" y="{y}" text-anchor="{anchor}" font-weight="{weight}" fill="#222">{html.escape(text)}</text>'


def _legend():
    parts, x = [], _LEFT
    for row, colour in _ROW_COLOURS.items():
        parts += [f'<rect x="{x}" y="14" width="12" height="12" fill="{colour}"/>', _text(x + 17, 24, _ROW_NAMES[row])]
        x += 108
    return parts


def _panel(tables, value, low, high, ticks, top, width):
    def level(number):
        return top + _HEIGHT * (1 - (number - low) / (high - low))

    parts = [f'<line x1="{_LEFT}" x2="{width - 8}" y1="{level(tick):.1f}" y2="{level(tick):.1f}" stroke="#ddd"/>'
             + _text(_LEFT - 8, round(level(tick) + 4, 1), f"{tick:g}", "end") for tick in ticks]
    x = _LEFT + _GAP / 2
    for (scenario, rate, lines), rows in tables.items():
        middle = x + _BAR * len(rows) / 2
        for row, figures in rows.items():
            number = value(figures, rows)
            if number is not None:
                y = level(min(high, number))
                parts.append(f'<rect x="{x + 2}" y="{y:.1f}" width="{_BAR - 4}" height="{top + _HEIGHT - y:.1f}" '
                             f'fill="{_ROW_COLOURS[row]}"><title>{_ROW_NAMES[row]}: {number:.2f}</title></rect>')
            x += _BAR
        for line, text in enumerate((_SCENARIO_NAMES[scenario], f"{rate:g} Mbit/s", lines)):
            parts.append(_text(middle, top + _HEIGHT + 16 + 14 * line, text, "middle"))
        x += _GAP
    return parts
