"""The applications of the lab by class label."""

from .browsing import Browsing
from .chat import Chat
from .file_transfer import FileTransfer
from .p2p import P2p
from .streaming import Streaming
from .voip import Voip

APPLICATIONS = {application.label: application for application in (
    Voip, Streaming, Browsing, FileTransfer, Chat, P2p)}
