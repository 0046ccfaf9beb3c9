"""
A file system in memory, shared by processes that can be killed, on a machine that can lose power.

A `Machine` holds the files; a `FakeDisk` is what one process sees of it: its
descriptors, and through them its locks. Errors are injected by operation.
"""

from __future__ import annotations

import errno
import itertools
import os
from collections.abc import Callable
from dataclasses import dataclass, field

from cxlogging.delivery.journal.disk import Disk


class Node:
    """A file or a folder: `stable` is on the disk for certain, `pending` may be."""

    def __init__(self, *, is_folder: bool) -> None:
        self.is_folder = is_folder
        self.links = 1
        self.data = bytearray()
        self.names: dict[str, Node] = {}
        self.holder: Description | None = None
        self.stable_data = b""
        self.stable_names: dict[str, Node] = {}
        self.pending: list[tuple] = []

    def link(self, name: str, node: Node) -> None:
        self.names[name] = node
        node.links = 1
        self.pending.append(("link", name, node))

    def unlink(self, name: str) -> Node:
        node = self.names.pop(name)
        node.links = 0
        self.pending.append(("unlink", name, node))
        return node

    def sync(self) -> None:
        self.pending.clear()
        self.stable_data = bytes(self.data)
        self.stable_names = dict(self.names)


class Description:
    """An open file description, which copies of a descriptor share; the lock belongs to it."""

    def __init__(self, node: Node) -> None:
        self.node = node
        self.references = 1

    def let_go(self) -> None:
        self.references -= 1
        if not self.references and self.node.holder is self:
            self.node.holder = None


@dataclass
class Fault:
    """An error of the operations *names*: after *skip* successful ones, for *times* of them."""

    names: frozenset[str]
    error: int
    skip: int = 0
    times: int = 2**62
    written: int | None = None

    def strikes(self, name: str) -> bool:
        if name not in self.names or not self.times:
            return False
        if self.skip:
            self.skip -= 1
            return False
        self.times -= 1
        return True


@dataclass
class Machine:
    """
    The files of a machine.

    Attributes:
        room: Bytes that still fit; None is no limit. What is removed makes room again.
        faults: What goes wrong.
        misuse: Operations on descriptors that were closed: they may be somebody else's by now.
        steps: How many operations there were.
        watch: Told the name and the arguments of every operation before it happens.
    """

    root: Node = field(default_factory=lambda: Node(is_folder=True))
    room: int | None = None
    faults: list[Fault] = field(default_factory=list)
    misuse: list[str] = field(default_factory=list)
    steps: int = 0
    watch: Callable[..., object] | None = None
    numbers: itertools.count = field(default_factory=lambda: itertools.count(3))

    def fail(
        self,
        *names: str,
        error: int = errno.EIO,
        skip: int = 0,
        times: int = 2**62,
        written: int | None = None,
    ) -> Fault:
        """Make *names* fail; a write that fails may have *written* some bytes."""
        fault = Fault(frozenset(names), error, skip, times, written)
        self.faults.append(fault)
        return fault

    def mend(self) -> None:
        self.faults.clear()
        self.room = None

    def process(self) -> FakeDisk:
        return FakeDisk(self)

    def files(self, under: Node | None = None, path: str = "") -> dict[str, Node]:
        """Return every file by its path."""
        found: dict[str, Node] = {}
        for name, node in (under or self.root).names.items():
            if node.is_folder:
                found.update(self.files(node, f"{path}{name}/"))
            else:
                found[path + name] = node
        return found

    def folders(self, under: Node | None = None) -> list[Node]:
        """Return every folder."""
        node = under or self.root
        inner = [each for each in node.names.values() if each.is_folder]
        return [node, *itertools.chain.from_iterable(map(self.folders, inner))]

    def remove_tree(self, path: str) -> None:
        """Remove a folder and everything in it, as another program may."""
        node = self.root
        *parents, last = path.strip("/").split("/")
        for name in parents:
            node = node.names[name]
        stack = [node.unlink(last)]
        while stack:
            each = stack.pop()
            stack += [each.unlink(name) for name in list(each.names)]

    def after_power_loss(self, survives: Callable[[], bool]) -> Machine:
        """Return what is on the disk after a power failure: each unsynced step if it *survives*."""
        copies: dict[int, Node] = {}

        def copy(node: Node) -> Node:
            if id(node) in copies:
                return copies[id(node)]
            fresh = copies[id(node)] = Node(is_folder=node.is_folder)
            data = bytearray(node.stable_data)
            names = dict(node.stable_names)
            for kind, where, what in node.pending:
                if not survives():
                    continue
                if kind == "write":
                    data.extend(bytes(max(0, where - len(data))))
                    data[where : where + len(what)] = what
                elif kind == "link":
                    names[where] = what
                else:
                    names.pop(where, None)
            fresh.data = data
            fresh.names = {name: copy(each) for name, each in names.items()}
            fresh.sync()
            return fresh

        return Machine(root=copy(self.root))


