"""Starting weights are taken for what they are, and what does not fit is refused."""

from __future__ import annotations

import argparse
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import nn

from har_core.errors import WeightsError
from har_core.models.pretrained import load_pretrained
from har_core.models.registry import create_model, head
from har_core.models.spec import ModelSpec


def load(weights: object, architecture: str = "resnet18") -> tuple[nn.Module, ModelSpec, str]:
    return load_pretrained(str(weights), classes="ab", architecture=architecture, crop_size=64, resize=72)


def test_starting_weights_fill_all_but_the_head(tiny_weights: Path) -> None:
    model, spec, origin = load(tiny_weights)
    assert torch.equal(model.get_parameter("layer1.0.conv1.weight"), load_file(tiny_weights)["layer1.0.conv1.weight"])
    assert head(model).weight.shape == (2, 512) and origin == tiny_weights.name
    assert spec == ModelSpec(("a", "b"), "resnet18", "3x3", 64, 72)


def test_the_heads_weights_are_drawn_from_torchs_random_state(tiny_weights: Path) -> None:
    drawn = []
    for seed in (1, 1, 2):
        torch.manual_seed(seed)
        drawn.append(head(load(tiny_weights)[0]).weight)
    assert torch.equal(drawn[0], drawn[1]) and not torch.equal(drawn[0], drawn[2])


@pytest.mark.parametrize(("metadata", "stride"), [({"stride_placement": "1x1"}, (2, 2)), ({}, (1, 1))])
def test_stride_placement_of_starting_weights_is_obeyed(
    tmp_path: Path, metadata: dict[str, str], stride: tuple[int, int]
) -> None:
    state = create_model(ModelSpec(tuple("abc"), "resnet50")).state_dict()
    save_file({name: tensor.contiguous() for name, tensor in state.items()}, tmp_path / "w.safetensors", metadata)
    model, spec, _ = load(tmp_path / "w.safetensors", "resnet50")
    assert model.get_submodule("layer2")[0].conv1.stride == stride  # type: ignore[index]
    assert spec.stride_placement == metadata.get("stride_placement", "3x3")


def test_a_state_dict_is_read_without_running_code(tmp_path: Path, tiny_weights: Path) -> None:
    torch.save(load_file(tiny_weights), tmp_path / "w.pt")
    load(tmp_path / "w.pt")

    class Hostile:
        def __reduce__(self):  # type: ignore[no-untyped-def]
            return (Path.touch, (tmp_path / "ran",))

    torch.save({"fc.weight": Hostile()}, tmp_path / "evil.pt")
    with pytest.raises(WeightsError):
        load(tmp_path / "evil.pt")
    assert not (tmp_path / "ran").exists()


def test_weights_that_do_not_fit_or_cannot_be_read(tmp_path: Path, tiny_weights: Path) -> None:
    (tmp_path / "bad.safetensors").write_bytes(b"nonsense")
    save_file({"conv1.weight": torch.zeros(64, 3, 7, 7)}, tmp_path / "few.safetensors")
    save_file({"conv1.weight": torch.zeros(64, 1, 7, 7)}, tmp_path / "gray.safetensors")
    save_file({}, tmp_path / "placed.safetensors", {"stride_placement": "5x5"})
    for weights, architecture, remedy in (
        (tiny_weights, "resnet50", "--architecture"),
        (tmp_path / "few.safetensors", "resnet18", "--architecture"),
        (tmp_path / "gray.safetensors", "resnet18", "conv1.weight of 64 × 3 × 7 × 7, found 64 × 1 × 7 × 7"),
        (tmp_path / "none.safetensors", "resnet18", "--weights"),
        (tmp_path / "bad.safetensors", "resnet18", "check the file"),
        (tmp_path / "placed.safetensors", "resnet18", "1x1 or 3x3"),
        ("IMAGENET99", "resnet18", "IMAGENET1K_V1"),
    ):
        with pytest.raises(WeightsError) as caught:
            load(weights, architecture)
        assert remedy in str(caught.value)


