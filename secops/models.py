"""Every table of the platform, imported once so that metadata is whole for migrations, web and worker."""

from __future__ import annotations

from flask_appbuilder import Model
from flask_appbuilder.security.sqla import models as _fab  # noqa: F401

from secops.accounts import models as _accounts  # noqa: F401
from secops.api import models as _api  # noqa: F401
from secops.assessments import models as _assessments  # noqa: F401
from secops.audit_log import models as _audit  # noqa: F401
from secops.evidence import models as _evidence  # noqa: F401
from secops.findings import models as _findings  # noqa: F401
from secops.findings import rollup as _rollup  # noqa: F401
from secops.inventory import models as _inventory  # noqa: F401
from secops.jobs import models as _jobs  # noqa: F401
from secops.objects import models as _objects  # noqa: F401
from secops.posture import models as _posture  # noqa: F401
from secops.reporting import models as _reporting  # noqa: F401
from secops.scans import models as _scans  # noqa: F401
from secops.schedules import models as _schedules  # noqa: F401
from secops.selfcheck import models as _selfcheck  # noqa: F401

metadata = Model.metadata
