import { QueryClient, QueryClientProvider, useQuery } from "@tanstack/react-query";
import { fireEvent, render, screen, waitFor } from "@testing-library/react";
import { expect, test, vi } from "vitest";
import { ApiError } from "@/lib/api/error";
import { SaveSettings, useSettings } from "./settings-page";

interface Bell {
  version: number;
  changedByName?: string;
  tone: string;
}

/** A setting of one word, on a server that others write to as well. */
function belfry() {
  let kept: Bell = { version: 1, tone: "low" };
  const client = new QueryClient({ defaultOptions: { queries: { staleTime: Infinity } } });
  const queryKey = ["bell"];
  const write = vi.fn((tone: string, version: number) => {
    if (version !== kept.version) return Promise.reject(new ApiError({ status: 409, code: "conflict" }));
    kept = { version: version + 1, tone };
    return Promise.resolve(kept);
  });
  function Form({ now }: { now: Bell }) {
    const settings = useSettings<Bell, { tone: string }>({ now, queryKey, valuesOf: ({ tone }) => ({ tone }), same: (one, other) => one.tone === other.tone, write: ({ tone }, base) => write(tone, base.version) });
    return (
      <form {...settings.form.form}>
        <input aria-label="音" value={settings.form.values.tone} onChange={(event) => settings.form.set("tone", event.target.value)} />
        <SaveSettings settings={settings} together={settings.form.values} apart={<p>{now.tone}</p>} />
      </form>
    );
  }
  function Bell() {
    const { data } = useQuery({ queryKey, queryFn: () => kept });
    return data ? <Form now={data} /> : null;
  }
  render(
    <QueryClientProvider client={client}>
      <Bell />
    </QueryClientProvider>,
  );
  return {
    write,
    others: (tone: string) => {
      kept = { version: kept.version + 1, tone, changedByName: "鈴木" };
    },
    again: () => client.refetchQueries({ queryKey }),
    field: () => screen.findByLabelText<HTMLInputElement>("音"),
    press: (name: string) => fireEvent.click(screen.getByRole("button", { name })),
    kept: () => kept,
  };
}

test("what somebody else has decided is taken over where nothing was changed", async () => {
  const bell = belfry();
  await bell.field();
  bell.others("high");
  await bell.again();
  await waitFor(async () => expect((await bell.field()).value).toBe("high"));
});

test("of two who decide at once the second chooses: theirs", async () => {
  const bell = belfry();
  fireEvent.change(await bell.field(), { target: { value: "mine" } });
  bell.others("high");
  bell.press("保存する");
  await screen.findByText(/鈴木さんが先に/);
  expect(screen.getByText("high")).toBeTruthy();
  bell.press("相手の内容にする");
  expect((await bell.field()).value).toBe("high");
  expect(bell.kept().tone).toBe("high");
});

test("of two who decide at once the second chooses: their own, which is saved over it", async () => {
  const bell = belfry();
  fireEvent.change(await bell.field(), { target: { value: "mine" } });
  bell.others("high");
  bell.press("保存する");
  await screen.findByText(/鈴木さんが先に/);
  bell.press("保存する"); // not before it is chosen
  bell.press("自分の変更を続ける");
  bell.press("保存する");
  await waitFor(() => expect(bell.kept()).toEqual({ version: 3, tone: "mine" }));
  expect(bell.write.mock.calls).toEqual([["mine", 1], ["mine", 2]]);
});
