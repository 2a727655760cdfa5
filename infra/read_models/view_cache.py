"""What is kept in memory of each partition: up to where it is known, and its views; bounded over all."""

from projections.projection import Load, Projection


class ViewCache:
    """One projection for each partition: a row belongs to one seller, and a seller to one partition."""

    def __init__(self, load: Load, most_views: int) -> None:
        self._load = load
        self._most = most_views
        self.by_partition: dict[int, tuple[int, Projection]] = {}
        """The least lately used first."""

    def take(self, partition: int, after: int) -> Projection:
        """The partition's views as they were at that place.  Whoever does not bring them back has lost them.

        If they are of another place, somebody else may have written rows since: then they are read again.
        """
        position, projection = self.by_partition.pop(partition, (None, None))
        if projection is None or position != after:
            return Projection(self._load)
        return projection

    def keep(self, partition: int, position: int, projection: Projection) -> None:
        """The views are as they are stored at that place."""
        self.by_partition[partition] = (position, projection)
        self._make_room()

    def clear(self) -> None:
        self.by_partition.clear()

    def _make_room(self) -> None:
        """The partition that was folded least lately gives way first."""
        over = sum(projection.kept for _, projection in self.by_partition.values()) - self._most
        for _, projection in self.by_partition.values():
            if over <= 0:
                return
            had = projection.kept
            projection.forget(max(0, had - over))
            over -= had - projection.kept
