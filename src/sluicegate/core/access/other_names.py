"""Other names and identifiers of organizations, as tags: what each states of itself now."""

from __future__ import annotations


class OtherNames:
    """The tags of the other names of organizations, and who states each.

    INVARIANT: both dictionaries say the same; neither has an empty value.
    """

    def __init__(self) -> None:
        self.of: dict[str, tuple[str, ...]] = {}
        self.stating: dict[str, tuple[str, ...]] = {}

    def state(self, organization: str, tags: tuple[str, ...]) -> None:
        """An organization has these other names, and no more those that it had."""
        for tag in self.of.pop(organization, ()):
            left = tuple(each for each in self.stating.pop(tag) if each != organization)
            if left:
                self.stating[tag] = left
        if tags:
            self.of[organization] = tags
        for tag in tags:
            self.stating[tag] = (*self.stating.get(tag, ()), organization)
