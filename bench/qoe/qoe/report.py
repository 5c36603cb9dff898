"""The table and the picture of a folder of results."""

import json
import os

from .draw import picture
from .figures import call_delay_ms, call_lost, call_mos, pages_s, worst_mos
from .plan import LINES, ROWS, SCENARIOS

# Goals of the proof: docs/qoe.md.
MOS_NEAR, MOS_ABOVE, PAGES_NEAR = 0.1, 1.0, 0.1


_MOST_CHANGES = 5


def read(folder):
    with open(os.path.join(folder, "results.jsonl"), encoding="utf-8") as file:
        return [json.loads(line) for line in file]


def tables(results):
    """{(scenario, rate, lines): {row: figures}}, in the order measured."""
    found = {}
    for figures in results:
        if "row" in figures:
            key = figures["scenario"], figures["rate_mbit"], figures["lines"]
            found.setdefault(key, {})[figures["row"]] = figures
    return found


def _number(value, digits=2):
    return "-" if value is None else f"{value:.{digits}f}"


def table(key, rows):
    """Markdown."""
    scenario, rate, lines = key
    title = f"{SCENARIOS[scenario][0].upper()}{SCENARIOS[scenario][1:]}; {rate:g} Mbit/s; {LINES[lines]}"
    text = [f"**{title}**", "",
            "| marks | MOS, telephone's ports | MOS, any port | worst 5 s | delay p99, ms | lost, % | film starts, s "
            "| film stalls, s | film, Mbit/s | page, s | machine busy, % |",
            "|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|"]
    for name, figures in rows.items():
        film = figures["film"]
        cells = [ROWS[name], _number(call_mos(figures, "telephone")), _number(call_mos(figures, "any-port")),
                 _number(worst_mos(figures)), _number(call_delay_ms(figures), 0), _number(call_lost(figures), 1),
                 _number(film["start_s"], 1), _number(film["stall_s"], 1), _number(film["mbit"], 1),
                 _number(pages_s(figures, rows)), _number(100 * figures["machine"]["busy"], 0)]
        text.append("| " + " | ".join(cells) + " |")
    return "\n".join(text) + "\n"


def goals(key, rows):
    """What the proof asks of flowmark's row, each with its answer; [] where a row lacks."""
    if not {"none", "flowmark", "truth"} <= set(rows):
        return []
    mos = {name: call_mos(figures) for name, figures in rows.items()}
    pages = {name: pages_s(figures, rows) for name, figures in rows.items()}
    near, above = mos["truth"] - mos["flowmark"], mos["flowmark"] - mos["none"]
    answers = [("call within 0.1 MOS of true labels", near <= MOS_NEAR, f"{round(near, 2) + 0.0:.2f} below"),
               ("call 1.0 MOS above no shaping", above >= MOS_ABOVE,
                f"{above:.2f} above; true labels {mos['truth'] - mos['none']:.2f}")]
    if pages["truth"] and pages["flowmark"]:
        slower = pages["flowmark"] / pages["truth"] - 1
        answers.append(("pages within 10% of true labels", slower <= PAGES_NEAR, f"{100 * slower:+.0f}%"))
    scenario, rate, lines = key
    return [{"table": f"{scenario}, {rate:g} Mbit/s, {lines}", "goal": goal, "met": met, "measured": measured}
            for goal, met, measured in answers]


def goals_table(answers):
    """Markdown."""
    text = ["**Goals**", "", "| table | goal | measured | met |", "|---|---|---|---|"]
    text += [f"| {one['table']} | {one['goal']} | {one['measured']} | {'yes' if one['met'] else 'no'} |"
             for one in answers]
    return "\n".join(text) + "\n"


def confusion(rows):
    """What flowmark took each application for, by bytes; a line an application, [] without its row."""
    if "flowmark" not in rows:
        return []
    lines = []
    for application, classes in sorted(rows["flowmark"]["verdicts"].items()):
        total = sum(classes.values()) or 1
        shares = ", ".join(f"{name} {100 * count / total:.0f}%"
                           for name, count in sorted(classes.items(), key=lambda item: -item[1]))
        changes = rows["flowmark"].get("history", {}).get(application, [])
        when = ", ".join(f"{change['class']} at {change['at_s']:.1f} s" for change in changes[:_MOST_CHANGES])
        lines.append(f"- {application}: {shares}" + (f"; its largest flow: {when}" if when else ""))
    return lines


def marking_text(figures):
    count = len(figures["to_mark_s"]) + figures["unmarked"]
    return (f"From a call's first packet to its first marked one, {count} calls beside a full line of "
            f"{figures['rate_mbit']:g} Mbit/s:\nmedian {_number(figures['median_s'])} s (goal 0.3), "
            f"p99 {_number(figures['p99_s'])} s (goal 1), {figures['unmarked']} never marked; machine busy "
            f"{100 * figures['machine']['busy']:.0f}%.\n")


def write(folder):
    """table.md, goals.jsonl and picture.svg beside results.jsonl."""
    results = read(folder)
    found = tables(results)
    text, answers = [], []
    for key, rows in found.items():
        text += [table(key, rows)]
        answers += goals(key, rows)
        seen = confusion(rows)
        if seen:
            settle_s = rows["flowmark"]["settle_s"]
            text += ["What flowmark took each application for, by bytes at its newest verdicts. Transfers and swarm",
                     f"begin at 0 s, the others at {settle_s:g} s.", "", *seen, ""]
    if answers:
        text.append(goals_table(answers))
    text += [marking_text(figures) for figures in results if "time_to_mark" in figures]
    text += [f"Not measured: {figures['run']}: {figures['error']}\n" for figures in results if "error" in figures]
    _write(folder, "table.md", "\n".join(text))
    _write(folder, "goals.jsonl", "".join(json.dumps(answer) + "\n" for answer in answers))
    if found:
        _write(folder, "picture.svg", picture(found))
    print("\n".join(text))


def _write(folder, name, text):
    with open(os.path.join(folder, name), "w", encoding="utf-8") as file:
        file.write(text)
