"""Addresses: the API under /api/, the admin under /admin/, and the pages everywhere else."""

from django.contrib import admin
from django.urls import include, path, re_path
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerView
from rest_framework.permissions import AllowAny

from accounts.permissions import IsAnnotator
from config import admin_french, pages

admin_french.put_in()

urlpatterns = [
    path("healthz", pages.health),
    path("admin/", admin.site.urls),
    path("api/schema/", SpectacularAPIView.as_view(permission_classes=[AllowAny]), name="schema"),
    path("api/docs/", SpectacularSwaggerView.as_view(permission_classes=[IsAnnotator])),
    path("api/", include("accounts.urls")),
    path("api/", include("annotation.urls")),
    path("api/", include("training.urls")),
    path("api/", include("inference.urls")),
    re_path(r"^api/", pages.no_such_api),
    re_path(r"^static/", pages.no_such_file),
    re_path(r"^(?!admin/).*$", pages.page),
]

handler400 = "config.errors.bad_request"
handler404 = "config.errors.not_found"
handler500 = "config.errors.server_error"
