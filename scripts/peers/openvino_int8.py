"""The captioner in OpenVINO: weights in 8 bits by NNCF, activations quantised at run time by the CPU plugin.

`prepare` exports the modules of peers.captioner: vision transformer, Diff Expert with projector, embedding, and the
decoder with a key/value cache in its state. The measured process loads the exported files and has no PyTorch.
"""

import json
from pathlib import Path

import numpy

from peers.work import Clock, greedy, open_images, pixels_of

# One scale for each token, as ours.
WHOLE_ROWS = str(2**64 - 1)
PARTS = ("vision", "expert", "embedding", "decoder")


def exportable_modules(captioner):
    """Returns torch modules with one forward pass each, for the export."""
    import torch
    from torch import nn
    from torch.nn import functional

    class Vision(nn.Module):
        def __init__(self):
            super().__init__()
            self.vision = captioner.vision

        def forward(self, pixels):
            return tuple(captioner.vision_features(pixels))

    class Expert(nn.Module):
        def __init__(self):
            super().__init__()
            self.expert, self.projector = captioner.expert, captioner.projector

        def forward(self, *features):
            return captioner.image_tokens(features)

    class Table(nn.Module):
        def __init__(self):
            super().__init__()
            self.table = captioner.decoder.get_input_embeddings()

        def forward(self, ids):
            return self.table(ids)

    class Decoder(nn.Module):
        """Qwen2 with explicit keys and values of the tokens before."""

        def __init__(self):
            super().__init__()
            self.decoder, config = captioner.decoder, captioner.decoder.config
            self.heads, self.kv_heads = config.num_attention_heads, config.num_key_value_heads
            self.width = config.hidden_size // self.heads
            self.register_buffer("frequencies", captioner.decoder.model.rotary_emb.inv_freq.float())

        def rotated(self, x, cosine, sine):
            half = self.width // 2
            turned = torch.cat([-x[..., half:], x[..., :half]], -1)
            return x * cosine + turned * sine

        def repeated(self, x):
            """Maps keys or values [1,K,t,d] to all query heads [1,M,t,d]."""
            groups = self.heads // self.kv_heads
            return x.unsqueeze(2).expand(-1, -1, groups, -1, -1).reshape(1, self.heads, -1, self.width)

        def split(self, x, heads):
            return x.reshape(1, -1, heads, self.width).transpose(1, 2)

        def forward(self, x, mask, positions, beam, *past):
            angle = positions.float().unsqueeze(-1) * self.frequencies  # [1,T,d/2]
            angle = torch.cat([angle, angle], -1).unsqueeze(1)
            cosine, sine = angle.cos(), angle.sin()
            present = []
            for number, layer in enumerate(self.decoder.model.layers):
                attention, normed = layer.self_attn, layer.input_layernorm(x)
                q = self.rotated(self.split(attention.q_proj(normed), self.heads), cosine, sine)
                k = self.rotated(self.split(attention.k_proj(normed), self.kv_heads), cosine, sine)
                v = self.split(attention.v_proj(normed), self.kv_heads)
                k = torch.cat([past[2 * number].index_select(0, beam), k], 2)
                v = torch.cat([past[2 * number + 1].index_select(0, beam), v], 2)
                present += [k, v]
                attended = functional.scaled_dot_product_attention(q, self.repeated(k), self.repeated(v),
                                                                   attn_mask=mask)
                x = x + attention.o_proj(attended.transpose(1, 2).reshape(1, -1, self.heads * self.width))
                x = x + layer.mlp(layer.post_attention_layernorm(x))
            return self.decoder.lm_head(self.decoder.model.norm(x[:, -1:])), *present

    return Vision(), Expert(), Table(), Decoder()


