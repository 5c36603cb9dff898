"""One end of a WebRTC call in headless Chromium: speech and pictures from files, what comes is played to nobody.

use: caller SETTINGS.json   (written by the application that calls)
The two ends tell each other their session descriptions by files in a common folder, as a signalling
server would: the call's own packets are all there is on the network.
"""

import asyncio
import json
import os
import sys

import aiohttp

from .browser import SWITCHES, Tab, connect

_MEDIA = ("--use-fake-ui-for-media-stream", "--use-fake-device-for-media-stream",
          "--autoplay-policy=no-user-gesture-required",
          # Only the address that the default route uses: in a tunnel, nothing beside it.
          "--force-webrtc-ip-handling-policy=default_public_and_private_interfaces")
_OPEN = """(async () => {
  const stream = await navigator.mediaDevices.getUserMedia(
    {audio: {echoCancellation: false, noiseSuppression: true}, video: %s});
  window.call = new RTCPeerConnection({iceServers: []});
  stream.getTracks().forEach(track => call.addTrack(track, stream));
  call.ontrack = event => { const heard = new Audio(); heard.srcObject = event.streams[0]; heard.play(); };
  window.gathered = () => new Promise(done => {
    const look = () => { if (call.iceGatheringState === "complete") done(call.localDescription.sdp); };
    call.onicegatheringstatechange = look;
    look();
  });
})()"""
_OFFER = "(async () => { await call.setLocalDescription(await call.createOffer()); return await gathered(); })()"
_ANSWER = """(async () => {
  await call.setRemoteDescription({type: "offer", sdp: %s});
  await call.setLocalDescription(await call.createAnswer());
  return await gathered();
})()"""
# Before the offer: which codec is asked for first. After the answer: what this end sends.
_PREFER = """(() => {
  const all = RTCRtpSender.getCapabilities("video").codecs, chosen = codec => codec.mimeType === "video/" + %s;
  call.getTransceivers().find(one => one.sender.track.kind === "video").setCodecPreferences(
    [...all.filter(chosen), ...all.filter(codec => !chosen(codec))]);
})()"""
_LIMIT = """(async () => {
  window.pictures = call.getSenders().find(one => one.track.kind === "video");
  window.camera = pictures.track;
  window.microphone = call.getSenders().find(one => one.track.kind === "audio").track;
  const parameters = pictures.getParameters();
  Object.assign(parameters.encodings[0], %s);
  await pictures.setParameters(parameters);
})()"""
_EVENTS = {"off": "pictures.replaceTrack(null)", "on": "pictures.replaceTrack(camera)",
           "black": "camera.enabled = false", "light": "camera.enabled = true",
           "mute": "microphone.enabled = false", "speak": "microphone.enabled = true"}
_SENT = """(async () => {
  for (const one of (await call.getStats()).values())
    if (one.type === "outbound-rtp" && one.kind === "video") return [one.framesEncoded, one.bytesSent, one.frameWidth];
})()"""
_ACCEPT = "call.setRemoteDescription({type: 'answer', sdp: %s}).then(() => 'accepted')"


async def evaluate(tab, script):
    result = await tab.command("Runtime.evaluate", expression=script, awaitPromise=True, returnByValue=True)
    if "exceptionDetails" in result:
        raise RuntimeError(result["exceptionDetails"].get("exception", {}).get("description", "script failed"))
    return result["result"].get("value")


def adapted(description, settings):
    """Candidates of the call's family only, and silence suppressed where the call is to."""
    lines = []
    for line in description.split("\r\n"):
        if line.startswith("a=candidate:") and (":" in line.split()[4]) != (settings["family"] == 6):
            continue
        if settings["dtx"] and line.startswith("a=fmtp:111 "):
            line += ";usedtx=1"
        lines.append(line)
    return "\r\n".join(lines)


def tell(settings, name, text):
    path = os.path.join(settings["meeting"], name)
    with open(path + ".part", "w", encoding="utf-8", newline="") as file:
        file.write(text)
    os.replace(path + ".part", path)


async def hear(settings, name):
    path = os.path.join(settings["meeting"], name)
    async with asyncio.timeout(40):
        while not os.path.exists(path):
            await asyncio.sleep(0.05)
    with open(path, encoding="utf-8", newline="") as file:
        return file.read()


async def pass_time(tab, settings):
    """The call itself, with what its person does meanwhile: [second, one of _EVENTS]."""
    at = 0.0
    for second, event in settings.get("events", ()):
        await asyncio.sleep(max(0.0, second - at))
        at = max(at, second)
        await evaluate(tab, _EVENTS[event])
    await asyncio.sleep(max(0.0, settings["seconds"] - at))


async def call(tab, settings):
    video = settings.get("video")
    await tab.command("Page.enable")
    await tab.load("file://" + os.path.join(settings["folder"], "call.html"), 20)
    await evaluate(tab, _OPEN % ("true" if video else "false"))
    if settings["calls"]:
        if video:
            await evaluate(tab, _PREFER % json.dumps(video["codec"]))
        tell(settings, "offer", adapted(await evaluate(tab, _OFFER), settings))
        await evaluate(tab, _ACCEPT % json.dumps(await hear(settings, "answer")))
    else:
        offer = await hear(settings, "offer")
        tell(settings, "answer", adapted(await evaluate(tab, _ANSWER % json.dumps(offer)), settings))
    if video:
        await evaluate(tab, _LIMIT % json.dumps(video["limits"]))
    await pass_time(tab, dict(settings, events=video["events"]) if video else settings)
    if video:
        print("frames, bytes, width sent:", await evaluate(tab, _SENT), flush=True)
    state = await evaluate(tab, "call.connectionState")
    if state != "connected":
        raise RuntimeError(f"the call is {state} at its end")
    await evaluate(tab, "call.close()")


async def main():
    with open(sys.argv[1], encoding="utf-8") as file:
        settings = json.load(file)
    with open(os.path.join(settings["folder"], "call.html"), "w", encoding="utf-8") as file:
        file.write("<!DOCTYPE html><title>call</title>\n")
    camera = settings.get("video") and (f"--use-file-for-fake-video-capture={settings['video']['camera']}",)
    with open(os.path.join(settings["folder"], "chromium.log"), "wb") as log:
        browser = await asyncio.create_subprocess_exec(
            "nice", "-n", "2", "chromium-headless-shell", "--disable-quic", *SWITCHES, *_MEDIA,
            f"--use-file-for-fake-audio-capture={settings['speech']}", *(camera or ()),
            f"--user-data-dir={os.path.join(settings['folder'], 'profile')}", "about:blank", stdout=log, stderr=log)
        try:
            async with aiohttp.ClientSession() as session:
                await call(Tab(await connect(session)), settings)
        finally:
            browser.terminate()
            await browser.wait()


if __name__ == "__main__":
    asyncio.run(main())
