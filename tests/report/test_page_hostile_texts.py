"""Texts of a table are only text on a page."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

import regress
from regress.api.report import page, write_report
from regress.errors import DataWarning
from regress.messages import visible
from tests.pages import (
    page_of,
    read,
    strings,
)
from tests.report.situations import (
    normal_rows,
    with_outcome,
)

ATTACK = "</title></style></svg></script><script>alert(1)</script><img src=x onerror=alert(1)><!--"


TEXTS = [
    ATTACK,
    "\" onmouseover=alert(1) x='`&amp;&lt;&#60;",
    "{{ 7 * 7 }}{% raw %}{# #}${x}",
    "a\u202eb\u2067c\u200bd\u00ade\ufefff",
    "bell\x07 escape\x1b[31m next\x85 zero\x00 line\u2028 tab\t end",
    "]]> \\u003cb\\u003e \U0001f600 \U000e0041",
    "| step |",
]


def assert_harmless(html, texts):
    root = read(html)
    for node in root.all():
        for name, value in node.attributes.items():
            assert name in ("aria-label", "title") or "alert(1)" not in value, (name, value)
    shown = "".join(
        part for node in [root, *root.all()] if node.tag not in ("style", "script") for part in strings(node)
    )
    hidden = [c for c in shown if not c.isprintable() and c != "\n"]
    assert hidden == []
    assert [c for c in html if not c.isprintable() and c != "\n"] == []
    policy = [meta.attributes["content"] for meta in root.all("meta") if "http-equiv" in meta.attributes]
    assert len(policy) == 1
    assert policy[0].startswith("default-src 'none'")
    for text in texts:
        assert visible(text) in shown, text
    return root


@pytest.mark.parametrize("text", TEXTS)
def test_names_of_a_table_are_only_text(text, tmp_path):
    random = np.random.default_rng(4)
    frame = pd.DataFrame(random.normal(size=(90, 2)), columns=[text, "x" + text])
    frame["level"] = np.array([text, "a" + text, "b" + text] * 30)
    frame["twice"] = frame[text] * 2.0
    frame["w"] = 1.0 + random.random(90)
    frame["y" + text] = random.normal(size=90)
    frame.loc[3, text] = np.nan
    with pytest.warns(DataWarning):
        fit = regress.fit(frame, "y" + text, missing="drop", weights="w")
    fit = with_outcome(fit, command=f"regress fit '{text}'", source=f"{text}.csv", read_as=f"delimiter {text}")
    root = assert_harmless(page(fit), [text, "y" + text, f"b{text}", f"regress fit '{text}'", f"{text}.csv"])
    assert len(root.all("script")) == 1
    root = assert_harmless(page(fit, [text, "x" + text]), [text])
    fit.save(tmp_path / "m.json")
    assert page(regress.load(tmp_path / "m.json")) == page(fit)


@pytest.mark.usefixtures("without_tensorflow")
@pytest.mark.parametrize("text", TEXTS)
def test_texts_of_a_comparison_and_a_certificate_are_only_text(text):
    random = np.random.default_rng(4)
    frame = pd.DataFrame(random.normal(size=(90, 2)), columns=[text, "x" + text])
    frame["twice"] = frame[text] * 2.0
    frame["y" + text] = random.normal(size=90)
    compared = regress.compare(frame, "y" + text)
    compared = replace(compared, source=f"{text}.csv", verdict=[*compared.verdict, text])
    compared.fits[1] = replace(compared.fits[1], w=None, digits_of=None, note=text, name=f"tool {text}", asked=text)
    assert_harmless(
        page(compared, command=f"regress '{text}'"), [text, "y" + text, f"tool {text}", f"regress '{text}'"]
    )
    claimed = regress.certify(([1.0, 2.0, 3.0], 4.0), frame, "y" + text)
    claimed = replace(claimed, source=f"{text}.csv", space=text)
    assert_harmless(page(claimed, command=f"regress '{text}'"), [text, "y" + text, f"{text}.csv", f"regress '{text}'"])


def test_a_file_name_that_is_no_text_is_written_out(tmp_path):
    fit = with_outcome(regress.fit(*normal_rows()), source="caf\udce9.csv", command="regress fit caf\udce9.csv")
    write_report(fit, tmp_path / "p.html")  # what Python makes of a byte that is no UTF-8
    assert "caf\\udce9.csv" in read((tmp_path / "p.html").read_text(encoding="utf-8")).text


def test_the_policy_allows_the_one_script_by_its_hash():
    import base64
    import hashlib

    root = page_of(*normal_rows())
    digest = base64.b64encode(hashlib.sha256(root.one("script").text.encode()).digest()).decode()
    (policy,) = [m.attributes["content"] for m in root.all("meta") if "http-equiv" in m.attributes]
    assert f"script-src 'sha256-{digest}'" in policy
