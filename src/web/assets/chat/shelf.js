// Files on their way, kept in the browser until the server has them: a page that is loaded again goes on sending.

const SHELF_DAYS = 7;

const shelf = {
  // The database, or nothing where the browser keeps none (a private window, a visitor who forbids it).
  open() {
    this.opened ??= new Promise((resolve) => {
      let asked;
      try {
        asked = indexedDB.open("frontdesk", 1);
      } catch {
        return resolve(null);
      }
      asked.onupgradeneeded = () => asked.result.createObjectStore("files", { keyPath: "echo_id" });
      asked.onsuccess = () => resolve(asked.result);
      asked.onerror = asked.onblocked = () => resolve(null);
    });
    return this.opened;
  },

  // Does something in a transaction; its result, or `otherwise` when that can't be done.
  async run(mode, what, otherwise) {
    const base = await this.open();
    if (!base) return otherwise;
    return new Promise((resolve) => {
      try {
        const transaction = base.transaction("files", mode);
        const request = what(transaction.objectStore("files"));
        transaction.oncomplete = () => resolve(request.result ?? true);
        transaction.onerror = transaction.onabort = () => resolve(otherwise);
      } catch {
        resolve(otherwise);
      }
    });
  },

  // Keeps a message with its file; false when the browser can't.
  async put({ echo_id, text, file, created_at }) {
    const kept = { echo_id, text, file, name: file.name, created_at, of: KEY };
    return (await this.run("readwrite", (files) => files.put(kept), false)) !== false;
  },

  remove(echo) {
    return this.run("readwrite", (files) => files.delete(echo), false);
  },

  // What this chat has on its way, oldest first. What was given up long ago goes.
  async list() {
    const all = await this.run("readonly", (files) => files.getAll(), []);
    const since = Date.now() - SHELF_DAYS * 86_400_000;
    const [old, fresh] = [all.filter((m) => Date.parse(m.created_at) < since), all.filter((m) => Date.parse(m.created_at) >= since)];
    old.forEach((m) => this.remove(m.echo_id));
    return fresh.filter((m) => m.of === KEY).sort((a, b) => Date.parse(a.created_at) - Date.parse(b.created_at));
  },
};
