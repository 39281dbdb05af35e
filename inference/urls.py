"""Addresses under /api/."""

from django.urls import path

from inference.api import triage, views

urlpatterns = [
    path("try/", views.TryView.as_view()),
    path("triage/", triage.TriageView.as_view()),
    path("triage/<int:pk>/", triage.TriageTicketView.as_view()),
    path("loop/", views.LoopView.as_view()),
    path("home/", views.HomeView.as_view()),
]
