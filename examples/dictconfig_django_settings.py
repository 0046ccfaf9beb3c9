"""
The LOGGING of a Django project, to be put into its settings.py.

Django hands it to logging.config.dictConfig, as this script does. Keys come from the
environment; with `cxlogging dev` in another terminal, CXLOGGING_URL alone is enough.
"""

import logging.config

LOGGING = {
    "version": 1,
    # True would silence the loggers of modules that were imported before the settings.
    "disable_existing_loggers": False,
    "handlers": {
        "console": {"class": "logging.StreamHandler"},
        "coralogix": {
            "class": "cxlogging.CoralogixHandler",
            "application_name": "shop",
            "subsystem_name": "django",
            "level": "INFO",
        },
        "honeycomb": {
            "class": "cxlogging.HoneycombHandler",
            "dataset": "shop",
            "fields": {"deployment": "blue"},
        },
        "betterstack": {
            "class": "cxlogging.BetterStackHandler",
            # An application that logs a lot may keep more of it while a vendor is away.
            "buffer_bytes": "128MiB",
        },
    },
    "root": {"level": "INFO", "handlers": ["console", "coralogix", "honeycomb", "betterstack"]},
    "loggers": {
        # "django.request" has 4xx as WARNING and 5xx as ERROR with their traceback, and
        # "django.security" what it refused; both reach the root's handlers by themselves.
        "django.db.backends": {"level": "WARNING"},
        # The development server's line for each request goes to the console alone.
        "django.server": {"level": "INFO", "handlers": ["console"], "propagate": False},
    },
}

if __name__ == "__main__":
    logging.config.dictConfig(LOGGING)
    logging.getLogger("django.request").error("Internal Server Error: %s", "/cart")
    logging.getLogger("shop.cart").info("cart emptied", extra={"user": 7})
    logging.getLogger("django.db.backends").debug("not sent: below WARNING")
