"""Text of the simulated catalogue: titles, descriptions, section and video names, transcripts, in real words.

Which skill a text mentions is drawn first, truly or falsely, at the rates in `MENTIONS`; then sentences are written
around one of the skill's spellings. Many spellings are ambiguous ("Go", "Access", "PM"), so a tagger that looks for
them meets the false mentions too. What a transcript is about shows in its ordinary words: each skill has a few
typical words of its category (its signature), mixed with words of the category and of others.
"""

from collections import Counter
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from relevance.world.config import CATEGORIES, DIFFICULTIES
from relevance.world.draws import stream
from relevance.world.latents import World

# part -> (probability that a skill the course teaches is mentioned, false mentions per course at 4,000 skills)
MENTIONS = {
    "title": (0.10, 0.25),
    "description": (0.13, 1.6),
    "section": (0.12, 2.2),
    "video": (0.15, 3.2),
    "transcript": (0.035, 330.0),
}
SIGNATURE_WORDS = 6
TRANSCRIPT_SENTENCES = 120

TITLE_TRUE = {
    0: ("Learning {s}", "{s} Essential Training", "{s} for Beginners", "{s} Quick Start", "Up and Running with {s}"),
    1: ("{s} in Practice", "{s}: Beyond the Basics", "Working with {s}", "{s}: Tips and Techniques", "{s} at Work"),
    2: ("Advanced {s}", "{s}: Expert Techniques", "Mastering {s}", "{s} in Depth"),
}
TITLE_TWO = ("{s} and {t}", "{s} with {t}", "{s}: From {t} Onwards")
TITLE_PLAIN = {
    0: ("{g} Foundations", "First Steps: {w} and {v}", "{g}: The Basics of {w}", "Understanding {w}", "{w} Explained"),
    1: ("{g}: {w} and {v}", "A Practical Guide to {w}", "Better {w}", "{g} in Practice: {w}", "{w} and {v} at Work"),
    2: ("{g}: Advanced {w}", "{w} under Pressure", "{g} at Scale: {w} and {v}", "Expert {w}", "{g}: Hard Cases"),
}
TITLE_FALSE = (": A Guide for {f} Users", " for {f} People", ": Moving On from {f}")
TITLE_AGAIN = (
    "{x}: Case Studies",
    "{x}: Workshop",
    "{x}: Weekly Practice",
    "{x}: Common Mistakes",
    "{x}: A Second Look",
)

DESCRIPTION = (
    "This course looks at {w} and {v} from the ground up.",
    "Find out how {w} and {v} fit together, and what to do when they do not.",
    "Short exercises on {w} follow every chapter.",
    "By the end you can explain {w} to a colleague and choose the right {v}.",
    "Real examples show where {w} goes wrong and how {v} helps.",
)
DESCRIPTION_TRUE = ("You work with {s} throughout.", "{s} is explained step by step.", "The examples use {s}.")
DESCRIPTION_FALSE = (
    "No knowledge of {s} is needed.",
    "{s} is mentioned, but not covered.",
    "It helps, but is not required, to have seen {s} before.",
)
NAME = ("{w} and {v}", "Why {w} matters", "A closer look at {w}", "{w}: an example", "Choosing a {w}", "Review: {w}")
NAME_TRUE = ("Working with {s}", "{s} step by step", "An exercise in {s}", "{s} in detail")
NAME_FALSE = ("A word about {s}", "Compared with {s}", "Coming from {s}", "What about {s}?")
SPOKEN = (
    "Let us look at the {w} and then at the {v}.",
    "The {w} is what people get wrong first, so keep an eye on the {v}.",
    "When the {w} changes, the {v} usually changes with it.",
    "I always start with the {w}, because the {v} depends on it.",
    "Notice how the {w} sits next to the {v} here.",
    "If you remember one thing, remember the {w}, not the {v}.",
    "Pause the video and try the {w} with a {v} of your own.",
    "A good {w} makes the {v} almost easy.",
    "We come back to the {w} once the {v} is in place.",
    "In the last video we had the {w}, and now we need a {v}.",
    "People ask me about the {w} all the time, and the answer is the {v}.",
    "So the {w} goes here, and the {v} goes there.",
)
SPOKEN_TRUE = (
    "And this is where {s} comes in.",
    "With {s} that takes a minute.",
    "I am using {s} for this one.",
    "That is really all there is to {s}.",
)
SPOKEN_FALSE = (
    "It is a bit like {s}, if you have seen that.",
    "This has nothing to do with {s}, by the way.",
    "Some of you come from {s}.",
    "My neighbour talks about {s} all day.",
    "You do not need {s} for any of this.",
    "Unlike {s}, it stays where you put it.",
    "A friend who does {s} told me so.",
    "I once tried {s} instead.",
)


