"""Skills, categories, functions and industries of the simulated world: names that people really use.

The hand-made part is `skills.csv` (40 categories x 4 sub-topics x 10 skills with aliases) and `categories.csv`
beside this file. Larger worlds need a longer tail: it is composed of a skill and one of its category's facets
("PostgreSQL Performance Tuning"), as long skill lists do.
"""

import csv
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

import numpy as np
from numpy.typing import NDArray

from relevance.world.config import CATEGORIES, SUB_TOPICS, WorldConfig

# function -> (role in a job title, the three categories its people work with, most important first)
FUNCTIONS = {
    "Engineering": ("Software Engineer", ("Software Engineering", "Programming Languages", "DevOps")),
    "Web": ("Web Developer", ("Web Development", "User Experience", "Programming Languages")),
    "Information Technology": ("Systems Administrator", ("Systems Administration", "Cloud Computing", "Networking")),
    "Information Security": ("Security Analyst", ("Cybersecurity", "Networking", "Cloud Computing")),
    "Analytics": ("Data Analyst", ("Data Analysis", "Business Intelligence", "Databases")),
    "Data Science": ("Data Scientist", ("Machine Learning", "Data Engineering", "Data Analysis")),
    "Product Management": ("Product Manager", ("Project Management", "User Experience", "Business Strategy")),
    "Program Management": ("Project Manager", ("Project Management", "Leadership", "Office Productivity")),
    "Operations": ("Operations Specialist", ("Operations Management", "Project Management", "Business Strategy")),
    "Human Resources": ("HR Specialist", ("Human Resources", "Leadership", "Teaching and Learning")),
    "Finance": ("Financial Analyst", ("Corporate Finance", "Investing", "Business Intelligence")),
    "Accounting": ("Accountant", ("Accounting", "Office Productivity", "Corporate Finance")),
    "Sales": ("Account Executive", ("Sales", "Customer Service", "Personal Development")),
    "Support": ("Customer Support Representative", ("Customer Service", "Personal Development", "Office Productivity")),
    "Marketing": ("Marketing Specialist", ("Digital Marketing", "Social Media", "E-Commerce")),
    "Communications": ("Communications Specialist", ("Public Relations", "Content Writing", "Social Media")),
    "Arts and Design": ("Designer", ("Graphic Design", "User Experience", "Photography")),
    "Media Production": ("Video Editor", ("Video and Motion", "Photography", "Graphic Design")),
    "Architecture and Engineering": (
        "Mechanical Engineer",
        ("Engineering and Manufacturing", "3D and CAD", "Project Management"),
    ),
    "Healthcare Services": ("Nurse", ("Healthcare", "Personal Development", "Leadership")),
    "Education": ("Teacher", ("Teaching and Learning", "Content Writing", "Personal Development")),
    "Consulting": ("Consultant", ("Business Strategy", "Leadership", "Corporate Finance")),
    "Administration": ("Office Administrator", ("Office Productivity", "Personal Development", "Accounting")),
    "Games": ("Game Developer", ("Game Development", "3D and CAD", "Mobile Development")),
}

INDUSTRIES = {
    "Software": ("Software Engineering", "Cloud Computing"),
    "Financial Services": ("Corporate Finance", "Investing"),
    "Hospitals and Health Care": ("Healthcare", "Operations Management"),
    "Higher Education": ("Teaching and Learning", "Content Writing"),
    "Retail": ("E-Commerce", "Sales"),
    "Marketing Services": ("Digital Marketing", "Content Writing"),
    "Construction": ("Engineering and Manufacturing", "Project Management"),
    "Automotive": ("Engineering and Manufacturing", "Operations Management"),
    "Telecommunications": ("Networking", "Mobile Development"),
    "Government Administration": ("Human Resources", "Cybersecurity"),
    "Hospitality": ("Customer Service", "Leadership"),
    "Management Consulting": ("Business Strategy", "Leadership"),
    "Media Production": ("Video and Motion", "Photography"),
    "Real Estate": ("Sales", "Photography"),
    "Insurance": ("Data Analysis", "Customer Service"),
    "Staffing and Recruiting": ("Human Resources", "Social Media"),
    "Non-profit Organizations": ("Public Relations", "Personal Development"),
    "Logistics": ("Operations Management", "Databases"),
    "Architecture and Planning": ("3D and CAD", "Graphic Design"),
    "Computer Games": ("Game Development", "Machine Learning"),
}


