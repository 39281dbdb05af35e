"""axe-core on an open page: the accessibility rules that a machine can check."""

from functools import cache

from playwright.sync_api import Page

from tests.config.processes import ROOT

SOURCE = ROOT / "frontend" / "node_modules" / "axe-core" / "axe.min.js"
TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]


@cache
def _source() -> str:
    return SOURCE.read_text()


def violations(page: Page) -> list[str]:
    """What axe finds, a line each: rule, what it means, where.

    The script goes in through the debugger, not through the page: the content security policy stays as served.
    """
    page.evaluate(f"{_source()}; 0")
    found = page.evaluate(
        "tags => axe.run(document, {runOnly: {type: 'tag', values: tags}, resultTypes: ['violations']})", TAGS
    )
    return [
        f"{rule['id']}: {rule['help']} at {node['target']} ({node['html'][:160]})"
        for rule in found["violations"]
        for node in rule["nodes"][:4]
    ]
