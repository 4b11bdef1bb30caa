// Every text the console shows stands in one of two catalogues of the same shape.
import { createContext, type ReactNode, useContext, useEffect, useMemo, useState } from "react";
import { en } from "./en";
import { zh } from "./zh";

export type Words = typeof en;
export type Language = "en" | "zh";
const catalogues: Record<Language, Words> = { en, zh };
const KEY = "frontdesk.language";

type Spoken = { language: Language; setLanguage: (l: Language) => void; w: Words };
const Context = createContext<Spoken>({ language: "en", setLanguage: () => {}, w: en });

function first(): Language {
  const kept = localStorage.getItem(KEY);
  if (kept === "en" || kept === "zh") return kept;
  const spoken = navigator.languages.map((l) => l.slice(0, 2)).find((l) => l === "zh" || l === "en");
  return spoken === "zh" ? "zh" : "en";
}

export function WordsProvider({ children }: { children: ReactNode }) {
  const [language, set] = useState<Language>(first);
  useEffect(() => {
    document.documentElement.lang = language === "zh" ? "zh-CN" : "en";
  }, [language]);
  const spoken = useMemo(
    () => ({
      language,
      w: catalogues[language],
      setLanguage: (l: Language) => {
        localStorage.setItem(KEY, l);
        set(l);
      },
    }),
    [language],
  );
  return <Context value={spoken}>{children}</Context>;
}

export const useLanguage = () => useContext(Context);
export const useWords = () => useContext(Context).w;

/** What the server refused, in the reader's language where we have it in that. */
export const told = (text: string) => catalogues[document.documentElement.lang.startsWith("zh") ? "zh" : "en"].refusals[text] ?? text;

/** The word for a key of the server's, or the key itself made readable. */
export function named(table: Record<string, string>, key: string | null | undefined): string {
  if (!key) return "";
  return table[key] ?? key.replaceAll("_", " ");
}
