import { fireEvent, render, screen, waitFor, within } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { useState } from "react";
import { describe, expect, test, vi } from "vitest";
import { ApiError } from "@/lib/api/error";
import { changeLocale } from "@/lib/i18n";
import { Button, IconButton } from "./button";
import { ConfirmDialog } from "./dialog";
import { ErrorNotice } from "./error-notice";
import { Select } from "./select";
import { Table, type Column } from "./table";
import { NumberField, PasswordField, SearchField, TextField } from "./text-field";
import { toast, Toasts } from "./toast";
import { Plus } from "lucide-react";

describe("a button", () => {
  test("that cannot act now keeps the focus and says why", async () => {
    const press = vi.fn();
    render(
      <Button disabledReason="最初のページです" onPress={press}>
        前へ
      </Button>,
    );
    const button = screen.getByRole("button", { name: "前へ" });
    await userEvent.tab();
    expect(button).toHaveProperty("ariaDisabled", "true");
    expect(document.activeElement).toBe(button);
    expect(screen.getByRole("tooltip").textContent).toBe("最初のページです");
    await userEvent.click(button);
    await userEvent.keyboard("{Enter}");
    expect(press).not.toHaveBeenCalled();
  });

  test("acts once while its act runs", async () => {
    const press = vi.fn();
    const { rerender } = render(<Button onPress={press}>保存する</Button>);
    await userEvent.click(screen.getByRole("button"));
    rerender(
      <Button onPress={press} isPending pendingLabel="保存しています">
        保存する
      </Button>,
    );
    await userEvent.click(screen.getByRole("button", { name: "保存しています" }));
    expect(press).toHaveBeenCalledOnce();
  });

  test("with a drawing alone has a name", () => {
    render(<IconButton icon={Plus} label="追加する" />);
    expect(screen.getByRole("button", { name: "追加する" })).toBeTruthy();
  });
});

describe("a confirming dialog", () => {
  function Harness({ act }: { act: () => Promise<void> }) {
    const [open, setOpen] = useState(false);
    return (
      <>
        <Button onPress={() => setOpen(true)}>停止…</Button>
        <ConfirmDialog title="佐伯 由美子を停止しますか" confirmLabel="停止する" isOpen={open} onClose={() => setOpen(false)} onConfirm={act}>
          会話は残ります。
        </ConfirmDialog>
      </>
    );
  }

  test("has the verb on its button, starts on the safe one, and gives the focus back", async () => {
    const act = vi.fn(() => Promise.resolve());
    render(<Harness act={act} />);
    const opener = screen.getByRole("button", { name: "停止…" });
    await userEvent.click(opener);
    const dialog = screen.getByRole("alertdialog", { name: "佐伯 由美子を停止しますか" });
    expect(document.activeElement).toBe(within(dialog).getByRole("button", { name: "やめる" }));
    await userEvent.click(within(dialog).getByRole("button", { name: "停止する" }));
    expect(act).toHaveBeenCalledOnce();
    await waitFor(() => expect(screen.queryByRole("alertdialog")).toBeNull());
    await waitFor(() => expect(document.activeElement).toBe(opener));
  });

  test("stays open and says what went wrong", async () => {
    render(<Harness act={() => Promise.reject(new ApiError({ status: 409, code: "last_administrator" }))} />);
    await userEvent.click(screen.getByRole("button", { name: "停止…" }));
    await userEvent.click(screen.getByRole("button", { name: "停止する" }));
    expect((await screen.findByRole("alert")).textContent).toContain("最後の管理者は外せません");
    expect(screen.getByRole("alertdialog")).toBeTruthy();
  });
});

describe("a table", () => {
  interface Row {
    id: string;
    name: string;
  }
  const columns: Column<Row>[] = [{ id: "name", header: "氏名", cell: (r) => r.name, sortable: true }];
  const rows = [
    { id: "1", name: "相川" },
    { id: "2", name: "飯塚" },
  ];
  const base = { label: "アカウント", columns, rowKey: (r: Row) => r.id, rowName: (r: Row) => r.name };

  test("opens a row by its name and by a click beside it, but not by its box", async () => {
    const open = vi.fn();
    render(<Table {...base} rows={rows} onOpen={open} selected={new Set()} onSelect={() => undefined} />);
    await userEvent.click(screen.getByRole("button", { name: "相川" }));
    expect(open).toHaveBeenCalledTimes(1);
    await userEvent.click(screen.getByRole("row", { name: /飯塚/ }));
    expect(open).toHaveBeenCalledTimes(2);
    await userEvent.click(screen.getByRole("checkbox", { name: "飯塚を選ぶ" }));
    expect(open).toHaveBeenCalledTimes(2);
  });

  test("selects all that is shown, and says when only some are", async () => {
    const select = vi.fn();
    render(<Table {...base} rows={rows} selected={new Set(["1"])} onSelect={select} />);
    const all = screen.getByRole("checkbox", { name: "表示中をすべて選ぶ" });
    expect(all).toHaveProperty("indeterminate", true);
    await userEvent.click(all);
    expect(select).toHaveBeenLastCalledWith(new Set(["1", "2"]));
  });

  test("turns the order round", async () => {
    const onSort = vi.fn();
    render(<Table {...base} rows={rows} sort={{ column: "name", direction: "ascending" }} onSort={onSort} />);
    expect(screen.getByRole("columnheader").getAttribute("aria-sort")).toBe("ascending");
    await userEvent.click(screen.getByRole("button", { name: "氏名" }));
    expect(onSort).toHaveBeenCalledWith({ column: "name", direction: "descending" });
  });

  test("answers for empty and for failed", () => {
    const { rerender } = render(<Table {...base} rows={[]} empty={<p>まだありません</p>} />);
    expect(screen.getByText("まだありません")).toBeTruthy();
    rerender(<Table {...base} rows={[]} error={new ApiError({ code: "unreachable" })} onRetry={() => undefined} />);
    expect(screen.getByRole("alert").textContent).toContain("Kakoi につながりません");
    expect(screen.getByRole("button", { name: "もう一度試す" })).toBeTruthy();
  });
});

