import { afterEach, describe, expect, it } from "vitest";
import { ja } from "@/locales/ja";
import { commandOf, keysOn, setKeysOn, shortcuts } from "./table";

afterEach(() => {
  document.body.innerHTML = "";
  localStorage.clear();
});

function press(key: string, more: KeyboardEventInit = {}, markup = "<p></p>", single = true) {
  document.body.innerHTML = markup;
  const target = document.body.querySelector("[data-at]") ?? document.body.firstElementChild ?? document.body;
  let command: string | undefined;
  const listen = (event: KeyboardEvent) => (command = commandOf(event, single));
  window.addEventListener("keydown", listen);
  target.dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true, cancelable: true, ...more }));
  window.removeEventListener("keydown", listen);
  return command;
}

describe("keys", () => {
  it("do what the list says", () => {
    expect(press("?")).toBe("help");
    expect(press("n")).toBe("newConversation");
    expect(press(".", { ctrlKey: true })).toBe("stop");
    expect(press("n", { ctrlKey: true })).toBeUndefined();
    expect(press("k", { ctrlKey: true })).toBeUndefined(); // the palette's own
  });

  it("do nothing while one writes, chooses from a list, or answers a dialog", () => {
    expect(press("n", {}, "<textarea></textarea>")).toBeUndefined();
    expect(press("?", {}, "<input>")).toBeUndefined();
    expect(press("c", {}, '<div role="menu"><button data-at></button></div>')).toBeUndefined();
    expect(press("n", {}, '<div role="dialog"><button data-at></button></div>')).toBeUndefined();
    expect(press(".", { ctrlKey: true }, "<textarea></textarea>")).toBe("stop"); // writes nothing
  });

  it("leave an input method alone", () => {
    expect(press(".", { ctrlKey: true, isComposing: true }, "<textarea></textarea>")).toBeUndefined();
    expect(press("n", { keyCode: 229 })).toBeUndefined();
  });

  it("can be turned off, those with Ctrl excepted", () => {
    setKeysOn(false);
    expect(keysOn()).toBe(false);
    expect(press("n", {}, "<p></p>", keysOn())).toBeUndefined();
    expect(press(".", { ctrlKey: true }, "<p></p>", keysOn())).toBe("stop");
  });

  it("all have words", () => {
    for (const { name } of shortcuts) expect(ja.shortcuts[name]).toBeTruthy();
  });
});
