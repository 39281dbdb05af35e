"""Django settings: one file, everything that varies comes from the environment, secrets also from files
(``config.secret_files``).

With neither ``DATABASE_URL`` nor ``REDIS_URL`` set, the addresses of the embedded servers are computed
(``config.embedded``); this module starts nothing.
"""

import os
import sys
from pathlib import Path

from csp.constants import NONE, SELF
from django.core.exceptions import ImproperlyConfigured

from config import admin_theme, embedded
from config.environment import env_flag, env_int, secret_file, webhook_url
from ml.container import default_base_model

VERSION = "0.1.0"
BASE_DIR = Path(__file__).resolve().parent.parent
HOME_DIR = Path(os.environ.get("AIGUILLEUR_HOME") or BASE_DIR / "var").resolve()

# --- Security -----------------------------------------------------------------------------------
SECRET_KEY = os.environ.get("SECRET_KEY") or secret_file(HOME_DIR, "secret_key")
DEBUG = env_flag("DEBUG")
DEMO = env_flag("AIGUILLEUR_DEMO")
PUBLIC_URL = os.environ.get("PUBLIC_URL", "")
ALLOWED_HOSTS = [h for h in os.environ.get("ALLOWED_HOSTS", "localhost,127.0.0.1,[::1]").split(",") if h]
CSRF_TRUSTED_ORIGINS = [PUBLIC_URL.rstrip("/")] if PUBLIC_URL else []
_https = PUBLIC_URL.startswith("https://")
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = _https
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = CSRF_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_AGE = 14 * 24 * 3600
SESSION_ENGINE = "accounts.sessions"
AUTHENTICATION_BACKENDS = ["django.contrib.auth.backends.ModelBackend", "accounts.sessions.KnownPerson"]
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if _https else None
SECURE_HSTS_SECONDS = 31_536_000 if _https else 0
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"

# The pages need nothing from outside and no inline script. The admin (unfold: Alpine.js, inline styles) has
# a policy of its own in config.security; it is only for people of the role admin.
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [SELF],
        "img-src": [SELF, "data:"],
        "font-src": [SELF],
        "style-src": [SELF],
        "script-src": [SELF],
        "connect-src": [SELF],
        "object-src": [NONE],
        "base-uri": [SELF],
        "form-action": [SELF],
        "frame-ancestors": [NONE],
    }
}

# --- Applications -------------------------------------------------------------------------------
INSTALLED_APPS = [
    "unfold",
    "unfold.contrib.filters",
    "unfold.contrib.forms",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.humanize",
    "csp",
    "rest_framework",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "django_celery_beat",
    "accounts",
    "annotation",
    "training",
    "inference",
]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "accounts.middleware.PersonalLocaleMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "config.security.PolicyMiddleware",
]
ROOT_URLCONF = "config.urls"
WSGI_APPLICATION = "config.wsgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "config" / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ]
        },
    }
]

# --- Database and broker ------------------------------------------------------------------------
DATABASE_URL = os.environ.get("DATABASE_URL") or embedded.database_url(HOME_DIR)
REDIS_URL = os.environ.get("REDIS_URL") or embedded.redis_url(HOME_DIR)
DATABASES = {
    "default": {
        "ENGINE": "django.db.backends.postgresql",
        "CONN_MAX_AGE": 60,
        "CONN_HEALTH_CHECKS": True,
        **embedded.parse_database_url(DATABASE_URL),
    }
}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

CACHES = {"default": {"BACKEND": "django.core.cache.backends.redis.RedisCache", "LOCATION": REDIS_URL}}
CELERY_BROKER_URL = embedded.broker_url(REDIS_URL)
CELERY_RESULT_BACKEND = None
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_REJECT_ON_WORKER_LOST = True
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BROKER_TRANSPORT_OPTIONS = {"visibility_timeout": 3600}
CELERY_TASK_DEFAULT_QUEUE = "default"
CELERY_TASK_ROUTES = {"inference.tasks.learner_*": {"queue": "learner"}}
CELERY_BEAT_SCHEDULER = "django_celery_beat.schedulers:DatabaseScheduler"
CELERY_TIMEZONE = "UTC"
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_TASK_TIME_LIMIT = 1800

