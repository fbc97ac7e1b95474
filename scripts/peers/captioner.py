"""transformers (SigLIP cut after the last block needed, Qwen2, both with PyTorch's scaled dot product attention) and the
Diff Expert in plain PyTorch, in one floating point precision."""

import json
import math
from pathlib import Path

import torch
import transformers
from torch import nn
from torch.nn import functional
from transformers import LogitsProcessor, LogitsProcessorList

from peers.work import (DIFF_EXPERT, SO400M, STOP_TOKENS, Clock, Failure, config_of, encoder, open_images, pixels_of,
                        prompt_pieces)


def diff_expert_module(config, width):
    """The Diff Expert in plain PyTorch; parameters are named as in the checkpoint. Features are [S*B,N,D]."""
    inner = width // config["attention_upsample_rate"]
    heads = width // 128

    class Attention(nn.Module):
        def __init__(self):
            super().__init__()
            self.q_proj, self.k_proj, self.v_proj = (nn.Linear(width, inner) for _ in range(3))
            self.out_proj = nn.Linear(inner, width)

        def forward(self, q, k, v):
            def split(x):
                return x.unflatten(-1, (heads, inner // heads)).transpose(1, 2)

            x = functional.scaled_dot_product_attention(split(self.q_proj(q)), split(self.k_proj(k)),
                                                        split(self.v_proj(v)))
            return self.out_proj(x.transpose(1, 2).flatten(2))

    class Init(nn.Module):
        def __init__(self):
            super().__init__()
            self.linear_mapping, self.proj = nn.Linear(2 * width, width), nn.Linear(3 * width, width)

        def forward(self, a, b):
            gated_a = a * torch.sigmoid(self.linear_mapping(torch.cat([a, b], -1)))
            gated_b = b * torch.sigmoid(self.linear_mapping(torch.cat([b, a], -1)))
            return self.proj(torch.cat([gated_a, gated_b, gated_a - gated_b], -1))

    class Layer(nn.Module):
        def __init__(self):
            super().__init__()
            self.change_self_attn, self.cross_attn_change_to_imageABC = Attention(), Attention()
            self.cross_attn_imageAB_to_change = Attention()
            self.norm1, self.norm2, self.norm3 = (nn.LayerNorm(width, eps=1e-5) for _ in range(3))
            self.mlp = nn.ModuleDict({"lin1": nn.Linear(width, 4 * width), "lin2": nn.Linear(4 * width, width)})
            self.image_a_flag_embed, self.image_b_flag_embed = nn.Embedding(1, width), nn.Embedding(1, width)
            self.change_flag_embed = nn.Embedding(1, width)

        def forward(self, a, b, q, position):
            placed_a = a + position + self.image_a_flag_embed.weight
            placed_b = b + position + self.image_b_flag_embed.weight
            place_q = position + self.change_flag_embed.weight
            q = self.norm1(q + self.change_self_attn(q + position, q + position, q))
            q = self.norm2(q + self.cross_attn_change_to_imageABC(
                q + place_q, torch.cat([placed_a, placed_b, q + place_q], 1), torch.cat([a, b, q], 1)))
            q = self.norm3(q + self.mlp["lin2"](functional.gelu(self.mlp["lin1"](q))))
            update = self.cross_attn_imageAB_to_change
            new_a = placed_a + update(placed_a, torch.cat([placed_a, q + place_q], 1), torch.cat([a, q], 1))
            new_b = placed_b + update(placed_b, torch.cat([placed_b, q + place_q], 1), torch.cat([b, q], 1))
            return new_a, new_b, q

    class Reduce(nn.Module):
        def __init__(self):
            super().__init__()
            self.feature_map_level_gate = nn.Sequential(nn.Linear(3 * width, width), nn.GELU(), nn.Linear(width, 1))

        def forward(self, a, b, q, scales):
            gate = torch.sigmoid(self.feature_map_level_gate(torch.cat([a.mean(1), b.mean(1), q.mean(1)], -1)))
            gate = gate.view(scales, -1, 1, 1)
            return [(gate * x.unflatten(0, (scales, -1))).sum(0) / (gate.sum(0) + 1e-6) for x in (a, b)]

    class DiffExpert(nn.Module):
        def __init__(self):
            super().__init__()
            self.expert_change_feature_extractor_model = Init()
            self.layers = nn.ModuleList(Layer() for _ in range(config["per_expert_depth"]))
            self.ChangeAwareTokenReduce = Reduce()

        def forward(self, before, after):
            """Maps the features of every scale, [B,N,D] each, to both dates' [B,N,D]."""
            a, b, q = torch.cat(before), torch.cat(after), None
            position = sine_positions(a.shape[1], width).to(a)
            for layer in self.layers:
                initial = self.expert_change_feature_extractor_model(a, b)
                a, b, q = layer(a, b, initial if q is None else q + initial, position)
            a, b = self.ChangeAwareTokenReduce(a, b, q, len(before))
            return a + before[-1], b + after[-1]

    return DiffExpert()


def sine_positions(patches, width):
    """Returns [N,D] float32: half of the features for the row, half for the column."""
    side, half = math.isqrt(patches), width // 2
    place = (torch.arange(1, side + 1, dtype=torch.float32) - 0.5) / (side + 1e-6) * (2 * math.pi)
    angle = place[:, None] / 10000 ** (torch.arange(half, dtype=torch.float32) // 2 * 2 / half)
    line = torch.stack([angle[:, 0::2].sin(), angle[:, 1::2].cos()], 2).flatten(1)
    rows, columns = line[:, None].expand(side, side, half), line[None].expand(side, side, half)
    return torch.cat([rows, columns], 2).flatten(0, 1)


class Weights:
    """Returns the tensors of a checkpoint folder by name, in the computing precision."""

    def __init__(self, folder, dtype, device):
        from safetensors import safe_open
        self.dtype, self.device = dtype, device
        index = folder / "model.safetensors.index.json"
        if index.exists():
            files = sorted(set(json.loads(index.read_text())["weight_map"].values()))
        else:
            files = sorted(path.name for path in folder.glob("*.safetensors"))
        self.shards = [safe_open(folder / file, "pt") for file in files]
        self.places = {name: shard for shard in self.shards for name in shard.keys()}

    def load(self, module, prefix):
        """Fills a module that was created without values."""
        state = {name: self.places[prefix + name].get_tensor(prefix + name).to(self.device, self.dtype)
                 for name in module.state_dict() if prefix + name in self.places}
        module.load_state_dict(state, strict=False, assign=True)
        return module

    @staticmethod
    def tied_head(head, table):
        """Returns the head with the weights of the embedding."""
        head.weight = table
        return head


class Captioner:
    """The captioner in Python."""

    def __init__(self, folder, dtype, device):
        self.dtype, self.device = dtype, device
        config = config_of(folder)
        self.vision_config = SO400M | config.get("vision_config", {})
        self.layers = self.hidden_states(config)
        weights = self.weights_of(folder)
        width = self.vision_config["hidden_size"]
        with torch.device("meta"):
            vision = self.vision_module()
            expert = diff_expert_module(DIFF_EXPERT | config.get("cc_expert_args", {}), width)
            projector = nn.Sequential(nn.Linear(width, config["hidden_size"]), nn.GELU(),
                                      nn.Linear(config["hidden_size"], config["hidden_size"]))
            decoder = self.decoder_module(config)
        self.vision = weights.load(vision, "model.vision_tower.vision_tower.vision_model.")
        self.expert = weights.load(expert, "model.vision_resampler.")
        self.projector = weights.load(projector, "model.mm_projector.")
        self.decoder = weights.load(decoder, "")
        if "lm_head.weight" not in weights.places:
            self.decoder.lm_head = weights.tied_head(self.decoder.lm_head, self.decoder.model.embed_tokens.weight)
        # Buffers that checkpoints do not contain.
        patches = (self.vision_config["image_size"] // self.vision_config["patch_size"]) ** 2
        self.vision.embeddings.position_ids = torch.arange(patches, device=device)[None]
        rotary = self.decoder.model.rotary_emb
        self.decoder.model.rotary_emb = type(rotary)(rotary.config).to(device)
        for module in (self.vision, self.expert, self.projector, self.decoder):
            module.eval()
            empty = [name for name, parameter in module.named_parameters() if parameter.is_meta]
            if empty:
                raise Failure(f"{folder}: expected tensors for {', '.join(empty[:3])}, got none")
        self.encode = encoder(folder)
        self.stop_ids = [self.encode(token)[0] for token in STOP_TOKENS]

    def weights_of(self, folder):
        return Weights(folder, self.dtype, self.device)

    def hidden_states(self, config):
        """Returns the indices of the hidden states in use: 0 is the embedding."""
        layers = config["mm_vision_select_layer"]
        layers = json.loads(layers) if isinstance(layers, str) else layers
        blocks = self.vision_config["num_hidden_layers"]
        return [layer + blocks + 1 if layer < 0 else layer for layer in layers]

    def vision_module(self):
        values = self.vision_config | {"num_hidden_layers": max(self.layers), "vision_use_head": False}
        config = transformers.SiglipVisionConfig(**values)
        config._attn_implementation = "sdpa"
        return transformers.SiglipVisionModel(config)

    @staticmethod
    def decoder_module(config):
        keys = ("vocab_size", "hidden_size", "intermediate_size", "num_hidden_layers", "num_attention_heads",
                "num_key_value_heads", "rms_norm_eps", "hidden_act")
        rope = {"rope_type": "default", "rope_theta": config.get("rope_theta", 1e6)}
        values = {key: config[key] for key in keys} | {"rope_parameters": rope, "tie_word_embeddings": False}
        decoder_config = transformers.Qwen2Config(**values)
        decoder_config._attn_implementation = "sdpa"
        return transformers.Qwen2ForCausalLM(decoder_config)

    def preprocess(self, images):
        return torch.from_numpy(pixels_of(images, self.vision_config["image_size"])).to(self.device, self.dtype)

    def vision_features(self, pixels):
        x, features = self.vision.embeddings(pixels), []
        for number in range(max(self.layers) + 1):
            if number > 0:
                x = self.vision.encoder.layers[number - 1](x, attention_mask=None)
            if number in self.layers:
                features.append(x)
        return features

    def image_tokens(self, features):
        """Maps the features of every scale, [2B,N,D] each, to the tokens of all earlier and then all later images."""
        return self.projector(torch.cat(self.expert([x[0::2] for x in features], [x[1::2] for x in features])))

    def prompt(self, images):
        embed, pieces = self.decoder.get_input_embeddings(), []
        for number, ids in enumerate(prompt_pieces(self.encode)):
            if number > 0:
                pieces.append(images[number - 1])
            pieces.append(embed(torch.tensor(ids, device=self.device)))
        return torch.cat(pieces)[None]

    def caption(self, images, new_tokens, seconds):
        """Returns token ids, prompt tokens and the sum of log-probabilities; adds the time of every stage to
        `seconds`."""
        clock = Clock(seconds, self.device)
        pixels = self.preprocess(images)
        clock.stop("preprocess")
        features = self.vision_features(pixels)
        clock.stop("vision")
        tokens = self.image_tokens(features)
        clock.stop("diff_expert")
        clock.skip()
        prompt = self.prompt(tokens)

        class FirstLogits(LogitsProcessor):
            first = True

            def __call__(self, input_ids, scores):
                if self.first:
                    clock.stop("prefill")
                self.first = False
                return scores

        made = self.decoder.generate(
            inputs_embeds=prompt, attention_mask=torch.ones(prompt.shape[:2], dtype=torch.long, device=self.device),
            do_sample=False, num_beams=1, max_new_tokens=new_tokens, min_new_tokens=new_tokens,
            eos_token_id=self.stop_ids, pad_token_id=self.stop_ids[-1], output_logits=True,
            return_dict_in_generate=True, logits_processor=LogitsProcessorList([FirstLogits()]))
        clock.stop("decode")
        ids = made.sequences[0].tolist()
        logprobs = torch.cat(made.logits).float().log_softmax(-1)
        return ids, prompt.shape[1], sum(logprobs[i, token].item() for i, token in enumerate(ids))


class Peer:
    """Captions the pairs of a job."""

    def __init__(self, job, captioner=Captioner):
        transformers.logging.set_verbosity_error()
        torch.set_num_threads(job["threads"])
        self.job = job
        with torch.inference_mode():
            self.captioner = captioner(Path(job["model"]), getattr(torch, job["dtype"]), job["device"])

    def caption(self, number, seconds):
        """Captions one pair; see Captioner.caption."""
        with torch.inference_mode():
            return self.captioner.caption(open_images(self.job["pairs"][number]), self.job["new_tokens"], seconds)
