// Whether the audit log still says what it said when it was written.
import { useMutation } from "@tanstack/react-query";
import { api, said } from "~/api/client";
import { useToast } from "~/parts/toast";
import { Button, Notice } from "~/parts/ui";
import { useWords } from "~/words";

export function Chain() {
  const w = useWords().settings.chain;
  const toast = useToast();
  const verify = useMutation({ mutationFn: () => said(api.GET("/api/audit-logs/verify")), onError: toast.failed });
  const found = verify.data;
  return (
    <>
      <Button busy={verify.isPending} onClick={() => verify.mutate()}>{w.verify}</Button>
      {found && (
        <div className="basis-full">
          <Notice tone={found.broken ? "danger" : "ok"} role="status">
            {found.broken ? w.broken(found.broken.seq, w.faults[found.broken.fault]) : w.whole(found.lines)}
            {found.erased > 0 && ` ${w.erased(found.erased)}`}
            {found.waiting > 0 && ` ${w.waiting(found.waiting)}`}
            {found.head && <span className="mt-1 block break-all text-xs">{w.head} <code>{found.head}</code></span>}
          </Notice>
        </div>
      )}
    </>
  );
}
