//! What ties a sentence to evidence in the other language: facts, and the words of every shop in both languages.

use crate::platform::lexical::{self, fold_text};

/// Chinese words and the stems of their English ones.
const SAME: &[(&[&str], &[&str])] = &[
    (&["退款", "退钱", "退费"], &["refund", "reimburse"]),
    (&["退货", "退回", "退还"], &["return", "refund"]),
    (&["换货", "更换", "换"], &["exchange", "replace", "swap"]),
    (&["配送", "送货", "寄", "发货", "运送"], &["deliver", "delivery", "ship", "shipping", "dispatch", "send"]),
    (&["运费", "邮费"], &["postage", "shipping", "delivery", "fee"]),
    (&["包裹", "快递"], &["parcel", "package", "courier"]),
    (&["保修", "质保"], &["warranty", "guarantee"]),
    (&["维修", "修理", "修"], &["repair", "fix"]),
    (&["发票", "收据", "小票"], &["invoice", "receipt"]),
    (&["订单", "下单", "订购"], &["order"]),
    (&["取消"], &["cancel"]),
    (&["预约", "预订"], &["book", "reserve", "appointment", "reservation", "booking"]),
    (&["付款", "支付", "付"], &["pay", "payment"]),
    (&["价格", "售价", "多少钱"], &["price", "cost"]),
    (&["免费"], &["free"]),
    (&["押金", "定金"], &["deposit"]),
    (&["折扣", "优惠"], &["discount"]),
    (&["会员"], &["member", "membership"]),
    (&["积分"], &["point"]),
    (&["礼品卡"], &["gift"]),
    (&["门店", "商店", "店"], &["shop", "store"]),
    (&["营业", "开放", "开门"], &["open"]),
    (&["休息", "关门", "闭店"], &["close"]),
    (&["周末"], &["weekend"]),
    (&["顾客", "客户", "客人"], &["customer", "guest", "client"]),
    (&["儿童", "孩子", "小孩"], &["child", "children", "kid"]),
    (&["成人", "大人"], &["adult"]),
    (&["陪同"], &["accompany"]),
    (&["宠物"], &["pet", "dog"]),
    (&["房间", "客房"], &["room"]),
    (&["早餐"], &["breakfast"]),
    (&["入住"], &["check", "stay"]),
    (&["泳池", "游泳"], &["pool", "swim"]),
    (&["跳水"], &["dive", "diving"]),
    (&["毛巾"], &["towel"]),
    (&["停车"], &["park", "parking"]),
    (&["车"], &["car"]),
    (&["钥匙"], &["key"]),
    (&["电池"], &["battery"]),
    (&["屏幕"], &["screen"]),
    (&["防水"], &["waterproof", "water"]),
    (&["水"], &["water"]),
    (&["清洗", "洗"], &["wash", "clean"]),
    (&["食物", "食品", "菜"], &["food", "dish", "meal"]),
    (&["茶"], &["tea"]),
    (&["咖啡"], &["coffee"]),
    (&["药", "处方"], &["medicine", "prescription"]),
    (&["医生"], &["doctor"]),
    (&["课程", "上课"], &["course", "class", "lesson"]),
    (&["老师"], &["teacher"]),
    (&["票"], &["ticket"]),
    (&["座位"], &["seat"]),
    (&["照片", "拍照"], &["photo", "photography"]),
    (&["账户", "账号"], &["account"]),
    (&["密码"], &["password"]),
    (&["短信"], &["sms", "text"]),
    (&["邮件", "邮箱"], &["email", "mail"]),
    (&["电话"], &["phone", "call", "telephone"]),
    (&["地址"], &["address"]),
    (&["网站", "官网"], &["website", "site"]),
    (&["合同", "协议"], &["contract", "agreement"]),
    (&["保险"], &["insurance", "insure"]),
    (&["吸烟", "抽烟"], &["smoke", "smoking"]),
    (&["定制", "刻字"], &["custom", "engrave", "personalise"]),
    (&["包装"], &["packaging", "box", "package"]),
    (&["拆封", "打开"], &["open", "unseal"]),
    (&["损坏", "破损", "坏"], &["damage", "break", "broken"]),
    (&["丢失", "遗失"], &["lose", "lost"]),
    (&["身份证", "证件", "护照"], &["id", "identity", "passport"]),
    (&["银行"], &["bank"]),
    (&["信用卡", "银行卡"], &["card"]),
    (&["现金"], &["cash"]),
];

/// Whether the two speak of the same thing, each in its language.
pub(super) fn is_about_the_same(text: &str, range: &str) -> bool {
    let (text, range) = (fold_text(text), fold_text(range));
    let stems = |of: &str| -> Vec<String> {
        of.split(|c: char| !c.is_ascii_alphanumeric()).filter(|w| !w.is_empty()).map(lexical::stem).collect()
    };
    let (said, there) = (stems(&text), stems(&range));
    SAME.iter().any(|(chinese, english)| {
        let has_zh = |of: &str| chinese.iter().any(|word| of.contains(word));
        let has_en = |of: &[String]| english.iter().any(|word| of.contains(&lexical::stem(word)));
        has_zh(&text) && has_en(&there) || has_zh(&range) && has_en(&said)
    })
}
