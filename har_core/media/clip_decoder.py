"""An open clip → its frames at the moments that are asked for, by PyAV.  For the worker process alone."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from fractions import Fraction
from typing import BinaryIO, NoReturn

import av
from av.error import EOFError as EndOfClip
from av.error import FFmpegError
from av.stream import Disposition
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from har_core.errors import ClipError
from har_core.media.clip_files import CONTAINERS, MAX_CLIP_SECONDS
from har_core.media.images import MAX_PIXELS

_AGAIN = "Copy or download it again, or convert it to MP4"
_TOO_LONG = f"may take {MAX_CLIP_SECONDS / 60:g} minutes. Cut out the part that matters"

# What phones, cameras, browsers, screen recorders and data sets write.  No decoder of sound is among them.
_DECODERS = (
    "h264,hevc,av1,libdav1d,vp8,vp9,libvpx,libvpx-vp9,mpeg4,mjpeg,mpeg1video,mpeg2video,h263,h263p,msmpeg4v1,msmpeg4v2,"
    "msmpeg4,prores,dnxhd,dvvideo,theora,cinepak,svq1,svq3,rpza,qtrle,msrle,msvideo1,huffyuv,ffvhuff,ffv1,utvideo,png,rawvideo"
)
_OPENING = {"format_whitelist": ",".join(CONTAINERS), "protocol_whitelist": "none", "codec_whitelist": _DECODERS}
_DECODING = {"codec_whitelist": _DECODERS, "max_pixels": str(MAX_PIXELS)}
_NO_CLIP = Disposition.attached_pic | Disposition.timed_thumbnails | Disposition.still_image
_MISSED, _MISSED_SHARE, _MOST_MISSED = 0.25, 0.02, 1.0
"""A clip may end so many seconds, or by such a share, before what it tells of; of two slow pictures up to the last."""
_SLACK = 0.001  # seconds: containers that count milliseconds round
_BEFORE = (
    1.0  # seconds before a moment from which on is decoded: the pictures right after a key picture may need others
)
_ODD_SHAPE = 10  # of a pixel, width to height or height to width: not believed
_FASTEST = 1000  # pictures a second; more are not believed
_OFTEN = 30  # pictures between two signs of life


class ClipDecoder:
    """The pictures of one clip, with the seconds since the first one that is shown.

    Args:
        clip: at its beginning, can be sought.
        container: its kind, one of `CONTAINERS`.
        works: called with the time now and then.

    Raises:
        ClipError: what is wrong with the clip, and what to do, without its name; also while iterating.
    """

    def __init__(self, clip: BinaryIO, container: str, *, works: Callable[[float], None] = lambda time: None) -> None:
        self._clip, self._kind, self._works = clip, container, works
        self._open()
        rate = self._stream.average_rate
        self.rate = float(rate) if rate is not None and 0 < rate <= _FASTEST else None
        """Frames a second on average, as the clip tells."""
        self.told = self._told()
        """Its duration in seconds, as it tells."""
        if self.told is not None and self.told > MAX_CLIP_SECONDS + 1:
            raise ClipError(f"takes {_clock(self.told)}, and {_TOO_LONG}")
        self.found = 0.0
        """Until when its frames are shown, as far as they have been decoded, in seconds."""
        self._first: float | None = None  # seconds of the container's clock
        self._file_ends = 0.0
        self._lost: list[float] = []

    def shown(self, fps: float) -> Iterator[tuple[float, VideoFrame]]:
        """The frames shown at 0, 1/fps, 2/fps … seconds, each once, with the first of its moments."""
        moment, before = 0, None
        for time, frame in self._decoded():
            if before is not None and moment / fps < time - _SLACK:
                yield moment / fps, before
                moment = math.ceil((time - _SLACK) * fps)
            before = frame
        if before is not None and moment / fps < max(self.found - _SLACK, _SLACK):
            yield moment / fps, before

    def shown_at(self, moment: float) -> Iterator[tuple[float, VideoFrame]]:
        """The one frame that is shown at a moment; of a clip that ends before, the last."""
        first = next(self._decoded(), None)
        found = None
        if first is not None and moment > 2 * _BEFORE and self._seek(moment - _BEFORE):
            found = self._last_until(moment, sought=True)
        if found is None:  # near the beginning, or the clip has no index, as one that a browser records
            self._clip.seek(0)
            self._open()
            found = self._last_until(moment)
        if found is not None:
            yield found

    def size(self, frame: VideoFrame) -> tuple[int, int]:
        """Width and height of a frame in square pixels, before it is turned upright."""
        shape = self._stream.sample_aspect_ratio or Fraction(1)
        if not 1 / _ODD_SHAPE <= shape <= _ODD_SHAPE:
            shape = Fraction(1)
        return max(1, round(frame.width * shape)), frame.height

    def missing(self) -> str | None:
        """What the clip lacks of what it tells of; None if nothing.  To be asked once all frames are decoded."""
        whole = max((self._container.duration or 0) / av.time_base, self._counted or 0)
        two_pictures = min(2 / self.rate, _MOST_MISSED) if self.rate else 0.0
        if self._file_ends < whole - max(_MISSED, two_pictures, _MISSED_SHARE * whole):
            return (
                f"is cut off: it tells of {whole:.1f} seconds and ends after {self.found:.1f}. {_AGAIN} to see the rest"
            )
        if self._lost:
            count = "a picture" if len(self._lost) == 1 else f"{len(self._lost):,} pictures"
            return f"is damaged: from {max(0.0, self._lost[0]):.1f} seconds on, {count} could not be decoded. {_AGAIN}"
        return None

    def _open(self) -> None:
        try:
            self._container = av.open(
                self._clip,
                "r",
                self._kind,
                _OPENING,
                metadata_errors="replace",
                buffer_size=2**18,
                io_open=_no_other_file,
            )
        except (FFmpegError, ValueError) as error:
            raise ClipError(f"is damaged, or is no clip. {_AGAIN}") from error
        self._stream = self._pictures()
        self._stream.codec_context.thread_count = 1  # threads would be processes, which a worker may not start
        self._stream.codec_context.options = _DECODING

    def _pictures(self) -> VideoStream:
        """The stream to be shown; a cover is none."""
        streams = [one for one in self._container.streams.video if not one.disposition & _NO_CLIP]
        if not streams:
            sound = "only sound" if self._container.streams.audio else "no stream of pictures"
            raise ClipError(f"holds no moving pictures, found {sound}. Choose another clip")
        chosen = next((one for one in streams if one.disposition & Disposition.default), streams[0])
        codec = chosen.codec_context
        if codec is None or codec.name not in _DECODERS.split(","):
            name = codec.name if codec is not None else "an unknown one"
            raise ClipError(f"is encoded by a codec that is not accepted, found {name}. Convert it to MP4 (H.264)")
        if codec.width * codec.height > MAX_PIXELS:
            raise ClipError(
                f"has frames of {codec.width} × {codec.height} pixels, at most {MAX_PIXELS // 10**6} megapixels are accepted. "
                "Save a smaller copy"
            )
        return chosen

    @property
    def _counted(self) -> float | None:
        """The duration in seconds of as many pictures as an AVI tells of.  Its others are corrected where it is cut off."""
        avi = self._container.format.name == "avi"
        return self._stream.frames / self.rate if avi and self._stream.frames and self.rate else None

    def _told(self) -> float | None:
        stream, whole = self._stream, self._container.duration
        if self._counted:
            return self._counted
        if stream.duration and stream.duration > 0 and stream.time_base:
            return float(stream.duration * stream.time_base)
        return whole / av.time_base if whole and whole > 0 else None

    def _decoded(self) -> Iterator[tuple[float, VideoFrame]]:
        """All frames that can be decoded, with the time since the first one, which never goes back.

        Times that are missing are filled in.  What is damaged is passed over, and remembered.
        """
        latest = -math.inf
        for number, frame in enumerate(self._frames(), start=1):
            if number % _OFTEN == 0:
                self._works(self.found)
            time = _seconds(frame, self._stream)
            if time is None:
                time = (self._first or 0.0) + self.found
            if self._first is None:
                self._first = time
            latest = max(latest, time - self._first)
            if latest > MAX_CLIP_SECONDS:
                raise ClipError(f"goes on after {_clock(MAX_CLIP_SECONDS)}, and {_TOO_LONG}")
            self.found = max(self.found, latest + self._duration(frame))
            yield latest, frame

    def _frames(self) -> Iterator[VideoFrame]:
        packets = self._container.demux()  # of sound, too: where it ends tells whether the file was cut off
        begin = (self._container.start_time or 0) / av.time_base
        while True:
            try:
                packet = next(packets)
            except (StopIteration, EndOfClip):
                return
            except FFmpegError:
                self._lost.append(self.found)
                return
            if packet.pts is not None and packet.time_base is not None:
                end = float((packet.pts + (packet.duration or 0)) * packet.time_base) - begin
                self._file_ends = max(self._file_ends, min(end, 2 * MAX_CLIP_SECONDS))
            if packet.stream is not self._stream:
                continue
            try:
                frames = packet.decode()
            except FFmpegError as error:
                if isinstance(error, MemoryError):
                    raise ClipError("needs more memory than a clip may take. Save a smaller copy") from error
                if not isinstance(error, EndOfClip):
                    self._lost.append(self.found)
                continue
            yield from (frame for frame in frames if isinstance(frame, VideoFrame))

    def _duration(self, frame: VideoFrame) -> float:
        if frame.duration and frame.duration > 0 and frame.time_base:
            return min(float(frame.duration * frame.time_base), 2 * MAX_CLIP_SECONDS)
        return 1 / self.rate if self.rate else 0.0

    def _seek(self, moment: float) -> bool:
        """Whether decoding can go on somewhere before a moment."""
        base = self._stream.time_base
        if base is None:
            return False
        try:
            self._container.seek(int((moment + (self._first or 0.0)) / base), stream=self._stream)
        except FFmpegError:
            return False
        return True

    def _last_until(self, moment: float, *, sought: bool = False) -> tuple[float, VideoFrame] | None:
        found: tuple[float, VideoFrame] | None = None
        for time, frame in self._decoded():
            if found is None and sought and (time > moment or frame.pts is None):
                return None  # the index is wrong
            if found is not None and time > moment + _SLACK:
                break
            found = time, frame
        return found


def _seconds(frame: VideoFrame, stream: VideoStream) -> float | None:
    base = frame.time_base or stream.time_base
    return float(frame.pts * base) if frame.pts is not None and base else None


def _clock(seconds: float) -> str:
    if not seconds < 100 * 3600:
        return "more than 100 hours"
    whole = round(seconds)
    return f"{whole // 60}:{whole % 60:02d} minutes"


def _no_other_file(*_: object) -> NoReturn:
    raise PermissionError("a clip is one file")
