// Files that customers and agents send each other, in real browsers.
import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { launch, PHONE, person, serve, signIn, staff } from "./harness.mjs";

// A picture of one green dot.
const PNG = Buffer.from("iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==", "base64");
const picture = (name) => ({ name, mimeType: "image/png", buffer: PNG });
const dataDir = mkdtempSync(join(tmpdir(), "frontdesk-files-"));
const pictures = process.env.STORIES_PICTURES;
let server;
let browser;

before(async () => {
  server = await serve({ dataDir, keep: true });
  await staff(server);
  browser = await launch();
});
after(async () => {
  await browser?.close();
  await server?.stop();
  rmSync(dataDir, { recursive: true, force: true });
});

const shot = async (page, name) => pictures && page.screenshot({ path: join(pictures, `${name}.png`) });

/** Drops a file onto an element, as from the desktop. */
async function drop(page, target, name, type, bytes) {
  const carried = await page.evaluateHandle(
    ([name, type, bytes]) => {
      const data = new DataTransfer();
      data.items.add(new File([Uint8Array.from(bytes)], name, { type }));
      return data;
    },
    [name, type, [...bytes]],
  );
  await page.dispatchEvent(target, "dragenter", { dataTransfer: carried });
  await page.dispatchEvent(target, "dragover", { dataTransfer: carried });
  await page.dispatchEvent(target, "drop", { dataTransfer: carried });
}

test("a customer sends a picture from a phone, an agent answers with files, both see them", async () => {
  const customer = await person(browser, PHONE);
  const agent = await person(browser);
  await signIn(agent.page, server, "mei@example.com");
  await customer.page.goto(`${server.url}/chat`);
  await customer.page.setInputFiles("#files", [picture("lid.png"), { name: "run.exe", mimeType: "application/x-msdownload", buffer: Buffer.from("MZ") }]);
  await customer.page.locator("#file-faults", { hasText: "run.exe: this kind of file can’t be sent." }).waitFor();
  assert.equal(await customer.page.locator("#chips li").count(), 1);
  await customer.page.fill("#text", "The lid is broken, I want to talk to a human");
  await shot(customer.page, "widget-chosen-phone");
  await customer.page.press("#text", "Enter");
  await customer.page.locator("#thread img.picture").waitFor();
  await customer.page.locator("#thread", { hasText: "The lid is broken" }).waitFor();
  // What is shown from now on comes from the server.
  await customer.page.waitForFunction(() => document.querySelector("#thread a img.picture")?.naturalWidth === 1);

  await agent.page.locator("a[href*='/inbox/']", { hasText: "The lid is broken" }).first().click();
  await agent.page.waitForFunction(() => document.querySelector("[role=log] img")?.naturalWidth === 1);
  await agent.page.getByRole("button", { name: "Take over" }).click();
  await agent.page.getByText("You answer").waitFor();
  await agent.page.setInputFiles("[data-attach]", [picture("new lid.png")]);
  await drop(agent.page, "[data-composer]", "manual.pdf", "application/pdf", Buffer.from("%PDF-1.4 a manual"));
  await agent.page.getByRole("list", { name: "Files to send" }).getByText("manual.pdf").waitFor();
  await agent.page.setInputFiles("[data-attach]", [picture("one too many.png")]);
  await agent.page.getByRole("button", { name: "Remove one too many.png" }).click();
  await agent.page.fill("[data-composer]", "This is the new one");
  await shot(agent.page, "console-chosen");
  await agent.page.press("[data-composer]", "Enter");
  await agent.page.getByRole("log").getByText("manual.pdf").waitFor();
  assert.equal(await agent.page.getByRole("list", { name: "Files to send" }).count(), 0);
  await customer.page.locator("#thread", { hasText: "This is the new one" }).waitFor();
  await customer.page.locator("#thread a.file", { hasText: "manual.pdf" }).waitFor();
  await customer.page.waitForFunction(() => [...document.querySelectorAll("#thread .agent img.picture")].some((i) => i.naturalWidth === 1));
  await shot(customer.page, "widget-thread-phone");
  await shot(agent.page, "console-thread");

  // What the server refuses is said, and nothing is lost.
  await agent.page.setInputFiles("[data-attach]", [{ name: "page.html", mimeType: "text/html", buffer: Buffer.from("<script>") }]);
  await agent.page.fill("[data-composer]", "And this");
  await agent.page.press("[data-composer]", "Enter");
  await agent.page.getByText(/this kind of file is not taken/).waitFor();
  assert.equal(await agent.page.inputValue("[data-composer]"), "And this");
  await agent.page.getByRole("button", { name: "Remove page.html" }).waitFor();

  // After a reload everything is there, in Chinese too.
  await customer.page.reload();
  await customer.page.getByRole("button", { name: "中文" }).click();
  await customer.page.locator("#thread a.file", { hasText: "manual.pdf" }).waitFor();
  await customer.page.getByRole("button", { name: "添加文件" }).waitFor();
  await shot(customer.page, "widget-zh-phone");
  assert.deepEqual([...customer.faults, ...agent.faults], []);
});

