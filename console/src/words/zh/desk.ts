// 会话之外客服用到的文字。
import type { Words } from "../index";

export const desk: Words["desk"] = {
  reach: {
    closes: (t) => `回复窗口还剩 ${t}`,
    closesHint: (at) => `${at} 之前可以自由回复；之后需等客户先发消息。`,
    left: (n, of) => `还可发 ${n} 条（共 ${of} 条）`,
    leftHint: "在客户再次发消息之前，平台只接受这么多条。",
    paced: (t) => `平台限制发送速度：${t}后发出`,
    held: "渠道已暂停或被平台停用，恢复后才会发出。",
    template: "客户上次发消息已太久：只能发送平台审核通过的模板。",
    wraps: "客户上次发消息已太久：您的文字会放进渠道的审核模板里，以一行发出。",
    closed: "客户上次发消息已太久：在客户再次发消息之前，平台不接受任何消息。",
    spent: "在客户再次发消息之前，平台不再接受消息。",
    noAddress: "该客户在此渠道没有地址，无法发送。",
    noteStill: "您仍可以添加内部备注。",
    choose: "选择模板",
  },
  template: {
    title: "发送模板",
    hint: "内容与平台审核的一致，您只需填写变量。",
    search: "搜索模板",
    none: "此渠道还没有登记模板。",
    noneAdmin: "请在设置中登记平台审核通过的模板。",
    noneOther: "管理员可以在设置中登记平台审核通过的模板。",
    value: (n) => `变量 {{${n}}}`,
    preview: "客户将看到",
    send: "发送模板",
    sent: "模板已提交发送。",
    badge: "模板",
    other: "其他模板",
  },
};
