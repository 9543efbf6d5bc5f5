"""The command line: parsers and rendering. Commands that change state use the HTTP API, as all clients do."""