class FakeDisk(Disk):
    """What one process sees of a `Machine`."""

    available = True
    gil_calls = None

    def __init__(self, machine: Machine) -> None:
        self.machine = machine
        self.open_files: dict[int, Description] = {}
        self.dead = False

    def kill(self) -> None:
        """End the process: only what is in files remains."""
        self.dead = True
        for fd in list(self.open_files):
            self.open_files.pop(fd).let_go()

    def fork(self) -> FakeDisk:
        """Return the child's view: the same descriptors, which are copies."""
        child = FakeDisk(self.machine)
        child.open_files = dict(self.open_files)
        for description in child.open_files.values():
            description.references += 1
        return child

    def _step(self, name: str, *details: object) -> None:
        machine = self.machine
        machine.steps += 1
        if machine.watch is not None:
            machine.watch(name, *details)
        if self.dead:
            raise OSError(errno.EBADF, "the process is dead")
        for fault in machine.faults:
            if fault.written is None and fault.strikes(name):
                raise OSError(fault.error, os.strerror(fault.error))

    def _node(self, fd: int, operation: str) -> Node:
        description = self.open_files.get(fd)
        if description is None:
            if fd >= 0:
                self.machine.misuse.append(f"{operation} of {fd}")
            raise OSError(errno.EBADF, os.strerror(errno.EBADF))
        return description.node

    def _new(self, node: Node) -> int:
        fd = next(self.machine.numbers)
        self.open_files[fd] = Description(node)
        return fd

    def _found(self, folder: int, name: str) -> Node:
        node = self._node(folder, "look").names.get(name)
        if node is None:
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), name)
        return node

    def _made(self, folder: int, name: str, *, is_folder: bool) -> Node:
        parent = self._node(folder, "make")
        if not parent.links:
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), name)
        node = Node(is_folder=is_folder)
        parent.link(name, node)
        return node

    def enter(self, path: str) -> int:
        self._step("enter", path)
        node = self.machine.root
        for name in filter(None, path.split("/")):
            if name not in node.names:
                node.link(name, Node(is_folder=True))
            node = node.names[name]
        return self._new(node)

    def folder(self, parent: int, name: str, *, create: bool) -> int:
        self._step("folder", name)
        try:
            node = self._found(parent, name)
        except FileNotFoundError:
            if not create:
                raise
            node = self._made(parent, name, is_folder=True)
        return self._new(node)

    def names(self, folder: int) -> list[str]:
        self._step("names")
        return sorted(self._node(folder, "names").names)

    def create(self, folder: int, name: str) -> int:
        self._step("create", name)
        if name in self._node(folder, "create").names:
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), name)
        return self._new(self._made(folder, name, is_folder=False))

    def append(self, folder: int, name: str) -> int:
        self._step("append", name)
        node = self._node(folder, "append").names.get(name)
        return self._new(node or self._made(folder, name, is_folder=False))

    def open(self, folder: int, name: str) -> int:
        self._step("open", name)
        return self._new(self._found(folder, name))

    def lock(self, folder: int, name: str) -> int | None:
        fd = self.append(folder, name)
        self._step("lock", name)
        node = self.open_files[fd].node
        if node.holder is None and node.links:
            node.holder = self.open_files[fd]
            return fd
        self.close(fd)
        return None

    def write(self, fd: int, data: bytes) -> int:
        self._step("write", fd, data)
        machine = self.machine
        node = self._node(fd, "write")
        fits = len(data)
        for fault in machine.faults:
            if fault.written is not None and fault.strikes("write"):
                fits = min(fault.written, fits)
        if machine.room is not None:
            if machine.room <= 0:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            fits = min(fits, machine.room)
            machine.room -= fits
        node.pending.append(("write", len(node.data), data[:fits]))
        node.data += data[:fits]
        return fits

    def read(self, fd: int, size: int, offset: int) -> bytes:
        self._step("read", fd, size)
        data = self._node(fd, "read").data
        return bytes(data[offset : offset + size])

    def size(self, fd: int) -> int:
        self._step("size", fd)
        return len(self._node(fd, "size").data)

    def is_linked(self, fd: int) -> bool:
        self._step("is_linked", fd)
        return self._node(fd, "is_linked").links > 0

    def leads_to(self, path: str, folder: int) -> bool:
        self._step("leads_to", path)
        wanted, node = self._node(folder, "leads_to"), self.machine.root
        for name in filter(None, path.split("/")):
            if name not in node.names:
                return False
            node = node.names[name]
        return node is wanted

    def holds(self, fd: int) -> bool:
        return fd in self.open_files

    def copy(self, fd: int) -> int:
        self._step("copy", fd)
        self._node(fd, "copy")
        description = self.open_files[fd]
        description.references += 1
        copied = next(self.machine.numbers)
        self.open_files[copied] = description
        return copied

    def replace(self, fd: int, onto: int) -> None:
        self._step("replace", fd, onto)
        self._node(fd, "replace")
        self._node(onto, "replace")
        self.open_files[onto].let_go()
        self.open_files[onto] = self.open_files[fd]
        self.open_files[onto].references += 1

    def sync(self, fd: int) -> None:
        self._step("sync", fd)
        self._node(fd, "sync").sync()

    def sync_folder(self, path: str) -> None:
        fd = self.enter(path)
        try:
            self.sync(fd)
        finally:
            self.close(fd)

    def close(self, fd: int) -> None:
        if fd in self.open_files:
            self.open_files.pop(fd).let_go()
        elif fd >= 0 and not self.dead:
            self.machine.misuse.append(f"close of {fd}")

    def rename(self, folder: int, name: str, target: int, new: str) -> None:
        self._step("rename", name)
        self._found(folder, name)
        node = self._node(folder, "rename").unlink(name)
        self._node(target, "rename").link(new, node)

    def remove(self, folder: int, name: str) -> None:
        self._step("remove", name)
        parent = self._node(folder, "remove")
        if name in parent.names:
            node = parent.unlink(name)
            if self.machine.room is not None:
                self.machine.room += len(node.data)

    def remove_folder(self, folder: int, name: str) -> None:
        try:
            self._step("remove_folder", name)
            parent = self._node(folder, "remove_folder")
        except OSError:
            return
        node = parent.names.get(name)
        if node is not None and node.is_folder and not node.names:
            parent.unlink(name)

    def usage(self, folder: int, name: str) -> int:
        try:
            self._step("usage", name)
            node = self._found(folder, name)
        except OSError:
            return 0
        return sum(len(each.data) for each in node.names.values())
