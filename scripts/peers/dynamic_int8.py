"""The captioner in Python with PyTorch's dynamic quantisation: linear layers in 8 bits, everything else in float32."""

import torch
from torch import nn

from peers.captioner import Captioner, Peer as TorchPeer, Weights


def quantized(linear):
    whole = torch.ao.quantization.quantize_dynamic(nn.ModuleDict({"linear": linear}), {nn.Linear}, dtype=torch.qint8)
    return whole["linear"]


class QuantizedWeights(Weights):
    """Quantises each linear layer at once after it is read, so that float32 is never in memory as a whole."""

    def load(self, module, prefix):
        for name, part in list(module.named_modules()):
            if isinstance(part, nn.Linear):
                self.quantize(module, prefix, name)
            else:
                self.read(part, f"{prefix}{name}." if name else prefix)
        return module

    def quantize(self, module, prefix, name):
        if f"{prefix}{name}.weight" not in self.places:
            return  # a tied head
        parent, _, own = name.rpartition(".")
        whole = super().load(module.get_submodule(name), f"{prefix}{name}.")
        setattr(module.get_submodule(parent), own, quantized(whole))

    def read(self, part, prefix):
        """Fills the parameters of one module, without those of its children."""
        for key in part._parameters:
            if prefix + key in self.places:
                tensor = self.places[prefix + key].get_tensor(prefix + key).to(self.device, self.dtype)
                setattr(part, key, nn.Parameter(tensor, requires_grad=False))

    @staticmethod
    def tied_head(head, table):
        return quantized(Weights.tied_head(head, table))


class QuantizedCaptioner(Captioner):
    def weights_of(self, folder):
        return QuantizedWeights(folder, self.dtype, self.device)


class Peer(TorchPeer):
    def __init__(self, job):
        super().__init__(job, QuantizedCaptioner)
