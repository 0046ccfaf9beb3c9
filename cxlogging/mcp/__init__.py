"""
Logs for coding assistants, by the Model Context Protocol (https://modelcontextprotocol.io).

`tools` has the tools, `source` what they ask, and `server` the server, which alone needs the extra
`mcp`.
"""
