"""How much do more wordings of a fact help a student to be asked about it in words it has not read?

    OMP_NUM_THREADS=1 python benchmarks/paraphrase_scaling.py wordings   [--facts 16 --seeds 3] --kept FILE
    OMP_NUM_THREADS=1 python benchmarks/paraphrase_scaling.py statements [--people 1000 --seeds 3] --kept FILE
    python benchmarks/paraphrase_scaling.py plots

`wordings` fine-tunes the embedded student by the recipe `tiny` on invented facts, each asked in 1 to 14 wordings, and
asks in wordings that were held out. `statements` repeats the set-up of "Physics of Language Models: Part 3.1"
(Allen-Zhu & Li 2023, arXiv 2309.14316) with a model of 0.4M parameters: it reads statements about 1,000 invented
people, is fine-tuned on questions about one half of them and asked about the other half. Every training adds a line to
the kept file and is not repeated when the script is started again; the file's tables are printed at the end, and with
--summary their numbers are written to paraphrase_scaling.json, from which `plots` draws the SVG files beside it.
"""

from __future__ import annotations

import argparse
import json
import math
import random
import re
import sys
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from collections.abc import Set as AbstractSet
from itertools import chain, cycle, product
from pathlib import Path
from statistics import fmean
from typing import Any

import torch
from transformers import Qwen2Config, Qwen2ForCausalLM, get_cosine_schedule_with_warmup

from wukong_pipe.embedded.answers import answer_sentences
from wukong_pipe.embedded.invented_facts import invented_pairs
from wukong_pipe.embedded.questions import templates as templates_of
from wukong_pipe.language.chinese import CJK
from wukong_trainer.data.examples import Example, chat_prompt
from wukong_trainer.inference.generate import answer_all, prompt_text
from wukong_trainer.models.loading import choose_place, load_model, load_tokenizer
from wukong_trainer.models.quiet import silence_libraries
from wukong_trainer.models.student import END_OF_TEXT, TURN_END, TURN_START, StudentSize, make_student
from wukong_trainer.scoring.facts import Wanted, is_hit

SUMMARY = Path(__file__).with_suffix(".json")
SHARES = (
    *("trained wording", "seen template", "unseen template", "not in pre-training either"),
    *("recalled", "trained half", "other half", "guessing"),
)
"""What the summary keeps of a result: shares of right answers."""

