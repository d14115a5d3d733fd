import { render, screen, within } from "@testing-library/react";
import { expect, test } from "vitest";
import { AnswerView, verdictOf } from "./answer";
import type { Answer } from "./api";

const model = "anthropic.claude-haiku-4-5-20251001-v1:0";

const check = (number: number, purpose: string, region: string, decision: Answer["checks"][number]["decision"] = "allowed") => ({
  number, step: "call", purpose, principal: "p", action: "bedrock:InvokeModel", resource: `arn:aws:bedrock:${region}::foundation-model/${model}`,
  requestedRegion: region, decision, reason: { code: "x", text: `理由${number}` }, hints: [{ code: "h", text: `手がかり${number}` }],
});

const answer = (more: Partial<Answer>): Answer => ({
  version: 1, decision: "allowed", reason: { code: "allowed_resident", text: "全体の理由" }, principal: "p", resident: "yes",
  checks: [check(1, "profile", "ap-northeast-1"), check(2, "sourceModel", "ap-northeast-1"), check(3, "destinationModel", "ap-northeast-3")],
  destinations: ["ap-northeast-1", "ap-northeast-3"], allowedRegions: ["ap-northeast-1", "ap-northeast-3"], ...more,
});

const rows = () => within(screen.getByRole("region", { name: "処理されうるリージョン" })).getAllByRole("row").slice(1).map((row) => row.textContent);

test("allowed is well only where the prompt stays", () => {
  expect(verdictOf({ decision: "allowed", resident: "yes" })).toBe("stays");
  expect(verdictOf({ decision: "allowed", resident: "no" })).toBe("leaves");
  expect(verdictOf({ decision: "allowed", resident: "unknown" })).toBe("unknown");
  expect(verdictOf({ decision: "partial", resident: "yes" })).toBe("partial");
  expect(verdictOf({ decision: "denied", resident: "no" })).toBe("denied");
});

test("each destination has its row", () => {
  render(<AnswerView answer={answer({})} />);
  expect(screen.getByRole("status").textContent).toContain("使えます。プロンプトは許可リージョンの中にとどまります");
  expect(rows()).toEqual([expect.stringContaining("ap-northeast-1"), expect.stringContaining("ap-northeast-3")]);
  expect(rows().every((row) => row?.includes("許可") && row.includes("中"))).toBe(true);
});

test("what is allowed but leaves is an alert, and the world is a destination", () => {
  render(
    <AnswerView
      answer={answer({
        resident: "no", anywhere: true, destinations: ["ap-northeast-1"], checks: [check(1, "sourceModel", "ap-northeast-1"), check(2, "globalModel", "unspecified")],
        warnings: [{ code: "leaves_anywhere", text: "外に出ます" }, { code: "scps_end_here", text: "SCP はここまで" }],
      })}
    />,
  );
  expect(screen.getByRole("alert").textContent).toContain("AWS は許可しますが、プロンプトが許可リージョンの外に出ます");
  expect(rows()).toEqual([expect.stringContaining("ap-northeast-1"), expect.stringContaining("世界のどの商用リージョンでも")]);
  expect(rows()[1]).toContain("外に出る");
  screen.getByText("SCP はここまで");
  expect(screen.queryByText("外に出ます")).toBeNull(); // the alert has said it
});

test("a refusal says which check decided, why, and what AWS would print", () => {
  render(
    <AnswerView
      answer={answer({
        decision: "denied", decidedBy: 3, awsMessage: "User: p is not authorized", checks: [check(2, "sourceModel", "ap-northeast-1"), check(3, "destinationModel", "ap-northeast-3", "explicitDeny")],
      })}
    />,
  );
  const said = screen.getByRole("status");
  expect(said.textContent).toContain("使えません");
  expect(said.textContent).toContain("理由3");
  expect(said.textContent).toContain("手がかり3");
  screen.getByText("User: p is not authorized");
  expect(rows()[1]).toContain("拒否");
});
