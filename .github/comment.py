"""Keep one comment of a pull request up to date: the body comes on standard input.

Its first line is the hidden marker by which the comment of an earlier run is found; only a comment
of the job's own account counts, so that nobody else's is overwritten. Needs nothing but Python and
the job's environment: GITHUB_TOKEN, GITHUB_REPOSITORY, GITHUB_API_URL, PULL_REQUEST.
"""

from __future__ import annotations

import json
import os
import sys
import urllib.error
import urllib.request
from collections.abc import Mapping
from typing import Any

PER_PAGE = 100
"""Comments in one answer: the most that GitHub gives."""
TIMEOUT_S = 30
"""For one request."""
ACCOUNT = "github-actions[bot]"
"""Who writes with a job's token; COMMENT_ACCOUNT names another."""


def main(environment: Mapping[str, str], body: str) -> str:
    """Write the comment; returns what was done.

    Raises:
        SystemExit: the body has no marker, or GitHub refused.
    """
    marker = body.partition("\n")[0]
    if not marker.startswith("<!-- pairwise-preview "):
        raise SystemExit("There is no comment on standard input: see the preview job's log.")
    repository = f"/repos/{environment['GITHUB_REPOSITORY']}"
    comments = f"{repository}/issues/{environment['PULL_REQUEST']}/comments"
    account = environment.get("COMMENT_ACCOUNT", ACCOUNT)
    page, found = 1, None
    while found is None:
        listed = call(environment, "GET", f"{comments}?per_page={PER_PAGE}&page={page}")
        mine = [c for c in listed if c["user"]["login"] == account]
        found = next((c for c in mine if c["body"].partition("\n")[0].strip() == marker), None)
        if len(listed) < PER_PAGE:
            break
        page += 1
    if found is None:
        call(environment, "POST", comments, {"body": body})
        return "written"
    call(environment, "PATCH", f"{repository}/issues/comments/{found['id']}", {"body": body})
    return "replaced"


def call(
    environment: Mapping[str, str], method: str, path: str, content: dict[str, str] | None = None
) -> Any:
    """One request to GitHub's API; returns its answer.

    Raises:
        SystemExit: it was refused.
    """
    request = urllib.request.Request(
        environment.get("GITHUB_API_URL", "https://api.github.com") + path,
        method=method,
        data=json.dumps(content).encode() if content is not None else None,
        headers={
            "Accept": "application/vnd.github+json",
            "Authorization": f"Bearer {environment['GITHUB_TOKEN']}",
            "Content-Type": "application/json",
        },
    )
    try:
        with urllib.request.urlopen(request, timeout=TIMEOUT_S) as answer:
            return json.load(answer)
    except urllib.error.HTTPError as error:
        raise SystemExit(
            f"GitHub refused {method} {path} ({error.code} {error.reason}): "
            "see that the job has the permission pull-requests: write."
        ) from error


if __name__ == "__main__":
    print(f"comment {main(os.environ, sys.stdin.read())}")
