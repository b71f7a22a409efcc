"""Words that carry no fact of their own, words for the same, and words for the opposite, for Chinese and English.

An answer may be told in plain words that its source does not use ("was in charge of" for "headed"); any other word
that the source does not hold is suspect. The lists are of the languages, not of any corpus.
"""

from __future__ import annotations

_ENGLISH = """
a ability about above accident accomplish accomplished accomplishment according accordingly account accounted achieve
achieved achievement achieving across act acted acting action activity actual actually add added addition additional
address adrift afloat afternoon again against age aged agency ago agree agreed ahead aid aim aimed aiming alarm all
allow allowed allowing allows almost aloft alone along alongside already also although altitude altogether always am
amid among amongst amount amounted amounts an analysis ancient and announcement another answer anxious any anybody
anyone anything anywhere apart apiece apparatus appeal appear appeared appearing appears approach approval approx
approximately are area around arrange arrival arrived arriving artificial as ashore aside ask asked aspect assigned
assist astern at attempt author averaged aware away back background backward backwards barely base based basic basis
be bear bearing bears became because become becomes been before beforehand began begin beginning behalf being belong
belonged belonging belongs below beneath beside besides between beyond bid big bit body bore both bottom brave
breakthrough brief bright bring bringing brings broad broken brought bulk but by call called calling calls came can
cannot capable care carried carries carry carrying case catch cause caused causes causing center centre certain chain
change character characterised check chief choice choose chose chosen circa circumstances city clear clearly clock
close closely closing clue colleague colleagues come comes coming command comment common company competition complete
completely completion complex comprise comprised comprises comprising concept concern concerned concerning conclusion
condition conditions conducted connected consequence consist consisted consisting consists constant contain contained
containing contains contemporary contest context core correct could count counted country couple course cover covered
covering covers create created creating credited crucial current damaged danger dangerous dark date dated dating day
days deal dealing deals dealt decide decided decision decrease deep defective define defined deliver delivered demand
department departure depend depended depending depends depth describe described describes description detail device
devoted did died differ difference different difficult disaster distance distinctive do does doing done doubled down
dozen draw drawn drew drop due dull during each eager earlier early earn easy edge effect effects effort either
element else employed enable enabled enables enabling end ended ending ends enough ensure ensured entered enterprise
entire entirely entirety entitled entry environment equal equalled equally equipment equipped escaped especially
essential essentially establish even evening event eventual ever every everyday everyone everything everywhere
evidence exact exactly examination example exceeded except exist existed existing exists exit experienced expert
experts explain extent exterior extra face fact failure fairly fall famous far fault faulty feat feature featured
features fellow fetch few fight figure final finally find finding finds finish firm first fit fitted fixed flat flew
flight flights flown fly flying follow followed following follows for force form formal formed former forming forms
forthcoming forward forwards found foundation frequent from front fulfil fulfilled full fully function functioned
further future gain gained gather gave gear general generally get gets getting give given gives giving glad globe go
goal goes going gone good got gradual grasp great grounds group groups growth had half hand handle handled handles
handling happen happened happening happens happy hard hardly has have having hazard he heart heavy height held help
helped helping helps hence her here hers herself high him himself hint his historic historical hold holding holds home
honor honour hour how however human i idea identify if important impossible in incident include included includes
including increase indeed indicate individual informal initial inner inquiry inside inspection instant instead
institution instruction instrument intact intended interest interior into investigation involve involved involves
involving is it item its itself job join joined joint journey just keen keep keeping keeps kept key killed kind knew
know known knows label lack landmark large largely last lasted lasting late later latter lay lead leader leaders
leading leads lean least leave leaving led left length lengthy less let level lie lies lift like likely likewise list
listed lists little located location long look looked looking looks loose loss lost lot lower lying machine made main
mainly major majority make maker makes making man manage managed managing manner many mark marked marking matched
matter may me mean meaning means meant measure measured measurement measures measuring meet member men mention
mentioned merely met method middle midnight might milestone minor minute mishap mission missions modern moment month
more moreover morning most mostly motion motive motto move moved movement moving much must mutual my name named namely
names naming nation natural nature near nearly necessary need needed needing needs neither new next nickname no nobody
noon nor normal not notable note noted noteworthy nothing notion now nowhere number numbered object objective obtain
obtained occasion occupied occupy occur occurred occurring of off offer offered offering office official officially on
once one ones only onto open opening operate operated operating opposed or order ordinary organisation organization
origin original originally other others otherwise our ourselves out outcome outer outing outside over overall
overnight owing own pace pair part partial particular particularly partly partner partners party pass passage passed
passing past path people per perform performed performing perhaps period perished permission person personal phase
phrase pick piece pieces place placed placing plan planet planned play played playing point portion position possess
possessed possible possibly practice preceding precisely prepare prepared present presented preserve previous
previously primarily principal prior private probably problem procedure proceed process produce produced produces
producing program programme prolonged proof properly proposal proud prove proved proven provide provided provides
providing public purely purpose purposes pursue put puts putting quantity quite quotation race raise raised ran range
rapid rare rate rather reach reached reaching reading ready real really rear reason receive received receiving recent
record refer referred regard regarded regarding region relate related relating relatively relevant rely remain
remainder remained remaining remains remark remarkable renowned represent represented request require required
requires requiring rescued respect respective respectively respond response responsibility responsible rest result
resulted resulting results return rise risk risky rivalry role root rough roughly round route row run running runs sad
safe safely said same saved saw say saying says scarcely scheme scientific search section see seeing seek seen seize
select selected selection sentence separate sequence series serve served serves serving set sets setting several shall
share shared sharp she shift short should show showed showing shown shows side sideways sign signal similar similarly
simple simply simultaneous since single site situated situation size sized skilled slow small smooth so sole solely
some somebody someone something somewhat somewhere soon sorry sort source span special specialist specific
specifically specified speech speed spell spend spent spot staff stage stand standing stands start started starting
starts state stated statement stay stayed steady steep step still stood story straight stretch struggle study
subsequent success successful such suffice suggestion suit suitable suited sum supplied supply supplying support
supported supporting sure surface surname surroundings survey survived system take taken takes taking tall task team
technical tell telling tells term termed test than thanks that the their theirs them themselves then there thereafter
thereby therefore thereupon these they thick thin thing things this those though threat through throughout thus tight
time times tip title titled to together told too took tool top total totalled totalling touch tough tour toward
towards town trace track tragedy trained trial tribute tried trio trip triumph trouble true try trying turn turned
turning turns two type types typical ultimate under underneath undertake undertaken undertook underway underwent unit
unlikely until unusual up upcoming upon upper upright us use used useful user uses using usual usually value various
vehicle very via victory view visit vital voyage want wanted warning was way ways we week weigh weighed weighing
weight well went were what whatever when where whereas whereby wherein whereof whereupon wherever whether which
whichever while who whoever whole wholly whom whose why wide width will willing wish with within without woman women
wording words work worked working works world worth would year years yes yet you your yourself zone
"""
ENGLISH = frozenset(_ENGLISH.split())
"""English words in lower case. Polar words among them are watched by `OPPOSITES` as well."""

