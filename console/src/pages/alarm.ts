// A sound and notifications of the browser for what happens while one looks elsewhere.
import { useQuery } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { useEffect, useRef } from "react";
import { queries } from "~/api/queries";
import { useMe } from "~/parts/me";
import { useLanguage } from "~/words";
import type { Chosen } from "./settings/own";

/** What the browser tells of; the rest waits in the list. */
const TOLD = ["conversation_waiting", "conversation_assigned", "mentioned", "undelivered", "sla_warning", "sla_breached"];

/** Where somebody looks at what a notification is about. */
export function whereto({ resource_type: type, resource_id: id }: { resource_type?: string | null; resource_id?: string | null }) {
  if (type === "channel" || type === "webhook") return { to: "/settings/$section", params: { section: `${type}s` } } as const;
  if (type === "conversation" && id) return { to: "/inbox/$id", params: { id }, search: { view: "all" } } as const;
  return { to: "/inbox", search: { view: "all" } } as const;
}

/** A sound when another customer begins to wait; a notification for each piece of news, which leads to what it is about. */
export function useAlarms() {
  const { w } = useLanguage();
  const me = useMe();
  const navigate = useNavigate();
  const settings = useQuery(queries.settings());
  const chosen = settings.data?.settings as Chosen | undefined;
  const counts = useQuery({ ...queries.counts(), enabled: me.may("conversation:reply") });
  const before = useRef<number>(undefined);
  const waiting = counts.data?.waiting;
  const sounds = chosen?.sound ?? true;
  useEffect(() => {
    const last = before.current;
    before.current = waiting;
    if (waiting !== undefined && last !== undefined && waiting > last && sounds) chime();
  }, [waiting, sounds]);

  const wanted = chosen?.browser ?? false;
  const news = useQuery({ ...queries.notifications(), enabled: wanted }).data?.items;
  const known = useRef<Set<string>>(undefined);
  useEffect(() => {
    if (!news) return;
    const seen = known.current;
    known.current = new Set(news.map((n) => n.id));
    // What was there when the page was opened is no news.
    if (!seen || !wanted || !("Notification" in window) || Notification.permission !== "granted" || !document.hidden) return;
    for (const n of news.filter((n) => !seen.has(n.id) && !n.is_read && TOLD.includes(n.type))) {
      const shown = new Notification(w.product, { body: w.notifications.told(n.title), tag: n.id, icon: "/favicon.svg" });
      shown.onclick = () => {
        window.focus();
        shown.close();
        void navigate(whereto(n));
      };
    }
  }, [news, wanted, navigate, w]);

  useEffect(() => {
    const n = counts.data ? counts.data.unassigned + counts.data.mine_unread : 0;
    document.title = n ? `(${n}) ${w.product}` : w.product;
  }, [counts.data, w]);
}

/** Two short tones; a browser that has not been touched yet refuses, which is fine. */
function chime() {
  try {
    const audio = new AudioContext();
    for (const [at, pitch] of [[0, 660], [0.14, 880]] as const) {
      const tone = audio.createOscillator();
      const volume = audio.createGain();
      tone.frequency.value = pitch;
      volume.gain.setValueAtTime(0.08, audio.currentTime + at);
      volume.gain.exponentialRampToValueAtTime(0.001, audio.currentTime + at + 0.25);
      tone.connect(volume).connect(audio.destination);
      tone.start(audio.currentTime + at);
      tone.stop(audio.currentTime + at + 0.25);
    }
  } catch {
    // no sound
  }
}
