// Light, dark, or as the system is; kept in this browser.
import { useState } from "react";

export type Theme = "system" | "light" | "dark";
const KEY = "frontdesk.theme";

export function applyTheme(theme: Theme) {
  if (theme === "system") delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = theme;
}

export function keptTheme(): Theme {
  const kept = localStorage.getItem(KEY);
  return kept === "light" || kept === "dark" ? kept : "system";
}

export function useTheme(): [Theme, (t: Theme) => void] {
  const [theme, set] = useState(keptTheme);
  return [
    theme,
    (t) => {
      localStorage.setItem(KEY, t);
      applyTheme(t);
      set(t);
    },
  ];
}
