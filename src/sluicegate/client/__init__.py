"""A party's end of the control plane: it asks over HTTP, and signs with a key that stays here."""
