"""Starting weights are taken for what they are, and what does not fit is refused."""

from __future__ import annotations

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
    save_file({}, tmp_path / "placed.safetensors", {"stride_placement": "5x5"})
    for weights, architecture, remedy in (
        (tiny_weights, "resnet50", "--architecture"),
        (tmp_path / "few.safetensors", "resnet18", "--architecture"),
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
