"""Does the search before an upload find the keys that documents hold, and nothing in documents that hold none?

Makes keys of some hundred kinds at random (seeded; none was ever real, and none stands in this file), puts each into
six surroundings, as a file of a dataset would hold them, and counts what `secret_scan` and detect-secrets alone, with
all its plugins, find; then searches ordinary documents: the Markdown, text and Python files of the packages that are
installed here, and the corpora, of which each finding is printed. Prints Markdown tables; see secret_scan.md.
"""

from __future__ import annotations

import argparse
import base64
import json
import random
import re
import string
import sysconfig
import uuid
from pathlib import Path

from wukong_pipe.secrets import secrets_in

ALPHABETS = {
    "a": string.ascii_letters + string.digits,
    "b": string.ascii_letters + string.digits + "+/",
    "w": string.ascii_letters + string.digits + "_-",
    "l": string.ascii_lowercase + string.digits,
    "u": string.ascii_uppercase + string.digits,
    "x": string.digits + "abcdef",
    "d": string.digits[1:],
}
# {a40} is 40 letters and digits, {p} a password, {id} a UUID; a ~ is taken out, so that no key's beginning stands here.
KINDS = r"""
AWS access key id | AK~IA{u16}
AWS temporary key id | AS~IA{u16}
AWS secret key, named | aws_secret_access_key = {b40}
Azure storage key | AccountName=acme;Account~Key={b86}==;EndpointSuffix=core.windows.net
Azure SAS signature | https://acme.blob.core.windows.net/x?sv=2022-11-02&sp=r&s~ig={b42}%3D
Azure Service Bus | Endpoint=sb://acme.servicebus.windows.net/;SharedAccessKeyName=Root;SharedAccess~Key={b43}=
Azure AD client secret | {a3}8~Q{t}{a34}
SQL connection string | Server=db.acme.net;Database=shop;User Id=sa;Pass~word={p};Encrypt=true
JDBC password | jdbc:mysql://db.acme.net:3306/shop?user=root&pass~word={p}
PostgreSQL URL | postgres://admin:{p}@db.acme.net/shop
MongoDB URL | mongodb+srv://root:{p}@cluster0.acme.mongodb.net
Redis URL without user | redis://:{p}@cache.acme.net:6379/0
AMQP URL | amqp://guest2:{p}@mq.acme.net:5672
URL password with a slash | https://robot:{a6}/{a6}9@git.acme.net/x.git
Bearer header | Authorization: Bea~rer {w40}
Basic header | Authorization: Ba~sic {basic}
curl -u | curl -u admin:{p} https://api.acme.net/v1
password in YAML | pass~word: {p}
password in Chinese | 密~码：{p}
API key in Chinese | 密~钥是 {a32}
passphrase by name | pass~phrase = "{p}"
api_key by name | api_~key = "{a32}"
client_secret by name | client_~secret: {a40}
AppSecret | App~Secret: {x32}
access_token by name | access_~token={a40}
Slack bot token | xox~b-{d12}-{d12}-{a24}
Slack user token | xox~p-{d12}-{d12}-{d12}-{x32}
Slack app token | xa~pp-1-A{u10}-{d13}-{x64}
Slack webhook | https://hooks.sl~ack.com/services/T{u9}/B{u10}/{a24}
Discord webhook | https://discord.com/api/web~hooks/{d18}/{w68}
Discord bot token | M{a23}.{a6}.{w38}
DingTalk webhook | https://oapi.dingt~alk.com/robot/send?access_token={x64}
Feishu webhook | https://open.fei~shu.cn/open-apis/bot/v2/hook/{id}
WeCom webhook | https://qyapi.weixin.~qq.com/cgi-bin/webhook/send?key={id}
Teams webhook | https://acme.web~hook.office.com/webhookb2/{id}@{id}/IncomingWebhook/{x32}/{id}
Telegram bot token | {d10}:A~A{w33}
SendGrid | S~G.{w22}.{w43}
Twilio API key | S~K{x32}
Twilio account | A~C{x32}
Mailgun | k~ey-{x32}
Mailchimp | {x32}-u~s12
Brevo | xkey~sib-{x64}-{a16}
Google API key | AI~za{w35}
Google OAuth secret | GOC~SPX-{w28}
Google OAuth token | ya2~9.{w120}
GCP service account | "private_key": "-----BEGIN PRI~VATE KEY-----\n{b64}\n"
OpenSSH private key | -----BEGIN OPENSSH PRI~VATE KEY-----
PGP private key | -----BEGIN PGP PRI~VATE KEY BLOCK-----
PuTTY private key | PuTTY-User-~Key-File-3: ssh-rsa
age private key | AGE-SEC~RET-KEY-1{u58}
OpenAI project key | s~k-proj-{w60}
OpenAI key, old | s~k-{a48}
Anthropic | s~k-ant-api03-{w93}
DeepSeek | s~k-{x32}
OpenRouter | s~k-or-v1-{x64}
Groq | gs~k_{a52}
xAI | xa~i-{a80}
Hugging Face | h~f_{a34}
Replicate | r~8_{a37}
Perplexity | ppl~x-{a48}
Tavily | tvl~y-{a32}
LangSmith | lsv~2_pt_{x32}_{x10}
NVIDIA | nva~pi-{w64}
Fireworks | f~w_{a24}
ModelScope | m~s-{id}
Zhipu | {x32}.{a16}
Volcengine key id | AK~LT{a44}
Baidu bce-v3 | bce-v~3/ALTAK-{a21}/{x40}
Alibaba Cloud key id | LT~AI{a20}
Aliyun secret by name | ALIYUN_ACCESS_KEY_~SECRET={a30}
Tencent secret id | AK~ID{a32}
Tencent secret by name | TENCENTCLOUD_SECRET_~KEY={a32}
Huawei secret by name | HUAWEI_SECRET_~KEY: {a40}
WeChat appsecret | app~secret={x32}
GitHub classic | gh~p_{a36}
GitHub fine-grained | github_~pat_{a22}_{a59}
GitHub app token | gh~s_{a36}
GitLab | gl~pat-{w20}
GitLab runner | gl~rt-{w20}
npm | np~m_{a36}
npmrc | //registry.npmjs.org/:_auth~Token={id}
PyPI | py~pi-AgEIcHlwaS5vcmc{w80}
Docker | dckr_~pat_{w27}
RubyGems | ruby~gems_{x48}
Postman | PM~AK-{x24}-{x34}
SonarQube | sq~p_{x40}
Atlassian | ATA~TT3{w180}
Figma | fi~gd_{w43}
Linear | lin_~api_{a40}
Notion | nt~n_{a46}
Airtable | pa~t{a14}.{x64}
DigitalOcean | dop_~v1_{x64}
Databricks | da~pi{x32}
Vault | hv~s.{w90}
Terraform | {a14}.atl~asv1.{w67}
New Relic | NR~AK-{u27}
Grafana | gl~sa_{a32}_{x8}
Sentry | sntr~yu_{x64}
Stripe live | s~k_live_{a24}
Stripe test | s~k_test_{a24}
Stripe webhook | wh~sec_{a32}
Shopify | shp~at_{x32}
Square | sq0c~sp-{w43}
JSON Web Token | ey~JhbGciOiJIUzI1NiJ9.ey~J{a60}.{w43}
htpasswd hash | admin:$ap~r1${a8}${a22}
shadow hash | root:$~6${a16}${a86}:19000:0:99999:7:::
bcrypt hash | $2~b$12${a53}
key split by bold | h~f_{a10}**{a24}**
key split by backticks | `s~k-{a20}`{a28}
key over two lines | gh~p_{a18}<n>{a18}
key with a zero-width space | h~f_{a17}<z>{a17}
"""
AROUND = {
    "alone": "{}",
    "env file": "# settings of the service\nDEBUG=1\nVALUE={}\n",
    "YAML": 'service:\n  name: shop\n  value: "{}"\n',
    "JSON": '{"name": "shop", "value": "{}", "retries": 3}',
    "prose": "To try it, use {} on the staging host, and ask Ann for your own.",
    "Chinese": "测试环境用的是{}，请不要外传。",
}


