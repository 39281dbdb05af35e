"""How the admin looks. Read by the settings, so nothing here may need the apps."""

from typing import Any


def unfold(name: str) -> dict[str, Any]:
    """The settings of django-unfold; ``name`` is the installation's."""
    return {
        "SITE_TITLE": name,
        "SITE_HEADER": name,
        "SITE_URL": "/",
        "SHOW_HISTORY": True,
        "SITE_SYMBOL": "alt_route",
        "SIDEBAR": {"navigation": "config.admin_pages.navigation"},
        "DASHBOARD_CALLBACK": "config.admin_pages.dashboard",
        "COLORS": {
            "primary": {
                "50": "oklch(0.98 0.02 195)",
                "100": "oklch(0.95 0.04 195)",
                "200": "oklch(0.90 0.07 195)",
                "300": "oklch(0.83 0.09 195)",
                "400": "oklch(0.74 0.10 195)",
                "500": "oklch(0.63 0.10 195)",
                "600": "oklch(0.53 0.09 195)",
                "700": "oklch(0.45 0.08 195)",
                "800": "oklch(0.38 0.06 195)",
                "900": "oklch(0.32 0.05 195)",
                "950": "oklch(0.24 0.04 195)",
            }
        },
    }