def test_imagenet_means_the_reports_weights_and_no_network_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    def unreachable(url: str, **options: object) -> None:
        asked.append(url)
        raise OSError("no network")

    monkeypatch.setattr("torchvision.models._api.load_state_dict_from_url", unreachable)
    with pytest.raises(WeightsError, match=r"--weights FILE") as caught:
        load("imagenet", "resnet50")
    assert "resnet50-0676ba61" in asked[0] and "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("prefix", "wrap", "file"),
    [
        ("module.", None, "w.PTH"),
        ("model.", "state_dict", "last.ckpt"),
        ("_orig_mod.", "model", "w.pt"),
        ("backbone.", "model_state_dict", "w.bin"),
        ("net.", "net", "w.weights"),
        ("encoder.", "ema", "w"),
        ("module.model.", "params", "model_best.pth.tar"),
        ("model._orig_mod.", "state_dict_ema", "w.pth"),
        ("classifier_of_mine.", "state_dict", "w.ckpt"),
        ("", "net", "w.pth.tar"),
    ],
)
def test_checkpoints_of_training_scripts_are_read(
    tmp_path: Path, tiny_weights: Path, prefix: str, wrap: str | None, file: str
) -> None:
    plain = load_file(tiny_weights)
    state = {f"{prefix}{name}": tensor for name, tensor in plain.items()}
    torch.save({wrap: state, "epoch": 3, "lr": 0.1} if wrap else state, tmp_path / file)
    model, _, origin = load(tmp_path / file)
    assert all(torch.equal(model.state_dict()[name], plain[name]) for name in plain if not name.startswith("fc."))
    assert origin.startswith(file)


def test_what_is_left_out_of_a_checkpoint_is_told(tmp_path: Path, tiny_weights: Path) -> None:
    state = {f"model.{name}": tensor for name, tensor in load_file(tiny_weights).items()}
    torch.save({"state_dict": state | {"criterion.weight": torch.ones(2), "seen": torch.ones(1)}}, tmp_path / "w.ckpt")
    origin = load(tmp_path / "w.ckpt")[2]
    assert "model." in origin and "2 others" in origin


def test_a_checkpoint_of_two_networks_is_not_guessed_at(tmp_path: Path, tiny_weights: Path) -> None:
    plain = load_file(tiny_weights)
    twice = {f"{prefix}{name}": one for prefix in ("student.", "teacher.") for name, one in plain.items()}
    torch.save(twice, tmp_path / "w.pth")
    with pytest.raises(WeightsError, match=r"student\..*teacher\."):
        load(tmp_path / "w.pth")
    torch.save({"student": plain, "teacher": plain}, tmp_path / "w.pth")
    with pytest.raises(WeightsError, match="found student, teacher"):
        load(tmp_path / "w.pth")


def test_what_pytorch_does_not_read_safely_is_refused_without_its_advice(tmp_path: Path, tiny_weights: Path) -> None:
    plain, archive = load_file(tiny_weights), tmp_path / "script.pt"
    torch.jit.trace(nn.Linear(1, 1), torch.zeros(1, 1)).save(archive)  # type: ignore[no-untyped-call]
    torch.save({"state_dict": plain, "args": argparse.Namespace(lr=1)}, tmp_path / "args.pth.tar")
    torch.save(nn.Linear(1, 1), tmp_path / "whole.pth")
    for path, found in (
        (tmp_path / "args.pth.tar", "argparse.Namespace"),
        (tmp_path / "whole.pth", "torch.nn.modules.linear.Linear"),
        (archive, "TorchScript"),
    ):
        with pytest.raises(WeightsError) as caught:
            load(path)
        said = str(caught.value)
        assert found in said and "torch.save(model.state_dict()" in said and "safetensors" in said
        assert "weights_only" not in said and "\x1b" not in said and "\n" not in said


@pytest.mark.parametrize(
    ("content", "found"),
    [
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:abc\nsize 100\n", "Git LFS pointer"),
        (b"<!DOCTYPE html>", "a web page"),
        (b"", "empty"),
        (b"\x89HDF\r\n\x1a\n" + bytes(40), "another kind"),
        (b"PK\x03\x04" + bytes(40), "damaged"),
        (b"\x20\0\0\0\0\0\0\0{" + bytes(10), "damaged"),
    ],
)
@pytest.mark.parametrize("name", ["w.safetensors", "w.pth", "w"])
def test_files_of_other_kinds_are_named(tmp_path: Path, content: bytes, found: str, name: str) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(WeightsError, match=found) as caught:
        load(tmp_path / name)
    assert "weights_only" not in str(caught.value)


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_weights_that_are_no_numbers_are_refused(tmp_path: Path, tiny_weights: Path, value: float) -> None:
    state = load_file(tiny_weights)
    state["layer2.0.conv1.weight"][0, 0, 0, 0] = value
    for name, save in (("w.safetensors", save_file), ("w.pth", torch.save)):
        save(state, tmp_path / name)
        with pytest.raises(WeightsError, match=r"layer2\.0\.conv1\.weight"):
            load(tmp_path / name)


def test_a_path_is_a_file_and_a_name_is_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "random").write_bytes(b"a file of that name")
    (tmp_path / "folder").mkdir()
    assert load("random")[2] == "random weights"
    for given, found in (("folder", "a folder"), ("other/weights", "no file"), ("gone.ckpt", "no file")):
        with pytest.raises(WeightsError, match=found):
            load(given)