describe("a field", () => {
  test("names itself, its hint and its error", () => {
    render(<TextField label="氏名" hint="表示されます" error="入力してください" />);
    const input = screen.getByRole("textbox", { name: "氏名" });
    expect(input.getAttribute("aria-invalid")).toBe("true");
    const said = (input.getAttribute("aria-describedby") ?? "").split(" ").map((id) => document.getElementById(id)?.textContent);
    expect(said).toEqual(expect.arrayContaining(["表示されます", "入力してください"]));
  });

  test("shows a password on demand", async () => {
    render(<PasswordField label="パスワード" defaultValue="himitsu" />);
    const input = screen.getByLabelText("パスワード");
    expect(input.getAttribute("type")).toBe("password");
    await userEvent.click(screen.getByRole("button", { name: "パスワードを表示する" }));
    expect(input.getAttribute("type")).toBe("text");
  });

  test("reads a grouped number and an empty one", async () => {
    const change = vi.fn();
    render(<NumberField label="上限" value={NaN} onChange={change} unit="トークン" />);
    await userEvent.type(screen.getByLabelText("上限"), "64,000");
    await userEvent.tab();
    expect(change).toHaveBeenLastCalledWith(64000);
  });

  test("chooses by keyboard", async () => {
    const change = vi.fn();
    render(
      <Select
        label="地域"
        value="tokyo"
        onChange={change}
        options={[
          { value: "tokyo", label: "東京" },
          { value: "osaka", label: "大阪" },
        ]}
      />,
    );
    await userEvent.tab();
    await userEvent.keyboard("{Enter}{ArrowDown}{Enter}");
    expect(change).toHaveBeenCalledWith("osaka");
  });
});

describe("a failure", () => {
  test("of ours has a number to look it up by, a wrong password has none", () => {
    const { rerender } = render(<ErrorNotice error={new ApiError({ status: 500, code: "internal", requestId: "req-7" })} />);
    expect(screen.getByText("req-7")).toBeTruthy();
    rerender(<ErrorNotice error={new ApiError({ status: 401, code: "sign_in_failed", requestId: "req-8" })} />);
    expect(screen.queryByText("req-8")).toBeNull();
  });

  test("with a code we do not know says what the server said", () => {
    render(<ErrorNotice error={new ApiError({ status: 400, code: "from_the_future", detail: "The moon is full." })} />);
    expect(screen.getByRole("alert").textContent).toContain("The moon is full.");
  });

  test("speaks the language in use", async () => {
    await changeLocale("en");
    try {
      render(<ErrorNotice error={new ApiError({ code: "unreachable" })} />);
      expect(screen.getByRole("alert").textContent).toContain("Kakoi cannot be reached");
    } finally {
      await changeLocale("ja");
    }
  });
});

test("a toast takes the change back", async () => {
  const undo = vi.fn();
  render(<Toasts />);
  toast({ text: "会話を削除しました", undo });
  await userEvent.click(await screen.findByRole("button", { name: "元に戻す" }));
  expect(undo).toHaveBeenCalledOnce();
  await waitFor(() => expect(screen.queryByText("会話を削除しました")).toBeNull());
});

test("a toast that says the same again takes the place of the first", async () => {
  render(<Toasts />);
  const close = [toast({ text: "書き出しました" }), toast({ text: "保存しました" }), toast({ text: "書き出しました" })];
  await screen.findByText("保存しました");
  await waitFor(() => expect(screen.getAllByText("書き出しました")).toHaveLength(1));
  for (const one of close) one();
  await waitFor(() => expect(screen.queryByText("書き出しました")).toBeNull());
});

test("a search hears of whole words, not of half a conversion", () => {
  const heard = vi.fn();
  function Search() {
    const [value, setValue] = useState("");
    return <SearchField label="探す" value={value} onChange={(next) => (heard(next), setValue(next))} />;
  }
  render(<Search />);
  const field = screen.getByRole<HTMLInputElement>("searchbox");
  fireEvent.compositionStart(field);
  fireEvent.change(field, { target: { value: "よさ" } });
  expect(field.value).toBe("よさ");
  fireEvent.keyDown(field, { key: "Escape", keyCode: 229, isComposing: true });
  expect(field.value).toBe("よさ"); // Escape takes back the conversion, not the search
  fireEvent.change(field, { target: { value: "予算" } });
  expect(heard).not.toHaveBeenCalled();
  fireEvent.compositionEnd(field);
  expect(heard.mock.calls).toEqual([["予算"]]);
  expect(field.value).toBe("予算");
});
