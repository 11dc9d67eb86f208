"""A process that from now on starts no other, but may start threads, as the decoder of HEIC does."""

from __future__ import annotations

import ctypes
import platform
import struct
import sys

_SET_SECCOMP, _NO_NEW_PRIVILEGES, _FILTER = 22, 38, 2  # of linux/prctl.h and linux/seccomp.h
_ALLOW, _REFUSE = 0x7FFF0000, 0x00050000  # the lower half of a refusal is the error's number
_NOT_PERMITTED, _NO_SUCH_CALL = 1, 38
_THREAD = 0x00010000  # flag of clone
_LOAD, _IS, _IS_AT_LEAST, _HAS, _RETURN = 0x20, 0x15, 0x35, 0x45, 0x06  # of linux/bpf_common.h
_CALL, _ARCHITECTURE, _FIRST_ARGUMENT = 0, 4, 16  # where struct seccomp_data has them

# Of each machine: its number in linux/audit.h; clone; fork, vfork, execve, execveat, as far as it has them.
_MACHINES = {"x86_64": (0xC000003E, 56, (57, 58, 59, 322)), "aarch64": (0xC00000B7, 220, (221, 281))}
_CLONE3 = 435  # its flags lie in memory, where a filter cannot look; the C library then takes clone
_OTHER_NUMBERS = 0x40000000  # from here on x86-64 has every call a second time


class _Program(ctypes.Structure):
    _fields_ = (("length", ctypes.c_ushort), ("instructions", ctypes.c_char_p))


def forbid_processes() -> bool:
    """Refuse fork and exec to this process and to its threads, whoever runs it, by a seccomp filter that cannot be taken back.

    Returns:
        Whether it holds: Linux on x86-64 and ARM64, where the system has seccomp.  Otherwise nothing has changed.
    """
    machine = _MACHINES.get(platform.machine())
    if sys.platform != "linux" or machine is None or sys.maxsize < 2**32:
        return False
    code = _filter(*machine)
    libc = ctypes.CDLL(None)
    zero = ctypes.c_ulong(0)
    if libc.prctl(_NO_NEW_PRIVILEGES, ctypes.c_ulong(1), zero, zero, zero) != 0:
        return False
    program = _Program(len(code) // 8, code)
    return bool(libc.prctl(_SET_SECCOMP, ctypes.c_ulong(_FILTER), ctypes.byref(program), zero, zero) == 0)


def _filter(architecture: int, clone: int, refused: tuple[int, ...]) -> bytes:
    """The program that the system runs at every call; each instruction names how many to skip if true and if false."""

    def instruction(code: int, value: int, if_true: int = 0, if_false: int = 0) -> bytes:
        return struct.pack("=HBBI", code, if_true, if_false, value)

    def refuse(error: int) -> bytes:
        return instruction(_RETURN, _REFUSE | error)

    program = [
        instruction(_LOAD, _ARCHITECTURE),
        instruction(_IS, architecture, 1, 0),
        refuse(_NOT_PERMITTED),
        instruction(_LOAD, _CALL),
        instruction(_IS_AT_LEAST, _OTHER_NUMBERS, 0, 1),
        refuse(_NOT_PERMITTED),
        instruction(_IS, _CLONE3, 0, 1),
        refuse(_NO_SUCH_CALL),
    ]
    for call in refused:
        program += [instruction(_IS, call, 0, 1), refuse(_NOT_PERMITTED)]
    return b"".join(
        [
            *program,
            instruction(_IS, clone, 1, 0),
            instruction(_RETURN, _ALLOW),
            instruction(_LOAD, _FIRST_ARGUMENT),
            instruction(_HAS, _THREAD, 1, 0),
            refuse(_NOT_PERMITTED),
            instruction(_RETURN, _ALLOW),
        ]
    )
