"""Members, courses and day effects of the simulated world, and its true click probability.

    P(click | member, course, day, channel, position) = examination(channel, position) * sigmoid(logit)

`click_logit` states the logit; `truth.click_probability` states it again in SQL, and a test holds them equal.
"""

from dataclasses import dataclass
from math import log

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from relevance.world.config import (
    AREAS,
    AUTHORS,
    CATEGORIES,
    CHANNELS,
    COMPANIES,
    DIFFICULTIES,
    HORIZON_DAYS,
    SENIORITIES,
    SUB_TOPICS,
    SUBSCRIPTIONS,
    WorldConfig,
)
from relevance.world.draws import draw_rows, sigmoid, stream, zipf
from relevance.world.taxonomy import FUNCTIONS, INDUSTRIES, Taxonomy, function_interest, industry_interest, taxonomy_of

PROFILE_TOPICS = 3
NEVER = 1_000_000


@dataclass(frozen=True)
class Members:
    """Arrays over members. Interests are (members, categories); `topics` those named by the profile."""

    function: NDArray
    industry: NDArray
    company: NDArray
    seniority: NDArray
    subscription: NDArray
    is_job_seeker: NDArray
    join_day: NDArray
    activity: NDArray  # sessions a day
    activity_z: NDArray
    mobile_share: NDArray
    has_skills: NDArray
    has_title: NDArray
    topics: NDArray  # (members, 3)
    topic_weights: NDArray
    interest_before: NDArray
    interest_after: NDArray
    switch_day: NDArray
    sub_topic: NDArray  # (members, categories) preferred sub-topic
    propensity: NDArray
    taste: NDArray  # (members, categories)
    weekday_strength: NDArray
    watch_mean: NDArray


@dataclass(frozen=True)
class Courses:
    """Arrays over courses; `skills` is (courses, skills), 1 where the course teaches the skill."""

    category: NDArray
    second_category: NDArray
    sub_topic: NDArray
    difficulty: NDArray
    duration_minutes: NDArray
    author: NDArray
    quality: NDArray
    release_day: NDArray
    is_editors_pick: NDArray
    video_seconds: NDArray
    function_effect: NDArray  # (courses, functions)
    skills: csr_matrix
    curated: csr_matrix  # (courses, skills): what the taxonomists tagged


@dataclass(frozen=True)
class World:
    config: WorldConfig
    taxonomy: Taxonomy
    members: Members
    courses: Courses
    season: NDArray  # (days + horizon, areas)
    weekday: NDArray  # (7, areas)

    @property
    def head_skills(self) -> int:
        """Skills per category that the category itself maps to: 2 % of the taxonomy (table 1)."""
        return max(1, round(0.02 * self.taxonomy.per_category))


def make_world(config: WorldConfig) -> World:
    taxonomy = taxonomy_of(config)
    by_function = function_interest(taxonomy)
    by_industry = industry_interest(taxonomy)
    # supply follows demand: the catalogue holds more courses on what more people work with
    demand = zipf(len(FUNCTIONS), 0.6) @ by_function
    supply = demand**0.8 / np.sum(demand**0.8)
    rng = stream(config, "days")
    days = config.days + HORIZON_DAYS
    walk = np.cumsum(rng.normal(size=(days, AREAS)), axis=0) / np.sqrt(days)
    weekday = rng.normal(size=(7, AREAS))
    return World(
        config=config,
        taxonomy=taxonomy,
        members=_members(config, taxonomy, by_function, by_industry, supply),
        courses=_courses(config, taxonomy, supply),
        season=(config.season_sd * (walk - walk.mean(axis=0))).astype(np.float32),
        weekday=(weekday - weekday.mean(axis=0)).astype(np.float32),
    )