def made(template: str, seeded: random.Random) -> str:
    def part(match: re.Match[str]) -> str:
        if match[1] == "id":
            return str(uuid.UUID(int=seeded.getrandbits(128), version=4))
        if match[1] == "t":
            return "~"
        if match[1] == "basic":
            return base64.b64encode(f"admin:{made('{p}', seeded)}".encode()).decode()
        if match[1] == "p":
            return made("{a9}", seeded) + seeded.choice("!^+") + made("{d2}", seeded)
        letters = "".join(seeded.choices(ALPHABETS[match[1][0]], k=int(match[1][1:]) - 1))
        return letters + seeded.choice("0123456789" if match[1][0] != "d" else "123456789")

    filled = re.sub(r"\{(\w+)\}", part, template.replace("~", ""))
    return filled.replace("<n>", "\n").replace("<z>", "\u200b")


def row(text: str) -> bytes:
    """A text as a row of a dataset holds it."""
    return json.dumps({"instruction": "?", "output": text}, ensure_ascii=False).encode()


def theirs(text: str) -> bool:
    """Whether detect-secrets, with the plugins and filters that it has by default, finds anything in a text."""
    from detect_secrets.core.scan import scan_line
    from detect_secrets.settings import default_settings

    with default_settings():
        return any(True for line in text.split("\n") for _ in scan_line(line))


