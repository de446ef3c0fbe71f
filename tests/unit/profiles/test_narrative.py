"""Narratives: which are refused, by which rule, and where in the text."""

from __future__ import annotations

from typing import Any

import pytest

from service.profiles.base import check

XHTML = 'xmlns="http://www.w3.org/1999/xhtml"'


def patient(div: str, **members: Any) -> dict[str, Any]:
    """A patient with a narrative."""
    return {"resourceType": "Patient", "id": "p", "text": {"status": "generated", "div": div}, **members}


@pytest.mark.parametrize(
    "body",
    [
        "text",
        '<p class="a" style="color: red">a<br/>b &lt; c &#160;</p>',
        '<table border="1"><caption>c</caption><thead><tr><th>a</th></tr></thead></table>',
        "<table><tbody><tr><td>b</td></tr></tbody></table>",
        "<ul><li>a<ol><li>b</li></ol></li></ul><dl><dt>a</dt><dd>b</dd></dl>",
        '<a href="#there">a</a><p id="there">b</p>',
        '<a href="#there">a</a><a name="there">b</a>',
        '<a href="#p">the patient itself</a>',
        '<a href="http://example.org/x">a</a><img src="http://example.org/a.png" alt="a"/>',
        f"<p {XHTML}>a</p><!-- a remark -->",
    ],
)
def test_a_good_narrative(body: str) -> None:
    """Formatting, tables, lists, images, and links that lead somewhere."""
    assert check(patient(f"<div {XHTML}>{body}</div>")) == []


@pytest.mark.parametrize(
    ("body", "rule", "told"),
    [
        ("<script>x</script>", "txt-1", "<script> is not allowed"),
        ("<form>x</form>", "txt-1", "<form> is not allowed"),
        ("<font>x</font>", "txt-1", "<font> is not allowed"),
        ('<p onclick="x">x</p>', "txt-1", "the attribute onclick of <p> is not allowed"),
        ('<p href="http://example.org">x</p>', "txt-1", "the attribute href of <p> is not allowed"),
        ('<a href=" javascript:x">x</a>', "txt-1", "is a script"),
        ("<p>x", "txt-1", "not XML: mismatched tag"),
        ("a & b", "txt-1", "not XML: not well-formed"),
        ("a&nbsp;b", "txt-1", "not XML: undefined entity"),
        ("<?php x?>a", "txt-1", "processing instruction"),
        ("<p> </p>", "txt-2", "shows nothing"),
        ('<p xmlns="http://example.org">x</p>', "narrative", "namespace"),
        ("<p><table><tr><td>x</td></tr></table></p>", "narrative", "<table> does not belong in a paragraph"),
        ("<table><td>x</td></table>", "narrative", "<td> does not belong in <table>"),
        ("<li>x</li>", "narrative", "<li> belongs in <ol> or <ul>"),
        ("<ul>x</ul>", "narrative", "text does not belong in <ul>"),
        ("<a>x<b><a>y</a></b></a>", "narrative", "another <a>"),
        ('<a href="#nowhere">x</a>', "narrative", "'#nowhere' leads nowhere"),
        ('<img src="#nowhere" alt="x"/>', "narrative", "'#nowhere' leads nowhere"),
    ],
)
def test_a_bad_narrative(body: str, rule: str, told: str) -> None:
    """One fault, one error at the div, of txt-1, txt-2, or the rules of the text of the specification."""
    (issue,) = check(patient(f"<div {XHTML}>{body}</div>"))
    assert (issue.severity, issue.rule, issue.expression) == ("error", rule, ("Patient.text.div",))
    assert told in issue.diagnostics


@pytest.mark.parametrize(
    ("div", "told"),
    [
        ("<div>x</div>", "namespace"),
        ('<div xmlns="http://example.org">x</div>', "namespace"),
        (f"<p {XHTML}>x</p>", "one <div>"),
        (f"<div {XHTML}>x</div><div {XHTML}>y</div>", "second <div>"),
        (f"<div {XHTML}>x</div>y", "outside"),
    ],
)
def test_a_narrative_is_one_div_of_xhtml(div: str, told: str) -> None:
    """narrative.html: a div in the namespace of XHTML, and nothing beside it."""
    (issue,) = check(patient(div))
    assert issue.rule == "narrative"
    assert told in issue.diagnostics


def test_a_document_type_is_refused() -> None:
    """No entity is declared, none is expanded, nothing is fetched."""
    bomb = f'<!DOCTYPE div [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;">]><div {XHTML}>&b;</div>'
    assert [issue.rule for issue in check(patient(bomb))] == ["txt-1"]


def test_the_place_in_the_text_is_told() -> None:
    """Line and column count from 1 within the div."""
    (first, second) = check(patient(f"<div {XHTML}><u>a</u>\n <p>\n  <big><u>b</u></big></p></div>"))
    assert first.diagnostics.startswith("line 1, column 43: ")
    assert second.diagnostics.startswith("line 3, column 8: ")


def test_faults_do_not_fill_the_answer() -> None:
    """Of a long row of faults the first are enough, and what is wrong at the end is still said."""
    issues = check(patient(f"<div {XHTML}>{'<u>a</u>' * 1000}<p></div>"))
    assert len(issues) < 30
    assert "not XML" in issues[-1].diagnostics


def test_an_id_twice_is_a_warning() -> None:
    """A link could not say which is meant."""
    (issue,) = check(patient(f'<div {XHTML}><p id="a">x</p><p id="a">y</p></div>'))
    assert (issue.severity, issue.rule) == ("warning", "narrative")


def test_a_link_leads_to_anything_in_the_resource() -> None:
    """An element, a contained resource, an anchor in the narrative of a section, another entry."""
    link = f'<div {XHTML}><a href="#it">x</a></div>'
    anchor = {"status": "generated", "div": f'<div {XHTML}><p id="it">x</p></div>'}
    for members in (
        {"name": [{"id": "it", "family": "F"}]},
        {
            "contained": [{"resourceType": "Organization", "id": "it", "name": "O"}],
            "managingOrganization": {"reference": "#it"},
        },
    ):
        assert check(patient(link, **members)) == []
    entries = [patient(link), {"resourceType": "Basic", "id": "b", "code": {"text": "c"}, "text": anchor}]
    bundle = {
        "resourceType": "Bundle",
        "type": "collection",
        "entry": [{"fullUrl": f"http://example.org/{e['resourceType']}/{e['id']}", "resource": e} for e in entries],
    }
    assert check(bundle) == []
