"""The simulated world: reproducible, honest about its own probabilities, and as its contract describes it."""

import hashlib
import json
import os
import subprocess
import sys
from dataclasses import dataclass, replace

import duckdb
import numpy as np
import pyarrow as pa
import pytest
import yaml
from numpy.typing import NDArray
from scipy.special import expit

from conftest import ROOT
from relevance.world import log, profiles, text
from relevance.world.config import CHANNELS, LIST_LENGTH, PAGES, WorldConfig
from relevance.world.draws import sigmoid
from relevance.world.latents import World, click_logit, examination_table, make_world
from relevance.world.policies import platform_mappings
from relevance.world.tables import TABLES, Simulation
from relevance.world.taxonomy import FUNCTIONS, load

TINY = WorldConfig(members=300, courses=100, days=45)  # long enough for both learned policies
CI = WorldConfig(members=2000, courses=300, days=45)  # large enough for BLAS to use several threads
CATALOGUE = WorldConfig(members=50, courses=1000, days=14)
THE_SAME_IN_ALL_WORLDS = {
    *("raw.skills", "raw.skill_aliases", "raw.skill_similarities", "raw.categories", "raw.category_skills"),
    "raw.title_industry_skills",
    *("truth.skills", "truth.channels", "truth.constants"),
}
ARROW_TYPES = {
    "id": (pa.int64(),),
    "bigint": (pa.int64(), pa.int32()),
    "double": (pa.float64(),),
    "boolean": (pa.bool_(),),
    "varchar": (pa.string(),),
    "date": (pa.date32(),),
    "timestamp": (pa.timestamp("us"),),
}


def simulated(config: WorldConfig) -> Simulation:
    return Simulation(make_world(config), lambda message: None)


def digests(config: WorldConfig) -> dict[str, str]:
    """SHA-256 of the Arrow IPC bytes of every table."""
    simulation = simulated(config)
    hashes = {}
    for schema, name in TABLES:
        table, sink = simulation.table(schema, name), pa.BufferOutputStream()
        with pa.ipc.new_stream(sink, table.schema) as writer:
            writer.write_table(table)
        hashes[f"{schema}.{name}"] = hashlib.sha256(sink.getvalue()).hexdigest()
    return hashes


def digests_in_another_process(config: str, threads: int) -> dict[str, str]:
    environment = os.environ | {
        "PYTHONPATH": os.pathsep.join([str(ROOT / "models_py"), str(ROOT / "tests" / "python")]),
        "PYTHONHASHSEED": str(threads),
        "OPENBLAS_NUM_THREADS": str(threads),
        "OMP_NUM_THREADS": str(threads),
    }
    code = f"import json, test_world; print(json.dumps(test_world.digests(test_world.{config})))"
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    return json.loads(done.stdout)


@pytest.fixture(scope="module")
def tiny() -> Simulation:
    return simulated(TINY)


@pytest.fixture(scope="module")
def ci_simulation() -> Simulation:
    return simulated(CI)


@pytest.fixture(scope="module")
def catalogue() -> Simulation:
    return simulated(CATALOGUE)


@dataclass(frozen=True)
class LoggedDay:
    """A day of the log with the ranked lists that were in use on it."""

    day: int
    lists: NDArray
    shown: dict[str, NDArray]


@pytest.fixture(scope="module")
def logged_days(tiny) -> list[LoggedDay]:
    days: list[LoggedDay] = []
    original = log.one_day

    def recording(world, mappings, day, lists, *others):
        shown, sent = original(world, mappings, day, lists, *others)
        days.append(LoggedDay(day, lists[0], dict(shown)))  # the same in all channels
        return shown, sent

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(log, "one_day", recording)
        log.simulate(tiny.world, platform_mappings(tiny.world, tiny.profiles.matrix), lambda message: None)
    return days


