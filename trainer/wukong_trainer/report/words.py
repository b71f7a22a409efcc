"""Every word of the report page that no run wrote, in English and in Chinese."""

from __future__ import annotations

import string
from typing import Any, Literal

from wukong_pipe.language.text import counted

Language = Literal["en", "zh"]

_WORDS: dict[str, tuple[str, str]] = {
    # The head of the page.
    "title": ("Report", "报告"),
    "contents": ("Contents", "目录"),
    "not_trained": (
        "Nothing was trained yet: run “wukong-pipe train”, then “wukong-pipe eval”.",
        "尚未训练：请先运行 “wukong-pipe train”，再运行 “wukong-pipe eval”。",
    ),
    "not_yet": ("Not evaluated yet: run “wukong-pipe eval”.", "尚未评测：请运行 “wukong-pipe eval”。"),
    "no_primary": (
        "No held-out wording was evaluated, so there is no verdict.",
        "没有评测任何留出问法，因此没有结论。",
    ),
    "better": ("Tuning helped", "微调有效"),
    "worse": ("Tuning made it worse", "微调使结果变差"),
    "no evidence": ("No evidence that tuning helped", "没有证据表明微调有效"),
    "too few sections": ("Too few sections for a verdict", "章节太少，无法下结论"),
    "said": (
        "{n:held-out wording} of trained facts from {sections:section}: correct answers went from {base} to {tuned}, "
        "a difference of {diff} points (95 % interval {low} to {high}, clustered by section).",
        "来自 {sections} 个章节的已训练事实的 {n} 个留出问法：正确率从 {base} 到 {tuned}，相差 {diff} 个百分点"
        "（95% 置信区间 {low} 至 {high}，按章节聚类）。",
    ),
    "alone_said": (
        "{alone:question} named no section and no group, and each is taken as independent of the others.",
        "{alone} 个问题没有注明章节或分组，各自按相互独立计算。",
    ),
    "smallest_said": (
        "A true difference of about {effect} points is found by about 80 of 100 tests like this, or by as few as 50 "
        "where sections are few and uneven.",
        "这样的测试约有八成把握检出约 {effect} 个百分点的真实差值；章节少且大小悬殊时可能只有五成。",
    ),
    "models": (
        "Compared: the base model {base_model} alone and tuned with {adapter}, on the same questions in the same "
        "prompts, {decoding}.",
        "比较对象：基座模型 {base_model} 与其微调结果 {adapter}，问题与提示词相同，{decoding}。",
    ),
    "by_engine": (
        "Both models answered through {engine}: the adapter merged, the base without NF4.",
        "两个模型均由 {engine} 作答：适配器已合并，基座未经 NF4 量化。",
    ),
    "greedy": ("decoded greedily: always the likeliest token", "均为贪心解码（总取最可能的 token）"),
    "same_decoding": ("decoded the same way", "解码方式相同"),
    "leak_none": ("None of these questions was among the trained ones.", "这些问题都不在训练集中。"),
    "leak_unknown": ("Leakage unknown: ", "是否泄漏未知："),
    "leak_rest_unknown": ("Of the others leakage is unknown: ", "其余问题是否泄漏未知："),
    "audit_unsaid": ("this evaluation did not note why.", "该次评测没有记录原因。"),
    "audit_unrecorded": (
        "nothing records which questions the adapter was trained on.",
        "没有记录该适配器训练过哪些问题。",
    ),
    "audit_edited": (
        "train.jsonl or test.jsonl was changed after the build had audited them.",
        "train.jsonl 或 test.jsonl 在构建审查之后被改动过。",
    ),
    "audit_other test": (
        "the build’s audit was of another test file.",
        "构建时审查的是另一份测试文件。",
    ),
    "audit_other training": (
        "the model was trained on other rows than the build had audited.",
        "模型训练所用的数据与构建时审查的不同。",
    ),
    "audit_none": ("no build has audited these rows.", "这些数据没有经过构建审查。"),
    "leak_looked": (
        "No question is a copy of a trained one or a light rewording (closest with the same key facts, besides those "
        "that the build’s audit covers: {closest}).",
        "没有问题与训练问题相同或仅略有改写（关键事实相同者的最高相似度，构建时已审计的除外：{closest}）。",
    ),
    "sample": (
        "This is a sample: {asked} of {of} test questions were asked.",
        "这是抽样评测：{of} 个测试问题中只问了 {asked} 个。",
    ),
    "sample_limit": (
        "At most {limit} test questions were asked; of how many was not noted.",
        "最多只问了 {limit} 个测试问题，总数没有记录。",
    ),
    "leak_dropped": (
        "Questions left out because they had been trained: {n}.",
        "因训练时见过而剔除的问题数：{n}。",
    ),
    # Scores.
    "result": ("Scores", "得分"),
    "rates_plot": ("Correct answers", "正确率"),
    "rates_caption": (
        "Share of correct answers. Bars: Wilson’s 95 % interval, which takes questions as independent.",
        "正确回答的比例。横线为 Wilson 95% 区间（视各题相互独立）。",
    ),
    "differences_plot": ("Difference, tuned minus base, in points", "差值：微调后减基座（百分点）"),
    "differences_caption": (
        "Bars: 95 % interval clustered by section. The verdict rests on this one: an interval across zero is no "
        "evidence.",
        "横线为按章节聚类的 95% 区间。结论以此为准：区间跨过零即无证据。",
    ),
    "level": ("level", "层级"),
    "sections": ("sections", "章节"),
    "base": ("base", "基座"),
    "tuned": ("tuned", "微调后"),
    "value": ("value", "数值"),
    "difference": ("difference", "差值"),
    "interval": ("95 % interval", "95% 区间"),
    "ci95": ("95 % interval", "95% 区间"),
    "p_holm": ("p (Holm)", "p（Holm 校正）"),
    "p": ("p", "p"),
    "verdict": ("verdict", "结论"),
    "verdict_better": ("better", "更好"),
    "verdict_worse": ("worse", "更差"),
    "verdict_no evidence": ("no evidence", "无证据"),
    "verdict_too few sections": ("too few sections", "章节太少"),
    "wording": ("new wording", "新问法"),
    "question": ("new question", "新问题"),
    "section": ("untrained section (control)", "未训练章节（对照）"),
    "about_wording": (
        "The fact was trained with other wordings; the primary score.",
        "事实以其他问法训练过；主要指标。",
    ),
    "about_question": ("The fact was trained through another question.", "事实通过另一个问题训练过。"),
    "about_section": (
        "No row of the section was trained: a rise here is not knowledge.",
        "整节内容从未训练：这里的上升不是知识。",
    ),
    "seen": ("question form seen in training", "训练中见过的句式"),
    "unseen": ("question form not seen in training", "训练中没见过的句式"),
    "unknown": ("not known", "未知"),
    "part_base": ("forward questions", "正向问题"),
    "reverse": ("reverse questions", "反向问题"),
    "paraphrase": ("paraphrases", "改写问题"),
    "how": (
        "An answer counts as correct when every number, name and quoted term of the reference stands in it; of a short "
        "reference, all that the question does not say. One that denies the reference or guesses at several things "
        "does not. The interval is for the difference, in points, with questions of one section taken as alike.",
        "参考答案中的数字、名称和引号内的词语全部出现，才算正确；参考答案很短时，除问题已说的以外须全部出现。"
        "否定参考答案或同时猜几个答案的不算。区间针对差值（百分点），同一章节的问题视为彼此相关。",
    ),
    "control": ("The control: ", "对照："),
    "control_better": (
        "sections that were never trained rose, too, so part of the gain is not knowledge of the trained text. What "
        "may lie behind it: ",
        "从未训练的章节也上升了，说明部分提升并非来自训练内容。可能的原因：",
    ),
    "control_worse": (
        "sections that were never trained fell: tuning made the model forget or invent.",
        "从未训练的章节下降：微调使模型遗忘或编造。",
    ),
    "control_no evidence": (
        "no clear rise on sections that were never trained, where there should be none.",
        "从未训练的章节没有明显上升，本该如此。",
    ),
    "control_too few sections": (
        "too few sections were left untrained to tell whether they rose.",
        "未训练的章节太少，无法判断是否上升。",
    ),
    "no_cause": (
        "not clear, neither leakage, guessable answers nor format stands out",
        "不明，泄漏、可猜答案、格式三者都不明显",
    ),
    "leakage": ("leakage is not ruled out", "不能排除泄漏"),
    "guessable answers": (
        "guessable answers (the same answers were trained elsewhere)",
        "答案可猜（相同答案在别处训练过）",
    ),
    "format": (
        "format (the tuned model stops, or keeps to length, where the base does not)",
        "格式（微调后的模型会自行停止或长度得当，而基座不会）",
    ),
    "and": ("; ", "；"),
    "next": (" ", ""),
    "stop": (".", "。"),
    "scores": ("All mean scores", "全部平均得分"),
    "key_fact_hit": ("correct (all key facts)", "正确率（关键事实齐全）"),
    "f1": ("F1", "F1"),
    "rouge_l": ("ROUGE-L", "ROUGE-L"),
    "chrf": ("chrF", "chrF"),
    "exact": ("exactly the reference", "与参考答案完全一致"),
    "loglik": ("reference log-likelihood per token (nats)", "参考答案每 token 对数似然（nat）"),
    "loglik_per_char": ("reference log-likelihood per character (nats)", "参考答案每字对数似然（nat）"),
    "stopped_by_eos": ("stopped by itself", "自行停止"),
    "length_ratio": ("length, as a multiple of the reference’s", "长度（为参考答案的倍数）"),
    "score": ("score", "得分"),
    "wtl": ("won / tied / lost", "胜 / 平 / 负"),
    "wins": ("won", "胜"),
    "ties": ("tied", "平"),
    "losses": ("lost", "负"),
    "mcnemar": ("exact McNemar p", "McNemar 精确检验 p"),
    "smallest_effect": ("smallest effect", "最小可检差值"),
    "about_scores": (
        "Smallest effect: the true difference that about 80 of 100 tests like this find, or as few as 50 where "
        "sections are few and uneven.",
        "最小可检差值：这样的测试约有八成把握检出的真实差值；章节少且大小悬殊时可能只有五成。",
    ),
    "by_section": ("by whole sections", "按章节计"),
    "corpus_bleu": ("BLEU of all answers together", "全部回答合计的 BLEU"),
    "bleu": ("BLEU", "BLEU"),
    "repetition": ("repeats itself", "重复"),
    "refused": ("says that it does not know", "拒答"),
    "zh": ("Chinese", "中文"),
    "en": ("English", "英文"),
    # What else an evaluation may hold.
    "of_n": ("{what} (n\u00a0=\u00a0{n})", "{what}（n\u00a0=\u00a0{n}）"),
    "forgetting": ("Forgetting: general questions", "遗忘：通用问题"),
    "forgetting_about": (
        "{n:general question} that the corpus is not about, asked of both models: a fall is knowledge that tuning "
        "cost.",
        "向两个模型各问 {n} 个与语料无关的通用问题：下降即微调损失的知识。",
    ),
    "forgetting_few": (
        "Too few questions to tell whether tuning cost knowledge.",
        "问题太少，无法判断微调是否损失了知识。",
    ),
    "forgetting_lost": ("Right answers fell: tuning cost general knowledge.", "正确率下降：微调损失了通用知识。"),
    "forgetting_unknown": (
        "The base knows almost none of the answers, so right answers say little here; the log-likelihood says more.",
        "基座几乎都答不出，正确率在此说明不了什么；请看对数似然。",
    ),
    "forgetting_gained": ("Right answers rose.", "正确率上升。"),
    "forgetting_none": ("No loss of general knowledge is shown.", "没有显示出通用知识的损失。"),
    "forgetting_dropped": (
        "Not asked, because trained: {n:more question}.",
        "另有 {n} 个问题在训练中出现过，未再提问。",
    ),
    "open_book": ("Open book: the base with the section before it", "开卷：基座模型附原文作答"),
    "open_book_about": (
        "The base was also asked with the section in its prompt: as far as reading takes it, a bound to compare tuning "
        "with.",
        "另请基座模型附上相关章节作答：这是“边看边答”所能达到的水平，可与微调相比。",
    ),
    "open_book_cut": (
        "Cut, because longer than the model reads: {n:section}.",
        "有 {n} 个章节超出模型的上下文长度，已截断。",
    ),
    "open_book_missing": (
        "Left out, because the section is gone: {n:question}.",
        "有 {n} 个问题的原文章节已不存在，未计入。",
    ),
    "with_section": ("base with the section", "基座 + 原文"),
    "behind": ("tuned minus that", "微调后减开卷"),
    "gap_closed": ("share of the base’s gap that tuning closed", "微调弥补的差距比例"),
    "judge": ("Judge: which answer is better", "评审模型：哪个回答更好"),
    "judge_about": (
        "A language model saw question, reference and source, and both answers in both orders; where the orders "
        "disagree it is a tie. Won, tied and lost are the tuned model’s; a win rate of one half is no difference.",
        "由语言模型对照问题、参考答案与原文，按两种顺序各评一次；两次不一致记为平。胜、平、负均指微调后的模型；"
        "胜率一半表示没有差别。",
    ),
    "judge_unjudged": (
        "Not judged, because a call failed: {n:question}.",
        "有 {n} 题因调用失败而未评。",
    ),
    "win_rate": ("win rate", "胜率"),
    "consistency": ("same verdict in both orders", "两种顺序结论一致"),
    "agreement": ("agrees with the scores where both decide", "与得分一致（两者都分出胜负时）"),
    "hallucination": ("Inventions", "编造"),
    "hallucination_about": (
        "Answers that state a number or name which stands nowhere in the source document nor in the question; and, "
        "stricter, one that the section asked about does not hold, where it may be mixed up with another section’s.",
        "回答中出现了原文和问题里都没有的数字或名称；更严格的一行要求出自所问章节本身（否则可能是与别的章节混淆）。",
    ),
    "without_source": (
        "Left out, because the source is gone: {n:question}.",
        "有 {n} 个问题的原文已不存在，未计入。",
    ),
    "nowhere": ("answers with something from nowhere in the source", "含有原文全篇都没有的内容的回答"),
    "outside_section": ("answers with something from outside the section", "含有所问章节之外内容的回答"),
    "terms_nowhere": ("numbers and names: from nowhere / stated", "数字与名称：全篇都没有 / 共提到"),
    "terms_outside_section": ("numbers and names: from outside the section / stated", "数字与名称：章节之外 / 共提到"),
    "against": ("Compared with other models", "与其他模型比较"),
    "against_about": (
        "The same questions, less those that either model was trained on; the difference is the other model’s minus "
        "that of {first}.",
        "问题相同，剔除任一模型训练过的；差值为另一模型减去 {first}。",
    ),
    "this_run": ("this run", "本次运行"),
    "other_model": ("the other", "另一模型"),
    "leak": ("leakage", "泄漏"),
    "leak_word_none": ("none", "无"),
    "leak_word_unknown": ("unknown", "未知"),
    "leak_word_dropped": ("{n} left out", "剔除 {n} 题"),
    "leak_word_rest": (", others unknown", "，其余未知"),
    "history": ("Evaluations of this run", "本次运行的历次评测"),
    "history_about": (
        "Oldest first. Only lines with the same adapter, test set and engine can be set side by side; where no engine "
        "is named, transformers answered.",
        "由旧到新。只有适配器、测试集与推理引擎都相同的行才可直接比较；未注明引擎的由 transformers 作答。",
    ),
    "adapter": ("adapter", "适配器"),
    "test_set": ("test set", "测试集"),
    "n": ("n", "n"),
    "time": ("time", "时间"),
    "sample_short": ("sample: {asked} of {of}", "抽样：{asked} / {of}"),
    "sample_limit_short": ("limit: {limit}", "上限：{limit}"),
    "more_in": ("More in {file}.", "其余见 {file}。"),
    # Training.
    "training": ("Training", "训练"),
    "no_log": (
        "Not trained here yet, or no loss was logged: run “wukong-pipe train”.",
        "尚未在此训练，或没有记录损失：请运行 “wukong-pipe train”。",
    ),
    "loss_plot": ("Training and validation loss by step", "各步的训练损失与验证损失"),
    "lowest": ("lowest: {loss} at step {step}", "最低：第 {step} 步，{loss}"),
    "train_loss": ("training loss", "训练损失"),
    "eval_loss": ("validation loss", "验证损失"),
    "lowest_said": ("The validation loss was lowest at step {step}: {loss}.", "验证损失最低在第 {step} 步：{loss}。"),
    "risen": (
        " It has risen since, to {loss}: the adapter was trained past that point.",
        "此后升至 {loss}：适配器的训练已越过该点。",
    ),
    "risen_kept": (
        " It has risen since, to {loss}: the adapter holds the weights of the lowest.",
        "此后升至 {loss}：适配器保存的是最低点的权重。",
    ),
    "last": ("last", "最后"),
    "with_last": ("{what} (last {loss})", "{what}（最后 {loss}）"),
    "step": ("step", "步"),
    "logged": ("Logged while training", "训练日志"),
    "median": ("median", "中位数"),
    "min": ("lowest", "最小"),
    "max": ("highest", "最大"),
    "learning_rate": ("learning rate", "学习率"),
    "grad_norm": ("gradient norm", "梯度范数"),
    "tokens_per_second": ("tokens per second", "每秒 token 数"),
    "preflight": ("Checks before training", "训练前检查"),
    "preflight_trained": ("what is trained, of three rows", "三行数据中参与训练的部分"),
    "preflight_rows": ("training rows", "训练数据行"),
    "preflight_truncated": ("rows cut, because longer than max_length", "超过 max_length 而被截断的数据行"),
    "preflight_dropped": (
        "rows left out, because the question alone fills max_length",
        "问题本身占满 max_length 而略去的数据行",
    ),
    "preflight_unwatched": ("validation rows left out for the same reason", "因同样原因略去的验证数据行"),
    "preflight_longest_tokens": ("tokens of the longest row", "最长一行的 token 数"),
    "preflight_mean_tokens": ("tokens a row, on average", "平均每行 token 数"),
    "preflight_device": ("device", "设备"),
    "preflight_dtype": ("precision", "精度"),
    "preflight_device_reason": ("why this device and precision", "选用该设备与精度的原因"),
    "preflight_attention": ("attention", "注意力实现"),
    "preflight_attention_reason": ("why this attention", "选用该注意力实现的原因"),
    "preflight_batch": ("rows a pass", "每次前向的数据行"),
    "preflight_accumulation": ("passes a step", "每步的前向次数"),
    "preflight_expected_memory_gb": ("memory expected, in GB", "预计占用内存（GB）"),
    "preflight_free_memory_gb": ("memory free, in GB", "可用内存（GB）"),
    "preflight_weights": ("weights", "权重"),
    "preflight_adapter": ("adapter", "适配器"),
    "preflight_gradients": ("gradients", "梯度"),
    "preflight_optimizer": ("optimizer", "优化器"),
    "preflight_activations": ("activations", "激活值"),
    "preflight_total": ("in all", "合计"),
    "preflight_notes": ("done otherwise than the recipe says", "与配方不同之处"),
    "recipe": ("Recipe that ran, and its environment", "实际运行的配方与环境"),
    "no_recipe": ("No recipe is recorded.", "没有记录配方。"),
    # Dataset.
    "dataset": ("Dataset", "数据集"),
    "no_dataset": (
        "This run has no dataset manifest: it was not built here.",
        "本次运行没有数据集清单：数据集不是在此构建的。",
    ),
    "rows": ("rows", "行"),
    "kind": ("kind of row", "行的种类"),
    "kind_base": ("base questions", "基础问题"),
    "kind_paraphrase": ("paraphrases", "改写问题"),
    "kind_reverse": ("reverse questions", "反向问题"),
    "split": ("split", "划分"),
    "train": ("train", "训练"),
    "validation": ("validation", "验证"),
    "test": ("test", "测试"),
    "total": ("total", "合计"),
    "stage": ("stage", "阶段"),
    "asked": ("asked", "请求"),
    "received": ("received", "收到"),
    "short": ("short", "缺少"),
    "kept": ("kept", "保留"),
    "rejected": ("rejected", "拒绝"),
    "accounting": ("What was asked for, and what became of it", "请求了多少，结果如何"),
    "coverage": (
        "Share of the source’s sentences, list items and table rows that evidence covers: ",
        "证据覆盖的原文句子、列表项与表格行比例：",
    ),
    "section_list": ("Coverage and questions by section", "各章节的覆盖率与问题数"),
    "covered": ("covered", "覆盖"),
    "units": ("sentences, items, rows", "句子、列表项、表格行"),
    "pairs": ("pairs kept of wanted", "保留 / 应有问答对"),
    "quota_short": ("short of its quota", "未满配额"),
    "all_full": ("No section fell short of its quota.", "没有章节未满配额。"),
    "some_short": ("Sections short of their quota: {n} of {all}.", "未满配额的章节：{n} / {all}。"),
    "audit": (
        "How alike the training question closest to a test question is, of those left (1 is the same): ",
        "留下的训练问题与测试问题之间的最高相似度（1 为相同）：",
    ),
    "dropped": ("; training rows dropped as too close: ", "；因过于接近而剔除的训练数据行："),
    "unrecorded": ("not recorded", "未记录"),
    "stage_base_qa": ("questions", "提问"),
    "stage_paraphrase": ("rewordings", "改写"),
    "stage_answers": ("answers in other words", "回答改写"),
    "stage_judge": ("judge", "评审"),
    "stage_reply": ("unreadable replies", "无法解析的回复"),
    "stage_surplus": ("over the quota", "超出配额"),
    "stage_edit": ("edits", "人工编辑"),
    "stage_dedupe": ("duplicates", "去重"),
    "stage_edits": ("edits", "人工编辑"),
    "stage_dedupe_pairs": ("duplicate questions", "问题去重"),
    "stage_dedupe_rows": ("duplicate rows", "数据行去重"),
    "stage_held_forms": ("held-out question forms", "留出句式"),
    "stage_held_form": ("held-out question forms", "留出句式"),
    "stage_audit": ("leak audit", "泄漏审查"),
    "stage_eval_judge": ("judge of answers", "回答评审"),
    "sources": ("Sources: ", "来源："),
    "teacher": ("Teacher: ", "教师模型："),
    "calls": ("Calls to the teacher", "教师模型调用"),
    "calls_n": ("calls", "调用"),
    "tokens_in": ("tokens in", "输入 token"),
    "tokens_out": ("tokens out", "输出 token"),
    "cost": ("cost", "费用"),
    # Rejects.
    "rejects": ("Rejects", "未采用"),
    "rejects_said": (
        "Candidates and rows that are not in the dataset: {n}. Each stands in dataset/rejected.jsonl with its reason; "
        "here they are counted by stage and reason, quoted words left out, with up to two examples.",
        "共有 {n} 条候选或数据行未进入数据集，均连同原因记录在 dataset/rejected.jsonl 中；"
        "此处按阶段与原因计数（略去引用的词语），各附最多两例。",
    ),
    "no_rejects": ("Nothing was rejected.", "没有任何拒绝。"),
    "reason": ("reason, with examples", "原因与示例"),
    "count": ("count", "数量"),
    "with_reason": ("{candidate} ({reason})", "{candidate}（{reason}）"),
    "other_reasons": ("other reasons: {n}", "其他原因：{n} 种"),
    # Questions and answers.
    "questions": ("Held-out questions and answers", "留出问题与回答"),
    "no_answers": ("No answers yet.", "还没有回答。"),
    "won": ("won", "胜"),
    "lost": ("lost", "负"),
    "both_wrong": ("both wrong", "都错"),
    "both_right": ("both right", "都对"),
    "n_questions": ("{n:question}", "{n} 题"),
    "comma": (", ", "，"),
    "reference": ("reference", "参考答案"),
    "hit": ("correct", "正确"),
    "miss": ("wrong", "错误"),
    "cut": ("cut off", "被截断"),
    "empty": ("(empty answer)", "（空回答）"),
    "thought": ("thinking, {n:character}", "思考过程，{n} 字"),
    "missing": ("Missing: ", "缺少："),
    "not_shown": (
        "{n:more character} in eval/answers.jsonl",
        "另有 {n} 个字符，见 eval/answers.jsonl",
    ),
    "legend": ("Marks:", "标记："),
    "legend_fact": ("key fact of the reference", "参考答案的关键事实"),
    "legend_missing": ("key fact that the answer lacks", "回答缺少的关键事实"),
    "legend_extra": ("differs from the reference", "与参考答案不同"),
    "legend_strange": (
        "number, name or quoted term that neither reference nor question holds",
        "参考答案和问题中都没有的数字、名称或引用词",
    ),
    "filter": ("Filter the questions", "筛选问题"),
    "outcome": ("outcome", "结果"),
    "all": ("all", "全部"),
    "source_section": ("section of the source", "原文章节"),
    "search": ("search the text", "搜索文本"),
    "reset": ("show all", "全部显示"),
    "shown": ("{shown} of {all} questions shown", "显示 {shown} / {all} 题"),
}

WORDS: dict[Language, dict[str, str]] = {
    "en": {key: english for key, (english, _) in _WORDS.items()},
    "zh": {key: chinese for key, (_, chinese) in _WORDS.items()},
}


def filled(text: str, **values: Any) -> str:
    """A text of the page with its values; {n:section} is "1 section" or "3 sections".

    Raises:
        KeyError: a value is missing.
    """
    return _Counting().vformat(text, (), values)


class _Counting(string.Formatter):
    def format_field(self, value: Any, format_spec: str) -> str:
        return counted(value, format_spec) if len(format_spec) > 1 else str(super().format_field(value, format_spec))
