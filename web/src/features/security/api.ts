import { queryOptions } from "@tanstack/react-query";
import { api, unwrap } from "@/lib/api/client";
import type { Me, Schemas } from "@/lib/api/types";
import { createPasskey, provePasskey } from "@/lib/webauthn";

export type SecondFactors = Schemas["SecondFactors"];
export type Passkey = Schemas["PasskeyEntry"];
export type SecondStep = Schemas["SecondStep"];

/** One's second factors. */
export const factorsQuery = queryOptions({
  queryKey: ["me", "second-factors"],
  queryFn: ({ signal }) => unwrap(api.GET("/me/second-factors", { signal })),
});

/** What may be brought to the second step. */
export const secondStepQuery = queryOptions({
  queryKey: ["second-step"],
  queryFn: ({ signal }) => unwrap(api.GET("/sign-in/second-factor", { signal })),
});

export const beginApp = () => unwrap(api.POST("/me/totp", {}));
export const confirmApp = (body: Schemas["TotpConfirmation"]) => unwrap(api.POST("/me/totp/confirm", { body }));
export const removeApp = () => unwrap(api.DELETE("/me/totp", {}));
export const newRecoveryCodes = () => unwrap(api.POST("/me/recovery-codes", {}));
export const renamePasskey = (id: string, name: string) => unwrap(api.PATCH("/me/passkeys/{id}", { params: { path: { id } }, body: { name } }));
export const removePasskey = (id: string) => unwrap(api.DELETE("/me/passkeys/{id}", { params: { path: { id } } }));

/** Makes a passkey on this device and keeps it under a name. */
export async function addPasskey(name: string) {
  const { ceremony, options } = await unwrap(api.POST("/me/passkeys/challenge", {}));
  return unwrap(api.POST("/me/passkeys", { body: { ceremony, name, credential: await createPasskey(options) } }));
}

/** Proves one of one's passkeys on this device. */
async function ownPasskey() {
  const { ceremony, options } = await unwrap(api.POST("/me/proof/challenge", {}));
  return { ceremony, credential: await provePasskey(options) };
}

export const passWithCode = (code: string): Promise<Me> => unwrap(api.POST("/sign-in/second-factor", { body: { code } }));
export const passWithRecoveryCode = (recoveryCode: string): Promise<Me> => unwrap(api.POST("/sign-in/second-factor", { body: { recoveryCode } }));
export const passWithPasskey = async (): Promise<Me> => unwrap(api.POST("/sign-in/second-factor", { body: { passkey: await ownPasskey() } }));

export const prove = (body: { password: string } | { code: string }) => unwrap(api.POST("/me/proof", { body }));
export const proveWithPasskey = async () => unwrap(api.POST("/me/proof", { body: { passkey: await ownPasskey() } }));

/** Signs in with a passkey and nothing else. */
export async function signInWithPasskey(how?: { quiet?: boolean; signal?: AbortSignal }): Promise<Me> {
  const { ceremony, options } = await unwrap(api.POST("/sign-in/passkey/challenge", { signal: how?.signal }));
  const credential = await provePasskey(options, how);
  return unwrap(api.POST("/sign-in/passkey", { body: { ceremony, credential } }));
}

/** Where a session that has a step to pass belongs. */
export function stepOf(me: Pick<Me, "pending">): "/sign-in/second-factor" | "/password" | "/sign-in/set-up" | undefined {
  switch (me.pending[0]) {
    case "second_factor":
      return "/sign-in/second-factor";
    case "password_change":
      return "/password";
    case "enrol_second_factor":
      return "/sign-in/set-up";
    default:
      return undefined;
  }
}
