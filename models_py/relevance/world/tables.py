"""The simulated world as Arrow tables: schema `raw` like a platform's export, schema `truth` what only the world knows.

Keys start at 1. Day 0 is `FIRST_DATE`. Lists in `truth` are indexed by category, area or function, first entry 0.
"""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property, lru_cache

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from relevance.world.config import (
    CHANNELS,
    DIFFICULTIES,
    FIRST_DATE,
    PLATFORMS,
    SENIORITIES,
    SUB_TOPICS,
    SUBSCRIPTIONS,
    WorldConfig,
)
from relevance.world.draws import stream
from relevance.world.latents import World, make_world
from relevance.world.log import Columns, horizon_sessions, page_weights, simulate
from relevance.world.policies import platform_mappings
from relevance.world.profiles import ProfileSkills, profile_skills
from relevance.world.taxonomy import FUNCTIONS, INDUSTRIES
from relevance.world.text import CatalogueText, catalogue_text

EPOCH_DAY = np.datetime64(FIRST_DATE)
SENIORITY_PREFIX = ("Junior ", "", "Senior ", "Lead ", "Director, ", "Chief ")
FIRST_NAMES = (
    "Ada", "Ben", "Carla", "David", "Elena", "Farid", "Grace", "Hugo", "Ines", "Jonas", "Kavya", "Liam", "Mei",
    "Nadia", "Omar", "Paula", "Quentin", "Rosa", "Samir", "Tara",
)  # fmt: skip
LAST_NAMES = (
    "Abara", "Berg", "Castillo", "Dubois", "Eriksen", "Ferrari", "Gupta", "Haddad", "Ivanova", "Jensen", "Kowalski",
    "Lindqvist", "Moreau", "Nakamura", "Okafor",
)  # fmt: skip
COMPANY_WORDS = (
    "Alder", "Amber", "Beacon", "Birch", "Cedar", "Cobalt", "Copper", "Delta", "Ember", "Falcon", "Granite", "Harbor",
    "Indigo", "Juniper", "Kestrel", "Lumen", "Maple", "Nimbus", "Orchard", "Pioneer", "Quarry", "Ridge", "Summit",
    "Timber", "Willow",
)  # fmt: skip
COMPANY_ENDS = ("Labs", "Group", "Partners", "Works", "Systems", "Holdings", "Studio", "Logistics")
JOBS_PER_CATEGORY = 30
JOB_VIEWS_PER_DAY = 0.05  # of a job seeker
FOLLOWING_SHARE = 0.30  # share of new members who follow skills at on-boarding


def product_history(s: "Simulation") -> tuple[Columns, Columns]:
    """The log of all days, by the recommenders that the platform ran."""
    return simulate(s.world, platform_mappings(s.world, s.profiles.matrix), s.progress)


@dataclass(frozen=True)
class Simulation:
    """A world with everything that was drawn from it; tables are made on demand. `history` makes its log."""

    world: World
    progress: Callable[[str], None]
    history: Callable[["Simulation"], tuple[Columns, Columns]] = product_history

    @cached_property
    def profiles(self) -> ProfileSkills:
        return profile_skills(self.world)

    @cached_property
    def text(self) -> CatalogueText:
        return catalogue_text(self.world)

    @cached_property
    def log(self) -> tuple[Columns, Columns]:
        return self.history(self)

    def table(self, schema: str, name: str) -> pa.Table:
        """One table of the world. Raises KeyError for a name that is not in `TABLES`."""
        return TABLES[schema, name](self)


_LOCK = threading.Lock()


@lru_cache(maxsize=1)
def simulation(config: WorldConfig) -> Simulation:
    return Simulation(make_world(config), lambda message: print(f"{time.strftime('%H:%M:%S')}  {message}", flush=True))


def world_table(config: WorldConfig, schema: str, name: str) -> pa.Table:
    """Table `schema.name` of the world with that configuration; the world is generated once per process."""
    with _LOCK:
        return simulation(config).table(schema, name)


# ---------------------------------------------------------------------------------------------- columns


def _date(day: NDArray) -> pa.Array:
    return pa.array((EPOCH_DAY + np.asarray(day, np.int64)).astype("datetime64[D]"), pa.date32())


def _time(day: NDArray, second: NDArray) -> pa.Array:
    start = (EPOCH_DAY + np.asarray(day, np.int64)).astype("datetime64[s]")
    return pa.array((start + np.asarray(second, np.int64)).astype("datetime64[us]"), pa.timestamp("us"))


