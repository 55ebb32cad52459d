"""The changelog has the sections of Keep a Changelog, and short bullets that say a thing once."""

import re
from collections import Counter
from pathlib import Path

import regress
from tests.words import length

TEXT = (Path(__file__).resolve().parents[2] / "CHANGELOG.md").read_text(encoding="utf-8")
BULLETS = re.findall(r"^- (.*)$", TEXT, re.MULTILINE)
SECTIONS = ["Added", "Changed", "Deprecated", "Removed", "Fixed", "Security", "Known issues"]


def test_every_version_has_sections_in_their_order():
    for version in re.split(r"^## ", TEXT, flags=re.MULTILINE)[1:]:
        titles = re.findall(r"^### (.*)$", version, re.MULTILINE)
        assert titles == [title for title in SECTIONS if title in titles]
    assert f"\n## {regress.__version__} – " in TEXT


def test_a_bullet_is_one_line_of_at_most_twenty_five_words():
    assert len(BULLETS) > 100
    assert not [bullet for bullet in BULLETS if length(bullet) > 25]
    assert not re.findall(r"^ +\S.*$", TEXT, re.MULTILINE)  # no bullet goes on in another line


def test_no_bullet_is_repeated():
    assert not [bullet for bullet, times in Counter(BULLETS).items() if times > 1]
