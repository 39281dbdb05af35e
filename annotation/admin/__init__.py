"""People and truth in the Django admin: services, tickets, the queue, what people decided, imports."""

from annotation.admin.imports import ImportRunAdmin, RankingAdmin
from annotation.admin.queue import AnnotationAdmin, QueueItemAdmin
from annotation.admin.services import ServiceAdmin
from annotation.admin.tickets import TicketAdmin

__all__ = [
    "AnnotationAdmin",
    "ImportRunAdmin",
    "QueueItemAdmin",
    "RankingAdmin",
    "ServiceAdmin",
    "TicketAdmin",
]
