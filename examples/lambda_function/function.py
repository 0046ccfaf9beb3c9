"""
A function of AWS Lambda that delivers what it has logged before it returns.

    $ pip install --target package cxlogging    # and this file, zipped: the handler is
    $ export HONEYCOMB_API_KEY=...              # function.handler
    $ python function.py                        # three calls, as the runtime makes them
"""

import logging
import sys

import cxlogging
from cxlogging.integrations.aws_lambda import flush_logs

log = logging.getLogger("shop")
log.setLevel("INFO")
console = logging.StreamHandler(sys.stderr)
console.setFormatter(logging.Formatter("%(levelname)s: %(message)s"))
log.addHandler(console)
log.addHandler(cxlogging.HoneycombHandler(dataset="shop"))


@flush_logs
def handler(event, context):
    log.info("shipping order %d", event["order"])
    log.info("shipped order %d", event["order"])
    return {"statusCode": 200}


class Context:
    aws_request_id = "i-17"
    function_name = "orders"

    def get_remaining_time_in_millis(self) -> int:
        return 3000


if __name__ == "__main__":
    for number in range(3):
        handler({"order": number}, Context())