def _name(names: tuple[str, ...], index: NDArray, missing: NDArray | None = None) -> pa.Array:
    """Strings by index; null where `missing`."""
    codes = pa.array(np.asarray(index, np.int32), mask=missing)
    return pa.DictionaryArray.from_arrays(codes, pa.array(names, pa.string())).cast(pa.string())


def _lists(values: NDArray) -> pa.Array:
    values = np.ascontiguousarray(values)
    flat = pa.array(values.ravel(), pa.float32() if values.dtype.kind == "f" else pa.int32())
    offsets = pa.array(np.arange(0, values.size + 1, values.shape[1], dtype=np.int32))
    return pa.ListArray.from_arrays(offsets, flat)


def _key(index: NDArray) -> NDArray:
    return np.asarray(index, np.int64) + 1


def _author_names(count: int) -> tuple[str, ...]:
    return tuple(
        f"{FIRST_NAMES[i % len(FIRST_NAMES)]} {LAST_NAMES[i // len(FIRST_NAMES) % len(LAST_NAMES)]}"
        for i in range(count)
    )


def _company_names(count: int) -> tuple[str, ...]:
    words, ends = COMPANY_WORDS, COMPANY_ENDS
    return tuple(
        f"{words[i % len(words)]} {words[i // len(words) % len(words)]} {ends[i // len(words) ** 2 % len(ends)]}"
        for i in range(count)
    )


def _at_once(rows: int) -> pa.Array:
    """arrived_at of a log without delays."""
    return pa.nulls(rows, pa.timestamp("us"))


# ---------------------------------------------------------------------------------------------- people


def _members(s: Simulation) -> pa.Table:
    members = s.world.members
    roles = tuple(role for role, _ in FUNCTIONS.values())
    titles = tuple(prefix + role for prefix in SENIORITY_PREFIX for role in roles)
    untitled = ~members.has_title
    return pa.table(
        {
            "member_id": _key(np.arange(len(members.function))),
            "title": _name(titles, members.seniority * len(roles) + members.function, untitled),
            "industry": _name(tuple(INDUSTRIES), members.industry, untitled),
            "function": _name(tuple(FUNCTIONS), members.function),  # where no title says it, the platform infers it
            "company": _name(_company_names(int(members.company.max()) + 1), members.company, untitled),
            "seniority": _name(SENIORITIES, members.seniority),
            "is_job_seeker": members.is_job_seeker,
            "joined_date": _date(members.join_day),
        }
    )


def _member_subscriptions(s: Simulation) -> pa.Table:
    members = s.world.members
    rows = np.flatnonzero(members.subscription > 0)
    return pa.table(
        {
            "member_id": _key(rows),
            "subscription": _name(SUBSCRIPTIONS, members.subscription[rows]),
            "started_date": _date(members.join_day[rows]),
            "ended_date": pa.nulls(len(rows), pa.date32()),
        }
    )


def _member_profile_skills(s: Simulation) -> pa.Table:
    profiles = s.profiles
    order = np.arange(len(profiles.member))
    start = np.searchsorted(profiles.member, profiles.member)
    return pa.table(
        {
            "member_id": _key(profiles.member),
            "entry_number": order - start + 1,
            "entry_kind": _name(("picked", "typed"), profiles.is_typed.astype(int)),
            "entry_text": pa.array(profiles.text.tolist(), pa.string()),
            "skill_id": pa.array(_key(profiles.skill), mask=profiles.is_typed),
        }
    )


def _current_interest(s: Simulation, member: NDArray, day: NDArray) -> NDArray:
    members = s.world.members
    after = (members.switch_day[member] <= day)[:, None]
    return np.where(after, members.interest_after[member], members.interest_before[member])


def _draw_interest(s: Simulation, rng: np.random.Generator, member: NDArray, day: NDArray) -> NDArray:
    """(n,) a category each, in proportion to the member's interests on that day."""
    cumulative = np.cumsum(_current_interest(s, member, day), axis=1)
    return (cumulative <= (rng.random(len(member)) * cumulative[:, -1])[:, None]).sum(axis=1)


