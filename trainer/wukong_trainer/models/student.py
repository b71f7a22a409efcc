"""The embedded student: a Qwen2 of a few million parameters, made on the spot, for a first try without a download.

It gets a byte-level BPE vocabulary made from the training questions and answers, Qwen's chat format, random weights,
and a minute of pre-training on questions and answers about invented things. It then knows how questions are asked and
answered, and none of the facts: what it knows after fine-tuning, it learnt in fine-tuning.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import PreTrainedTokenizerFast, Qwen2Config, Qwen2ForCausalLM, Qwen2Tokenizer

from wukong_trainer.models.saving import saving

END_OF_TEXT, TURN_START, TURN_END = "<|endoftext|>", "<|im_start|>", "<|im_end|>"
# Qwen's turns, without the sentence that Qwen2.5 says for a missing system message.
CHAT_TEMPLATE = (
    "{% for message in messages %}{{ '<|im_start|>' + message['role'] + '\\n' + message['content'] "
    "+ '<|im_end|>' + '\\n' }}{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}"
)


@dataclass(frozen=True, slots=True)
class StudentSize:
    """What a student of a few million parameters is made of; the defaults are measured in benchmarks/student.md."""

    vocabulary: int = 2000
    hidden: int = 256
    intermediate: int = 688
    layers: int = 2
    heads: int = 4
    key_value_heads: int = 2
    pretraining_steps: int = 150
    batch: int = 16
    length: int = 128
    learning_rate: float = 2e-3


def make_tokenizer(texts: Iterable[str], vocabulary: int) -> PreTrainedTokenizerFast:
    """A byte-level BPE tokenizer with Qwen's special tokens and chat format; it can spell any text."""
    tokenizer = Tokenizer(models.BPE())
    # Loading a Qwen2's folder, transformers splits words as Qwen does, whatever the file says.
    qwen = Qwen2Tokenizer().backend_tokenizer
    tokenizer.normalizer, tokenizer.pre_tokenizer = qwen.normalizer, qwen.pre_tokenizer
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=vocabulary,
        special_tokens=[END_OF_TEXT, TURN_START, TURN_END],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    # The words of the chat format stand in every prompt: repeated, they become single tokens.
    tokenizer.train_from_iterator([*texts, *(["system\n", "user\n", "assistant\n"] * 50)], trainer)
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        eos_token=TURN_END,
        pad_token=END_OF_TEXT,
        chat_template=CHAT_TEMPLATE,
        model_max_length=1024,
        clean_up_tokenization_spaces=False,
    )


def make_student(
    folder: Path,
    texts: Iterable[str],
    pairs: Iterator[tuple[str, str]],
    system: str,
    *,
    seed: int = 0,
    size: StudentSize | None = None,
    progress: Callable[[int, int, float], None] = lambda step, steps, loss: None,
) -> Path:
    """Make a student, pre-train it on `pairs` and save model and tokenizer to `folder` as safetensors.

    Args:
        folder: where it goes; loadable like any Hugging Face model folder.
        texts: what the vocabulary is made from.
        pairs: endless questions and answers that state none of the facts to be asked.
        system: the system prompt the student is used to.
        progress: called with (step, steps, loss in nats per token) after each step.
    """
    size = size or StudentSize()
    tokenizer = make_tokenizer(texts, size.vocabulary)
    torch.manual_seed(seed)
    stop, pad = (tokenizer.get_vocab()[token] for token in (TURN_END, END_OF_TEXT))
    model = Qwen2ForCausalLM(
        Qwen2Config(
            vocab_size=len(tokenizer),
            hidden_size=size.hidden,
            intermediate_size=size.intermediate,
            num_hidden_layers=size.layers,
            num_attention_heads=size.heads,
            num_key_value_heads=size.key_value_heads,
            max_position_embeddings=1024,
            tie_word_embeddings=True,
            bos_token_id=None,
            eos_token_id=stop,
            pad_token_id=pad,
        )
    )
    _pretrain(model, tokenizer, pairs, system, size, progress)
    with saving(folder, "Free some room on the disk and run the command again."):
        folder.mkdir(parents=True, exist_ok=True)
        model.save_pretrained(folder)
        tokenizer.save_pretrained(folder)
    return folder


def _pretrain(
    model: Any,
    tokenizer: PreTrainedTokenizerFast,
    pairs: Iterator[tuple[str, str]],
    system: str,
    size: StudentSize,
    progress: Callable[[int, int, float], None],
) -> None:
    """Plain next-token training on chats packed end to end: fp32 AdamW, linear warm-up, cosine decay."""
    optimizer = torch.optim.AdamW(model.parameters(), lr=size.learning_rate, weight_decay=0.01)
    steps, warmup = size.pretraining_steps, max(1, size.pretraining_steps // 20)

    def factor(step: int) -> float:
        if step < warmup:
            return (step + 1) / warmup
        return 0.5 * (1 + math.cos(math.pi * (step - warmup) / max(1, steps - warmup)))

    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, factor)
    model.train()
    for step, batch in enumerate(islice(_batches(tokenizer, pairs, system, size), steps), start=1):
        loss = model(input_ids=batch, labels=batch).loss
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        schedule.step()
        optimizer.zero_grad()
        progress(step, steps, float(loss.detach()))


def _batches(
    tokenizer: PreTrainedTokenizerFast, pairs: Iterator[tuple[str, str]], system: str, size: StudentSize
) -> Iterator[torch.Tensor]:
    """Token ids of shape (batch, length), chat after chat."""
    ids: list[int] = []
    for question, answer in pairs:
        text = tokenizer.apply_chat_template(
            [
                {"role": "system", "content": system},
                {"role": "user", "content": question},
                {"role": "assistant", "content": answer},
            ],
            tokenize=False,
        )
        ids += tokenizer(str(text), add_special_tokens=False)["input_ids"]
        while len(ids) >= size.batch * size.length:
            yield torch.tensor(ids[: size.batch * size.length]).view(size.batch, size.length)
            ids = ids[size.batch * size.length :]
