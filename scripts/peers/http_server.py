"""The captioner of captioner.py behind FastAPI, with the requests of ccexpert-serve: a peer for bench_serve.py.

    python -m peers.http_server MODEL PORT [THREADS]      (in scripts/; needs torch, transformers, fastapi, uvicorn)
"""

import base64
import io
import sys
import threading
from pathlib import Path

import fastapi
import torch
import transformers
import uvicorn
from PIL import Image
from pydantic import BaseModel

from peers.captioner import Captioner


class ServedCaptioner(Captioner):
    """The captioner for checkpoints without the norm after the last block, which no hidden state of it needs."""

    def vision_module(self):
        vision = super().vision_module()
        vision.post_layernorm = torch.nn.Identity()
        return vision


class Body(BaseModel):
    before: str
    after: str
    max_new_tokens: int = 64


def image_of(text, name):
    try:
        return Image.open(io.BytesIO(base64.b64decode(text, validate=True))).convert("RGB")
    except Exception as error:
        raise fastapi.HTTPException(422, f"{name}: {error}") from error


def application(folder):
    app, lock = fastapi.FastAPI(), threading.Lock()
    captioner = ServedCaptioner(folder, torch.float32, "cpu")
    words = transformers.Qwen2Tokenizer.from_pretrained(folder)

    @app.post("/v1/captions")
    def caption(body: Body):
        images = [image_of(body.before, "before"), image_of(body.after, "after")]
        with lock, torch.inference_mode():
            tokens = captioner.image_tokens(captioner.vision_features(captioner.preprocess(images)))
            prompt = captioner.prompt(tokens)
            ids = captioner.decoder.generate(
                inputs_embeds=prompt, attention_mask=torch.ones(prompt.shape[:2], dtype=torch.long), do_sample=False,
                max_new_tokens=body.max_new_tokens, eos_token_id=captioner.stop_ids, pad_token_id=captioner.stop_ids[-1])
        return {"caption": words.decode(ids[0], skip_special_tokens=True).strip()}

    return app


def main():
    folder, port = Path(sys.argv[1]), int(sys.argv[2])
    transformers.logging.set_verbosity_error()
    if len(sys.argv) > 3:
        torch.set_num_threads(int(sys.argv[3]))
    with torch.inference_mode():
        app = application(folder)
    uvicorn.run(app, host="127.0.0.1", port=port, log_level="error", access_log=False)


if __name__ == "__main__":
    main()
