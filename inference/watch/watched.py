"""The watch under way, and what a watch did that no lead has read yet. Reads only."""

from inference.models import Watch, WatchSettings

_ROWS = ("deployment__model_version", "back_to", "hold")


def watch_settings() -> WatchSettings:
    """The one row, or the defaults while nobody has looked at it."""
    return WatchSettings.objects.filter(pk=1).first() or WatchSettings()


def under_way() -> Watch | None:
    """The watch of what routes now."""
    return Watch.objects.filter(ended_at=None).select_related(*_ROWS).first()


def unread() -> Watch | None:
    """The newest watch that found something and that no lead has read."""
    rows = Watch.objects.filter(ended_at__isnull=False, seen_at=None).exclude(found={})
    return rows.select_related(*_ROWS).first()
