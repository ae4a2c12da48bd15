"""What is installed is what constraints.txt pins, under licences that let a platform use it; run, it prints them."""

import re
import subprocess
import sys
import tomllib
from importlib import metadata

from conftest import ROOT

# by the names that packages give them; of several, one has to be here
LICENCES = r"MIT|BSD|0BSD|Apache|MPL-2\.0|Mozilla Public License 2\.0|PSF|Python Software Foundation|Artistic|Zlib|CC0"
PINS = re.findall(r"^([\w.-]+)==(\S+)", (ROOT / "constraints.txt").read_text(), flags=re.M)
SPARK_PINS = re.findall(r"^([\w.-]+)==(\S+)", (ROOT / "constraints-spark.txt").read_text(), flags=re.M)


def normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def licence_of(package: str) -> str:
    """The licence that a package states: its expression, else its classifiers, else the first line of its text."""
    stated = metadata.metadata(package)
    classifiers = [c.split("::")[-1].strip() for c in stated.get_all("Classifier", []) if c.startswith("License")]
    return stated.get("License-Expression") or "; ".join(classifiers) or stated.get("License", "").split("\n")[0]


def test_every_package_is_pinned_and_no_pin_names_where_it_comes_from():
    text = (ROOT / "constraints.txt").read_text()
    assert not re.search(r"://|--| @ ", text)
    lines = [line for line in text.splitlines() if line and not line.startswith("#")]
    assert len(PINS) == len(lines) > 50
    assert dict(PINS)["dbt-core"].startswith("1.11.")  # later ones download at the installation
    assert len(SPARK_PINS) == len((ROOT / "constraints-spark.txt").read_text().splitlines())
    pinned = {normal(name): version for name, version in PINS}
    of_spark = {normal(name) for name, _ in SPARK_PINS}
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    groups = [project["dependencies"], *project["optional-dependencies"].values()]
    asked = {normal(re.match(r"[\w.-]+", name)[0]) for group in groups for name in group}
    assert asked - set(pinned) - of_spark == set()
    for name, version in pinned.items():
        assert metadata.version(name) == version, name
    installed = {normal(found.metadata["Name"]) for found in metadata.distributions()}
    assert installed - set(pinned) - of_spark - {"pip", "setuptools", "wheel"} == set()


def test_nothing_of_spark_is_loaded_without_it():
    loaded = "import sys, relevance.learners.glmix, relevance.scoring, relevance.raw; print('pyspark' in sys.modules)"
    assert subprocess.check_output([sys.executable, "-c", loaded], cwd=ROOT / "models_py", text=True) == "False\n"


def test_every_package_has_a_licence_that_lets_a_platform_use_it():
    others = {name: licence_of(name) for name, _ in PINS if not re.search(LICENCES, licence_of(name))}
    assert others == {}


if __name__ == "__main__":
    for name, version in PINS:
        print(f"{name:<28}{version:<14}{licence_of(name)}")
