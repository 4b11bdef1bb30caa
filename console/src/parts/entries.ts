// Entries of a list that are added, changed in a dialog, and removed.
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { useToast } from "./toast";

type Calls<Entry, Body> = { add: (body: Body) => Promise<unknown>; change: (of: Entry, body: Body) => Promise<unknown>; remove: (id: string) => Promise<unknown> };

/** What stands in the dialog (`open`; `of` unless it is new), and the calls; after each the list `key` is fetched again. */
export function useEntries<Entry extends { id: string }, Body>(key: string, calls: Calls<Entry, Body>) {
  const toast = useToast();
  const cache = useQueryClient();
  const [edited, setEdited] = useState<Entry | "new">();
  const of = edited === "new" ? undefined : edited;
  const close = () => setEdited(undefined);
  const stale = () => void cache.invalidateQueries({ queryKey: [key] });
  const save = useMutation({
    mutationFn: (body: Body) => (of ? calls.change(of, body) : calls.add(body)),
    onSuccess: () => {
      stale();
      close();
    },
    onError: toast.failed,
  });
  const remove = useMutation({ mutationFn: calls.remove, onSuccess: stale, onError: toast.failed });
  return { of, open: edited !== undefined, add: () => setEdited("new"), edit: setEdited, close, save, remove };
}
