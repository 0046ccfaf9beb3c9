"""
The queue, the delivery of what waits in it, and the ledger of every record.

Knows no vendor and no LogRecord: it moves bytes that a `Destination` made.
Its transport is the only place of the sending side that opens a socket.
"""
