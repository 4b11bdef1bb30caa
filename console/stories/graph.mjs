// A small stand-in for Meta's interface, so that a story can have a customer on WhatsApp.
import { createHmac } from "node:crypto";
import { createServer } from "node:http";

const SECRET = "0123456789abcdef0123456789abcdef";
const NUMBER = "106540352242922";

/** Connects a WhatsApp channel whose platform is played here; what was sent is kept. */
export async function whatsapp(server, admin) {
  const sent = [];
  const fake = createServer((request, answer) => {
    let body = "";
    request.on("data", (d) => (body += d));
    request.on("end", () => {
      const message = body ? JSON.parse(body) : {};
      if (message.type) sent.push(message);
      answer.setHeader("content-type", "application/json");
      answer.end(JSON.stringify(message.type ? { messaging_product: "whatsapp", messages: [{ id: `wamid.OUT${sent.length}` }] } : { success: true }));
    });
  });
  await new Promise((done) => fake.listen(0, "127.0.0.1", done));
  const config = { phone_number_id: NUMBER, app_secret: SECRET, verify_token: "v", access_token: "t", base_url: `http://127.0.0.1:${fake.address().port}` };
  const channel = await server.call(admin, "POST", "/api/channels", { platform: "whatsapp_cloud", name: "WhatsApp", config });
  let n = 0;
  return {
    channel,
    sent,
    /** A message of a customer, as long ago as given; its id. */
    async says(from, name, text, secondsAgo = 0, more = {}) {
      return this.does(from, name, { type: "text", text: { body: text }, ...more }, secondsAgo);
    },
    /** Anything a customer does: an edit, a revocation. */
    async does(from, name, what, secondsAgo = 0) {
      const message = { from, id: `wamid.${++n}`, timestamp: String(Math.floor(Date.now() / 1000) - secondsAgo), ...what };
      const value = { messaging_product: "whatsapp", metadata: { display_phone_number: "1", phone_number_id: NUMBER }, contacts: [{ profile: { name }, wa_id: from }], messages: [message] };
      const body = JSON.stringify({ object: "whatsapp_business_account", entry: [{ id: "1", changes: [{ field: "messages", value }] }] });
      const signature = `sha256=${createHmac("sha256", SECRET).update(body).digest("hex")}`;
      const answer = await fetch(server.url + channel.webhook_path, { method: "POST", headers: { "content-type": "application/json", "x-hub-signature-256": signature }, body });
      if (!answer.ok) throw new Error(`${answer.status} ${await answer.text()}`);
      return message.id;
    },
    stop: () => new Promise((done) => fake.close(done)),
  };
}
