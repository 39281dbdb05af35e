"""Addresses under /api/."""

from django.urls import path

from inference.api import dossier, drift, escalations, judging, observation, promotion, routing, triage, views

urlpatterns = [
    path("try/", views.TryView.as_view()),
    path("triage/", triage.TriageView.as_view()),
    path("triage/<int:pk>/", triage.TriageTicketView.as_view()),
    path("route/", routing.RouteView.as_view()),
    path("route/<path:external_id>/", routing.RoutedView.as_view()),
    path("outcomes/", routing.OutcomesView.as_view()),
    path("escalations/", escalations.EscalationsView.as_view()),
    path("observation/", observation.ObservationView.as_view()),
    path("observation/<int:pk>/share/", observation.ObservationShareView.as_view()),
    path("observation/<int:pk>/stop/", observation.ObservationStopView.as_view()),
    path("observation/<int:pk>/promotion/", promotion.PromotionRequestView.as_view()),
    path("judging/claim/", judging.JudgingClaimView.as_view()),
    path("judging/undo/", judging.JudgingUndoView.as_view()),
    path("judging/<int:pk>/", judging.JudgingView.as_view()),
    path("judging/<int:pk>/release/", judging.JudgingReleaseView.as_view()),
    path("production/", promotion.ProductionView.as_view()),
    path("production/rollback/", promotion.RollbackView.as_view()),
    path("promotions/<int:pk>/dossier/", dossier.DossierView.as_view()),
    path("promotions/<int:pk>/approve/", promotion.PromotionApproveView.as_view()),
    path("promotions/<int:pk>/withdraw/", promotion.PromotionWithdrawView.as_view()),
    path("watches/<int:pk>/read/", promotion.WatchReadView.as_view()),
    path("history/", promotion.HistoryView.as_view()),
    path("drift/", drift.DriftView.as_view()),
    path("drift/<str:kind>/", drift.DriftSeriesView.as_view()),
    path("holds/", drift.HoldsView.as_view()),
    path("holds/<int:pk>/", drift.HoldView.as_view()),
    path("loop/", views.LoopView.as_view()),
    path("home/", views.HomeView.as_view()),
]
