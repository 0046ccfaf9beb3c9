"""The shortest way; keys come from the environment, as CORALOGIX_API_KEY."""

import logging

import cxlogging

logging.basicConfig(level=logging.INFO, handlers=[cxlogging.CoralogixHandler(domain="eu2")])
log = logging.getLogger("example")

log.info("user %s signed in", "ada", extra={"user": {"id": 7, "plan": "team"}})