def _followed_skills(s: Simulation) -> pa.Table:
    world = s.world
    rng = stream(world.config, "followed_skills")
    new = np.flatnonzero(world.members.join_day >= 0)
    new = new[rng.random(len(new)) < FOLLOWING_SHARE]
    member = np.repeat(new, rng.integers(2, 6, len(new)))
    day = world.members.join_day[member]
    per = world.taxonomy.per_category
    skill = _draw_interest(s, rng, member, day) * per + (rng.random(len(member)) ** 2 * per).astype(np.int64)
    pairs = np.unique(member * len(world.taxonomy.names) + skill)
    member, skill = pairs // len(world.taxonomy.names), pairs % len(world.taxonomy.names)
    second = 36_000 + 20 * (np.arange(len(member)) - np.searchsorted(member, member))
    return pa.table(
        {
            "member_id": _key(member),
            "skill_id": _key(skill),
            "followed_at": _time(world.members.join_day[member], second),
            "arrived_at": _at_once(len(member)),
        }
    )


# ---------------------------------------------------------------------------------------------- jobs


def _jobs(s: Simulation) -> tuple[NDArray, list[NDArray]]:
    """Category of each job, and its skills."""
    taxonomy = s.world.taxonomy
    rng = stream(s.world.config, "jobs")
    category = np.repeat(np.arange(len(taxonomy.category_names)), JOBS_PER_CATEGORY)
    weight = 1.0 / np.arange(1, taxonomy.per_category + 1)
    skills = [
        c * taxonomy.per_category
        + np.sort(rng.choice(taxonomy.per_category, rng.integers(3, 7), replace=False, p=weight / weight.sum()))
        for c in category
    ]
    return category, skills


def _job_skills(s: Simulation) -> pa.Table:
    _, skills = _jobs(s)
    job = np.repeat(np.arange(len(skills)), [len(row) for row in skills])
    return pa.table({"job_id": _key(job), "skill_id": _key(np.concatenate(skills))})


def _job_views(s: Simulation) -> pa.Table:
    config, members = s.world.config, s.world.members
    rng = stream(config, "job_views")
    seekers = np.flatnonzero(members.is_job_seeker)
    member = np.repeat(seekers, rng.poisson(JOB_VIEWS_PER_DAY * config.days, len(seekers)))
    first = np.maximum(members.join_day[member], 0)
    day = first + (rng.random(len(member)) * (config.days - first)).astype(np.int64)
    return _viewed_jobs(s, rng, member, day)


def job_views_of_day(s: Simulation, day: int) -> pa.Table:
    """Rows of job_views of a day after the log."""
    members = s.world.members
    rng = stream(s.world.config, "job_views", day)
    seekers = np.flatnonzero(members.is_job_seeker & (members.join_day <= day))
    member = np.repeat(seekers, rng.poisson(JOB_VIEWS_PER_DAY, len(seekers)))
    return _viewed_jobs(s, rng, member, np.full(len(member), day))


def _viewed_jobs(s: Simulation, rng: np.random.Generator, member: NDArray, day: NDArray) -> pa.Table:
    categories = len(s.world.taxonomy.category_names)
    category = np.where(
        rng.random(len(member)) < 0.6, _draw_interest(s, rng, member, day), rng.integers(0, categories, len(member))
    )
    job = category * JOBS_PER_CATEGORY + rng.integers(0, JOBS_PER_CATEGORY, len(member))
    second = rng.integers(0, 86_400, len(member))
    order = np.lexsort((job, second, day, member))
    keep = (
        order[np.r_[True, np.any(np.diff(np.stack([member, day, second])[:, order], axis=1) != 0, axis=0)]]
        if len(order)
        else order
    )
    return pa.table(
        {
            "member_id": _key(member[keep]),
            "job_id": _key(job[keep]),
            "viewed_at": _time(day[keep], second[keep]),
            "arrived_at": _at_once(len(keep)),
        }
    )


# ---------------------------------------------------------------------------------------------- skills


def _skills(s: Simulation) -> pa.Table:
    names = s.world.taxonomy.names
    return pa.table({"skill_id": _key(np.arange(len(names))), "name": pa.array(names, pa.string())})


def _skill_aliases(s: Simulation) -> pa.Table:
    taxonomy = s.world.taxonomy
    rows = {(alias, skill): None for skill, aliases in enumerate(taxonomy.aliases) for alias in aliases}
    return pa.table(
        {
            "alias": pa.array([alias for alias, _ in rows], pa.string()),
            "skill_id": _key(np.array([skill for _, skill in rows])),
        }
    )