def example_of(captioner, part):
    """Returns inputs of a part, and the shapes that stay open (-1) afterwards."""
    import torch
    side, config = captioner.vision_config["image_size"], captioner.decoder.config
    patches = (side // captioner.vision_config["patch_size"]) ** 2
    if part == "vision":
        return (torch.zeros(2, 3, side, side),), None
    if part == "expert":
        features = torch.zeros(2, patches, captioner.vision_config["hidden_size"])
        return (features,) * len(captioner.layers), None
    if part == "embedding":
        return (torch.zeros(1, 5, dtype=torch.long),), [(1, -1)]
    width, heads = config.hidden_size // config.num_attention_heads, config.num_key_value_heads
    past = (torch.zeros(1, heads, 3, width),) * (2 * config.num_hidden_layers)
    inputs = (torch.zeros(1, 5, config.hidden_size), torch.zeros(1, 1, 5, 8), torch.arange(3, 8)[None],
              torch.zeros(1, dtype=torch.long), *past)
    shapes = [(1, -1, config.hidden_size), (1, 1, -1, -1), (1, -1), (1,)] + [(1, heads, -1, width)] * len(past)
    return inputs, shapes


def with_state(model):
    """Moves keys and values from inputs and outputs into the state of the model."""
    from openvino._offline_transformations import apply_make_stateful_transformation
    for port, name in zip(model.inputs, ("embeddings", "mask", "positions", "beam")):
        port.get_tensor().set_names({name})
    pairs = {}
    for number, (before, after) in enumerate(zip(model.inputs[4:], model.outputs[1:])):
        before.get_tensor().set_names({f"past.{number}"})
        after.get_tensor().set_names({f"present.{number}"})
        pairs[f"past.{number}"] = f"present.{number}"
    apply_make_stateful_transformation(model, pairs)


def prepare(job):
    """Exports the parts in 8 bits."""
    import nncf
    import openvino
    import torch
    from peers.captioner import Captioner
    folder = Path(job["prepared"])
    with torch.no_grad():
        captioner = Captioner(Path(job["model"]), torch.float32, "cpu")
        for part, module in zip(PARTS, exportable_modules(captioner)):
            inputs, shapes = example_of(captioner, part)
            model = openvino.convert_model(module.eval(), example_input=inputs, **({"input": shapes} if shapes else {}))
            if part == "decoder":
                with_state(model)
            model = nncf.compress_weights(model, mode=nncf.CompressWeightsMode.INT8_SYM)
            openvino.save_model(model, folder / f"{part}.xml", compress_to_fp16=False)
        about = {"prompt": [captioner.encode(text) for text in job["prompt"].split("<image>")],
                 "stop_ids": captioner.stop_ids, "side": captioner.vision_config["image_size"]}
    (folder / "about.json").write_text(json.dumps(about))


class Peer:
    def __init__(self, job):
        import openvino
        self.job, folder = job, Path(job["prepared"])
        self.about = json.loads((folder / "about.json").read_text())
        settings = {"PERFORMANCE_HINT": "LATENCY", "INFERENCE_NUM_THREADS": job["threads"],
                    "DYNAMIC_QUANTIZATION_GROUP_SIZE": WHOLE_ROWS}
        core = openvino.Core()
        self.parts = {part: core.compile_model(folder / f"{part}.xml", "CPU", settings).create_infer_request()
                      for part in PARTS}

    def run(self, part, *inputs):
        results = self.parts[part].infer(list(inputs), share_inputs=True)
        return [results[port] for port in self.parts[part].get_compiled_model().outputs]

    def embedded(self, ids):
        return self.run("embedding", numpy.array([ids], dtype=numpy.int64))[0]

    def decode(self, embeddings, held):
        """Returns the logits [V] of the last token; `held` tokens are in the cache."""
        count = embeddings.shape[1]
        visible = numpy.arange(held + count)[None] <= (held + numpy.arange(count))[:, None]
        mask = numpy.where(visible, numpy.float32(0), numpy.float32(numpy.finfo(numpy.float32).min))[None, None]
        positions = numpy.arange(held, held + count, dtype=numpy.int64)[None]
        return self.run("decoder", embeddings, mask, positions, numpy.zeros(1, dtype=numpy.int64))[0][0, -1]

    def caption(self, number, seconds):
        clock = Clock(seconds)
        pixels = pixels_of(open_images(self.job["pairs"][number]), self.about["side"])
        clock.stop("preprocess")
        features = [numpy.array(x) for x in self.run("vision", pixels)]
        clock.stop("vision")
        images = numpy.array(self.run("expert", *features)[0])
        clock.stop("diff_expert")
        texts = [self.embedded(ids)[0].copy() for ids in self.about["prompt"]]
        prompt = numpy.concatenate([texts[0], images[0], texts[1], images[1], texts[2]])[None]
        self.parts["decoder"].reset_state()
        clock.skip()
        state = {"held": prompt.shape[1]}

        def step(token):
            state["held"] += 1
            return self.decode(self.embedded([token]), state["held"] - 1)

        ids, logprob = greedy(self.decode(prompt, 0), step, self.job["new_tokens"], self.about["stop_ids"], clock)
        return ids, prompt.shape[1], logprob