# --- People -------------------------------------------------------------------------------------
AUTH_USER_MODEL = "accounts.User"
PASSWORD_HASHERS = [
    "django.contrib.auth.hashers.Argon2PasswordHasher",
    "django.contrib.auth.hashers.PBKDF2PasswordHasher",
]
PASSWORD_MIN_LENGTH = 10
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {
        "NAME": "django.contrib.auth.password_validation.MinimumLengthValidator",
        "OPTIONS": {"min_length": PASSWORD_MIN_LENGTH},
    },
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
LOGIN_URL = "/login"
CSRF_FAILURE_VIEW = "config.errors.csrf_failure"

# --- Language and time --------------------------------------------------------------------------
LANGUAGE_CODE = os.environ.get("LANGUAGE_CODE", "en")
LANGUAGES = [("en", "English"), ("fr", "Français")]
USE_I18N = True
USE_TZ = True
TIME_ZONE = "UTC"
INSTALLATION_TIME_ZONE = os.environ.get("INSTALLATION_TIME_ZONE", "Europe/Paris")
INSTALLATION_NAME = os.environ.get("INSTALLATION_NAME", "Aiguilleur")

# --- Files --------------------------------------------------------------------------------------
FRONTEND_DIST = Path(os.environ.get("FRONTEND_DIST") or BASE_DIR / "frontend" / "dist")
STATIC_URL = "/static/"
STATIC_ROOT = HOME_DIR / "static"
STATICFILES_DIRS = [FRONTEND_DIST] if FRONTEND_DIST.is_dir() else []
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "whitenoise.storage.CompressedStaticFilesStorage"},
}
WHITENOISE_USE_FINDERS = True
MEDIA_ROOT = HOME_DIR / "uploads"
DATA_UPLOAD_MAX_MEMORY_SIZE = 32 * 1024 * 1024
FILE_UPLOAD_MAX_MEMORY_SIZE = 2 * 1024 * 1024
IMPORT_MAX_BYTES = env_int("IMPORT_MAX_BYTES", 1024 * 1024 * 1024)

# --- API ----------------------------------------------------------------------------------------
REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "accounts.authentication.EnvelopeSessionAuthentication",
        "accounts.authentication.ApiTokenAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": ["accounts.permissions.IsAnnotator"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["config.parsers.BoundedJSONParser"],
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "EXCEPTION_HANDLER": "config.errors.envelope",
    "UNAUTHENTICATED_USER": "django.contrib.auth.models.AnonymousUser",
}
SPECTACULAR_SETTINGS = {
    "TITLE": "Aiguilleur",
    "DESCRIPTION": "Routes support tickets to the right service, or to a person.",
    "VERSION": VERSION,
    "SERVE_INCLUDE_SCHEMA": False,
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "COMPONENT_SPLIT_REQUEST": True,
    "ENUM_ADD_EXPLICIT_BLANK_NULL_CHOICE": False,
    "ENUM_NAME_OVERRIDES": {
        "DeskMode": ["teach", "check"],
        "AnnotationMode": "annotation.models.Mode",
        "AnswerKind": ["label", "none", "two", "skip", "flag"],
        "AnnotationKind": ["label", "none", "two", "skip", "flag", "undo"],
        "Band": ["sure", "hesitating", "lost"],
        "Role": "accounts.models.Role",
        "TicketStatus": "annotation.models.TicketStatus",
        "LabelSource": "annotation.models.LabelSource",
        "LabelUse": "annotation.models.LabelUse",
        "RunState": "training.models.RunState",
        "ImportState": ["waiting", "running", "done", "failed"],
        "TryState": ["ready", "no_model", "starting"],
        "BoxState": ["idle", "waiting", "active", "done", "blocked"],
        "BoxKey": ["label", "train", "evaluate", "observe", "compare", "promote"],
        "Language": ["", "en", "fr"],
        "EscalationReason": "inference.models.EscalationReason",
        "PromotionState": "inference.models.PromotionState",
        "WatchState": "inference.models.WatchState",
        "PersonsAnswerKind": ["label", "two", "none"],
        "TriageKind": ["label", "none", "flag"],
    },
}
UNFOLD = admin_theme.unfold(INSTALLATION_NAME)

