"""Addresses under /api/."""

from django.urls import path

from annotation.api import export, imports, queue, services, tickets, written

urlpatterns = [
    path("services/", services.ServicesView.as_view()),
    path("services/<int:pk>/", services.ServiceView.as_view()),
    path("queue/claim/", queue.ClaimView.as_view()),
    path("queue/heartbeat/", queue.HeartbeatView.as_view()),
    path("queue/release/", queue.ReleaseView.as_view()),
    path("queue/submit/", queue.SubmitView.as_view()),
    path("queue/undo/", queue.UndoView.as_view()),
    path("queue/progress/", queue.ProgressView.as_view()),
    path("tickets/", tickets.TicketsView.as_view()),
    path("tickets/facets/", tickets.FacetsView.as_view()),
    path("tickets/export/", export.ExportView.as_view()),
    path("tickets/<int:pk>/", tickets.TicketView.as_view()),
    path("tickets/<int:pk>/similar/", tickets.SimilarView.as_view()),
    path("tickets/<int:pk>/label/", tickets.RelabelView.as_view()),
    path("tickets/<int:pk>/reopen/", tickets.ReopenView.as_view()),
    path("written/", written.WrittenView.as_view()),
    path("written/read/", written.ReadFileView.as_view()),
    path("written/nearest/", written.NearestView.as_view()),
    path("written/<int:pk>/", written.OneWrittenView.as_view()),
    path("imports/", imports.ImportsView.as_view()),
    path("imports/preview/", imports.PreviewView.as_view()),
    path("imports/<int:pk>/", imports.ImportView.as_view()),
]
