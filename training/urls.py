"""Addresses under /api/."""

from django.urls import path

from training.api import evaluations, gate, snapshots, test_sets, views

urlpatterns = [
    path("runs/", views.RunsView.as_view()),
    path("runs/<int:pk>/", views.RunView.as_view()),
    path("runs/<int:pk>/cancel/", views.RunCancelView.as_view()),
    path("runs/<int:pk>/retry/", views.RunRetryView.as_view()),
    path("models/", views.ModelsView.as_view()),
    path("models/<int:number>/", views.ModelView.as_view()),
    path("models/compare/", evaluations.CompareView.as_view()),
    path("models/<int:number>/evaluation/", evaluations.VersionReportView.as_view()),
    path("models/<int:number>/threshold/", evaluations.OutlookView.as_view()),
    path("models/<int:number>/tickets/", evaluations.AnsweredView.as_view()),
    path("models/<int:number>/gate/", gate.VersionGateView.as_view()),
    path("models/<int:number>/gate/override/", gate.OverrideView.as_view()),
    path("evaluations/", evaluations.HeadlinesView.as_view()),
    path("evaluations/effort/", evaluations.EffortView.as_view()),
    path("test-sets/", test_sets.TestSetsView.as_view()),
    path("test-sets/<int:pk>/", test_sets.TestSetView.as_view()),
    path("gate/", gate.GateView.as_view()),
    path("models/<int:number>/approval/", views.ModelApprovalView.as_view()),
    path("policy/", views.PolicyView.as_view()),
    path("policy/schedule/", views.ScheduleView.as_view()),
    path("snapshots/", snapshots.SnapshotsView.as_view()),
    path("snapshots/<str:fingerprint>/", snapshots.OneSnapshotView.as_view()),
    path("snapshots/<str:fingerprint>/rows/", snapshots.SnapshotRowsView.as_view()),
    path("snapshots/<str:fingerprint>/export/", snapshots.SnapshotExportView.as_view()),
    path("snapshots/<str:fingerprint>/restore/", snapshots.SnapshotRestoreView.as_view()),
    path("snapshots/<str:fingerprint>/train/", snapshots.SnapshotTrainView.as_view()),
    path("snapshots/<str:fingerprint>/compare/<str:other>/", snapshots.SnapshotComparisonView.as_view()),
    path(
        "snapshots/<str:fingerprint>/compare/<str:other>/<str:kind>/", snapshots.SnapshotChangesView.as_view()
    ),
]
