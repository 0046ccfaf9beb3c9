"""
The peers, each as its documentation configures it.

Bounds and drop policies are set so that everything can be delivered where an
option allows it; everything else stays at its default. What is lost in spite
of that is counted.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from queue import Queue
from typing import Any

from .base import BETTER_STACK, CORALOGIX, HONEYCOMB, Opened, Subject, Target, nothing

ROOM = 1_000_000
"""Records that a peer's queue is given room for, where it has such a setting."""


def _logtail(target: Target) -> list[Opened]:
    from logtail import LogtailHandler

    handler = LogtailHandler("token", host=target.url, buffer_capacity=ROOM)
    return [(handler, handler.flush)]


def _libhoney(target: Target) -> list[Opened]:
    from .thin import open_libhoney

    return [open_libhoney(target, ROOM)]


def _coralogix_logger(target: Target) -> list[Opened]:
    # Documented: a custom endpoint comes from the environment, and is read at the import.
    os.environ["CORALOGIX_LOG_URL"] = f"{target.url}/logs/v1/singles"
    from coralogix.handlers import CoralogixLogger

    return [(CoralogixLogger("key", "benchmarks", "python", region="EU1"), nothing)]


def _opentelemetry(target: Target) -> list[Opened]:
    from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter
    from opentelemetry.instrumentation.logging.handler import LoggingHandler
    from opentelemetry.sdk._logs import LoggerProvider
    from opentelemetry.sdk._logs.export import BatchLogRecordProcessor

    provider = LoggerProvider()
    exporter = OTLPLogExporter(endpoint=f"{target.url}/v1/logs")
    provider.add_log_record_processor(BatchLogRecordProcessor(exporter, max_queue_size=ROOM))
    return [(LoggingHandler(logger_provider=provider), provider.force_flush)]


def _logstash(target: Target) -> list[Opened]:
    from logstash_async.handler import AsynchronousLogstashHandler

    handler = AsynchronousLogstashHandler(target.host, target.logstash_port, database_path=None)
    return [(handler, handler.flush)]


def _watchtower(target: Target) -> list[Opened]:
    import boto3
    from watchtower import CloudWatchLogHandler

    client = boto3.client(
        "logs",
        endpoint_url=target.url,
        region_name="eu-west-1",
        aws_access_key_id="key",
        aws_secret_access_key="secret",
    )
    handler = CloudWatchLogHandler("benchmarks", "stream", boto3_client=client)
    return [(handler, handler.flush)]


def _axiom(target: Target) -> list[Opened]:
    from axiom_py import Client
    from axiom_py.logging import AxiomHandler

    handler = AxiomHandler(Client(token="xaat-key", url=target.url), "benchmarks")
    return [(handler, handler.flush)]


def _google(target: Target) -> list[Opened]:
    from google.auth.credentials import AnonymousCredentials
    from google.cloud.logging import Client, Resource
    from google.cloud.logging.handlers import CloudLoggingHandler

    client = Client(
        project="benchmarks",
        credentials=AnonymousCredentials(),
        client_options={"api_endpoint": target.url},
        _use_grpc=False,
    )
    handler = CloudLoggingHandler(client, resource=Resource(type="global", labels={}))
    return [(handler, handler.flush)]


def _loki(target: Target) -> list[Opened]:
    from logging_loki import LokiQueueHandler

    handler: Any = LokiQueueHandler(
        Queue(-1), url=f"{target.url}/loki/api/v1/push", tags={"app": "benchmarks"}, version="1"
    )
    return [(handler, nothing)]


def _vendor_sdks(target: Target) -> list[Opened]:
    return [*_coralogix_logger(target), *_libhoney(target), *_logtail(target)]


def _peer(
    package: str, load: str, attached: Callable[[Target], list[Opened]], service: str, **more: Any
) -> Subject:
    name = more.pop("name", package)
    packages = more.pop("packages", (package,))
    return Subject(name, "peer", attached, (service,), load=load, packages=packages, **more)


LOGTAIL = _peer(
    "logtail-python",
    "from logtail import LogtailHandler",
    _logtail,
    "betterstack",
    vendor=BETTER_STACK,
    note=f"buffer_capacity={ROOM:,}, so that it neither drops nor blocks",
)
LIBHONEY = _peer(
    "libhoney",
    "import libhoney",
    _libhoney,
    "honeycomb",
    vendor=HONEYCOMB,
    note=f"with a thin handler; Transmission(max_pending={ROOM:,}), so that it neither drops"
    " nor blocks",
)
CORALOGIX_LOGGER = _peer(
    "coralogix_logger",
    "from coralogix.handlers import CoralogixLogger",
    _coralogix_logger,
    "coralogix",
    vendor=CORALOGIX,
    note="sends the message without the extras; its buffer of 12 MB has no setting",
)
OPENTELEMETRY = _peer(
    "opentelemetry-sdk",
    "from opentelemetry.sdk._logs.export import BatchLogRecordProcessor;"
    " from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter;"
    " from opentelemetry.instrumentation.logging.handler import LoggingHandler",
    _opentelemetry,
    "otlp",
    name="OpenTelemetry",
    packages=(
        "opentelemetry-sdk",
        "opentelemetry-exporter-otlp-proto-http",
        "opentelemetry-instrumentation-logging",
        "protobuf",
    ),
    note=f"OTLP over HTTP; max_queue_size={ROOM:,}, so that it does not drop",
)
PEERS = [
    LOGTAIL,
    LIBHONEY,
    CORALOGIX_LOGGER,
    OPENTELEMETRY,
    _peer(
        "python-logstash-async",
        "from logstash_async.handler import AsynchronousLogstashHandler",
        _logstash,
        "logstash",
        patience=14.0,
        share=0.25,
        note="over TCP, cache in memory; it sends every 10 seconds or 50 records; a quarter of"
        " the records",
    ),
    _peer(
        "watchtower",
        "import boto3, watchtower",
        _watchtower,
        "cloudwatch",
        packages=("watchtower", "boto3"),
        note="sends the message without the extras",
    ),
    _peer(
        "axiom-py",
        "from axiom_py.logging import AxiomHandler",
        _axiom,
        "axiom",
        stacks=False,
        note="sends in the call; template and arguments instead of the message, no stacks",
    ),
    _peer(
        "google-cloud-logging",
        "from google.cloud.logging.handlers import CloudLoggingHandler",
        _google,
        "google",
        share=0.25,
        note="over REST instead of gRPC, which would need TLS; without the extras; a quarter"
        " of the records",
    ),
    _peer(
        "python-logging-loki",
        "import logging_loki",
        _loki,
        "loki",
        share=0.1,
        note="LokiQueueHandler: a request for each record, without the extras; a tenth of the"
        " records",
    ),
]
VENDOR_SDKS = Subject(
    "the vendors' three SDKs",
    "peer",
    _vendor_sdks,
    services=("coralogix", "honeycomb", "betterstack"),
    packages=("coralogix_logger", "libhoney", "logtail-python"),
)
