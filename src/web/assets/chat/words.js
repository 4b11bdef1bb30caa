// What the page says, in both languages, and which one is spoken.

const WORDS = {
  en: {
    headline: "How can we help?",
    lead: "Ask about products, orders, delivery, returns and repairs. Write as you would to a person.",
    promiseSources: "Answers come from our own documents and show where they are from.",
    promiseHonest: "What our documents don’t say is not made up.",
    promisePerson: "A person is one click away.",
    poweredBy: "Answered by Frontdesk",
    skip: "Skip to writing",
    language: "Language",
    close: "Close the chat",
    messages: "Messages",
    table: "Table",
    suggestions: "Suggested questions",
    welcome: (company) => `Welcome to ${company}`,
    welcomeText: "I’m the assistant. Ask me anything, or start with one of these:",
    writeLabel: "Your message",
    placeholder: "Write a message…",
    send: "Send",
    person: "Talk to a person",
    personAsked: "Calling a person…",
    hint: "Enter sends, Shift + Enter starts a new line",
    attach: "Attach a file",
    attached: "Files to send",
    dropHere: "Drop files here",
    fileRemove: (name) => `Remove ${name}`,
    fileOpen: (name) => `Open ${name}`,
    fileEmpty: (name) => `${name} is empty.`,
    fileTooLarge: (name) => `${name} is larger than 20 MB.`,
    fileKind: (name) => `${name}: this kind of file can’t be sent.`,
    fileMany: (n) => `${n} files at a time at most.`,
    fileGone: "No longer kept",
    fileRefused: "This file is not accepted.",
    reaction: "Reaction",
    picture: "Picture",
    uploading: (n) => `Sending… ${n} %`,
    newMessages: "New messages",
    you: "You",
    assistant: "Assistant",
    colleague: "Our team",
    typingAssistant: "The assistant is writing",
    typingAgent: "Somebody is writing",
    sources: (n) => (n === 1 ? "Source" : `${n} sources`),
    source: (n) => `Show source ${n}`,
    sending: "Sending…",
    waitingSend: "Waiting to send",
    sent: "Sent",
    notSent: "Not sent.",
    tooLong: "Too long to send.",
    retry: "Try again",
    edit: "Edit",
    discard: "Remove",
    slowDown: (s) => `Many messages at once: sending again in ${s} s`,
    stateAssistant: "Answers at once",
    stateQueue: "A colleague has been called",
    stateAgent: (name) => (name ? `${name} is here` : "A colleague is here"),
    stateResolved: "Resolved",
    stateConnecting: "Connecting…",
    bannerQueue: "A colleague has been called and will answer here. You can keep writing: nothing gets lost.",
    bannerResolved: "This conversation is resolved. Just write if there is anything else.",
    bannerOffline: "You are offline. Your messages are kept and sent as soon as you are back.",
    bannerDown: "We can’t be reached right now. Trying again: your messages are kept.",
    overLimit: (n) => `${n} characters too many`,
    left: (n) => `${n} left`,
    today: "Today",
    yesterday: "Yesterday",
    unread: (n) => `(${n}) `,
    failedPerson: "That did not work. Please try again.",
  },
  zh: {
    headline: "有什么可以帮您？",
    lead: "产品、订单、配送、退换货、维修，像和人说话一样提问就好。",
    promiseSources: "回答来自我们自己的资料，并注明出处。",
    promiseHonest: "资料里没有的内容，不会编造。",
    promisePerson: "随时可以一键转人工。",
    poweredBy: "由 Frontdesk 提供服务",
    skip: "跳到输入框",
    language: "语言",
    close: "关闭对话",
    messages: "消息",
    table: "表格",
    suggestions: "常见问题",
    welcome: (company) => (/^\p{Script=Han}/u.test(company) ? `欢迎来到${company}` : `欢迎来到 ${company}`),
    welcomeText: "我是智能助手，请直接提问，或者从这里开始：",
    writeLabel: "您的消息",
    placeholder: "请输入消息…",
    send: "发送",
    person: "转人工",
    personAsked: "正在呼叫人工…",
    hint: "按 Enter 发送，Shift + Enter 换行",
    attach: "添加文件",
    attached: "待发送的文件",
    dropHere: "将文件拖到这里",
    fileRemove: (name) => `移除 ${name}`,
    fileOpen: (name) => `打开 ${name}`,
    fileEmpty: (name) => `${name} 是空文件。`,
    fileTooLarge: (name) => `${name} 超过 20 MB。`,
    fileKind: (name) => `${name}：不支持发送此类文件。`,
    fileMany: (n) => `一次最多发送 ${n} 个文件。`,
    fileGone: "已不再保留",
    fileRefused: "此文件不被接受。",
    reaction: "表情回应",
    picture: "图片",
    uploading: (n) => `发送中… ${n}%`,
    newMessages: "新消息",
    you: "您",
    assistant: "智能助手",
    colleague: "客服",
    typingAssistant: "智能助手正在输入",
    typingAgent: "客服正在输入",
    sources: (n) => (n === 1 ? "出处" : `${n} 处出处`),
    source: (n) => `查看出处 ${n}`,
    sending: "发送中…",
    waitingSend: "等待发送",
    sent: "已发送",
    notSent: "未能发送。",
    tooLong: "内容太长，未能发送。",
    retry: "重试",
    edit: "修改",
    discard: "删除",
    slowDown: (s) => `发送太频繁，${s} 秒后自动重发`,
    stateAssistant: "智能助手即时回复",
    stateQueue: "已通知同事",
    stateAgent: (name) => (name ? `${name} 正在为您服务` : "同事正在为您服务"),
    stateResolved: "已解决",
    stateConnecting: "连接中…",
    bannerQueue: "已通知同事，会在这里回复您。您可以继续留言，不会丢失。",
    bannerResolved: "本次对话已解决。如有其他问题，直接发消息即可。",
    bannerOffline: "您已离线。消息已保留，恢复网络后自动发送。",
    bannerDown: "暂时无法连接，正在重试。您的消息已保留。",
    overLimit: (n) => `超出 ${n} 字`,
    left: (n) => `还可输入 ${n} 字`,
    today: "今天",
    yesterday: "昨天",
    unread: (n) => `(${n}) `,
    failedPerson: "没有成功，请再试一次。",
  },
};

