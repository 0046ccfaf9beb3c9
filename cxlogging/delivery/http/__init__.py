"""Requests over the network: connections, certificates, proxies and compression."""