# --- Tickets and labels -------------------------------------------------------------------------
KEEP_ORIGINAL_TEXT = env_flag("KEEP_ORIGINAL_TEXT")
AUDIT_SALT = os.environ.get("AUDIT_SALT") or secret_file(HOME_DIR, "audit_salt")
AUDIT_RESERVE_SHARE = float(os.environ.get("AUDIT_RESERVE_SHARE", "0.15"))
WRITTEN_SHARE = float(
    os.environ.get("WRITTEN_SHARE", "0.3")
)  # of a service's rows that experts may have written
LEASE_SECONDS = env_int("LEASE_SECONDS", 180)
TICKET_MAX_CHARS = env_int("TICKET_MAX_CHARS", 1_000_000)
if not 0 <= WRITTEN_SHARE < 1:
    raise ImproperlyConfigured(f"WRITTEN_SHARE={WRITTEN_SHARE}: a share from 0 to below 1 is needed.")

# --- Models and compute -------------------------------------------------------------------------
COMPUTE_BACKEND = os.environ.get("COMPUTE_BACKEND", "local")
COMPUTE_SPOOL = Path(os.environ.get("COMPUTE_SPOOL") or HOME_DIR / "compute")
ARTIFACTS_URI = os.environ.get("ARTIFACTS_URI") or f"file://{HOME_DIR / 'artifacts'}"
SAGEMAKER = {name: value for name, value in os.environ.items() if name.startswith("SAGEMAKER_")}
SNAPSHOTS_DIR = HOME_DIR / "snapshots"
BASE_MODEL = os.environ.get("BASE_MODEL") or str(default_base_model())
TRAIN_SECONDS = env_int("TRAIN_SECONDS", 900)
TRAIN_EPOCHS = env_int("TRAIN_EPOCHS", 6)
TRAIN_NOISE = {  # docs/data-care.md; 0: none
    "noise_share": float(os.environ.get("NOISE_SHARE", "0")),
    "rare_floor": env_int("RARE_FLOOR", 0),
    "class_balance": float(os.environ.get("CLASS_BALANCE", "0")),
}
QUEUE_DEPTH = env_int("QUEUE_DEPTH", 3000)
LEARNER_DEBOUNCE_SECONDS = float(os.environ.get("LEARNER_DEBOUNCE_SECONDS", "0.5"))
LEARNER_STRATEGY = os.environ.get("LEARNER_STRATEGY", "")  # dotted path of a modAL query strategy; "" = ours
AUDIT_LANE_SHARE = float(
    os.environ.get("AUDIT_LANE_SHARE", "0.15")
)  # of what Teach serves, until the audit target
AUDIT_TARGET = env_int("AUDIT_TARGET", 1000)  # until a lead sets the figure on the Loop page
NOVELTY_LANE_SHARE = float(
    os.environ.get("NOVELTY_LANE_SHARE", "0.15")
)  # at most; less once all services are met