_VERBS = """
abandon able aboard absorb accelerate accept accompany address adjust admit adopt advance advise affect afford aid
aloud announce answer apply approve arise assemble assess assume attach attract avoid await backed beat blow board
break broadcast broke broken build burn burst buy cast catch cease change charge check circle circuit climb collect
combine command commit compare compete complete confirm connect consider construct consult continue control convert
convey cool cost crash cross cut damage declare demand demonstrate depart descend design destroy detach detect
determine develop die discard discover display divide double drift drive drop earn eat edit emerge emit employ enter
equip escape examine exceed exchange execute exert expand expect experience explore express extend face fail fall fear
feed feel fight fill film fire fix flew float flow force forge found fuel gather glide govern grab grew grow grown
guard guide hang happen head hear heat held hide hire hit host house hung hunt hurt impact improve increase indicate
inform insert inspect install introduce invent invite issue join joint jump kick knew land launch lean learn led lend
lent lift link lit load lock lose lost lower maintain master match meant melt mend met mix monitor mount navigate note
notice oppose orbit organise organize originate outline overcome oversee owe own park participate pause pay perish
permit photograph pick pilot plant please point pour power praise precede predict prefer press prevent print proclaim
promise promote propose protect publish pull pump purchase push rank rate read rebuild recall reckon recognise
recognize recover reduce refuel regain release relieve remember remind remove render repair repeat replace reply
report rescue research resemble reserve resist restore retire retrieve return reveal ridden rise rode roll rose rule
rung sail sang sat save scatter score search secure seize sell send sense sent separate settle shape shed shift shoot
shot sign sink sit slip sold solve sought sound spare spark speak speed spin split spoken spread spring stage steer
stem step stick store stretch strike struck stuck study submit succeed suffer suggest surpass survey survive suspect
sustain swept swing switch swung tackle talk tap target taught teach tear tend test think thought threw throw thrown
tie track trade train transfer transmit transport travel treat trigger trust type unite update urge vary venture visit
vote wait wake walk warn wash watch wear win withdraw witness won wonder worn worry write written wrote yield
"""
VERBS = frozenset(_VERBS.split())
"""English verbs that a free wording often brings; watched less closely than nouns and names."""

