"""The simulated activity log: sessions, slates with exact propensities, clicks, watches, autoplay, e-mail.

One vectorised pass per day. Each day and purpose draws from a stream of its own, so the log does not depend on
the order or the number of threads.
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from relevance.world.config import CHANNELS, ERA_B_DAY, ERA_C_DAY, HORIZON_DAYS, LIST_LENGTH, PAGES, WorldConfig
from relevance.world.draws import sigmoid, stream
from relevance.world.latents import World, click_logit, examination_table
from relevance.world.policies import (
    LearnedPolicy,
    Log,
    Mappings,
    affinity_list,
    recency_list,
)

EMAIL = CHANNELS.index("email")
FEED = CHANNELS.index("feed")
EMAIL_WEEKDAY = 1  # Tuesday
LAST_SECOND = 86_400 - 120  # of the last impression of a log: what follows it is of the same day

Columns = dict[str, NDArray]


@threadpool_limits.wrap(limits=1)
def simulate(world: World, mappings: Mappings, progress: Callable[[str], None]) -> tuple[Columns, Columns]:
    """The whole product history. Returns the columns of the impressions and of the e-mail sends."""
    days = world.config.days
    position = stream(world.config, "arms").random(world.config.members)
    seen = nothing_seen(world)
    impressions: list[Columns] = []
    sends: list[Columns] = []

    def run(first: int, last: int, policies: list[tuple[str, float, Callable[[NDArray], NDArray]]]) -> None:
        if first >= min(last, days):
            return
        edges = np.cumsum([share for _, share, _ in policies])
        arm_of = np.searchsorted(edges / edges[-1], position, side="right")
        lists = np.empty((world.config.members, LIST_LENGTH), np.int32)
        for arm, (_, _, policy) in enumerate(policies):
            rows = np.flatnonzero(arm_of == arm)
            lists[rows] = policy(rows)
        names = np.array([name for name, _, _ in policies], dtype=object)
        for day in range(first, min(last, days)):
            shown, sent = one_day(world, mappings, day, in_all_channels(lists), in_all_channels(arm_of), seen)
            shown["variant"] = names[shown.pop("arm")]
            if day == days - 1:
                shown["second"] = np.minimum(shown["second"], LAST_SECOND)
            impressions.append(shown)
            sends.append(sent)
        progress(f"world: logged days {first} to {min(last, days) - 1}")

    def affinity(tags, skills, day):
        return lambda rows: affinity_list(world, tags, skills, day, rows)

    m = mappings
    run(
        0,
        ERA_B_DAY,
        [
            ("m001", 0.2, lambda rows: recency_list(world, 0, rows)),
            ("m002", 0.2, affinity(m.cs01, m.ms01, 0)),
            ("m003", 0.2, affinity(m.cs01, m.ms02, 0)),
            ("m004", 0.2, affinity(m.cs03, m.ms02, 0)),
            ("m005", 0.2, affinity(m.cs04, m.ms02, 0)),
        ],
    )
    if days > ERA_B_DAY:
        first = LearnedPolicy(world, m, log_of(impressions), ERA_B_DAY - 7, ERA_B_DAY, with_click_rate=False)
        run(ERA_B_DAY, ERA_C_DAY, [("m101", 0.7, first.lists), ("m005", 0.3, affinity(m.cs04, m.ms02, ERA_B_DAY))])
    middle = (ERA_C_DAY + days) // 2
    for start, end, since in ((ERA_C_DAY, middle, 10), (middle, days, 20)):
        if days > start:
            retrained = LearnedPolicy(world, m, log_of(impressions), since, start, with_click_rate=True)
            run(start, end, [("m102", 1.0, retrained.lists)])
    return _concatenated(impressions, "impression_id"), _concatenated(sends, "send_id")


def nothing_seen(world: World) -> NDArray | None:
    """(members, courses) earlier impressions before the first day; None where nobody tires of a course."""
    shape = (world.config.members, world.config.courses)
    return np.zeros(shape, np.uint16) if world.config.fatigue_weight else None


def in_all_channels(values: NDArray) -> NDArray:
    """(channels, *shape of values), the same for every channel."""
    return np.broadcast_to(values, (len(CHANNELS), *values.shape))


def log_of(days: list[Columns]) -> Log:
    return Log(**{name: np.concatenate([day[name] for day in days]) for name in Log.__annotations__})


def joined(days: list[Columns]) -> Columns:
    return {name: np.concatenate([day[name] for day in days]) for name in days[0]}


def _concatenated(days: list[Columns], key: str) -> Columns:
    columns = joined(days)
    columns[key] = np.arange(1, len(columns["day"]) + 1)
    if key == "impression_id":  # sessions are numbered within a day until here
        first = np.cumsum([0] + [int(day["session"][-1]) + 1 if len(day["session"]) else 0 for day in days[:-1]])
        columns["session"] += np.repeat(first, [len(day["day"]) for day in days]) + 1
    return columns


def sessions(world: World, day: int, rng: np.random.Generator) -> tuple[NDArray, NDArray]:
    """Members and channels of a day's feed, home and profile sessions."""
    members = world.members
    rate = members.activity * (0.75 if day % 7 >= 5 else 1.1) * (members.join_day <= day)
    counts = [
        rng.poisson(rate * 0.62),
        rng.poisson(rate * np.where(members.subscription == 2, 0.75, 0.22)),
        rng.poisson(rate * 0.10),
    ]
    channel = [FEED, CHANNELS.index("home"), CHANNELS.index("profile")]
    everyone = np.arange(len(rate))
    return (
        np.concatenate([np.repeat(everyone, count) for count in counts]),
        np.concatenate([np.full(count.sum(), c) for count, c in zip(counts, channel, strict=True)]),
    )


