// Files on their way to the server, with how far they have come.
import { useQueryClient } from "@tanstack/react-query";
import { useCallback, useRef, useState } from "react";

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
      // fetch can't tell how much was sent.
      const request = new XMLHttpRequest();
      request.open("POST", "/api/documents");
      request.upload.onprogress = (e) => e.lengthComputable && change({ sent: e.loaded / e.total });
      request.onloadend = () => {
        running.current--;
        let body: { outcome?: string; error?: { message?: string } } = {};
        try {
          body = JSON.parse(request.responseText) as typeof body;
        } catch {
          // no answer
        }
        if (request.status >= 200 && request.status < 300) {
          change({ sent: 1, outcome: body.outcome });
          setTimeout(() => set((all) => all.filter((u) => u.key !== item.key)), 4000);
        } else change({ problem: body.error?.message ?? "–" });
        void cache.invalidateQueries({ queryKey: ["documents"] });
        void cache.invalidateQueries({ queryKey: ["bases"] });
        run();
      };
      request.send(form);
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