OBSERVER_QUEUE = env_int("OBSERVER_QUEUE", 200)  # mirrored tickets that may wait for the candidate
OBSERVER_SECONDS = float(os.environ.get("OBSERVER_SECONDS", "5"))  # that one of its answers may take
DRIFT_WINDOW_DAYS = env_int(
    "DRIFT_WINDOW_DAYS", 7
)  # tickets received since then are compared with earlier ones
DRIFT_CHECK_HOURS = env_int("DRIFT_CHECK_HOURS", 6)
DRIFT_HOLDS = env_flag(
    "DRIFT_HOLDS", True
)  # a broken promise of precision holds its service until a lead has looked

# --- The demo's size: `make demo` fills an empty installation to this point (smaller for the browser tests) ----
DEMO_TICKETS = env_int("DEMO_TICKETS", 10_000)
DEMO_LABELS = env_int("DEMO_LABELS", 260)
DEMO_CONTROLS = env_int("DEMO_CONTROLS", 520)
DEMO_STORY = os.environ.get("DEMO_STORY", "whole")  # "short": it ends with the first version
DEMO_TRAIN_SECONDS = env_int("DEMO_TRAIN_SECONDS", 60)

# --- Live routing -------------------------------------------------------------------------------
# How far trainings, transforms and the assistant give way to live tickets and pages on a shared machine: 0 (not) to 19.
# The workers, the learner's among them, less: its refit is what labels wait for.
BACKGROUND_NICE = env_int("BACKGROUND_NICE", 10)
WORKER_NICE = env_int("WORKER_NICE", 5)
ROUTE_DEADLINE_MS = env_int("ROUTE_DEADLINE_MS", 1000)  # what is not answered by then goes to a person
ROUTE_CONCURRENCY = env_int("ROUTE_CONCURRENCY", 4)  # calls to the model at a time, of each web process
ROUTE_RATE = env_int("ROUTE_RATE", 300)  # tickets a second, of each machine account
RUSH_PER_SECOND = env_int("RUSH_PER_SECOND", 20)  # from so many on, what routed tickets bring is loaded later
ROUTE_WEBHOOK_URL = webhook_url("ROUTE_WEBHOOK_URL")  # told what people decided; "" = the desk asks
ROUTE_WEBHOOK_SECRET = os.environ.get("ROUTE_WEBHOOK_SECRET") or secret_file(HOME_DIR, "webhook_secret")

# Alarms leave the house by mail (ALARM_MAIL_TO and EMAIL_HOST) and by webhook; without them the pages alone tell.
EMAIL_HOST = os.environ.get("EMAIL_HOST", "")
EMAIL_PORT = env_int("EMAIL_PORT", 587)
EMAIL_HOST_USER = os.environ.get("EMAIL_HOST_USER", "")
EMAIL_HOST_PASSWORD = os.environ.get("EMAIL_HOST_PASSWORD", "")
EMAIL_USE_SSL = EMAIL_PORT == 465
EMAIL_USE_TLS = env_flag("EMAIL_USE_TLS", not EMAIL_USE_SSL)
EMAIL_TIMEOUT = 10
DEFAULT_FROM_EMAIL = os.environ.get("EMAIL_FROM", "") or "aiguilleur@localhost"
ALARM_MAIL_TO = [one.strip() for one in os.environ.get("ALARM_MAIL_TO", "").split(",") if one.strip()]
if ALARM_MAIL_TO and not EMAIL_HOST:
    raise ImproperlyConfigured("ALARM_MAIL_TO is set, EMAIL_HOST is not: name the mail server.")
ALARM_WEBHOOK_URL = webhook_url("ALARM_WEBHOOK_URL")
ALARM_WEBHOOK_SECRET = os.environ.get("ALARM_WEBHOOK_SECRET") or secret_file(HOME_DIR, "alarm_webhook_secret")

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "%(asctime)s %(levelname)-7s %(name)s  %(message)s"}},
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "line", "stream": sys.stderr}},
    "root": {"handlers": ["console"], "level": os.environ.get("LOG_LEVEL", "INFO")},
    "loggers": {"django.server": {"level": "WARNING"}, "celery.app.trace": {"level": "WARNING"}},
}