Result = dict[str, Any]
Row = tuple[list[int], list[bool]]
"""Token ids of a text, and which of them count: are to be learnt or recalled."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("arm", choices=["wordings", "statements", "plots"])
    parser.add_argument("--kept", type=Path, help="JSON lines, one a training; one file a setting")
    parser.add_argument("--summary", action="store_true", help=f"write mean, lowest and highest to {SUMMARY.name}")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--only", default="", help="the conditions whose name this regular expression finds")
    parser.add_argument("--hidden", type=int, default=128, help="the model's width")
    parser.add_argument("--layers", type=int, default=2)
    parser.add_argument("--pretraining-steps", type=int, default=600, help="of the student (wordings)")
    parser.add_argument("--student", type=Path, default=Path("runs/paraphrase-scaling"), help="made if it is not there")
    parser.add_argument("--made-up-facts", type=int, default=200, help="that pre-training reads of (wordings)")
    parser.add_argument("--facts", type=int, default=16, help="invented facts (wordings)")
    parser.add_argument("--epochs", type=float, default=10.0, help="over 14 rows a fact (wordings)")
    parser.add_argument("--rate", type=float, default=1.5e-3, help="learning rate (wordings)")
    parser.add_argument("--people", type=int, default=1000, help="invented people (statements)")
    parser.add_argument("--readings", type=int, default=60, help="texts read of each of them (statements)")
    parser.add_argument("--tuning-steps", type=int, default=300, help="on questions about one half (statements)")
    parser.add_argument("--tuned", default="attn|norm", help="the weights that are, by name: '.' is all (statements)")
    options = parser.parse_args()
    if options.arm == "plots":
        plots(json.loads(SUMMARY.read_text("utf-8")))
        return
    if options.kept is None:
        parser.error("--kept FILE is needed: a training is not repeated that stands there")
    silence_libraries()
    measure, table = (wordings, wordings_table) if options.arm == "wordings" else (statements, statements_table)
    kept = [json.loads(line) for line in options.kept.read_text("utf-8").splitlines()] if options.kept.exists() else []
    for seed in range(options.seeds):
        done = {entry["condition"] for entry in kept if (entry["arm"], entry["seed"]) == (options.arm, seed)}
        for result in measure(seed, options, done):
            kept.append({"arm": options.arm, "seed": seed, **result})
            with options.kept.open("a", encoding="utf-8") as file:
                file.write(json.dumps(kept[-1]) + "\n")
            print(kept[-1], file=sys.stderr, flush=True)
    own = [entry for entry in kept if entry["arm"] == options.arm]
    print(table(own))
    if options.summary:
        written = json.loads(SUMMARY.read_text("utf-8")) if SUMMARY.exists() else {}
        written |= {
            "what": "Mean, lowest and highest over the seeds.",
            options.arm: summarised(own),
        }
        text = json.dumps(written, ensure_ascii=False, indent=1)
        text = re.sub(r"\[[^]]+]", lambda row: "".join(row[0].split()).replace(",", ", "), text)
        SUMMARY.write_text(text + "\n", "utf-8")


def summarised(kept: Sequence[Result]) -> Result:
    """Condition → share → [mean, lowest, highest] over the seeds."""
    found: Result = {}
    for condition in dict.fromkeys(entry["condition"] for entry in kept):
        own = [entry.get("hits", entry) for entry in kept if entry["condition"] == condition]
        shares = [key for key in own[0] if key in SHARES]
        columns = {key: [entry[key] for entry in own] for key in shares}
        found[condition] = {
            key: [round(value, 3) for value in (fmean(each), min(each), max(each))] for key, each in columns.items()
        }
    return found


def shown(values: Iterable[float], digits: int = 2) -> str:
    """Mean and, in brackets, lowest and highest over the seeds."""
    values = list(values)
    mean, low, high = (f"{value:.{digits}f}" for value in (fmean(values), min(values), max(values)))
    return f"{mean} ({low}–{high})"


# --- questions in 1 to 14 wordings ---------------------------------------------------------------------------

WORDINGS = (1, 2, 5, 10, 14)
ANSWER_VARIANTS = (0, 2)
CHAT_BATCH = 16
TEMPLATES = templates_of("zh")["attribute"]
CHARACTERS = sorted(
    set(re.findall(rf"[{CJK}]", (Path(__file__).parents[1] / "corpora" / "blackwukong.md").read_text("utf-8")))
)[:150]
"""What invented names and answers are spelt with."""


def wordings(seed: int, options: argparse.Namespace, done: AbstractSet[str]) -> Iterator[Result]:
    """One result for each number of question wordings and of answer variants.

    Two of the 17 templates are held out whole: one which pre-training has not read either, and one which it
    has read, filled with other things. Of the other 15 each fact gets its own random choice, so others lend it theirs.
    """
    rng = random.Random(seed)
    never_read, *templates = random.Random(0).sample(TEMPLATES, len(TEMPLATES))
    unseen, *pool = rng.sample(templates, len(templates))
    facts = invented_facts(rng, options.facts)
    orders = [rng.sample(pool, len(pool)) for _ in facts]
    asked = {
        "trained wording": [order[0].format(**slots) for order, (slots, _) in zip(orders, facts, strict=True)],
        "seen template": [order[-1].format(**slots) for order, (slots, _) in zip(orders, facts, strict=True)],
        "unseen template": [unseen.format(**slots) for slots, _ in facts],
        "not in pre-training either": [never_read.format(**slots) for slots, _ in facts],
    }
    conditions = [
        # A lone wording keeps the base answer: answers take turns over the wordings of a question.
        *((f"{n} wordings, {variants} answer variants", n, variants, True)
          for variants, n in product(ANSWER_VARIANTS, WORDINGS) if not (variants and n == 1)),
        *((f"{n} wordings, 0 answer variants, same epochs", n, 0, False) for n in WORDINGS if n < WORDINGS[-1]),
    ]  # fmt: skip
    conditions = [entry for entry in conditions if entry[0] not in done and re.search(options.only, entry[0])]
    if not conditions:
        return
    base = options.student
    if not base.exists():
        pretrained(base, never_read, options)
    tokenizer = load_tokenizer(str(base))
    for condition, n, variants, same_steps in conditions:
        started = time.process_time()
        examples = rows_of(facts, orders, n, variants, WORDINGS[-1] if same_steps else n)
        rows = [chat(tokenizer, example) for example in examples]
        model = load_model(str(base), "full", choose_place())
        steps = math.ceil(options.epochs * len(rows) / CHAT_BATCH)
        optimizer = torch.optim.AdamW(model.parameters(), lr=options.rate, weight_decay=0.01)
        loss = learn(model, optimizer, shuffled(random.Random(seed), rows, CHAT_BATCH), steps)
        questions = list(chain(*asked.values()))
        prompts = [chat_prompt(question, "") for question in questions]
        answers = answer_all(model, tokenizer, prompts, 24, len(prompts))
        right = [
            is_hit(answer.text, Wanted.of(question, fact[1]))
            for answer, fact, question in zip(answers, cycle(facts), questions, strict=False)
        ]
        hits = {kind: fmean(right[at * len(facts) : (at + 1) * len(facts)]) for at, kind in enumerate(asked)}
        yield {
            "condition": condition,
            "hits": hits,
            "steps": steps,
            "loss": loss,
            "parameters": model.num_parameters(),
            "seconds": time.process_time() - started,
        }


def pretrained(folder: Path, never_read: str, options: argparse.Namespace) -> None:
    """Make the student that all seeds start from: it has read questions about other invented things."""
    rng = random.Random(0)
    texts = [template.format(thing=word(rng, 2), attribute=word(rng, 2)) for template in TEMPLATES for _ in range(100)]
    held = re.compile(".+".join(map(re.escape, re.split(r"\{\w+\}", never_read))))
    pairs = invented_pairs("zh", texts, 0, options.made_up_facts)
    size = StudentSize(
        hidden=options.hidden,
        intermediate=options.hidden * 8 // 3,
        layers=options.layers,
        pretraining_steps=options.pretraining_steps,
        length=64,
    )

    def progress(step: int, steps: int, loss: float) -> None:
        if step % 50 == 0:
            print(f"pre-training: step {step} of {steps}, loss {loss:.2f}", file=sys.stderr, flush=True)

    make_student(
        folder, texts, (pair for pair in pairs if not held.fullmatch(pair[0])), "", size=size, progress=progress
    )


def chat(tokenizer: Any, example: Example) -> Row:
    """A question and its answer in the student's chat format, of which the answer counts."""
    asked = prompt_text(tokenizer, chat_prompt(example.instruction, ""))
    return encoded(tokenizer, [(asked, False), (example.output + TURN_END, True)])