def _skill_similarities(s: Simulation) -> pa.Table:
    """Neighbours in popularity within a category, and in the same sub-topic; both directions."""
    taxonomy = s.world.taxonomy
    skill, other, similarity = [], [], []
    for distance, value in ((1, 0.4), (SUB_TOPICS, 0.6), (2 * SUB_TOPICS, 0.3)):
        start = np.flatnonzero(taxonomy.rank + distance < taxonomy.per_category)
        skill += [start, start + distance]
        other += [start + distance, start]
        similarity += [np.full(2 * len(start), value)]
    skill_id, related, value = np.concatenate(skill), np.concatenate(other), np.concatenate(similarity)
    order = np.lexsort((related, skill_id))
    return pa.table(
        {"skill_id": _key(skill_id[order]), "related_skill_id": _key(related[order]), "similarity": value[order]}
    )


def _title_industry_skills(s: Simulation) -> pa.Table:
    """The platform has no such mapping of its own: the project derives it."""
    types = [("title", pa.string()), ("industry", pa.string()), ("skill_id", pa.int64()), ("weight", pa.float64())]
    return pa.schema(types).empty_table()


def _categories(s: Simulation) -> pa.Table:
    taxonomy = s.world.taxonomy
    return pa.table(
        {
            "category_id": _key(np.arange(len(taxonomy.category_names))),
            "name": pa.array(taxonomy.category_names, pa.string()),
            "area": _name(taxonomy.area_names, taxonomy.area),
        }
    )


def _category_skills(s: Simulation) -> pa.Table:
    taxonomy = s.world.taxonomy
    head = np.flatnonzero(taxonomy.rank < s.world.head_skills)
    return pa.table({"category_id": _key(taxonomy.category[head]), "skill_id": _key(head)})


# ---------------------------------------------------------------------------------------------- catalogue


def _courses(s: Simulation) -> pa.Table:
    courses = s.world.courses
    return pa.table(
        {
            "course_id": _key(np.arange(len(courses.category))),
            "title": pa.array(s.text.title, pa.string()),
            "description": pa.array(s.text.description, pa.string()),
            "author": _name(_author_names(int(courses.author.max()) + 1), courses.author),
            "difficulty": _name(DIFFICULTIES, courses.difficulty),
            "duration_seconds": np.round(courses.duration_minutes * 60),
            "intro_video_seconds": np.round(courses.video_seconds, 1),
            "language": _name(("en",), np.zeros(len(courses.category))),
            "released_date": _date(courses.release_day),
        }
    )


def _editors_picks(s: Simulation) -> pa.Table:
    courses = s.world.courses
    rows = np.flatnonzero(courses.is_editors_pick)
    return pa.table({"course_id": _key(rows), "picked_date": _date(courses.release_day[rows])})


def _course_categories(s: Simulation) -> pa.Table:
    courses = s.world.courses
    course = np.arange(len(courses.category))
    other = np.flatnonzero(courses.second_category != courses.category)
    rows = np.concatenate([course, other])
    category = np.concatenate([courses.category, courses.second_category[other]])
    order = np.lexsort((category, rows))
    return pa.table(
        {
            "course_id": _key(rows[order]),
            "category_id": _key(category[order]),
            "is_primary": np.concatenate([np.ones(len(course), bool), np.zeros(len(other), bool)])[order],
        }
    )


def _course_skill_curation(s: Simulation) -> pa.Table:
    """Verdicts that turn the category mapping into what the taxonomists kept."""
    world, courses = s.world, s.world.courses
    head, per = world.head_skills, world.taxonomy.per_category
    by_category = set()
    for category in (courses.category, courses.second_category):
        for rank in range(head):
            by_category |= set(zip(range(len(category)), (category * per + rank).tolist(), strict=True))
    kept = set(zip(*map(np.ndarray.tolist, courses.curated.nonzero()), strict=True))
    rows = [(c, k, "remove") for c, k in by_category - kept] + [(c, k, "add") for c, k in kept - by_category]
    rows.sort()
    return pa.table(
        {
            "course_id": _key(np.array([row[0] for row in rows])),
            "skill_id": _key(np.array([row[1] for row in rows])),
            "verdict": pa.array([row[2] for row in rows], pa.string()),
        }
    )


def _course_sections(s: Simulation) -> pa.Table:
    course, number, name = zip(*s.text.sections, strict=True)
    return pa.table(
        {"course_id": _key(np.array(course)), "section_number": number, "name": pa.array(name, pa.string())}
    )


def _course_videos(s: Simulation) -> pa.Table:
    course, section, number, name = zip(*s.text.videos, strict=True)
    return pa.table(
        {
            "course_id": _key(np.array(course)),
            "section_number": section,
            "video_number": number,
            "name": pa.array(name, pa.string()),
        }
    )