def kinds() -> dict[str, str]:
    lines = (line.partition(" | ") for line in KINDS.strip().splitlines())
    return {name: template for name, _, template in lines}


def documents(count: int, seeded: random.Random) -> list[Path]:
    """Texts that others wrote for others: of the installed packages, and the corpora."""
    packages = Path(sysconfig.get_paths()["purelib"])
    suffixes = {".md", ".rst", ".txt", ".py", ".json", ".yaml", ".toml", ".cfg", ""}
    found = [
        path
        for path in sorted(packages.rglob("*"))
        if path.suffix in suffixes and path.is_file() and 500 < path.stat().st_size < 200_000
    ]
    text = [path for path in found if path.suffix in {".md", ".rst", ".txt"} or path.name in {"METADATA", "README"}]
    other = [path for path in found if path not in set(text)]
    corpora = sorted((Path(__file__).resolve().parent.parent / "corpora").glob("*.md"))
    half = min(len(text), count // 2)
    return [*corpora, *seeded.sample(text, half), *seeded.sample(other, count - half - len(corpora))]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--documents", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    seeded = random.Random(arguments.seed)
    ours, alone = dict.fromkeys(AROUND, 0), dict.fromkeys(AROUND, 0)
    missed: dict[str, list[str]] = {}
    everywhere = 0
    for name, template in kinds().items():
        seen = []
        for around, text in AROUND.items():
            whole = text.replace("{}", made(template, seeded))
            hit = bool(secrets_in({"train.jsonl": row(whole)}, {}))
            seen.append(hit)
            ours[around] += hit
            alone[around] += theirs(whole)
            if not hit:
                missed.setdefault(name, []).append(around)
        everywhere += all(seen)
    print(f"{len(kinds())} kinds, seed {arguments.seed}; found in all surroundings: {everywhere}\n")
    print("| surroundings | found | detect-secrets alone |\n|---|---:|---:|")
    for around in AROUND:
        print(f"| {around} | {ours[around]} | {alone[around]} |")
    for name, where in missed.items():
        print(f"\nMissed: {name} ({', '.join(where)})", end="")
    print("\n")
    flagged = noisy = 0
    texts = documents(arguments.documents, seeded)
    for path in texts:
        text = path.read_text("utf-8", "replace")
        noisy += theirs(text)
        paragraphs = [row(part) for part in text.split("\n\n")]
        if findings := secrets_in({path.name: b"\n".join(paragraphs)}, {}):
            flagged += 1
            for finding in findings:
                line = paragraphs[finding.line - 1].decode()
                print(f"- {path.parent.name}/{finding}: {line[:200]}")
    print(f"\n{flagged} of {len(texts)} documents have findings; by detect-secrets alone {noisy}.")


if __name__ == "__main__":
    main()
