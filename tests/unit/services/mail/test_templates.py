"""The texts of mails: complete in each language, replaceable file by file, and never made of what users typed."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from backstay.errors import BackstayError, ConfigurationError
from backstay.services.mail.templates import NAMES, PARTS, Templates, negotiate

VALUES: dict[str, str | int] = {
    "link": "https://app.example/verify?token=t0k3n&type=signup",
    "code": "123456",
    "address": "alice@example.com",
    "new_address": "alice@example.org",
    "app_name": "Harbour",
    "minutes": 10,
    "hours": 1,
}


def without(*names: str) -> dict[str, str | int]:
    return {name: value for name, value in VALUES.items() if name not in names}


@pytest.fixture(scope="module")
def templates() -> Templates:
    return Templates((), "en")


def put(folder: Path, file: str, text: str) -> None:
    (folder / file).parent.mkdir(parents=True, exist_ok=True)
    (folder / file).write_text(text, "utf-8")


@pytest.mark.parametrize("language", ["en", "de"])
@pytest.mark.parametrize("name", NAMES)
def test_every_mail_is_written_in_every_language(templates: Templates, name: str, language: str) -> None:
    subject, text, html = templates.render(name, language, VALUES)
    assert "Harbour" in subject
    assert "\n" not in subject
    assert f'lang="{language}"' in html
    for part in (text, html):
        assert "alice@example" in part
        assert "{" not in part
        assert "None" not in part
    if name not in ("reauthentication", "known_address"):
        assert str(VALUES["link"]) in text
        assert 'href="https://app.example/verify?token=t0k3n&amp;type=signup"' in html


@pytest.mark.parametrize("name", NAMES)
def test_languages_differ(templates: Templates, name: str) -> None:
    english, german = (templates.render(name, language, VALUES) for language in ("en", "de"))
    assert all(one != other for one, other in zip(english, german, strict=True))


@pytest.mark.parametrize("language", ["en", "de"])
@pytest.mark.parametrize("name", NAMES)
def test_html_loads_nothing_from_elsewhere(templates: Templates, name: str, language: str) -> None:
    html = templates.render(name, language, VALUES)[2].lower()
    assert not re.search(r"\bsrc=|<(img|link|script|iframe|form|object)\b|url\(|@import", html)
    # With the link itself taken out, no address of the web is left.
    assert "http" not in html.replace("https://app.example", "")


@pytest.mark.parametrize("left_out", ["link", "code"])
@pytest.mark.parametrize("name", ["confirmation", "magic_link", "recovery", "invite", "email_change"])
def test_a_mail_holds_a_link_a_code_or_both(templates: Templates, name: str, left_out: str) -> None:
    _, text, html = templates.render(name, "en", without(left_out))
    kept = "t0k3n" if left_out == "code" else "123456"
    gone = "123456" if left_out == "code" else "t0k3n"
    assert kept in text
    assert kept in html
    assert gone not in text + html


def test_a_notice_names_the_new_address_only_when_there_is_one(templates: Templates) -> None:
    assert "alice@example.org" in templates.render("security_notice", "en", VALUES)[1]
    assert "example.org" not in templates.render("security_notice", "en", without("new_address", "link"))[1]


def test_a_missing_value_fails_rather_than_leaving_a_gap(templates: Templates) -> None:
    with pytest.raises(BackstayError) as caught:
        templates.render("confirmation", "en", without("app_name"))
    assert caught.value.code == "internal_error"


@pytest.mark.parametrize(
    "typed", ["{{7*7}}", "{{ link }}", "{% raw %}", "${7*7}", "%(link)s", "{link}", "#{7*7}"]
)
@pytest.mark.parametrize("name", NAMES)
def test_what_a_user_typed_is_text_and_no_template(templates: Templates, name: str, typed: str) -> None:
    values = {**VALUES, "address": typed, "new_address": typed, "app_name": typed}
    for part in templates.render(name, "en", values):
        assert typed in part
        assert "49" not in part


def test_what_a_user_typed_is_no_markup_either(templates: Templates) -> None:
    hostile = "\"><script>alert(1)</script>'"
    for name in NAMES:
        html = templates.render(name, "en", dict.fromkeys(VALUES, hostile))[2]
        assert "<script" not in html
        assert 'href=""' not in html


def test_a_subject_is_one_line_whatever_its_values_are(templates: Templates) -> None:
    subject, _, _ = templates.render(
        "confirmation", "en", {**VALUES, "app_name": "A\r\nBcc: eve@example.com"}
    )
    assert subject.splitlines() == [subject]


def test_a_project_replaces_single_files(tmp_path: Path) -> None:
    put(tmp_path, "de/invite.subject.txt", "Komm zu {{ app_name }}!\n")
    put(tmp_path, "layout.html", "<b>ours</b>{% block body %}{% endblock %}")
    subject, text, html = Templates([tmp_path], "en").render("invite", "de", VALUES)
    assert subject == "Komm zu Harbour!"
    assert "eingeladen" in text
    assert html.startswith("<b>ours</b>")


def test_a_project_adds_a_language_and_what_it_lacks_comes_whole_in_the_default(tmp_path: Path) -> None:
    for part in PARTS:
        put(tmp_path, f"fr/invite.{part}", "Bienvenue")
    put(tmp_path, "fr/recovery.txt", "Bonjour")
    templates = Templates([tmp_path], "de")
    assert templates.render("invite", "fr-CA", VALUES)[0] == "Bienvenue"
    subject, text, _ = templates.render("recovery", "fr", VALUES)
    assert subject == "Passwort zurücksetzen für Harbour"
    assert "Bonjour" not in text


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("{% if %}", "Expected"),
        ("{{ user.password }}", "no value 'user'"),
        ("{{ link|nothing }}", "No filter"),
    ],
)
def test_a_broken_template_is_found_at_start(tmp_path: Path, text: str, reason: str) -> None:
    put(tmp_path, "en/invite.txt", text)
    with pytest.raises(ConfigurationError, match=reason) as caught:
        Templates([tmp_path], "en")
    assert "en/invite.txt" in str(caught.value)


def test_a_template_cannot_reach_into_python(tmp_path: Path) -> None:
    put(tmp_path, "en/invite.txt", "{{ ''.__class__.__mro__ }}")
    with pytest.raises(BackstayError):
        Templates([tmp_path], "en").render("invite", "en", VALUES)


def test_the_default_language_has_to_be_complete(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="'fr'"):
        Templates([], "fr")
    put(tmp_path, "fr/invite.txt", "Bienvenue")
    with pytest.raises(ConfigurationError, match=r"fr/confirmation\.html is missing"):
        Templates([tmp_path], "fr")


def test_a_default_language_with_a_region_is_that_language() -> None:
    assert "eingeladen" in Templates([], "de-AT").render("invite", None, VALUES)[1]


@pytest.mark.parametrize(
    ("field", "language"),
    [
        ("de", "de"),
        ("DE-at", "de"),
        ("de_DE", "de"),
        ("fr, de;q=0.5, en;q=0.8", "en"),
        ("fr;q=0.9,de;q=0.8", "de"),
        ("pt-BR", "pt-br"),
        ("pt", "en"),
        ("de;q=0", "en"),
        ("de;q=nan", "en"),
        ("de;q=1e9", "en"),
        ("de;level=1", "en"),
        ("*", "en"),
        ("", "en"),
        (None, "en"),
        ("../../etc", "en"),
        (",,;;=,", "en"),
        ("fr-" * 60 + ",de", "de"),
        ("x," * 150 + "de", "en"),
    ],
)
def test_the_language_that_fits_best(field: str | None, language: str) -> None:
    assert negotiate(field, ["en", "de", "pt-br"], "en") == language
