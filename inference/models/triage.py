"""The tickets no other is like, as the learner last found them."""

from django.db import models

from annotation.models import Ticket


class LoneTicket(models.Model):
    """One of them; the whole table is replaced at every look at the pool. ``place``: the most alone first."""

    ticket = models.OneToOneField(Ticket, primary_key=True, on_delete=models.CASCADE, related_name="+")
    place = models.PositiveIntegerField()
    outlier = models.FloatField(help_text="Share of the pool that is more ordinary.")
    uncertainty = models.FloatField()

    class Meta:
        ordering = ["place"]

    def __str__(self) -> str:
        return f"{self.place}: ticket {self.ticket_id}"
