"""Why a key may use a model, or may not, in words, with the entries that it rests on."""
