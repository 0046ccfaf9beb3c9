"""
A small shop on Flask and SQLite, with a thread that packs what was ordered.

It logs with the standard library, and does not know where its records go.
"""

from __future__ import annotations

import logging
import queue
import sqlite3
import statistics
import threading
import time
from typing import Any

from flask import Blueprint, Flask, abort, current_app, g, jsonify, request

log = logging.getLogger("shop")
pages = Blueprint("shop", __name__)

SCHEMA = """
PRAGMA journal_mode = WAL;
CREATE TABLE items (id INTEGER PRIMARY KEY, name TEXT, price REAL, stock INTEGER);
CREATE TABLE ratings (item INTEGER, stars INTEGER);
CREATE TABLE orders (id INTEGER PRIMARY KEY, item INTEGER, quantity INTEGER, customer TEXT);
INSERT INTO items VALUES
    (1, 'teapot', 24.5, 100000), (2, 'kettle', 39.0, 100000), (3, 'café press', 31.9, 100000),
    (4, 'whisk', 7.25, 40), (5, 'strainer', 4.8, 100000);
INSERT INTO ratings VALUES (1, 5), (1, 4), (2, 3), (3, 5), (4, 4);
"""


def create_app(database: str) -> Flask:
    """Return the shop, with its tables in the file *database*."""
    app = Flask(__name__)
    app.config["DATABASE"] = database
    with sqlite3.connect(database) as connection:
        connection.executescript(SCHEMA)
    connection.close()
    app.extensions["packer"] = Packer(database)
    app.register_blueprint(pages)
    app.teardown_appcontext(_disconnect)
    return app


@pages.get("/items")
def items() -> Any:
    """List what is for sale."""
    rows = _db().execute("SELECT id, name, price FROM items ORDER BY name").fetchall()
    log.info("listed %d items", len(rows))
    return jsonify([dict(row) for row in rows])


@pages.get("/items/<int:number>")
def item(number: int) -> Any:
    """Show one item."""
    row = _db().execute("SELECT * FROM items WHERE id = ?", (number,)).fetchone()
    if row is None:
        log.warning("no item %d", number, extra={"referrer": request.headers.get("Referer")})
        abort(404)
    return jsonify(dict(row))


@pages.get("/items/<int:number>/rating")
def rating(number: int) -> Any:
    """Show the mean of an item's ratings; fails for an item without ratings, by design."""
    rows = _db().execute("SELECT stars FROM ratings WHERE item = ?", (number,)).fetchall()
    return jsonify(stars=statistics.mean(row["stars"] for row in rows))


@pages.post("/orders")
def order() -> Any:
    """Take an order, and have it packed."""
    began = time.perf_counter()
    wanted = request.get_json()
    database = _db()
    with database:
        taken = database.execute(
            "UPDATE items SET stock = stock - :quantity WHERE id = :item AND stock >= :quantity",
            wanted,
        ).rowcount
        if not taken:
            log.warning("item %d is sold out", wanted["item"], extra={"wanted": wanted["quantity"]})
            abort(409)
        number = database.execute(
            "INSERT INTO orders (item, quantity, customer) VALUES (:item, :quantity, :customer)",
            wanted,
        ).lastrowid
    log.info(
        "order %d placed",
        number,
        extra={
            "order": {"id": number, "item": wanted["item"], "quantity": wanted["quantity"]},
            "customer": wanted["customer"],
            "card_token": wanted["card_token"],
            "duration_ms": round((time.perf_counter() - began) * 1000, 2),
        },
    )
    current_app.extensions["packer"].put(number)
    return jsonify(id=number), 201


class Packer:
    """Packs orders on its own thread."""

    def __init__(self, database: str) -> None:
        self._database = database
        self._orders: queue.Queue[int | None] = queue.Queue()
        self._thread = threading.Thread(target=self._work, name="packing", daemon=True)
        self._thread.start()

    def put(self, number: int) -> None:
        """Queue the order *number*."""
        self._orders.put(number)

    def drain(self) -> None:
        """Wait until all orders are packed."""
        self._orders.join()

    def close(self) -> None:
        """Pack what is left, and end the thread."""
        self._orders.put(None)
        self._thread.join()

    def _work(self) -> None:
        connection = sqlite3.connect(self._database)
        connection.row_factory = sqlite3.Row
        while (number := self._orders.get()) is not None:
            try:
                _pack(connection, number)
            except Exception:
                log.exception("order %d cannot be packed", number)
            self._orders.task_done()
        connection.close()


def _pack(connection: sqlite3.Connection, number: int) -> None:
    row = connection.execute(
        "SELECT name, quantity, stock FROM orders JOIN items ON item = items.id"
        " WHERE orders.id = ?",
        (number,),
    ).fetchone()
    parcel = {"item": row["name"], "quantity": row["quantity"]}
    log.info("order %d packed", number, extra={"parcel": parcel})
    if row["stock"] < 10:
        log.warning("%s: %d left", row["name"], row["stock"])


def _db() -> sqlite3.Connection:
    if "db" not in g:
        g.db = sqlite3.connect(current_app.config["DATABASE"])
        g.db.row_factory = sqlite3.Row
        g.db.execute("PRAGMA synchronous = NORMAL")
    connection: sqlite3.Connection = g.db
    return connection


def _disconnect(error: BaseException | None) -> None:
    del error
    connection = g.pop("db", None)
    if connection is not None:
        connection.close()
