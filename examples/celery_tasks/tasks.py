"""
Celery as it comes: each record of a task has the task's id and the request id of its caller.

    $ pip install cxlogging celery
    $ export HONEYCOMB_API_KEY=...        # or CXLOGGING_URL of `cxlogging dev`
    $ celery --app tasks worker --concurrency 2
    $ python tasks.py
"""

import logging
import logging.config
import pathlib

from celery import Celery
from celery.utils.log import get_task_logger

import cxlogging
from cxlogging.integrations.celery import setup

logging.config.dictConfig(
    {
        "version": 1,
        "disable_existing_loggers": False,
        "handlers": {"vendor": {"class": "cxlogging.HoneycombHandler", "dataset": "shop"}},
        "root": {"level": "INFO", "handlers": ["vendor"]},
    }
)
for folder in ("queue", "control"):  # a broker made of files: take Redis or RabbitMQ for more
    pathlib.Path(folder).mkdir(exist_ok=True)
app = Celery("tasks", broker="filesystem://")
app.conf.broker_transport_options = {
    "data_folder_in": "queue",
    "data_folder_out": "queue",
    "control_folder": "control",
}
setup(app)
log = get_task_logger(__name__)


@app.task(bind=True, max_retries=3, default_retry_delay=0)
def ship(self, order: int) -> None:
    cxlogging.bind(order=order)
    log.info("shipping order %d", order)
    if order == 3 and self.request.retries < 2:
        log.warning("the warehouse does not answer")
        raise self.retry()
    logging.getLogger("shop").info("shipped order %d", order)


if __name__ == "__main__":
    with cxlogging.bound(request_id="r-17"):
        for number in range(8):
            ship.delay(number)
