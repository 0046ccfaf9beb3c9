"""The stream of a NATS server as a spool: address, connection, message format, publishing."""
