"""Caches each partition's views with their position, up to a total number of views."""

from projections.projection import Load, Projection


class ViewCache:
    """A cached projection per partition.  Partitions share no rows: a seller is in only one partition."""

    def __init__(self, load: Load, max_views: int) -> None:
        self._load = load
        self._max_views = max_views
        self.by_partition: dict[int, tuple[int, Projection]] = {}
        """Ordered by last use, the oldest first."""

    def take(self, partition: int, after: int) -> Projection:
        """Removes the partition's views from the cache and returns them, if they are of position `after`.

        If they are of another position, another projector may have written rows: then the cache starts empty.
        After a failure the caller does not return them with `keep`, so they are dropped.
        """
        position, projection = self.by_partition.pop(partition, (None, None))
        if projection is None or position != after:
            return Projection(self._load)
        return projection

    def keep(self, partition: int, position: int, projection: Projection) -> None:
        """Puts back the partition's views, which equal the stored rows at `position`."""
        self.by_partition[partition] = (position, projection)
        self._make_room()

    def clear(self) -> None:
        self.by_partition.clear()

    def _make_room(self) -> None:
        """Evicts views, beginning with the least recently used partition."""
        over = sum(projection.kept for _, projection in self.by_partition.values()) - self._max_views
        for _, projection in self.by_partition.values():
            if over <= 0:
                return
            before = projection.kept
            projection.forget(max(0, before - over))
            over -= before - projection.kept
