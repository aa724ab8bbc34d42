"""What of the things that compiling needs, or is better for, is here; what its lack costs; what mends it.

Whatever could fail or crash on import is asked in a process of its own, so a broken installation is a finding too.
"""

from resnetdsl.doctor.examine import examine
from resnetdsl.doctor.model import Finding, Grade, healthy

__all__ = ["Finding", "Grade", "examine", "healthy"]
