// What is said of files in conversations.

export const files = {
  attach: "Attach files",
  chosen: "Files to send",
  remove: (name: string) => `Remove ${name}`,
  open: (name: string) => `Open ${name}`,
  drop: "Drop files to attach them",
  empty: (name: string) => `${name} is empty.`,
  tooLarge: (name: string) => `${name} is larger than 100 MB.`,
  many: (n: number) => `At most ${n} files at a time.`,
  notInNotes: "Files go to the customer: write a reply instead of a note.",
  sending: (name: string, percent: number) => `Sending ${name}: ${percent} %`,
  picture: "Picture",
  waiting: "Being fetched…",
  failed: "Could not be fetched",
  deleted: "Deleted: no longer kept",
  reactions: "Reactions",
  byCustomer: (emoji: string) => `${emoji} by the customer`,
  byUs: (emoji: string) => `${emoji} by us`,
  notReacted: (why: string) => `The reaction was not taken: ${why}`,
  keep: "Files in conversations",
  keepDays: "Delete files after days (0 = keep them as long as the conversation)",
};