def _members(
    config: WorldConfig, taxonomy: Taxonomy, by_function: NDArray, by_industry: NDArray, supply: NDArray
) -> Members:
    rng = stream(config, "members")
    n = config.members
    everyone = np.arange(n)
    function = rng.choice(len(FUNCTIONS), n, p=zipf(len(FUNCTIONS), 0.6))
    industry = rng.choice(len(INDUSTRIES), n, p=zipf(len(INDUSTRIES), 0.7))
    sigma = config.activity_sigma
    activity = np.minimum(config.activity_mean * np.exp(rng.normal(-0.5 * sigma**2, sigma, n)), 3.0)
    z = (np.log(activity) - np.log(activity).mean()) / np.log(activity).std()
    has_skills = rng.random(n) < sigmoid(-0.98 + 0.70 * z)
    topics = np.stack(
        [draw_rows(rng, 0.80 * by_function[function] + 0.20 * by_industry[industry], everyone) for _ in range(3)],
        axis=1,
    )
    weights = rng.dirichlet([2.0, 1.4, 1.0], n)
    # the profile is older than today's interests: some topics have been replaced already, one more may be soon
    neighbour = taxonomy.area[topics] * (CATEGORIES // AREAS) + rng.integers(0, CATEGORIES // AREAS, topics.shape)
    anywhere = rng.choice(CATEGORIES, topics.shape, p=supply)
    replaced = rng.random(topics.shape) < config.stale_topic
    near = rng.random(topics.shape) < 0.5
    before = np.where(replaced, np.where(near, neighbour, anywhere), topics)
    after = before.copy()
    after[everyone, rng.integers(0, PROFILE_TOPICS, n)] = rng.choice(CATEGORIES, n, p=supply)
    switches = rng.random(n) < config.switching_members
    last_day = config.days + HORIZON_DAYS
    area_taste = config.area_taste_sd * rng.normal(size=(n, AREAS))
    taste = area_taste[:, taxonomy.area] + config.topic_taste_sd * rng.normal(size=(n, CATEGORIES))
    joined_lately = rng.random(n) < config.new_members
    return Members(
        function=function,
        industry=industry,
        company=rng.choice(COMPANIES, n, p=zipf(COMPANIES, 1.0)),
        seniority=rng.choice(len(SENIORITIES), n, p=[0.14, 0.27, 0.27, 0.17, 0.10, 0.05]),
        subscription=rng.choice(len(SUBSCRIPTIONS), n, p=[0.72, 0.18, 0.10]),
        is_job_seeker=rng.random(n) < 0.15,
        join_day=np.where(joined_lately, rng.integers(0, config.days, n), -rng.geometric(1 / 400, n)),
        activity=activity,
        activity_z=z,
        mobile_share=rng.beta(2.0, 2.5, n),
        has_skills=has_skills,
        has_title=rng.random(n) < np.where(has_skills, 0.80, sigmoid(-0.25 - 0.45 * z)),
        topics=topics,
        topic_weights=weights,
        interest_before=_interest(before, weights),
        interest_after=_interest(after, weights),
        switch_day=np.where(switches, rng.integers(0, last_day, n), NEVER),
        sub_topic=rng.integers(0, SUB_TOPICS, (n, CATEGORIES), dtype=np.int8),
        propensity=(rng.normal(0, config.member_propensity_sd, n) + 0.18 * z).astype(np.float32),
        taste=taste.astype(np.float32),
        weekday_strength=rng.choice([0.4, 1.6], n).astype(np.float32),
        watch_mean=rng.normal(config.watch_mean, config.watch_sd, n).astype(np.float32),
    )


def _interest(topics: NDArray, weights: NDArray) -> NDArray:
    interest = np.zeros((len(topics), CATEGORIES), np.float32)
    rows = np.arange(len(topics))
    for t in range(PROFILE_TOPICS):
        np.add.at(interest, (rows, topics[:, t]), weights[:, t].astype(np.float32))
    return interest


def _courses(config: WorldConfig, taxonomy: Taxonomy, supply: NDArray) -> Courses:
    rng = stream(config, "courses")
    n = config.courses
    category = rng.choice(CATEGORIES, n, p=supply)
    neighbour = taxonomy.area[category] * (CATEGORIES // AREAS) + rng.integers(0, CATEGORIES // AREAS, n)
    second = np.where(rng.random(n) < 0.7, neighbour, rng.choice(CATEGORIES, n, p=supply))
    author = rng.choice(AUTHORS, n, p=zipf(AUTHORS, 0.8))
    author_quality = rng.normal(size=AUTHORS)
    recent = rng.random(n) < 0.22
    sub_topic = rng.integers(0, SUB_TOPICS, n)
    skills = _course_skills(stream(config, "course_skills"), taxonomy, category, second, sub_topic)
    curated = _curated(stream(config, "curation"), taxonomy, category, second)
    return Courses(
        category=category,
        second_category=second,
        sub_topic=sub_topic,
        difficulty=rng.choice(len(DIFFICULTIES), n, p=[0.45, 0.40, 0.15]),
        duration_minutes=np.exp(rng.normal(log(75), 0.6, n)),
        author=author,
        quality=(0.5 * author_quality[author] + 0.866 * rng.normal(size=n)).astype(np.float32),
        release_day=np.where(recent, rng.integers(-30, config.days + HORIZON_DAYS, n), -30 - rng.geometric(1 / 350, n)),
        is_editors_pick=rng.random(n) < 0.03,
        video_seconds=np.exp(rng.normal(log(60), 0.45, n)),
        function_effect=rng.normal(size=(n, len(FUNCTIONS))).astype(np.float32),
        skills=((skills + curated) > 0).astype(np.float32).tocsr(),  # a course teaches what was curated
        curated=curated,
    )


def _course_skills(
    rng: np.random.Generator, taxonomy: Taxonomy, category: NDArray, second: NDArray, sub_topic: NDArray
) -> csr_matrix:
    """4 to 9 skills a course, three quarters from its category and mostly from its sub-topic."""
    per = taxonomy.per_category
    base = zipf(per, 0.80)
    focus = [base * np.where(np.arange(per) % SUB_TOPICS == j, 6.0, 1.0) for j in range(SUB_TOPICS)]
    rows, columns = [], []
    for course in range(len(category)):
        total = 4 + rng.integers(0, 6)
        side = max(1, total // 4)
        weight = focus[sub_topic[course]]
        main = rng.choice(per, total - side, replace=False, p=weight / weight.sum())
        extra = rng.choice(per, side, replace=False, p=base)
        chosen = np.unique(np.r_[category[course] * per + main, second[course] * per + extra])
        rows.append(np.full(len(chosen), course))
        columns.append(chosen)
    row, column = np.concatenate(rows), np.concatenate(columns)
    return csr_matrix((np.ones(len(row), np.float32), (row, column)), (len(category), len(taxonomy.names)))


def _curated(rng: np.random.Generator, taxonomy: Taxonomy, category: NDArray, second: NDArray) -> csr_matrix:
    """The taxonomists' mapping: head skills of the course's categories, as far as they kept them."""
    per = taxonomy.per_category
    head = max(1, round(0.02 * per))
    keep = np.where(np.arange(head) == 0, 0.95, 0.80) * np.minimum(
        1, 2 / head * np.where(np.arange(head) < 2, 1.25, 0.75)
    )
    rows, columns = [], []
    for of_course, share in ((category, 0.93), (second, 0.22)):
        kept = rng.random((len(category), head)) < share * keep
        course, rank = np.nonzero(kept)
        rows.append(course)
        columns.append(of_course[course] * per + rank)
    elsewhere = np.flatnonzero(rng.random(len(category)) < 0.05)  # a head skill of a category the course is not in
    rows.append(elsewhere)
    columns.append(rng.integers(0, CATEGORIES, len(elsewhere)) * per + rng.integers(0, head, len(elsewhere)))
    row, column = np.concatenate(rows), np.concatenate(columns)
    matrix = csr_matrix((np.ones(len(row), np.float32), (row, column)), (len(category), len(taxonomy.names)))
    return (matrix > 0).astype(np.float32)


def click_logit(
    world: World,
    member: NDArray,
    course: NDArray,
    day: NDArray | int,
    channel: NDArray | int,
    is_mobile: NDArray | bool,
) -> NDArray:
    """The true click logit. member, course : (n,) indices;  day, channel, is_mobile : (n,) or scalars."""
    config, members, courses = world.config, world.members, world.courses
    truths = [config.channels[name] for name in CHANNELS]
    of_channel = {
        name: np.array([getattr(truth, name) for truth in truths], np.float32)[channel]
        for name in ("intercept", "interest", "quality", "duration", "duration_before_redesign")
    }
    category, second = courses.category[course], courses.second_category[course]
    switched = members.switch_day[member] <= day
    interest = np.where(
        switched,
        members.interest_after[member, category] + 0.3 * members.interest_after[member, second],
        members.interest_before[member, category] + 0.3 * members.interest_before[member, second],
    )
    same_sub_topic = (members.sub_topic[member, category] == courses.sub_topic[course]) - 1.0 / SUB_TOPICS
    duration = np.where(
        np.asarray(day) < config.redesign_day, of_channel["duration_before_redesign"], of_channel["duration"]
    ) + config.mobile_duration_weight * np.asarray(is_mobile)
    age = np.maximum(day - courses.release_day[course], 0)
    area = world.taxonomy.area[category]
    return (
        of_channel["intercept"]
        + members.propensity[member]
        + np.sqrt(interest) * (0.62 * of_channel["interest"] + config.sub_topic_weight * same_sub_topic)
        + members.taste[member, category]
        + of_channel["quality"] * courses.quality[course]
        + config.course_function_weight * courses.function_effect[course, members.function[member]]
        + 0.5 * config.seniority_weight * (2.0 - members.seniority[member]) * (courses.difficulty[course] - 0.7)
        + config.novelty_weight * np.exp(-age / 15.0)
        + config.weekday_weight * world.weekday[np.asarray(day) % 7, area] * members.weekday_strength[member]
        + duration * (np.log(courses.duration_minutes[course]) - 4.3)
        + world.season[day, area]
    )


def examination_table(config: WorldConfig) -> NDArray:
    """(channels, largest slate) probability that a slot is examined, 0 beyond the slate."""
    width = max(truth.slots for truth in config.channels.values())
    table = np.zeros((len(CHANNELS), width))
    for row, name in enumerate(CHANNELS):
        truth = config.channels[name]
        table[row, : truth.slots] = truth.examination
    return table
