"""The cast: Alice and Bob answer tickets, Lea leads. Django's models load only once pytest has set it up."""

from typing import Any

import pytest


@pytest.fixture
def alice(db: None) -> Any:
    from tests import factories

    return factories.person("alice")


@pytest.fixture
def bob(db: None) -> Any:
    from tests import factories

    return factories.person("bob")


@pytest.fixture
def lea(db: None) -> Any:
    from tests import factories

    return factories.person("lea", "lead")


@pytest.fixture
def delivery(db: None) -> Any:
    from tests import factories

    return factories.service("Delivery")


@pytest.fixture
def billing(db: None) -> Any:
    from tests import factories

    return factories.service("Billing")
