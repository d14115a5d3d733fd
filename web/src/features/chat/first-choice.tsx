import { useMe } from "@/features/account/api";
import type { Model } from "@/lib/api/types";

/** The model that a conversation begins with: the person's, else the one for all. */
export function useFirstModel(models: readonly Model[]): Model | undefined {
  const { preferences } = useMe();
  return models.find((one) => one.id === preferences.defaultModelId) ?? models.find((one) => one.isDefault) ?? models[0];
}