def slot_distribution(world: World, ranked: NDArray, channel: str, position: int, day: int) -> NDArray:
    """(courses,) P(course in the slot), by walking every way in which the slot can be filled."""
    config = world.config
    available = np.flatnonzero(world.courses.release_day <= day)
    pages = [1.0] if channel == "email" else [config.page_decay**page for page in range(PAGES)]
    probability = np.zeros(config.courses)
    for is_random_session, session_chance in ((True, config.random_sessions), (False, 1 - config.random_sessions)):
        for is_explored, slot_chance in ((True, config.slot_exploration), (False, 1 - config.slot_exploration)):
            chance = session_chance * slot_chance
            if is_random_session or is_explored:
                probability[available] += chance / len(available)
                continue
            for page, weight in enumerate(pages):
                course = ranked[page * config.channels[channel].slots + position]
                probability[course] += chance * weight / sum(pages)
    return probability


# ------------------------------------------------------------------------------------------- determinism


def test_one_configuration_gives_the_same_bytes_in_two_processes_and_with_one_and_two_threads():
    one, two = (digests_in_another_process("CI", threads) for threads in (1, 2))
    assert one == two
    assert len(one) == len(TABLES)


def test_generating_a_table_alone_gives_the_same_bytes_as_after_all_others(tiny):
    for schema, name in TABLES:
        tiny.table(schema, name)
    alone = simulated(TINY)
    assert alone.table("raw", "course_transcripts").equals(tiny.table("raw", "course_transcripts"))
    assert alone.table("raw", "impressions").equals(tiny.table("raw", "impressions"))


def test_another_seed_changes_every_table_but_the_taxonomy_and_the_constants():
    first, second = digests(TINY), digests(replace(TINY, seed=8))
    assert {name for name in first if first[name] == second[name]} == THE_SAME_IN_ALL_WORLDS


@pytest.mark.parametrize(("field", "value"), [("members", 49), ("courses", 99), ("days", 13), ("seed", -1)])
def test_a_configuration_that_is_too_small_is_refused_by_name(field, value):
    with pytest.raises(ValueError, match=f"{field} = {value}"):
        WorldConfig(**{field: value})


def test_a_catalogue_beyond_the_taxonomy_is_refused():
    with pytest.raises(ValueError, match="skills per category, but the taxonomy has"):
        make_world(WorldConfig(members=50, courses=5000, days=14))


# ------------------------------------------------------------------------------------------- click truth


def test_true_click_probabilities_lie_strictly_between_zero_and_one(tiny):
    rng = np.random.default_rng(0)
    n = 50_000
    member, course = rng.integers(0, TINY.members, n), rng.integers(0, TINY.courses, n)
    day, channel = rng.integers(0, len(tiny.world.season), n), rng.integers(0, len(CHANNELS), n)
    p = sigmoid(click_logit(tiny.world, member, course, day, channel, rng.random(n) < 0.5))
    slots = np.array([TINY.channels[name].slots for name in CHANNELS])[channel]
    p = p * examination_table(TINY)[channel, rng.integers(0, slots)]
    assert p.min() > 0
    assert p.max() < 1
    assert 0.005 < p.mean() < 0.2


def test_an_impression_is_clicked_less_in_a_later_slot(tiny):
    examined = examination_table(TINY)
    for row, name in enumerate(CHANNELS):
        slots = TINY.channels[name].slots
        assert (np.diff(examined[row, :slots]) < 0).all(), name
        assert (examined[row, :slots] > 0).all(), name
        assert (examined[row, slots:] == 0).all(), name


def test_the_average_true_click_rate_falls_from_the_first_to_the_last_slot(ci_world):
    rates: dict[str, list[float]] = {}
    for channel, rate in ci_world.query(
        "select channel, avg(probability) from experiments.true_probabilities group by channel, position "
        "order by channel, position"
    ):
        rates.setdefault(channel, []).append(rate)
    assert set(rates) == set(CHANNELS)
    for channel, by_slot in rates.items():
        assert by_slot[-1] < 0.75 * by_slot[0], channel
        assert np.polyfit(range(len(by_slot)), by_slot, 1)[0] < 0, channel