@dataclass(frozen=True)
class Taxonomy:
    """Skills are numbered category by category, most popular first: skill = category * per_category + rank.

    names : (skills,) unique names;  aliases : (skills,) tuples of other spellings;
    category, rank, sub_topic : (skills,) integers;  sub_topic_names : (categories, 4);
    words : (categories,) tuples of ordinary nouns a teacher of the category uses.
    """

    names: tuple[str, ...]
    aliases: tuple[tuple[str, ...], ...]
    category: NDArray
    rank: NDArray
    sub_topic: NDArray
    category_names: tuple[str, ...]
    area: NDArray
    area_names: tuple[str, ...]
    sub_topic_names: tuple[tuple[str, ...], ...]
    words: tuple[tuple[str, ...], ...]
    per_category: int


def _rows(name: str) -> list[dict[str, str]]:
    with files("relevance.world").joinpath(name).open(encoding="utf-8", newline="") as handle:
        return list(csv.DictReader(handle))


def _split(text: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in text.split("|") if part.strip())


@cache
def load(per_category: int) -> Taxonomy:
    """The taxonomy with so many skills per category (at most 280). Raises ValueError beyond that."""
    categories = _rows("categories.csv")
    by_sub_topic: dict[str, dict[str, list[dict[str, str]]]] = {}
    for row in _rows("skills.csv"):
        by_sub_topic.setdefault(row["category"], {}).setdefault(row["sub_topic"], []).append(row)
    names: list[str] = []
    aliases: list[tuple[str, ...]] = []
    taken: set[str] = set()
    sub_topic_names = []
    for row in categories:
        groups = by_sub_topic[row["category"]]
        sub_topic_names.append(tuple(groups))
        base = [list(groups.values())[r % SUB_TOPICS][r // SUB_TOPICS] for r in range(sum(map(len, groups.values())))]
        tail = [(skill, facet) for facet in _split(row["facets"]) for skill in base]
        if per_category > len(base) + len(tail):
            raise ValueError(f"world: {per_category} skills per category, but the taxonomy has {len(base) + len(tail)}")
        for skill in base[:per_category]:
            names.append(skill["skill"])
            aliases.append(_split(skill["aliases"]))
        for skill, facet in tail[: max(0, per_category - len(base))]:
            short = _split(skill["aliases"])
            names.append(f"{skill['skill']} {facet}")
            aliases.append((f"{short[0]} {facet}",) if short else ())
    for i, name in enumerate(names):  # a composed name may repeat another category's
        if name.lower() in taken:
            names[i] = f"{name} ({categories[i // per_category]['category']})"
        taken.add(names[i].lower())
    areas = tuple(dict.fromkeys(row["area"] for row in categories))
    rank = np.tile(np.arange(per_category), CATEGORIES)
    return Taxonomy(
        names=tuple(names),
        aliases=tuple(aliases),
        category=np.repeat(np.arange(CATEGORIES), per_category),
        rank=rank,
        sub_topic=rank % SUB_TOPICS,
        category_names=tuple(row["category"] for row in categories),
        area=np.array([areas.index(row["area"]) for row in categories]),
        area_names=areas,
        sub_topic_names=tuple(sub_topic_names),
        words=tuple(_split(row["words"]) for row in categories),
        per_category=per_category,
    )


def taxonomy_of(config: WorldConfig) -> Taxonomy:
    return load(config.skills_per_category)


def function_interest(taxonomy: Taxonomy) -> NDArray:
    """(functions, categories) row-stochastic: what people of a function are interested in."""
    weight = np.full((len(FUNCTIONS), CATEGORIES), 0.15 / CATEGORIES)
    for f, (_, names) in enumerate(FUNCTIONS.values()):
        for name, share in zip(names, (0.43, 0.26, 0.16), strict=True):
            weight[f, taxonomy.category_names.index(name)] += share
    return weight / weight.sum(axis=1, keepdims=True)


def industry_interest(taxonomy: Taxonomy) -> NDArray:
    """(industries, categories) row-stochastic."""
    weight = np.zeros((len(INDUSTRIES), CATEGORIES))
    for i, names in enumerate(INDUSTRIES.values()):
        for name in names:
            weight[i, taxonomy.category_names.index(name)] += 1 / len(names)
    return weight
