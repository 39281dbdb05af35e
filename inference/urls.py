"""Addresses under /api/."""

from django.urls import path

from inference.api import drift, escalations, routing, triage, views

urlpatterns = [
    path("try/", views.TryView.as_view()),
    path("triage/", triage.TriageView.as_view()),
    path("triage/<int:pk>/", triage.TriageTicketView.as_view()),
    path("route/", routing.RouteView.as_view()),
    path("route/<path:external_id>/", routing.RoutedView.as_view()),
    path("outcomes/", routing.OutcomesView.as_view()),
    path("escalations/", escalations.EscalationsView.as_view()),
    path("drift/", drift.DriftView.as_view()),
    path("drift/<str:kind>/", drift.DriftSeriesView.as_view()),
    path("holds/", drift.HoldsView.as_view()),
    path("holds/<int:pk>/", drift.HoldView.as_view()),
    path("loop/", views.LoopView.as_view()),
    path("home/", views.HomeView.as_view()),
]
