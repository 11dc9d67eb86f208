"""Models of clips: inflation is exact, class maps add up, order counts where it should, files give the model back."""

from __future__ import annotations

from dataclasses import asdict, replace
from pathlib import Path

import pytest
import torch
import torchvision
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from har_core.errors import CheckpointError, WeightsError
from har_core.models.checkpoint import load_checkpoint
from har_core.models.inflated import TemporalConv, inflate
from har_core.models.registry import create_model, split_frozen
from har_core.models.spec import ModelSpec
from har_core.models.temporal import (
    ON_PHOTOS,
    ClipNetwork,
    TemporalSpec,
    create_temporal,
    list_temporal,
    load_temporal,
    save_temporal,
)
from har_core.models.temporal_heads import ConvLSTM, FrameTransformer
from har_core.models.video_networks import NETWORKS, inflated_resnet18, load_video_weights
from tests.training.tiny_resnet import SPEC, photo_model

FRAMES = 4


@pytest.fixture(scope="module")
def photo() -> nn.Module:
    return photo_model()


def network(kind: str, photo: nn.Module) -> ClipNetwork:
    torch.manual_seed(0)
    return create_temporal(TemporalSpec(("left", "right", "up"), kind, FRAMES, SPEC), photo)


@pytest.fixture
def clips() -> Tensor:
    """(2, FRAMES, 3, 32, 32)."""
    return torch.randn(2, FRAMES, 3, 32, 32)


@pytest.mark.parametrize("architecture", ["tiny", "resnet50"])
def test_an_inflated_network_sees_in_a_still_clip_exactly_the_photo(photo: nn.Module, architecture: str) -> None:
    model = photo if architecture == "tiny" else create_model(ModelSpec(("a", "b"), "resnet50", "1x1", 64, 64))
    images = torch.randn(2, 3, 32, 32)
    frozen, _ = split_frozen(model, ("layer4", "fc"))
    head = inflate(model, frames=5).eval()
    with torch.no_grad():
        features = frozen(images)[:, None].expand(-1, 5, -1, -1, -1)
        torch.testing.assert_close(head(features), model(images), rtol=1e-4, atol=1e-5)


def test_a_convolution_over_time_is_torchs_own_inside_a_clip() -> None:
    flat = nn.Conv2d(3, 4, 3, stride=2, padding=1, bias=False)
    ours = TemporalConv(flat, frames=5)
    with torch.no_grad():
        ours.weight.copy_(torch.randn_like(ours.weight))
        clip = torch.randn(2, 5, 3, 8, 8)
        found = ours(clip.flatten(0, 1)).unflatten(0, (2, 5))
        wanted = nn.functional.conv3d(clip.transpose(1, 2), ours.weight, stride=(1, 2, 2), padding=(0, 1, 1)).transpose(
            1, 2
        )
    torch.testing.assert_close(found[:, 1:-1], wanted, rtol=1e-4, atol=1e-5)


def test_only_the_last_stage_is_inflated_and_the_photo_model_stays_as_it_was(photo: nn.Module) -> None:
    before = {name: value.clone() for name, value in photo.state_dict().items()}
    made = network("inflated", photo)
    learning = [name for name, value in made.named_parameters() if value.requires_grad]
    assert learning and all(name.startswith("learning.") for name in learning)
    assert sum(isinstance(module, TemporalConv) for module in made.modules()) == 2
    assert all(torch.equal(value, before[name]) for name, value in photo.state_dict().items())


def test_what_is_no_resnet_is_not_inflated() -> None:
    with pytest.raises(CheckpointError, match="expected a ResNet"):
        inflate(nn.Sequential(nn.Linear(2, 2)), frames=4)


@pytest.mark.parametrize("kind", ["frames", "frames_peak", "convlstm", "inflated"])
def test_class_maps_add_up_to_the_logits(photo: nn.Module, clips: Tensor, kind: str) -> None:
    made = network(kind, photo)
    with torch.no_grad():
        features = made.encode(clips.flatten(0, 1)).unflatten(0, (2, FRAMES))
        logits, maps, embeddings = made.answer(features, maps=True)
        assert made.learning.explanation == "closed form" and maps is not None
        assert logits.shape == (2, 3) and maps.shape[:2] == (2, 3) and embeddings.ndim == 2
        torch.testing.assert_close(maps.mean(dim=(2, 3)) + made.learning.classifier.bias, logits, rtol=1e-3, atol=1e-4)
        torch.testing.assert_close(made(clips), logits)


