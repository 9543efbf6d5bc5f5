"""The command line: parsers and rendering. What changes state goes over HTTP, like everyone else's."""
