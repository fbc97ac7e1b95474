"""The language part in llama.cpp, weights as Q8_0, through llama-cpp-python.

`prepare` writes the GGUF file and each pair's prompt as embeddings, which the captioner in float32 computes. The
measured process only reads them: it has no vision part and no tokenizer.
"""

import ctypes
import json
from pathlib import Path

import numpy

from peers.work import Clock, config_of, greedy, open_images

LAYER_NAMES = {"input_layernorm": "attn_norm", "self_attn.q_proj": "attn_q", "self_attn.k_proj": "attn_k",
               "self_attn.v_proj": "attn_v", "self_attn.o_proj": "attn_output",
               "post_attention_layernorm": "ffn_norm", "mlp.gate_proj": "ffn_gate", "mlp.up_proj": "ffn_up",
               "mlp.down_proj": "ffn_down"}
LARGEST_PROMPT = 4096


def llama_name(name):
    """Returns GGUF's name of a tensor of the decoder."""
    fixed = {"model.embed_tokens.weight": "token_embd.weight", "model.norm.weight": "output_norm.weight",
             "lm_head.weight": "output.weight"}
    if name in fixed:
        return fixed[name]
    layer, _, rest = name.removeprefix("model.layers.").partition(".")
    module, _, kind = rest.rpartition(".")
    return f"blk.{layer}.{LAYER_NAMES[module]}.{kind}"


def write_gguf(captioner, config, path):
    """Writes the decoder: matrices as Q8_0, vectors in float32, no vocabulary."""
    import gguf
    writer = gguf.GGUFWriter(path, "qwen2")
    writer.add_block_count(config["num_hidden_layers"])
    writer.add_context_length(LARGEST_PROMPT)
    writer.add_embedding_length(config["hidden_size"])
    writer.add_feed_forward_length(config["intermediate_size"])
    writer.add_head_count(config["num_attention_heads"])
    writer.add_head_count_kv(config["num_key_value_heads"])
    writer.add_rope_freq_base(config.get("rope_theta", 1e6))
    writer.add_layer_norm_rms_eps(config["rms_norm_eps"])
    writer.add_vocab_size(config["vocab_size"])
    writer.add_tokenizer_model("none")
    writer.add_file_type(gguf.LlamaFileType.MOSTLY_Q8_0)
    for name, tensor in captioner.decoder.named_parameters():  # a tied head appears once
        values = tensor.detach().float().numpy()
        if values.ndim == 2:
            kind = gguf.GGMLQuantizationType.Q8_0
            writer.add_tensor(llama_name(name), gguf.quants.quantize(values, kind), raw_dtype=kind)
        else:
            writer.add_tensor(llama_name(name), values)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def prepare(job):
    import torch
    from peers.captioner import Captioner
    folder = Path(job["prepared"])
    with torch.no_grad():
        captioner = Captioner(Path(job["model"]), torch.float32, "cpu")
        for number, pair in enumerate(job["pairs"]):
            features = captioner.vision_features(captioner.preprocess(open_images(pair)))
            numpy.save(folder / f"prompt-{number}.npy", captioner.prompt(captioner.image_tokens(features))[0].numpy())
        write_gguf(captioner, config_of(job["model"]), folder / "decoder.gguf")
    (folder / "about.json").write_text(json.dumps({"stop_ids": captioner.stop_ids}))


class Peer:
    def __init__(self, job):
        import llama_cpp
        self.llama, self.job, self.folder = llama_cpp, job, Path(job["prepared"])
        self.stop_ids = json.loads((self.folder / "about.json").read_text())["stop_ids"]
        self.vocabulary = config_of(job["model"])["vocab_size"]
        llama_cpp.llama_backend_init()
        parameters = llama_cpp.llama_model_default_params()
        self.model = llama_cpp.llama_model_load_from_file(str(self.folder / "decoder.gguf").encode(), parameters)
        context = llama_cpp.llama_context_default_params()
        context.n_ctx, context.n_batch, context.n_ubatch = 2048, 2048, 512
        context.n_threads = context.n_threads_batch = job["threads"]
        self.context = llama_cpp.llama_init_from_model(self.model, context)
        if not self.model or not self.context:
            raise RuntimeError("llama.cpp: the model does not load")

    def decode(self, first, tokens=(), embeddings=None):
        """Runs one batch from position `first`, and returns the logits [V] of its last token."""
        llama = self.llama
        count = len(tokens) if embeddings is None else len(embeddings)
        batch = llama.llama_batch_init(count, 0 if embeddings is None else embeddings.shape[1], 1)
        batch.n_tokens = count
        for place, token in enumerate(tokens):
            batch.token[place] = token
        if embeddings is not None:
            ctypes.memmove(batch.embd, embeddings.ctypes.data, embeddings.nbytes)
        for place in range(count):
            batch.pos[place], batch.n_seq_id[place], batch.seq_id[place][0] = first + place, 1, 0
            batch.logits[place] = place == count - 1
        status = llama.llama_decode(self.context, batch)
        llama.llama_batch_free(batch)
        if status != 0:
            raise RuntimeError(f"llama_decode: status {status}")
        return numpy.ctypeslib.as_array(llama.llama_get_logits_ith(self.context, -1), (self.vocabulary,))

    def caption(self, number, seconds):
        prompt = numpy.ascontiguousarray(numpy.load(self.folder / f"prompt-{number}.npy"), dtype=numpy.float32)
        self.llama.llama_memory_clear(self.llama.llama_get_memory(self.context), True)
        clock = Clock(seconds)
        state = {"held": len(prompt)}

        def step(token):
            state["held"] += 1
            return self.decode(state["held"] - 1, [token])

        ids, logprob = greedy(self.decode(0, embeddings=prompt), step, self.job["new_tokens"], self.stop_ids, clock)
        return ids, len(prompt), logprob