def test_clicks_follow_their_true_probability_in_every_channel_and_slot(ci_world):
    rows = ci_world.query(
        "select channel, position, sum(is_click - probability) / sqrt(sum(probability * (1 - probability))) "
        "from experiments.true_probabilities group by channel, position"
    )
    assert len(rows) == sum(TINY.channels[name].slots for name in CHANNELS)
    assert {(channel, slot): error for channel, slot, error in rows if abs(error) > 4} == {}


def test_the_truth_in_sql_is_the_truth_in_python_on_all_impressions(ci_world):
    ((seed, members, courses, days),) = ci_world.query(
        "select seed, members, courses, days from world.world_parameters"
    )
    config = WorldConfig(seed=seed, members=members, courses=courses, days=days)
    rows = ci_world.query(
        "select shown.member_id - 1, shown.course_id - 1, shown.position - 1, list_position(?, shown.channel) - 1, "
        "cast(shown.platform = 'mobile' as integer), truth.day, truth.probability "
        "from raw.impressions as shown inner join experiments.true_probabilities as truth using (impression_id)",
        list(CHANNELS),
    )
    assert len(rows) == ci_world.query("select count(*) from raw.impressions")[0][0]
    member, course, slot, channel, is_mobile, day, in_sql = map(np.array, zip(*rows, strict=True))
    logit = click_logit(make_world(config), member, course, day, channel, is_mobile.astype(bool))
    np.testing.assert_allclose(in_sql, examination_table(config)[channel, slot] * expit(logit), rtol=0, atol=1e-6)


def test_fatigue_lowers_the_clicks_on_what_was_shown_before(tiny):
    fresh = tiny.log[0]["is_click"].mean()
    tired = simulated(replace(TINY, fatigue_weight=1.0)).log[0]["is_click"].mean()
    assert tired < 0.8 * fresh


# ------------------------------------------------------------------------------------------- the log


def test_logged_propensities_are_those_of_walking_every_way_to_fill_the_slot(tiny, logged_days):
    checked = dict.fromkeys(CHANNELS, 0)
    for logged in logged_days[::5] + [day for day in logged_days if day.day % 7 == log.EMAIL_WEEKDAY]:
        shown = logged.shown
        chosen = np.unique(shown["session"])[::9]
        for row in np.flatnonzero(np.isin(shown["session"], chosen)):
            channel = CHANNELS[shown["channel"][row]]
            ranked = logged.lists[shown["member"][row]]
            distribution = slot_distribution(tiny.world, ranked, channel, shown["position"][row], logged.day)
            assert distribution.sum() == pytest.approx(1, abs=1e-12)
            assert distribution[shown["course"][row]] == pytest.approx(shown["propensity"][row], abs=1e-12)
            checked[channel] += 1
    assert min(checked.values()) >= 20, checked


def test_every_page_of_the_list_is_shown_as_often_as_the_propensity_says(tiny, logged_days):
    """First slots only: later slots of a session share its page and its fate."""
    sums = {(channel, page): np.zeros(3) for channel in CHANNELS for page in range(PAGES if channel != "email" else 1)}
    for logged in logged_days:
        shown = logged.shown
        for row in np.flatnonzero(shown["position"] == 0):
            channel = CHANNELS[shown["channel"][row]]
            ranked = logged.lists[shown["member"][row]]
            distribution = slot_distribution(tiny.world, ranked, channel, 0, logged.day)
            for page in range(PAGES if channel != "email" else 1):
                course = ranked[page * TINY.channels[channel].slots]
                chance = distribution[course]
                sums[channel, page] += shown["course"][row] == course, chance, chance * (1 - chance)
    errors = {
        where: (observed - expected) / np.sqrt(variance) for where, (observed, expected, variance) in sums.items()
    }
    assert {where: error for where, error in errors.items() if abs(error) > 4} == {}
    assert sum(expected for _, expected, _ in sums.values()) > 3000


