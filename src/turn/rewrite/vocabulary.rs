//! The words by which a question is tied to what was said, points at it, or asks: both languages, traditional characters
//! beside simplified ones. Written by hand.

use crate::platform::lexical::fold_text;

/// Ties to what was said; longer ones first.
pub const TIES_EN: &[&str] = &[
    "i meant",
    "i mean",
    "sorry",
    "actually",
    "wait",
    "what about",
    "how about",
    "same for",
    "and for",
    "and",
    "but",
    "or",
    "also",
    "then",
    "ok",
    "okay",
    "so",
    "oh",
    "yes",
    "no",
    "hm",
    "hmm",
    "well",
    "now",
];
pub const TIES_ZH: &[&str] = &[
    "我说的是",
    "我說的是",
    "我是说",
    "我是說",
    "我指的是",
    "我问的是",
    "我問的是",
    "不是",
    "不对",
    "不對",
    "那么",
    "还有",
    "還有",
    "另外",
    "然后",
    "然後",
    "以及",
    "请问",
    "請問",
    "好的",
    "换成",
    "換成",
    "ok",
    "那",
    "哦",
    "嗯",
    "对了",
    "對了",
];
/// Of those, what corrects where something of its own follows, and denies or asks elsewhere.
pub const CORRECTING: &[&str] = &["no", "wait", "不是", "不对", "不對"];
/// Of those, what is said in front of any question.
pub const POLITE: &[&str] = &["ok", "okay", "oh", "hm", "hmm", "well", "sorry", "请问", "請問", "好的", "哦", "嗯"];
/// What begins a noun: it is no word of its own.
pub const BEFORE_NOUN_EN: &[&str] =
    &["for", "to", "in", "on", "with", "at", "by", "from", "of", "the", "a", "an", "your", "my"];
/// Of those, what is no preposition.
pub const ARTICLES_EN: &[&str] = &["the", "a", "an", "your", "my"];
/// What a whole question begins with.
pub const ASKING_EN: &[&str] = &[
    "how", "what", "whats", "what's", "when", "where", "which", "who", "why", "can", "could", "do", "does", "did",
    "is", "are", "will", "would", "may", "should", "has", "have", "am", "must", "until",
];
pub const PRONOUNS_EN: &[&str] =
    &["it", "its", "they", "them", "their", "that", "this", "those", "these", "one", "ones", "there"];
pub const PRONOUNS_ZH: &[&str] = &[
    "它们", "它", "这个", "這個", "那个", "那個", "这款", "這款", "那款", "这种", "這種", "那种", "那種", "那边",
    "那邊", "那里", "那裡", "那儿", "这边", "這邊", "这里", "這裡",
];
pub const CONDITIONS_EN: &[&str] = &["what if", "if ", "even if", "unless"];
pub const CONDITIONS_ZH: &[&str] = &["如果", "要是", "假如", "万一", "萬一", "的话", "的話"];
/// Points at what was said without a pronoun, or goes on with it.
pub const GOES_ON_ZH: &[&str] =
    &["另一个", "另一個", "其他", "别的", "別的", "上面", "刚才", "剛才", "刚刚", "同样", "同樣", "也"];

/// What somebody begins with who tells something of themselves.
pub const FIRST_EN: &[&str] = &["i", "i'm", "im", "i've", "ive", "we", "we're", "my", "our", "i'd"];
pub const FIRST_ZH: &[&str] = &["我", "咱", "本人"];

/// Characters between words of topic, where they don't belong to a word (see [`WITHIN`]).
pub const BETWEEN: &str = "的了吗呢啊呀吧么嘛我你您他她它们這这那是请請在到给給把被和与與跟及要想能可以会會有没沒不就都还還也去来來用买買装裝多少几幾什怎哪谁誰何从從对對元块塊";
/// Words that such a character begins or ends.
pub const WITHIN: &[&str] =
    &["会员", "會員", "不锈", "不鏽", "在线", "用户", "用電", "有机", "来电", "以旧", "以舊", "可回"];

/// Verbs of dealing with a shop: what is done with a thing is not the thing.
pub const DOING: &[&str] = &[
    "put", "get", "got", "send", "sent", "use", "used", "bring", "keep", "take", "buy", "bought", "sell", "say",
    "says", "tell", "know", "see", "make", "come", "came", "comes", "go", "goes", "work", "works", "pay", "paid",
    "offer", "give", "find", "let", "help", "look", "looking", "try", "ask", "hi", "hello", "thanks", "sorry",
    "charge", "still", "already", "now", "just", "out", "up", "another", "thing", "between", "back", "really", "ok",
    "pls", "no", "not",
];

/// What things have, rather than what they are: "and the price?" asks for another side of the same thing.
const ATTRIBUTES_EN: &[&str] = &[
    "price",
    "prices",
    "cost",
    "fee",
    "fees",
    "weight",
    "size",
    "sizes",
    "dimensions",
    "warranty",
    "guarantee",
    "battery",
    "capacity",
    "colour",
    "colours",
    "color",
    "colors",
    "material",
    "delivery",
    "shipping",
    "deposit",
    "range",
    "noise",
    "power",
    "voltage",
    "address",
    "hours",
    "opening hours",
    "phone",
    "number",
    "floor",
    "height",
    "width",
    "length",
    "charging",
    "charging time",
    "runtime",
    "support",
    "discount",
    "filter",
    "filters",
    "tank",
    "parking",
    "age",
];
const ATTRIBUTES_ZH: &[&str] = &[
    "价格",
    "价钱",
    "價格",
    "費用",
    "费用",
    "运费",
    "運費",
    "重量",
    "尺寸",
    "大小",
    "保修",
    "保固",
    "质保",
    "电池",
    "電池",
    "容量",
    "颜色",
    "顏色",
    "材质",
    "材質",
    "押金",
    "定金",
    "续航",
    "續航",
    "噪音",
    "功率",
    "电压",
    "地址",
    "电话",
    "電話",
    "营业时间",
    "高度",
    "宽度",
    "长度",
    "充电",
    "支持",
    "折扣",
    "优惠",
    "滤芯",
    "濾芯",
    "水箱",
    "停车",
    "年龄",
    "空间",
    "流量",
    "短信",
    "时效",
    "时间",
];

/// Whether `text` names nothing but what things have.
pub fn is_attribute(text: &str) -> bool {
    let folded = fold_text(text);
    ATTRIBUTES_EN.contains(&folded.as_str()) || ATTRIBUTES_ZH.contains(&folded.as_str())
}

/// Words that have no topic of their own where something was said before.
pub fn is_empty(word: &str) -> bool {
    PRONOUNS_EN.contains(&word) || PRONOUNS_ZH.contains(&word) || TIES_EN.contains(&word) || EMPTY.contains(&word)
}

const EMPTY: &[&str] = &[
    "much", "many", "long", "about", "other", "same", "cost", "costs", "price", "whats", "if", "what's", "please",
    "pls", "too", "again", "else", "more", "still", "exactly", "need", "want", "take", "takes", "get", "另一", "一个",
    "如果", "还有", "這個", "多少", "大概", "一般", "可以",
];