def _course_transcripts(s: Simulation) -> pa.Table:
    return pa.table(
        {
            "course_id": _key(np.arange(len(s.text.transcript))),
            "transcript": pa.array(s.text.transcript, pa.string()),
        }
    )


# ---------------------------------------------------------------------------------------------- activity


def _impressions(s: Simulation) -> pa.Table:
    log, _ = s.log
    variants, codes = np.unique(log["variant"].astype(str), return_inverse=True)
    return pa.table(
        {
            "impression_id": log["impression_id"],
            "member_id": _key(log["member"]),
            "course_id": _key(log["course"]),
            "served_at": _time(log["day"], log["second"]),
            "channel": _name(CHANNELS, log["channel"]),
            "platform": _name(PLATFORMS, log["is_mobile"].astype(int)),
            "session_id": log["session"],
            "position": log["position"].astype(np.int32) + 1,
            "variant": _name(tuple(variants), codes),
            "propensity": log["propensity"],
            "is_random": log["is_random"],
            "arrived_at": _at_once(len(log["member"])),
        }
    )


def _engagements(s: Simulation) -> pa.Table:
    """A click opens the course, watching follows, some bookmark it."""
    log, _ = s.log
    clicked = np.flatnonzero(log["is_click"])
    marked = np.flatnonzero(log["is_bookmark"])
    rows = np.concatenate([clicked, clicked, marked])
    action = np.concatenate([np.zeros(len(clicked)), np.ones(len(clicked)), np.full(len(marked), 2)])
    delay = np.array([5, 60, 90])[action.astype(int)] + log["position"][rows]
    order = np.lexsort((action, rows))
    rows, action, delay = rows[order], action[order], delay[order]
    # two sessions of a member in one second may show the same course: such an action is logged once
    key = np.stack([log["member"][rows], log["course"][rows], action, log["day"][rows], log["second"][rows] + delay])
    first = np.sort(np.unique(key, axis=1, return_index=True)[1])
    rows, action, delay = rows[first], action[first], delay[first]
    return pa.table(
        {
            "member_id": _key(log["member"][rows]),
            "course_id": _key(log["course"][rows]),
            "action": _name(("click", "watch", "bookmark"), action),
            "engaged_at": _time(log["day"][rows], log["second"][rows] + delay),
            "impression_id": log["impression_id"][rows],
            "watch_seconds": pa.array(np.round(log["watch_seconds"][rows], 1), mask=action != 1),
            "arrived_at": _at_once(len(rows)),
        }
    )


def _autoplays(s: Simulation) -> pa.Table:
    log, _ = s.log
    rows = np.flatnonzero(log["autoplay_seconds"] > 0)
    return pa.table(
        {
            "impression_id": log["impression_id"][rows],
            "member_id": _key(log["member"][rows]),
            "course_id": _key(log["course"][rows]),
            "played_at": _time(log["day"][rows], log["second"][rows]),
            "autoplay_seconds": np.round(log["autoplay_seconds"][rows], 2),
            "arrived_at": _at_once(len(rows)),
        }
    )


def _dismissals(s: Simulation) -> pa.Table:
    log, _ = s.log
    rows = np.flatnonzero(log["is_dismissal"])
    pair = log["member"][rows].astype(np.int64) * s.world.config.courses + log["course"][rows]
    rows = np.sort(rows[np.unique(pair, return_index=True)[1]])  # a course is dismissed once
    return pa.table(
        {
            "member_id": _key(log["member"][rows]),
            "course_id": _key(log["course"][rows]),
            "dismissed_at": _time(log["day"][rows], log["second"][rows] + 20),
            "arrived_at": _at_once(len(rows)),
        }
    )


def _email_sends(s: Simulation) -> pa.Table:
    _, sends = s.log
    return pa.table(
        {
            "send_id": sends["send_id"],
            "member_id": _key(sends["member"]),
            "course_id": _key(sends["course"]),
            "sent_at": _time(sends["day"], sends["second"]),
            "has_context": sends["has_context"],
            "opened_at": _masked(_time(sends["day"], sends["second"] + sends["open_delay"]), sends["is_open"]),
            "arrived_at": _at_once(len(sends["member"])),
        }
    )


def _masked(values: pa.Array, keep: NDArray) -> pa.Array:
    return pc.if_else(pa.array(keep), values, pa.scalar(None, values.type))


# ---------------------------------------------------------------------------------------------- truth