def test_clicks_of_the_log_follow_the_true_probability(ci_simulation):
    log_of = ci_simulation.log[0]
    names = ("member", "course", "day", "channel", "is_mobile")
    examined = examination_table(CI)[log_of["channel"], log_of["position"]]
    p = examined * expit(click_logit(ci_simulation.world, *(log_of[name].astype(int) for name in names)))
    for rows in (slice(None), log_of["is_random"], *(log_of["channel"] == c for c in range(len(CHANNELS)))):
        error = (log_of["is_click"][rows] - p[rows]).sum() / np.sqrt((p[rows] * (1 - p[rows])).sum())
        assert abs(error) < 4


def test_random_slots_are_as_frequent_as_the_policy_states(tiny):
    shown, _ = tiny.log
    first = shown["is_random"][shown["position"] == 0]
    share = TINY.random_sessions + (1 - TINY.random_sessions) * TINY.slot_exploration
    assert abs(first.mean() - share) < 4 * np.sqrt(share * (1 - share) / len(first))


def test_nothing_is_shown_before_its_release_or_to_a_member_who_has_not_joined(tiny):
    shown, sent = tiny.log
    members, courses = tiny.world.members, tiny.world.courses
    assert (courses.release_day[shown["course"]] <= shown["day"]).all()
    assert (members.join_day[shown["member"]] <= shown["day"]).all()
    assert (members.join_day[sent["member"]] <= sent["day"]).all()


def test_a_session_has_one_member_one_channel_and_all_slots_of_it(tiny):
    shown, _ = tiny.log
    sessions, first, count = np.unique(shown["session"], return_index=True, return_counts=True)
    assert (sessions == np.arange(1, len(sessions) + 1)).all()
    for name in ("member", "channel", "day", "is_mobile"):
        assert (shown[name] == np.repeat(shown[name][first], count)).all(), name
    slots = np.array([TINY.channels[name].slots for name in CHANNELS])
    assert (count == slots[shown["channel"][first]]).all()
    assert (shown["position"] == np.concatenate([np.arange(n) for n in count])).all()


def test_responses_belong_to_impressions_that_could_cause_them(tiny):
    impressions = tiny.table("raw", "impressions").to_pandas().set_index("impression_id")
    engagements = tiny.table("raw", "engagements").to_pandas()
    caused_by = impressions.loc[engagements["impression_id"]]
    for name in ("member_id", "course_id"):
        assert (caused_by[name].to_numpy() == engagements[name].to_numpy()).all()
    assert (caused_by["served_at"].to_numpy() < engagements["engaged_at"].to_numpy()).all()
    clicked = set(engagements.loc[engagements["action"] == "click", "impression_id"])
    assert set(engagements["impression_id"]) == clicked
    autoplays = tiny.table("raw", "autoplays").to_pandas()
    assert (impressions.loc[autoplays["impression_id"], "channel"] == "feed").all()
    length = tiny.table("raw", "courses").to_pandas().set_index("course_id")["intro_video_seconds"]
    assert (autoplays["autoplay_seconds"].to_numpy() <= length.loc[autoplays["course_id"]].to_numpy() + 0.06).all()
    dismissals = tiny.table("raw", "dismissals").to_pandas()
    assert not dismissals.duplicated(["member_id", "course_id"]).any()


def test_the_longest_slate_of_the_last_page_fits_into_the_ranked_list():
    assert PAGES * max(truth.slots for truth in TINY.channels.values()) == LIST_LENGTH


# ------------------------------------------------------------------------------------------- tables


def raw_contract() -> dict[str, list[dict]]:
    contract = yaml.safe_load((ROOT / "dbt_project/models/staging/_raw.yml").read_text())
    return {table["name"]: table["columns"] for table in contract["sources"][0]["tables"]}


def test_every_raw_table_of_the_contract_is_made_with_its_columns_in_order(tiny):
    contract = raw_contract()
    assert {name for schema, name in TABLES if schema == "raw"} == set(contract)
    for name, columns in contract.items():
        table = tiny.table("raw", name)
        # the platform derives what people of a title do from their profiles
        assert (table.num_rows > 0) == (name != "title_industry_skills"), name
        assert table.column_names == [column["name"] for column in columns], name
        for column in columns:
            assert table.schema.field(column["name"]).type in ARROW_TYPES[column["data_type"]], (name, column["name"])