@dataclass(frozen=True)
class CatalogueText:
    """title, description, transcript : one per course;
    sections : (course, section_number, name) rows;  videos : (course, section_number, video_number, name) rows."""

    title: list[str]
    description: list[str]
    transcript: list[str]
    sections: list[tuple[int, int, str]]
    videos: list[tuple[int, int, int, str]]


class _Writer:
    """Draws spellings, words and templates; one random stream per part of the text."""

    def __init__(self, world: World, part: str):
        self.world = world
        self.taxonomy = world.taxonomy
        self.rng = stream(world.config, "text_" + part)
        recall, false_rate = MENTIONS[part]
        skills = world.courses.skills.tocoo()
        found = self.rng.random(skills.nnz) < recall
        count = self.rng.poisson(
            false_rate * (len(self.taxonomy.names) / 4000 if part == "transcript" else 1.0), skills.shape[0]
        )
        wrong = self.rng.integers(0, skills.shape[1], count.sum())
        self.true = self._by_course(skills.row[found], skills.col[found])
        self.false = self._by_course(np.repeat(np.arange(skills.shape[0]), count), wrong)

    def _by_course(self, course: NDArray, skill: NDArray) -> list[NDArray]:
        order = np.argsort(course, kind="stable")
        edges = np.searchsorted(course[order], np.arange(self.world.config.courses + 1))
        ordered = skill[order]
        return [ordered[edges[i] : edges[i + 1]] for i in range(self.world.config.courses)]

    def spelling(self, skill: int) -> str:
        spellings = (self.taxonomy.names[skill], *self.taxonomy.aliases[skill])
        return spellings[self.rng.integers(len(spellings))]

    def write(self, templates: tuple[str, ...], skill: int) -> str:
        return templates[self.rng.integers(len(templates))].format(s=self.spelling(skill))

    def plain(self, templates: tuple[str, ...], words: list[str]) -> str:
        first, second = self.two_words(words)
        template = templates[self.rng.integers(len(templates))]
        return template.format(w=first, v=second)

    def two_words(self, words: list[str]) -> tuple[str, str]:
        """Two words, different ones unless there is only one."""
        first, second = self.rng.integers(len(words), size=2).tolist()
        others = words[second:] + words[:second]
        return words[first], next((word for word in others if word != words[first]), words[first])


def catalogue_text(world: World) -> CatalogueText:
    """All texts of the catalogue. Deterministic in the world's configuration."""
    words = _course_words(world)
    sections, videos = _names(world, words)
    return CatalogueText(
        title=_titles(world, words),
        description=_descriptions(world, words),
        transcript=_transcripts(world, words),
        sections=sections,
        videos=videos,
    )


def _course_words(world: World) -> list[list[str]]:
    """The ordinary words of each course: of its skills' signatures, its categories, and some of anything."""
    rng = stream(world.config, "words")
    courses, taxonomy = world.courses, world.taxonomy
    width = min(len(words) for words in taxonomy.words)
    table = np.array([words[:width] for words in taxonomy.words], dtype=object)
    signature = rng.integers(0, width, (len(taxonomy.names), SIGNATURE_WORDS))
    per_course = 2 * TRANSCRIPT_SENTENCES
    course = np.repeat(np.arange(world.config.courses), per_course)
    source = rng.random(len(course))
    category = np.where(
        source < 0.65,
        courses.category[course],
        np.where(source < 0.75, courses.second_category[course], rng.integers(0, CATEGORIES, len(course))),
    )
    word = rng.integers(0, width, len(course))
    own = np.flatnonzero(source < 0.30)  # words typical of a skill that the course teaches
    skills = courses.skills
    start, end = skills.indptr[course[own]], skills.indptr[course[own] + 1]
    skill = skills.indices[start + (rng.random(len(own)) * (end - start)).astype(np.int64)]
    category[own] = taxonomy.category[skill]
    word[own] = signature[skill, rng.integers(0, SIGNATURE_WORDS, len(own))]
    return table[category, word].reshape(-1, per_course).tolist()