SAME = tuple(
    frozenset(group.split())
    for group in (
        "build built builds builder make made maker construct constructed construction manufacture manufactured"
        " manufacturer produce produced",
        "land landed landing touchdown set_down",
        "launch launched lift_off liftoff",
        "company firm manufacturer contractor corporation business",
        "crew crewed astronaut astronauts manned men people crewmen human humans",
        "uncrewed unmanned robotic without",
        "ship vessel",
        "craft spacecraft vehicle ship",
        "lander module",
        "speed velocity fast quick quickly speedy sped",
        "weigh weight weighed mass heavy",
        "high height tall altitude",
        "wide width diameter across breadth broad",
        "deep depth",
        "long length",
        "buy bought purchase purchased",
        "begin began begun start started starting commence commenced open opened",
        "end ended finish finished close closed conclude concluded stop stopped",
        "head headed lead led leader chief boss director direct directed run ran chair chaired",
        "born birth",
        "die died death dead killed lost lives",
        "die died killed fatal",
        "put place placed set",
        "fall fell fallen drop dropped falling dropping",
        "fire fired burn burned burning burnt firing ignition",
        "explode exploded explosion burst",
        "choose chose chosen choice select selected pick picked",
        "see saw seen sight view observe observed look",
        "send sent transmit transmitted beam",
        "go went gone travel travelled trip journey",
        "walk walked foot moonwalk moonwalker moonwalkers stroll",
        "moon lunar",
        "sun solar",
        "earth terrestrial",
        "sea ocean water",
        "photo photograph photographs picture pictures image images",
        "rock rocks sample samples stone stones",
        "cost costs price bill expense spent money",
        "part parts piece pieces component components section",
        "find found discover discovered discovery",
        "show showed shown demonstrate demonstrated demonstration prove proved",
        "train trained training practise practised practice",
        "design designed designer plan planned architect",
        "supply supplied provide provided furnish furnished deliver delivered",
        "recover recovered recovery pick picked fish retrieve retrieved",
        "live lived life",
        "teach taught teacher",
        "write wrote written author",
        "win won winner victory",
        "rise rose raised increase increased grow grew growth",
        "reduce reduced cut decrease decreased fall fell",
        "kid child children",
        "spend spent stay stayed",
        "remain remained stay stayed stays keep kept left",
        "bring brought carry carried take took return returned",
        "throw threw thrown",
        "hit hits strike struck striking",
        "break broke broken",
        "speak spoke spoken say said talk talked",
        "drive drove driven rode ride",
        "fly flew flown flight flights flying",
        "year age aged old",
        "roughly about around approximately some nearly",
        "task job role function duty work purpose charge",
        "location place site where",
        "america american us united states u.s. usa",
        "russia russian soviet ussr",
        "britain british uk",
        "government federal state",
        "two both pair double twice couple",
        "half 50",
        "three triple trio",
        "single one sole",
        "many numerous several",
        "important main key major principal chief",
        "join joined dock docked docking link linked",
        "agree agreed agreement",
        "decide decided decision",
        "explore explored exploration",
        "experiment experiments test tests tested trial trials",
        "examine study studied investigate looked measure measured",
        "soil ground dirt regolith dust",
        "surface ground",
        "collect collected gather gathered",
        "scientist scientific science",
    )
)
"""English words for the same: one of a group is told by any other."""

