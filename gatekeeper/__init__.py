"""gatekeeper: may this output be refreshed now?"""

__version__ = "0.1.0"
