//! Texts that nobody wrote: seeded, so that every run measures the same ones, and shaped like real ones.
//!
//! Words follow Zipf's law over a vocabulary of made-up English and Chinese words, the most frequent being the real
//! function words; sentences have numbers, dates and product codes. About 110 tokens (of `cl100k`) a passage.

/// A generator of numbers that is the same in every version of every library (SplitMix64).
pub struct Random(u64);

impl Random {
    pub fn seeded(seed: u64) -> Self {
        Self(seed)
    }

    pub fn number(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// From 0 to `end`, `end` not included.
    pub fn below(&mut self, end: usize) -> usize {
        (self.number() % end.max(1) as u64) as usize
    }

    fn share(&mut self) -> f64 {
        (self.number() >> 11) as f64 / (1u64 << 53) as f64
    }
}

/// Words by rank, drawn as often as Zipf's law has it.
struct Vocabulary {
    words: Vec<String>,
    /// The share of all draws that falls on this rank or an earlier one.
    cumulative: Vec<f64>,
}

impl Vocabulary {
    fn new(words: Vec<String>) -> Self {
        // The exponent is that of running text; the shift keeps "the" from being every fifth word.
        let weights = (0..words.len()).map(|rank| 1.0 / (rank as f64 + 2.7).powf(1.05));
        let mut sum = 0.0;
        let sums: Vec<f64> = weights
            .map(|w| {
                sum += w;
                sum
            })
            .collect();
        Self { words, cumulative: sums.iter().map(|s| s / sum).collect() }
    }

    fn draw(&self, random: &mut Random) -> &str {
        let share = random.share();
        let rank = self.cumulative.partition_point(|c| *c < share);
        &self.words[rank.min(self.words.len() - 1)]
    }
}

/// A passage, or a short document.
pub struct Text {
    pub title: String,
    pub text: String,
    pub is_chinese: bool,
}

/// Makes texts, one after the other.
pub struct Texts {
    random: Random,
    english: Vocabulary,
    chinese: Vocabulary,
}

const ENGLISH: &str = "the of to and a in is for you your with on be are this that or can it from by we if not as an \
    will at our have has any all after before when order within only may must per day days please each between";
const CHINESE: &str =
    "的 是 在 和 您 我们 可以 或 不 如果 请 后 前 内 与 及 并 会 需要 时 为 由 到 从 将 每 对 均 已 应 以 其 该 于 且";
/// Frequent characters, of which made-up Chinese words consist.
const CHARACTERS: &str = "人大小上下中国年月日时分工作生产品质保修换货退款订单物流快递发票价格优惠会员积分账户密码登录注册支付\
    银行卡现金到家门店地址电话客服中心服务售后维修安装配件电池充电器屏幕主板温度湿度安全防水材料颜色尺寸重量型号规格标准版本升级\
    系统网络连接蓝牙设备手机应用软件数据备份恢复设置功能模式运行状态错误代码提示操作步骤说明书合同协议条款责任权利义务申请审核通过\
    拒绝取消修改变更延长到期有效期限范围包括除外特殊情况处理流程提交材料证明身份信息隐私保护政策法律规定适用地区城市乡村国际海关税费";

impl Texts {
    pub fn seeded(seed: u64) -> Self {
        let mut random = Random::seeded(seed);
        let english = (0..30_000).map(|_| english_word(&mut random));
        let english = ENGLISH.split_whitespace().map(String::from).chain(english).collect();
        let characters: Vec<char> = CHARACTERS.chars().filter(|c| !c.is_whitespace()).collect();
        let chinese = (0..20_000).map(|_| chinese_word(&mut random, &characters));
        let chinese = CHINESE.split_whitespace().map(String::from).chain(chinese).collect();
        Self { random, english: Vocabulary::new(english), chinese: Vocabulary::new(chinese) }
    }

    /// The next passage; every second one is Chinese.
    pub fn passage(&mut self) -> Text {
        let is_chinese = self.random.below(2) == 0;
        let sentences = 3 + self.random.below(3);
        let text = self.sentences(is_chinese, sentences);
        let title = self.words(is_chinese, 3);
        Text { title, text, is_chinese }
    }

    /// The next document: Markdown with headings, of about `bytes`.
    pub fn document(&mut self, bytes: usize) -> Text {
        let is_chinese = self.random.below(2) == 0;
        let title = self.words(is_chinese, 3);
        let mut text = format!("# {title}\n");
        while text.len() < bytes {
            let heading = self.words(is_chinese, 3);
            text.push_str(&format!("\n## {heading}\n"));
            for _ in 0..3 {
                let sentences = 4 + self.random.below(4);
                let paragraph = self.sentences(is_chinese, sentences);
                text.push_str(&format!("\n{paragraph}\n"));
            }
        }
        Text { title, text, is_chinese }
    }

