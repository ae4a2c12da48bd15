"""`python report.py [--vars '{raw_location: ...}'] [report.html]`: what a build found, on one page that opens offline.

The page holds every analysis of the project, as dbt compiles it, the experiments as a chart, the ledger, and a member's
landing page from the published file. Both files are opened read-only; the same tables give the same bytes. What a
warehouse lacks, such as the truth behind clicks that were not simulated, is a sentence on the page.
"""

import argparse
import fcntl
import io
import os
import re
import shutil
import subprocess
import sys
import zlib
from dataclasses import dataclass, field, replace
from decimal import Decimal
from itertools import groupby
from pathlib import Path

import duckdb
import jinja2
import matplotlib
import yaml
from ask import published_file
from markupsafe import Markup, escape
from matplotlib.figure import Figure
from matplotlib.ticker import NullLocator

PROJECT = Path(__file__).resolve().parents[2]
# Colours of the charts stand for variables of the page's style, which has them for light and dark
COLOURS = {
    **{"#010101": "var(--ink)", "#020202": "var(--muted)", "#030303": "var(--band)"},
    **{"#040404": "var(--measured)", "#050505": "var(--truth)", "#060606": "var(--paper)"},
}
INK, MUTED, BAND, MEASURED, TRUTH, PAPER = COLOURS
# Lifts beyond stand at the end of the axis: a twentieth, and twenty times, of the baseline
NARROWEST, WIDEST = 0.05, 20.0
TICKS = (0.1, 0.25, 0.5, 0.75, 1, 1.25, 1.5, 2, 3, 5, 10)
GROUPS = {"table": "Tables of the paper", "insight": "Insights", "other": "More analyses"}
# A table, or a column of an older one, is not there
MISSING = (duckdb.CatalogException, duckdb.BinderException)
LANDING_CHANNEL = "home"
MEMBERS_TRIED, CAROUSELS_SHOWN, CARDS_SHOWN = 50, 8, 10


@dataclass(frozen=True)
class Column:
    """`is_number`: its cells are read from the right; `is_paper`: they are the paper's."""

    name: str
    is_number: bool
    is_paper: bool


@dataclass(frozen=True)
class Table:
    columns: list[Column]
    rows: list[list[Markup]]


@dataclass(frozen=True)
class Section:
    """A heading with a caption, and what stands below: a sentence, a chart, a table (folded or not), carousels."""

    anchor: str
    title: str
    caption: str = ""
    sentence: str = ""
    chart: str = ""
    table: Table | None = None
    is_folded: bool = False
    carousels: list[dict] = field(default_factory=list)


@dataclass(frozen=True)
class Comparison:
    """A variant against its baseline: lifts are shares; `verdict` is by the p-value adjusted for all comparisons."""

    group: str
    label: str
    lift: float | None
    low: float | None
    high: float | None
    true_lift: float | None
    verdict: str


# cells


