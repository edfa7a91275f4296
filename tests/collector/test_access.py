"""A login is carried while it holds, is made anew in time, and its failure stops nothing."""

import logging
import socket
from collections.abc import Mapping

import pytest

from services.collector import access
from services.collector.access import Access, Reply, family_first
from services.collector.venue import Login

SECRET = "never-to-be-seen"


def session(headers: Mapping[str, str], cookies: Mapping[str, str]) -> dict[str, str] | None:
    return {"Cookie": cookies["id"], "X-Who": headers["x-who"]} if "id" in cookies else None


def login(lifetime_s: float = 1800.0) -> Login:
    return Login("edge", "/login", {"key": SECRET}, session, closed="the key was not taken", lifetime_s=lifetime_s)


class Venue:
    """Answers logins in turn, the last answer for ever."""

    def __init__(self, *answers: Reply) -> None:
        self.answers = list(answers)
        self.asked = 0

    async def post(self, login: Login) -> Reply:
        self.asked += 1
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]


GOOD = Reply({"x-who": "me"}, {"id": "abc"})
CARRIED = {"Cookie": "abc", "X-Who": "me"}


async def test_without_a_login_nothing_is_asked_or_carried() -> None:
    venue = Venue(GOOD)
    assert await Access("fake", None, venue.post).headers() == {}
    assert venue.asked == 0


async def test_a_session_is_opened_once_and_carried_while_it_holds() -> None:
    venue = Venue(GOOD)
    one = Access("fake", login(), venue.post)
    assert [await one.headers() for _ in range(3)] == [CARRIED] * 3
    assert venue.asked == 1


async def test_a_session_is_opened_anew_when_its_time_is_over_and_when_the_venue_did_not_take_it() -> None:
    venue = Venue(GOOD)
    short = Access("fake", login(lifetime_s=0.0), venue.post)
    assert [await short.headers() for _ in range(2)] == [CARRIED] * 2
    assert venue.asked == 2
    one = Access("fake", login(), venue.post)
    await one.headers()
    one.forget()
    assert await one.headers() == CARRIED
    assert venue.asked == 4


@pytest.mark.parametrize(
    ("answer", "said"),
    [(Reply({}, {}), "the key was not taken"), (Reply({}, {}, "HTTP 403 from edge.test/login"), "HTTP 403")],
)
async def test_a_login_that_fails_is_said_once_without_the_secret_and_tried_again_later(
    answer: Reply, said: str, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    caplog.set_level(logging.INFO)
    venue = Venue(answer)
    one = Access("fake", login(), venue.post)
    assert [await one.headers() for _ in range(2)] == [{}] * 2
    assert venue.asked == 1  # not at every need
    one.forget()
    assert await one.headers() == {}
    monkeypatch.setattr(access, "AGAIN", 0)
    venue.answers = [answer, answer, GOOD]
    patient = Access("fake", login(), venue.post)
    assert [await patient.headers() for _ in range(3)] == [{}, {}, CARRIED]
    assert caplog.text.count(said) == 2  # once for each of the two
    assert SECRET not in caplog.text


def test_a_secret_is_not_shown_with_the_record() -> None:
    assert SECRET not in repr(login())


async def test_a_host_without_an_address_of_the_fourth_version_is_dialled_as_it_is() -> None:
    assert await family_first("127.0.0.1", 1) == {"family": socket.AF_INET}
    assert await family_first("::1", 1) == {}
