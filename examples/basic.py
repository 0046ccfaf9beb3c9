"""The shortest way; keys come from the environment, as CORALOGIX_API_KEY."""

import logging

import cxlogging

log = logging.getLogger("example")
log.setLevel(logging.INFO)
log.addHandler(cxlogging.CoralogixHandler(domain="eu2"))

log.info("user %s signed in", "ada", extra={"user": {"id": 7, "plan": "team"}})
