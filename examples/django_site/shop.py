"""
A Django site in one file, each of whose records knows its request, route and user.

    $ pip install cxlogging django gunicorn uvicorn
    $ export BETTER_STACK_SOURCE_TOKEN=... BETTER_STACK_INGESTING_HOST=...
    $ python shop.py runserver --noreload 8000
    $ python shop.py runserver 8000
    $ gunicorn --workers 2 --bind 127.0.0.1:8000 shop:wsgi
    $ uvicorn --port 8000 shop:asgi
    $ curl --header 'X-Request-ID: r-17' http://127.0.0.1:8000/orders/17
"""

import logging
import sys

from django.conf import settings
from django.core.asgi import get_asgi_application
from django.core.management import execute_from_command_line
from django.core.wsgi import get_wsgi_application
from django.http import Http404, HttpRequest, JsonResponse
from django.urls import path

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "%(levelname)s: %(message)s"}},
    "filters": {"access": {"()": "cxlogging.integrations.server_logs.AccessFields"}},
    "handlers": {
        "console": {"class": "logging.StreamHandler", "formatter": "line"},
        "vendor": {"class": "cxlogging.BetterStackHandler", "sigterm": True, "filters": ["access"]},
    },
    "root": {"level": "INFO", "handlers": ["console", "vendor"]},
    "loggers": {
        "django": {"handlers": [], "level": "INFO"},
        "django.server": {"handlers": [], "level": "INFO", "propagate": True},
    },
}
if not settings.configured:
    settings.configure(
        ROOT_URLCONF=__name__,
        SECRET_KEY="for this example alone",
        ALLOWED_HOSTS=["127.0.0.1"],
        MIDDLEWARE=["cxlogging.integrations.django.ContextMiddleware"],
        CXLOGGING={"access_log": True},
        LOGGING=LOGGING,
    )
log = logging.getLogger("shop")


def order(request: HttpRequest, number: int) -> JsonResponse:
    log.info("looking for order %d", number, extra={"request": request})
    if number > 1000:
        raise Http404(f"there is no order {number}")
    return JsonResponse({"order": number})


def fails(request: HttpRequest) -> None:
    raise LookupError("the warehouse does not answer")


urlpatterns = [path("orders/<int:number>", order), path("fails", fails)]
wsgi, asgi = get_wsgi_application(), get_asgi_application()
if __name__ == "__main__":
    execute_from_command_line(sys.argv)