LOANS = {
    "pc": "电脑",
    "ceo": "首席执行官",
    "cfo": "首席财务官",
    "cto": "首席技术官",
    "app": "应用",
    "tv": "电视",
    "ai": "人工智能",
    "gpu": "显卡",
    "cpu": "处理器",
    "3d": "三维",
    "logo": "标志",
    "bug": "漏洞",
    "dlc": "扩展",
    "email": "邮箱",
    "wifi": "无线网",
    "boss": "头目",
    "vip": "会员",
}
"""Latin words that a Chinese text may say in Chinese."""

OPPOSITES = tuple(
    (frozenset(left.split()), frozenset(right.split()))
    for left, right in (
        (
            "first earliest initial initially beginning originally start started began",
            "last latest final finally end ended",
        ),
        (
            "before prior earlier ahead until beforehand preceding preceded",
            "after later afterwards following followed since subsequently then once thereafter",
        ),
        ("more greater exceed exceeded exceeding above over beyond longer", "less fewer under below short shorter"),
        ("most maximum largest greatest biggest", "least fewest minimum smallest"),
        ("highest tallest longest heaviest widest", "lowest shortest lightest narrowest smallest"),
        ("high higher tall taller", "low lower"),
        ("fast faster quick quicker", "slow slower slowed"),
        ("fastest quickest", "slowest"),
        ("early", "late"),
        ("near close closest nearby beside nearest", "far distant farthest remote away"),
        ("inside within indoors", "outside outdoors"),
        ("with", "without"),
        ("ascent", "descent"),
        ("upward rise rose risen climb climbed ascended", "downward descended"),
        (
            "increase increased rise rose grew growth gain gained raise raised",
            "decrease decreased fell drop reduced cut shrank",
        ),
        ("success successful successfully succeeded", "failure failed unsuccessful fail"),
        ("hot hotter warm heat heated", "cold colder cool cooled"),
        ("old older", "young younger"),
        ("oldest", "youngest"),
        ("heavy heavier", "light lighter"),
        ("long", "short"),
        ("wide wider", "narrow narrower"),
        ("north northern", "south southern"),
        ("east eastern", "west western"),
        ("left", "right"),
        ("open opened opening", "closed shut sealed"),
        ("better", "worse"),
        ("best", "worst"),
        ("day daytime daylight", "night nighttime"),
        ("dry", "wet sea ocean water"),
        ("direct directly straight", "indirect indirectly"),
        ("all every each both everyone", "none neither nobody"),
        ("only sole solely", "also several many"),
        ("same equally equal", "different differently differ unequal faster slower heavier lighter longer shorter"),
        ("crewed manned", "uncrewed unmanned"),
        ("active", "passive"),
        ("accepted accept agreed approved", "rejected refused declined"),
        ("alive survived", "dead died killed"),
        ("win won", "lose lost"),
        ("male man men", "female woman women"),
        ("private privately", "public publicly"),
        ("solid", "liquid"),
        ("temporary temporarily", "permanent permanently"),
        ("automatic automatically", "manual manually hand"),
    )
)
"""English words and their opposites."""

