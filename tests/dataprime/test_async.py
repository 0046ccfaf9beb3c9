"""The asynchronous client: the same answers, and cancelled calls leave nothing behind."""

from __future__ import annotations

import asyncio
import gc
import inspect
import socket
import ssl
import subprocess
import sys
import threading
import time

import pytest
import trustme

from cxlogging.dataprime import (
    AsyncDataPrimeClient,
    AsyncJob,
    AsyncRowStream,
    AuthenticationError,
    Clock,
    CxQueryWarning,
    DataPrimeClient,
    Job,
    QueryError,
    RowStream,
)
from cxlogging.dataprime.aio.threads import MAX_BUFFERED
from cxlogging.errors import ConfigurationError

from .conftest import KEY
from .service import ID, QUERY_ID, STATISTICS, Reply, line, log, result, statistics, whole
from .test_jobs import SUCCESS

WAIT = 10.0


def threads():
    return [each for each in threading.enumerate() if each.name == "cxlogging-query"]


async def until(holds):
    """Return whether *condition* becomes true in time."""
    for _ in range(int(WAIT / 0.005)):
        if holds():
            return True
        await asyncio.sleep(0.005)
    return False


async def gone():
    """Return whether all threads of queries end soon."""
    return await until(lambda: not threads())


@pytest.fixture
def ask(service):
    """Run a coroutine of a client; no thread of a query may be left afterwards."""

    def run(body, **arguments):
        async def main():
            async with AsyncDataPrimeClient(KEY, url=service.url, **arguments) as client:
                outcome = await body(client)
            assert await gone()
            return outcome

        return asyncio.run(main())

    return run


def test_a_query_gives_all_rows_and_what_was_said(service, ask):
    """query() returns the same result as the synchronous client."""
    service.will_say(whole(log(1), log(2)))

    found = ask(lambda client: client.query("source logs", since="1h", limit=5))

    assert [row["number"] for row in found] == [1, 2]
    assert found.query_id == ID
    assert found.statistics.e2e_duration_ms == 260
    assert service.bodies[0]["metadata"]["limit"] == 5


def test_rows_are_there_before_the_answer_ends(service, ask):
    """A row is returned while the service has not sent the next one."""
    seen = threading.Event()
    service.will_say(Reply([QUERY_ID, result(log(1)), seen, result(log(2)), STATISTICS]))

    async def body(client):
        numbers = []
        async with client.stream("source logs") as rows:
            async for row in rows:
                numbers.append(row["number"])
                seen.set()
            return numbers, rows.query_id, rows.statistics.status, rows.truncated

    assert ask(body) == ([1, 2], ID, "COMPLETED", False)


def test_many_queries_run_side_by_side(service, ask):
    """Twelve streams are open at once; none waits for another."""
    together = threading.Barrier(12, timeout=WAIT)

    def answer(asked):
        together.wait()
        return whole(log(int(asked.body["query"].split()[-1])))

    service.rule = answer

    async def body(client):
        asked = (client.query(f"source logs | limit {n}") for n in range(1, 13))
        return [found[0]["number"] for found in await asyncio.gather(*asked)]

    assert ask(body) == list(range(1, 13))


def test_calls_one_after_another_share_one_connection(service, ask):
    """Fifty awaited calls open one connection, as those of the synchronous client do."""
    service.rule = lambda asked: whole(log(1))

    async def body(client):
        return [len(await client.query("source logs")) for _ in range(50)]

    assert ask(body) == [1] * 50
    assert service.connections == 1


def test_tasks_never_disturb_each_other(service, ask):
    """A thousand submissions of four tasks: a thousand answers, each sent once."""
    service.rule = lambda asked: Reply(line({"queryId": asked.body["query"], "warnings": []}))

    async def body(client):
        async def task(own):
            asked = [f"source logs | limit {own * 1_000 + n}" for n in range(1, 251)]
            jobs = [await client.submit(query, start="1h", end="now") for query in asked]
            return [job.query_id for job in jobs] == asked

        return await asyncio.gather(*map(task, range(4)))

    assert ask(body) == [True] * 4
    assert len({body["query"] for body in service.bodies}) == len(service.bodies) == 1_000
    assert service.connections <= 4


