"""How people come in: passkeys, tokens, links that count once; and how long they stay."""