def test_raw_tables_keep_the_contract_of_keys_references_and_bounds(tiny):
    contract = raw_contract()
    frames = {name: tiny.table("raw", name).to_pandas() for name in contract}
    for name, columns in contract.items():
        frame = frames[name]
        meta = {column["name"]: column.get("config", {}).get("meta", {}) for column in columns}
        assert not frame.duplicated([column for column in meta if meta[column].get("key")]).any(), name
        for column, rules in meta.items():
            if rules.get("required"):
                assert frame[column].notna().all(), (name, column)
            if "references" in rules:
                key = {"members": "member_id", "courses": "course_id", "skills": "skill_id"}
                known = frames[rules["references"]][key.get(rules["references"], "category_id")]
                assert frame[column].dropna().isin(known).all(), (name, column)
            if "accepts" in rules:
                assert frame[column].isin(rules["accepts"]).all(), (name, column)
            present = frame[column].dropna()
            assert not ("minimum" in rules and (present < rules["minimum"]).any()), (name, column)
            assert not ("maximum" in rules and (present > rules["maximum"]).any()), (name, column)


def test_the_function_of_every_member_is_known_but_title_and_industry_of_some_only(tiny):
    members = tiny.table("raw", "members").to_pandas()
    assert members["function"].notna().all()
    has_title = members["title"].notna()
    assert 0.4 < has_title.mean() < 0.75
    assert (members["industry"].notna() == has_title).all()
    roles = members["function"].map({name: role for name, (role, _) in FUNCTIONS.items()})
    assert all(title.endswith(role) for title, role in zip(members["title"][has_title], roles[has_title], strict=True))


# ------------------------------------------------------------------------------------------- taxonomy and text


def test_the_hand_made_taxonomy_has_1600_skills_and_100_spellings_of_several():
    taxonomy = load(40)
    assert len(taxonomy.names) >= 1600
    assert len({name.casefold() for name in taxonomy.names}) == len(taxonomy.names)
    meanings: dict[str, set[int]] = {}
    for skill, aliases in enumerate(taxonomy.aliases):
        for alias in aliases:
            meanings.setdefault(alias.casefold(), set()).add(skill)
    assert sum(len(skills) > 1 for skills in meanings.values()) >= 100


def test_the_longest_taxonomy_has_unique_names_and_no_alias_equal_to_its_own_name():
    taxonomy = load(280)
    assert len({name.casefold() for name in taxonomy.names}) == len(taxonomy.names) == 40 * 280
    for name, aliases in zip(taxonomy.names, taxonomy.aliases, strict=True):
        assert name.casefold() not in {alias.casefold() for alias in aliases}
        assert all(alias.strip() == alias and alias for alias in aliases)


def test_course_titles_are_unique_and_not_empty(catalogue):
    titles = catalogue.text.title
    assert all(title.strip() == title and title for title in titles)
    assert len(set(titles)) == len(titles) == CATALOGUE.courses
    assert not any("{" in title or "}" in title for title in titles)


def parts_of_text(simulation: Simulation) -> dict[str, list[str]]:
    """part -> one text per course."""
    written = simulation.text
    sections: list[list[str]] = [[] for _ in written.title]
    videos: list[list[str]] = [[] for _ in written.title]
    for course, _, name in written.sections:
        sections[course].append(name)
    for course, _, _, name in written.videos:
        videos[course].append(name)
    return {
        "description": written.description,
        "transcript": written.transcript,
        "section": ["\n".join(["", *names, ""]) for names in sections],
        "video": ["\n".join(["", *names, ""]) for names in videos],
    }


TRUE_SENTENCES = {
    "description": text.DESCRIPTION_TRUE,
    "section": text.NAME_TRUE,
    "video": text.NAME_TRUE,
    "transcript": text.SPOKEN_TRUE,
}
FALSE_SENTENCES = {
    "description": text.DESCRIPTION_FALSE,
    "section": text.NAME_FALSE,
    "video": text.NAME_FALSE,
    "transcript": text.SPOKEN_FALSE,
}


