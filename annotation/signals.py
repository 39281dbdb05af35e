"""What annotation tells the layers above it. Sent on commit, with ids only; losing one only costs time."""

from django.dispatch import Signal

#: kwargs: ``ticket_ids: list[int]``. New or changed tickets are in the pool.
tickets_ingested = Signal()

#: kwargs: ``ticket_ids: list[int]``. The resolved label of these tickets came, changed or went.
labels_changed = Signal()

#: kwargs: ``service_ids: list[int]``. Services were added, renamed or switched off.
services_changed = Signal()

#: kwargs: ``ticket_ids: list[int]``. These tickets were erased; whatever holds their text has to let it go.
tickets_erased = Signal()
