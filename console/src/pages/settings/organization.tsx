// The organisation itself.
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { type FormEvent, useState } from "react";
import { api, said } from "~/api/client";
import { queries } from "~/api/queries";
import { useToast } from "~/parts/toast";
import { Button, Card, Spinner, TextField } from "~/parts/ui";
import { useWords } from "~/words";

export function OrganizationSection() {
  const w = useWords();
  const t = w.settings.organization;
  const toast = useToast();
  const cache = useQueryClient();
  const organization = useQuery(queries.organization());
  const [name, setName] = useState<string>();
  const save = useMutation({
    mutationFn: (body: { name: string }) => said(api.PUT("/api/organization", { body })),
    onSuccess: (now) => {
      cache.setQueryData(queries.organization().queryKey, now);
      void cache.invalidateQueries({ queryKey: ["me"] });
      setName(undefined);
      toast.done(w.saved);
    },
    onError: toast.failed,
  });
  if (!organization.data) return <Spinner />;
  const shown = name ?? organization.data.name;
  return (
    <Card>
      <form className="max-w-md space-y-3 p-4" onSubmit={(e: FormEvent) => { e.preventDefault(); save.mutate({ name: shown }); }}>
        <TextField label={w.name} hint={t.nameHint} required maxLength={100} value={shown} onChange={(e) => setName(e.target.value)} />
        <TextField label={t.slug} hint={t.slugHint} value={organization.data.slug} readOnly />
        <Button type="submit" look="primary" busy={save.isPending} disabled={shown.trim() === "" || shown === organization.data.name}>{w.save}</Button>
      </form>
    </Card>
  );
}
