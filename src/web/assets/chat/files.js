// Files: chosen, dropped or pasted, shown before they go, sent with how far they have come, and shown in the thread.

const FILE_LIMIT = 20 * 1024 * 1024;
const AT_ONCE = 5;
const ENDINGS = ["pdf", "doc", "docx", "xls", "xlsx", "ppt", "pptx", "txt", "csv", "log", "md", "zip", "rar", "7z"];

const sizeOf = (bytes) =>
  bytes >= 1024 * 1024 ? `${(bytes / 1024 / 1024).toFixed(1)} MB` : `${Math.max(1, Math.round(bytes / 1024))} KB`;

const files = {
  chosen: [], // { id, file, preview }

  // Why a file can't be sent; what its bytes are is the server's to say.
  fault(file) {
    if (!file.size) return say("fileEmpty", file.name);
    if (file.size > FILE_LIMIT) return say("fileTooLarge", file.name);
    const ending = file.name.split(".").pop().toLowerCase();
    if (!/^(image|audio|video)\//.test(file.type) && !ENDINGS.includes(ending)) return say("fileKind", file.name);
    return file.type === "image/svg+xml" ? say("fileKind", file.name) : null;
  },

  add(list) {
    const faults = [];
    for (const file of list) {
      const fault = this.chosen.length >= AT_ONCE ? say("fileMany", AT_ONCE) : this.fault(file);
      if (fault) faults.push(fault);
      else this.chosen.push({ id: newId(), file, preview: file.type.startsWith("image/") ? URL.createObjectURL(file) : null });
    }
    this.show([...new Set(faults)]);
    if (faults.length) announce(faults.join(" "));
    text.focus();
  },

  remove(id) {
    this.chosen = this.chosen.filter((c) => c.id !== id);
    this.show();
    text.focus();
  },

  // Hands over what was chosen.
  take() {
    const taken = this.chosen;
    this.chosen = [];
    this.show();
    return taken;
  },

  show(faults = []) {
    const chips = this.chosen.map(({ id, file, preview }) =>
      make("li", { class: "chip" },
        preview ? make("img", { src: preview, alt: "" }) : icon("page"),
        make("span", { class: "chip-name" }, file.name || say("picture")),
        make("span", { class: "chip-size" }, sizeOf(file.size)),
        make("button", { type: "button", class: "chip-remove", "aria-label": say("fileRemove", file.name || say("picture")), onclick: () => this.remove(id) }, icon("close"))));
    $("chips").replaceChildren(...chips);
    $("chips").hidden = chips.length === 0;
    $("file-faults").replaceChildren(...faults.map((fault) => make("li", {}, fault)));
    $("file-faults").hidden = faults.length === 0;
    fit();
  },
};

// One file on its way; `fetch` can't tell how much was sent.
function upload(message, told) {
  return new Promise((resolve, reject) => {
    const form = new FormData();
    form.append("echo_id", message.echo_id);
    if (message.text) form.append("text", message.text);
    form.append("file", message.file, message.file.name || "picture.png");
    const request = new XMLHttpRequest();
    request.open("POST", "/api/widget/files");
    request.setRequestHeader("Authorization", `Bearer ${link.token}`);
    request.timeout = 300_000;
    request.upload.onprogress = (event) => event.lengthComputable && told(Math.floor((event.loaded / event.total) * 100));
    request.onerror = request.ontimeout = () => reject(new Failure("unreachable"));
    request.onload = () => {
      let data = null;
      try {
        data = JSON.parse(request.responseText);
      } catch {
        // no answer of ours
      }
      if (request.status === 200 && data) return resolve(data);
      reject(new Failure(data?.error?.code ?? "internal", {
        status: request.status === 200 ? 502 : request.status,
        retryAfter: Math.min(Number(request.getResponseHeader("retry-after")) || 5, 60),
        message: data?.error?.message,
      }));
    };
    request.send(form);
  });
}

// What a message carries, in the thread.
function attachments(message) {
  const all = message.pending && message.file
    ? [{ name: message.file.name, content_type: message.file.type, size_bytes: message.file.size, url: message.preview, pending: true }]
    : (message.files ?? []);
  return all.map((file) => {
    const kind = (file.content_type ?? "").split("/")[0];
    const name = file.name || say("picture");
    if (!file.url && !file.pending) return make("p", { class: "file gone" }, icon("page"), make("span", {}, name), make("span", { class: "file-size" }, say("fileGone")));
    if (kind === "image" && file.url) {
      const picture = make("img", { class: "picture", src: file.url, alt: name, loading: "lazy" });
      picture.addEventListener("load", () => wasNearEnd && showLatest(), { once: true });
      return file.pending ? picture : make("a", { href: file.url, target: "_blank", rel: "noopener", "aria-label": say("fileOpen", name) }, picture);
    }
    if (kind === "audio" && file.url) return make("audio", { controls: true, preload: "metadata", src: file.url, "aria-label": name });
    if (kind === "video" && file.url) return make("video", { controls: true, preload: "metadata", playsinline: true, src: file.url, "aria-label": name });
    const inside = [icon("page"), make("span", { class: "file-name" }, name), make("span", { class: "file-size" }, sizeOf(file.size_bytes ?? 0))];
    return file.url ? make("a", { class: "file", href: file.url, target: "_blank", rel: "noopener", "aria-label": say("fileOpen", name) }, ...inside) : make("p", { class: "file" }, ...inside);
  });
}

function listenForFiles() {
  $("files").addEventListener("change", (event) => {
    files.add(event.target.files);
    event.target.value = "";
  });
  $("attach").addEventListener("click", () => $("files").click());
  text.addEventListener("paste", (event) => {
    const pasted = [...(event.clipboardData?.files ?? [])];
    if (!pasted.length) return;
    event.preventDefault();
    files.add(pasted);
  });
  const chat = $("chat");
  let inside = 0;
  const carriesFiles = (event) => [...(event.dataTransfer?.types ?? [])].includes("Files");
  chat.addEventListener("dragenter", (event) => carriesFiles(event) && (inside++, chat.classList.add("dropping")));
  chat.addEventListener("dragleave", (event) => carriesFiles(event) && --inside <= 0 && chat.classList.remove("dropping"));
  chat.addEventListener("dragover", (event) => carriesFiles(event) && event.preventDefault());
  chat.addEventListener("drop", (event) => {
    inside = 0;
    chat.classList.remove("dropping");
    if (!carriesFiles(event)) return;
    event.preventDefault();
    files.add(event.dataTransfer.files);
  });
  // Where the browser keeps nothing, a file on its way lives in this page only.
  addEventListener("beforeunload", (event) => {
    if (link.outbox.some((m) => m.file && !m.shelved && m.status !== "failed")) event.preventDefault();
  });
}