@pytest.mark.parametrize("part", TRUE_SENTENCES)
def test_skills_that_a_course_teaches_are_mentioned_at_the_stated_rate(catalogue, part):
    texts, taxonomy = parts_of_text(catalogue)[part], catalogue.world.taxonomy
    rate, _ = text.MENTIONS[part]
    taught = list(zip(*catalogue.world.courses.skills.nonzero(), strict=True))

    def is_mentioned(course: int, skill: int) -> bool:
        sentences = [
            sentence.format(s=spelling)
            for spelling in (taxonomy.names[skill], *taxonomy.aliases[skill])
            for sentence in TRUE_SENTENCES[part]
        ]
        if part in ("section", "video"):
            sentences = [f"\n{sentence[0].upper()}{sentence[1:]}\n" for sentence in sentences]
        return any(sentence in texts[course] for sentence in sentences)

    share = np.mean([is_mentioned(course, skill) for course, skill in taught])
    assert abs(share - rate) < 3 * np.sqrt(rate * (1 - rate) / len(taught)), share


@pytest.mark.parametrize("part", FALSE_SENTENCES)
def test_skills_that_a_course_does_not_teach_are_mentioned_at_the_stated_rate(catalogue, part):
    _, rate = text.MENTIONS[part]
    assert len(catalogue.world.taxonomy.names) == 4000  # the number of skills for which the rate is stated
    marks = [max(sentence.split("{s}"), key=len) for sentence in FALSE_SENTENCES[part]]
    counts = [sum(written.count(mark) for mark in marks) for written in parts_of_text(catalogue)[part]]
    assert abs(np.mean(counts) - rate) < 3 * np.sqrt(rate / len(counts)), np.mean(counts)


def test_titles_mislead_at_the_stated_rate(catalogue):
    endings = [sentence.split("{f}") for sentence in text.TITLE_FALSE]
    share = np.mean([any(a in title and b in title for a, b in endings) for title in catalogue.text.title])
    rate = 1 - np.exp(-text.MENTIONS["title"][1])
    assert abs(share - rate) < 3 * np.sqrt(rate * (1 - rate) / CATALOGUE.courses), share


def test_profile_skills_are_typed_and_mappable_at_the_stated_rates(ci_simulation):
    table = ci_simulation.table("raw", "member_profile_skills").to_pandas()
    is_typed = (table["entry_kind"] == "typed").to_numpy()
    assert (table["skill_id"].isna() == is_typed).all()
    typed = table["entry_text"][is_typed]
    is_mappable = ~typed.isin(profiles.UNMAPPABLE)
    assert abs(is_typed.mean() - 0.40) < 4 * np.sqrt(0.40 * 0.60 / len(is_typed))
    assert abs(is_mappable.mean() - 0.85) < 4 * np.sqrt(0.85 * 0.15 / len(typed))


def test_some_typed_entries_are_misspelt_but_no_more_than_stated(ci_simulation):
    taxonomy = ci_simulation.world.taxonomy
    spellings = {s.lower() for s in taxonomy.names} | {a.lower() for aliases in taxonomy.aliases for a in aliases}
    written = ci_simulation.profiles
    meant = written.text[written.is_typed & (written.skill >= 0)]
    misspelt = np.mean([entry.lower() not in spellings for entry in meant])
    assert 0.15 < misspelt < profiles.TYPO_SHARE + 0.03


@pytest.mark.parametrize("name", ["raw.impressions", "raw.engagements", "raw.course_transcripts", "truth.members"])
def test_the_warehouse_holds_the_tables_of_the_world_row_for_row(ci_world, ci_simulation, name):
    made = ci_simulation.table(*name.split("."))
    with duckdb.connect(str(ci_world.file), read_only=True) as connection:
        counts = connection.execute(
            f"select (select count(*) from {name}), (select count(*) from (from made except all from {name}))"
        ).fetchall()
    assert counts == [(made.num_rows, 0)]