def test_a_cancelled_call_leaves_the_connections_of_others_alone(service, ask):
    """While one task waits for its job between two requests and is cancelled, others go on."""

    def answer(asked):
        running = {"submittedAt": "2025-01-20T00:00:00", "running": {}}
        return Reply(line(running)) if asked.path.endswith("/status") else whole(log(1))

    service.rule = answer

    async def body(client):
        for _ in range(20):
            seen = asyncio.Event()
            waiting = asyncio.ensure_future(
                client.job("job-1").wait(on_progress=lambda _, seen=seen: seen.set())
            )
            await seen.wait()
            # This call takes the connection that the waiting one has used.
            query = asyncio.ensure_future(client.query("source logs"))
            await asyncio.sleep(0)
            waiting.cancel()
            assert len(await query) == 1
        return service.connections

    assert ask(body, retry_budget=0.0) <= 4


def test_a_long_answer_is_read_no_faster_than_it_is_wanted(service, ask):
    """Where the consumer stops, only a limited number of rows is read ahead."""
    pieces = [result(*(log(n) for n in range(300)))] * 33

    async def body(client):
        async with client.stream("source logs", limit=15_000) as rows:
            await anext(aiter(rows))
            await until(lambda: len(rows._feed._rows) >= MAX_BUFFERED)
            return len(rows._feed._rows), len([row async for row in rows])

    service.will_say(Reply([QUERY_ID, *pieces, STATISTICS]))
    waiting, rest = ask(body)

    assert waiting == MAX_BUFFERED
    assert rest == 33 * 300 - 1


def test_errors_are_those_of_the_client(service, ask):
    """query() raises a refusal, and a stream raises it at its first row."""
    service.rule = lambda asked: Reply(b'{"message":"bad key"}', status=401)

    async def body(client):
        with pytest.raises(AuthenticationError, match="bad key"):
            await client.query("source logs")
        with pytest.raises(AuthenticationError, match="bad key"):
            await anext(aiter(client.stream("source logs")))
        with pytest.raises(ConfigurationError, match="limit takes 1 to 15000"):
            client.stream("source logs", limit=0)

    ask(body)


def test_an_error_in_mid_stream_comes_after_the_rows(service, ask):
    """Rows that were read are returned, then the error is raised, then the stream ends."""
    service.will_say(Reply([QUERY_ID, result(log(1)), line({"error": {"message": "broke"}})]))

    async def body(client):
        rows = client.stream("source logs")
        assert (await anext(rows))["number"] == 1
        with pytest.raises(QueryError, match="broke"):
            await anext(rows)
        return [row async for row in rows]

    assert ask(body) == []


def test_a_limit_is_told_at_the_line_that_asked(service, ask):
    """There is one warning, and it names the file of the caller."""
    service.rule = lambda asked: Reply(
        [QUERY_ID, line({"warning": {"blocksLimitWarning": {}}}), result(log(1)), STATISTICS]
    )

    async def body(client):
        with pytest.warns(CxQueryWarning) as by_query:
            await client.query("source logs")
        with pytest.warns(CxQueryWarning) as by_stream:
            assert [row async for row in client.stream("source logs")]
        with pytest.warns(CxQueryWarning) as by_export:
            await client.stream("source logs").to_dicts()
        return [*by_query, *by_stream, *by_export]

    told = ask(body)
    assert [each.filename for each in told] == [__file__] * 3


def test_a_split_window_tells_its_progress_on_the_loop(service, ask):
    """on_progress is called on the event loop's thread, once for each part."""
    answers = iter([Reply([QUERY_ID, result(log(9)), statistics(scan=True)])])
    service.rule = lambda asked: next(answers, whole(log(1, "2025-01-20T00:00:00.5")))
    told = []

    async def body(client):
        window = {"start": "2025-01-20T00:00:00Z", "end": "2025-01-20T01:00:00Z"}
        await client.query(
            "source logs",
            **window,
            split_on_limit=True,
            on_progress=lambda part: told.append((threading.current_thread(), part.done)),
        )

    ask(body)
    assert told == [(threading.main_thread(), 0.5), (threading.main_thread(), 1.0)]


def test_a_background_query_from_submission_to_rows(service, ask):
    """submit, status, wait, results and cancel, each awaited."""
    documents = {
        "background-query": {"queryId": "job-1", "warnings": ["slow"]},
        "background-query/status": SUCCESS,
        "background-query/cancel": {},
        "background-query/data": {"response": {"results": {"results": [log(7)]}}},
    }
    service.rule = lambda asked: Reply(line(documents[asked.path.split("dataprime/")[1]]))
    told = []

    async def body(client):
        job = await client.submit("source logs", start="1h", end="now", name="report")
        await job.wait(timeout=5, on_progress=told.append)
        with pytest.warns(CxQueryWarning, match="the service warns: slow"):
            rows = [row["number"] async for row in job.results()]
        same = client.job(job.query_id)
        await same.cancel()
        return job.warnings[0].message, rows, (await same.status()).state.value, repr(job)

    assert ask(body) == ("slow", [7], "succeeded", "<AsyncJob job-1>")
    assert [each.finished for each in told] == [True]


