// 对话中的文件。

export const files = {
  attach: "添加文件",
  chosen: "待发送的文件",
  remove: (name: string) => `移除 ${name}`,
  open: (name: string) => `打开 ${name}`,
  drop: "松开即可添加文件",
  empty: (name: string) => `${name} 是空文件。`,
  tooLarge: (name: string) => `${name} 超过 100 MB。`,
  many: (n: number) => `一次最多 ${n} 个文件。`,
  notInNotes: "文件会发给客户：请切换到回复，而不是备注。",
  sending: (name: string, percent: number) => `正在发送 ${name}：${percent}%`,
  picture: "图片",
  waiting: "正在获取…",
  failed: "未能获取",
  deleted: "已删除：不再保留",
  reactions: "表情回应",
  byCustomer: (emoji: string) => `客户：${emoji}`,
  byUs: (emoji: string) => `我们：${emoji}`,
  notReacted: (why: string) => `表情回应未被接受：${why}`,
  keep: "对话中的文件",
  keepDays: "多少天后删除文件（0 = 与对话一同保留）",
};
