"""What the made documents say, in English and Chinese: blocks that each kind of document is written from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class Heading:
    level: int
    text: str


@dataclass(frozen=True, slots=True)
class Paragraph:
    sentences: tuple[str, ...]
    between: str = " "

    @property
    def text(self) -> str:
        return self.between.join(self.sentences)


@dataclass(frozen=True, slots=True)
class Items:
    items: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Table:
    rows: tuple[tuple[str, ...], ...]


@dataclass(frozen=True, slots=True)
class Code:
    lines: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class PageBreak:
    """What follows begins on a new page."""


Block = Heading | Paragraph | Items | Table | Code | PageBreak


@dataclass(frozen=True, slots=True)
class Text:
    """Blocks, and what stands above and below each page of them."""

    lang: Literal["zh", "en"]
    blocks: tuple[Block, ...]
    header: str
    footer: str
    """"{}" is the number of the page."""


ENGLISH = Text(
    "en",
    (
        Heading(1, "Kiln Handbook"),
        Paragraph(
            (
                "This handbook describes the tunnel kiln of the Weserton brickworks.",
                "It was written by the night shift in 1987 and is read by every new fireman before his first turn at"
                " the burners.",
                "The kiln is forty metres long and holds eleven cars at a time.",
            )
        ),
        Heading(2, "Firing"),
        Paragraph(
            (
                "A car enters the kiln every ninety minutes, and the pusher at the entrance moves the whole train by"
                " one place.",
                "The temperature of the firing zone is kept at 1,060 degrees by six burners under the roof.",
                "Whoever opens the hatch of the firing zone notes the time, because the draught cools the upper rows of"
                " bricks.",
            )
        ),
        Table(
            (
                ("Zone", "Temperature", "Length"),
                ("Preheating", "600 °C", "14 m"),
                ("Firing", "1,060 °C", "12 m"),
                ("Cooling", "180 °C", "14 m"),
            )
        ),
        PageBreak(),
        Heading(2, "Faults"),
        Paragraph(("Three faults stop the pusher, and each of them has a lamp of its own at the entrance.",)),
        Items(
            (
                "A red lamp means that a car has left the rails.",
                "A yellow lamp means that the oil of the pusher is cold.",
                "A blue lamp means that the hatch of the firing zone stands open.",
            )
        ),
        Heading(3, "Restarting the pusher"),
        Paragraph(("The pusher is restarted from the panel beside the entrance with this program:",)),
        Code(("def restart(pusher):", "    pusher.release()", "    pusher.push(force=12)")),
        PageBreak(),
        Heading(2, "Maintenance"),
        Paragraph(
            (
                "The rails are greased on the first Monday of each month with graphite, never with oil, which burns.",
                "The lining of the roof is inspected in August, when the kiln is cold for nine days.",
            )
        ),
    ),
    "Weserton Brickworks",
    "Internal paper, page {}",
)
CHINESE = Text(
    "zh",
    (
        Heading(1, "青石窑操作手册"),
        Paragraph(
            (
                "本手册介绍青石镇砖厂的隧道窑，每位新来的司炉工在第一次上岗之前都必须通读一遍，并在值班室签名确认。",
                "窑体全长四十米，同时容纳十一辆窑车，由厂里的老师傅周德顺在一九八七年设计建成。",
            ),
            "",
        ),
        Heading(2, "烧成"),
        Paragraph(
            (
                "窑车每隔九十分钟进一辆，入口处的推车机把整列窑车向前推动一个车位，推动时任何人不得站在轨道旁边。",
                "烧成带的温度由窑顶的六个烧嘴保持在一千零六十度，打开观察孔的人要记下时间，因为冷风会使上层砖坯降温。",
            ),
            "",
        ),
        Table(
            (
                ("区段", "温度", "长度"),
                ("预热带", "600 ℃", "14 米"),
                ("烧成带", "1060 ℃", "12 米"),
                ("冷却带", "180 ℃", "14 米"),
            )
        ),
        PageBreak(),
        Heading(2, "故障"),
        Paragraph(("有三种故障会使推车机停止，每一种故障在入口处都有一盏指示灯，司炉工看灯就知道该怎样处理。",), ""),
        Items(
            (
                "红灯表示有一辆窑车脱离了轨道。",
                "黄灯表示推车机的液压油温度太低。",
                "蓝灯表示烧成带的观察孔没有关好。",
            )
        ),
        Heading(3, "重新启动推车机"),
        Paragraph(("推车机在入口旁边的控制柜上用下面的程序重新启动：",), ""),
        Code(("def restart(pusher):", "    pusher.release()", "    pusher.push(force=12)")),
        PageBreak(),
        Heading(2, "保养"),
        Paragraph(
            (
                "轨道在每月的第一个星期一用石墨润滑，不能用油，因为油在窑内会燃烧。",
                "窑顶的衬砖在八月检查，那时全窑停火九天，由外来的筑炉队进窑逐块敲打，发现松动的砖立即更换。",
            ),
            "",
        ),
    ),
    "青石镇砖厂",
    "内部资料 第{}页",
)

NEARLY_TWICE = "".join(
    f"\n## By {n} hands\n\nThe long and winding road that leads from the old harbour to the market was {how} paved by "
    "Gustave Eiffel in 1887.\n"
    for n, how in enumerate(("quietly", "slowly"))
)
"""Two sections of which one asks nearly what the other does."""