def test_exports_are_awaited(service, ask, tmp_path):
    """Exporting a stream to a file does not block the event loop."""
    service.rule = lambda asked: whole(log(1), log(2))

    async def body(client):
        count = await client.stream("source logs").to_jsonl(tmp_path / "rows.jsonl")
        table = await client.stream("source logs").to_csv(tmp_path / "rows.csv")
        return count, table, len(await client.stream("source logs").to_dicts())

    assert ask(body) == (2, 2, 2)
    assert len((tmp_path / "rows.jsonl").read_text().splitlines()) == 2
    assert (tmp_path / "rows.csv").read_text().startswith("timestamp,severity,")


class Hanging:
    """A service that says *said* to each request and then nothing more, and notes who hangs up."""

    def __init__(self, said=b"", context=None):
        self.said, self.context = said, context
        self.heard, self.left = threading.Event(), threading.Event()
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http{'s' if context else ''}://127.0.0.1:{self.listener.getsockname()[1]}"
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        while True:
            try:
                sock, _ = self.listener.accept()
            except OSError:
                return
            with (
                sock
                if self.context is None
                else self.context.wrap_socket(sock, server_side=True) as line_
            ):
                got = b""
                while not got.endswith(b"}") and (more := line_.recv(65536)):
                    got += more
                if not got:
                    continue
                line_.sendall(self.said)
                self.heard.set()
                try:
                    while line_.recv(65536):
                        pass
                except OSError:
                    pass
                self.left.set()

    def close(self):
        self.listener.close()


HEAD = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
FIRST = QUERY_ID + result(log(1))
SAID = {
    "before its head": b"",
    "after its head": HEAD,
    "in the middle": HEAD + b"%x\r\n%b\r\n" % (len(FIRST), FIRST),
}


async def cancelled(coroutine, heard):
    task = asyncio.ensure_future(coroutine)
    await asyncio.to_thread(heard.wait, WAIT)
    await asyncio.sleep(0)
    task.cancel()
    began = time.monotonic()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert time.monotonic() - began < WAIT / 2


async def consume(client):
    async for _ in client.stream("source logs"):
        pass


@pytest.mark.parametrize("said", SAID.values(), ids=SAID.keys())
@pytest.mark.parametrize("how", ["query", "stream", "export"])
def test_a_cancelled_task_closes_its_connection(how, said):
    """Cancelling a call while the service is silent closes the connection and ends the thread."""
    service = Hanging(said)

    async def main():
        async with AsyncDataPrimeClient(KEY, url=service.url) as client:
            work = {
                "query": lambda: client.query("source logs"),
                "stream": lambda: consume(client),
                "export": lambda: client.stream("source logs").to_dicts(),
            }[how]()
            await cancelled(work, service.heard)
            return await asyncio.to_thread(service.left.wait, WAIT), await gone()

    try:
        assert asyncio.run(main()) == (True, True)
    finally:
        service.close()


def test_a_cancelled_task_closes_its_encrypted_connection(tmp_path):
    """Cancelling a call closes a TLS connection too."""
    authority = trustme.CA()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    service = Hanging(SAID["in the middle"], context)

    async def main():
        async with AsyncDataPrimeClient(KEY, url=service.url) as client:
            client._client._http._session.verify = str(tmp_path / "ca.pem")
            await cancelled(consume(client), service.heard)
            return await asyncio.to_thread(service.left.wait, WAIT), await gone()

    try:
        assert asyncio.run(main()) == (True, True)
    finally:
        service.close()


def test_a_task_that_is_cancelled_before_there_is_a_connection_sends_nothing(monkeypatch):
    """A call that is cancelled while its host name is resolved sends no request."""
    service = Hanging()
    looking, found = threading.Event(), threading.Event()
    look_up = socket.getaddrinfo

    def slow(*arguments, **named):
        looking.set()
        found.wait(WAIT)
        return look_up(*arguments, **named)

    async def main():
        async with AsyncDataPrimeClient(KEY, url=service.url) as client:
            await cancelled(client.query("source logs"), looking)
            found.set()
            return await gone()

    monkeypatch.setattr(socket, "getaddrinfo", slow)
    try:
        assert asyncio.run(main())
        assert not service.heard.is_set()
    finally:
        service.close()


