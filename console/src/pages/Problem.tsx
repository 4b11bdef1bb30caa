import { Link } from "@tanstack/react-router";
import { Failure } from "~/api/client";
import { Button, Empty } from "~/parts/ui";
import { useWords } from "~/words";

export function NotFound() {
  const w = useWords();
  return (
    <main className="flex h-full items-center justify-center">
      <Empty title={w.notFound}>
        <Link to="/inbox" className="text-accent-text underline">{w.toInbox}</Link>
      </Empty>
    </main>
  );
}

/** What stands where a page failed. */
export function Oops({ error }: { error: unknown }) {
  const w = useWords();
  const text = error instanceof Failure ? (error.status === 403 ? w.notAllowed : error.message) : error instanceof TypeError ? w.offline : w.problem;
  return (
    <main className="flex h-full items-center justify-center">
      <Empty title={text}>
        <Button onClick={() => location.reload()}>{w.retry}</Button>
      </Empty>
    </main>
  );
}
