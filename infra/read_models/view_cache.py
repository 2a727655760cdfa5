"""What is kept in memory of each partition: up to where it is known, and its views; bounded over all."""

from projections.projection import Load, Projection


class Kept:
    """One projection for each partition: a row belongs to one seller, and a seller to one partition."""

    def __init__(self, load: Load, most_views: int) -> None:
        self._load = load
        self._most = most_views
        self.known: dict[int, tuple[int, Projection]] = {}
        """The least lately used first."""

    def taken(self, partition: int, after: int) -> Projection:
        """The partition's views as they were at that place.  Whoever does not bring them back has lost them.

        If they are of another place, somebody else may have written rows since: then they are read again.
        """
        place, projection = self.known.pop(partition, (None, None))
        if projection is None or place != after:
            return Projection(self._load)
        return projection

    def keep(self, partition: int, place: int, projection: Projection) -> None:
        """The views are as they are stored at that place."""
        self.known[partition] = (place, projection)
        self._make_room()

    def clear(self) -> None:
        self.known.clear()

    def _make_room(self) -> None:
        """The partition that was folded least lately gives way first."""
        over = sum(projection.kept for _, projection in self.known.values()) - self._most
        for _, projection in self.known.values():
            if over <= 0:
                return
            had = projection.kept
            projection.forget(max(0, had - over))
            over -= had - projection.kept
