// What each kind of channel needs, and how a form becomes its configuration. The words stand in words/*/channels.ts.

/** One setting. `make`: with what it can be made up here; `part`: under "more settings" when it is rarely needed. */
export type Need = {
  key: string;
  shape?: "text" | "secret" | "lines" | "list" | "flag";
  optional?: boolean;
  rare?: boolean;
  make?: () => string;
  /** A flag's value when nobody has chosen. */
  on?: boolean;
  /** Where it is kept when that is not the sealed configuration. */
  shown?: boolean;
};

const LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

/** So many random letters and digits, each as likely as the others. */
export function letters(count: number): string {
  let made = "";
  while (made.length < count) {
    // 248 is the largest multiple of 62 that a byte holds: what lies above would favour some.
    for (const byte of crypto.getRandomValues(new Uint8Array(count))) if (byte < 248 && made.length < count) made += LETTERS[byte % 62];
  }
  return made;
}

const secret = (key: string, make?: () => string): Need => ({ key, shape: "secret", make });
const rare = (key: string): Need => ({ key, optional: true, rare: true });
const groups: Need = { key: "group_names", shape: "list", optional: true, rare: true };
const reads = (on: boolean): Need => ({ key: "smart_read", shape: "flag", rare: true, on });
const token = () => letters(32);

/** The official ways first. */
export const NEEDS: Record<string, Need[]> = {
  web: [{ key: "origins", shape: "lines", optional: true, shown: true }, { ...secret("identity_secret", token), optional: true, rare: true }],
  whatsapp_cloud: [{ key: "phone_number_id" }, secret("access_token"), secret("app_secret"), secret("verify_token", () => letters(20)), rare("template_name"), rare("template_language"), groups, rare("graph_version"), rare("base_url")],
  wecom_kf: [{ key: "corp_id" }, secret("secret"), secret("token", () => letters(24)), secret("encoding_aes_key", () => letters(43)), rare("transfer_to"), rare("base_url")],
  wechat_oa: [{ key: "app_id" }, secret("app_secret"), secret("token", () => letters(24)), secret("encoding_aes_key", () => letters(43)), rare("base_url")],
  telegram: [secret("bot_token"), secret("secret_token", token), groups, rare("base_url")],
  email: [{ key: "address" }, secret("password"), { key: "imap_host" }, { key: "smtp_host" }, rare("user"), rare("name"), rare("mailbox")],
  webhook: [secret("secret", token), { key: "send_url", optional: true }],
  waha: [{ key: "base_url" }, secret("api_key"), secret("hmac_key", token), { key: "session", optional: true }, reads(true), groups],
  evolution: [{ key: "base_url" }, { key: "instance" }, secret("api_key"), secret("token", token), reads(true), groups],
  gateway: [{ key: "base_url", optional: true }, secret("token", token), reads(false), { key: "idempotent", shape: "flag", rare: true, on: false }, groups],
};

type Values = Record<string, unknown>;

/** What was typed, as the channel's configuration and its open settings; what was `before` and is empty now is taken away. */
export function read(kind: string, form: FormData, before: Values = {}): { config: Values; settings: Values } {
  const config: Values = {};
  const settings: Values = {};
  for (const need of NEEDS[kind] ?? []) {
    const { key, shape = "text" } = need;
    if (key.startsWith("template_")) continue;
    const into = need.shown ? settings : config;
    const typed = String(form.get(key) ?? "").trim();
    if (shape === "flag") {
      const on = form.get(key) !== null;
      if (on !== (before[key] ?? need.on)) into[key] = on;
      continue;
    }
    if (typed) into[key] = shape === "lines" || shape === "list" ? typed.split(shape === "lines" ? /\s+/ : /[,，、]/).map((x) => x.trim()).filter(Boolean) : typed;
    else if (shape !== "secret" && key in before) into[key] = null;
  }
  const name = String(form.get("template_name") ?? "").trim();
  const language = String(form.get("template_language") ?? "").trim();
  if (name) config.template = language ? { name, language } : { name };
  else if ("template" in before) config.template = null;
  return { config, settings };
}

/** What a field shows of what is kept. */
export function shown(need: Need, kept: Values): string {
  const template = kept.template as { name?: string; language?: string } | undefined;
  if (need.key === "template_name") return template?.name ?? "";
  if (need.key === "template_language") return template?.language ?? "";
  const value = kept[need.key];
  if (Array.isArray(value)) return value.join(need.shape === "lines" ? "\n" : ", ");
  return value === undefined || value === null ? "" : String(value);
}
