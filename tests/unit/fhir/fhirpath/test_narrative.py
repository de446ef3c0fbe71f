"""The rules of narratives: https://hl7.org/fhir/R5/narrative.html#xhtml."""

from __future__ import annotations

import pytest

from service.fhir.fhirpath.narrative import MAX_DEPTH, MAX_LENGTH, problem


@pytest.mark.parametrize(
    "text",
    [
        '<div xmlns="http://www.w3.org/1999/xhtml"><p class="a" style="b">text</p></div>',
        '<div><img src="#picture" alt=""/></div>',
        '<div><a href="https://example.org">&lt;&#160;&amp;</a></div>',
        '<div><table><tr><td colspan="2">x</td></tr></table><hr/></div>',
        '<div xml:lang="de" lang="de">x<!-- a remark --></div>',
    ],
)
def test_good_narratives(text: str) -> None:
    """The formatting of HTML, images, links, styles."""
    assert problem(text) is None


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("<div><script>x</script></div>", "<script> is not allowed"),
        ("<div><object/>x</div>", "<object> is not allowed"),
        ("<div><input/>x</div>", "<input> is not allowed"),
        ('<div onclick="x">x</div>', "onclick"),
        ('<div><a href=" java&#10;script:alert(1)">x</a></div>', "is a script"),
        ("<div>x", "mismatched tag"),
        ("<div><p>x</div></p>", "mismatched tag"),
        ("<div>&nbsp;x</div>", "undefined entity"),
        ("<div>\u00a0 </div>", "shows nothing"),
        ("", "shows nothing"),
        ("<div>x</div><?php x?>", "processing instruction"),
        ('<!DOCTYPE div [<!ENTITY a "aaa">]><div>&a;</div>', "not well-formed"),
        ('</narrative><!DOCTYPE x SYSTEM "file:///etc/passwd"><narrative>', "junk|not well-formed"),
        ("<p>" * (MAX_DEPTH + 1) + "x" + "</p>" * (MAX_DEPTH + 1), "nested"),
        ("x" * (MAX_LENGTH + 1), "longer"),
    ],
)
def test_bad_narratives(text: str, message: str) -> None:
    """Nothing active, nothing that is not XML, nothing empty; and nothing that could keep the parser busy."""
    found = problem(text)
    assert found is not None
    assert any(part in found for part in message.split("|"))