def _truth_members(s: Simulation) -> pa.Table:
    members = s.world.members
    return pa.table(
        {
            "member_id": _key(np.arange(len(members.function))),
            "function_index": members.function.astype(np.int32),
            "seniority_index": members.seniority.astype(np.int32),
            "propensity": members.propensity,
            "relative_propensity": members.propensity - members.propensity.mean(),
            "switch_day": members.switch_day.astype(np.int32),
            "weekday_strength": members.weekday_strength,
            "interest_before": _lists(members.interest_before),
            "interest_after": _lists(members.interest_after),
            "taste": _lists(members.taste),
            "sub_topic": _lists(members.sub_topic.astype(np.int32)),
        }
    )


def _truth_courses(s: Simulation) -> pa.Table:
    courses = s.world.courses
    return pa.table(
        {
            "course_id": _key(np.arange(len(courses.category))),
            "category_index": courses.category.astype(np.int32),
            "second_category_index": courses.second_category.astype(np.int32),
            "area_index": s.world.taxonomy.area[courses.category].astype(np.int32),
            "sub_topic": courses.sub_topic.astype(np.int32),
            "difficulty_index": courses.difficulty.astype(np.int32),
            "duration_minutes": courses.duration_minutes,
            "quality": courses.quality,
            "release_day": courses.release_day.astype(np.int32),
            "function_effect": _lists(courses.function_effect),
        }
    )


def _truth_skills(s: Simulation) -> pa.Table:
    taxonomy = s.world.taxonomy
    return pa.table(
        {"skill_id": _key(np.arange(len(taxonomy.names))), "category_index": taxonomy.category.astype(np.int32)}
    )


def _truth_course_skills(s: Simulation) -> pa.Table:
    course, skill = s.world.courses.skills.nonzero()
    order = np.lexsort((skill, course))
    return pa.table({"course_id": _key(course[order]), "skill_id": _key(skill[order])})


def _truth_days(s: Simulation) -> pa.Table:
    day = np.arange(len(s.world.season))
    return pa.table(
        {
            "day": day.astype(np.int32),
            "date": _date(day),
            "season": _lists(s.world.season),
            "weekday": _lists(s.world.weekday[day % 7]),
        }
    )


def _truth_channels(s: Simulation) -> pa.Table:
    truths = [s.world.config.channels[name] for name in CHANNELS]
    page_shares = [[1.0] if name == "email" else page_weights(s.world.config).tolist() for name in CHANNELS]
    return pa.table(
        {
            "channel": pa.array(CHANNELS, pa.string()),
            **{
                name: np.array([getattr(truth, name) for truth in truths])
                for name in ("intercept", "interest", "quality", "duration", "duration_before_redesign")
            },
            "examination": pa.array([list(truth.examination) for truth in truths], pa.list_(pa.float64())),
            "page_shares": pa.array(page_shares, pa.list_(pa.float64())),
        }
    )


def _truth_constants(s: Simulation) -> pa.Table:
    names = (
        "sub_topic_weight",
        "course_function_weight",
        "seniority_weight",
        "novelty_weight",
        "weekday_weight",
        "mobile_duration_weight",
        "redesign_day",
        "open_rate",
        "context_effect",
    )
    return pa.table({name: [float(getattr(s.world.config, name))] for name in names})


def _truth_sessions(s: Simulation) -> pa.Table:
    sessions = horizon_sessions(s.world)
    return pa.table(
        {
            "session_id": sessions["session"],
            "member_id": _key(sessions["member"]),
            "channel": pa.array(np.array(CHANNELS, dtype=object)[sessions["channel"]], pa.string()),
            "date": _date(sessions["day"]),
            "is_mobile": sessions["is_mobile"],
            "place": sessions["place"],
            "open_chance": pa.array(sessions["open_chance"], from_pandas=True),
        }
    )


TABLES: dict[tuple[str, str], Callable[[Simulation], pa.Table]] = {
    **{
        ("raw", maker.__name__[1:]): maker
        for maker in (
            _members, _member_subscriptions, _member_profile_skills, _followed_skills, _job_skills, _job_views,
            _skills, _skill_aliases, _skill_similarities, _title_industry_skills, _categories, _category_skills,
            _courses, _editors_picks,
            _course_categories, _course_skill_curation, _course_sections, _course_videos, _course_transcripts,
            _impressions, _engagements, _autoplays, _dismissals, _email_sends,
        )
    },
    **{
        ("truth", maker.__name__.removeprefix("_truth_")): maker
        for maker in (
            _truth_members, _truth_courses, _truth_skills, _truth_course_skills, _truth_days, _truth_channels,
            _truth_constants, _truth_sessions,
        )
    },
}  # fmt: skip
