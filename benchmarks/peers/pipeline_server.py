"""A tutorial's server: FastAPI around a transformers pipeline. A process of ``benchmarks.serve``.

python -m benchmarks.peers.pipeline_server PORT LABELS THREADS pooled|in-turn
"""

from __future__ import annotations

import sys
from typing import Any

import torch
import uvicorn
from fastapi import FastAPI, Response
from pydantic import BaseModel
from transformers import AutoModelForSequenceClassification, AutoTokenizer, pipeline

from ml.container import default_base_model


class Ticket(BaseModel):
    """One ticket as it is asked."""

    id: str
    text: str


def application(labels: int, way: str) -> FastAPI:
    """The same encoder as ours with a head of as many labels; untrained, which changes no time."""
    base = str(default_base_model())
    model = AutoModelForSequenceClassification.from_pretrained(base, num_labels=labels).eval()
    classify = pipeline(
        "text-classification",
        model=model,
        tokenizer=AutoTokenizer.from_pretrained(base),
        device="cpu",
        top_k=None,
    )
    app = FastAPI()

    def answer(ticket: Ticket) -> dict[str, Any]:
        return {"id": ticket.id, "scores": classify([ticket.text], truncation=True)[0]}

    async def answer_in_turn(ticket: Ticket) -> dict[str, Any]:
        return answer(ticket)

    app.post("/invocations")(answer if way == "pooled" else answer_in_turn)
    app.get("/ping")(lambda: Response(status_code=200))
    return app


def main() -> int:
    port, labels, threads, way = sys.argv[1:]
    torch.set_num_threads(int(threads))
    uvicorn.run(
        application(int(labels), way), host="127.0.0.1", port=int(port), log_level="warning", access_log=False
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
