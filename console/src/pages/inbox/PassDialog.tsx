// To whom a conversation goes: a colleague, a team, or nobody in particular.
import { useQuery } from "@tanstack/react-query";
import { UserRound, UsersRound } from "lucide-react";
import { useState } from "react";
import { api } from "~/api/client";
import { queries } from "~/api/queries";
import type { Conversation } from "~/api/schema";
import { useMe } from "~/parts/me";
import { Avatar, cx, Dialog, Input, Spinner } from "~/parts/ui";
import { useWords } from "~/words";

export function PassDialog({ c, change, onClose }: { c: Conversation; change: (call: () => Promise<{ data?: Conversation }>) => void; onClose: () => void }) {
  const w = useWords();
  const t = w.waiting;
  const me = useMe();
  const users = useQuery(queries.users());
  const teams = useQuery(queries.teams()).data ?? [];
  const [sought, setSought] = useState("");
  const mayAssign = me.may("conversation:assign");
  const to = (body: { agent_id?: string; team_id?: string }) => {
    const at = { params: { path: { id: c.id } }, body };
    change(() => (mayAssign ? api.POST("/api/conversations/{id}/assign", at) : api.POST("/api/conversations/{id}/pass", at)));
    onClose();
  };
  const fits = (name: string) => name.toLowerCase().includes(sought.trim().toLowerCase());
  const people = (users.data ?? []).filter((u) => u.status === "active" && fits(u.name) && (mayAssign || u.id !== me.id));
  const row = "flex w-full items-center gap-2 rounded-md px-2 py-1.5 text-left text-[13px] hover:bg-hover";
  return (
    <Dialog open onOpenChange={(o) => !o && onClose()} title={mayAssign ? w.conversation.assign : t.pass}>
      <div className="space-y-2">
        <Input type="search" aria-label={t.search} placeholder={t.search} value={sought} onChange={(e) => setSought(e.target.value)} />
        {users.isPending && <Spinner />}
        {mayAssign && !sought && <button type="button" className={cx(row, !c.agent_id && "font-semibold")} onClick={() => to({})}>{w.conversation.assignNobody}</button>}
        {teams.some((x) => fits(x.name)) && (
          <section aria-label={t.teams}>
            <h3 className="flex items-center gap-1 px-2 py-1 text-xs text-muted"><UsersRound size={12} aria-hidden /> {t.teams}</h3>
            {teams.filter((x) => fits(x.name)).map((x) => <button key={x.id} type="button" className={cx(row, c.team_id === x.id && "font-semibold")} onClick={() => to({ team_id: x.id })}>{x.name}</button>)}
          </section>
        )}
        {people.length > 0 && (
          <section aria-label={t.people}>
            <h3 className="flex items-center gap-1 px-2 py-1 text-xs text-muted"><UserRound size={12} aria-hidden /> {t.people}</h3>
            {people.map((u) => <button key={u.id} type="button" className={cx(row, c.agent_id === u.id && "font-semibold")} onClick={() => to({ agent_id: u.id })}><Avatar name={u.name} size={22} /> {u.name}</button>)}
          </section>
        )}
      </div>
    </Dialog>
  );
}
