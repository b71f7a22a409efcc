"""What a model card says of use: the code or command of each tool that loads the model."""

from __future__ import annotations

import shlex

from wukong_trainer.models.model_facts import ModelFacts
from wukong_trainer.recipe import TINY

USE = """```python
{imports}

folder = {folder!r}{here}
tokenizer = AutoTokenizer.from_pretrained(folder)
model = {load}
messages = {messages}
inputs = tokenizer.apply_chat_template(messages, add_generation_prompt=True, return_tensors="pt", return_dict=True)
answer = model.generate(**inputs, max_new_tokens=256, do_sample=False)[0, inputs["input_ids"].shape[1]:]
print(tokenizer.decode(answer, skip_special_tokens=True))
```"""


def use(facts: ModelFacts) -> list[str]:
    """How the model is asked, with each tool that loads it."""
    if facts.form == "gguf":
        here = shlex.quote(facts.name)
        fetched = [f"hf download {facts.repo} --local-dir {here}", f"cd {here}"] if facts.repo else []
        has_modelfile = not facts.record.get("gguf", {}).get("no_modelfile")
        return [
            *(["`Modelfile` holds template, system prompt and stop tokens for Ollama:", ""] if has_modelfile else []),
            "```shell",
            *fetched,
            *(["ollama create tuned -f Modelfile && ollama run tuned"] if has_modelfile else []),
            f"llama-server --jinja -m {shlex.quote(facts.gguf)}  # llama.cpp",
            "```",
        ]
    python = _python(facts)
    if facts.form == "adapter":
        return [python]
    return [python, "", f"vLLM: `vllm serve {shlex.quote(facts.repo or '.')} --host 127.0.0.1`"]


def _python(facts: ModelFacts) -> str:
    """Python that asks the model."""
    turns = [{"role": "system", "content": facts.record["system"]}] if facts.record.get("system") else []
    turns += [{"role": "user", "content": "…"}]
    imports = "from transformers import AutoModelForCausalLM, AutoTokenizer"
    load = "AutoModelForCausalLM.from_pretrained(folder)"
    if facts.form == "adapter":
        base = facts.hub_base or ("../student" if facts.base == TINY else f"…/{facts.shown_base}")
        imports = f"from peft import PeftModel\n{imports}"
        load = f"PeftModel.from_pretrained(AutoModelForCausalLM.from_pretrained({base!r}), folder)"
    here = "" if facts.repo else "  # this one"
    return USE.format(imports=imports, load=load, messages=turns, folder=facts.repo or ".", here=here)
