// Files on their way to the server, with how far they have come.
import { useQueryClient } from "@tanstack/react-query";
import { useCallback, useRef, useState } from "react";
import { Failure } from "~/api/client";
import { postForm } from "~/api/form";

export type Upload = { key: number; name: string; sent: number; outcome?: string; problem?: string };

/** How many files are sent at a time. */
const LANES = 3;

export function useUploads(base: string | undefined) {
  const cache = useQueryClient();
  const [uploads, set] = useState<Upload[]>([]);
  const next = useRef(1);
  const queue = useRef<{ key: number; file: File }[]>([]);
  const running = useRef(0);

  const run = useCallback(() => {
    while (running.current < LANES) {
      const item = queue.current.shift();
      if (!item) return;
      running.current++;
      const change = (part: Partial<Upload>) => set((all) => all.map((u) => (u.key === item.key ? { ...u, ...part } : u)));
      const form = new FormData();
      if (base) form.append("kb_id", base);
      form.append("file", item.file);
      void postForm<{ outcome?: string }>("/api/documents", form, (sent) => change({ sent }))
        .then(
          ({ outcome }) => {
            change({ sent: 1, outcome });
            setTimeout(() => set((all) => all.filter((u) => u.key !== item.key)), 4000);
          },
          (error: Error) => change({ problem: error instanceof Failure ? error.message : "–" }),
        )
        .finally(() => {
          running.current--;
          void cache.invalidateQueries({ queryKey: ["documents"] });
          void cache.invalidateQueries({ queryKey: ["bases"] });
          run();
        });
    }
  }, [base, cache]);

  const add = useCallback(
    (files: Iterable<File>) => {
      const items = [...files].map((file) => ({ key: next.current++, file }));
      queue.current.push(...items);
      set((all) => [...items.map(({ key, file }) => ({ key, name: file.name, sent: 0 })), ...all]);
      run();
    },
    [run],
  );
  const drop = (key: number) => set((all) => all.filter((u) => u.key !== key));
  return { uploads, add, drop };
}