def cell_text(value: object, is_key: bool = False) -> str:
    """A value for people: whole numbers by thousands unless they are keys, four digits of the others."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return str(value) if is_key else f"{value:,}"
    if isinstance(value, float):
        return f"{value:.4g}" if abs(value) < 1e4 else f"{value:,.0f}"
    if isinstance(value, Decimal):
        return f"{value:,}"
    if isinstance(value, list):
        return ", ".join(cell_text(entry) for entry in value)
    return str(value)


def cell(text: str) -> Markup:
    """The text, escaped; what it has of the paper is set apart, and so are verdicts."""
    marked = re.sub(r"\(paper [^()]*\)", r'<span class="paper">\g<0></span>', str(escape(text)))
    verdict = {"as in the paper": "good", "better": "good", "not as in the paper": "bad", "worse": "bad"}.get(text)
    return Markup(f'<span class="verdict {verdict}">{marked}</span>' if verdict else marked)


def is_number(text: str) -> bool:
    return bool(re.match(r"[-+<?]?\d|x \d|\?", text)) and not re.search(
        r"[A-Za-z]{2}", re.sub(r"\b(paper|up|to|MDE|nan|inf)\b", "", text)
    )


def table_of(names: list[str], rows: list[tuple]) -> Table:
    texts = [
        [cell_text(value, name.endswith("_id") or name == "version") for name, value in zip(names, row, strict=True)]
        for row in rows
    ]
    columns = []
    for number, name in enumerate(names):
        filled = [row[number] for row in texts if row[number]]
        columns.append(Column(name, bool(filled) and all(map(is_number, filled)), name.split("_")[0] == "paper"))
    return Table(columns, [[cell(text) for text in row] for row in texts])


def lacking(error: duckdb.Error) -> str:
    return f"Not in this build: {str(error).splitlines()[0].split(': ', 1)[-1].strip(' .!')}."


def section_of(connection: duckdb.DuckDBPyConnection, section: Section, sql: str) -> Section:
    """The section with the answer to `sql`: a table, or a sentence where a table is missing or nothing is found."""
    try:
        result = connection.execute(sql)
        names, rows = [column[0] for column in result.description], result.fetchall()
    except MISSING as error:
        return replace(section, sentence=lacking(error))
    if not rows:
        return replace(section, sentence="Nothing of the kind is in this build.")
    if len(names) == len(rows) == 1:  # what an analysis says in place of an answer
        text = cell_text(rows[0][0])
        return replace(section, sentence=f"{text[:1].upper()}{text[1:]}.")
    return replace(section, table=table_of(names, rows))


# analyses


def dbt_compiled(warehouse: Path, variables: dict) -> dict[str, str]:
    """SQL of every analysis by its name, as dbt compiles it for the warehouse, which dbt itself does not open.

    What dbt has read of the project stays in its target folder, so that a second report need not wait for that."""
    folder = (PROJECT / os.environ.get("DBT_TARGET_PATH", "target") / "report").resolve()
    folder.mkdir(parents=True, exist_ok=True)
    # an empty file of the same name: the compiled SQL names tables by the name of their file
    environment = os.environ | {"COURSE_RECOMMENDER_WAREHOUSE": str(folder / warehouse.name), "NO_COLOR": "1"}
    environment |= {"DBT_TARGET_PATH": str(folder), "DBT_LOG_PATH": str(folder)}
    command = [str(Path(sys.executable).parent / "dbt"), "--quiet", "compile", "--select", "path:analyses"]
    command += ["--project-dir", str(PROJECT), "--profiles-dir", str(PROJECT), "--vars", yaml.safe_dump(variables)]
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # another report may be at it
        shutil.rmtree(folder / "compiled", ignore_errors=True)
        done = subprocess.run(command, cwd=PROJECT, env=environment, capture_output=True, text=True)
        if done.returncode:
            sys.exit(f"dbt could not compile the analyses:\n{done.stdout}{done.stderr}")
        return {path.stem: path.read_text() for path in (folder / "compiled").rglob("analyses/*.sql")}


def leading_comment(sql: str) -> str:
    lines = []
    for line in sql.strip().splitlines():
        if not line.startswith("--"):
            break
        lines.append(line.removeprefix("--").strip())
    return " ".join(lines)


def natural(name: str) -> list:
    """Key by which table 2 comes before table 10."""
    return [(int(part), "") if part.isdigit() else (0, part) for part in re.split(r"(\d+)", name)]


def analysis_section(connection: duckdb.DuckDBPyConnection, name: str, analyses: dict[str, str]) -> Section:
    """The answer below the comment that the analysis opens with."""
    title = title_of(name)
    caption = leading_comment(analyses[name]).removeprefix(f"{title}: ").rstrip(".")
    caption = f"{caption[:1].upper()}{caption[1:]}." if caption else ""
    section = section_of(connection, Section(name, title, prose(caption, analyses)), analyses[name])
    return replace(section, sentence=prose(section.sentence, analyses))


def prose(text: str, analyses: dict[str, str]) -> Markup:
    """The text, escaped, with `code` as code, or as a link where it names an analysis."""

    def marked(code: re.Match) -> str:
        name = code[1].removeprefix("dbt show -s ")
        return f'<a href="#{name}">{title_of(name)}</a>' if name in analyses else f"<code>{code[1]}</code>"

    return Markup(re.sub("`([^`]*)`", marked, str(escape(text.replace(" %", "\N{NO-BREAK SPACE}%")))))


def title_of(name: str) -> str:
    return f"{name[:1].upper()}{name[1:]}".replace("_", " ")


def analysis_groups(connection: duckdb.DuckDBPyConnection, analyses: dict[str, str]) -> dict[str, list[Section]]:
    """Sections by group; figure 9 belongs to the insights, as what the models per member were made for."""
    groups = {name: [] for name in GROUPS}
    for name in sorted(analyses.keys() - {"ledger"}, key=natural):  # the whole of it has a section of its own
        kind = name.split("_")[0].replace("figure", "insight")
        groups[kind if kind in groups else "other"].append(analysis_section(connection, name, analyses))
    groups["insight"].sort(key=lambda section: section.anchor.startswith("figure"))
    return groups


# experiments


def per_cent(share: float | None) -> str:
    return "?" if share is None else f"{100 * share:+.1f} %".replace("-", "−")


def comparisons_of(connection: duckdb.DuckDBPyConnection) -> list[Comparison]:
    """Every comparison of click rates, by where the paper reports it, in natural order."""
    rows = connection.execute(
        """
        select experiments.reported_in, results.experiment, results.variant, results.baseline, results.channel,
            experiments.origin, results.lift, results.lift_low, results.lift_high, results.true_lift, results.verdict
        from experiments.experiment_results as results
        left join seeds.experiments as experiments using (experiment)
        where results.metric = 'click_rate'
        """
    ).fetchall()
    kinds = ["table", "insight", "section"]
    keyed = []
    for reported_in, experiment, variant, baseline, channel, origin, *numbers in rows:
        group = (reported_in or "elsewhere").capitalize()
        kind = group.split()[0].lower()
        place = kinds.index(kind) if kind in kinds else len(kinds)
        label = f"{variant} / {baseline}" + ("" if channel == "feed" else f", {channel}")
        label = f"log: {label}" if origin == "log" else label
        key = (place, natural(group), origin == "log", experiment, variant)
        keyed.append((key, Comparison(group, label, *numbers)))
    return [comparison for _, comparison in sorted(keyed, key=lambda pair: pair[0])]


def described(comparison: Comparison) -> str:
    """What stands beside the pointer."""
    interval = f"{per_cent(comparison.low)} to {per_cent(comparison.high)}"
    truth = "" if comparison.true_lift is None else f"; truth {per_cent(comparison.true_lift)}"
    return f"{comparison.label}: {per_cent(comparison.lift)} ({interval}){truth}; {comparison.verdict}"


def on_axis(lift: float) -> float:
    return min(max(1 + lift, NARROWEST), WIDEST)


def lift_chart(comparisons: list[Comparison]) -> Markup:
    """A dot with its interval per comparison, and a diamond for the truth, by group; the axis is the log of the ratio.

    The marks of comparison n are the groups `lifts-lift-n`, `lifts-interval-n` and `lifts-true-n` of the SVG. One
    without a lift has a cross.
    """
    lines = []  # from above: a group's name, or a comparison with its number
    for group, members in groupby(enumerate(comparisons), lambda numbered: numbered[1].group):
        lines += [group, *members]
    labels = [line if isinstance(line, str) else line[1].label for line in lines]
    style = {
        **{"svg.hashsalt": "course_recommender", "svg.fonttype": "none", "text.parse_math": False, "font.size": 9},
        **{"text.color": INK, "xtick.color": MUTED, "ytick.color": INK, "font.family": "DejaVu Sans"},
    }
    with matplotlib.rc_context(style):
        height, left = 0.23 * len(lines) + 0.7, 0.3 + 0.075 * max(map(len, labels))
        figure = Figure(figsize=(left + 6, height))
        axes = figure.add_axes((left / (left + 6), 0.35 / height, 5.8 / (left + 6), 1 - 0.7 / height))
        axes.set_xscale("log")
        shown = [1.0]
        for row, line in enumerate(lines):
            if isinstance(line, str):
                axes.axhspan(row - 0.5, row + 0.5, color=BAND, linewidth=0, zorder=0)
                continue
            number, comparison = line
            is_found = comparison.verdict in ("better", "worse")
            if comparison.low is not None and comparison.high is not None:
                ends = [on_axis(comparison.low), on_axis(comparison.high)]
                axes.plot(ends, [row, row], color=MEASURED, linewidth=1.6, gid=f"interval-{number}", zorder=2)
                shown += ends
            if comparison.lift is None:
                axes.plot([1], [row], "x", color=MUTED, markersize=6, gid=f"lift-{number}", zorder=3)
            else:
                shown.append(on_axis(comparison.lift))
                look = {"markeredgecolor": MEASURED, "markerfacecolor": MEASURED if is_found else PAPER}
                axes.plot(shown[-1:], [row], "o", markersize=6.5, gid=f"lift-{number}", zorder=3, **look)
            if comparison.true_lift is not None:
                shown.append(on_axis(comparison.true_lift))
                look = {"markeredgecolor": TRUTH, "markerfacecolor": "none", "markeredgewidth": 1.6}
                axes.plot(shown[-1:], [row], "D", markersize=5.5, gid=f"true-{number}", zorder=4, **look)
        ends = (min(shown) / 1.04, max(shown) * 1.04)
        ticks = [tick for tick in TICKS if ends[0] <= tick <= ends[1]]
        axes.set_xticks(ticks, [f"{100 * (tick - 1):+.0f} %".replace("-", "−").replace("+0 ", "0 ") for tick in ticks])
        axes.xaxis.set_minor_locator(NullLocator())
        axes.set_xlim(ends)
        axes.set_ylim(len(lines) - 0.5, -0.5)
        axes.set_yticks(range(len(lines)), labels)
        for label, line in zip(axes.get_yticklabels(), lines, strict=True):
            label.set_weight("bold" if isinstance(line, str) else "normal")
        axes.tick_params(length=0, labeltop=True)
        axes.set_axisbelow(True)
        axes.grid(axis="x", color=BAND, linewidth=1)
        axes.axvline(1, color=INK, linewidth=1.2, gid="zero", zorder=1)
        axes.spines[:].set_visible(False)
        axes.set_facecolor("none")
        svg = io.StringIO()
        none = dict.fromkeys(("Creator", "Date", "Format", "Type"))
        figure.savefig(svg, format="svg", facecolor="none", metadata=none)
    return inline_svg(svg.getvalue(), "lifts", {f"lift-{n}": described(c) for n, c in enumerate(comparisons)})


def inline_svg(text: str, prefix: str, titles: dict[str, str]) -> Markup:
    """An SVG file as an element of the page: its ids are no others', its colours the page's; groups may have titles."""
    text = text[text.index("<svg") :]
    text = re.sub(r"<metadata>.*?</metadata>|<!--.*?-->", "", text, flags=re.S)
    text = re.sub(r' (width|height)="[\d.]+pt"', "", text, count=2)
    for colour, variable in COLOURS.items():
        text = text.replace(colour, variable)
    for group, title in titles.items():
        text = text.replace(f'<g id="{group}">', f'<g id="{group}"><title>{escape(title)}</title>')
    text = re.sub(r' xmlns(:\w+)?="[^"]*"', "", text).replace("xlink:href", "href")
    text = re.sub(r'(\bid="|\bhref="#|url\(#)', rf"\g<1>{prefix}-", text)
    return Markup(text.replace("<svg ", '<svg role="img" aria-label="Lifts of the click rate" ', 1))


def lift_section(connection: duckdb.DuckDBPyConnection) -> Section:
    section = Section("lifts", "Lifts of the click rate", LIFT_CAPTION)
    try:
        comparisons = comparisons_of(connection)
    except MISSING as error:
        return replace(section, sentence=lacking(error))
    if not comparisons:
        return replace(section, sentence="There is no experiment in this build.")
    names = ["reported_in", "compared", "lift", "from", "to", "true_lift", "verdict"]
    rows = [
        (c.group, c.label, *(per_cent(lift) for lift in (c.lift, c.low, c.high, c.true_lift)), c.verdict)
        for c in comparisons
    ]
    return replace(section, chart=lift_chart(comparisons), table=table_of(names, rows), is_folded=True)


def ledger_section(connection: duckdb.DuckDBPyConnection) -> Section:
    section = Section("ledger", "Ledger", "Every variant: what it is, what it costs and what came of it.")
    return section_of(connection, section, "from experiments.ledger order by all")


LIFT_CAPTION = Markup(
    "Every comparison of <code>experiments.experiment_results</code>, by where the paper reports it: a "
    '<span class="key measured">●</span> dot with its 95 % interval is what the experiment found, filled where it is '
    'significant after the correction for the number of comparisons; a <span class="key truth">◇</span> diamond is the '
    "lift by the simulated truth. The axis is the logarithm of the ratio."
)


# the landing page


def landing_section(connection: duckdb.DuckDBPyConnection) -> Section:
    """Figure 1: the carousels of the member, of those with the most reasons, whose page has the most kinds of them."""
    section = Section("figure_1", "Figure 1: a landing page")
    try:
        found = landing_member(connection)
    except MISSING as error:
        return replace(section, sentence=lacking(error))
    if not found:
        return replace(section, sentence="The published file has no carousels.")
    member, channel, variant, count = found
    carousels = carousels_of(connection, member, channel)
    shown = f"the first {len(carousels)} of {count}" if count > len(carousels) else f"all {count}"
    caption = Markup("Carousels of member {} in the channel {}, {}, by {}: <code>from carousels({!r}, {!r})</code>.")
    return replace(
        section, caption=caption.format(member, channel, shown, variant, member, channel), carousels=carousels
    )


def landing_member(connection: duckdb.DuckDBPyConnection) -> tuple | None:
    """Member, channel (the landing page where there is one), variant, number of carousels."""
    return connection.execute(
        """
        with channels as (
            select channel
            from (select unnest(map_keys(treatments)) as channel from serving.recommendation_store)
            order by channel <> ?, channel
            limit 1
        ),

        members as (
            select member_id, channel
            from serving.recommendation_store
            cross join channels
            order by len(reasons) desc, member_id
            limit ?
        )

        select members.member_id, members.channel, max(list.variant), max(list.carousel)
        from members, carousels(members.member_id, members.channel) as list
        group by members.member_id, members.channel
        order by count(distinct list.reason) desc, max(list.carousel) desc, members.member_id
        limit 1
        """,
        [LANDING_CHANNEL, MEMBERS_TRIED],
    ).fetchone()


def carousels_of(connection: duckdb.DuckDBPyConnection, member: object, channel: str) -> list[dict]:
    """The first carousels: title, reason (of all its courses, or none), cards of title, duration, reason and hue."""
    cards = connection.execute(
        """
        with members as (select member_id from serving.recommendation_store where member_id = ?)

        select list.carousel, list.carousel_title, list.title, list.reason_text, cards.duration_text
        from members, carousels(members.member_id, ?, top_k := ?) as list
        left join serving.course_cards as cards using (course_id)
        where list.carousel <= ?
        order by list.carousel, list.position
        """,
        [member, channel, CARDS_SHOWN, CAROUSELS_SHOWN],
    ).fetchall()
    carousels = []
    for (_, heading), courses in groupby(cards, lambda card: card[:2]):
        courses = [course[2:] for course in courses]
        reasons = {reason for _, reason, _ in courses}
        is_shared = len(reasons) == 1  # below the heading, unless it says the same; else on each card
        cards_shown = [
            {
                **{"title": title, "duration": duration, "reason": None if is_shared else reason},
                "hue": zlib.crc32(str(title).encode()) % 360,
            }
            for title, reason, duration in courses
        ]
        reason = courses[0][1] if is_shared and courses[0][1] != heading else None
        carousels.append({"title": heading, "reason": reason, "cards": cards_shown})
    return carousels


# the page


def opened(file: Path) -> duckdb.DuckDBPyConnection:
    """One thread: sums of fractions do not depend on which came first."""
    if not file.exists():
        sys.exit(f"{file} does not exist yet. Remedy: make run")
    try:
        return duckdb.connect(str(file), read_only=True, config={"threads": 1})
    except duckdb.IOException as error:
        sys.exit(f"{file} cannot be read: {error}\nRemedy: make run, or wait for the build that writes it")


def overview(warehouse: duckdb.DuckDBPyConnection, published: duckdb.DuckDBPyConnection) -> dict:
    def number(sql: str) -> int:
        return warehouse.execute(f"select count(*) from {sql}").fetchone()[0]

    version, as_of_date = published.execute("select version, as_of_date from serving.publication").fetchone()
    return {
        **{"version": version, "as_of_date": as_of_date, "is_own": is_own(warehouse)},
        **{name: cell_text(number(f"staging.stg_{name}")) for name in ("members", "courses")},
        "variants": number("variants.variants"),
    }


def is_own(warehouse: duckdb.DuckDBPyConnection) -> bool:
    """Whether the tables were read from files, rather than simulated."""
    return warehouse.execute("select count(scan) > 0 from staging.raw_files").fetchone()[0]


def report(variables: dict) -> str:
    """The page on the files that the environment names. Exits with a message when one is missing or being written."""
    file = Path(os.environ.get("COURSE_RECOMMENDER_WAREHOUSE", "warehouse.duckdb"))
    with opened(file) as warehouse, opened(published_file()) as published:
        try:
            facts = overview(warehouse, published)
        except duckdb.CatalogException as error:
            sys.exit(f"{file} is no finished build: {str(error).splitlines()[0]}\nRemedy: make run")
        location = {"raw_location": "own tables"} if facts["is_own"] else {}
        groups = analysis_groups(warehouse, dbt_compiled(file, location | variables))
        parts = [
            (GROUPS["table"], groups["table"]),
            (GROUPS["insight"], groups["insight"]),
            ("Experiments", [lift_section(warehouse), ledger_section(warehouse)]),
            ("What members see", [landing_section(published)]),
            (GROUPS["other"], groups["other"]),
        ]
    rules = {"autoescape": True, "trim_blocks": True, "lstrip_blocks": True, "undefined": jinja2.StrictUndefined}
    template = jinja2.Environment(**rules).from_string(Path(__file__).with_suffix(".html").read_text(encoding="utf-8"))
    return template.render(parts=parts, **facts)


def main() -> None:
    parser = argparse.ArgumentParser(description="Writes what a build found as one HTML page.")
    parser.add_argument("--vars", default="{}", help="the vars of the build, as dbt takes them")
    parser.add_argument("file", nargs="?", default="report.html", type=Path)
    arguments = parser.parse_args()
    page = report(yaml.safe_load(arguments.vars) or {}).encode()
    arguments.file.write_bytes(page)
    print(f"{arguments.file}: {len(page) / 1e6:.1f} MB, opens in any browser, offline")


if __name__ == "__main__":
    main()