@pytest.mark.parametrize("kind", ON_PHOTOS)
def test_order_counts_in_all_kinds_but_those_that_look_at_each_frame_alone(
    photo: nn.Module, clips: Tensor, kind: str
) -> None:
    made = network(kind, photo)
    if isinstance(made.learning, FrameTransformer):
        nn.init.normal_(made.learning.positions)  # they start near 0
    for module in made.modules():
        if isinstance(module, TemporalConv):  # a kernel that was just inflated is the same backwards
            module.weight.data[:, :, 0] += 0.1 * torch.randn_like(module.weight[:, :, 0])
    with torch.no_grad():
        forwards, backwards = made(clips), made(clips.flip(1))
    alone = kind.startswith("frames")
    assert torch.allclose(forwards, backwards, atol=1e-5) == alone


def test_the_peak_is_each_classs_own(photo: nn.Module, clips: Tensor) -> None:
    mean, peak = network("frames", photo), network("frames_peak", photo)
    peak.learning.load_state_dict(mean.learning.state_dict())
    with torch.no_grad():
        each = torch.stack([mean(clips[:, [number] * FRAMES]) for number in range(FRAMES)])
        torch.testing.assert_close(peak(clips), each.max(dim=0).values, rtol=1e-4, atol=1e-5)
        torch.testing.assert_close(mean(clips), each.mean(dim=0), rtol=1e-4, atol=1e-5)


def test_one_step_of_the_convlstm_is_an_lstm_where_there_is_one_position() -> None:
    head = ConvLSTM(6, 2, dropout=0.0, reduced=4, hidden=3, kernel=1)
    oracle = nn.LSTM(4, 3, batch_first=True)
    weight, bias = head.gates.weight[:, :, 0, 0], head.gates.bias
    assert bias is not None
    order = torch.cat([torch.arange(0, 6), torch.arange(9, 12), torch.arange(6, 9)])  # torch: in, forget, new, out
    with torch.no_grad():
        oracle.weight_ih_l0.copy_(weight[order, :4])
        oracle.weight_hh_l0.copy_(weight[order, 4:])
        oracle.bias_ih_l0.copy_(bias[order])
        oracle.bias_hh_l0.zero_()
        features = torch.randn(2, 5, 6, 1, 1)
        steps = head.reduce(features.flatten(0, 1)).flatten(1).unflatten(0, (2, 5))
        torch.testing.assert_close(head.answer(features, maps=False).embeddings, oracle(steps)[0][:, -1])


@pytest.mark.parametrize("kind", ON_PHOTOS)
def test_a_file_gives_the_model_back(photo: nn.Module, clips: Tensor, tmp_path: Path, kind: str) -> None:
    path, made = tmp_path / "model.safetensors", network(kind, photo)
    save_temporal(made, path)
    loaded = load_temporal(path)
    assert loaded.spec == made.spec and not any(each.requires_grad for each in loaded.parameters())
    with torch.no_grad():
        torch.testing.assert_close(loaded(clips), made(clips), rtol=0.02, atol=0.02)
    again = tmp_path / "again.safetensors"
    save_temporal(loaded, again)
    first, second = load_file(path), load_file(again)
    assert first.keys() == second.keys() and all(torch.equal(value, second[name]) for name, value in first.items())
    assert loaded.digest() == load_temporal(again).digest()
    with pytest.raises(CheckpointError, match="expected format"):
        load_checkpoint(path)


def test_damaged_and_foreign_files_are_refused(photo: nn.Module, tmp_path: Path) -> None:
    path, made = tmp_path / "model.safetensors", network("convlstm", photo)
    save_temporal(made, path)
    path.write_bytes(path.read_bytes()[:-10])
    with pytest.raises(CheckpointError, match="damaged"):
        load_temporal(path)
    save_file({"a": torch.zeros(1)}, path, metadata={"format": "har-lens-model/1"})
    with pytest.raises(CheckpointError, match="--temporal"):
        load_temporal(path)
    with pytest.raises(CheckpointError, match="no file"):
        load_temporal(tmp_path / "absent")
    nn.init.constant_(made.learning.classifier.weight, float("nan"))
    save_temporal(made, path)
    with pytest.raises(CheckpointError, match="finite"):
        load_temporal(path)


