// Moments in the reader's language and zone.
import { useEffect, useState } from "react";
import type { Cost } from "~/api/schema";
import type { Language } from "~/words";

const tag = (l: Language) => (l === "zh" ? "zh-CN" : "en-GB");

/** As short as it can be told: "now", "5m", "3h", "Mon", "12 Mar". */
export function ago(at: string | null | undefined, language: Language, now = Date.now()): string {
  if (!at) return "";
  const then = new Date(at);
  const s = Math.max(0, (now - then.getTime()) / 1000);
  if (s < 60) return language === "zh" ? "刚刚" : "now";
  if (s < 3600) return span(s, language);
  if (s < 86400) return span(s, language);
  if (s < 6 * 86400) return then.toLocaleDateString(tag(language), { weekday: "short" });
  const year = then.getFullYear() === new Date(now).getFullYear() ? undefined : "numeric";
  return then.toLocaleDateString(tag(language), { day: "numeric", month: "short", year });
}

/** A span in its largest unit: "45s", "12m", "3h", "2d". */
export function span(seconds: number, language: Language): string {
  const units: [number, string, string][] = [
    [86400, "d", "天"],
    [3600, "h", "小时"],
    [60, "m", "分钟"],
    [1, "s", "秒"],
  ];
  const [size, short, long] = units.find(([size]) => seconds >= size) ?? units[3]!;
  const n = Math.floor(seconds / size);
  return language === "zh" ? `${n}${long}` : `${n}${short}`;
}

export function clock(at: string, language: Language): string {
  return new Date(at).toLocaleTimeString(tag(language), { hour: "2-digit", minute: "2-digit" });
}

export function day(at: string, language: Language): string {
  return new Date(at).toLocaleDateString(tag(language), { weekday: "long", day: "numeric", month: "long" });
}

/** A day of any year. */
export function date(at: string, language: Language): string {
  return new Date(at).toLocaleDateString(tag(language), { dateStyle: "medium" });
}

/** The day of a moment here, or a later one, as inputs of dates have it: 2026-03-02. */
export function dateOf(moment: string | Date, later = 0): string {
  const at = new Date(moment);
  at.setDate(at.getDate() + later);
  return `${at.getFullYear()}-${String(at.getMonth() + 1).padStart(2, "0")}-${String(at.getDate()).padStart(2, "0")}`;
}

/** The moment a day like 2026-03-02 begins here, or a later one. */
export function midnight(day: string, later = 0): string {
  const at = new Date(`${day}T00:00:00`);
  at.setDate(at.getDate() + later);
  return at.toISOString();
}

export function moment(at: string | null | undefined, language: Language): string {
  return at ? new Date(at).toLocaleString(tag(language), { dateStyle: "medium", timeStyle: "short" }) : "";
}

/** The present, renewed every `ms`. */
export function useNow(ms = 30_000): number {
  const [now, set] = useState(Date.now);
  useEffect(() => {
    const timer = setInterval(() => set(Date.now()), ms);
    return () => clearInterval(timer);
  }, [ms]);
  return now;
}

export function money(minor: number | null | undefined, currency: string, language: Language): string {
  if (minor == null) return "–";
  const format = new Intl.NumberFormat(tag(language), { style: "currency", currency, maximumFractionDigits: 0 });
  const digits = new Intl.NumberFormat("en", { style: "currency", currency }).resolvedOptions().maximumFractionDigits ?? 2;
  return format.format(minor / 10 ** digits);
}

/** What was spent; small sums keep what the currency has no coins for. */
export function spent(cost: Cost, language: Language): string {
  return new Intl.NumberFormat(tag(language), { style: "currency", currency: cost.currency, maximumFractionDigits: cost.micros < 1_000_000 ? 4 : 2 }).format(cost.micros / 1_000_000);
}

export function number(n: number, language: Language): string {
  return new Intl.NumberFormat(tag(language)).format(n);
}
