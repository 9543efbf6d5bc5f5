"""A party's side of the control plane: it asks over HTTP, and signs with a key that stays here."""
