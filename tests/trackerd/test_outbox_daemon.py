"""The whole daemon with real receivers: who hangs holds up nobody, who was away is told all, by commands too."""

from __future__ import annotations

import signal
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from tests.receivers import mailbox, web
from tests.servers import Mosquitto, free_port, publish, until
from tests.trackerd.test_cli import trackerd
from tests.trackerd.test_daemon import Installation, Listener, recently, visit

SET_ASIDE = "SELECT event.id FROM event JOIN trouble USING (seq) WHERE route = 'desk' AND dead"
REST = "[privacy]\nrequire_duty = false\n"


def hook(name: str, url: str, more: str = "") -> str:
    return f'[[notify]]\nkind = "webhook"\nname = "{name}"\nurl = "{url}"\n{more}'


def post(port: int, more: str = "") -> str:
    return (
        f'[[notify]]\nkind = "mail"\nname = "post"\nhost = "localhost"\nport = {port}\ntls = "none"\n'
        f'from = "t@asse.be"\nto = ["c@asse.be"]\nlanguage = "nl"\n{more}'
    )


@pytest.fixture
def heard(mosquitto: Mosquitto) -> Any:
    made = Listener(mosquitto.port)
    yield made
    made.client.disconnect()
    made.client.loop_stop()


def test_who_hangs_holds_up_nobody(tmp_path: Path, mosquitto: Mosquitto, heard: Listener) -> None:
    with web() as hung, web() as well, mailbox() as box:
        hung.answer = hung.hang
        rest = REST + hook("hung", hung.url) + hook("well", well.url) + post(box.port, 'types = ["zone.enter"]\n')
        town = Installation(tmp_path, mosquitto.port, rest=rest)
        messages = visit(recently())
        with town.daemon() as daemon:
            publish(mosquitto.port, "owntracks/w07/phone", *messages[:24])
            until(lambda: heard.events("zone.enter"), lambda: town.said)
            until(lambda: hung.came, "it hangs")
            publish(mosquitto.port, "owntracks/w07/phone", *messages[24:])
            until(lambda: town.count("fix") == len(messages), lambda: town.said)
            until(lambda: well.ids and box.mails, lambda: town.said)
            daemon.send_signal(signal.SIGTERM)
            assert daemon.wait(10) == 0
        assert hung.taken == []
        assert well.taken[0].event == heard.events("zone.enter")[0]
        assert box.subjects[0].startswith("Aangekomen: Probleembox Markt, ")
        waiting = town.rows("SELECT route, count(*) FROM outbox GROUP BY route")
        assert waiting == [("hung", town.count("event"))]


def test_killed_before_or_after_it_is_marked_a_webhook_is_told_again_under_the_same_id(
    tmp_path: Path, mosquitto: Mosquitto
) -> None:
    with web() as server:
        town = Installation(tmp_path, mosquitto.port, rest=REST + hook("desk", server.url))
        town.config.write_text(town.config.read_text().replace("[mqtt]\n", '[mqtt]\nprefix = "quiet"\n'))
        messages = visit(recently())
        with town.daemon():
            pass
        for point in ("before-mark", "after-mark"):
            publish(mosquitto.port, "owntracks/w07/phone", *messages)
            with town.daemon(point) as daemon:
                daemon.wait(30)
                assert daemon.returncode == -signal.SIGKILL, town.said
        with town.daemon():
            until(lambda: town.count("event") and town.count("outbox") == 0, lambda: town.said, 20)
        ids = [row[0] for row in town.rows("SELECT id FROM event ORDER BY seq")]
        assert list(dict.fromkeys(server.ids)) == ids
        assert max(Counter(server.ids).values()) <= 3


def test_away_refused_and_sent_again(tmp_path: Path, mosquitto: Mosquitto) -> None:
    def refuse(_handler: object, _request: object) -> int:
        return 403

    with web(refuse) as server:
        rest = REST + hook("desk", server.url) + hook("gone", f"http://localhost:{free_port()}/")
        town = Installation(tmp_path, mosquitto.port, rest=rest)
        with town.daemon():
            publish(mosquitto.port, "owntracks/w07/phone", *visit(recently()))
            until(lambda: town.count("trouble") >= 2, lambda: town.said)
            until(lambda: server.came, lambda: town.said)
            listed = trackerd("notify", "list", "--config", town.config).stdout
            assert "Forbidden" in listed
            assert "refused" in listed
            assert "zone.enter" in listed
            said = trackerd("notify", "test", "desk", "--config", town.config, code=3).stderr
            assert "not delivered: answered 403 Forbidden; it would be set aside at once" in said
            server.answer = lambda _handler, _request: 200
            assert "desk: delivered" in trackerd("notify", "test", "desk", "--config", town.config).stderr
            assert "trackerd.test" in {request.event["type"] for request in server.taken}
        dead = [row[0] for row in town.rows(SET_ASIDE)]
        with town.daemon():
            said = trackerd("notify", "resend", "--route", "desk", "--config", town.config).stderr
            assert f"{len(dead)} letters wait again" in said
            until(lambda: set(dead) <= set(server.ids), lambda: town.said, 60)


def test_the_commands_say_what_is_wrong(tmp_path: Path) -> None:
    town = Installation(tmp_path, 1883, rest=REST + hook("desk", "http://localhost:1/", 'secret_file = "gone"\n'))
    said = trackerd("notify", "test", "nobody", "--config", town.config, code=1).stderr
    assert "no [[notify]] has the name 'nobody'; there are: desk" in said
    said = trackerd("notify", "test", "desk", "--config", town.config, code=1).stderr
    assert "notify desk: secret_file gone: no such file or directory" in said
    assert "has the daemon run yet" in trackerd("notify", "list", "--config", town.config, code=3).stderr
    assert "has the daemon run yet" in trackerd("notify", "resend", "--config", town.config, code=3).stderr
    assert "secret_file gone" in trackerd("run", "--config", town.config, code=3).stderr
