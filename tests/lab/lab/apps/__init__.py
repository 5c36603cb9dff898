"""The applications of the lab by class label."""

from .browsing import Browsing
from .chat import Chat
from .file_transfer import FileTransfer
from .gaming import Gaming
from .mixture import SEPARATOR, Mixture
from .other import Other
from .p2p import P2p
from .remote_desktop import RemoteDesktop
from .streaming import Streaming
from .video_call import VideoCall
from .voip import Voip

APPLICATIONS = {application.label: application for application in (
    Voip, Streaming, Browsing, FileTransfer, Chat, P2p, VideoCall, Gaming, RemoteDesktop, Other)}


def application(session, lab, processes, folder):
    """The application of a session, or the mixture of those its label joins."""
    if SEPARATOR in session.label:
        return Mixture(session, lab, processes, folder, APPLICATIONS)
    return APPLICATIONS[session.label](session, lab, processes, folder)