test("a picture is pasted and dropped on the desktop chat", async () => {
  const customer = await person(browser);
  await customer.page.goto(`${server.url}/chat`);
  await customer.page.locator("#text").waitFor();
  await drop(customer.page, "#chat", "dropped.png", "image/png", PNG);
  await customer.page.locator("#chips", { hasText: "dropped.png" }).waitFor();
  await customer.page.evaluate((bytes) => {
    const data = new DataTransfer();
    data.items.add(new File([Uint8Array.from(bytes)], "pasted.png", { type: "image/png" }));
    document.querySelector("#text").dispatchEvent(new ClipboardEvent("paste", { clipboardData: data, bubbles: true, cancelable: true }));
  }, [...PNG]);
  await customer.page.locator("#chips", { hasText: "pasted.png" }).waitFor();
  await customer.page.getByRole("button", { name: "Remove dropped.png" }).click();
  await shot(customer.page, "widget-chosen-desktop");
  await customer.page.click("#send");
  await customer.page.waitForFunction(() => document.querySelectorAll("#thread a img.picture").length === 1);
  await shot(customer.page, "widget-thread-desktop");
  assert.deepEqual(customer.faults, []);
});

test("a picture that is on its way when the page is loaded again goes out then, once", async () => {
  const customer = await person(browser, PHONE);
  const { page } = customer;
  await page.goto(`${server.url}/chat`);
  await page.locator("#text").waitFor();
  // The line breaks in the middle of the upload.
  await page.route("**/api/widget/files", (route) => route.abort());
  await page.setInputFiles("#files", [picture("lid.png")]);
  await page.fill("#text", "Does this lid fit the kettle?");
  await page.press("#text", "Enter");
  await page.locator("#thread .pending img.picture").waitFor();
  const onTheShelf = () =>
    page.evaluate(
      () =>
        new Promise((resolve) => {
          const asked = indexedDB.open("frontdesk");
          asked.onsuccess = () => {
            const count = asked.result.transaction("files").objectStore("files").count();
            count.onsuccess = () => (asked.result.close(), resolve(count.result));
          };
        }),
    );
  while ((await onTheShelf()) !== 1);
  await page.unroute("**/api/widget/files");
  await page.reload();
  await page.waitForFunction(() => document.querySelector("#thread a img.picture")?.naturalWidth === 1);
  await page.locator("#thread", { hasText: "Does this lid fit the kettle?" }).waitFor();
  while ((await onTheShelf()) !== 0);
  await page.reload();
  await page.locator("#thread a img.picture").waitFor();
  assert.equal(await page.locator("#thread .row.customer").count(), 1);
});

test("an agent puts an emoji on what a customer wrote, and takes it away again", async () => {
  const customer = await person(browser, PHONE);
  const agent = await person(browser);
  await customer.page.goto(`${server.url}/chat`);
  await customer.page.fill("#text", "The new lid has arrived, I want to talk to a human about the old one");
  await customer.page.press("#text", "Enter");
  await signIn(agent.page, server, "mei@example.com");
  await agent.page.locator("a[href*='/inbox/']", { hasText: "The new lid has arrived" }).first().click();
  const react = agent.page.getByRole("log").getByRole("button", { name: "React", exact: true });
  await react.first().click();
  await shot(agent.page, "console-react");
  await agent.page.getByRole("button", { name: "React with 🎉" }).click();
  await agent.page.getByRole("list", { name: "Reactions" }).getByText("🎉").waitFor();
  await customer.page.locator("#thread .reaction", { hasText: "🎉" }).waitFor();
  await shot(agent.page, "console-reacted");
  await shot(customer.page, "widget-reacted-phone");
  // By the keyboard alone.
  await react.first().focus();
  await agent.page.keyboard.press("Enter");
  await agent.page.getByRole("button", { name: "Take the reaction away" }).focus();
  await agent.page.keyboard.press("Enter");
  await agent.page.getByRole("list", { name: "Reactions" }).waitFor({ state: "detached" });
  await customer.page.locator("#thread .reaction").waitFor({ state: "detached" });
  assert.deepEqual([...customer.faults, ...agent.faults], []);
});
