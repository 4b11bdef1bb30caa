// Who is signed in, and what they may do.
import { useQuery } from "@tanstack/react-query";
import { queries } from "~/api/queries";

export function useMe() {
  const { data } = useQuery(queries.me());
  return {
    id: data?.user?.id,
    name: data?.user?.name ?? data?.actor ?? "",
    organization: data?.organization.name ?? "",
    unread: data?.unread_notifications ?? 0,
    owesFactor: data?.owes_second_factor ?? false,
    may: (permission: string) => data?.permissions.includes(permission) ?? false,
  };
}

/** The name of a user. */
export function useNames(): (id: string | null | undefined) => string | undefined {
  const me = useMe();
  const users = useQuery({ ...queries.users(), enabled: me.may("user:read") });
  return (id) => (id ? (users.data?.find((u) => u.id === id)?.name ?? (id === me.id ? me.name : undefined)) : undefined);
}