def slots_of(config: WorldConfig, channel: NDArray) -> tuple[NDArray, NDArray, NDArray]:
    """The slots of sessions in these channels: the session of each, its position, and the slots of that session."""
    slots = np.array([config.channels[name].slots for name in CHANNELS])[channel]
    session = np.repeat(np.arange(len(channel)), slots)
    return session, np.arange(len(session)) - np.repeat(np.cumsum(slots) - slots, slots), slots[session]


def page_weights(config: WorldConfig) -> NDArray:
    """(PAGES,) probability that a session outside e-mail opens the page of the list."""
    weight = config.page_decay ** np.arange(PAGES)
    return weight / weight.sum()


@threadpool_limits.wrap(limits=1)
def horizon_sessions(world: World) -> Columns:
    """Sessions of the days after the log, whatever is served in them: experiments show every variant's lists to the
    same sessions. `place` counts the courses of the list on the pages before the one that is opened. An e-mail to every
    member a week is a session where it is opened: where its probability is above `open_chance`, nan elsewhere."""
    config = world.config
    slots_of_channel = np.array([config.channels[name].slots for name in CHANNELS])
    days: list[Columns] = []
    for day in range(config.days, config.days + HORIZON_DAYS):
        rng = stream(config, "horizon", day)
        member, channel = sessions(world, day, rng)
        if day % 7 == EMAIL_WEEKDAY:
            readers = np.flatnonzero(world.members.join_day <= day)
            member = np.concatenate([member, readers])
            channel = np.concatenate([channel, np.full(len(readers), EMAIL)])
        page = rng.choice(PAGES, len(member), p=page_weights(config))
        days.append(
            {
                "day": np.full(len(member), day, np.int32),
                "member": member,
                "channel": channel,
                "is_mobile": rng.random(len(member)) < world.members.mobile_share[member],
                "place": np.where(channel == EMAIL, 0, page * slots_of_channel[channel]).astype(np.int32),
                "open_chance": np.where(channel == EMAIL, rng.random(len(member)), np.nan),
            }
        )
    return _concatenated(days, "session")


def _emails(world: World, mappings: Mappings, day: int, lists: NDArray) -> Columns:
    """One weekly e-mail to every member; half of them state why the first course is recommended.

    A reason that is true for the member today persuades, a stale one five times less (insight 2)."""
    config, members, courses = world.config, world.members, world.courses
    rng = stream(config, "emails", day)
    member = np.flatnonzero(members.join_day <= day)
    course = lists[EMAIL, member, 0]
    has_context = rng.random(len(member)) < 0.5
    category = courses.category[course]
    skilled = np.asarray(mappings.ms01[member].multiply(courses.skills[course]).sum(axis=1)).ravel() > 0
    today = np.where(
        members.switch_day[member] <= day,
        members.interest_after[member, category],
        members.interest_before[member, category],
    )
    persuasion = config.context_effect * np.where(skilled & (today > 0), 1.0, 0.2) * has_context
    base = np.log(config.open_rate / (1 - config.open_rate))
    relative = members.propensity[member] - members.propensity.mean()
    is_open = rng.random(len(member)) < sigmoid(base + 0.25 * relative + persuasion)
    return {
        "day": np.full(len(member), day, np.int16),
        "member": member.astype(np.int32),
        "course": course.astype(np.int32),
        "has_context": has_context,
        "is_open": is_open,
        "second": rng.integers(7 * 3600, 9 * 3600, len(member), dtype=np.int32),
        "open_delay": rng.integers(60, 10 * 3600, len(member), dtype=np.int32),
    }


