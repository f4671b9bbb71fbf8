from __future__ import annotations

import tiny_fixtures

log, dataset = tiny_fixtures.log, tiny_fixtures.dataset
