"""Addresses under /api/."""

from django.urls import path

from accounts.api import views

urlpatterns = [
    path("session/", views.SessionView.as_view()),
    path("setup/", views.SetupView.as_view()),
    path("me/", views.MeView.as_view()),
    path("people/", views.PeopleView.as_view()),
    path("invitations/", views.InvitationsView.as_view()),
    path("invitations/<int:pk>/", views.InvitationDetailView.as_view()),
    path("invitations/<str:secret>/", views.InvitationLinkView.as_view()),
    path("invitations/<str:secret>/accept/", views.InvitationAcceptView.as_view()),
    path("tokens/", views.TokensView.as_view()),
    path("tokens/<int:pk>/", views.TokenDetailView.as_view()),
]