def invented_facts(rng: random.Random, count: int) -> list[tuple[dict[str, str], str]]:
    """(slots of the template, answer), two facts of each invented thing."""
    attributes = [word(rng, 2) for _ in range(6)]
    things = [word(rng, 2) for _ in range((count + 1) // 2)]
    facts = [
        ({"thing": thing, "attribute": attribute}, word(rng, 2))
        for thing in things
        for attribute in rng.sample(attributes, 2)
    ]
    return facts[:count]


def word(rng: random.Random, length: int) -> str:
    return "".join(rng.choices(CHARACTERS, k=length))


def rows_of(
    facts: Sequence[tuple[dict[str, str], str]], orders: Sequence[Sequence[str]], n: int, variants: int, rows: int
) -> list[Example]:
    """`rows` rows of each fact: its first `n` wordings in turn, and with them those of the answer, as in a build."""
    made = []
    for order, (slots, answer) in zip(orders, facts, strict=True):
        answers = [answer, *answer_sentences("zh", "attribute", slots, answer, "")[:variants]]
        for place in (row % n for row in range(rows)):
            made.append(Example(order[place].format(**slots), answers[place % len(answers)]))
    return made


def wordings_table(kept: Sequence[Result]) -> str:
    """Both comparisons, the same steps first."""
    kinds = list(kept[0]["hits"])
    head = ("trained on", "steps", *kinds, "final loss")
    lines = [f"| {' | '.join(head)} |", "|---" + "|---:" * (len(head) - 1) + "|"]
    for condition in dict.fromkeys(entry["condition"] for entry in kept):
        entries = [entry for entry in kept if entry["condition"] == condition]
        cells = [shown(entry["hits"][kind] for entry in entries) for kind in kinds]
        loss = shown((entry["loss"] for entry in entries), 3)
        name = condition.replace("1 wordings", "1 wording")
        lines.append(f"| {name} | {entries[0]['steps']} | {' | '.join(cells)} | {loss} |")
    return "\n".join(lines)


# --- statements about people, questions about half of them --------------------------------------------------------

STATEMENTS = {
    "city": ("was born in", "came into the world in", "is a native of", "grew up in", "first saw the light in"),
    "subject": ("studied", "holds a degree in", "chose the field of", "spent years learning", "graduated in"),
    "employer": ("works for", "is employed by", "found a post at", "earns a living at", "draws a salary from"),
}
"""Attribute → what stands between the person and the value, in five wordings; each is one token."""
QUESTIONS = {
    "city": ("Where was", "born?"),
    "subject": ("What did", "study?"),
    "employer": ("Who does", "work for?"),
}
"""Attribute → what stands before and after the name; each word is one token, and none stands in a statement."""
VALUES = 20
"""So many values an attribute can take: guessing is right in about one of them."""
SHARING = 10
"""So many people have a first name in common, or a last name: both are needed to know who is meant."""
TEXTS_A_ROW, ROWS, QUESTION_BATCH = 4, 4, 48
CONDITIONS = {
    "one wording, one order": (1, False),
    "five wordings, one order": (5, False),
    "five wordings, permuted": (5, True),
}
PAPER = {"one wording, one order": 0.097, "five wordings, one order": 0.41, "five wordings, permuted": 0.966}

Name = tuple[str, str]


def statements(seed: int, options: argparse.Namespace, done: AbstractSet[str]) -> Iterator[Result]:
    """One result for each way of stating; the people, steps and questions are the same in all."""
    for condition, (count, permuted) in CONDITIONS.items():
        if condition in done or not re.search(options.only, condition):
            continue
        started = time.process_time()
        rng = random.Random(seed)
        people = invented_people(rng, options.people)
        # Each person has wordings and, unless permuted, one order; a text is written anew each time.
        own = {who: {a: rng.sample(STATEMENTS[a], count) for a in STATEMENTS} for who in people}
        parts = {part for who in people for part in who}
        values = {value for told in people.values() for value in told.values()}
        forms = chain(*STATEMENTS.values(), *(words.split() for pieces in QUESTIONS.values() for words in pieces))
        tokens = [END_OF_TEXT, TURN_START, TURN_END, "She", ".", *sorted(parts), *sorted(values), *forms]
        vocabulary = {token: at for at, token in enumerate(dict.fromkeys(tokens))}
        model = random_model(seed, options, vocabulary)
        names = list(people)
        # Which person comes next can't be known, and learning to guess it drowns what can be learnt.
        read = vocabulary.keys() - parts
        texts = (
            [
                row(vocabulary, [*chain(*(biography(rng, who, people[who], own[who], permuted) for who in some))], read)
                for some in (batch[at : at + TEXTS_A_ROW] for at in range(0, len(batch), TEXTS_A_ROW))
            ]
            for batch in shuffled(random.Random(seed), names, ROWS * TEXTS_A_ROW)
        )
        steps = options.readings * math.ceil(len(names) / (ROWS * TEXTS_A_ROW))
        stated = learn(model, adamw(model.parameters(), 0.1), texts, steps)
        again = [row(vocabulary, biography(rng, who, people[who], own[who], permuted), values) for who in names]
        recalled = share_recalled(model, again)
        half = len(names) // 2
        asked = {who: [row(vocabulary, question(who, a, v), values) for a, v in people[who].items()] for who in names}
        trained, unseen = (list(chain(*(asked[who] for who in part))) for part in (names[:half], names[half:]))
        # The other weights hold the facts: tuned as well, they learn the trained half's answers by heart.
        for name, weight in model.named_parameters():
            weight.requires_grad_(bool(re.search(options.tuned, name)))
        few = [weight for weight in model.parameters() if weight.requires_grad]
        tuned = learn(model, adamw(few, 0.01), shuffled(rng, trained, QUESTION_BATCH), options.tuning_steps)
        yield {
            "condition": condition,
            "statements": stated,
            "recalled": recalled,
            "questions": tuned,
            "trained half": share_recalled(model, trained),
            "other half": share_recalled(model, unseen),
            "guessing": best_guess([people[who] for who in names[half:]]),
            "parameters": model.num_parameters(),
            "seconds": time.process_time() - started,
        }


def invented_people(rng: random.Random, count: int) -> dict[Name, dict[str, str]]:
    """First and last name → attribute → value; a token is a word, so how names and values are spelt is no matter."""
    first, last = ([f"{kind} {at}" for at in range(math.ceil(count / SHARING))] for kind in ("first", "last"))
    names = rng.sample(list(product(first, last)), count)
    return {who: {a: f"{a} {rng.randrange(VALUES)}" for a in STATEMENTS} for who in names}


def random_model(seed: int, options: argparse.Namespace, vocabulary: dict[str, int]) -> Any:
    """A Qwen2 that has read nothing; its weights are drawn wider than is usual, or it takes so small a model many more
    readings to remember anyone."""
    torch.manual_seed(seed)
    return Qwen2ForCausalLM(
        Qwen2Config(
            vocab_size=len(vocabulary),
            hidden_size=options.hidden,
            intermediate_size=options.hidden * 8 // 3,
            num_hidden_layers=options.layers,
            num_attention_heads=4,
            num_key_value_heads=4,
            max_position_embeddings=256,
            initializer_range=0.1,
            tie_word_embeddings=True,
            bos_token_id=None,
            eos_token_id=vocabulary[TURN_END],
            pad_token_id=vocabulary[END_OF_TEXT],
        )
    )


def adamw(weights: Iterable[torch.nn.Parameter], decay: float) -> torch.optim.Optimizer:
    return torch.optim.AdamW(weights, lr=2e-3, betas=(0.9, 0.98), weight_decay=decay, fused=True)


def best_guess(people: Sequence[dict[str, str]]) -> float:
    """Share of right answers that each attribute's most frequent value would give."""
    frequent = (Counter(person[attribute] for person in people).most_common(1)[0][1] for attribute in STATEMENTS)
    return fmean(count / len(people) for count in frequent)


def biography(
    rng: random.Random, who: Name, values: dict[str, str], own: dict[str, list[str]], permuted: bool
) -> list[str]:
    """Tokens of a text about a person; only the first sentence says the name."""
    attributes = rng.sample(list(values), len(values)) if permuted else list(values)
    tokens = [END_OF_TEXT]
    for place, attribute in enumerate(attributes):
        tokens += [*(who if place == 0 else ("She",)), rng.choice(own[attribute]), values[attribute], "."]
    return tokens


def question(who: Name, attribute: str, value: str) -> list[str]:
    """Tokens of a question and its answer."""
    before, after = QUESTIONS[attribute]
    return [*before.split(), *who, *after.split(), TURN_START, value, TURN_END]


def row(vocabulary: dict[str, int], tokens: Sequence[str], counted: AbstractSet[str]) -> Row:
    return [vocabulary[token] for token in tokens], [token in counted for token in tokens]


def encoded(tokenizer: Any, pieces: Sequence[tuple[str, bool]]) -> Row:
    """Ids of the joined pieces; a token counts where it overlaps a piece that does."""
    spans, at = [], 0
    for piece, counts in pieces:
        if counts:
            spans.append((at, at + len(piece)))
        at += len(piece)
    found = tokenizer("".join(piece for piece, _ in pieces), add_special_tokens=False, return_offsets_mapping=True)
    marks = [any(a < end and start < b for start, end in spans) for a, b in found["offset_mapping"]]
    return found["input_ids"], marks


def shuffled(rng: random.Random, items: Sequence[Any], size: int) -> Iterator[list[Any]]:
    """Batches, endlessly, every item once an epoch."""
    while True:
        order = rng.sample(items, len(items))
        yield from (order[at : at + size] for at in range(0, len(order), size))


def padded(model: Any, rows: Sequence[Row]) -> tuple[torch.Tensor, torch.Tensor]:
    """Ids of shape (rows, longest) and labels of the same shape, -100 where a token does not count."""
    longest = max(len(ids) for ids, _ in rows)
    ids = torch.full((len(rows), longest), model.config.pad_token_id)
    labels = torch.full_like(ids, -100)
    for n, (tokens, marks) in enumerate(rows):
        ids[n, : len(tokens)] = torch.tensor(tokens)
        labels[n, : len(tokens)] = torch.tensor([t if m else -100 for t, m in zip(tokens, marks, strict=True)])
    return ids, labels


def learn(model: Any, optimizer: torch.optim.Optimizer, batches: Iterator[list[Row]], steps: int) -> float:
    """Train with warm-up and cosine decay; the mean loss of the last tenth, in nats a token that counts."""
    schedule = get_cosine_schedule_with_warmup(optimizer, max(1, steps // 20), steps)
    losses = []
    model.train()
    for _ in range(steps):
        ids, labels = padded(model, next(batches))
        loss = model(input_ids=ids, labels=labels).loss
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        schedule.step()
        optimizer.zero_grad()
        losses.append(float(loss.detach()))
    return fmean(losses[-max(1, steps // 10) :])


@torch.inference_mode()
def share_recalled(model: Any, rows: Sequence[Row]) -> float:
    """Share of the tokens that count which the model finds likeliest after what truly stands before them."""
    model.eval()
    right = total = 0
    for at in range(0, len(rows), 100):
        ids, labels = padded(model, rows[at : at + 100])
        labels = labels[:, 1:]
        right += int((model(input_ids=ids).logits[:, :-1].argmax(-1) == labels).sum())
        total += int((labels != -100).sum())
    return right / total


def statements_table(kept: Sequence[Result]) -> str:
    """What was read and asked, beside the paper's figure where it has the same condition."""
    head = ("statements", "loss on them", "values recalled", "asked, trained half", "asked, other half", "best guess")
    lines = ["| " + " | ".join(head) + " | the paper |", "|---" + "|---:" * len(head) + "|"]
    for condition in (name for name in CONDITIONS if any(entry["condition"] == name for entry in kept)):
        entries = [entry for entry in kept if entry["condition"] == condition]
        keys = ("statements", "recalled", "trained half", "other half", "guessing")
        cells = [shown(entry[key] for entry in entries) for key in keys]
        lines.append(f"| {condition} | {' | '.join(cells)} | {PAPER[condition]:.2f} |")
    return "\n".join(lines)


# --- plots ---------------------------------------------------------------------------------------------------

COLOURS = ("#1b6ca8", "#c8553d", "#4f772d", "#7b5ea7")


def plots(summary: Result) -> None:
    """Both arms as SVG files beside the script; a bar goes from the lowest to the highest of the seeds."""
    import matplotlib
    from matplotlib.figure import Figure

    matplotlib.rcParams.update({"svg.fonttype": "none", "svg.hashsalt": "paraphrase scaling", "font.size": 10})
    figure = Figure(figsize=(9.6, 3.8), layout="constrained")
    left, right = figure.subplots(1, 2, sharey=True)
    found = summary["wordings"]
    kinds = SHARES[:4]
    for place, kind in enumerate(kinds):
        _curve(left, [found.get(f"{n} wordings, 0 answer variants", {}).get(kind) for n in WORDINGS], place, kind)
    endings = {
        "same steps": "0 answer variants",
        "same steps, two answer variants": "2 answer variants",
        "same epochs": "0 answer variants, same epochs",
    }
    for place, (name, ending) in enumerate(endings.items()):
        _curve(right, [found.get(f"{n} wordings, {ending}", {}).get(kinds[2]) for n in WORDINGS], place, name)
    for axes, title in ((left, "by what is asked, same steps"), (right, "unseen template, by how it was trained")):
        axes.set_title(title, fontsize=10)
        axes.set_xticks(range(len(WORDINGS)), [str(n) for n in WORDINGS])
        axes.set_xlabel("question wordings a fact is trained in")
        axes.set_ylim(0, 1.05)
        axes.grid(axis="y", color="#dddddd")
        axes.legend(loc="lower right", fontsize=9)
    left.set_ylabel("share of questions answered rightly")
    _save(figure, "wordings")

    figure = Figure(figsize=(7.2, 3.4), layout="constrained")
    axes = figure.subplots()
    bars = {"asked, other half": "other half", "best guess": "guessing"}
    for place, (name, key) in enumerate(bars.items()):
        told = [summary["statements"][condition][key] for condition in CONDITIONS]
        at = [row + (place - 1) * 0.27 for row in range(len(told))]
        axes.bar(at, [mean for mean, _, _ in told], 0.25, color=COLOURS[place], label=name)
        axes.vlines(at, [low for _, low, _ in told], [high for _, _, high in told], color="black")
    papers = [row + 0.27 for row in range(len(CONDITIONS))]
    axes.bar(papers, [PAPER[condition] for condition in CONDITIONS], 0.25, color="#bbbbbb", label="the paper")
    axes.set_xticks(range(len(CONDITIONS)), list(CONDITIONS))
    axes.set_ylim(0, 1.05)
    axes.set_ylabel("share of questions answered rightly")
    axes.grid(axis="y", color="#dddddd")
    axes.set_axisbelow(True)
    axes.legend(loc="upper left", fontsize=9)
    _save(figure, "statements")


def _curve(axes: Any, told: Sequence[Sequence[float] | None], place: int, name: str) -> None:
    """Means over the numbers of wordings; beside one another, or the bars would hide each other."""
    points = [(at + (place - 1.5) * 0.07, *values) for at, values in enumerate(told) if values]
    at, means, lows, highs = zip(*points, strict=True)
    axes.plot(at, means, color=COLOURS[place], marker="o", label=name)
    axes.vlines(at, lows, highs, color=COLOURS[place], linewidth=1)


def _save(figure: Any, name: str) -> None:
    nothing = dict.fromkeys(("Creator", "Date", "Format", "Type"))
    figure.savefig(SUMMARY.with_name(f"{SUMMARY.stem}_{name}.svg"), format="svg", metadata=nothing, facecolor="white")


if __name__ == "__main__":
    main()