def _titles(world: World, words: list[list[str]]) -> list[str]:
    writer = _Writer(world, "title")
    rng, courses, taxonomy = writer.rng, world.courses, world.taxonomy
    titles, seen = [], Counter()
    for i in range(world.config.courses):
        level = int(courses.difficulty[i])
        true = list(dict.fromkeys(taxonomy.names[skill] for skill in writer.true[i]))
        if len(true) > 1:
            title = TITLE_TWO[rng.integers(len(TITLE_TWO))].format(s=true[0], t=true[1])
        elif true:
            title = TITLE_TRUE[level][rng.integers(len(TITLE_TRUE[level]))].format(s=true[0])
        else:
            group = taxonomy.sub_topic_names[courses.category[i]][courses.sub_topic[i]]
            first, second = map(_title_case, writer.two_words(words[i]))
            title = TITLE_PLAIN[level][rng.integers(len(TITLE_PLAIN[level]))].format(g=group, w=first, v=second)
        for skill in writer.false[i][:1]:
            title += TITLE_FALSE[rng.integers(len(TITLE_FALSE))].format(f=writer.spelling(skill))
        again = seen[title]
        seen[title] += 1
        if again:
            template = TITLE_AGAIN[(again - 1) % len(TITLE_AGAIN)]
            title = template.format(x=title) + (f" {again}" if again > len(TITLE_AGAIN) else "")
        titles.append(title)
    return titles


def _title_case(text: str) -> str:
    return " ".join(word[:1].upper() + word[1:] for word in text.split())


def _descriptions(world: World, words: list[list[str]]) -> list[str]:
    writer = _Writer(world, "description")
    texts = []
    for i in range(world.config.courses):
        level = DIFFICULTIES[world.courses.difficulty[i]].lower()
        sentences = [writer.plain(DESCRIPTION, words[i]) for _ in range(3)]
        sentences += [writer.write(DESCRIPTION_TRUE, skill) for skill in writer.true[i]]
        sentences += [writer.write(DESCRIPTION_FALSE, skill) for skill in writer.false[i]]
        texts.append(" ".join([*sentences, f"For the {level} level."]))
    return texts


def _names(world: World, words: list[list[str]]) -> tuple[list, list]:
    """Sections and videos; each mention takes one of the course's names."""
    section_writer, video_writer = _Writer(world, "section"), _Writer(world, "video")
    rng = section_writer.rng
    sections, videos = [], []
    for i in range(world.config.courses):
        mentions = _mention_names(section_writer, i)
        count = max(int(rng.integers(3, 8)), len(mentions))
        names = mentions + [section_writer.plain(NAME, words[i]) for _ in range(count - len(mentions))]
        names = [names[j] for j in rng.permutation(count)]
        sections += [(i, number + 1, _sentence(name)) for number, name in enumerate(names)]
        mentions = _mention_names(video_writer, i)
        per_section = video_writer.rng.integers(3, 7, count)
        total = max(int(per_section.sum()), len(mentions))
        names = mentions + [video_writer.plain(NAME, words[i]) for _ in range(total - len(mentions))]
        names = [names[j] for j in video_writer.rng.permutation(total)]
        section = np.minimum(np.searchsorted(np.cumsum(per_section), np.arange(total), side="right"), count - 1)
        number = np.arange(total) - np.searchsorted(section, section)
        videos += [
            (i, int(s) + 1, int(n) + 1, _sentence(name)) for s, n, name in zip(section, number, names, strict=True)
        ]
    return sections, videos


def _mention_names(writer: _Writer, course: int) -> list[str]:
    true = [writer.write(NAME_TRUE, skill) for skill in writer.true[course]]
    return true + [writer.write(NAME_FALSE, skill) for skill in writer.false[course]]


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:]


def _transcripts(world: World, words: list[list[str]]) -> list[str]:
    writer = _Writer(world, "transcript")
    rng, taxonomy = writer.rng, world.taxonomy
    spellings = [(name, *aliases) for name, aliases in zip(taxonomy.names, taxonomy.aliases, strict=True)]
    texts = []
    for i in range(world.config.courses):
        skills = np.concatenate([writer.true[i], writer.false[i]])
        true = len(writer.true[i])
        pick = rng.integers(0, 1 << 20, (2, len(skills))).tolist()
        sentences = [
            (SPOKEN_TRUE if j < true else SPOKEN_FALSE)[
                pick[0][j] % (len(SPOKEN_TRUE) if j < true else len(SPOKEN_FALSE))
            ].format(s=spellings[skill][pick[1][j] % len(spellings[skill])])
            for j, skill in enumerate(skills.tolist())
        ]
        own = words[i]
        template = rng.integers(0, len(SPOKEN), TRANSCRIPT_SENTENCES).tolist()
        sentences += [SPOKEN[t].format(w=own[2 * j], v=own[2 * j + 1]) for j, t in enumerate(template)]
        texts.append(" ".join([sentences[j] for j in rng.permutation(len(sentences)).tolist()]))
    return texts
