"""Screenshots on demand: `SHOTS=folder pytest -m e2e` keeps a picture of what the tests see."""

import os
import re
from pathlib import Path

from playwright.sync_api import Page


def shoot(page: Page, name: str, *, whole: bool = False) -> None:
    """Keep a picture of the page as `<SHOTS>/<name>.png`; does nothing without SHOTS. `whole`: beyond the fold."""
    folder = os.environ.get("SHOTS")
    if not folder:
        return
    page.evaluate("document.activeElement?.tagName === 'A' && document.activeElement.blur()")
    Path(folder).mkdir(parents=True, exist_ok=True)
    file = re.sub(r"[^\w.-]+", "-", name.lower()).strip("-")
    page.screenshot(path=Path(folder) / f"{file}.png", full_page=whole)
