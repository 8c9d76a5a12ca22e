"""Whatever its OpenAPI allows, and more, is asked of the API: it never fails, and answers as it says it does."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from tests.trackerd.rooms import BOX, Site
from trackerd.web import openapi

CHECKS = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]
LEFT = ("/api/stream", "/api/zones/lint")
"""One never ends; the other reckons for seconds in a process of its own."""
EXAMPLES = 12


def test_the_pages_are_typed_by_the_api_as_it_is(capsys: pytest.CaptureFixture[str]) -> None:
    """If this fails: python -m trackerd.web.openapi > trackerd/web/ui/openapi.json."""
    openapi.main()
    kept = Path(openapi.__file__).with_name("ui") / "openapi.json"
    assert capsys.readouterr().out == kept.read_text()


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with Site(tmp_path_factory.mktemp("site")).running() as running:
        running.stand("w01", BOX, datetime.now(UTC) - timedelta(seconds=150))
        running.live(running.client("vera"), lambda live: live["wardens"] and live["wardens"][0]["zones"])
        yield running


def test_no_request_makes_it_fail(site: Site) -> None:
    ada = site.client("ada")
    headers = {
        "X-CSRF-Token": ada.headers["X-CSRF-Token"],
        "Cookie": f"trackerd_session={ada.cookies['trackerd_session']}",
    }
    schema = schemathesis.openapi.from_dict(ada.get("/api/openapi.json").json())
    asked: dict[str, int] = {}
    for result in schema.get_all_operations():
        operation = result.ok()  # type: ignore[union-attr]
        if operation.path in LEFT or (operation.path, operation.method) == ("/api/session", "delete"):
            continue

        def check(case: Any) -> None:
            asked[case.operation.label] = asked.get(case.operation.label, 0) + 1
            case.call_and_validate(base_url=site.url, headers=headers, checks=CHECKS, timeout=20)

        strategy = operation.as_strategy()
        bounded = settings(
            max_examples=EXAMPLES, deadline=None, database=None, derandomize=True,
            phases=[Phase.explicit, Phase.generate], suppress_health_check=list(HealthCheck),
        )  # fmt: skip
        bounded(given(case=strategy)(check))()
    assert len(asked) > 25, asked
    assert site.ready, "the daemon goes on"