def one_day(
    world: World, mappings: Mappings, day: int, lists: NDArray, arm_of: NDArray, seen: NDArray | None
) -> tuple[Columns, Columns]:
    """Impressions and e-mail sends of a day on which these lists are served.

    lists : (channels, members, LIST_LENGTH) courses, best first;  arm_of : (channels, members) whose lists they are;
    seen : (members, courses) earlier impressions, counted on, or None where nobody tires of a course."""
    config, courses = world.config, world.courses
    rng = stream(config, "sessions", day)
    member, channel = sessions(world, day, rng)
    sent = _emails(world, mappings, day, lists) if day % 7 == EMAIL_WEEKDAY else None
    second = _time_of_day(rng, day, len(member))
    if sent is not None:
        opened = np.flatnonzero(sent["is_open"])
        member = np.concatenate([member, sent["member"][opened]])
        channel = np.concatenate([channel, np.full(len(opened), EMAIL)])
        second = np.concatenate([second, sent["second"][opened] + sent["open_delay"][opened]])
    is_mobile = rng.random(len(member)) < world.members.mobile_share[member]
    page_weight = page_weights(config)
    page = np.where(channel == EMAIL, 0, rng.choice(PAGES, len(member), p=page_weight))
    session, position, width = slots_of(config, channel)

    # what is shown: the policy's list, or a random available course; with the exact probability of it
    available = np.flatnonzero(courses.release_day <= day)
    random_session = rng.random(len(member)) < config.random_sessions
    is_random = random_session[session] | (rng.random(len(session)) < config.slot_exploration)
    row = member[session]
    course = np.where(
        is_random,
        available[rng.integers(0, len(available), len(session))],
        lists[channel[session], row, page[session] * width + position],
    )
    from_list = np.zeros(len(session))
    for g in range(PAGES):
        weight = np.where(channel[session] == EMAIL, float(g == 0), page_weight[g])
        from_list += weight * (
            lists[channel[session], row, np.minimum(g * width + position, LIST_LENGTH - 1)] == course
        )
    uniform = 1.0 / len(available)
    propensity = config.random_sessions * uniform + (1 - config.random_sessions) * (
        (1 - config.slot_exploration) * from_list + config.slot_exploration * uniform
    )

    logit = click_logit(world, row, course, day, channel[session], is_mobile[session])
    if config.fatigue_weight:
        logit -= config.fatigue_weight * np.log1p(seen[row, course])
        np.add.at(seen, (row, course), 1)
    probability = examination_table(config)[channel[session], position] * sigmoid(logit)
    is_click = rng.random(len(session)) < probability
    shown = {
        "day": np.full(len(session), day, np.int16),
        "member": row.astype(np.int32),
        "course": course.astype(np.int32),
        "channel": channel[session].astype(np.int8),
        "position": position.astype(np.int8),
        "session": session.astype(np.int64),
        "second": second[session],
        "is_mobile": is_mobile[session],
        "arm": arm_of[channel[session], row].astype(np.int8),
        "is_random": is_random,
        "propensity": propensity,
        "is_click": is_click,
    }
    shown |= _responses(world, day, row, course, channel[session], logit, is_click)
    empty = {name: np.empty(0, dtype) for name, dtype in _SEND_TYPES.items()}
    return shown, sent if sent is not None else empty


_SEND_TYPES = {
    "day": np.int16,
    "member": np.int32,
    "course": np.int32,
    "has_context": bool,
    "is_open": bool,
    "second": np.int32,
    "open_delay": np.int32,
}


def _responses(
    world: World, day: int, member: NDArray, course: NDArray, channel: NDArray, logit: NDArray, is_click: NDArray
) -> Columns:
    """What follows an impression: autoplay on the feed, watching and bookmarking after a click, dismissal."""
    config, courses = world.config, world.courses
    rng = stream(config, "responses", day)
    relevance = logit - world.members.propensity[member]
    watch = world.members.watch_mean[member] + config.watch_relevance * (relevance + 3.5)
    autoplay = np.minimum(np.exp(watch + rng.normal(0, config.watch_noise, len(member))), courses.video_seconds[course])
    clicked = np.flatnonzero(is_click)
    watched = np.zeros(len(member))
    concentration = 3.7  # Beta(1.2, 2.5) at the average logit of a click; its mean rises with the logit
    mean = sigmoid(np.log(1.2 / 2.5) + 0.25 * (logit[clicked] + 1.5))
    share = rng.beta(concentration * mean, concentration * (1 - mean))
    watched[clicked] = share * 60 * courses.duration_minutes[course[clicked]]
    is_bookmark = np.zeros(len(member), bool)
    is_bookmark[clicked] = rng.random(len(clicked)) < 0.15
    lowest = relevance <= np.quantile(relevance, 0.1) if len(relevance) else np.zeros(0, bool)
    return {
        "autoplay_seconds": np.where(channel == FEED, autoplay, 0.0),
        "watch_seconds": watched,
        "is_bookmark": is_bookmark,
        "is_dismissal": lowest & ~is_click & (rng.random(len(member)) < 0.02),
    }


def _time_of_day(rng: np.random.Generator, day: int, n: int) -> NDArray:
    """(n,) seconds after midnight: commute, lunch and evening on working days, a late flat day at week-ends."""
    if day % 7 < 5:
        hours = np.array([0.2, 0.1, 0.1, 0.1, 0.1, 0.4, 1.5, 4, 5, 3, 2.5, 3, 5, 4, 2.5, 2.5, 3, 4.5, 5, 5, 6, 5, 3, 1])
    else:
        hours = np.array([0.6, 0.3, 0.2, 0.1, 0.1, 0.2, 0.5, 1, 2, 3, 4, 4.5, 4, 4, 4, 4, 4, 4, 4, 4, 4.5, 4, 3, 1.5])
    return (rng.choice(24, n, p=hours / hours.sum()) * 3600 + rng.integers(0, 3600, n)).astype(np.int32)