@pytest.mark.parametrize(
    ("changes", "match"),
    [
        ({"kind": "convlst"}, "convlstm"),
        ({"frames": 0}, "frames"),
        ({"frames": 65}, "frames"),
        ({"classes": ("one",)}, "two or more"),
        ({"photo": None}, "photo model"),
        ({"kind": "r3d_18"}, "photo model"),
        ({"kind": "mvit_v2_s", "photo": None, "frames": 8}, "--frames 16"),
    ],
)
def test_a_spec_that_cannot_be_is_refused(changes: dict[str, object], match: str) -> None:
    with pytest.raises(CheckpointError, match=match):
        replace(TemporalSpec(("a", "b"), "frames", 16, SPEC), **changes)


def test_a_spec_survives_json() -> None:
    import json

    for spec in (TemporalSpec(("a", "b"), "inflated", 8, SPEC, 0.5), TemporalSpec(("a", "b"), "s3d")):
        assert TemporalSpec.from_dict(json.loads(json.dumps(asdict(spec)))) == spec


@pytest.mark.slow
@pytest.mark.parametrize("name", [name for name in list_temporal() if name in NETWORKS])
def test_torchvisions_networks_answer_with_our_classes(name: str) -> None:
    known = NETWORKS[name]
    frames = max(known.frames, 8)
    made = create_temporal(TemporalSpec(("a", "b", "c"), name, frames))
    made.learning.classifier.weight.data.zero_()
    assert made.learning.classifier.bias is not None
    with torch.no_grad():
        logits, maps, embeddings = made.answer(torch.randn(1, frames, 3, known.side, known.side), maps=True)
    assert maps is None and embeddings.shape == (1, known.channels)
    torch.testing.assert_close(logits[0], made.learning.classifier.bias.detach())


def test_a_resnet18_is_inflated_into_torchvisions_network(tmp_path: Path) -> None:
    torch.manual_seed(0)
    flat = torchvision.models.resnet18()
    path = tmp_path / "resnet18.safetensors"
    save_file(flat.state_dict(), path)
    made = create_temporal(TemporalSpec(("a", "b"), "r3d_18", 8))
    assert "inflated" in load_video_weights(made.learning, "r3d_18", str(path))  # type: ignore[arg-type]
    state = made.learning.state_dict()
    torch.testing.assert_close(state["body.layer3.0.conv2.0.weight"].sum(dim=2), flat.layer3[0].conv2.weight)
    assert torch.equal(state["body.layer4.1.conv1.1.bias"], flat.layer4[1].bn1.bias)
    assert torch.equal(state["body.layer2.0.downsample.1.running_var"], flat.layer2[0].downsample[1].running_var)
    with pytest.raises(WeightsError, match="ResNet-18"):
        inflated_resnet18({"conv1.weight": flat.conv1.weight}, made.learning.body)  # type: ignore[arg-type]
    save_file({"stem.0.weight": torch.zeros(1)}, path)
    with pytest.raises(WeightsError, match="expected the weights of r3d_18"):
        load_video_weights(made.learning, "r3d_18", str(path))  # type: ignore[arg-type]


def test_weights_that_cannot_be_had_are_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    made = create_temporal(TemporalSpec(("a", "b"), "r3d_18", 8))

    def offline(*_: object, **__: object) -> None:
        raise OSError("no network")

    monkeypatch.setattr("torch.hub.load_state_dict_from_url", offline)
    monkeypatch.setattr("torchvision.models._api.load_state_dict_from_url", offline)
    for weights, match in (
        ("kinetics", "--weights random"),
        ("imagenet", "KINETICS400_V1"),
        (str(tmp_path / "absent.pt"), "no file"),
    ):
        with pytest.raises(WeightsError, match=match):
            load_video_weights(made.learning, "r3d_18", weights)  # type: ignore[arg-type]
    assert made.learning.freeze_bn
    assert load_video_weights(made.learning, "r3d_18", "random") == "random weights"  # type: ignore[arg-type]
    assert not made.learning.freeze_bn
