"""Names of models on servers: `remote:MODEL@http://host:port/v1#setting=value&setting=value`."""

import os
import re
from dataclasses import dataclass, fields
from urllib.parse import parse_qsl, urlsplit

from vlm_picking.errors import ModelError, did_you_mean

PREFIX = "remote:"
URL_VARIABLE = "VLM_PICKING_REMOTE_URL"
KEY_VARIABLE = "VLM_PICKING_REMOTE_KEY"
FORM = "remote:MODEL@http://HOST:PORT/v1"

_NAME = re.compile(r"remote:(?P<model>.*?)(?:@(?P<url>[A-Za-z][\w+.-]*://[^#]*))?(?:#(?P<settings>.*))?", re.DOTALL)
_CHOICES = {"coordinates": ("thousandths", "pixels"), "image": ("jpeg", "png")}
_BOUNDS = {
    "max_side_px": (64, 8192),
    "max_images": (1, 64),
    "concurrency": (1, 64),
    "connect_timeout_s": (0.1, 600),
    "timeout_s": (0.1, 3600),
}


@dataclass(frozen=True, kw_only=True)
class RemoteAddress:
    """A model on a server and how to talk to it. The key is no part of it, so that it can be printed.

    Args:
        model: what the server calls it.
        url: where its API begins, "http://host:8000/v1".
        coordinates: what the model's boxes are in: "thousandths" of the picture, or its "pixels" as it was sent.
        image: how pictures are sent: "jpeg", or "png" without loss and larger.
        max_side_px: pictures are shrunk to it before they are sent.
        max_images: how many a question may come with.
        concurrency: how many requests are under way at a time.
        connect_timeout_s: how long a server may take to be there.
        timeout_s: how long a question may take, waiting for a free place and trying again included.
    """

    model: str
    url: str
    coordinates: str = "thousandths"
    image: str = "jpeg"
    max_side_px: int = 1024
    max_images: int = 8
    concurrency: int = 4
    connect_timeout_s: float = 5.0
    timeout_s: float = 60.0

    @property
    def place(self) -> str:
        """The server for messages: its address."""
        return f"the server at {self.url}"

    @classmethod
    def parse(cls, name: str) -> "RemoteAddress":
        """Read a name; where it has no URL, VLM_PICKING_REMOTE_URL is taken.

        Raises:
            ModelError: it is none, or has a setting that is none. The URL is not repeated where it may hold a key.
        """
        found = _NAME.fullmatch(name)
        model = (found["model"] if found else "").strip()
        if not model or "://" in model:
            raise ModelError(f"a model on a server is named {FORM}")
        url = found["url"] or os.environ.get(URL_VARIABLE, "")
        if not url:
            raise ModelError(f"where is {model!r}? Name it {FORM}, or set {URL_VARIABLE}")
        return cls(model=model, url=_checked_url(url), **_settings(found["settings"] or ""))


def key_from_environment() -> str | None:
    """The key for the server, None where none is set.

    Raises:
        ModelError: it can't be one. It is not repeated.
    """
    key = os.environ.get(KEY_VARIABLE, "").strip()
    if not key.isascii() or not key.isprintable() or " " in key:
        raise ModelError(f"{KEY_VARIABLE} holds characters that no key has; set it again")
    return key or None


def _checked_url(url: str) -> str:
    try:
        parts = urlsplit(url.strip())
        host, _ = parts.hostname, parts.port
    except ValueError as error:
        raise ModelError(f"the server's URL can't be read; name it {FORM}") from error
    if parts.username is not None or parts.password is not None or parts.query or parts.fragment:
        raise ModelError(f"no names, keys or queries in a server's URL: put the key into {KEY_VARIABLE}")
    if parts.scheme not in ("http", "https") or not host:
        raise ModelError(f"{url!r} is no http:// or https:// URL with a host; name the model {FORM}")
    return url.strip().rstrip("/")


def _settings(text: str) -> dict[str, object]:
    types = {field.name: field.type for field in fields(RemoteAddress) if field.name not in ("model", "url")}
    settings: dict[str, object] = {}
    for key, value in parse_qsl(text, keep_blank_values=True):
        if key not in types:
            raise ModelError(f"unknown setting {key!r} of a remote model; {did_you_mean(key, types)}")
        if key in _CHOICES:
            if value not in _CHOICES[key]:
                raise ModelError(f"unknown {key} {value!r} of a remote model; {did_you_mean(value, _CHOICES[key])}")
            settings[key] = value
            continue
        low, high = _BOUNDS[key]
        try:
            number = types[key](value)
        except ValueError:
            number = None
        if number is None or not low <= number <= high:
            raise ModelError(
                f"{key} of a remote model must be {types[key].__name__} from {low} to {high}, not {value!r}"
            )
        settings[key] = number
    return settings