    /// A question whose answer stands in `passage`: some words of one of its sentences, in order, with words that the
    /// passage does not have before, between and after.
    pub fn question(&mut self, passage: &Text) -> String {
        let ends = if passage.is_chinese { ['。', '。'] } else { ['.', '!'] };
        let sentences: Vec<&str> = passage.text.split(ends).map(str::trim).filter(|s| s.len() > 20).collect();
        let sentence = sentences.get(self.random.below(sentences.len())).copied().unwrap_or(&passage.text);
        if passage.is_chinese {
            let characters: Vec<char> = sentence.chars().filter(|c| !c.is_ascii_punctuation() && *c != '，').collect();
            let start = self.random.below(characters.len().saturating_sub(14));
            let middle: String = characters.iter().skip(start).take(12).collect();
            let noise = self.chinese.draw(&mut self.random).to_string();
            return format!("请问{middle}{noise}是怎么规定的？");
        }
        let words: Vec<&str> = sentence.split_whitespace().collect();
        let start = self.random.below(words.len().saturating_sub(10));
        let mut asked: Vec<String> =
            words.iter().skip(start).take(9).map(|w| w.trim_matches(',').to_string()).collect();
        let noise = self.english.draw(&mut self.random).to_string();
        let place = self.random.below(asked.len() + 1);
        asked.insert(place, noise);
        format!("Hello, what about {}?", asked.join(" "))
    }

    fn words(&mut self, is_chinese: bool, count: usize) -> String {
        let vocabulary = if is_chinese { &self.chinese } else { &self.english };
        // Titles are made of words that mean something.
        let words = (0..count).map(|_| {
            let function_words = if is_chinese { 35 } else { 49 };
            vocabulary.words[function_words + self.random.below(4000)].clone()
        });
        words.collect::<Vec<_>>().join(if is_chinese { "" } else { " " })
    }

    fn sentences(&mut self, is_chinese: bool, count: usize) -> String {
        let sentences = (0..count).map(|_| if is_chinese { self.chinese() } else { self.english() });
        sentences.collect::<Vec<_>>().join(if is_chinese { "" } else { " " })
    }

    fn english(&mut self) -> String {
        let mut sentence = String::new();
        let length = 14 + self.random.below(10);
        for place in 0..length {
            let word = match self.random.below(40) {
                0 => format!("{}", self.random.below(400)),
                1 => format!("{}.{:02} EUR", self.random.below(300), self.random.below(100)),
                2 if place > 2 => self.code(),
                _ => self.english.draw(&mut self.random).to_string(),
            };
            if place > 0 {
                sentence.push_str(if place % 9 == 8 { ", " } else { " " });
            }
            sentence.push_str(&word);
        }
        if let Some(first) = sentence.get(..1).map(str::to_ascii_uppercase) {
            sentence.replace_range(..1, &first);
        }
        sentence + "."
    }

    fn chinese(&mut self) -> String {
        let mut sentence = String::new();
        let length = 10 + self.random.below(8);
        for place in 0..length {
            match self.random.below(30) {
                0 => sentence.push_str(&format!("{}天", 1 + self.random.below(90))),
                1 => sentence.push_str(&format!("{}元", 1 + self.random.below(900))),
                2 => sentence.push_str(&self.code()),
                _ => sentence.push_str(self.chinese.draw(&mut self.random)),
            }
            if place % 6 == 5 && place + 2 < length {
                sentence.push('，');
            }
        }
        sentence + "。"
    }

    fn code(&mut self) -> String {
        let letter = |random: &mut Random| char::from(b'A' + random.below(26) as u8);
        let (a, b) = (letter(&mut self.random), letter(&mut self.random));
        format!("{a}{b}-{}", 100 + self.random.below(900))
    }
}

fn english_word(random: &mut Random) -> String {
    const BEGIN: [&str; 20] =
        ["b", "c", "d", "f", "g", "h", "l", "m", "n", "p", "r", "s", "t", "v", "br", "cl", "pr", "st", "tr", "w"];
    const VOWEL: [&str; 8] = ["a", "e", "i", "o", "u", "ea", "ou", "ai"];
    const END: [&str; 10] = ["", "n", "r", "l", "t", "s", "m", "nd", "ck", "st"];
    let syllables = 1 + random.below(3);
    (0..=syllables)
        .map(|_| format!("{}{}{}", BEGIN[random.below(20)], VOWEL[random.below(8)], END[random.below(10)]))
        .collect()
}

fn chinese_word(random: &mut Random, characters: &[char]) -> String {
    let length = [1, 2, 2, 2, 2, 2, 3, 4][random.below(8)];
    (0..length).map(|_| characters[random.below(characters.len())]).collect()
}
