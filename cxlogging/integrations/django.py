"""
Middleware for Django: ``"cxlogging.integrations.django.ContextMiddleware"``, first in MIDDLEWARE.

It serves WSGI, ASGI and ``runserver``, with synchronous and asynchronous views. Settings, all
optional, in the dict ``CXLOGGING`` of the project's settings: ``request_id_header``,
``access_log`` and ``hold``, as `cxlogging.integrations.wsgi.ContextMiddleware` takes them.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from typing import Any

from ..handlers.holding.decorator import hold_option
from .web import KEY, REQUEST_ID_HEADER, RequestContext, access_logger
from .wsgi import Body

SETTINGS = ("request_id_header", "access_log", "hold")


class ContextMiddleware:
    """
    Bind ``request_id``, method, path and route to every record that is logged during a request.

    The closing record, if ``CXLOGGING = {"access_log": True}`` asks for one, has status, bytes,
    seconds, the client's address, and ``user.id`` where the view has loaded the user.

    Raises:
        django.core.exceptions.ImproperlyConfigured: ``CXLOGGING`` has an unknown key.
        ConfigurationError: ``hold`` is no bool and no mapping of arguments.
    """

    sync_capable = async_capable = True

    def __init__(self, get_response: Callable[[Any], Any]) -> None:
        from asgiref.sync import iscoroutinefunction, markcoroutinefunction
        from django.conf import settings
        from django.core.exceptions import ImproperlyConfigured

        options = dict(getattr(settings, "CXLOGGING", {}))
        if unknown := sorted(options.keys() - set(SETTINGS)):
            known = ", ".join(SETTINGS)
            raise ImproperlyConfigured(f"CXLOGGING takes {known}, not {', '.join(unknown)}")
        self._get_response = get_response
        self._header = options.get("request_id_header", REQUEST_ID_HEADER)
        self._logger = access_logger(options.get("access_log"))
        self._holding = hold_option(options.get("hold", False))
        self._is_async = iscoroutinefunction(get_response)
        if self._is_async:
            markcoroutinefunction(self)

    def __call__(self, request: Any) -> Any:
        if self._is_async:
            return self._call_async(request)
        context = self._begin(request)
        try:
            response = self._get_response(request)
        except BaseException as error:
            if context is not None:
                context.close_in_thread(error)
            raise
        return self._answered(request, context, response)

    async def _call_async(self, request: Any) -> Any:
        context = self._begin(request)
        try:
            response = await self._get_response(request)
        except BaseException as error:
            if context is not None:
                context.close_in_thread(error)
            raise
        return self._answered(request, context, response)

    def process_view(self, request: Any, *_: Any) -> None:
        """Bind the route: Django has found it when the view is about to be called."""
        match = getattr(request, "resolver_match", None)
        if match is not None and KEY in request.META:
            request.META[KEY].found(f"/{match.route.lstrip('/')}")

    def _begin(self, request: Any) -> RequestContext | None:
        scope = getattr(request, "scope", {})
        outer: RequestContext | None = request.META.get(KEY) or scope.get(KEY)
        if outer is not None:  # of a middleware around Django, which closes it
            request.META[KEY] = outer
            outer.hold(self._holding)
            return None
        context = RequestContext(
            request.method,
            request.path,
            request.headers.get(self._header, ""),
            request.META.get("REMOTE_ADDR"),
            self._logger,
            self._holding,
        )
        request.META[KEY] = context
        context.open_in_thread()
        return context

    def _answered(self, request: Any, context: RequestContext | None, response: Any) -> Any:
        if context is None:
            request.META[KEY].user = _loaded_user(request)
            return response
        context.is_answered, context.status = True, response.status_code
        context.user = _loaded_user(request)
        if not response.has_header(self._header):
            response[self._header] = context.id
        if not response.streaming:
            context.size, context.is_complete = len(response.content), True
            # Django logs answers of 400 and above after the last middleware: the server closes
            # the response when all is done.
            response._resource_closers.append(context.close_in_thread)  # noqa: SLF001 - there is no public way
        elif response.is_async:
            response.streaming_content = _counted(response.streaming_content, context)
        else:
            response.streaming_content = Body(response.streaming_content, context)
        return response


async def _counted(parts: AsyncIterator[bytes], context: RequestContext) -> AsyncIterator[bytes]:
    """Yield *parts*; their end is the end of the request."""
    failure: Exception | None = None
    try:
        async for part in parts:
            context.size += len(part)
            yield part
        context.is_complete = True
    except Exception as error:
        failure = error
        raise
    finally:
        context.disconnected = not context.is_complete and failure is None
        context.close_in_thread(failure)


def _loaded_user(request: Any) -> Any:
    """Return the primary key of the request's user, if the application has loaded one."""
    user = request.__dict__.get("_cached_user") or request.__dict__.get("_acached_user")
    return getattr(user, "pk", None)