const address = new URL(location.href);

// Storage may be forbidden (private windows, frames of other sites): then everything lasts as long as the page.
const store = {
  kept: new Map(),
  read(key) {
    try {
      return localStorage.getItem(key) ?? this.kept.get(key) ?? null;
    } catch {
      return this.kept.get(key) ?? null;
    }
  },
  write(key, value) {
    try {
      value === null ? localStorage.removeItem(key) : localStorage.setItem(key, value);
    } catch {
      value === null ? this.kept.delete(key) : this.kept.set(key, value);
    }
  },
};

function preferredLanguage() {
  const wanted = [address.searchParams.get("language"), store.read("frontdesk.language"), ...(navigator.languages ?? [])];
  const known = wanted.filter(Boolean).map((l) => l.slice(0, 2).toLowerCase()).find((l) => l in WORDS);
  return known ?? "en";
}

let language = preferredLanguage();

function say(key, ...values) {
  const word = WORDS[language][key];
  return typeof word === "function" ? word(...values) : word;
}

function speak(wanted) {
  language = wanted;
  store.write("frontdesk.language", wanted);
  sayAll();
}

// Writes every fixed text of the page.
function sayAll() {
  document.documentElement.lang = language === "zh" ? "zh-Hans" : "en";
  for (const node of document.querySelectorAll("[data-say]")) node.textContent = say(node.dataset.say);
  for (const node of document.querySelectorAll("[data-say-label]")) node.setAttribute("aria-label", say(node.dataset.sayLabel));
  for (const node of document.querySelectorAll("[data-say-placeholder]")) node.placeholder = say(node.dataset.sayPlaceholder);
  for (const button of document.querySelectorAll("[data-language]")) {
    button.setAttribute("aria-pressed", String(button.dataset.language === language));
  }
}

const clockTime = (date) => new Intl.DateTimeFormat(language === "zh" ? "zh-CN" : "en-GB", { hour: "2-digit", minute: "2-digit" }).format(date);

function dayName(date) {
  const days = Math.round((new Date().setHours(0, 0, 0, 0) - new Date(date).setHours(0, 0, 0, 0)) / 86_400_000);
  if (days === 0) return say("today");
  if (days === 1) return say("yesterday");
  return new Intl.DateTimeFormat(language === "zh" ? "zh-CN" : "en-GB", { weekday: "long", day: "numeric", month: "long" }).format(date);
}
