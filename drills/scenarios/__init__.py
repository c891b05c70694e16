"""Every drill, by family; ``DRILLS`` is their order in lists and tables."""

from __future__ import annotations

from drills.drill import Drill
from drills.scenarios import (
    both_nodes,
    busy,
    changes,
    controls,
    controls_gtid,
    directors,
    disks,
    disturbances,
    freezes,
    late_replica,
    links,
    moves,
    power,
    processes,
    read_tiers,
    real_servers,
    requests,
    source_links,
    sources,
    splits,
    vips,
    web_services,
)

DRILLS: tuple[Drill, ...] = (
    *moves.DRILLS,
    *power.DRILLS,
    *links.DRILLS,
    *disturbances.DRILLS,
    *freezes.DRILLS,
    *processes.DRILLS,
    *real_servers.DRILLS,
    *read_tiers.DRILLS,
    *directors.DRILLS,
    *requests.DRILLS,
    *both_nodes.DRILLS,
    *disks.DRILLS,
    *changes.DRILLS,
    *busy.DRILLS,
    *sources.DRILLS,
    *late_replica.DRILLS,
    *source_links.DRILLS,
    *web_services.DRILLS,
    *splits.DRILLS,
    *vips.DRILLS,
    *controls.DRILLS,
    *controls_gtid.DRILLS,
)
"""All there are; which of them apply to a stack follows from its plan."""
