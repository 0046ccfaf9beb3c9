"""What the command line and the local server's page know about a vendor."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, ClassVar, Generic, TypeVar

from ..wire.destination import Destination
from ..wire.http import Endpoint, Secret

D = TypeVar("D", bound=Destination)

TRACE_FIELDS = frozenset({"exception", "exception.stacktrace", "stack_info"})
"""Fields that hold a stack trace: they are shown as text, below an event."""


@dataclass(frozen=True)
class Setting:
    """
    One argument of a handler, as it is in effect.

    Attributes:
        name: The argument's name.
        value: Its value; empty where there is none.
        variables: The environment variables that it is read from, in order.
        default: Its value where nobody gives one.
        is_secret: Whether the value must not be shown.
        source: The argument or variable that gave the value, where that is known.
    """

    name: str
    value: str
    variables: tuple[str, ...] = ()
    default: str = ""
    is_secret: bool = False
    source: str = ""


@dataclass(frozen=True)
class Remark:
    """
    What the settings alone tell: a fact, or a mistake where there is a *cure*.

    Attributes:
        topic: What it is about.
        text: The fact or the mistake.
        cure: What to do about the mistake.
    """

    topic: str
    text: str
    cure: str = ""


@dataclass(frozen=True)
class CommandOption:
    """
    An option of ``cxlogging send`` that is an argument of one vendor's handler.

    Attributes:
        name: Without its dashes.
        argument: The handler's argument.
        help: A sentence, without its end.
    """

    name: str
    argument: str
    help: str


@dataclass(frozen=True)
class SampleRequest:
    """
    A request with one event, as a person may send it with curl.

    Attributes:
        path: Absolute, percent-encoded.
        credential_header: The header that carries the key, up to the key, such as
            ``"Authorization: Bearer "``.
        body: A JSON value.
    """

    path: str
    credential_header: str
    body: Any


class Profile(ABC, Generic[D]):
    """
    What is known of a vendor beside how its requests look.

    Attributes:
        variables: By argument of the handler the variables that it is read from.
        required: Arguments without which nothing is sent.
        own_fields: Fields that the handler writes into events.
        own_context: Names within the field ``context`` that the handler writes.
        key_prefix: A regular expression for the part of a key that tells its kind and is no
            secret.
        send_options: Options of ``cxlogging send`` for this vendor alone.
        send_example: An example for its help.
        demo_arguments: Arguments of the handler in the demo.
        key_option: The option of ``cxlogging dev`` that names a key to accept.
        key_word: What the vendor calls such a key.
        compression_undocumented: Whether the vendor leaves open if it accepts compressed bodies,
            so that ``cxlogging dev`` has an option to refuse them.
        billed: By what the vendor bills logs, as a sentence without its end.
    """

    variables: Mapping[str, tuple[str, ...]]
    required: tuple[str, ...]
    own_fields: frozenset[str]
    own_context: frozenset[str] = frozenset()
    key_prefix = ""
    send_options: tuple[CommandOption, ...] = ()
    send_example: str
    demo_arguments: ClassVar[Mapping[str, str]] = MappingProxyType({})
    key_option: str
    key_word = "key"
    compression_undocumented = False
    billed: str

    @property
    def shown_first(self) -> str:
        """The variable to name where nothing is configured."""
        return self.variables[self.required[0]][0]

    @property
    def handler_fields(self) -> frozenset[str]:
        """Fields of every event, which a reader who looks for the application's skips."""
        return (self.own_fields - TRACE_FIELDS) | {"cx_seq"}

    @abstractmethod
    def settings(self, destination: D) -> Iterator[Setting]:
        """Yield the arguments of a handler as they are in effect."""

    def remarks(self, destination: D) -> Iterator[Remark]:
        """Yield what the settings alone tell of the key and the address."""
        del destination
        return iter(())

    def query_url(self, endpoint: Endpoint) -> str | None:
        """Return the address of the query API beside *endpoint*; None where there is none."""
        del endpoint
        return None

    @abstractmethod
    def local_variables(self, url: str, key: str) -> Mapping[str, Mapping[str, str]]:
        """Return by heading the variables that make its clients send to the local server *url*."""

    @abstractmethod
    def sample_request(self, event: Mapping[str, Any]) -> SampleRequest:
        """Return a request with one *event* of the local server, a dict as its store returns it."""

    def secret(self, name: str, key: Secret | None) -> Setting:
        """Return the setting of a key or token."""
        value = "" if key is None else key.reveal()
        return Setting(name, value, self.variables[name], is_secret=True)

    def address(self, endpoint: Endpoint | None, *arguments: str, default: str = "") -> Setting:
        """Return the setting of the address, which the variables of *arguments* name."""
        value, source = ("", "") if endpoint is None else (str(endpoint), endpoint.source)
        variables = tuple(each for name in arguments for each in self.variables[name])
        return Setting("address", value, variables, default, source=source)
