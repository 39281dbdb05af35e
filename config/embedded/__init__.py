"""PostgreSQL and Redis for one machine, from wheels, with no installation.

Importing this package is cheap and starts nothing: `database_url`, `redis_url`, `broker_url` and
`parse_database_url` are pure computations, used by `config.settings` in every process. One owner
process (`python -m config.embedded run`, the first of the process manager) starts and stops both servers.
"""

from config.embedded.locations import (
    ConfigurationError,
    broker_url,
    database_url,
    home_dir,
    parse_database_url,
    redis_url,
    socket_dir,
)

__all__ = [
    "ConfigurationError",
    "broker_url",
    "database_url",
    "home_dir",
    "parse_database_url",
    "redis_url",
    "socket_dir",
]