_CHINESE = """
一 上 下 不 与 且 丢 个 中 为 之 也 买 了 事 于 交 人 仅 仍 从 他 付 令 以 仨 件 价 任 会 似 但 位 低 住 余 作 使 便
俩 俱 借 做 像 元 先 光 全 共 关 其 兼 内 再 写 减 几 凡 凭 出 则 刚 别 到 前 剩 加 动 勿 升 单 卖 即 却 原 去 又 及
取 变 另 只 叫 可 吃 各 同 名 后 向 吗 吧 含 听 呢 周 和 哪 啊 喝 嘛 回 在 地 场 均 坏 坐 块 增 处 外 多 大 天 太 失
头 套 她 好 学 它 家 对 寻 将 小 少 就 层 居 属 岁 已 带 帮 常 年 并 应 座 开 张 弱 强 归 当 往 很 得 心 忙 快 怕 总
想 愿 慢 成 或 戴 所 手 才 打 找 把 抢 拿 指 按 挑 挨 挺 换 据 授 掉 摆 支 收 改 放 教 敢 数 新 旁 无 既 日 旧 早 时
易 是 晚 更 曾 替 最 月 有 朝 未 本 条 来 极 枚 某 根 次 款 正 此 死 段 每 比 没 沿 活 浅 深 点 爱 物 玩 用 由 留 略
的 皆 相 看 眼 着 睡 短 种 秒 称 稍 穿 站 等 算 管 类 约 级 组 经 给 者 而 耗 肯 胜 能 脚 自 至 花 若 获 藏 虽 补 被
装 要 见 让 记 讲 设 该 说 谁 谈 赠 赢 走 起 跑 跟 跳 身 躺 较 输 边 达 过 近 还 这 进 远 连 送 选 遍 道 遭 那 都 醒
里 钱 长 闲 除 陪 随 难 需 非 靠 面 项 须 颁 颇 颗 飞 骑 高 一个 一些 一件 一位 一共 一只 一同 一名 一回 一场 一块
一处 一套 一如 一定 一家 一带 一度 一座 一把 一方 一旦 一时 一条 一来 一枚 一样 一根 一次 一款 一段 一直 一种 一类
一经 一致 一般 一起 一路 一边 一道 一部 一面 一项 三者 上下 上升 上去 上市 上来 上涨 上线 上限 上面 下去 下来 下降
下限 下面 不仅 不会 不但 不光 不再 不到 不只 不可 不同 不少 不得 不必 不想 不愿 不是 不曾 不止 不用 不管 不肯 不能
不论 不足 不过 不需 东西 丢失 两个 两人 两位 两种 两者 丧命 中间 为了 为止 主导 主持 主管 主要 主题 乃是 之一 之上
之下 之中 之内 之前 之后 之外 之时 之类 之间 之际 也不 也会 也是 也没 也能 习得 买到 了解 事后 事情 事物 二者 于是
互相 交到 交战 交手 交换 交给 产生 人们 人数 人物 什么 仅仅 仅有 介绍 仍然 从前 从未 从来 从而 他们 付出 付费 以上
以下 以便 以免 以内 以前 以及 以后 以外 以来 以防 价格 价钱 任何 任务 任意 任选 仿佛 企业 众多 传授 传说 似的 但是
位于 位列 位置 住在 住着 体现 余下 作为 作战 作用 使出 使得 使用 例如 依据 依旧 依次 依然 依照 依赖 依靠 便于 便会
便是 便能 俗称 保存 保留 倒是 倚仗 借助 假如 偶尔 偷走 允许 充当 先前 先后 免得 入伙 入手 全名 全称 全部 全都 公司
公布 公开 共分 共有 关于 关系 关键 关闭 其中 其他 其余 其后 其它 其实 具有 兼任 内容 内部 再度 再次 写作 写在 写成
写着 写道 准备 减少 凑齐 几个 几乎 几位 几种 凡是 凭借 出任 出去 出发 出售 出来 出版 出现 出自 出身 击败 分为 分作
分别 分成 分裂 分钟 划分 则是 刚刚 创下 创作 创办 创建 创立 初次 利用 别名 别的 到处 到手 到达 制作 制造 刷新 削弱
前往 前者 前面 剧情 剩下 剩余 办法 功效 功能 加上 加入 加到 加强 动作 动手 动身 包含 包括 化为 化作 区别 十分 升高
协助 单位 单独 卖出 即使 即可 即将 即是 压轴 原先 原因 原形 原是 原本 原来 参与 参加 又名 又称 双方 反倒 反映 反而
发动 发售 发布 发现 发生 发行 取出 取名 取得 取材 取自 受到 变为 变作 变化 变弱 变强 变成 另一 另外 另有 只好 只得
只是 只有 只能 只要 叫作 叫做 可以 可供 可是 可能 各个 各处 各式 各有 各样 各种 各类 各自 合作 合并 合计 同时 同样
同行 名为 名叫 名字 名称 后来 后者 后面 含有 听说 启动 启用 呈现 周围 命中 命名 品牌 哪儿 哪怕 哪里 售价 售卖 唯一
唯有 善于 喜欢 四周 四处 回到 因为 因此 因而 困难 国内 国外 在于 地方 地点 场所 坏处 坐落 基本 境内 增加 增多 增强
增长 声音 处于 处处 处理 复杂 外面 多个 多位 多半 多处 多少 多数 多次 多种 多达 大多 大家 大概 大约 大量 失去 失掉
头上 头衔 头部 夺得 夺走 她们 好像 好几 好处 好让 如今 如何 如同 如果 如此 存在 学会 学到 它们 完成 完整 官方 定价
宣布 容易 对于 对付 对战 对手 对象 寻找 寻访 导致 封顶 将会 将近 小时 少数 少见 尤其 就会 就是 就能 尽管 居于 屏幕
展现 展示 属于 峰值 工作 左右 差别 差异 已经 带上 带到 带有 带来 带着 带走 帮助 帮忙 常常 常见 平常 平日 平时 并不
并且 并未 并非 应当 应该 建立 建造 开发 开启 开始 开打 开放 开来 引入 引发 引起 引进 强化 归于 归属 当中 当作 当初
当地 当天 当年 当成 当日 当时 形式 形成 影响 彼此 往往 得到 得来 得知 心中 心里 必要 必须 忽然 怎么 怎样 总之 总共
总数 总的 总计 恢复 情况 情形 情节 想要 意在 愿意 成为 成了 成功 成立 或是 或者 战斗 战胜 截至 戴上 所以 所在 所有
所谓 手上 手中 手机 手段 手里 才会 才可 才能 打中 打仗 打倒 打开 打破 打算 打败 打赢 打退 打造 扮演 找到 找回 抢走
抱怨 抵达 担任 担当 拥有 拿下 拿到 拿着 拿走 指出 按照 挑战 挑选 挨打 损失 换上 换取 换成 换掉 换来 换用 据称 据说
授予 掉落 掌握 掌管 排名 排在 接着 接近 接连 推出 描写 描述 提供 提到 提升 提及 提高 摆放 擅长 支付 支持 支援 收到
收取 收获 收走 收起 收集 收齐 改为 改写 改变 改成 改用 改编 攻击 放入 放出 放在 放弃 放置 故事 效果 敌人 教给 数个
数目 数量 整个 整整 文字 方可 方式 方法 方能 方面 施展 施放 旁边 无法 无论 既不 既能 旨在 早先 早年 时候 时分 时常
时期 时间 明白 易于 是由 显示 显露 普遍 更加 更换 曾经 最初 最后 最多 最少 最末 最终 有关 有售 有时 期间 未能 末尾
本人 本地 本来 机构 束缚 条件 来到 来历 来源 来自 极其 构成 某个 某些 某处 查看 标价 样子 根据 格外 模样 次数 正在
正如 正式 正是 此刻 此前 此后 此处 此外 此时 步骤 死亡 死去 死后 每一 每个 每位 每当 每次 比如 比较 水平 永久 永远
没有 沿着 流程 消耗 涉及 涵盖 清楚 渐渐 游戏 源于 源自 演出 演唱 激活 点亮 点击 然后 然而 爱好 版本 牢骚 物品 牵涉
特别 特征 特性 特点 特色 状态 独立 独自 玩家 环节 现在 现场 现形 现身 理由 生命 用于 用以 用处 用来 用途 由于 电脑
画面 留下 登陆 目前 目标 目的 直到 直接 相互 相传 相似 相关 相反 相同 相当 相继 看作 看到 看见 真身 眼前 知道 研发
碰到 种种 种类 称为 称作 称号 移动 程度 稍微 穿上 穿过 突然 突破 立刻 立即 章节 等等 等级 简单 简称 算作 算是 管理
类似 类别 类型 素材 约为 约有 约束 级别 组成 终于 经历 经常 经由 经过 结伴 结束 结果 绕过 给予 统统 编写 缘故 网络
罕见 罢了 而不 而且 而后 而已 而是 耗费 职务 聚集 背后 能够 脑袋 自从 自己 自身 至于 至多 至少 致使 花费 若干 获取
获得 藏在 藏着 虽然 行动 补上 补充 表明 表现 表示 裂成 装上 装备 装着 要打 要是 见到 视为 觉得 角色 解决 解锁 触发
譬如 认为 讨厌 记录 记得 记载 讲述 许多 设在 设有 设立 设置 设计 译为 译作 该处 详细 语言 说出 说明 说过 诸多 诸如
谈到 负责 贪图 贪恋 购买 赠予 赠送 赢了 赢得 走到 走进 起先 起初 起来 起源 超过 越过 足以 跨过 身上 身份 身体 身躯
身边 轻松 较为 输了 达到 达成 过关 过去 过来 过程 运用 近旁 返回 还会 还在 还得 还是 还有 还能 还要 这三 这两 这个
这么 这些 这位 这儿 这只 这场 这座 这时 这样 这次 这款 这段 这种 这部 这里 进入 进到 连同 连着 连续 退出 退回 送给
选择 选用 透过 逐一 逐个 逐步 逐渐 途径 通关 通常 通过 通通 造成 遇到 遭到 遭受 那两 那个 那么 那些 那位 那儿 那只
那场 那座 那时 那样 那次 那段 那种 那部 那里 部分 都不 都会 都是 都有 都能 都要 配合 采用 采集 释放 里面 重新 重要
问世 间接 阶段 附带 附近 陆续 降低 限制 除了 除非 陪伴 随即 随后 随意 随着 难以 集齐 需要 露面 非常 面前 面对 顶点
项目 顺序 颁发 颁给 题材 风格 首先 首次 马上 高达 一下子 不得不 也就是 也没有 又一次 另外的 大多数 大部分 头一次
就可以 差不多 指的是 来源于 留下来 称之为 第一次 都没有 一般来说 补充说明 除此之外
"""
CHINESE = frozenset(_CHINESE.split())
"""Chinese words, most of one or two characters."""

