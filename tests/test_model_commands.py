"""`vlm-picking models`: the table, the check, and fetching from a hub that runs on loopback."""

import json
import os
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

pytest.importorskip("torch", reason="models need torch")
pytest.importorskip("transformers", reason="models need transformers")

from vlm_picking import cli  # noqa: E402
from vlm_picking.conformance.tiny.clip import TINY as TINY_CLIP  # noqa: E402
from vlm_picking.models import registry  # noqa: E402

COMMIT = "0123456789abcdef0123456789abcdef01234567"


@pytest.fixture
def run(monkeypatch, capsys):
    """Run the command line; gives (exit status, stdout, stderr)."""

    def call(*arguments):
        monkeypatch.setattr(sys, "argv", ["vlm-picking", *map(str, arguments)])
        with pytest.raises(SystemExit) as ended:
            cli.main()
        out, err = capsys.readouterr()
        return ended.value.code, out, err

    return call


class Hub(BaseHTTPRequestHandler):
    """Serves the files of a folder as the repository owner/clip, and notes which were fetched."""

    protocol_version = "HTTP/1.1"
    folder: Path
    fetched: list[str]

    def do_HEAD(self) -> None:
        self._serve(with_body=False)

    def do_GET(self) -> None:
        self._serve(with_body=True)

    def _serve(self, *, with_body: bool) -> None:
        path = self.path.partition("?")[0]
        names = sorted(file.name for file in self.folder.iterdir())
        if path.startswith("/api/models/owner/clip/revision/"):
            info = {"id": "owner/clip", "sha": COMMIT, "siblings": [{"rfilename": name} for name in names]}
            return self._send(json.dumps(info).encode(), with_body)
        if path.startswith("/api/models/owner/clip/tree/"):
            sizes = {name: (self.folder / name).stat().st_size for name in names}
            tree = [{"type": "file", "path": name, "size": size, "oid": name} for name, size in sizes.items()]
            return self._send(json.dumps(tree).encode(), with_body)
        name = path.rpartition("/")[2]
        if path.startswith("/owner/clip/resolve/") and name in names:
            if with_body:
                self.fetched.append(name)
            headers = {"ETag": f'"{name}"', "X-Repo-Commit": COMMIT}
            return self._send((self.folder / name).read_bytes(), with_body, **headers)
        missing = "EntryNotFound" if path.startswith("/owner/clip/") else "RepoNotFound"
        self._send(b"", with_body, status=404, **{"X-Error-Code": missing})

    def _send(self, body: bytes, with_body: bool, *, status: int = 200, **headers: str) -> None:
        self.send_response(status)
        for key, value in {"content-length": str(len(body)), **headers}.items():
            self.send_header(key, value)
        self.end_headers()
        if with_body:
            self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture(scope="module")
def hub(tmp_path_factory):
    """A hub with one checkpoint, which also holds what nobody here reads, and the environment that leads to it."""
    folder = TINY_CLIP["clip"](tmp_path_factory.mktemp("hub") / "clip")
    for name in ("README.md", "pytorch_model.bin", "tf_model.h5", "model.fp16.safetensors"):
        (folder / name).write_bytes(b"x" * 5_000_000)
    handler = type("Handler", (Hub,), {"folder": folder, "fetched": []})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    hidden = {"HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE", "HF_HUB_CACHE", "HF_TOKEN"}
    environment = {key: value for key, value in os.environ.items() if key not in hidden}
    environment |= {"HF_ENDPOINT": f"http://127.0.0.1:{server.server_port}", "HF_HUB_DISABLE_XET": "1"}
    environment |= {"HF_HOME": str(tmp_path_factory.mktemp("cache"))}
    yield handler, environment
    server.shutdown()
    server.server_close()
    thread.join()


def vlm_picking(environment, *arguments):
    """The command line in a process of its own: where the hub is is read once, at the first import."""
    command = [sys.executable, "-m", "vlm_picking.cli", *map(str, arguments)]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=120)


def test_the_table_has_every_family_with_its_licence_and_checkpoints(run):
    status, out, _ = run("models")
    assert status == 0
    for family in registry.families().values():
        assert family.name.split(",")[0].split()[0] in out
        for checkpoint in family.checkpoints:
            assert checkpoint in out


def test_the_table_as_json(run):
    _, out, _ = run("models", "--json")
    rows = {row["family"]: row for row in json.loads(out)}
    assert len(rows) == len({id(family) for family in registry.families().values()})
    owl = rows["OWL-ViT, OWLv2"]
    assert owl["roles"] == ["zero-shot detection"] and owl["encode_once"] is True
    assert owl["checkpoints"]["google/owlvit-base-patch32"] == "153 M"
    assert all(row["licence"] and row["roles"] for row in rows.values())