def test_a_wait_between_two_tries_is_cancelled_too(service):
    """A query that is cancelled while it waits for a rate limit is not sent again."""
    asked = threading.Event()

    def answer(_):
        asked.set()
        return Reply(status=429, headers={"Retry-After": "30"})

    service.rule = answer

    async def main():
        async with AsyncDataPrimeClient(KEY, url=service.url) as client:
            await cancelled(client.query("source logs"), asked)
            return await gone()

    assert asyncio.run(main())
    assert len(service.asked) == 1


def test_leaving_or_forgetting_a_stream_closes_its_connection():
    """A stream that is left half read, or garbage collected, leaves no thread and no connection."""
    service = Hanging(SAID["in the middle"])

    async def main():
        async with AsyncDataPrimeClient(KEY, url=service.url) as client:
            async with client.stream("source logs") as rows:
                await anext(aiter(rows))
            closed = await asyncio.to_thread(service.left.wait, WAIT)
            service.left.clear()
            rows = client.stream("source logs")
            await anext(aiter(rows))
            del rows
            gc.collect()
            return closed, await asyncio.to_thread(service.left.wait, WAIT), await gone()

    try:
        assert asyncio.run(main()) == (True, True, True)
    finally:
        service.close()


def test_closing_the_client_ends_what_runs():
    """A query that runs while the client is closed raises; its rows do not look complete."""
    service = Hanging(SAID["in the middle"])

    async def main():
        client = AsyncDataPrimeClient(KEY, url=service.url)
        rows = client.stream("source logs")
        await anext(rows)
        query = asyncio.ensure_future(client.query("source logs"))
        waiting = asyncio.ensure_future(anext(rows))
        await asyncio.sleep(0.05)
        await client.close()
        with pytest.raises(QueryError):
            await waiting
        with pytest.raises(QueryError):
            await query
        return await gone()

    try:
        assert asyncio.run(main())
    finally:
        service.close()


def test_rows_cut_by_closing_the_client_are_no_whole_answer(service):
    """Rows of a background query have no end marker: ending them early is an error."""
    held = threading.Event()
    row = line({"response": {"results": {"results": [log(7)]}}})

    def answer(asked):
        if asked.path.endswith("/data"):
            return Reply([row, held], ends="closed")
        return Reply(line(SUCCESS))

    service.rule = answer

    async def main():
        client = AsyncDataPrimeClient(KEY, url=service.url)
        rows = client.job("job-1").results()
        await anext(rows)
        waiting = asyncio.ensure_future(anext(rows))
        await asyncio.sleep(0)
        await client.close()
        with pytest.raises(QueryError, match="was closed"):
            await waiting
        return await gone()

    assert asyncio.run(main())
    held.set()


def names(kind):
    return {name for name in vars(kind) if not name.startswith("_")}


def test_the_names_are_those_of_the_client():
    """The asynchronous classes have the public names and arguments of the synchronous ones."""
    assert names(DataPrimeClient) - {"mount"} == names(AsyncDataPrimeClient)
    assert names(Job) == names(AsyncJob)
    exports = {"to_dicts", "to_jsonl", "to_csv", "to_pandas", "to_polars", "to_arrow", "close"}
    assert exports <= names(AsyncRowStream)
    assert exports <= set(dir(RowStream))
    sync = inspect.signature(DataPrimeClient.__init__).parameters.keys()
    twin = inspect.signature(AsyncDataPrimeClient.__init__).parameters.keys()
    assert sync - twin == {"session"}
    for name in ("query", "stream", "submit", "job"):
        theirs = inspect.signature(getattr(DataPrimeClient, name)).parameters
        assert inspect.signature(getattr(AsyncDataPrimeClient, name)).parameters == theirs


def test_the_key_and_the_clock(service, time):
    """No repr shows the key; relative times use the caller's clock."""
    service.will_say(whole(log(1)))

    async def main():
        clock = Clock(now=time.clock.now)
        async with AsyncDataPrimeClient(KEY, url=service.url, clock=clock) as client:
            assert KEY not in repr(vars(client))
            assert repr(client) == f"<AsyncDataPrimeClient {service.url}>"
            await client.query("source logs", since="1h")

    asyncio.run(main())
    assert service.bodies[0]["metadata"]["startDate"] == "2025-01-19T23:00:00Z"


def test_importing_the_query_client_does_not_import_asyncio():
    """Importing the synchronous client does not import asyncio."""
    code = (
        "import sys, cxlogging.dataprime; sys.exit('cxlogging.dataprime.aio.client' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
