#!/usr/bin/env python3
"""Makes the small archives beside it, with PyTorch 2: make_archives.py [FOLDER]"""
import collections
import os
import sys
import zipfile
from pathlib import Path

import torch

folder = Path(sys.argv[1] if len(sys.argv) > 1 else Path(__file__).parent)
numbers = torch.arange(6, dtype=torch.float32).view(2, 3) - 2.5
shared = torch.arange(8, dtype=torch.float32)

torch.save({"f32": numbers, "bf16": numbers.bfloat16(), "f16": numbers.half(), "i64": torch.arange(3) - 1,
            "bool": torch.arange(3) > 0, "scalar": torch.tensor(7.0), "empty": torch.empty(0, 4)}, folder / "plain.bin")

module = torch.nn.Linear(3, 2)
with torch.no_grad():
    module.weight.copy_(numbers)
    module.bias.copy_(torch.tensor([0.5, -1.0]))
torch.save(module.state_dict(), folder / "module.bin")
torch.save(collections.OrderedDict(weight=module.weight, bias=module.bias), folder / "parameters.bin")

torch.save({"all": shared, "part": shared[2:6], "column": shared.view(4, 2)[:, 1], "turned": numbers.t()},
           folder / "views.bin")
torch.save([numbers], folder / "list.bin")
torch.save({"weight": numbers, "epoch": 3}, folder / "mixed.bin")
torch.save({"weight": numbers}, folder / "legacy.bin", _use_new_zipfile_serialization=False)


class Command:
    def __reduce__(self):
        return os.system, ("touch ccexpert-was-here",)


torch.save({"weight": Command()}, folder / "hostile.bin")

torch.save({"f32": numbers, "bf16": numbers.bfloat16()}, folder / "protocol4.bin", pickle_protocol=4)
torch.serialization.set_crc32_options(False)
torch.save({"f32": numbers}, folder / "no_checksums.bin")
torch.serialization.set_crc32_options(True)

# As somebody packs an unpacked archive again: torch.load reads it.
with zipfile.ZipFile(folder / "views.bin") as stored, \
        zipfile.ZipFile(folder / "compressed.bin", "w", zipfile.ZIP_DEFLATED) as packed:
    for record in stored.namelist():
        content = stored.read(record)
        packed.writestr(record.replace("views/", "compressed/"), content)