def test_check_tries_the_named_ones_and_leaves_their_checkpoints(run, tmp_path):
    status, out, _ = run("models", "--check", "clip", "owlvit", "--keep", tmp_path)
    assert status == 0
    assert [line.split()[:2] for line in out.splitlines()[:2]] == [["passed", "clip"], ["passed", "owlvit"]]
    assert "2 passed, 0 failed, 0 skipped" in out
    assert (tmp_path / "owlvit" / "config.json").exists()
    frame = Path(__file__).parents[1] / "examples" / "bin_frame.npz"
    status, out, _ = run("ask", frame, "is there a mug?", "--model", tmp_path / "owlvit", "--json")
    assert status == 0 and json.loads(out)["status"] in ("PRESENT", "ABSENT", "UNCERTAIN")


def test_a_family_that_fails_is_named_with_the_rule_and_the_exit_status_is_1(run, monkeypatch):
    from vlm_picking.models.owl import OwlDetector

    monkeypatch.setattr(OwlDetector, "classes", ())
    monkeypatch.setattr(OwlDetector, "detect", lambda self, rgb, phrases: None.nothing)
    status, out, _ = run("models", "--check", "owlv2")
    assert status == 1
    assert out.startswith("failed   owlv2")
    assert "zero-shot detection: one phrase and sixteen: AttributeError" in out


def test_a_family_whose_package_is_missing_is_skipped_and_says_why(run, monkeypatch):
    from dataclasses import replace

    from vlm_picking.models import clip

    monkeypatch.setattr(clip, "FAMILY", replace(clip.FAMILY, needs=("no_such_package",)))
    status, out, _ = run("models", "--check", "clip", "--json")
    (row,) = json.loads(out)
    assert status == 0
    assert row["outcome"] == "skipped" and "pip install no_such_package" in row["why"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--check", "clpi"), "did you mean 'clip'?"),
        (("--keep", "x"), "--check"),
        (("clip",), "--check"),
        (("--pull", "a/b", "--check"), "alone"),
        (("--pull", "embedded"), "already"),
        (("--pull", "clip"), "owner/name"),
        (("--check", "--device", "cuda:99"), "cuda"),
    ],
)
def test_wrong_use_is_one_line_that_names_the_fix(run, arguments, message):
    status, out, err = run("models", *arguments)
    assert status == 2
    assert message in err and "Traceback" not in err


def test_pull_fetches_only_what_adapters_read_and_then_no_hub_is_needed(hub):
    handler, environment = hub
    done = vlm_picking(environment, "models", "--pull", "owner/clip", "--json")
    assert done.returncode == 0, done.stderr
    fetched = json.loads(done.stdout.splitlines()[-1])
    assert fetched["bytes"] < 5_000_000
    assert {"config.json", "model.safetensors", "tokenizer.json"} <= set(handler.fetched)
    assert not {"README.md", "pytorch_model.bin", "tf_model.h5", "model.fp16.safetensors"} & set(handler.fetched)

    n_fetched = len(handler.fetched)
    code = "from vlm_picking.models.registry import load_model; print(load_model('owner/clip', offline=True).name)"
    loaded = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=False)
    assert loaded.returncode == 0 and len(handler.fetched) == n_fetched, loaded.stderr

    (Path(fetched["directory"]) / "model.safetensors").unlink()
    frame = Path(__file__).parents[1] / "examples" / "bin_frame.npz"
    lacking = vlm_picking(environment, "ask", frame, "a mug", "--model", "owner/clip", "--offline")
    assert lacking.returncode == 2
    assert "it lacks model.safetensors" in lacking.stderr and "--pull owner/clip" in lacking.stderr


def test_what_the_hub_does_not_have_is_said(hub):
    _, environment = hub
    unknown = vlm_picking(environment, "models", "--pull", "owner/clap")
    assert unknown.returncode == 2
    assert "owner/clap" in unknown.stderr and "check the name" in unknown.stderr
    assert "Traceback" not in unknown.stderr


def test_offline_nothing_is_fetched(hub):
    _, environment = hub
    done = vlm_picking(environment | {"HF_HUB_OFFLINE": "1"}, "models", "--pull", "owner/never")
    assert done.returncode == 2
    assert "switched off" in done.stderr and "Traceback" not in done.stderr