CHINESE_OPPOSITES = (
    ("之前 以前 此前 事先", "之后 以后 此后 随后 事后 后来"),
    ("最高 最大 最多 最强 最长 至多 上限", "最低 最小 最少 最弱 最短 至少 下限"),
    ("上升 上涨 提高 提升 增加 升高 增强 变强 增多 强化", "下降 下跌 降低 减少 削弱 变弱 减弱"),
    ("首 最早 最初 起初 第一", "末 最晚 最后 最终 末尾"),
    ("超过 突破 多于 高于 不止", "不到 不足 少于 低于 未满"),
    ("全部 所有 任何 任意", "部分 少数 个别 一部分"),
    ("善", "恶"),
    ("越大", "越小"),
    ("越高", "越低"),
    ("越强", "越弱"),
    ("越多", "越少"),
    ("越快", "越慢"),
    ("允许 随意", "禁止 不可 难以"),
    ("得到 获得 取得 拿到", "失去 丢失 损失"),
    ("开启 打开 启用", "关闭 停用"),
    ("加入 参加", "退出 离开"),
    ("成功", "失败"),
    ("相同 一样 一致 同样", "不同 各异 相反"),
    ("永久 永远 一直", "暂时 临时 短暂 短时间"),
    ("快", "慢"),
    ("左", "右"),
    ("东", "西"),
    ("南", "北"),
    ("免费", "付费 收费"),
    ("随时 任意时刻 任何时候", "只有 只能"),
    ("同时", "分别 先后"),
    ("公开", "秘密 保密"),
    ("生", "死"),
    ("贵", "便宜"),
    ("仅次于 之上", "之下"),
)
"""Chinese words and their opposites."""
