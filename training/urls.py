"""Addresses under /api/."""

from django.urls import path

from training.api import views

urlpatterns = [
    path("runs/", views.RunsView.as_view()),
    path("runs/<int:pk>/", views.RunView.as_view()),
    path("runs/<int:pk>/cancel/", views.RunCancelView.as_view()),
    path("runs/<int:pk>/retry/", views.RunRetryView.as_view()),
    path("models/", views.ModelsView.as_view()),
    path("models/<int:number>/", views.ModelView.as_view()),
    path("models/<int:number>/approval/", views.ModelApprovalView.as_view()),
    path("policy/", views.PolicyView.as_view()),
    path("policy/schedule/", views.ScheduleView.as_view()),
]
