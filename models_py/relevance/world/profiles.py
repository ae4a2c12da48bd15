"""Profile skills: entries picked from the auto-complete list and entries typed as free text, with typing errors."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from relevance.world.config import SUB_TOPICS
from relevance.world.draws import stream, zipf
from relevance.world.latents import PROFILE_TOPICS, World

TYPED_SHARE = 0.40
UNMAPPABLE_SHARE = 0.15  # of typed entries
SEARCHED_SHARE = 0.50  # of picked entries: found by typing a spelling, the others by the name
TYPO_SHARE = 0.30  # of typed entries that mean a skill
UNMAPPABLE = (
    "hard working", "team player", "fast learner", "good with people", "problem solver", "detail oriented",
    "excellent communicator", "self motivated", "works well under pressure", "multitasking", "positive attitude",
    "computer literate", "various tools", "see my portfolio", "references on request", "willing to travel",
    "driving licence", "punctual", "creative mind", "results driven", "go-getter", "night owl", "coffee lover",
    "10 years of experience", "ask me", "everything IT", "bilingual household", "people person", "n/a", "etc",
)  # fmt: skip


@dataclass(frozen=True)
class ProfileSkills:
    """Entries of all profiles, ordered by member.

    member, skill : (entries,), skill is -1 where the text means none;  is_typed : (entries,);
    text : (entries,), of a picked entry what was typed before picking it;
    matrix : (members, skills) with the platform's weight of each mapped entry.
    """

    member: NDArray
    skill: NDArray
    is_typed: NDArray
    text: NDArray
    matrix: csr_matrix


def profile_skills(world: World) -> ProfileSkills:
    """Skills drawn from the topics the profile was written for: they go stale when interests move."""
    rng = stream(world.config, "profile_skills")
    members, taxonomy = world.members, world.taxonomy
    per = taxonomy.per_category
    owners = np.flatnonzero(members.has_skills)
    count = 3 + np.minimum(rng.geometric(0.12, len(owners)), 40)
    member = np.repeat(owners, count)
    which = (np.cumsum(members.topic_weights, axis=1)[member] < rng.random(len(member))[:, None]).sum(axis=1)
    own = members.topics[member, np.minimum(which, PROFILE_TOPICS - 1)]
    anywhere = rng.integers(0, len(taxonomy.category_names), len(member))
    category = np.where(rng.random(len(member)) < 0.88, own, anywhere)
    base = zipf(per, 1.05)
    rank = np.empty(len(member), np.int64)
    preferred = members.sub_topic[member, category]
    for sub_topic in range(SUB_TOPICS):
        weight = np.cumsum(base * np.where(np.arange(per) % SUB_TOPICS == sub_topic, 5.0, 1.0))
        rows = np.flatnonzero(preferred == sub_topic)
        rank[rows] = np.searchsorted(weight, rng.random(len(rows)) * weight[-1], side="right")
    keys = np.unique(member * len(taxonomy.names) + category * per + rank)  # a skill is listed once
    member, skill = keys // len(taxonomy.names), keys % len(taxonomy.names)

    is_typed = rng.random(len(member)) < TYPED_SHARE
    is_unmappable = is_typed & (rng.random(len(member)) < UNMAPPABLE_SHARE)
    text = np.array(taxonomy.names, dtype=object)[skill]
    for row in np.flatnonzero(is_typed):
        if is_unmappable[row]:
            text[row] = UNMAPPABLE[rng.integers(len(UNMAPPABLE))]
            continue
        spellings = (taxonomy.names[skill[row]], *taxonomy.aliases[skill[row]])
        text[row] = _as_typed(rng, spellings[rng.integers(len(spellings))])
    before_pick = stream(world.config, "picked_texts")
    for row in np.flatnonzero(~is_typed):
        spellings = (taxonomy.names[skill[row]], *taxonomy.aliases[skill[row]])
        if before_pick.random() < SEARCHED_SHARE:
            text[row] = _as_typed(before_pick, spellings[before_pick.integers(len(spellings))])
    weight = np.where(is_typed, 0.5 + 0.5 * rng.random(len(member)), 1.0).astype(np.float32)
    mapped = ~is_unmappable
    return ProfileSkills(
        member=member,
        skill=np.where(is_unmappable, -1, skill),
        is_typed=is_typed,
        text=text,
        matrix=csr_matrix(
            (weight[mapped], (member[mapped], skill[mapped])), (world.config.members, len(taxonomy.names))
        ),
    )


def _as_typed(rng: np.random.Generator, text: str) -> str:
    """Lower case half of the time, and sometimes one letter dropped, doubled or swapped with the next."""
    if rng.random() < 0.5:
        text = text.lower()
    if rng.random() < TYPO_SHARE and len(text) > 4:
        at = int(rng.integers(1, len(text) - 1))
        kind = int(rng.integers(3))
        middle = ("", text[at] * 2, text[at + 1] + text[at])[kind]
        text = text[:at] + middle + text[at + (2 if kind == 2 else 1) :]
    return text
