"""Size, seed and constants of the simulated world."""

from dataclasses import dataclass, field
from datetime import date

CHANNELS = ("feed", "home", "email", "profile")
SENIORITIES = ("Entry", "Associate", "Senior", "Manager", "Director", "Executive")
SUBSCRIPTIONS = ("free", "premium", "learning")
DIFFICULTIES = ("Beginner", "Intermediate", "Advanced")
PLATFORMS = ("desktop", "mobile")

FIRST_DATE = date(2024, 1, 1)  # day 0, a Monday
AREAS = 8
CATEGORIES = 40
SUB_TOPICS = 4
COMPANIES = 5000
AUTHORS = 300
HORIZON_DAYS = 14  # days after the log on which experiments may be simulated
PAGES = 8  # a session opens one of this many pages of the ranked list
LIST_LENGTH = 48  # PAGES * the longest slate

# era -> first day of the product history: affinity models, first learned model, retrained model
ERA_B_DAY, ERA_C_DAY = 25, 42


@dataclass(frozen=True)
class ChannelTruth:
    """How members behave in one channel; the weights enter the true click logit."""

    slots: int
    examination: tuple[float, ...]  # probability that a slot is looked at
    intercept: float
    interest: float
    quality: float
    duration: float
    duration_before_redesign: float


CHANNEL_TRUTH = {
    "feed": ChannelTruth(3, (1.0, 0.82, 0.70), -4.75, 4.2, 0.56, -0.55, 0.35),
    "home": ChannelTruth(6, tuple(1 / (1 + 0.12 * s) for s in range(6)), -4.15, 4.0, 0.46, 0.10, 0.10),
    "email": ChannelTruth(4, (1.0, 0.72, 0.56, 0.45), -4.35, 4.0, 0.50, 0.45, 0.45),
    "profile": ChannelTruth(3, (1.0, 0.80, 0.65), -4.55, 4.0, 0.50, 0.10, 0.10),
}


@dataclass(frozen=True)
class WorldConfig:
    """One simulated world. Two equal configurations give byte-identical tables.

    members, courses, days : counts, >= 1;  seed : any non-negative integer.
    The remaining fields are the constants of the ground truth and of the logging policy.
    """

    seed: int = 7
    members: int = 20_000
    courses: int = 1_000
    days: int = 60
    # activity: sessions a day are log-normal over members
    activity_mean: float = 0.30
    activity_sigma: float = 1.10
    # logging policy
    slot_exploration: float = 0.05
    random_sessions: float = 0.04
    page_decay: float = 0.80
    # interests
    stale_topic: float = 0.30
    switching_members: float = 0.30
    new_members: float = 0.10
    # ground truth of the click logit
    member_propensity_sd: float = 1.12
    sub_topic_weight: float = 1.6
    area_taste_sd: float = 0.25
    topic_taste_sd: float = 0.64
    course_function_weight: float = 0.70
    seniority_weight: float = 0.12
    novelty_weight: float = 0.25
    weekday_weight: float = 0.50
    mobile_duration_weight: float = -0.20
    redesign_day: int = 42
    season_sd: float = 0.35
    fatigue_weight: float = 0.0  # per log(1 + earlier impressions of the same course)
    # autoplay
    watch_mean: float = 1.7
    watch_sd: float = 0.85
    watch_relevance: float = 0.35
    watch_noise: float = 0.55
    # e-mail
    open_rate: float = 0.10
    context_effect: float = 1.0
    channels: dict[str, ChannelTruth] = field(default_factory=lambda: dict(CHANNEL_TRUTH), hash=False)

    def __post_init__(self) -> None:
        for name, low in (("members", 50), ("courses", 100), ("days", 14), ("seed", 0)):
            if getattr(self, name) < low:
                raise ValueError(f"world: {name} = {getattr(self, name)}, but it must be at least {low}")

    @property
    def skills_per_category(self) -> int:
        return max(25, round(4 * self.courses / CATEGORIES))

    @property
    def skills(self) -> int:
        return CATEGORIES * self.skills_per_category

    @property
    def candidates(self) -> int:
        """Courses that the learned policies of the product history may rank."""
        return max(LIST_LENGTH, round(0.15 * self.courses))
