"""The application of the lab for WSGI and ASGI servers. What a request wants stands in its headers."""
import asyncio
import json
import os
import random
import signal
import sys
import time


def say(what, trace):
    sys.stdout.write(f"{what} {trace}\n")
    sys.stdout.flush()


def allocate():
    held = []
    while True:
        held.append(bytearray(8 << 20))


def application(environ, start_response):
    trace = environ.get("HTTP_X_AMZN_TRACE_ID", "-")
    say("start", trace)
    length = int(environ.get("CONTENT_LENGTH") or 0)
    if length:
        environ["wsgi.input"].read(length)
    time.sleep(float(environ.get("HTTP_X_LAB_WORK", 3 + 10 * random.random())) / 1000)
    wanted = environ.get("HTTP_X_LAB_DO")
    if wanted == "allocate":
        allocate()
    if wanted == "exit":
        os.kill(os.getpid(), signal.SIGKILL)
    headers = [("Content-Type", "application/json")]
    if wanted == "big-headers":
        headers += [("Set-Cookie", f"basket{i}=" + "x" * 3500) for i in range(12)]
    body = json.dumps({"path": environ["PATH_INFO"], "items": "x" * 200}).encode()
    headers.append(("Content-Length", str(len(body))))
    start_response("500 Internal Server Error" if wanted == "error" else "200 OK", headers)
    say("end", trace)
    return [body]


async def asgi(scope, receive, send):
    if scope["type"] == "lifespan":
        while True:
            message = await receive()
            await send({"type": message["type"] + ".complete"})
            if message["type"] == "lifespan.shutdown":
                return
    asked = {key.decode().lower(): value.decode() for key, value in scope["headers"]}
    trace = asked.get("x-amzn-trace-id", "-")
    say("start", trace)
    while (await receive()).get("more_body"):
        pass
    await asyncio.sleep(float(asked.get("x-lab-work", 3 + 10 * random.random())) / 1000)
    if asked.get("x-lab-do") == "exit":
        os.kill(os.getpid(), signal.SIGKILL)
    body = json.dumps({"path": scope["path"], "items": "x" * 200}).encode()
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": body})
    say("end", trace)
