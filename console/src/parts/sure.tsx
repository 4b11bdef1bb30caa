// Asks before something goes.
import { useWords } from "~/words";
import { Button, Dialog } from "./ui";

export function Sure({ open, title, text, does, busy, onYes, onNo }: { open: boolean; title: string; text: string; does: string; busy?: boolean; onYes: () => void; onNo: () => void }) {
  const w = useWords();
  return (
    <Dialog open={open} onOpenChange={(o) => !o && onNo()} title={title} description={text}>
      <div className="flex justify-end gap-2">
        <Button onClick={onNo}>{w.cancel}</Button>
        <Button look="danger" busy={busy} onClick={onYes}>{does}</Button>
      </div>
    </Dialog>
  );
}
